"""sks-interop on the real programs: what docker/compose.yaml runs, without the containers."""

import json
import os
import signal
import subprocess
import time
import unittest

from rig.interopcase import Clerk, InteropCase, ask, interop_script
from rig.processes import BUILD, run, run_json, temporary_folder, wait_for
from rig.profile import shipped
from rig.testcase import RigTest

DONE, REFUSED, USAGE, IO = 0, 1, 2, 3
QUESTION_SECONDS = 20
BIT = json.dumps({"rules": [{"hop": "token", "message": "createKeyEntry", "path": "/mac",
                             "operation": "flip", "bit": 1}]})


class Drive(InteropCase):
    def test_all_goes_as_it_has_to_and_again_on_what_is_left(self):
        for options, conform in ([], {"token", "issuer"}), (["--no-conform"], set()):
            rows = self.rows(self.interop("drive", "--together", *self.conform_options(),
                                          *options))
            self.assertEqual({what.split()[1] for what, row in rows.items()
                              if row[0] == "conform"}, conform)
            self.assertEqual({what: row for what, row in rows.items() if not row[1]}, {})
            self.assertEqual({what for what, row in rows.items() if row[0] == "profile"},
                             {profile.name for profile in shipped()})
            self.assertEqual({row["name"] for row in self.ready()} - set(rows), set())
            self.assertFalse(self.attack_file.exists())

    def ready(self):
        return json.loads(run("sks-proxy", "attacks", "--json").stdout)


class Attacked(InteropCase):
    """Exit code 0 only if the token or the issuer has noticed."""

    def attacked(self, name):
        done = self.interop("attacked", name, "--operator", self.operator.desk, "--attack-file",
                            self.attack_file)
        self.assertFalse(self.attack_file.exists())
        (row,) = self.rows(done).values()
        return done.returncode, row

    def test_noticed_by_an_end(self):
        for name, end in (("weak-pin", "token"), ("foreign-key", "issuer"),
                          ("kept-key", "token"), ("foreign-certificate", "token"),
                          (BIT, "token")):
            code, row = self.attacked(name)
            self.assertEqual(code, DONE, row)
            self.assertIn("detected by the " + end, row[2])

    def test_noticed_by_no_end(self):
        for name in ("twice", "reflection"):
            code, row = self.attacked(name)
            self.assertEqual((code, row[1]), (REFUSED, False), row)
            self.assertIn("no end detected it", row[2])

    def test_no_attack(self):
        for name in ("no-such-attack", "{}", "{"):
            code, row = self.attacked(name)
            self.assertEqual((code, row[1]), (REFUSED, False), row)


class NobodyThere(InteropCase):
    def test_each_row_says_so(self):
        self.gateway.stop()
        self.addCleanup(self.gateway.start)
        done = self.interop("drive", "--operator", self.operator.desk, "--attack-file",
                            self.attack_file, "--together", "--no-conform")
        rows = self.rows(done)
        self.assertEqual(done.returncode, REFUSED)
        self.assertEqual({what for what, row in rows.items() if row[1]}, {"token to issuer"})


class AtTheDesk(InteropCase):
    def ask(self, **question):
        return ask(self.operator.desk, **question)

    def test_only_what_an_operator_does(self):
        self.assertIn("no such thing", self.ask(ask="backup")["error"])
        self.assertIn("no such thing", self.ask()["error"])
        for session in (None, "", "x", "--data=/tmp" + "x" * 21, "../" + "x" * 29):
            self.assertIn("serverSessionId", self.ask(ask="approve", session=session)["error"])

    def test_a_refusal_of_the_issuer_is_told(self):
        self.assertIn("error", self.ask(ask="approve", session="A" * 32))

    def test_what_is_no_question_is_passed_over(self):
        (self.operator.desk / "2.question").write_text("no JSON")
        self.assertIn("sessions", self.ask(ask="sessions")["output"])

    def test_somebody_is_there(self):
        self.assertEqual(run("sks-interop", "healthcheck", "--desk", self.operator.desk).returncode,
                         DONE)
        done = run("sks-interop", "healthcheck", "--desk", self.new_folder())
        self.assertEqual(done.returncode, IO)
        self.assertIn("nobody has answered", done.stderr)


class Witness(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.witness = cls.start(Clerk(cls.new_folder(), "witness"))

    def test_what_it_reaches(self):
        port = int(self.token.url.rpartition(":")[2])
        for number, reached in ((port, True), (1, False)):
            said = ask(self.witness.desk, name="no.such.name.invalid", address="127.0.0.1",
                       port=number)
            self.assertEqual((said["reached"], said["known"]), (reached, ""), said)


class Keep(unittest.TestCase):
    """It kills its program and starts it again, and goes when it is told to."""

    def setUp(self):
        self.folder = temporary_folder(self.addCleanup)
        self.during, self.tally = self.folder / "kill", self.folder / "tally"

    def keep(self, *words, options=()):
        process = subprocess.Popen(
            [BUILD / "sks-interop", "keep", "--from", "20", "--to", "60", "--during", self.during,
             "--tally", self.tally, *options, "--", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PATH": "%s:%s" % (BUILD, os.environ["PATH"])})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def token(self):
        return ("sks-token", "serve", "--init", "--store", self.folder / "store", "--listen",
                "unix:%s" % (self.folder / "sks"))

    def kills(self):
        return int(self.tally.read_text())

    def test_kills_only_during(self):
        process = self.keep(*self.token())
        self.assertTrue(process.stdout.readline().startswith("ready "))
        time.sleep(0.3)
        self.assertEqual(self.kills(), 0)
        self.during.touch()
        wait_for(lambda: self.kills() >= 3)
        self.during.unlink()
        time.sleep(0.3)
        kills = self.kills()
        process.send_signal(signal.SIGHUP)      # which the token ignores or dies of: not keep
        process.terminate()
        process.wait(QUESTION_SECONDS)
        self.assertEqual(self.kills(), kills)

    def test_the_exit_code_is_the_program_s(self):
        process = self.keep(*self.token())
        process.stdout.readline()
        process.terminate()
        self.assertEqual(process.wait(QUESTION_SECONDS), DONE)
        self.assertEqual(self.keep("sks-token", "serve").wait(QUESTION_SECONDS), USAGE)
        self.assertEqual(self.keep("no-such-program").wait(QUESTION_SECONDS), IO)
        self.assertEqual(self.keep("sks-token", options=("--to", "1")).wait(QUESTION_SECONDS),
                         USAGE)


class Script(unittest.TestCase):
    """docker/interop.sh without an engine."""

    def check(self, *arguments, **environment):
        done = interop_script(*arguments, **environment)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertIn(" as they have to be\n", done.stdout)
        return done.stdout

    def test_faults(self):
        said = self.check("--by", "processes", "faults", SKS_ENROLMENTS="15")
        self.assertIn("at one end only", said)

    @unittest.skipUnless(os.getuid() == 0, "namespaces want root")
    def test_no_route_between_the_ends(self):
        said = self.check("--by", "namespaces")
        self.assertIn("Network is unreachable; the token's routes: 10.83.2.0/30", said)
        self.assertNotIn("sks%d" % os.getpid(), subprocess.run(
            ["ip", "netns"], capture_output=True, text=True, check=True).stdout)

    def test_an_attack_that_no_end_notices(self):
        done = interop_script("--by", "processes", "attacked", "twice")
        self.assertEqual(done.returncode, REFUSED, done.stdout + done.stderr)

    def test_usage(self):
        self.assertEqual(interop_script("attacked").returncode, USAGE)
        self.assertEqual(interop_script("--by", "magic").returncode, USAGE)


class Enrol(InteropCase):
    def test_at_an_issuer_of_which_nothing_is_known(self):
        rows = self.rows(self.interop("enrol", "p256-user-pin", "ed25519"))
        self.assertEqual([row[1] for row in rows.values()], [True, True])
        self.assertEqual(len(run_json("sks-token", "list", "--store", self.token.store,
                                      "--json")["keys"]), 2)
        self.assertEqual(self.rows(self.interop("enrol", "none"))["none"][1], False)


if __name__ == "__main__":
    unittest.main()
