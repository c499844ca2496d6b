"""sks-proxy matrix against ends elsewhere: the real ones, behind relays, and such with a hole."""

import json
import signal
import socket
import unittest

from rig.certificates import generate
from rig.keygen2_issuer import KeyGen2Issuer, Session
from rig.matrixcase import Page, matrix, results, verdicts
from rig.processes import provision, spawn, wait_for
from rig.relaycase import RelayProgram, behind_relay
from rig.testcase import RigTest, write_profile

DONE, REFUSED, USAGE, IO_ERROR = range(4)
SCENARIOS = ("p256-user-pin", "symmetric-hmac-otp", "key-unlock")
SAMPLE = ("--cases", "25", "--seed", "3")


def scenarios(*names):
    return [word for name in names for word in ("--scenario", name)]


class ElsewhereCase(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.device = cls.new_folder() / "device"

    def make_device(self):
        """Where --device points; made by the first run, which finds nobody."""
        if not self.device.exists():
            matrix(self.folder, "--issuer", "http://127.0.0.1:1/kg2/", "--device", self.device)
        return self.device

    def sweep(self, *options):
        return results(self.folder, *options)

    def assert_clean(self, summary):
        self.assertEqual((summary["all"]["undetected"], summary["all"]["leftovers"]), (0, 0))
        self.assertEqual((summary["unreached"], summary["skipped"]), (0, {}))


class RealEnds(ElsewhereCase):
    """The real ends elsewhere: the same cases have the same verdicts as in one process."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        matrix(cls.folder, "--issuer", "http://127.0.0.1:1/kg2/", "--device", cls.device)
        cls.trust = [cls.token.device_ca, cls.device / "device-ca.pem"]
        cls.issuer = cls.start_issuer(trust=cls.trust)
        code, summary, cases = results(cls.folder, *SAMPLE, *scenarios(*SCENARIOS))
        assert (code, summary["notJudged"]) == (DONE, []), summary
        cls.here = verdicts(cases)

    def assert_as_here(self, *options):
        before = self.wire().keys()
        code, summary, cases = self.sweep(*options, *SAMPLE, *scenarios(*SCENARIOS))
        self.assertEqual(code, DONE)
        self.assert_clean(summary)
        self.assertEqual(sorted(summary["scenarios"]), sorted(SCENARIOS))
        self.assertEqual(self.wire().keys(), before, "nothing of the sweep is left")
        self.assertEqual(self.wire().sessions(True), [])
        there = verdicts(cases)
        # A bit of a call's octets is another field's where addresses have another length.
        both = {key for key in there.keys() & self.here.keys() if key[-2:] != ("", "flip")}
        self.assertGreater(len(both), 20, "the seed draws the same cases")
        other = {key: (self.here[key], there[key]) for key in both if there[key] != self.here[key]}
        self.assertLessEqual(len(other), 1, other)    # what is drawn may end in another check
        return summary["notJudged"]

    def test_an_issuer(self):
        told = self.assert_as_here("--issuer", self.issuer.url + "/kg2/", "--device", self.device)
        self.assertTrue(any("issuer is not set back" in text for text in told), told)
        self.assertTrue(any("verdicts of the pages" in text for text in told), told)
        self.assertFalse(any("the token" in text for text in told), told)

    def test_a_token(self):
        told = self.assert_as_here("--token", self.token.url, "--trust", self.token.device_ca)
        self.assertEqual(len(told), 2)
        self.assertIn("another session", told[0])
        self.assertIn("token is not set back", told[1])

    def test_both(self):
        told = self.assert_as_here("--token", self.token.url, "--issuer", self.issuer.url + "/kg2/")
        self.assertEqual(len(told), 4)

    def test_both_behind_relays(self):
        issuer, outer = behind_relay(type(self), trust=self.trust)
        inner = self.start(RelayProgram(self.new_folder(), self.token.url))
        self.assert_as_here("--token", inner.url, "--issuer", outer.url + "/kg2/")
        self.assertGreater(len(issuer.sessions()), 75, "a session a case")

    def test_several_at_once(self):
        code, summary, _ = self.sweep("--token", self.token.url, "--issuer",
                                      self.issuer.url + "/kg2/", "--jobs", "3", *SAMPLE,
                                      *scenarios("p256-user-pin", "privacy"))
        self.assertEqual(code, DONE)
        self.assert_clean(summary)
        self.assertTrue(any("several cases run at once" in text for text in summary["notJudged"]))

    def test_keys_of_others_are_left_alone(self):
        others = self.start_issuer(trust=self.trust)
        code, _, log = provision(others.url + "/kg2/p256-user-pin", self.token.url)
        self.assertEqual(code, DONE, log)
        handle = self.wire().keys()[0].keyHandle
        self.addCleanup(self.wire().call, "deleteKey", keyHandle=handle, authorization=b"")
        before = vars(self.wire().call("getKeyProtectionInfo", keyHandle=handle))
        for options in (["--issuer", self.issuer.url + "/kg2/"], ["--trust", self.token.device_ca]):
            code, summary, _ = self.sweep("--token", self.token.url, *options, "--cases", "5",
                                          *scenarios("key-unlock", "key-delete"))
            self.assertEqual(code, DONE)
            self.assert_clean(summary)
        self.assertEqual([key.keyHandle for key in self.wire().keys()], [handle])
        self.assertEqual(vars(self.wire().call("getKeyProtectionInfo", keyHandle=handle)), before)

    def test_a_profile_by_its_url_and_by_default_a_sample(self):
        code, summary, _ = self.sweep("--issuer", self.issuer.url + "/kg2/privacy", "--token",
                                      self.token.url)
        self.assertEqual((code, list(summary["scenarios"])), (DONE, ["privacy"]))
        self.assertEqual(summary["tried"], 60)
        self.assertGreater(summary["planned"], 1000)

    def test_what_the_issuer_has_not_is_skipped(self):
        profiles = write_profile(self.new_folder() / "profiles", "p256-user-pin")
        issuer = self.start_issuer(trust=self.trust, profiles=profiles)
        options = ["--issuer", issuer.url + "/kg2/", "--token", self.token.url, "--cases", "5",
                   *scenarios("p256-user-pin", "ed25519")]
        code, summary, _ = self.sweep(*options)
        self.assertEqual((code, list(summary["skipped"])), (DONE, ["ed25519"]))
        self.assertIn("404", summary["skipped"]["ed25519"])
        self.assertIn("skipped: ed25519: ", matrix(self.folder, *options).stdout)

    def test_keys_that_stay_are_named(self):
        profile = json.loads((write_profile(self.new_folder() / "p", "p256-user-pin") /
                              "p256-user-pin.json").read_text())
        policies = profile["pinPolicySpecifiers"]
        policies[0]["keyEntrySpecifiers"][0]["deleteProtection"] = "non-deletable"
        profiles = write_profile(self.new_folder() / "profiles", "p256-user-pin",
                                 pinPolicySpecifiers=policies)
        token = self.start_token()
        code, summary, _ = self.sweep(
            "--token", token.url, "--trust", token.device_ca, "--profiles", profiles, "--cases",
            "10", "--message", "getDeviceInfo", *scenarios("p256-user-pin"))
        self.assertEqual(code, DONE)
        self.assert_clean(summary)
        left = [key.keyHandle for key in self.wire(token).keys()]
        self.assertGreater(len(left), 1)
        text = next(text for text in summary["notJudged"] if "stay in the token" in text)
        self.assertTrue(text.startswith("%d keys stay" % len(left)), text)
        self.assertIn(": %d" % left[0], text)

    def test_a_signal_leaves_nothing(self):
        process = spawn("sks-proxy", "matrix", "--token", self.token.url, "--trust",
                        self.token.device_ca, "--cases", "0", *scenarios("key-update"))
        self.addCleanup(process.kill)
        wait_for(lambda: self.wire().keys())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        self.assertIn("interrupted", errors)
        self.assertNotEqual(process.returncode, DONE)
        self.assertEqual((self.wire().keys(), self.wire().sessions(True)), ([], []))


class Troubles(ElsewhereCase):
    """What cannot work is said."""

    def said(self, code, *options):
        done = matrix(self.folder, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    def test_options(self):
        url, pem = "http://127.0.0.1:1", self.token.device_ca
        self.assertIn("--trust", self.said(USAGE, "--token", url))
        self.assertIn("--device", self.said(USAGE, "--issuer", url + "/kg2/"))
        self.assertIn("--ca", self.said(USAGE, "--ca", pem))
        self.assertIn("--device", self.said(USAGE, "--device", self.device))
        self.assertIn("--trust", self.said(USAGE, "--trust", pem))
        self.assertIn("--scenario", self.said(USAGE, "--issuer", url + "/kg2/x", "--token", url,
                                              "--scenario", "privacy"))
        self.assertIn("address", self.said(USAGE, "--token", "ftp://x", "--trust", pem))

    def test_a_device_that_the_issuer_does_not_trust(self):
        issuer = self.start_issuer(trust=[self.token.device_ca])
        options = ["--issuer", issuer.url + "/kg2/", "--device", self.make_device(),
                   *scenarios("p256-user-pin")]
        text = self.said(REFUSED, *options)
        self.assertIn("%s/device-ca.pem" % self.device, text)
        self.assertIn("no case was tried", text)
        before = (self.device / "device-ca.pem").read_text()
        self.said(REFUSED, *options)
        self.assertEqual((self.device / "device-ca.pem").read_text(), before, "it is kept")

    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d" % free.getsockname()[1]
        self.assertIn("onnect", self.said(IO_ERROR, "--issuer", url + "/kg2/", "--token",
                                          self.token.url))
        self.assertIn("onnect", self.said(IO_ERROR, "--token", url, "--trust",
                                          self.token.device_ca))

    def test_an_end_that_goes_away(self):
        token = self.start_token()
        process = spawn("sks-proxy", "matrix", "--token", token.url, "--trust", token.device_ca,
                        "--cases", "0", *scenarios("p256-user-pin"))
        self.addCleanup(process.kill)
        wait_for(lambda: self.wire(token).keys())
        self.programs.remove(token)
        token.kill()
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, IO_ERROR, errors)
        self.assertIn("onnect", errors)


class Careless(Session):
    """It looks at no closing proof."""

    def _accept_proof(self, response):
        pass


class IssuerInPython(ElsewhereCase):
    """An issuer by other people, and one with a hole."""

    def issuer(self, session_class=Session):
        issuer = KeyGen2Issuer()
        self.addCleanup(issuer.close)
        issuer.session_class = session_class
        kmk = generate()

        def script(session):
            yield session.invocation()
            yield session.initialization(kmk=kmk)
            yield session.creation(pinPolicySpecifiers=[session.pin()])
            yield session.finalization(session.credential())
        issuer.script = script
        return issuer

    def of_the_proof(self, issuer, *more):
        return self.sweep("--issuer", issuer.uri, "--device", self.make_device(), "--cases", "0",
                          "--message", "ProvisioningFinalizationResponse", *more)

    def test_without_a_hole(self):
        code, summary, cases = self.of_the_proof(self.issuer())
        self.assertEqual((code, list(summary["scenarios"])), (DONE, ["test"]))
        self.assert_clean(summary)
        proof = [case for case in cases if case["path"] == "/attestation"]
        self.assertGreater(len(proof), 4)
        self.assertEqual({case["verdict"] for case in proof}, {"committed"})

    def test_a_hole_is_seen(self):
        page = self.folder / "hole.html"
        code, summary, cases = self.of_the_proof(self.issuer(Careless), "--html", page)
        self.assertEqual(code, REFUSED)
        missed = [case for case in cases if case["verdict"] == "undetected"]
        self.assertEqual(summary["all"]["undetected"], len(missed))
        self.assertGreater(len(missed), 4)
        self.assertIn("/attestation", {case["path"] for case in missed})
        self.assertLessEqual({case["path"] for case in missed}, {"/attestation", ""})
        self.assertIn("flip", {case["operation"] for case in missed})
        shown = Page(page.read_text())
        red = [cell for cell, values in shown.cells.items()
               if values["data-verdict"] == "undetected"]
        self.assertGreater(len(red), 2)
        for cell in red:
            runs = [shown.run(case) for case in shown.data["cells"][cell]
                    if shown.data["verdicts"][case[3]] == "undetected"]
            self.assertTrue(all(("ProvisioningFinalizationResponse", "altered") in run
                                for run in runs), "each failure has its session")

    def test_what_an_issuer_says_is_no_markup(self):
        class Hostile(Session):
            def _accept_keys(self, response):
                if self.issuer.armed:
                    raise AssertionError('</script><script>alert(1)</script><b id="x">&')
                super()._accept_keys(response)

            def step(self, response=None):
                if response and response["@qualifier"] == "InvocationResponse":
                    self.issuer.armed = len(self.issuer.sessions) in range(2, 6)
                return super().step(response)

        issuer = self.issuer(Hostile)
        issuer.armed = False
        page = self.folder / "hostile.html"
        _, _, cases = self.sweep("--issuer", issuer.uri, "--device", self.make_device(), "--cases",
                                 "4", "--message",
                                 "KeyCreationResponse", "--html", page)
        self.assertTrue(any("<script>alert" in case["cause"] for case in cases), cases)
        text = page.read_text()
        self.assertNotIn("<script>alert", text)
        shown = Page(text)
        self.assertEqual(shown.tags.count("script"), 2)
        self.assertTrue(any("<script>alert" in shown.data["strings"][case[7]]
                            for _, case in shown.cases()))


if __name__ == "__main__":
    unittest.main()
