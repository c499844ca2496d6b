"""sks-conform issuer: enrolment pages and codes, and pages with a fault."""

from rig.conformcase import FAILED, ConformTest, write_coded
from rig.enrolcase import Browser
from rig.mitm import Relay
from rig.processes import run_json
from rig.testcase import write_profile


class Pages(ConformTest):
    @classmethod
    def set_up_rig(cls):
        cls.relay = Relay()
        cls.addClassCleanup(cls.relay.close)
        folder = write_profile(cls.new_folder(), "open")
        cls.issuer = cls.start_issuer(profiles=write_coded(write_profile(folder, "open-too")),
                                      options=["--public-url", cls.relay.url])
        cls.relay.upstream = cls.issuer.url
        cls.trust_and_restart()
        cls.relay.upstream = cls.issuer.url

    def tearDown(self):
        self.relay.hook = self.relay.header_hook = None

    def through_relay(self, *options, **more):
        return self.report(*options, url=self.relay.url, **more)

    def code(self):
        return run_json("sks-issuer", "invite", "coded", "--data", self.issuer.data, "--json",
                        "--public-url", self.relay.url)["code"]

    def assert_found(self, name, field):
        report = self.through_relay("--only", name, code=FAILED)
        self.assertEqual(self.failed(report), [name])
        self.assertEqual(report["cases"][0]["field"], field)

    def change(self, old, new, where="response"):
        self.relay.hook = lambda direction, _name, body, _count: (
            body.replace(old, new) if direction == where else None)

    def test_all_of_it(self):
        report = self.through_relay("--only", "enrolment", "--only", "code")
        self.assert_all_pass(report, "enrolment", "code")

    def test_codes_that_are_given(self):
        """At one profile: each is used once, and what is left without one is skipped."""
        self.options = ("--code", self.code(), "--code", self.code())
        report = self.report("--only", "code", url=self.relay.url + "/kg2/coded")
        reasons = [case["reason"] for case in report["cases"] if case["verdict"] == "skipped"]
        self.assertEqual(self.failed(report), [])
        self.assertIn("no code is left: --code once more", reasons)
        self.assertIn("needs an operator (--operator)", reasons, "for codes that work no more")
        self.assertIn("code.used", self.of_verdict(report, "passed"))
        done = self.conform("--only", "code.right", "--code", "0000-0000-0000",
                            url=self.relay.url + "/kg2/coded")
        self.assertIn("--code CODE", self.conform("--only", "code.used", url=self.relay.url +
                                                  "/kg2/coded").stdout, done.stdout)
        for code in self.options[1::2]:
            self.assertNotIn(code, done.stdout, "a repetition needs another one")

    def test_without_codes(self):
        self.options = ()
        report = self.report("--only", "code.right", "--only", "code.wrong",
                             url=self.relay.url + "/kg2/coded")
        self.assertEqual(self.of_verdict(report, "passed"), ["code.wrong"])

    def test_links_with_a_fault(self):
        for old, new, name, field in (
                (b"cncl=", b"cancel=", "enrolment.link", "link: cncl"),
                (b"%3Fabort%3Dtrue", b"%3Fabort%3Dfalse", "enrolment.link", "link: cncl"),
                (b"%3Finit%3Dtrue", b"%3Finit%3Dyes", "enrolment.link", "link: init"),
                (b"sks-session%3D", b"sks-session%3Dx", "enrolment.apart",
                 "?init=true with the cookie of the enrolment page"),
                (b"<svg", b"<script></script><svg", "enrolment.page", "enrolment page")):
            with self.subTest(new):
                self.change(old, new)
                if name.endswith("page"):
                    report = self.through_relay("--only", name)
                    self.assertEqual(self.failed(report), [name])
                else:
                    self.assert_found(name, field)

    def test_cookies_that_are_mixed_up(self):
        """A relay gives whoever comes the cookie of the page that was loaded last, or none."""
        pages = []

        def hook(direction, _name, headers):
            for name in list(headers):
                if direction == "response" and "Path=/enroll" in headers[name]:
                    pages.append(headers[name].split(";")[0])
                if direction == "request" and name == "Cookie" and pages:
                    headers[name] = pages[-1]
        self.relay.header_hook = hook
        self.assert_found("enrolment.altered", "?init=true with a cookie that is not its page's")
        self.relay.header_hook = lambda direction, _name, headers: (
            headers.pop("Cookie", None) if direction == "request" else None)
        report = self.through_relay("--only", "enrolment", code=FAILED)
        self.assertEqual(self.failed(report), [
            "enrolment.loaded-again", "enrolment.given-up", "enrolment.begun-again",
            "enrolment.apart"], "others need sessions, which nobody has without cookies")

    def test_any_code_is_right(self):
        """A relay that knows one which is good for many."""
        good = run_json("sks-issuer", "invite", "coded", "--uses", "50", "--data",
                        self.issuer.data, "--json", "--public-url", self.relay.url)["code"]

        def hook(direction, _name, body, _count):
            if direction == "request" and body.startswith(b"code="):
                return b"code=" + good.encode()
            return None
        self.relay.hook = hook
        self.options += ("--skip", "code.other-profile")
        report = self.report("--only", "code", url=self.relay.url + "/kg2/coded", code=FAILED)
        self.assertEqual(self.failed(report), [
            "code.wrong", "code.escaped", "code.no-percent", "code.no-utf-8", "code.used",
            "code.expired", "code.withdrawn", "code.withdrawn-link"])

    def test_an_open_door(self):
        """The profile wants a code; a relay lets everybody in with a link of its own."""
        browser = Browser(self.issuer.url)
        self.assertEqual(browser.send_code("coded", self.code()).status, 303)

        def hook(direction, _name, headers):
            if direction == "request":
                headers["Cookie"] = browser.cookie
        self.relay.header_hook = hook
        report = self.report("--only", "code.none", url=self.relay.url + "/kg2/coded", code=FAILED)
        self.assertEqual(self.failed(report), ["code.none"])


if __name__ == "__main__":
    import unittest
    unittest.main()
