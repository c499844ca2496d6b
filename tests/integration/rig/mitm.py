"""Relays on the loopback that see and change what crosses a hop.

A hook gets (direction, name, body, count): the direction is "request" or "response", the name the
KeyGen2 qualifier or the SKS method, the count that of the request (from 0). What it returns
replaces the body; None leaves it alone.
"""

import http.client
import http.server
import json
import socket
import socketserver
import ssl
import threading
from urllib.parse import urlsplit

from .sks_wire import NAMES

# What belongs to one connection only.
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date",
               "server", "expect"}


class Drop(Exception):
    """Raised by a hook: the connection to the near end closes without an answer."""


def keygen2_name(body, request_name=None):
    try:
        return json.loads(body)["@qualifier"]
    except (ValueError, KeyError, TypeError):
        return "" if request_name is None else "answer to " + request_name


def sks_name(body, request_name=None):
    if request_name is not None:
        return request_name
    return NAMES.get(body[0], "?") if body else ""


def upstream_connection(url):
    parts = urlsplit(url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=60)
    return http.client.HTTPSConnection(parts.netloc, timeout=60,
                                       context=ssl._create_unverified_context())


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # http.server writes headers and body apart: without this each answer waits 40 ms.
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self):
        self.relay()

    do_POST = do_PUT = do_GET

    def relay(self):
        try:
            self.relay_one(self.server.relay)
        except Drop:
            self.close_connection = True

    def relay_one(self, relay):
        body = self._body()
        with relay.lock:
            count = relay.count
            relay.count += 1
            relay.paths.append(self.path)
        name = relay.name(body)
        body = relay.apply("request", name, body, count)
        status, headers, answer = self._forward(relay, name, body)
        headers = relay.alter_headers("response", relay.name(answer, name), dict(headers)).items()
        answer = relay.apply("response", relay.name(answer, name), answer, count)
        self.send_response_only(status)
        for header, value in headers:
            if header.lower() not in HOP_HEADERS:
                self.send_header(header, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection |= relay.close_silently

    def _body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _forward(self, relay, request_name, body):
        connection = upstream_connection(relay.upstream)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_HEADERS}
            headers = relay.alter_headers("request", request_name, headers)
            try:
                connection.request(self.command, self.path, body or None, headers)
            except (BrokenPipeError, ConnectionResetError):
                pass            # it did not read to the end, but may have answered
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def log_message(self, *_):
        pass


class _UnixHandler(_Handler):
    disable_nagle_algorithm = False


class _UnixServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0


class Relay:
    """relay.url is what the near end is given. tls: a PEM file with certificate and key, for
    an https URL; unix: a path to listen on; close_silently: every connection dies after one
    answer, without a word."""

    def __init__(self, upstream=None, hook=None, name=keygen2_name, tls=None, unix=None):
        self.upstream = upstream
        self.hook = hook
        self.name = name
        self.count = 0
        self.seen = []              # (direction, name) in order
        self.paths = []             # of the requests
        self.errors = []
        self.close_silently = False
        self.header_hook = None     # (direction, name, headers: dict), which it may change
        self.lock = threading.Lock()
        self.server = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
                       if unix is None else _UnixServer(str(unix), _UnixHandler))
        self.server.daemon_threads = True
        self.server.relay = self
        scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = ("%s://127.0.0.1:%d" % (scheme, self.server.server_address[1])
                    if unix is None else "unix:%s" % unix)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def apply(self, direction, name, body, count):
        self.seen.append((direction, name))
        if self.hook is None:
            return body
        try:
            changed = self.hook(direction, name, body, count)
        except Drop:
            raise
        except Exception as error:      # shown by the test; the thread's own trace is lost
            self.errors.append(error)
            raise
        return body if changed is None else changed

    def alter_headers(self, direction, name, headers):
        if self.header_hook:
            self.header_hook(direction, name, headers)
        return headers

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def change_message(qualifier, change):
    """A hook that lets change(message: dict) work on the KeyGen2 message of that name."""
    def hook(_direction, name, body, _count):
        if name != qualifier:
            return None
        message = json.loads(body)
        change(message)
        return json.dumps(message, ensure_ascii=False).encode()
    return hook


def flip_bit(raw, position=0):
    """One bit of bytes; position counts bytes, from the end if negative."""
    changed = bytearray(raw)
    changed[position] ^= 1
    return bytes(changed)
