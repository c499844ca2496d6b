"""The real programs: start, wait for the ready line, kill, start again, stop.

Only processes that were started here are ever ended, by their pid; they die with this process too.
"""

import atexit
import concurrent.futures
import ctypes
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from . import ports

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("SKS_BUILD") or ROOT / "build").resolve()
PROFILES = ROOT / "issuer" / "profiles"
# For what must happen: no measure of how fast a machine is.
PATIENCE = 120
READY_TIMEOUT = RUN_TIMEOUT = STOP_TIMEOUT = PATIENCE
PR_SET_PDEATHSIG = 1

# PR_SET_PDEATHSIG follows the thread that started the child: so one thread, which lives as long as
# this process, starts them all.
_starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)
_libc = ctypes.CDLL(None)
_running = set()


# What sks-proxy keeps must not lie with what the developer's own one keeps.
_state = Path(tempfile.mkdtemp(prefix="sks-state-"))
os.environ["XDG_STATE_HOME"] = str(_state)
_owner = os.getpid()


@atexit.register
def _remove_state():
    if os.getpid() == _owner:
        remove_folder(_state)


@atexit.register
def _end_all():
    for program in list(_running):
        program.kill()


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def begin_worker():
    """In a forked process: it dies with its parent, and starts programs of its own."""
    global _starter
    _starter = concurrent.futures.ThreadPoolExecutor(max_workers=1)
    _running.clear()
    _die_with_parent()


def program_path(name):
    return BUILD / name


def sanitized(name):
    """Whether the program was built with a sanitizer, which keeps freed memory for itself."""
    return b"__asan_init" in program_path(name).read_bytes()


def run(name, *arguments, timeout=RUN_TIMEOUT, environment=None, text=True):
    """Runs a program to its end."""
    command = [program_path(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=text, timeout=timeout,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})


def run_json(name, *arguments):
    """The one JSON object that a command prints on stdout; it must exit with 0."""
    done = run(name, *arguments)
    if done.returncode != 0:
        raise AssertionError("%s %s: exit %d: %s" % (
            name, " ".join(map(str, arguments)), done.returncode, done.stderr.strip()))
    return json.loads(done.stdout)


def wait_for(happened, told=lambda: "", pause=0.02):
    """Until happened() is true, which is what it returns; told() is what else there is to say."""
    until = time.monotonic() + PATIENCE
    while not (found := happened()):
        if time.monotonic() > until:
            raise AssertionError("it does not happen: %s" % (told(),))
        time.sleep(pause)
    return found


def temporary_folder(add_cleanup):
    """A new folder; short, as it may hold Unix sockets. @param add_cleanup  a test's addCleanup() or
    its class's addClassCleanup(), which removes it"""
    folder = Path(tempfile.mkdtemp(prefix="sks-"))
    add_cleanup(remove_folder, folder)
    return folder


def remove_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)


class Program:
    """One `serve` that can be killed and started again on the same address."""

    name = None
    environment = {}    # on top of this process's own

    def __init__(self, folder):
        self.folder = Path(folder)
        self.process = None
        self.ready = None
        self.starts = 0

    def arguments(self):
        raise NotImplementedError

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        self.starts += 1
        self.process = _starter.submit(self._popen).result()
        _running.add(self)
        lines = queue.Queue()
        threading.Thread(target=self._read, args=(self.process, lines), daemon=True).start()
        try:
            line = lines.get(timeout=READY_TIMEOUT)
        except queue.Empty:
            line = ""
        if not line.startswith("ready "):
            code = self.process.poll()
            self.kill()
            raise AssertionError("%s: no ready line but %r, exit %s, stderr: %s"
                                 % (self.name, line, code, self.stderr()[-2000:]))
        self.ready = line.split()[1:]
        self.on_ready()
        return self

    def on_ready(self):
        """Remembers the addresses, so that a restart takes the same."""

    def _popen(self):
        with open(self.stderr_path(), "ab") as log:
            return subprocess.Popen([program_path(self.name), *map(str, self.arguments())],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                    preexec_fn=_die_with_parent, text=True,
                                    env={**os.environ, **self.environment})

    @staticmethod
    def _read(process, lines):
        lines.put(process.stdout.readline())
        for _ in process.stdout:
            pass
        process.stdout.close()

    def stderr_path(self):
        return self.folder / (self.name + ".stderr")

    def stderr(self):
        return self.stderr_path().read_text(errors="replace")

    def kill(self):
        """kill -9"""
        _running.discard(self)
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def restart(self):
        self.kill()
        return self.start()

    def stop(self, timeout=STOP_TIMEOUT):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        code = self.process.wait(timeout)
        _running.discard(self)
        return code

    def alive(self):
        return self.process.poll() is None


def address(url):
    return urlsplit(url).netloc


class Token(Program):
    name = "sks-token"

    def __init__(self, folder, listen="127.0.0.1:0", init=True, device_ca=None, device_key=None,
                 options=()):
        super().__init__(folder)
        self.store = self.folder / "store"
        self.listen = ports.steady(listen)
        self.options = options
        if init:
            extra = ["--device-ca", device_ca] if device_ca else []
            extra += ["--device-key", device_key] if device_key else []
            done = run(self.name, "init", "--store", self.store, *extra)
            if done.returncode != 0:
                raise AssertionError("sks-token init: %s" % done.stderr)

    def arguments(self):
        return ["serve", "--store", self.store, "--listen", self.listen, *self.options]

    def on_ready(self):
        if not self.listen.startswith("unix:"):
            self.listen = address(self.url)

    @property
    def url(self):
        return self.ready[0]

    @property
    def device_ca(self):
        return self.store / "device-ca.pem"

    def list(self):
        return run_json(self.name, "list", "--store", self.store, "--json")["keys"]


class Issuer(Program):
    name = "sks-issuer"
    environment = {"SKS_ISSUER_STOP_SECONDS": "0"}  # idle connections would take a second each time

    def __init__(self, folder, trust=(), profiles=PROFILES, http="127.0.0.1:0", https=None,
                 options=()):
        super().__init__(folder)
        self.data = self.folder / "data"
        self.trust = list(trust)
        self.profiles = profiles
        self.listen = {"http": ports.steady(http), "https": ports.steady(https)}
        self.options = options
        done = run(self.name, "init", "--data", self.data)
        if done.returncode != 0:
            raise AssertionError("sks-issuer init: %s" % done.stderr)

    def arguments(self):
        arguments = ["serve", "--data", self.data, "--profiles", self.profiles]
        for scheme, listen in self.listen.items():
            arguments += ["--" + scheme, listen] if listen else []
        for source in self.trust:
            arguments += ["--trust", source]
        return arguments + list(self.options)

    def on_ready(self):
        for name, url in zip([None] + self.ready, self.ready):
            if "://" in url and name != "manage":
                self.listen[urlsplit(url).scheme] = address(url)

    @property
    def url(self):
        return next(url for url in self.ready if url.startswith("http://"))

    @property
    def manage_url(self):
        return self.ready[self.ready.index("manage") + 1]

    @property
    def https_url(self):
        return next(url for url in self.ready if url.startswith("https://"))

    def sessions(self):
        return run_json(self.name, "sessions", "--data", self.data, "--json")["sessions"]

    def session(self, session_id):
        return next(row for row in self.sessions() if row["id"] == session_id)

    def evidence(self, session_id):
        return run_json(self.name, "evidence", session_id, "--data", self.data, "--json")


def spawn(name, *arguments):
    """Starts a program that the caller waits for."""
    return _starter.submit(
        subprocess.Popen, [program_path(name), *map(str, arguments)], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=_die_with_parent).result()


def provision(url, token_url, *options, pin="4711", timeout=RUN_TIMEOUT):
    """One enrolment by sks-proxy: (exit code, the JSON outcome, stderr)."""
    done = run("sks-proxy", "provision", url, "--token", token_url, "--pin", pin, "--yes",
               "--json", *options, timeout=timeout)
    try:
        outcome = json.loads(done.stdout)
    except ValueError:
        raise AssertionError("sks-proxy: exit %d, stdout %r, stderr %s" % (
            done.returncode, done.stdout, done.stderr)) from None
    return done.returncode, outcome, done.stderr


# /proc

def resident_bytes(pid):
    fields = Path("/proc/%d/statm" % pid).read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def open_descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))
