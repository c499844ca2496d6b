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

sys.path.insert(0, str(TESTS / "kat"))

import fixed_keys  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402
from cryptography.hazmat.primitives.serialization import (  # noqa: E402
    Encoding, NoEncryption, PrivateFormat)

from rig import constructs, firmware, sks_wire  # noqa: E402
from rig.keycase import PREFIX  # noqa: E402
from rig.sks_types import from_base64url  # noqa: E402

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


def array(data):
    return struct.pack(">H", len(data)) + data


def number(value):
    return array(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def stored(key):
    """A private key as the token keeps it: its kind, then its numbers."""
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return b"\1" + b"".join(map(number, (n.public_numbers.n, n.public_numbers.e, n.d, n.p, n.q,
                                             n.dmp1, n.dmq1, n.iqmp)))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        scalar = key.private_numbers().private_value.to_bytes(size, "big")
        return b"\2" + array(constructs.spki(key.public_key())) + array(scalar)
    return b"\3" + array(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


PRIVATE_KEYS = {"rsa": fixed_keys.rsa_key(fixed_keys.RSA_DEVICE),
                "p256": fixed_keys.ec_key("fuzz", ec.SECP256R1()),
                "p521": fixed_keys.ec_key("fuzz", ec.SECP521R1()),
                "ed25519": fixed_keys.ed25519_key("fuzz")}


def keys(known):
    for count, entry in enumerate(known["jwk"]):
        write("key", "spki-%d" % count, b"\0" + bytes.fromhex(entry["spki"]))
    for name, key in PRIVATE_KEYS.items():
        write("key", "stored-" + name, b"\1" + stored(key))


def certificates(known):
    paths = [[certificate] for certificate in sorted(
        {bytes.fromhex(entry["deviceId"]) for entry in known["sessionAttestation"]
         if entry["kind"] != "HMAC"})]
    for path in sorted((TESTS / "kat" / "transcripts").glob("*.json")):
        for message in json.loads(path.read_text())["messages"]:
            body = json.loads(message["body"])
            paths += [[from_base64url(der) for der in credential["certificatePath"]]
                      for credential in body.get("issuedCredentials", [])]
    ca = fixed_keys.rsa_key(fixed_keys.RSA_CA).public_key()
    paths.append([fixed_keys.certificate("End entity", PRIVATE_KEYS["p256"].public_key()),
                  fixed_keys.certificate("Known Answer CA", ca)])
    for count, path in enumerate(paths):
        write("certificate", "path-%d" % count,
              b"\0" + bytes([len(path)]) + b"".join(map(array, path)))
    for name, key in PRIVATE_KEYS.items():
        write("certificate", "pkcs8-" + name, b"\1" + constructs.pkcs8(key))


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
    KNOWN = json.loads((TESTS / "kat" / "constructs.json").read_text())
    messages()
    keys(KNOWN)
    certificates(KNOWN)
    calls()
    updates()
