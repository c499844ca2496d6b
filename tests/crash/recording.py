"""Records the scenario once: a log of all that the token does to its files, and what the client
knew at each moment.

A recording is a folder: `log` (recorder.c writes it, and the marks of the steps are added here) and
`steps.json`, a list of [name, state before, state after]; step 0 is `sks-token init`.
"""

import json
import os
from pathlib import Path

from rig import processes
from rig.certificates import Authority
from rig.sks_wire import SksClient

import state
from client import Client, Observer, Surprise
from disk import Disk
from log import (ANSWER, BEGIN, DATABASE, END, HEAD, START, STORE, SYNC, WRITE, page_by_page,
                 read_log)

def crash_program(name):
    return processes.BUILD / "crash" / name


class RecordedToken(processes.Token):
    """The real program, with the recorder in it."""

    def __init__(self, folder, checkpoint=None, split=False):
        self.disk, self.log = folder / "disk", folder / "log"
        self.environment = {
            "LD_PRELOAD": str(crash_program("recorder.so")),
            "SKS_RECORD_FOLDER": str(self.disk), "SKS_RECORD_LOG": str(self.log),
            # The recorder is not built with a sanitizer, and so comes in front of its library.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        if checkpoint:
            self.environment["SKS_RECORD_CHECKPOINT"] = str(checkpoint)
        if split:
            self.environment["SKS_RECORD_SPLIT"] = "1"
        super().__init__(folder, init=False)
        self.store = self.disk / STORE

    def init(self):
        done = processes.run(self.name, "init", "--store", self.store,
                             environment=self.environment)
        if done.returncode != 0:
            raise AssertionError("sks-token init: %s" % done.stderr)


class Recorder(Observer):
    """Marks the steps in the log, and holds the live token against the model after each."""

    def __init__(self, folder, checkpoint=None, split=False):
        self.token = RecordedToken(folder, checkpoint, split)
        self.steps = []
        self.client = None

    def _mark(self, kind):
        with open(self.token.log, "ab", buffering=0) as log:
            log.write(HEAD.pack(kind, -1, len(self.steps), 0, 0))

    def before(self, name, container):
        self.steps.append([name, container.state(), None])
        self._mark(BEGIN)

    def after(self, name, container):
        self._mark(END)
        wanted = container.state()
        self.steps[-1][2] = wanted
        found = state.read(self.client.wire)
        problem = state.difference(found, wanted) or next(
            ("%s of key %d" % (what, handle) for handle, key in found["keys"].items()
             for what in ("status", "pin", "puk") if key[what] != wanted["keys"][handle][what]),
            "")
        if problem:
            raise Surprise("after %s the live token shows another %s" % (name, problem))

    # The host of the scenario

    def _restart(self, name, end, clean):
        container = self.client.container
        self.before(name, container)
        self.client.wire.close()
        end()
        self.token.start()
        container.restart(clean)
        self.after(name, container)

    def stop(self):
        self._restart("stop and start", self.token.stop, True)

    def kill(self):
        self._restart("kill and start", self.token.kill, False)

    def run(self, play):
        """init, start, play(host, client); the token is killed at its end."""
        nothing = {"open": [], "closed": [], "keys": {}}
        try:
            self.steps.append(["init", None, nothing])
            self._mark(BEGIN)
            self.token.init()
            self._mark(END)
            self.token.start()
            self.client = Client(SksClient(self.token.url), Authority(), self)
            play(self, self.client)
            self.client.wire.close()
        finally:
            self.token.kill()


def make(folder, play, checkpoint=None, split=False):
    """Records a scenario into a new folder. checkpoint: pages of the log after which there is one;
    split: every change is committed on its own."""
    folder = Path(folder)
    (folder / "disk").mkdir(parents=True)
    recorder = Recorder(folder, checkpoint, split)
    recorder.run(play)
    (folder / "steps.json").write_text(json.dumps(recorder.steps))
    (folder / "device-ca.pem").write_bytes(recorder.token.device_ca.read_bytes())
    return Recording(folder)


class Recording:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.entries = list(page_by_page(read_log(self.folder / "log")))
        steps = json.loads((self.folder / "steps.json").read_text())
        self.names = [name for name, _, _ in steps]
        self.states = [[None if side is None else _with_handles(side) for side in sides]
                       for _, *sides in steps]
        self.device_ca = (self.folder / "device-ca.pem").read_bytes()
        self._find_steps()

    def _find_steps(self):
        """For each point (in front of entry n; the last is the end of the log): the step and
        whether its answer has left, so that only the state after it may be found."""
        self.moment = []
        step, answered = 0, False
        for entry in self.entries:
            self.moment.append((step, answered))
            if entry.kind == BEGIN:
                step, answered = entry.offset - 1, False
            elif entry.kind in (ANSWER, END):
                self._check_answered(step, answered, entry)
                answered = True
        self.moment.append((step, answered))

    def _check_answered(self, step, answered, entry):
        if entry.kind == END and not answered and not is_local(self.names[step]):
            raise AssertionError("no answer of step %d, %s, was recorded" % (
                step, self.names[step]))

    def check(self):
        """Nothing was missed: replayed whole, the log gives the files that were there."""
        disk = Disk()
        for entry in self.entries:
            disk.play(entry)
        for name, file in disk.names.items():
            real = self.folder / "disk" / name
            if file is not None and real.read_bytes() != file.live:
                raise AssertionError("%s is not what was recorded" % name)
        return self

    def summary(self):
        """What was recorded, in numbers."""
        disk, checkpoints = Disk(), 0
        for entry in self.entries:
            synced = entry.kind == SYNC and disk.open[entry.fd][0]
            checkpoints += synced == DATABASE
            disk.play(entry)
        kinds = [entry.kind for entry in self.entries]
        return {"calls": sum(not is_local(name) for name in self.names),
                "restarts": kinds.count(START) - 2, "writes": kinds.count(WRITE),
                "syncs": kinds.count(SYNC), "checkpoints": checkpoints}

    @property
    def first(self):
        """The first point of a life with a token: init is done."""
        return next(number for number, entry in enumerate(self.entries) if entry.kind == END)

    def allowed(self, point):
        """The states that the token may be in."""
        step, answered = self.moment[point]
        before, after = self.states[step]
        return [after] if answered or before is None else [before, after]

    def describe(self, point):
        step, answered = self.moment[point]
        return "%s step %d, %s" % ("after" if answered else "in", step, self.names[step])


def is_local(name):
    """A step that ends without an answer on a socket."""
    return name == "init" or name.endswith("start")


def _with_handles(side):
    """JSON made the handles of the keys texts."""
    return {**side, "keys": {int(handle): key for handle, key in side["keys"].items()}}
