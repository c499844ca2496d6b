#!/usr/bin/python3
"""Checks vectors independently of the project's own code: decides for every case by itself what
must come of it, and compares with what the file expects.

Needs Python 3 and python3-cryptography. Exit 0: agrees on every case; 1: does not, or a file
cannot be read; 2: usage.
"""

import argparse
import sys
from pathlib import Path

from checker import report
from checker.run import run_file

VECTORS = Path(__file__).resolve().parent / "vectors"


def main(arguments):
    parser = argparse.ArgumentParser(
        description="Decides every case of the vectors anew, and compares with its expectation.",
        epilog="Exit 0: agrees on every case; 1: does not, or a file cannot be read; 2: usage.")
    parser.add_argument("files", metavar="FILE", nargs="*",
                        help="vector files; all of %s if none is given" % VECTORS.name)
    parser.add_argument("--only", metavar="ID", action="append",
                        help="only this case, such as mac/17; may be given several times")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    files = options.files or sorted(VECTORS.glob("*.json"))
    if not files:
        parser.error("there are no files in %s" % VECTORS)
    only, seen = set(options.only or ()), set()

    def wanted(name):
        seen.add(name)
        return not only or name in only

    outcomes = [run_file(path, wanted) for path in files]
    for outcome in outcomes:
        if outcome.error is not None:
            print("%s: %s" % (outcome.path, outcome.error), file=sys.stderr)
    if only - seen:
        parser.error("no such case: %s" % ", ".join(sorted(only - seen)))
    (report.as_json if options.json else report.table)(outcomes, sys.stdout)
    agreed = all(outcome.error is None and not outcome.disagreements for outcome in outcomes)
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
