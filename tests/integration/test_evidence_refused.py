"""What sks-vectors check-evidence refuses, what it says of sessions that failed, and what the issuer
tells and forgets of a session key."""

import copy
import json
import sqlite3
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from rig import constructs, evidence
from rig.certificates import generate
from rig.client_side import Client, Device
from rig.issuercase import DONE, IO_ERROR, REFUSED, USAGE, ProfileTest
from rig.processes import program_path, run
from rig.profile import Profile, makers
from rig.recheck import Disagreement, Recheck
from rig.sks_types import base64url, from_base64url

VALID, INVALID, UNREADABLE = 0, 1, 2
WITH_KEY = ("--with-session-key", "--reveal-secrets")
SAMPLES = 60


def spoilt(*path):
    """A change of a message: zeros of the same length in the place of a base64url text."""
    def change(message):
        for step in path[:-1]:
            message = message[step]
        message[path[-1]] = base64url(bytes(len(from_base64url(message[path[-1]]))))
    return change


class EvidenceCase(ProfileTest):
    def tell(self, session_id, *options):
        return run("sks-issuer", "evidence", session_id, "--data", self.issuer.data, "--json",
                   *options)

    def told(self, session_id, *options):
        done = self.tell(session_id, *options)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout

    def check(self, text, *options, pem=None):
        path = self.folder / "record.json"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return run("sks-vectors", "check-evidence", path, "--issuer-cert",
                   pem or self.issuer.data / "ca.pem", *options)

    def read_evidence_key(self):
        return load_pem_private_key((self.issuer.data / "evidence.key").read_bytes(), None)

    def findings(self, text, code=VALID, result=None):
        """{name: details} of those of that result."""
        done = self.check(text, "--json")
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        found = {}
        for item in json.loads(done.stdout)["findings"]:
            if item["result"] == (result or item["result"]):
                found.setdefault(item["name"], []).append(item["detail"])
        return found


    def sign(self, record, key, certificate):
        record = copy.deepcopy(record)
        record["signature"] = {"algorithm": "ES256", "certificatePath": [base64url(certificate)]}
        data = evidence.canonical(record).encode()
        record["signature"]["value"] = base64url(constructs.sign(key, data))
        return evidence.canonical(record)

    def sign_as_issuer(self, record):
        pem = (self.issuer.data / "evidence.pem").read_bytes()
        certificate = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        return self.sign(record, self.read_evidence_key(), certificate)

    def with_message(self, record, kind, change):
        """The record, signed again, with one of its messages changed."""
        changed = copy.deepcopy(record)
        item = [item for item in changed["messages"] if item["type"] == kind][-1]
        body = json.loads(from_base64url(item["body"]))
        change(body)
        item["body"] = base64url(json.dumps(body).encode())
        return self.sign_as_issuer(changed)


class Altered(EvidenceCase):
    def test_a_sample_of_single_bytes(self):
        """All of them are altered in-process, by tests/unit/issuer/test_evidence_check."""
        text = self.told(self.enrol("p256-user-pin").session_id, *WITH_KEY).encode()
        self.assertEqual(self.check(text).returncode, VALID)
        for sample in range(SAMPLES):
            at = sample * (len(text) - 1) // (SAMPLES - 1)
            altered = text[:at] + bytes([text[at] ^ 1 << sample % 8]) + text[at + 1:]
            done = self.check(altered)
            self.assertIn(done.returncode, (INVALID, UNREADABLE), (at, done.stdout))
            self.assertEqual(bool(done.stderr), done.returncode == UNREADABLE)

    def test_signed_by_another_key(self):
        client = self.enrol("p256-user-pin")
        record = json.loads(self.told(client.session_id))
        pem = (self.issuer.data / "evidence.pem").read_bytes()
        real = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        (user_key,), (user_path,) = client.private_keys.values(), client.certificates.values()
        stranger = generate()
        own = Device().authority.issue("SKS issuer evidence", stranger.public_key())
        for key, certificate, name in (
                (stranger, real, "signature"), (stranger, own, "signer"),
                (user_key, user_path[0], "signer")):
            text = self.sign(record, key, certificate)
            self.assertEqual(list(self.findings(text, INVALID, "bad")), [name])
            with self.assertRaises(Disagreement):
                Recheck(text, self.issuer.data / "ca.pem")

    def test_another_issuer(self):
        text = self.told(self.enrol("p256-user-pin").session_id)
        other = self.start_issuer(trust=[])
        for name in ("ca.pem", "evidence.pem"):
            done = self.check(text, pem=other.data / name)
            self.assertEqual(done.returncode, INVALID, done.stdout)
            self.assertIn("is not by the issuer", done.stdout)

    def test_signed_again_by_the_issuer_itself(self):
        """Only the messages and the session key tell then, and both implementations see it."""
        record = json.loads(self.told(self.enrol("p256-user-pin").session_id, *WITH_KEY))
        for kind, change, name in (
                ("ProvisioningInitializationResponse", spoilt("attestation"),
                 "session attestation"),
                ("KeyCreationRequest", spoilt("pinPolicySpecifiers", 0, "mac"), "mac"),
                ("KeyCreationResponse", spoilt("generatedKeys", 0, "attestation"),
                 "key attestation"),
                ("ProvisioningFinalizationResponse", spoilt("attestation"), "closing proof")):
            with self.subTest(kind):
                text = self.with_message(record, kind, change)
                self.assertIn(name, self.findings(text, INVALID, "bad"))
                with self.assertRaises(Disagreement):
                    Recheck(text, self.issuer.data / "ca.pem")


class Managing(EvidenceCase):
    """Sessions with targets, and what an issuer may not say of them."""

    INITIALIZATION = "ProvisioningInitializationRequest"
    DISCOVERY, FINALIZATION = "CredentialDiscoveryRequest", "ProvisioningFinalizationRequest"

    def record_of(self, name):
        for other in makers(Profile(name)):
            self.enrol(other)
        if Profile(name).get("updatableKeyManagementKeys"):
            self.command("roll-over")
            self.issuer.restart()
        return json.loads(self.told(self.enrol(name).session_id, *WITH_KEY))

    def assert_found(self, record, kind, change, name, words):
        found = self.findings(self.with_message(record, kind, change), INVALID, "bad")
        self.assertIn(words, " ".join(found.get(name, ["nothing"])), found)

    def test_a_key_that_does_not_hand_over(self):
        self.assert_found(self.record_of("kmk-rollover"), self.INITIALIZATION,
                          spoilt("updatableKeyManagementKeys", 0, "authorization"),
                          "key management key", "does not hand over")

    def test_lookups_of_another_session(self):
        first, second = self.record_of("key-unlock"), self.record_of("key-unlock")
        (other,) = (json.loads(from_base64url(item["body"])) for item in second["messages"]
                    if item["type"] == self.DISCOVERY)
        self.assert_found(first, self.DISCOVERY,
                          lambda m: m.update(lookupSpecifiers=other["lookupSpecifiers"]),
                          "lookups", "nonce")

    def test_a_lookup_with_a_wrong_signature(self):
        self.assert_found(self.record_of("key-unlock"), self.DISCOVERY,
                          spoilt("lookupSpecifiers", 0, "signature", "value"), "message", "signature")

    def test_targets(self):
        for name, path in (("key-unlock", ("unlockKeys", 0)), ("key-delete", ("deleteKeys", 0)),
                           ("key-update", ("issuedCredentials", 0, "updateKey"))):
            with self.subTest(name):
                self.device = Device(authority=self.device_ca)
                record = self.record_of(name)
                self.assertEqual(set(self.findings(self.sign_as_issuer(record), VALID)) &
                                 {"target"}, {"target"})
                for what, words in (("fingerPrint", "was not found by a lookup"),
                                    ("authorization", "is not authorized")):
                    self.assert_found(record, self.FINALIZATION, spoilt(*path, what), "target",
                                      words)
                self.assert_found(record, self.FINALIZATION, spoilt(*path, "mac"), "mac",
                                  "does not hold")


class Failed(EvidenceCase):
    """Sessions that failed: their records are valid, and fail again at the same check."""

    def fail(self, profile, qualifier, change):
        client = self.client(profile)

        def alter(name, message):
            if name == qualifier:
                return change(message)
            return None
        self.assertTrue(client.run(alter=alter).failed)
        return client

    def assert_fails_again(self, client, name, *options):
        text = self.told(client.session_id, *options)
        good = self.findings(text, VALID, "good")
        self.assertTrue(good[name][-1].startswith("fails, as recorded"), good[name])
        self.assertTrue(good["verdict"][0].startswith("failed: %s: " % name), good["verdict"])

    def test_with_the_session_key(self):
        for qualifier, change, name in (
                ("KeyCreationResponse", spoilt("generatedKeys", 0, "attestation"),
                 "key attestation"),
                ("ProvisioningFinalizationResponse", spoilt("attestation"), "closing proof")):
            with self.subTest(name):
                client = self.fail("p256-user-pin", qualifier, change)
                unchecked = self.findings(self.told(client.session_id), VALID, "not checked")
                self.assertIn(name, unchecked)
                self.assert_fails_again(client, name, "--with-session-key")

    def test_without_it(self):
        for qualifier, change, name in (
                ("InvocationResponse", lambda m: m.update(serverSessionId="x"), "session ids"),
                ("InvocationResponse", lambda m: b"{", "message"),
                ("InvocationResponse", lambda m: m.update(more=1), "message"),
                ("ProvisioningInitializationResponse", spoilt("attestation"),
                 "session attestation"),
                ("ProvisioningInitializationResponse", lambda m: m.pop("deviceId") and None,
                 "device id"),
                ("ProvisioningInitializationResponse",
                 lambda m: m.update(serverTime="2001-01-01T00:00:00Z"), "server time"),
                ("KeyCreationResponse", lambda m: m["generatedKeys"][0].update(id="other"),
                 "generated keys"),
                ("ProvisioningFinalizationResponse", lambda m: m.update(clientSessionId="x"),
                 "session ids")):
            with self.subTest(name, of=qualifier):
                self.assert_fails_again(self.fail("p256-user-pin", qualifier, change), name)

    def test_what_only_the_issuer_knows(self):
        client = Client(self.issuer.url, "p256-user-pin", Device())
        self.assertTrue(client.run().failed)
        unchecked = self.findings(self.told(client.session_id), VALID, "not checked")
        self.assertIn("not trusted", unchecked["device path"][0])

    def test_open_and_given_up(self):
        client = self.client("p256-user-pin")
        client.run(until="ProvisioningFinalizationRequest")
        self.assertEqual(self.findings(self.told(client.session_id))["verdict"], ["open"])
        client.http.request("GET", client.path + "?abort=true")
        self.assertEqual(self.findings(self.told(client.session_id))["verdict"],
                         ["failed: aborted by the client"])

    def test_rejected(self):
        client = self.client("deferred-issuance")
        self.assertTrue(client.run().pending)
        self.command("reject", client.session_id)
        self.assertEqual(self.findings(self.told(client.session_id))["verdict"],
                         ["failed: rejected by the operator"])


class SessionKey(EvidenceCase):
    def test_what_a_session_carried_must_be_revealed(self):
        for profile, carries in (
                ("p256-user-pin", None), ("rsa2048-pin-puk", "a PUK"), ("preset-pin", "PINs"),
                ("symmetric-hmac-otp", "a symmetric key"), ("private-key-restore", "a key"),
                ("extensions-and-logotype", "an encrypted extension")):
            with self.subTest(profile, carries=carries):
                session_id = self.enrol(profile).session_id
                done = self.tell(session_id, "--with-session-key")
                if carries is None:
                    self.assertEqual(done.returncode, DONE, done.stderr)
                    continue
                self.assertEqual((done.returncode, done.stdout), (REFUSED, ""))
                self.assertIn("--reveal-secrets", done.stderr)
                self.told(session_id, *WITH_KEY)

    def test_of_an_open_session_it_is_no_spent_key(self):
        client = self.client("p256-user-pin")
        client.run(until="ProvisioningFinalizationRequest")
        done = self.tell(client.session_id, "--with-session-key")
        self.assertEqual((done.returncode, done.stdout), (REFUSED, ""))
        self.assertIn("is open", done.stderr)
        self.told(client.session_id, *WITH_KEY)

    def test_only_with_json(self):
        session_id = self.enrol("p256-user-pin").session_id
        done = run("sks-issuer", "evidence", session_id, "--data", self.issuer.data, *WITH_KEY)
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))

    def status(self, session_id):
        text = self.told(session_id)
        self.findings(text, VALID)
        return json.loads(text)["sessionKeyStatus"]

    def test_forget(self):
        client = self.enrol("rsa2048-pin-puk")
        self.assertEqual(self.status(client.session_id), "sealed")
        self.assertIn("is forgotten", self.command("forget", client.session_id))
        self.issuer.kill()
        self.issuer.start()
        self.assertEqual(self.status(client.session_id), "forgotten")
        done = self.tell(client.session_id, *WITH_KEY)
        self.assertEqual((done.returncode, done.stdout), (REFUSED, ""))
        self.assertIn("forgotten", done.stderr)
        self.assertIn("was forgotten before", self.command("forget", client.session_id))
        (detail,) = self.checks(client, "session key")
        self.assertRegex(detail, r"^forgotten at 20\S+Z by the operator$")
        self.assertEqual({key["state"] for key in self.device_keys()}, {"live"})

    def test_forget_while_somebody_reads_the_database(self):
        """Then its log cannot be emptied: a repeat does it."""
        session_id = self.enrol("p256-user-pin").session_id
        reader = sqlite3.connect("file:%s?mode=ro" % (self.issuer.data / "issuer.db"), uri=True,
                                 isolation_level=None)
        self.addCleanup(reader.close)
        reader.execute("BEGIN")
        (before,) = reader.execute("SELECT state FROM session WHERE id = ?",
                                   (session_id,)).fetchone()
        self.assertIn("in use", self.command("forget", session_id, code=IO_ERROR))
        self.assertEqual(self.status(session_id), "forgotten")
        self.assertIn(before[:48], self.database())
        reader.execute("ROLLBACK")
        self.assertIn("was forgotten before", self.command("forget", session_id))
        self.assertNotIn(before[:48], self.database())

    def database(self):
        return b"".join((self.issuer.data / name).read_bytes()
                        for name in ("issuer.db", "issuer.db-wal"))

    def test_forget_while_it_is_needed(self):
        client = self.client("p256-user-pin")
        client.run(until="ProvisioningFinalizationRequest")
        self.assertIn("is open", self.command("forget", client.session_id, code=REFUSED))
        self.assertTrue(client.run().done)
        self.command("forget", client.session_id)

    def test_forget_nothing(self):
        client = self.client("p256-user-pin")
        client.run(until="InvocationRequest")
        client.http.request("GET", client.path + "?abort=true")
        self.assertEqual(self.status(client.session_id), "none")
        self.assertIn("was never made", self.command("forget", client.session_id))
        self.command("forget", "nobody", code=REFUSED)


class AnotherEvidenceKey(EvidenceCase):
    """After a roll-over the CA still vouches for all records, and each key for its own."""

    def test_roll_over(self):
        session_id = self.enrol("p256-user-pin").session_id
        before, pem = self.told(session_id), self.issuer.data / "evidence.pem"
        key, certificate = self.read_evidence_key(), pem.read_bytes()
        self.command("roll-over", "--evidence-key")
        self.assertNotEqual(constructs.spki(key.public_key()),
                            constructs.spki(self.read_evidence_key().public_key()))
        (kept,) = (path for path in self.issuer.data.glob("evidence-*.pem"))
        self.assertEqual(kept.read_bytes(), certificate)
        after = self.told(session_id)
        for text, own, other in ((before, kept, pem), (after, pem, kept)):
            self.assertEqual(self.check(text).returncode, VALID)
            self.assertEqual(self.check(text, pem=own).returncode, VALID)
            self.assertEqual(self.check(text, pem=other).returncode, INVALID)
            Recheck(text, self.issuer.data / "ca.pem")

    def test_killed_in_between(self):
        """The old key without a certificate, no key at all, the new key without a certificate."""
        session_id = self.enrol("p256-user-pin").session_id
        for name in ("evidence.pem", "evidence.key", "evidence.pem"):
            (self.issuer.data / "evidence.pem").unlink(missing_ok=True)
            (self.issuer.data / name).unlink(missing_ok=True)
            self.assertEqual(self.tell(session_id).returncode, IO_ERROR)
            self.command("init")
            self.assertEqual(self.check(self.told(session_id)).returncode, VALID)

    def test_a_certificate_of_another_key(self):
        session_id = self.enrol("p256-user-pin").session_id
        path = self.issuer.data / "evidence.pem"
        real = path.read_bytes()
        path.write_bytes((self.issuer.data / "ca.pem").read_bytes())
        done = self.tell(session_id)
        path.write_bytes(real)
        self.assertEqual((done.returncode, done.stdout), (IO_ERROR, ""))
        self.assertIn("is not for the key beside it", done.stderr)


class CommandLine(EvidenceCase):
    def test_unreadable(self):
        text = self.told(self.enrol("p256-user-pin").session_id)
        signed = json.loads(text)
        signed["more"] = signed.pop("terms")
        for bad in ("", "{}", "[]", text[:-10], text + "x", text.replace('"type":', '"tipe":'),
                    text.replace("record 2", "record 1"), text.replace('"signature":', '"sign":'),
                    self.sign_as_issuer(signed)):
            done = self.check(bad)
            self.assertEqual((done.returncode, done.stdout), (UNREADABLE, ""), bad[-30:])
            self.assertIn("no evidence record", done.stderr)
        ca = self.issuer.data / "ca.pem"
        for arguments in (("/nowhere", "--issuer-cert", ca), (ca, "--issuer-cert", "/nowhere"),
                          (ca, "--issuer-cert", self.issuer.data / "ca.key"), (ca,),
                          ("--issuer-cert", ca), (self.folder, "--issuer-cert", ca)):
            done = run("sks-vectors", "check-evidence", *arguments)
            self.assertEqual((done.returncode, done.stdout), (UNREADABLE, ""), arguments)
            self.assertTrue(done.stderr.startswith("sks-vectors: "), done.stderr)

    def test_lines(self):
        """A line a finding, and one that sums up."""
        text = self.told(self.enrol("p256-user-pin").session_id, *WITH_KEY)
        done = self.check(text, pem=self.issuer.data / "evidence.pem")
        lines = done.stdout.splitlines()
        self.assertEqual({line.split()[0] for line in lines[:-1]}, {"good"})
        self.assertEqual(lines[-1], "valid: %d good, 0 bad, 0 not checked" % (len(lines) - 1))
        self.assertIn("good         closing proof: over the nonce, with counter 5", lines)
        done = self.check(text.replace('"cause":""', '"cause":"x"'))
        self.assertEqual(done.returncode, INVALID)
        self.assertIn("BAD          signature: /signature: does not verify", done.stdout)
        self.assertTrue(done.stdout.splitlines()[-1].startswith("INVALID: "), done.stdout)

    def test_standard_input(self):
        text = self.told(self.enrol("p256-user-pin").session_id)
        for given, code in ((text, VALID), (text[:-9], UNREADABLE)):
            done = subprocess.run([program_path("sks-vectors"), "check-evidence", "-",
                                   "--issuer-cert", self.issuer.data / "ca.pem"],
                                  input=given.encode(), capture_output=True, check=False)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_the_documentation_has_every_property(self):
        """And every check that an issuer tells."""
        docs = (Path(__file__).resolve().parents[2] / "docs" / "evidence.md").read_text()
        self.enrol("p256-user-pin")
        client = self.enrol("key-unlock")
        record = json.loads(self.told(client.session_id, *WITH_KEY))
        names = {check["name"] for check in record["checks"]}
        for part in [record, record["terms"], record["signature"], *record["keys"],
                     *record["messages"], *record["checks"]]:
            names |= set(part)
        self.assertEqual([name for name in sorted(names) if "`%s`" % name not in docs], [])

    def test_no_such_session(self):
        self.assertEqual(self.tell("nobody").returncode, REFUSED)
        done = run("sks-issuer", "forget", "x", "--data", self.folder / "none")
        self.assertEqual(done.returncode, IO_ERROR)
