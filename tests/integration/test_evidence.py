"""Evidence records of real sessions of every shipped profile: sks-vectors finds them valid, and so
does a second implementation of the check (rig/recheck.py), which shares no code with the first."""

import json
import unittest

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rig.processes import provision, run
from rig.profile import shipped
from rig.profilecase import Record, ShippedCase
from rig.recheck import Recheck
from rig.sks_types import from_base64url

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
    test_session_2010 = runs("session-2010")


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


class OverHttps(RecordCase):
    """The TLS certificate that the client saw is in the terms, and under the attestation."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca], https="127.0.0.1:0")

    def test(self):
        code, outcome, log = provision("%s/kg2/p256-user-pin" % self.issuer.https_url,
                                       self.token.url, "--ca", self.issuer.data / "tls.pem")
        self.assertEqual(code, 0, (outcome, log))
        record = Record(self.issuer, outcome["serverSessionId"])
        self.check_record(None, record)
        pem = x509.load_pem_x509_certificate((self.issuer.data / "tls.pem").read_bytes())
        self.assertEqual(from_base64url(record.terms["serverCertificate"]),
                         pem.public_bytes(Encoding.DER))


class All(unittest.TestCase):
    def test_each_shipped_profile_has_its_test(self):
        self.assertEqual(sorted(TESTED), [profile.name for profile in shipped()])
