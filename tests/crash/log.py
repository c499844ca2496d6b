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

Entry = namedtuple("Entry", "kind fd offset data")


def read_log(path):
    raw, at, entries = path.read_bytes(), 0, []
    while at < len(raw):
        kind, fd, offset, length, _ = HEAD.unpack_from(raw, at)
        at += HEAD.size
        entries.append(Entry(kind, fd, offset, raw[at:at + length]))
        at += length
    return entries
