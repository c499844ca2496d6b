"""The types of KeyGen2 (docs/http.md, section 4): each is a function that refuses a value, or
gives what it stands for."""

import base64
import binascii
import re
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from .json_text import NoInteger, Refused
from .keys import CURVES, PublicKey

ALGORITHM = "https://webpki.github.io/sks/algorithm#"
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)", re.ASCII)
CURVE_URIS = {"P-256": "ec.nist.p256", "P-384": "ec.nist.p384", "P-521": "ec.nist.p521",
              "secp256k1": "ec.secg.p256k1", "brainpoolP256r1": "ec.brainpool.p256r1"}
MANDATORY = True


def require(condition, text):
    if not condition:
        raise Refused(text)


def text(low=0, high=None, unit=len):
    def check(value):
        require(isinstance(value, str), "not a text")
        require(low <= unit(value) and (high is None or unit(value) <= high), "length of a text")
        return value
    return check


def utf8_length(value):
    return len(value.encode("utf-8"))


def choice(*values):
    def check(value):
        require(isinstance(value, str) and value in values, "not one of the values")
        return value
    return check


def matching(pattern):
    def check(value):
        require(isinstance(value, str) and re.fullmatch(pattern, value), "form of a text")
        return value
    return check


identifier = matching("[!-~]{1,32}")
session_id_2010 = matching("[!-~]{32}")


def uri(value):
    require(isinstance(value, str) and URI.fullmatch(value) and utf8_length(value) <= 1000,
            "not an absolute URI")
    return value


def boolean(value):
    require(isinstance(value, bool), "not a boolean")
    return value


def integer(low, high=None):
    def check(value):
        require(isinstance(value, int) and not isinstance(value, (bool, NoInteger)),
                "not an integer")
        require(low <= value and (high is None or value <= high), "out of range")
        return value
    return check


def b64(low=1, high=None):
    def check(value):
        require(isinstance(value, str) and re.fullmatch("[A-Za-z0-9_-]*", value),
                "not base64url")
        try:
            octets = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except (binascii.Error, ValueError):
            raise Refused("not base64url") from None
        again = base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
        require(again == value, "unused bits of base64url")
        require(low <= len(octets) and (high is None or len(octets) <= high), "length of bytes")
        return octets
    return check


def time(*, offset):
    """In UTC, with Z; or, if offset, with an offset as well, and within an unsigned 32-bit time."""
    def check(value):
        match = isinstance(value, str) and TIME.fullmatch(value)
        require(match and (offset or match[2] == "Z"), "not a time")
        try:
            moment = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
            if match[2] != "Z":
                hours, minutes = int(match[2][1:3]), int(match[2][4:])
                require(hours < 24 and minutes < 60, "not an offset")
                sign = 1 if match[2][0] == "+" else -1
                moment -= sign * timedelta(hours=hours, minutes=minutes)
        except (ValueError, OverflowError):
            raise Refused("not a time") from None
        if offset:
            require(0 <= moment.timestamp() < 1 << 32, "a time that SKS cannot write")
        return moment
    return check


def array(of, low=1, high=None, unique=False):
    def check(value):
        require(isinstance(value, list), "not an array")
        require(low <= len(value) and (high is None or len(value) <= high), "number of elements")
        require(not unique or len(set(map(repr, value))) == len(value), "an element twice")
        return [of(item) for item in value]
    return check


def record(properties, rule=None):
    """An object of these properties: name: (type, mandatory). rule looks at it as a whole."""
    def check(value):
        require(isinstance(value, dict), "not an object")
        require(not set(value) - set(properties), "unknown property")
        found = {}
        for name, (kind, mandatory) in properties.items():
            if name in value:
                found[name] = kind(value[name])
            else:
                require(not mandatory, "%s is missing" % name)
        if rule is not None:
            rule(value, found)
        return found
    return check


def need(kind):
    return (kind, True)


def may(kind):
    return (kind, False)


def unique_names(items, name="id"):
    names = [item[name] for item in items]
    require(len(set(names)) == len(names), "%s: used twice" % name)


# ---- public keys ----

def number(high):
    def check(value):
        octets = b64(1, high)(value)
        require(octets[0] != 0, "a leading zero")
        return int.from_bytes(octets, "big")
    return check


def jwk(value):
    """A PublicKey."""
    require(isinstance(value, dict) and value.get("kty") in JWK, "not a JWK")
    return JWK[value["kty"]](value)


def ec_jwk(value):
    require(isinstance(value.get("crv"), str), "no curve")
    names = [name for name, end in CURVE_URIS.items()
             if value["crv"] in (name, ALGORITHM + end) and (
                 name != "brainpoolP256r1" or value["crv"] != name)]
    require(names, "unknown curve")
    curve = dict(CURVES.values())[names[0]]
    size = (curve.key_size + 7) // 8
    found = record({"kty": need(text()), "crv": need(text()), "x": need(b64(size, size)),
                    "y": need(b64(size, size))})(value)
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\4" + found["x"] + found["y"])
    except ValueError:
        raise Refused("a point that is not on its curve") from None
    return PublicKey("EC", names[0], key, size)


def rsa_jwk(value):
    found = record({"kty": need(text()), "n": need(number(1024)), "e": need(number(8))})(value)
    size = (found["n"].bit_length() + 7) // 8
    try:
        key = rsa.RSAPublicNumbers(found["e"], found["n"]).public_key()
    except ValueError:
        key = None
    return PublicKey("RSA", "RSA-%d" % found["n"].bit_length(), key, size)


def okp_jwk(value):
    record({"kty": need(text()), "crv": need(choice("Ed25519")), "x": need(b64(32, 32))})(value)
    return PublicKey("Ed25519", "Ed25519", None, 32)


JWK = {"EC": ec_jwk, "RSA": rsa_jwk, "OKP": okp_jwk}


# ---- certificate paths ----

def path(most=255):
    """Certificates, end entity first, each issued and signed by the next."""
    def check(value):
        try:
            chain = [x509.load_der_x509_certificate(octets)
                     for octets in array(b64(), 1, most)(value)]
        except ValueError:
            raise Refused("a certificate does not decode") from None
        for certificate, issuer in zip(chain, chain[1:]):
            require(certificate.issuer == issuer.subject and is_signed(certificate, issuer),
                    "a certificate is not of the next one")
        return chain
    return check


def is_signed(certificate, issuer):
    try:
        key = issuer.public_key()
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(certificate.signature, certificate.tbs_certificate_bytes)
            return True
        how = {ec.EllipticCurvePublicKey: lambda digest: (ec.ECDSA(digest),),
               rsa.RSAPublicKey: lambda digest: (padding.PKCS1v15(), digest)}
        for kind, arguments in how.items():
            if isinstance(key, kind):
                key.verify(certificate.signature, certificate.tbs_certificate_bytes,
                           *arguments(certificate.signature_hash_algorithm))
                return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        pass
    return False
