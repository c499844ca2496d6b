"""Judges the tests of vector files and compares with what they expect."""

from . import (attestation, device_path, encrypted_data, key_management, lookup, mac, message, pin,
               public_key, reading, response, session_key, transcript, wire)
from .verdict import Broken, Contradiction, differences

KINDS = {
    "attestation": attestation.judge,
    "device-path": device_path.judge,
    "encrypted-data": encrypted_data.judge,
    "key-management": key_management.judge,
    "lookup": lookup.judge,
    "mac": mac.judge,
    "message": message.judge,
    "pin": pin.judge,
    "public-key": public_key.judge,
    "response": response.judge,
    "session-key": session_key.judge,
    "transcript": transcript.judge,
    "wire": wire.judge,
}


class Outcome:
    """What came of one file: its groups by their type, in their order."""

    def __init__(self, path):
        self.path = str(path)
        self.kind = None
        self.error = None           # why the file cannot be read
        self.groups = {}            # name: [agreed, disagreed]
        self.disagreements = []     # (id, comment, reason)

    def count(self, group, agrees):
        self.groups.setdefault(group, [0, 0])[not agrees] += 1

    def totals(self):
        return [sum(numbers) for numbers in zip(*self.groups.values())] or [0, 0]


def judge(kind, group, test):
    """Why the checker does not agree with the test; empty if it does."""
    try:
        return differences(test["expect"], KINDS[kind](group, test))
    except Contradiction as error:
        return "contradicts itself: %s" % error
    except Broken as error:
        return "cannot be read: %s" % error
    except KeyError as error:
        return "cannot be read: %s is missing" % error
    except Exception as error:      # whatever a hostile value makes a library say
        return "cannot be read: %s: %s" % (type(error).__name__, error)


def run_file(path, wanted):
    """wanted: id of a test -> is it to be judged?"""
    outcome = Outcome(path)
    try:
        root = reading.read(path)
        outcome.kind = root["kind"]
        if outcome.kind not in KINDS:
            raise Broken("unknown kind %.40r" % outcome.kind)
    except Broken as error:
        outcome.error = str(error)
        return outcome
    except OSError as error:
        outcome.error = error.strerror
        return outcome
    for group in root["testGroups"]:
        for test in group["tests"]:
            name = "%s/%d" % (outcome.kind, test["tcId"])
            if not wanted(name):
                continue
            reason = judge(outcome.kind, group, test)
            outcome.count(group["type"], not reason)
            if reason:
                outcome.disagreements.append((name, str(test.get("comment", "")), reason))
    return outcome
