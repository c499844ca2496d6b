"""Test classes about the command line of sks-token, on a store that is served or lies still."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

from . import mitm
from .keycase import KeyTest
from .processes import RUN_TIMEOUT, program_path
from .sks_types import Reader, encode_table
from .sks_wire import METHODS

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)
VARIABLES = {"pin": "SKS_TOKEN_PIN", "puk": "SKS_TOKEN_PUK", "new": "SKS_TOKEN_NEW_PIN"}
TEXTUAL = ("info", "list", "show", "sessions", "delete", "change-pin", "set-pin", "unlock",
           "abort")
PROMPT_TIMEOUT = 20


def environment_of(secrets):
    """The environment with PINs and PUKs by the keys of VARIABLES, and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SKS_TOKEN_")}
    return {**kept, **{VARIABLES[name]: value for name, value in secrets.items()}}


def command_line(store, command, *arguments):
    return [program_path("sks-token"), command, "--store", str(store), *map(str, arguments)]


def sks_token(store, command, *arguments, stdin=b"", **secrets):
    """Runs it to its end: code, out (bytes), text (of out), err (text)."""
    done = subprocess.run(command_line(store, command, *arguments), input=stdin,
                          capture_output=True, timeout=RUN_TIMEOUT,
                          env=environment_of(secrets))
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr.decode(),
                           text=done.stdout.decode(errors="replace"))


class Terminal:
    """A program at a terminal, with a person who answers prompts; `shown` is all that the
    terminal displayed. stdout=False keeps its output off the terminal."""

    def __init__(self, line, stdout=True, **secrets):
        self.raw, self.shown, self.seen = b"", "", 0
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            line, stdin=slave, stdout=slave if stdout else subprocess.DEVNULL, stderr=slave,
            start_new_session=True, env=environment_of(secrets),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))   # as a shell's
        os.close(slave)

    def _read(self):
        """False at the end of the output."""
        ready, _, _ = select.select([self.master], [], [], PROMPT_TIMEOUT)
        if not ready:
            raise AssertionError("nothing more after %r" % self.shown)
        try:
            self.raw += os.read(self.master, 65536)
        except OSError:                 # Linux: the other side is closed
            return False
        self.shown = self.raw.decode(errors="replace")
        return True

    def wait_for(self, text):
        """Until the text was shown, behind what the last call waited for."""
        while text not in self.shown[self.seen:]:
            if not self._read():
                raise AssertionError("no %r in %r" % (text, self.shown))
        self.seen = self.shown.index(text, self.seen) + len(text)
        return self

    def answer(self, prompt, line):
        return self.wait_for(prompt).type(line)

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")
        return self

    def type_end(self):
        """Control-D, at the start of a line: the end of the input."""
        os.write(self.master, b"\x04")
        return self

    def arguments(self):
        """What every process of the machine can read of it."""
        with open("/proc/%d/cmdline" % self.process.pid, "rb") as file:
            return file.read()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def hang_up(self):
        """What a program is sent when its terminal goes away."""
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        """If it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def finish(self):
        """The exit code; the output is read to its end."""
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(PROMPT_TIMEOUT)


class CliTest(KeyTest):
    """`direct` ones stop the server while a command runs, so that it opens the store itself."""

    direct = False

    @contextmanager
    def as_it_is_run(self):
        if not self.direct:
            yield
            return
        self.sks.close()
        self.assertEqual(self.token.stop(), 0, self.token.stderr())
        try:
            yield
        finally:
            self.token.start()

    def command(self, command, *arguments, code=DONE, **options):
        with self.as_it_is_run():
            done = sks_token(self.token.store, command, *arguments, **options)
        self.assertEqual(done.code, code, (done.text[:2000], done.err))
        if code == DONE:
            self.assertEqual(done.err, "")
        else:
            self.assertEqual(done.out, b"", "nothing but the error")
            self.assertTrue(done.err.startswith("sks-token: "), done.err)
        escapes = "\x1b" in done.err or (command in TEXTUAL and "\x1b" in done.text)
        self.assertFalse(escapes, "escape codes, but no terminal")
        return done

    def refused(self, *arguments, text=".", code=REFUSED, **options):
        """The error text, which matches a regular expression."""
        error = self.command(*arguments, code=code, **options).err
        self.assertRegex(error, text)
        return error

    def data(self, *arguments, **options):
        return json.loads(self.command(*arguments, "--json", **options).out)

    @contextmanager
    def terminal(self, command, *arguments, code=DONE, **options):
        """A Terminal; in the end its exit code is compared."""
        with self.as_it_is_run():
            terminal = Terminal(command_line(self.token.store, command, *arguments), **options)
            try:
                yield terminal
                self.assertEqual(terminal.finish(), code, terminal.shown)
            finally:
                terminal.kill()

    def write(self, name, content, mode=0o600):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path


def both_ways(module, *mixins, base=CliTest):
    """Two test classes of each, for the name space of the module."""
    return {mixin.__name__ + suffix: type(mixin.__name__ + suffix, (mixin, base),
                                          {"direct": direct, "__module__": module})
            for mixin in mixins for suffix, direct in (("Beside", False), ("Direct", True))}


class AlteredToken:
    """A store whose server is a relay to a live token; `alter` maps the name of a method to a
    function that gets its outputs (a dict) and changes them, `answer` to one that gets its inputs
    and returns the outputs. The methods in `dropped` get no answer and never arrive."""

    def __init__(self, folder, upstream):
        self.store = folder
        self.alter, self.answer, self.dropped = {}, {}, set()
        (folder / "token.db").touch()
        self.lock = open(folder / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.relay = mitm.Relay(upstream, self._hook, mitm.sks_name,
                                unix=folder / "control.sock")
        self.calls = []

    def _hook(self, direction, name, body, _count):
        _, inputs, outputs = METHODS[name]
        if direction == "request":
            self.calls.append((name, Reader(body[1:]).table(inputs)))
            if name in self.dropped:
                raise mitm.Drop
            return None
        if name in self.answer:
            return b"\0" + encode_table(outputs, self.answer[name](self.calls[-1][1]))
        if name in self.alter and body[0] == 0:
            values = Reader(body[1:]).table(outputs)
            self.alter[name](values)
            return b"\0" + encode_table(outputs, values)
        return None

    def close(self):
        self.relay.close()
        self.lock.close()
