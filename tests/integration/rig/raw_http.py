"""HTTP by hand, for requests that no HTTP library would make."""

import socket
import time
from urllib.parse import urlsplit


def connect(url, timeout=45):
    if url.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(url.removeprefix("unix:"))
        return sock
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def host(url):
    return "localhost" if url.startswith("unix:") else urlsplit(url).netloc


def head(url, path, method="POST", headers=()):
    """The head of a request; Host is that of the URL unless headers say other."""
    fields = {"Host": host(url), **dict(headers)}
    lines = ["%s %s HTTP/1.1" % (method, path)]
    lines += ["%s: %s" % field for field in fields.items() if field[1] is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def read_all(sock):
    """What comes until the other end closes; a reset counts as a close."""
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except (ConnectionResetError, BrokenPipeError):
        pass
    return received


def read_answer(sock, bodiless=False):
    """(status, headers, body) of one answer; status 0 if the connection closed without one.
    An answer to HEAD is bodiless, whatever its Content-Length says."""
    received = b""
    while b"\r\n\r\n" not in received:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return 0, {}, received
        received += data
    top, body = received.split(b"\r\n\r\n", 1)
    lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip()
               for name, value in (line.split(":", 1) for line in lines[1:])}
    while not bodiless and len(body) < int(headers.get("content-length", 0)):
        data = sock.recv(65536)
        if not data:
            break
        body += data
    return int(lines[0].split()[1]), headers, body


def exchange(url, raw, timeout=45):
    """Sends bytes on a new connection; (status, headers, body)."""
    with connect(url, timeout) as sock:
        try:
            sock.sendall(raw)
        except (ConnectionResetError, BrokenPipeError):
            pass                # it may answer and close before it has read all
        return read_answer(sock, bodiless=raw.startswith(b"HEAD "))


def closed(sock, within=2):
    """Whether the other end closes the connection in time, sending nothing more."""
    sock.settimeout(within)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except socket.timeout:
        return False


def trickle(url, start, piece, pause, limit):
    """Sends start, then piece after piece; (seconds until the close, what was received)."""
    began = time.monotonic()
    with connect(url) as sock:
        sock.sendall(start)
        sock.settimeout(pause)
        while time.monotonic() - began < limit:
            try:
                data = sock.recv(65536)
                return time.monotonic() - began, data
            except socket.timeout:
                try:
                    sock.sendall(piece)
                except (ConnectionResetError, BrokenPipeError):
                    return time.monotonic() - began, b""
            except ConnectionResetError:
                return time.monotonic() - began, b""
    return None, b""
