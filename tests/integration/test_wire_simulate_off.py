"""What was made under --simulate and is served without it: nobody gets past what is not there."""

import os
import stat
from unittest import mock

from rig.keycase import PIN, PUK
from rig.operationcase import CRYPTO_METHODS
from rig.processes import provision, run, run_json
from rig.simulatecase import (
    ALTERNATIVE, BARE, BOTH, BY_NOBODY, BY_PIN, COMBINED, DEVICE, DEVICE_PIN,
    DEVICE_PIN_PROTECTED, EXCLUSIVE, SimulateTest)
from rig.testcase import PROFILE, RigTest, write_profile
from rig.wirecase import AUTHORIZATION, NOT_ALLOWED, OPTION

DONE, REFUSED = 0, 1
NEW = b"8642"


class Off(SimulateTest):
    def refuse_each_operation(self, key, pin, biometric):
        """All five methods, whatever the algorithm: the authorization comes first."""
        for method, values in CRYPTO_METHODS.items():
            with self.subTest(method, pin=pin, biometric=biometric):
                text = self.assert_status(
                    NOT_ALLOWED, self.sks.call, method, keyHandle=key.handle,
                    algorithm="http://x", parameters=b"", biometricAuth=biometric,
                    authorization=pin, **values)
                self.assertIn("--simulate", text)

    def test_device_pin(self):
        plain = self.device_key(exportProtection=BY_PIN, deleteProtection=BY_NOBODY)
        by_pin = self.device_key(deleteProtection=BY_PIN)
        self.serve_with()
        for pin in (DEVICE_PIN, b"", PIN):
            self.refuse_each_operation(plain, pin, False)
            self.assert_status(NOT_ALLOWED, self.manage, "exportKey", plain, pin)
            self.assert_status(NOT_ALLOWED, self.manage, "deleteKey", by_pin, pin)
            self.assert_status(NOT_ALLOWED, self.manage, "changePin", plain, pin, newPin=NEW)
            self.assert_status(OPTION, self.manage, "setPin", plain, pin, newPin=NEW)
            self.assert_status(OPTION, self.manage, "unlockKey", plain, pin)
        self.assert_protection(plain, protectionStatus=DEVICE_PIN_PROTECTED)
        self.manage("deleteKey", plain)
        self.assert_gone(plain)
        self.serve_with(*BOTH)
        self.use(by_pin, DEVICE_PIN)

    def test_biometrics(self):
        exclusive = self.one({**BARE, "biometricProtection": EXCLUSIVE})
        combined = self.one({"biometricProtection": COMBINED})
        self.serve_with()
        for biometric in (True, False):
            self.refuse_each_operation(exclusive, b"", biometric)
            for pin in (PIN, b"0000"):
                self.refuse_each_operation(combined, pin, biometric)
        self.assertEqual(self.errors(combined), [0], "no PIN was compared")
        self.assert_protection(exclusive, biometricProtection=EXCLUSIVE)
        self.manage("changePin", combined, PIN, newPin=NEW)
        self.serve_with(*BOTH)
        self.use(exclusive, biometric=True)
        self.use(combined, NEW, biometric=True)

    def test_alternative_still_has_its_pin(self):
        key = self.one({"biometricProtection": ALTERNATIVE})
        self.serve_with()
        self.refuse_each_operation(key, b"", True)
        self.refuse_each_operation(key, PIN, True)
        self.miss(key)
        self.use(key, PIN)
        self.assertEqual(self.errors(key), [0])

    def test_keys_without_are_as_they_were(self):
        bare, protected = self.make(BARE, {})
        self.serve_with()
        for key, pin in ((bare, b""), (protected, PIN)):
            self.use(key, pin)
            self.assert_status(OPTION, self.use, key, b"", biometric=True)
        self.assert_status(OPTION, self.use, bare, DEVICE_PIN)

    def test_one_without_the_other(self):
        alternative, combined = (self.device_key(biometricProtection=protection)
                                 for protection in (ALTERNATIVE, COMBINED))
        self.serve_with("--simulate", "biometrics")
        self.use(alternative, biometric=True)
        self.assert_status(NOT_ALLOWED, self.use, alternative, DEVICE_PIN)
        self.assert_status(NOT_ALLOWED, self.use, combined, DEVICE_PIN, biometric=True)
        session = self.session()
        self.assert_torn_down(OPTION, session, session.key, devicePinProtection=True)
        self.use(self.one({"biometricProtection": ALTERNATIVE}), biometric=True)
        self.serve_with("--simulate", "device-pin")
        self.use(alternative, DEVICE_PIN)
        self.assert_status(NOT_ALLOWED, self.use, alternative, biometric=True)
        self.assert_status(NOT_ALLOWED, self.use, combined, DEVICE_PIN, biometric=True)
        for protection, changes in ((ALTERNATIVE, DEVICE), (COMBINED, DEVICE), (EXCLUSIVE, BARE)):
            session = self.session()
            self.assert_torn_down(OPTION, session, session.key, biometricProtection=protection,
                                  devicePinProtection=changes is DEVICE)
        self.use(self.device_key(), DEVICE_PIN)

    def test_no_new_keys(self):
        self.serve_with()
        for changes in ({"devicePinProtection": True}, {"biometricProtection": EXCLUSIVE}):
            session = self.session()
            self.assert_torn_down(OPTION, session, session.key, **changes)

    def test_session_that_was_open_meanwhile(self):
        session = self.session()
        key = session.key(devicePinProtection=True)
        self.serve_with()
        self.finish(session, key)
        self.assert_status(NOT_ALLOWED, self.use, key, DEVICE_PIN)
        self.serve_with(*BOTH)
        self.miss(key, b"")
        self.use(key, DEVICE_PIN)

    def test_post_operations(self):
        """They open nothing: what is inherited is as shut as the target."""
        targets = [self.device_key() for _ in range(3)]
        self.serve_with()
        self.do("update", targets[0])
        _, clone = self.do("clone", targets[1])
        session = self.managed()
        self.assert_torn_down(OPTION, session, self.queue, session, "unlock", targets[2])
        for key in (targets[0], targets[1], clone):
            self.assert_status(NOT_ALLOWED, self.use, key, DEVICE_PIN)
            self.assert_status(NOT_ALLOWED, self.use, key)
        self.do("delete", targets[2])
        self.assert_gone(targets[2])
        self.serve_with(*BOTH)
        for key in (targets[0], targets[1], clone):
            self.miss(key, b"")
            self.use(key, DEVICE_PIN)


class CommandLine(SimulateTest):
    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.data.write_bytes(b"data")
        self.pin_file = self.folder / "pin"
        self.pin_file.write_bytes(DEVICE_PIN + b"\n")
        self.pin_file.chmod(stat.S_IRUSR | stat.S_IWUSR)

    def sign_file(self, key, *options):
        with mock.patch.dict(os.environ):
            os.environ.pop("SKS_TOKEN_PIN", None)
            return run("sks-token", "sign", key.handle, "--store", self.token.store, "--in",
                       self.data, "--out", self.folder / "signature", *options)

    def test_sign(self):
        """Beside the running token, which simulates, and alone, which does not."""
        key = self.device_key()
        self.assertEqual(self.sign_file(key, "--pin-file", self.pin_file).returncode, DONE)
        done = self.sign_file(key)
        self.assertIn("PIN", done.stderr, "asked for")
        self.assertNotEqual(done.returncode, DONE)
        self.sks.close()
        self.token.stop()
        self.addCleanup(self.token.start)
        done = self.sign_file(key, "--pin-file", self.pin_file)
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("--simulate device-pin", done.stderr)
        info = run_json("sks-token", "info", "--store", self.token.store, "--json")
        self.assertFalse(info["devicePinSupport"] or info["biometricSupport"])

    def test_list(self):
        key = self.device_key()
        shown = {row["handle"]: row["protection"] for row in self.token.list()}
        self.assertEqual(shown[key.handle], "device PIN")


class Provisioned(RigTest):
    """Through sks-issuer and sks-proxy."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=BOTH)
        (policy,) = PROFILE["pinPolicySpecifiers"]
        (key,) = policy["keyEntrySpecifiers"]
        write_profile(cls.folder, "simulated", pinPolicySpecifiers=[{
            **policy, "keyEntrySpecifiers": [
                {**key, "id": "Combined", "biometricProtection": "combined"}]}],
            keyEntrySpecifiers=[
                {**key, "id": "Device", "devicePinProtection": True, "deleteProtection": "pin"},
                {**key, "id": "Alternative", "devicePinProtection": True,
                 "biometricProtection": "alternative"},
                {**key, "id": "Exclusive", "biometricProtection": "exclusive"}])
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca], profiles=cls.folder)

    def test_profile(self):
        code, outcome, log = provision(self.issuer.url + "/kg2/simulated", self.token.url)
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assert_verdict(outcome["serverSessionId"], "succeeded")
        handles = {key["id"]: key["handle"] for key in outcome["keys"]}
        sks = self.wire()

        def sign(name, pin=b"", biometric=False):
            return sks.call("signHashedData", keyHandle=handles[name], data=bytes(32),
                            algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                            parameters=b"", biometricAuth=biometric, authorization=pin)

        for name, pin, biometric in (("Combined", PIN, True), ("Device", DEVICE_PIN, False),
                                     ("Alternative", DEVICE_PIN, False),
                                     ("Alternative", b"", True), ("Exclusive", b"", True)):
            sign(name, pin, biometric)
        for name, pin, biometric, status in (
                ("Combined", PIN, False, OPTION), ("Device", PUK, False, AUTHORIZATION),
                ("Device", b"", True, OPTION), ("Exclusive", b"", False, OPTION)):
            self.assert_status(status, sign, name, pin, biometric)

    def test_token_without(self):
        token = self.start_token(device_ca=self.folder / "ca")
        issuer = self.start_issuer(trust=[token.device_ca], profiles=self.folder)
        before = self.wire(token).snapshot()
        code, outcome, _ = provision(issuer.url + "/kg2/simulated", token.url)
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "token"), outcome)
        self.assertIn("biometricProtection", outcome["cause"])
        self.assert_verdict(outcome["serverSessionId"], issuer=issuer)
        self.assertEqual(self.wire(token).snapshot(), before)
