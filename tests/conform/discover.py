#!/usr/bin/python3
"""Which cases of sks-conform fail when a hole is open: for whoever keeps tests/conform/holes.json.

    discover.py [--end END] [--shared] [--only CASE]... [--all-profiles] [HOLE]...

Runs the must-cases against build/holes/sks-token and build/holes/sks-issuer, for each part of each
hole, and prints one JSON object a line: the hole, the part, the end, how many failed, and which.
With --shared the runner has the hole too, as whoever has the same wrong idea of a MAC.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from rig import holes  # noqa: E402


def discover(end, part, hole, profile, options):
    end.open(part, hole)
    try:
        report = end.conform("--level", "must", *options.only, part=part,
                             hole=hole if options.shared else None,
                             profile=None if options.all_profiles else profile)
    finally:
        end.kill()
    return [case["id"] for case in report["cases"] if case["verdict"] == "failed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holes", nargs="*", metavar="HOLE")
    parser.add_argument("--end", choices=holes.ENDS, action="append", help="one alone")
    parser.add_argument("--shared", action="store_true", help="the runner has the hole too")
    parser.add_argument("--only", metavar="CASE", action="append", default=[],
                        help="only these cases, as of sks-conform")
    parser.add_argument("--all-profiles", action="store_true",
                        help="of an issuer, and not those alone that the test takes for the hole")
    options = parser.parse_args()
    options.only = [word for case in options.only for word in ("--only", case)]
    listed = holes.listed()
    if set(options.holes) - set(listed):
        parser.error("no such hole: %s" % sorted(set(options.holes) - set(listed)))
    for name in options.end or holes.ENDS:
        with tempfile.TemporaryDirectory(prefix="sks-") as folder:
            end = holes.ENDS[name](Path(folder))
            for hole in options.holes or listed:
                parts, profile = listed[hole]
                for part in parts:
                    try:
                        failed = discover(end, part, hole, profile, options)
                    except AssertionError as error:
                        failed = [str(error)]
                    print(json.dumps({"hole": hole, "part": part, "end": name,
                                      "shared": options.shared, "count": len(failed),
                                      "failed": failed}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
