#!/usr/bin/python3
"""Makes the fixture of a form of the issuer's data folder, with the programs that write that form.

    SKS_BUILD=/build/of/that/commit tests/data/issuers/make.py NAME

writes the data folder NAME and NAME/facts.json beside this file. The facts say what became of each
session; of those in doubt they have the closing proof, which comes late. The certificates of one
were confirmed by a later session: until form 6 it stayed in doubt. They also have the codes of
invitations, where there are any: one is open, one used up, one withdrawn. The certificates are
good for as long as a CA of the issuer lets them. All keys in it were drawn here and protect nothing.
"""

import atexit
import copy
import json
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration"))

from rig import processes                                       # noqa: E402
from rig.client_side import Client, Device                      # noqa: E402
from rig.enrolcase import Browser                               # noqa: E402
from rig.keygen2 import dumps                                   # noqa: E402
from rig.sks_types import base64url                             # noqa: E402
from rig.testcase import PROFILE, write_profile                 # noqa: E402

DAYS = 7200     # the CA's certificate has 7300


def lasting_policies():
    policies = copy.deepcopy(PROFILE["pinPolicySpecifiers"])
    policies[0]["keyEntrySpecifiers"][0]["certificate"]["validityDays"] = DAYS
    return policies


def make_invitations(issuer):
    """{state: what `invite` said}"""
    def command(name, *arguments):
        return processes.run("sks-issuer", name, *arguments, "--data", issuer.data)

    made = {state: json.loads(command("invite", "coded", "--json", "--expires",
                                      "2099-01-01T00:00:00Z", "--set", "room=12").stdout)
            for state in ("open", "used up", "withdrawn")}
    Browser(issuer.url).send_code("coded", made["used up"]["code"])
    command("withdraw", str(made["withdrawn"]["number"]))
    return made


def main(name):
    folder = processes.temporary_folder(atexit.register)
    device = Device()
    trust = device.authority.write_pem(folder / "device-ca.pem")
    profiles = folder / "profiles"
    for profile, changes in (("plain", {}), ("private", {"privacyEnabled": True}),
                             ("unmanaged", {"keyManagementKey": False}),
                             ("short", {"sessionLifeTime": 1})):
        write_profile(profiles, profile, pinPolicySpecifiers=lasting_policies(), **changes)
    invites = processes.run("sks-issuer", "invite", "--help").returncode == 0
    if invites:
        write_profile(profiles, "coded", enrolment={"code": True})
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
    facts["invitations"] = make_invitations(issuer) if invites else {}
    issuer.stop()
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(issuer.data, target, ignore=shutil.ignore_patterns("*lock", "trust"))
    (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
