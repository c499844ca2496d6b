"""The constructs of the 2010 profile, by Python's own cryptography; see constructs.py."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .constructs import hmac_sha256
from .sks_types import array, encode

SESSION_2010 = "urn:sks:2010:session.rsa"


def oaep():
    """How the session key travels."""
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def proof_of(key):
    """What stands for the session key in what is signed."""
    return hmac_sha256(key, b"SessionKeyAttestation")


def attestation_data(key, fields):
    """What the device key signs: all that method 24 got, and that the token has the key."""
    return signed_data(proof_of(key), fields)


def signed_data(proof, fields):
    return (array(proof)
            + array(fields["server_session_id"]) + array(fields["client_session_id"])
            + encode("string", fields["provisioning_uri"])
            + array(fields["server_public_key"]) + encode("uint", fields["life_time"]))
