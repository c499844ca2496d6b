"""An issuer in Python that speaks the SKS wire to a live token, and can send wrong values.

Arguments named like the specification's inputs change what is sent *and* what the MAC covers;
`sent={...}` changes only what is sent, so that the MAC no longer fits.
"""

import os
import secrets
import time
from dataclasses import dataclass

from cryptography import x509

from . import constructs
from .certificates import Authority, generate
from .constructs import SessionCounter

EC_P256 = "https://webpki.github.io/sks/algorithm#ec.nist.p256"
ISSUER_URI = "http://issuer.example/kg2/test"
POST_OPERATIONS = {"delete": "postDeleteKey", "unlock": "postUnlockKey",
                   "update": "postUpdateKey", "clone": "postCloneKeyProtection"}


class ProofError(AssertionError):
    """An attestation of the token that does not hold."""


@dataclass
class Policy:
    id: str
    handle: int
    user_defined: bool = True


@dataclass
class Key:
    id: str
    handle: int
    public_der: bytes
    certificate: bytes = b""    # of the end entity, once it is set

    @property
    def public(self):
        return constructs.from_spki(self.public_der)


class IssuerSession:
    def __init__(self, wire, curve="P-256", server_key=None, **changes):
        self.wire = wire
        self.server_key = server_key or generate(curve)
        self.request = {
            "sessionKeyAlgorithm": constructs.SESSION_1, "privacyEnabled": False,
            "serverSessionId": secrets.token_urlsafe(24),
            "serverEphemeralKey": constructs.spki(self.server_key.public_key()),
            "issuerUri": ISSUER_URI, "keyManagementKey": b"", "clientTime": int(time.time()),
            "sessionLifeTime": 600, "sessionKeyLimit": 200, "serverCertificate": b"", **changes}
        self.ids = self.handle = self.counter = None
        self.device_certificate = self.device_id = None
        self.last_mac = None

    @property
    def server_session_id(self):
        return self.request["serverSessionId"]

    def create(self):
        """createProvisioningSession; the attestation is verified with the device's certificate."""
        answer = self.wire.call("createProvisioningSession", **self.request)
        self.handle = answer.provisioningHandle
        self.ids = {"clientSessionId": answer.clientSessionId,
                    "serverSessionId": self.request["serverSessionId"],
                    "issuerUri": self.request["issuerUri"]}
        self.device_certificate = self.wire.call("getDeviceInfo").certificate[0]
        privacy = self.request["privacyEnabled"]
        self.device_id = constructs.ANONYMOUS if privacy else self.device_certificate
        z = constructs.shared_secret(self.server_key,
                                     constructs.from_spki(answer.clientEphemeralKey))
        key = constructs.session_key(z, *self.ids.values(), self.device_id)
        data = constructs.session_attestation_data({
            **self.request, **self.ids, "deviceId": self.device_id,
            "clientEphemeralKey": answer.clientEphemeralKey})
        if not self._attested(privacy, key, data, answer.attestation):
            raise ProofError("session attestation")
        self.counter = SessionCounter(key)
        return self

    def _attested(self, privacy, key, data, attestation):
        if privacy:
            return constructs.hmac_sha256(key, data) == attestation
        device = x509.load_der_x509_certificate(self.device_certificate).public_key()
        return constructs.verifies(device, attestation, data)

    def encrypt(self, plain):
        return constructs.encrypt(self.counter.key, plain, os.urandom(16))

    def _call(self, method, fields, arguments, mac=None, sent=None):
        self.last_mac = self.counter.mac(method, fields)
        return self.wire.call(method, **{
            **arguments, "mac": self.last_mac if mac is None else mac, **(sent or {})})

    def puk(self, id="PUK.1", value=b"0123456789", mac=None, sent=None, **changes):
        """createPukPolicy; `encryptedPuk` instead of `value` sends a ciphertext as it is."""
        fields = {"id": id, "format": 0, "retryLimit": 3, **changes}
        fields.setdefault("encryptedPuk", self.encrypt(value))
        answer = self._call("createPukPolicy", fields,
                            {**fields, "provisioningHandle": self.handle}, mac, sent)
        return Policy(id, answer.pukPolicyHandle)

    def pin(self, id="PIN.1", puk=None, mac=None, sent=None, **changes):
        """createPinPolicy"""
        fields = {"id": id, "pukPolicyId": puk.id if puk else "", "userDefined": True,
                  "userModifiable": True, "format": 0, "retryLimit": 3, "grouping": 0,
                  "patternRestrictions": 0, "minLength": 4, "maxLength": 8, "inputMethod": 0,
                  **changes}
        arguments = {**fields, "provisioningHandle": self.handle,
                     "pukPolicyHandle": puk.handle if puk else 0}
        answer = self._call("createPinPolicy", fields, arguments, mac, sent)
        return Policy(id, answer.pinPolicyHandle, fields["userDefined"])

    def key(self, id="Key.1", pin=None, value=b"4711", mac=None, sent=None, **changes):
        """createKeyEntry; `value` is the PIN in clear, encrypted here if the policy is preset."""
        encrypted = self.encrypt(value) if pin and not pin.user_defined else b""
        fields = {"id": id, "keyEntryAlgorithm": constructs.KEY_1, "serverSeed": b"",
                  "pinPolicyId": pin.id if pin else "", "encryptedPin": encrypted,
                  "devicePinProtection": False, "enablePinCaching": False,
                  "biometricProtection": 0, "exportProtection": 3, "deleteProtection": 0,
                  "appUsage": 0, "friendlyName": "", "keyAlgorithm": EC_P256,
                  "keyParameters": b"", "endorsedAlgorithm": [], **changes}
        arguments = {**fields, "provisioningHandle": self.handle,
                     "pinPolicyHandle": pin.handle if pin else 0,
                     "pinValue": (fields["encryptedPin"] or value) if pin else b""}
        answer = self._call("createKeyEntry", fields, arguments, mac, sent)
        data = constructs.key_attestation_data(answer.publicKey, self.last_mac)
        if self.counter.attest(data) != answer.attestation:
            raise ProofError("attestation of key " + id)
        return Key(id, answer.keyHandle, answer.publicKey)

    def certify(self, key, path, mac=None, sent=None, **changes):
        """setCertificatePath; path is a list of DER certificates."""
        fields = {"publicKey": key.public_der, "id": key.id, "certificate": path, **changes}
        self._call("setCertificatePath", fields,
                   {"keyHandle": key.handle, "certificate": fields["certificate"]}, mac, sent)
        key.certificate = path[0]

    def import_symmetric(self, key, value=bytes(16), **options):
        """importSymmetricKey; `encryptedKey` in place of `value` sends a ciphertext as it is."""
        self._import("importSymmetricKey", key, value, **options)

    def import_private(self, key, private=None, raw=None, **options):
        """importPrivateKey, of a key or of bytes in the place of its PKCS #8."""
        plain = raw if raw is not None else constructs.pkcs8(private or generate())
        self._import("importPrivateKey", key, plain, **options)

    def _import(self, method, key, plain, mac=None, sent=None, **changes):
        fields = {"endEntityCertificate": key.certificate, **changes}
        if "encryptedKey" not in fields:
            fields["encryptedKey"] = self.encrypt(plain)
        self._call(method, fields, {**fields, "keyHandle": key.handle}, mac, sent)

    def extend(self, key, type, data=b"", subType=0, qualifier="", mac=None, sent=None,
               **changes):
        """addExtension; the data of subType 1 is encrypted unless given as `extensionData`."""
        fields = {"endEntityCertificate": key.certificate, "type": type, "subType": subType,
                  "qualifier": qualifier, **changes}
        if "extensionData" not in fields:
            fields["extensionData"] = self.encrypt(data) if subType == 1 else data
        self._call("addExtension", fields, {**fields, "keyHandle": key.handle}, mac, sent)

    def authorize(self, kmk, target):
        """The target key reference, signed with the key management key of the target's owner."""
        return constructs.sign(kmk, constructs.target_key_reference_data(
            self.counter.key, self.device_id, target.certificate))

    def post(self, operation, target, kmk, key=None, mac=None, sent=None, **changes):
        """One of POST_OPERATIONS; `key` is the new key of an update or a clone."""
        method = POST_OPERATIONS[operation]
        fields = {"endEntityCertificate": key.certificate if key else b"", **changes}
        if "authorization" not in fields:
            fields["authorization"] = self.authorize(kmk, target)
        own = {"keyHandle": key.handle} if key else {"provisioningHandle": self.handle}
        self._call(method, fields, {**fields, **own, "targetKeyHandle": target.handle}, mac, sent)

    def close(self, nonce=None, mac=None, sent=None, **changes):
        """closeProvisioningSession; the closing proof is verified."""
        nonce = os.urandom(32) if nonce is None else nonce
        fields = {**self.ids, "nonce": nonce, **changes}
        answer = self._call("closeProvisioningSession", fields,
                            {"provisioningHandle": self.handle, "nonce": nonce}, mac, sent)
        if self.counter.attest(constructs.close_attestation_data(nonce)) != answer.attestation:
            raise ProofError("closing proof")

    def abort(self):
        self.wire.call("abortProvisioningSession", provisioningHandle=self.handle)


def provision_key(wire, authority=None, pin="4711", pin_policy=None, subject="Test", **changes):
    """One session that leaves one key; returns it. Without pin_policy the key has no PIN."""
    authority = authority or Authority()
    session = IssuerSession(wire).create()
    policy = session.pin(**pin_policy) if pin_policy is not None else None
    key = session.key(pin=policy, value=pin.encode(), **changes)
    session.certify(key, [authority.issue(subject, key.public)])
    session.close()
    return key
