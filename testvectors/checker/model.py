"""A token as docs/wire.md has it, as much of it as provisioning needs: sessions, their counter
and limit, what they own. The methods are in model_create.py, model_key.py, model_close.py and
model_user.py."""

import re

from . import constructs
from .fields import WIDTHS, encode
from .keys import RSA_BITS, BadKey, read_public_key
from .mac import COVERED
from .verdict import CRYPTO, MAC, OPTION, Contradiction
from .wire import Octets, Undecodable
from .wire_methods import METHODS

NO_SESSION, NO_KEY, ALGORITHM = 6, 7, 8
NO_LIMIT = 65535        # of a session of 2010


class Refusal(Exception):
    """The token answers with that status."""

    def __init__(self, status):
        super().__init__("status %d" % status)
        self.status = status


def demand(condition, status=OPTION):
    if not condition:
        raise Refusal(status)


class Session:
    def __init__(self, handle, server_id, client_id, issuer_uri, device_id):
        self.handle = handle
        self.server_id, self.client_id = server_id, client_id
        self.issuer_uri, self.device_id = issuer_uri, device_id
        self.state = "open"
        self.end = None                     # of its life time, by the token's clock
        self.key = self.kmk = None
        self.counter, self.limit = 0, NO_LIMIT
        self.privacy = False
        self.ids = set()
        self.puks, self.pins = {}, {}       # by handle, while the session is open
        self.posts = []                     # (operation, target, new key)

    def operation(self):
        """One use of the session key."""
        demand(self.limit > 0)
        self.limit -= 1

    def next_mac(self, name, data):
        self.operation()
        value = constructs.method_mac(self.key, name, self.counter, data)
        self.counter += 1
        return value

    def decrypt(self, data):
        self.operation()
        clear = constructs.decrypt(self.key, data)
        demand(clear is not None, CRYPTO)
        return clear

    def use_id(self, name):
        demand(re.fullmatch("[!-~]{1,32}", name) and name not in self.ids)
        self.ids.add(name)


class Puk:
    def __init__(self, name, value, limit):
        self.name, self.value, self.limit, self.errors = name, value, limit, 0


class Pin:
    """A PIN policy."""

    def __init__(self, name, puk, rules, user_defined, modifiable):
        self.name, self.puk, self.rules = name, puk, rules
        self.user_defined, self.modifiable = user_defined, modifiable


class Key:
    def __init__(self, handle, session, name, public, usage):
        self.handle, self.session, self.name = handle, session, name
        self.public, self.usage = public, usage
        self.pin = self.pin_value = None
        self.errors = 0
        self.path = []
        self.symmetric = None
        self.imported = False
        self.endorsed = []
        self.extensions = set()


class Token:
    """draws: what the token draws, in order, as the test has it: (what, value); handlers: those of
    model_methods.py."""

    def __init__(self, device_key, device_certificate, draws, handlers):
        self.handlers = handlers
        self.device_key, self.certificate = device_key, device_certificate
        self.draws = list(draws)
        self.sessions, self.keys = {}, {}
        self.handles = {"session": 0, "key": 0, "puk": 0, "pin": 0}
        self.clock = 0                      # seconds
        self.last = None                    # the session that was created last
        self.made = None                    # what the last call put under MAC and attestation

    def draw(self, what):
        if not self.draws or self.draws[0][0] != what:
            raise Contradiction("the token draws a %s that the test does not have" % what)
        return self.draws.pop(0)[1]

    def new_handle(self, of):
        self.handles[of] += 1
        return self.handles[of]

    # ---- calls ----

    def call(self, path, body):
        """The answer to a request. Raises Refusal; the session is torn down by then, if it is."""
        self.made = {}
        reader = Octets(body)
        try:
            number = reader.number(1)
            if number not in METHODS or path not in METHODS[number].paths:
                raise Undecodable
            found = {name: native(kind, reader.value(kind))
                     for name, kind in METHODS[number].inputs}
            reader.end()
        except Undecodable:
            raise Refusal(OPTION) from None
        if number not in self.handlers:
            raise Contradiction("%s is no method of a transcript" % METHODS[number].name)
        finder, handler = self.handlers[number]
        owner = finder(self, found)
        try:
            outputs = handler(self, owner, found)
        except Refusal:
            session = owner.session if isinstance(owner, Key) else owner
            if session is not None and session.state == "open":
                self.remove(session)
            raise
        return b"\0" + b"".join(output(kind, value) for (_, kind), value
                                in zip(METHODS[number].outputs, outputs))

    def is_open(self, session):
        """A session whose life time is over is found to be when it is used, and removed."""
        if session.state == "open" and self.clock >= session.end:
            self.remove(session)
        return session.state == "open"

    def remove(self, session):
        """A session that was aborted goes with all that it made."""
        session.state = "removed"
        self.keys = {handle: key for handle, key in self.keys.items() if key.session != session}

    # ---- MACs and attestations ----

    def check_mac(self, session, method, name, values, mac):
        """values: of the fields that the MAC covers, by name; of a list, a list."""
        fields = list(covered(method, name, values))
        self.made["mac"] = (name, session.counter, fields)
        demand(session.next_mac(name, join(fields)) == mac, MAC)

    def attest(self, session, method, values):
        fields = list(covered(method, "DeviceAttestation", values))
        self.made["attested"] = fields
        return session.next_mac("DeviceAttestation", join(fields))


def native(kind, value):
    if kind in ("array", "blob"):
        return bytes.fromhex(value)
    return [bytes.fromhex(item) for item in value] if kind == "arrays" else value


def output(kind, value):
    if kind == "uint":
        return value.to_bytes(4, "big")
    return encode("array", value.encode("utf-8") if isinstance(value, str) else value)


def covered(method, name, values):
    for field, form in COVERED[method, name]:
        value = values[field.rstrip(".")]
        for item in value if field.endswith("...") else [value]:
            yield field.rstrip("."), form, as_bytes(form, item)


def as_bytes(form, value):
    if form in WIDTHS:
        return int(value).to_bytes(WIDTHS[form], "big")
    return value.encode("utf-8") if isinstance(value, str) else value


def join(fields):
    return b"".join(encode(form, value) for _, form, value in fields)


# ---- what a call begins with ----

def open_session(token, found):
    session = token.sessions.get(found["provisioningHandle"])
    demand(session is not None and token.is_open(session), NO_SESSION)
    return session


def open_key(token, found):
    key = token.keys.get(found["keyHandle"])
    demand(key is not None and token.is_open(key.session), NO_KEY)
    return key


def nothing(_token, _found):
    return None


def session_public_key(data, kinds):
    """A key for createProvisioningSession: kinds says what it may be."""
    try:
        key = read_public_key(data)
    except BadKey:
        raise Refusal(CRYPTO) from None
    demand(key.kind in kinds and (key.kind != "RSA" or key.size * 8 in RSA_BITS))
    return key
