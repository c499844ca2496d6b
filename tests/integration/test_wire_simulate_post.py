"""Post operations among keys with a simulated device PIN or biometrics."""

from rig.keycase import PIN, PIN_PROTECTED
from rig.postcase import SHARED
from rig.simulatecase import (
    ALTERNATIVE, BARE, BY_NOBODY, BY_PIN, COMBINED, DEVICE, DEVICE_PIN, DEVICE_PIN_PROTECTED,
    EXCLUSIVE, SimulateTest)
from rig.wirecase import AUTHORIZATION, OPTION

AUTHENTICATION = 1
NEW_KEY = ("update", "clone")


class PostRefused(SimulateTest):
    def refuse(self, operation, target, **changes):
        session = self.managed()
        key = self.successor(session, **changes) if changes else None
        self.assert_torn_down(OPTION, session, self.queue, session, operation, target,
                              **({"key": key} if key else {}))

    def test_new_key_with_a_device_pin(self):
        for operation in NEW_KEY:
            for target in (DEVICE, BARE, {}):
                with self.subTest(operation, target=target):
                    self.refuse(operation, self.one(target, grouping=SHARED), **DEVICE)

    def test_new_key_with_biometrics_and_a_device_pin(self):
        for operation in NEW_KEY:
            for protection in (ALTERNATIVE, COMBINED):
                with self.subTest(operation, protection=protection):
                    self.refuse(operation, self.device_key(), **DEVICE,
                                biometricProtection=protection)

    def test_new_key_with_a_pin_policy_for_a_device_pin(self):
        for operation in NEW_KEY:
            with self.subTest(operation):
                session = self.managed()
                key = self.add(session, pin=session.pin())
                self.assert_torn_down(OPTION, session, self.queue, session, operation,
                                      self.device_key(), key=key)

    def test_unlock_of_a_device_pin(self):
        self.refuse("unlock", self.device_key())
        self.refuse("unlock", self.one({**BARE, "biometricProtection": EXCLUSIVE}))

    def test_update_of_another_usage(self):
        self.refuse("update", self.device_key(), appUsage=AUTHENTICATION)

    def test_clone_wants_grouping_shared_or_no_policy(self):
        for grouping in (0, 2, 3):
            self.refuse("clone", self.one({"biometricProtection": COMBINED}, grouping=grouping))


class Inherited(SimulateTest):
    def check_device_pin(self, *keys):
        for key in keys:
            self.assert_protection(key, protectionStatus=DEVICE_PIN_PROTECTED, retryLimit=0)
            self.check_uses(key, ((b"", False, AUTHORIZATION), (PIN, False, AUTHORIZATION),
                                  (DEVICE_PIN, False, 0), (b"", True, OPTION)))

    def test_update(self):
        target = self.device_key(exportProtection=BY_PIN, deleteProtection=BY_PIN)
        _, key = self.do("update", target)
        self.assert_replaced(target, key)
        self.check_device_pin(target)
        self.assert_protection(target, exportProtection=3, deleteProtection=BY_NOBODY)

    def test_clone(self):
        target = self.device_key(appUsage=AUTHENTICATION)
        _, key = self.do("clone", target)
        self.assertNotEqual(key.handle, target.handle)
        self.check_device_pin(target, key)

    def test_update_and_clones_of_one_target(self):
        target = self.device_key()
        session = self.managed()
        keys = [self.queue(session, operation, target)
                for operation in ("clone", "update", "clone")]
        session.close()
        self.check_device_pin(target, keys[0], keys[2])

    def test_biometrics_are_the_new_keys_own(self):
        target = self.device_key(biometricProtection=ALTERNATIVE)
        _, clone = self.do("clone", target)
        self.use(target, biometric=True)
        self.check_device_pin(clone)
        self.do("update", clone)
        self.check_device_pin(clone)
        self.assert_protection(clone, biometricProtection=0)

    def test_an_exclusive_successor_of_a_device_pin(self):
        """Its own biometrics alone open it, though a device PIN is inherited."""
        target = self.device_key()
        session = self.managed()
        self.queue(session, "update", target,
                   key=self.successor(session, biometricProtection=EXCLUSIVE))
        session.close()
        self.assert_protection(target, protectionStatus=DEVICE_PIN_PROTECTED,
                               biometricProtection=EXCLUSIVE)
        self.check_uses(target, ((b"", True, 0), (DEVICE_PIN, True, OPTION),
                                 (DEVICE_PIN, False, OPTION), (b"", False, OPTION)))

    def test_an_exclusive_successor_of_a_pin(self):
        for operation in NEW_KEY:
            with self.subTest(operation):
                target = self.one({}, grouping=SHARED)
                session = self.managed()
                key = self.queue(session, operation, target,
                                 key=self.successor(session, biometricProtection=EXCLUSIVE))
                session.close()
                key = target if operation == "update" else key
                self.assert_protection(key, protectionStatus=PIN_PROTECTED, retryLimit=3)
                self.check_uses(key, ((b"", True, 0), (PIN, True, OPTION),
                                      (PIN, False, OPTION)))

    def test_successors_of_keys_with_biometrics(self):
        """The PIN is inherited, the biometrics are not."""
        for protection in (ALTERNATIVE, COMBINED):
            with self.subTest(protection=protection):
                target = self.one({"biometricProtection": protection})
                self.do("update", target)
                self.check_uses(target, ((PIN, False, 0), (b"", True, OPTION),
                                         (PIN, True, OPTION)))
        target = self.one({**BARE, "biometricProtection": EXCLUSIVE})
        self.do("update", target)
        self.check_uses(target, ((b"", False, 0), (b"", True, OPTION)))

    def test_the_unused_successor_of_an_aborted_session(self):
        target = self.device_key()
        session = self.managed()
        self.queue(session, "update", target)
        session.abort()
        self.check_device_pin(target)
        self.assertEqual(self.attributes(target).certificate, [target.certificate])

    def test_other_keys_of_the_session_keep_theirs(self):
        """They are written anew when the closing session takes them over."""
        first, second, third = self.own(
            DEVICE, {**DEVICE, "biometricProtection": COMBINED}, {"biometricProtection": COMBINED})
        session, _ = self.do("delete", first)
        self.assert_gone(first)
        self.assert_owned_by(session, second, third)
        for key, pin in ((second, DEVICE_PIN), (third, PIN)):
            self.check_uses(key, ((pin, True, 0), (pin, False, OPTION),
                                  (b"", True, AUTHORIZATION)))

    def test_unlock_beside_biometrics(self):
        target = self.one({"biometricProtection": ALTERNATIVE}, retryLimit=1)
        self.miss(target)
        self.miss(target, PIN)
        self.do("unlock", target)
        self.use(target, PIN)
        self.use(target, biometric=True)
