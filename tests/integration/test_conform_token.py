"""sks-conform token: our token conforms, a token with a fault does not, and it is left as it was."""

import json
import re
import signal
import xml.etree.ElementTree as xml

from rig.clicase import Terminal
from rig.issuer_side import provision_key
from rig.mitm import Drop, Relay, flip_bit, sks_name
from rig.processes import ROOT, program_path, run, spawn, wait_for
from rig.sks_types import Reader
from rig.sks_wire import METHODS
from rig.testcase import RigTest

DONE, FAILED, USAGE, NO_CONTACT, ALL_SKIPPED = 0, 1, 2, 3, 77
FLOOR = 250             # cases that there are at least
OK, MAC, OPTION = 0, 4, 9
TOO_BIG = 250000 + 65536    # bytes of a call
METHOD_24 = "?"         # createProvisioningSession of 2010, which the relay has no name for


class ConformTest(RigTest):
    token_options = ()

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=cls.token_options)

    def setUp(self):
        self.sks = self.wire()

    def conform(self, *options, url=None):
        return run("sks-conform", "token", url or self.token.url, *options, timeout=300)

    def report(self, *options, url=None, code=DONE):
        done = self.conform("--json", *options, url=url)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout[-2000:])
        self.assertEqual(done.stderr, "", "it is quiet in a pipe")
        return json.loads(done.stdout)

    def relay(self, hook=None):
        relay = Relay(self.token.url, hook, name=sks_name)
        self.addCleanup(relay.close)
        return relay

    def failed(self, report):
        return [case["id"] for case in report["cases"] if case["verdict"] == "failed"]


class OurToken(ConformTest):
    def test_all_of_it(self):
        """Beside what another issuer has left there, which stays."""
        foreign = provision_key(self.sks)
        before = self.sks.snapshot()
        junit, page = self.folder / "junit.xml", self.folder / "page.html"
        report = self.report("--allow-destructive", "--junit", junit, "--html", page)
        self.assertEqual(self.failed(report), [])
        self.assertEqual(report["leftovers"], [])
        self.assertEqual(self.sks.snapshot(), before, "nothing is left, nothing is gone")
        self.assertEqual(foreign.handle, self.sks.keys()[0].keyHandle)
        self.assertGreater(report["all"]["passed"], 3 * FLOOR)
        self.assertEqual({case["reason"] for case in report["cases"]
                          if case["verdict"] == "skipped"},
                         {"needs biometrics", "needs a device PIN", "slow: --slow runs it"})
        self.check_junit(xml.parse(junit).getroot(), report)
        self.check_page(page.read_text(), report)

    def check_junit(self, root, report):
        self.assertEqual(root.tag, "testsuites")
        cases = root.findall("testsuite/testcase")
        self.assertEqual(sorted(case.get("name") for case in cases),
                         sorted(case["id"] for case in report["cases"]))
        self.assertEqual(int(root.get("tests")), len(cases))
        self.assertEqual(int(root.get("skipped")), report["all"]["skipped"])
        self.assertEqual(len(root.findall("testsuite/testcase/skipped")),
                         report["all"]["skipped"])
        names = [suite.get("name") for suite in root.findall("testsuite")]
        self.assertEqual(len(names), len(set(names)), "a suite a group")

    def check_page(self, page, report):
        self.assertEqual(page.count('<span class=v style="background:'), len(report["cases"]))
        self.assertNotIn("<script", page)
        self.assertNotRegex(page, "(src|href)=")

    def test_the_list(self):
        """Needs no token, and no two cases are called the same."""
        listed = json.loads(run("sks-conform", "token", "--list", "--json").stdout)
        self.assertGreaterEqual(len(listed), FLOOR)
        self.assertEqual(len({case["id"] for case in listed}), len(listed))
        lines = run("sks-conform", "token", "--list").stdout.splitlines()
        self.assertEqual(len(lines), len(listed))
        destructive = [case["destructive"] for case in listed]
        self.assertIn(True, destructive)
        self.assertEqual(destructive, sorted(destructive), "destructive ones come last")
        self.assertEqual({case["level"] for case in listed}, {"must", "should", "may"})

    def test_lists_of_known_failures(self):
        """Those that are there fit the cases: they are read before anything is listed."""
        files = sorted((ROOT / "conform" / "known").glob("*.json"))
        self.assertTrue(files)
        for path in files:
            with self.subTest(path.name):
                done = run("sks-conform", "token", "--list", "--expect", path)
                self.assertEqual(done.returncode, DONE, done.stderr)
        known = json.loads((ROOT / "conform" / "known" / "java-reference.json").read_text())
        told = (ROOT / "docs" / "reference-departures.md").read_text()
        self.assertEqual(sorted(re.findall(r"`(\w[\w-]*\.[\w.-]+)`(?=,| \|)", told)),
                         sorted(name for entry in known["expected"] for name in entry["cases"]))
        bad = self.folder / "bad.json"
        bad.write_text(files[0].read_text().replace("nonce-empty", "nonce-none"))
        done = run("sks-conform", "token", "--list", "--expect", bad)
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, r"bad\.json: /expected/\d+/cases/0: no case is called "
                         "'closeProvisioningSession.nonce-none'")

    def test_every_method_has_its_cases(self):
        """Success, refusal, a wrong state, a wrong length: what the method can have of them."""
        listed = json.loads(run("sks-conform", "token", "--list", "--json").stdout)
        names = {case["id"] for case in listed}
        for method, (number, inputs, _) in METHODS.items():
            if number in (24, 25, 90):
                continue
            self.assertIn(method + ".succeeds", names)
            self.assertIn(method + ".extended", names)
            if inputs:
                self.assertIn(method + ".truncated", names)
                if method != "createProvisioningSession":
                    self.assertIn(method + ".unknown-handle", names)

    def test_it_says_how_many_apply_before(self):
        done = self.conform("--only", "biometrics", "--only", "getDeviceInfo.sizes")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^cases +4, of which 1 apply$")
        self.assertRegex(done.stdout, r"(?m)^cryptoDataSize +16384$")

    def test_destructive_cases_want_to_be_allowed(self):
        report = self.report("--only", "lock-out", code=ALL_SKIPPED)
        self.assertEqual({case["reason"] for case in report["cases"]},
                         {"destructive: --allow-destructive runs it"})
        report = self.report("--only", "lock-out", "--allow-destructive")
        self.assertEqual(report["all"]["passed"], len(report["cases"]))

    def test_one_case_again(self):
        done = self.conform("--only", "session.one-key", "--seed", "7")
        self.assertEqual(done.returncode, USAGE, "there is none of that name")
        done = self.conform("--only", "post.cloned", "--seed", "7", "--show")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("post.cloned", done.stdout)
        self.assertIn("seed 7", done.stdout)

    def test_the_seed_draws(self):
        def ids(seed):
            seen = []

            def hook(direction, name, body, _count):
                if direction == "request" and name == "createProvisioningSession":
                    seen.append(Reader(body[1:]).table(METHODS[name][1])["serverSessionId"])
            relay = self.relay(hook)
            self.report("--only", "session.privacy", "--only", "pin.right", "--seed", seed,
                        url=relay.url)
            self.assertEqual(relay.errors, [])
            return seen
        first = ids("3")
        self.assertEqual(len(set(first)), 2)
        self.assertEqual(ids("3"), first)
        self.assertEqual(set(ids("4")) & set(first), set())

    def test_usage_and_no_contact(self):
        for arguments, code in ((["token"], USAGE), (["token", "ftp://x"], USAGE),
                                (["issue"], USAGE),
                                (["token", self.token.url, "--level", "perhaps"], USAGE),
                                (["token", self.token.url, "--only", "nobody"], USAGE),
                                (["token", self.token.url, "--skip", "*"], USAGE),
                                (["token", "unix:/none/s", "--only", "pin"], NO_CONTACT),
                                (["token", "http://127.0.0.1:1"], NO_CONTACT)):
            with self.subTest(arguments):
                done = run("sks-conform", *arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertTrue(done.stderr.startswith("sks-conform: "), done.stderr)
        self.assertEqual(run("sks-conform", "token", "--help").returncode, DONE)

    def test_a_unix_socket(self):
        token = self.start_token(listen="unix:%s/s" % self.new_folder())
        report = self.report("--only", "http", "--only", "pin.right", url=token.url)
        self.assertEqual(self.failed(report), [])

    def test_a_bar_on_a_terminal(self):
        terminal = Terminal([program_path("sks-conform"), "token", self.token.url,
                             "--only", "pin"])
        self.addCleanup(terminal.kill)
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.assertRegex(terminal.shown, r"\[#+\.*\] \d+/\d+ pin\.")

    def test_a_signal_ends_it(self):
        """What was done is reported, and nothing is left."""
        before = self.sks.snapshot()
        process = spawn("sks-conform", "token", self.token.url, "--json")
        self.addCleanup(process.kill)
        wait_for(lambda: self.sks.sessions(True))
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, FAILED, errors)
        report = json.loads(output)
        self.assertTrue(report["interrupted"])
        self.assertGreater(report["all"]["not run"], FLOOR)
        self.assertEqual(report["all"]["failed"], 0)
        self.assertEqual(self.sks.snapshot(), before)


class AbleToken(ConformTest):
    token_options = ("--simulate", "biometrics,device-pin", "--allow-deactivate")

    def test_what_only_such_a_token_has(self):
        report = self.report("--only", "biometrics", "--only", "device-pin", "--only", "deactivate",
                             "--only", "createKeyEntry", "--skip", "createKeyEntry.mac*",
                             "--allow-destructive")
        self.assertEqual(self.failed(report), [])
        self.assertEqual({case["reason"] for case in report["cases"]
                          if case["verdict"] == "skipped"},
                         {"needs a token without a device PIN",
                          "needs a token without biometrics"})
        self.assertEqual(report["leftovers"], ["it is deactivated"])
        self.assertEqual(self.sks.raw_status(bytes([70, 0, 0, 0, 0])), 13)


def flipped(method, output):
    """A hook that alters one output of a method."""
    def hook(direction, name, body, _count):
        if direction == "response" and name == method and body[0] == OK:
            at = body.rindex(output(body)) if callable(output) else output
            return flip_bit(body, at)
        return None
    return hook


def instead(method, status, answer):
    """A token that does not refuse what it should, or refuses too much."""
    def hook(direction, name, body, _count):
        return answer if direction == "response" and name == method and body[0] == status else None
    return hook


def failure(status, text=b"no"):
    return bytes([status]) + len(text).to_bytes(2, "big") + text


HANDLE = bytes(4)

# A fault, a case that finds it, and what that says: the field, what was wanted, what came.
FAULTS = [
    ("attestation of the session", flipped("createProvisioningSession", -5), "session.usual",
     "createProvisioningSession: attestation", "signature of the device key", "another"),
    ("attestation in privacy mode", flipped("createProvisioningSession", -5), "session.privacy",
     "createProvisioningSession: attestation", "HMAC", "another"),
    ("attestation of a key", flipped("createKeyEntry", -1), "key-kind.ec.nist.p256",
     "createKeyEntry: attestation", "MAC by the name DeviceAttestation", "another"),
    ("public key", flipped("createKeyEntry", 40), "key-kind.ec.nist.p384",
     "createKeyEntry: attestation", "MAC by the name DeviceAttestation", "another"),
    ("closing proof", flipped("closeProvisioningSession", -1), "session.without-keys",
     "closeProvisioningSession: attestation", "MAC by the name DeviceAttestation", "another"),
    ("takes a wrong MAC", instead("createPukPolicy", MAC, b"\0\0\0\0\1"),
     "createPukPolicy.mac-flipped", "createPukPolicy: status", "4 ERROR_MAC", "0 SUCCESS"),
    ("another number", instead("createPinPolicy", MAC, failure(OPTION)),
     "createPinPolicy.format-behind-mac", "createPinPolicy: status", "4 ERROR_MAC",
     "9 ERROR_OPTION: no"),
    ("takes a retry limit of 0", instead("createPinPolicy", OPTION, b"\0\0\0\0\1"),
     "createPinPolicy.retryLimit-0", "createPinPolicy: status", "9 ERROR_OPTION", "0 SUCCESS"),
    ("does not count", flipped("getKeyProtectionInfo", -7), "pin.wrong-then-right",
     "getKeyProtectionInfo: pinErrorCount", "1", ""),
    ("signs otherwise", flipped("signHashedData", -1), "rsa-signature.rsa-sha256",
     "signHashedData: result", "a signature that OpenSSL verifies", "another"),
    ("agrees on another secret", flipped("keyAgreement", -1), "agreement.ec.nist.p256",
     "keyAgreement: result", "32 bytes, at 31: ", "32 bytes, at 31: "),
    ("keeps other octets", flipped("getExtension", -1), "addExtension.plain-of-1",
     "getExtension: extensionData", "1 bytes, at 0: ", "1 bytes, at 0: "),
    ("outputs too long", lambda direction, name, body, _: body + b"\0" if (
        direction, name) == ("response", "getKeyHandle") and body[0] == OK else None,
     "getKeyHandle.by-id", "getKeyHandle: status", "0 SUCCESS", "left over"),
    ("does not delete", instead("deleteKey", OK, failure(OPTION)), "deleteKey.free",
     "deleteKey: status", "0 SUCCESS", "9 ERROR_OPTION: no"),
    ("a status of another method", instead("getKeyAttributes", 7, failure(14)),
     "getKeyAttributes.unknown-handle", "getKeyAttributes: status", "7 ERROR_NO_KEY", ""),
]


class FaultyToken(ConformTest):
    """The real one behind a relay that alters its answers."""

    def test_faults_are_found(self):
        for what, hook, name, field, wanted, came in FAULTS:
            with self.subTest(what):
                relay = self.relay(hook)
                report = self.report("--only", name, url=relay.url, code=FAILED)
                self.assertEqual(relay.errors, [])
                self.assertEqual(self.failed(report), [name])
                case = report["cases"][0]
                self.assertEqual(case["field"], field, case)
                self.assertIn(wanted, case["wanted"])
                self.assertIn(came, case["came"])
                self.assertEqual(case["again"], "sks-conform token %s --only %s --seed 1" % (
                    relay.url, name))
                again = run(*case["again"].split())
                self.assertEqual(again.returncode, FAILED)
                self.assertIn(field, again.stdout)
                self.assertEqual(self.conform("--only", name).returncode, DONE, "of the real one")
        self.assertEqual(self.sks.snapshot(), [], "all is taken away, by whatever way")

    def test_reports_of_a_failure(self):
        junit, page = self.folder / "junit.xml", self.folder / "page.html"
        relay = self.relay(instead("deleteKey", OK, failure(OPTION, b"<no> & \x01 \"no\"")))
        self.report("--only", "deleteKey.free", "--junit", junit, "--html", page, url=relay.url,
                    code=FAILED)
        root = xml.parse(junit).getroot()
        self.assertEqual(root.get("failures"), "1")
        failed = root.find("testsuite/testcase/failure")
        self.assertEqual(failed.get("type"), "must")
        self.assertIn("<no> & ? \"no\"", failed.get("message"))
        self.assertIn("sks-conform token", failed.text)
        self.assertIn("&lt;no&gt; &amp; ", page.read_text())
        self.assertNotIn("<no>", page.read_text())

    def test_a_should_is_no_must(self):
        """It is reported; the exit code is that of the must-cases."""
        relay = self.relay(instead("getDeviceInfo", OK, None))
        relay.hook = lambda direction, name, body, _: body.replace(
            b"\0\x07SKS rig", b"\0\0") if (direction, name) == ("response",
                                                                "getDeviceInfo") else None
        report = self.report("--only", "getDeviceInfo", url=relay.url)
        self.assertEqual(self.failed(report), ["getDeviceInfo.texts"])
        report = self.report("--only", "getDeviceInfo", "--level", "must", url=relay.url)
        self.assertEqual(self.failed(report), [])

    def test_an_answer_lost_with_the_connection(self):
        """A body that is too big may be refused before it is read: then the head is asked for."""
        def too_big(direction, _name, body, _count):
            if direction == "request" and len(body) > TOO_BIG:
                raise Drop()
        relay = self.relay(too_big)
        report = self.report("--only", "http.too-big", url=relay.url)
        self.assertEqual(self.failed(report), ["http.too-big"], "never an answer")
        status = 413

        class ByLength(relay.server.RequestHandlerClass):
            def handle_expect_100(self):
                self.send_error(status)
                return False
        relay.server.RequestHandlerClass = ByLength
        self.assertEqual(self.failed(self.report("--only", "http", url=relay.url)), [])
        status = 400
        report = self.report("--only", "http.too-big", url=relay.url)
        self.assertEqual([case["came"] for case in report["cases"]], ["400"])

    def test_an_open_number(self):
        """Any refusal will do where the texts have no number; none at all will not."""
        name = "changePin.no-pin"
        relay = self.relay(instead("changePin", OPTION, failure(10)))
        report = self.report("--only", name, "--only", name + "-number", url=relay.url)
        self.assertEqual(self.failed(report), [name + "-number"])
        self.assertEqual(report["cases"][1]["came"], "10 ERROR_INTERNAL: no")
        self.assertEqual(report["cases"][1]["level"], "should")
        for answer in (b"\0", b"\x0e\0\2no", b"\x0a", b""):
            with self.subTest(answer):
                relay = self.relay(instead("changePin", OPTION, answer))
                report = self.report("--only", name, url=relay.url, code=FAILED)
                self.assertEqual(self.failed(report), [name])

    def test_known_failures(self):
        """They count apart; one that fails otherwise is a failure, one that passes is told."""
        relay = self.relay(instead("deleteKey", OK, failure(OPTION, b"my way")))
        known = self.folder / "known.json"

        def expect(came, code, *names):
            known.write_text(json.dumps({"about": "a token", "expected": [
                {"cases": names, "section": "SKS deleteKey", "came": came, "reason": "my reason"}]}))
            return self.report("--only", "deleteKey.free", "--only", "deleteKey.never", "--expect",
                               known, url=relay.url, code=code)
        report = expect("9 ERROR_OPTION: my", DONE, "deleteKey.free", "deleteKey.never")
        self.assertEqual((report["all"]["failed"], report["all"]["expected"]), (0, 1))
        self.assertEqual(report["levels"]["must"]["expected"], 1)
        self.assertEqual(report["better"], ["deleteKey.never"])
        self.assertEqual(report["about"]["known failures of"], "a token")
        case = report["cases"][0]
        self.assertEqual(
            {name: case[name] for name in ("id", "verdict", "reason", "departsFrom", "came")},
            {"id": "deleteKey.free", "verdict": "expected", "reason": "my reason",
             "departsFrom": "SKS deleteKey", "came": "9 ERROR_OPTION: my way"})
        report = expect("10 ERROR_INTERNAL", FAILED, "deleteKey.free")
        self.assertEqual(self.failed(report), ["deleteKey.free"])
        self.assertEqual(report["better"], [])
        done = self.conform("--only", "deleteKey.free", "--expect", known, url=relay.url)
        self.assertEqual(done.returncode, FAILED)
        self.assertRegex(done.stdout, "(?m)^    expected 10 ERROR_INTERNAL\n"
                         "    known    SKS deleteKey: my reason$")
        done = self.conform("--only", "deleteKey.free", "--expect", known)
        self.assertEqual(done.returncode, DONE)
        self.assertIn("expected to fail, and passed: deleteKey.free\n", done.stdout)

    def test_contact_is_lost(self):
        """One answer that is missing fails its case; a token that is gone ends the run."""
        relay = self.relay()
        state = {"gone": False}

        def hook(direction, name, _body, _count):
            if state["gone"] or (name == "createKeyEntry" and direction == "request"):
                state["gone"] = state["gone"] or state["stay"]
                raise Drop()
        state["stay"] = False
        relay.hook = hook
        report = self.report("--only", "pin.right", "--only", "http.usual", url=relay.url,
                             code=FAILED)
        self.assertEqual(self.failed(report), ["pin.right"])
        state["stay"] = True
        done = self.conform("--only", "pin.right", "--only", "http", "--json", url=relay.url)
        self.assertEqual(done.returncode, NO_CONTACT, done.stderr)
        report = json.loads(done.stdout)
        session, = self.sks.sessions(True)
        self.assertEqual(report["leftovers"], ["session %d" % session.provisioningHandle])
        self.sks.call("abortProvisioningSession", provisioningHandle=session.provisioningHandle)

    def test_a_session_that_nobody_was_told_of(self):
        """It has no answer, or should have been refused: it is taken away all the same."""
        def unanswered(direction, name, _body, _count):
            if direction == "response" and name in ("createProvisioningSession", METHOD_24):
                raise Drop()

        def accepted(direction, name, body, _count):
            if (direction, name, body[-6:-4]) == ("request", "createProvisioningSession", b"\0\0"):
                return body[:-6] + b"\2\x58" + body[-4:]
            return None
        for hook, case in ((unanswered, "session.usual"), (unanswered, "session.privacy"),
                           (unanswered, "session.no-key-management-key"),
                           (unanswered, "2010.whole"),
                           (accepted, "createProvisioningSession.sessionLifeTime-0")):
            with self.subTest(case):
                relay = self.relay(hook)
                report = self.report("--only", case, url=relay.url, code=FAILED)
                self.assertEqual(self.failed(report), [case])
                self.assertEqual(report["leftovers"], [])
                self.assertEqual(self.sks.snapshot(), [])

    def test_what_cannot_be_taken_away_is_named(self):
        """A token that deletes nothing, by no method: it is another key that is asked for."""
        relay = self.relay(lambda direction, name, body, _: body[:1] + b"\x7f" + body[2:]
                           if direction == "request" and name in (
                               "deleteKey", "postDeleteKey") else None)
        report = self.report("--only", "getKeyAttributes.shown", url=relay.url)
        handle = self.sks.keys()[0].keyHandle
        self.assertEqual(report["leftovers"], ["key %d" % handle])
        self.sks.call("deleteKey", keyHandle=handle, authorization=b"")


if __name__ == "__main__":
    import unittest
    unittest.main()
