"""Sessions that end in doubt: profiles for them, and what must hold of them until they are settled
and after."""

import json

from . import clock
from .client_side import HttpSession
from .crlcase import CrlCase
from .processes import run_json
from .records import check_record
from .sks_types import from_base64url
from .testcase import PROFILE, write_profile

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)
PROOF = "ProvisioningFinalizationResponse"
DISCOVERY = "CredentialDiscoveryRequest"
FINALIZATION = "ProvisioningFinalizationRequest"
NO_PIN = {"pinPolicySpecifiers": [], "keyEntrySpecifiers":
          PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"]}


def kept_files(folder):
    """Those of a state folder that hold something: a free slot for a proof is all zeros."""
    found = sorted(folder.iterdir()) if folder.exists() else []
    return [path for path in found if any(path.read_bytes())]


def without_pins(**changes):
    profile = {**PROFILE, **NO_PIN, **changes}
    del profile["pinPolicySpecifiers"]
    return profile


UNLOCKING = {"lookupSpecifiers": [{"id": "Keys", "searchFilter": {"subjectRegEx": "CN=Test"}}],
             "unlockKeys": [{"lookup": "Keys"}]}


def write_profiles(folder, life=clock.LIFE):
    write_profile(folder, "plain")
    write_profile(folder, "short", sessionLifeTime=life)
    for name, changes in (("unmanaged", {"keyManagementKey": False}),
                          ("private", {"privacyEnabled": True})):
        write_profile(folder, name, **changes)
        write_profile(folder, "short-" + name, sessionLifeTime=life, **changes)
    (folder / "short-no-pin.json").write_text(json.dumps(without_pins(sessionLifeTime=life)))
    second = [{**NO_PIN["keyEntrySpecifiers"][0], "id": "Key.2"}]
    write_profile(folder, "short-mixed", sessionLifeTime=life, keyEntrySpecifiers=second)
    # createPinPolicy, createKeyEntry and its attestation, setCertificatePath, the close: no more.
    write_profile(folder, "tight", sessionKeyLimit=6)
    write_profile(folder, "looking", **UNLOCKING)
    write_profile(folder, "looking-private", privacyEnabled=True, **UNLOCKING)
    return folder


class DoubtCase(CrlCase):
    @classmethod
    def setUpClass(cls):
        clock.install()
        super().setUpClass()

    def assert_on_hold(self, session_id):
        """In doubt, with certificates that do not count."""
        self.assert_verdict(session_id, "in doubt")
        rows = self.exported("--session", session_id)
        self.assertTrue(rows)
        for row in rows:
            self.assertEqual((row["state"], row["revocation"]["reason"],
                              row["revocation"]["origin"]),
                             ("in doubt", "certificateHold", "in doubt"))
            self.assertEqual(self.reason_of(row), "certificateHold")

    def assert_counts(self, session_id, verdict="succeeded"):
        self.assert_verdict(session_id, verdict)
        for row in self.exported("--session", session_id):
            self.assertEqual((row["state"], row["revocation"]), ("live", None))
            self.assert_good(self.der(row))

    def assert_confirmed(self, session_id, by):
        """It counts without a proof of its own, and everybody is told who has shown it."""
        self.assert_counts(session_id)
        shown = run_json("sks-issuer", "show", session_id, "--data", self.issuer.data, "--json")
        self.assertEqual((shown["verdict"], shown["cause"]), ("succeeded", ""))
        last = shown["timeline"][-1]
        self.assertEqual((last["check"], last["passed"], last["detail"]),
                         ("confirmation", True, "by session " + by))
        status, page = HttpSession(self.issuer.url).record("done", session_id)
        self.assertEqual((status, page["verdict"], page["cause"]), (200, "succeeded", ""))
        self.assertEqual(HttpSession(self.issuer.url).record("failed", session_id)[0], 404)
        self.assertEqual(list(check_record(self.issuer, session_id)), [])
        self.assertRegex(self.issuer.stderr(), "session %s profile .*: confirmed by a later"
                         % session_id)

    def assert_void(self, session_id, cause):
        self.assertRegex(self.assert_verdict(session_id, "failed"), cause)
        for row in self.exported("--session", session_id):
            self.assertEqual((row["state"], row["revocation"]["origin"]), ("void", "failed"))
            self.assert_revoked(self.der(row), "cessationOfOperation")

    @staticmethod
    def der(row):
        lines = row["certificate"].strip().splitlines()[1:-1]
        return from_base64url("".join(lines).rstrip("=").replace("+", "-").replace("/", "_"))

    def reason_of(self, row):
        return self.reason(self.der(row))

    @staticmethod
    def wait():
        """The life time of the short sessions is over."""
        clock.skip()
