"""Checks of an evidence record: its JSF signature over the RFC 8785 form, and what it tells."""

import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from . import constructs
from .sks_types import from_base64url

DIGESTS = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384(), "ES512": hashes.SHA512(),
           "RS256": hashes.SHA256(), "RS512": hashes.SHA512()}


def canonical(value):
    """RFC 8785 for what records hold: no fractions, keys sorted by UTF-16 code units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{%s}" % ",".join("%s:%s" % (_text(name), canonical(value[name]))
                                 for name in names)
    if isinstance(value, list):
        return "[%s]" % ",".join(map(canonical, value))
    return _text(value)


def _text(value):
    return json.dumps(value, ensure_ascii=False)


def signature_holds(record):
    """JSF: the signature is over the object without its own `value`."""
    signature = record["signature"]
    unsigned = {name: item for name, item in signature.items() if name != "value"}
    data = canonical({**record, "signature": unsigned}).encode()
    return constructs.verifies(signer(signature), from_base64url(signature["value"]), data,
                               DIGESTS[signature["algorithm"]])


def signer(signature):
    if "publicKey" in signature:
        return constructs.from_jwk(signature["publicKey"])
    der = from_base64url(signature["certificatePath"][0])
    return x509.load_der_x509_certificate(der).public_key()


def message_bodies(record):
    """[(direction, raw bytes)] as they crossed."""
    return [(item["direction"], from_base64url(item["body"])) for item in record["messages"]]


def failed_checks(record):
    return [item["name"] for item in record["checks"] if item["result"] != "pass"]
