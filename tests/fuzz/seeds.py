#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets to tests/fuzz/corpus from the known answers and fixtures."""

import json
import pathlib
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = pathlib.Path(__file__).resolve().parent
TESTS = ROOT.parent
sys.path.insert(0, str(TESTS / "integration"))

from rig import firmware, sks_wire  # noqa: E402
from rig.keycase import PREFIX  # noqa: E402

MESSAGES = ["InvocationRequest", "InvocationResponse", "ProvisioningInitializationRequest",
            "ProvisioningInitializationResponse", "KeyCreationRequest", "KeyCreationResponse",
            "ProvisioningFinalizationRequest", "ProvisioningFinalizationResponse"]


def write(target, name, data):
    folder = ROOT / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def messages():
    for path in sorted((TESTS / "kat" / "transcripts").glob("*.json")):
        for message in json.loads(path.read_text())["messages"]:
            if message["type"] in MESSAGES:
                kind = MESSAGES.index(message["type"])
                write("message", "%s-%d" % (path.stem, kind),
                      bytes([kind]) + message["body"].encode())


def keys():
    known = json.loads((TESTS / "kat" / "constructs.json").read_text())
    for number, entry in enumerate(known["jwk"]):
        write("key", "spki-%d" % number, b"\0" + bytes.fromhex(entry["spki"]))
    certificates = {entry["deviceId"] for entry in known["sessionAttestation"]
                    if entry["kind"] != "HMAC"}
    for number, certificate in enumerate(sorted(certificates)):
        write("key", "certificate-%d" % number, b"\1" + bytes.fromhex(certificate))


SAMPLE = {"byte": 1, "bool": 1, "ushort": 300, "uint": 7}


def sample(kind):
    if kind in SAMPLE:
        return SAMPLE[kind]
    return b"ab" if kind in ("byte[]", "blob") else "ab"


def calls():
    """One well-formed request a method; the tables of the wire client say what it takes."""
    for name, (number, inputs, _) in sks_wire.METHODS.items():
        values = {}
        for field, kind, many in inputs:
            values[field] = [sample(kind)] * 2 if many else sample(kind)
        write("call", "request-%d" % number, sks_wire.encode_call(name, **values))


def updates():
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    some = [PREFIX + "ed25519", PREFIX + "none"]
    for number, properties in enumerate((
            {}, {"description": "x", "algorithms": some},
            {"limits": {"maxSessionLifeTime": 1, "maxPinRetryLimit": 10000}},
            {"limits": {"maxPukRetryLimit": 1, "minPinLength": 128}})):
        text = firmware.policy(number + 1, **properties)
        write("firmware", "policy-%d" % number, b"\1" + text)
        for index, chunk in enumerate(firmware.chunks(key, text, number + 1)):
            write("firmware", "chunk-%d-%d" % (number, index), b"\0" + chunk)


if __name__ == "__main__":
    messages()
    keys()
    calls()
    updates()
