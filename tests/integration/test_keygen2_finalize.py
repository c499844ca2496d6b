"""What sks-proxy does with a ProvisioningFinalizationRequest, seen in the real token."""

import hashlib
import hmac
import os

from rig.certificates import generate
from rig.proxycase import ProxyCase
from rig.sks_types import base64url

HMAC = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"


class Contents(ProxyCase):
    def one_key(self, endorsed=None, **properties):
        """An enrolment of one key without a PIN whose credential has these properties; a function
        is called with the session. Returns the key and its attributes."""
        def script(session):
            yield from self.begin(session)
            algorithms = {"endorsedAlgorithms": endorsed} if endorsed else {}
            yield session.creation(keyEntrySpecifiers=[session.key(**algorithms)])
            yield session.finalization(session.credential(**{
                name: value(session) if callable(value) else value
                for name, value in properties.items()}))
        session = self.enrol(script)
        return self.attributes(session.credentials["Key.1"])

    def test_symmetric_key(self):
        secret = os.urandom(32)
        key, shown = self.one_key(endorsed=[HMAC], importSymmetricKey=lambda session: {
            "encryptedKey": session.encrypt(secret)})
        self.assertEqual(shown.symmetricKeyLength, 32)
        self.assertEqual(self.sks.call(
            "performHmac", keyHandle=key.keyHandle, algorithm=HMAC, parameters=b"",
            biometricAuth=False, authorization=b"", data=b"text").result,
            hmac.digest(secret, b"text", hashlib.sha256))

    def test_private_key(self):
        private = generate()

        def script(session):
            yield from self.begin(session)
            yield session.creation(keyEntrySpecifiers=[session.key(exportProtection="none")])
            yield session.finalization(session.private_key("Key.1", private))
        session = self.enrol(script)
        key, _ = self.attributes(session.credentials["Key.1"])
        exported = self.sks.call("exportKey", keyHandle=key.keyHandle, authorization=b"")
        self.assertIn(private.private_numbers().private_value.to_bytes(32, "big"),
                      exported.key)

    def test_every_kind_of_extension(self):
        big = os.urandom(200000)
        key, shown = self.one_key(
            extensions=[{"type": "urn:a", "extensionData": base64url(b"plain")},
                        {"type": "urn:b", "extensionData": base64url(big)}],
            encryptedExtensions=lambda session: [
                {"type": "urn:c", "extensionData": session.encrypt(b"hidden")}],
            propertyBags=[{"type": "urn:d", "properties": [
                {"name": "Counter", "value": "0", "writable": True},
                {"name": "Länge", "value": ""}]}],
            logotypes=[{"type": "https://webpki.github.io/keygen2/logotype#card",
                        "mimeType": "image/svg+xml", "extensionData": base64url(b"<svg/>")}])
        card = "https://webpki.github.io/keygen2/logotype#card"
        self.assertEqual(sorted(shown.type), sorted(
            [card, "urn:a", "urn:b", "urn:c", "urn:d"]))
        wanted = {"urn:a": (0, "", b"plain"), "urn:b": (0, "", big), "urn:c": (1, "", b"hidden"),
                  "urn:d": (2, "", b"\0\x07Counter\1\0\x010\0\x06L\xc3\xa4nge\0\0\0"),
                  card: (3, "image/svg+xml", b"<svg/>")}
        for uri, (sub_type, qualifier, data) in wanted.items():
            shown = self.sks.call("getExtension", keyHandle=key.keyHandle, type=uri)
            self.assertEqual((shown.subType, shown.qualifier, shown.extensionData),
                             (sub_type, qualifier, data), uri)

    def test_a_wrong_mac_is_refused_by_the_token(self):
        def script(session):
            yield from self.begin(session)
            yield session.creation(keyEntrySpecifiers=[session.key()])
            message = session.finalization(session.credential(extensions=[
                {"type": "urn:a", "extensionData": base64url(b"plain")}]))
            message["issuedCredentials"][0]["extensions"][0]["extensionData"] = base64url(b"other")
            yield message
        self.refused(script, "addExtension: ERROR_MAC", "token")
        self.assertEqual(self.issuer.last.cause, "aborted by the client")


class PostOperations(ProxyCase):
    def later(self, targets, kmk=None, **use):
        """A script with a key for each update or clone, and posts on the targets."""
        def script(session):
            yield from self.begin(session, kmk=self.kmk,
                                  action="unlock" if set(use) == {"unlockKeys"} else "manage")
            new = [name for name in ("updateKey", "cloneKeyProtection") if name in use]
            if new:
                yield session.creation(keyEntrySpecifiers=[session.key(name) for name in new])
            credentials = [session.credential(name, **{
                name: session.target(targets[use[name]], kmk or self.kmk)}) for name in new]
            lists = {name: [session.target(targets[key], kmk or self.kmk) for key in use[name]]
                     for name in ("unlockKeys", "deleteKeys") if name in use}
            yield session.finalization(*credentials, **lists)
        return script

    def miss(self, credential):
        key, _ = self.attributes(credential)
        for _ in range(3):
            with self.assertRaises(Exception):
                self.sks.call("signHashedData", keyHandle=key.keyHandle,
                              algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                              parameters=b"", biometricAuth=False, authorization=b"9999",
                              data=bytes(32))

    def protection(self, credential):
        key, _ = self.attributes(credential)
        return self.sks.call("getKeyProtectionInfo", keyHandle=key.keyHandle)

    def test_update(self):
        old = self.enrol(self.owning()).credentials["Key.1"]
        key, _ = self.attributes(old)
        session = self.enrol(self.later({1: old}, updateKey=1))
        new = session.credentials["updateKey"]
        self.assertEqual(session.outcome["keys"], [{"id": "updateKey", "handle": key.keyHandle}])
        self.assertIsNone(self.attributes(old))
        self.assertEqual(self.attributes(new)[0].keyHandle, key.keyHandle)
        self.assertEqual(self.protection(new).protectionStatus, 1)

    def test_clone(self):
        old = self.enrol(self.owning(grouping="shared")).credentials["Key.1"]
        new = self.enrol(self.later({1: old}, cloneKeyProtection=1))
        for credential in (old, new.credentials["cloneKeyProtection"]):
            self.assertEqual(self.protection(credential).retryLimit, 3)

    def test_unlock(self):
        old = self.enrol(self.owning()).credentials["Key.1"]
        self.miss(old)
        self.assertEqual(self.protection(old).pinErrorCount, 3)
        self.enrol(self.later({1: old}, unlockKeys=[1]))
        self.assertEqual(self.protection(old).pinErrorCount, 0)

    def test_delete(self):
        made = self.enrol(self.owning("Key.1", "Key.2", "Key.3")).credentials
        self.enrol(self.later(made, deleteKeys=["Key.3", "Key.1"]))
        self.assertIsNone(self.attributes(made["Key.1"]))
        self.assertIsNotNone(self.attributes(made["Key.2"]))
        self.assertIsNone(self.attributes(made["Key.3"]))

    def test_all_of_them_on_keys_of_several_sessions(self):
        first = self.enrol(self.owning("a", "b", grouping="shared")).credentials
        second = self.enrol(self.owning("c", "d", grouping="shared")).credentials
        targets = {**first, **second}
        self.miss(targets["c"])
        new = self.enrol(self.later(targets, updateKey="a", cloneKeyProtection="d",
                                    unlockKeys=["c"], deleteKeys=["b"])).credentials
        self.assertIsNone(self.attributes(targets["a"]))
        self.assertIsNone(self.attributes(targets["b"]))
        for credential in (targets["c"], targets["d"], *new.values()):
            self.assertIsNotNone(self.attributes(credential))
        self.assertEqual(self.protection(targets["c"]).pinErrorCount, 0)

    def test_targets_that_are_not_there(self):
        made = self.enrol(self.owning("Key.1")).credentials
        absent = self.enrol(self.owning("Key.2")).credentials
        self.enrol(self.later(absent, deleteKeys=["Key.2"]))
        self.refused(self.later(absent, deleteKeys=["Key.2"]),
                     "deleteKeys: the token has no closed session")
        made["Key.1"].certificate += b"\0"
        self.refused(self.later(made, unlockKeys=["Key.1"]),
                     "has no key with this fingerprint")

    def test_another_issuers_keys(self):
        """Forged with the own key: the token refuses."""
        theirs = self.enrol(self.owning("Key.1", grouping="shared")).credentials
        self.issuer, victim = self.new_issuer(), self.issuer
        for use in ({"updateKey": "Key.1"}, {"cloneKeyProtection": "Key.1"},
                    {"unlockKeys": ["Key.1"]}, {"deleteKeys": ["Key.1"]}):
            with self.subTest(use):
                self.refused(self.later(theirs, kmk=generate(), **use), "ERROR_OPTION", "token")
        self.assertEqual(victim.errors, [])

    def test_unlock_sessions_only_unlock(self):
        made = self.enrol(self.owning()).credentials

        def script(session):
            yield from self.begin(session, kmk=self.kmk, action="unlock")
            yield session.finalization(deleteKeys=[session.target(made["Key.1"], self.kmk)])
        self.refused(script, "deleteKeys does not fit the action")
