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

from rig import constructs, firmware, profile_2010, sks_wire  # noqa: E402
from rig.keycase import PREFIX  # noqa: E402
from rig.sks_types import from_base64url  # noqa: E402

MESSAGES = ["InvocationRequest", "InvocationResponse", "ProvisioningInitializationRequest",
            "ProvisioningInitializationResponse", "KeyCreationRequest", "KeyCreationResponse",
            "ProvisioningFinalizationRequest", "ProvisioningFinalizationResponse",
            "CredentialDiscoveryRequest", "CredentialDiscoveryResponse"]


def write(target, name, data):
    folder = ROOT / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


# What a session of the 2010 profile has otherwise; None: not at all.
OF_2010 = {
    "ProvisioningInitializationRequest": {
        "sessionKeyAlgorithm": "urn:sks:2010:session.rsa", "sessionKeyLimit": 65535,
        "serverEphemeralKey": None, "keyManagementKey": None, "updatableKeyManagementKeys": None,
        "serverPublicKey": {"kty": "RSA", "e": "AQAB", "n": "w" + "A" * 340 + "Q"}},
    "ProvisioningInitializationResponse": {
        "clientEphemeralKey": None, "encryptedSessionKey": "A" * 342}}


def messages():
    for path in sorted((TESTS / "kat" / "transcripts").glob("*.json")):
        for message in json.loads(path.read_text())["messages"]:
            kind = MESSAGES.index(message["type"])
            write("message", "%s-%d" % (path.stem, kind),
                  bytes([kind]) + message["body"].encode())
    data = json.loads((TESTS / "data" / "messages.json").read_text())
    for name, message in data["messages"].items():
        kind = MESSAGES.index(name)
        write("message", "whole-%d" % kind, bytes([kind]) + json.dumps(message).encode())
    for name, changes in OF_2010.items():
        message = {key: changes.get(key, value)
                   for key, value in {**data["messages"][name], **changes}.items()
                   if changes.get(key, value) is not None}
        kind = MESSAGES.index(name)
        write("message", "2010-%d" % kind, bytes([kind]) + json.dumps(message).encode())


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


EXPRESSIONS = (
    r"\Qjohn.doe@example.com\E", r"CN=(Alice|Bob),O=[^,]+", r"(?i:cn)=\p{Lu}\p{Lower}*+,.*",
    r"(?<n>x)\k<n>\1", r"[\w.\-\x41\u00e5]+@(?!b)(?>c)(?<=d).{2,3}?", r"(((.+)+)+)+[QX]",
    r"(.*,)?(.*)*(.*)*Q", r"(?:.?.?){60}[QX]", r"\p{Punct}\P{L}[^\p{Digit}\QE]\E]", r"(?R)",
    r"(*ACCEPT)", r"[a&&b]", r"(a{1000}){1000}", r"^$\b\B\A\z\Z\R\h\v")


def filters(known):
    """An expression, a name and a path; the names and the path of the other known answers."""
    names = json.loads((TESTS / "kat" / "principal-names.json").read_text())["principalName"]
    certificate = bytes.fromhex(next(entry["deviceId"] for entry in known["sessionAttestation"]
                                     if entry["kind"] != "HMAC"))
    for count, entry in enumerate(names):
        expression = EXPRESSIONS[count % len(EXPRESSIONS)].encode()
        write("filter", "seed-%d" % count, array(expression) + array(bytes.fromhex(entry["name"]))
              + b"\1" + array(certificate))


def configurations():
    write("config", "usual", b"# issuer\ndata = /var/lib/sks\nhttps = 0.0.0.0:8443\n"
          b'trust = "a b"\nverbose = true\n')
    write("config", "quote", b'data = "x\n= y\n')
    write("config", "binary", b"a\xff=\0\n")


def profiles():
    """The shipped ones."""
    for path in sorted((TESTS.parent / "issuer" / "profiles").glob("*.json")):
        if path.name != "profile.schema.json":
            write("profile", path.stem, path.read_bytes())


SAMPLE = {"byte": 1, "bool": 1, "ushort": 300, "uint": 7}


def sample(kind):
    if kind in SAMPLE:
        return SAMPLE[kind]
    return b"ab" if kind in ("byte[]", "blob") else "ab"


def calls():
    """One well-formed request a method; the tables of the wire client say what it takes."""
    create = profile_2010.METHODS_2010["createProvisioningSession"]
    for table in (sks_wire.METHODS, {"createProvisioningSession": create}):
        for name, (number, inputs, _) in table.items():
            values = {}
            for field, kind, many in inputs:
                values[field] = [sample(kind)] * 2 if many else sample(kind)
            write("call", "request-%d" % number, sks_wire.encode_call(name, table, **values))


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
# The steps of fuzz_session: their place in the tables of support/issuer_session.c and issuer_key.c.
SESSION, PUK, PIN, CLOSE, ABORT, KEY_HANDLE, ROLL_OVER, KEY, PATH, SYMMETRIC, PRIVATE, EXTENSION, \
    DELETE, UNLOCK, UPDATE, CLONE, USER = range(17)
ALTER_BEFORE, ALTER_BEHIND = 32, 128
NEW_KEY = [KEY, 0, 0, 0, 0, 0, 0]
PROGRAMS = {
    "close": [CLOSE, 0],
    "session": [SESSION, 0, *NEW_KEY, PATH, 0, 2, CLOSE, 2],
    "policies": [PUK, 0, 0, PIN, 0, 1, 4, KEY, 0, 1, 0, 9, 0, 0, PATH, 0, 2, CLOSE, 0],
    "preset-pin": [PIN, 0, 0, 1, KEY, 0, 1, 0, 0, 0, 0, PATH, 0, 2, CLOSE, 0],
    "symmetric": [SYMMETRIC, 1, 0, CLOSE, 0],
    "private": [*NEW_KEY, PATH, 6, 2, PRIVATE, 0, 2, CLOSE, 0],
    "extensions": [EXTENSION, 0, 0, 0, 0, EXTENSION, 0, 1, 1, 0, EXTENSION, 0, 2, 3, 0, CLOSE, 0],
    "delete": [DELETE, 0, 0, DELETE, 0, 1, CLOSE, 0],
    "unlock": [UNLOCK, 0, 0, CLOSE, 0],
    "update": [UPDATE, 1, 2, CLOSE, 0],
    "clone": [CLONE, 1, 0, CLOSE, 0],
    "twice-used": [CLONE, 1, 0, UPDATE, 1, 0],
    "private-delete": [DELETE, 1, 4, CLOSE, 1],
    "abort": [ABORT, 0, CLOSE, 0],
    "handle": [KEY_HANDLE, 0, CLOSE, 0],
    "roll-over": [ROLL_OVER, 0, 1, ROLL_OVER, 0, 0],
    "wrong-mac": [CLOSE + ALTER_BEHIND, 0, 2, 3, 0, 0],
    "wrong-nonce": [CLOSE + ALTER_BEFORE, 0, 1, 0],
    "wrong-puk": [PUK + ALTER_BEFORE, 0, 0, 2, 1, 0],
    "wrong-path": [PATH + ALTER_BEHIND, 0, 0, 1, 3, 0, 3, 9, 1],
}


# Calls that succeed: what is read for the fields, in their order. An algorithm by its place in
# keygen2/crypto/algorithms.c; the rest by the places in support/user.c.
PIN_4711, NO_PIN, PUK_VALUE = range(3)
EC_KEY, _, AES_KEY, RSA_KEY = range(4)
CALLS = {
    "signHashedData": ([EC_KEY, 19, 0, 0, PIN_4711, 0], [RSA_KEY, 16, 0, 0, NO_PIN, 0]),
    "asymmetricKeyDecrypt": ([RSA_KEY, 24, 0, 0, NO_PIN, 6],),
    "keyAgreement": ([EC_KEY, 27, 0, 0, PIN_4711, 0],),
    "performHmac": ([AES_KEY, 29, 0, 0, NO_PIN, 0],),
    "symmetricKeyEncrypt": ([AES_KEY, 32, 1, 0, 0, NO_PIN, 0], [AES_KEY, 32, 0, 0, 0, NO_PIN, 9],
                            [AES_KEY, 36, 0, 0, 0, NO_PIN, 9]),
    "deleteKey": ([AES_KEY, NO_PIN], [EC_KEY, PUK_VALUE]),
    "unlockKey": ([EC_KEY, PUK_VALUE],),
    "setPin": ([EC_KEY, PUK_VALUE, 1],),
}


def sessions():
    for name, program in PROGRAMS.items():
        write("session", name, bytes(program))
    sign = [USER, list(sks_wire.METHODS).index("signHashedData"), 0, *CALLS["signHashedData"][0]]
    write("session", "sign-update-sign", bytes([*sign, UPDATE, 1, 0, CLOSE, 0, *sign]))
    for place, name in enumerate(sks_wire.METHODS):
        calls_made = CALLS.get(name, ([0],))
        write("session", "user-" + name,
              b"".join(bytes([USER, place, 0, *fields]) for fields in calls_made))
    create = [USER, len(sks_wire.METHODS), 0, 0, 0, 4, *b"http", 0, 0]
    write("session", "user-createSession2010", bytes([*create, KEY, 2, 0, 0, 0, 0, 0, PATH, 0, 2,
                                                      CLOSE, 2]))


OPERATIONS = {"flip": {"bit": 3}, "replace": {"value": [1]}, "insert": {"name": "n", "value": {}},
              "truncate": {"bytes": 2}, "extend": {"bytes": 2}, "own-key": {"path": "/k"}}
OF_VALUES = (*OPERATIONS, "empty", "delete", "duplicate", "swap", "shift", "type", "zero",
             "increment", "decrement", "maximum", "invert", "splice", "re-encrypt")
OF_MESSAGES = {"drop": {}, "delay": {"seconds": 1}, "repeat": {}, "reflect": {}, "replay": {},
               "forge": {"value": {"status": 0}}}


def attacks():
    """Each operation on a JSON message, and on a call."""
    key = constructs.to_jwk(PRIVATE_KEYS["p256"].public_key())
    message = json.dumps({"@qualifier": "M", "a": "AQID", "b": "x", "c": 1, "d": True,
                          "l": [1, "AQID"], "k": key}).encode()
    call = bytes([3]) + struct.pack(">I", 7) + array(b"nonce") + array(b"mac")
    for count, name in enumerate(OF_VALUES):
        path = {"path": "/" + "abcdl"[count % 5]}
        rule = {"message": "M", "hop": "issuer", "operation": name, **path,
                **OPERATIONS.get(name, {})}
        write("attack", "json-" + name, json.dumps({"rules": [rule]}).encode() + 2 * (
            b"\0j" + message))
        rule.update(hop="token", message="closeProvisioningSession",
                    path="/" + ("nonce", "mac", "provisioningHandle")[count % 3])
        write("attack", "call-" + name, json.dumps({"rules": [rule]}).encode() + b"\0o" + call)
    for name, more in OF_MESSAGES.items():
        rule = {"hop": "token", "message": "closeProvisioningSession", "operation": name, **more}
        write("attack", "whole-" + name, json.dumps({"rules": [rule]}).encode() + b"\0o" + call)


def transcripts():
    """What a relay writes: a request and its answer of either hop."""
    both = {"time": "2026-01-31T12:00:00.000000Z", "connection": 1, "exchange": 1}
    request = {**both, "direction": "request", "method": "POST", "target": "/sks"}
    answer = {**both, "direction": "answer", "status": 200, "headers": [
        {"name": "Content-Type", "value": "application/octet-stream"}]}
    token = {"hop": "token", "name": "abortProvisioningSession"}
    lines = [{**request, **token, "body": "BQAAAAE", "decoded": {"provisioningHandle": 1}},
             {**answer, **token, "body": "AA", "decoded": {"status": 0}}]
    issuer = {"hop": "issuer", "name": "InvocationRequest", "cut": True, "altered": "flip /a bit 1"}
    write("transcript", "calls", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    write("transcript", "message", json.dumps({**answer, **issuer, "decoded": {"a": [None]}})
          .encode())


if __name__ == "__main__":
    KNOWN = json.loads((TESTS / "kat" / "constructs.json").read_text())
    messages()
    keys(KNOWN)
    certificates(KNOWN)
    filters(KNOWN)
    profiles()
    configurations()
    attacks()
    transcripts()
    calls()
    updates()
    sessions()
