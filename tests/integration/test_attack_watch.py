"""`sks-proxy relay --attack-watch`: the rules of a file that comes, changes and goes."""

import json
import unittest

from rig.processes import provision, run, wait_for
from rig.relaycase import RelayProgram
from rig.testcase import RigTest

DONE, REFUSED, USAGE, IO = 0, 1, 2, 3


class Watched(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])
        cls.file = cls.new_folder() / "rules.json"
        cls.relay = cls.start(RelayProgram(cls.new_folder(), cls.token.url, "--attack-watch",
                                           cls.file))

    def lay(self, text):
        """Renamed into its place, as a whole."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)

    def lay_rule(self, **rule):
        self.lay(json.dumps({"rules": [{"hop": "token", **rule}]}))

    def enrol(self):
        code, outcome, log = provision("%s/kg2/p256-user-pin" % self.issuer.url, self.relay.url)
        return code, outcome["detectedBy"] if code == REFUSED else outcome["outcome"], log

    def assert_enrols(self):
        self.assertEqual(self.enrol()[:2], (DONE, "succeeded"))

    def test_comes_changes_and_goes(self):
        self.assert_enrols()
        self.lay_rule(message="createKeyEntry", path="/mac", operation="flip", bit=1)
        code, by, log = self.enrol()
        self.assertEqual((code, by), (REFUSED, "token"), log)
        self.assertIn("createKeyEntry", log + self.relay.stderr())
        self.lay_rule(message="createKeyEntry", direction="answer", path="/publicKey",
                      operation="own-key")
        self.assertEqual(self.enrol()[:2], (REFUSED, "issuer"))
        self.file.unlink()
        self.assert_enrols()

    def test_a_count_begins_anew(self):
        for _ in range(2):
            self.lay_rule(message="closeProvisioningSession", path="/nonce", operation="flip",
                          bit=1, occurrence=2)
            self.assert_enrols()
            self.assertEqual(self.enrol()[:2], (REFUSED, "token"))
            self.assert_enrols()
        self.file.unlink()

    def test_wrong_rules_are_none_and_are_logged(self):
        self.lay('{"rules": [{"hop": "nowhere"}]}')
        self.assert_enrols()
        wait_for(lambda: "no attack: %s" % self.file in self.relay.stderr())
        self.assertEqual(self.relay.stderr().count("no attack: "), 1)
        self.file.unlink()

    def test_not_beside_a_fixed_attack(self):
        done = run("sks-proxy", "relay", "--to", self.token.url, "--attack", "weak-pin",
                   "--attack-watch", self.file)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--attack-watch", done.stderr)


if __name__ == "__main__":
    unittest.main()
