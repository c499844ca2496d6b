"""What one address, and all together, may have of the issuer."""

import time

from rig import clock
from rig.client_side import Client
from rig.enrolcase import Browser, EnrolCase
from rig.testcase import write_profile

OTHER = "127.0.0.2"     # another address of this machine


class CapsCase(EnrolCase):
    options = ()

    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = write_profile(cls.new_folder(), "open")
        write_profile(cls.profiles, "short", sessionLifeTime=clock.LIFE)
        write_profile(cls.profiles, "coded", enrolment={"code": True})
        super().set_up_rig()
        cls.issuer.options = cls.options
        cls.issuer.restart()

    def start_session(self, profile="open"):
        client = self.client(profile)
        return client, client.start()


class OfAll(CapsCase):
    options = ("--max-sessions", "3")

    def setUp(self):
        """Sessions that a test leaves open would count in the next."""
        super().setUp()
        self.issuer = self.start_issuer(trust=self.issuer.trust, profiles=self.profiles,
                                        options=self.options)

    def test_full(self):
        clients = [self.start_session()[0] for _ in range(3)]
        client, reply = self.start_session()
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (503, "30"))
        self.assertIn(b"as many open sessions as it takes", reply.body)
        self.assert_logged("profile open: refused 127.0.0.1: the issuer has as many")
        self.assert_page(self.browser().get("/kg2/open?init=true"), 503, "as many open sessions")
        self.assertTrue(clients[0].run().done)          # those who are in go on
        self.assertEqual(self.start_session()[1].status, 200)
        self.assertEqual(self.start_session()[1].status, 503)
        self.assertTrue(clients[1].http.request("GET", clients[1].path + "?abort=true").failed)
        client, reply = self.start_session()
        self.assertEqual(reply.status, 200)
        self.assertTrue(client.post({"wrong": "message"}).failed)
        client, reply = self.start_session()
        self.assertEqual(reply.status, 200)
    def test_a_restart_forgets_none(self):
        clients = [self.start_session()[0] for _ in range(3)]
        self.issuer.restart()
        self.assertEqual(self.start_session()[1].status, 503)
        for client in clients:
            client.http.connection.close()
            self.assertTrue(client.run().done)

    def test_a_link_is_kept(self):
        """Whoever finds no place may come again with the same link."""
        link = self.page_link("open")
        clients = [self.start_session()[0] for _ in range(3)]
        self.assertEqual(self.client_of(link, "open").start().status, 503)
        self.assertTrue(clients[0].run().done)
        self.assertTrue(self.client_of(link, "open").run().done)


class OfOneAddress(CapsCase):
    options = ("--max-address-sessions", "4")

    def test_sessions(self):
        clients = [self.start_session()[0] for _ in range(4)]
        client, reply = self.start_session()
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (429, "30"))
        self.assertIn(b"your address has too many open sessions", reply.body)
        self.assert_logged("refused 127.0.0.1: your address has too many open sessions")
        other = Browser(self.issuer.url, OTHER)
        self.assertEqual(other.get("/kg2/open?init=true").status, 200)
        for client in clients:
            self.assertTrue(client.run().done)
        self.assertEqual(self.start_session()[1].status, 200)

    def test_time_frees(self):
        while self.start_session("short")[1].status == 200:
            pass
        clock.skip()
        client, reply = self.start_session("short")
        self.assertEqual(reply.status, 200)
        self.assertTrue(client.run().done)


class Requests(CapsCase):
    options = ("--max-address-requests", "10")

    def flood(self, browser, count=60):
        return [browser.get("/enroll/open") for _ in range(count)]

    def test_flood(self):
        with clock.stopped():
            replies = self.flood(self.browser())
        refused = [reply for reply in replies if reply.status == 429]
        self.assertEqual([reply.status for reply in replies], [200] * 20 + [429] * 40)
        self.assertEqual(refused[0].headers["Retry-After"], "1")
        self.assert_page(refused[0], 429, "Too many requests from your address")
        lines = [line for line in self.issuer.stderr().splitlines()
                 if "too many requests from 127.0.0.1" in line]
        self.assertTrue(lines)
        self.assertLess(len(lines), len(refused))
        other = Client(self.issuer.url, "open", self.device)
        self.assertEqual(Browser(self.issuer.url, OTHER).get("/enroll/open").status, 200)
        clock.skip(2)
        self.assertTrue(other.run().done)

    def test_messages_too(self):
        """A message that is refused so touches no session."""
        clock.skip(3)
        client, reply = self.start_session()
        self.assertEqual(reply.status, 200)
        with clock.stopped():
            self.flood(self.browser())
            reply = client.post(client.answer())
        self.assertEqual(reply.status, 429)
        clock.skip(2)
        self.assertTrue(client.run().done)

    def test_wrong_codes(self):
        source = "127.0.0.3"
        replies = [Browser(self.issuer.url, source).send_code("coded", "0000-0000-000%d" % i)
                   for i in range(7)]
        self.assertEqual([reply.status for reply in replies], [403] * 5 + [429] * 2)
        self.assert_page(replies[-1], 429, "too many wrong codes", "<form")
        self.assertEqual(replies[-1].headers["Retry-After"], "30")
        self.assert_logged("profile coded: refused 127.0.0.3: too many wrong codes")
        made = self.invite("coded", "--uses", "9")
        reply = Browser(self.issuer.url, source).send_code("coded", made["code"])
        self.assertEqual(reply.status, 429, "not even the right one")
        self.assertEqual(self.invitation(made["number"])["used"], 0)
        for _ in range(8):      # right ones are no guesses
            reply = Browser(self.issuer.url, "127.0.0.4").send_code("coded", made["code"])
            self.assertEqual(reply.status, 303)
            time.sleep(0.1)


class Loopback(CapsCase):
    def test_no_limits_of_its_own(self):
        browser = self.browser()
        self.assertEqual({browser.get("/enroll/open").status for _ in range(300)}, {200})
        wrong = {browser.send_code("coded", "0000-0000-0000").status for _ in range(20)}
        self.assertEqual(wrong, {403})
