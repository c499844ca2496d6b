"""Known answers out of the recorded sessions in transcripts/.

The sessions were recorded from the public reference implementation, run against itself, with the
secrets to recheck them. Every value here is the recorded one, and recomputed before it is used.
"""

import json
from datetime import datetime
from pathlib import Path

from cryptography import x509

from rig import constructs, keygen2
from rig.sks_types import from_base64url

FOLDER = Path(__file__).parent / "transcripts"
SESSION_NAMES = ("clientSessionId", "serverSessionId", "issuerUri")
REQUEST_FIELDS = ("sessionKeyAlgorithm", "sessionKeyLimit", "sessionLifeTime")


class Transcript:
    def __init__(self, path):
        raw = json.loads(path.read_text())
        self.name = raw["scenario"]
        self.raw = raw
        self.messages = {m["type"]: json.loads(m["body"]) for m in raw["messages"]}
        self.key = bytes.fromhex(raw["sessionKeyHex"])
        self.device = from_base64url(raw["deviceCertificate"])

    def fields(self):
        """The fields of the session attestation."""
        request = self.messages["ProvisioningInitializationRequest"]
        response = self.messages["ProvisioningInitializationResponse"]
        kmk = request.get("keyManagementKey")
        return {
            **{name: self.raw[name] for name in SESSION_NAMES},
            **{name: request[name] for name in REQUEST_FIELDS},
            "deviceId": self.device,
            "privacyEnabled": request.get("privacyEnabled", False),
            "serverEphemeralKey": jwk_spki(request["serverEphemeralKey"]),
            "clientEphemeralKey": jwk_spki(response["clientEphemeralKey"]),
            "keyManagementKey": jwk_spki(kmk) if kmk else b"",
            "clientTime": seconds(response["clientTime"]),
            "serverCertificate": from_base64url(self.raw["serverCertificate"]),
        }

    def attestation(self):
        return from_base64url(self.messages["ProvisioningInitializationResponse"]["attestation"])

    def server_key(self):
        return constructs.from_pkcs8(from_base64url(self.raw["serverEphemeralPrivateKeyPkcs8"]))

    def device_key(self):
        return x509.load_der_x509_certificate(self.device).public_key()

    def generated_keys(self):
        return {key["id"]: key for key in
                self.messages["KeyCreationResponse"]["generatedKeys"]}

    def steps(self):
        """Every call with a MAC, with the attestation that answered it or None."""
        keys = self.generated_keys()
        spki = {name: jwk_spki(key["publicKey"]) for name, key in keys.items()}
        final = self.messages["ProvisioningFinalizationResponse"]
        created = keygen2.key_creation_steps(self.messages["KeyCreationRequest"])
        finished = keygen2.finalization_steps(
            self.messages["ProvisioningFinalizationRequest"], spki, self.fields())
        for step in created + finished:
            if step.method == "createKeyEntry":
                name = step.source["id"]
                yield step, (constructs.key_attestation_data(spki[name], step.mac),
                             from_base64url(keys[name]["attestation"]))
            elif step.method == "closeProvisioningSession":
                yield step, (constructs.close_attestation_data(step.fields["nonce"]),
                             from_base64url(final["attestation"]))
            else:
                yield step, None


def jwk_spki(jwk):
    return constructs.spki(constructs.from_jwk(jwk))


def seconds(text):
    return int(datetime.fromisoformat(text).timestamp())


def load_all():
    return [Transcript(path) for path in sorted(FOLDER.glob("*.json"))]
