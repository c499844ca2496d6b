"""A disk under a recorded log: what may be on it when the power fails at a point.

What a program wrote and did not sync may be there in part, torn at the sectors of 512 bytes, out of
order, or not at all; so may new, changed and removed names until their folder is synced. What was
synced is there. A write never alters bytes beside it (SQLite's "powersafe overwrite").
"""

import os
from pathlib import PurePosixPath

from log import (CLOSE, CREATED, MKDIR, OPEN, RENAME, START, SYNC, TRUNCATE, TRUNCATED, UNLINK,
                 WRITE)

SECTOR = 512
# written: all of it, as after kill -9; cut: and a part of the write that was next; dropped: what
# was synced; torn: any sectors of what was not; reordered: some writes, in any order.
VARIANTS = ("written", "cut", "dropped", "torn-1", "torn-2", "reordered-1", "reordered-2")


# What becomes of a sync. The controls leave some out: LATE ones do what the one before should have.
DONE, LATE, LEFT_OUT = range(3)


class File:
    def __init__(self):
        self.synced = bytearray()
        self.live = bytearray()
        self.pending = []   # (offset, data), or (size, None) of a truncate, in order
        self.late = 0       # so many of them a late sync will do

    def write(self, offset, data):
        put(self.live, offset, data)
        self.pending.append((offset, data))

    def truncate(self, size):
        resize(self.live, size)
        self.pending.append((size, None))

    def sync(self, rule):
        count = self.late if rule == LATE else len(self.pending)
        for change in self.pending[:count]:
            apply(self.synced, change)
        self.pending = self.pending[count:]
        self.late = len(self.pending)


def put(content, offset, data):
    if offset > len(content):
        resize(content, offset)
    content[offset:offset + len(data)] = data


def resize(content, size):
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def apply(content, change):
    where, data = change
    if data is None:
        resize(content, where)
    else:
        put(content, where, data)


def sectors(offset, data):
    """A write as the parts that can be torn from each other."""
    end = offset + len(data)
    at = offset
    while at < end:
        up_to = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, data[at - offset:up_to - offset]
        at = up_to


class Disk:
    def __init__(self, rule=lambda name: DONE):
        """rule(name) says what becomes of the syncs of that file or folder."""
        self.rule = rule
        self.names, self.synced_names = {}, {}      # name: File, or None for a folder
        self.pending_names = []     # [(folder, name, old name or None, File), ...], in order
        self.open = {}              # descriptor: name at its opening, File

    # The log

    def play(self, entry):
        if entry.kind == START:
            self.open = {}
        elif entry.kind == OPEN:
            self._open(entry.fd, entry.data.decode(), entry.offset)
        elif entry.kind == CLOSE:
            del self.open[entry.fd]
        elif entry.kind == WRITE:
            self.open[entry.fd][1].write(entry.offset, entry.data)
        elif entry.kind == TRUNCATE:
            self.open[entry.fd][1].truncate(entry.offset)
        elif entry.kind == SYNC:
            self._sync(*self.open[entry.fd])
        elif entry.kind == MKDIR:
            self._link(entry.data.decode(), None)
        elif entry.kind == UNLINK:
            self._unlink(entry.data.decode())
        elif entry.kind == RENAME:
            self._rename(*entry.data.decode().split("\0"))

    def _open(self, fd, name, flags):
        if flags & CREATED:
            self._link(name, File())
        file = self.names.get(name)
        if file is not None and flags & TRUNCATED and file.live:
            file.truncate(0)
        self.open[fd] = name, file

    def _link(self, name, file, old=None):
        if name == "":
            return      # the disk itself
        self.names[name] = file
        self.pending_names.append((folder_of(name), name, old, file))

    def _unlink(self, name):
        if self.names.pop(name, None) is not None:      # else a socket
            self.pending_names.append((folder_of(name), None, name, None))

    def _rename(self, old, new):
        self._link(new, self.names.pop(old), old)

    def _sync(self, name, file):
        rule = self.rule(name)
        if rule == LEFT_OUT:
            return
        if file is not None:
            file.sync(rule)
            return
        for change in self.pending_names:
            if change[0] == name:
                rename(self.synced_names, change)
        self.pending_names = [change for change in self.pending_names if change[0] != name]

    # Images

    def image(self, variant, upcoming, rng):
        """{name: content, None for a folder}; None if the variant is as another one here."""
        kind = variant.split("-")[0]
        if kind in ("written", "cut"):
            names = self.names
            content = {name: file and file.live for name, file in names.items()}
            return content if kind == "written" else self._cut(content, upcoming, rng)
        names = self._some_names(kind, rng)
        if kind != "dropped" and names == self.synced_names and not any(
                file.pending for file in names.values() if file):
            return None     # nothing is pending: as `dropped`
        make = {"dropped": lambda file: file.synced, "torn": lambda file: torn(file, rng),
                "reordered": lambda file: reordered(file, rng)}[kind]
        return {name: file and make(file) for name, file in names.items()
                if is_reachable(name, names)}

    def _cut(self, content, upcoming, rng):
        if upcoming is None or upcoming.kind != WRITE or len(upcoming.data) < 2:
            return None
        name, file = self.open[upcoming.fd]
        if self.names.get(name) is not file:
            return None
        half = bytearray(file.live)
        put(half, upcoming.offset, upcoming.data[:rng.randrange(1, len(upcoming.data))])
        return {**content, name: half}

    def _some_names(self, kind, rng):
        names = dict(self.synced_names)
        for change in self.pending_names:
            if kind != "dropped" and rng.random() < 0.5:
                rename(names, change)
        return names


def folder_of(name):
    folder = str(PurePosixPath(name).parent)
    return "" if folder == "." else folder


def rename(names, change):
    _, name, old, file = change
    if old is not None:
        names.pop(old, None)
    if name is not None:
        names[name] = file


def is_reachable(name, names):
    return folder_of(name) == "" or folder_of(name) in names


def torn(file, rng):
    """Any sectors. Where the size grew without the data, zeros stand, or what was there before."""
    content, chance = bytearray(file.synced), rng.choice((0.1, 0.5, 0.9))
    stale = rng.random() < 0.5
    for where, data in file.pending:
        if data is None:
            if rng.random() < chance:
                resize(content, where)
            continue
        for part in sectors(where, data):
            if rng.random() < chance:
                put(content, *part)
            elif stale and part[0] >= len(content):
                put(content, part[0], rng.randbytes(len(part[1])))
    return content


def reordered(file, rng):
    """Some of the writes, whole, the later ones perhaps first."""
    content = bytearray(file.synced)
    some = rng.sample(file.pending, rng.randrange(len(file.pending) + 1))
    for change in some:
        apply(content, change)
    return content


def write_image(folder, content):
    """Writes an image as files, in place of what was there."""
    for root, folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.unlink(os.path.join(root, name))
        for name in folders:
            os.rmdir(os.path.join(root, name))
    for name in sorted(content):
        path = os.path.join(folder, name)
        if content[name] is None:
            os.mkdir(path, 0o700)
            continue
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0) as file:
            file.write(content[name])
