"""The issuer's half of sessions of the 2010 profile: its server keys, and what it makes of the
answers of a client in Python."""

import http.client
import json
import sqlite3
import threading
import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rig import constructs
from rig.constructs_2010 import oaep
from rig.issuercase import ProfileTest
from rig.keygen2_2010 import Client2010
from rig.processes import Issuer, run, wait_for
from rig.sks_types import base64url, from_base64url
from rig.testcase import write_profile

AHEAD, POOLED, GENERATED = "a key made ahead", "from the pool", "generated"
REQUEST = "ProvisioningInitializationRequest"


class IssuerTest(ProfileTest):
    pool = 2
    sizes = (2048,)

    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        for size in cls.sizes:
            write_profile(cls.profiles, "rsa%d" % size, session="2010", serverKeySize=size,
                          sessionKeyLimit=65535)
        write_profile(cls.profiles, "plain")
        super().set_up_rig()
        cls.issuer.options = ["-v", "--server-keys", cls.pool]
        cls.issuer.stderr_path().write_text("")
        cls.issuer.restart()

    def client(self, profile="rsa2048"):
        if profile == "plain":
            return super().client(profile)
        return Client2010(self.issuer.url, profile, self.device)

    def asked(self, profile="rsa2048"):
        """A client that has been asked for a session key."""
        client = self.client(profile)
        client.run(until=REQUEST)
        self.assertEqual(client.request["@qualifier"], REQUEST)
        return client

    def count(self, text):
        return self.issuer.stderr().count(text)


class Answers(IssuerTest):
    def test_a_whole_session(self):
        client = self.enrol("rsa2048")
        self.assertEqual(self.states(), ["live"])
        (key,) = self.device_keys()
        self.assertEqual((key["generation"], key["session"]), (0, client.session_id))

    def assert_refused(self, client, reply, text):
        self.assertTrue(reply.failed, (reply.status, reply.location))
        self.assertIn(text, self.assert_verdict(client.session_id))

    def test_what_is_not_a_session_key(self):
        """All that decrypts to something else, or to nothing; nobody learns which it was."""
        def encrypted(data):
            def change(client, message):
                server = constructs.from_jwk(client.request["serverPublicKey"])
                message["encryptedSessionKey"] = base64url(server.encrypt(data, oaep()))
            return change

        def raw(data):
            return lambda client, message: message.update(encryptedSessionKey=base64url(data))

        for what, change in (("of a longer key", raw(bytes(384))),
                             ("31 bytes", encrypted(bytes(31))), ("33 bytes", encrypted(bytes(33))),
                             ("nothing", encrypted(b"")), ("zeros", raw(bytes(256))),
                             ("over the modulus", raw(b"\xff" * 256))):
            with self.subTest(what):
                client = self.asked()
                message = client.answer()
                change(client, message)
                self.assert_refused(client, client.post(message), (
                    "client key: " if what == "of a longer key" else "server key: ")
                    + "encryptedSessionKey is not")

    def test_who_does_not_know_what_was_sent(self):
        """Another session key than the attested one."""
        client = self.asked()
        message = client.answer()
        server = constructs.from_jwk(client.request["serverPublicKey"])
        message["encryptedSessionKey"] = base64url(server.encrypt(bytes(32), oaep()))
        self.assert_refused(client, client.post(message), "session attestation")

    def test_attested_otherwise(self):
        for name, value in (("life_time", 601), ("provisioning_uri", "http://other"),
                            ("server_session_id", b"x" * 32), ("client_session_id", b"x" * 32),
                            ("server_public_key", b"")):
            with self.subTest(name):
                client = self.asked()
                reply = client.post(client.initialization_response(**{name: value}))
                self.assert_refused(client, reply, "session attestation")

    def test_a_repeat_gets_the_same_server_key(self):
        """The stored answer: no other key is drawn."""
        client = self.client()
        client.start()
        message = client.answer()
        first, again = client.post(message), client.post(message)
        self.assertEqual(first.body, again.body)
        self.assertTrue(client.run().done)

    def test_a_restart_at_every_step(self):
        """The private key lies in the session's sealed state."""
        client = self.client()

        def restart(_qualifier):
            self.issuer.restart()
            client.http.connection.close()

        reply = client.run(before=restart)
        self.assertTrue(reply.done, (reply.status, reply.location))


class ChangedProfile(IssuerTest):
    def change(self, **changes):
        write_profile(self.profiles, "rsa2048", **changes)
        self.issuer.restart()

    def test_another_kind_of_session_meanwhile(self):
        """A session is of the kind that it began as."""
        kinds = {}, {"session": "2010", "sessionKeyLimit": 65535}
        for to_2010 in (False, True):
            with self.subTest(to_2010=to_2010):
                self.change(**kinds[not to_2010])
                early = ProfileTest.client(self, "rsa2048") if to_2010 else self.client()
                early.start()
                late = ProfileTest.client(self, "rsa2048") if to_2010 else self.client()
                late.run(until=REQUEST)
                self.change(**kinds[to_2010])
                for client in (early, late):
                    client.http.connection.close()
                reply = early.run()
                if to_2010:
                    self.assertTrue(reply.done)
                else:
                    self.assertTrue(reply.failed)
                    self.assertIn("profile: no longer", self.assert_verdict(early.session_id))
                self.assertTrue(late.run().done)


class State:
    """The sealed state of sessions, opened with the issuer's sealing key like somebody with its
    whole disk."""

    def __init__(self, data):
        self.data = data
        self.key = AESGCM(bytes.fromhex((data / "seal.key").read_text().strip()))

    def of(self, session_id):
        database = sqlite3.connect("file:%s?mode=ro" % (self.data / "issuer.db"), uri=True)
        try:
            ((sealed,),) = database.execute("SELECT state FROM session WHERE id = ?", (session_id,))
        finally:
            database.close()
        return self.key.decrypt(sealed[:12], sealed[12:], session_id.encode())


def private_numbers(state, n):
    """n, e, d and the primes as the state has them: each with its ushort length in front."""
    numbers, at = [], state.index(n) - 2
    for _ in range(5):
        size = int.from_bytes(state[at:at + 2], "big")
        numbers.append(state[at + 2:at + 2 + size])
        at += 2 + size
    return numbers


class OnDisk(IssuerTest):
    def test_sealed_while_it_is_needed_and_gone_then(self):
        client = self.asked()
        state = State(self.issuer.data)
        n = from_base64url(client.request["serverPublicKey"]["n"])
        _, e, d, p, q = private_numbers(state.of(client.session_id), n)
        number = lambda raw: int.from_bytes(raw, "big")                         # noqa: E731
        self.assertEqual(number(p) * number(q), number(n), "this is the private key")
        self.assert_nowhere(d, p, q)
        client.post(client.answer())
        after = state.of(client.session_id)
        for secret in (d, p, q):
            self.assertNotIn(secret, after)
        self.assertIn(n, after)
        self.assert_nowhere(d, p, q, client.counter.key)

    def assert_nowhere(self, *secrets):
        """In no file of the issuer, its database and log included."""
        files = [path for path in self.issuer.folder.rglob("*") if path.is_file()]
        self.assertIn("issuer.db", [path.name for path in files])
        for path in files:
            raw = path.read_bytes()
            for secret in secrets:
                self.assertNotIn(secret, raw, path)
                self.assertNotIn(base64url(secret).encode(), raw, path)
                self.assertNotIn(secret.hex().encode(), raw, path)


class Pool(IssuerTest):
    def wait_until_full(self):
        wait_for(lambda: self.count(AHEAD) - self.count(POOLED) >= self.pool,
                 lambda: "the pool does not get full")

    def test_drawn_down_and_refilled(self):
        """Twice the whole pool and one key more than there are; none comes twice."""
        keys = []
        for _ in range(2):
            self.wait_until_full()
            pooled = self.count(POOLED)
            for _ in range(self.pool):
                keys.append(self.asked().request["serverPublicKey"]["n"])
            self.assertEqual(self.count(POOLED), pooled + self.pool)
            keys.append(self.asked().request["serverPublicKey"]["n"])
        self.assertEqual(len(set(keys)), len(keys))
        self.assertEqual(self.count(POOLED) + self.count("bits " + GENERATED), len(keys))

    def test_many_at_once(self):
        """Drawn by several threads: still each its own."""
        clients = [self.client() for _ in range(8)]
        threads = [threading.Thread(target=client.run, kwargs={"until": REQUEST})
                   for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keys = {client.request["serverPublicKey"]["n"] for client in clients}
        self.assertEqual(len(keys), len(clients))

    def test_sessions_of_107_take_none(self):
        self.wait_until_full()
        pooled = self.count(POOLED)
        super().client("plain").run(until=REQUEST)
        client = self.client()
        client.start()
        self.assertEqual(self.count(POOLED), pooled, "nor does a session that has only begun")


class Sizes(IssuerTest):
    """A pool for each size that a profile asks for."""
    sizes = (2048, 3072, 4096)
    pool = 1

    def test_each(self):
        wait_for(lambda: self.count(AHEAD) >= len(self.sizes))
        for size in self.sizes:
            client = self.asked("rsa%d" % size)
            key = constructs.from_jwk(client.request["serverPublicKey"])
            self.assertIsInstance(key, rsa.RSAPublicKey)
            self.assertEqual((key.key_size, key.public_numbers().e), (size, 65537))
            self.assertTrue(client.run().done)
        self.assertEqual(self.count(POOLED), len(self.sizes))


class NoPool(IssuerTest):
    """Each key is generated when it is asked for, beside the threads that answer requests."""
    pool = 0
    sizes = (2048, 4096)

    @classmethod
    def start(cls, program):
        program.environment = {}    # its stop waits for what is under way
        return super().start(program)

    def test_others_are_answered_meanwhile(self):
        """More generations at once than there are threads for requests."""
        waiting = [self.client() for _ in range(11)]
        threads = [threading.Thread(target=client.run, kwargs={"until": REQUEST})
                   for client in waiting]
        for thread in threads:
            thread.start()
        answered, slowest = 0, 0
        while sum(thread.is_alive() for thread in threads) > 8:
            began = time.monotonic()
            self.assertEqual(super().client("plain").start().status, 200)
            slowest = max(slowest, time.monotonic() - began)
            answered += 1
        self.assertGreater(answered, 3, "sessions that began while keys were generated")
        self.assertLess(slowest, 60)
        for thread in threads:
            thread.join()
        self.assertEqual(self.count(AHEAD), 0)
        self.assertEqual(self.count(GENERATED), len(waiting))

    def test_stopped_meanwhile(self):
        """The issuer stops at once, and the session goes on when it is back."""
        client = self.client("rsa4096")
        client.start()
        message = client.answer()
        before = self.count(GENERATED)
        asking = threading.Thread(target=self.lose, args=(client, message))
        asking.start()
        while self.count(GENERATED) == before:
            time.sleep(0.01)
        began = time.monotonic()
        self.assertEqual(self.issuer.stop(), 0)
        self.assertLess(time.monotonic() - began, 60)
        asking.join()
        self.issuer.start()
        client.http.connection.close()
        self.assertEqual(client.post(message).status, 200)
        self.assertEqual(client.request["@qualifier"], REQUEST)
        self.assertTrue(client.run().done)

    @staticmethod
    def lose(client, message):
        try:
            client.post(message)
        except (OSError, http.client.HTTPException):
            pass


class Options(IssuerTest):
    def test_out_of_range(self):
        for value in ("65", "-1", "x", ""):
            done = run("sks-issuer", "serve", "--data", self.issuer.data, "--server-keys", value)
            self.assertEqual(done.returncode, 2, value)
            self.assertIn("--server-keys", done.stderr)

    def test_environment(self):
        issuer = Issuer(self.new_folder(), profiles=self.profiles, options=["-v"])
        issuer.environment = {"SKS_ISSUER_SERVER_KEYS": "0"}
        self.start(issuer)
        client = Client2010(issuer.url, "rsa2048")
        client.run(until=REQUEST)
        self.assertIn("bits generated", issuer.stderr())
        self.assertNotIn(AHEAD, issuer.stderr())

    def test_profiles_are_checked(self):
        """What a session of 2010 cannot have, at check-profile and where the server starts."""
        for name, value in (("keyManagementKey", True), ("privacyEnabled", True),
                            ("sessionKeyLimit", 200), ("serverKeySize", 1024),
                            ("lookupSpecifiers", [{"id": "L"}]),
                            ("deleteKeys", [{"lookup": "L"}]),
                            ("unlockKeys", [{"lookup": "L"}])):
            with self.subTest(name):
                folder = self.new_folder()
                changes = {"session": "2010", "sessionKeyLimit": 65535, name: value}
                write_profile(folder, "bad", **changes)
                done = run("sks-issuer", "check-profile", folder / "bad.json", "--json")
                (told,) = json.loads(done.stdout)["profiles"]
                self.assertEqual((done.returncode, told["valid"]), (1, False))
                self.assertIn("/%s: " % name, told["error"])
                done = run("sks-issuer", "serve", "--data", folder / "data", "--profiles", folder,
                           "--http", "127.0.0.1:0")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("/%s: " % name, done.stderr)
