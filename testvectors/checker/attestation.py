"""Kind attestation: what the device signs of a new session, in its three forms."""

from . import constructs
from .fields import Fields, octets
from .keys import key_pair, public_key_of, read_public_key
from .verdict import by_issuer, require, valid


def judge(group, test):
    fixtures = group["fixtures"]
    session_key = octets(fixtures["sessionKey"])
    device_key = key_pair(fixtures["deviceKey"])
    certificate = octets(fixtures["deviceCertificate"])
    require(public_key_of(certificate) == device_key.spki,
            "deviceCertificate is not of deviceKey")
    data = SIGNED[group["type"]](fixtures, session_key, certificate)
    given = octets(test["input"]["attestation"])
    if group["type"] == "privacy":
        good = given == constructs.mac(session_key, data)
    else:
        good = device_key.public.verify(data, given)
    return valid() if good else by_issuer("session attestation")


def terms(fixtures, device_id, privacy):
    """T of docs/wire.md, section 4."""
    fields = Fields(fixtures, constructs.ATTESTED_FIELDS, "session attestation")
    require(fields["deviceId"] == device_id, "deviceId is not that of the mode")
    require(fields["privacyEnabled"] == bytes([privacy]), "privacyEnabled is not that of the mode")
    require(fields["sessionKeyAlgorithm"] == constructs.SESSION_1, "another sessionKeyAlgorithm")
    server, client = (read_public_key(fields[name])
                      for name in ("serverEphemeralKey", "clientEphemeralKey"))
    require(server.kind == "EC" and server.name == client.name, "ephemeral keys of two curves")
    if fields["keyManagementKey"]:
        read_public_key(fields["keyManagementKey"])
    if fields["serverCertificate"]:
        public_key_of(fields["serverCertificate"])
    return fields.input


def terms_2010(fixtures, session_key, _certificate):
    """T2010 of docs/2010-profile.md, section 3."""
    fields = Fields(fixtures, constructs.ATTESTED_FIELDS_2010, "attested_session_key")
    require(fields["sessionKeyProof"] == constructs.session_key_proof(session_key),
            "sessionKeyProof is not that of sessionKey")
    for name in ("server_session_id", "client_session_id"):
        require(len(fields[name]) == 32, name + " is not of 32 bytes")
    server = read_public_key(fields["server_public_key"])
    require(server.kind == "RSA" and 256 <= server.size <= 512, "no server key of 2010")
    return fields.input


SIGNED = {
    "deviceSignature": lambda fixtures, _, certificate: terms(fixtures, certificate, False),
    "privacy": lambda fixtures, _, __: terms(fixtures, constructs.ANONYMOUS, True),
    "2010": terms_2010,
}
