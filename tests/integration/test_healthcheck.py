"""healthcheck of issuer, token and proxy: a real round trip that leaves nothing behind."""

import http.server
import json
import socket
import sqlite3
import threading
import time
from urllib.parse import urlsplit

from rig.enrolcase import EnrolCase
from rig.issuercase import DONE, IO_ERROR, USAGE
from rig.processes import Issuer, Token, run, wait_for
from rig.relaycase import RelayProgram
from rig.testcase import RigTest, write_profile
from rig.tlscase import TlsTest
from rig.watching import WatchTest, get

TABLES = ("session", "exchange", "enrolment", "certificate", "invitation")


def check(program, *arguments, environment=None):
    """(exit code, the one line of output)"""
    done = run(program, "healthcheck", *arguments, environment=environment)
    if done.returncode != USAGE and (done.stderr or done.stdout.count("\n") != 1):
        raise AssertionError("not one line: %r, %r" % (done.stdout, done.stderr))
    return done.returncode, done.stdout if done.stdout else done.stderr


class HealthMixin:
    def well(self, text, program, *arguments, **options):
        code, line = check(program, *arguments, **options)
        self.assertEqual(code, DONE, line)
        self.assertTrue(line.startswith("healthy: %s at " % program), line)
        self.assertIn(text, line)

    def ill(self, text, program, *arguments, **options):
        code, line = check(program, *arguments, **options)
        self.assertEqual(code, IO_ERROR, line)
        self.assertTrue(line.startswith("unhealthy: %s at " % program), line)
        self.assertIn(text, line)


class OfIssuer(HealthMixin, WatchTest):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "open")
        write_profile(cls.profiles, "a-code", enrolment={"code": True})
        super().set_up_rig()

    def rows(self):
        with sqlite3.connect("file:%s?mode=ro" % (self.issuer.data / "issuer.db"),
                             uri=True) as database:
            return [database.execute("SELECT count(*) FROM " + table).fetchone()[0]
                    for table in TABLES] + database.execute(
                        "SELECT sessions FROM tally ORDER BY verdict").fetchall()

    def test_nothing_is_left(self):
        self.well("a session opened and ended at open", "sks-issuer", self.issuer.url)
        before, metrics = self.rows(), self.metrics()
        for _ in range(30):
            self.well("", "sks-issuer", self.issuer.url)
        self.assertEqual(self.rows(), before)
        after = self.metrics()
        for name in ("sessions_ended_total", "refusals_total"):
            self.assertEqual(after(name), metrics(name), name)
        for name in ("sessions_begun_total", "sessions_discarded_total"):
            self.assertEqual(after(name), metrics(name) + 30, name)

    def test_by_settings(self):
        listen = urlsplit(self.issuer.url).netloc
        self.well("http://%s: " % listen, "sks-issuer", "--http", listen)
        self.well("http://%s: " % listen, "sks-issuer", environment={"SKS_ISSUER_HTTP": listen})
        self.well("http://%s: " % listen, "sks-issuer", "--http",
                  "0.0.0.0:" + listen.split(":")[1])
        code, line = check("sks-issuer", "--http", "127.0.0.1:0")
        self.assertEqual(code, USAGE, line)

    def test_of_a_profile(self):
        self.well("ended at open", "sks-issuer", self.issuer.url + "/", "--profile", "open")
        self.well("ended at open", "sks-issuer", self.issuer.url + "/kg2/open")
        self.ill("HTTP 404: no such profile", "sks-issuer", self.issuer.url, "--profile", "none")
        self.ill("HTTP 403: this enrolment wants a code", "sks-issuer", self.issuer.url,
                 "--profile", "a-code")

    def test_json(self):
        code, line = check("sks-issuer", self.issuer.url, "--json")
        found = json.loads(line)
        self.assertEqual((code, found["healthy"], found["program"], found["address"]),
                         (DONE, True, "sks-issuer", self.issuer.url))
        code, line = check("sks-issuer", self.issuer.url + "0", "--json")
        self.assertEqual((code, json.loads(line)["healthy"]), (IO_ERROR, False))
        self.assertTrue(json.loads(line)["trouble"])

    def test_the_list(self):
        status, _, text = get(self.issuer.url, "/", headers={"Accept": "application/json"})
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(text)["profiles"], [
            {"name": name, "code": code, "keygen2": "%s/kg2/%s" % (self.issuer.url, name),
             "enroll": "%s/enroll/%s" % (self.issuer.url, name),
             "description": "one P-256 key under a PIN of its user"}
            for name, code in (("a-code", True), ("open", False))])

    def test_no_address(self):
        for address in ("127.0.0.1:1", "ftp://x", "http://x/?y"):
            code, line = check("sks-issuer", address)
            self.assertEqual(code, USAGE, line)

    def test_a_stopping_issuer(self):
        issuer = Issuer(self.new_folder(), profiles=self.profiles)
        issuer.environment = {}
        self.addCleanup(issuer.kill)
        issuer.start()
        address = urlsplit(issuer.url)
        with socket.create_connection((address.hostname, address.port)) as half:
            half.sendall(b"POST /kg2/open HTTP/1.1\r\n")    # who is under way has three seconds
            issuer.process.terminate()
            wait_for(lambda: "stopping" in issuer.stderr())
            self.ill("", "sks-issuer", issuer.url)
        issuer.process.wait(120)


class Discarded(EnrolCase):
    """What ?abort=true&discard=true does, and to which sessions."""

    options = ("--max-address-sessions", "2")

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "open")
        write_profile(cls.profiles, "coded", enrolment={"code": True})
        super().set_up_rig()
        cls.issuer.options = cls.options
        cls.issuer.restart()

    def discard(self, client):
        return client.http.request("GET", client.path + "?abort=true&discard=true")

    def ids(self):
        return {row["id"] for row in self.issuer.sessions()}

    def test_one_that_has_only_begun(self):
        before = self.ids()
        for _ in range(5):      # more than the address may have at a time
            client = self.client("open")
            self.assertEqual(client.start().status, 200)
            reply = self.discard(client)
            self.assertEqual((reply.status, reply.location), (200, ""))
            self.assertEqual(self.discard(client).status, 403)      # there is none any more
            self.assertEqual(client.http.request("POST", client.path, b"{}", {
                "Content-Type": "application/json"}).status, 403)
        self.assertEqual(self.ids(), before)

    def test_one_that_went_on_fails_as_ever(self):
        client = self.client("open")
        client.start()
        client.post(client.invocation_response())
        reply = self.discard(client)
        self.assertTrue(reply.failed, reply)
        self.assertIn("aborted", self.assert_verdict(client.session_id))

    def test_one_of_an_invitation_is_kept(self):
        invitation = self.invite("coded")
        client = self.client_of(self.page_link("coded", invitation["code"]), "coded")
        self.assertEqual(client.start().status, 200)
        self.assertTrue(self.discard(client).failed)
        self.assertEqual(self.issuer.sessions()[0]["verdict"], "failed")

    def test_without_discard_it_is_kept(self):
        before = self.ids()
        client = self.client("open")
        client.start()
        self.assertTrue(client.http.request("GET", client.path + "?abort=true").failed)
        self.assertEqual(len(self.ids() - before), 1)

    def test_the_next_sessions_are_whole(self):
        """The row's number may be given again."""
        client = self.client("open")
        client.start()
        self.discard(client)
        session = self.enrol("open").session_id
        self.assert_record_holds(session)


class OnlyCodes(HealthMixin, EnrolCase):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "coded", enrolment={"code": True})
        super().set_up_rig()

    def test_the_page_answers(self):
        self.well("the enrolment page of coded answers", "sks-issuer", self.issuer.url)
        self.assertEqual(self.issuer.sessions(), [])


class OverTls(HealthMixin, TlsTest):
    def test_trust(self):
        url = self.issuer.https_url
        self.well("", "sks-issuer", url, "--ca", self.issuer.data / "tls.pem")
        self.well("", "sks-issuer", url, "--insecure")
        self.well("https://", "sks-issuer", "--https", urlsplit(url).netloc)
        self.ill("certificate", "sks-issuer", url)
        self.ill("certificate", "sks-issuer", "--https", urlsplit(url).netloc, "--ca",
                 self.issuer.data / "ca.pem")
        code, line = check("sks-issuer", url, "--insecure", "--ca", self.issuer.data / "tls.pem")
        self.assertEqual(code, USAGE, line)


class OfToken(HealthMixin, RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        folder = cls.new_folder()
        cls.unix = cls.start(Token(folder, listen="unix:%s" % (folder / "s"),
                                   options=("--allow-deactivate",)))

    def test_well(self):
        found = "device certificate there, store read"
        self.well(found, "sks-token", "--listen", urlsplit(self.token.url).netloc)
        self.well(found, "sks-token", self.token.url)
        self.well(found, "sks-token", environment={"SKS_TOKEN_LISTEN": self.unix.url})

    def test_deactivated(self):
        self.assertEqual(run("sks-token", "deactivate", "--yes", "--store",
                             self.unix.store).returncode, DONE)
        self.ill("deactivated", "sks-token", self.unix.url)
        self.assertEqual(run("sks-token", "activate", "--store", self.unix.store).returncode, DONE)
        self.well("", "sks-token", self.unix.url)

    def test_nobody_there(self):
        self.ill("", "sks-token", "unix:/nowhere/socket")
        self.ill("", "sks-token", "--listen", "127.0.0.1:1")

    def test_usage(self):
        code, line = check("sks-token", "127.0.0.1:1")
        self.assertEqual(code, USAGE, line)


class OfRelay(HealthMixin, RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        profiles = write_profile(cls.new_folder(), "open")
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca], profiles=profiles,
                                      https="127.0.0.1:0")

    def relay(self, to, *options):
        return self.start(RelayProgram(self.new_folder(), to, *options))

    def test_of_a_token(self):
        relay = self.relay(self.token.url)
        for options in ((), ("--hop", "token"), ("--to", "unix:x")):
            self.well("device certificate there", "sks-proxy", "--listen", relay.listen, *options)
        self.ill("", "sks-proxy", "--listen", relay.listen, "--hop", "issuer")

    def test_of_an_issuer(self):
        relay = self.relay(self.issuer.url)
        for options in ((), ("--hop", "issuer"), ("--to", "https://x"), ("--profile", "open")):
            self.well("ended at open", "sks-proxy", "--listen", relay.listen, *options)
        self.ill("getDeviceInfo", "sks-proxy", "--listen", relay.listen, "--hop", "token")
        self.assertEqual(self.issuer.sessions(), [])

    def test_over_tls(self):
        pem = self.issuer.data / "tls.pem"
        relay = self.relay(self.issuer.https_url, "--ca", pem, "--tls-certificate", pem,
                           "--tls-key", self.issuer.data / "tls.key")
        settings = {"SKS_PROXY_LISTEN": relay.listen, "SKS_PROXY_TO": self.issuer.https_url,
                    "SKS_PROXY_CA": str(pem), "SKS_PROXY_TLS_CERTIFICATE": str(pem)}
        self.well("ended at open", "sks-proxy", environment=settings)
        self.ill("certificate", "sks-proxy", relay.url)
        self.well("ended at open", "sks-proxy", relay.url, "--relay-ca", pem)

    def test_what_stands_behind_is_gone(self):
        token = Token(self.new_folder())
        self.addCleanup(token.kill)
        token.start()
        relay = self.relay(token.url)
        self.well("", "sks-proxy", "--listen", relay.listen)
        token.stop()
        self.ill("", "sks-proxy", "--listen", relay.listen)
        relay.stop()
        self.programs.remove(relay)
        self.ill("connect", "sks-proxy", "--listen", relay.listen)


class Strange(http.server.BaseHTTPRequestHandler):
    """A server that answers something else: (status, type, body) by the path."""

    answers = {}

    def answer(self):
        status, kind, body = self.answers.get(self.path, (404, "text/plain", b"nothing"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


class OfSomethingElse(HealthMixin, RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strange)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.url = "http://127.0.0.1:%d" % cls.server.server_address[1]

    def serve(self, **answers):
        Strange.answers = {path: answer for path, answer in answers.values()}

    def test_an_issuer(self):
        page = lambda text: ("/", (200, "application/json", text))
        for answers, text in (
                ({}, "HTTP 404: nothing"),
                ({"a": ("/", (200, "text/html", b"<p>hello"))}, "no list of profiles"),
                ({"a": page(b"{")}, "no list of profiles"),
                ({"a": page(b"{}")}, "offers no profile"),
                ({"a": page(b'{"profiles":[{"name":"a/b","code":false}]}')}, "name of a profile"),
                ({"a": page(b'{"profiles":[{"name":"x","code":true}]}')}, "HTTP 404"),
                ({"a": page(b'{"profiles":[{"name":"x","code":false}]}'),
                  "b": ("/kg2/x?init=true", (200, "application/json", b'{"@context":"x"}'))},
                 "no InvocationRequest"),
                ({"a": page(b'{"profiles":[{"name":"x","code":false}]}'),
                  "b": ("/kg2/x?init=true", (200, "text/html", b"hello"))}, "content type")):
            self.serve(**answers)
            self.ill(text, "sks-issuer", self.url)

    def test_a_token(self):
        for answer, text in (((200, "text/html", b"hello"), "content type"),
                             ((200, "application/octet-stream", b"\0"), "getDeviceInfo"),
                             ((500, "text/plain", b""), "500")):
            self.serve(a=("/sks", answer))
            self.ill(text, "sks-token", self.url)

    def test_one_that_does_not_answer(self):
        """It takes the time that it was given, and no more."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = "http://127.0.0.1:%d" % silent.getsockname()[1]
            for program in ("sks-issuer", "sks-token", "sks-proxy"):
                began = time.monotonic()
                self.ill("", program, url, "--timeout", "1")
                took = time.monotonic() - began
                self.assertTrue(0.9 < took < 30, (program, took))
