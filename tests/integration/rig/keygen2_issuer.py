"""A KeyGen2 issuer in Python for the real proxy: it can send every field of every message.

What it sends is said by a script, a generator: `response = yield message`. A script that ends has
succeeded, one that raises has failed; `yield PENDING` puts the session off until it is resumed.
"""

import http.server
import json
import os
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from . import constructs, keygen2
from .certificates import Authority, generate
from .constructs import SessionCounter, spki, to_jwk
from .evidence import canonical
from .sks_types import base64url, encode, from_base64url

PENDING = object()
PATH = "/kg2/test"


class ProofError(AssertionError):
    """An attestation or an answer that does not hold."""


@dataclass
class Credential:
    """A key that a session has left in the token."""
    certificate: bytes
    session: "Session"
    private: object = None      # of an imported key


def fingerprint(certificate):
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate)
    return digest.finalize()


def roll_over(new, *old):
    """updatableKeyManagementKeys: each of old has the one before it above."""
    chain = []
    for above, key in reversed(list(zip((new, *old), old))):
        entry = {"publicKey": to_jwk(key.public_key()), "authorization": base64url(constructs.sign(
            key, constructs.kmk_roll_over_data(spki(above.public_key()))))}
        if chain:
            entry["updatableKeyManagementKeys"] = chain
        chain = [entry]
    return chain


class Session:
    """The issuer's side of one session, and what makes its messages."""

    def __init__(self, issuer, script):
        self.issuer = issuer
        self.id = secrets.token_urlsafe(24)
        self.cookie = secrets.token_urlsafe(24)
        self.server_key = generate()
        self.invocation_sent = self.request = self.counter = None
        self.device_id = self.device_certificate = None
        self.client_id = None
        self.attest_at = {}         # id of a key: the counter of its attestation
        self.public_keys = {}       # id of a key: SPKI
        self.credentials = {}       # id of a key: Credential
        self.responses = []
        self.verdict = "open"
        self.cause = ""
        self.approved = False
        self.script = script(self)

    # Messages

    def message(self, qualifier, **properties):
        ids = {"serverSessionId": self.id}
        if self.client_id:
            ids["clientSessionId"] = self.client_id
        return keygen2.message(qualifier, **ids, **properties)

    def invocation(self, **changes):
        self.invocation_sent = {"action": "manage", **changes}
        message = self.message("InvocationRequest", **self.invocation_sent)
        message.pop("clientSessionId", None)
        return message

    def initialization(self, kmk=None, lifetime=600, **changes):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.request = {"serverTime": now, "sessionKeyAlgorithm": constructs.SESSION_1,
                        "sessionKeyLimit": 2000, "sessionLifeTime": lifetime,
                        "serverEphemeralKey": to_jwk(self.server_key.public_key()), **changes}
        if kmk:
            self.request["keyManagementKey"] = to_jwk(kmk.public_key())
        return self.message("ProvisioningInitializationRequest", **self.request)

    def discovery(self, *specifiers):
        return self.message("CredentialDiscoveryRequest", lookupSpecifiers=list(specifiers))

    def lookup(self, kmk, id="Lookup.1", nonce=None, signer=None, **search_filter):
        ids = encode("id", self.client_id) + encode("id", self.id)
        specifier = {"id": id, "nonce": base64url(nonce or fingerprint(ids)),
                     "signature": {"algorithm": "ES256", "publicKey": to_jwk(kmk.public_key())}}
        if search_filter:
            specifier["searchFilter"] = search_filter
        specifier["signature"]["value"] = base64url(
            constructs.sign(signer or kmk, canonical(specifier).encode()))
        return specifier

    def key(self, id="Key.1", **changes):
        return {"id": id, "appUsage": "signature",
                "keyAlgorithm": "https://webpki.github.io/sks/algorithm#ec.nist.p256", **changes}

    def pin(self, *keys, id="PIN.1", **changes):
        return {"id": id, "minLength": 4, "maxLength": 8, "retryLimit": 3, "format": "numeric",
                **changes, "keyEntrySpecifiers": list(keys) or [self.key()]}

    def creation(self, **properties):
        """KeyCreationRequest; every object gets its MAC here."""
        message = self.message("KeyCreationRequest", keyEntryAlgorithm=constructs.KEY_1,
                               **properties)
        for step in keygen2.key_creation_steps(message):
            self._mac(step)
            if step.method == "createKeyEntry":
                self.attest_at[step.fields["id"]] = self.counter.counter
                self.counter.counter += 1
        return message

    def credential(self, id="Key.1", subject=None, public_key=None, path=None, **properties):
        if path is None:
            public_key = public_key or constructs.from_spki(self.public_keys[id])
            path = [self.issuer.authority.issue(subject or id, public_key)]
        self.credentials[id] = Credential(path[0], self)
        return {"id": id, "certificatePath": [base64url(der) for der in path], **properties}

    def private_key(self, id, private, **properties):
        """A credential of an imported private key."""
        made = self.credential(id, public_key=private.public_key(), **properties)
        made["importPrivateKey"] = {"encryptedKey": self.encrypt(constructs.pkcs8(private))}
        return made

    def encrypt(self, plain):
        return base64url(constructs.encrypt(self.counter.key, plain, os.urandom(16)))

    def target(self, credential, kmk):
        data = constructs.target_key_reference_data(self.counter.key, self.device_id,
                                                    credential.certificate)
        return {"fingerPrint": base64url(fingerprint(credential.certificate)),
                "serverSessionId": credential.session.id,
                "clientSessionId": credential.session.client_id,
                "authorization": base64url(constructs.sign(kmk, data))}

    def finalization(self, *credentials, **properties):
        """ProvisioningFinalizationRequest; every object gets its MAC here."""
        if credentials:
            properties["issuedCredentials"] = list(credentials)
        message = self.message("ProvisioningFinalizationRequest", **properties)
        message["sessionCloseData"] = {"nonce": base64url(os.urandom(32))}
        terms = {"clientSessionId": self.client_id, "serverSessionId": self.id,
                 "issuerUri": self.issuer.uri}
        for step in keygen2.finalization_steps(message, self.public_keys, terms):
            self._mac(step)
        self.nonce = from_base64url(message["sessionCloseData"]["nonce"])
        return message

    def _mac(self, step):
        step.source["mac"] = base64url(self.counter.mac(step.method, step.fields))

    # Responses

    def accept(self, response):
        self.responses.append(response)
        if response["serverSessionId"] != self.id:
            raise ProofError("serverSessionId")
        check = {"ProvisioningInitializationResponse": self._accept_initialization,
                 "KeyCreationResponse": self._accept_keys,
                 "ProvisioningFinalizationResponse": self._accept_proof,
                 }.get(response["@qualifier"])
        if check:
            check(response)

    def _accept_initialization(self, response):
        privacy = self.invocation_sent.get("privacyEnabled", False)
        if ("deviceId" in response) == privacy:
            raise ProofError("deviceId")
        if not privacy:
            self.device_certificate = from_base64url(response["deviceId"]["certificatePath"][0])
        self.device_id = self.device_certificate or constructs.ANONYMOUS
        self.client_id = response["clientSessionId"]
        client_key = constructs.from_jwk(response["clientEphemeralKey"])
        kmk = self.request.get("keyManagementKey")
        data = constructs.session_attestation_data({
            "clientSessionId": self.client_id, "serverSessionId": self.id,
            "issuerUri": self.issuer.uri, "deviceId": self.device_id,
            "sessionKeyAlgorithm": constructs.SESSION_1, "privacyEnabled": privacy,
            "serverEphemeralKey": spki(self.server_key.public_key()),
            "clientEphemeralKey": spki(client_key),
            "keyManagementKey": spki(constructs.from_jwk(kmk)) if kmk else b"",
            "clientTime": int(datetime.fromisoformat(response["clientTime"]).timestamp()),
            "sessionLifeTime": self.request["sessionLifeTime"],
            "sessionKeyLimit": self.request["sessionKeyLimit"], "serverCertificate": b""})
        key = constructs.session_key(constructs.shared_secret(self.server_key, client_key),
                                     self.client_id, self.id, self.issuer.uri, self.device_id)
        attestation = from_base64url(response["attestation"])
        holds = (constructs.hmac_sha256(key, data) == attestation if privacy
                 else constructs.verifies(x509.load_der_x509_certificate(
                     self.device_certificate).public_key(), attestation, data))
        if not holds:
            raise ProofError("session attestation")
        self.counter = SessionCounter(key)

    def _accept_keys(self, response):
        macs = {step.fields["id"]: step.mac
                for step in keygen2.key_creation_steps(self.sent)
                if step.method == "createKeyEntry"}
        if [key["id"] for key in response["generatedKeys"]] != list(macs):
            raise ProofError("generated keys")
        for key in response["generatedKeys"]:
            public = spki(constructs.from_jwk(key["publicKey"]))
            data = constructs.key_attestation_data(public, macs[key["id"]])
            if constructs.attestation(self.counter.key, self.attest_at[key["id"]],
                                      data) != from_base64url(key["attestation"]):
                raise ProofError("attestation of " + key["id"])
            self.public_keys[key["id"]] = public

    def _accept_proof(self, response):
        if self.counter.attest(constructs.close_attestation_data(
                self.nonce)) != from_base64url(response["attestation"]):
            raise ProofError("closing proof")

    # The script

    def step(self, response=None):
        """The next message; PENDING, or None at the end."""
        try:
            if response is not None:
                self.accept(response)
            self.sent = self.script.send(response)
            return self.sent
        except StopIteration:
            self.verdict = "succeeded"
            return None

    def fail(self, cause):
        self.verdict, self.cause = "failed", cause


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self):
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == PATH and "init" in query:
            self._begin(query.get("resume", [None])[0])
        elif parts.path == PATH:
            self._abort()
        else:
            self._page(parts.path)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.issuer.bodies.append(body)
        session = self._session()
        if session is None:
            return self._answer(403)
        try:
            message = json.loads(body)
        except ValueError as error:
            session.fail(repr(error))
            return self._redirect("failed", session)
        return self._go_on(session, message)

    def _session(self):
        cookies = self.headers.get("Cookie", "").split("; ")
        return next((session for session in self.server.issuer.sessions
                     if "test-session=" + session.cookie in cookies), None)

    def _begin(self, resume):
        issuer = self.server.issuer
        if resume is None:
            session = issuer.session_class(issuer, issuer.script)
            issuer.sessions.append(session)
            return self._go_on(session, cookie=session.cookie)
        session = self._session()
        if session is None or session.id != resume:
            return self._answer(403)
        if session.verdict != "open":
            return self._redirect("failed", session)
        if session.approved:
            return self._go_on(session)
        return self._redirect("pending", session)

    def _abort(self):
        session = self._session()
        if session and session.verdict == "open":
            session.fail("aborted by the client")
        self._redirect("failed", session) if session else self._answer(403)

    def _go_on(self, session, response=None, cookie=None):
        try:
            message = session.step(response)
        except Exception as error:
            session.fail(repr(error))
            self.server.issuer.errors.append(error)
        else:
            if message is PENDING:
                return self._redirect("pending", session)
            if message is not None:
                return self._answer(200, json.dumps(message, ensure_ascii=False).encode(), cookie)
        return self._redirect("done" if session.verdict == "succeeded" else "failed", session)

    def _redirect(self, kind, session):
        self._answer(302, location="%s/%s/%s" % (self.server.issuer.url, kind, session.id))

    def _page(self, path):
        kind, _, session_id = path.strip("/").partition("/")
        session = next((s for s in self.server.issuer.sessions if s.id == session_id), None)
        wanted = {"done": "succeeded", "failed": "failed"}.get(kind)
        if session is None or session.verdict != wanted:
            return self._answer(404)
        return self._answer(200, json.dumps({
            "serverSessionId": session.id, "profile": "test", "verdict": session.verdict,
            "cause": session.cause}).encode())

    def _answer(self, status, body=b"", cookie=None, location=None):
        self.send_response_only(status)
        if status == 200:
            self.send_header("Content-Type", "application/json")
        if location:
            self.send_header("Location", location)
        if cookie:
            self.send_header("Set-Cookie", "test-session=%s; HttpOnly; Path=/kg2" % cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class KeyGen2Issuer:
    """issuer.script is what the next session plays; sessions and errors tell what came of it."""

    session_class = Session

    def __init__(self, name="Test CA"):
        self.authority = Authority(name)
        self.script = None
        self.sessions, self.errors, self.bodies = [], [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.issuer = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.uri = self.url + PATH
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def last(self):
        return self.sessions[-1]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
