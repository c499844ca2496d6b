"""Sessions of the 2010 profile in KeyGen2, by Python's own cryptography: a client with a software
SKS against a live issuer, an issuer against the middleware. All but the session key is V1.07's."""

import json
import secrets
from datetime import datetime, timezone

from cryptography import x509

from . import constructs
from .client_side import Client
from .constructs import SessionCounter, spki, to_jwk
from .constructs_2010 import SESSION_2010, attestation_data, oaep, proof_of, signed_data
from .keygen2_issuer import KeyGen2Issuer, ProofError, Session
from .profile_2010 import server_key
from .sks_types import base64url, from_base64url


class Client2010(Client):
    def initialization_response(self, anonymous=False, key=None, **attested):
        """`key` takes the place of a drawn session key; `attested` changes what is signed."""
        request = self.request
        key = key or secrets.token_bytes(32)
        server = constructs.from_jwk(request["serverPublicKey"])
        self.device_id = self.device.certificate
        self.attested = {
            "server_session_id": request["serverSessionId"].encode(),
            "client_session_id": self.client_session_id.encode(),
            "provisioning_uri": self.issuer_uri, "server_public_key": spki(server),
            "life_time": request["sessionLifeTime"],
            "clientSessionId": self.client_session_id, "serverSessionId": self.session_id,
            "issuerUri": self.issuer_uri, **attested}    # the last three are of the close
        self.counter = SessionCounter(key)
        signature = constructs.sign(self.device.key, attestation_data(key, self.attested))
        now = datetime.now(timezone.utc).replace(microsecond=0)
        return self._response(
            "ProvisioningInitializationResponse", serverTime=request["serverTime"],
            clientTime=now.isoformat(), encryptedSessionKey=base64url(server.encrypt(key, oaep())),
            deviceId={"certificatePath": [base64url(self.device.certificate)]},
            attestation=base64url(signature))


class IssuerSession2010(Session):
    def __init__(self, issuer, script):
        self.own = server_key()
        super().__init__(issuer, script)

    def initialization(self, lifetime=600, **changes):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.request = {"serverTime": now, "sessionKeyAlgorithm": SESSION_2010,
                        "sessionKeyLimit": 65535, "sessionLifeTime": lifetime,
                        "serverPublicKey": to_jwk(self.own.public_key()), **changes}
        return self.message("ProvisioningInitializationRequest", **self.request)

    def _accept_initialization(self, response):
        self.device_certificate = from_base64url(response["deviceId"]["certificatePath"][0])
        self.device_id = self.device_certificate
        self.client_id = response["clientSessionId"]
        key = self.own.decrypt(from_base64url(response["encryptedSessionKey"]), oaep())
        data = attestation_data(key, {
            "server_session_id": self.id.encode(), "client_session_id": self.client_id.encode(),
            "provisioning_uri": self.issuer.uri,
            "server_public_key": spki(self.own.public_key()),
            "life_time": self.request["sessionLifeTime"]})
        device = x509.load_der_x509_certificate(self.device_certificate).public_key()
        if not constructs.verifies(device, from_base64url(response["attestation"]), data):
            raise ProofError("session attestation")
        self.counter = SessionCounter(key)


class KeyGen2Issuer2010(KeyGen2Issuer):
    session_class = IssuerSession2010


def recheck(record, **changes):
    """Whether the device has signed what an evidence record says of its session; without the
    session key, whose proof stands there. `changes` are of what was signed."""
    terms = record["terms"]
    fields = {"server_session_id": record["serverSessionId"].encode(),
              "client_session_id": terms["clientSessionId"].encode(),
              "provisioning_uri": record["issuerUri"],
              "server_public_key": spki(constructs.from_jwk(terms["serverPublicKey"])),
              "life_time": terms["sessionLifeTime"],
              "proof": from_base64url(terms["sessionKeyProof"]), **changes}
    certificate = from_base64url(terms["deviceCertificatePath"][0])
    return constructs.verifies(x509.load_der_x509_certificate(certificate).public_key(),
                               from_base64url(attestation_of(record)),
                               signed_data(fields["proof"], fields))


def attestation_of(record):
    """As it crossed."""
    (body,) = [item["body"] for item in record["messages"]
               if item["type"] == "ProvisioningInitializationResponse"]
    return json.loads(from_base64url(body))["attestation"]


def proof_holds(record):
    """With the session key in the record."""
    return proof_of(from_base64url(record["sessionKey"])) == from_base64url(
        record["terms"]["sessionKeyProof"])
