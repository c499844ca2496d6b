"""sks-token check: a store that has lived has no finding, and each damage is named."""

import os
import shutil

from rig import raw_http
from rig.clicase import DONE, IO_ERROR, REFUSED, USAGE, Terminal, command_line, sks_token
from rig.issuer_side import provision_key
from rig.processes import Token, run
from rig.sealed_rows import (
    DEVICE, EXTENSION, FIRMWARE, KEY, PIN, PIN_POLICY, POST, PUK, SESSION)
from rig.sks_wire import CONTENT_TYPE, SksClient
from rig.upkeepcase import UpkeepTest


class Sound(UpkeepTest):
    def test_a_life(self):
        self.live()
        self.assert_sound()             # beside the server
        self.token.kill()
        self.assert_sound()             # after a kill, alone
        self.token.start()
        done = self.check()
        self.assertEqual(done.code, DONE, done.text)
        self.assertRegex(done.text, r"^\d+ objects, 0 findings\n$")
        self.assertEqual(done.err, "")
        self.sks = self.wire()
        for session in self.sks.sessions(True):
            self.sks.call("abortProvisioningSession",
                          provisioningHandle=session.provisioningHandle)
        for key in self.sks.keys():
            self.sks.raw_status(b"\x50" + key.keyHandle.to_bytes(4, "big") + b"\0\0")
        self.assert_sound()

    def test_a_fresh_store(self):
        token = Token(self.new_folder())
        self.assert_sound(token.store)

    def test_one_that_waits_for_its_certificate(self):
        folder = self.new_folder()
        self.assertEqual(run("sks-token", "init", "--store", folder, "--csr").returncode, DONE)
        self.assert_sound(folder)

    def test_a_deactivated_token(self):
        token = self.start_token(options=["--allow-deactivate"])
        client = self.wire(token)
        provision_key(client, pin_policy={})
        client.call("deactivate")
        self.assert_sound(token.store)
        token.restart()
        self.assert_sound(token.store)


class Beside(UpkeepTest):
    """A running server goes on, and what it does meanwhile shows no finding."""

    def test_while_sessions_come_and_go(self):
        with self.busy():
            for _ in range(15):
                self.assert_sound()
        self.assertEqual([name for name in os.listdir(self.token.store) if "copy" in name], [])

    def test_copies_of_the_killed_are_swept(self):
        left = [self.token.store / name for name in
                ("token.db.copy-abcdefgh", "token.db.copy-abcdefgh-wal", "token.db.restored")]
        for path in left:
            path.write_bytes(b"x")
        self.token.restart()
        self.assertEqual([path for path in left if path.exists()], [])

    def test_only_the_control_socket_makes_copies(self):
        headers = {"Content-Type": CONTENT_TYPE, "Content-Length": "0"}.items()
        for url, status in ((self.token.url, 404),
                            ("unix:%s" % (self.token.store / "control.sock"), 200)):
            head = raw_http.head(url, "/control/copy", headers=headers)
            self.assertEqual(raw_http.exchange(url, head)[0], status, url)
        self.token.restart()        # sweeps the one that nobody asked for again
        self.assertEqual([name for name in os.listdir(self.token.store) if "copy" in name], [])

    def test_needs_the_master_key(self):
        other = Token(self.new_folder()).store / "master.key"
        done = self.check(None, "--master-key", other)
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))
        self.assertIn("another master key", done.err)
        self.assertEqual([name for name in os.listdir(self.token.store) if "copy" in name], [])


class Command(UpkeepTest):
    def test_usage(self):
        for arguments, code in ((("--nonsense",), USAGE), (("operand",), USAGE)):
            self.assertEqual(self.check(None, *arguments).code, code)
        done = sks_token(self.folder / "none", "check")
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))
        self.assertIn("sks-token init", done.err)

    def test_progress_at_a_terminal(self):
        """Enough rows for it: one is shown every 256."""
        token = Token(self.new_folder())
        rows = self.rows(token.store)
        device = rows.get(DEVICE, 1)
        for n in range(600):
            rows.forge(device, kind=99, handle=n + 1)
        terminal = Terminal(command_line(token.store, "check"))
        self.addCleanup(terminal.kill)
        terminal.wait_for("\r256 objects").wait_for("601 objects, 600 findings")
        self.assertEqual(terminal.finish(), REFUSED)

    def test_cannot_open(self):
        store = Token(self.new_folder()).store
        rows = self.rows(store)
        rows.run("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        done = self.check(store)
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))
        self.assertIn("newer program", done.err)
        rows.run("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        (store / "master.key").write_text("00" * 32)
        self.assertIn("another master key", self.check(store).err)
        (store / "token.db").write_text("no database at all, whatever its name may say")
        self.assertEqual(self.check(store).code, IO_ERROR)


class Damage(UpkeepTest):
    """Each case damages a copy of one store; the findings are all that it must name."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        test = cls("test_nothing")
        test.sks = SksClient(cls.token.url)
        young = test.own({"extensions": [{"type": "http://old"}]}, {"pin": None})
        test.sks.close()
        cls.young_store = cls.stopped_copy(test)
        test.sks = SksClient(cls.token.url)
        test.do("update", young[0])
        cls.young = young
        cls.life = test.live()
        cls.store = cls.stopped_copy(test)

    @classmethod
    def stopped_copy(cls, test):
        """As a kill leaves it, but all in one file: whoever opens it next sees to that."""
        cls.token.kill()
        copy = test.copy_of(cls.token.store)
        cls.token.start()
        test.assert_sound(copy)
        return copy

    def setUp(self):
        super().setUp()
        self.copy = self.copy_of(self.store)
        self.all = self.rows(self.copy)
        self.old = self.rows(self.young_store)

    def test_nothing(self):
        self.assert_sound(self.copy)

    def assert_found(self, *wanted):
        """Each is the beginning of one finding, and there are no others."""
        found = self.findings(self.copy)
        for text in wanted:
            match = [line for line in found if line.startswith(text)]
            self.assertTrue(match, (text, found))
            found.remove(match[0])
        self.assertEqual(found, [])

    def assert_named(self, *wanted):
        """As assert_found(), but there may be more."""
        found = self.findings(self.copy)
        for text in wanted:
            self.assertTrue([line for line in found if line.startswith(text)], (text, found))

    def key(self, key):
        return self.all.get(KEY, key.handle)

    def of_key(self, key, kind):
        """The PIN, PIN policy or PUK policy that a key lives by."""
        pin = self.all.get(PIN, self.key(key).refers)
        policy = self.all.get(PIN_POLICY, pin.refers)
        return {PIN: pin, PIN_POLICY: policy}.get(kind) or self.all.get(PUK, policy.refers)

    def open_row(self, kind):
        return self.all.select("kind = ? AND closed = 0 AND owner = ?", kind,
                               self.life.open.handle)[0]


class Altered(Damage):
    def test_a_bit_of_each_kind(self):
        names = {DEVICE: "device", SESSION: "session", PUK: "PUK policy",
                 PIN_POLICY: "PIN policy", PIN: "PIN", KEY: "key", EXTENSION: "extension",
                 POST: "post operation", FIRMWARE: "policy"}
        wanted = []
        for kind, name in names.items():
            row = self.all.select("kind = ?", kind)[-1]
            row.body = row.body[:20] + bytes([row.body[20] ^ 1]) + row.body[21:]
            self.all.put(row)
            wanted.append("%s %d: it does not unseal" % (name, row.handle))
        self.assert_found(*wanted)

    def test_each_column(self):
        """No reference leads to a key that stands alone, so that it is the one finding."""
        key = self.life.plain.handle
        for column, value in (("owner", 1), ("refers", 1), ("name", b"x"), ("tag", bytes(32))):
            with self.subTest(column):
                row = self.all.get(KEY, key)
                self.all.run("UPDATE object SET %s = ? WHERE kind = ? AND handle = ?" % column,
                             value, KEY, key)
                self.assert_named("key %d: it does not unseal" % key)
                self.all.delete(KEY, key)
                self.all.put(row)
                self.assert_sound(self.copy)

    def test_a_key_closed_or_opened(self):
        for closed in (0, 1):
            row = self.all.select("kind = ? AND closed = ?", KEY, 1 - closed)[0]
            self.all.run("UPDATE object SET closed = ? WHERE kind = ? AND handle = ?", closed, KEY,
                         row.handle)
            self.assert_named("key %d: it does not unseal" % row.handle)
            self.all.put(row)

    def test_another_handle_or_kind(self):
        key = self.life.plain.handle
        self.all.run("UPDATE object SET handle = 99 WHERE kind = ? AND handle = ?", KEY, key)
        self.assert_named("key 99: it does not unseal",
                          "key 99: the last handle given out is said to be")
        self.all.run("UPDATE object SET kind = ? WHERE handle = 99", POST)
        self.assert_named("post operation 99: it does not unseal")
        self.all.run("UPDATE object SET kind = 77 WHERE handle = 99")
        self.assert_named("row 99: no object is of kind 77")

    def test_columns_of_another_type(self):
        for column, value in (("kind", "text"), ("handle", "text"), ("handle", -5), ("handle", 0),
                              ("handle", 2**40), ("owner", 1.5), ("refers", "x"), ("closed", 2),
                              ("name", "text"), ("tag", "text"), ("body", "text"),
                              ("kind", 256 + KEY)):
            with self.subTest(column, value=value):
                copy = self.copy_of(self.store)
                rows = self.rows(copy)
                rows.run("UPDATE object SET %s = ? WHERE kind = ? AND handle = ?" % column, value,
                         KEY, self.life.plain.handle)
                found = [line for line in self.findings(copy) if "a column holds what no object"
                         in line]
                self.assertEqual(len(found), 1, found)

    def test_swapped_bodies(self):
        for kind, one, other in ((KEY, self.life.unique[0].handle, self.life.unique[1].handle),
                                 (PIN, self.of_key(self.life.unique[0], PIN).handle,
                                  self.of_key(self.life.alone, PIN).handle)):
            first, second = self.all.get(kind, one), self.all.get(kind, other)
            first.body, second.body = second.body, first.body
            self.all.put(first)
            self.all.put(second)
        self.assert_named(*("%s %d: it does not unseal" % (name, handle) for name, handle in (
            ("key", self.life.unique[0].handle), ("key", self.life.unique[1].handle),
            ("PIN", self.of_key(self.life.unique[0], PIN).handle))))

    def test_the_file_itself(self):
        with self.all.database() as database:
            (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = "
                                       "'object_by_tag'").fetchone()
            (size,) = database.execute("PRAGMA page_size").fetchone()
        with open(self.all.path, "r+b") as file:
            file.seek((page - 1) * size)
            file.write(bytes(size))
        self.assert_named("database 0: ")

    def test_an_index_that_hides_a_row(self):
        with self.all.database() as database:
            (name,) = database.execute("SELECT sql FROM sqlite_master WHERE name = "
                                       "'object_by_state'").fetchone()
            database.execute("PRAGMA writable_schema = 1")
            database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'object_by_state'",
                             (name + " WHERE handle <> 1",))
        self.assert_named("database 0: ")


class Deleted(Damage):
    def assert_missing(self, row, *wanted):
        self.all.delete(row.kind, row.handle)
        self.assert_found(*wanted)

    def test_device(self):
        self.assert_missing(self.all.get(DEVICE, 1), "device 1: it is missing")

    def test_session(self):
        row = self.key(self.life.plain)
        keys = [key.handle for key in self.all.select("kind = ? AND owner = ?", KEY, row.owner)]
        self.assert_missing(self.all.get(SESSION, row.owner), *(
            "key %d: its session %d is missing" % (key, row.owner) for key in keys))

    def test_open_session(self):
        owned = self.all.select("owner = ? AND kind <> ?", self.life.open.handle, SESSION)
        with_owner = [row for row in owned if row.kind != EXTENSION]
        self.all.delete(SESSION, self.life.open.handle)
        found = self.findings(self.copy)
        self.assertEqual(sum("its session %d is missing" % self.life.open.handle in line
                             for line in found), len(with_owner), found)

    def test_pin(self):
        pin, policy = (self.of_key(self.life.unique[0], kind) for kind in (PIN, PIN_POLICY))
        self.assert_missing(pin, "key %d: its PIN %d is missing" % (self.life.unique[0].handle,
                                                                   pin.handle))
        for key in self.life.unique[1:]:
            self.all.delete(PIN, self.key(key).refers)
        self.assert_named("PIN policy %d: nothing refers to it" % policy.handle)

    def test_pin_policy(self):
        policy, puk = (self.of_key(self.life.unique[0], kind) for kind in (PIN_POLICY, PUK))
        pins = [self.of_key(key, PIN).handle for key in self.life.unique]
        self.assert_missing(
            policy, "PUK policy %d: nothing refers to it" % puk.handle,
            *("PIN %d: its PIN policy %d is missing" % (pin, policy.handle) for pin in pins),
            *("key %d: its PIN policy %d is missing" % (key.handle, policy.handle)
              for key in self.life.unique))

    def test_puk(self):
        policy, puk = (self.of_key(self.life.unique[0], kind) for kind in (PIN_POLICY, PUK))
        self.assert_missing(puk, "PIN policy %d: its PUK policy %d is missing"
                            % (policy.handle, puk.handle))

    def test_key(self):
        key = self.life.unique[2]
        pin = self.of_key(key, PIN)
        extensions = [row.handle for row in self.all.select("kind = ?", EXTENSION)
                      if self.all.clear(row)[1:5] == key.handle.to_bytes(4, "big")]
        self.assertEqual(len(extensions), 3)
        self.assert_missing(self.key(key), "PIN %d: nothing refers to it" % pin.handle,
                            *("extension %d: its key %d is missing" % (handle, key.handle)
                              for handle in extensions))

    def test_last_key_of_a_session(self):
        row = self.key(self.life.plain)
        for key in self.all.select("kind = ? AND owner = ?", KEY, row.owner):
            self.all.delete(KEY, key.handle)
        self.assert_found("session %d: it is closed and owns no key" % row.owner)

    def test_extension(self):
        row = next(row for row in self.all.select("kind = ? AND closed = 1", EXTENSION)
                   if self.all.clear(row)[1:5] == self.life.unique[2].handle.to_bytes(4, "big"))
        self.assert_missing(row, "key %d: its extension of type http://"
                            % self.life.unique[2].handle)

    def test_new_key_of_a_post_operation(self):
        post = next(row for row in self.all.select("kind = ?", POST)
                    if self.all.clear(row)[-4:] != bytes(4))
        new = int.from_bytes(self.all.clear(post)[-4:], "big")
        self.assert_missing(self.all.get(KEY, new), "post operation %d: its new key %d is missing"
                            % (post.handle, new))

    def test_counters(self):
        self.all.run("DELETE FROM last_handle WHERE kind IN (?, ?)", KEY, PIN)
        self.assert_named("key %d: the last handle given out is said to be 0"
                          % self.all.select("kind = ?", KEY)[-1].handle,
                          "PIN %d: the last handle" % self.all.select("kind = ?", PIN)[-1].handle)

    def test_policy_of_the_firmware_is_not_missed(self):
        """What no other row speaks of: SECURITY.md says so."""
        self.all.delete(FIRMWARE, 1)
        self.assert_sound(self.copy)


class PutBack(Damage):
    """Rows that once were good, sealed by the token itself."""

    def test_a_key_without_its_extension(self):
        """As it was before the extension came: an extension that no key lists."""
        handle = self.young[0].handle
        old = next(row for row in self.old.select("kind = ?", EXTENSION))
        self.all.put(old)
        self.assert_found("extension %d: key %d is of another session" % (old.handle, handle),
                          "extension %d: key %d knows of no such extension"
                          % (old.handle, handle))

    def test_a_key_before_it_was_updated(self):
        old = self.old.get(KEY, self.young[0].handle)
        self.all.put(old)
        self.assert_named("key %d: its session %d is missing" % (old.handle, old.owner),
                          "key %d: its extension of type http://old is missing" % old.handle)

    def test_a_session_that_was_taken_over(self):
        old = self.old.get(SESSION, self.old.get(KEY, self.young[1].handle).owner)
        self.all.put(old)
        self.assert_found("session %d: it is closed and owns no key" % old.handle)

    def test_what_was_deleted(self):
        """A session with all its keys, and then one object of it after the other again."""
        key = self.life.unique[0]
        owner = self.key(key).owner
        policy, puk = (self.of_key(key, kind) for kind in (PIN_POLICY, PUK))
        pins = [self.of_key(each, PIN) for each in self.life.unique]
        rows = self.all.select("owner = ?", owner) + [policy, puk] + pins
        for row in rows:
            self.all.delete(row.kind, row.handle)
        self.assert_sound(self.copy)
        extension = next(row for row in rows if row.kind == EXTENSION)
        for row, text in ((puk, "PUK policy %d: nothing refers to it"),
                          (policy, "PIN policy %d: nothing refers to it"),
                          (pins[0], "PIN %d: nothing refers to it"),
                          (extension, "extension %d: its key"),
                          (rows[0], "session %d: it is closed and owns no key")):
            self.all.put(row)
            self.assert_named(text % row.handle)

    def test_its_own_older_version_is_not_seen(self):
        """One whose counter was lower: SECURITY.md says so."""
        row = self.of_key(self.life.alone, PIN)
        clear = self.all.clear(row)
        at = 9 + 2 + int.from_bytes(clear[9:11], "big")
        self.assertEqual(clear[at:at + 2], b"\0\1")
        self.all.forge(row, clear[:at] + bytes(2) + clear[at + 2:])
        self.assert_sound(self.copy)


class Forged(Damage):
    """Sealed with the right key, so that only what the rows say can be wrong."""

    def assert_forged(self, row, text, clear=None, **columns):
        shutil.copy(self.store / "token.db", self.all.path)
        self.all.forge(row, clear, **columns)
        self.assert_named(text)

    def test_a_key_from_when_it_was_open(self):
        row = self.open_row(KEY)
        closed = self.all.get(SESSION, self.key(self.life.plain).owner)
        forged = self.all.forge(row, owner=closed.handle)
        self.assert_named("key %d: it is open, but its session %d is closed"
                          % (forged.handle, closed.handle))

    def test_bodies_that_do_not_decode(self):
        for kind, text in ((DEVICE, "device 1: the device key does not decode"),
                           (SESSION, "session %d: it does not decode"),
                           (PUK, "PUK policy %d: it does not decode"),
                           (PIN_POLICY, "PIN policy %d: it does not decode"),
                           (PIN, "PIN %d: it does not decode"),
                           (KEY, "key %d: it does not decode"),
                           (EXTENSION, "extension %d: it does not decode"),
                           (POST, "post operation %d: it does not decode"),
                           (FIRMWARE, "policy 1: the stored policy does not decode")):
            row = self.all.select("kind = ?", kind)[-1]
            for clear in (b"", b"\xff" + self.all.clear(row)[1:], self.all.clear(row)[:-1],
                          self.all.clear(row) + b"\0"):
                with self.subTest(kind=kind, clear=clear[:8]):
                    self.assert_forged(row, text % row.handle if "%" in text else text, clear)

    def test_places_without_an_object(self):
        self.assert_forged(self.all.get(DEVICE, 1), "device 3: there is no such object", handle=3)
        self.assert_forged(self.all.get(DEVICE, 1), "device 2: the record of the deactivation",
                           handle=2)
        self.assert_forged(self.all.get(FIRMWARE, 1), "policy 2: there is no such object",
                           handle=2)

    def test_sessions(self):
        row = self.all.get(SESSION, self.life.open.handle)
        self.assert_forged(row, "session %d: it is closed, but has its session key" % row.handle,
                           closed=1)
        self.assert_forged(row, "session %d: its columns are not a session's" % row.handle,
                           owner=1)

    def test_births(self):
        """A body begins with its layout, then the birth."""
        for kind, text in (
                (PIN, "key %(key)d: PIN %(handle)d is not the one"),
                (PIN_POLICY, "key %(key)d: PIN policy %(handle)d is not the one"),
                (PUK, "PIN policy %(policy)d: PUK policy %(handle)d is not the one")):
            row = self.of_key(self.life.unique[0], kind)
            clear = self.all.clear(row)
            facts = {"key": self.life.unique[0].handle, "handle": row.handle,
                     "policy": self.of_key(self.life.unique[0], PIN_POLICY).handle}
            other = clear[:1] + os.urandom(8) + clear[9:]
            self.assert_forged(row, text % facts, other)
            none = clear[:1] + bytes(8) + clear[9:]
            self.assert_forged(row, "%s %d: it has no birth" % (
                {PIN: "PIN", PIN_POLICY: "PIN policy", PUK: "PUK policy"}[kind], row.handle), none)

    def test_tries_over_the_limit(self):
        for kind, name in ((PIN, "PIN"), (PUK, "PUK policy")):
            row = self.of_key(self.life.unique[0], kind)
            clear = self.all.clear(row)
            at = 9 + 2 + int.from_bytes(clear[9:11], "big")
            self.assert_forged(row, "%s %d: 200 wrong tries" % (name, row.handle),
                               clear[:at] + (200).to_bytes(2, "big") + clear[at + 2:])

    def test_references_in_columns(self):
        pin, policy, puk = (self.of_key(self.life.unique[0], kind)
                            for kind in (PIN, PIN_POLICY, PUK))
        other = self.of_key(self.life.alone, PIN)
        key = self.key(self.life.unique[0])
        self.assert_forged(key, "key %d: its columns speak of another PIN" % key.handle,
                           refers=other.handle)
        self.assert_forged(policy, "PIN policy %d: its columns speak of another PUK policy"
                           % policy.handle, refers=0)
        self.assert_forged(pin, "key %d: PIN %d is of another PIN policy"
                           % (key.handle, pin.handle), refers=other.refers)
        self.assert_forged(puk, "PUK policy %d: it refers to something" % puk.handle, refers=1)

    def test_owners(self):
        for kind, name in ((PIN, "PIN"), (PIN_POLICY, "PIN policy"), (PUK, "PUK policy")):
            row = self.of_key(self.life.unique[0], kind)
            self.assert_forged(row, "%s %d: it is closed, but belongs to session 1"
                               % (name, row.handle), owner=1)
            self.assert_forged(row, "%s %d: it is closed, but has a name" % (name, row.handle),
                               name=b"x")
            self.assert_forged(row, "%s %d: it has a fingerprint" % (name, row.handle), tag=b"x")
        policy, pin = self.open_row(PIN_POLICY), self.open_row(PIN)
        self.assert_forged(policy, "PIN %d: PIN policy %d is of another session"
                           % (pin.handle, policy.handle), owner=0, closed=1, name=b"")
        puk = self.open_row(PUK)
        self.assert_forged(puk, "PIN policy %d: PUK policy %d is of another session"
                           % (policy.handle, puk.handle), owner=0, closed=1, name=b"")

    def test_keys(self):
        row, other = self.key(self.life.plain), self.key(self.life.imported)
        name = "key %d: " % row.handle
        self.assert_forged(row, name + "its columns have another name", name=b"x")
        self.assert_forged(row, name + "its columns have the fingerprint", tag=other.tag)
        self.assert_forged(other, name + "key %d has the same certificate" % other.handle,
                           self.all.clear(row), tag=row.tag)
        self.assert_forged(row, name + "its certificate is of another key",
                           self.spliced(row, other, "public"))
        self.assert_forged(row, name + "its private key is not that of its public key",
                           self.spliced(row, other, "private"))
        self.assert_forged(row, name + "its private key does not decode",
                           self.spliced(row, other, "private", b"\x09"))
        self.assert_forged(row, name + "its PIN and its PIN policy contradict",
                           self.with_reference(row, 1, 7))

    FIELDS = ("id", "public", "private")

    def spliced(self, row, other, field, value=None):
        """The body of a key with a field of another one's."""
        def split(clear):
            parts, at = [], 1
            for _ in self.FIELDS:
                size = 2 + int.from_bytes(clear[at:at + 2], "big")
                parts.append(clear[at:at + size])
                at += size
            return parts, clear[at:]
        mine, rest = split(self.all.clear(row))
        theirs, _ = split(self.all.clear(other))
        n = self.FIELDS.index(field)
        mine[n] = theirs[n] if value is None else len(value).to_bytes(2, "big") + value
        return self.all.clear(row)[:1] + b"".join(mine) + rest

    def with_reference(self, row, handle, birth):
        """Without a PIN, both references are zeros in front of the last ten bytes."""
        clear = self.all.clear(row)
        tail = len(clear) - 8 - 24          # caching to key backup, no extensions, device PIN
        self.assertEqual(clear[tail:tail + 24], bytes(24))
        reference = handle.to_bytes(4, "big") + birth.to_bytes(8, "big")
        return clear[:tail] + reference + clear[tail + 12:]

    def test_open_keys_and_certificates(self):
        row = next(row for row in self.all.select("kind = ? AND closed = 0", KEY)
                   if row.name == b"Uncertified")
        session = self.key(self.life.plain).owner
        self.assert_forged(row, "key %d: it has no certificate" % row.handle, owner=session,
                           closed=1, name=b"")

    def test_extensions(self):
        row = self.all.select("kind = ? AND closed = 1", EXTENSION)[-1]
        self.assert_forged(row, "extension %d: its columns have another name" % row.handle,
                           name=b" e\0\0\0\x01x")
        key = int.from_bytes(self.all.clear(row)[1:5], "big")
        self.assert_forged(row, "extension %d: key %d is of another session" % (row.handle, key),
                           owner=self.life.open.handle, closed=0)

    def test_post_operations(self):
        rows = self.all.select("kind = ?", POST)
        name = "post operation %d: " % rows[0].handle
        clear = self.all.clear(rows[0])
        self.assert_forged(rows[0], name + "there never was its target, key 999",
                           clear[:2] + (999).to_bytes(4, "big") + clear[6:])
        self.assert_forged(rows[0], name + "its target, key %d, is still being provisioned"
                           % self.life.successor.handle,
                           clear[:2] + self.life.successor.handle.to_bytes(4, "big") + clear[6:])
        self.assert_forged(rows[0], name + "it must not have a new key", clear[:6] + b"\0\0\0\x01")
        self.assert_forged(rows[0], name + "it does not decode", clear[:1] + b"\x04" + clear[2:])
        self.assert_forged(rows[0], name + "it is closed", closed=1)
        update = next(row for row in rows if self.all.clear(row)[-4:] != bytes(4))
        clear = self.all.clear(update)
        name = "post operation %d: " % update.handle
        self.assert_forged(update, name + "it must have a new key", clear[:6] + bytes(4))
        plain = self.life.plain.handle
        self.assert_forged(update, name + "its new key %d is of another session" % plain,
                           clear[:6] + plain.to_bytes(4, "big"))

    def test_device(self):
        row = self.all.get(DEVICE, 1)
        other = self.rows(Token(self.new_folder()).store)
        theirs = other.clear(other.get(DEVICE, 1))
        mine = self.all.clear(row)
        size = 3 + int.from_bytes(mine[1:3], "big")
        end = 3 + int.from_bytes(theirs[1:3], "big")
        self.assert_forged(row, "device 1: its certificate is of another key",
                           mine[:size] + theirs[end:])
