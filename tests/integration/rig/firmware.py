"""Policies and the chunks of their updates, made in Python: sound, or wrong in one place.

Shares no line with `sks-token make-update`, so that an agreement of the two means something.
"""

import hashlib
import json
import struct

from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, PublicFormat)

from .certificates import generate
from .keycase import KeyTest
from .sks_types import encode
from .wirecase import CRYPTO, OPTION

PURPOSE = b"SKS rig policy chunk"
CHUNKS_MAX, DATA_MAX, POLICY_MAX = 64, 256 * 1024, 1024 * 1024
BASE_URL = "http://updates.example"
UPDATE_URL = BASE_URL + "/0.chunk"


def policy(version, **properties):
    return json.dumps({"version": version, **properties}).encode()


def padded(text, size):
    """The same policy, in so many bytes."""
    return text + b" " * (size - len(text))


def chunk(key, magic=b"SKSP", format=1, version=1, index=0, count=1, digest=None, nextUrl=None,
          data=b"{}", tail=b"", purpose=PURPOSE, base=BASE_URL):
    """One chunk as the fields say, signed."""
    if nextUrl is None:
        nextUrl = "" if index == count - 1 else "%s/%d.chunk" % (base, index + 1)
    if digest is None:
        digest = hashlib.sha256(data).digest()
    body = (magic + struct.pack(">BIHH", format, version, index, count) + digest
            + encode("uri", nextUrl) + encode("blob", data))
    return body + key.sign(purpose + body) + tail


def chunks(key, text, count=1, version=None, **changes):
    """All chunks of a policy, of about equal size."""
    if version is None:
        version = json.loads(text)["version"]
    size = -(-len(text) // count)
    fields = {"version": version, "count": count, "digest": hashlib.sha256(text).digest(),
              **changes}
    return [chunk(key, index=index, data=text[index * size:(index + 1) * size], **fields)
            for index in range(count)]


def write_public(key, path):
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM,
                                                   PublicFormat.SubjectPublicKeyInfo))
    return path


def write_private(key, path):
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


class FirmwareTest(KeyTest):
    """One token that takes updates; the versions of its policies only grow."""

    @classmethod
    def set_up_rig(cls):
        cls.key = generate("Ed25519")
        cls.version = 0
        super().set_up_rig()

    @classmethod
    def start_token(cls, options=(), **others):
        pem = write_public(cls.key, cls.new_folder() / "update.pem")
        return super().start_token(options=["--update-url", UPDATE_URL, "--update-key", pem,
                                            *options], **others)

    def next_policy(self, **properties):
        type(self).version += 1
        return policy(self.version, **properties)

    def send(self, data, sks=None):
        return (sks or self.sks).call("updateFirmware", chunk=data).nextUrl

    def send_all(self, made, sks=None):
        """In their order; returns the last nextUrl."""
        return [self.send(data, sks) for data in made][-1]

    def install(self, count=1, **properties):
        text = self.next_policy(**properties)
        self.assertEqual(self.send_all(chunks(self.key, text, count)), "")
        self.assert_installed()

    def info(self):
        return self.sks.call("getDeviceInfo")

    def assert_installed(self, version=None):
        version = self.version if version is None else version
        self.assertEqual(self.info().vendorDescription, "SKS rig - software token" + (
            ", policy %d" % version if version else ""))

    def restart(self):
        self.sks.close()
        self.token.restart()

    def refuse(self, data, status=OPTION, text=""):
        said = self.assert_status(status, self.send, data)
        self.assertIn(text, said)

    def refuse_signature(self, data):
        self.refuse(data, CRYPTO, "signed")
