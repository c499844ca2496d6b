"""The rows of a token's store, by Python's own SQLite and AES: read with its master key, altered
like somebody with the disk in hand, or forged like somebody with the key too. Nobody may have the
store open."""

import hmac
import sqlite3
import struct
from contextlib import contextmanager
from types import SimpleNamespace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .sks_types import encode

DEVICE, SESSION, PUK, PIN_POLICY, PIN, KEY, EXTENSION, POST, FIRMWARE = range(1, 10)
COLUMNS = ("kind", "handle", "owner", "refers", "closed", "name", "tag", "body")
NONCE = bytes(12)


def seal_key(master):
    return hmac.digest(master, b"SealKey", "sha256")


def master_key(store):
    return bytes.fromhex((store / "master.key").read_text().strip())


def _identity(row):
    numbers = (row.kind, row.handle, row.owner, row.refers, row.closed)
    return struct.pack(">BIIIB", *numbers) + encode("byte[]", row.name) + encode("byte[]", row.tag)


class SealedRows:
    def __init__(self, store, master=None):
        self.path = store / "token.db"
        self.key = AESGCM(seal_key(master or master_key(store)))

    @contextmanager
    def database(self):
        database = sqlite3.connect(self.path)
        try:
            with database:
                yield database
        finally:
            database.close()

    def run(self, sql, *values):
        """Runs one statement, which must change something."""
        with self.database() as database:
            changed = database.execute(sql, values).rowcount
        if changed < 1:
            raise AssertionError("nothing changed: " + sql)

    def select(self, where="1", *values):
        """The rows as they lie there."""
        with self.database() as database:
            found = database.execute("SELECT %s FROM object WHERE %s ORDER BY kind, handle"
                                     % (", ".join(COLUMNS), where), values).fetchall()
        return [SimpleNamespace(**dict(zip(COLUMNS, row))) for row in found]

    def get(self, kind, handle):
        (row,) = self.select("kind = ? AND handle = ?", kind, handle)
        return row

    def put(self, row):
        """A row as it lay there once."""
        self.run("INSERT OR REPLACE INTO object (%s) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                 % ", ".join(COLUMNS), *(getattr(row, column) for column in COLUMNS))

    def delete(self, kind, handle):
        self.run("DELETE FROM object WHERE kind = ? AND handle = ?", kind, handle)

    def clear(self, row):
        """The body, unsealed."""
        return self.key.decrypt(row.body[:12], row.body[12:], _identity(row))

    def forge(self, row, clear=None, **columns):
        """Puts a row with another body or other columns, sealed as the token would."""
        clear = self.clear(row) if clear is None else clear
        forged = SimpleNamespace(**{**vars(row), **columns})
        forged.body = NONCE + self.key.encrypt(NONCE, clear, _identity(forged))
        self.put(forged)
        return forged
