"""sks-proxy relay: it hands on what comes, as it comes, and keeps a transcript of it."""

import http.client
import json
import queue
import signal
import ssl
import stat
import threading
import time
import unittest
from urllib.parse import urlsplit

from rig import raw_http
from rig.certificates import Authority
from rig.origin import Origin
from rig.processes import provision, run, temporary_folder
from rig.relaycase import RelayProgram, behind_relay, transcript
from rig.sks_types import from_base64url
from rig.testcase import RigTest, write_profile

IO_ERROR, USAGE = 3, 2
KEPT = 4 * 1024 * 1024      # bytes of a body


class RelayCase(RigTest):
    @classmethod
    def set_up_rig(cls):
        pass

    def relay(self, to, *options, **more):
        return self.start(RelayProgram(self.new_folder(), to, *options, **more))

    def origin(self, script, **options):
        origin = Origin(script, **options)
        self.addCleanup(origin.close)
        self.addCleanup(lambda: self.assertEqual(origin.errors, []))
        return origin

    def client(self, relay):
        client = http.client.HTTPConnection(urlsplit(relay.url).netloc, timeout=30)
        self.addCleanup(client.close)
        return client

    def ask(self, client, method="POST", target="/", body=None, headers=None):
        client.request(method, target, body, headers or {})
        response = client.getresponse()
        return response, response.read()


class HandsOn(RelayCase):
    """Requests and answers arrive as they were sent."""

    @staticmethod
    def mirror(connection):
        """Answers with what it got."""
        while True:
            method, target, headers = connection.head()
            body = connection.body(headers)
            told = json.dumps([method, target, headers, len(body)]).encode()
            if method == "HEAD":
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")
            elif target == "/none":
                connection.send("HTTP/1.1 204 No Content\r\nX-Told: yes\r\n\r\n")
            elif target == "/echo":
                connection.answer(body, headers=("Content-Type: x/y", "Set-Cookie: a=1",
                                                 "Set-Cookie: b=2"))
            elif target == "/chunked":
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for part in (body[:10], body[10:]):
                    connection.send(raw_http.chunk(part))
                connection.send("0\r\n\r\n")
            else:
                connection.answer(told, "201 Created", ("Location: http://elsewhere/x",))

    def setUp(self):
        self.server = self.origin(self.mirror)
        self.near = self.relay(self.server.url)
        self.http = self.client(self.near)

    def test_method_target_and_headers(self):
        response, body = self.ask(self.http, "PUT", "/a%20b/c?d=e+f&g=%2F", b"12345",
                                  {"X-Own": "1 2", "Content-Type": "text/x", "Cookie": "k=v"})
        method, target, headers, size = json.loads(body)
        self.assertEqual((response.status, response.headers["Location"]),
                         (201, "http://elsewhere/x"))
        self.assertEqual((method, target, size), ("PUT", "/a%20b/c?d=e+f&g=%2F", 5))
        self.assertEqual((headers["x-own"], headers["content-type"], headers["cookie"]),
                         ("1 2", "text/x", "k=v"))
        self.assertEqual(headers["host"], urlsplit(self.server.url).netloc)
        self.assertFalse({"expect", "user-agent", "connection"} & set(headers), headers)

    def test_no_header_of_its_own(self):
        sock = raw_http.connect(self.near.url)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        _, _, headers, _ = json.loads(raw_http.read_all(sock).split(b"\r\n\r\n")[1])
        self.assertEqual(set(headers), {"host"})

    def test_two_cookies_stay_two(self):
        response, body = self.ask(self.http, target="/echo", body=b"\0\1" * 50)
        self.assertEqual(body, b"\0\1" * 50)
        self.assertEqual(response.headers.get_all("Set-Cookie"), ["a=1", "b=2"])

    def test_answers_without_a_body(self):
        response, body = self.ask(self.http, "HEAD", "/")
        self.assertEqual((response.headers["Content-Length"], body), ("1234", b""))
        response, body = self.ask(self.http, "POST", "/none", b"x")
        self.assertEqual((response.status, response.headers["X-Told"], body), (204, "yes", b""))
        self.assertEqual(self.ask(self.http, "POST", "/echo", b"")[1], b"")

    def test_connections_are_kept(self):
        for _ in range(5):
            self.assertEqual(self.ask(self.http, target="/echo", body=b"x")[1], b"x")
        self.assertEqual(self.server.connections, 1)

    def test_large_and_chunked_bodies(self):
        large = bytes(range(256)) * 40000
        self.assertEqual(self.ask(self.http, target="/echo", body=large)[1], large)
        self.assertEqual(self.ask(self.http, target="/chunked", body=large)[1], large)
        parts = iter([large[:70000], large[70000:]])
        self.assertEqual(self.ask(self.http, target="/echo", body=parts)[1], large)


class LargeBodies(RelayCase):
    """Of a body that goes on beyond what a transcript keeps, it has the beginning."""

    def test_cut(self):
        path = self.folder / "large.jsonl"
        server = self.origin(HandsOn.mirror)
        body = bytes(range(251)) * 20000        # 5 MB, and no power of two
        for number, target in ((1, "/echo"), (2, "/chunked")):
            relay = self.relay(server.url, "--record", path)
            self.assertEqual(self.ask(self.client(relay), target=target, body=body)[1], body)
            for line in transcript(path):
                kept = from_base64url(line["body"])
                self.assertTrue(line["cut"], number)
                self.assertEqual((len(kept), kept), (KEPT, body[:KEPT]))
        done = run("sks-proxy", "replay", path, "--to", server.url)
        self.assertIn("not whole", done.stderr)


class Streams(RelayCase):
    """Nothing waits for a body's end; nothing is made up when an end goes away."""

    def test_pieces_pass_both_ways(self):
        seen, go = queue.Queue(), threading.Semaphore(0)

        def script(connection):
            _, _, headers = connection.head()
            self.assertIn("chunked", headers["transfer-encoding"])
            seen.put(connection.chunk())
            seen.put(connection.chunk())
            self.assertEqual(connection.chunk(), b"")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
            go.acquire(timeout=30)
            connection.send("def")

        sock = raw_http.connect(self.relay(self.origin(script).url).url)
        self.addCleanup(sock.close)
        sock.sendall(raw_http.head("http://h", "/", headers={"Transfer-Encoding": "chunked"}))
        for piece in (b"first", b"second"):
            sock.sendall(raw_http.chunk(piece))
            self.assertEqual(seen.get(timeout=30), piece)
        sock.sendall(b"0\r\n\r\n")
        received = b""
        while not received.endswith(b"abc"):
            received += sock.recv(1000)
        go.release()
        self.assertEqual(sock.recv(1000), b"def")

    def test_an_answer_that_ends_too_early_ends_too_early(self):
        def script(connection):
            connection.head()
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")

        client = self.client(self.relay(self.origin(script).url))
        client.request("GET", "/")
        with self.assertRaises(http.client.IncompleteRead):
            client.getresponse().read()

    def test_no_answer_is_no_answer(self):
        calls = []

        def script(connection):
            calls.append(connection.body(connection.head()[2]))

        client = self.client(self.relay(self.origin(script).url))
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.ask(client, body=b"once")
        self.assertEqual(calls, [b"once"], "and it is not sent again")

    def test_an_answer_before_the_body_is_through(self):
        def script(connection):
            connection.head()
            connection.answer(b"no", "413 Content Too Large", ("Connection: close",))

        client = self.client(self.relay(self.origin(script).url))
        response, body = self.ask(client, body=b"x" * 3000000)
        self.assertEqual((response.status, body), (413, b"no"))

    def test_nobody_there(self):
        origin = Origin(lambda _: None)
        origin.close()
        relay = self.relay(origin.url)
        response, body = self.ask(self.client(relay), body=b"x")
        self.assertEqual(response.status, 503)
        self.assertIn("onnect", body.decode())
        self.assertIn("onnect", relay.stderr())

    def test_what_is_in_flight_is_finished_at_the_stop(self):
        there, go = threading.Event(), threading.Event()

        def script(connection):
            connection.head()
            there.set()
            go.wait(30)
            connection.answer(b"late")

        relay = self.relay(self.origin(script).url)
        client = self.client(relay)
        client.request("GET", "/")
        there.wait(30)
        self.programs.remove(relay)
        relay.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        go.set()
        self.assertEqual(client.getresponse().read(), b"late")
        self.assertEqual(relay.process.wait(10), 0)

    def test_a_silent_server_is_given_up(self):
        wait = threading.Event()
        self.addCleanup(wait.set)
        relay = self.relay(self.origin(lambda c: (c.head(), wait.wait(30))).url, "--timeout", 1)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.ask(self.client(relay), body=b"x")
        self.assertIn("imed out", relay.stderr())


class Https(RelayCase):
    """TLS on either side."""

    @classmethod
    def set_up_rig(cls):
        cls.pem = cls.folder / "server.pem"
        cls.ca = Authority()
        cls.ca.write_tls_server(cls.pem)
        cls.ca.write_pem(cls.folder / "ca.pem")
        cls.pem.chmod(0o600)

    def https_origin(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        return self.origin(HandsOn.mirror, wrap=lambda s: context.wrap_socket(s, server_side=True))

    def test_both_sides(self):
        relay = self.relay(self.https_origin().url, "--ca", self.folder / "ca.pem",
                           "--tls-certificate", self.pem, "--tls-key", self.pem)
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        client = http.client.HTTPSConnection(urlsplit(relay.url).netloc, context=context,
                                             timeout=30)
        self.addCleanup(client.close)
        self.assertEqual(self.ask(client, target="/echo", body=b"x" * 50000)[1], b"x" * 50000)

    def test_a_server_that_nobody_vouches_for(self):
        response, body = self.ask(self.client(self.relay(self.https_origin().url)), body=b"x")
        self.assertEqual(response.status, 503)
        self.assertIn("certificate", body.decode())
        relay = self.relay(self.https_origin().url, "--insecure")
        self.assertEqual(self.ask(self.client(relay), target="/echo", body=b"x")[1], b"x")


class BothHops(RelayCase):
    """The real ends with a relay on each hop, and their transcripts."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "plain")
        cls.token = cls.start_token()
        cls.issuer, to_issuer = behind_relay(cls, trust=[cls.token.device_ca],
                                             profiles=cls.profiles)
        cls.outer = cls.folder / "outer.jsonl"
        cls.inner = cls.folder / "inner.jsonl"
        to_issuer.again("--record", cls.outer)
        to_token = cls.start(RelayProgram(cls.new_folder(), cls.token.url, "--record", cls.inner,
                                          "-v", listen="unix:%s/r" % cls.new_folder()))
        cls.relays = to_issuer, to_token
        cls.trace = cls.folder / "trace.jsonl"
        cls.code, cls.outcome, _ = provision(to_issuer.url + "/kg2/plain", to_token.url,
                                             "--trace", cls.trace)

    def test_an_enrolment_crosses(self):
        self.assertEqual((self.code, self.outcome["outcome"]), (0, "succeeded"))

    def test_every_message_is_in_a_transcript(self):
        crossed = transcript(self.trace)
        for path, hop in ((self.outer, "issuer"), (self.inner, "token")):
            lines = transcript(path)
            self.assertEqual({line["hop"] for line in lines}, {hop})
            self.assertEqual({line["connection"] for line in lines}, {1}, "one was kept")
            for direction, way in (("request", "out"), ("answer", "in")):
                wanted = [(line["name"], line["bytes"]) for line in crossed
                          if (line["hop"], line["dir"]) == (hop, way) and
                          (hop == "token" or line["name"].endswith(("Request", "Response")))]
                seen = [(line["name"], len(from_base64url(line["body"]))) for line in lines
                        if line["direction"] == direction and "name" in line]
                self.assertGreater(len(wanted), 3)
                self.assertEqual(seen, wanted)

    def test_bodies_are_shown_as_they_read(self):
        for line in transcript(self.outer):
            if "name" in line:
                self.assertEqual(json.loads(from_base64url(line["body"])), line["decoded"])
        calls = {line["name"]: line["decoded"] for line in transcript(self.inner)
                 if line["direction"] == "request"}
        self.assertEqual(calls["createKeyEntry"]["id"], "Key.1")
        self.assertEqual(from_base64url(calls["createKeyEntry"]["pinValue"]), b"4711")
        self.assertIsInstance(calls["createProvisioningSession"]["privacyEnabled"], bool)
        answers = {line["name"]: line for line in transcript(self.inner)
                   if line["direction"] == "answer"}
        self.assertEqual(answers["closeProvisioningSession"]["decoded"]["status"], 0)
        self.assertEqual(len(from_base64url(
            answers["closeProvisioningSession"]["decoded"]["attestation"])), 32)

    def test_headers_that_matter(self):
        first, second = transcript(self.outer)[:2]
        self.assertEqual((first["method"], first["target"]), ("GET", "/kg2/plain?init=true"))
        headers = {row["name"]: row["value"] for row in second["headers"]}
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertIn("HttpOnly", headers["Set-Cookie"])
        third = {row["name"]: row["value"] for row in transcript(self.outer)[2]["headers"]}
        self.assertIn(third["Cookie"], headers["Set-Cookie"])

    def test_nobody_else_reads_it(self):
        self.assertEqual(stat.S_IMODE(self.outer.stat().st_mode), 0o600)

    def test_the_log_shows_exchanges_and_no_body(self):
        log = self.relays[1].stderr()
        self.assertIn("createKeyEntry", log)
        self.assertNotIn("4711", log)

    def test_replay_to_the_issuer_is_refused(self):
        before = self.succeeded()
        again = self.folder / "again.jsonl"
        for options in ((), ("--own-cookies",)):
            done = run("sks-proxy", "replay", self.outer, "--to", self.issuer.url, "--record",
                       again, *options)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("ProvisioningInitializationResponse", done.stdout)
            self.assertEqual(self.succeeded(), before)
        done = run("sks-proxy", "diff", self.outer, again, "--all")
        self.assertEqual(done.returncode, 1)
        self.assertIn("status", done.stdout)

    def test_replay_to_the_token_is_refused(self):
        keys = self.token.list()
        again = self.folder / "token.jsonl"
        done = run("sks-proxy", "replay", self.inner, "--to", self.token.url, "--record", again,
                   "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["other"]), (0, 0), done.stderr)
        answers = {line["name"]: line["decoded"]["status"] for line in transcript(again)
                   if line["direction"] == "answer"}
        self.assertEqual(answers["getDeviceInfo"], 0)
        self.assertNotEqual(answers["createPinPolicy"], 0, "the MAC is of another session")
        self.assertEqual(self.token.list(), keys)
        done = run("sks-proxy", "diff", self.inner, again, "--json")
        self.assertEqual(done.returncode, 1)
        rows = json.loads(done.stdout)["differences"]
        self.assertIn(("createPinPolicy", "answer", "/status"),
                      [(row["message"], row["direction"], row["place"]) for row in rows])

    def test_a_transcript_equals_itself(self):
        done = run("sks-proxy", "diff", self.outer, self.outer)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        done = run("sks-proxy", "diff", self.outer, self.outer, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, {"differences": []}))


class Usage(unittest.TestCase):
    def test_wrong_options(self):
        for options in (["relay"], ["relay", "--to", "ftp://x"],
                        ["relay", "--to", "http://h", "--tls-key", "x"],
                        ["relay", "--to", "http://h", "--listen", "0.0.0.0:0"],
                        ["relay", "--to", "http://h", "--ca", "x", "--insecure"],
                        ["replay", "--to", "http://h"]):
            done = run("sks-proxy", *options)
            self.assertEqual(done.returncode, USAGE, (options, done.stderr))
            self.assertTrue(done.stderr)

    def test_files_that_are_none(self):
        for text in ('{"time":1}', "x", '{"time":"t","connection":1,"exchange":0,"hop":"issuer",'
                                        '"direction":"request"}'):
            path = temporary_folder(self.addCleanup) / "t"
            path.write_text("\n" + text)
            done = run("sks-proxy", "diff", path, path)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn("line 2", done.stderr)
        self.assertEqual(run("sks-proxy", "diff", "/none", "/none").returncode, IO_ERROR)
        self.assertEqual(run("sks-proxy", "relay", "--to", "http://h", "--record",
                             "/none/x").returncode, IO_ERROR)


if __name__ == "__main__":
    unittest.main()
