"""A profile of the issuer as the tests read it: keys, their policies, groups of PINs, lookups."""

import itertools
import json
import re
from dataclasses import dataclass
from functools import cached_property

from .constructs import SESSION_1
from .constructs_2010 import SESSION_2010
from .processes import PROFILES
from .sks_types import from_base64url

DIGITS = "4718205936"       # no digit twice, no sequence
PIN_START = {"numeric": "", "alphanumeric": "A", "string": "Aa-", "binary": ""}
# What in a profile is for the issuer alone; all else goes into the messages as it is.
OF_ISSUER = {
    "puk": {"puk", "pinPolicySpecifiers"},
    "pin": {"userDefined", "keyEntrySpecifiers"},
    "key": {"pin", "certificate", "trustAnchor", "importSymmetricKey", "importPrivateKey",
            "extensions", "encryptedExtensions", "propertyBags", "logotypes", "updateKey",
            "cloneKeyProtection"}}
TARGETS = ("updateKey", "cloneKeyProtection")


@dataclass
class Wanted:
    """A key as the profile asks for it, with the policies above it."""
    key: dict
    pin: dict = None
    puk: dict = None

    @property
    def id(self):
        return self.key["id"]

    @property
    def user_pin(self):
        return self.pin is not None and self.pin.get("userDefined", True)

    def group(self):
        """Keys of one policy with equal groups share their PIN."""
        usage = self.key["appUsage"]
        return {"none": self.id, "shared": "", "unique": usage,
                "signature+standard": usage == "signature"}[self.pin.get("grouping", "none")]


def sent(kind, spec):
    return {name: value for name, value in spec.items() if name not in OF_ISSUER[kind]}


def a_pin(policy, number):
    """The number-th PIN of a user, as typed and as bytes."""
    text = PIN_START[policy["format"]] + DIGITS[number:] + DIGITS[:number]
    length = max(policy["minLength"], min(policy["maxLength"], len(text) // 2 + 1))
    if policy["format"] == "binary":
        raw = (text * 2)[:2 * length]
        return raw, bytes.fromhex(raw)
    return text[:length], text[:length].encode()


class Profile:
    def __init__(self, name):
        self.name = name
        self.json = json.loads((PROFILES / (name + ".json")).read_text())

    @property
    def is_2010(self):
        return self.get("session") == "2010"

    @property
    def session_algorithm(self):
        return SESSION_2010 if self.is_2010 else SESSION_1

    @property
    def is_managed(self):
        """Its keys can be managed later."""
        return self.get("keyManagementKey", not self.is_2010)

    def get(self, name, default=None):
        return self.json.get(name, default)

    @cached_property
    def keys(self):
        """In the order of their creation."""
        found = []
        for puk in self.get("pukPolicySpecifiers", []) + [None]:
            for pin in (puk or self.json).get("pinPolicySpecifiers", []):
                found += [Wanted(key, pin, puk) for key in pin["keyEntrySpecifiers"]]
        return found + [Wanted(key) for key in self.get("keyEntrySpecifiers", [])]

    def user_pins(self):
        """[as typed] in the order in which they are asked for, {key id: PIN}."""
        typed, groups, pins = [], {}, {}
        for wanted in self.keys:
            if wanted.user_pin:
                group = (wanted.pin["id"], wanted.group())
                if group not in groups:
                    text, groups[group] = a_pin(wanted.pin, len(typed))
                    typed.append(text)
                pins[wanted.id] = groups[group]
        return typed, pins

    def extensions(self, key):
        """[(list in the profile, object, bytes)] of a key, in the order of addExtension."""
        return [(name, item, self._data(name, item))
                for name in ("extensions", "encryptedExtensions", "propertyBags", "logotypes")
                for item in key.get(name, ())]

    @staticmethod
    def _data(name, item):
        if name == "propertyBags":
            return item["properties"]
        if "file" in item:
            return (PROFILES / item["file"]).read_bytes()
        return from_base64url(item["extensionData"])

    def targets(self):
        """{lookup id: how its keys are used}, of those that are used."""
        uses = [(key.key[name]["lookup"], name) for key in self.keys
                for name in TARGETS if name in key.key]
        uses += [(item["lookup"], name) for name in ("unlockKeys", "deleteKeys")
                 for item in self.get(name, ())]
        found = {}
        for lookup, use in uses:
            found.setdefault(lookup, set()).add(use)
        return found

    def lookup(self, lookup_id):
        return next(item for item in self.get("lookupSpecifiers") if item["id"] == lookup_id)

    def found_by(self, lookup_id, wanted):
        """Whether the lookup finds such a key, by what a profile says of one."""
        search = self.lookup(lookup_id).get("searchFilter", {})
        certificate = wanted.key["certificate"]
        rules = {"keyUsageRules": certificate["keyUsage"], "extendedKeyUsageRules": [
            {"clientAuth": "1.3.6.1.5.5.7.3.2", "emailProtection": "1.3.6.1.5.5.7.3.4"}.get(x, x)
            for x in certificate.get("extendedKeyUsage", ())]}
        conditions = {
            "subjectRegEx": lambda value: re.fullmatch(value, certificate["subject"]),
            "appUsage": lambda value: value == wanted.key["appUsage"],
            "grouping": lambda value: wanted.pin and value == wanted.pin.get("grouping", "none"),
            "issuerRegEx": lambda value: True, "issuedAfter": lambda value: True,
            "issuedBefore": lambda value: True}
        for name, value in search.items():
            if name in rules:
                if not rules[name] or any((rule.lstrip("-") in rules[name])
                                          == rule.startswith("-") for rule in value):
                    return False
            elif not conditions[name](value):
                return False
        return True


def shipped():
    return [Profile(path.stem) for path in sorted(PROFILES.glob("*.json"))
            if not path.name.endswith(".schema.json")]


def _counts_hold(profile, others):
    for lookup in profile.targets():
        exactly = profile.lookup(lookup).get("exactly")
        count = sum(profile.found_by(lookup, wanted) for other in others for wanted in other.keys)
        if count < 1 or (exactly and count != exactly):
            return False
    return True


def makers(profile):
    """The names of shipped profiles without targets of their own, whose keys are those that the
    profile's lookups want: as few as will do, then all that these lookups find as well."""
    if not profile.targets():
        return []
    candidates = [other for other in shipped() if other.keys and not other.targets()
                  and not other.get("deferredIssuance") and other.is_managed
                  and other.get("privacyEnabled") == profile.get("privacyEnabled")
                  and any(profile.found_by(lookup, wanted)
                          for lookup in profile.targets() for wanted in other.keys)]
    chosen = next((list(others) for count in range(1, 4)
                   for others in itertools.combinations(candidates, count)
                   if _counts_hold(profile, others)), None)
    if chosen is None:
        raise AssertionError("no shipped profiles make what %s looks for" % profile.name)
    for other in candidates:
        if other not in chosen and _counts_hold(profile, chosen + [other]):
            chosen.append(other)
    return [other.name for other in chosen]
