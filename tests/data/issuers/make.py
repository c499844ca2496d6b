#!/usr/bin/python3
"""Makes the fixture of a form of the issuer's data folder, with the programs that write that form.

    SKS_BUILD=/build/of/that/commit tests/data/issuers/make.py NAME

writes the data folder NAME and NAME/facts.json beside this file. The facts say what became of each
session; of those in doubt they have the closing proof, which comes late. The certificates of one
were confirmed by a later session: until form 6 that stays in doubt. All keys in it were drawn here
and protect nothing.
"""

import json
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration"))

from rig import processes                                       # noqa: E402
from rig.client_side import Client, Device                      # noqa: E402
from rig.keygen2 import dumps                                   # noqa: E402
from rig.sks_types import base64url                             # noqa: E402
from rig.testcase import write_profile                          # noqa: E402


def main(name):
    folder = processes.temporary_folder()
    device = Device()
    trust = device.authority.write_pem(folder / "device-ca.pem")
    profiles = folder / "profiles"
    for profile, changes in (("plain", {}), ("private", {"privacyEnabled": True}),
                             ("unmanaged", {"keyManagementKey": False}),
                             ("short", {"sessionLifeTime": 1})):
        write_profile(profiles, profile, **changes)
    issuer = processes.Issuer(folder, trust=[trust], profiles=profiles)
    issuer.start()
    facts = {"device": base64url(device.certificate), "url": issuer.url, "sessions": []}

    def remember(client, verdict, **more):
        facts["sessions"].append({
            "id": client.session_id, "verdict": verdict, "path": client.path,
            "profile": client.path.rsplit("/", 1)[1], **more,
            "certificates": [base64url(path[0]) for path in client.certificates.values()]})

    for profile in ("plain", "plain", "private", "unmanaged"):
        client = Client(issuer.url, profile, device)
        client.run(until="ProvisioningInitializationRequest")
        client.post(client.initialization_response(anonymous=profile == "private"))
        if not client.run().done:
            raise SystemExit("a session did not succeed")
        remember(client, "succeeded")

    def doubt():
        client = Client(issuer.url, "short", device)
        client.run(until="ProvisioningFinalizationRequest")
        proof = dumps(client.answer()).decode()
        time.sleep(2.2)
        return client, {"cookie": client.http.cookie, "proof": proof}

    confirmed, more = doubt()
    by = Client(issuer.url, "plain", device)
    if not by.run().done:
        raise SystemExit("a session in doubt was not confirmed")
    remember(confirmed, "succeeded", confirmedBy=by.session_id, **more)
    remember(by, "succeeded")
    failed = Client(issuer.url, "plain", device)
    failed.run(until="ProvisioningFinalizationRequest")
    failed.finalization_response()
    failed.http.request("GET", failed.path + "?abort=true")
    remember(failed, "failed")
    doubtful, more = doubt()
    remember(doubtful, "in doubt", **more)
    issuer.sessions()                       # lets time pass in the database too
    issuer.stop()
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(issuer.data, target, ignore=shutil.ignore_patterns("lock", "trust"))
    (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    processes.remove_folder(folder)


if __name__ == "__main__":
    main(sys.argv[1])
