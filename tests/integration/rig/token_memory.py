"""A token's secrets, read from its store with its master key, and what its memory holds of them."""

import hmac
import sqlite3
import struct
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .sks_types import Reader, encode

DEVICE = 1      # kind of a row, and the handle of the device's key and certificate
REGION_MAX = 1 << 28     # larger ones are a sanitizer's books
COLUMNS = "kind, handle, owner, refers, closed, name, tag, body"


def _unseal(key, row):
    *numbers, name, tag, body = row
    identity = struct.pack(">BIIIB", *numbers) + encode("byte[]", name) + encode("byte[]", tag)
    return AESGCM(key).decrypt(body[:12], body[12:], identity)


def _device_numbers(key, store):
    """The private numbers of the device key: of EC the scalar, of RSA d and all behind it."""
    database = sqlite3.connect(store / "token.db")
    row = database.execute("SELECT %s FROM object WHERE kind = ? AND handle = ?" % COLUMNS,
                           (DEVICE, DEVICE)).fetchone()
    database.close()
    reader = Reader(_unseal(key, row))
    reader.value("byte")
    numbers = Reader(reader.value("byte[]")[1:])
    found = []
    while numbers.raw:
        found.append(numbers.value("byte[]"))
    return found[1:] if len(found) == 2 else found[2:]


def secrets_of(store, master=None):
    """{name: bytes} of what a token with that store must have in its memory to work. Nobody may
    have the store open."""
    if master is None:
        master = bytes.fromhex((store / "master.key").read_text().strip())
    seal, mac = (hmac.digest(master, label, "sha256") for label in (b"SealKey", b"CandidateKey"))
    secrets = {"sealing key": seal, "key of the candidates": mac}
    for number, octets in enumerate(_device_numbers(seal, store)):
        secrets["device key, number %d" % number] = octets[::-1]     # as OpenSSL keeps it
    return secrets


def master_key_forms(master):
    """What should be nowhere in a token's memory at all, or only in its environment."""
    return {"master key": master, "master key in hexadecimal": master.hex().encode()}


def found_in_memory(pid, secrets):
    """The names of those that are somewhere in what the process may write."""
    found = set()
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for line in Path("/proc/%d/maps" % pid).read_text().splitlines():
            region, access = line.split()[:2]
            if not access.startswith("rw"):
                continue
            start, end = (int(address, 16) for address in region.split("-"))
            if end - start > REGION_MAX:
                continue
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError:
                continue        # a region of the kernel's own
            found |= {name for name, secret in secrets.items() if secret in content}
    return found
