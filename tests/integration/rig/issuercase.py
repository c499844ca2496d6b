"""An issuer with profiles, and devices in Python that keep what they were given."""

import hashlib

from .client_side import Client, Device
from .processes import PROFILES, run, run_json
from .records import RecordsMixin
from .testcase import RigTest

DONE, REFUSED, USAGE, IO_ERROR = 0, 1, 2, 3


class ProfileTest(RecordsMixin, RigTest):
    profiles = PROFILES

    @classmethod
    def set_up_rig(cls):
        cls.device_ca = Device().authority
        trust = cls.new_folder()
        cls.device_ca.write_pem(trust / "device-ca.pem")
        cls.issuer = cls.start_issuer(trust=[trust], profiles=cls.profiles)

    def setUp(self):
        self.device = Device(authority=self.device_ca)

    def client(self, profile):
        return Client(self.issuer.url, profile, self.device)

    def enrol(self, profile):
        client = self.client(profile)
        reply = client.run()
        self.assertTrue(reply.done, (profile, reply.status, reply.location, reply.body[:300],
                                     self.record(client)))
        self.assert_verdict(client.session_id, "succeeded")
        return client

    def record(self, client):
        return [row for row in self.issuer.sessions() if row["id"] == client.session_id]

    def keys(self, *options):
        return run_json("sks-issuer", "keys", "--data", self.issuer.data, "--json",
                        *options)["keys"]

    def device_keys(self):
        name = hashlib.sha256(self.device.certificate).hexdigest()
        found = self.keys("--device", name)
        self.assertEqual({key["device"] for key in found} - {name}, set())
        return found

    def states(self):
        return sorted(key["state"] for key in self.device_keys())

    def methods(self, client):
        return [step.method for step in client.steps]

    def checks(self, client, name):
        return [check["detail"] for check in self.issuer.evidence(client.session_id)["checks"]
                if check["name"] == name]

    def carries_secrets(self, client):
        done = run("sks-issuer", "evidence", client.session_id, "--data", self.issuer.data,
                   "--json", "--with-session-key")
        self.assertIn(done.returncode, (DONE, REFUSED), done.stderr)
        return done.returncode == REFUSED

    def command(self, name, *arguments, code=DONE):
        """A command of sks-issuer on the issuer's data; returns what it prints."""
        done = run("sks-issuer", name, *arguments, "--data", self.issuer.data)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done.stdout + done.stderr

    def approve(self, client):
        self.command("approve", client.session_id)

    def assert_refused(self, client, reply, cause):
        self.assertTrue(reply.failed, (reply.status, reply.location, reply.body[:200]))
        self.assertRegex(self.assert_verdict(client.session_id), cause)
