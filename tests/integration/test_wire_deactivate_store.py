"""What a deactivation leaves in the store, through kills and restarts, and what in the memory."""

import http.client
import os
import sqlite3
import threading
import time

from rig.deactivationcase import (
    ALLOWED, DONE, IO_ERROR, REFUSED, DeactivationTest, command, some_call)
from rig.issuer_side import provision_key
from rig.processes import Token, run, sanitized
from rig.sks_wire import SksClient
from rig.testcase import RigTest
from rig.token_memory import found_in_memory, master_key_forms, secrets_of
from rig.wirecase import NOT_AVAILABLE


class Durable(DeactivationTest):
    def restart(self):
        self.sks.close()
        self.token.restart()

    def test_kill(self):
        (key,) = self.make()
        session = self.session()
        info = vars(self.sks.call("getDeviceInfo"))
        self.sign(key)      # leaves a charge ahead, which the deactivation takes back
        self.deactivate()
        for _ in range(2):
            self.restart()
            self.assertIn("deactivated", self.token.stderr().splitlines()[-1])
            self.assertEqual(vars(self.sks.call("getDeviceInfo")), info)
            self.assert_deactivated()
            self.deactivate()
        self.activate()
        self.restart()
        self.assertEqual(self.errors(key), [0])
        self.sign(key)
        self.assertFalse(self.is_open(session))

    def test_kill_within(self):
        """Wherever the kill falls: deactivated without sessions, or as it was."""
        (key,) = self.make()
        for wait in range(20):
            session = self.session()
            answered = []
            thread = threading.Thread(target=self.try_to_deactivate, args=(answered,))
            thread.start()
            time.sleep(wait * 0.0002)
            self.restart()
            thread.join()
            off = self.sks.raw_status(some_call("enumerateKeys")) == NOT_AVAILABLE
            self.assertTrue(off or not answered, "an answer means that it is durable")
            if off:
                self.activate()
            self.assertEqual(self.is_open(session), not off)
            if not off:
                session.abort()
            self.sign(key)

    def try_to_deactivate(self, answered):
        client = SksClient(self.token.url)
        try:
            client.call("deactivate")
            answered.append(True)
        except (OSError, http.client.HTTPException):
            pass    # the connection died with the token
        finally:
            client.close()

    def test_store_that_nobody_serves(self):
        (key,) = self.make()
        self.sks.close()
        self.token.kill()
        self.assert_command(DONE, "deactivated", "deactivate", "--yes")
        self.assert_command(DONE, "state                deactivated", "info")
        self.restart()
        self.assert_deactivated()
        self.sks.close()
        self.token.kill()
        self.activate()
        self.assert_command(DONE, "not deactivated", "activate")
        self.restart()
        self.sign(key)

    def test_altered_record(self):
        """It is sealed: who alters it gets no token at all."""
        self.deactivate()
        self.sks.close()
        self.token.kill()
        change = "UPDATE object SET body = zeroblob(length(body)) WHERE kind = 1 AND handle = 2"
        path = self.token.store / "token.db"
        with sqlite3.connect(path) as database:
            kept = database.execute("SELECT body FROM object WHERE kind = 1 AND handle = 2")
            (body,) = kept.fetchone()
            self.assertEqual(database.execute(change).rowcount, 1)
        database.close()
        done = run("sks-token", *self.token.arguments())
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
        self.assertIn("damaged", done.stderr)
        with sqlite3.connect(path) as database:
            database.execute(change.replace("zeroblob(length(body))", "?"), (body,))
        database.close()
        self.token.start()
        self.assert_deactivated()


class Environment(DeactivationTest):
    """A master key from the environment is wiped there too, and only a restart brings it back."""

    @classmethod
    def set_up_rig(cls):
        cls.master = os.urandom(32)
        os.environ["SKS_TOKEN_MASTER_KEY"] = cls.master.hex()
        cls.addClassCleanup(os.environ.pop, "SKS_TOKEN_MASTER_KEY")
        super().set_up_rig()

    def assert_wiped(self):
        if not sanitized(self.token.name):      # a sanitizer copies the environment for itself
            forms = master_key_forms(self.master)
            self.assertEqual(found_in_memory(self.token.pid, forms), set())

    def test_a_restart_is_needed(self):
        key = provision_key(self.sks)
        self.assertEqual(found_in_memory(self.token.pid, master_key_forms(self.master)),
                         {"master key in hexadecimal"})
        self.deactivate()
        self.assert_wiped()
        for _ in range(2):
            self.assert_command(REFUSED, "restart", "activate")
            self.assert_deactivated()
        self.sks.close()
        self.token.restart()
        self.sign(key, authorization=b"")

    def test_deactivated_again_before_the_restart(self):
        self.deactivate()
        self.assert_command(REFUSED, "restart", "activate")
        self.deactivate()
        self.sks.close()
        self.token.restart()
        self.assert_deactivated()
        self.assert_wiped()
        self.sks.close()
        self.token.kill()
        self.activate()
        self.token.start()
        self.assert_active()


class Memory(RigTest):
    """What is wiped is nowhere in the memory of the process any more."""

    @classmethod
    def set_up_rig(cls):
        cls.tokens = [Token(cls.new_folder(), options=ALLOWED, device_key=kind)
                      for kind in ("p256", "rsa2048")]
        cls.secrets = [secrets_of(token.store) for token in cls.tokens]
        for token in cls.tokens:
            cls.start(token)

    def test_nothing_is_left(self):
        for token, secrets in zip(self.tokens, self.secrets):
            with self.subTest(secrets=sorted(secrets)):
                master = bytes.fromhex((token.store / "master.key").read_text().strip())
                self.check_token(token, secrets, master_key_forms(master))

    def check_token(self, token, secrets, master):
        self.work(token)
        everything = {**secrets, **master}
        self.assertEqual(found_in_memory(token.pid, everything), set(secrets))
        client = self.wire(token)
        client.call("deactivate")
        self.assertEqual(found_in_memory(token.pid, everything), set())
        client.close()
        token.restart()
        self.assertEqual(found_in_memory(token.pid, everything), set())
        self.assertEqual(command("activate", token).returncode, DONE)
        self.assertEqual(found_in_memory(token.pid, everything), set(secrets))
        self.work(token)

    def work(self, token):
        """Sessions and signatures on several threads of the token."""
        def one():
            client = SksClient(token.url)
            for _ in range(5):
                provision_key(client, pin_policy={})
            client.close()
        threads = [threading.Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
