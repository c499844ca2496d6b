"""What lies in the stores, in the logs and in the records, and what does not."""

import json
import os
import sqlite3
import stat

from rig import constructs, evidence, keygen2
from rig.certificates import Authority
from rig.client_side import Client, Device
from rig.issuer_side import provision_key
from rig.processes import Token, provision, run, run_json
from rig.sks_types import from_base64url
from rig.sks_wire import SksClient, SksError
from rig.testcase import RigTest
from rig.wirecase import STORAGE, WireTest

PIN, PUK = b"4711081547110815", b"90817263549081726354"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


def stored(folder, *but):
    """The bytes of every file under a folder, its logs included."""
    return {path: path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.name not in but}


def forms(secret):
    """How a secret might lie there: raw, or as hex of either case."""
    return secret, secret.hex().encode(), secret.hex().upper().encode()


class Sealed(WireTest):
    """Session keys, PINs, PUKs and private keys are stored only sealed."""

    def assert_nowhere(self, secrets, files):
        for path, content in files.items():
            for what, secret in secrets.items():
                for form in forms(secret):
                    self.assertNotIn(form, content, "%s in %s" % (what, path.name))

    def test_store_of_the_token(self):
        session = self.session()
        policy = session.pin(puk=session.puk(value=PUK), maxLength=32)
        key = session.key(pin=policy, value=PIN)
        secrets = {"session key": session.counter.key, "PIN": PIN, "PUK": PUK,
                   "PKCS #8": bytes.fromhex("06082a8648ce3d030107046d306b0201010420")}
        self.assert_nowhere(secrets, stored(self.token.folder))
        self.finish(session, key)
        self.assert_nowhere(secrets, stored(self.token.folder))

    def test_files_of_the_issuer(self):
        device = Device()
        trust = device.authority.write_pem(self.folder / "trust.pem")
        issuer = self.start_issuer(trust=[trust])
        client = Client(issuer.url, "rsa2048-pin-puk", device)
        client.run(until="ProvisioningFinalizationRequest")
        secrets = {"session key": client.counter.key, "PUK": client.secrets[0]}
        self.assertGreater(len(client.secrets[0]), 3)
        self.assert_nowhere(secrets, stored(issuer.folder))
        self.assertTrue(client.run().done)
        self.assert_nowhere(secrets, stored(issuer.folder))
        told = run("sks-issuer", "evidence", client.session_id, "--data", issuer.data, "--json")
        self.assert_nowhere(secrets, {issuer.data: told.stdout.encode()})
        self.assertNotIn(client.secrets[0].decode(), told.stdout)


class Rows(WireTest):
    def test_swapped_rows_are_noticed(self):
        """A row is sealed with its identity: the key under one handle is not another's."""
        keys = [provision_key(self.sks, self.authority, pin=pin, pin_policy={})
                for pin in ("1122", "3344")]
        self.sks.close()
        self.token.kill()
        self.assertGreater(self.swap_rows(self.token.store / "token.db"), 0)
        with self.assertRaises((SksError, AssertionError)):
            self.token.start()
            self.sks = self.wire()
            for key, pin in zip(keys, (b"3344", b"1122")):
                self.sks.call("signHashedData", keyHandle=key.handle, algorithm=ECDSA_SHA256,
                              parameters=b"", biometricAuth=False, authorization=pin,
                              data=bytes(32))

    @staticmethod
    def swap_rows(path):
        """In every table the blobs of rows of one kind change places; how many did."""
        count = 0
        with sqlite3.connect(path) as database:
            tables = [name for name, in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                columns = database.execute("PRAGMA table_info(%s)" % table).fetchall()
                key = [column[1] for column in columns if column[5]]
                blobs = [column[1] for column in columns if column[2] == "BLOB"]
                rows = database.execute("SELECT %s, %s FROM %s" % (
                    ", ".join(key), blobs[-1], table)).fetchall() if blobs else []
                kinds = {}
                for *identity, blob in rows:
                    kinds.setdefault(tuple(identity[:-1]), []).append((identity, blob))
                for members in kinds.values():
                    for (identity, _), (_, blob) in zip(members, members[1:] + members[:1]):
                        database.execute("UPDATE %s SET %s = ? WHERE %s" % (
                            table, blobs[-1], " AND ".join("%s = ?" % name for name in key)),
                            (blob, *identity))
                        count += len(members) > 1
        database.close()
        return count

    @classmethod
    def tearDownClass(cls):
        cls.programs = [program for program in cls.programs if program.alive()]
        super().tearDownClass()


class MasterKey(RigTest):
    @classmethod
    def set_up_rig(cls):
        pass

    def test_apart_from_the_store(self):
        token = Token(self.new_folder(), init=False)
        path = self.new_folder() / "key"
        self.assertEqual(run("sks-token", "init", "--store", token.store, "--master-key",
                             path).returncode, 0)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertFalse((token.store / "master.key").exists())
        token.options = ["--master-key", path]
        self.check(token)

    def test_from_the_environment(self):
        token = Token(self.new_folder(), init=False)
        secret = os.urandom(32).hex()
        done = run("sks-token", "init", "--store", token.store,
                   environment={"SKS_TOKEN_MASTER_KEY": secret})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((token.store / "master.key").exists())
        done = run("sks-token", "info", "--store", token.store)
        self.assertNotEqual(done.returncode, 0, "without the key nothing opens")
        self.addCleanup(os.environ.pop, "SKS_TOKEN_MASTER_KEY")
        os.environ["SKS_TOKEN_MASTER_KEY"] = secret
        self.check(token)

    def check(self, token):
        self.addCleanup(token.kill)
        token.start()
        client = SksClient(token.url)
        provision_key(client)
        client.close()
        self.assertEqual(len(token.list()), 1)
        self.assertEqual(token.stop(), 0)


class DeviceCa(RigTest):
    """One device CA for several tokens, made if absent; or one that exists elsewhere."""

    @classmethod
    def set_up_rig(cls):
        cls.ca = cls.new_folder() / "ca"
        cls.tokens = [cls.start_token(device_ca=cls.ca) for _ in range(2)]
        cls.issuer = cls.start_issuer(trust=[cls.ca])

    def test_issuer_trusts_both(self):
        mode = stat.S_IMODE((self.ca / "device-ca.key").stat().st_mode)
        self.assertEqual(mode & 0o077, 0)
        for token in self.tokens:
            code, outcome, log = provision(self.issuer.url + "/kg2/p256-user-pin", token.url)
            self.assertEqual(code, 0, (outcome, log))
        first, second = (self.wire(token).call("getDeviceInfo").certificate[0]
                         for token in self.tokens)
        self.assertNotEqual(first, second)


class StorageLimit(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=["--storage-limit", "150000"])

    def test_error_storage(self):
        wire, authority = self.wire(), Authority()
        made = []
        with self.assertRaises(SksError) as caught:
            for _ in range(500):
                made.append(provision_key(wire, authority, friendlyName="x" * 100))
        self.assertEqual(caught.exception.status, STORAGE)
        self.assertGreater(len(made), 5)
        self.assertEqual([item.keyHandle for item in wire.keys()], [key.handle for key in made])
        for session in wire.sessions(True):
            wire.call("abortProvisioningSession", provisioningHandle=session.provisioningHandle)
        wire.call("getKeyAttributes", keyHandle=made[-1].handle)


class EvidenceWithSessionKey(RigTest):
    """With the session key, every MAC and the closing proof can be recomputed offline."""

    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        cls.issuer = cls.start_issuer(trust=[trust])

    def record(self, profile, *options):
        client = Client(self.issuer.url, profile, self.device)
        self.assertTrue(client.run().done)
        return client, run_json("sks-issuer", "evidence", client.session_id, "--data",
                                self.issuer.data, "--json", "--with-session-key", *options)

    def find(self, value, wanted):
        """Whether a value is somewhere in the record, as base64url or hex."""
        if isinstance(value, dict):
            return any(self.find(item, wanted) for item in value.values())
        if isinstance(value, list):
            return any(self.find(item, wanted) for item in value)
        if not isinstance(value, str):
            return False
        try:
            return value == wanted.hex() or from_base64url(value) == wanted
        except ValueError:
            return False

    def test_session_key_is_told_when_asked_for(self):
        client, record = self.record("p256-user-pin")
        self.assertTrue(self.find(record, client.counter.key))
        self.assertTrue(evidence.signature_holds(record))
        plain = self.issuer.evidence(client.session_id)
        self.assertFalse(self.find(plain, client.counter.key))
        self.recompute(client, record)

    def recompute(self, client, record):
        messages = [json.loads(body) for _, body in evidence.message_bodies(record)]
        by_name = {message["@qualifier"]: message for message in messages}
        keys = {key["id"]: constructs.spki(constructs.from_jwk(key["publicKey"]))
                for key in by_name["KeyCreationResponse"]["generatedKeys"]}
        counter = constructs.SessionCounter(client.counter.key)
        steps = keygen2.key_creation_steps(by_name["KeyCreationRequest"])
        steps += keygen2.finalization_steps(by_name["ProvisioningFinalizationRequest"], keys,
                                            client.attested)
        for step in steps:
            self.assertEqual(counter.mac(step.method, step.fields), step.mac, step.method)
            if step.method == "createKeyEntry":
                counter.attest(b"")
        proof = counter.attest(constructs.close_attestation_data(steps[-1].fields["nonce"]))
        self.assertEqual(from_base64url(
            by_name["ProvisioningFinalizationResponse"]["attestation"]), proof)

    def test_puks_need_reveal_secrets(self):
        client = Client(self.issuer.url, "rsa2048-pin-puk", self.device)
        self.assertTrue(client.run().done)
        arguments = ("sks-issuer", "evidence", client.session_id, "--data", self.issuer.data,
                     "--json", "--with-session-key")
        refused = run(*arguments)
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(refused.stdout, "")
        self.assertTrue(self.find(run_json(*arguments, "--reveal-secrets"), client.counter.key))
