"""A KeyGen2 client with a software SKS in Python, for a live issuer.

It verifies every MAC that the issuer makes, so that two independent implementations must agree.
Each message is made by a method of its own and may be altered by the caller before it is sent.
"""

import http.client
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlsplit

from . import constructs, keygen2
from .credentials import Credentials, PostOperations, check_lookup
from .certificates import Authority, generate
from .constructs import SessionCounter, spki, to_jwk
from .sks_types import base64url, from_base64url

ALGORITHM_PREFIX = "https://webpki.github.io/sks/algorithm#"
KEY_KINDS = {ALGORITHM_PREFIX + "ec.nist.p256": "P-256", ALGORITHM_PREFIX + "rsa2048": "RSA-2048",
             ALGORITHM_PREFIX + "rsa2048.exp": "RSA-2048", ALGORITHM_PREFIX + "ed25519": "Ed25519"}


class MacError(AssertionError):
    """A MAC of the issuer that does not hold."""


class Device:
    """A device key with a certificate of a device CA."""

    def __init__(self, kind="P-256", authority=None):
        self.authority = authority or Authority("Test device CA")
        self.key = generate(kind)
        self.certificate = self.authority.issue("Test device", self.key.public_key())
        self.credentials = Credentials()    # of closed sessions


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def message(self):
        return json.loads(self.body)

    @property
    def location(self):
        return self.headers.get("Location", "")

    @property
    def failed(self):
        """A 302 to the page of a failed session."""
        return self.status == 302 and "/failed/" in self.location

    @property
    def pending(self):
        return self.status == 302 and "/pending/" in self.location

    @property
    def done(self):
        return self.status == 302 and "/done/" in self.location


class HttpSession:
    """HTTP with the cookies that the server sets; one kept connection."""

    def __init__(self, base):
        self.base = base
        self.cookie = None
        self.connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=60)

    def request(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self.cookie:
            headers.setdefault("Cookie", self.cookie)
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            reply = Reply(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        cookie = reply.headers.get("Set-Cookie")
        if cookie:
            self.cookie = cookie.split(";")[0]
        return reply

    def record(self, kind, session_id):
        """The JSON form of /done/ID or /failed/ID."""
        reply = self.request("GET", "/%s/%s" % (kind, session_id),
                             headers={"Accept": "application/json"})
        return reply.status, json.loads(reply.body) if reply.status == 200 else None


class Client:
    """One enrolment. `run()` does it all; the single steps are there to be interrupted."""

    def __init__(self, issuer_url, profile, device=None):
        self.issuer_uri = "%s/kg2/%s" % (issuer_url, profile)
        self.path = urlsplit(self.issuer_uri).path
        self.http = HttpSession(issuer_url)
        self.device = device or Device()
        self.request = None         # the last message of the issuer
        self.session_id = None
        self.client_session_id = secrets.token_urlsafe(24)
        self.attested = {}          # the fields of the session attestation
        self.counter = None
        self.keys = {}
        self.private_keys = {}
        self.certificates = {}
        self.secrets = []           # PUKs, preset PINs, keys and extensions, decrypted
        self.privacy = False        # as the InvocationRequest asks for it
        self.device_id = None
        self.kmk = b""
        self.specifiers = {}        # of the keys that were asked for
        self.steps = []             # of the finalization

    # Transport

    def start(self):
        reply = self.http.request("GET", self.path + "?init=true")
        if reply.status == 200:
            self.request = reply.message
            self.session_id = self.request["serverSessionId"]
        return reply

    def resume(self, session_id=None):
        """Comes back after a deferred issuance."""
        reply = self.http.request("GET", "%s?init=true&resume=%s" % (
            self.path, session_id or self.session_id))
        if reply.status == 200:
            self.request = reply.message
        return reply

    def post(self, body, content_type="application/json"):
        raw = body if isinstance(body, bytes) else keygen2.dumps(body)
        reply = self.http.request("POST", self.path, raw, {"Content-Type": content_type})
        if reply.status == 200:
            self.request = reply.message
        return reply

    def record(self, kind):
        return self.http.record(kind, self.session_id)

    # Messages

    def answer(self):
        """The response to the request that came last."""
        return {"InvocationRequest": self.invocation_response,
                "ProvisioningInitializationRequest":
                    lambda: self.initialization_response(self.privacy),
                "CredentialDiscoveryRequest": self.discovery_response,
                "KeyCreationRequest": self.key_creation_response,
                "ProvisioningFinalizationRequest": self.finalization_response,
                }[self.request["@qualifier"]]()

    def answer_copy(self):
        """What answer() would be, with the session as it was: for another to misuse."""
        counter = self.counter and SessionCounter(self.counter.key, self.counter.counter)
        message = self.answer()
        self.counter = counter
        return message

    def run(self, alter=None, before=None, until=None):
        """Drives the session to its end, or until the request of that name has come.

        alter(qualifier, message) may return another message (dict or bytes); before(qualifier)
        is called in front of every request to the issuer.
        """
        if self.request is None:
            if before:
                before("init")
            reply = self.start()
        else:
            reply = None
        while (reply is None or reply.status == 200) and self.request["@qualifier"] != until:
            message = self.answer()
            qualifier = message["@qualifier"]
            if alter:
                altered = alter(qualifier, message)
                message = message if altered is None else altered
            if before:
                before(qualifier)
            reply = self.post(message)
        return reply

    def invocation_response(self):
        self.privacy = self.request.get("privacyEnabled", False)
        queries = self.request.get("clientCapabilityQuery")
        message = keygen2.message("InvocationResponse",
                                  serverSessionId=self.request["serverSessionId"])
        if queries:
            message["clientCapabilities"] = [{"type": uri, "supported": False}
                                             for uri in queries]
        return message

    def initialization_response(self, anonymous=False, attesting_key=None, **attested):
        """Makes the session key. `anonymous` uses the privacy mode whatever was asked for;
        attested changes the fields that the attestation covers."""
        request = self.request
        server_key = constructs.from_jwk(request["serverEphemeralKey"])
        ephemeral = generate(constructs.curve_name(server_key))
        kmk = request.get("keyManagementKey")
        now = datetime.now(timezone.utc).replace(microsecond=0)
        device_id = constructs.ANONYMOUS if anonymous else self.device.certificate
        self.device_id = device_id
        self.kmk = spki(constructs.from_jwk(kmk)) if kmk else b""
        self.attested = {
            "clientSessionId": self.client_session_id,
            "serverSessionId": request["serverSessionId"], "issuerUri": self.issuer_uri,
            "deviceId": device_id, "sessionKeyAlgorithm": request["sessionKeyAlgorithm"],
            "privacyEnabled": anonymous, "serverEphemeralKey": spki(server_key),
            "clientEphemeralKey": spki(ephemeral.public_key()),
            "keyManagementKey": self.kmk,
            "clientTime": int(now.timestamp()), "sessionLifeTime": request["sessionLifeTime"],
            "sessionKeyLimit": request["sessionKeyLimit"], "serverCertificate": b"",
            **attested}
        z = constructs.shared_secret(ephemeral, server_key)
        key = constructs.session_key(z, self.client_session_id, request["serverSessionId"],
                                     self.issuer_uri, device_id)
        self.counter = SessionCounter(key)
        data = constructs.session_attestation_data(self.attested)
        attestation = (constructs.hmac_sha256(key, data) if anonymous
                       else constructs.sign(attesting_key or self.device.key, data))
        message = self._response("ProvisioningInitializationResponse",
                                 serverTime=request["serverTime"],
                                 clientTime=now.isoformat(),
                                 clientEphemeralKey=to_jwk(ephemeral.public_key()))
        if not anonymous:
            message["deviceId"] = {"certificatePath": [base64url(self.device.certificate)]}
        message["attestation"] = base64url(attestation)
        self.device.credentials.roll_over(self.kmk, request)
        return message

    def discovery_response(self):
        """Every signature and nonce is checked, as a token's middleware must."""
        for specifier in self.request["lookupSpecifiers"]:
            check_lookup(specifier, self.client_session_id, self.session_id)
        return self._response("CredentialDiscoveryResponse", lookupResults=[
            {"id": specifier["id"],
             "matchingCredentials": self.device.credentials.search(specifier)}
            for specifier in self.request["lookupSpecifiers"]])

    def key_creation_response(self):
        generated = []
        for step in keygen2.key_creation_steps(self.request):
            self._check(step)
            if step.method == "createPukPolicy":
                self._decrypt(step.fields["encryptedPuk"])
            if step.method == "createKeyEntry":
                generated.append(self._generate(step))
        return self._response("KeyCreationResponse", generatedKeys=generated)

    def _generate(self, step):
        self.specifiers[step.fields["id"]] = step.source
        if step.fields["encryptedPin"]:
            self._decrypt(step.fields["encryptedPin"])
        private_key = generate(KEY_KINDS[step.fields["keyAlgorithm"]])
        public_der = spki(private_key.public_key())
        self.private_keys[step.fields["id"]] = private_key
        self.keys[step.fields["id"]] = public_der
        attestation = self.counter.attest(
            constructs.key_attestation_data(public_der, step.mac))
        return {"id": step.fields["id"], "publicKey": to_jwk(private_key.public_key()),
                "attestation": base64url(attestation)}

    def finalization_response(self):
        operations = PostOperations(self)
        self.steps = keygen2.finalization_steps(self.request, self.keys, self.attested)
        for step in self.steps:
            self._check(step)
            if step.method == "setCertificatePath":
                self.certificates[step.fields["id"]] = step.fields["certificate"]
            elif step.method.startswith("import"):
                self._decrypt(step.fields["encryptedKey"])
            elif step.fields.get("subType") == keygen2.EXTENSION_ENCRYPTED:
                self._decrypt(step.fields["extensionData"])
            elif step.method.startswith("post"):
                operations.add(step)
        nonce = from_base64url(self.request["sessionCloseData"]["nonce"])
        proof = self.counter.attest(constructs.close_attestation_data(nonce))
        operations.close()
        return self._response("ProvisioningFinalizationResponse", attestation=base64url(proof))

    def _response(self, qualifier, **properties):
        return keygen2.message(qualifier, serverSessionId=self.request["serverSessionId"],
                               clientSessionId=self.client_session_id, **properties)

    def _check(self, step):
        if self.counter.mac(step.method, step.fields) != step.mac:
            raise MacError("%s %s" % (step.method, step.source.get("id", "")))

    def _decrypt(self, encrypted):
        self.secrets.append(constructs.decrypt(self.counter.key, encrypted))
