"""Kind lookup: signed lookups, and whether a key is meant by a filter."""

import hashlib

from cryptography import x509

from . import filters, jsf, message
from .fields import array, octets
from .json_text import Refused, parse
from .keys import key_pair
from .shapes import b64
from .verdict import Broken, by_client, require, valid


def judge(group, test):
    if group["type"] not in JUDGES:
        raise Broken("unknown type of group %.40r" % (group["type"],))
    try:
        return JUDGES[group["type"]](group["fixtures"], test["input"])
    except Refused:
        return by_client()


def lookup(fixtures, given):
    signer = key_pair(fixtures["keyManagementKey"]).public
    nonce = octets(fixtures["nonce"])
    check_canonical(signer, given)
    found = message.read("CredentialDiscoveryRequest", given["message"].encode("utf-8"))
    both = b"".join(array(found[name].encode("ascii"))
                    for name in ("clientSessionId", "serverSessionId"))
    require(nonce == hashlib.sha256(both).digest(), "nonce is not that of the session")
    for specifier in found["lookupSpecifiers"]:
        if b64(32, 32)(specifier["nonce"]) != nonce:
            raise Refused("the nonce is of another session")
        key = jsf.LOOKUP_SIGNATURE(specifier["signature"])["publicKey"]
        require(key.key.public_numbers() == signer.key.public_numbers(),
                "the lookup is for keys of another issuer")
    return valid()


def check_canonical(signer, given):
    """`canonical` is the signed form of a lookup that stands there, or what one was signed over."""
    if "canonical" not in given:
        return
    text = given["canonical"]
    lookups = parse(given["message"].encode("utf-8")).get("lookupSpecifiers", [])
    signed = [one for one in lookups if isinstance(one.get("signature"), dict)]
    require(any(jsf.signed_form(one) == text or is_signed(signer, text, one["signature"])
                for one in signed), "canonical is not of a lookup of the message")


def is_signed(signer, text, signature):
    try:
        return signer.verify(text.encode("utf-8"), b64()(signature.get("value")))
    except Refused:
        return False


def search(fixtures, given):
    chain = [x509.load_der_x509_certificate(octets(fixtures[name]))
             for name in (given["certificate"], "ca")]
    found = filters.SEARCH_FILTER(given["searchFilter"])
    return valid() if filters.matches(found, chain) else by_client()


JUDGES = {"lookup": lookup, "filter": search}
