"""Whole sessions on /sks/2010: what the session key does, who cannot take it, PIN counters, kills."""

import json
import random

from rig import clock, constructs
from rig.certificates import generate
from rig.clicase import DONE, sks_token
from rig.constructs import property_bag
from rig.constructs_2010 import oaep
from rig.issuer_side import IssuerSession, ProofError
from rig.keycase import PIN, PUK
from rig.profile_2010 import (
    AUTHENTICATION, MAC, NO_SESSION, OPTION, PROVISIONING_URI, SESSION_2010, Profile2010Test,
    Session2010, server_key)

DAY = 24 * 60 * 60
ROUNDS = 20
# From the call to the kill, in seconds: a close takes a few milliseconds.
LONGEST_WAIT = 0.008
NONE, SHARED, SIGNATURE_STANDARD, UNIQUE = range(4)
SIGNATURE, AUTHENTICATION_USAGE, ENCRYPTION = range(3)


class Enrolment(Profile2010Test):
    def test_everything_that_a_session_can_do(self):
        """Each MAC, each encryption and each attestation under the session key of 2010; the issuer
        side checks them and the closing proof."""
        session = self.session()
        puk = session.puk()
        own, preset = session.pin("Own", puk), session.pin("Preset", userDefined=False)
        private = generate("P-384")
        self.add(session, id="Plain", pin=own)
        self.add(session, id="Hmac", pin=preset, symmetric=bytes(range(32)))
        self.add(session, id="Imported", private=private, extensions=[
            {"type": "http://bag", "data": property_bag(("n", True, "v")), "subType": 2},
            {"type": "http://hidden", "data": b"hidden", "subType": 1}])
        session.close()
        one, two, three = [item.keyHandle for item in self.sks.keys()][-3:]
        self.assertEqual(self.sks.call("getExtension", keyHandle=three,
                                       type="http://hidden").extensionData, b"hidden")
        self.assertEqual(self.sks.call("getKeyAttributes", keyHandle=two).symmetricKeyLength, 32)
        self.assertEqual(self.sks.call("getKeyProtectionInfo", keyHandle=one).protectionStatus, 3)
        shown = self.sks.sessions(False)[-1]
        self.assertEqual((shown.sessionKeyAlgorithm, shown.keyManagementKey, shown.serverSessionId,
                          shown.clientSessionId, shown.issuerUri),
                         (SESSION_2010, b"", session.ids["serverSessionId"],
                          session.ids["clientSessionId"], PROVISIONING_URI))

    def test_closing_proof_binds_the_ids(self):
        for name, value in (("clientSessionId", bytes(32)), ("serverSessionId", bytes(32)),
                            ("issuerUri", "http://other.example")):
            session = self.session()
            self.certify(session, session.key())
            self.assert_torn_down(MAC, session, session.close, **{name: value})

    def test_it_manages_keys_of_other_sessions(self):
        """Target key references are under the session key and the device certificate."""
        kmk = generate()
        owner = IssuerSession(self.other_url(), keyManagementKey=constructs.spki(
            kmk.public_key())).create()
        (target, other) = self.make({"id": "A"}, {"id": "B"}, session=owner, retryLimit=5)
        self.miss(target)
        session = self.session()
        session.post("unlock", target, kmk)
        session.post("delete", other, kmk)
        session.close()
        self.assertEqual(self.errors(target), [0])
        self.assert_gone(other)

    def test_nobody_manages_its_keys(self):
        """It has no key management key."""
        session = self.session()
        (target,) = self.make({"pin": None}, session=session)
        self.assert_status(OPTION, self.sks.call, "updateKeyManagementKey",
                           provisioningHandle=session.handle, authorization=b"x",
                           keyManagementKey=constructs.spki(generate().public_key()))
        manager = self.session()
        self.assert_torn_down(OPTION, manager, manager.post, "delete", target, generate())
        self.assertIn(target.handle, self.handles())

    def test_no_limit_of_operations(self):
        """Over the 200 that issuers of V1.07 usually ask for, and both ends count alike."""
        session = self.session()
        policy = session.pin()
        keys = [session.key("Key.%d" % n, pin=policy) for n in range(120)]
        self.finish(session, *keys)

    def test_command_line(self):
        """Ids that are no text are shown in hexadecimal, others as they are."""
        raw, text = bytes(range(0xE0, 0x100)), "0123456789abcdefghijklmnopqrstuv"
        session = self.session(server_session_id=raw, client_session_id=text.encode())
        done = sks_token(self.token.store, "sessions", "--json")
        self.assertEqual(done.code, DONE, done.err)
        (shown,) = [item for item in json.loads(done.out)["sessions"]
                    if item["provisioningHandle"] == session.handle]
        self.assertEqual((shown["serverSessionId"], shown["clientSessionId"], shown["begun"],
                          shown["secondsLeft"], shown["sessionKeyAlgorithm"]),
                         (raw.hex(), text, None, None, SESSION_2010))
        done = sks_token(self.token.store, "sessions")
        self.assertIn(raw.hex(), done.out.decode())
        other = self.session(client_session_id=raw)
        for name, each in ((text, session), (raw.hex(), other)):
            self.assertEqual(sks_token(self.token.store, "abort", name).code, DONE)
            self.assertFalse(self.is_open(each))


class LifeTime(Profile2010Test):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()

    def test_longer_than_a_ushort(self):
        """4294967295 seconds too; it is shown, kept over a restart, and signed."""
        for seconds in (65535, 65536, 65537, 30 * DAY, 0xFFFFFFFF):
            with self.subTest(seconds):
                session = self.session(life_time=seconds)
                self.restart()
                self.assertEqual(self.sks.sessions(True)[-1].sessionLifeTime, seconds)
                self.finish(session, session.key())
                self.assertEqual(self.sks.sessions(False)[-1].sessionLifeTime, seconds)

    def test_its_end(self):
        session, longer = self.session(life_time=clock.LIFE), self.session(life_time=65537)
        clock.skip()
        self.assert_status(NO_SESSION, session.abort)
        self.assertFalse(self.is_open(session))
        self.finish(longer, longer.key())


class Swapping:
    """The middleman of the attack: his own server key to the token, and what comes back encrypted
    anew for the issuer, so that both ends would go on with a session key that he knows."""

    def __init__(self, wire, issuer_key):
        self.wire = wire
        self.own, self.issuer = server_key("RSA-2048 of his own"), issuer_key
        self.stolen = None

    def call(self, method, **values):
        if method != "createProvisioningSession":
            return self.wire.call(method, **values)
        answer = self.wire.call(method, **{
            **values, "server_public_key": constructs.spki(self.own.public_key())})
        self.stolen = self.own.decrypt(answer.encrypted_session_key, oaep())
        answer.encrypted_session_key = self.issuer.encrypt(self.stolen, oaep())
        return answer


class Altering:
    """A middleman who changes one input of method 24, or one output."""

    def __init__(self, wire, name, change):
        self.wire, self.name, self.change = wire, name, change

    def call(self, method, **values):
        if method != "createProvisioningSession":
            return self.wire.call(method, **values)
        if self.name in values:
            values[self.name] = self.change(values[self.name])
        answer = self.wire.call(method, **values)
        if hasattr(answer, self.name):
            setattr(answer, self.name, self.change(getattr(answer, self.name)))
        return answer


class Middleman(Profile2010Test):
    def test_a_swapped_server_key(self):
        """What the attestation is for."""
        middleman = Swapping(self.sks, server_key().public_key())
        session = Session2010(middleman)
        with self.assertRaises(ProofError):
            session.create()
        key = session.server_key.decrypt(session.answer.encrypted_session_key, oaep())
        self.assertEqual(key, middleman.stolen, "but for it the issuer would have noticed nothing")
        session.counter = constructs.SessionCounter(key)
        session.pin()           # the token would go on
        self.assertTrue(self.is_open(session))
        session.abort()

    def test_anything_else_changed(self):
        def flip(value):
            return bytes([value[0] ^ 1]) + value[1:]

        for name, change in (
                ("server_session_id", flip), ("client_session_id", flip),
                ("provisioning_uri", lambda uri: uri + "/"), ("life_time", lambda n: n + 1),
                ("attested_session_key", flip)):
            with self.subTest(name):
                with self.assertRaises(ProofError):
                    Session2010(Altering(self.sks, name, change)).create()

    def test_another_session_key(self):
        """Anybody can encrypt a key for the issuer; only the token attests it."""
        false = server_key().public_key().encrypt(bytes(32), oaep())
        with self.assertRaises(ProofError):
            Session2010(Altering(self.sks, "encrypted_session_key", lambda _: false)).create()

    def test_attestation_of_another_session(self):
        first = self.session()
        with self.assertRaises(ProofError):
            Session2010(Altering(self.sks, "attested_session_key",
                                 lambda _: first.answer.attested_session_key)).create()


class PinCounters(Profile2010Test):
    """The draft: "Each PIN-protected key must have a separate error-counter, but a single PIN policy
    object may govern multiple keys." That is grouping none; the groups of V1.07 share counters."""

    def enrol(self, grouping, *keys):
        return self.make(*keys, session=self.session(), puk=True, grouping=grouping, retryLimit=3)

    def test_none_counts_for_each_key(self):
        one, two, three = self.enrol(NONE, {}, {}, {"appUsage": ENCRYPTION})
        for _ in range(3):
            self.miss(one)
        self.miss(two)
        self.assertEqual(self.errors(one, two, three), [3, 1, 0])
        self.assert_status(AUTHENTICATION, self.sign, one)
        self.sign(two)
        self.sign(three)
        self.assertEqual(self.errors(one, two, three), [3, 0, 0])
        self.manage("unlockKey", one, PUK)      # the PUK that governs all of them
        self.sign(one)

    def test_a_pin_changed_for_one_key(self):
        one, two = self.enrol(NONE, {}, {})
        self.manage("changePin", one, PIN, newPin=b"5555")
        self.sign(one, authorization=b"5555")
        self.sign(two)

    def count_in_groups(self, grouping, values, groups):
        """Four keys of one policy: wrong tries on the first count for its group, block it whole,
        and leave the others alone; the PUK unblocks it whole."""
        usages = (SIGNATURE, SIGNATURE, AUTHENTICATION_USAGE, ENCRYPTION)
        keys = self.enrol(grouping, *({"appUsage": usage, "value": value}
                                      for usage, value in zip(usages, values)))
        for tries in range(1, 4):
            self.miss(keys[0])
            self.assertEqual(self.errors(*keys), [tries if group == 0 else 0 for group in groups])
        for key, value, group in zip(keys, values, groups):
            if group == 0:
                self.assert_status(AUTHENTICATION, self.sign, key, authorization=value)
            else:
                self.sign(key, authorization=value)
        self.manage("unlockKey", next(key for key, group in zip(keys[::-1], groups[::-1])
                                      if group == 0), PUK)
        for key, value in zip(keys, values):
            self.sign(key, authorization=value)

    def test_shared_counts_for_all(self):
        self.count_in_groups(SHARED, (b"1111",) * 4, (0, 0, 0, 0))

    def test_signature_standard_counts_for_a_side(self):
        self.count_in_groups(SIGNATURE_STANDARD, (b"1111", b"1111", b"2222", b"2222"),
                             (0, 0, 1, 1))

    def test_unique_counts_for_a_usage(self):
        self.count_in_groups(UNIQUE, (b"1111", b"1111", b"2222", b"3333"), (0, 0, 1, 2))

    def test_the_puk_has_one_counter(self):
        """It is one secret for all keys of the policy, whatever their PINs are."""
        one, two = self.enrol(NONE, {}, {})
        for key in (one, two):
            self.assert_status(AUTHENTICATION, self.manage, "unlockKey", key, b"0000000000")
        infos = [self.sks.call("getKeyProtectionInfo", keyHandle=key.handle) for key in (one, two)]
        self.assertEqual([info.pukErrorCount for info in infos], [2, 2])


class Killed(Profile2010Test):
    def test_before_every_call(self):
        session = self.session()
        self.restart()
        policy = session.pin(puk=session.puk())
        self.restart()
        key = session.key(pin=policy)
        self.restart()
        self.certify(session, key)
        self.restart()
        session.close()
        self.restart()
        self.sign(key)

    def test_within_the_close(self):
        """Old or new: all keys of the session with all that is in them, or the open session."""
        chance, seen = random.Random(2010), set()
        for _ in range(ROUNDS):
            session = self.session()
            policy = session.pin(puk=session.puk())
            keys = [self.add(session, id="Key.%d" % n, pin=policy, extensions=[
                {"type": "http://x", "data": b"data"}]) for n in range(3)]
            answered = self.close_and_kill(session, chance.random() * LONGEST_WAIT)
            closed = session.handle in self.closed_sessions()
            seen.add(closed)
            if closed:
                self.assertFalse(self.is_open(session))
                for key in keys:
                    self.assertEqual(self.owner(key), session.handle)
                    self.assertEqual(self.attributes(key).type, ["http://x"])
                    self.sign(key)
                continue
            self.assertFalse(answered, "an answer means that it is durable")
            for key in keys:
                self.assertNotIn(key.handle, self.handles())
            self.assertTrue(self.is_open(session))
            session.abort()
        self.assertEqual(self.sks.sessions(True), [])
        self.assertIn(True, seen)
