"""Test classes about the key operations, methods 100 to 104, and the URIs of their algorithms."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15

from .keycase import MORE, PIN, PREFIX, KeyTest
from .wirecase import ALGORITHM, OPTION

XMLENC = "http://www.w3.org/2001/04/xmlenc#"
HMACS = {"http://www.w3.org/2000/09/xmldsig#hmac-sha1": "sha1",
         MORE + "hmac-sha256": "sha256", MORE + "hmac-sha384": "sha384",
         MORE + "hmac-sha512": "sha512"}
HMAC_SHA256 = MORE + "hmac-sha256"
ES_PKCS1, OAEP_SHA1, OAEP_SHA256 = (PREFIX + name for name in (
    "rsa.es.pkcs1_5", "rsa.oaep.sha1", "rsa.oaep.sha256"))
ECDH, AES_CBC, AES_ECB = (PREFIX + name for name in ("ecdh.raw", "aes.cbc", "aes.ecb.nopad"))
PADDINGS = {ES_PKCS1: PKCS1v15(),
            OAEP_SHA1: OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None),
            OAEP_SHA256: OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)}
EC_CURVES = {"ec.nist.p256": ec.SECP256R1(), "ec.nist.p384": ec.SECP384R1(),
             "ec.nist.p521": ec.SECP521R1(), "ec.brainpool.p256r1": ec.BrainpoolP256R1(),
             "ec.secg.p256k1": ec.SECP256K1()}
DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
AES_SIZES = {16: XMLENC + "aes128-cbc", 24: XMLENC + "aes192-cbc", 32: XMLENC + "aes256-cbc"}
DATA_SIZE = 16384
CRYPTO_METHODS = {"signHashedData": {"data": bytes(32)}, "asymmetricKeyDecrypt": {"data": b"x"},
                  "keyAgreement": {"publicKey": b"x"}, "performHmac": {"data": b"x"},
                  "symmetricKeyEncrypt": {"data": bytes(16), "mode": True}}


class OperationTest(KeyTest):
    """Keys without PIN, made once a class: {name: options of the key}."""

    wanted = {}

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.keys = {}

    def setUp(self):
        super().setUp()
        if self.wanted and not self.keys:
            made = self.make(*({"pin": None, **options} for options in self.wanted.values()))
            self.keys.update(zip(self.wanted, made))

    def operate(self, method, key, algorithm, parameters=b"", biometric=False,
                authorization=b"", **values):
        key = self.keys[key] if isinstance(key, str) else key
        return self.sks.call(method, keyHandle=key.handle, algorithm=algorithm,
                             parameters=parameters, biometricAuth=biometric,
                             authorization=authorization, **values).result

    def refuse_each_call(self, method, rows):
        """rows: (text, key, algorithm, values, status)"""
        for what, key, algorithm, values, status in rows:
            with self.subTest(what):
                self.assert_status(status, self.operate, method, key, algorithm,
                                   **{**CRYPTO_METHODS[method], **values})

    def common_refusals(self, method, key, algorithm, good):
        """What every method says in the same way; `good` is data that it takes."""
        big = {"data": bytes(DATA_SIZE + 1)}
        rows = [("unknown algorithm", key, "http://x", good, ALGORITHM),
                ("no algorithm", key, "", good, ALGORITHM),
                ("key algorithm", key, PREFIX + "ec.nist.p256", good, ALGORITHM),
                ("none", key, PREFIX + "none", good, ALGORITHM),
                ("PIN for a key without", key, algorithm, {**good, "authorization": PIN},
                 OPTION),
                ("biometrics for a key without", key, algorithm,
                 {**good, "biometric": True}, OPTION)]
        if "data" in good:
            rows += [("too much data", key, algorithm, {**good, **big}, OPTION),
                     ("size is told before the algorithm", key, "http://x", {**good, **big},
                      OPTION)]
        return rows
