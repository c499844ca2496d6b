"""The simulated device PIN and the simulated biometrics: what they are, and what they open."""

import os
from unittest import mock

from rig.keycase import PIN, PIN_BLOCKED, PIN_PROTECTED, PREFIX, PUK, PUK_PROTECTED
from rig.operationcase import CRYPTO_METHODS
from rig.processes import Token, run
from rig.simulatecase import (
    ALTERNATIVE, BARE, BOTH, BY_NOBODY, BY_PIN, BY_PUK, COMBINED, DEVICE_PIN,
    DEVICE_PIN_PROTECTED, EXCLUSIVE, NEVER, SimulateTest)
from rig.testcase import RigTest
from rig.wirecase import AUTHORIZATION, MAC, NOT_ALLOWED, OPTION

USAGE = 2
TRUSTED_GUI = 2
NEW = b"8642"
WRONG_PINS = (b"", b"123", b"12345", b"1235", b"1234\0", PIN, b"x" * 500)


class Serve(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = Token(cls.new_folder())

    def serve(self, *options, environment=None, listen="127.0.0.1:0"):
        """Serves; returns the ready line and the two bits of getDeviceInfo."""
        self.token.listen, self.token.options = listen, options
        with mock.patch.dict(os.environ, environment or {}):
            self.token.start()
        try:
            client = self.wire()
            info = client.call("getDeviceInfo")
            client.close()
        finally:
            self.assertEqual(self.token.stop(), 0)
        return " ".join(self.token.ready), info.devicePinSupport, info.biometricSupport

    def test_ready_line_and_device_info(self):
        address = r"^http://127\.0\.0\.1:\d+"
        both = r" \(simulates biometrics, device-pin\)$"
        for what, options, environment, line, bits in (
                ("off", (), {}, "$", (False, False)),
                ("both", BOTH, {}, both, (True, True)),
                ("in the other order", ("--simulate=device-pin,biometrics",), {}, both,
                 (True, True)),
                ("biometrics", ("--simulate", "biometrics"), {}, r" \(simulates biometrics\)$",
                 (False, True)),
                ("device PIN", ("--simulate", "device-pin"), {}, r" \(simulates device-pin\)$",
                 (True, False)),
                ("by environment", (), {"SKS_TOKEN_SIMULATE": "device-pin"},
                 r" \(simulates device-pin\)$", (True, False)),
                ("option before environment", ("--simulate", "biometrics"),
                 {"SKS_TOKEN_SIMULATE": "device-pin"}, r" \(simulates biometrics\)$",
                 (False, True)),
                ("empty environment", (), {"SKS_TOKEN_SIMULATE": ""}, "$", (False, False))):
            with self.subTest(what):
                ready, *found = self.serve(*options, environment=environment)
                self.assertRegex(ready, address + line)
                self.assertEqual(tuple(found), bits)

    def test_ready_line_of_a_unix_socket(self):
        path = "unix:%s" % (self.folder / "sks")
        ready, *bits = self.serve(*BOTH, listen=path)
        self.assertEqual(ready, path + " (simulates biometrics, device-pin)")
        self.assertEqual(bits, [True, True])

    def test_unknown_names(self):
        def refuse(what, *options, environment=None):
            with self.subTest(what):
                done = run("sks-token", "serve", "--store", self.token.store, "--listen",
                           "127.0.0.1:0", *options, environment=environment)
                self.assertEqual(done.returncode, USAGE, (done.stdout, done.stderr))
                self.assertNotIn("ready", done.stdout)
                self.assertRegex(done.stderr, "^sks-token: (--simulate|SKS_TOKEN_SIMULATE): ")

        for text in ("", ",", "biometric", "Biometrics", "biometrics,", ",device-pin", "all",
                     "biometrics,,device-pin", "biometrics, device-pin", "device-pin;biometrics",
                     "device-pin,none"):
            refuse(text, "--simulate", text)
        refuse("twice", "--simulate", "biometrics", "--simulate", "device-pin")
        refuse("environment", environment={"SKS_TOKEN_SIMULATE": "device_pin"})


class DevicePin(SimulateTest):
    def test_protection(self):
        key = self.device_key(exportProtection=BY_PIN, deleteProtection=BY_PIN)
        wanted = {name: 0 for name in vars(self.protection(key))}
        self.assertEqual(vars(self.protection(key)), wanted | {
            "protectionStatus": DEVICE_PIN_PROTECTED, "exportProtection": BY_PIN,
            "deleteProtection": BY_PIN})

    def test_no_counter(self):
        key = self.device_key()
        before = self.protection(key)
        for _ in range(5):
            for wrong in WRONG_PINS:
                self.miss(key, wrong)
        self.assertEqual(self.protection(key), before)
        self.use(key, DEVICE_PIN)

    def test_every_operation_wants_it(self):
        key = self.device_key()
        for method, values in CRYPTO_METHODS.items():
            for pin, status in ((b"", AUTHORIZATION), (PIN, AUTHORIZATION)):
                with self.subTest(method, pin=pin):
                    self.assert_status(
                        status, self.sks.call, method, keyHandle=key.handle, algorithm="http://x",
                        parameters=b"", biometricAuth=False, authorization=pin, **values)
        self.assert_status(OPTION, self.use, key, DEVICE_PIN, biometric=True)

    def test_without_a_pin_nothing_else_opens(self):
        """The device PIN is no master PIN: other keys do not take it."""
        bare, protected = self.make(BARE, {})
        self.assert_status(OPTION, self.use, bare, DEVICE_PIN)
        self.use(bare)
        self.miss(protected, DEVICE_PIN)
        self.assertEqual(self.errors(protected), [1])

    def test_it_lasts(self):
        key = self.device_key(exportProtection=BY_NOBODY)
        self.manage("exportKey", key)
        self.sks.close()
        self.token.restart()
        self.miss(key, b"")
        self.use(key, DEVICE_PIN)

    def test_refused_at_creation(self):
        def make(session, policy=None, **changes):
            pin = None if policy is None else session.pin(**policy)
            session.key(pin=pin, **{"devicePinProtection": True, **changes})

        self.refuse_each([
            ("beside a policy", {"policy": {}}, OPTION),
            ("caching", {"enablePinCaching": True}, OPTION),
            ("pinValue", {"sent": {"pinValue": DEVICE_PIN}}, OPTION),
            ("export by PUK", {"exportProtection": BY_PUK}, OPTION),
            ("delete by PUK", {"deleteProtection": BY_PUK}, OPTION),
            ("exclusive biometrics", {"biometricProtection": EXCLUSIVE}, OPTION),
            ("taken away", {"sent": {"devicePinProtection": False}}, MAC),
            ("slipped in", {"devicePinProtection": False, "sent": {"devicePinProtection": True}},
             MAC)], make)

    def test_delete_and_export(self):
        for method, protection in (("deleteKey", "deleteProtection"),
                                   ("exportKey", "exportProtection")):
            with self.subTest(method):
                key = self.device_key(**{protection: BY_PIN})
                for wrong in WRONG_PINS:
                    self.assert_status(AUTHORIZATION, self.manage, method, key, wrong)
                self.manage(method, key, DEVICE_PIN)
                key = self.device_key(**{protection: NEVER})
                self.assert_status(NOT_ALLOWED, self.manage, method, key, DEVICE_PIN)
                key = self.device_key(**{protection: BY_NOBODY})
                self.assert_status(OPTION, self.manage, method, key, DEVICE_PIN)
                self.manage(method, key)

    def test_it_cannot_be_changed_set_or_unlocked(self):
        key = self.device_key()
        for method, authorization, status in (
                ("changePin", b"", AUTHORIZATION), ("changePin", PIN, AUTHORIZATION),
                ("changePin", DEVICE_PIN, OPTION), ("setPin", DEVICE_PIN, OPTION),
                ("setPin", PUK, OPTION)):
            with self.subTest(method, authorization=authorization):
                self.assert_status(status, self.manage, method, key, authorization, newPin=NEW)
        for authorization in (b"", DEVICE_PIN, PUK):
            self.assert_status(OPTION, self.manage, "unlockKey", key, authorization)
        self.use(key, DEVICE_PIN)


class Biometrics(SimulateTest):
    def make_one(self, session, what, **changes):
        pin = session.pin() if what == "policy" else None
        return session.key(pin=pin, devicePinProtection=what == "device", **changes)

    def test_what_they_stand_beside(self):
        for protection, companions in ((ALTERNATIVE, ("policy", "device")),
                                       (COMBINED, ("policy", "device")), (EXCLUSIVE, ("",))):
            for what in ("", "policy", "device"):
                with self.subTest(protection=protection, beside=what):
                    session = self.session()
                    if what in companions:
                        key = self.make_one(session, what, biometricProtection=protection)
                        self.finish(session, key)
                        self.assert_protection(key, biometricProtection=protection)
                    else:
                        self.assert_torn_down(OPTION, session, self.make_one, session, what,
                                              biometricProtection=protection)

    def test_refused_at_creation(self):
        self.refuse_each([
            ("export by PIN", {"exportProtection": BY_PIN}, OPTION),
            ("delete by PIN", {"deleteProtection": BY_PIN}, OPTION),
            ("delete by PUK", {"deleteProtection": BY_PUK}, OPTION),
            ("caching", {"enablePinCaching": True}, OPTION),
            ("pinValue", {"sent": {"pinValue": PIN}}, OPTION),
            ("out of range", {"biometricProtection": 4}, OPTION),
            ("taken away", {"sent": {"biometricProtection": 0}}, MAC)],
            lambda session, **changes: session.key(**{"biometricProtection": EXCLUSIVE,
                                                      **changes}))

    def test_alternative(self):
        for right, key in ((PIN, self.one({"biometricProtection": ALTERNATIVE})),
                           (DEVICE_PIN, self.device_key(biometricProtection=ALTERNATIVE))):
            self.check_uses(key, (
                (right, False, 0), (b"0000", False, AUTHORIZATION), (b"", False, AUTHORIZATION),
                (b"", True, 0), (right, True, OPTION), (b"0000", True, OPTION)))

    def test_combined(self):
        for right, key in ((PIN, self.one({"biometricProtection": COMBINED})),
                           (DEVICE_PIN, self.device_key(biometricProtection=COMBINED))):
            self.check_uses(key, (
                (right, True, 0), (b"0000", True, AUTHORIZATION), (b"", True, AUTHORIZATION),
                (right, False, OPTION), (b"0000", False, OPTION), (b"", False, OPTION)))

    def test_exclusive(self):
        key = self.one({**BARE, "biometricProtection": EXCLUSIVE})
        self.assert_protection(key, protectionStatus=0, biometricProtection=EXCLUSIVE)
        self.check_uses(key, ((b"", True, 0), (PIN, True, OPTION), (DEVICE_PIN, True, OPTION),
                              (b"", False, OPTION), (DEVICE_PIN, False, OPTION)))

    def test_alternative_and_the_counter(self):
        """Biometrics open a key whose PIN is blocked, and do not touch the counter."""
        key = self.one({"biometricProtection": ALTERNATIVE}, retryLimit=2)
        self.miss(key)
        self.use(key, biometric=True)
        self.assert_status(OPTION, self.use, key, b"0000", biometric=True)
        self.assertEqual(self.errors(key), [1])
        self.miss(key)
        self.miss(key, PIN)
        self.use(key, biometric=True)
        self.assert_protection(key, protectionStatus=PIN_PROTECTED | PIN_BLOCKED,
                               pinErrorCount=2)

    def test_combined_and_the_counter(self):
        """A PIN counts only where it is compared."""
        key = self.one({"biometricProtection": COMBINED}, retryLimit=2)
        self.assert_status(AUTHORIZATION, self.use, key, b"0000", biometric=True)
        for pin in (PIN, b"0000"):
            self.assert_status(OPTION, self.use, key, pin)
            self.assertEqual(self.errors(key), [1])
        self.use(key, PIN, biometric=True)
        self.assertEqual(self.errors(key), [0])
        for _ in range(2):
            self.assert_status(AUTHORIZATION, self.use, key, b"0000", biometric=True)
        self.assert_status(AUTHORIZATION, self.use, key, PIN, biometric=True)

    def test_management_knows_no_biometrics(self):
        """Methods 80 to 84 have no biometricAuth: PIN and PUK alone decide."""
        for protection in (ALTERNATIVE, COMBINED):
            with self.subTest(protection=protection):
                key = self.one({"biometricProtection": protection, "exportProtection": BY_PIN,
                                "deleteProtection": BY_PUK}, puk=True)
                self.assert_status(AUTHORIZATION, self.manage, "exportKey", key)
                self.manage("exportKey", key, PIN)
                self.manage("changePin", key, PIN, newPin=NEW)
                self.use(key, NEW, biometric=protection == COMBINED)
                self.manage("setPin", key, PUK, newPin=PIN)
                self.assert_protection(key, protectionStatus=PIN_PROTECTED | PUK_PROTECTED,
                                       biometricProtection=protection, pinErrorCount=0)
                self.assert_status(AUTHORIZATION, self.manage, "deleteKey", key, PIN)
                self.manage("deleteKey", key, PUK)
        key = self.one({**BARE, "biometricProtection": EXCLUSIVE, "exportProtection": BY_NOBODY})
        self.assert_status(OPTION, self.manage, "exportKey", key, PIN)
        self.manage("exportKey", key)
        for method, values in (("changePin", {"newPin": NEW}), ("setPin", {"newPin": NEW}),
                               ("unlockKey", {})):
            self.assert_status(OPTION, self.manage, method, key, **values)
        self.manage("deleteKey", key)

    def test_caching_beside_biometrics(self):
        key = self.one({"biometricProtection": ALTERNATIVE, "enablePinCaching": True},
                       inputMethod=TRUSTED_GUI)
        self.assert_protection(key, enablePinCaching=True, biometricProtection=ALTERNATIVE)

    def test_every_operation_asks_for_them(self):
        key = self.one({**BARE, "biometricProtection": EXCLUSIVE, "symmetric": bytes(16)})
        for method, algorithm, values in (
                ("performHmac", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", {}),
                ("symmetricKeyEncrypt", PREFIX + "aes.ecb.nopad", {"mode": True})):
            values = {"data": bytes(16), "keyHandle": key.handle, "algorithm": algorithm,
                      "parameters": b"", "authorization": b"", **values}
            self.assert_status(OPTION, self.sks.call, method, biometricAuth=False, **values)
            self.assertTrue(self.sks.call(method, biometricAuth=True, **values).result)
