"""What either server answers to requests that are wrong as HTTP, or random; that it lives on."""

import concurrent.futures
import os
import random
import socket
import time
from urllib.parse import urlsplit

from rig import raw_http
from rig.client_side import Client, Device
from rig.constructs import SESSION_1
from rig.processes import Token, open_descriptors, resident_bytes, run, sanitized
from rig.raw_http import chunk, exchange, head
from rig.sks_wire import METHODS, SksClient, connection
from rig.testcase import RigTest

OCTETS = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
ISSUER_LIMIT = 4 * 1024 * 1024
TOKEN_MARGIN = 64 * 1024
REQUEST_TIME = 30
DEVICE_INFO = b"\x01"


class TokenHttp(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=["--host", "token.example"])
        cls.url = cls.token.url
        cls.limit = SksClient(cls.url).call("getDeviceInfo").extensionDataSize + TOKEN_MARGIN

    def tearDown(self):
        self.assertEqual(self.wire().call("getDeviceInfo").apiLevel, 106, "the server lives")

    def status(self, path="/sks", method="POST", headers=(), body=DEVICE_INFO):
        fields = {**OCTETS, "Content-Length": len(body), **dict(headers)}
        return exchange(self.url, head(self.url, path, method, fields) + body)[0]

    def test_well_formed(self):
        status, headers, body = exchange(
            self.url, head(self.url, "/sks", headers={**OCTETS, "Content-Length": 1}) + b"\x01")
        self.assertEqual((status, headers["content-type"], body[0]),
                         (200, "application/octet-stream", 0))

    def test_methods(self):
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
            self.assertEqual(self.status(method=method), 405, method)

    def test_paths(self):
        for path in ("/", "/sks/", "/skss", "/sk", "/sks/x", "//sks", "/SKS"):
            self.assertEqual(self.status(path), 404, path)

    def test_content_types(self):
        for kind in ("application/json", "text/plain", "", None,
                     "application/octet-streams", "multipart/form-data",
                     "application/x-www-form-urlencoded"):
            self.assertEqual(self.status(headers={"Content-Type": kind}), 415, kind)

    def test_hosts(self):
        port = urlsplit(self.url).port
        for name in ("127.0.0.1:%d" % port, "localhost:%d" % port, "localhost", "LOCALHOST",
                     "[::1]:%d" % port, "token.example", "token.example:%d" % port):
            self.assertEqual(self.status(headers={"Host": name}), 200, name)
        for name in ("evil.example", "evil.example:%d" % port, "localhost.evil.example",
                     "127.0.0.1.evil.example", "token.example.evil.example", "192.0.2.1", ""):
            self.assertEqual(self.status(headers={"Host": name}), 403, name)

    def test_origins(self):
        for origin in ("http://evil.example", "null", "http://127.0.0.1", ""):
            self.assertEqual(self.status(headers={"Origin": origin}), 403, origin)

    def test_no_host_at_all(self):
        self.assertIn(self.status(headers={"Host": None}), (400, 403))

    def test_size_limit(self):
        body = b"\x63" + bytes(self.limit - 1)
        self.assertEqual(self.status(body=body), 200)

    def test_oversize_is_told_from_the_length(self):
        """At once: nothing of the body is sent."""
        for length in (self.limit + 1, 10 ** 9, 2 ** 40):
            raw = head(self.url, "/sks", headers={**OCTETS, "Content-Length": length})
            with raw_http.connect(self.url) as sock:
                sock.sendall(raw)
                began = time.monotonic()
                self.assertEqual(raw_http.read_answer(sock)[0], 413, length)
                self.assertLess(time.monotonic() - began, 20)
                self.assertTrue(raw_http.closed(sock), "and closed")

    def test_oversize_is_told_to_who_still_sends(self):
        """It reads on a little behind the answer: a connection that is torn down loses it."""
        for length, is_all_taken in ((self.limit + 1, True), (2 ** 30, False)):
            with raw_http.connect(self.url) as sock:
                sock.sendall(head(self.url, "/sks", headers={**OCTETS, "Content-Length": length}))
                self.assertTrue(sock.recv(1, socket.MSG_PEEK), "it has answered")
                sent = 0
                try:
                    while sent < min(length, 60 * 10 ** 6):
                        sock.sendall(bytes(16384))
                        sent += 16384
                except (ConnectionResetError, BrokenPipeError):
                    pass
                self.assertEqual(sent >= length, is_all_taken, "%d of %d" % (sent, length))
                self.assertLess(sent, 60 * 10 ** 6)
                if is_all_taken:
                    self.assertEqual(raw_http.read_answer(sock)[0], 413)

    def test_oversize_in_chunks(self):
        """It reads on, to twice the limit, and then answers and closes."""
        top = head(self.url, "/sks", headers={**OCTETS, "Transfer-Encoding": "chunked"})
        pieces = chunk(bytes(16384)) * (self.limit // 16384 + 1)
        with raw_http.connect(self.url) as sock:
            sock.sendall(top + pieces + b"0\r\n\r\n")
            self.assertEqual(raw_http.read_answer(sock)[0], 413)
        memory = resident_bytes(self.token.pid)
        with raw_http.connect(self.url) as sock:
            try:
                for _ in range(4000):
                    sock.sendall(top + chunk(bytes(16384)))
                    top = b""
                self.fail("it read more than 60 MB")
            except (ConnectionResetError, BrokenPipeError):
                pass
            self.assertIn(raw_http.read_answer(sock)[0], (0, 413))
        if not sanitized(self.token.name):
            self.assertLess(resident_bytes(self.token.pid) - memory, 4 * self.limit)

    def test_chunked_calls(self):
        top = head(self.url, "/sks", headers={**OCTETS, "Transfer-Encoding": "chunked"})
        status, _, body = exchange(self.url, top + chunk(b"\x01") + b"0\r\n\r\n")
        self.assertEqual((status, body[0]), (200, 0))

    def test_half_a_message(self):
        """The connection closes in the middle of the head, of the body."""
        top = head(self.url, "/sks", headers={**OCTETS, "Content-Length": 100})
        for raw in (top[:20], top[:-2], top, top + bytes(50), b"\0" * 40, b"GET", b"\r\n\r\n",
                    b"POST /sks HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"):
            with raw_http.connect(self.url) as sock:
                sock.sendall(raw)
        self.assertEqual(self.wire().sessions(True), [])

    def test_large_heads(self):
        for raw in (b"POST /" + b"x" * 200000 + b" HTTP/1.1\r\n\r\n",
                    head(self.url, "/sks", headers={**OCTETS, "X": "x" * 200000}),
                    head(self.url, "/sks", headers={"X%d" % n: "x" for n in range(5000)})):
            status = exchange(self.url, raw)[0]
            self.assertTrue(status == 0 or 400 <= status < 600, status)


class TokenAddresses(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(listen="unix:%s/t.sock" % cls.folder)

    def test_unix_socket_is_private(self):
        path = self.token.url.removeprefix("unix:")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_http_rules_hold_on_the_socket(self):
        for headers, status in (({}, 200), ({"Host": "evil.example"}, 403),
                                ({"Origin": "http://evil.example"}, 403),
                                ({"Content-Type": "text/plain"}, 415)):
            fields = {**OCTETS, "Content-Length": 1, **headers}
            raw = head(self.token.url, "/sks", headers=fields) + DEVICE_INFO
            self.assertEqual(exchange(self.token.url, raw)[0], status, headers)

    def test_socket_is_taken_over_after_a_kill(self):
        self.token.restart()
        self.assertEqual(self.wire().call("getDeviceInfo").apiLevel, 106)

    def test_other_addresses_need_listen_any(self):
        folder = self.new_folder()
        Token(folder)
        for listen in ("0.0.0.0:0", "[::]:0"):
            done = run("sks-token", "serve", "--store", folder / "store", "--listen", listen,
                       timeout=10)
            self.assertNotEqual(done.returncode, 0, listen)
            self.assertNotIn("ready", done.stdout)
            self.assertIn("--listen-any", done.stderr)
        program = Token(folder, listen="0.0.0.0:0", init=False, options=["--listen-any"])
        self.addCleanup(program.kill)
        program.start()
        self.assertEqual(program.stop(), 0)


class IssuerHttp(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        cls.issuer = cls.start_issuer(trust=[trust])
        cls.url = cls.issuer.url
        cls.path = "/kg2/p256-user-pin"

    def tearDown(self):
        client = Client(self.url, "p256-user-pin", self.device)
        self.assertTrue(client.run().done, "the server lives")

    def status(self, path=None, method="POST", headers=(), body=b"{}"):
        fields = {**JSON, "Content-Length": len(body), **dict(headers)}
        return exchange(self.url, head(self.url, path or self.path, method, fields) + body)[0]

    def test_methods(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            self.assertEqual(self.status(method=method), 405, method)

    def test_paths(self):
        for path in ("/none", "/kg2", "/kg2/", "/kg2/no-such-profile", "/kg2/../etc/passwd",
                     "/kg2/p256-user-pin/x", "/kg2/%2e%2e/x", "/done/", "/failed/unknown",
                     "/done/unknown", "/kg2/" + "x" * 3000):
            for method in ("GET", "POST"):
                status = self.status(path, method)
                wanted = (404, 405) if path.startswith(("/done", "/failed")) else (404,)
                self.assertIn(status, wanted, (method, path))

    def test_content_types(self):
        client = Client(self.url, "p256-user-pin", self.device)
        client.start()
        for kind in ("text/plain", "application/octet-stream", "", "application/jsonx"):
            reply = client.post(client.answer(), content_type=kind)
            self.assertEqual(reply.status, 415, kind)
        self.assertTrue(client.run().done, "and the session is not touched")

    def test_cookies(self):
        for cookie in ({}, {"Cookie": "x=y"}, {"Cookie": "x" * 3000}, {"Cookie": ";;;="}):
            self.assertEqual(self.status(headers=cookie), 403, cookie)

    def test_size_limit(self):
        self.assertEqual(self.status(body=bytes(ISSUER_LIMIT)), 403, "no cookie, but no 413")

    def test_oversize(self):
        with raw_http.connect(self.url) as sock:
            sock.sendall(head(self.url, self.path,
                              headers={**JSON, "Content-Length": ISSUER_LIMIT + 1}))
            began = time.monotonic()
            self.assertEqual(raw_http.read_answer(sock)[0], 413)
            self.assertLess(time.monotonic() - began, 20)
        top = head(self.url, self.path, headers={**JSON, "Transfer-Encoding": "chunked"})
        raw = top + chunk(bytes(65536)) * (ISSUER_LIMIT // 65536 + 1) + b"0\r\n\r\n"
        self.assertEqual(exchange(self.url, raw)[0], 413)

    def test_half_a_message(self):
        top = head(self.url, self.path, headers={**JSON, "Content-Length": 100})
        for raw in (top[:20], top, top + b"{", b"\0" * 40, b"\x16\x03\x01\x02\x00"):
            with raw_http.connect(self.url) as sock:
                sock.sendall(raw)

    def test_host_header_is_not_believed(self):
        """The URLs that the issuer tells are its own, whatever Host says."""
        client = Client(self.url, "p256-user-pin", self.device)
        client.start()
        reply = client.http.request("GET", client.path + "?abort=true",
                                    headers={"Host": "evil.example"})
        self.assertTrue(reply.location.startswith(self.url + "/failed/"), reply.location)


class SlowRequests(RigTest):
    """30 seconds for a whole request, however the bytes dribble in; then no answer, but a close."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.unix_token = cls.start_token(listen="unix:%s/t.sock" % cls.folder)
        cls.issuer = cls.start_issuer()

    def cases(self):
        for url, path, kind in ((self.token.url, "/sks", OCTETS),
                                (self.unix_token.url, "/sks", OCTETS),
                                (self.issuer.url, "/kg2/p256-user-pin", JSON)):
            sized = head(url, path, headers={**kind, "Content-Length": 1000})
            chunked = head(url, path, headers={**kind, "Transfer-Encoding": "chunked"})
            yield url, "silent", b"", b""
            yield url, "half a head, silent", sized[:30], b""
            yield url, "dribbling head", sized[:-2], b"X: y\r\n"
            yield url, "half a body, silent", sized + b"{", b""
            yield url, "dribbling body", sized, b" "
            yield url, "dribbling chunks", chunked, chunk(b" ")

    def test_all_at_once(self):
        cases = list(self.cases())
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            results = list(pool.map(
                lambda case: raw_http.trickle(case[0], case[2], case[3], 2.0, REQUEST_TIME + 45),
                cases))
        for (url, what, _, _), (seconds, received) in zip(cases, results):
            with self.subTest(what, url=url):
                self.assertIsNotNone(seconds, "still open after %d s" % (REQUEST_TIME + 45))
                self.assertEqual(received, b"")
                self.assertGreater(seconds, REQUEST_TIME - 5)
                self.assertLess(seconds, REQUEST_TIME + 40)


class RandomBodies(RigTest):
    """Ten thousand random bodies: every one is answered, the server lives, memory is bounded."""

    COUNT, CONNECTIONS, GROWTH = 10000, 4, 8 * 1024 * 1024

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        cls.issuer = cls.start_issuer(trust=[trust])

    def send_all(self, worker):
        """worker(random numbers, how many) in each of several threads; all must return."""
        each = self.COUNT // self.CONNECTIONS
        with concurrent.futures.ThreadPoolExecutor(self.CONNECTIONS) as pool:
            futures = [pool.submit(worker, random.Random(seed), each)
                       for seed in range(self.CONNECTIONS)]
            for future in futures:
                future.result()

    def assert_bounded(self, program, worker):
        self.COUNT, whole = self.COUNT // 5, self.COUNT
        self.send_all(worker)
        self.COUNT = whole
        before = resident_bytes(program.pid), open_descriptors(program.pid)
        self.send_all(worker)
        time.sleep(0.5)
        self.assertTrue(program.alive())
        self.assertLessEqual(open_descriptors(program.pid), before[1])
        if not sanitized(program.name):
            self.assertLess(resident_bytes(program.pid) - before[0], self.GROWTH)

    @staticmethod
    def random_call(rng):
        """Random bytes; often a method that is there with lengths that may even fit."""
        body = rng.randbytes(rng.choice((0, 1, 5, 20, 100, 2000)))
        if rng.random() < 0.7:
            body = bytes([rng.choice([number for number, _, _ in METHODS.values()])]) + body
        if rng.random() < 0.3:
            body = body[:1] + bytes(3) + body[1:]
        if rng.random() < 0.1:
            body = b"\x02" + len(SESSION_1).to_bytes(2, "big") + SESSION_1.encode() + body
        return body

    def random_calls(self, rng, count):
        client = SksClient(self.token.url)
        for _ in range(count):
            client.post(self.random_call(rng))
        client.close()

    def test_token(self):
        before = self.wire().snapshot()
        self.assert_bounded(self.token, self.random_calls)
        self.assertEqual(self.wire().snapshot(), before)

    @staticmethod
    def random_message(rng):
        start = rng.choice((b"", b"{", b'{"@context": "https://webpki.github.io/keygen2#20190318"',
                            b'{"@qualifier": "InvocationResponse",', b"[", b'"'))
        return start + rng.randbytes(rng.choice((0, 1, 30, 500, 3000)))

    def random_messages(self, rng, count):
        """Every tenth one with the cookie of a fresh session, which then fails."""
        path, plain = "/kg2/p256-user-pin", connection(self.issuer.url)
        for index in range(count):
            body = self.random_message(rng)
            if index % 10 == 0:
                client = Client(self.issuer.url, "p256-user-pin", self.device)
                client.start()
                reply = client.http.request("POST", path, body, JSON)
                client.http.connection.close()
                self.assertTrue(reply.failed, reply)
                continue
            plain.request("POST", path, body, JSON)
            response = plain.getresponse()
            response.read()
            self.assertEqual(response.status, 403)
        plain.close()

    def test_issuer(self):
        self.assert_bounded(self.issuer, self.random_messages)
        self.assertEqual(self.succeeded(), 0)
        self.assertTrue(Client(self.issuer.url, "p256-user-pin", self.device).run().done)

    def test_garbage_instead_of_http(self):
        rng = random.Random(1)
        for program in (self.token, self.issuer):
            for _ in range(200):
                with raw_http.connect(program.url) as sock:
                    try:
                        sock.sendall(rng.randbytes(rng.choice((1, 10, 1000, 20000))))
                    except (ConnectionResetError, BrokenPipeError):
                        pass
            self.assertTrue(program.alive())
            plain = connection(program.url)
            plain.request("GET", "/nothing")
            self.assertEqual(plain.getresponse().status, 404)
            plain.close()
