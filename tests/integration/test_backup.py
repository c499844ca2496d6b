"""sks-token backup and restore: what comes back, what is refused, what a kill leaves."""

import os
import random
import shutil
import stat
import subprocess
import sys
import time

from rig.clicase import (
    DONE, IO_ERROR, REFUSED, USAGE, Terminal, command_line, environment_of, sks_token)
from rig.issuer_side import provision_key
from rig.keycase import PIN_BLOCKED
from rig.processes import Token, run
from rig.sealed_rows import SESSION, SealedRows, master_key
from rig.upkeepcase import UpkeepTest

KILLS = int(os.environ.get("SKS_KILLS", "40"))
LARGE_ROW, LARGE_ROWS = 4 << 20, 16


class BackupTest(UpkeepTest):
    def setUp(self):
        super().setUp()
        self.place = self.new_folder()
        self.file = self.place / "backup"
        self.target = self.place / "target"

    def backup(self, *arguments, store=None, code=DONE, file=None, **environment):
        file = file or self.file
        done = self.run_it(store or self.token.store, "backup", "--out", file, *arguments,
                           code=code, **environment)
        if code == DONE:
            self.assertIn("backup written: %s, %d bytes" % (file, file.stat().st_size), done.text)
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        return done

    def restore(self, *arguments, store=None, code=DONE, key=True, file=None, **environment):
        key = ("--master-key", self.token.store / "master.key") if key is True else key or ()
        return self.run_it(store or self.target, "restore", "--from", file or self.file, "--yes",
                           *key, *arguments, code=code, **environment)

    def run_it(self, store, *arguments, code, **environment):
        variables = {**environment_of({}), **environment}
        done = subprocess.run(command_line(store, *arguments), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env=variables)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        if code == DONE:
            self.assertEqual(done.stderr, "")
        else:
            self.assertTrue(done.stderr.startswith("sks-token: "), done.stderr)
        done.text = done.stdout + done.stderr
        return done

    def refused(self, call, text, *arguments, code=REFUSED, **options):
        self.assertRegex(call(*arguments, code=code, **options).stderr, text)

    def serve(self, store):
        """A second token on a store; self.sks talks to it."""
        token = Token(store.parent, init=False)
        token.store = store
        self.start(token)
        self.addCleanup(self.end, token)
        self.sks.close()
        self.sks = self.wire(token)
        return token

    def end(self, token):
        if token in self.programs and token.alive():
            self.programs.remove(token)
            self.assertEqual(token.stop(), 0, token.stderr())

    def names(self, folder):
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else None


class RoundTrip(BackupTest):
    def test_a_life_comes_back(self):
        life = self.live()
        self.sks = self.wire()
        keys = [vars(key) for key in self.sks.keys()]
        errors = self.errors(life.alone, life.unique[0])
        self.backup()
        self.miss(life.alone)
        self.manage("deleteKey", life.plain)
        self.make()
        self.restore("--install-key")
        self.assert_sound(self.target)
        self.assertEqual(self.names(self.target),
                         ["device-ca.pem", "lock", "master.key", "token.db"])
        for name, mode in (("master.key", 0o600), ("token.db", 0o600), ("device-ca.pem", 0o644)):
            self.assertEqual(stat.S_IMODE((self.target / name).stat().st_mode), mode, name)
        for name in ("master.key", "device-ca.pem"):
            self.assertEqual((self.target / name).read_bytes(),
                             (self.token.store / name).read_bytes())
        self.serve(self.target)
        self.assertEqual([vars(key) for key in self.sks.keys()], keys)
        self.assertEqual(self.errors(life.alone, life.unique[0]), errors)
        self.assertEqual(self.errors(life.managed), [1], "as after a kill: one charge ahead")
        self.sign(life.plain, authorization=b"")
        self.sign(life.managed, authorization=b"2222")
        self.assertEqual(self.sks.sessions(True), [])
        self.finish(self.session())
        self.do("delete", life.new[1])
        self.assert_sound(self.target)

    def test_nobody_serves(self):
        (key,) = self.make()
        self.miss(key)
        session = self.session()
        for kill in (False, True):
            with self.stopped(kill):
                self.backup()
                self.assertNotIn("token.db-wal", self.names(self.token.store))
            self.restore("--install-key", *(["--replace"] if self.target.exists() else []))
            self.assert_sound(self.target)
        self.assertTrue(self.is_open(session), "here it goes on")
        self.serve(self.target)
        self.assertEqual(self.errors(key), [1])
        self.sign(key)
        self.assertFalse(self.is_open(session), "there its key must not be used again")

    def test_counters_go_back(self):
        """As the help says."""
        (key,) = self.make(retryLimit=3)
        self.miss(key)
        self.backup()
        self.miss(key)
        self.miss(key)
        self.assertEqual(self.protection(key).protectionStatus & PIN_BLOCKED, PIN_BLOCKED)
        self.restore("--install-key")
        self.serve(self.target)
        self.assertEqual(self.errors(key), [1])
        self.sign(key)
        self.assertIn("counters of wrong PINs", run("sks-token", "restore", "--help").stdout)

    def test_sessions_are_dropped_in_the_file(self):
        self.make()
        self.session().puk()
        self.backup()
        self.restore("--install-key")
        rows = self.rows(self.target)
        self.assertEqual(rows.select("closed = 0 AND kind = ?", SESSION), [])
        self.assertEqual(rows.select("closed = 0 AND kind > ? AND kind < 9", SESSION), [])

    def test_a_key_from_the_environment(self):
        (key,) = self.make()
        secret = {"SKS_TOKEN_MASTER_KEY": master_key(self.token.store).hex()}
        os.rename(self.token.store / "master.key", self.place / "kept")
        self.addCleanup(os.rename, self.place / "kept", self.token.store / "master.key")
        self.refused(self.backup, "master.key", code=IO_ERROR)
        self.backup(**secret)
        done = self.restore(key=None, **secret)
        self.assertIn("every command needs --master-key", done.stdout)
        self.assertNotIn("master.key", self.names(self.target))
        self.restore("--install-key", "--replace", key=None, **secret)
        self.assertEqual(master_key(self.target).hex(), secret["SKS_TOKEN_MASTER_KEY"])
        self.assertNotIn(secret["SKS_TOKEN_MASTER_KEY"], done.text)
        self.serve(self.target)
        self.sign(key)

    def test_a_deactivated_token(self):
        token = self.start_token(options=["--allow-deactivate"])
        client = self.wire(token)
        client.call("deactivate")
        self.backup(store=token.store)
        self.restore("--install-key", key=("--master-key", token.store / "master.key"))
        done = sks_token(self.target, "activate")
        self.assertEqual((done.code, done.text), (DONE, "activated\n"))

    def test_a_store_that_waits_for_its_certificate(self):
        store = self.place / "csr"
        self.assertEqual(run("sks-token", "init", "--store", store, "--csr").returncode, DONE)
        self.backup(store=store)
        self.restore("--install-key", key=("--master-key", store / "master.key"))
        self.assertEqual(self.names(self.target), ["lock", "master.key", "token.db"])
        self.assert_sound(self.target)

    def test_replacing(self):
        """The backup under another master key than the store that it replaces."""
        (key,) = self.make()
        self.backup()
        other = Token(self.new_folder())
        shutil.copytree(other.store, self.target)
        own = (self.target / "master.key").read_bytes()
        self.refused(self.restore, "has a store already; --replace")
        self.refused(self.restore, "another master key; move it away", "--replace",
                     "--install-key")
        self.assertEqual((self.target / "master.key").read_bytes(), own)
        self.restore("--replace")
        self.assertEqual((self.target / "master.key").read_bytes(), own, "not asked for")
        self.assertEqual(sks_token(self.target, "list").code, IO_ERROR)
        os.rename(self.target / "master.key", self.target / "old.key")
        self.restore("--replace", "--install-key")
        self.assertEqual((self.target / "device-ca.pem").read_bytes(),
                         self.token.device_ca.read_bytes())
        self.serve(self.target)
        self.sign(key)

    def test_replacing_one_that_was_killed(self):
        """What lies in the log of the old database must not get into the new one."""
        self.backup()
        other = self.start_token()
        client = self.wire(other)
        for _ in range(5):
            provision_key(client)
        client.close()
        other.kill()
        self.programs.remove(other)
        self.assertGreater((other.store / "token.db-wal").stat().st_size, 0)
        os.remove(other.store / "master.key")
        self.restore("--replace", "--install-key", store=other.store)
        self.assert_sound(other.store)
        self.assertEqual(len(self.rows(other.store).select("kind = 6")), len(self.sks.keys()))

    def test_replacing_what_is_no_database_any_more(self):
        (key,) = self.make()
        self.backup()
        self.target.mkdir()
        (self.target / "token.db").write_bytes(b"damaged" * 1000)
        (self.target / "token.db-wal").write_bytes(b"and its log" * 1000)
        self.refused(self.restore, "has a store already")
        self.restore("--replace", "--install-key")
        self.assert_sound(self.target)
        self.serve(self.target)
        self.sign(key)


class Consistent(BackupTest):
    """A backup beside a busy server is of one moment."""

    def test_beside_sessions_that_come_and_go(self):
        (key,) = self.make()
        with self.busy():
            for n in range(8):
                self.backup(file=self.place / str(n))
        for n in range(8):
            target = self.place / ("target.%d" % n)
            self.restore("--install-key", store=target, file=self.place / str(n))
            self.assert_sound(target)
            self.assertIn(key.handle, [row.handle for row in
                                       self.rows(target).select("kind = 6")])
        self.assertEqual([name for name in self.names(self.token.store) if "copy" in name], [])


class Large(BackupTest):
    def peak(self, *line):
        """Peak of the resident memory, bytes; by an interpreter that is small itself, as a child
        begins with the memory of its parent."""
        meter = ("import resource, subprocess, sys;"
                 "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
                 "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        # AddressSanitizer keeps what was freed, unless told not to.
        environment = {**os.environ, "ASAN_OPTIONS": ":".join(
            (os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=0")).strip(":")}
        done = subprocess.run([sys.executable, "-c", meter, *command_line(*line)],
                              capture_output=True, text=True, check=True, env=environment)
        code, kilobytes = map(int, done.stdout.split())
        self.assertEqual(code, DONE, done.stderr)
        return kilobytes * 1024

    def test_memory_does_not_grow_with_the_store(self):
        """64 MiB of rows; only one row at a time may be in memory, in several forms."""
        store = Token(self.new_folder()).store
        small = self.peak(store, "backup", "--out", self.file)
        rows = self.rows(store)
        device = rows.get(1, 1)
        for n in range(LARGE_ROWS):
            rows.forge(device, os.urandom(LARGE_ROW), kind=99, handle=n + 1)
        self.assertGreater(rows.path.stat().st_size, LARGE_ROW * LARGE_ROWS)
        key = ("--master-key", store / "master.key")
        for line in ((store, "backup", "--out", self.file),
                     (self.target, "restore", "--from", self.file, "--yes", *key),
                     (self.target, "restore", "--from", self.file, "--yes", "--replace", *key)):
            self.assertLess(self.peak(*line) - small, LARGE_ROW, line[1])
        self.assertLess(self.peak(store, "rekey", "--yes") - small, 10 * LARGE_ROW)
        self.assertEqual(sks_token(store, "check").code, REFUSED, "rows of kind 99")


class Refused(BackupTest):
    def setUp(self):
        super().setUp()
        self.make()
        self.backup()
        self.good = self.file.read_bytes()

    def assert_nothing_written(self, text, *arguments, code=REFUSED, **options):
        self.refused(self.restore, text, "--install-key", *arguments, code=code, **options)
        self.assertIsNone(self.names(self.target))

    def test_altered(self):
        random_bytes = random.Random(5)
        for at in [0, 5, 20, 21, 25, len(self.good) - 1] + random_bytes.sample(
                range(len(self.good)), 15):
            with self.subTest(at=at):
                raw = bytearray(self.good)
                raw[at] ^= 0x10
                self.file.write_bytes(raw)
                self.assert_nothing_written("altered|no backup|format|cut off",
                                            code=IO_ERROR if at < 5 else REFUSED)

    def test_cut_off_or_longer(self):
        for raw in (b"", self.good[:10], self.good[:-1], self.good[:len(self.good) // 2],
                    self.good + b"x"):
            self.file.write_bytes(raw)
            self.assert_nothing_written("cut off|no backup|altered",
                                        code=IO_ERROR if len(raw) < 21 else REFUSED)

    def test_foreign_key(self):
        key = Token(self.new_folder()).store / "master.key"
        self.assert_nothing_written("another master key", key=("--master-key", key))
        self.assert_nothing_written("64 hexadecimal digits", code=IO_ERROR, key=None,
                                    SKS_TOKEN_MASTER_KEY="00")

    def test_no_key(self):
        self.assert_nothing_written("--master-key FILE names", key=None, code=IO_ERROR)

    def test_no_backup(self):
        self.assert_nothing_written("nowhere", file=self.place / "nowhere", code=IO_ERROR)
        self.file.write_text("a text " * 10)
        self.assert_nothing_written("no backup", code=IO_ERROR)

    def test_a_store_in_use(self):
        token = self.start_token()
        before = (token.store / "token.db").read_bytes()
        self.refused(self.restore, "stop sks-token serve first", "--replace", store=token.store,
                     code=IO_ERROR)
        self.assertEqual((token.store / "token.db").read_bytes(), before)

    def test_a_newer_store_in_it(self):
        store = Token(self.new_folder()).store
        self.backup(store=store)
        self.rows(store).run("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        self.refused(self.backup, "newer program", store=store, code=IO_ERROR)

    def test_consent(self):
        line = command_line(self.target, "restore", "--from", self.file, "--master-key",
                            self.token.store / "master.key", "--install-key")
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("give --yes", done.stderr)
        for answer, code in (("n", REFUSED), ("y", DONE)):
            terminal = Terminal(line)
            self.addCleanup(terminal.kill)
            terminal.wait_for("counters of wrong tries").wait_for("sessions that were open")
            terminal.answer("Restore it? [y/N] ", answer)
            self.assertEqual(terminal.finish(), code, terminal.shown)
            self.assertEqual(self.target.exists(), code == DONE)

    def test_consent_names_what_is_replaced(self):
        self.restore()
        terminal = Terminal(command_line(
            self.target, "restore", "--from", self.file, "--replace", "--master-key",
            self.token.store / "master.key"))
        self.addCleanup(terminal.kill)
        terminal.wait_for("The store that is there now is replaced").answer("[y/N] ", "n")
        self.assertEqual(terminal.finish(), REFUSED)

    def test_out_is_no_backup(self):
        for path in (self.token.store / "token.db", self.token.store / "master.key"):
            before = path.read_bytes()
            self.refused(self.backup, "is there, and no backup", file=path)
            self.assertEqual(path.read_bytes(), before)
        self.refused(self.backup, "is there, and no backup", file=self.place)
        self.refused(self.backup, "No such file", file=self.place / "no" / "folder",
                     code=IO_ERROR)
        self.assertEqual(self.names(self.place), ["backup"])
        self.sign(self.make()[0])

    def test_usage(self):
        for line in (["backup"], ["restore"], ["restore", "--yes"], ["backup", "--out"]):
            done = sks_token(self.token.store, *line)
            self.assertEqual((done.code, done.out), (USAGE, b""), line)
        done = sks_token(self.place / "none", "backup", "--out", self.file)
        self.assertEqual(done.code, IO_ERROR)
        self.assertIn("sks-token init", done.err)

    def test_the_server_has_another_key(self):
        """Then nothing could be restored from it."""
        other = Token(self.new_folder()).store / "master.key"
        self.refused(self.backup, "another master key", "--master-key", other, code=IO_ERROR)
        self.assertEqual(self.file.read_bytes(), self.good)


class Killed(BackupTest):
    """kill -9 at any moment of a restore: the old store, or the new one, and no third."""

    def test_restore(self):
        seed = int(os.environ.get("SKS_SEED") or random.randrange(1 << 32))
        print("seed %d" % seed, flush=True)
        chance = random.Random(seed)
        (kept,) = self.make(puk=True)
        self.session()
        self.backup()
        before = self.handles()
        self.manage("deleteKey", kept)
        self.make({}, {})
        after = self.handles()
        with self.stopped():
            old = self.copy_of(self.token.store)
        longest = self.time_one(self.copy_of(old))
        ends = {"old": 0, "new": 0}
        for n in range(KILLS):
            with self.subTest(seed=seed, kill=n):
                store = self.copy_of(old)
                key = self.place / "key"
                install = chance.random() < 0.5
                if install:
                    shutil.move(store / "master.key", key)
                else:
                    shutil.copy(store / "master.key", key)
                self.kill_one(store, key, chance.random() * longest)
                ends[self.judge(store, key, before, after)] += 1
                self.restore("--replace", "--install-key", store=store, key=("--master-key", key))
                self.assertEqual(self.judge(store, None, before, after), "new")
                self.assertEqual(self.names(store),
                                 ["device-ca.pem", "lock", "master.key", "token.db"])
                shutil.rmtree(store.parent)
        self.assertGreater(ends["old"], 0, ends)
        self.assertGreater(ends["new"], 0, ends)

    def line(self, store, key):
        return command_line(store, "restore", "--from", self.file, "--yes", "--replace",
                            "--install-key", "--master-key", key)

    def time_one(self, store):
        began = time.monotonic()
        subprocess.run(self.line(store, store / "master.key"), check=True,
                       stdout=subprocess.DEVNULL)
        return 1.2 * (time.monotonic() - began)

    def kill_one(self, store, key, wait):
        process = subprocess.Popen(self.line(store, key), stdout=subprocess.DEVNULL)
        time.sleep(wait)
        process.kill()
        process.wait()

    def judge(self, store, key, before, after):
        """Which one it is; the key is found as an owner would: given, or in the store."""
        own = store / "master.key"
        arguments = () if own.exists() or key is None else ("--master-key", key)
        if (store / "master.key.pending").exists() and not own.exists():
            arguments = self.choose(store, key)
        done = self.check(store, *arguments)
        self.assertEqual(done.code, DONE, (done.text, done.err))
        handles = [row.handle for row in
                   self.rows_with(store, key).select("kind = 6 AND closed = 1")]
        open_sessions = self.rows_with(store, key).select("kind = ? AND closed = 0", SESSION)
        if handles == after:
            self.assertEqual(len(open_sessions), 1, "as it was")
            return "old"
        self.assertEqual(handles, before)
        self.assertEqual(open_sessions, [])
        return "new"

    def choose(self, store, key):
        """Both ways must do: the key that the owner has, or the one on its way."""
        done = self.check(store, "--master-key", key)
        self.assertEqual(done.code, DONE, (done.text, done.err))
        return ()

    def rows_with(self, store, key):
        if (store / "master.key").exists():
            return SealedRows(store)
        return SealedRows(store, bytes.fromhex(key.read_text().strip()))
