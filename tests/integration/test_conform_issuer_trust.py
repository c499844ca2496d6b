"""sks-conform issuer with a device that is refused: for want of trust, of which the issuer says so, or
by an issuer with a fault, which must not pass by what is skipped."""

import json

from rig.conformcase import ALL_SKIPPED, FAILED, USAGE, BehindRelay, LeakyTest, Strict
from rig.keygen2_issuer import ProofError
from rig.mitm import flip_bit
from rig.processes import run
from rig.sks_types import base64url, from_base64url
from rig.testcase import write_profile

FREE = "http.content-type-InvocationRequest"    # of what needs no trust


class Refused(BehindRelay):
    @classmethod
    def write_more(cls):
        write_profile(cls.profiles, "private", privacyEnabled=True, keyManagementKey=False)

    def test_a_device_that_is_not_trusted(self):
        """No run passes: it is said what to do, be the device new or not; --trusted is a failure."""
        only = "--only", "session", "--only", "device", "--only", FREE
        self.device, known = self.new_folder() / "other", self.device
        self.addCleanup(setattr, self, "device", known)
        for said in ("the device is new: give ", "does not take the device (device path: "):
            report = self.report(*only, url=self.url("plain"), code=ALL_SKIPPED, said=said)
            self.assertIn("not trusted", report["about"]["device CA"])
            self.assertEqual(self.failed(report), [])
            self.assertIn("device.taken", self.of_verdict(report, "skipped"))
        report = self.report(*only, "--trusted", url=self.url("plain"), code=FAILED)
        self.assertEqual(self.failed(report), ["session.any", "device.taken"])
        self.assertIn("device path: not trusted", report["cases"][0]["came"])
        self.assertIn(": refused, though it is trusted", report["about"]["device CA"])
        self.assertTrue(all(" --trusted" in case["again"] for case in report["cases"]
                            if case["verdict"] == "failed"))
        report = self.report("--only", FREE, url=self.url("plain"))
        self.assertEqual(report["all"]["passed"], 1, "what needs no trust may pass alone")

    def test_a_device_of_one_run(self):
        """Whatever the issuer has against it: nobody can know it."""
        done = run("sks-conform", "issuer", self.url("plain"), "--only", "session")
        self.assertEqual(done.returncode, ALL_SKIPPED)
        self.assertIn("give --device FOLDER, and FOLDER/device-ca.pem to", done.stderr)
        for options in ((), ("--device", self.new_folder() / "new")):
            done = run("sks-conform", "issuer", self.url("plain"), "--trusted", *options)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn("--trusted: nobody can trust a device", done.stderr)

    def test_a_device_that_another_profile_takes(self):
        """What is refused without a reason is a fault, though other sessions come to their end."""
        def spoil(direction, name, body, _count):
            message = json.loads(body) if name == "ProvisioningInitializationResponse" else {}
            if direction == "response" or "deviceId" not in message:
                return None
            message["attestation"] = base64url(flip_bit(from_base64url(message["attestation"])))
            return json.dumps(message).encode()
        self.relay.hook = spoil
        only = self.url("private"), "--only", "session.any", "--only", "device.taken"
        report = self.report(*only, url=self.url("plain"), code=FAILED)
        self.assertEqual(self.of_verdict(report, "passed"), ["session.any"])
        self.assertEqual(self.failed(report), ["device.taken"])
        case = next(case for case in report["cases"] if case["id"] == "device.taken")
        self.assertEqual(case["field"], "ProvisioningInitializationRequest at " + self.url("plain"))
        self.assertIn("session attestation: ", case["came"])
        self.assertIn("the cause \"device path\" if the issuer was not given %s" % (
            self.device / "device-ca.pem"), case["wanted"])
        self.assertIn("for no reason that has to do with trust", report["about"]["device CA"])
        for only in (("--only", "session.device"), ("--only", "session.device", "--only",
                                                    "session.any")):
            self.report(self.url("private"), *only, url=self.url("plain"), code=FAILED,
                        said="cases were skipped by fault of the issuer: ProvisioningInit")


class RefusesAll(Strict):
    """It is wrong about what a session attestation covers."""

    def _accept_initialization(self, response):
        response["clientTime"] = "2020-01-01T00:00:00+00:00"
        super()._accept_initialization(response)


class TrustsNobody(Strict):
    def _accept_initialization(self, response):
        raise ProofError

    def fail(self, cause):
        super().fail("device path: not trusted")


class RefusedByAnother(LeakyTest):
    def setUp(self):
        self.device = self.new_folder() / "device"

    def test_it_refuses_all(self):
        """As if it trusted nobody, but it does not say so: no run passes by what is skipped."""
        url = self.leaky(RefusesAll)
        self.conform("--only", "session.any", url=url)      # the device is there afterwards
        report = self.report("--only", "session", "--only", "session-attestation", "--only",
                             "device", url=url, code=FAILED)
        self.assertEqual(self.failed(report), ["session.any", "device.taken"])
        self.assertIn("session attestation", report["cases"][0]["came"])
        for only in (("--only", "session.device"), ("--only", "session.device", "--only", FREE)):
            self.report(*only, url=url, code=FAILED, said="cases were skipped by fault of the issuer")

    def test_it_trusts_nobody(self):
        url = self.leaky(TrustsNobody)
        for said in ("the device is new: ", "(sks-issuer: --trust), then run this again"):
            report = self.report("--only", "session", "--only", "device", "--only", FREE, url=url,
                                 code=ALL_SKIPPED, said=said)
            self.assertEqual(self.failed(report), [])
            self.assertEqual(self.of_verdict(report, "passed"), [FREE])


if __name__ == "__main__":
    import unittest
    unittest.main()
