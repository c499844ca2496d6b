"""sks-proxy matrix: a sample of it, that it is what was asked for, and that it sees holes."""

import json
import os
import signal
import unittest

from rig import processes
from rig.matrixcase import Page
from rig.processes import BUILD, run, spawn, wait_for

DONE, USAGE = 0, 2
SAMPLE = ("p256-user-pin", "privacy", "extensions-and-logotype", "key-update", "key-delete")
PLAIN = "p256-user-pin"
# Of createKeyEntry, by direction, operation and path: who notices.
NOTICED = {
    ("request", "cross", ""): {"token"},
    ("request", "delay", ""): {"token"},
    ("request", "drop", ""): {"middleware"},
    ("request", "empty", ""): {"token"},
    ("request", "extend", ""): {"token"},
    ("request", "flip", ""): {"token"},
    ("request", "forge", ""): {"issuer"},
    ("request", "reflect", ""): {"middleware"},
    ("request", "reorder", ""): {"issuer"},
    ("request", "repeat", ""): {"token"},
    ("request", "replay", ""): {"token", "middleware"},
    ("request", "splice", "/mac"): {"token"},
    ("answer", "cross", ""): {"issuer"},
    ("answer", "delay", ""): {"issuer"},
    ("answer", "drop", ""): {"middleware"},
    ("answer", "forge", ""): {"token"},
    ("answer", "splice", "/attestation"): {"issuer"},
    ("answer", "splice", "/publicKey"): {"issuer"},
}


class Matrix(unittest.TestCase):
    def setUp(self):
        """What the sweep leaves would lie here."""
        self.folder = processes.temporary_folder(self.addCleanup)
        (self.folder / "tmp").mkdir()

    def matrix(self, *options):
        done = run("sks-proxy", "matrix", *options, timeout=300,
                   environment={"TMPDIR": str(self.folder / "tmp")})
        self.assertEqual(os.listdir(self.folder / "tmp"), [], "the ends are gone")
        return done

    def results(self, *options):
        path = self.folder / "results.json"
        done = self.matrix("--json", "--results", path, *options)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "", "it is quiet in a pipe")
        return json.loads(done.stdout), json.loads(path.read_text())["results"]

    def test_a_sample(self):
        scenarios = [word for name in SAMPLE for word in ("--scenario", name)]
        page = self.folder / "page.html"
        summary, cases = self.results("--cases", "40", "--html", page, *scenarios)
        self.assertEqual(sorted(summary["scenarios"]), sorted(SAMPLE))
        counts = summary["all"]
        self.assertEqual((counts["undetected"], counts["leftovers"]), (0, 0))
        for verdict in ("token", "issuer", "middleware", "harmless", "committed"):
            self.assertGreater(counts[verdict], 0, verdict)
        self.assertEqual(len(cases), counts["cases"])
        self.assertGreater(len(cases), 120)
        for case in cases:
            if case["verdict"] in ("token", "issuer"):
                self.assertTrue(case["cause"] and case["at"], case)

        self.assert_page(page.read_text(), cases)

    def assert_page(self, text, cases):
        """It holds all cases and needs nothing else."""
        page = Page(text)
        self.assertEqual(page.references, ["data:,"])
        self.assertNotRegex(text, r"@import|url\(|fetch\(|XMLHttp")
        cells = {}
        for case in cases:
            direction = case["direction"] if case["hop"] == "token" else ""
            cells.setdefault((case["message"], direction, case["operation"]), []).append(case)
        self.assertEqual(len(page.cells), len(cells))
        self.assertEqual(page.cells.keys(), page.data["cells"].keys())
        self.assertEqual(sorted(map(len, cells.values())),
                         sorted(map(len, page.data["cells"].values())))
        names = {"%s%s, %s" % (message, ", answer" if direction == "answer" else "", operation)
                 for message, direction, operation in cells}
        self.assertEqual({values["aria-label"].split(":")[0] for values in page.cells.values()},
                         names)
        for name, values in page.cells.items():
            runs = [page.run(case) for case in page.data["cells"][name] if case[8] >= 0]
            verdicts = {case[3] for case in page.data["cells"][name]}
            self.assertEqual(len(runs), len(verdicts), "one of each verdict")
            for run in runs:
                self.assert_run(run, values["aria-label"])

    def assert_run(self, run, label):
        altered = [name for name, fate in run if fate]
        self.assertGreaterEqual(len(altered), 1, label)
        self.assertIn(altered[0], label)
        self.assertTrue(run[0][0] == "getDeviceInfo" and ("GET ?init=true", "") in run[:3] or
                        altered[0] == "getDeviceInfo", run)

    def test_the_summary(self):
        done = self.matrix("--cases", "30", "--scenario", "privacy")
        self.assertEqual(done.returncode, DONE, done.stderr)
        by_message, by_scenario, last = done.stdout.strip().split("\n\n")
        for table, name in ((by_message, "message"), (by_scenario, "scenario")):
            lines = table.splitlines()
            self.assertEqual(lines[0].split()[:2], [name, "cases"])
            self.assertEqual(lines[0].split()[-2:], ["undetected", "leftovers"])
            self.assertEqual(len({len(line) for line in lines}), 1, "columns")
        self.assertIn("\nall ", by_scenario)
        self.assertRegex(last, r"^seed 1, 30 of \d+ cases tried, \d+ did not fit$")

    def test_one_message(self):
        _, cases = self.results("--cases", "10", "--scenario", "privacy", "--message",
                                "createPinPolicy")
        self.assertEqual({case["message"] for case in cases}, {"createPinPolicy"})

    def test_a_bar_on_a_terminal(self):
        near, far = os.openpty()
        self.addCleanup(os.close, near)
        process = processes.subprocess.Popen(
            [BUILD / "sks-proxy", "matrix", "--cases", "40", "--scenario", "privacy"],
            stdout=processes.subprocess.DEVNULL, stderr=far)
        os.close(far)
        self.addCleanup(process.kill)
        shown = b""
        try:
            while piece := os.read(near, 4096):
                shown += piece
        except OSError:
            pass        # that is how the end of a terminal reads
        self.assertEqual(process.wait(60), DONE)
        self.assertRegex(shown.decode(), r"\rprivacy +\[#+-*\] +40 of 40")

    def test_who_notices_an_altered_call(self):
        """Each operation on one call and its answer."""
        _, cases = self.results("--scenario", PLAIN, "--message", "createKeyEntry")
        noticed = {}
        for case in cases:
            where = (case["direction"], case["operation"], case["path"])
            noticed.setdefault(where, set()).add(case["verdict"])
            if case["verdict"] in ("token", "issuer", "middleware"):
                self.assertEqual((case["unchanged"], case["counted"]), (True, False), case)
        for where, ends in NOTICED.items():
            self.assertEqual(noticed[where], ends, where)
        self.assertEqual({case["from"] for case in cases if case["operation"] == "splice"},
                         {"an earlier session", "a session of another device"})

    def test_what_comes_after_the_commit(self):
        _, cases = self.results("--scenario", PLAIN, "--message",
                                "ProvisioningFinalizationResponse")
        for case in cases:
            self.assertIn(case["verdict"], ("committed", "harmless"), case)
            self.assertEqual(case["counted"], case["verdict"] == "harmless", case)
            self.assertFalse(case["leftover"], case)
        committed = {case["operation"] for case in cases if case["verdict"] == "committed"}
        self.assertLessEqual({"drop", "cross", "replay", "splice", "flip", "forge"}, committed)

    def test_sessions_that_wait_and_roll_over(self):
        for name, message in (("deferred-issuance", "InvocationRequest"),
                              ("kmk-rollover", "updateKeyManagementKey")):
            with self.subTest(scenario=name):
                summary, cases = self.results("--scenario", name, "--message", message, "--cases",
                                              "40")
                self.assertGreater(len(cases), 30)
                self.assertEqual(summary["all"]["undetected"], 0)
                if name == "deferred-issuance":
                    self.assertIn(2, {case["occurrence"] for case in cases}, "it came back")

    def test_it_goes_on_where_it_was(self):
        path, part = self.folder / "results.json", self.folder / "results.json.part"
        options = ("matrix", "--scenario", PLAIN, "--message", "createPinPolicy", "--results", path)
        process = spawn("sks-proxy", *options)
        self.addCleanup(process.kill)
        wait_for(lambda: part.exists() and len(part.read_bytes().splitlines()) >= 25)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, DONE)
        self.assertFalse(path.exists())

        lines = part.read_text().splitlines(keepends=True)
        tried = [json.loads(line) for line in lines[1:]]
        next(row for row in tried if row["verdict"] in ("token", "issuer"))["cause"] = (
            "known by this")
        part.write_text(lines[0] + "".join(json.dumps(row) + "\n" for row in tried) +
                        '{"verdict":"tok')
        other = self.matrix(*options[1:], "--resume", "--seed", "2")
        self.assertEqual(other.returncode, USAGE)
        self.assertIn("another sweep", other.stderr)

        done = self.matrix(*options[1:], "--resume")
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertIn("%d cases were tried before" % len(tried), done.stderr)
        self.assertFalse(part.exists())
        again = json.loads(path.read_text())["results"]
        _, whole = self.results("--scenario", PLAIN, "--message", "createPinPolicy")
        self.assertEqual(len([case for case in again if case["cause"] == "known by this"]), 1)
        self.assertEqual(self.known(again), self.known(whole))

    @staticmethod
    def known(cases):
        return sorted((case["message"], case["direction"], case["occurrence"], case["path"],
                       case["operation"], case["from"]) for case in cases)

    def test_a_resumption_wants_its_results(self):
        done = self.matrix("--resume")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--results", done.stderr)

    def test_the_plan_has_cases_of_all_that_crosses(self):
        done = processes.subprocess.run(
            [BUILD / "matrix" / "coverage", PLAIN, "key-delete", "session-2010"],
            capture_output=True, text=True, timeout=300, cwd=processes.ROOT)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count(" nodes, 0 without what they must have"), 3)

    def test_the_seed_draws_the_cases(self):
        def drawn(seed):
            _, cases = self.results("--cases", "30", "--seed", seed, "--scenario", "privacy",
                                    "--jobs", "2")
            return sorted((case["message"], case["occurrence"], case["path"], case["operation"])
                          for case in cases)
        first = drawn("7")
        self.assertEqual(drawn("7"), first)
        self.assertNotEqual(drawn("8"), first)

    def test_a_signal_ends_it(self):
        os.environ["TMPDIR"] = str(self.folder / "tmp")
        self.addCleanup(os.environ.pop, "TMPDIR")
        process = spawn("sks-proxy", "matrix", "--scenario", "p256-user-pin")
        self.addCleanup(process.kill)
        wait_for(lambda: os.listdir(self.folder / "tmp"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        self.assertNotEqual(process.returncode, DONE)
        self.assertIn("interrupted", errors)
        self.assertEqual(os.listdir(self.folder / "tmp"), [])

    def test_the_middleware_checks_if_asked_to(self):
        def verdicts(*options):
            summary, cases = self.results("--cases", "150", "--scenario", "p256-user-pin",
                                          *options)
            self.assertEqual((summary["all"]["undetected"], summary["all"]["leftovers"]), (0, 0))
            return {(case["message"], case["occurrence"], case["path"], case["operation"],
                     case["direction"]): case["verdict"] for case in cases}
        blind, checking = verdicts(), verdicts("--checking")
        both = blind.keys() & checking.keys()   # a case may fit in one of them only
        self.assertGreater(len(both), 100)
        found = [case for case in both if checking[case] == "middleware" != blind[case]]
        self.assertGreater(len(found), 15, "what it notices itself")
        for end in ("token", "issuer", "harmless"):
            self.assertIn(end, {blind[case] for case in found})

    def test_usage(self):
        self.assertEqual(self.matrix("--scenario", "none").returncode, USAGE)
        self.assertEqual(self.matrix("--jobs", "0").returncode, USAGE)
        self.assertEqual(self.matrix("--profiles", "/none", "--cases", "1").returncode, USAGE)
        listed = self.matrix("--list").stdout.splitlines()
        scenarios = json.loads(self.matrix("--list", "--json").stdout)["scenarios"]
        self.assertEqual([line.split(",")[0] for line in listed],
                         [row["scenario"] for row in scenarios])
        self.assertIn("p256-user-pin", listed)
        self.assertIn("key-update, after p256-user-pin", listed)

    def test_combinations(self):
        summary, cases = self.results("--random", "40", "--scenario", "privacy")
        counts = summary["all"]
        self.assertEqual((counts["undetected"], counts["leftovers"]), (0, 0))
        self.assertGreater(len(cases), 15)

    def test_the_unprotected_are_documented(self):
        page = processes.ROOT / "docs" / "unprotected.md"
        self.assertEqual(page.read_text(), self.matrix("--unprotected").stdout)

    def holes(self, *arguments):
        done = processes.subprocess.run([BUILD / "matrix" / "holes", *arguments], text=True,
                                        capture_output=True, timeout=300, cwd=processes.ROOT)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        return done.stdout

    def test_holes_are_seen(self):
        """A sample of `make matrix-selftest`: one of each kind."""
        sample = ("MAC of createPinPolicy", "closing proof", "keyManagementKey not attested",
                  "createPinPolicy.retryLimit in no MAC", "session ids", "device path",
                  "PIN policy", "PIN grouping", "key management key",
                  "authorization of postDeleteKey", "certificate of another key")
        shown = self.holes(*sample)
        self.assertIn("%u holes, 0 not seen" % len(sample), shown)
        self.assertRegex(shown, "MAC of createPinPolicy .* not noticed, first: createPinPolicy ")
        self.assertRegex(shown, "key management key .* first: postUnlockKey .* /targetKeyHandle")
        self.assertIn("a foreign device is refused, and taken with the hole", shown)

    def test_there_are_holes_for_every_check(self):
        listed = self.holes("--list").splitlines()
        self.assertEqual(len(listed), len(set(listed)))
        self.assertGreater(len(listed), 50)
        page = (processes.ROOT / "docs" / "matrix.md").read_text()
        for name in listed:
            self.assertIn(name.removesuffix(" in no MAC").removeprefix("MAC of "), page,
                          "docs/matrix.md says what it is about")

    def test_each_unprotected_row_is_used(self):
        shown = self.holes("--unprotected")
        self.assertNotIn("no case", shown)


if __name__ == "__main__":
    unittest.main()
