"""sks-token make-update and update: over real HTTP servers and with files."""

import fcntl
import functools
import hashlib
import http.server
import json
import os
import socketserver

from rig.certificates import Authority, generate
from rig.firmware import (
    DATA_MAX, POLICY_MAX, chunk, chunks, policy, write_private, write_public)
from rig.processes import Token
from rig.sks_types import encode, encode_table
from rig.sks_wire import METHODS, SksClient
from rig.updates import (
    DONE, IN_DOUBT, IO_ERROR, OCTETS, REFUSED, USAGE, UpdateCase, UpdateServer, serve_in_thread)

POLICY = policy(7, description="för alla", limits={"minPinLength": 6, "maxPukRetryLimit": 10})
EMPTY = b""


class MakeUpdate(UpdateCase):
    def make(self, code, text=POLICY, key=None, url="http://u.example/p", out=None, options=(),
             error=""):
        return self.done(code, "make-update", "--key", key or self.private, "--policy",
                         self.write("policy.json", text), "--url", url, "--out",
                         out or self.tmp / "out", *options, text=error)

    def made(self):
        folder = self.tmp / "out"
        return [(folder / ("%d.chunk" % index)).read_bytes()
                for index in range(len(list(folder.iterdir())))]

    def test_chunks_are_those_of_the_other_implementation(self):
        for count in (1, 3, 12):
            size = -(-len(POLICY) // count)
            self.make(DONE, options=["--chunk-size", size], out=self.tmp / "out")
            self.assertEqual(self.made(), chunks(self.key, POLICY, count,
                                                 base="http://u.example/p"))

    def test_json(self):
        shown = json.loads(self.make(DONE, url="https://u.example/", options=["--json"]))
        self.assertEqual(shown, {
            "version": 7, "chunks": 1, "bytes": len(POLICY), "folder": str(self.tmp / "out"),
            "sha256": hashlib.sha256(POLICY).hexdigest(),
            "updateUrl": "https://u.example/0.chunk"})

    def test_text(self):
        shown = self.make(DONE)
        for part in ("policy 7", "1 chunk", "http://u.example/p/0.chunk"):
            self.assertIn(part, shown)

    def test_policies_that_a_token_would_refuse(self):
        for text, error in ((b"{", "line 1"), (b"{}", "/version: missing"),
                            (policy(1, algorithms=["ES256"]), "/algorithms/0: "),
                            (policy(1, limits={"minPinLength": 0}), "/limits/minPinLength: ")):
            self.make(REFUSED, text, error="policy.json: " + error)
            self.assertFalse((self.tmp / "out").exists())

    def test_usage(self):
        for url in ("ftp://x", "x", "", "http://" + "x" * 1000, "http://x y"):
            self.make(USAGE, url=url, error="--url")
        self.make(USAGE, options=["--chunk-size", 1], error="--chunk-size")
        self.make(USAGE, options=["--chunk-size", 0], error="--chunk-size")
        self.make(USAGE, options=["--chunk-size", DATA_MAX + 1], error="--chunk-size")
        self.done(USAGE, "make-update", "--policy", "x", "--url", "http://x", "--out", "y",
                  text="--key")

    def test_files(self):
        other = write_private(generate("P-256"), self.tmp / "p256.key")
        self.make(IO_ERROR, key=other, error="not an Ed25519 key")
        self.make(IO_ERROR, key=self.public, error="update.pem")
        self.make(IO_ERROR, key=self.tmp / "none", error="none")
        self.make(IO_ERROR, POLICY + b" " * POLICY_MAX, error="over")
        self.make(IO_ERROR, out=self.write("file", b""), error="file")
        shown = write_private(self.key, self.tmp / "open.key")
        shown.chmod(0o644)
        self.make(IO_ERROR, key=shown, error="0600")


class UpdateOptions(UpdateCase):
    """--update-url and --update-key, wherever a token is opened."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.token = Token(cls.folder)

    def refuse(self, code, text, *options, environment=None):
        store = ["--store", self.token.store]
        for command in (["serve", "--listen", "127.0.0.1:0"], ["info"], ["update"]):
            self.done(code, *command, *store, *options, environment=environment, text=text)

    def test_both_or_neither(self):
        self.refuse(USAGE, "both or neither", "--update-url", "http://x")
        self.refuse(USAGE, "both or neither", "--update-key", self.public)
        self.refuse(USAGE, "both or neither", environment={"SKS_TOKEN_UPDATE_URL": "http://x"})

    def test_bad_url(self):
        for url in ("ftp://x", "/0.chunk", "http://", "http://x y", "http://" + "x" * 1000):
            self.refuse(USAGE, "--update-url", "--update-url", url, "--update-key", self.public)

    def test_bad_key(self):
        p256 = write_public(generate("P-256"), self.tmp / "p256.pem")
        for path, text in ((p256, "not an Ed25519 key"), (self.private, "update.key"),
                           (self.write("empty", b""), "empty")):
            self.refuse(IO_ERROR, text, "--update-url", "http://x", "--update-key", path)
        self.refuse(USAGE, "none", "--update-url", "http://x", "--update-key", self.tmp / "none")

    def test_by_environment(self):
        shown = self.done(DONE, "info", "--store", self.token.store, "--json", environment={
            "SKS_TOKEN_UPDATE_URL": "http://u.example", "SKS_TOKEN_UPDATE_KEY": str(self.public)})
        self.assertEqual(json.loads(shown)["updateUrl"], "http://u.example")


class Update(UpdateCase):
    """Each test has a token of its own, whose update URL is a server of its own."""

    def setUp(self):
        super().setUp()
        self.server = serve_in_thread(self, UpdateServer())
        self.token = self.new_token(self.server.url + "/0.chunk")

    def new_token(self, url):
        token = Token(self.new_folder(),
                      options=["--update-url", url, "--update-key", self.public])
        self.addCleanup(token.kill)
        return token.start()

    def update(self, code, *arguments, text="", token=None):
        return self.done(code, "update", *arguments, "--store", (token or self.token).store,
                         text=text)

    def policy_of(self, token=None):
        """What `sks-token info` shows."""
        shown = self.done(DONE, "info", "--store", (token or self.token).store)
        first = shown.splitlines()[0]
        return int(first.partition(", policy ")[2]) if ", policy " in first else None

    def chunks(self, count=1, text=POLICY, server=None):
        return chunks(self.key, text, count, base=(server or self.server).url)

    def files(self, made):
        return [self.write("%d.chunk" % index, data) for index, data in enumerate(made)]

    # From the update URL

    def test_make_serve_and_follow(self):
        """The way that the documents show, with the programs alone."""
        self.assertIsNone(self.policy_of())
        out = self.tmp / "out"
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(out))
        handler.func.log_message = lambda *_: None
        server = serve_in_thread(self, http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        base = "http://127.0.0.1:%d" % server.server_port
        shown = json.loads(self.done(
            DONE, "make-update", "--key", self.private, "--policy",
            self.write("policy.json", POLICY), "--url", base, "--out", out, "--chunk-size", "20",
            "--json"))
        token = self.new_token(shown["updateUrl"])
        self.assertIn("policy 7 installed (%d chunks)" % shown["chunks"],
                      self.update(DONE, token=token))
        self.assertEqual(self.policy_of(token), 7)

    def test_json(self):
        self.server.put_all(self.chunks(3))
        self.assertEqual(json.loads(self.update(DONE, "--json")),
                         {"installed": True, "version": 7, "chunks": 3})
        self.assertEqual(self.server.asked, ["/0.chunk", "/1.chunk", "/2.chunk"])
        self.server.put("/0.chunk", EMPTY, "text/plain")
        self.assertEqual(json.loads(self.update(DONE, "--json")),
                         {"installed": False, "chunks": 0})

    def test_nothing_new(self):
        self.server.put("/0.chunk", EMPTY)
        self.assertIn("up to date", self.update(DONE))
        self.assertIsNone(self.policy_of())

    def test_a_token_that_has_it(self):
        self.server.put_all(self.chunks())
        self.update(DONE)
        self.update(REFUSED, text="not above the installed one, which is 7")
        self.assertEqual(self.policy_of(), 7)

    def test_refused_by_the_token(self):
        good = self.chunks(3)
        self.server.put_all(good[:1] + [good[1][:-1] + bytes([good[1][-1] ^ 1])] + good[2:])
        self.update(REFUSED, text="1.chunk")
        self.assertIsNone(self.policy_of())
        self.server.put_all(good)
        self.update(DONE)
        self.assertEqual(self.policy_of(), 7)

    def test_trouble_with_the_server(self):
        good = self.chunks(2)
        for what, text, change in (
                ("not there", "404", {"status": 404}), ("failing", "500", {"status": 500}),
                ("elsewhere", "302", {"status": 302}),
                ("page", "text/html", {"kind": "text/html"}),
                ("page as octets", "does not decode", {"body": b"<html>"}),
                ("endless", "too large", {"body": bytes(300000)}),
                ("empty", "does not decode", {"body": EMPTY})):
            with self.subTest(what):
                self.server.put_all(good)
                self.server.put("/1.chunk", **{"body": good[1], **change})
                self.update(IO_ERROR, text=text)
                self.assertIsNone(self.policy_of())

    def test_nobody_there(self):
        token = self.new_token("http://127.0.0.1:1/0.chunk")
        self.update(IO_ERROR, text="127.0.0.1:1", token=token)

    def test_updates_are_off(self):
        token = Token(self.new_folder())
        self.update(REFUSED, token=token, text="no update URL")
        self.update(REFUSED, *self.files(self.chunks()), token=token, text="updates are off")

    def test_https(self):
        authority = Authority()
        tls = authority.write_tls_server(self.tmp / "tls.pem")
        server = serve_in_thread(self, UpdateServer(tls))
        server.put_all(self.chunks(2, server=server))
        token = self.new_token(server.url + "/0.chunk")
        self.update(IO_ERROR, token=token, text="certificate")
        other = Authority().write_pem(self.tmp / "other.pem")
        self.update(IO_ERROR, "--ca", other, token=token, text="certificate")
        self.assertEqual(server.asked, [])
        self.update(DONE, "--ca", authority.write_pem(self.tmp / "ca.pem"), token=token)
        self.assertEqual(self.policy_of(token), 7)

    # From files

    def test_files(self):
        paths = self.files(self.chunks(12))
        self.assertIn("12 chunks", self.update(DONE, *sorted(paths)))
        self.assertEqual(self.policy_of(), 7)
        self.assertEqual(self.server.asked, [])
        self.update(REFUSED, paths[0], text="not above")

    def test_files_missing(self):
        paths = self.files(self.chunks(4))
        self.update(REFUSED, *paths[:3], text="behind %s is missing" % paths[2])
        self.update(REFUSED, paths[0], paths[2], text="begin with chunk 0")
        self.update(REFUSED, *paths[1:], text="begin with chunk 0")
        self.assertIsNone(self.policy_of())

    def test_files_that_are_no_chunks(self):
        paths = self.files(self.chunks(2))
        self.update(IO_ERROR, *paths, self.write("page", b"<html>"), text="page: chunk: ")
        self.update(IO_ERROR, *paths, self.tmp / "none", text="none")
        self.update(IO_ERROR, self.write("big", bytes(300000)), text="big")
        self.assertIsNone(self.policy_of(), "nothing was sent")
        self.update(USAGE, *["x"] * 65, text="unexpected operand")

    # Without a server of the token

    def test_into_a_store_that_nobody_serves(self):
        token = Token(self.new_folder())
        options = ["--update-url", self.server.url + "/0.chunk", "--update-key", self.public]
        self.server.put_all(self.chunks(2))
        self.update(DONE, *options, token=token)
        self.assertEqual(self.policy_of(token), 7)
        paths = self.files(self.chunks(3, policy(8)))
        self.update(DONE, *options, *paths, token=token)
        self.assertEqual(self.policy_of(token), 8)
        token.start()
        self.addCleanup(token.kill)
        client = SksClient(token.url)
        self.addCleanup(client.close)
        self.assertIn("policy 8", client.call("getDeviceInfo").vendorDescription)


class _WrongTokenHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.answer(body)
        if answer is None:
            return
        self.send_response(200)
        self.send_header("Content-Type", OCTETS)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class WrongToken(UpdateCase):
    """What no token of ours says: the command line does not rely on it."""

    def start_wrong(self, update_url, next_urls):
        """Serves a store's control socket; a nextUrl of None breaks the connection."""
        lock = os.open(self.tmp / "lock", os.O_RDWR | os.O_CREAT)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (self.tmp / "token.db").touch()
        server = socketserver.UnixStreamServer(str(self.tmp / "control.sock"),
                                               _WrongTokenHandler)
        urls = iter(next_urls)

        def answer(body):
            if body[0] == METHODS["getDeviceInfo"][0]:
                return b"\0" + encode_table(METHODS["getDeviceInfo"][2], {
                    "apiLevel": 106, "deviceType": 1, "updateUrl": update_url, "vendorName": "x",
                    "vendorDescription": "x", "certificate": [], "supportedAlgorithm": [],
                    "cryptoDataSize": 1, "extensionDataSize": 1, "devicePinSupport": False,
                    "biometricSupport": False})
            url = next(urls)
            return None if url is None else b"\0" + encode("uri", url)

        server.answer = answer
        serve_in_thread(self, server)

    def update(self, code, *arguments, text):
        self.done(code, "update", *arguments, "--store", self.tmp, text=text)

    def test_update_url_that_is_not_http(self):
        self.start_wrong("file:///etc/passwd", [])
        self.update(IO_ERROR, text="'file:///etc/passwd': not an http or https URL")

    def test_next_url_that_is_not_http(self):
        server = serve_in_thread(self, UpdateServer())
        server.put("/0.chunk", chunk(self.key, count=2))
        self.start_wrong(server.url + "/0.chunk", ["file:///etc/passwd"])
        self.update(IO_ERROR, text="'file:///etc/passwd': not an http or https URL")

    def test_endless(self):
        server = serve_in_thread(self, UpdateServer())
        server.put("/0.chunk", chunk(self.key, count=2))
        self.start_wrong(server.url + "/0.chunk", [server.url + "/0.chunk"] * 100)
        self.update(IO_ERROR, text="at most 64 chunks")
        self.assertEqual(len(server.asked), 64)

    def test_url_too_long(self):
        server = serve_in_thread(self, UpdateServer())
        server.put("/0.chunk", chunk(self.key, count=2))
        self.start_wrong(server.url + "/0.chunk", ["http://" + "x" * 1000])
        self.update(IO_ERROR, text="too long")

    def test_no_answer(self):
        """Only the last chunk can have been installed."""
        paths = [self.write("%d.chunk" % index, data)
                 for index, data in enumerate(chunks(self.key, POLICY, 2))]
        self.start_wrong("", [None, "http://x/1.chunk", None])
        self.update(IO_ERROR, *paths, text="0.chunk")
        self.update(IN_DOUBT, *paths, text="sks-token info")
