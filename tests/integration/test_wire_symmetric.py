"""Methods 103 and 104: HMAC and AES, computed again by another library."""

import hmac
import os

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from rig.keycase import MORE, PREFIX
from rig.operationcase import (
    AES_CBC, AES_ECB, AES_SIZES, DATA_SIZE, HMAC_SHA256, HMACS, OAEP_SHA1, XMLENC,
    OperationTest)
from rig.wirecase import ALGORITHM, CRYPTO, OPTION


class Hmac(OperationTest):
    values = {"1": b"k", "20": os.urandom(20), "128": os.urandom(128)}
    wanted = {**{name: {"symmetric": value} for name, value in values.items()},
              "only": {"symmetric": bytes(32), "endorsedAlgorithm": [HMAC_SHA256]},
              "none": {"symmetric": bytes(32), "endorsedAlgorithm": [PREFIX + "none"]},
              "ec": {}, "rsa": {"keyAlgorithm": PREFIX + "rsa1024"}}

    def test_each_hash(self):
        for algorithm, digest in HMACS.items():
            for name, value in self.values.items():
                for data in (b"", b"data", os.urandom(DATA_SIZE)):
                    with self.subTest(algorithm, key=name, size=len(data)):
                        self.assertEqual(
                            self.operate("performHmac", name, algorithm, data=data),
                            hmac.new(value, data, digest).digest())

    def test_endorsed(self):
        self.assertEqual(self.operate("performHmac", "only", HMAC_SHA256, data=b"x"),
                         hmac.new(bytes(32), b"x", "sha256").digest())

    def test_refused(self):
        good = {"data": b"data"}
        self.refuse_each_call("performHmac", self.common_refusals(
            "performHmac", "20", HMAC_SHA256, good) + [
            ("parameters", "20", HMAC_SHA256, {"parameters": b"x"}, OPTION),
            ("EC key", "ec", HMAC_SHA256, good, ALGORITHM),
            ("RSA key", "rsa", HMAC_SHA256, good, ALGORITHM),
            ("cipher", "20", AES_CBC, good, ALGORITHM),
            ("signature", "ec", MORE + "ecdsa-sha256", good, ALGORITHM),
            ("not endorsed", "only", MORE + "hmac-sha512", good, ALGORITHM),
            ("not endorsed, with parameters", "only", MORE + "hmac-sha512",
             {"parameters": b"x"}, ALGORITHM),
            ("endorsed for nothing", "none", HMAC_SHA256, good, ALGORITHM)])


class Ciphers(OperationTest):
    values = {16: os.urandom(16), 24: os.urandom(24), 32: os.urandom(32)}
    wanted = {**{size: {"symmetric": value} for size, value in values.items()},
              "20": {"symmetric": bytes(20)}, "16": {"symmetric": bytes(16)},
              "32": {"symmetric": bytes(32)},
              "hmac": {"symmetric": bytes(20), "endorsedAlgorithm": [HMAC_SHA256]},
              "only": {"symmetric": bytes(16), "endorsedAlgorithm": [XMLENC + "aes128-cbc"]},
              "ec": {}}

    def cipher(self, key, algorithm, encrypt, data, iv=b"", **options):
        return self.operate("symmetricKeyEncrypt", self.keys[key], algorithm, mode=encrypt,
                            parameters=iv, data=data, **options)

    @staticmethod
    def cbc(value, iv, plain):
        padder = padding.PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(value), modes.CBC(iv)).encryptor()
        return (encryptor.update(padder.update(plain) + padder.finalize())
                + encryptor.finalize())

    def test_xmlenc_draws_its_iv(self):
        for size, algorithm in AES_SIZES.items():
            for plain in (b"", b"x", os.urandom(16), os.urandom(DATA_SIZE)):
                with self.subTest(algorithm, size=len(plain)):
                    got = self.cipher(size, algorithm, True, plain)
                    self.assertEqual(got, got[:16] + self.cbc(self.values[size], got[:16], plain))
                    self.assertNotEqual(got[:16],
                                        self.cipher(size, algorithm, True, plain)[:16])
                    if len(got) <= DATA_SIZE:
                        self.assertEqual(self.cipher(size, algorithm, False, got), plain)

    def test_cbc_with_an_iv(self):
        for size, value in self.values.items():
            for plain in (b"", b"x" * 15, os.urandom(DATA_SIZE)):
                iv = os.urandom(16)
                wanted = self.cbc(value, iv, plain)
                self.assertEqual(self.cipher(size, AES_CBC, True, plain, iv), wanted)
                if len(wanted) <= DATA_SIZE:
                    self.assertEqual(self.cipher(size, AES_CBC, False, wanted, iv), plain)

    def test_ecb_without_padding(self):
        for size, value in self.values.items():
            for blocks in (1, 2, DATA_SIZE // 16):
                plain = os.urandom(16 * blocks)
                encryptor = Cipher(algorithms.AES(value), modes.ECB()).encryptor()
                wanted = encryptor.update(plain) + encryptor.finalize()
                self.assertEqual(self.cipher(size, AES_ECB, True, plain), wanted)
                self.assertEqual(self.cipher(size, AES_ECB, False, wanted), plain)

    def test_decryption_of_nothing(self):
        """As the reference: an IV alone holds nothing, and that is no error."""
        self.assertEqual(self.cipher(16, AES_SIZES[16], False, bytes(16)), b"")
        self.assertEqual(self.cipher(16, AES_CBC, False, b"", bytes(16)), b"")

    def test_refused(self):
        good = {"data": bytes(16)}
        xmlenc = AES_SIZES[16]
        decrypt = {"mode": False}
        iv = {"parameters": bytes(16)}
        bad_padding = bytes([0]) * 32
        rows = self.common_refusals("symmetricKeyEncrypt", "16", xmlenc, good)
        rows += [("AES-128 with 32 bytes", "32", xmlenc, good, OPTION),
                 ("AES-256 with 16 bytes", "16", AES_SIZES[32], good, OPTION),
                 ("AES-192 with 16 bytes", "16", AES_SIZES[24], good, OPTION),
                 ("aes.cbc with 20 bytes", "20", AES_CBC, iv, OPTION),
                 ("aes.ecb.nopad with 20 bytes", "20", AES_ECB, good, OPTION),
                 ("size is told before endorsement", "hmac", xmlenc, good, OPTION),
                 ("IV where it is drawn inside", "16", xmlenc, iv, OPTION),
                 ("IV to decrypt", "16", xmlenc, {**decrypt, **iv, "data": bytes(32)}, OPTION),
                 ("no IV", "16", AES_CBC, good, OPTION),
                 ("IV of 15 bytes", "16", AES_CBC, {"parameters": bytes(15)}, OPTION),
                 ("IV of 17 bytes", "16", AES_CBC, {"parameters": bytes(17)}, OPTION),
                 ("IV for ECB", "16", AES_ECB, iv, OPTION),
                 ("ECB of 17 bytes", "16", AES_ECB, {"data": bytes(17)}, OPTION),
                 ("ECB decryption of 15 bytes", "16", AES_ECB,
                  {**decrypt, "data": bytes(15)}, OPTION),
                 ("decryption of 33 bytes", "16", xmlenc, {**decrypt, "data": bytes(33)},
                  OPTION),
                 ("decryption of nothing", "16", xmlenc, {**decrypt, "data": b""}, OPTION),
                 ("aes.cbc decryption of 17 bytes", "16", AES_CBC,
                  {**decrypt, **iv, "data": bytes(17)}, OPTION),
                 ("bad padding", "16", xmlenc, {**decrypt, "data": bad_padding}, CRYPTO),
                 ("bad padding of aes.cbc", "16", AES_CBC,
                  {**decrypt, **iv, "data": bad_padding}, CRYPTO),
                 ("EC key", "ec", xmlenc, good, ALGORITHM),
                 ("HMAC", "16", HMAC_SHA256, good, ALGORITHM),
                 ("decryption by RSA", "ec", OAEP_SHA1, good, ALGORITHM),
                 ("not endorsed", "only", AES_ECB, good, ALGORITHM),
                 ("not endorsed, with parameters", "only", AES_ECB, iv, ALGORITHM)]
        self.refuse_each_call("symmetricKeyEncrypt", rows)
