"""Methods 13 and 14: keys made by the issuer, symmetric and private."""

import hashlib
import os

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec

from rig.certificates import generate
from rig.constructs import from_pkcs8, pkcs8, verifies
from rig.keycase import EXPORTED, IMPORTED, MORE, PREFIX, KeyTest
from rig.wirecase import CRYPTO, MAC, NO_KEY, OPTION

XMLENC = "http://www.w3.org/2001/04/xmlenc#"
HMAC_SHA1 = "http://www.w3.org/2000/09/xmldsig#hmac-sha1"
RSA_2048 = PREFIX + "rsa2048"
EXPORTABLE = {"pin": None, "exportProtection": 0}
# Of a private key: cryptoDataSize and what the encryption may add to it.
LONGEST_CIPHERTEXT = 16384 + 32


def bad_padding(session, plain=bytes(15)):
    """A ciphertext whose last byte of padding, 1, is made 0 through the IV."""
    good = session.encrypt(plain)
    return good[:15] + bytes([good[15] ^ 1]) + good[16:]


class ImportTest(KeyTest):
    def certified(self, public=None, **changes):
        """An open session with one key and its certificate."""
        session = self.session()
        key = session.key(**changes)
        session.certify(key, [self.authority.issue(key.id, public or key.public)])
        return session, key

    def refuse_imports(self, method, cases):
        """cases: (text, options or a function of the session that makes them, status)"""
        for what, options, status in cases:
            with self.subTest(what):
                session, key = self.certified()
                if callable(options):
                    options = options(session)
                self.assert_torn_down(status, session, getattr(session, method), key, **options)

    def refuse_of_both(self, method):
        session = self.session()
        bare = session.key()
        self.assert_torn_down(OPTION, session, getattr(session, method), bare)
        finished = self.make({"pin": None})[0]
        session, key = self.certified()
        for handle in (finished.handle, 0, 0xFFFFFFF0):
            self.assert_survives(NO_KEY, session, getattr(session, method), key,
                                 sent={"keyHandle": handle})
        session.abort()
        self.assert_status(NO_KEY, getattr(session, method), key)

    def assert_limit(self, method, *arguments):
        """One decryption and one MAC, besides the 3 of key and certificate."""
        for limit, good in ((5, True), (4, False)):
            session = self.session(sessionKeyLimit=limit)
            key = session.key()
            self.certify(session, key)
            if good:
                getattr(session, method)(key, *arguments)
                self.assert_torn_down(OPTION, session, session.close)
            else:
                self.assert_torn_down(OPTION, session, getattr(session, method), key, *arguments)


class ImportSymmetricKey(ImportTest):
    def test_sizes(self):
        sizes = (1, 16, 20, 24, 32, 64, 128)
        values = [os.urandom(size) for size in sizes]
        keys = self.make(*({**EXPORTABLE, "symmetric": value} for value in values))
        for key, value in zip(keys, values):
            shown = self.attributes(key)
            self.assertEqual(shown.symmetricKeyLength, len(value))
            self.assertEqual(shown.certificate, [key.certificate])
            self.assert_protection(key, keyBackup=IMPORTED)
            self.assertEqual(self.manage("exportKey", key).key, value)
            self.assert_protection(key, keyBackup=IMPORTED | EXPORTED)

    def test_endorsed_algorithms_that_fit(self):
        for endorsed, size in (([XMLENC + "aes128-cbc"], 16), ([XMLENC + "aes192-cbc"], 24),
                               ([XMLENC + "aes256-cbc"], 32), ([PREFIX + "aes.cbc"], 24),
                               ([PREFIX + "aes.ecb.nopad"], 16), ([HMAC_SHA1], 5),
                               ([MORE + "hmac-sha512"], 128), ([PREFIX + "none"], 7)):
            with self.subTest(endorsed, size=size):
                (key,) = self.make({"pin": None, "endorsedAlgorithm": endorsed,
                                    "symmetric": bytes(size)})
                self.assertEqual(self.attributes(key).endorsedAlgorithm, endorsed)

    def test_endorsed_algorithms_that_do_not_fit(self):
        """Seen when the session closes."""
        for endorsed, size in ((XMLENC + "aes128-cbc", 32), (XMLENC + "aes192-cbc", 16),
                               (XMLENC + "aes256-cbc", 24), (PREFIX + "aes.cbc", 20),
                               (PREFIX + "aes.ecb.nopad", 17), (MORE + "ecdsa-sha256", 16),
                               (MORE + "rsa-sha256", 16), (PREFIX + "ecdh.raw", 16),
                               (MORE + "hmac-sha256", None), (XMLENC + "aes128-cbc", None),
                               (PREFIX + "rsa.oaep.sha1", None)):
            with self.subTest(endorsed, size=size):
                session, key = self.certified(endorsedAlgorithm=[endorsed])
                if size is not None:
                    session.import_symmetric(key, bytes(size))
                text = self.assert_torn_down(OPTION, session, session.close)
                self.assertIn(endorsed, text)

    def test_refused(self):
        self.refuse_imports("import_symmetric", [
            ("no key", {"value": b""}, OPTION), ("129 bytes", {"value": bytes(129)}, OPTION),
            ("ciphertext of more than 160 bytes", {"value": bytes(144)}, OPTION),
            ("no ciphertext", {"encryptedKey": b""}, CRYPTO),
            ("15 bytes", {"encryptedKey": bytes(15)}, CRYPTO),
            ("an IV alone", {"encryptedKey": bytes(16)}, CRYPTO),
            ("not whole blocks", {"encryptedKey": bytes(33)}, CRYPTO),
            ("bad padding", lambda session: {"encryptedKey": bad_padding(session)}, CRYPTO),
            ("wrong MAC", {"mac": bytes(32)}, MAC),
            ("short MAC", {"mac": bytes(31)}, MAC),
            ("another ciphertext", {"sent": {"encryptedKey": bytes(32)}}, MAC),
            ("certificate of another key", {"endEntityCertificate": self.authority.der}, MAC),
        ])

    def test_refused_of_both(self):
        self.refuse_of_both("import_symmetric")
        self.assert_limit("import_symmetric")

    def test_twice(self):
        """Told before the MAC is looked at."""
        for mac in (None, bytes(32)):
            session, key = self.certified()
            session.import_symmetric(key)
            self.assert_torn_down(OPTION, session, session.import_symmetric, key, mac=mac)

    def test_certificate_must_still_be_that_of_the_key(self):
        session, key = self.certified(public=generate().public_key())
        session.import_symmetric(key)
        self.assert_torn_down(OPTION, session, session.close)

    def test_another_session_cannot_import(self):
        session, key = self.certified()
        other = self.session()
        self.assert_torn_down(MAC, session, other.import_symmetric, key)
        self.assertTrue(self.is_open(other))
        other.abort()


class ImportPrivateKey(ImportTest):
    def assert_signs(self, key, private):
        digest = hashlib.sha256(b"data").digest()
        kind = "ecdsa" if hasattr(private, "curve") else "rsa"
        signature = self.sign(key, digest, MORE + kind + "-sha256", authorization=b"")
        self.assertTrue(verifies(private.public_key(), signature, b"data", hashes.SHA256()))

    def test_kinds(self):
        for kind in ("P-256", "P-384", "P-521", "RSA-2048", "RSA-1024"):
            with self.subTest(kind):
                private = generate(kind)
                (key,) = self.make({**EXPORTABLE, "private": private})
                self.assertEqual(self.attributes(key).symmetricKeyLength, 0)
                self.assert_protection(key, keyBackup=IMPORTED)
                self.assert_signs(key, private)
                exported = from_pkcs8(self.manage("exportKey", key).key)
                self.assertEqual(pkcs8(exported), pkcs8(private))
                self.assert_protection(key, keyBackup=IMPORTED | EXPORTED)

    def test_ed25519(self):
        private = generate("Ed25519")
        (key,) = self.make({**EXPORTABLE, "private": private})
        signature = self.sign(key, b"data", PREFIX + "ed25519", authorization=b"")
        private.public_key().verify(signature, b"data")
        self.assertEqual(self.manage("exportKey", key).key, pkcs8(private))

    def test_kind_that_was_generated_does_not_matter(self):
        private = generate("P-384")
        (key,) = self.make({"pin": None, "keyAlgorithm": RSA_2048, "private": private})
        self.assert_signs(key, private)

    def test_survives_a_restart(self):
        private = generate()
        key, symmetric = self.make({"pin": None, "private": private},
                                   {**EXPORTABLE, "symmetric": bytes(20)})
        self.sks.close()
        self.token.restart()
        self.assert_signs(key, private)
        self.assertEqual(self.manage("exportKey", symmetric).key, bytes(20))

    def test_refused(self):
        dsa_key = dsa.generate_private_key(1024)
        unknown_curve = ec.generate_private_key(ec.SECP224R1())
        whole = pkcs8(generate())
        self.refuse_imports("import_private", [
            ("random bytes", {"raw": os.urandom(100)}, CRYPTO),
            ("under 21 bytes", {"raw": whole[:20]}, CRYPTO),
            ("cut off", {"raw": whole[:-30]}, CRYPTO),
            ("a byte after it", {"raw": whole + b"\0"}, CRYPTO),
            ("bytes of another structure", {"raw": self.authority.der}, CRYPTO),
            ("DSA", {"raw": pkcs8(dsa_key)}, (CRYPTO, OPTION)),
            ("unknown curve", {"raw": pkcs8(unknown_curve)}, OPTION),
            ("RSA for an EC certificate", {"raw": pkcs8(generate("RSA-2048"))}, OPTION),
            ("under a password", {"raw": generate().private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"x"))}, CRYPTO),
            ("ciphertext too long", {"encryptedKey": bytes(LONGEST_CIPHERTEXT + 16)}, OPTION),
            ("longest ciphertext", {"encryptedKey": bytes(LONGEST_CIPHERTEXT)}, CRYPTO),
            ("no ciphertext", {"encryptedKey": b""}, CRYPTO),
            ("an IV alone", {"encryptedKey": bytes(16)}, CRYPTO),
            ("not whole blocks", {"encryptedKey": bytes(33)}, CRYPTO),
            ("bad padding", lambda session: {"encryptedKey": bad_padding(session)}, CRYPTO),
            ("wrong MAC", {"raw": whole, "mac": bytes(32)}, MAC),
            ("another ciphertext", {"raw": whole, "sent": {"encryptedKey": bytes(160)}}, MAC),
            ("certificate of another key",
             {"raw": whole, "endEntityCertificate": self.authority.der}, MAC),
        ])

    def test_not_the_key_of_the_certificate(self):
        """RSA is told at once, EC at the latest when the session closes."""
        def import_and_close(session, key, private):
            session.import_private(key, private)
            session.close()

        for kind, other in (("P-256", "P-256"), ("P-256", "P-384"), ("RSA-2048", "RSA-2048"),
                            ("RSA-2048", "P-256"), ("P-521", "RSA-2048")):
            with self.subTest(kind, imported=other):
                session, key = self.certified(generate(kind).public_key())
                self.assert_torn_down(OPTION, session, import_and_close, session, key,
                                      generate(other))

    def test_refused_of_both(self):
        self.refuse_of_both("import_private")
        session = self.session(sessionKeyLimit=4)
        key, private = session.key(), generate()
        session.certify(key, [self.authority.issue("x", private.public_key())])
        self.assert_torn_down(OPTION, session, session.import_private, key, private)

    def test_twice(self):
        """Told after the MAC was looked at."""
        private = generate()
        for second in ("import_private", "import_symmetric"):
            for first in ("import_private", "import_symmetric"):
                session, key = self.certified(private.public_key())
                arguments = {"import_private": private, "import_symmetric": bytes(16)}
                getattr(session, first)(key, arguments[first])
                self.assert_torn_down(OPTION, session, getattr(session, second), key,
                                      arguments[second])
        session, key = self.certified(private.public_key())
        session.import_private(key, private)
        self.assert_torn_down(MAC, session, session.import_private, key, private, mac=bytes(32))
