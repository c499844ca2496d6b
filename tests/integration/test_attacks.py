"""The ready attacks of `sks-proxy attacks`, each on the real ends through the relay."""

import concurrent.futures
import json
import unittest

from rig.processes import PROFILES, provision, run, run_json
from rig.relaycase import RelayProgram, behind_relay
from rig.testcase import RigTest

DONE, REFUSED, USAGE, IN_DOUBT = 0, 1, 2, 4
PLAIN, MANAGED = "p256-user-pin", "key-delete"
# By attack: the profile that it is tried on, whether it needs a session before, who notices.
REFUSALS = {
    "middleman": (PLAIN, False, "issuer"),
    "middleman-2010": ("session-2010", False, "issuer"),
    "foreign-attestation": (PLAIN, True, "issuer"),
    "feigned-privacy": (PLAIN, False, "issuer"),
    "foreign-certificate": (PLAIN, True, "token"),
    "weak-pin": (PLAIN, False, "token"),
    "many-tries": (PLAIN, False, "token"),
    "exportable": (PLAIN, False, "token"),
    "endorsed-algorithm": (PLAIN, False, "token"),
    "foreign-key": (PLAIN, False, "issuer"),
    "kept-key": (MANAGED, False, "token"),
    "other-target": (MANAGED, False, "token"),
    "old-finalization": (PLAIN, True, "proxy"),
    "reflection": (PLAIN, False, "proxy"),
}
OTHERS = {"forged-close", "lost-proof", "twice"}


class Ready(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer, cls.outer = behind_relay(cls, trust=[cls.token.device_ca])
        cls.inner = cls.start(RelayProgram(cls.new_folder(), cls.token.url))

    def enrol(self, profile=PLAIN, *options):
        return provision("%s/kg2/%s" % (self.outer.url, profile), self.inner.url, *options)

    def held(self):
        """Keys of the token, and its open sessions."""
        wire = self.wire()
        return wire.snapshot(), wire.sessions(True)

    def attack(self, name):
        for relay in (self.outer, self.inner):
            relay.again("--attack", name)
        self.addCleanup(lambda: [relay.again() for relay in (self.outer, self.inner)])

    def test_all_are_tried_here(self):
        listed = {row["name"] for row in json.loads(run("sks-proxy", "attacks", "--json").stdout)}
        self.assertEqual(listed, set(REFUSALS) | OTHERS)

    def test_refused(self):
        for _ in range(2):      # two keys: something to aim at
            self.assertEqual(self.enrol()[0], DONE)
        for name, (profile, before, end) in REFUSALS.items():
            with self.subTest(attack=name):
                self.attack(name)
                if before:
                    self.assertEqual(self.enrol(profile)[0], DONE)
                held, succeeded = self.held(), self.succeeded()
                code, outcome, log = self.enrol(profile)
                self.assertEqual((code, outcome["detectedBy"]), (REFUSED, end), (outcome, log))
                self.assertEqual(self.succeeded(), succeeded)
                self.assertEqual(self.held(), held)

    def test_forged_close(self):
        self.attack("forged-close")
        keys = len(self.token.list())
        code, outcome, log = self.enrol()
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"), (outcome, log))
        self.assertNotEqual(self.issuer.session(outcome["serverSessionId"])["verdict"],
                            "succeeded")
        self.assertEqual(len(self.token.list()), keys, "nothing was committed")

    def test_lost_proof(self):
        self.attack("lost-proof")
        state = self.new_folder()
        code, outcome, _ = self.enrol(PLAIN, "--state", state)
        self.assertEqual((code, outcome["outcome"]), (IN_DOUBT, "in doubt"), outcome)
        self.assertIn(self.issuer.session(outcome["serverSessionId"])["verdict"],
                      ("open", "in doubt"))
        self.outer.again()
        done = run_json("sks-proxy", "resume", "--state", state, "--json")
        self.assertTrue(done)
        self.assert_verdict(outcome["serverSessionId"], "succeeded")

    def test_twice(self):
        self.attack("twice")
        before = self.succeeded()
        self.assertEqual(self.enrol()[0], DONE)
        self.assertEqual(self.succeeded(), before + 1)
        self.assertEqual(self.outer.stderr().count(": repeat"), 4)


class OfTwoMessages(Ready):
    """Rules about more than one message of a relay: what was held back, and two sessions."""

    test_all_are_tried_here = test_refused = test_forged_close = None
    test_lost_proof = test_twice = None

    def rules(self, relay, *rules):
        path = self.folder / "rules.json"
        path.write_text(json.dumps({"rules": rules}))
        relay.again("--attack", path)
        self.addCleanup(relay.again)

    def both(self):
        """Two sessions at once: (exit code, outcome, log) of each."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return [future.result() for future in [pool.submit(self.enrol) for _ in range(2)]]

    def test_messages_of_two_sessions_take_each_others_place(self):
        for relay, rule in ((self.outer, {"hop": "issuer",
                                          "message": "ProvisioningInitializationResponse"}),
                            (self.inner, {"hop": "token", "message": "createKeyEntry",
                                          "direction": "answer"})):
            with self.subTest(message=rule["message"]):
                self.rules(relay, {**rule, "operation": "cross", "occurrence": 1})
                succeeded, keys = self.succeeded(), len(self.token.list())
                for code, outcome, log in self.both():
                    self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"),
                                     (outcome, log))
                self.assertEqual(relay.stderr().count(": cross"), 2)
                self.assertEqual((self.succeeded(), len(self.token.list())), (succeeded, keys))
                relay.again()

    def test_a_call_goes_on_behind_the_next(self):
        """The entry of a key is answered at once; its session's next call comes first."""
        self.rules(self.inner, {"hop": "token", "message": "createPinPolicy",
                                "operation": "reorder", "occurrence": 1,
                                "value": {"status": 0, "pinPolicyHandle": 1}})
        held, succeeded = self.held(), self.succeeded()
        code, outcome, log = self.enrol()
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "token"), (outcome, log))
        self.assertEqual((self.held(), self.succeeded()), (held, succeeded))

    def test_octets_of_a_body(self):
        self.rules(self.outer, {"hop": "issuer", "message": "KeyCreationRequest",
                                "operation": "truncate", "bytes": 5})
        held = self.held()
        code, outcome, log = self.enrol()
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "proxy"), (outcome, log))
        self.assertEqual(self.held(), held)


class FromWithin(RigTest):
    """sks-proxy provision attacks its own messages and calls."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])

    def attacked(self, *rules, profile=PLAIN, options=()):
        path = self.folder / "rules.json"
        path.write_text(json.dumps({"rules": rules}))
        return provision("%s/kg2/%s" % (self.issuer.url, profile), self.token.url, "--attack",
                         path, *options)

    def refused(self, by, *rules):
        held = self.wire().snapshot()
        code, outcome, log = self.attacked(*rules)
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, by), (outcome, log))
        self.assertEqual(self.wire().snapshot(), held)
        return log

    def test_calls_and_their_answers(self):
        call = {"hop": "token", "message": "createKeyEntry"}
        answer = {**call, "direction": "answer"}
        self.refused("token", {**call, "path": "/mac", "operation": "flip", "bit": 0})
        self.refused("token", {**call, "path": "/id", "operation": "shift"})
        self.refused("issuer", {**answer, "path": "/attestation", "operation": "flip", "bit": 7})
        self.refused("issuer", {**answer, "path": "/publicKey", "operation": "own-key"})

    def test_the_call_is_shown_as_altered(self):
        trace = self.folder / "trace.jsonl"
        self.attacked({"hop": "token", "message": "createPinPolicy", "path": "/retryLimit",
                       "operation": "maximum"}, options=("--trace", trace))
        rows = [json.loads(line) for line in trace.read_text().splitlines()]
        self.assertEqual([row["altered"] for row in rows
                          if row["name"] == "createPinPolicy" and "altered" in row],
                         ["maximum /retryLimit"])

    def test_a_blind_middleware_leaves_it_to_the_ends(self):
        request = {"hop": "issuer", "message": "KeyCreationRequest"}
        unknown = {**request, "path": "/pinPolicySpecifiers/0", "operation": "insert",
                   "name": "unknown", "value": 1}
        short = {**request, "path": "/pinPolicySpecifiers/0/mac", "operation": "truncate"}
        self.refused("proxy", unknown)
        self.refused("proxy", short)
        held = self.wire().snapshot()
        code, outcome, log = self.attacked(short, options=("--blind",))
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "token"), (outcome, log))
        self.assertIn("ERROR_MAC", outcome["cause"])
        self.assertEqual(self.wire().snapshot(), held)
        code, outcome, log = self.attacked(unknown, options=("--blind",))
        self.assertEqual(code, DONE, (outcome, log))

    def test_a_blind_middleware_takes_any_pin_to_the_token(self):
        for options, end in (((), "proxy"), (("--blind",), "token")):
            code, outcome, log = provision("%s/kg2/%s" % (self.issuer.url, PLAIN), self.token.url,
                                           *options, pin="47")
            self.assertEqual((code, outcome["detectedBy"]), (REFUSED, end), (outcome, log))

    def test_privacy_takes_any_token(self):
        """What docs/unprotected.md says of it: nobody vouches for this one."""
        foreign = self.start_token()
        url = self.issuer.url + "/kg2/"
        code, outcome, log = provision(url + PLAIN, foreign.url)
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"), (outcome, log))
        code, outcome, log = provision(url + "privacy", foreign.url)
        self.assertEqual(code, DONE, (outcome, log))
        self.assertEqual(len(foreign.list()), 1)

    def test_a_transcript_of_another_session(self):
        record = self.folder / "other.jsonl"
        relay = self.start(RelayProgram(self.new_folder(), self.token.url, "--record", record))
        self.assertEqual(provision("%s/kg2/%s" % (self.issuer.url, PLAIN), relay.url)[0], DONE)
        self.refused("issuer", {
            "hop": "token", "message": "createProvisioningSession", "direction": "answer",
            "path": "/attestation", "operation": "splice", "transcript": str(record)})

    def test_what_only_a_relay_can(self):
        for rule in ({"operation": "cross"}, {"operation": "reorder", "value": {}}):
            with self.subTest(**rule):
                code, outcome, _ = self.attacked({"hop": "issuer",
                                                  "message": "InvocationResponse", **rule})
                self.assertEqual((code, outcome["outcome"]), (3, "error"))
                self.assertIn("relay", outcome["cause"])

    def test_a_rule_that_does_not_fit(self):
        code, outcome, _ = self.attacked({"hop": "issuer", "message": "KeyCreationRequest",
                                          "path": "/nothing", "operation": "delete"})
        self.assertEqual((code, outcome["outcome"]), (3, "error"))
        self.assertIn("/nothing", outcome["cause"])


class Commands(unittest.TestCase):
    def test_a_list_with_a_paragraph_each(self):
        done = run("sks-proxy", "attacks")
        self.assertEqual(done.returncode, DONE)
        self.assertTrue(all(len(line) <= 80 for line in done.stdout.splitlines()))
        self.assertIn("\nweak-pin\n    ", done.stdout)

    def test_one_with_its_rules(self):
        done = run("sks-proxy", "attacks", "weak-pin")
        self.assertEqual(json.loads(done.stdout.splitlines()[-1])["rules"][0]["operation"],
                         "decrement")
        done = run("sks-proxy", "attacks", "none")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("none", done.stderr)

    def test_the_schema(self):
        schema = json.loads(run("sks-proxy", "attacks", "--schema").stdout)
        self.assertIn("rules", schema["properties"])
        self.assertIn("re-encrypt", json.dumps(schema))
        self.assertTrue(PROFILES.is_dir())

    def test_a_relay_with_wrong_rules_does_not_start(self):
        done = run("sks-proxy", "relay", "--to", "http://127.0.0.1:1", "--attack", "/none/x")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("/none/x", done.stderr)


if __name__ == "__main__":
    unittest.main()
