"""The shipped profiles, from invocation to proof, with the client in Python: every MAC, every
signature of a key management key, and what the issuer then knows of the device."""

import json

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from rig import constructs
from rig.issuercase import ProfileTest
from rig.processes import PROFILES
from rig.sks_types import from_base64url

ALONE = ("p256-user-pin", "rsa2048-pin-puk", "preset-pin", "multi-key-shared-pin", "unique-pins",
         "symmetric-hmac-otp", "private-key-restore", "extensions-and-logotype", "privacy",
         "ed25519", "kmk-rollover")


class Shipped(ProfileTest):
    def test_those_that_need_no_other(self):
        for profile in ALONE:
            with self.subTest(profile):
                client = self.enrol(profile)
                keys = json.loads((PROFILES / (profile + ".json")).read_text())
                self.assertEqual(json.dumps(keys).count('"keyAlgorithm"'), len(client.keys))

    def test_preset_pin(self):
        client = self.enrol("preset-pin")
        puk, pin = client.secrets
        self.assertRegex(puk.decode(), "^[0-9]{10}$")
        self.assertRegex(pin.decode(), "^[0-9]{4,8}$")
        self.assertNotEqual(self.enrol("preset-pin").secrets[1], pin)
        self.assertTrue(self.carries_secrets(client))

    def test_unique_pins(self):
        client = self.enrol("unique-pins")
        self.assertEqual(client.secrets, [b"271828", b"314159"])

    def test_user_pins_are_no_secret_of_the_session(self):
        self.assertFalse(self.carries_secrets(self.enrol("p256-user-pin")))

    def test_symmetric_key(self):
        client = self.enrol("symmetric-hmac-otp")
        self.assertEqual([len(secret) for secret in client.secrets], [20])
        self.assertEqual(self.methods(client), ["setCertificatePath", "importSymmetricKey",
                                                "addExtension", "closeProvisioningSession"])
        self.assertTrue(self.carries_secrets(client))

    def test_private_key(self):
        """The certificate is for the key that is imported, the MAC for the one generated."""
        client = self.enrol("private-key-restore")
        imported = constructs.from_pkcs8(client.secrets[0]).public_key()
        self.assertIsInstance(imported, rsa.RSAPublicKey)
        certificate = x509.load_der_x509_certificate(client.certificates["Key.1"][0])
        self.assertEqual(constructs.spki(certificate.public_key()), constructs.spki(imported))
        self.assertNotEqual(client.keys["Key.1"], constructs.spki(imported))
        self.assertTrue(self.carries_secrets(client))

    def test_extensions(self):
        client = self.enrol("extensions-and-logotype")
        self.assertEqual(client.secrets, [b"an extension that only the token reads"])
        credential = client.request["issuedCredentials"][0]
        self.assertEqual([item["mimeType"] for item in credential["logotypes"]],
                         ["image/svg+xml"] * 2)
        self.assertEqual(from_base64url(credential["logotypes"][0]["extensionData"]),
                         (PROFILES / "card.svg").read_bytes())

    def test_privacy(self):
        before = len([key for key in self.keys() if key["device"] is None])
        self.enrol("privacy")
        self.assertEqual(self.device_keys(), [])
        self.assertEqual(len([key for key in self.keys() if key["device"] is None]), before + 1)

    def test_update(self):
        old = self.enrol("p256-user-pin")
        client = self.enrol("key-update")
        self.assertEqual(self.methods(client)[-2:], ["postUpdateKey", "closeProvisioningSession"])
        self.assertEqual(self.states(), ["live", "replaced"])
        self.assertEqual({key["owner"] for key in self.device_keys()}, {client.session_id})
        self.assertEqual(len(self.checks(client, "authorization")), 1)
        again = self.enrol("key-update")            # what was updated may be updated again
        self.assertEqual(self.states(), ["live", "replaced", "replaced"])
        self.assertNotEqual(old.session_id, again.session_id)

    def test_clone(self):
        self.enrol("rsa2048-pin-puk")
        client = self.enrol("key-clone")
        self.assertIn("postCloneKeyProtection", self.methods(client))
        self.assertEqual(self.states(), ["live"] * 3)
        self.assertEqual({key["owner"] for key in self.device_keys()}, {client.session_id})

    def test_unlock(self):
        self.enrol("rsa2048-pin-puk")
        self.enrol("p256-user-pin")
        client = self.enrol("key-unlock")
        self.assertEqual(self.methods(client), ["postUnlockKey"] * 3 + ["closeProvisioningSession"])
        self.assertEqual(client.keys, {})
        self.assertEqual(self.states(), ["live"] * 3)

    def test_delete(self):
        self.enrol("rsa2048-pin-puk")
        client = self.enrol("key-delete")
        self.assertEqual(self.methods(client), ["postDeleteKey"] * 2 + ["closeProvisioningSession"])
        self.assertEqual(self.states(), ["deleted"] * 2)
        self.assertEqual(self.device.credentials.all, [])

    def test_nothing_to_do(self):
        for profile in ("key-update", "key-clone", "key-unlock", "key-delete"):
            with self.subTest(profile):
                client = self.client(profile)
                self.assertTrue(client.run().failed)
                self.assertIn("credentials: ", self.assert_verdict(client.session_id))

    def test_too_many(self):
        self.enrol("p256-user-pin")
        self.enrol("p256-user-pin")
        client = self.client("key-update")
        self.assertTrue(client.run().failed)
        self.assertIn("there are 2, not 1", self.assert_verdict(client.session_id))

    def test_everything(self):
        self.enrol("rsa2048-pin-puk")
        self.enrol("symmetric-hmac-otp")
        client = self.client("everything")
        self.assertTrue(client.run().pending)
        self.approve(client)
        self.assertEqual(client.resume().status, 200)
        self.assertTrue(client.run().done, self.record(client))
        self.assertEqual(self.methods(client)[-3:],
                         ["postUnlockKey", "postDeleteKey", "closeProvisioningSession"])
        self.assertEqual(self.states(), ["deleted"] + ["live"] * 8 + ["replaced"])


class TooLong(ProfileTest):
    """What a profile attaches just fits into a message; with the certificate it does not."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        room, extensions = 4 * 1024 * 1024, []
        while room > 2:
            name = "urn:%d" % len(extensions)
            size = min(250000, (room - len(name)) * 3 // 4)
            room -= len(name) + -(-size * 4 // 3)
            (cls.profiles / name).write_bytes(bytes(size))
            extensions.append({"type": name, "file": name})
        profile = json.loads((PROFILES / "p256-user-pin.json").read_text())
        profile["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]["extensions"] = extensions
        (cls.profiles / "long.json").write_text(json.dumps(profile))
        super().set_up_rig()

    def test_it_fails_with_a_cause(self):
        client = self.client("long")
        self.assert_refused(client, client.run(), "^profile: its ProvisioningFinalizationRequest "
                            "would have 419[0-9]{4} bytes, more than the 4194304 of a message")
