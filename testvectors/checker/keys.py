"""Public keys as SKS writes them, and what is done with keys: agreement and signatures.
docs/wire.md, section 4: "public key", "device signature", "authorization", "Z"."""

import functools

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from .der import Der, NotDer, bit_string
from .fields import octets
from .verdict import Broken, require

EC_KEY, RSA_KEY, ED25519 = "2a8648ce3d0201", "2a864886f70d010101", "2b6570"
CURVES = {
    "2a8648ce3d030107": ("P-256", ec.SECP256R1()),
    "2b81040022": ("P-384", ec.SECP384R1()),
    "2b81040023": ("P-521", ec.SECP521R1()),
    "2b8104000a": ("secp256k1", ec.SECP256K1()),
    "2b2403030208010107": ("brainpoolP256r1", ec.BrainpoolP256R1()),
}
CURVE_NAMED = dict(CURVES.values())
RSA_BITS = (1024, 2048, 3072, 4096)


class BadKey(Exception):
    """No SubjectPublicKeyInfo that SKS takes, whatever the key is for."""


class PublicKey:
    """kind: "EC", "RSA" or "Ed25519"; name: of the curve; key: of the library, but for Ed25519;
    size: of the field or the modulus, in bytes."""

    def __init__(self, kind, name, key, size):
        self.kind, self.name, self.key, self.size = kind, name, key, size

    def verify(self, data, signature):
        """Is it a signature as devices and key management keys make it, over SHA-256?"""
        try:
            if self.kind == "RSA":
                if len(signature) == self.size:
                    self.key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
                    return True
            elif self.kind == "EC" and len(signature) == 2 * self.size:
                r, s = (int.from_bytes(half, "big")
                        for half in (signature[:self.size], signature[self.size:]))
                self.key.verify(utils.encode_dss_signature(r, s), data,
                                ec.ECDSA(hashes.SHA256()))
                return True
        except InvalidSignature:
            pass
        return False

    def signature_size(self):
        return self.size if self.kind == "RSA" else 2 * self.size


@functools.lru_cache(maxsize=256)
def read_public_key(data):
    """The key of a strict SubjectPublicKeyInfo. Raises BadKey."""
    try:
        outer = Der(data)
        info = outer.inside(0x30)
        outer.end()
        algorithm = info.inside(0x30)
        identifier = algorithm.take(0x06).hex()
        reader = {EC_KEY: read_ec, RSA_KEY: read_rsa, ED25519: read_ed25519}.get(identifier)
        if reader is None:
            raise NotDer("unknown algorithm of a key")
        return reader(algorithm, info)
    except NotDer as error:
        raise BadKey(str(error)) from None


def read_ec(algorithm, info):
    oid = algorithm.take(0x06).hex()
    algorithm.end()
    point = bit_string(info)
    info.end()
    if oid not in CURVES:
        raise NotDer("unknown curve")
    name, curve = CURVES[oid]
    size = (curve.key_size + 7) // 8
    if len(point) != 2 * size + 1 or point[0] != 4:
        raise NotDer("a point that is not uncompressed")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError:
        raise BadKey("a point that is not on %s" % name) from None
    return PublicKey("EC", name, key, size)


def read_rsa(algorithm, info):
    if algorithm.take(0x05):
        raise NotDer("parameters of RSA that are not NULL")
    algorithm.end()
    outer = Der(bit_string(info))
    info.end()
    numbers = outer.inside(0x30)
    outer.end()
    n, e = numbers.positive(), numbers.positive()
    numbers.end()
    size = (n.bit_length() + 7) // 8
    try:
        key = rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError:
        key = None      # the library draws narrower limits; the size is judged by who needs it
    return PublicKey("RSA", "RSA-%d" % n.bit_length(), key, size)


def read_ed25519(algorithm, info):
    algorithm.end()
    if len(bit_string(info)) != 32:
        raise NotDer("an Ed25519 key that is not of 32 bytes")
    info.end()
    return PublicKey("Ed25519", "Ed25519", None, 32)


class KeyPair:
    """A key of a test: algorithm, private and public key, which must belong together."""

    def __init__(self, algorithm, private, public):
        self.name = algorithm
        self.spki = octets(public)
        secret = octets(private)
        try:
            self.private = (
                ec.derive_private_key(int.from_bytes(secret, "big"), CURVE_NAMED[self.name])
                if self.name in CURVE_NAMED else
                serialization.load_der_private_key(secret, password=None))
        except ValueError:
            raise Broken("a private key of %s does not decode" % self.name) from None
        made = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        require(made == self.spki, "%s: public and private key are no pair" % self.name)
        self.public = read_public_key(self.spki)
        require(self.public.name == self.name, "the key is no %s key" % self.name)

    def agree(self, peer):
        """Z: the x coordinate, as long as the field."""
        return self.private.exchange(ec.ECDH(), peer.key)

    def decrypt(self, encrypted):
        """RSAES-OAEP with SHA-256, without a label; None where it does not decrypt."""
        try:
            return self.private.decrypt(encrypted, padding.OAEP(
                padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        except ValueError:
            return None


@functools.lru_cache(maxsize=256)
def cached_pair(algorithm, private, public):
    return KeyPair(algorithm, private, public)


def key_pair(json):
    """The KeyPair of a key in a test; many tests share one."""
    return cached_pair(json["algorithm"], json["privateKey"], json["publicKey"])


@functools.lru_cache(maxsize=256)
def public_key_of(certificate):
    """The SubjectPublicKeyInfo of a certificate in DER."""
    try:
        return x509.load_der_x509_certificate(certificate).public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except ValueError:
        raise Broken("a certificate does not decode") from None
