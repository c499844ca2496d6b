"""The disk under the crash sweep (tests/crash): what may be on it when the power fails."""

import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from rig.processes import ROOT

SWEEP = ROOT / "tests" / "crash"
sys.path.append(str(SWEEP))

from disk import LATE, LEFT_OUT, Disk, sectors  # noqa: E402
from log import (CREATED, LOG, MKDIR, OPEN, RENAME, SYNC, TRUNCATE, UNLINK, WRITE,  # noqa: E402
                 Entry, page_by_page)

ROUNDS = 200
FILE, FOLDER = 3, 4     # descriptors


def played(*entries, **options):
    """A disk with the folder `s` and in it the synced file `s/f` of 2,048 A; then the entries."""
    disk = Disk(**options)
    for entry in (Entry(MKDIR, -1, 0, b"s"), Entry(OPEN, 9, 0, b""), Entry(SYNC, 9, 0, b""),
                  Entry(OPEN, FILE, CREATED, b"s/f"), Entry(OPEN, FOLDER, 0, b"s"),
                  write(0, b"A" * 2048), sync(), sync(FOLDER), *entries):
        disk.play(entry)
    return disk


def write(offset, data):
    return Entry(WRITE, FILE, offset, data)


def sync(fd=FILE):
    return Entry(SYNC, fd, 0, b"")


class DiskModel(unittest.TestCase):
    def contents(self, disk, variant, name="s/f", upcoming=None):
        """All that the file is found to be, over many seeds, but in images that are as `dropped`;
        None: it is not there."""
        images = [disk.image(variant, upcoming, random.Random(seed)) for seed in range(ROUNDS)]
        return {None if name not in image else bytes(image[name])
                for image in images if image is not None}

    def test_what_was_written_and_what_was_synced(self):
        disk = played(write(512, b"B" * 512))
        self.assertEqual(self.contents(disk, "written"),
                         {b"A" * 512 + b"B" * 512 + b"A" * 1024})
        self.assertEqual(self.contents(disk, "dropped"), {b"A" * 2048})

    def test_synced_is_there_in_every_variant(self):
        disk = played(write(0, b"B" * 2048), sync())
        for variant in ("written", "dropped", "torn-1", "reordered-1"):
            with self.subTest(variant):
                self.assertLessEqual(self.contents(disk, variant), {b"B" * 2048})

    def test_torn_at_sectors_only(self):
        found = self.contents(played(write(256, b"B" * 768)), "torn-1")
        self.assertEqual(found, {b"A" * 256 + first * 256 + second * 512 + b"A" * 1024
                                 for first in (b"A", b"B") for second in (b"A", b"B")})
        self.assertEqual([(at, len(part)) for at, part in sectors(256, bytes(768))],
                         [(256, 256), (512, 512)])

    def test_a_later_write_without_the_earlier(self):
        found = self.contents(played(write(0, b"B" * 512), write(512, b"C" * 512)), "reordered-1")
        self.assertEqual(found, {first * 512 + second * 512 + b"A" * 1024
                                 for first in (b"A", b"B") for second in (b"A", b"C")})

    def test_size_without_the_data(self):
        """The file has grown; what was to stand there is zeros, or what lay there before."""
        found = self.contents(played(write(2048, b"B" * 1024)), "torn-1")
        tails = {content[2048:2560] for content in found if len(content) == 3072}
        self.assertLessEqual({bytes(512), b"B" * 512}, tails)
        self.assertGreater(len(tails), 2, "stale data")

    def test_cut_in_the_midst_of_a_write(self):
        found = self.contents(played(), "cut", upcoming=write(0, b"B" * 4))
        self.assertEqual(found, {b"B" * count + b"A" * (2048 - count) for count in (1, 2, 3)})
        self.assertEqual(self.contents(played(), "cut", upcoming=sync()), set())

    def test_truncate(self):
        disk = played(Entry(TRUNCATE, FILE, 100, b""))
        self.assertEqual(self.contents(disk, "written"), {b"A" * 100})
        self.assertEqual(self.contents(disk, "dropped"), {b"A" * 2048})
        self.assertEqual(self.contents(disk, "torn-1"), {b"A" * 100, b"A" * 2048})

    def test_names_last_when_their_folder_is_synced(self):
        for what, entry, before, after in (
                ("created", Entry(OPEN, 5, CREATED, b"s/g"), {"s", "s/f"}, {"s", "s/f", "s/g"}),
                ("removed", Entry(UNLINK, -1, 0, b"s/f"), {"s", "s/f"}, {"s"}),
                ("renamed", Entry(RENAME, -1, 0, b"s/f\0s/h"), {"s", "s/f"}, {"s", "s/h"})):
            with self.subTest(what):
                disk = played(entry, sync())
                self.assertEqual(set(disk.image("written", None, None)), after)
                self.assertEqual(set(disk.image("dropped", None, None)), before)
                torn = {frozenset(before if image is None else image) for image in (
                    disk.image("torn-1", None, random.Random(seed)) for seed in range(ROUNDS))}
                self.assertEqual(torn, {frozenset(before), frozenset(after)})
                disk.play(sync(FOLDER))
                self.assertEqual(set(disk.image("dropped", None, None)), after)

    def test_a_folder_that_is_not_there_hides_what_is_in_it(self):
        disk = Disk()
        for entry in (Entry(MKDIR, -1, 0, b"s"), Entry(OPEN, FILE, CREATED, b"s/f"),
                      Entry(OPEN, FOLDER, 0, b"s"), write(0, b"A"), sync(), sync(FOLDER)):
            disk.play(entry)
        self.assertEqual(disk.image("dropped", None, None), {})

    def test_controls_leave_syncs_out(self):
        changes = (write(0, b"B" * 2048), sync(), write(0, b"C" * 2048), sync())
        for rule, wanted in ((LATE, b"B" * 2048), (LEFT_OUT, b"")):
            disk = played(*changes, rule=lambda name: rule if name == "s/f" else 0)
            self.assertEqual(self.contents(disk, "dropped"), {wanted})


class OneWriteOfSeveralPages(unittest.TestCase):
    def split(self, name, *writes):
        entries = [Entry(OPEN, FILE, CREATED, name.encode()), *writes]
        return [(entry.offset, len(entry.data)) for entry in page_by_page(entries)][1:]

    def test_the_log_of_sqlite_comes_in_heads_and_pages(self):
        frame = 24 + 4096
        data = random.Random(1).randbytes(32 + 2 * frame)
        self.assertEqual(self.split(LOG, write(0, data)), [
            (0, 32), (32, 24), (56, 4096), (32 + frame, 24), (56 + frame, 4096)])
        self.assertEqual(self.split(LOG, write(32 + frame, data[:frame])),
                         [(32 + frame, 24), (56 + frame, 4096)])
        self.assertEqual(self.split(LOG, write(40, data[:20])), [(40, 16), (56, 4)])
        entries = page_by_page([Entry(OPEN, FILE, CREATED, LOG.encode()), write(0, data)])
        self.assertEqual(b"".join(entry.data for entry in list(entries)[1:]), data)

    def test_other_files_as_they_are_written(self):
        self.assertEqual(self.split("s/token.db", write(0, bytes(8192))), [(0, 8192)])


class CommandLine(unittest.TestCase):
    def sweep(self, *arguments):
        return subprocess.run([sys.executable, "-B", SWEEP / "sweep.py", *arguments],
                              capture_output=True, text=True, timeout=60)

    def test_usage(self):
        for arguments in (("--only", "5:torn-1"), ("--only", "5:sideways", "--recording", "x"),
                          ("--only", "torn-1", "--recording", "x"), ("--images", "some")):
            with self.subTest(arguments):
                done = self.sweep(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn("error:", done.stderr)

    def test_a_recording_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.sweep("--only", "5:torn-1", "--recording", str(Path(folder) / "none"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("none", done.stderr)
