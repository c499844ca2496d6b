"""Each way in which the issuer refuses, provoked over real sockets: what it answers, the page, the
line of its log, its metric, and the record of the session. One row a refusal; no name of a refusal
is without one."""

import json
import shutil
import socket
import sqlite3
import threading
from contextlib import closing

from rig import external_ca, raw_http
from rig.certificates import Authority
from rig.client_side import Client, Device, HttpSession
from rig.enrolcase import Browser
from rig.keygen2_2010 import Client2010
from rig.processes import PROFILES, run
from rig.refusalcase import Refusal, RefusalCase, expired_ticket
from rig.session_refusals import (
    CREATION, FINALIZATION, INITIALIZATION, INVOCATION, OF_SESSIONS, failing)
from rig.testcase import PROFILE, write_profile

LIMIT = 4 * 1024 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

NOT_PROVOKED = {
    "unavailable": "what waits for a worker, or comes, when the time that a stop may take is over;"
                   " the process ends then, and nobody can read its metrics",
    "other": "stands for what has no row of its own; none is known that comes from outside",
}


def with_subject(subject):
    pin, = PROFILE["pinPolicySpecifiers"]
    key, = pin["keyEntrySpecifiers"]
    key = {**key, "certificate": {**key["certificate"], "subject": subject}}
    return {"pinPolicySpecifiers": [{**pin, "keyEntrySpecifiers": [key]}]}


# ---- who may begin ----

def a_code(prepare, *options):
    """A code, typed into the form after prepare(test, invitation)."""
    def provoke(test):
        made = test.invite("coded", *options)
        prepare(test, made)
        return lambda: (test.browser().send_code("coded", made["code"]), None)
    return provoke


def an_expired_code(test):
    code = test.before["code"]
    return lambda: (test.browser().send_code("coded", code), None)


def begin(cookie_of, profile="plain", browser=True):
    """?init=true with a cookie of the enrolment page, looked at with a browser."""
    def provoke(test):
        visitor = test.browser() if browser else HttpSession(test.issuer.url)
        visitor.cookie = cookie_of(test)
        return lambda: (visitor.request("GET", "/kg2/%s?init=true" % profile), None)
    return provoke


def a_used_link(test):
    link = test.page_link("plain")
    client = test.client_of(link, "plain")
    client.start()
    client.post(client.answer())
    return link.cookie


def a_withdrawn_one(test):
    made = test.invite("coded")
    link = test.page_link("coded", made["code"])
    test.command("withdraw", made["number"])
    return link.cookie


def expired_link(test):
    return "sks-session=" + expired_ticket(test.issuer.data, "plain")


def form(profile, body):
    return lambda test: lambda: (
        test.browser().request("POST", "/enroll/" + profile, body, **FORM), None)


WHO_MAY_BEGIN = [
    Refusal("code unknown", 403, "This code is not known here", form("coded", b"code=0000-0000")),
    Refusal("code expired", 403, "This code has expired", an_expired_code),
    Refusal("code used up", 403, "This code was used already", a_code(
        lambda test, made: test.page_link("coded", made["code"]))),
    Refusal("code withdrawn", 403, "This code was withdrawn", a_code(
        lambda test, made: test.command("withdraw", made["number"]))),
    Refusal("bad request", 400, "Please type the code", form("coded", b"code=%zz")),
    Refusal("bad request", 400, "this enrolment wants no code", form("plain", b"code=0000")),
    Refusal("no code", 403, "this enrolment wants a code: begin at http", begin(
        lambda test: None, "coded")),
    Refusal("no code", 403, "this enrolment wants a code: begin at http", begin(
        lambda test: None, "coded", False)),
    Refusal("link expired", 403, "this link has run out: begin again at http", begin(expired_link)),
    Refusal("link used", 409, "this link has begun a session already", begin(a_used_link)),
    Refusal("invitation withdrawn", 403, "the invitation was withdrawn", begin(
        a_withdrawn_one, "coded")),
    Refusal("no such profile", 404, "no such enrolment here", lambda test: lambda: (
        test.browser().get("/enroll/none"), None)),
]


# ---- requests that touch no session ----

def ask(method, path, body=None, **headers):
    return lambda test: lambda: (
        HttpSession(test.issuer.url).request(method, path, body, headers), None)


def post(body, **headers):
    return ask("POST", "/kg2/plain", body, **{"Content-Type": "application/json", **headers})


def send_raw(headers, *parts, then):
    """What http.client would not send."""
    def act(test):
        with raw_http.connect(test.issuer.url) as sock:
            sock.sendall(raw_http.head(test.issuer.url, "/kg2/plain", headers={
                "Content-Type": "application/json", **headers}))
            for part in parts:
                sock.sendall(part)
            then(test, sock)
        return None, None
    return lambda test: lambda: act(test)


def is_413(test, sock):
    test.assertEqual(raw_http.read_answer(sock)[0], 413)


def go_away(test, sock):
    """Once the issuer has seen the head."""
    test.assertIn(b"100 Continue", sock.recv(100))
    sock.shutdown(socket.SHUT_WR)
    raw_http.read_all(sock)


def another_message_after_success(test):
    client = test.enrol("plain")
    return lambda: (client.post({"more": 1}), client.session_id)


def a_damaged_row(test):
    """A session whose state cannot be read any more, for as long as the page is asked for."""
    client = test.enrol("plain")

    def act():
        with closing(sqlite3.connect(test.issuer.data / "issuer.db", isolation_level=None)) as db:
            (state,), = db.execute("SELECT state FROM session WHERE id = ?", (client.session_id,))
            db.execute("UPDATE session SET state = x'00' WHERE id = ?", (client.session_id,))
            try:
                return HttpSession(test.issuer.url).request(
                    "GET", "/done/" + client.session_id), None
            finally:
                db.execute("UPDATE session SET state = ? WHERE id = ?", (state, client.session_id))
    return act


CHUNK = raw_http.chunk(bytes(LIMIT // 2 + 1))
OF_REQUESTS = [
    Refusal("session over", 409, "this session is over", another_message_after_success),
    Refusal("no session", 403, "no cookie, or one of no session", post(b"{}")),
    Refusal("no session", 403, "no cookie, or one of no session", post(
        b"{}", Cookie="sks-session=" + "A" * 32)),
    Refusal("no session", 403, "no cookie, or one of no session", ask(
        "GET", "/kg2/plain?abort=true")),
    Refusal("no such profile", 404, "no such profile", ask("GET", "/kg2/none?init=true")),
    *[Refusal("no such session", 404, "there is no such session here", ask(
        "GET", "/%s/none" % page, Accept=accept))
      for page, accept in (("done", "text/html"), ("failed", "*/*"), ("pending", "text/html"))],
    Refusal("bad request", 400, "begins a session", ask("GET", "/kg2/plain")),
    Refusal("not found", 404, "Not Found", ask("GET", "/none")),
    Refusal("method", 405, "Method Not Allowed", ask("DELETE", "/kg2/plain")),
    Refusal("media type", 415, "Unsupported Media Type", ask("POST", "/kg2/plain", b"{}")),
    Refusal("too large", 413, "Large", send_raw({"Content-Length": str(LIMIT + 1)}, then=is_413)),
    Refusal("too large", 413, "Large", send_raw(
        {"Transfer-Encoding": "chunked"}, CHUNK, CHUNK, b"0\r\n\r\n", then=is_413)),
    Refusal("unanswered", 0, "closed before", send_raw(
        {"Content-Length": "100", "Expect": "100-continue"}, then=go_away)),
    Refusal("issuer trouble", 503, "a problem of its own, try again", a_damaged_row),
]


# The life time of open sessions, over without any wait.
EXPIRE = "UPDATE session SET expires = started - 1 WHERE profile = 'expired' AND verdict = 0"


class Refusals(RefusalCase):
    """Some need a session of before two restarts: the operator has changed profiles and lost a key
    meanwhile, the machine was started anew, its time is over."""

    refusals = OF_SESSIONS + WHO_MAY_BEGIN + OF_REQUESTS
    options = (*RefusalCase.options, "--server-keys", "1")

    @classmethod
    def set_up_rig(cls):
        cls.ca_folder = cls.new_folder()
        cls.profiles = cls.new_folder()
        shutil.copy(PROFILES / "key-delete.json", cls.profiles)
        session_2010 = json.loads((PROFILES / "session-2010.json").read_text())
        for name in ("of-2010", "profile"):
            (cls.profiles / (name + ".json")).write_text(json.dumps(session_2010))
        lookups = [{"id": name, "searchFilter": {"subjectRegEx": "CN=Test"}} for name in "AB"]
        for name, changes in (
                ("plain", {}), ("invitation", {}), ("deferred", {"deferredIssuance": True}),
                ("expired", {}), ("coded", {"enrolment": {"code": True}}),
                ("asking", {"clientCapabilityQuery": ["https://example.com/a"]}),
                ("listed", {"enrolment": {"devices": ["00" * 32]}}),
                ("named", with_subject("CN={person}")),
                ("external", {"externalCa": external_ca.prepare(cls.ca_folder, Authority())}),
                ("clash", {"lookupSpecifiers": lookups, "unlockKeys": [{"lookup": "A"}],
                           "deleteKeys": [{"lookup": "B"}]})):
            write_profile(cls.profiles, name, **changes)
        super().set_up_rig()
        run("sks-issuer", "roll-over", "--data", cls.issuer.data)
        cls.issuer.restart()
        cls.begin_before()

    @classmethod
    def begin_before(cls):
        cls.before = {"anew": cls.begun("plain"), "generation": cls.begun("expired", FINALIZATION)}
        (cls.issuer.data / "kmk-2.key").unlink()
        cls.restart(EXPIRE, "UPDATE meta SET value = 'x' WHERE key = 'boot'")
        cls.before.update(
            expired=cls.begun("expired"), invitation=cls.begun("invitation", INITIALIZATION),
            profile=cls.begun("profile", client_class=Client2010),
            **{name: cls.begun("expired", FINALIZATION)
               for name in ("doubtful", "lost", "revoked")})
        cls.before["code"] = cls.invite(cls, "coded", "--expires", "1s")["code"]
        write_profile(cls.profiles, "invitation", enrolment={"code": True})
        write_profile(cls.profiles, "profile")
        cls.restart(EXPIRE)

    @classmethod
    def begun(cls, profile, until=INVOCATION, client_class=Client):
        client = client_class(cls.issuer.url, profile, Device(authority=cls.device_ca))
        client.run(until=until)
        assert client.request["@qualifier"] == until
        client.http.connection.close()
        return client

    @classmethod
    def restart(cls, *changes):
        cls.issuer.kill()
        with closing(sqlite3.connect(cls.issuer.data / "issuer.db")) as database, database:
            for change in changes:
                database.execute(change)
        cls.issuer.start()

    def test_each(self):
        self.refuse_each()

    def test_no_refusal_is_without_a_test(self):
        told = self.metrics().values("refusals_total", "cause")
        tested = {row.name for case in RefusalCase.__subclasses__() for row in case.refusals}
        self.assertEqual(tested & set(NOT_PROVOKED), set())
        self.assertEqual(told, tested | set(NOT_PROVOKED))


# ---- limits: each row has addresses of its own ----

def from_address(number):
    return lambda test: Browser(test.issuer.url, "127.0.0.%d" % number)


def nth(count, browser_of, request):
    """All but the last of so many requests are granted."""
    def provoke(test):
        browser = browser_of(test)
        for _ in range(count - 1):
            test.assertLess(request(browser).status, 429)
        return lambda: (request(browser), None)
    return provoke


def begin_anew(browser):
    browser.cookie = None
    return browser.get("/kg2/plain?init=true")


def no_place_at_all(test):
    """Two sessions are open already, of the row before."""
    for _ in range(2):
        test.assertEqual(begin_anew(from_address(3)(test)).status, 200)
    return lambda: (begin_anew(from_address(4)(test)), None)


def too_often(test):
    """More than is allowed a second, however slow this machine is just now."""
    browser = from_address(6)(test)

    def act():
        replies = (browser.get("/") for _ in range(1000))
        return next(reply for reply in replies if reply.status != 200), None
    return act


class Limits(RefusalCase):
    options = (*RefusalCase.options, "--max-sessions", "4", "--max-address-sessions", "2",
               "--max-address-requests", "5", "--external-ca-timeout", "1")
    refusals = [
        Refusal("external CA", 302, "Key.1: the command took longer than 1 s", failing(
            CREATION, lambda message: None, "slow")),
        Refusal("too many sessions of one address", 429, "too many open sessions", nth(
            3, from_address(2), begin_anew)),
        Refusal("too many sessions", 503, "as many open sessions as it takes", no_place_at_all),
        Refusal("too many wrong codes", 429, "There were too many wrong codes", nth(
            6, from_address(5), lambda browser: browser.send_code("coded", "0000-0000-0000"))),
        Refusal("too many requests", 429, "too many requests from your address", too_often),
    ]

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "plain")
        write_profile(cls.profiles, "coded", enrolment={"code": True})
        write_profile(cls.profiles, "slow", externalCa="sleep 60")
        super().set_up_rig()

    def test_each(self):
        self.refuse_each()


# ---- an issuer that is told to stop, while an external CA thinks ----

def while_it_stops(test):
    client = test.client("external")
    client.run(until=CREATION)
    message = client.answer()
    test.last = threading.Thread(target=lambda: test.ends.append(client.post(message)))
    test.last.start()
    while not (test.ca_folder / "requests").exists():
        test.last.join(0.02)
    test.issuer.process.terminate()

    def act():
        while (reply := HttpSession(test.issuer.url).request(
                "GET", "/kg2/plain?init=true")).status == 200:
            pass        # the signal is not there yet
        return reply, None
    return act


class Stopping(RefusalCase):
    refusals = [Refusal("stopping", 503, "begins no session any more", while_it_stops)]

    @classmethod
    def start(cls, program):
        program.environment = {}        # it waits for what is under way, as it does by default
        return super().start(program)

    @classmethod
    def set_up_rig(cls):
        cls.ca_folder = cls.new_folder()
        cls.profiles = write_profile(cls.new_folder(), "plain")
        write_profile(cls.profiles, "external", externalCa=external_ca.prepare(
            cls.ca_folder, Authority()))
        (cls.ca_folder / "mode").write_text("waits")
        super().set_up_rig()

    def test_each(self):
        """And whoever was there before is answered."""
        self.ends = []
        try:
            self.refuse_each()
        finally:
            (self.ca_folder / "go on").touch()
        self.last.join()
        self.assertEqual([reply.status for reply in self.ends], [200])
        self.assertEqual(self.issuer.process.wait(20), 0)
        self.issuer.start()
