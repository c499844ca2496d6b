"""Test classes about a store as a whole: one that has lived, looked at while nobody serves it."""

import json
import shutil
import threading
from contextlib import contextmanager
from types import SimpleNamespace

from . import constructs
from .certificates import generate
from .clicase import DONE, sks_token
from .firmware import chunks, policy, write_public
from .issuer_side import provision_key
from .keycase import PIN, PUK
from .postcase import SHARED, PostTest
from .sealed_rows import SealedRows
from .sks_wire import SksClient
from .wirecase import AUTHORIZATION

RSA1024 = "https://webpki.github.io/sks/algorithm#rsa1024"
UNIQUE, SIGNATURE_STANDARD = 3, 2
BAG = constructs.property_bag(("Limit", True, "100"), ("Note", False, "a note"))
EXTENSIONS = [{"type": "http://bag", "data": BAG, "subType": 2},
              {"type": "http://hidden", "data": b"hidden", "subType": 1},
              {"type": "http://logo", "data": b"\x89PNG" * 2000, "subType": 3,
               "qualifier": "image/png"}]


class UpkeepTest(PostTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.token.stop()
        cls.update_key = generate("Ed25519")
        public = write_public(cls.update_key, cls.folder / "update.pem")
        cls.token.options = ["--update-url", "http://updates.example/0.chunk",
                             "--update-key", public]
        cls.token.start()

    # A life

    def live(self):
        """Everything that can be in a store, and what deletes, aborts and updates leave."""
        for part in chunks(self.update_key, policy(1), 2):
            self.sks.call("updateFirmware", chunk=part)
        life = SimpleNamespace()
        life.targets = self.own({"friendlyName": "Updated"}, {}, {}, {"pin": None}, puk=True,
                                grouping=SHARED, retryLimit=100)
        self.post_operations(life)
        self.groups(life)
        self.management(life)
        life.open = self.open_session(life)
        self.sks.close()
        return life

    def post_operations(self, life):
        updated, cloned, unlocked, deleted = life.targets
        self.miss(updated)
        life.manager = self.managed()
        life.new = [self.queue(life.manager, operation, target)
                    for operation, target in (("update", updated), ("clone", cloned))]
        for operation, target in (("unlock", unlocked), ("delete", deleted)):
            self.queue(life.manager, operation, target)
        life.manager.close()

    def groups(self, life):
        life.unique = self.make({"appUsage": 0}, {"appUsage": 1, "value": b"1234"},
                                {"appUsage": 2, "value": b"9876", "extensions": EXTENSIONS},
                                grouping=UNIQUE, puk=True)
        life.pairs = self.make({"appUsage": 0}, {"appUsage": 0}, {"appUsage": 1, "value": b"1234"},
                               grouping=SIGNATURE_STANDARD)
        life.plain, life.symmetric, life.imported, life.rsa = self.make(
            {"pin": None}, {"pin": None, "symmetric": bytes(16)},
            {"pin": None, "private": generate()}, {"pin": None, "keyAlgorithm": RSA1024})

    def management(self, life):
        life.managed, life.gone, life.alone = self.make(
            {"exportProtection": 1, "extensions": EXTENSIONS}, {}, {}, puk=True)
        self.manage("exportKey", life.managed, PIN)
        self.manage("changePin", life.managed, PIN, newPin=b"2222")
        self.manage("setPin", life.alone, PUK, newPin=b"3333")
        self.sks.call("setProperty", keyHandle=life.managed.handle, type="http://bag",
                      name="Limit", value="99")
        self.manage("deleteKey", life.gone)
        self.miss(life.alone)
        self.miss_puk(life.alone)
        self.sign(life.managed, authorization=b"2222")
        (whole,) = self.make(puk=True)
        self.manage("deleteKey", whole)
        aborted = self.session()
        self.fill_session(aborted)
        aborted.abort()

    def fill_session(self, session):
        policy = session.pin(puk=session.puk(), grouping=UNIQUE)
        return [self.add(session, id="Open.%d" % n, pin=policy, extensions=EXTENSIONS[:1],
                         **options)
                for n, options in enumerate(({"appUsage": 0}, {"appUsage": 1, "value": b"1234"}))]

    def open_session(self, life):
        """One with all that there can be, its post operations included; one of their targets is
        deleted meanwhile."""
        session = self.managed()
        self.fill_session(session)
        session.key(id="Uncertified")
        (target, doomed) = self.own({}, {})
        for operation, key in (("unlock", target), ("delete", doomed)):
            self.queue(session, operation, key)
        life.successor = self.queue(session, "update", life.targets[1])
        self.manage("deleteKey", doomed)
        empty = self.session()
        empty.puk("Unused")
        empty.pin("Unused.too")
        return session

    # The store

    @contextmanager
    def stopped(self, kill=False):
        """Nobody serves the store; afterwards self.sks is a new client."""
        self.sks.close()
        if kill:
            self.token.kill()
        else:
            self.assertEqual(self.token.stop(), 0, self.token.stderr())
        try:
            yield
        finally:
            self.token.start()
            self.sks = self.wire()

    @contextmanager
    def busy(self):
        """Three clients make keys and delete them meanwhile, and none of them fails."""
        stop, failed = threading.Event(), []
        threads = [threading.Thread(target=self._keep_busy, args=(stop, failed)) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failed, [])

    def _keep_busy(self, stop, failed):
        client = SksClient(self.token.url)
        try:
            while not stop.is_set():
                key = provision_key(client, self.authority, pin_policy={})
                client.call("deleteKey", keyHandle=key.handle, authorization=b"")
        except Exception as trouble:
            failed.append(trouble)
        finally:
            client.close()

    def copy_of(self, store):
        """A folder of its own with the store."""
        copy = self.new_folder() / "store"
        shutil.copytree(store, copy, ignore=shutil.ignore_patterns("control.sock", "lock"))
        return copy

    def rows(self, store=None):
        return SealedRows(store or self.token.store)

    # The command

    def check(self, store=None, *arguments):
        return sks_token(store or self.token.store, "check", *arguments)

    def findings(self, store=None):
        """["KIND HANDLE: PROBLEM", ...]"""
        done = self.check(store, "--json")
        self.assertIn(done.code, (0, 1), done.err)
        self.assertEqual(done.err, "", "quiet in a pipe")
        found = ["%(kind)s %(handle)d: %(problem)s" % row
                 for row in json.loads(done.out)["findings"]]
        self.assertEqual(done.code, 1 if found else DONE)
        return found

    def assert_sound(self, store=None):
        self.assertEqual(self.findings(store), [])

    def assert_wrong_pin(self, key, pin):
        self.assert_status(AUTHORIZATION, self.sign, key, authorization=pin)
