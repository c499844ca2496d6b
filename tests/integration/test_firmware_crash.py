"""Method 90 when things go wrong: kill -9, a full disk, a damaged store, the garbage of others."""

import contextlib
import http.client
import os
import random
import sqlite3
import threading
import time

from rig.certificates import generate
from rig.firmware import FirmwareTest, chunk, chunks, padded, policy
from rig.processes import run
from rig.wirecase import CRYPTO, OPTION, STORAGE

ROUNDS = 20
# From the last chunk to the kill, in seconds.
LONGEST_WAIT = 0.006


class StorageLimit(FirmwareTest):
    token_options = ("--storage-limit", "150000")

    def test_no_room(self):
        self.install(description="small")
        made = chunks(self.key, padded(policy(self.version + 1), 300000), 2)
        self.send(made[0])
        self.refuse(made[1], STORAGE)
        self.assert_installed()
        self.refuse(made[1], text="no update is under way")
        self.install(description="small again")


class Crash(FirmwareTest):
    def restart(self):
        super().restart()
        self.sks = self.wire()

    def test_between_chunks(self):
        self.install()
        old = self.version
        made = chunks(self.key, self.next_policy(), 4)
        for done in range(1, len(made)):
            self.send_all(made[:done])
            self.restart()
            self.assert_installed(old)
            self.refuse(made[done], text="no update is under way")
        self.send_all(made)
        self.restart()
        self.assert_installed()

    def test_within_the_last_chunk(self):
        """Wherever the kill falls: the old one or the new one, and what was answered is there."""
        chance = random.Random(11)
        for _ in range(ROUNDS):
            old = self.info().vendorDescription
            made = chunks(self.key, self.next_policy(), 2)
            self.send(made[0])
            answered = self.send_and_kill(made[1], chance.random() * LONGEST_WAIT)
            if answered or self.info().vendorDescription != old:
                self.assert_installed()

    def send_and_kill(self, data, wait):
        answered = []

        def send():
            try:
                answered.append(self.send(data) == "")
            except (OSError, http.client.HTTPException):
                pass    # the connection died with the token

        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(wait)
        self.token.kill()
        thread.join()
        self.sks.close()
        self.token.start()
        self.sks = self.wire()
        return bool(answered)


class Damaged(FirmwareTest):
    def test_stored_policy(self):
        """A policy that does not decode is no policy: the token does not start without it."""
        before = self.kinds()
        self.install(limits={"minPinLength": 6})
        (kind,) = self.kinds() - before
        self.sks.close()
        self.token.kill()
        self.flip_a_bit(kind)
        with self.assertRaisesRegex(AssertionError, "stored object 1.*damaged"):
            self.token.start()
        done = run("sks-token", *self.token.arguments())
        self.assertEqual(done.returncode, 3, done.stderr)
        self.flip_a_bit(kind)
        self.token.start()
        self.sks = self.wire()
        self.assert_installed()

    def kinds(self):
        """Which kinds of objects the store has."""
        self.sks.close()
        self.token.kill()
        with contextlib.closing(sqlite3.connect(self.token.store / "token.db")) as database:
            kinds = {kind for kind, in database.execute("SELECT kind FROM object")}
        self.token.start()
        self.sks = self.wire()
        return kinds

    def flip_a_bit(self, kind):
        with contextlib.closing(sqlite3.connect(self.token.store / "token.db")) as database:
            ((body,),) = database.execute("SELECT body FROM object WHERE kind = ?", (kind,))
            database.execute("UPDATE object SET body = ? WHERE kind = ?",
                             (body[:-1] + bytes([body[-1] ^ 1]), kind))
            database.commit()


class Together(FirmwareTest):
    """Others who send garbage, old chunks and chunks of other signers do not disturb an update."""

    def test_garbage_of_others(self):
        stranger = generate("Ed25519")
        self.install()
        old = chunks(self.key, policy(self.version), 2)
        over = threading.Event()
        trouble = []

        def disturb(number):
            sks = self.wire()
            random_bytes = random.Random(number)
            while not over.is_set():
                for data in (os.urandom(random_bytes.randrange(200)), old[0], old[1],
                             chunk(stranger, version=self.version + 5, count=2)):
                    try:
                        self.send(data, sks)
                        trouble.append(data)
                    except Exception as error:
                        if getattr(error, "status", None) not in (CRYPTO, OPTION):
                            trouble.append(error)
                            return

        threads = [threading.Thread(target=disturb, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            for count in (1, 5, 20):
                self.install(count=count, description="x" * 500)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(trouble, [])
