"""The check of an evidence record once more, with Python's own cryptography and JSON.

It shares no line with sks-vectors, so that an agreement of the two means something: the signature,
the session attestation, every MAC and attestation under the session key, and the closing proof."""

import json
import re
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from . import constructs, evidence, keygen2, keygen2_2010
from .constructs_2010 import SESSION_2010
from .sks_types import from_base64url

FOR_EVIDENCE = x509.ObjectIdentifier("1.3.6.1.4.1.32473.6.1")
MADE = re.compile(r"made for (\w+)(?: of (\S+))? with counter (\d+)$")


class Disagreement(AssertionError):
    """What the record says is not so."""


def agree(condition, *what):
    if not condition:
        raise Disagreement(*what)


def signed_by(certificate, ca):
    try:
        ca.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes,
                               ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return certificate.issuer == ca.subject


class Recheck:
    """Raises Disagreement, or finds out: `macs` and `attestations` are how many were computed."""

    def __init__(self, text, ca_pem):
        self.record = json.loads(text)
        self.terms = self.record["terms"]
        self.messages = {item["type"]: json.loads(from_base64url(item["body"]))
                         for item in self.record["messages"]}
        self.macs = self.attestations = 0
        self.made = []
        agree(evidence.canonical(self.record) == text.rstrip("\n"), "canonical form")
        self.check_signature(x509.load_pem_x509_certificate(ca_pem.read_bytes()))
        self.check_session_attestation()
        if "sessionKey" in self.record:
            self.counter = constructs.SessionCounter(from_base64url(self.record["sessionKey"]))
            self.check_macs()

    def check_signature(self, ca):
        (der,) = self.record["signature"]["certificatePath"]
        certificate = x509.load_der_x509_certificate(from_base64url(der))
        agree(signed_by(certificate, ca), "certificate of the evidence key")
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        agree(FOR_EVIDENCE in usage, "what that certificate is for")
        agree(evidence.signature_holds(self.record), "signature")

    def check_session_attestation(self):
        request = self.messages["ProvisioningInitializationRequest"]
        response = self.messages["ProvisioningInitializationResponse"]
        path = response.get("deviceId", {}).get("certificatePath")
        anonymous = self.messages["InvocationRequest"].get("privacyEnabled", False)
        agree(anonymous == (path is None), "mode")
        device_id = constructs.ANONYMOUS if anonymous else from_base64url(path[0])

        def key(message, name):
            return (constructs.spki(constructs.from_jwk(message[name])) if name in message
                    else b"")

        self.session = {
            "clientSessionId": response["clientSessionId"],
            "serverSessionId": self.record["serverSessionId"],
            "issuerUri": self.record["issuerUri"]}
        if request["sessionKeyAlgorithm"] == SESSION_2010:
            agree(keygen2_2010.recheck(self.record), "attestation of 2010")
            agree("sessionKey" not in self.record
                  or keygen2_2010.proof_holds(self.record), "session key")
            return
        data = constructs.session_attestation_data({
            **self.session, "deviceId": device_id,
            "sessionKeyAlgorithm": request["sessionKeyAlgorithm"], "privacyEnabled": anonymous,
            "serverEphemeralKey": key(request, "serverEphemeralKey"),
            "clientEphemeralKey": key(response, "clientEphemeralKey"),
            "keyManagementKey": key(request, "keyManagementKey"),
            "clientTime": int(datetime.fromisoformat(response["clientTime"]).timestamp()),
            "sessionLifeTime": request["sessionLifeTime"],
            "sessionKeyLimit": request["sessionKeyLimit"],
            "serverCertificate": from_base64url(self.terms.get("serverCertificate", ""))})
        attestation = from_base64url(response["attestation"])
        if not anonymous:
            device = x509.load_der_x509_certificate(device_id)
            agree(constructs.verifies(device.public_key(), attestation, data), "attestation")
        elif "sessionKey" in self.record:
            key = from_base64url(self.record["sessionKey"])
            agree(constructs.hmac_sha256(key, data) == attestation, "attestation by HMAC")

    def check_macs(self):
        keys = {}
        if "KeyCreationRequest" in self.messages:
            keys = self.check_creation()
        request = self.messages["ProvisioningFinalizationRequest"]
        steps = keygen2.finalization_steps(request, keys, self.session)
        for step in steps:
            self.check_mac(step)
        self.check_attestation(
            constructs.close_attestation_data(steps[-1].fields["nonce"]),
            self.messages["ProvisioningFinalizationResponse"]["attestation"])
        told = [MADE.match(check["detail"]).groups() for check in self.record["checks"]
                if check["name"] == "mac"]
        agree([(name, int(counter)) for name, _, counter in told] == self.made, "the checks told")

    def check_creation(self):
        generated = {item["id"]: item for item in
                     self.messages["KeyCreationResponse"]["generatedKeys"]}
        keys = {name: constructs.spki(constructs.from_jwk(item["publicKey"]))
                for name, item in generated.items()}
        for step in keygen2.key_creation_steps(self.messages["KeyCreationRequest"]):
            self.check_mac(step)
            if step.method == "createKeyEntry":
                key = step.fields["id"]
                self.check_attestation(constructs.key_attestation_data(keys[key], step.mac),
                                       generated[key]["attestation"])
        return keys

    def check_mac(self, step):
        self.made.append((constructs.MAC_DATA[step.method][0], self.counter.counter))
        agree(self.counter.mac(step.method, step.fields) == step.mac, "MAC of " + step.method)
        self.macs += 1

    def check_attestation(self, data, attestation):
        agree(self.counter.attest(data) == from_base64url(attestation), "an attestation")
        self.attestations += 1
