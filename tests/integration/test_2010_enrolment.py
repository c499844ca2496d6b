"""Enrolments by the 2010 profile with the real programs: both kinds of device key, all sizes of the
server key, and what their evidence records prove offline."""

import json

from rig.constructs_2010 import SESSION_2010
from rig.keygen2_2010 import proof_holds, recheck
from rig.mitm import Relay, sks_name
from rig.processes import ROOT, provision, run, run_json
from rig.profile_2010 import Client2010
from rig.testcase import RigTest, write_profile

SIZES = (2048, 3072, 4096)
DAY = 24 * 60 * 60


def write_profile_2010(folder, name, **changes):
    return write_profile(folder, name, session="2010",
                         **{"sessionKeyLimit": 65535, **changes})


def key_bits(jwk):
    return len(jwk["n"]) * 6 // 8 * 8


class Enrolment(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.tokens = [cls.start_token(), cls.start_token(device_key="rsa2048")]
        cls.profiles = cls.new_folder()
        for size in SIZES:
            write_profile_2010(cls.profiles, "rsa%d" % size, serverKeySize=size)
        write_profile_2010(cls.profiles, "long", sessionLifeTime=300 * DAY)
        write_profile_2010(cls.profiles, "later", deferredIssuance=True)
        write_profile(cls.profiles, "plain")
        cls.issuer = cls.start_issuer(trust=[token.device_ca for token in cls.tokens],
                                      profiles=cls.profiles, options=["--server-keys", "1"])

    def enrol(self, profile, token=None, *options):
        code, outcome, log = provision("%s/kg2/%s" % (self.issuer.url, profile),
                                       (token or self.tokens[0]).url, "--state",
                                       self.folder / "state", *options, timeout=120)
        self.assertEqual((code, outcome["cause"]), (0, ""), (outcome, log))
        return outcome

    def record(self, outcome):
        return self.issuer.evidence(outcome["serverSessionId"])

    def test_both_device_keys_and_all_sizes(self):
        for token in self.tokens:
            before = len(token.list())
            for size in SIZES:
                with self.subTest(size, device=token.store):
                    outcome = self.enrol("rsa%d" % size, token)
                    self.assert_verdict(outcome["serverSessionId"], "succeeded")
                    terms = self.record(outcome)["terms"]
                    self.assertEqual(key_bits(terms["serverPublicKey"]), size)
                    self.assertEqual(terms["sessionKeyAlgorithm"], SESSION_2010)
                    self.assertEqual(len(outcome["keys"]), 1)
            self.assertEqual(len(token.list()), before + len(SIZES))

    def test_a_life_time_over_a_ushort(self):
        outcome = self.enrol("long")
        client = Client2010(self.tokens[0].url)
        self.addCleanup(client.close)
        (shown,) = [item for item in client.sessions(False)
                    if item.serverSessionId == outcome["serverSessionId"].encode()]
        self.assertEqual(shown.sessionLifeTime, 300 * DAY)
        self.assertEqual(shown.clientSessionId, outcome["clientSessionId"].encode())
        self.assertEqual(self.record(outcome)["terms"]["sessionLifeTime"], 300 * DAY)

    def test_deferred_issuance(self):
        waiting = self.enrol("later")
        self.assertEqual(waiting["outcome"], "pending")
        done = run("sks-issuer", "approve", waiting["serverSessionId"], "--data",
                   self.issuer.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = self.enrol("later", None, "--resume")
        self.assertEqual(outcome["serverSessionId"], waiting["serverSessionId"])
        self.assert_verdict(outcome["serverSessionId"], "succeeded")

    def test_all_calls_of_the_session_take_the_url(self):
        """Method 24 and what follows; what comes before does not know the session's kind yet."""
        relay = Relay(self.tokens[0].url, name=sks_name)
        self.addCleanup(relay.close)
        for profile, number, path in (("rsa2048", 24, "/sks/2010"), ("plain", 2, "/sks")):
            calls = []
            relay.hook = lambda direction, name, body, count: calls.append(
                (body[0], relay.paths[-1])) if direction == "request" else None
            code, outcome, log = provision("%s/kg2/%s" % (self.issuer.url, profile), relay.url)
            self.assertEqual(code, 0, (outcome, log))
            self.assertEqual(calls, [(1, "/sks")] + [(method, path)
                                                     for method in (number, 9, 10, 12, 3)])


def check_evidence(issuer, session_id, *options):
    """What sks-vectors says of a record: (exit code, {name: result})."""
    told = run("sks-issuer", "evidence", session_id, "--data", issuer.data, "--json", *options)
    path = issuer.folder / "record.json"
    path.write_text(told.stdout)
    done = run("sks-vectors", "check-evidence", path, "--issuer-cert", issuer.data / "ca.pem",
               "--json")
    return done.returncode, {item["name"]: item["result"]
                             for item in json.loads(done.stdout)["findings"]}


class Evidence(RigTest):
    """The proof of the mail: what a record says of a session is what the device has signed."""

    @classmethod
    def set_up_rig(cls):
        cls.tokens = [cls.start_token(), cls.start_token(device_key="rsa2048")]
        cls.profiles = write_profile_2010(cls.new_folder(), "p")
        cls.issuer = cls.start_issuer(trust=[token.device_ca for token in cls.tokens],
                                      profiles=cls.profiles)

    def records(self):
        for token in self.tokens:
            code, outcome, log = provision(self.issuer.url + "/kg2/p", token.url)
            self.assertEqual(code, 0, (outcome, log))
            yield self.issuer.evidence(outcome["serverSessionId"])

    def test_rechecked_without_the_session_key(self):
        for record in self.records():
            self.assertNotIn("sessionKey", record)
            self.assertTrue(recheck(record))
            server_key = record["terms"]["serverPublicKey"]
            self.assertEqual(server_key["kty"], "RSA")

    def test_each_element_is_bound(self):
        for record in self.records():
            for name, value in (
                    ("proof", bytes(32)), ("server_session_id", b"x" * 32),
                    ("client_session_id", b"x" * 32), ("provisioning_uri", "http://x"),
                    ("server_public_key", b"x"), ("life_time", 601)):
                with self.subTest(name):
                    self.assertFalse(recheck(record, **{name: value}))

    def test_by_sks_vectors(self):
        for record in self.records():
            session_id = record["serverSessionId"]
            code, found = check_evidence(self.issuer, session_id)
            self.assertEqual((code, found["session attestation"]), (0, "good"))
            code, found = check_evidence(self.issuer, session_id, "--with-session-key")
            self.assertEqual((code, set(found.values())), (0, {"good"}))

    def test_after_the_key_is_forgotten(self):
        """The proof of the session key stays, so the device's signature is checked as before."""
        for record in self.records():
            session_id = record["serverSessionId"]
            done = run("sks-issuer", "forget", session_id, "--data", self.issuer.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            record = self.issuer.evidence(session_id)
            self.assertEqual(record["sessionKeyStatus"], "forgotten")
            self.assertTrue(recheck(record))
            code, found = check_evidence(self.issuer, session_id)
            self.assertEqual((code, found["session attestation"]), (0, "good"))

    def test_a_single_altered_byte(self):
        """A sample of all of them, most in the terms and behind."""
        record = next(self.records())
        path, pem = self.folder / "altered.json", self.issuer.data / "ca.pem"
        text = run("sks-issuer", "evidence", record["serverSessionId"], "--data",
                   self.issuer.data, "--json").stdout.encode().rstrip()
        begin = text.index(b'"terms":')
        places = set(range(begin, len(text), 31)) | set(range(0, begin, 97))
        for place in sorted(places):
            path.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1:])
            done = run("sks-vectors", "check-evidence", path, "--issuer-cert", pem, text=False)
            self.assertIn(done.returncode, (1, 2), place)
        path.write_bytes(text)
        done = run("sks-vectors", "check-evidence", path, "--issuer-cert", pem)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_documentation_has_its_properties(self):
        page = (ROOT / "docs" / "evidence.md").read_text()
        for name in next(self.records())["terms"]:
            self.assertIn("| `%s` |" % name, page)

    def test_the_proof_is_of_the_session_key(self):
        for record in self.records():
            known = run_json("sks-issuer", "evidence", record["serverSessionId"], "--data",
                             self.issuer.data, "--json", "--with-session-key")
            self.assertTrue(proof_holds(known))
            self.assertEqual(known["terms"], record["terms"])
