"""A token's secrets, read from its store with its master key, and what its memory holds of them."""

import hmac
from pathlib import Path

from .sealed_rows import DEVICE, SealedRows, master_key
from .sks_types import Reader

REGION_MAX = 1 << 28     # larger ones are a sanitizer's books


def _device_numbers(store, master):
    """The private numbers of the device key: of EC the scalar, of RSA d and all behind it."""
    rows = SealedRows(store, master)
    reader = Reader(rows.clear(rows.get(DEVICE, DEVICE)))
    reader.value("byte")
    numbers = Reader(reader.value("byte[]")[1:])
    found = []
    while numbers.raw:
        found.append(numbers.value("byte[]"))
    return found[1:] if len(found) == 2 else found[2:]


def secrets_of(store, master=None):
    """{name: bytes} of what a token with that store must have in its memory to work. Nobody may
    have the store open."""
    master = master or master_key(store)
    labels = {"sealing key": b"SealKey", "key of the candidates": b"CandidateKey",
              "key of the backups": b"BackupKey"}
    secrets = {name: hmac.digest(master, label, "sha256") for name, label in labels.items()}
    for number, octets in enumerate(_device_numbers(store, master)):
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
