"""Defects that the sweep must find. One that it does not find makes the whole run fail."""

import random
from dataclasses import dataclass, field
from typing import Callable

from disk import DONE, LATE, LEFT_OUT
from log import DATABASE, LOG, STORE
from sweeping import Sweep


def any_step(recording, step):
    return True


def is_wrong_try(recording, step):
    """A PIN or PUK try that was counted."""
    before, after = recording.states[step]
    return before is not None and any(
        before["keys"][handle][kind] < key[kind] for handle, key in after["keys"].items()
        if handle in before["keys"] for kind in ("pin", "puk"))


@dataclass
class Control:
    name: str
    rule: dict              # name of a file or folder: what becomes of its syncs
    finds: str              # kind of problem that must be among those found
    wanted: Callable = any_step
    recording: str = "often"
    variants: tuple = ("dropped",)
    answered: bool = True   # points where an answer has just left; else those in flight
    result: object = field(default=None, compare=False)

    def pairs(self, recording, seed, number):
        moments = recording.moment
        points = [point for point in range(recording.first + 1, len(moments))
                  if moments[point] != moments[point - 1] or not self.answered
                  if moments[point][1] == self.answered
                  if self.wanted(recording, moments[point][0])]
        rng = random.Random("%s:%s" % (seed, self.name))
        some = sorted(rng.sample(points, min(number, len(points))))
        return [(point, variant) for point in some for variant in self.variants]

    def run(self, pool, recording, seed, number, known=None):
        """known: the sweep of the sound disk, whose rows count here too."""
        sweep = Sweep(recording, seed, lambda name: self.rule.get(name, DONE))
        if known:
            sweep.syncs, sweep.rows = known.syncs, known.rows
        self.result = sweep.run(pool, self.pairs(recording, seed, number))
        return self

    @property
    def is_red(self):
        return any(kind == self.finds for violation in self.result.violations
                   for kind, _ in violation.problems)


def every_control():
    return [
        Control("the last sync of the log left out", {LOG: LATE}, "rows"),
        Control("the same at wrong PINs and PUKs", {LOG: LATE}, "counter", is_wrong_try),
        Control("every sync of the log left out", {LOG: LEFT_OUT}, "state"),
        Control("the syncs of checkpoints left out", {DATABASE: LEFT_OUT}, "damage"),
        Control("the sync of the folder left out", {STORE: LEFT_OUT}, "damage"),
        # Here half a commit is a commit, so that the rows say nothing: its callers must see it.
        Control("every change committed on its own", {}, "state", recording="split",
                variants=("written",), answered=False),
    ]
