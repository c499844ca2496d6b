"""Enrolment: the page with its link, one-time codes, lists of devices, the operator's check."""

import concurrent.futures
import hashlib
import json
import re
import sqlite3
import time
from urllib.parse import quote

from cryptography import x509

from rig import clock
from rig.client_side import Device
from rig.enrolcase import Browser, EnrolCase, link_of
from rig.issuercase import REFUSED, USAGE
from rig.processes import provision, run, run_json
from rig.testcase import PROFILE, write_profile

KEY = PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]


def named(subject):
    """The policies of a profile whose certificate has another subject."""
    key = {**KEY, "certificate": {**KEY["certificate"], "subject": subject}}
    return [{**PROFILE["pinPolicySpecifiers"][0], "keyEntrySpecifiers": [key]}]


class Page(EnrolCase):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "open",
                                     description='<b>Keys</b> & "more"')
        super().set_up_rig()

    def test_link(self):
        page = self.browser().get("/enroll/open")
        self.assert_page(page, 200, "&lt;b&gt;Keys&lt;/b&gt; &amp; &quot;more&quot;", "<svg ")
        link = link_of(page)
        url = self.issuer.url + "/kg2/open"
        self.assertRegex(link.cookie, r"^sks-session=[A-Za-z0-9_-]{56}$")
        self.assertEqual(link.text, "webpkiproxy://keygen2?" + "&".join(
            "%s=%s" % (name, quote(value, safe="")) for name, value in (
                ("init", url + "?init=true"), ("url", url), ("cncl", url + "?abort=true"),
                ("cookie", link.cookie), ("ver", "1.00-9.99"))))
        cookie = page.headers["Set-Cookie"]
        self.assertEqual(cookie, link.cookie + "; HttpOnly; SameSite=Lax; Path=/enroll")

    def test_adopted(self):
        client = self.client_of(self.page_link("open"), "open")
        reply = client.start()
        self.assertEqual(reply.status, 200)
        self.assertNotIn("Set-Cookie", reply.headers)
        self.assertTrue(client.run().done)
        self.assert_verdict(client.session_id, "succeeded")

    def test_without_the_page(self):
        reply = self.client("open").start()
        self.assertIn("Path=/kg2", reply.headers["Set-Cookie"])

    def test_given_up_by_the_link(self):
        link = self.page_link("open")
        client = self.client_of(link, "open")
        client.start()
        self.assertTrue(client.http.request("GET", client.path + "?abort=true").failed)
        self.assertEqual(self.assert_verdict(client.session_id), "aborted by the client")

    def test_loaded_anew(self):
        browser = self.browser()
        link = self.page_link("open", browser=browser)
        self.assertEqual(self.page_link("open", browser=browser), link)
        client = self.client_of(link, "open")
        client.start()
        self.assertNotEqual(self.page_link("open", browser=browser), link)

    def test_one_session_a_link(self):
        link = self.page_link("open")
        client = self.client_of(link, "open")
        first, again = client.start(), client.start()
        self.assertEqual((first.status, first.body), (again.status, again.body))
        client.post(client.answer())
        reply = client.http.request("GET", client.path + "?init=true")
        self.assertEqual(reply.status, 409)
        self.assertIn(b"this link has begun a session already", reply.body)
        self.assertIn((self.issuer.url + "/enroll/open").encode(), reply.body)
        self.assert_logged("profile open: refused 127.0.0.1: this link has begun")
        self.assertTrue(client.run().done)

    def test_parallel(self):
        """All who begin with one link at once are in one session."""
        link = self.page_link("open")
        clients = [self.client_of(link, "open") for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda client: client.start(), clients))
        self.assertEqual({reply.status for reply in replies}, {200})
        self.assertEqual(len({reply.body for reply in replies}), 1)

    def test_altered_tickets(self):
        """Taken for a cookie of nobody's: another one is set."""
        link = self.page_link("open")
        for at in (12, 40, 48, 60, 67):
            client = self.client_of(link, "open")
            other = "A" if link.cookie[at] != "A" else "B"
            client.http.cookie = link.cookie[:at] + other + link.cookie[at + 1:]
            self.assertIn("Set-Cookie", client.start().headers)

    def test_unknown_profile(self):
        self.assert_page(self.browser().get("/enroll/nothing"), 404,
                         "There is no such enrolment here.")
        self.assertEqual(self.browser().request("GET", "/enroll/nothing", Accept="*/*").body,
                         b"there is no such enrolment here\n")

    def test_no_code_wanted(self):
        self.assert_page(self.browser().send_code("open", "ABCD"), 400, "wants no code")
        reply = self.browser().request("POST", "/enroll/open", "{}",
                                       **{"Content-Type": "application/json"})
        self.assertEqual(reply.status, 415)

    def test_proxy(self):
        token = self.start_token()
        issuer = self.start_issuer(trust=[token.device_ca], profiles=self.profiles)
        link = link_of(Browser(issuer.url).get("/enroll/open"))
        code, outcome, _ = provision(link.text, token.url)
        self.assertEqual(code, 0, outcome)
        self.assertEqual(len(token.list()), 1)
        self.assertEqual(hashlib.sha256(link.cookie.partition("=")[2].encode()).digest(),
                         *sqlite3.connect(issuer.data / "issuer.db").execute(
                             "SELECT cookie FROM session").fetchone())
        code, outcome, _ = provision(link.text, token.url)
        self.assertEqual(code, 1, outcome)

    def test_proxy_comes_back(self):
        """What the link began is resumed with the cookie that the proxy kept."""
        token = self.start_token()
        profiles = write_profile(self.new_folder(), "confirmed", deferredIssuance=True,
                                 enrolment={"confirmDevice": True})
        self.issuer = self.start_issuer(trust=[token.device_ca], profiles=profiles)
        code, outcome, _ = provision(self.page_link("confirmed").text, token.url)
        self.assertEqual(outcome["outcome"], "pending", outcome)
        info = run_json("sks-token", "info", "--store", token.store, "--json")
        self.command("approve", outcome["serverSessionId"], "--device",
                     re.search(r'"sha256": ?"([0-9a-f]{8})', json.dumps(info))[1])
        code, outcome, _ = provision(self.issuer.url + "/kg2/confirmed", token.url, "--resume")
        self.assertEqual((code, outcome["outcome"]), (0, "succeeded"), outcome)

    def test_a_very_long_address(self):
        """Too much for a QR code, but not for the link."""
        url = "https://" + "ab!" * 260 + ".test"     # five characters each in the link
        issuer = self.start_issuer(profiles=self.profiles, options=("--public-url", url))
        page = Browser(issuer.url).get("/enroll/open")
        self.assert_page(page, 200, "The link as text")
        self.assertFalse(b"<svg" in page.body)
        self.assertEqual(link_of(page).fields["url"], url + "/kg2/open")
        self.assertTrue(page.headers["Set-Cookie"].endswith("; Secure"))

    def test_links_that_are_none(self):
        good = self.page_link("open").text
        for bad, why in (("webpkiproxy://other?x=y", "no link of a KeyGen2 enrolment"),
                         (good.replace("url=", "u="), 'has no "url"'),
                         (good.replace("init=http", "init=ftp"), "begins elsewhere"),
                         (good.replace("1.00-9.99", "2.00-9.99"), "for clients of version"),
                         (good.replace("cookie=", "cookie=%0"), '"cookie" cannot be read')):
            done = run("sks-proxy", "provision", bad, "--token", "unix:/nowhere", "--yes")
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(why, done.stderr)


class Codes(EnrolCase):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = write_profile(
            cls.new_folder(), "coded", enrolment={"code": True},
            pinPolicySpecifiers=named("CN={subject},OU={unit}"))
        write_profile(cls.profiles, "other", enrolment={"code": True})
        super().set_up_rig()

    def test_good(self):
        made = self.invite("coded", "--subject", "Ann <Other>", "--set", "unit=R&D")
        self.assertRegex(made["code"], r"^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$")
        self.assertEqual(made["link"], "%s/enroll/coded?code=%s" % (self.issuer.url,
                                                                    made["code"]))
        page = self.browser().get("/enroll/coded?code=" + made["code"])
        self.assert_page(page, 200, 'value="%s"' % made["code"], "<form method=\"post\"")
        self.assertIsNone(link_of(page))
        self.assertEqual(self.invitation(made["number"])["used"], 0, "a look uses nothing up")
        browser = self.browser()
        link = self.page_link("coded", made["code"], browser)
        self.assertEqual(self.page_link("coded", browser=browser), link, "nor does a reload")
        client = self.client_of(link, "coded")
        self.assertTrue(client.run().done)
        self.assertEqual(self.checks(client, "invitation"), ["number %d" % made["number"]])
        self.assert_record_holds(client.session_id)
        row = self.invitation(made["number"])
        self.assertEqual((row["used"], row["state"]), (1, "used up"))
        subject = x509.load_der_x509_certificate(client.certificates["Key.1"][0]).subject
        self.assertEqual([part.value for part in subject], ["R&D", "Ann <Other>"])
        self.assert_logged("profile coded: invitation %d used from 127.0.0.1" % made["number"])
        self.assertIsNone(link_of(browser.get("/enroll/coded")), "the form again")

    def test_as_people_type(self):
        code = self.invite("coded", "--uses", "3")["code"]
        for typed in (code.lower().replace("0", "o").replace("1", "l"), code.replace("-", ""),
                      " " + code.replace("-", " ") + " "):
            self.assertIsNotNone(self.page_link("coded", typed))

    def test_no_code(self):
        reply = self.client("coded").start()
        self.assertEqual(reply.status, 403)
        self.assertIn(b"this enrolment wants a code: begin at " + self.issuer.url.encode(),
                      reply.body)
        self.assert_logged("profile coded: refused 127.0.0.1: this enrolment wants a code")
        other = self.page_link("other", self.invite("other")["code"])
        client = self.client("coded")
        client.http.cookie = other.cookie
        self.assertEqual(client.start().status, 403)

    def refused(self, code, text, reason, profile="coded"):
        self.assert_page(self.browser().send_code(profile, code), 403, text, "<form")
        self.assert_logged("profile %s: refused 127.0.0.1: code %s" % (profile, reason))

    def test_unknown(self):
        self.refused("0000-0000-0000", "not known here", "unknown")
        self.refused('"><script>', "&quot;&gt;&lt;script&gt;", "unknown")
        self.refused(self.invite("other")["code"], "not known here", "unknown")
        for body in (b"", b"code=%zz", b"code=%00", b"other=1", b"code=" + b"A" * 100,
                     b"code=%ff"):
            reply = self.browser().request("POST", "/enroll/coded", body, **{
                "Content-Type": "application/x-www-form-urlencoded"})
            self.assert_page(reply, 400, "Please type the code")

    def test_used_up(self):
        made = self.invite("coded")
        self.page_link("coded", made["code"])
        self.refused(made["code"], "used already", "used up (invitation %d)" % made["number"])

    def test_expired(self):
        made = self.invite("coded", "--expires", "25s")
        clock.skip()
        self.refused(made["code"], "has expired", "expired (invitation %d)" % made["number"])
        self.assertEqual(self.invitation(made["number"])["state"], "expired")

    def test_withdrawn(self):
        made = self.invite("coded", "--uses", "5")
        link = self.page_link("coded", made["code"])
        self.command("withdraw", made["number"])
        self.refused(made["code"], "was withdrawn", "withdrawn (invitation %d)" % made["number"])
        reply = self.client_of(link, "coded").start()
        self.assertEqual(reply.status, 403)
        self.assertIn(b"the invitation was withdrawn", reply.body)
        self.assertEqual(self.invitation(made["number"])["state"], "withdrawn")
        self.assertIn("no invitation 999", self.command("withdraw", "999", code=REFUSED))
        self.command("withdraw", "x", code=USAGE)

    def test_parallel_clients(self):
        """Of many at once no more get in than there are uses, also when the issuer dies."""
        made = self.invite("coded", "--uses", "5")

        def attempt(_):
            try:
                return self.browser().send_code("coded", made["code"]).status
            except OSError:
                return None     # killed meanwhile

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            first = list(pool.map(attempt, range(3)))
            self.issuer.restart()
            rest = list(pool.map(attempt, range(40)))
        self.assertEqual(first, [303] * 3)
        self.assertEqual(sorted(rest), [303] * 2 + [403] * 38)
        self.assertEqual(self.invitation(made["number"])["used"], 5)

    def test_killed_in_the_middle(self):
        made = self.invite("coded", "--uses", "1000")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def attempt(_):
                try:
                    return self.browser().send_code("coded", made["code"]).status == 303
                except OSError:
                    return False
            answers = [pool.submit(attempt, i) for i in range(200)]
            time.sleep(0.1)
            self.issuer.restart()
            answered = sum(answer.result() for answer in answers)
        used = self.invitation(made["number"])["used"]
        self.assertGreater(answered, 0)
        self.assertLessEqual(answered, used, "what was answered is counted")
        self.assertLessEqual(used, 200)

    def test_hashed(self):
        made = self.invite("coded")
        self.page_link("coded", made["code"])
        digits = made["code"].replace("-", "")
        for path in self.issuer.data.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                for text in (made["code"], digits):
                    self.assertNotIn(text.encode(), data, path)
                    self.assertNotIn(hashlib.sha256(text.encode()).digest(), data, path)
        self.assertNotIn(made["code"], self.issuer.stderr())
        self.assertNotIn(made["code"], self.command("invitations"))

    def test_for_a_person(self):
        text = self.command("invite", "coded", "--uses", "2", "--expires", "12h")
        self.assertRegex(text, r"invitation \d+ for coded, good for 2 enrolments until ")
        self.assertRegex(text, r"code  [0-9A-Z-]{14}\nlink  http://127.0.0.1:8080/enroll/coded\?")
        lines = [line for line in text.splitlines() if "\u2588" in line]
        self.assertGreater(len(lines), 12)
        self.assertEqual(len({len(line) for line in lines}), 1)
        for wrong in (("--expires", "soon"), ("--expires", "2020-01-01T00:00:00Z"),
                      ("--uses", "0"), ("--set", "nothing"), ("--set", "session=x"),
                      ("--public-url", "ftp://x")):
            self.command("invite", "coded", *wrong, code=USAGE)
        self.command("invite", "no/name", code=USAGE)
        later = self.invite("coded", "--expires", "2030-01-02T03:04:05Z")
        self.assertEqual(later["expires"], "2030-01-02T03:04:05Z")

    def test_proxy(self):
        token = self.start_token()
        issuer = self.start_issuer(trust=[token.device_ca], profiles=self.profiles)
        self.issuer = issuer        # for this test
        code, outcome, _ = provision(issuer.url + "/kg2/other", token.url)
        self.assertEqual(code, REFUSED, outcome)
        self.assertEqual(token.list(), [])
        link = self.page_link("other", self.invite("other")["code"])
        code, outcome, _ = provision(link.text, token.url)
        self.assertEqual(code, 0, outcome)


class Devices(EnrolCase):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "deferred", deferredIssuance=True)
        super().set_up_rig()
        cls.listed = Device(authority=cls.device_ca)
        names = [hashlib.sha256(data).hexdigest() for data in
                 (b"1", b"2", cls.listed.certificate, b"3", b"4")]
        write_profile(cls.profiles, "listed", enrolment={"devices": names})
        write_profile(cls.profiles, "confirmed", deferredIssuance=True,
                      enrolment={"confirmDevice": True})
        cls.issuer.restart()

    def digits(self, device=None):
        return hashlib.sha256((device or self.device).certificate).hexdigest()[:8]

    def test_listed(self):
        self.device = self.listed
        client = self.enrol("listed")
        self.assertEqual(self.checks(client, "listed device"), ["on the list of the profile"])
        self.assert_record_holds(client.session_id)

    def test_not_listed(self):
        client = self.client("listed")
        self.assert_refused(client, client.run(), "listed device: this device is not on the list")
        page = self.browser().get("/failed/" + client.session_id)
        self.assert_page(page, 200, "this device is not on the list of the profile")
        self.assert_record_holds(client.session_id)
        self.assert_logged("failed: listed device: this device is not on the list")

    def pending(self, profile="confirmed"):
        client = self.client(profile)
        reply = client.run()
        self.assertTrue(reply.pending, reply.body)
        return client

    def test_confirmed(self):
        client = self.pending()
        page = self.browser().get("/pending/" + client.session_id)
        self.assert_page(page, 200, "first eight digits")
        self.assertNotIn(self.digits(), page.body.decode(), "the device says them, not we")
        state = client.http.request("GET", "/pending/" + client.session_id,
                                    headers={"Accept": "application/json"}).message["state"]
        self.assertEqual(state, "pending")
        self.command("approve", client.session_id, "--device", self.digits().upper())
        client.resume()
        self.assertTrue(client.run().done)
        self.assertIn("by the operator, who knew the device: " + self.digits().upper(),
                      self.checks(client, "approval"))

    def test_not_confirmed(self):
        client = self.pending()
        text = self.command("approve", client.session_id, code=USAGE)
        self.assertIn("give --device DIGITS", text)
        for wrong in (self.digits(Device(authority=self.device_ca)), "00000000"):
            text = self.command("approve", client.session_id, "--device", wrong, code=REFUSED)
            self.assertIn("its device is not " + wrong, text)
            self.assertNotIn(self.digits(), text)
        for wrong in (self.digits()[:7], self.digits() + "0", "", "zzzzzzzz"):
            self.command("approve", client.session_id, "--device", wrong, code=USAGE)
        self.assertTrue(client.resume().pending)
        self.command("reject", client.session_id)
        self.assertTrue(client.resume().failed)

    def test_where_nobody_must(self):
        client = self.pending("deferred")
        self.command("approve", client.session_id, "--device", "00000000", code=REFUSED)
        self.command("approve", client.session_id, "--device", self.digits())
        client.resume()
        self.assertTrue(client.run().done)

    def test_restart_while_it_waits(self):
        client = self.pending()
        self.issuer.restart()
        client.http.connection.close()
        self.command("approve", client.session_id, code=USAGE)
        self.command("approve", client.session_id, "--device", self.digits())
        client.resume()
        self.assertTrue(client.run().done)

    def test_profiles_that_contradict_themselves(self):
        folder = self.new_folder()
        for name, changes, why in (
                ("private", {"privacyEnabled": True, "enrolment": {"devices": ["00" * 32]}},
                 "with privacyEnabled no device is seen"),
                ("at-once", {"enrolment": {"confirmDevice": True}}, "needs deferredIssuance"),
                ("short", {"enrolment": {"devices": ["00" * 31]}}, "/enrolment/devices/0"),
                ("odd", {"enrolment": {"people": 1}}, "/enrolment/people")):
            write_profile(folder, name, **changes)
            done = run("sks-issuer", "check-profile", folder / (name + ".json"))
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn(why, done.stderr)
