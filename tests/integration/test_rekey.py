"""sks-token rekey: all that a store holds lives on under another master key, whatever is killed."""

import os
import random
import shutil
import stat
import subprocess
import time

from rig.clicase import (
    DONE, IO_ERROR, REFUSED, USAGE, Terminal, command_line, environment_of, sks_token)
from rig.processes import Token
from rig.sealed_rows import KEY, SealedRows, master_key
from rig.upkeepcase import UpkeepTest
from rig.wirecase import AUTHORIZATION, OPTION

KILLS = int(os.environ.get("SKS_KILLS", "60"))
VARIABLE = "SKS_TOKEN_MASTER_KEY"


class RekeyTest(UpkeepTest):
    def rekey(self, *arguments, store=None, code=DONE, **environment):
        line = command_line(store or self.token.store, "rekey", "--yes", *arguments)
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**environment_of({}), **environment})
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        if code == DONE:
            self.assertEqual(done.stderr, "")
            self.assertTrue(done.stdout.startswith("master key changed"), done.stdout)
        else:
            self.assertTrue(done.stderr.startswith("sks-token: "), done.stderr)
            self.assertEqual(done.stdout, "")
        return done

    def names(self, store):
        return sorted(path.name for path in store.iterdir())

    def key_file(self, name="key", text=None):
        path = self.new_folder() / name
        path.write_text(text or os.urandom(32).hex())
        path.chmod(0o600)
        return path


class Lives(RekeyTest):
    def test_all_goes_on(self):
        """Keys, counters of tries, and an open session with its post operations."""
        life = self.live()
        with self.stopped(kill=True):       # leaves charges ahead
            self.change_key()
        life.open.wire = self.sks
        self.assertEqual(self.errors(life.alone), [1])
        self.sign(life.managed, authorization=b"2222")
        self.sign(life.plain, authorization=b"")
        self.sign(life.imported, authorization=b"")
        life.open.extend(life.successor, "http://later", b"later", 1)
        self.assert_status(OPTION, life.open.close)     # as before: a key has no certificate
        self.finish(self.session())
        self.assert_sound()

    def change_key(self):
        before = master_key(self.token.store)
        old = SealedRows(self.token.store)
        self.assert_sound()
        bodies = [row.body for row in old.select()]
        self.rekey()
        self.assertNotEqual(master_key(self.token.store), before)
        mode = (self.token.store / "master.key").stat().st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(self.names(self.token.store), ["control.sock", "device-ca.pem", "lock",
                                                        "master.key", "token.db"])
        file = (self.token.store / "token.db").read_bytes()
        for body in bodies:
            self.assertNotIn(body, file, "nothing is left that the old key opens")
        self.assert_sound()

    def test_an_open_session_closes(self):
        (target,) = self.own()
        session = self.managed()
        new = self.queue(session, "update", target)
        with self.stopped():
            self.rekey()
        session.wire = self.sks
        session.close()
        self.assert_replaced(target, new)
        self.sign(target)

    def test_tries_that_a_crash_cut_off(self):
        """A candidate is a MAC under the old key, and is settled; test_master_key.c has all cases."""
        (key,) = self.make(retryLimit=3)
        for wrong, kill in ((1, True), (2, False)):
            self.miss(key)
            with self.stopped(kill):
                self.rekey()
            self.assertEqual(self.errors(key), [wrong])
        self.sign(key)
        self.assertEqual(self.errors(key), [0])
        for _ in range(3):
            self.miss(key)
        with self.stopped(kill=True):
            self.rekey()
        self.assertIn("blocked", self.assert_status(AUTHORIZATION, self.sign, key))

    def test_again_and_again(self):
        (key,) = self.make()
        seen = {master_key(self.token.store)}
        with self.stopped():
            for _ in range(3):
                self.rekey()
                seen.add(master_key(self.token.store))
        self.assertEqual(len(seen), 4)
        self.sign(key)

    def test_a_key_of_the_owner(self):
        store = Token(self.new_folder()).store
        given = self.key_file()
        self.rekey("--new-master-key", given, store=store)
        self.assertEqual((store / "master.key").read_text().strip(), given.read_text())
        self.assertIn("is the one that the store has",
                      self.rekey("--new-master-key", given, store=store, code=USAGE).stderr)
        drawn = given.parent / "drawn"
        self.rekey("--new-master-key", drawn, store=store)
        self.assertEqual(stat.S_IMODE(drawn.stat().st_mode), 0o600)
        self.assertEqual((store / "master.key").read_text(), drawn.read_text())
        self.assert_sound(store)

    def test_a_key_that_lies_elsewhere(self):
        store = Token(self.new_folder()).store
        elsewhere = self.new_folder() / "k"
        shutil.move(store / "master.key", elsewhere)
        before = elsewhere.read_text()
        done = self.rekey("--master-key", elsewhere, store=store)
        self.assertIn("the new one is in %s\n" % elsewhere, done.stdout)
        self.assertNotEqual(elsewhere.read_text(), before)
        self.assertNotIn("master.key", self.names(store))
        self.assertEqual(self.names(elsewhere.parent), ["k"])
        self.assertEqual(self.check(store, "--master-key", elsewhere).code, DONE)

    def test_a_key_from_the_environment(self):
        store = Token(self.new_folder()).store
        old = master_key(store).hex()
        (store / "master.key").unlink()
        error = self.rekey(store=store, code=USAGE, **{VARIABLE: old}).stderr
        self.assertIn("--new-master-key FILE", error)
        self.assertNotIn(old, error)
        new = self.new_folder() / "new"
        done = self.rekey("--new-master-key", new, store=store, **{VARIABLE: old})
        self.assertIn(str(new), done.stdout)
        self.assertIn("once it stands where the old one comes from", done.stdout)
        for secret in (old, new.read_text().strip()):
            self.assertNotIn(secret, done.stdout)
        self.assertEqual(self.names(store), ["device-ca.pem", "lock", "token.db"])
        for key, code in ((old, IO_ERROR), (new.read_text().strip(), DONE)):
            found = subprocess.run(command_line(store, "check"), capture_output=True, text=True,
                                   env={**environment_of({}), VARIABLE: key})
            self.assertEqual(found.returncode, code, found.stderr)
            if code == IO_ERROR:
                self.assertIn(VARIABLE, found.stderr)

    def test_backups_keep_the_key_that_they_were_made_with(self):
        (key,) = self.make()
        place = self.new_folder()
        old = place / "old.key"
        shutil.copy(self.token.store / "master.key", old)
        self.assertEqual(sks_token(self.token.store, "backup", "--out", place / "b").code, DONE)
        with self.stopped():
            self.rekey()
        line = ("restore", "--from", place / "b", "--yes", "--install-key", "--master-key")
        done = sks_token(place / "t", *line, self.token.store / "master.key")
        self.assertEqual(done.code, REFUSED)
        self.assertIn("another master key", done.err)
        self.assertEqual(sks_token(place / "t", *line, old).code, DONE)
        self.assertEqual(len(self.rows(place / "t").select("kind = ? AND handle = ?", KEY,
                                                           key.handle)), 1)


class Refused(RekeyTest):
    def assert_refused(self, text, *arguments, code=IO_ERROR, store=None, **options):
        store = store or self.token.store
        before = (store / "master.key").read_bytes()
        self.assertIn(text, self.rekey(*arguments, code=code, store=store, **options).stderr)
        self.assertEqual((store / "master.key").read_bytes(), before)

    def test_beside_a_server(self):
        self.assert_refused("stop sks-token serve first")
        self.make()

    def test_no_store(self):
        done = sks_token(self.folder / "none", "rekey", "--yes")
        self.assertEqual(done.code, IO_ERROR)
        self.assertIn("sks-token init", done.err)

    def test_bad_keys(self):
        store = Token(self.new_folder()).store
        self.assert_refused("64 hexadecimal digits", "--new-master-key", self.key_file(text="00"),
                            store=store)
        open_to_all = self.key_file()
        open_to_all.chmod(0o644)
        self.assert_refused("group or others", "--new-master-key", open_to_all, store=store)
        self.assert_refused("No such file", "--new-master-key", self.folder / "no" / "folder",
                            store=store)
        self.assert_refused("is the one that the store has", "--new-master-key",
                            self.key_file(text=master_key(store).hex()), store=store, code=USAGE)
        self.assert_refused("another master key", "--master-key", self.key_file(), store=store)
        self.assert_sound(store)

    def test_a_damaged_row(self):
        self.make()
        with self.stopped():
            store = self.copy_of(self.token.store)
        rows = self.rows(store)
        row = rows.select("kind = ?", KEY)[0]
        damaged = row.body[:-1] + bytes([row.body[-1] ^ 1])
        rows.run("UPDATE object SET body = ? WHERE kind = ? AND handle = ?", damaged, KEY,
                 row.handle)
        before = rows.select()
        self.assert_refused("stored object %d of kind %d is damaged" % (row.handle, KEY),
                            store=store)
        self.assertEqual(self.rows(store).select(), before)
        rows.put(row)
        self.assert_sound(store)
        rows.run("UPDATE object SET name = 'text' WHERE kind = ? AND handle = ?", KEY, row.handle)
        self.assert_refused("what no row has", store=store)

    def test_consent(self):
        store = Token(self.new_folder()).store
        done = sks_token(store, "rekey")
        self.assertEqual(done.code, USAGE)
        self.assertIn("give --yes", done.err)
        before = master_key(store)
        for answer, code in (("n", REFUSED), ("y", DONE)):
            terminal = Terminal(command_line(store, "rekey"))
            self.addCleanup(terminal.kill)
            terminal.wait_for("keep a copy of it").answer("Change the master key? [y/N] ", answer)
            self.assertEqual(terminal.finish(), code, terminal.shown)
            self.assertEqual(master_key(store) != before, code == DONE)


class Killed(RekeyTest):
    """kill -9 at any moment: the old key or the new one, and it is where it belongs."""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SKS_SEED") or random.randrange(1 << 32))
        print("seed %d" % self.seed, flush=True)
        self.chance = random.Random(self.seed)
        (self.key,) = self.make()
        for _ in range(4):
            self.make({}, {}, {}, {}, puk=True)
        self.session().puk()
        with self.stopped(kill=True):
            self.store = self.copy_of(self.token.store)

    def kill_one(self, line, wait, environment=None):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment)
        time.sleep(wait)
        process.kill()
        process.wait()

    def time_one(self, line, environment=None):
        began = time.monotonic()
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL, env=environment)
        return 2 * (time.monotonic() - began)    # the machine may be slower later

    def test_with_a_file(self):
        """Over and over on one store; whatever the last kill left, the next call goes on."""
        line = command_line(self.store, "rekey", "--yes")
        longest = self.time_one(line)
        count = len(self.rows(self.store).select())
        ends = {"old": 0, "new": 0}
        for n in range(KILLS):
            with self.subTest(seed=self.seed, kill=n):
                before = master_key(self.store)
                self.kill_one(line, self.chance.random() * longest)
                self.assert_sound(self.store)
                now = master_key(self.store)
                ends["old" if now == before else "new"] += 1
                rows = self.rows(self.store).select()
                self.assertEqual(len(rows), count)
                self.rows(self.store).clear(rows[-1])
        self.assertGreater(ends["old"], 0, ends)
        self.assertGreater(ends["new"], 0, ends)
        self.rekey(store=self.store)
        self.assertEqual(self.names(self.store),
                         ["device-ca.pem", "lock", "master.key", "token.db"])
        token = Token(self.store.parent, init=False)
        self.start(token)
        self.sks = self.wire(token)
        self.sign(self.key)

    def test_with_the_environment(self):
        current = master_key(self.store).hex()
        (self.store / "master.key").unlink()
        folder = self.new_folder()
        longest, ends = None, {"old": 0, "new": 0}
        for n in range(KILLS // 2):
            with self.subTest(seed=self.seed, kill=n):
                new = self.key_file()
                line = command_line(self.store, "rekey", "--yes", "--new-master-key", new)
                environment = {**environment_of({}), VARIABLE: current}
                if longest is None:
                    longest = self.time_one(line, environment)
                else:
                    self.kill_one(line, self.chance.random() * longest, environment)
                codes = [subprocess.run(command_line(self.store, "check"), capture_output=True,
                                        env={**environment_of({}), VARIABLE: key}).returncode
                         for key in (current, new.read_text())]
                self.assertIn(codes, ([DONE, IO_ERROR], [IO_ERROR, DONE]))
                if codes[1] == DONE:
                    current = new.read_text()
                ends["new" if codes[1] == DONE else "old"] += 1
        self.assertGreater(ends["old"], 0, ends)
        self.assertGreater(ends["new"], 1, ends)
        self.assertEqual(self.names(folder), [])
