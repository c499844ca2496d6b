"""The draft's own tables on the wire: methods 24 and 25, the error codes 1 to 8, the two URLs."""

import struct

from rig import constructs
from rig.certificates import generate
from rig.constructs_2010 import oaep
from rig.deactivationcase import ALLOWED, command
from rig.issuer_side import IssuerSession
from rig.keycase import MORE
from rig.profile_2010 import (
    ALGORITHM, AUTHENTICATION, CRYPTO, END_SESSION, MAC, METHODS_2010, NO_KEY, NO_SESSION,
    NOT_AVAILABLE, OPTION, PROVISIONING_URI, SESSION_2010, STORAGE, Profile2010Test, Session2010,
    server_key)
from rig.sks_types import array
from rig.sks_wire import CONTENT_TYPE, encode_call
from rig.wirecase import CRYPTO as CRYPTO_107
from rig.wirecase import NO_SESSION as NO_SESSION_107
from rig.wirecase import OPTION as OPTION_107

ED25519_SPKI = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))
INTEGER_SIZES = {"byte": 1, "bool": 1, "ushort": 2, "uint": 4}


def spki(private):
    return constructs.spki(private.public_key())


def values(**changes):
    return {"server_session_id": bytes(range(32)), "client_session_id": bytes(32),
            "provisioning_uri": PROVISIONING_URI, "server_public_key": spki(server_key()),
            "life_time": 60, **changes}


class CreateProvisioningSession(Profile2010Test):
    def test_each_field(self):
        """The bytes by hand, in the order of the draft's table."""
        sent = values(server_session_id=b"\xff" * 32, client_session_id=b"\0\x80" * 16)
        body = (b"\x18"
                + b"\0\x20" + sent["server_session_id"]
                + b"\0\x20" + sent["client_session_id"]
                + struct.pack(">H", len(PROVISIONING_URI)) + PROVISIONING_URI.encode()
                + array(sent["server_public_key"])
                + struct.pack(">I", 60))
        self.assertEqual(encode_call("createProvisioningSession", METHODS_2010, **sent), body)
        answer = self.sks.post(body)
        self.assertEqual(answer[:3], b"\0" + struct.pack(">H", 256), "status, then RSA of 2048 bits")
        key = server_key().decrypt(answer[3:259], oaep())
        self.assertEqual(len(key), 32)
        (length,) = struct.unpack(">H", answer[259:261])
        self.assertEqual(length, 64, "r and s of a P-256 device key")
        self.assertEqual(len(answer), 261 + length + 4)
        (handle,) = struct.unpack(">I", answer[261 + length:])
        shown = self.sks.sessions(True)[-1]
        self.assertEqual(vars(shown), {
            "provisioningHandle": handle, "sessionKeyAlgorithm": SESSION_2010,
            "privacyEnabled": False, "keyManagementKey": b"", "clientTime": 0,
            "sessionLifeTime": 60, "serverSessionId": sent["server_session_id"],
            "clientSessionId": sent["client_session_id"], "issuerUri": PROVISIONING_URI})

    def test_a_field_too_short_or_of_another_type(self):
        """Refused with a text that names it, and nothing is made."""
        open_before = len(self.sks.sessions(True))
        number, inputs, _ = METHODS_2010["createProvisioningSession"]
        good, body = values(), bytes([number])
        for name, kind, _ in inputs:
            part = encode_call("createProvisioningSession", METHODS_2010, **good)[len(body):]
            size = INTEGER_SIZES.get(kind) or 2 + len(good[name])
            with self.subTest(name):
                text = self.refused(OPTION, body + part[:size - 1])
                self.assertIn(name, text)
            body += part[:size]
        self.assertIn("left over", self.refused(OPTION, body + b"\0"))
        bad = encode_call("createProvisioningSession", METHODS_2010,
                          **values(provisioning_uri=b"http://\xff"))
        self.assertIn("provisioning_uri", self.refused(OPTION, bad))
        self.assertEqual(len(self.sks.sessions(True)), open_before)

    def refused(self, status, body):
        answer = self.sks.post(body)
        self.assertEqual(answer[0], status)
        return answer[3:].decode()

    def test_values_refused(self):
        for name, value, status in (
                ("server_session_id", b"", OPTION), ("server_session_id", bytes(31), OPTION),
                ("server_session_id", bytes(33), OPTION), ("client_session_id", b"", OPTION),
                ("client_session_id", bytes(31), OPTION), ("client_session_id", bytes(33), OPTION),
                ("provisioning_uri", "", OPTION), ("provisioning_uri", "x" * 1001, OPTION),
                ("life_time", 0, OPTION)):
            with self.subTest(name, value=value):
                text = self.assert_status(status, self.session, **{name: value})
                self.assertIn(name, text)
        self.session(provisioning_uri="x" * 1000).abort()

    def test_server_keys(self):
        for kind, size in (("RSA-2048", 256), ("RSA-3072", 384), ("RSA-4096", 512)):
            with self.subTest(kind):
                session = Session2010(self.sks, own=server_key(kind)).create()
                self.assertEqual(len(session.answer.encrypted_session_key), size)
                self.finish(session, session.key())

    def test_server_keys_refused(self):
        good = spki(server_key())
        exponent_3 = constructs.spki(constructs.from_jwk(
            {**constructs.to_jwk(server_key().public_key()), "e": "Aw"}))
        begin = exponent_3[:-1]
        self.assertEqual(exponent_3[-3:], b"\x02\x01\x03")
        for key in (good, exponent_3):
            self.sks.call("createProvisioningSession", **values(server_public_key=key))
        cases = {
            "RSA-1024": self.rsa_of(1024), "RSA of 2040 bits": self.rsa_of(2040),
            "RSA of 4104 bits": self.rsa_of(4104), "P-256": spki(generate()),
            "Ed25519": ED25519_SPKI, "nothing": b"", "half a key": good[:-1],
            "a byte behind it": good + b"\0", "no DER": bytes(294),
            "PKCS #1": self.pkcs1(good), "exponent 1": begin + b"\x01",
            "exponent 2": begin + b"\x02",
        }
        for what, key in cases.items():
            with self.subTest(what):
                text = self.assert_status(CRYPTO, self.sks.call, "createProvisioningSession",
                                          **values(server_public_key=key))
                self.assertIn("server_public_key", text)

    @staticmethod
    def rsa_of(bits):
        """A public key that nobody has the private one of; making one so long takes a while."""
        jwk = {"kty": "RSA", "e": "AQAB",
               "n": constructs.base64url(((1 << (bits - 1)) | 1).to_bytes(bits // 8, "big"))}
        return constructs.spki(constructs.from_jwk(jwk))

    @staticmethod
    def pkcs1(key):
        """The RSAPublicKey inside: a SEQUENCE without its algorithm."""
        return key[24:]

    def test_device_keys(self):
        token = self.start_token(device_key="rsa2048")
        session = Session2010(self.wire(token)).create()
        self.assertEqual(len(session.answer.attested_session_key), 256)
        self.finish(session, session.key())

    def test_every_session_has_a_key_of_its_own(self):
        sessions = [self.session() for _ in range(3)]
        self.assertEqual(len({session.counter.key for session in sessions}), 3)
        for session in sessions:
            session.abort()


class Deactivate(Profile2010Test):
    token_options = ALLOWED

    def test_fields(self):
        """No input; status and one byte."""
        session = self.session()
        self.assertEqual(self.sks.post(b"\x19\0")[0], OPTION, "a byte is left over")
        self.assertEqual(self.sks.post(b"\x19"), b"\0\x01")
        self.addCleanup(command, "activate", self.token)
        for call in (session.abort, self.session, self.sks.keys):
            self.assert_status(NOT_AVAILABLE, call)
        self.assertEqual(self.sks.post(b"\x19"), b"\0\x01")
        self.assertEqual(self.sks.call("getDeviceInfo").certificate, [session.device_certificate])
        self.assertEqual(command("activate", self.token).returncode, 0)
        self.assert_status(NO_SESSION, session.abort)
        self.session().abort()


class ErrorCodes(Profile2010Test):
    """Each row of the draft's table of error codes."""

    def assert_code(self, code, call, *arguments, **options):
        """With a text in UTF-8, here English without a letter beyond ASCII."""
        text = self.assert_status(code, call, *arguments, **options)
        self.assertTrue(text.isascii() and text.isprintable(), text)
        self.assertRegex(text, "[a-z]{3}")

    def test_authentication_1(self):
        (key,) = self.make(session=self.session(), retryLimit=2)
        self.assert_code(AUTHENTICATION, self.sign, key, authorization=b"0000")
        self.sign(key)

    def test_storage_2(self):
        full = self.wire(self.start_token(options=["--storage-limit", "150000"]))

        def fill():
            for _ in range(1000):
                Session2010(full).create()

        self.assert_code(STORAGE, fill)

    def test_mac_3(self):
        session = self.session()
        self.assert_code(MAC, session.pin, mac=bytes(32))
        self.assertFalse(self.is_open(session), "torn down")
        session = self.session()
        self.assert_code(MAC, session.close, mac=b"short")
        self.assertFalse(self.is_open(session), "torn down")

    def test_crypto_4(self):
        self.assert_code(CRYPTO, self.session, server_public_key=spki(generate()))
        session = self.session()
        policy = session.pin(userDefined=False)
        self.assert_code(CRYPTO, session.key, pin=policy, encryptedPin=bytes(31))

    def test_no_session_5(self):
        session = self.session()
        session.abort()
        for call in (session.abort, session.close, session.pin, session.key):
            self.assert_code(NO_SESSION, call)

    def test_end_session_6(self):
        """Each closing condition; nothing of the session is left."""
        def uncertified(session):
            session.key()

        def mismatch(session):
            session.certify(session.key(), [self.authority.issue("x", generate().public_key())])

        def unused_puk(session):
            session.puk()

        def unused_pin(session):
            session.pin()

        def unfit_algorithm(session):
            self.certify(session, session.key(endorsedAlgorithm=[MORE + "rsa-sha256"]))

        def twin(session):
            session.certify(session.key(), [made.certificate])

        (made,) = self.make({"pin": None}, session=self.session())
        for spoil in (uncertified, mismatch, unused_puk, unused_pin, unfit_algorithm, twin):
            with self.subTest(spoil.__name__):
                session = self.session()
                spoil(session)
                self.assert_code(END_SESSION, session.close)
                self.assertFalse(self.is_open(session), "torn down")
        session = self.session()
        self.assert_code(END_SESSION, session.close, nonce=b"")

    def test_a_close_that_does_not_decode_is_no_failed_close(self):
        session = self.session()
        body = encode_call("closeProvisioningSession", provisioningHandle=session.handle,
                           nonce=b"n", mac=bytes(32))
        self.assertEqual(self.sks.post(body[:-1])[0], OPTION)
        self.finish(session, session.key())

    def test_no_key_7(self):
        for method, more in (("getKeyAttributes", {}), ("deleteKey", {"authorization": b""}),
                             ("setCertificatePath", {"certificate": [b"x"], "mac": b""})):
            self.assert_code(NO_KEY, self.sks.call, method, keyHandle=4711, **more)

    def test_algorithm_8(self):
        (key,) = self.make(session=self.session())
        self.assert_code(ALGORITHM, self.sign, key, algorithm="http://no.such.algorithm")
        self.sign(key)

    def test_what_the_draft_has_no_number_for(self):
        """V1.07's numbers from 9 up; its NOT_ALLOWED, 2, is another error here, so it is 9."""
        (key,) = self.make({"pin": None, "exportProtection": 3}, session=self.session())
        self.assert_code(OPTION, self.sks.call, "exportKey", keyHandle=key.handle,
                         authorization=b"")
        self.assert_code(OPTION, self.sks.call, "deactivate")
        self.assert_code(OPTION, self.sks.call, "unlockKey", keyHandle=key.handle,
                         authorization=b"")


class Urls(Profile2010Test):
    def test_methods_2_and_24(self):
        """Each is known on its own URL only."""
        other = self.other_url()
        own = encode_call("createProvisioningSession", METHODS_2010, **values())
        before = len(self.sks.sessions(True))
        for client, body in ((other, own), (other, b"\x18"), (self.sks, b"\x02"),
                             (self.sks, encode_call("createProvisioningSession",
                                                    **self.request_107()))):
            answer = client.post(body)
            self.assertEqual(answer[0], OPTION)
            self.assertIn(b"unknown method", answer)
        self.assertEqual(len(self.sks.sessions(True)), before)

    def request_107(self):
        return IssuerSession(self.other_url()).request

    def test_any_handle_on_either(self):
        """A session of one URL, worked on through the other, call by call; and its key."""
        one, other = self.sks, self.other_url()
        for session in (self.session(), IssuerSession(other).create()):
            session.wire = other if isinstance(session, Session2010) else one
            policy = session.pin()
            key = session.key(pin=policy)
            session.wire = one
            self.certify(session, key)
            session.wire = other
            session.close()
            for self.sks in (one, other):
                self.sign(key)

    def test_the_url_alone_picks_the_number(self):
        one, other = self.sks, self.other_url()
        session = self.session()
        session.abort()
        self.assert_status(NO_SESSION, session.abort)
        session.wire = other
        self.assert_status(NO_SESSION_107, session.abort)
        for client, status in ((one, END_SESSION), (other, OPTION_107)):
            session = self.session()
            session.key()
            session.wire = client
            self.assert_status(status, session.close)
        for client, status in ((one, CRYPTO), (other, CRYPTO_107)):
            session = self.session()
            policy = session.pin(userDefined=False)
            session.wire = client
            self.assert_status(status, session.key, pin=policy, encryptedPin=bytes(31))

    def test_http(self):
        """The rules of the transport are those of /sks."""
        for method, path, kind, status in (
                ("GET", "/sks/2010", CONTENT_TYPE, 405), ("POST", "/sks/2010", "text/plain", 415),
                ("POST", "/sks/2010/", CONTENT_TYPE, 404), ("POST", "/sks/2011", CONTENT_TYPE, 404)):
            with self.subTest(method + " " + path):
                connection = self.sks.connection
                connection.request(method, path, b"\x01", {"Content-Type": kind})
                response = connection.getresponse()
                response.read()
                self.assertEqual(response.status, status)
