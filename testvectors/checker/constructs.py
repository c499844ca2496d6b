"""The session constructs of docs/wire.md, section 4, each from its definition."""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
SESSION_KEY = 32        # bytes
ANONYMOUS = b"Anonymous"
SESSION_1 = b"https://webpki.github.io/sks/algorithm#session.1"

SESSION_KEY_FIELDS = [("clientSessionId", "array"), ("serverSessionId", "array"),
                      ("issuerUri", "array"), ("deviceId", "array")]
ATTESTED_FIELDS = SESSION_KEY_FIELDS + [
    ("sessionKeyAlgorithm", "array"), ("privacyEnabled", "bool"), ("serverEphemeralKey", "array"),
    ("clientEphemeralKey", "array"), ("keyManagementKey", "array"), ("clientTime", "uint"),
    ("sessionLifeTime", "ushort"), ("sessionKeyLimit", "ushort"), ("serverCertificate", "array")]
ATTESTED_FIELDS_2010 = [
    ("sessionKeyProof", "array"), ("server_session_id", "array"), ("client_session_id", "array"),
    ("provisioning_uri", "array"), ("server_public_key", "array"), ("life_time", "uint")]


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def method_mac(session_key, name, counter, data):
    return mac(session_key + name.encode("ascii") + counter.to_bytes(2, "big"), data)


def attestation(session_key, counter, data):
    return method_mac(session_key, "DeviceAttestation", counter, data)


def session_key_proof(session_key):
    return mac(session_key, b"SessionKeyAttestation")


def encryption_key(session_key):
    return mac(session_key, b"EncryptionKey")


def decrypt(session_key, data):
    """The clear text of IV and ciphertext; None where it does not decrypt."""
    if len(data) < 2 * BLOCK or len(data) % BLOCK:
        return None
    cipher = Cipher(algorithms.AES(encryption_key(session_key)), modes.CBC(data[:BLOCK]))
    decryptor = cipher.decryptor()
    clear = decryptor.update(data[BLOCK:]) + decryptor.finalize()
    pad = clear[-1]
    if not 1 <= pad <= BLOCK or clear[-pad:] != bytes([pad]) * pad:
        return None
    return clear[:-pad]


def encrypt(session_key, iv, clear):
    pad = BLOCK - len(clear) % BLOCK
    encryptor = Cipher(algorithms.AES(encryption_key(session_key)), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(clear + bytes([pad]) * pad) + encryptor.finalize()


def target_reference(session_key, device_id, certificate):
    """What a key management key signs to manage a key: without lengths."""
    return b"TargetKeyReference" + mac(session_key + device_id, certificate)


def roll_over(new_key):
    return b"RollOverAuthorization" + new_key
