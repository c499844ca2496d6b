"""Builds the disk images of a recording's crash points and has each opened and judged."""

import concurrent.futures
import hashlib
import json
import multiprocessing
import multiprocessing.util
import os
import random
import shutil
import signal
import tempfile
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from rig import processes

from disk import DONE, Disk, write_image
from log import (CREATED, DEVICE_CA, MKDIR, OPEN, RENAME, STORE, SYNC, TRUNCATE, UNLINK, WRITE)
from verdict import Checker, judge

CHANGES = (WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR)
CHUNK = 100
FAULT = "fault"


@dataclass
class Violation:
    point: int
    variant: str
    moment: str
    problems: list      # (kind, text)


@dataclass
class Result:
    images: dict = field(default_factory=dict)      # variant: number
    violations: list = field(default_factory=list)

    @property
    def total(self):
        return sum(self.images.values())


def image_home():
    """A folder in memory where there is one: images are written and synced by the thousand."""
    shm = Path("/dev/shm")
    return tempfile.mkdtemp(prefix="sks-crash-", dir=shm if os.access(shm, os.W_OK) else None)


def crash_points(recording):
    """In front of which entries the power may fail: where the disk or the client's knowledge
    changed since the point before."""
    points = []
    for number, entry in enumerate(recording.entries, 1):
        changed = entry.kind in CHANGES or (entry.kind == OPEN and entry.offset & CREATED)
        if changed or recording.moment[number] != recording.moment[number - 1]:
            points.append(number)
    return points


class Sweep:
    """One recording, on disks with one rule (of disk.Disk)."""

    def __init__(self, recording, seed, rule=lambda name: DONE, keep=None):
        self.recording = recording
        self.seed = seed
        self.rule = rule
        self.keep = keep
        self.syncs, self.rows = [], []

    # What the rows may be: those of the last commit that was synced, or of the one after it.

    def learn_rows(self, pool):
        entries = self.recording.entries
        first = self.recording.first
        self.syncs = [number for number, entry in enumerate(entries, 1)
                      if number > first and entry.kind == SYNC]
        ends = [first + 1] + self.syncs + [len(entries)]
        self.rows = [rows for part in pool.map(self, "rows_at", chunks(ends)) for rows in part]

    def rows_at(self, points):
        found = []
        for point, disk in self._replay(points):
            write_image(_worker.folder, disk.image("written", None, None))
            answer = _worker.checker.ask("open", _worker.store)
            if "error" in answer:
                raise AssertionError("the token does not open at %d: %s" % (
                    point, answer["error"]))
            found.append(answer["rows"])
        return found

    def _allowed_rows(self, point):
        passed = bisect_right(self.syncs, point)
        return self.rows[passed:passed + 2]

    # The images

    def run(self, pool, pairs, progress=lambda done: None):
        """Pairs of a point and a variant, in the order of the points."""
        result, seen = Result(), set()
        for done, part in enumerate(pool.map(self, "judge_pairs", chunks(pairs)), 1):
            for digest, variant, violation in part:
                if digest in seen:
                    continue    # the same image, with the same to be found in it
                seen.add(digest)
                result.images[variant] = result.images.get(variant, 0) + 1
                if violation:
                    result.violations.append(violation)
            progress(done * CHUNK)
        return result

    def judge_pairs(self, pairs):
        found, seen = [], set()
        wanted = {}
        for point, variant in pairs:
            wanted.setdefault(point, []).append(variant)
        for point, disk in self._replay(list(wanted)):
            for variant in wanted[point]:
                content = self._image(disk, point, variant)
                if content is None:
                    continue
                digest = self._digest(content, point)
                if digest not in seen:
                    seen.add(digest)
                    found.append((digest, variant, self._judge(content, point, variant)))
        return found

    def _replay(self, points):
        disk, at = Disk(self.rule), 0
        for point in points:
            for entry in self.recording.entries[at:point]:
                disk.play(entry)
            at = point
            yield point, disk

    def _image(self, disk, point, variant):
        entries = self.recording.entries
        rng = random.Random("%s:%d:%s" % (self.seed, point, variant))
        return disk.image(variant, entries[point] if point < len(entries) else None, rng)

    def _digest(self, content, point):
        """Of the image and of what is to be found in it."""
        digest = hashlib.sha1(repr((self.recording.moment[point],
                                    bisect_right(self.syncs, point))).encode())
        for name in sorted(content):
            digest.update(name.encode() + b"\0")
            digest.update(content[name] or b"")
        return digest.digest()

    def _judge(self, content, point, variant):
        write_image(_worker.folder, content)
        recording = self.recording
        if point <= recording.first:
            problems = judge_init(content)
        else:
            problems = judge(_worker.checker, _worker.store, recording.allowed(point),
                             self._allowed_rows(point))
            if content.get(DEVICE_CA) != recording.device_ca:
                problems.append(("file", DEVICE_CA + " is not what init made"))
        if not problems:
            return None
        violation = Violation(point, variant, recording.describe(point), problems)
        if self.keep:
            keep_image(self.keep, content, violation)
        return violation


def judge_init(content):
    """An interrupted init leaves a token without keys, or what a second init makes one of."""
    answer = _worker.checker.ask("open", _worker.store)
    if "error" in answer:
        done = processes.run("sks-token", "init", "--store", _worker.store)
        if done.returncode != 0:
            return [("state", "init cannot be repeated: " + done.stderr.strip())]
        answer = _worker.checker.ask("open", _worker.store)
    if "error" in answer:
        return [("damage", "after a second init the token does not open: " + answer["error"])]
    if answer["open"] or answer["closed"] or answer["keys"]:
        return [("state", "there is something in a new token")]
    return []


def keep_image(folder, content, violation):
    """As it was before anybody opened it, with what is wrong."""
    target = Path(folder) / ("%d-%s" % (violation.point, violation.variant))
    target.mkdir(parents=True, exist_ok=True)
    write_image(target, content)
    (target / "violation.json").write_text(json.dumps(vars(violation), indent=1) + "\n")


# Workers


class _Worker:
    """What a worker process has of its own."""

    def __init__(self, home):
        self.home = home
        self.folder = os.path.join(home, str(os.getpid()))
        self.store = os.path.join(self.folder, STORE)
        os.mkdir(self.folder)
        self._checker = None

    @property
    def checker(self):
        if self._checker is None:
            self._checker = Checker()
            multiprocessing.util.Finalize(None, self._end_checker, exitpriority=0)
        return self._checker

    def _end_checker(self):
        """A sanitizer tells of leaks by the exit code."""
        if self._checker.close() != 0:
            (Path(self.home) / FAULT).touch()


_worker = None
_subjects = []      # known to the workers, as they are forked later


def new_folder():
    """In a worker: a folder of its own."""
    return Path(tempfile.mkdtemp(prefix="life-", dir=_worker.home))


def _start_worker(home):
    global _worker
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    processes.begin_worker()
    _worker = _Worker(home)


def _work(number, method, argument):
    return getattr(_subjects[number], method)(argument)


class Pool:
    """Worker processes, forked anew for each map(), so that they know its subject."""

    def __init__(self, jobs):
        self.jobs = jobs
        self.home = image_home()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        faulty = (Path(self.home) / FAULT).exists()
        shutil.rmtree(self.home, ignore_errors=True)
        if faulty and kind is None:
            raise AssertionError("a checker did not end well; stderr says why")

    def map(self, subject, method, arguments):
        """Results of a method of the subject, in order."""
        _subjects.append(subject)
        with concurrent.futures.ProcessPoolExecutor(
                self.jobs, multiprocessing.get_context("fork"), _start_worker,
                (self.home,)) as executor:
            yield from executor.map(_work, [len(_subjects) - 1] * len(arguments),
                                    [method] * len(arguments), arguments)


def chunks(items, size=CHUNK):
    return [items[at:at + size] for at in range(0, len(items), size)]
