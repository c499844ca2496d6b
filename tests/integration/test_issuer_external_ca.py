"""Certificates by a command of the operator's: what it is told, and whatever it may do wrong."""

import concurrent.futures
import json
import time

from rig import clock, external_ca
from rig.certificates import Authority
from rig.crlcase import CrlCase
from rig.issuercase import REFUSED
from rig.keygen2 import dumps
from rig.processes import provision, wait_for
from rig.testcase import PROFILE, write_profile


def profile(subject="CN=Test", **certificate):
    """Of one key, without a PIN."""
    key = {**PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]}
    key["certificate"] = {**key["certificate"], "subject": subject, **certificate}
    return {"pinPolicySpecifiers": [{**PROFILE["pinPolicySpecifiers"][0],
                                     "keyEntrySpecifiers": [key]}]}


class ExternalCase(CrlCase):
    @classmethod
    def set_up_rig(cls):
        cls.ca = Authority("External CA")
        clock.install()
        cls.ca_folder = cls.new_folder()
        cls.external = external_ca.prepare(cls.ca_folder, cls.ca)
        cls.profiles = cls.new_folder()
        cls.write_profiles()
        super().set_up_rig()

    @classmethod
    def write_profiles(cls):
        write_profile(cls.profiles, "own", **profile())
        write_profile(cls.profiles, "external", externalCa=cls.external, **profile())
        write_profile(cls.profiles, "short", externalCa=cls.external, sessionLifeTime=clock.LIFE,
                      **profile())
        write_profile(cls.profiles, "named", externalCa=cls.external, deferredIssuance=True,
                      **profile("CN={name},O=Example", subjectAltName=["email:{mail}"],
                                extendedKeyUsage=["clientAuth"],
                                certificatePolicies=["1.3.6.1.4.1.32473.1"]))

    def setUp(self):
        super().setUp()
        self.mode("good")
        (self.ca_folder / "requests").write_text("")

    def mode(self, mode):
        (self.ca_folder / "mode").write_text(mode)

    def requests(self):
        return list(map(json.loads, (self.ca_folder / "requests").read_text().splitlines()))

    def assert_external(self, client):
        (path,) = client.certificates.values()
        self.assertEqual(len(path), 2)
        self.assertEqual(path[1], self.ca.der)
        row = self.export_of(path[0])
        self.assertEqual((row["external"], row["state"], row["revocation"]), (True, "live", None))


class External(ExternalCase):
    def test_pem_and_json(self):
        for mode in ("good", "json", "leaves a child"):
            self.mode(mode)
            began = time.monotonic()
            self.assert_external(self.enrol("external"))
            self.assertLess(time.monotonic() - began, 60, mode)

    def test_what_it_is_told(self):
        client = self.enrol("external")
        (request,) = self.requests()
        self.assertEqual(request["request"], "issue")
        self.assertEqual((request["profile"], request["keyId"], request["serverSessionId"]),
                         ("external", "Key.1", client.session_id))
        self.assertEqual(request["keyAlgorithm"],
                         "https://webpki.github.io/sks/algorithm#ec.nist.p256")
        self.assertEqual(request["enrolment"]["device"], self.device_keys()[0]["device"])
        self.assertEqual(request["enrolment"]["device8"], request["enrolment"]["device"][:8])
        self.assertEqual(request["enrolment"]["session"], client.session_id)
        self.assertEqual(request["certificate"], {
            "subject": "CN=Test", "validityDays": 30, "keyUsage": ["digitalSignature"],
            "extendedKeyUsage": [], "certificatePolicies": [], "subjectAltName": []})

    def test_values_of_the_enrolment(self):
        client = self.client("named")
        client.run(until="never")
        self.command("approve", client.session_id, "--set", "name=Anna, O=Evil", "--set",
                     "mail=anna@example.com")
        self.assertEqual(client.resume().status, 200)
        self.assertTrue(client.run().done)
        (request,) = self.requests()
        self.assertEqual(request["certificate"]["subject"], "CN=Anna\\, O=Evil,O=Example")
        self.assertEqual(request["certificate"]["subjectAltName"], ["email:anna@example.com"])
        self.assertEqual(request["certificate"]["extendedKeyUsage"], ["clientAuth"])
        self.assertEqual((request["enrolment"]["name"], request["enrolment"]["mail"]),
                         ("Anna, O=Evil", "anna@example.com"))
        self.assert_external(client)

    def test_the_own_ca_beside_it(self):
        self.assert_good(self.leaf(self.enrol("own")))
        self.assertEqual(self.requests(), [])

    def fails(self, mode, cause):
        self.mode(mode)
        client = self.client("external")
        reply = client.run()
        self.assert_refused(client, reply, "^external CA: Key.1: " + cause)
        self.assertEqual(self.exported("--session", client.session_id), [])
        _, page = client.record("failed")
        self.assertNotIn("operator alone", page["cause"])

    def test_failures(self):
        for mode, cause in (
                ("fails", "the command ended with exit code 1$"),
                ("refuses", "it refused: no credit$"), ("garbage", "its answer cannot be read: "),
                ("silent", "its answer cannot be read: "),
                ("floods", "the command wrote more than 262144 bytes$"),
                ("another key", ".*for another key$"), ("another issuer", "its certificate path: "),
                ("upside down", ".*"), ("a ca", ".*is that of a CA$"),
                ("expired", ".*not valid now$")):
            with self.subTest(mode):
                self.fails(mode, cause)
        self.assertIn("command: this is for the operator alone", self.issuer.stderr())
        self.mode("good")
        self.assert_external(self.enrol("external"))

    def test_a_serial_number_twice(self):
        self.mode("same serial")
        self.assert_external(self.enrol("external"))
        self.fails("same serial", "its serial number is in use already$")

    def test_slow(self):
        """Others go on meanwhile; a message that is sent again waits for the first one's answer,
        and the CA is asked once."""
        self.mode("waits")
        go_on = self.ca_folder / "go on"
        self.addCleanup(go_on.unlink, missing_ok=True)
        client = self.client("external")
        client.run(until="KeyCreationRequest")
        message = dumps(client.answer())
        twin = self.client("external")
        twin.http.cookie = client.http.cookie
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            first = pool.submit(client.post, message)
            wait_for(self.requests)
            second = pool.submit(twin.post, message)
            self.enrol("own")
            self.assertFalse(first.done())
            go_on.touch()
            first, second = first.result(), second.result()
        self.assertEqual((first.status, first.body), (200, second.body))
        self.assertEqual(len(self.requests()), 1)
        self.assertTrue(client.run().done)
        self.assert_external(client)

    def test_real_middleware(self):
        token = self.start_token()
        self.issuer.trust.append(token.device_ca)
        self.issuer.restart()
        code, outcome, log = provision(self.issuer.url + "/kg2/external", token.url, "--state",
                                       self.new_folder())
        self.assertEqual((code, outcome["outcome"]), (0, "succeeded"), (outcome, log))
        (key,) = token.list()
        self.assertEqual(key["keyHandle"] if "keyHandle" in key else key["handle"],
                         outcome["keys"][0]["handle"])
        self.mode("fails")
        code, outcome, _ = provision(self.issuer.url + "/kg2/external", token.url, "--state",
                                     self.new_folder())
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"))
        self.assertIn("external CA: Key.1: the command ended with exit code 1", outcome["cause"])
        self.assertEqual(len(token.list()), 1)

    def test_revoke(self):
        """It is kept in mind, but is no business of our CRL."""
        der = self.leaf(self.enrol("external"))
        self.assertIn("of an external CA", self.revoke(self.serial(der)))
        self.assertIsNone(self.reason(der))
        self.assertEqual(self.export_of(der)["revocation"]["reason"], "unspecified")

    def test_in_doubt(self):
        client = self.client("short")
        client.run(until="ProvisioningFinalizationRequest")
        proof = client.answer()
        clock.skip()
        self.assert_verdict(client.session_id, "in doubt")
        self.assertEqual(self.export_of(self.leaf(client))["revocation"]["reason"],
                         "certificateHold")
        self.assertTrue(client.post(proof).done)
        self.assert_external(client)


class ExternalForAll(ExternalCase):
    """By option, with a time limit."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.issuer.options = ["--external-ca", cls.external, "--external-ca-timeout", "8"]
        cls.issuer.restart()

    def test_all_profiles(self):
        self.assert_external(self.enrol("own"))

    def test_time_limit(self):
        self.mode("hangs")
        client = self.client("own")
        began = time.monotonic()
        self.assert_refused(client, client.run(), "the command took longer than 8 s")
        self.assertLess(time.monotonic() - began, 60)
