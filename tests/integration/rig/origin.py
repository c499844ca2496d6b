"""A small HTTP server that a relay stands in front of: it tells what it got, in pieces if asked."""

import socket
import socketserver
import threading


class Origin:
    """Runs `script(connection)` for each connection; `connection` is a socket with a reader."""

    def __init__(self, script, wrap=None):
        self.script = script
        self.connections = 0
        self.errors = []
        origin = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                origin.connections += 1
                self.request.settimeout(30)
                try:
                    sock = wrap(self.request) if wrap else self.request
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    script(Connection(sock))
                except (OSError, EOFError):
                    pass
                except Exception as error:      # shown by the test, in its own thread
                    origin.errors.append(repr(error))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http%s://127.0.0.1:%d" % ("s" if wrap else "", self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def line(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n").decode("latin-1")

    def head(self):
        """(method, target, headers with names in lower case)"""
        method, target, _ = self.line().split(" ")
        headers = {}
        while line := self.line():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return method, target, headers

    def chunk(self):
        size = int(self.line(), 16)
        data = self.file.read(size)
        self.line()
        return data

    def body(self, headers):
        if "chunked" not in headers.get("transfer-encoding", ""):
            return self.file.read(int(headers.get("content-length", 0)))
        parts = []
        while data := self.chunk():
            parts.append(data)
        return b"".join(parts)

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def answer(self, body=b"", status="200 OK", headers=()):
        lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body), *headers, "", ""]
        self.send("\r\n".join(lines).encode("latin-1") + body)
