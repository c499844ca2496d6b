"""A client of the SKS wire: the methods as tables, over TCP or a Unix socket."""

import http.client
import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

from . import outcomes
from .sks_types import STATUS, Reader, encode_table, parse_table

CONTENT_TYPE = "application/octet-stream"

_PROTECTION_INFO = (
    "protectionStatus byte, pukFormat byte, pukRetryLimit ushort, pukErrorCount ushort,"
    " userDefined bool, userModifiable bool, format byte, retryLimit ushort, grouping byte,"
    " patternRestrictions byte, minLength ushort, maxLength ushort, inputMethod byte,"
    " pinErrorCount ushort, enablePinCaching bool, biometricProtection byte,"
    " exportProtection byte, deleteProtection byte, keyBackup byte")
_IMPORT = "keyHandle uint, encryptedKey byte[], mac byte[]"
_TARGET = "targetKeyHandle uint, authorization byte[], mac byte[]"
_AUTHORIZED = "keyHandle uint, authorization byte[]"
_OPERATION = ("keyHandle uint, algorithm uri, parameters byte[], biometricAuth bool,"
              " authorization byte[]")

# name: (id, inputs, outputs). Where the first output is a handle of 0, nothing follows it.
METHODS = {name: (number, parse_table(inputs), parse_table(outputs))
           for number, name, inputs, outputs in (
    (1, "getDeviceInfo", "",
     "apiLevel ushort, deviceType byte, updateUrl uri, vendorName string,"
     " vendorDescription string, certificate... byte[], supportedAlgorithm... uri,"
     " cryptoDataSize uint, extensionDataSize uint, devicePinSupport bool,"
     " biometricSupport bool"),
    (2, "createProvisioningSession",
     "sessionKeyAlgorithm uri, privacyEnabled bool, serverSessionId id,"
     " serverEphemeralKey byte[], issuerUri uri, keyManagementKey byte[], clientTime uint,"
     " sessionLifeTime ushort, sessionKeyLimit ushort, serverCertificate byte[]",
     "clientSessionId id, clientEphemeralKey byte[], attestation byte[],"
     " provisioningHandle uint"),
    (3, "closeProvisioningSession", "provisioningHandle uint, nonce byte[], mac byte[]",
     "attestation byte[]"),
    (4, "enumerateProvisioningSessions", "provisioningHandle uint, provisioningState bool",
     "provisioningHandle uint, sessionKeyAlgorithm uri, privacyEnabled bool,"
     " keyManagementKey byte[], clientTime uint, sessionLifeTime uint, serverSessionId id,"
     " clientSessionId id, issuerUri uri"),
    (5, "abortProvisioningSession", "provisioningHandle uint", ""),
    (7, "updateKeyManagementKey",
     "provisioningHandle uint, keyManagementKey byte[], authorization byte[]", ""),
    (8, "createPukPolicy",
     "provisioningHandle uint, id id, encryptedPuk byte[], format byte, retryLimit ushort,"
     " mac byte[]", "pukPolicyHandle uint"),
    (9, "createPinPolicy",
     "provisioningHandle uint, id id, pukPolicyHandle uint, userDefined bool,"
     " userModifiable bool, format byte, retryLimit ushort, grouping byte,"
     " patternRestrictions byte, minLength ushort, maxLength ushort, inputMethod byte,"
     " mac byte[]", "pinPolicyHandle uint"),
    (10, "createKeyEntry",
     "provisioningHandle uint, id id, keyEntryAlgorithm uri, serverSeed byte[],"
     " devicePinProtection bool, pinPolicyHandle uint, pinValue byte[], enablePinCaching bool,"
     " biometricProtection byte, exportProtection byte, deleteProtection byte, appUsage byte,"
     " friendlyName string, keyAlgorithm uri, keyParameters byte[], endorsedAlgorithm... uri,"
     " mac byte[]", "keyHandle uint, publicKey byte[], attestation byte[]"),
    (11, "getKeyHandle", "provisioningHandle uint, id id", "keyHandle uint"),
    (12, "setCertificatePath", "keyHandle uint, certificate... byte[], mac byte[]", ""),
    (13, "importSymmetricKey", _IMPORT, ""),
    (14, "importPrivateKey", _IMPORT, ""),
    (15, "addExtension",
     "keyHandle uint, type uri, subType byte, qualifier string, extensionData blob, mac byte[]",
     ""),
    (25, "deactivate", "", "deactivated byte"),
    (50, "postDeleteKey", "provisioningHandle uint, " + _TARGET, ""),
    (51, "postUnlockKey", "provisioningHandle uint, " + _TARGET, ""),
    (52, "postUpdateKey", "keyHandle uint, " + _TARGET, ""),
    (53, "postCloneKeyProtection", "keyHandle uint, " + _TARGET, ""),
    (70, "enumerateKeys", "keyHandle uint", "keyHandle uint, provisioningHandle uint"),
    (71, "getKeyAttributes", "keyHandle uint",
     "symmetricKeyLength ushort, certificate... byte[], appUsage byte, friendlyName string,"
     " endorsedAlgorithm... uri, type... uri"),
    (72, "getKeyProtectionInfo", "keyHandle uint", _PROTECTION_INFO),
    (73, "getExtension", "keyHandle uint, type uri",
     "subType byte, qualifier string, extensionData blob"),
    (74, "setProperty", "keyHandle uint, type uri, name string, value string", ""),
    (80, "deleteKey", _AUTHORIZED, ""),
    (81, "exportKey", _AUTHORIZED, "key byte[]"),
    (82, "unlockKey", _AUTHORIZED, ""),
    (83, "changePin", _AUTHORIZED + ", newPin byte[]", ""),
    (84, "setPin", _AUTHORIZED + ", newPin byte[]", ""),
    (90, "updateFirmware", "chunk blob", "nextUrl uri"),
    (100, "signHashedData", _OPERATION + ", data byte[]", "result byte[]"),
    (101, "asymmetricKeyDecrypt", _OPERATION + ", data byte[]", "result byte[]"),
    (102, "keyAgreement", _OPERATION + ", publicKey byte[]", "result byte[]"),
    (103, "performHmac", _OPERATION + ", data blob", "result byte[]"),
    (104, "symmetricKeyEncrypt",
     "keyHandle uint, algorithm uri, mode bool, parameters byte[], biometricAuth bool,"
     " authorization byte[], data blob", "result blob"),
)}
ENUMERATIONS = {"enumerateProvisioningSessions": "provisioningHandle",
                "enumerateKeys": "keyHandle"}
NAMES = {number: name for name, (number, _, _) in METHODS.items()}


class SksError(Exception):
    """A status other than 0, with the ErrorString."""

    def __init__(self, status, text):
        super().__init__("%d %s: %s" % (status, STATUS.get(status, "?"), text))
        self.status = status
        self.text = text


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connection(url, timeout=60):
    if url.startswith("unix:"):
        return _UnixConnection(url.removeprefix("unix:"), timeout)
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)


def encode_call(method, _methods=METHODS, **values):
    number, inputs, _ = _methods[method]
    return bytes([number]) + encode_table(inputs, values)


def decode_answer(method, raw, methods=METHODS):
    """The outputs; raises SksError for a status other than 0."""
    if raw[0] != 0:
        reader = Reader(raw[1:])
        text = reader.value("string")
        reader.end()
        raise SksError(raw[0], text)
    return SimpleNamespace(**Reader(raw[1:]).table(methods[method][2], ENUMERATIONS.get(method)))


class SksClient:
    """Calls methods by name: client.call("enumerateKeys", keyHandle=0).keyHandle"""

    path = "/sks"
    methods = METHODS

    def __init__(self, url, beside=None):
        """`beside`: a client of another URL of the same token, to share its connection."""
        self.connection = beside.connection if beside else connection(url)

    def close(self):
        self.connection.close()

    def post(self, body):
        """The raw answer to a raw call; the transport must be in order."""
        try:
            self.connection.request("POST", self.path, body, {"Content-Type": CONTENT_TYPE})
            response = self.connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        kind = response.headers.get("Content-Type")
        if response.status != 200 or kind != CONTENT_TYPE or not answer:
            raise AssertionError("HTTP %d %s, %d bytes" % (response.status, kind, len(answer)))
        if body:
            outcomes.note(body[0], answer, self.path)
        return answer

    def call(self, method, **values):
        body = encode_call(method, self.methods, **values)
        return decode_answer(method, self.post(body), self.methods)

    def raw_status(self, body):
        """The status byte of a call given as bytes, which may be malformed."""
        answer = self.post(body)
        if answer[0] != 0:
            Reader(answer[1:]).value("string")
        return answer[0]

    def sessions(self, open_ones):
        """enumerateProvisioningSessions, to the end."""
        return self._enumerate("enumerateProvisioningSessions", "provisioningHandle",
                               provisioningState=open_ones)

    def keys(self):
        return self._enumerate("enumerateKeys", "keyHandle")

    def _enumerate(self, method, handle, **values):
        found, current = [], 0
        while True:
            answer = self.call(method, **values, **{handle: current})
            current = getattr(answer, handle)
            if current == 0:
                return found
            found.append(answer)

    def snapshot(self):
        """All that enumeration shows: equal before and after something that left nothing."""
        return [vars(item) for item in
                self.sessions(True) + self.sessions(False) + self.keys()]
