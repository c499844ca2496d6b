"""Test classes against a token that simulates a device PIN and biometrics."""

from .postcase import PostTest

BOTH = ("--simulate", "biometrics,device-pin")
DEVICE_PIN = b"1234"
DEVICE_PIN_PROTECTED = 16
ALTERNATIVE, COMBINED, EXCLUSIVE = 1, 2, 3
BY_NOBODY, BY_PIN, BY_PUK, NEVER = range(4)
DEVICE = {"pin": None, "devicePinProtection": True}
BARE = {"pin": None}


class SimulateTest(PostTest):
    token_options = BOTH

    def serve_with(self, *options):
        """Kills the token and serves its store with other options, until the test is over."""
        def restart(options):
            self.sks.close()
            self.token.options = options
            self.token.restart()

        restart(options)
        self.addCleanup(restart, self.token_options)

    def one(self, changes, **options):
        return self.own(changes, **options)[0]

    def device_key(self, **changes):
        return self.one({**DEVICE, **changes})

    def use(self, key, pin=b"", biometric=False):
        return self.sign(key, authorization=pin, biometric=biometric)

    def check_uses(self, key, rows):
        """rows: (PIN, biometricAuth, status), 0 for success"""
        for pin, biometric, status in rows:
            with self.subTest(pin=pin, biometric=biometric):
                if status:
                    self.assert_status(status, self.use, key, pin, biometric)
                else:
                    self.assertEqual(len(self.use(key, pin, biometric)), 64)
