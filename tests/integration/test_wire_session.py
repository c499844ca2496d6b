"""Methods 1 to 5 and 11: device, sessions, handles."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from rig import clock, constructs
from rig.certificates import generate
from rig.issuer_side import IssuerSession, provision_key
from rig.mitm import flip_bit
from rig.wirecase import CRYPTO, MAC, NO_KEY, NO_SESSION, OPTION, WireTest

API_LEVEL = 106
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100") + bytes(range(32))
MANDATORY = tuple("https://webpki.github.io/sks/algorithm#" + name for name in (
    "session.1", "key.1", "none", "ec.nist.p256", "rsa2048", "rsa.pkcs1.none", "ecdsa.none"))


class Device(WireTest):
    def test_get_device_info(self):
        info = self.sks.call("getDeviceInfo")
        self.assertEqual(info.apiLevel, API_LEVEL)
        self.assertEqual(info.deviceType & 0xF0, 0)
        self.assertGreaterEqual(info.cryptoDataSize, 16384)
        self.assertGreaterEqual(info.extensionDataSize, 65536)
        self.assertFalse(info.devicePinSupport or info.biometricSupport, "off by default")
        self.assertEqual(info.updateUrl, "")
        self.assertTrue(info.vendorName and info.vendorDescription)
        for uri in MANDATORY:
            self.assertIn(uri, info.supportedAlgorithm)
        self.assertEqual(len(set(info.supportedAlgorithm)), len(info.supportedAlgorithm))

    def test_device_certificate_leads_to_the_device_ca(self):
        path = [x509.load_der_x509_certificate(der)
                for der in self.sks.call("getDeviceInfo").certificate]
        anchor = x509.load_pem_x509_certificate(self.token.device_ca.read_bytes())
        self.assertEqual(path[-1].issuer, anchor.subject)


class Sessions(WireTest):
    def test_curves_privacy_and_key_management_keys(self):
        kmk = {kind: constructs.spki(generate(kind).public_key())
               for kind in ("P-256", "P-384", "RSA-2048")}
        for options in ({"curve": "P-256"}, {"curve": "P-384"}, {"curve": "P-521"},
                        {"privacyEnabled": True}, {"curve": "P-384", "privacyEnabled": True},
                        {"keyManagementKey": kmk["P-256"]}, {"keyManagementKey": kmk["P-384"]},
                        {"keyManagementKey": kmk["RSA-2048"]},
                        {"serverCertificate": bytes(range(256)) * 4},
                        {"issuerUri": "u" * 1000}, {"serverSessionId": "!"},
                        {"serverSessionId": "~" * 32},
                        {"clientTime": 0xFFFFFFFF, "sessionLifeTime": 65535,
                         "sessionKeyLimit": 65535}):
            with self.subTest(**options):
                session = self.session(**options)
                self.finish(session, session.key())

    def test_enumeration_shows_the_session(self):
        kmk = constructs.spki(generate().public_key())
        session = self.session(keyManagementKey=kmk, clientTime=1700000000, sessionLifeTime=777)
        (shown,) = [vars(item) for item in self.sks.sessions(True)
                    if item.provisioningHandle == session.handle]
        wanted = {"provisioningHandle": session.handle, "privacyEnabled": False,
                  "sessionKeyAlgorithm": constructs.SESSION_1, "keyManagementKey": kmk,
                  "clientTime": 1700000000, "sessionLifeTime": 777, **session.ids}
        self.assertEqual(shown, wanted)
        self.assertNotIn(session.handle,
                         [item.provisioningHandle for item in self.sks.sessions(False)])
        self.finish(session, session.key())
        (shown,) = [vars(item) for item in self.sks.sessions(False)
                    if item.provisioningHandle == session.handle]
        self.assertEqual(shown, wanted)
        self.assertFalse(self.is_open(session))

    def test_enumeration_in_order_of_creation(self):
        sessions = [self.session() for _ in range(3)]
        handles = [item.provisioningHandle for item in self.sks.sessions(True)]
        self.assertEqual(handles, sorted(handles))
        self.assertLess({session.handle for session in sessions}, set(handles) | {0})
        for session in sessions:
            session.abort()
        # From a handle that is gone there is no next one, and no error.
        for state in (True, False):
            answer = self.sks.call("enumerateProvisioningSessions", provisioningState=state,
                                   provisioningHandle=sessions[0].handle)
            self.assertEqual(answer.provisioningHandle, 0)

    def test_several_sessions_at_a_time(self):
        sessions = [self.session() for _ in range(5)]
        keys = [session.key() for session in sessions]
        for session, key in reversed(list(zip(sessions, keys))):
            self.finish(session, key)

    def test_refused(self):
        before = self.sks.snapshot()
        point = constructs.spki(generate().public_key())
        for what, changes, status in (
                ("algorithm", {"sessionKeyAlgorithm": constructs.SESSION_1 + "0"}, OPTION),
                ("empty URI", {"issuerUri": ""}, OPTION),
                ("URI of 1001 bytes", {"issuerUri": "u" * 1001}, OPTION),
                ("ephemeral key on another curve", {"serverEphemeralKey": constructs.spki(
                    ec.generate_private_key(ec.SECP224R1()).public_key())}, (CRYPTO, OPTION)),
                ("ephemeral key is no key", {"serverEphemeralKey": b"\x30\x00"}, CRYPTO),
                ("no ephemeral key", {"serverEphemeralKey": b""}, CRYPTO),
                ("point not on the curve", {"serverEphemeralKey": flip_bit(point, -1)}, CRYPTO),
                ("bytes after the key", {"serverEphemeralKey": point + b"\0"}, CRYPTO),
                ("RSA ephemeral key", {"serverEphemeralKey": constructs.spki(
                    generate("RSA-2048").public_key())}, (CRYPTO, OPTION)),
                ("Ed25519 key management key", {"keyManagementKey": ED25519_SPKI}, OPTION),
                ("key management key is no key", {"keyManagementKey": b"\x00"}, CRYPTO),
                ("no server session id", {"serverSessionId": ""}, OPTION),
                ("33 characters", {"serverSessionId": "x" * 33}, OPTION),
                ("space in the id", {"serverSessionId": "a b"}, OPTION),
                ("id not ASCII", {"serverSessionId": "é"}, OPTION),
                ("no life time", {"sessionLifeTime": 0}, OPTION)):
            with self.subTest(what):
                session = IssuerSession(self.sks, **changes)
                self.assert_status(status, session.create)
        self.assertEqual(self.sks.snapshot(), before)

    def test_abort(self):
        before = self.sks.snapshot()
        session = self.session()
        session.puk()
        key = session.key()
        session.abort()
        self.assertEqual(self.sks.snapshot(), before)
        self.assert_status(NO_SESSION, session.abort)
        self.assert_status(NO_SESSION, session.pin)
        self.assert_status(NO_KEY, session.certify, key, [b"\x30\x00"])

    def test_closed_sessions_take_no_more_calls(self):
        session = self.session()
        key = session.key()
        self.finish(session, key)
        for call in (session.abort, session.puk, session.pin, session.key, session.close):
            self.assert_status(NO_SESSION, call)
        self.assert_status(NO_SESSION, self.sks.call, "getKeyHandle", id="Key.1",
                           provisioningHandle=session.handle)
        self.assert_status(NO_KEY, session.certify, key, [b"\x30\x00"])
        self.assertIn(key.handle, [item.keyHandle for item in self.sks.keys()])

    def test_unknown_handles(self):
        session = self.session()
        for handle in (0, session.handle + 1000, 0xFFFFFFFF):
            for method, values in (("abortProvisioningSession", {}),
                                   ("getKeyHandle", {"id": "Key.1"}),
                                   ("closeProvisioningSession",
                                    {"nonce": b"n", "mac": bytes(32)})):
                self.assert_survives(NO_SESSION, session, self.sks.call, method,
                                     provisioningHandle=handle, **values)
            self.assert_survives(NO_KEY, session, self.sks.call, "setCertificatePath",
                                 keyHandle=handle, certificate=[b"\x30\x00"], mac=bytes(32))
        session.abort()

    def test_get_key_handle(self):
        session = self.session()
        keys = [session.key(id=name) for name in ("Key.1", "Key.2")]
        for key in keys:
            answer = self.sks.call("getKeyHandle", provisioningHandle=session.handle, id=key.id)
            self.assertEqual(answer.keyHandle, key.handle)
        for name in ("Key.3", "key.1", ""):
            self.assert_survives(OPTION, session, self.sks.call, "getKeyHandle",
                                 provisioningHandle=session.handle, id=name)
        self.finish(session, *keys)

    def test_keys_of_open_sessions_are_not_shown(self):
        session = self.session()
        key = session.key()
        self.assertNotIn(key.handle, [item.keyHandle for item in self.sks.keys()])
        session.abort()


class Close(WireTest):
    def test_nonces(self):
        for size in (1, 31, 32):
            session = self.session()
            self.certify(session, session.key())
            session.close(nonce=bytes(size))

    def test_refused(self):
        def complete(session):
            self.certify(session, session.key())

        def bare_key(session):
            session.key()

        def lonely_pin(session):
            complete(session)
            session.pin()

        def lonely_puk(session):
            complete(session)
            session.puk()

        def foreign_certificate(session):
            session.certify(session.key(), [self.authority.issue("x", generate().public_key())])

        def other_kind_of_certificate(session):
            public = generate("RSA-2048").public_key()
            session.certify(session.key(), [self.authority.issue("x", public)])

        def endorsed_misfit(session):
            complete_key = session.key(endorsedAlgorithm=[
                "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"])
            self.certify(session, complete_key)

        for what, make, options, status in (
                ("wrong MAC", complete, {"mac": bytes(32)}, MAC),
                ("MAC too short", complete, {"mac": bytes(31)}, MAC),
                ("no MAC", complete, {"mac": b""}, MAC),
                ("MAC over another nonce", complete, {"sent": {"nonce": bytes(32)}}, MAC),
                ("MAC over another session", complete, {"clientSessionId": "x"}, MAC),
                ("empty nonce", complete, {"nonce": b""}, OPTION),
                ("nonce of 33 bytes", complete, {"nonce": bytes(33)}, OPTION),
                ("key without certificate", bare_key, {}, OPTION),
                ("PIN policy that nothing uses", lonely_pin, {}, OPTION),
                ("PUK policy that nothing uses", lonely_puk, {}, OPTION),
                ("certificate of another key", foreign_certificate, {}, OPTION),
                ("certificate of another kind", other_kind_of_certificate, {}, OPTION),
                ("endorsed algorithm for RSA", endorsed_misfit, {}, OPTION)):
            with self.subTest(what):
                session = self.session()
                make(session)
                self.assert_torn_down(status, session, session.close, **options)

    def test_same_certificate_twice(self):
        """In one session, where also one of the keys does not fit it."""
        session = self.session()
        first, second = session.key(id="Key.1"), session.key(id="Key.2")
        path = [self.authority.issue("twice", first.public)]
        session.certify(first, path)
        session.certify(second, path)
        self.assert_torn_down(OPTION, session, session.close)

    def test_empty_session_vanishes(self):
        before = self.sks.snapshot()
        session = self.session()
        session.close()
        self.assertEqual(self.sks.snapshot(), before)


class LimitAndLifeTime(WireTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()

    def test_limit_is_just_enough(self):
        """PUK 2, PIN 1, key with preset PIN 3, certificate 1, close 2."""
        session = self.session(sessionKeyLimit=9)
        policy = session.pin(puk=session.puk(), userDefined=False)
        self.finish(session, session.key(pin=policy))

    def test_limit_one_too_small(self):
        session = self.session(sessionKeyLimit=8)
        policy = session.pin(puk=session.puk(), userDefined=False)
        self.certify(session, session.key(pin=policy))
        self.assert_torn_down(OPTION, session, session.close)

    def test_limit_at_each_method(self):
        for limit, make in ((1, lambda session: session.puk()),
                            (1, lambda session: session.key()),
                            (2, lambda session: self.certify(session, session.key()))):
            session = self.session(sessionKeyLimit=limit)
            self.assert_torn_down(OPTION, session, make, session)

    def test_large_limit_is_unsigned(self):
        session = self.session(sessionKeyLimit=40000)
        self.finish(session, session.key())

    def test_life_time(self):
        sessions = [self.session(sessionLifeTime=clock.LIFE) for _ in range(4)]
        long_one = self.session(sessionLifeTime=600)
        key = sessions[0].key()
        before = [vars(item) for item in self.sks.sessions(False) + self.sks.keys()]
        clock.skip()
        for session, call in zip(sessions, (sessions[0].pin, sessions[1].abort,
                                            sessions[2].close, sessions[3].key)):
            self.assert_status(NO_SESSION, call)
            self.assertFalse(self.is_open(session))
        self.assert_status(NO_SESSION, self.sks.call, "getKeyHandle", id="Key.1",
                           provisioningHandle=sessions[0].handle)
        self.assert_status(NO_KEY, sessions[0].certify, key, [b"\x30\x00"])
        after = [vars(item) for item in self.sks.sessions(False) + self.sks.keys()]
        self.assertEqual(after, before)
        self.finish(long_one, long_one.key())


class Handles(WireTest):
    """Handles are never 0, never reused, and survive restarts."""

    def test_over_restarts(self):
        last_session = last_key = 0
        for restart in (False, True, True):
            if restart:
                self.sks.close()
                self.token.restart()
            for end in ("abort", "finish"):
                session = self.session()
                key = session.key()
                self.assertGreater(session.handle, last_session)
                self.assertGreater(key.handle, last_key)
                last_session, last_key = session.handle, key.handle
                if end == "abort":
                    session.abort()
                else:
                    self.finish(session, key)

    def test_policy_handles(self):
        session = self.session()
        first = session.puk(id="PUK.1"), session.pin(id="PIN.1")
        session.abort()
        self.sks.close()
        self.token.restart()
        session = self.session()
        second = session.puk(id="PUK.1"), session.pin(id="PIN.1")
        for old, new in zip(first, second):
            self.assertGreater(new.handle, old.handle)

    def test_open_session_survives_a_kill(self):
        session = self.session()
        policy = session.pin(puk=session.puk())
        for _ in range(2):
            self.sks.close()
            self.token.restart()
        key = session.key(pin=policy)
        self.sks.close()
        self.token.restart()
        self.certify(session, key)
        self.sks.close()
        self.token.restart()
        session.close()
        shown = self.sks.call("getKeyProtectionInfo", keyHandle=key.handle)
        self.assertEqual((shown.protectionStatus, shown.retryLimit), (3, 3))

    def test_finished_keys_survive(self):
        key = provision_key(self.sks, self.authority)
        before = self.sks.snapshot()
        self.sks.close()
        self.token.restart()
        self.assertEqual(self.sks.snapshot(), before)
        self.assertEqual(self.sks.call("getKeyAttributes", keyHandle=key.handle).appUsage, 0)
