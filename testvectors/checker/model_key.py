"""Methods of the token that fit out a key: certificates, imports, extensions."""

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa

from .keys import RSA_BITS, BadKey, read_public_key
from .model import Refusal, demand
from .wire import Octets, Undecodable
from .verdict import CRYPTO

LARGEST_CERTIFICATE = 16384
LARGEST_EXTENSION = 250000
OVERHEAD = 32           # of encrypted data: IV and padding
LONGEST_SYMMETRIC = 128


def spki(key):
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


def set_certificate_path(token, key, found):
    octets = found["certificate"]
    demand(octets)
    demand(all(len(one) <= LARGEST_CERTIFICATE for one in octets))
    try:
        path = [x509.load_der_x509_certificate(one) for one in octets]
        first = spki(path[0].public_key())
    except ValueError:
        raise Refusal(CRYPTO) from None
    # Of a second call, the MAC is over the public key of the certificate that is there.
    token.check_mac(key.session, "setCertificatePath", "setCertificatePath", {
        "publicKey": certified_key(key) if key.path else key.public, "id": key.name,
        "certificate": octets}, found["mac"])
    try:
        public = read_public_key(first)
    except BadKey:
        raise Refusal(9) from None
    demand(public.kind != "RSA" or public.size * 8 in RSA_BITS)
    demand(not key.path)
    demand(all(one.issuer == other.subject for one, other in zip(path, path[1:])))
    key.path = octets
    return ()


def certified_key(key):
    return spki(x509.load_der_x509_certificate(key.path[0]).public_key())


def import_symmetric_key(token, key, found):
    demand(len(found["encryptedKey"]) <= LONGEST_SYMMETRIC + OVERHEAD)
    demand(not key.imported)
    demand(key.path)
    token.check_mac(key.session, "importSymmetricKey", "importSymmetricKey",
                    {**found, "endEntityCertificate": key.path[0]}, found["mac"])
    clear = key.session.decrypt(found["encryptedKey"])
    demand(1 <= len(clear) <= LONGEST_SYMMETRIC)
    key.symmetric, key.imported = clear, True
    return ()


def import_private_key(token, key, found):
    demand(len(found["encryptedKey"]) <= LARGEST_CERTIFICATE + OVERHEAD)
    demand(key.path)
    token.check_mac(key.session, "importPrivateKey", "importPrivateKey",
                    {**found, "endEntityCertificate": key.path[0]}, found["mac"])
    demand(not key.imported)
    clear = key.session.decrypt(found["encryptedKey"])
    try:
        private = serialization.load_der_private_key(clear, password=None)
    except (ValueError, TypeError):
        raise Refusal(CRYPTO) from None
    demand(not isinstance(private, dsa.DSAPrivateKey))
    made, wanted = spki(private.public_key()), certified_key(key)
    kind = read_public_key(made)
    demand(kind.kind == read_public_key(wanted).kind)
    demand(kind.kind != "RSA" or made == wanted and kind.size * 8 in RSA_BITS)
    key.public, key.imported = made, True
    return ()


def add_extension(token, key, found):
    kind, data = found["subType"], found["extensionData"]
    demand(kind <= 3)
    demand(1 <= len(found["type"].encode("utf-8")) <= 1000 and found["type"] not in key.extensions)
    demand(len(key.extensions) < 255)
    demand(len(data) <= LARGEST_EXTENSION + (OVERHEAD if kind == 1 else 0))
    qualifier = len(found["qualifier"].encode("utf-8"))
    demand(1 <= qualifier <= 128 if kind == 3 else qualifier == 0)
    demand(kind != 2 or is_property_bag(data))
    demand(key.path)
    token.check_mac(key.session, "addExtension", "addExtension",
                    {**found, "endEntityCertificate": key.path[0]}, found["mac"])
    if kind == 1:
        key.session.decrypt(data)
    key.extensions.add(found["type"])
    return ()


def is_property_bag(data):
    reader = Octets(data)
    try:
        while reader.rest:
            if not 1 <= len(reader.text().encode("utf-8")) <= 255:
                return False
            reader.boolean()
            reader.text()
    except Undecodable:
        return False
    return bool(data)
