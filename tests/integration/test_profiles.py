"""Each shipped profile with the real programs; the token then holds what the profile asked for,
byte for byte, and nothing else, and every key serves as its profile says."""

import unittest

from rig.profile import Profile, shipped
from rig.profilecase import ShippedCase

TESTED = []


def runs(name):
    """A test that runs the profile with what it needs, and uses all keys that are then there."""
    TESTED.append(name)

    def test(self):
        self.enrol(name)
        for made in self.live():
            self.use_key(made)
        self.check_all()
    return test


class Alone(ShippedCase):
    """Those that look for no other keys, one after the other into one token."""

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


class KeyUpdate(ShippedCase):
    test = runs("key-update")


class KeyClone(ShippedCase):
    test = runs("key-clone")


class KeyUnlock(ShippedCase):
    test = runs("key-unlock")


class KeyDelete(ShippedCase):
    test = runs("key-delete")


class KmkRollover(ShippedCase):
    test = runs("kmk-rollover")

    def setUp(self):
        """What goes over: keys of two generations."""
        super().setUp()
        self.enrol("p256-user-pin")
        self.roll_over()
        self.enrol("ed25519")

    def tearDown(self):
        """The newest key management key now governs them all."""
        self.assertEqual({made.owner.generation for made in self.made}, {1, 2, 3})
        self.assertEqual(len({made.owner.kmk for made in self.made}), 1)
        self.enrol_upon(Profile("key-update"))
        self.enrol_upon(Profile("key-delete"))
        self.assertEqual(self.live(), [])


class Everything(ShippedCase):
    test = runs("everything")


class All(unittest.TestCase):
    def test_each_shipped_profile_has_its_test(self):
        self.assertEqual(sorted(TESTED), [profile.name for profile in shipped()])
