#!/usr/bin/python3
"""Shows that the token's store cannot break: crash images, controls, real kills.

Records a scenario once, builds the disk of every crash point in its variants, opens each with the
real token and checks it. docs/durability.md says what is checked, and what a run prints.
"""

import argparse
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from rig import processes  # noqa: E402

import controls  # noqa: E402
import recording  # noqa: E402
import scenario  # noqa: E402
from disk import VARIANTS  # noqa: E402
from kills import OUTCOMES, Kills  # noqa: E402
from sweeping import Pool, Sweep, crash_points  # noqa: E402

SHOWN = 10      # violations that are printed
FULL_IMAGES = 10000     # fewer in a full run: the scenario has lost what it was for
# name: how it is recorded, and how many pairs of a point and a variant are swept (None: all)
FULL = {
    "often": ({"checkpoint": 40, "play": functools.partial(
        scenario.run, data_size=3000, rounds=2)}, None),
    "seldom": ({"play": functools.partial(scenario.run, data_size=200000, rounds=2)}, 2500),
    "split": ({"split": True, "play": scenario.brief}, 0),
}
SHORT = {
    "often": ({"checkpoint": 40, "play": functools.partial(
        scenario.run, data_size=3000, rounds=1)}, 700),
    "split": ({"split": True, "play": scenario.brief}, 0),
}
EXIT_DONE, EXIT_VIOLATION, EXIT_IO = 0, 1, 3      # 2, usage, is argparse's


class Progress:
    """One line on a terminal; nothing in a pipe."""

    def __init__(self, what, total):
        self.what, self.total = what, total
        self.shown = sys.stderr.isatty()
        self(0)

    def __call__(self, done):
        if self.shown:
            print("\r\x1b[K%s: %d of %d" % (self.what, min(done, self.total), self.total),
                  end="", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class Run:
    def __init__(self, options):
        self.options = options
        self.plan = SHORT if options.short else FULL
        self.recordings, self.sweeps, self.swept = {}, {}, {}
        self.controls, self.kills = [], None

    def record(self, folder):
        for name, (how, _) in self.plan.items():
            progress = Progress("recording", len(self.plan))
            progress(len(self.recordings))
            self.recordings[name] = recording.make(folder / name, **how).check()
            progress.end()

    def sweep(self, pool):
        for name, (_, number) in self.plan.items():
            if number == 0:
                continue
            subject = self.recordings[name]
            sweep = Sweep(subject, self.options.seed, keep=self.options.keep)
            sweep.learn_rows(pool)
            self.sweeps[name] = sweep
            pairs = self._pairs(subject, number)
            progress = Progress("images of '%s'" % name, len(pairs))
            self.swept[name] = sweep.run(pool, pairs, progress)
            progress.end()

    def _pairs(self, subject, number):
        """All, or some by the seed; among these always what init has just answered for."""
        pairs = [(point, variant) for point in crash_points(subject) for variant in VARIANTS]
        number = self.options.images if self.options.images is not None else number
        if number is None or number >= len(pairs):
            return pairs
        some = random.Random(self.options.seed).sample(pairs, number)
        return sorted({*some, (subject.first + 1, "dropped")})

    def control(self, pool):
        number = 40 if self.options.short else 150
        every = controls.every_control()
        progress = Progress("controls", len(every))
        for control in every:
            subject = self.recordings[control.recording]
            self.controls.append(control.run(pool, subject, self.options.seed, number,
                                             self.sweeps.get(control.recording)))
            progress(len(self.controls))
        progress.end()

    def kill(self, pool):
        progress = Progress("kills", self.options.kills)
        self.kills = Kills(self.options.seed, self.options.keep).run(
            pool, self.options.kills, progress)
        progress.end()

    @property
    def violations(self):
        return [(name, violation) for name, result in self.swept.items()
                for violation in result.violations]

    @property
    def images(self):
        return sum(result.total for result in self.swept.values())

    @property
    def too_few(self):
        """A full run that is none."""
        options = self.options
        return not options.short and options.images is None and self.images < FULL_IMAGES

    @property
    def failed(self):
        return bool(self.violations or self.kills.violations or self.too_few or
                    not all(control.is_red for control in self.controls))

    def keep_recordings(self):
        """What a violation can be looked at with again."""
        kept = {}
        for name in dict(self.violations):
            target = processes.BUILD / "crash" / ("recording-%s-%s" % (self.options.seed, name))
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(self.recordings[name].folder, target,
                            ignore=lambda *_: {"control.sock"})
            kept[name] = target
        return kept


def as_json(run, seconds):
    """The result, for programs."""
    kept = {name: str(folder) for name, folder in run.keep_recordings().items()}
    return {
        "seed": run.options.seed, "seconds": round(seconds, 1), "passed": not run.failed,
        "recordings": {name: made.summary() for name, made in run.recordings.items()},
        "images": {name: {"total": result.total, "variants": result.images,
                          "violations": [vars(violation) for violation in result.violations],
                          "recording": kept.get(name)}
                   for name, result in run.swept.items()},
        "controls": [{"name": control.name, "images": control.result.total,
                      "violations": len(control.result.violations), "red": control.is_red}
                     for control in run.controls],
        "kills": {"total": run.kills.kills, "calls": run.kills.calls,
                  "unanswered": dict(run.kills.unanswered), "violations": run.kills.violations}}


def table(run, seconds):
    for name, made in run.recordings.items():
        print("recorded %-7s %s" % (name, ", ".join(
            "%d %s" % (number, what) for what, number in made.summary().items())))
    names = list(run.swept)
    print("\n%-44s" % "images" + "".join("%10s" % name for name in names))
    for variant in VARIANTS:
        print("  %-42s" % variant + "".join(
            "%10d" % run.swept[name].images.get(variant, 0) for name in names))
    print("  %-42s" % "total" + "".join("%10d" % run.swept[name].total for name in names))
    print("  %-42s" % "violations" + "".join(
        "%10d" % len(run.swept[name].violations) for name in names))
    print("\n%-44s%10s%10s" % ("controls, which must find something", "images", "found"))
    for control in run.controls:
        print("  %-42s%10d%10d%s" % (control.name, control.result.total,
                                     len(control.result.violations),
                                     "" if control.is_red else "  NOT RED: no '%s'"
                                     % control.finds))
    kills = run.kills
    print("\n%d real kills in %d calls, %d violations; of the calls that they cut off %s" % (
        kills.kills, kills.calls, len(kills.violations), ", ".join(
            "%d were %s" % (kills.unanswered[outcome], outcome) for outcome in OUTCOMES)))
    print("%s%d images, %d violations, %d of %d controls red; seed %s, %.0f s" % (
        "FAILED: " if run.failed else "OK: ",
        run.images, len(run.violations) + len(kills.violations),
        sum(control.is_red for control in run.controls), len(run.controls), run.options.seed,
        seconds))


def shown(path):
    return os.path.relpath(path)


def show_violation(violation):
    print("VIOLATION %d:%s, %s" % (violation.point, violation.variant, violation.moment))
    for kind, text in violation.problems:
        print("    %s: %s" % (kind, text))


def show_violations(run):
    if run.too_few:
        print("a full run has at least %d images" % FULL_IMAGES)
    kept = run.keep_recordings()
    for name, violation in run.violations[:SHOWN]:
        show_violation(violation)
        print("    again: SKS_BUILD=%s %s --recording %s --only %d:%s --seed %s --keep DIR" % (
            shown(processes.BUILD), shown(__file__), shown(kept[name]), violation.point,
            violation.variant, run.options.seed))
    if len(run.violations) > SHOWN:
        kinds = Counter(kind for _, violation in run.violations for kind, _ in violation.problems)
        print("... and %d more; problems by kind: %s" % (
            len(run.violations) - SHOWN, dict(kinds)))
    for text in run.kills.violations:
        print("VIOLATION of a real kill, seed %s: %s" % (run.options.seed, text))


def sweep_all(options):
    began = time.monotonic()
    run = Run(options)
    folder = Path(tempfile.mkdtemp(prefix="sks-crash-"))
    try:
        with Pool(options.jobs) as pool:
            run.record(folder)
            run.sweep(pool)
            run.control(pool)
            run.kill(pool)
        seconds = time.monotonic() - began
        if options.json:
            print(json.dumps(as_json(run, seconds), indent=1))
        else:
            table(run, seconds)
        if run.failed and not options.json:
            show_violations(run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return EXIT_VIOLATION if run.failed else EXIT_DONE


def look_at_one(options):
    point, variant = options.only
    with Pool(1) as pool:
        sweep = Sweep(recording.Recording(options.recording), options.seed, keep=options.keep)
        sweep.learn_rows(pool)
        result = sweep.run(pool, [(point, variant)])
    if result.total == 0:
        print("%d:%s is no image of its own" % (point, variant))
    for violation in result.violations:
        show_violation(violation)
    if result.total and not result.violations:
        print("%d:%s, %s: no violation" % (point, variant, sweep.recording.describe(point)))
    return EXIT_VIOLATION if result.violations else EXIT_DONE


def point_and_variant(text):
    point, _, variant = text.partition(":")
    if not point.isdigit() or variant not in VARIANTS:
        raise argparse.ArgumentTypeError("POINT:VARIANT; variants: %s" % ", ".join(VARIANTS))
    return int(point), variant


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10 ** 9)),
                        help="of all that is random here (default: a new one)")
    parser.add_argument("--short", action="store_true", help="a sample of all, in seconds")
    parser.add_argument("--images", type=int, metavar="N",
                        help="so many points and variants of each recording, by chance")
    parser.add_argument("--kills", type=int, metavar="N", help="real kills (default: 1000)")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--keep", metavar="DIR", help="keep the images of violations here")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument("--only", metavar="POINT:VARIANT", type=point_and_variant,
                        help="just this image of a --recording")
    parser.add_argument("--recording", metavar="DIR", help="one that an earlier run kept")
    options = parser.parse_args()
    if bool(options.only) != bool(options.recording):
        parser.error("--only and --recording go together")
    if options.kills is None:
        options.kills = 30 if options.short else 1000
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))    # and clean up
    try:
        return look_at_one(options) if options.only else sweep_all(options)
    except AssertionError as error:     # of the live token, while the scenario was recorded
        print("FAILED: %s; seed %s" % (error, options.seed))
        return EXIT_VIOLATION
    except OSError as error:
        print("sweep.py: %s" % error, file=sys.stderr)
        return EXIT_IO


if __name__ == "__main__":
    sys.exit(main())
