"""sks-conform as part of the interop run: rows that are good, rows that are red, what stays."""

import json
import os
import signal
import threading
import time
import unittest
import xml.etree.ElementTree as xml

from rig.interopcase import Clerk, InteropCase, ask, interop_script
from rig.processes import provision, temporary_folder
from rig.relaycase import RelayProgram

DONE, REFUSED, USAGE = 0, 1, 2
SECONDS = 20

TOKEN_RULE = {"hop": "token", "message": "createKeyEntry", "direction": "answer",
              "path": "/attestation", "operation": "flip", "bit": 1}
ISSUER_RULE = {"hop": "issuer", "message": "KeyCreationRequest",
               "path": "/pinPolicySpecifiers/0/mac", "operation": "flip", "bit": 1}
GOOD = {"url": "http://token", "code": 0, "said": "",
        "report": {"us": 5000, "all": {"passed": 9, "failed": 0, "skipped": 1, "not run": 0},
                   "levels": {"must": {"failed": 0}},
                   "cases": [{"id": "a.%d" % i, "verdict": "passed"} for i in range(10)]}}


class ConformCase(InteropCase):
    def rules(self, *rules):
        path = self.folder / "rules.json"
        path.write_text(json.dumps({"rules": rules}))
        return path

    def conform(self, *operands, **options):
        return self.rows(self.interop("conform", *operands, *self.conform_options(**options)))

    def one_row(self, *operands, **options):
        ((what, row),) = self.conform(*operands, **options).items()
        self.assertEqual(row[0], "conform")
        return what, row[1], row[2]


class Good(ConformCase):
    def test_the_token_without_the_relay(self):
        what, good, became = self.one_row("token", "createKeyEntry", "*.mac-*")
        self.assertEqual((what, good), ("sks-conform token " + self.token.url, True))
        self.check_reports("token", became)

    def test_the_issuer_as_its_clients_see_it(self):
        """Nearly all cases apply: its operator trusts the device, for as long as they run."""
        what, good, became = self.one_row("issuer", "session", "device")
        self.assertEqual((what, good), ("sks-conform issuer " + self.gateway.url, True))
        self.check_reports("issuer", became)
        self.assertEqual(list(self.trusted.iterdir()), [])
        self.assertEqual({path.stat().st_mode & 0o077 for path in
                          (self.keys / "device").glob("*.key")}, {0})

    def check_reports(self, end, became):
        report = json.loads((self.reports / ("conform-%s.json" % end)).read_text())
        cases, skipped = len(report["cases"]), report["all"]["skipped"]
        self.assertGreater(cases, 20)
        self.assertIn("%d of %d apply, 0 failed: conform-%s.html" % (cases - skipped, cases, end),
                      became)
        self.assertGreater(10, skipped)
        root = xml.parse(self.reports / ("conform-%s.xml" % end)).getroot()
        self.assertEqual(int(root.get("tests")), cases)
        self.assertIn("<html", (self.reports / ("conform-%s.html" % end)).read_text())


class Red(ConformCase):
    def check_again(self, end, case, rows):
        """The row of a case that failed has the command that repeats it."""
        _part, good, became = rows[case]
        self.assertFalse(good)
        self.assertIn("wanted ", became)
        self.assertTrue(became.endswith("; again: docker/interop.sh conform %s %s" % (end, case)),
                        became)

    def test_a_token_that_misbehaves(self):
        relay = self.start_own(RelayProgram(self.new_folder(), self.token.url, "--attack",
                                            self.rules(TOKEN_RULE)))
        rows = self.conform("token", "createKeyEntry.succeeds",
                            tester=self.at_tester(relay.url))
        self.check_again("token", "createKeyEntry.succeeds", rows)
        self.assertRegex(rows.pop("sks-conform token " + relay.url)[2],
                         r"^[0-9]+ of [0-9]+ apply, 1 failed, 1 of them a must: ")
        self.assertEqual(list(rows), ["createKeyEntry.succeeds"])

    def test_an_issuer_that_misbehaves(self):
        watching = self.gateway.options
        self.gateway.again(*watching[:watching.index("--attack-watch")], *watching[
            watching.index("--attack-watch") + 2:], "--attack", self.rules(ISSUER_RULE))
        self.addCleanup(self.gateway.again, *watching)
        rows = self.conform("issuer", "KeyCreationRequest")
        self.assertFalse(rows["sks-conform issuer " + self.gateway.url][1])
        self.check_again("issuer", "KeyCreationRequest.macs", rows)
        self.assertEqual(list(self.trusted.iterdir()), [])

    def test_no_issuer(self):
        self.gateway.stop()
        self.addCleanup(self.gateway.start)
        _what, good, became = self.one_row("issuer", "session")
        self.assertFalse(good)
        self.assertIn("sks-conform: ", became)
        self.assertFalse((self.reports / "conform-issuer.json").exists())

    def test_no_token(self):
        _what, good, became = self.one_row("token", tester=self.at_tester("http://127.0.0.1:1"))
        self.assertFalse(good)
        self.assertIn("sks-conform: ", became)

    def test_nobody_at_the_desk(self):
        what, good, became = self.one_row("token", tester=self.new_folder())
        self.assertEqual((what, good), ("sks-conform token", False))
        self.assertIn("nobody has answered", became)

    def test_an_operator_who_trusts_nobody(self):
        for options, end, row, why in (
                ((), "sks-conform issuer", "sks-conform issuer", "no folder of device CAs"),
                (("--trust", self.new_folder()), "sks-conform issuer " + self.gateway.url,
                 "device.taken", "that the right answer of a trusted device is taken")):
            clerk = self.start_own(Clerk(self.new_folder(), "operator", "--data",
                                         self.issuer.data, *options))
            rows = self.conform("issuer", operator=clerk.desk)
            self.assertEqual(sorted(rows), sorted({end, row}))
            self.assertFalse(rows[end][1])
            self.assertIn(why, rows[row][2])

    def test_no_such_case(self):
        _what, good, became = self.one_row("token", "nothing")
        self.assertFalse(good)
        self.assertIn("no case is called 'nothing'", became)

    def at_tester(self, url):
        return self.start_own(Clerk(self.new_folder(), "tester", "--token", url, "--reports",
                                    self.new_folder())).desk

    def start_own(self, program):
        program.start()
        self.addCleanup(program.stop)
        return program


class WhatTheTesterSays(ConformCase):
    """A tester that says what it likes."""

    def said(self, account, meanwhile=lambda: None):
        desk = self.new_folder()
        ended = threading.Event()

        def answer():
            while not ended.wait(0.02):
                for path in desk.glob("*.question"):
                    asked = json.loads(path.read_text())
                    path.unlink()
                    if asked["ask"] == "conform":
                        meanwhile()
                    (desk / "new").write_text(json.dumps(account if asked["ask"] == "conform"
                                                         else {}))
                    (desk / "new").rename(path.with_suffix(".answer"))

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            return self.one_row("token", tester=desk)
        finally:
            ended.set()
            thread.join()

    def test_all_is_well(self):
        self.assertEqual(self.said(GOOD), ("sks-conform token http://token", True,
                                           "9 of 10 apply, 0 failed: conform-token.html"))

    def test_the_token_is_not_as_it_was(self):
        def enrol():
            code, _said, error = provision(self.gateway.url + "/kg2/p256-user-pin",
                                           self.proxy.url, "--ca", self.keys / "gateway-tls.pem")
            self.assertEqual(code, DONE, error)
        _what, good, became = self.said(GOOD, enrol)
        self.assertFalse(good)
        self.assertIn("the token holds something else than before", became)

    def test_other_flaws(self):
        few = {**GOOD["report"], "all": {"passed": 8, "failed": 0, "skipped": 2}}
        for account, why in (({**GOOD, "report": few}, "too few apply"),
                             ({**GOOD, "code": 77}, "9 of 10"), ({}, "no report"),
                             ({**GOOD, "report": None}, "no report"),
                             ({**GOOD, "report": None, "code": 3, "said": "no contact"},
                              "no contact"),
                             ({"error": "it cannot be run"}, "it cannot be run")):
            _what, good, became = self.said(account)
            self.assertFalse(good, account)
            self.assertIn(why, became)


class AtTheDesk(ConformCase):
    def test_only_what_a_tester_does(self):
        desk = self.tester.desk
        self.assertIn("no such thing", ask(desk, ask="serve")["error"])
        self.assertIn("no such thing", ask(desk)["error"])
        self.assertIn("named by a text", ask(desk, ask="conform", cases=[1])["error"])
        self.assertIn("more than 8", ask(desk, ask="conform", cases=["a"] * 9)["error"])
        self.assertEqual(ask(desk, ask="conform", cases=["--list"])["code"], USAGE)

    def test_only_a_certificate_is_trusted(self):
        desk, pem = self.operator.desk, (self.keys / "issuer-ca.pem").read_text()
        for text in None, "", "x", pem[:200], pem + pem, (self.keys / "issuer-ca.key").read_text():
            self.assertTrue(ask(desk, ask="trust", pem=text)["error"], text)
        self.assertTrue(ask(desk, ask="distrust")["error"], "there is none")
        self.assertEqual(list(self.trusted.iterdir()), [])
        self.assertEqual(ask(desk, ask="trust", pem="before\n" + pem + "behind"), {})
        (path,) = self.trusted.iterdir()
        self.assertEqual(path.read_text(), pem)
        self.assertEqual(ask(desk, ask="distrust"), {})
        self.assertEqual(list(self.trusted.iterdir()), [])

    def test_a_tester_that_is_told_to_stop(self):
        """It does not wait for the cases."""
        clerk = Clerk(self.new_folder(), "tester", "--token", self.token.url, "--reports",
                      self.new_folder())
        clerk.start()
        (clerk.desk / "new").write_text(json.dumps({"ask": "conform"}))
        (clerk.desk / "new").rename(clerk.desk / "1.question")
        until = time.monotonic() + SECONDS
        while (clerk.desk / "1.question").exists():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
        began = time.monotonic()
        os.kill(clerk.pid, signal.SIGTERM)
        self.assertEqual(clerk.process.wait(SECONDS), DONE)
        self.assertLess(time.monotonic() - began, 4)
        clerk.kill()

    def test_usage(self):
        for operands in ["proxy"], ["token"] + ["a"] * 9:
            done = self.interop("conform", *operands, *self.conform_options())
            self.assertEqual(done.returncode, USAGE, done.stderr)
        done = self.interop("drive", "--operator", self.operator.desk, "--attack-file",
                            self.attack_file, "--together")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("--no-conform", done.stderr)


class Script(unittest.TestCase):
    def test_a_case_alone(self):
        """As a red row says it, from anywhere."""
        reports = temporary_folder(self.addCleanup) / "new"
        done = interop_script("--by", "processes", "conform", "issuer", "KeyCreationRequest.macs",
                              SKS_REPORTS=str(reports))
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertIn("1 of 1 apply, 0 failed", done.stdout)
        self.assertEqual({path.name for path in reports.iterdir()},
                         {"conform-issuer.html", "conform-issuer.json", "conform-issuer.xml",
                          "interop.log"})
        self.assertIn("KeyCreationResponse of ", (reports / "interop.log").read_text())


if __name__ == "__main__":
    unittest.main()
