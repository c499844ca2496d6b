"""Kind device-path: does the path of a device lead to a certificate that the issuer trusts?
docs/http.md, section 5; RFC 5280, sections 4 and 6."""

import calendar
import functools

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .fields import octets
from .keys import key_pair
from .verdict import Broken, by_issuer, require, valid

LONGEST = 10
OWN_RULES = {"minimumRsaBits": 2048, "sha1": False}
KNOWN = (x509.BasicConstraints, x509.KeyUsage)


class NotTrusted(Exception):
    """Why a path is refused."""


def judge(group, test):
    fixtures = group["fixtures"]
    if group["type"] != "devicePath":
        raise Broken("unknown type of group %.40r" % (group["type"],))
    for row in fixtures["certificates"]:
        check_made_of(row, fixtures["keys"])
    path = [octets(item) for item in test["input"]["certificatePath"]]
    if not 1 <= len(path) <= LONGEST or not linked([load(item) for item in path]):
        return by_issuer("message")
    try:
        check([load(item) for item in path], [octets(item) for item in fixtures["trusted"]],
              fixtures["now"], fixtures.get("deviceTrust", OWN_RULES))
    except NotTrusted:
        return by_issuer("device path")
    return valid()


@functools.lru_cache(maxsize=256)
def load(der):
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise Broken("a certificate does not decode") from None


# ---- what the file says of a certificate ----

def check_made_of(row, keys):
    made_of(tuple(row[name] for name in ("certificate", "subject", "issuer", "hash")),
            *(tuple(keys[row[name]][part] for part in ("algorithm", "privateKey", "publicKey"))
              for name in ("key", "signedBy")))


@functools.lru_cache(maxsize=256)
def made_of(row, own, signer):
    """The lists of the certificates are there for people: they must be true all the same."""
    der, subject, issuer, digest = row
    certificate = load(octets(der))
    own, signer = (key_pair(dict(zip(("algorithm", "privateKey", "publicKey"), parts)))
                   for parts in (own, signer))
    require(common_name(certificate.subject) == subject, "%s: another subject" % subject)
    require(common_name(certificate.issuer) == issuer, "%s: another issuer" % subject)
    require(digest_of(certificate) == digest, "%s: another hash" % subject)
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    require(spki == own.spki, "%s: another public key" % subject)
    require(signed_by(certificate, signer.private.public_key()), "%s: another signer" % subject)


def common_name(name):
    return ",".join(part.rfc4514_string() for part in name.rdns)


def digest_of(certificate):
    return certificate.signature_hash_algorithm.name.upper()


# ---- the path ----

def signed_by(certificate, key):
    signature, data = certificate.signature, certificate.tbs_certificate_bytes
    digest = certificate.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), digest)
        else:
            key.verify(signature, data, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def issued(certificate, by):
    return certificate.issuer == by.subject and signed_by(certificate, by.public_key())


def linked(path):
    """Each is issued and signed by the next one."""
    return all(issued(one, by) for one, by in zip(path, path[1:]))


def check(path, trusted, now, rules):
    chain = chain_of(path, trusted)
    for certificate in chain:
        begin, end = (calendar.timegm(time.timetuple()) for time in (
            certificate.not_valid_before, certificate.not_valid_after))
        refuse_unless(begin <= now <= end, "not valid at that time")
        check_key(certificate.public_key(), rules)
        check_critical(certificate)
    for certificate in chain[:-1]:
        digest = digest_of(certificate)
        refuse_unless(digest != "MD5" and (digest != "SHA1" or rules["sha1"]), "a weak hash")
    for number, certificate in enumerate(chain[1:]):
        check_ca(certificate, number)
    usage = extension(chain[0], x509.KeyUsage)
    refuse_unless(usage is None or usage.digital_signature, "not for signatures")


def chain_of(path, trusted):
    """The path up to the first certificate that is trusted, or that a trusted one has issued."""
    chain = []
    for certificate in path:
        chain.append(certificate)
        if certificate.public_bytes(Encoding.DER) in trusted:
            return chain
        for anchor in map(load, trusted):
            if issued(certificate, anchor):
                return chain + [anchor]
    raise NotTrusted("leads to no trusted certificate")


def extension(certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def check_key(key, rules):
    refuse_unless(not isinstance(key, rsa.RSAPublicKey) or key.key_size >= rules["minimumRsaBits"],
                  "a short RSA key")


def check_critical(certificate):
    for found in certificate.extensions:
        refuse_unless(not found.critical or isinstance(found.value, KNOWN),
                      "an unknown critical extension")


def check_ca(certificate, below):
    """below: how many CAs stand between it and the device."""
    basic = extension(certificate, x509.BasicConstraints)
    usage = extension(certificate, x509.KeyUsage)
    refuse_unless(basic is not None and basic.ca, "an issuer is no CA")
    refuse_unless(usage is None or usage.key_cert_sign, "an issuer must not sign certificates")
    refuse_unless(basic.path_length is None or below <= basic.path_length, "too deep")


def refuse_unless(condition, text):
    if not condition:
        raise NotTrusted(text)
