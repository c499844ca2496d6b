"""Stores that older programs wrote (tests/data/stores, one for each form that there was): the
present token upgrades them, and all that is in them goes on."""

import base64
import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rig import constructs
from rig.clicase import DONE, IO_ERROR, sks_token
from rig.constructs import SessionCounter
from rig.issuer_side import IssuerSession, Key
from rig.keycase import MORE
from rig.operationcase import AES_ECB
from rig.postcase import PostTest
from rig.processes import Token
from rig.sealed_rows import SealedRows

STORES = Path(__file__).resolve().parent.parent / "data" / "stores"
FORMS = sorted(path.name for path in STORES.iterdir() if path.is_dir())
DATA = b"signed by a key of an older store"


class OldStore(PostTest):
    form = None     # set in each subclass

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.facts = json.loads((STORES / cls.form / "facts.json").read_text())
        cls.kmk = load_pem_private_key(cls.facts["kmk"].encode(), None)
        cls.keys = [SimpleNamespace(**{**key, "certificate": base64.b64decode(key["certificate"]),
                                       "symmetric": base64.b64decode(key["symmetric"])})
                    for key in cls.facts["keys"]]

    def setUp(self):
        self.old = Token(self.new_folder(), init=False)
        self.old.store.mkdir(mode=0o700)
        for name in ("token.db", "master.key"):
            shutil.copyfile(STORES / self.form / name, self.old.store / name)
            (self.old.store / name).chmod(0o600)

    def open(self):
        self.old.start()
        self.addCleanup(self.old.stop)
        self.sks = self.wire(self.old)

    def key(self, id):
        return next(key for key in self.keys if key.id == id)

    def use(self, key):
        """One right use of a key, verified from outside."""
        if key.symmetric:
            self.assertEqual(self.decrypt(key), bytes(16))
            return
        public = x509.load_der_x509_certificate(key.certificate).public_key()
        algorithm = "rsa-sha256" if isinstance(public, rsa.RSAPublicKey) else "ecdsa-sha256"
        signature = self.sign(key, data=hashlib.sha256(DATA).digest(), algorithm=MORE + algorithm,
                              authorization=key.pin.encode())
        self.assertTrue(constructs.verifies(public, signature, DATA), key.id)

    def decrypt(self, key):
        """One block of zeros, there by Python's AES and back by the token's."""
        cipher = Cipher(algorithms.AES(key.symmetric), modes.ECB()).encryptor()
        sealed = cipher.update(bytes(16)) + cipher.finalize()
        return self.sks.call("symmetricKeyEncrypt", keyHandle=key.handle, algorithm=AES_ECB,
                             mode=False, parameters=b"", biometricAuth=False, authorization=b"",
                             data=sealed).result

    # What is in it

    def test_keys(self):
        self.open()
        self.assertTrue(set(key.handle for key in self.keys) <= set(self.handles()))
        self.assertEqual(self.errors(*self.keys), [key.pinErrorCount for key in self.keys])
        for key in self.keys:
            with self.subTest(key.id):
                shown = self.attributes(key)
                self.assertEqual(shown.certificate, [key.certificate])
                self.assertEqual(sorted(shown.type), sorted(key.extensions))
                self.use(key)
                self.assertEqual(self.protection(key).pinErrorCount, 0)

    def test_guards(self):
        """What was counted stands, and PUK and grouping still do what they did."""
        self.open()
        one, two = self.key("Shared.1"), self.key("Shared.2")
        own, other = self.key("Own.1"), self.key("Own.2")
        self.miss(one)
        self.miss(two)          # the third of both
        self.assertEqual(self.errors(one, two, own, other), [3, 3, 0, 2])
        self.assert_wrong(one)
        self.manage("unlockKey", two, one.puk.encode())
        self.use(one)
        self.use(two)
        self.manage("changePin", other, other.pin.encode(), newPin=b"5555")
        self.sign(other, authorization=b"5555")
        self.sign(own, authorization=own.pin.encode())

    def assert_wrong(self, key):
        self.assert_status(1, self.sign, key, authorization=key.pin.encode())

    def test_an_open_session_goes_on(self):
        self.open()
        session = self.go_on(self.facts["open"])
        session.close()
        for key in self.facts["open"]["keys"]:
            self.sign(SimpleNamespace(**key), authorization=key["pin"].encode())
        self.assertEqual(self.check(), [])

    def go_on(self, facts):
        """The issuer's side of the session that was left open, with its last key certified."""
        session = IssuerSession(self.sks)
        session.handle, session.ids = facts["handle"], facts["ids"]
        session.counter = SessionCounter(base64.b64decode(facts["key"]))
        session.counter.counter = facts["counter"]
        session.device_certificate = session.device_id = base64.b64decode(facts["device"])
        last = facts["keys"][-1]
        key = Key(last["id"], last["handle"], base64.b64decode(last["public"]))
        session.certify(key, [self.authority.issue(key.id, key.public)])
        return session

    def test_managed_keys(self):
        """The key management key of then still targets them."""
        self.open()
        target = self.key("Shared.1")
        self.do("unlock", target)
        self.assertEqual(self.errors(target), [0])
        session, key = self.do("update", target)
        self.assert_replaced(target, key)
        self.do("delete", self.key("Free"))
        self.assert_gone(self.key("Free"))
        self.assert_owned_by(session, target)

    # The upgrade

    def check(self):
        done = sks_token(self.old.store, "check", "--json")
        found = json.loads(done.out)["findings"]
        self.assertEqual(done.code, 1 if found else DONE, done.err)
        return found

    def test_is_sound_afterwards_and_once_only(self):
        self.open()
        self.assertEqual(self.check(), [])
        self.old.stop()
        version = self.version()
        rows = [vars(row) for row in SealedRows(self.old.store).select()]
        self.old.start()
        self.old.stop()
        self.assertEqual(self.version(), version)
        self.assertEqual([vars(row) for row in SealedRows(self.old.store).select()], rows,
                         "nothing is converted twice")

    def version(self):
        with SealedRows(self.old.store).database() as database:
            (columns,) = database.execute("SELECT count(*) FROM pragma_table_info('object')"
                                          " WHERE name = 'refers'").fetchone()
            (text,) = database.execute(
                "SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        self.assertEqual(columns, 1)
        return text

    def test_another_master_key_changes_nothing(self):
        before = (self.old.store / "token.db").read_bytes()
        (self.old.store / "master.key").write_text("ab" * 32 + "\n")
        done = sks_token(self.old.store, "list")
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))
        self.assertIn("master key", done.err)
        self.assertEqual((self.old.store / "token.db").read_bytes()[100:], before[100:])
        shutil.copyfile(STORES / self.form / "master.key", self.old.store / "master.key")
        self.open()
        self.use(self.key("Shared.1"))

    def test_a_damaged_row_leaves_the_old_form(self):
        """All or nothing: what cannot be converted stops the upgrade of the rest."""
        with SealedRows(self.old.store).database() as database:
            database.execute("UPDATE object SET body = zeroblob(40) WHERE kind = 6 AND handle = 5")
            rows = database.execute("SELECT * FROM object ORDER BY kind, handle").fetchall()
        done = sks_token(self.old.store, "list")
        with SealedRows(self.old.store).database() as database:
            self.assertEqual(database.execute("SELECT * FROM object ORDER BY kind, handle")
                             .fetchall(), rows)
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))
        self.assertIn("damaged", done.err)

    def test_a_newer_program_s_store_is_refused(self):
        with SealedRows(self.old.store).database() as database:
            database.execute("UPDATE meta SET value = '77' WHERE key = 'schema_version'")
        done = sks_token(self.old.store, "list")
        self.assertNotEqual(done.code, DONE)
        self.assertIn("a newer program wrote it", done.err)


for form in FORMS:
    globals()["Form_" + form] = type("Form_" + form, (OldStore,), {"form": form})
del OldStore
assert FORMS, "no fixtures"
