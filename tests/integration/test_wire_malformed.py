"""Calls that cannot be decoded: status 9 with a text, and nothing is touched."""

from rig.constructs import KEY_1
from rig.issuer_side import EC_P256
from rig.sks_types import WireError, encode
from rig.sks_wire import METHODS, encode_call
from rig.wirecase import OPTION, WireTest

UNKNOWN_METHODS = (0, 6, 16, 24, 51 + 10, 69, 99, 200, 255)
BAD_TEXTS = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82")


class Malformed(WireTest):
    """Every method that is there, with values that would hold but for the defect."""

    def setUp(self):
        super().setUp()
        self.session_ = self.session()
        self.policy = self.session_.pin()
        self.key = self.session_.key(pin=self.policy)

    def tearDown(self):
        self.assertTrue(self.is_open(self.session_), "no malformed call tears down")
        self.finish(self.session_, self.key)

    def values(self, method):
        session, key = self.session_.handle, self.key.handle
        policy = {"provisioningHandle": session, "id": "New", "format": 0, "retryLimit": 3,
                  "mac": bytes(32)}
        imported = {"keyHandle": key, "encryptedKey": bytes(32), "mac": bytes(32)}
        target = {"provisioningHandle": session, "keyHandle": key, "targetKeyHandle": key,
                  "authorization": bytes(64), "mac": bytes(32)}
        authorized = {"keyHandle": key, "authorization": b"4711", "newPin": b"1234"}
        operation = {"keyHandle": key, "algorithm": EC_P256, "parameters": b"", "mode": True,
                     "biometricAuth": False, "authorization": b"", "data": b"x",
                     "publicKey": b"x"}
        extension = {"keyHandle": key, "type": "http://x", "subType": 0, "qualifier": "",
                     "extensionData": b"x", "mac": bytes(32), "name": "n", "value": "v"}
        families = {"import": imported, "post": target, "addExt": extension,
                    "getExt": extension, "setProp": extension, "deleteKey": authorized,
                    "exportKey": authorized, "unlockKey": authorized, "changePin": authorized,
                    "setPin": authorized, "signH": operation, "asymm": operation,
                    "keyAgree": operation, "performH": operation, "symm": operation}
        family = [values for start, values in families.items() if method.startswith(start)]
        if family:
            return family[0]
        return {
            "createProvisioningSession": self.session_.request,
            "closeProvisioningSession": {"provisioningHandle": session, "nonce": b"n",
                                         "mac": bytes(32)},
            "enumerateProvisioningSessions": {"provisioningHandle": 0,
                                              "provisioningState": True},
            "abortProvisioningSession": {"provisioningHandle": session},
            "createPukPolicy": {**policy, "encryptedPuk": bytes(32)},
            "createPinPolicy": {
                **policy, "pukPolicyHandle": 0, "userDefined": True, "userModifiable": True,
                "grouping": 0, "patternRestrictions": 0, "minLength": 4, "maxLength": 8,
                "inputMethod": 0},
            "createKeyEntry": {
                **policy, "keyEntryAlgorithm": KEY_1, "serverSeed": b"",
                "devicePinProtection": False, "pinPolicyHandle": self.policy.handle,
                "pinValue": b"4711", "enablePinCaching": False, "biometricProtection": 0,
                "exportProtection": 0, "deleteProtection": 0, "appUsage": 0,
                "friendlyName": "x", "keyAlgorithm": EC_P256, "keyParameters": b"",
                "endorsedAlgorithm": ["http://x"]},
            "getKeyHandle": {"provisioningHandle": session, "id": "Key.1"},
            "setCertificatePath": {"keyHandle": key, "certificate": [b"x"], "mac": bytes(32)},
            "enumerateKeys": {"keyHandle": 0},
            "getKeyAttributes": {"keyHandle": key}, "getKeyProtectionInfo": {"keyHandle": key},
            "updateFirmware": {"chunk": b"x"},
            "updateKeyManagementKey": {"provisioningHandle": session,
                                       "keyManagementKey": b"x", "authorization": b"x"},
        }.get(method, {})

    def refuse(self, body):
        self.assertEqual(self.sks.raw_status(body), OPTION, body.hex())

    def test_bytes_missing(self):
        for method in METHODS:
            body = encode_call(method, **self.values(method))
            for size in range(1, len(body)):
                self.refuse(body[:size])

    def test_bytes_left_over(self):
        for method in METHODS:
            body = encode_call(method, **self.values(method))
            for tail in (b"\0", b"\xff" * 100):
                self.refuse(body + tail)

    def test_nothing_at_all(self):
        self.refuse(b"")

    def test_unknown_methods(self):
        for number in UNKNOWN_METHODS:
            self.refuse(bytes([number]))
            self.refuse(bytes([number]) + bytes(40))

    def test_bad_values(self):
        """Every bool that is neither 0 nor 1, every text that is not UTF-8."""
        for method, (number, inputs, _) in METHODS.items():
            values = self.values(method)
            for bad_name, kind, is_list in inputs:
                for raw in self.bad_encodings(kind):
                    parts = [raw if name == bad_name else
                             self.encode_one(name, kind_, list_, values)
                             for name, kind_, list_ in inputs]
                    if is_list:
                        parts[[name for name, _, _ in inputs].index(bad_name)] = b"\x01" + raw
                    with self.subTest(method, argument=bad_name):
                        self.refuse(bytes([number]) + b"".join(parts))

    @staticmethod
    def bad_encodings(kind):
        if kind == "bool":
            return [b"\x02", b"\xff"]
        if kind in ("id", "uri", "string"):
            return [encode("byte[]", raw) for raw in BAD_TEXTS]
        return []

    @staticmethod
    def encode_one(name, kind, is_list, values):
        if not is_list:
            return encode(kind, values[name])
        return bytes([len(values[name])]) + b"".join(encode(kind, v) for v in values[name])

    def test_texts_name_the_argument(self):
        body = encode_call("getKeyHandle", **self.values("getKeyHandle"))
        answer = self.sks.post(body[:5])
        self.assertEqual(answer[0], OPTION)
        self.assertIn(b"id", answer[3:])
        try:
            answer[3:].decode()
        except UnicodeDecodeError:
            raise WireError("ErrorString is not UTF-8") from None
