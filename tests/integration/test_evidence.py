"""Evidence records of real sessions of every shipped profile: sks-vectors finds them valid, and so
does a second implementation of the check (rig/recheck.py), which shares no code with the first."""

import json
import unittest

from rig.processes import run
from rig.profile import shipped
from rig.profilecase import ShippedCase
from rig.recheck import Recheck

VALID = 0
WITH_KEY = ("--with-session-key", "--reveal-secrets")
TESTED = []


class RecordCase(ShippedCase):
    """Each session that succeeds gets its record checked."""

    def check_record(self, profile, record):
        session_id = record.json["serverSessionId"]
        for options in ((), WITH_KEY):
            told = run("sks-issuer", "evidence", session_id, "--data", self.issuer.data, "--json",
                       *options)
            self.assertEqual(told.returncode, 0, told.stderr)
            path = self.folder / "record.json"
            path.write_text(told.stdout)
            for pem in ("evidence.pem", "ca.pem"):
                findings = self.assert_valid(path, self.issuer.data / pem, session_id)
                if options:
                    self.assertEqual({item["result"] for item in findings}, {"good"})
            second = Recheck(told.stdout, self.issuer.data / "ca.pem")
            if options:
                self.assert_same_count(findings, second)

    def assert_valid(self, path, pem, session_id):
        done = run("sks-vectors", "check-evidence", path, "--issuer-cert", pem, "--json")
        self.assertEqual((done.returncode, done.stderr), (VALID, ""), done.stdout)
        told = json.loads(done.stdout)
        self.assertEqual((told["result"], told["serverSessionId"], told["verdict"], told["cause"]),
                         ("valid", session_id, "succeeded", ""))
        return told["findings"]

    def assert_same_count(self, findings, second):
        names = [item["name"] for item in findings]
        self.assertEqual(names.count("mac"), second.macs)
        self.assertEqual(names.count("key attestation") + names.count("closing proof"),
                         second.attestations)

    def check_all(self):
        """The token is looked at by test_profiles."""


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
        """Keys of two generations, so that there is a chain."""
        super().setUp()
        self.enrol("p256-user-pin")
        self.roll_over()
        self.enrol("ed25519")


class Everything(RecordCase):
    test = runs("everything")


class All(unittest.TestCase):
    def test_each_shipped_profile_has_its_test(self):
        self.assertEqual(sorted(TESTED), [profile.name for profile in shipped()])
