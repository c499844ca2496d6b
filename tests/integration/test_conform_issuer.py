"""sks-conform issuer: our issuer conforms, an issuer with a fault or a hole does not."""

import http.client
import json
import re
import xml.etree.ElementTree as xml
from unittest import mock
from urllib.parse import urlsplit

from rig import constructs
from rig.conformcase import (
    ALL_SKIPPED, DONE, FAILED, NO_CONTACT, USAGE, BehindRelay, ConformTest, LeakyTest, Strict,
    shipped_profiles, write_coded)
from rig.keygen2_issuer import Session
from rig.mitm import Relay, change_message, flip_bit
from rig.processes import run
from rig.sks_types import base64url, from_base64url
from rig.testcase import write_profile

FLOOR = 150             # cases that there are at least
OLD = "*draft-2010*"    # each makes RSA keys at both ends
LATE = ("life-time.", "in-doubt.")      # test_conform_issuer_late.py


class OurIssuer(ConformTest):
    @classmethod
    def set_up_rig(cls):
        cls.issuer = cls.start_issuer(https="127.0.0.1:0", profiles=write_coded(
            shipped_profiles(cls.new_folder())))
        cls.untrusted = cls.trust_device()
        run("sks-issuer", "roll-over", "--data", cls.issuer.data)
        cls.restart_with_operator()

    def test_all_of_it(self):
        junit, page = self.folder / "junit.xml", self.folder / "page.html"
        report = self.report("--junit", junit, "--html", page, "--skip", OLD)
        self.assertEqual(self.failed(report), [])
        skipped = self.of_verdict(report, "skipped")
        self.assertEqual([name for name in skipped if not name.startswith(LATE)],
                         ["session.https", "cookie.secure"])
        self.assertGreater(len(skipped), 10)
        self.assertGreater(report["all"]["passed"], 3 * FLOOR)
        self.check_junit(xml.parse(junit).getroot(), report)
        self.assertEqual(page.read_text().count('<span class=v style="background:'),
                         len(report["cases"]))
        self.assertEqual([row for row in self.issuer.sessions() if row["verdict"] == "open"], [],
                         "each session has ended")

    def check_junit(self, root, report):
        cases = root.findall("testsuite/testcase")
        self.assertEqual(sorted(case.get("name") for case in cases),
                         sorted(case["id"] for case in report["cases"]))
        self.assertEqual(int(root.get("tests")), len(cases))
        self.assertEqual(int(root.get("skipped")), report["all"]["skipped"])

    def test_over_https(self):
        url, ca = self.issuer.https_url, ("--ca", self.issuer.data / "tls.pem")
        plain = url + "/kg2/p256-user-pin"
        report = self.report(*ca, "--only", "session.https", "--only", "cookie", "--only",
                             "session-attestation.serverCertificate", "--only", "closing-proof",
                             url=plain)
        self.assertEqual(self.failed(report), [])
        self.assertEqual(report["all"]["skipped"], 0)
        done = self.conform("--only", "cookie", url=plain)
        self.assertEqual(done.returncode, NO_CONTACT, "nobody to trust")

    def test_profiles_are_listed(self):
        connection = http.client.HTTPConnection(urlsplit(self.issuer.url).netloc, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/", headers={"Accept": "application/json"})
        response = connection.getresponse()
        listed = json.loads(response.read())["profiles"]
        self.assertEqual(response.headers["Content-Type"], "application/json")
        names = sorted(path.stem for path in self.issuer.profiles.glob("*.json")
                       if path.name != "profile.schema.json")
        self.assertEqual(sorted(profile["name"] for profile in listed), names)
        for profile in listed:
            self.assertEqual(profile["keygen2"], "%s/kg2/%s" % (self.issuer.url,
                                                                  profile["name"]))
            self.assertTrue(profile["description"])
        connection.request("GET", "/", headers={"Accept": "text/html"})
        self.assertIn(b"<dl>", connection.getresponse().read())

    def test_a_profile_or_several(self):
        """Of what one alone has not, the cases are skipped."""
        first = self.issuer.url + "/kg2/p256-user-pin"
        privacy = self.issuer.url + "/kg2/privacy"
        only = "--only", "session.privacy", "--only", "session.device"
        report = self.report(*only, url=first)
        self.assertEqual(self.of_verdict(report, "skipped"), ["session.privacy"])
        report = self.report(privacy, *only, url=first)
        self.assertEqual(self.of_verdict(report, "passed"), ["session.device", "session.privacy"])
        self.assertIn("session in privacy mode", report["about"][privacy])

    def test_without_trust(self):
        """The cases that want it are skipped, and it is said what the operator has to do."""
        self.assertEqual(self.untrusted.returncode, ALL_SKIPPED, self.untrusted.stderr)
        report = json.loads(self.untrusted.stdout)
        self.assertIn("%s: not trusted" % (self.device / "device-ca.pem"),
                      report["about"]["device CA"])
        todo = "the device is new: give %s to the issuer's operator" % (
            self.device / "device-ca.pem")
        self.assertIn(todo, self.untrusted.stderr)
        for case in report["cases"]:
            self.assertIn(todo if case["id"] == "device.taken" else
                          "needs trust in the device of --device", case["reason"])

    def test_the_folder_of_the_device(self):
        """It stays, nobody else reads its keys, and files that are not one device's are refused."""
        ca = (self.device / "device-ca.pem").read_bytes()
        self.report("--only", "session.device", url=self.issuer.url + "/kg2/p256-user-pin")
        self.assertEqual((self.device / "device-ca.pem").read_bytes(), ca)
        for name in ("device.key", "device-ca.key"):
            self.assertEqual((self.device / name).stat().st_mode & 0o777, 0o600)
        other = self.new_folder()
        for path in self.device.iterdir():
            (other / path.name).write_bytes(path.read_bytes())
            (other / path.name).chmod(0o600)
        (other / "device.key").write_bytes((other / "device-ca.key").read_bytes())
        done = run("sks-conform", "issuer", self.issuer.url, "--device", other)
        self.assertEqual(done.returncode, NO_CONTACT)
        self.assertIn("do not belong together", done.stderr)

    def test_the_list(self):
        listed = json.loads(run("sks-conform", "issuer", "--list", "--json").stdout)
        self.assertGreaterEqual(len(listed), FLOOR)
        self.assertEqual(len({case["id"] for case in listed}), len(listed))
        self.assertTrue(all(case["section"] and case["title"] for case in listed))
        self.assertEqual({case["level"] for case in listed}, {"must", "should"})

    def test_usage_and_no_contact(self):
        for arguments, code in ((["issuer"], USAGE), (["issuer", "nothing"], NO_CONTACT),
                                (["issuer", self.issuer.url + "/kg2/a?init=true"], USAGE),
                                (["issuer", self.issuer.url, "--only", "nobody"], USAGE),
                                (["issuer", "http://127.0.0.1:1"], NO_CONTACT),
                                (["issuer", "http://127.0.0.1:1/kg2/a"], NO_CONTACT),
                                (["issuer", "ftp://127.0.0.1/kg2/a"], NO_CONTACT)):
            with self.subTest(arguments):
                done = run("sks-conform", *arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertTrue(done.stderr.startswith("sks-conform: "), done.stderr)


class OurIssuer2010(ConformTest):
    @classmethod
    def set_up_rig(cls):
        cls.issuer = cls.start_issuer()
        cls.trust_and_restart()

    def test_all_of_it(self):
        report = self.report("--only", OLD, url=self.issuer.url + "/kg2/session-2010")
        self.assertEqual(self.of_verdict(report, "passed"),
                         [case["id"] for case in report["cases"]])
        self.assertGreater(len(report["cases"]), 15)


# ---- the real one behind a relay that alters its answers ----

def first_key(message):
    return message["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]


def flip(fields, name):
    fields[name] = base64url(flip_bit(from_base64url(fields[name]), 0))


def header(name, change):
    def hook(direction, _name, headers):
        for key in list(headers):
            if direction == "response" and key.lower() == name:
                headers[key] = change(headers[key])
    return hook


INITIALIZATION, CREATION = "ProvisioningInitializationRequest", "KeyCreationRequest"
FINALIZATION = "ProvisioningFinalizationRequest"

# A fault: what it does to a message, a case that finds it, what that says differs.
FAULTS = [
    (change_message(CREATION, lambda m: flip(first_key(m), "mac")), "KeyCreationRequest.macs",
     "KeyCreationRequest: mac of createKeyEntry Key.1 (counter 1)"),
    (change_message(CREATION, lambda m: m["pinPolicySpecifiers"][0].update(retryLimit=5)),
     "session.pin-policy", "KeyCreationRequest: mac of createPINPolicy PIN.1 (counter 0)"),
    (change_message(CREATION, lambda m: m.update(extra=1)), "session.one-key",
     "KeyCreationRequest"),
    (change_message(CREATION, lambda m: m.update(clientSessionId="other")),
     "KeyCreationRequest.macs", "KeyCreationRequest: clientSessionId"),
    (change_message(INITIALIZATION, lambda m: m.update(serverSessionId="other")),
     "ProvisioningInitializationRequest.syntax",
     "ProvisioningInitializationRequest: serverSessionId"),
    (change_message(INITIALIZATION, lambda m: m.update(serverTime="2020-01-01T00:00:00Z")),
     "ProvisioningInitializationRequest.server-time",
     "ProvisioningInitializationRequest: serverTime"),
    (change_message(FINALIZATION, lambda m: flip(m["sessionCloseData"], "nonce")),
     "ProvisioningFinalizationRequest.macs",
     "ProvisioningFinalizationRequest: mac of closeProvisioningSession  (counter 4)"),
    (change_message(FINALIZATION, lambda m: flip(m["issuedCredentials"][0], "mac")),
     "session.one-key", "ProvisioningFinalizationRequest: mac of setCertificatePath Key.1"
                        " (counter 3)"),
    (change_message(FINALIZATION, lambda m: m.update(issuedCredentials=[])), "session.one-key",
     "ProvisioningFinalizationRequest"),
    (header("content-type", lambda text: text + "; charset=utf-8"),
     "http.content-type-KeyCreationRequest", "Content-Type"),
    (header("set-cookie", lambda text: text.replace("HttpOnly; ", "")), "cookie.http-only",
     "Set-Cookie"),
    (header("location", lambda text: urlsplit(text).path), "http.location", "Location"),
    (header("content-type", lambda text: text.replace("pkix-", "")), "http.crl",
     "Content-Type of /crl"),
    (header("content-type", lambda text: text.replace("plain", "html")), "http.refusal-text",
     "Content-Type of a refusal"),
]
SHOULDS = {"ProvisioningInitializationRequest.server-time", "http.crl", "http.refusal-text"}


class FaultyIssuer(ConformTest):
    @classmethod
    def set_up_rig(cls):
        cls.relay = Relay()
        cls.addClassCleanup(cls.relay.close)
        cls.issuer = cls.start_issuer(
            profiles=write_profile(cls.new_folder(), "plain", keyManagementKey=False),
            options=["--public-url", cls.relay.url])
        cls.relay.upstream = cls.issuer.url
        cls.issuer.listen["http"] = urlsplit(cls.issuer.url).netloc
        cls.trust_device()
        cls.issuer.restart()

    def tearDown(self):
        self.relay.hook = self.relay.header_hook = None

    def through_relay(self, *options, code=DONE):
        return self.report(*options, url=self.relay.url, code=code)

    def test_faults_are_found(self):
        for hook, name, field in FAULTS:
            with self.subTest(name, field=field):
                is_header = hook.__code__.co_argcount == 3
                self.relay.hook, self.relay.header_hook = (None, hook) if is_header else (hook,
                                                                                          None)
                report = self.through_relay("--only", name,
                                            code=DONE if name in SHOULDS else FAILED)
                self.assertEqual(self.failed(report), [name])
                (case,) = report["cases"]
                self.assertEqual(case["field"], field, case)
                self.assertTrue(case["wanted"] and case["came"], case)
                again = run(*case["again"].split())
                self.assertIn(field, again.stdout)
                self.relay.hook = self.relay.header_hook = None
                self.assertEqual(self.failed(self.through_relay("--only", name)), [])

    def test_an_answer_that_says_done(self):
        """An issuer that lets a session succeed which has failed."""
        self.relay.header_hook = header("location", lambda text: text.replace("/failed/",
                                                                              "/done/"))
        report = self.through_relay("--only", "closing-proof", "--only", "text.array",
                                    code=FAILED)
        self.assertEqual(report["all"]["passed"], 0, report)
        self.assertEqual({case["wanted"] for case in report["cases"]},
                         {"302 to /failed, or 4xx"})

    def test_the_seed_draws(self):
        def ids(seed):
            seen = []

            def hook(direction, name, body, _count):
                if direction == "request" and name == "ProvisioningInitializationResponse":
                    seen.append(json.loads(body)["clientSessionId"])
            self.relay.hook = hook
            self.through_relay("--only", "session.one-key", "--only", "flipped", "--seed", seed)
            return seen
        first = ids("3")
        self.assertGreater(len(set(first)), 3)
        self.assertEqual(ids("3"), first)
        self.assertNotEqual(ids("4")[1:], first[1:])


class UselessIssuer(BehindRelay):
    """No session comes to its end: that is no reason to skip, unless the issuer may refuse."""

    @classmethod
    def write_more(cls):
        write_profile(cls.profiles, "coded", enrolment={"code": True})
        write_profile(cls.profiles, "deferred", deferredIssuance=True)
        write_profile(cls.profiles, "certified", externalCa="false")

    def assert_told(self, profile, field, came):
        url = self.url(profile)
        report = self.report("--only", "session", url=url, code=FAILED)
        self.assertIn("session.any", self.failed(report))
        case = next(case for case in report["cases"] if case["id"] == "session.any")
        self.assertEqual(case["field"], "%s at %s" % (field, url))
        self.assertIn(came, case["came"])
        self.assertIn(came, report["about"][url])
        done = self.conform("--only", "session.two-keys", url=url)
        self.assertEqual(done.returncode, FAILED, done.stdout)
        self.assertRegex(done.stderr, "cases were skipped by fault of the issuer: %s at .*%s"
                         % (re.escape(field), came))

    def test_what_nothing_excuses(self):
        def spoil(name):
            return change_message(name, lambda message: message.update(extra=1))
        self.assert_told("no-such-profile", "?init=true", "404")
        self.relay.hook = spoil("InvocationRequest")
        self.assert_told("plain", "InvocationRequest", "extra")
        self.relay.hook = spoil(INITIALIZATION)
        self.assert_told("plain", INITIALIZATION, "extra")
        self.relay.hook = None
        self.assert_told("certified", "KeyCreationRequest", "external CA")

    def test_one_profile_that_works_is_enough(self):
        report = self.report("--only", "session.any", self.url("plain"),
                             url=self.url("certified"))
        self.assertEqual(report["all"]["passed"], 1)

    def test_what_an_issuer_may_refuse(self):
        for profile in ("coded", "deferred"):
            report = self.report("--only", "session.any", url=self.url(profile), code=ALL_SKIPPED)
            self.assertIn("without a trusted device", report["cases"][0]["reason"])
            self.assertIn("did not show" if profile == "coded" else "device-ca.pem",
                          report["about"]["device CA"])


# ---- an issuer with a hole ----

class GoesOn(Session):
    """Each attempt is checked, but it may be repeated, with the next counter."""


class TakesAnyProof(Strict):
    def _accept_proof(self, response):
        pass


class TakesAnyKey(Strict):
    def _accept_keys(self, response):
        for key in response["generatedKeys"]:
            self.public_keys[key["id"]] = constructs.spki(constructs.from_jwk(key["publicKey"]))


class OneIv(Strict):
    """It encrypts all with one IV."""

    def encrypt(self, plain):
        return base64url(constructs.encrypt(self.counter.key, plain, bytes(16)))


class LeakyIssuer(LeakyTest):
    """The issuer in Python: what it checks, and with a check left out."""

    only = ("--only", "closing-proof", "--only", "key-attestation", "--only",
            "session-attestation", "--only", "session.one-key")

    def groups(self, report):
        return {name.split(".")[0] for name in self.failed(report)}

    def test_without_a_hole(self):
        report = self.report(*self.only, url=self.leaky(Strict))
        self.assertEqual(self.failed(report), [])
        self.assertGreater(report["all"]["passed"], 35)

    def test_a_session_that_failed_goes_on(self):
        report = self.report(*self.only, url=self.leaky(GoesOn), code=FAILED)
        self.assertEqual(self.failed(report), ["closing-proof.counter-next",
                                               "key-attestation.reflected"])

    def test_closing_proofs(self):
        report = self.report(*self.only, url=self.leaky(TakesAnyProof), code=FAILED)
        self.assertEqual(self.groups(report), {"closing-proof"})
        self.assertIn("closing-proof.counter-next", self.failed(report))
        came = {case["came"] for case in report["cases"] if case["verdict"] == "failed"}
        self.assertTrue(all("/done/" in text for text in came), came)

    def test_key_attestations(self):
        report = self.report(*self.only, url=self.leaky(TakesAnyKey), code=FAILED)
        self.assertEqual(self.groups(report), {"key-attestation"})
        self.assertIn("key-attestation.other-public-key", self.failed(report))

    def test_ivs(self):
        def creation(session):
            pin = session.pin(session.key(encryptedPin=session.encrypt(b"1234")))
            return {"pukPolicySpecifiers": [{
                "id": "PUK.1", "encryptedPuk": session.encrypt(b"012345"), "retryLimit": 5,
                "format": "numeric", "pinPolicySpecifiers": [pin]}]}
        only = ("--only", "KeyCreationRequest.p??-fresh")
        report = self.report(*only, url=self.leaky(Strict, creation))
        self.assertEqual(report["all"]["passed"], 2)
        report = self.report(*only, url=self.leaky(OneIv, creation), code=FAILED)
        self.assertEqual(self.failed(report), ["KeyCreationRequest.puk-fresh",
                                               "KeyCreationRequest.pin-fresh"])

    def test_session_attestations(self):
        with mock.patch.object(constructs, "verifies", return_value=True):
            report = self.report(*self.only, url=self.leaky(Strict), code=FAILED)
        self.assertEqual(self.groups(report), {"session-attestation"})
        self.assertIn("session-attestation.issuerUri", self.failed(report))


if __name__ == "__main__":
    import unittest
    unittest.main()
