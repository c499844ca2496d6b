"""Methods 10 and 12: keys and their certificate paths."""

import os

from cryptography.hazmat.primitives.asymmetric import rsa

from rig.certificates import Authority, generate
from rig.constructs import KEY_1, spki
from rig.issuer_side import EC_P256, Policy
from rig.mitm import flip_bit
from rig.wirecase import ALGORITHM, CRYPTO, MAC, OPTION, WireTest

PREFIX = "https://webpki.github.io/sks/algorithm#"
SIGNATURE_URI = "http://www.w3.org/2001/04/xmldsig-more#"
ECDSA = [SIGNATURE_URI + "ecdsa-sha" + size for size in ("256", "384", "512")]
NONE = PREFIX + "none"
TRUSTED_GUI = 2


class CreateKeyEntry(WireTest):
    def test_algorithms(self):
        session = self.session()
        ec_key = session.key(id="Key.1", endorsedAlgorithm=[ECDSA[0]])
        rsa_key = session.key(id="Key.2", keyAlgorithm=PREFIX + "rsa2048",
                              endorsedAlgorithm=[SIGNATURE_URI + "rsa-sha256"])
        self.assertEqual(ec_key.public.curve.name, "secp256r1")
        self.assertIsInstance(rsa_key.public, rsa.RSAPublicKey)
        self.assertEqual((rsa_key.public.key_size, rsa_key.public.public_numbers().e),
                         (2048, 65537))
        self.finish(session, ec_key, rsa_key)

    def test_keys_differ(self):
        session = self.session()
        keys = [session.key(id="Key.%d" % n, serverSeed=b"the same") for n in range(4)]
        self.assertEqual(len({key.public_der for key in keys}), 4)
        self.finish(session, *keys)

    def test_accepted(self):
        for what, changes in (
                ("longest seed", {"serverSeed": bytes(64)}),
                ("friendlyName of 100 characters of 4 bytes", {"friendlyName": "😀" * 100}),
                ("several endorsed algorithms", {"endorsedAlgorithm": sorted(ECDSA)}),
                ("no user operation", {"endorsedAlgorithm": [NONE]}),
                ("exportable", {"exportProtection": 0}),
                ("not deletable", {"deleteProtection": 3}),
                ("universal", {"appUsage": 3})):
            with self.subTest(what):
                session = self.session()
                self.finish(session, session.key(**changes))

    def test_accepted_under_policies(self):
        for what, pin, changes in (
                ("export by PIN", {}, {"exportProtection": 1}),
                ("delete by PUK", {"puk": True}, {"deleteProtection": 2}),
                ("PIN caching", {"inputMethod": TRUSTED_GUI}, {"enablePinCaching": True})):
            with self.subTest(what):
                session = self.session()
                puk = session.puk() if pin.pop("puk", False) else None
                self.finish(session, session.key(pin=session.pin(puk=puk, **pin), **changes))

    def test_refused_without_pin(self):
        self.refuse_each([
            ("key entry algorithm", {"keyEntryAlgorithm": KEY_1 + "0"}, ALGORITHM),
            ("no key entry algorithm", {"keyEntryAlgorithm": ""}, (ALGORITHM, OPTION)),
            ("unknown key algorithm", {"keyAlgorithm": EC_P256 + "0"}, OPTION),
            ("signature URI as key algorithm", {"keyAlgorithm": ECDSA[0]}, OPTION),
            ("unknown endorsed algorithm", {"endorsedAlgorithm": ["http://x"]}, OPTION),
            ("endorsed algorithms unsorted",
             {"endorsedAlgorithm": sorted(ECDSA, reverse=True)}, OPTION),
            ("endorsed algorithm twice", {"endorsedAlgorithm": [ECDSA[0]] * 2}, OPTION),
            ("none not alone", {"endorsedAlgorithm": sorted([ECDSA[0], NONE])}, OPTION),
            ("seed of 65 bytes", {"serverSeed": bytes(65)}, OPTION),
            ("friendlyName of 101 characters", {"friendlyName": "x" * 101}, OPTION),
            ("appUsage 4", {"appUsage": 4}, OPTION),
            ("exportProtection 4", {"exportProtection": 4}, OPTION),
            ("deleteProtection 4", {"deleteProtection": 4}, OPTION),
            ("biometricProtection 4", {"biometricProtection": 4}, OPTION),
            ("parameters for an EC key", {"keyParameters": b"\x03"}, OPTION),
            ("parameters for rsa2048",
             {"keyAlgorithm": PREFIX + "rsa2048", "keyParameters": b"\x03"}, OPTION),
            ("export by a PIN that is not there", {"exportProtection": 1}, OPTION),
            ("delete by a PIN that is not there", {"deleteProtection": 1}, OPTION),
            ("export by a PUK that is not there", {"exportProtection": 2}, OPTION),
            ("delete by a PUK that is not there", {"deleteProtection": 2}, OPTION),
            ("biometric alternative to nothing", {"biometricProtection": 1}, OPTION),
            ("biometric combined with nothing", {"biometricProtection": 2}, OPTION),
            ("caching of no PIN", {"enablePinCaching": True}, OPTION),
            ("PIN value without policy", {"sent": {"pinValue": b"4711"}}, (OPTION, MAC)),
            ("unknown PIN policy", {"pin": Policy("PIN.1", 0xFFFFFFF0)}, OPTION),
            ("id with a space", {"id": "a b"}, OPTION), ("no id", {"id": ""}, OPTION),
            ("id of 33 characters", {"id": "x" * 33}, OPTION),
            ("wrong MAC", {"mac": bytes(32)}, MAC), ("MAC too short", {"mac": bytes(31)}, MAC),
            ("friendlyName changed", {"sent": {"friendlyName": "x"}}, MAC),
            ("appUsage changed", {"sent": {"appUsage": 1}}, MAC),
            ("export changed", {"sent": {"exportProtection": 0}}, MAC),
            ("seed changed", {"sent": {"serverSeed": b"x"}}, MAC),
            ("endorsed algorithm taken away",
             {"endorsedAlgorithm": [ECDSA[0]], "sent": {"endorsedAlgorithm": []}}, MAC),
        ], lambda session, **changes: session.key(**changes))

    def test_refused_with_pin(self):
        def make(session, policy=None, **changes):
            session.key(pin=session.pin(**(policy or {})), **changes)

        self.refuse_each([
            ("caching without trusted GUI", {"enablePinCaching": True}, OPTION),
            ("device PIN beside a policy", {"devicePinProtection": True}, OPTION),
            ("biometric exclusive beside a PIN", {"biometricProtection": 3}, OPTION),
            ("PUK protection without PUK policy", {"exportProtection": 2}, OPTION),
            ("preset PIN of 8 bytes",
             {"policy": {"userDefined": False}, "encryptedPin": bytes(8)}, CRYPTO),
            ("preset PIN not whole blocks",
             {"policy": {"userDefined": False}, "encryptedPin": bytes(33)}, CRYPTO),
            ("preset PIN changed",
             {"policy": {"userDefined": False, "format": 3, "minLength": 1, "maxLength": 128},
              "sent": {"pinValue": b""}}, (MAC, CRYPTO)),
        ], make)

    def test_pin_policy_of_another_session(self):
        other, session = self.session(), self.session()
        self.assert_torn_down(OPTION, session, session.key, pin=other.pin())
        other.abort()

    def test_puk_policy_for_a_pin_policy(self):
        session = self.session()
        self.assert_torn_down(OPTION, session, session.key, pin=session.puk())

    def test_duplicate_id(self):
        session = self.session()
        session.key()
        self.assert_torn_down(OPTION, session, session.key)

    def test_macs_cannot_be_used_again(self):
        """The counter makes the same call need another MAC."""
        session = self.session()
        session.pin(id="PIN.1")
        self.assert_torn_down(MAC, session, session.pin, id="PIN.1", mac=session.last_mac)

    def test_device_pin_and_biometrics_are_off(self):
        """What the token cannot do it does not promise."""
        session = self.session()
        self.assert_torn_down(OPTION, session, session.key, devicePinProtection=True)
        for protection in (1, 2):
            session = self.session()
            self.assert_torn_down(OPTION, session, session.key, pin=session.pin(),
                                  biometricProtection=protection)


class CertificatePath(WireTest):
    def chain(self, key):
        return [self.authority.issue(key.id, key.public), self.authority.der]

    def test_path_of_two(self):
        session = self.session()
        key = session.key()
        path = self.chain(key)
        session.certify(key, path)
        session.close()
        self.assertEqual(
            self.sks.call("getKeyAttributes", keyHandle=key.handle).certificate, path)

    def test_refused(self):
        other = Authority("Another CA")
        for what, make, status in (
                ("no certificate", lambda path: {"path": []}, OPTION),
                ("an empty one", lambda path: {"path": [b""]}, CRYPTO),
                ("no certificate at all", lambda path: {"path": [b"\x30\x00"]}, CRYPTO),
                ("random bytes", lambda path: {"path": [os.urandom(300)]}, CRYPTO),
                ("bytes after it", lambda path: {"path": [path[0] + b"\0"]}, CRYPTO),
                ("upside down", lambda path: {"path": path[::-1]}, OPTION),
                ("of over 16384 bytes", lambda path: {"path": [
                    other.issue_expired("x" * 16384, other.key.public_key())]}, OPTION),
                ("RSA of another size", lambda path: {"path": [
                    other.issue("x", generate("RSA-1536").public_key())]}, OPTION),
                ("second did not sign the first",
                 lambda path: {"path": [path[0], other.der]}, OPTION),
                ("twice the same", lambda path: {"path": [path[0]] * 2}, OPTION),
                ("wrong MAC", lambda path: {"path": path, "mac": bytes(32)}, MAC),
                ("one bit", lambda path: {"path": path, "sent": {
                    "certificate": [flip_bit(path[0], -1), path[1]]}}, MAC),
                ("one certificate less",
                 lambda path: {"path": path, "sent": {"certificate": path[:1]}}, MAC),
                ("id of another key", lambda path: {"path": path, "id": "Key.2"}, MAC),
                ("another public key in the MAC", lambda path: {
                    "path": path, "publicKey": spki(generate().public_key())}, MAC)):
            with self.subTest(what):
                session = self.session()
                key = session.key()
                self.assert_torn_down(status, session, session.certify, key,
                                      **make(self.chain(key)))

    def test_twice_for_a_key(self):
        session = self.session()
        key = session.key()
        session.certify(key, self.chain(key))
        self.assert_torn_down((OPTION, MAC), session, session.certify, key, self.chain(key))

    def test_mac_of_one_key_used_for_another(self):
        session = self.session()
        first, second = session.key(id="Key.1"), session.key(id="Key.2")
        self.assert_torn_down(MAC, session, session.certify, first, self.chain(first),
                              sent={"keyHandle": second.handle})
