"""The log that recorder.c writes: one entry a call that changed the disk, and the marks."""

import struct
from collections import namedtuple

STORE = "store"     # name of the token's folder on the recorded disk
DATABASE, LOG, DEVICE_CA = (STORE + name for name in ("/token.db", "/token.db-wal",
                                                      "/device-ca.pem"))
HEAD = struct.Struct("<B3xiQII")
# Kinds of entries, as in recorder.c; the last two are the marks.
(START, OPEN, CLOSE, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR, ANSWER, BEGIN, END) = (
    b"POCWTSURMABE")
CREATED, TRUNCATED = 1, 2
LOG_HEAD, FRAME_HEAD, FRAME = 32, 24, 24 + 4096     # of SQLite's log

Entry = namedtuple("Entry", "kind fd offset data")


def read_log(path):
    raw, at, entries = path.read_bytes(), 0, []
    while at < len(raw):
        kind, fd, offset, length, _ = HEAD.unpack_from(raw, at)
        at += HEAD.size
        entries.append(Entry(kind, fd, offset, raw[at:at + length]))
        at += length
    return entries


def page_by_page(entries):
    """A commit comes to SQLite's log in one write. A kill or a power cut may come between its pages
    and their heads all the same, so that each is a write of its own here."""
    logs = set()
    for entry in entries:
        if entry.kind == OPEN:
            (logs.add if entry.data.decode() == LOG else logs.discard)(entry.fd)
        if entry.kind == WRITE and entry.fd in logs:
            yield from parts(entry)
        else:
            yield entry


def parts(entry):
    data, offset = entry.data, entry.offset
    while data:
        at = (offset - LOG_HEAD) % FRAME
        size = LOG_HEAD if offset < LOG_HEAD else (FRAME_HEAD if at < FRAME_HEAD else FRAME) - at
        yield entry._replace(offset=offset, data=data[:size])
        data, offset = data[size:], offset + size
