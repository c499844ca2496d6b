"""Signatures in messages: JSF with JOSE names (docs/http.md, section 4)."""

from cryptography.hazmat.primitives.serialization import Encoding

from .json_text import Refused, canonical
from .keys import read_public_key, public_key_of
from .shapes import b64, choice, jwk, may, need, path, record, require

OF_KEY = {"ES256": ("EC", "P-256"), "RS256": ("RSA", None)}
SIGNATURE = record({"algorithm": need(choice(*OF_KEY)), "publicKey": may(jwk),
                    "certificatePath": may(path(10)), "value": need(b64())})
LOOKUP_SIGNATURE = record({"algorithm": need(choice(*OF_KEY)), "publicKey": need(jwk),
                           "value": need(b64())})


def signed_form(holder, name="signature"):
    """The text that is signed: the whole object but for the value."""
    signature = {key: item for key, item in holder[name].items() if key != "value"}
    return canonical({**holder, name: signature})


def verify(holder, shape=SIGNATURE):
    """Refuses a signature in `signature` of an object that does not verify; gives its key."""
    found = shape(holder["signature"])
    require(("publicKey" in found) != ("certificatePath" in found), "one key must be there")
    key = found.get("publicKey")
    if key is None:
        key = read_public_key(public_key_of(found["certificatePath"][0].public_bytes(Encoding.DER)))
    kind, name = OF_KEY[found["algorithm"]]
    require(key.kind == kind and name in (None, key.name) and key.key is not None,
            "the algorithm is of another kind of key")
    if not key.verify(signed_form(holder).encode("utf-8"), found["value"]):
        raise Refused("the signature does not verify")
    return key
