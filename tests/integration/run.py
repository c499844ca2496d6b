#!/usr/bin/python3
"""Runs the integration tests against the programs in build/ (or in $SKS_BUILD).

Test classes run side by side in processes of their own. One that fails is run again, alone, and what
passes then is told as unsteady. The last line counts; exit code 1 if a test failed or none ran.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from rig import outcomes, profile_2010, sks_wire  # noqa: E402

CLASS_TIMEOUT = 600
# What a whole run must have seen of the token, on each URL: these methods succeed and be refused,
# these statuses, and so many different refusals.
COVERED = (
    ("/sks", sks_wire.NAMES, (1, 2, 3, 4, 5, 6, 7, 8, 9, 13), 120),
    ("/sks/2010", profile_2010.DRAFT, profile_2010.STATUSES, 30),
)
# Started first, as they take longest.
SLOW_FIRST = ("test_issuer_backup", "test_issuer_external_ca", "test_issuer_crowd",
              "test_issuer_refusals", "test_interop", "test_in_doubt", "test_issuer_profiles",
              "test_evidence_refused", "test_firmware_cli", "test_in_doubt_next",
              "test_issuer_deferred", "test_issuers_apart", "test_issuer_stop",
              "test_wire_operations", "test_matrix", "test_bad_input", "test_middleman",
              "test_load", "test_wire_crash")
# Run after all others, one by one: they see whether one thing holds up another, or wait for what is
# done at the lowest priority.
ALONE = ("test_wire_slow", "test_key_pool", "test_2010_issuer.Pool", "test_2010_issuer.Sizes")
AGAIN_MAX = 5       # classes


class Result(unittest.TestResult):
    """One JSON line a test: its name, what became of it, the seconds it took, the trace."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.bad_subtests = []

    def report(self, test, outcome, text=""):
        seconds = time.monotonic() - getattr(self, "began", time.monotonic())
        print(json.dumps([test.id(), outcome, seconds, text]), flush=True)

    def addSuccess(self, test):
        if not self.bad_subtests:
            self.report(test, "passed")

    def addFailure(self, test, error):
        self.report(test, "failed", self._exc_info_to_string(error, test))

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.bad_subtests.append(subtest)
            self.report(subtest, "failed", self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        self.report(test, "skipped", reason)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def load(pattern, files="test_*.py"):
    """{class name: [tests]} of all tests whose id contains the pattern."""
    loader = unittest.TestLoader()
    suite = loader.discover(str(HERE), pattern=files, top_level_dir=str(HERE))
    classes = {}
    for test in flatten(suite):
        if pattern.lower() in test.id().lower() or test.id().startswith("unittest."):
            name = test.id().rsplit(".", 1)[0]
            classes.setdefault(name, []).append(test)
    return classes


def run_here(name, pattern):
    """The worker: one class in this process."""
    tests = load(pattern, name.split(".")[0] + ".py")[name]
    unittest.TestSuite(tests).run(Result())
    print(json.dumps(["outcomes", outcomes.noted(), 0, ""]))


def run_class(name, pattern):
    began = time.monotonic()
    lines = run_worker(name, pattern)
    return name, time.monotonic() - began, lines


def run_worker(name, pattern):
    """With a folder for all that is temporary. A class that passes leaves it empty; what one that
    fails leaves goes with its worker."""
    command = [sys.executable, "-B", __file__, "--class", name, "-k", pattern]
    with tempfile.TemporaryDirectory(prefix="sks-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)     # some tests run a program as another user
        lines = ask_worker(name, command, dict(os.environ, TMPDIR=folder))
        left = sorted(os.listdir(folder))
    if left and not has_failed(lines):
        lines.append([name, "failed", 0, "left in the temporary folder: " + ", ".join(left)])
    return lines


def ask_worker(name, command, environment):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CLASS_TIMEOUT,
                              env=environment)
    except subprocess.TimeoutExpired:
        return [[name, "failed", CLASS_TIMEOUT, "the class took too long"]]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    if done.returncode != 0:
        lines.append([name, "failed", 0, done.stderr])
    return lines


def order(name):
    module = name.split(".")[0]
    return (SLOW_FIRST.index(module) if module in SLOW_FIRST else len(SLOW_FIRST), name)


def results(classes, pattern, jobs):
    """What run_class() says of each class, as they end."""
    alone = {name for name in classes if name in ALONE or name.split(".")[0] in ALONE}
    for names, workers in ((classes.keys() - alone, jobs), (alone, 1)):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(run_class, name, pattern) for name in sorted(names, key=order)]
            for future in concurrent.futures.as_completed(futures):
                yield future.result()


class Tally:
    """Prints what became of each test, and counts."""

    def __init__(self, verbose, answers):
        self.counts = dict.fromkeys(("passed", "failed", "skipped", "unsteady"), 0)
        self.verbose, self.answers = verbose, answers

    def take(self, lines):
        for test, outcome, seconds, text in lines:
            if test == "outcomes":
                self.answers += outcome
                continue
            self.counts[outcome] += 1
            if self.verbose or outcome != "passed":
                print("%-8s %6.2f s  %s" % (outcome, seconds, test))
            if text:
                print("    " + text.strip().replace("\n", "\n    "))
            sys.stdout.flush()


def has_failed(lines):
    return any(outcome == "failed" for _, outcome, _, _ in lines)


def run_all(classes, pattern, jobs, tally):
    """A class with a failure is run once more, alone at the end: if all of it passes there, the
    first failure counts as unsteady. Where many fail the machine is not to blame."""
    took, failed = [], []
    for name, seconds, lines in results(classes, pattern, jobs):
        took.append((seconds, name))
        if has_failed(lines):
            failed.append((name, lines))
        else:
            tally.take(lines)
    for name, lines in failed:
        again = run_worker(name, pattern) if len(failed) <= AGAIN_MAX else lines
        if not has_failed(again):
            tally.take([[test, "unsteady", seconds, text] for test, outcome, seconds, text in lines
                        if outcome == "failed"])
        tally.take(again)
    if tally.verbose:
        print("slowest: " + ", ".join("%s %.0f s" % (name, seconds)
                                      for seconds, name in sorted(took, reverse=True)[:20]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", metavar="TEXT", default="", help="only tests whose name has it")
    parser.add_argument("-v", action="store_true", help="name the passed tests too")
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1),
                        help="test classes at a time (default: three a core, as most of them wait)")
    parser.add_argument("--class", dest="worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        run_here(options.worker, options.k)
        return 0
    began = time.monotonic()
    answers = []
    tally = Tally(options.v, answers)
    counts = tally.counts
    run_all(load(options.k), options.k, options.jobs, tally)
    print("integration: %.0f s" % (time.monotonic() - began))
    missing = []
    for wanted in COVERED:
        line, lacking = outcomes.summary(answers, *wanted)
        print(line)
        missing += lacking
    if not options.k and missing:
        print("FAILED: " + "; ".join(missing))
        counts["failed"] += 1
    rare = "".join(", %d %s" % (counts[name], name) for name in ("skipped", "unsteady")
                   if counts[name])
    print("%d passed, %d failed%s" % (counts["passed"], counts["failed"], rare))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
