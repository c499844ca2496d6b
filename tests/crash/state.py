"""What a caller can read of a token, as a plain dictionary that compares and goes through JSON.

The same form comes from a live token (read), from the checker's description of a disk image
(of_image) and from the model of what must be there (model.Container.state).
"""

import hashlib

from rig.sks_types import INTEGERS, LENGTHS
from rig.sks_wire import METHODS, decode_answer, encode_call

COUNTERS = ("protectionStatus", "pukErrorCount", "pinErrorCount")
PIN_BLOCKED, PUK_BLOCKED = 4, 8


def _protection_offsets():
    """{field: (offset, size)} of getKeyProtectionInfo's answer, which has fixed sizes only."""
    offsets, at = {}, 1
    for name, kind, _ in METHODS["getKeyProtectionInfo"][2]:
        assert kind not in LENGTHS
        size = {"B": 1, "H": 2, "I": 4}[INTEGERS[kind][1]]
        offsets[name] = (at, size)
        at += size
    return offsets


_OFFSETS = _protection_offsets()


def split_protection(raw):
    """(the answer with its counters zeroed, {counter: value})"""
    masked, counters = bytearray(raw), {}
    for name in COUNTERS:
        at, size = _OFFSETS[name]
        counters[name] = int.from_bytes(raw[at:at + size], "big")
        masked[at:at + size] = bytes(size)
    return bytes(masked), counters


def key_state(enumerated, attributes, protection, extensions):
    masked, counters = split_protection(protection)
    return {"enumerated": enumerated.hex(), "attributes": attributes.hex(),
            "protection": masked.hex(), "extensions": extensions,
            "status": counters["protectionStatus"], "pin": counters["pinErrorCount"],
            "puk": counters["pukErrorCount"]}


def of_image(found):
    """From the checker's answer to `open`."""
    keys = {}
    for key in found["keys"]:
        enumerated = bytes.fromhex(key["enumerated"])
        handle = int.from_bytes(enumerated[1:5], "big")
        keys[handle] = key_state(enumerated, bytes.fromhex(key["attributes"]),
                                 bytes.fromhex(key["protection"]), key["extensions"])
    return {"open": found["open"], "closed": found["closed"], "keys": keys}


def _post(wire, method, **values):
    """The raw answer; raises SksError for a status other than 0."""
    raw = wire.post(encode_call(method, **values))
    decode_answer(method, raw)
    return raw


def _enumerate(wire, method, handle, **values):
    """Raw answers, to the end."""
    found, current = [], 0
    while True:
        raw = _post(wire, method, **values, **{handle: current})
        current = int.from_bytes(raw[1:5], "big")
        if current == 0:
            return found
        found.append((current, raw))


def _read_key(wire, handle, enumerated):
    attributes, protection = (_post(wire, method, keyHandle=handle)
                              for method in ("getKeyAttributes", "getKeyProtectionInfo"))
    types = decode_answer("getKeyAttributes", attributes).type
    return key_state(enumerated, attributes, protection, [
        hashlib.sha256(_post(wire, "getExtension", keyHandle=handle, type=type)).hexdigest()
        for type in types])


def read(wire):
    """From a live token."""
    sessions = {name: [raw.hex() for _, raw in _enumerate(
        wire, "enumerateProvisioningSessions", "provisioningHandle", provisioningState=is_open)]
        for name, is_open in (("open", True), ("closed", False))}
    return {**sessions, "keys": {handle: _read_key(wire, handle, raw) for handle, raw
                                 in _enumerate(wire, "enumerateKeys", "keyHandle")}}


FIXED = ("enumerated", "attributes", "protection", "extensions")


def difference(found, wanted):
    """"" if both are the same but for the counters, else what differs first, in words."""
    for name in ("open", "closed"):
        if found[name] != wanted[name]:
            return "%s sessions %s, not %s" % (name, _handles(found[name]), _handles(wanted[name]))
    if found["keys"].keys() != wanted["keys"].keys():
        return "keys %s, not %s" % (sorted(found["keys"]), sorted(wanted["keys"]))
    for handle, key in found["keys"].items():
        for name in FIXED:
            if key[name] != wanted["keys"][handle][name]:
                return "%s of key %d" % (name, handle)
    return ""


def _handles(sessions):
    return [int(raw[2:10], 16) for raw in sessions]
