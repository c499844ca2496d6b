"""Every session construct of SKS, computed with Python's own cryptography.

This is the second, independent implementation: it shares no line with the C programs, so that an
agreement of the two means something. Source: SKS V1.07, chapter 6, and the reference's behaviour.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .sks_types import array, base64url, encode, encode_table, from_base64url, parse_table

SESSION_1 = "https://webpki.github.io/sks/algorithm#session.1"
KEY_1 = "https://webpki.github.io/sks/algorithm#key.1"
ANONYMOUS = b"Anonymous"

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}

# The data of each MAC, in the order of the specification, and the name that goes into the MAC key:
# the two policy methods are spelt with capitals there.
MAC_DATA = {method: (mac_name, parse_table(table)) for method, mac_name, table in (
    ("closeProvisioningSession", "closeProvisioningSession",
     "clientSessionId id, serverSessionId id, issuerUri uri, nonce byte[]"),
    ("createPukPolicy", "createPUKPolicy",
     "id id, encryptedPuk byte[], format byte, retryLimit ushort"),
    ("createPinPolicy", "createPINPolicy",
     "id id, pukPolicyId id, userDefined bool, userModifiable bool, format byte,"
     " retryLimit ushort, grouping byte, patternRestrictions byte, minLength ushort,"
     " maxLength ushort, inputMethod byte"),
    ("createKeyEntry", "createKeyEntry",
     "id id, keyEntryAlgorithm uri, serverSeed byte[], pinPolicyId id, encryptedPin byte[],"
     " devicePinProtection bool, enablePinCaching bool, biometricProtection byte,"
     " exportProtection byte, deleteProtection byte, appUsage byte, friendlyName string,"
     " keyAlgorithm uri, keyParameters byte[], endorsedAlgorithm... uri"),
    ("setCertificatePath", "setCertificatePath", "publicKey byte[], id id, certificate... byte[]"),
    ("importSymmetricKey", "importSymmetricKey",
     "endEntityCertificate byte[], encryptedKey byte[]"),
    ("importPrivateKey", "importPrivateKey",
     "endEntityCertificate byte[], encryptedKey byte[]"),
    ("addExtension", "addExtension",
     "endEntityCertificate byte[], type uri, subType byte, qualifier string, extensionData blob"),
    ("postDeleteKey", "postDeleteKey", "authorization byte[]"),
    ("postUnlockKey", "postUnlockKey", "authorization byte[]"),
    ("postUpdateKey", "postUpdateKey", "endEntityCertificate byte[], authorization byte[]"),
    ("postCloneKeyProtection", "postCloneKeyProtection",
     "endEntityCertificate byte[], authorization byte[]"),
)}

SESSION_ATTESTATION = parse_table(
    "clientSessionId id, serverSessionId id, issuerUri uri, deviceId byte[],"
    " sessionKeyAlgorithm uri, privacyEnabled bool, serverEphemeralKey byte[],"
    " clientEphemeralKey byte[], keyManagementKey byte[], clientTime uint,"
    " sessionLifeTime ushort, sessionKeyLimit ushort, serverCertificate byte[]")


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


# Keys

def spki(public_key):
    return public_key.public_bytes(serialization.Encoding.DER,
                                   serialization.PublicFormat.SubjectPublicKeyInfo)


def from_spki(raw):
    return serialization.load_der_public_key(raw)


def pkcs8(private_key):
    return private_key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())


def from_pkcs8(raw):
    return serialization.load_der_private_key(raw, None)


def ec_size(key):
    """The length of a coordinate, of r and of s: 32, 48 or 66 bytes."""
    return (key.curve.key_size + 7) // 8


def curve_name(key):
    return next(name for name, curve in CURVES.items() if curve.name == key.curve.name)


def _uint(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def to_jwk(public_key):
    """The public key as KeyGen2 writes it."""
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        raw = public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    numbers = public_key.public_numbers()
    if isinstance(public_key, rsa.RSAPublicKey):
        return {"kty": "RSA", "n": _uint(numbers.n), "e": _uint(numbers.e)}
    size = ec_size(public_key)
    return {"kty": "EC", "crv": curve_name(public_key),
            "x": _uint(numbers.x, size), "y": _uint(numbers.y, size)}


def from_jwk(jwk):
    def value(name):
        return int.from_bytes(from_base64url(jwk[name]), "big")

    if jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(from_base64url(jwk["x"]))
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(value("e"), value("n")).public_key()
    return ec.EllipticCurvePublicNumbers(value("x"), value("y"), CURVES[jwk["crv"]]).public_key()


# Signatures: RSA PKCS #1 v1.5, ECDSA as r||s, always SHA-256 where SKS itself signs

def to_raw_ecdsa(der, size):
    return b"".join(part.to_bytes(size, "big") for part in decode_dss_signature(der))


def from_raw_ecdsa(raw):
    half = len(raw) // 2
    r, s = (int.from_bytes(part, "big") for part in (raw[:half], raw[half:]))
    return encode_dss_signature(r, s)


def sign(private_key, data, digest=hashes.SHA256()):
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(data, PKCS1v15(), digest)
    return to_raw_ecdsa(private_key.sign(data, ec.ECDSA(digest)), ec_size(private_key))


def verifies(public_key, signature, data, digest=hashes.SHA256()):
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, data, PKCS1v15(), digest)
        elif len(signature) != 2 * ec_size(public_key):
            return False
        else:
            public_key.verify(from_raw_ecdsa(signature), data, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


# The session

def shared_secret(private_key, public_key):
    """Z: the x coordinate with the full length of the field."""
    return private_key.exchange(ec.ECDH(), public_key)


def session_key(z, client_session_id, server_session_id, issuer_uri, device_id):
    return hmac_sha256(z, encode("id", client_session_id) + encode("id", server_session_id)
                       + encode("uri", issuer_uri) + array(device_id))


def session_attestation_data(fields):
    return encode_table(SESSION_ATTESTATION, fields, counted=False)


def mac_data(method, fields):
    return encode_table(MAC_DATA[method][1], fields, counted=False)


def method_mac(key, name, counter, data):
    return hmac_sha256(key + name.encode() + encode("ushort", counter), data)


def attestation(key, counter, data):
    return method_mac(key, "DeviceAttestation", counter, data)


def key_attestation_data(public_key_der, mac):
    return array(public_key_der) + array(mac)


def close_attestation_data(nonce):
    return array(nonce)


def encryption_key(key):
    return hmac_sha256(key, b"EncryptionKey")


def encrypt(key, plain, iv):
    padder = padding.PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(encryption_key(key)), modes.CBC(iv)).encryptor()
    return iv + cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()


def decrypt(key, data):
    cipher = Cipher(algorithms.AES(encryption_key(key)), modes.CBC(data[:16])).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(cipher.update(data[16:]) + cipher.finalize()) + unpadder.finalize()


def target_key_reference_data(key, device_id, certificate):
    """Raw bytes: no length fields, here alone."""
    return b"TargetKeyReference" + hmac_sha256(key + device_id, certificate)


def kmk_roll_over_data(new_public_key_der):
    return b"RollOverAuthorization" + new_public_key_der


def property_bag(*properties):
    """extensionData of (name, writable, value) in order, nothing between."""
    return b"".join(encode("string", name) + encode("bool", writable) + encode("string", value)
                    for name, writable, value in properties)


class SessionCounter:
    """A session key with its one counter for MACs and attestations, as either end keeps it."""

    def __init__(self, key, counter=0):
        self.key = key
        self.counter = counter

    def _step(self):
        self.counter += 1
        return self.counter - 1

    def mac(self, method, fields):
        return method_mac(self.key, MAC_DATA[method][0], self._step(), mac_data(method, fields))

    def attest(self, data):
        return attestation(self.key, self._step(), data)
