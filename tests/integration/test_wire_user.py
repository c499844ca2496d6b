"""Methods 70, 71, 72 and 100: what a finished key shows and does."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from rig.constructs import from_raw_ecdsa
from rig.keycase import MORE, PIN, PREFIX, KeyTest
from rig.wirecase import ALGORITHM, AUTHORIZATION, NO_KEY, OPTION

DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PIN_PROTECTED, PUK_PROTECTED, PIN_BLOCKED = 1, 2, 4
SIGNATURE, AUTHENTICATION, ENCRYPTION, UNIVERSAL = range(4)


class Enumeration(KeyTest):
    def test_order_and_owner(self):
        first, second = self.make({}, {})
        (third,) = self.make()
        handles = [item.keyHandle for item in self.sks.keys()]
        self.assertEqual(handles, sorted(handles))
        self.assertLess({first.handle, second.handle}, set(handles))
        owners = {item.keyHandle: item.provisioningHandle for item in self.sks.keys()}
        self.assertEqual(owners[first.handle], owners[second.handle])
        self.assertNotEqual(owners[first.handle], owners[third.handle])
        answer = self.sks.call("enumerateKeys", keyHandle=first.handle)
        self.assertEqual(answer.keyHandle, second.handle)

    def test_from_an_unknown_handle(self):
        self.make()
        self.assertEqual(self.sks.call("enumerateKeys", keyHandle=0xFFFFFFF0).keyHandle, 0)

    def test_unknown_keys_and_keys_of_open_sessions(self):
        session = self.session()
        key = session.key()
        for handle in (key.handle, 0, 0xFFFFFFFF):
            for method in ("getKeyAttributes", "getKeyProtectionInfo"):
                self.assert_status(NO_KEY, self.sks.call, method, keyHandle=handle)
            self.assert_status(NO_KEY, self.sks.call, "signHashedData", keyHandle=handle,
                               algorithm=MORE + "ecdsa-sha256", parameters=b"",
                               biometricAuth=False, authorization=b"", data=bytes(32))
        self.assertTrue(self.is_open(session))
        self.finish(session, key)


class Attributes(KeyTest):
    def test_attributes(self):
        endorsed = [MORE + "ecdsa-sha256", MORE + "ecdsa-sha384"]
        (key,) = self.make({"friendlyName": "Naïve € 😀", "appUsage": ENCRYPTION,
                            "endorsedAlgorithm": endorsed})
        got = self.sks.call("getKeyAttributes", keyHandle=key.handle)
        self.assertEqual((got.symmetricKeyLength, got.appUsage, got.friendlyName, got.type),
                         (0, ENCRYPTION, "Naïve € 😀", []))
        self.assertEqual(got.endorsedAlgorithm, endorsed)
        self.assertEqual(len(got.certificate), 1)

    def test_protection(self):
        (key,) = self.make({"exportProtection": 1, "deleteProtection": 2,
                            "enablePinCaching": True},
                           puk=True, retryLimit=7, grouping=1, patternRestrictions=6,
                           minLength=3, maxLength=9, inputMethod=2, userModifiable=False)
        self.assertEqual(vars(self.protection(key)), {
            "protectionStatus": PIN_PROTECTED | PUK_PROTECTED, "pukFormat": 0,
            "pukRetryLimit": 5, "pukErrorCount": 0, "userDefined": True,
            "userModifiable": False, "format": 0, "retryLimit": 7, "grouping": 1,
            "patternRestrictions": 6, "minLength": 3, "maxLength": 9, "inputMethod": 2,
            "pinErrorCount": 0, "enablePinCaching": True, "biometricProtection": 0,
            "exportProtection": 1, "deleteProtection": 2, "keyBackup": 0})

    def test_no_protection(self):
        (key,) = self.make({"pin": None})
        wanted = {name: 0 for name in vars(self.protection(key))} | {"exportProtection": 3}
        self.assertEqual(vars(self.protection(key)), wanted)


class Sign(KeyTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.keys = {}

    def setUp(self):
        super().setUp()
        if not self.keys:
            session = self.session()
            made = {"ec": session.key(id="ec"),
                    "rsa": session.key(id="rsa", keyAlgorithm=PREFIX + "rsa2048")}
            self.finish(session, *made.values())
            self.keys.update(made)

    def sign_as(self, kind, algorithm, data, **changes):
        return self.sign(self.keys[kind], data, algorithm, **{"authorization": b"", **changes})

    def test_ecdsa(self):
        public = self.keys["ec"].public
        for size, digest in DIGESTS.items():
            data = hashlib.new("sha" + size, b"data").digest()
            signature = self.sign_as("ec", MORE + "ecdsa-sha" + size, data)
            self.assertEqual(len(signature), 64)
            public.verify(from_raw_ecdsa(signature), b"data", ec.ECDSA(digest))

    def test_rsa(self):
        for size, digest in DIGESTS.items():
            data = hashlib.new("sha" + size, b"data").digest()
            signature = self.sign_as("rsa", MORE + "rsa-sha" + size, data)
            self.keys["rsa"].public.verify(signature, b"data", PKCS1v15(), digest)

    def test_ecdsa_none(self):
        for size in (1, 20, 32, 48, 64):
            signature = self.sign_as("ec", PREFIX + "ecdsa.none", bytes(range(1, size + 1)))
            self.assertEqual(len(signature), 64)
        digest = hashlib.sha256(b"data").digest()
        signature = self.sign_as("ec", PREFIX + "ecdsa.none", digest)
        self.keys["ec"].public.verify(from_raw_ecdsa(signature), digest,
                                      ec.ECDSA(Prehashed(hashes.SHA256())))

    def test_rsa_none(self):
        """PKCS #1 v1.5 padding of type 1 around the bytes as they are."""
        numbers = self.keys["rsa"].public.public_numbers()
        for data in (b"", b"x", bytes(range(245))):
            signature = int.from_bytes(self.sign_as("rsa", PREFIX + "rsa.pkcs1.none", data), "big")
            block = pow(signature, numbers.e, numbers.n).to_bytes(256, "big")
            self.assertEqual(block, b"\0\1" + b"\xff" * (253 - len(data)) + b"\0" + data)

    def test_signature_is_over_that_data(self):
        signature = self.sign_as("ec", MORE + "ecdsa-sha256", hashlib.sha256(b"a").digest())
        with self.assertRaises(InvalidSignature):
            self.keys["ec"].public.verify(from_raw_ecdsa(signature), b"b",
                                          ec.ECDSA(hashes.SHA256()))

    def test_refused(self):
        sha256 = bytes(32)
        for what, kind, algorithm, data, changes, status in (
                ("unknown algorithm", "ec", "http://x", sha256, {}, ALGORITHM),
                ("no algorithm", "ec", "", sha256, {}, ALGORITHM),
                ("key algorithm", "ec", PREFIX + "ec.nist.p256", sha256, {}, ALGORITHM),
                ("none", "ec", PREFIX + "none", sha256, {}, ALGORITHM),
                ("RSA with an EC key", "ec", MORE + "rsa-sha256", sha256, {}, ALGORITHM),
                ("ECDSA with an RSA key", "rsa", MORE + "ecdsa-sha256", sha256, {}, ALGORITHM),
                ("digest too short", "ec", MORE + "ecdsa-sha256", bytes(31), {}, OPTION),
                ("digest too long", "rsa", MORE + "rsa-sha256", bytes(33), {}, OPTION),
                ("digest of another hash", "ec", MORE + "ecdsa-sha384", sha256, {}, OPTION),
                ("no data", "ec", MORE + "ecdsa-sha256", b"", {}, OPTION),
                ("ecdsa.none of nothing", "ec", PREFIX + "ecdsa.none", b"", {}, OPTION),
                ("ecdsa.none of 65 bytes", "ec", PREFIX + "ecdsa.none", bytes(65), {}, OPTION),
                ("rsa.pkcs1.none of 246 bytes", "rsa", PREFIX + "rsa.pkcs1.none", bytes(246),
                 {}, OPTION),
                ("more than 16384 bytes", "rsa", PREFIX + "rsa.pkcs1.none", bytes(16385), {},
                 OPTION),
                ("parameters", "ec", MORE + "ecdsa-sha256", sha256, {"parameters": b"x"}, OPTION),
                ("PIN for a key without", "ec", MORE + "ecdsa-sha256", sha256,
                 {"authorization": PIN}, OPTION),
                ("biometrics for a key without", "ec", MORE + "ecdsa-sha256", sha256,
                 {"biometric": True}, OPTION)):
            with self.subTest(what):
                self.assert_status(status, self.sign_as, kind, algorithm, data, **changes)

    def test_endorsed_algorithms(self):
        one, none = self.make({"endorsedAlgorithm": [MORE + "ecdsa-sha256"]},
                              {"endorsedAlgorithm": [PREFIX + "none"]})
        self.sign(one)
        for key, data, algorithm in ((one, bytes(48), MORE + "ecdsa-sha384"),
                                     (one, bytes(32), PREFIX + "ecdsa.none"),
                                     (none, bytes(32), MORE + "ecdsa-sha256")):
            text = self.assert_status(ALGORITHM, self.sign, key, data, algorithm)
            self.assertIn(algorithm, text, "says which one is not endorsed")

    def test_texts_name_known_algorithms_only(self):
        (key,) = self.make({})
        for algorithm in (MORE + "rsa-sha256", PREFIX + "rsa.pkcs1.none"):
            text = self.assert_status(ALGORITHM, self.sign, key, bytes(32), algorithm)
            self.assertIn(algorithm, text)
        unknown = "http://x/\x1b[31m"
        self.assertNotIn(unknown, self.assert_status(ALGORITHM, self.sign, key, bytes(32), unknown))


class Pins(KeyTest):
    def test_wrong_pins_are_counted_and_a_right_one_resets(self):
        (key,) = self.make()
        for count in (1, 2):
            self.miss(key)
            self.assertEqual(self.errors(key), [count])
        self.sign(key)
        self.assertEqual(self.errors(key), [0])

    def test_every_kind_of_wrong_pin_counts(self):
        (key,) = self.make(retryLimit=10)
        for count, wrong in enumerate((b"", b"471", b"47110", b"x" * 128, b"y" * 500), 1):
            self.miss(key, wrong)
            self.assertEqual(self.errors(key), [count], wrong)

    def test_blocked_after_the_limit(self):
        for limit in (1, 3):
            (key,) = self.make(retryLimit=limit)
            for _ in range(limit):
                self.assertEqual(self.protection(key).protectionStatus, PIN_PROTECTED)
                self.miss(key)
            blocked = self.protection(key)
            self.assertEqual((blocked.protectionStatus, blocked.pinErrorCount),
                             (PIN_PROTECTED | PIN_BLOCKED, limit))
            self.miss(key, PIN)
            self.assertEqual(self.errors(key), [limit], "no more than the limit")

    def test_pin_is_checked_before_the_algorithm(self):
        (key,) = self.make()
        self.assert_status(AUTHORIZATION, self.sign, key, algorithm="http://x",
                           authorization=b"0000")
        self.assertEqual(self.errors(key), [1])
        self.assert_status(ALGORITHM, self.sign, key, algorithm="http://x")
        self.assertEqual(self.errors(key), [0], "a right PIN clears the counter")

    def test_counters_survive_a_kill(self):
        (key,) = self.make()
        self.miss(key)
        self.miss(key)
        self.sks.close()
        self.token.restart()
        self.assertEqual(self.errors(key), [2])
        self.miss(key)
        self.sks.close()
        self.token.restart()
        self.miss(key, PIN)
        self.assertTrue(self.protection(key).protectionStatus & PIN_BLOCKED)

    def test_kills_do_not_lock_out(self):
        """Only wrong PINs count, however often the token dies."""
        (key,) = self.make(retryLimit=2)
        for _ in range(4):
            self.sign(key)
            self.sks.close()
            self.token.restart()
        self.sign(key)
        self.assertEqual(self.errors(key), [0])

    def test_counters_of_each_grouping(self):
        usages = (SIGNATURE, AUTHENTICATION, AUTHENTICATION, UNIVERSAL)
        for grouping, values, counts in (
                (0, (b"1111", b"2222", b"3333", b"4444"), [1, 0, 0, 0]),
                (0, (b"1111", b"2222", b"3333", b"4444"), [0, 1, 0, 0]),
                (1, (b"1111",) * 4, [1, 1, 1, 1]),
                (2, (b"1111", b"2222", b"2222", b"2222"), [1, 0, 0, 0]),
                (2, (b"1111", b"2222", b"2222", b"2222"), [0, 1, 1, 1]),
                (3, (b"1111", b"2222", b"2222", b"3333"), [0, 1, 1, 0])):
            with self.subTest(grouping=grouping, counts=counts):
                keys = self.make(*({"appUsage": usage, "value": value}
                                   for usage, value in zip(usages, values)), grouping=grouping)
                hit = counts.index(1)
                self.miss(keys[hit])
                self.assertEqual(self.errors(*keys), counts)
                self.sign(keys[hit], authorization=values[hit])
                self.assertEqual(self.errors(*keys), [0] * 4)

    def test_preset_pin(self):
        (key,) = self.make({"value": b"8642"}, userDefined=False)
        self.miss(key)
        self.sign(key, authorization=b"8642")
        self.assertFalse(self.protection(key).userDefined)
