"""Methods 100 to 102: every algorithm of a private key, computed again by another library."""

import hashlib
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from rig.certificates import generate
from rig.constructs import from_raw_ecdsa, spki
from rig.keycase import MORE, PIN, PREFIX, KeyTest
from rig.operationcase import (
    AES_CBC, AES_ECB, AES_SIZES, CRYPTO_METHODS, DATA_SIZE, DIGESTS, EC_CURVES, ECDH, ES_PKCS1,
    HMAC_SHA256, HMACS, OAEP_SHA1, OAEP_SHA256, PADDINGS, XMLENC, OperationTest)
from rig.wirecase import ALGORITHM, AUTHORIZATION, CRYPTO, NO_KEY, OPTION


class Signatures(OperationTest):
    wanted = {**{name: {"keyAlgorithm": PREFIX + name} for name in EC_CURVES},
              "ed25519": {"keyAlgorithm": PREFIX + "ed25519"},
              "rsa1024": {"keyAlgorithm": PREFIX + "rsa1024"},
              "rsa2048": {"keyAlgorithm": PREFIX + "rsa2048"},
              "aes": {"symmetric": bytes(16)}}

    def sign_as(self, key, algorithm, data, **options):
        return self.operate("signHashedData", key, algorithm, data=data, **options)

    def test_ecdsa_on_every_curve(self):
        for name, curve in EC_CURVES.items():
            size = (curve.key_size + 7) // 8
            public = self.keys[name].public
            self.assertEqual(public.curve.name, curve.name)
            for bits, digest in DIGESTS.items():
                with self.subTest(name, bits=bits):
                    hashed = hashlib.new("sha" + bits, b"data").digest()
                    signature = self.sign_as(name, MORE + "ecdsa-sha" + bits, hashed)
                    self.assertEqual(len(signature), 2 * size)
                    public.verify(from_raw_ecdsa(signature), b"data", ec.ECDSA(digest))

    def test_rsa_of_both_sizes(self):
        for name in ("rsa1024", "rsa2048"):
            public = self.keys[name].public
            self.assertEqual(public.key_size, int(name[3:]))
            for bits, digest in DIGESTS.items():
                hashed = hashlib.new("sha" + bits, b"data").digest()
                signature = self.sign_as(name, MORE + "rsa-sha" + bits, hashed)
                public.verify(signature, b"data", PKCS1v15(), digest)

    def test_large_rsa(self):
        for size in (3072, 4096):
            (key,) = self.make({"pin": None, "keyAlgorithm": PREFIX + "rsa%d" % size})
            self.assertEqual(key.public.key_size, size)
            signature = self.sign_as(key, MORE + "rsa-sha256", hashlib.sha256(b"data").digest())
            key.public.verify(signature, b"data", PKCS1v15(), DIGESTS["256"])

    def test_ed25519_takes_the_message(self):
        for message in (b"", b"x", os.urandom(DATA_SIZE)):
            signature = self.sign_as("ed25519", PREFIX + "ed25519", message)
            self.keys["ed25519"].public.verify(signature, message)

    def test_refused(self):
        hashed = {"data": bytes(32)}
        self.refuse_each_call("signHashedData", [
            ("Ed25519 with an EC key", "ec.nist.p256", PREFIX + "ed25519", hashed, CRYPTO),
            ("ECDSA with an Ed25519 key", "ed25519", MORE + "ecdsa-sha256", hashed, CRYPTO),
            ("Ed25519 with an RSA key", "rsa2048", PREFIX + "ed25519", hashed, ALGORITHM),
            ("RSA with an Ed25519 key", "ed25519", MORE + "rsa-sha256", hashed, ALGORITHM),
            ("symmetric key", "aes", MORE + "ecdsa-sha256", hashed, ALGORITHM),
            ("HMAC", "aes", HMAC_SHA256, hashed, ALGORITHM),
            ("cipher", "aes", XMLENC + "aes128-cbc", hashed, ALGORITHM),
            ("decryption", "rsa2048", OAEP_SHA256, hashed, ALGORITHM),
            ("agreement", "ec.nist.p256", ECDH, hashed, ALGORITHM)])


class Exponents(KeyTest):
    def test_exponents(self):
        for parameters in (b"\3", b"\0\0\0\3", b"\1\0\1", b"\0\0\0\0\0\1\0\1", b"\x11"):
            session = self.session()
            key = session.key(keyAlgorithm=PREFIX + "rsa1024.exp", keyParameters=parameters)
            self.assertEqual(key.public.public_numbers().e, int.from_bytes(parameters, "big"))
            self.finish(session, key)

    def test_refused(self):
        self.refuse_each([
            (repr(parameters), {"keyAlgorithm": PREFIX + name, "keyParameters": parameters},
             status)
            for name, parameters, status in (
                ("rsa1024.exp", b"", OPTION), ("rsa1024.exp", bytes(8) + b"\3", OPTION),
                ("rsa1024.exp", b"\4", CRYPTO), ("rsa1024.exp", b"\1", CRYPTO),
                ("rsa1024.exp", b"\0", CRYPTO), ("rsa1024.exp", b"\xff", CRYPTO),
                ("rsa1024", b"\3", OPTION), ("ed25519", b"\3", OPTION))],
            lambda session, **changes: session.key(**changes))


class Decrypt(OperationTest):
    wanted = {"rsa1024": {"keyAlgorithm": PREFIX + "rsa1024"},
              "rsa2048": {"keyAlgorithm": PREFIX + "rsa2048"},
              "only": {"keyAlgorithm": PREFIX + "rsa1024", "endorsedAlgorithm": [OAEP_SHA1]},
              "ec": {}, "aes": {"symmetric": bytes(16)}}

    def decrypt(self, key, algorithm, data, **options):
        return self.operate("asymmetricKeyDecrypt", key, algorithm, data=data, **options)

    def test_each_padding(self):
        for name in ("rsa1024", "rsa2048"):
            public = self.keys[name].public
            for algorithm, pad in PADDINGS.items():
                for plain in (b"", b"x", os.urandom(62)):
                    with self.subTest(name, algorithm=algorithm, size=len(plain)):
                        got = self.decrypt(name, algorithm, public.encrypt(plain, pad))
                        self.assertEqual(got, plain)

    def test_refused(self):
        public = self.keys["rsa2048"].public
        good = {name: {"data": public.encrypt(b"plain", pad)} for name, pad in PADDINGS.items()}
        small = {"data": self.keys["only"].public.encrypt(b"plain", PADDINGS[ES_PKCS1])}
        modulus = public.public_numbers().n.to_bytes(256, "big")
        rows = self.common_refusals("asymmetricKeyDecrypt", "rsa2048", OAEP_SHA1,
                                    good[OAEP_SHA1])
        rows += [("other hash", "rsa2048", OAEP_SHA1, good[OAEP_SHA256], CRYPTO),
                 ("other padding", "rsa2048", OAEP_SHA256, good[ES_PKCS1], CRYPTO),
                 ("parameters", "rsa2048", OAEP_SHA256,
                  {**good[OAEP_SHA256], "parameters": b"x"}, OPTION),
                 ("EC key", "ec", OAEP_SHA256, good[OAEP_SHA256], ALGORITHM),
                 ("symmetric key", "aes", OAEP_SHA256, good[OAEP_SHA256], ALGORITHM),
                 ("signature", "rsa2048", MORE + "rsa-sha256", good[OAEP_SHA256], ALGORITHM),
                 ("agreement", "ec", ECDH, good[OAEP_SHA256], ALGORITHM),
                 ("not endorsed", "only", ES_PKCS1, small, ALGORITHM),
                 ("not endorsed, with parameters", "only", ES_PKCS1,
                  {**small, "parameters": b"x"}, ALGORITHM)]
        for algorithm in PADDINGS:
            rows += [(name + algorithm[-6:], "rsa2048", algorithm, {"data": data}, CRYPTO)
                     for name, data in (
                         ("no data", b""), ("too short", bytes(255)),
                         ("too long", bytes(257)), ("not below the modulus", modulus),
                         ("zeros", bytes(256)))]
        self.refuse_each_call("asymmetricKeyDecrypt", rows)


class Agreement(OperationTest):
    wanted = {**{name: {"keyAlgorithm": PREFIX + name} for name in EC_CURVES},
              "ed25519": {"keyAlgorithm": PREFIX + "ed25519"},
              "rsa": {"keyAlgorithm": PREFIX + "rsa1024"},
              "signs": {"endorsedAlgorithm": [MORE + "ecdsa-sha256"]},
              "aes": {"symmetric": bytes(16)}}

    def test_each_curve(self):
        for name, curve in EC_CURVES.items():
            with self.subTest(name):
                peer = ec.generate_private_key(curve)
                result = self.operate("keyAgreement", name, ECDH,
                                      publicKey=spki(peer.public_key()))
                self.assertEqual(result, peer.exchange(ec.ECDH(), self.keys[name].public))
                self.assertEqual(len(result), (curve.key_size + 7) // 8)

    def test_refused(self):
        def public(kind):
            return {"publicKey": spki(generate(kind).public_key())}

        good = public("P-256")
        off_curve = good["publicKey"][:-1] + bytes([good["publicKey"][-1] ^ 1])
        rows = self.common_refusals("keyAgreement", "ec.nist.p256", ECDH, good)
        rows += [("other curve", "ec.nist.p256", ECDH, public("P-384"), CRYPTO),
                 ("other curve of that size", "ec.nist.p256", ECDH, {"publicKey": spki(
                     ec.generate_private_key(ec.SECP256K1()).public_key())}, CRYPTO),
                 ("RSA peer", "ec.nist.p256", ECDH, public("RSA-1024"), OPTION),
                 ("Ed25519 peer", "ec.nist.p256", ECDH, public("Ed25519"), OPTION),
                 ("not on the curve", "ec.nist.p256", ECDH, {"publicKey": off_curve}, CRYPTO),
                 ("no peer", "ec.nist.p256", ECDH, {"publicKey": b""}, CRYPTO),
                 ("not a key", "ec.nist.p256", ECDH, {"publicKey": b"\x30\x00"}, CRYPTO),
                 ("bytes after it", "ec.nist.p256", ECDH,
                  {"publicKey": good["publicKey"] + b"\0"}, CRYPTO),
                 ("parameters", "ec.nist.p256", ECDH, {**good, "parameters": b"x"}, OPTION),
                 ("Ed25519 key", "ed25519", ECDH, good, CRYPTO),
                 ("RSA key", "rsa", ECDH, good, ALGORITHM),
                 ("symmetric key", "aes", ECDH, good, ALGORITHM),
                 ("signature", "ec.nist.p256", MORE + "ecdsa-sha256", good, ALGORITHM),
                 ("not endorsed", "signs", ECDH, good, ALGORITHM)]
        self.refuse_each_call("keyAgreement", rows)


class Authorization(OperationTest):
    """Before all else but the key: a wrong PIN costs a try whatever else is wrong."""

    def setUp(self):
        super().setUp()
        made = self.make({}, {"keyAlgorithm": PREFIX + "rsa1024"}, {"symmetric": bytes(16)},
                         retryLimit=100)
        self.keys.update(zip(("ec", "rsa", "aes"), made))

    def test_pins(self):
        rsa_public = self.keys["rsa"].public
        peer = spki(generate().public_key())
        for method, key, algorithm, values in (
                ("signHashedData", "ec", MORE + "ecdsa-sha256", {"data": bytes(32)}),
                ("asymmetricKeyDecrypt", "rsa", ES_PKCS1,
                 {"data": rsa_public.encrypt(b"x", PKCS1v15())}),
                ("keyAgreement", "ec", ECDH, {"publicKey": peer}),
                ("performHmac", "aes", HMAC_SHA256, {"data": b"x"}),
                ("symmetricKeyEncrypt", "aes", AES_ECB, {"data": bytes(16), "mode": True})):
            with self.subTest(method):
                last = "publicKey" if "publicKey" in values else "data"
                tries = 0
                for changes in ({}, {"algorithm": "http://x"}, {"parameters": b"x"},
                                {last: bytes(DATA_SIZE + 1)}):
                    for pin in (b"", b"0000"):
                        self.assert_status(
                            AUTHORIZATION, self.operate, method, key, authorization=pin,
                            **{"algorithm": algorithm, **values, **changes})
                        tries += 1
                        self.assertEqual(self.errors(self.keys[key]), [tries])
                self.assert_status(ALGORITHM, self.operate, method, key, "http://x",
                                   authorization=PIN, **values)
                self.assertEqual(self.errors(self.keys[key]), [0], "the PIN was right")
                self.operate(method, key, algorithm, authorization=PIN, **values)
                self.assert_status(OPTION, self.operate, method, key, algorithm,
                                   authorization=PIN, biometric=True, **values)

    def test_no_key(self):
        session = self.session()
        key = session.key()
        for method, values in CRYPTO_METHODS.items():
            for handle in (key.handle, 0, 0xFFFFFFF0):
                self.assert_survives(
                    NO_KEY, session, self.sks.call, method, keyHandle=handle,
                    algorithm="http://x", parameters=b"", biometricAuth=False,
                    authorization=b"", **values)
        session.abort()


class Supported(OperationTest):
    def test_list(self):
        """getDeviceInfo names all that works, and nothing twice."""
        wanted = {*HMACS, *PADDINGS, ECDH, AES_CBC, AES_ECB, *AES_SIZES.values(),
                  *(PREFIX + name for name in EC_CURVES), PREFIX + "ed25519",
                  *(MORE + kind + "-sha" + bits for kind in ("rsa", "ecdsa")
                    for bits in DIGESTS),
                  *(PREFIX + "rsa" + size + suffix for size in ("1024", "2048", "3072", "4096")
                    for suffix in ("", ".exp")),
                  *(PREFIX + name for name in ("rsa.pkcs1.none", "ecdsa.none", "none", "key.1",
                                               "session.1"))}
        supported = self.sks.call("getDeviceInfo").supportedAlgorithm
        self.assertEqual(set(supported), wanted)
        self.assertEqual(len(supported), len(wanted))
