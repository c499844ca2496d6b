"""sks-token sign, decrypt, encrypt, hmac and derive, checked by another library and by openssl."""

import hashlib
import hmac
import os
import stat
import subprocess

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rig import openssl
from rig.certificates import generate
from rig.clicase import IO_ERROR, REFUSED, USAGE, CliTest, both_ways
from rig.constructs import from_raw_ecdsa
from rig.keycase import MORE, PIN, PREFIX
from rig.operationcase import (
    AES_CBC, AES_SIZES, DATA_SIZE, ES_PKCS1, HMACS, OAEP_SHA1, OAEP_SHA256, PADDINGS)

DATA = b"what is to be done\n" * 10
DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def public_pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


class UseTest(CliTest):
    """Keys without PIN, made once a class."""

    wanted = {}

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.keys = {}

    def setUp(self):
        super().setUp()
        if not self.keys:
            made = self.make(*({"pin": None, **options} for options in self.wanted.values()))
            self.keys.update(zip(self.wanted, made))

    def use(self, command, key, *arguments, **options):
        return self.command(command, self.keys[key].handle, *arguments, **options)

    def not_used(self, command, key, *arguments, **options):
        return self.refused(command, self.keys[key].handle, *arguments, **options)


class Signing:
    wanted = {"p256": {"friendlyName": "Signer"}, "p521": {"keyAlgorithm": PREFIX + "ec.nist.p521"},
              "rsa": {"keyAlgorithm": PREFIX + "rsa2048"},
              "ed25519": {"keyAlgorithm": PREFIX + "ed25519"},
              "only384": {"endorsedAlgorithm": [MORE + "ecdsa-sha384"]},
              "nothing": {"endorsedAlgorithm": [PREFIX + "none"]}, "aes": {"symmetric": bytes(16)}}

    def test_ecdsa_as_der_and_raw(self):
        for name in ("p256", "p521"):
            public = self.keys[name].public
            der = self.use("sign", name, stdin=DATA).out
            public.verify(der, DATA, ec.ECDSA(hashes.SHA256()))
            for bits, digest in DIGESTS.items():
                for algorithm in ("ES" + bits, "ecdsa-sha" + bits, "ECDSA-SHA" + bits,
                                  MORE + "ecdsa-sha" + bits):
                    raw = self.use("sign", name, "--raw", "--algorithm", algorithm,
                                   stdin=DATA).out
                    public.verify(from_raw_ecdsa(raw), DATA, ec.ECDSA(digest))

    def test_rsa_and_ed25519(self):
        signature = self.use("sign", "rsa", stdin=DATA).out
        self.keys["rsa"].public.verify(signature, DATA, PKCS1v15(), hashes.SHA256())
        signature = self.use("sign", "rsa", "--algorithm", "RS512", stdin=DATA).out
        self.keys["rsa"].public.verify(signature, DATA, PKCS1v15(), hashes.SHA512())
        self.keys["ed25519"].public.verify(self.use("sign", "ed25519", stdin=DATA).out, DATA)

    def test_files_and_openssl(self):
        source, target = self.write("in", DATA), self.folder / "signature"
        self.command("sign", "Signer", "--in", source, "--out", target)
        (self.folder / "key.pem").write_bytes(public_pem(self.keys["p256"].public))
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.folder / "key.pem",
                               "-signature", target, source], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        signature = self.command("sign", "Signer", "--raw", "--in", source, "--out", "-").out
        self.assertEqual(openssl.signature_problem(self.keys["p256"].certificate, signature,
                                                   DATA), "")

    def test_a_big_file_is_hashed_here(self):
        path = self.folder / "big"
        with open(path, "wb") as file:
            file.truncate(80 * 1024 * 1024)
        signature = self.use("sign", "p256", "--in", path).out
        digest = hashlib.sha256(bytes(80 * 1024 * 1024)).digest()
        self.keys["p256"].public.verify(signature, digest, ec.ECDSA(
            Prehashed(hashes.SHA256())))

    def test_the_best_that_is_endorsed(self):
        signature = self.use("sign", "only384", stdin=DATA).out
        self.keys["only384"].public.verify(signature, DATA, ec.ECDSA(hashes.SHA384()))
        self.not_used("sign", "only384", "--algorithm", "ES256", text="ERROR_ALGORITHM.*endorsed")
        self.not_used("sign", "nothing", text="no algorithm for this operation")

    def test_refusals(self):
        self.not_used("sign", "aes", text="no algorithm for this operation")
        self.not_used("sign", "p256", "--algorithm", "RS256", text="ERROR_ALGORITHM")
        text = self.not_used("sign", "p256", "--algorithm", "hmac-sha256", code=USAGE)
        for name in ("rsa-sha256", "ecdsa.none", "ed25519"):
            self.assertIn(name, text)
        self.not_used("sign", "p256", "--in", self.folder / "none", code=IO_ERROR,
                      text="No such file")
        self.not_used("sign", "p256", "--out", self.folder / "none" / "x", code=IO_ERROR,
                      text="No such file")
        self.not_used("sign", "ed25519", stdin=bytes(DATA_SIZE + 1), code=USAGE,
                      text="over %d bytes" % DATA_SIZE)

    def test_binary_does_not_go_to_a_terminal(self):
        source = self.write("in", DATA)
        with self.terminal("sign", self.keys["p256"].handle, "--in", source, code=USAGE) as t:
            t.wait_for("the output is binary: --out FILE or a pipe")


class Decryption:
    wanted = {"rsa": {"keyAlgorithm": PREFIX + "rsa2048", "friendlyName": "Box"},
              "pkcs1": {"keyAlgorithm": PREFIX + "rsa2048", "endorsedAlgorithm": [ES_PKCS1]},
              "ec": {}}

    def test_rsa(self):
        public = self.keys["rsa"].public
        for uri, name in ((OAEP_SHA256, None), (OAEP_SHA256, "rsa.oaep.sha256"),
                          (OAEP_SHA1, "RSA.OAEP.SHA1"), (ES_PKCS1, ES_PKCS1)):
            for message in (b"", b"secret", os.urandom(100)):
                options = ("--algorithm", name) if name else ()
                done = self.use("decrypt", "rsa", *options,
                                stdin=public.encrypt(message, PADDINGS[uri]))
                self.assertEqual(done.out, message)

    def test_the_one_that_is_endorsed(self):
        encrypted = self.keys["pkcs1"].public.encrypt(b"secret", PADDINGS[ES_PKCS1])
        self.assertEqual(self.use("decrypt", "pkcs1", stdin=encrypted).out, b"secret")

    def test_what_openssl_encrypted(self):
        source = self.folder / "encrypted"
        self.command("show", "Box", "--pem", "--out", self.folder / "box.pem")
        subprocess.run(["openssl", "pkeyutl", "-encrypt", "-certin", "-inkey",
                        self.folder / "box.pem", "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt",
                        "rsa_oaep_md:sha256", "-out", source], input=b"from openssl", check=True)
        target = self.folder / "clear"
        self.command("decrypt", "Box", "--in", source, "--out", target)
        self.assertEqual(target.read_bytes(), b"from openssl")
        self.assertEqual(mode_of(target), 0o600, "nobody else's to read")

    def test_on_a_terminal_only_text(self):
        for message, code in (("Grüße\n".encode(), 0), (b"\x1b[31m", USAGE),
                              ("\u009b".encode(), USAGE), (b"\xff", USAGE)):
            source = self.write("in", self.keys["rsa"].public.encrypt(message,
                                                                      PADDINGS[OAEP_SHA256]))
            with self.terminal("decrypt", "Box", "--in", source, code=code) as t:
                t.wait_for("Grüße" if code == 0 else "the output is binary")
            self.assertNotIn("\x1b", t.shown)

    def test_refusals(self):
        self.not_used("decrypt", "rsa", stdin=bytes(256), text="ERROR_CRYPTO")
        self.not_used("decrypt", "rsa", stdin=b"short", text="ERROR_CRYPTO")
        self.not_used("decrypt", "rsa", stdin=bytes(DATA_SIZE + 1), code=USAGE)
        self.not_used("decrypt", "rsa", "--iv", "00" * 16, code=USAGE, text="no AES key")
        self.not_used("decrypt", "rsa", "--algorithm", "aes.cbc", code=USAGE, text="rsa.oaep")
        self.not_used("decrypt", "ec", text="no algorithm for this operation")
        self.not_used("encrypt", "rsa", text="has no symmetric key")


class Symmetric:
    wanted = {**{size: {"symmetric": bytes(range(size))} for size in AES_SIZES},
              "mac": {"symmetric": b"key of 20 bytes.....", "friendlyName": "Mac"},
              "pinned": {"symmetric": bytes(16), "endorsedAlgorithm": [AES_CBC]}, "ec": {}}

    @staticmethod
    def cbc(key, iv, clear):
        padder = padding.PKCS7(128).padder()
        cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        return (cipher.update(padder.update(clear) + padder.finalize()) + cipher.finalize())

    def test_encrypt_and_decrypt(self):
        for size in AES_SIZES:
            key = bytes(range(size))
            for message in (b"", DATA, os.urandom(DATA_SIZE - 100)):
                encrypted = self.use("encrypt", size, stdin=message).out
                self.assertEqual(encrypted[16:], self.cbc(key, encrypted[:16], message))
                self.assertEqual(self.use("decrypt", size, stdin=encrypted).out, message)
            block = os.urandom(32)
            ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)
            named = ("--algorithm", "aes.ecb.nopad")
            self.assertEqual(self.use("encrypt", size, *named, stdin=block).out, ecb)
            self.assertEqual(self.use("decrypt", size, *named, stdin=ecb).out, block)

    def test_with_an_iv(self):
        iv = os.urandom(16)
        for key, raw in ((16, bytes(range(16))), ("pinned", bytes(16))):
            for options in (("--iv", iv.hex()), ("--iv", iv.hex().upper(), "--algorithm", AES_CBC)):
                encrypted = self.use("encrypt", key, *options, stdin=DATA).out
                self.assertEqual(encrypted, self.cbc(raw, iv, DATA))
                self.assertEqual(self.use("decrypt", key, *options, stdin=encrypted).out, DATA)

    def test_files(self):
        source, middle, target = self.write("in", DATA), self.folder / "x", self.folder / "y"
        self.use("encrypt", 32, "--in", source, "--out", middle)
        self.use("decrypt", 32, "--in", middle, "--out", target)
        self.assertEqual(target.read_bytes(), DATA)
        self.assertEqual((mode_of(middle), mode_of(target)), (0o644, 0o600))

    def test_hmac(self):
        key = self.wanted["mac"]["symmetric"]
        wanted = hmac.new(key, DATA, "sha256")
        self.assertEqual(self.use("hmac", "mac", stdin=DATA).text, wanted.hexdigest() + "\n")
        self.assertEqual(self.use("hmac", "mac", "--raw", stdin=DATA).out, wanted.digest())
        target = self.folder / "mac"
        self.use("hmac", "mac", "--out", target, "--in", self.write("in", DATA))
        self.assertEqual(target.read_bytes(), wanted.digest())
        for uri, digest in HMACS.items():
            for name in (uri, uri.split("#")[1].upper()):
                done = self.use("hmac", "mac", "--algorithm", name, stdin=DATA)
                self.assertEqual(done.text.strip(), hmac.new(key, DATA, digest).hexdigest())

    def test_what_is_no_file_is_written_to_and_not_replaced(self):
        self.use("hmac", "mac", "--out", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        self.not_used("hmac", "mac", "--out", self.folder, code=IO_ERROR, text="Is a directory")

    def test_refusals(self):
        self.not_used("hmac", "ec", text="no algorithm for this operation")
        self.not_used("hmac", "mac", "--algorithm", "ES256", code=USAGE, text="hmac-sha512")
        self.not_used("encrypt", "mac", text="no algorithm for this operation")
        self.not_used("encrypt", "ec", text="has no symmetric key")
        self.not_used("encrypt", 16, "--algorithm", "aes256-cbc", text="ERROR_OPTION.*size")
        self.not_used("encrypt", 16, "--algorithm", "aes.cbc", text="ERROR_OPTION.*IV")
        self.not_used("encrypt", 16, "--iv", "00", text="ERROR_OPTION.*IV")
        self.not_used("encrypt", 16, "--iv", "0g" * 16, code=USAGE, text="--iv.*hexadecimal")
        self.not_used("decrypt", 16, stdin=bytes(32), text="ERROR_CRYPTO")
        self.not_used("decrypt", 16, stdin=bytes(31), text="ERROR_OPTION")
        for command in ("hmac", "encrypt", "decrypt"):
            self.not_used(command, 16, stdin=bytes(DATA_SIZE + 1), code=USAGE,
                          text="over %d bytes" % DATA_SIZE)


class Agreement:
    wanted = {"p256": {}, "p384": {"keyAlgorithm": PREFIX + "ec.nist.p384"},
              "rsa": {"keyAlgorithm": PREFIX + "rsa2048"}}

    def test_with_a_key_and_with_a_certificate(self):
        for name, kind in (("p256", "P-256"), ("p384", "P-384")):
            peer = generate(kind)
            wanted = peer.exchange(ec.ECDH(), self.keys[name].public)
            key = self.write("peer.pem", public_pem(peer.public_key()))
            self.assertEqual(self.use("derive", name, "--peer", key).out, wanted)
            pem = openssl._pem(self.authority.issue("peer", peer.public_key()))
            path = self.write("path.pem", pem + openssl._pem(self.authority.der))
            target = self.folder / "shared"
            self.use("derive", name, "--peer", path, "--out", target)
            self.assertEqual(target.read_bytes(), wanted)
            self.assertEqual(mode_of(target), 0o600)

    def test_refusals(self):
        peer = self.write("other.pem", public_pem(generate("P-384").public_key()))
        self.not_used("derive", "p256", "--peer", peer, text="ERROR_CRYPTO.*curve")
        self.not_used("derive", "rsa", "--peer", peer, text="no algorithm for this operation")
        for content in (b"", b"nothing", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"):
            self.not_used("derive", "p256", "--peer", self.write("bad.pem", content),
                          code=IO_ERROR, text="no public key and no certificate")
        bad = self.write("bad.pem", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
        self.not_used("derive", "p256", "--peer", bad, text="ERROR_CRYPTO.*not a public key")
        good = self.write("good.pem", public_pem(generate().public_key()))
        with self.terminal("derive", self.keys["p256"].handle, "--peer", good, code=USAGE) as t:
            t.wait_for("the output is a secret")


class WithPin(CliTest):
    """A PIN is wanted by the key, not by the command."""

    def test_each_operation(self):
        peer = self.write("peer.pem", public_pem(generate().public_key()))
        rsa, aes, p256 = self.make({"keyAlgorithm": PREFIX + "rsa2048"},
                                   {"symmetric": bytes(16)}, {}, retryLimit=20)
        encrypted = rsa.public.encrypt(b"secret", PADDINGS[OAEP_SHA256])
        for key, command, arguments, stdin in (
                (p256, "sign", (), b""), (rsa, "decrypt", (), encrypted),
                (aes, "encrypt", (), DATA), (aes, "hmac", (), DATA),
                (p256, "derive", ("--peer", peer), b"")):
            with self.subTest(command):
                call = (command, key.handle, *arguments)
                self.refused(*call, stdin=stdin, text="--pin-file, SKS_TOKEN_PIN or a terminal")
                self.refused(*call, stdin=stdin, pin="0815", text="wrong PIN; 19 of 20 tries left")
                self.assertTrue(self.command(*call, stdin=stdin, pin=PIN.decode()).out)

    def test_what_is_wrong_here_costs_no_try(self):
        key, = self.make({})
        for options, code in ((("--algorithm", "x"), USAGE), (("--in", "/none"), IO_ERROR),
                              (("--biometric",), USAGE)):
            self.refused("sign", key.handle, *options, code=code, pin="0815")
        self.refused("hmac", key.handle, code=REFUSED, pin="0815")
        self.assertEqual(self.errors(key), [0])


globals().update(both_ways(__name__, Signing, Decryption, Symmetric, Agreement, base=UseTest))
