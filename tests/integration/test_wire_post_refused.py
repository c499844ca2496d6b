"""Methods 50 to 53 and 7 refused, and the exclusions among post operations."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from rig import clock, constructs
from rig.certificates import generate
from rig.keycase import PREFIX
from rig.postcase import SHARED, PostTest
from rig.sks_wire import SksError
from rig.wirecase import CRYPTO, MAC, NO_KEY, NO_SESSION, NOT_ALLOWED, OPTION

OPERATIONS = ("delete", "unlock", "update", "clone")
NEW_KEY = ("update", "clone")
SIGNATURE, AUTHENTICATION = 0, 1


class PostRefused(PostTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()

    def refuse(self, operation, status, target, session=None, **options):
        session = session or self.managed()
        self.assert_torn_down(status, session, self.queue, session, operation, target, **options)

    def test_authorization(self):
        """One of each; every other row makes something else than the right reference."""
        (target, other) = self.own({}, {}, grouping=SHARED)
        label = b"TargetKeyReference"

        def reference(session, device_id=None, certificate=None, key=None, start=label):
            return start + constructs.hmac_sha256(
                (key or session.counter.key) + (device_id or session.device_id),
                certificate or target.certificate)

        def sign(data, kmk=self.kmk, digest=hashes.SHA256()):
            return constructs.sign(kmk, data, digest)

        rows = (
            ("another key", lambda s: sign(reference(s), generate()), OPTION),
            ("session key of another session",
             lambda s: sign(reference(s, key=bytes(32))), OPTION),
            ("anonymous device", lambda s: sign(reference(s, constructs.ANONYMOUS)), OPTION),
            ("device id with its length",
             lambda s: sign(reference(s, constructs.array(s.device_id))), OPTION),
            ("certificate of another key",
             lambda s: sign(reference(s, certificate=other.certificate)), OPTION),
            ("certificate with its length", lambda s: sign(
                reference(s, certificate=constructs.array(target.certificate))), OPTION),
            ("other label",
             lambda s: sign(reference(s, start=b"RollOverAuthorization")), OPTION),
            ("SHA-384", lambda s: sign(reference(s), digest=hashes.SHA384()), OPTION),
            ("zeros", lambda s: bytes(64), OPTION),
            ("none", lambda s: b"", CRYPTO),
            ("one byte less", lambda s: sign(reference(s))[:-1], CRYPTO),
            ("one byte more", lambda s: sign(reference(s)) + b"\0", CRYPTO),
            ("DER", lambda s: self.kmk.sign(reference(s), ec.ECDSA(hashes.SHA256())), CRYPTO))
        for operation in OPERATIONS:
            for what, make, status in rows:
                with self.subTest(operation, authorization=what):
                    session = self.managed()
                    self.refuse(operation, status, target, session=session,
                                authorization=make(session))
        self.assertEqual(self.attributes(target).certificate, [target.certificate])

    def test_authorization_by_rsa_and_other_curves(self):
        for kind, size in (("RSA-2048", 256), ("P-384", 96), ("P-521", 132)):
            kmk = generate(kind)
            (target,) = self.own(kmk=kmk)
            wrong_key = generate(kind)
            session = self.managed(kmk)
            self.refuse("delete", OPTION, target, session,
                        authorization=session.authorize(wrong_key, target))
            for length in (size - 1, size + 1, 64, 0):
                self.refuse("delete", CRYPTO, target, authorization=bytes(length))

    def test_authorization_of_another_session(self):
        (target,) = self.own()
        first, second = self.managed(), self.managed()
        self.refuse("delete", OPTION, target, second,
                    authorization=first.authorize(self.kmk, target))
        first.abort()

    def test_macs(self):
        (target,) = self.own(grouping=SHARED)
        for operation in OPERATIONS:
            for what, options in (("zeros", {"mac": bytes(32)}), ("short", {"mac": bytes(31)}),
                                  ("none", {"mac": b""}),
                                  ("other authorization",
                                   {"sent": {"authorization": bytes(64)}})):
                with self.subTest(operation, mac=what):
                    self.refuse(operation, MAC, target, **options)
        for operation in NEW_KEY:
            self.refuse(operation, MAC, target, endEntityCertificate=target.certificate)

    def test_mac_of_one_operation_used_for_another(self):
        (target,) = self.own()
        names = {"delete": "postUnlockKey", "unlock": "postDeleteKey"}
        for operation, method in names.items():
            session = self.managed()
            fields = {"authorization": session.authorize(self.kmk, target)}
            mac = constructs.SessionCounter(session.counter.key).mac(method, fields)
            self.refuse(operation, MAC, target, session, mac=mac, **fields)

    def test_targets(self):
        (target,) = self.own()
        unmanaged = self.make()[0]
        foreign = self.managed()
        in_provisioning = self.add(foreign, id="Key.1")
        for operation in OPERATIONS:
            for handle in (0, 0xFFFFFFF0):
                self.refuse(operation, NO_KEY, target, sent={"targetKeyHandle": handle})
            self.refuse(operation, OPTION, unmanaged)
            self.refuse(operation, OPTION, in_provisioning)
            session = self.managed()
            self.refuse(operation, OPTION, self.add(session, id="Own"), session)
        self.assertTrue(self.is_open(foreign))
        foreign.close()

    def test_deleted_target(self):
        (target,) = self.own()
        self.manage("deleteKey", target)
        for operation in OPERATIONS:
            self.refuse(operation, NO_KEY, target)

    def test_privacy_must_be_the_same(self):
        for old, new in ((True, False), (False, True)):
            (target,) = self.own(session=self.managed(privacyEnabled=old), grouping=SHARED)
            for operation in OPERATIONS:
                with self.subTest(operation, old=old, new=new):
                    self.refuse(operation, OPTION, target,
                                session=self.managed(privacyEnabled=new))

    def test_protection_of_target_and_new_key(self):
        (bare,) = self.own({"pin": None})
        self.refuse("unlock", OPTION, bare)
        for operation in NEW_KEY:
            session = self.managed()
            key = self.successor(session, pin=session.pin())
            self.refuse(operation, OPTION, bare, session, key=key)
        for grouping in (0, 2, 3):
            (target,) = self.own(grouping=grouping)
            self.refuse("clone", OPTION, target)

    def test_usage_of_an_update(self):
        for old, new in ((SIGNATURE, AUTHENTICATION), (AUTHENTICATION, SIGNATURE)):
            (target,) = self.own({"appUsage": old})
            session = self.managed()
            self.refuse("update", OPTION, target, session,
                        key=self.successor(session, appUsage=new))

    def test_new_key_must_be_open_and_certified(self):
        (target,) = self.own(grouping=SHARED)
        for operation in NEW_KEY:
            session = self.managed()
            self.refuse(operation, OPTION, target, session, key=session.key())
            for handle in (0, 0xFFFFFFF0, target.handle):
                session = self.managed()
                self.assert_survives(NO_KEY, session, self.queue, session, operation, target,
                                     sent={"keyHandle": handle})
                session.abort()

    def test_sessions(self):
        (target,) = self.own()
        for operation in ("delete", "unlock"):
            closed = self.owner(target)
            for handle in (0, 0xFFFFFFF0, closed):
                session = self.managed()
                self.assert_survives(NO_SESSION, session, self.queue, session, operation,
                                     target, sent={"provisioningHandle": handle})
                session.abort()

    def test_limits(self):
        """One MAC and one target reference; a key and its certificate take 3 before them."""
        (target,) = self.own(grouping=SHARED)
        for operation in OPERATIONS:
            enough = 5 if operation in NEW_KEY else 2
            session = self.managed(sessionKeyLimit=enough)
            self.queue(session, operation, target)
            session.abort()
            for less in (1, 2):
                self.refuse(operation, OPTION, target,
                            session=self.managed(sessionKeyLimit=enough - less))

    def test_expired_sessions(self):
        (target,) = self.own(grouping=SHARED)
        sessions = [(operation, self.managed(sessionLifeTime=clock.LIFE)) for operation in OPERATIONS]
        keys = {operation: self.successor(session) for operation, session in sessions}
        clock.skip()
        for operation, session in sessions:
            with self.subTest(operation):
                key = keys[operation] if operation in NEW_KEY else None
                self.assert_status(NO_KEY if key else NO_SESSION, session.post, operation,
                                   target, self.kmk, key=key)
                self.assertFalse(self.is_open(session))
        for call in ("import_symmetric", "import_private"):
            self.assert_status(NO_KEY, getattr(session, call), keys[operation])
        self.assert_status(NO_KEY, session.extend, keys[operation], "http://x")

    def test_two_sessions_want_the_same_target(self):
        """The second finds what the first left: done anew or refused, the key stays whole."""
        for first, second in (("update", "update"), ("update", "delete"), ("clone", "update"),
                              ("unlock", "clone"), ("update", "unlock")):
            with self.subTest(first=first, second=second):
                (target,) = self.own(grouping=SHARED, retryLimit=9)
                sessions = [self.managed(), self.managed()]
                for session, operation in zip(sessions, (first, second)):
                    self.queue(session, operation, target)
                sessions[0].close()
                try:
                    sessions[1].close()
                except SksError as error:
                    self.assertIn(error.status, (NO_KEY, OPTION))
                self.assertFalse(self.is_open(sessions[1]))
                handles = self.handles()
                self.assertEqual(len(set(handles)), len(handles))
                if target.handle in handles:
                    self.sign(target)
                owners = {item.provisioningHandle for item in self.sks.keys()}
                self.assertEqual(owners, set(self.closed_sessions()))

    def test_exclusions(self):
        for first, second in (("delete", "delete"), ("delete", "unlock"),
                              ("unlock", "delete"), ("delete", "update"),
                              ("update", "delete"), ("delete", "clone"), ("clone", "delete"),
                              ("unlock", "unlock"), ("update", "update")):
            with self.subTest(first=first, second=second):
                (target,) = self.own(grouping=SHARED)
                session = self.managed()
                self.queue(session, first, target)
                self.refuse(second, OPTION, target, session)
                self.sign(target)

    def test_new_key_serves_once(self):
        for first in NEW_KEY:
            for second in NEW_KEY:
                one, another = self.own({}, {}, grouping=SHARED)
                session = self.managed()
                key = self.queue(session, first, one)
                self.refuse(second, OPTION, another, session, key=key)

    def test_same_certificate(self):
        """Only a key that goes may have the certificate of a key that comes."""
        private = generate()
        (target,) = self.own({"private": private}, grouping=SHARED)
        for operation in (None, "clone", "unlock"):
            with self.subTest(operation):
                session = self.managed()
                key = self.successor(session, private=private, certificate=target.certificate)
                if operation:
                    self.queue(session, operation, target, key=key if operation == "clone"
                               else None)
                self.assert_torn_down(OPTION, session, session.close)


class UpdateKeyManagementKey(PostTest):
    def roll(self, session, old, new, **changes):
        """updateKeyManagementKey on a session; `new` is a key or its SubjectPublicKeyInfo."""
        der = new if isinstance(new, bytes) else constructs.spki(new.public_key())
        values = {"provisioningHandle": session, "keyManagementKey": der, **changes}
        if "authorization" not in values:
            values["authorization"] = constructs.sign(old, constructs.kmk_roll_over_data(der))
        self.sks.call("updateKeyManagementKey", **values)
        return der

    def shown_kmk(self, handle):
        return {item.provisioningHandle: item.keyManagementKey
                for item in self.sks.sessions(False)}[handle]

    def test_from_each_kind_to_the_next(self):
        kmk = generate("P-521")
        (target,) = self.own(kmk=kmk)
        owner = self.owner(target)
        for kind in ("P-384", "RSA-2048", "P-256", "P-521", "P-256"):
            with self.subTest(kind):
                new = generate(kind)
                der = self.roll(owner, kmk, new)
                self.assertEqual(self.shown_kmk(owner), der)
                session = self.managed(kmk)
                self.assert_torn_down((OPTION, CRYPTO), session, self.queue, session, "delete",
                                      target, kmk)
                kmk = new
        self.sks.close()
        self.token.restart()
        self.do("delete", target, kmk)
        self.assert_gone(target)

    def test_while_an_operation_is_queued(self):
        """The reference was checked when it was queued."""
        (target,) = self.own()
        session = self.managed()
        self.queue(session, "delete", target)
        self.roll(self.owner(target), self.kmk, generate())
        session.close()
        self.assert_gone(target)

    def test_refused(self):
        new = generate()
        der = constructs.spki(new.public_key())
        (target,) = self.own()
        owner = self.owner(target)
        (unmanaged,) = self.make()
        still_open = self.managed()

        def sign(data, kmk=self.kmk):
            return {"authorization": constructs.sign(kmk, data)}

        for what, arguments, changes, status in (
                ("no session", (0, self.kmk, new), {}, NO_SESSION),
                ("unknown session", (0xFFFFFFF0, self.kmk, new), {}, NO_SESSION),
                ("open session", (still_open.handle, self.kmk, new), {}, NOT_ALLOWED),
                ("session without one", (self.owner(unmanaged), self.kmk, new), {},
                 NOT_ALLOWED),
                ("signed by another", (owner, generate(), new), {}, OPTION),
                ("signed by the new one", (owner, new, new), {}, OPTION),
                ("other label", (owner, self.kmk, new), sign(b"TargetKeyReference" + der),
                 OPTION),
                ("no label", (owner, self.kmk, new), sign(der), OPTION),
                ("key with its length", (owner, self.kmk, new),
                 sign(b"RollOverAuthorization" + constructs.array(der)), OPTION),
                ("signed for another key", (owner, self.kmk, new),
                 sign(constructs.kmk_roll_over_data(b"x")), OPTION),
                ("short", (owner, self.kmk, new), {"authorization": bytes(63)}, CRYPTO),
                ("long", (owner, self.kmk, new), {"authorization": bytes(65)}, CRYPTO),
                ("none", (owner, self.kmk, new), {"authorization": b""}, CRYPTO),
                ("no key", (owner, self.kmk, b""), {}, CRYPTO),
                ("not a key", (owner, self.kmk, b"\x30\x00"), {}, CRYPTO),
                ("bytes after the key", (owner, self.kmk, der + b"\0"), {}, CRYPTO),
                ("Ed25519", (owner, self.kmk, generate("Ed25519")), {}, OPTION),
                ("unknown curve",
                 (owner, self.kmk, ec.generate_private_key(ec.SECP224R1())), {}, CRYPTO)):
            with self.subTest(what):
                before = self.sks.snapshot()
                self.assert_status(status, self.roll, *arguments, **changes)
                self.assertEqual(self.sks.snapshot(), before)
        still_open.abort()
        self.do("delete", target)

    def test_algorithm_of_the_session_stays(self):
        (target,) = self.own({"keyAlgorithm": PREFIX + "ec.nist.p384"})
        owner = self.owner(target)
        before = [vars(item) for item in self.sks.sessions(False)]
        der = self.roll(owner, self.kmk, generate())
        for row in before:
            if row["provisioningHandle"] == owner:
                row["keyManagementKey"] = der
        self.assertEqual([vars(item) for item in self.sks.sessions(False)], before)
