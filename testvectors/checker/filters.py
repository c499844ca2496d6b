"""Filters of lookups: their form (docs/http.md, section 5), and whether a certificate path
fulfils one (docs/proxy.md, CredentialDiscovery)."""

import hashlib
import re
from datetime import timezone

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .json_text import Refused
from .names import addresses, principal
from .shapes import array, b64, choice, matching, may, record, require, text, time

USAGES = {
    "digitalSignature": "digital_signature", "nonRepudiation": "content_commitment",
    "keyEncipherment": "key_encipherment", "dataEncipherment": "data_encipherment",
    "keyAgreement": "key_agreement", "keyCertSign": "key_cert_sign", "cRLSign": "crl_sign",
    "encipherOnly": "encipher_only", "decipherOnly": "decipher_only"}
OID = matching(r"-?[0-2](\.(0|[1-9]\d*))+")


def expression(value):
    """A regular expression. Java's and Python's read those of the vectors alike."""
    try:
        return re.compile(text(1, 1000)(value))
    except (re.error, OverflowError, RecursionError):
        raise Refused("no regular expression") from None


def rules(of):
    def check(value):
        found = array(of, 1, 255)(value)
        names = [rule.lstrip("-") for rule in found]
        require(len(set(names)) == len(names), "a rule twice")
        return found
    return check


SEARCH_FILTER = record({
    "fingerPrint": may(b64(32, 32)), "issuerRegEx": may(expression),
    "subjectRegEx": may(expression), "emailRegEx": may(expression),
    "serialNumber": may(matching(r"0|[1-9][0-9]{0,99}")), "policyRules": may(rules(OID)),
    "keyUsageRules": may(rules(choice(*USAGES, *("-" + name for name in USAGES)))),
    "extendedKeyUsageRules": may(rules(OID)), "issuedBefore": may(time(offset=False)),
    "issuedAfter": may(time(offset=False)),
    "grouping": may(choice("none", "shared", "signature+standard", "unique")),
    "appUsage": may(choice("signature", "authentication", "encryption", "universal"))},
    lambda value, _: require(value, "no condition"))


def matches(found, chain):
    """Does a path fulfil a filter that SEARCH_FILTER has read?"""
    return all(CONDITIONS[name](wanted, chain) for name, wanted in found.items())


def holds(wanted, extension):
    """Each rule; never if the certificate has no such extension."""
    return extension is not None and all(
        (rule.lstrip("-") in extension) != rule.startswith("-") for rule in wanted)


def extension_of(certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def policies(certificate):
    found = extension_of(certificate, x509.CertificatePolicies)
    return found and {policy.policy_identifier.dotted_string for policy in found}


def extended_usages(certificate):
    found = extension_of(certificate, x509.ExtendedKeyUsage)
    return found and {usage.dotted_string for usage in found}


def usages(certificate):
    found = extension_of(certificate, x509.KeyUsage)
    if found is None:
        return None
    # The library refuses to tell the last two where there is no key agreement.
    known = [name for name, attribute in USAGES.items()
             if found.key_agreement or not attribute.endswith("_only")]
    return {name for name in known if getattr(found, USAGES[name])}


def not_before(certificate):
    return certificate.not_valid_before.replace(tzinfo=timezone.utc)


CONDITIONS = {
    "fingerPrint": lambda wanted, chain: any(
        hashlib.sha256(one.public_bytes(Encoding.DER)).digest() == wanted for one in chain),
    "issuerRegEx": lambda wanted, chain: any(
        wanted.fullmatch(principal(one.issuer)) for one in chain),
    "subjectRegEx": lambda wanted, chain: wanted.fullmatch(principal(chain[0].subject)),
    "emailRegEx": lambda wanted, chain: any(map(wanted.fullmatch, addresses(chain[0]))),
    "serialNumber": lambda wanted, chain: chain[0].serial_number == int(wanted),
    "policyRules": lambda wanted, chain: holds(wanted, policies(chain[0])),
    "keyUsageRules": lambda wanted, chain: holds(wanted, usages(chain[0])),
    "extendedKeyUsageRules": lambda wanted, chain: holds(wanted, extended_usages(chain[0])),
    "issuedBefore": lambda wanted, chain: not_before(chain[0]) <= wanted,
    "issuedAfter": lambda wanted, chain: not_before(chain[0]) >= wanted,
}
