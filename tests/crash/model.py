"""A model of the token's container as its callers know it: what must be there after each call.

It shares nothing with the C programs. Sources: docs/wire.md, and token/authorization.h for what a
counter shows after a crash.
"""

import copy
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Optional

from rig.sks_wire import METHODS, encode_table

from state import PIN_BLOCKED, PUK_BLOCKED, key_state

SIGNATURE = 0
GROUP = {0: lambda usage, number: number, 1: lambda usage, number: 0,
         2: lambda usage, number: usage == SIGNATURE, 3: lambda usage, number: usage}
PIN_PROTECTED, PUK_PROTECTED = 1, 2
IMPORTED, EXPORTED = 1, 2
USED_DATA = b"crash-sweep"  # as in use.c


def encode_answer(method, **values):
    return b"\0" + encode_table(METHODS[method][2], values)


@dataclass
class Counter:
    """A PIN or PUK. `ahead`: after a right try, one try lies charged on disk ahead of need."""
    value: bytes
    limit: int
    errors: int = 0
    ahead: bool = False

    @property
    def blocked(self):
        return self.errors >= self.limit

    @property
    def on_disk(self):
        """What it shows after a crash."""
        return 1 if self.ahead else self.errors

    def attempt(self, value):
        """Whether the value is taken."""
        if self.blocked:
            return False
        if value != self.value:
            self.errors += 1
            self.ahead = False
            return False
        self.errors = 0
        self.ahead = self.limit > 1
        return True

    def reset(self, value=None):
        self.value = self.value if value is None else value
        self.errors, self.ahead = 0, False

    def restart(self, clean):
        self.errors = 0 if clean and self.ahead else self.on_disk
        self.ahead = False

    def state(self):
        return {"value": self.value.hex(), "limit": self.limit, "errors": self.errors,
                "on_disk": self.on_disk}


@dataclass
class Policy:
    fields: dict
    puk: Optional[Counter] = None
    puk_format: int = 0
    groups: dict = field(default_factory=dict)

    def join(self, usage, value):
        """The PIN of a new key."""
        group = GROUP[self.fields["grouping"]](usage, len(self.groups))
        if group not in self.groups:
            self.groups[group] = Counter(value, self.fields["retryLimit"])
        return self.groups[group]


@dataclass
class Key:
    handle: int
    session: int
    fields: dict                # of createKeyEntry
    policy: Optional[Policy] = None
    pin: Optional[Counter] = None
    certificate: bytes = b""
    symmetric: bytes = b""
    backup: int = 0
    extensions: dict = field(default_factory=dict)  # type: (subType, qualifier, data)

    @property
    def puk(self):
        return self.policy.puk if self.policy else None

    def _status(self):
        status = PIN_PROTECTED if self.pin else 0
        status |= PIN_BLOCKED if self.pin and self.pin.blocked else 0
        status |= PUK_PROTECTED if self.puk else 0
        return status | (PUK_BLOCKED if self.puk and self.puk.blocked else 0)

    def _protection(self):
        names = [name for name, _, _ in METHODS["getKeyProtectionInfo"][2]]
        values = dict.fromkeys(names, 0)
        known = {**(self.policy.fields if self.policy else {}), **self.fields,
                 "keyBackup": self.backup, "protectionStatus": self._status()}
        values.update({name: known[name] for name in names if name in known})
        if self.pin:
            values["pinErrorCount"] = self.pin.errors
        if self.puk:
            values.update(pukFormat=self.policy.puk_format, pukRetryLimit=self.puk.limit,
                          pukErrorCount=self.puk.errors)
        return encode_answer("getKeyProtectionInfo", **values)

    def _attributes(self):
        return encode_answer(
            "getKeyAttributes", symmetricKeyLength=len(self.symmetric),
            certificate=[self.certificate], type=list(self.extensions),
            **{name: self.fields[name] for name in (
                "appUsage", "friendlyName", "endorsedAlgorithm")})

    def _extensions(self):
        return [hashlib.sha256(encode_answer(
            "getExtension", subType=kind, qualifier=qualifier, extensionData=data)).hexdigest()
            for kind, qualifier, data in self.extensions.values()]

    def state(self):
        shown = key_state(encode_answer("enumerateKeys", keyHandle=self.handle,
                                        provisioningHandle=self.session),
                          self._attributes(), self._protection(), self._extensions())
        mac = hmac.new(self.symmetric, USED_DATA, hashlib.sha256).hexdigest()
        return {**shown, "PIN": self.pin.state() if self.pin else None,
                "PUK": self.puk.state() if self.puk else None,
                "hmac": mac if self.symmetric else ""}


@dataclass
class Session:
    handle: Optional[int]       # None: nobody knows yet whether it was created
    shown: dict                 # as enumerateProvisioningSessions shows it
    is_open: bool = True
    policies: dict = field(default_factory=dict)    # all of the open session: handle: Policy
    puks: dict = field(default_factory=dict)
    keys: dict = field(default_factory=dict)
    posts: list = field(default_factory=list)       # (operation, target, new key or None)

    def state(self):
        return encode_answer("enumerateProvisioningSessions", provisioningHandle=self.handle,
                             **self.shown).hex()


class Container:
    def __init__(self):
        self.sessions = {}
        self.keys = {}          # of closed sessions

    def copy(self):
        return copy.deepcopy(self)

    def state(self):
        sessions = sorted(self.sessions.values(), key=lambda session: session.handle)
        return {"open": [session.state() for session in sessions if session.is_open],
                "closed": [session.state() for session in sessions if not session.is_open],
                "keys": {handle: self.keys[handle].state() for handle in sorted(self.keys)}}

    def _counters(self):
        every = [key.pin for key in self.keys.values()] + [key.puk for key in self.keys.values()]
        return {id(counter): counter for counter in every if counter}.values()

    def restart(self, clean):
        for counter in self._counters():
            counter.restart(clean)

    def close(self, handle):
        """closeProvisioningSession with all that was queued in the session."""
        session = self.sessions[handle]
        sources = {self.keys[target].session for _, target, _ in session.posts}
        inherits = {key: (operation, target) for operation, target, key in session.posts if key}
        for key in session.keys.values():
            self._close_key(key, *inherits.get(key.handle, (None, None)))
        for operation, target, _ in session.posts:
            if operation == "unlock":
                self.keys[target].pin.reset()
                if self.keys[target].puk:
                    self.keys[target].puk.reset()
            if operation == "delete":
                del self.keys[target]
        for key in self.keys.values():
            key.session = handle if key.session in sources else key.session
        session.is_open = False
        session.policies, session.puks, session.keys, session.posts = {}, {}, {}, []
        self.collect()

    def _close_key(self, key, operation, target):
        if operation is not None:
            key.policy, key.pin = self.keys[target].policy, self.keys[target].pin
        if operation == "update":
            key.handle = target
        self.keys[key.handle] = key

    def collect(self):
        """A closed session without a key is no more."""
        owners = {key.session for key in self.keys.values()}
        self.sessions = {handle: session for handle, session in self.sessions.items()
                         if session.is_open or handle in owners}

    def delete(self, handle):
        del self.keys[handle]
        self.collect()
