"""What a device holds of closed sessions: lookups, roll-over and post operations upon it.

The signatures that these need are verified with the key management keys as public keys.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

from cryptography import x509

from . import constructs
from .sks_types import base64url, encode, from_base64url


class AuthorizationError(AssertionError):
    """A signature of a key management key that does not hold."""


@dataclass
class Owner:
    """A closed session that owns keys."""
    server_session_id: str
    client_session_id: str
    kmk: bytes


@dataclass
class Credential:
    owner: Owner
    path: list
    specifier: dict
    extensions: dict = field(default_factory=dict)

    @property
    def certificate(self):
        return x509.load_der_x509_certificate(self.path[0])

    @property
    def fingerprint(self):
        return hashlib.sha256(self.path[0]).digest()


def _names(credential, issuer):
    if not issuer:
        return [credential.certificate.subject.rfc4514_string()]
    return [x509.load_der_x509_certificate(der).issuer.rfc4514_string() for der in credential.path]


def _any_name(pattern, names):
    return any(re.fullmatch(pattern, name) for name in names)


# What a filter's property asks of a credential; as far as the tests' own filters need it.
FILTERS = {
    "subjectRegEx": lambda c, value: _any_name(value, _names(c, False)),
    "issuerRegEx": lambda c, value: _any_name(value, _names(c, True)),
    "fingerPrint": lambda c, value: c.fingerprint == from_base64url(value),
    "serialNumber": lambda c, value: c.certificate.serial_number == int(value),
    "emailRegEx": lambda c, value: False,
    "policyRules": lambda c, value: False,
    "keyUsageRules": lambda c, value: True,
    "extendedKeyUsageRules": lambda c, value: True,
    "issuedAfter": lambda c, value: c.certificate.not_valid_before.isoformat() >= value[:19],
    "issuedBefore": lambda c, value: c.certificate.not_valid_before.isoformat() <= value[:19],
    "appUsage": lambda c, value: c.specifier["appUsage"] == value,
    "grouping": lambda c, value: True,
}


def canonical(value):
    """RFC 8785, for what is in a lookup: text, integers, no control characters."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check_lookup(specifier, client_session_id, server_session_id):
    signature = dict(specifier["signature"])
    value = from_base64url(signature.pop("value"))
    public = constructs.from_jwk(signature["publicKey"])
    if not constructs.verifies(public, value, canonical({**specifier, "signature": signature})):
        raise AuthorizationError("lookup " + specifier["id"])
    nonce = hashlib.sha256(encode("id", client_session_id)
                           + encode("id", server_session_id)).digest()
    if from_base64url(specifier["nonce"]) != nonce:
        raise AuthorizationError("nonce of lookup " + specifier["id"])


class Credentials:
    def __init__(self):
        self.all = []
        self.rolled_over = 0

    def search(self, specifier):
        kmk = constructs.spki(constructs.from_jwk(specifier["signature"]["publicKey"]))
        filters = specifier.get("searchFilter", {}).items()
        return [{"serverSessionId": c.owner.server_session_id,
                 "clientSessionId": c.owner.client_session_id,
                 "certificatePath": [base64url(der) for der in c.path]}
                for c in self.all
                if c.owner.kmk == kmk and all(FILTERS[name](c, value) for name, value in filters)]

    def roll_over(self, newer, holder):
        """The oldest come first: a session may go up several generations."""
        for link in holder.get("updatableKeyManagementKeys", ()):
            older = constructs.from_jwk(link["publicKey"])
            older_der = constructs.spki(older)
            self.roll_over(older_der, link)
            if not constructs.verifies(older, from_base64url(link["authorization"]),
                                       constructs.kmk_roll_over_data(newer)):
                raise AuthorizationError("roll-over")
            for owner in {id(c.owner): c.owner for c in self.all}.values():
                if owner.kmk == older_der:
                    owner.kmk = newer
                    self.rolled_over += 1


class PostOperations:
    """Those of one session, as its client has them; they take effect with the close."""

    def __init__(self, client):
        self.client = client
        self.credentials = client.device.credentials
        self.asked = []

    def add(self, step):
        """Finds the target and checks its authorization with the key of its owner."""
        source = step.source
        target = next((c for c in self.credentials.all
                       if c.fingerprint == from_base64url(source["fingerPrint"])), None)
        if target is None:
            raise AuthorizationError("no such target")
        ids = (source["serverSessionId"], source["clientSessionId"])
        data = constructs.target_key_reference_data(
            self.client.counter.key, self.client.device_id, target.path[0])
        if ids != (target.owner.server_session_id, target.owner.client_session_id) \
                or not constructs.verifies(constructs.from_spki(target.owner.kmk),
                                           step.fields["authorization"], data):
            raise AuthorizationError(step.method)
        self.asked.append((step.method, target))

    def close(self):
        owner = Owner(self.client.session_id, self.client.client_session_id, self.client.kmk)
        for method, target in self.asked:
            moved = target.owner
            for credential in self.credentials.all:
                if credential.owner is moved:
                    credential.owner = owner
            if method in ("postUpdateKey", "postDeleteKey") and target in self.credentials.all:
                self.credentials.all.remove(target)
        self.credentials.all += [
            Credential(owner, path, self.client.specifiers[name])
            for name, path in self.client.certificates.items()]
