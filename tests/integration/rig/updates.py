"""Test classes about the commands of updates, and a server that updates come from."""

import http.server
import ssl
import threading

from .certificates import generate
from .firmware import write_private, write_public
from .processes import run
from .testcase import RigTest

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)
OCTETS = "application/octet-stream"


def serve_in_thread(test, server):
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return server


class _FileHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, kind, body = self.server.files.get(self.path, (404, "text/plain", b"no"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/0.chunk")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class UpdateServer(http.server.ThreadingHTTPServer):
    """Serves what is put into `files`: {path: (status, content type, body)}."""

    def __init__(self, tls=None):
        super().__init__(("127.0.0.1", 0), _FileHandler)
        self.files, self.asked = {}, []
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = "%s://127.0.0.1:%d" % ("https" if tls else "http", self.server_port)

    def handle_error(self, request, client_address):
        pass    # a client that does not trust the certificate

    def put(self, path, body, kind=OCTETS, status=200):
        self.files[path] = (status, kind, body)

    def put_all(self, made):
        for index, data in enumerate(made):
            self.put("/%d.chunk" % index, data)


class UpdateCase(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.key = generate("Ed25519")
        cls.private = write_private(cls.key, cls.folder / "update.key")
        cls.public = write_public(cls.key, cls.folder / "update.pem")

    def setUp(self):
        self.tmp = self.new_folder()

    def done(self, code, *arguments, environment=None, text=""):
        done = run("sks-token", *arguments, environment=environment)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        if code == DONE:
            self.assertEqual(done.stderr, "")
        else:
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stdout, "")
        return done.stdout

    def write(self, name, data):
        path = self.tmp / name
        path.write_bytes(data)
        return path
