"""What a container asks of the programs: process 1, a root file system that cannot be written, secrets
that are mounted. Each runs in namespaces of its own, by unshare; without the right to that, the tests
are skipped."""

import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from rig import processes
from rig.certificates import Authority
from rig.issuercase import DONE, IO_ERROR, REFUSED, USAGE
from rig.processes import PATIENCE, Issuer, Program, Token, program_path, provision, run
from rig.relaycase import RelayProgram
from rig.testcase import RigTest, write_profile

UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
ENTER = str(Path(__file__).with_name("rig") / "contained.py")


def may_unshare():
    done = subprocess.run([*UNSHARE, "true"], capture_output=True)
    return done.returncode == 0


def contained(command, writable=(), secrets=None):
    """The command as process 1; of all files only those in `writable` can be written."""
    return [*UNSHARE, "/usr/bin/python3", "-B", ENTER, str(secrets or ""),
            ":".join(map(str, writable)), *map(str, command)]


def child_of(pid):
    """The process that unshare has started."""
    deadline = time.time() + PATIENCE
    while time.time() < deadline:
        found = Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()
        if found:
            return int(found[0])
        time.sleep(0.01)
    raise AssertionError("no child of %d" % pid)


class Contained:
    """Of a Program: it is started as process 1 of its container."""

    writable = secrets = None

    def _popen(self):
        with open(self.stderr_path(), "ab") as log:
            return subprocess.Popen(
                contained([program_path(self.name), *self.arguments()], self.writable,
                          self.secrets),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, cwd="/",
                env={**os.environ, **self.environment, "HOME": "/nowhere"})

    def signal(self, number):
        os.kill(child_of(self.process.pid), number)

    def stop(self, timeout=PATIENCE):
        self.signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        processes._running.discard(self)
        return code


class ContainedToken(Contained, Token):
    @property
    def writable(self):
        return [self.store]


class ContainedIssuer(Contained, Issuer):
    @property
    def writable(self):
        return [self.data]


class ContainedRelay(Contained, RelayProgram):
    writable = ()


@unittest.skipUnless(may_unshare(), "unshare is not allowed here")
class ReadOnly(RigTest):
    """Whole enrolments with nothing to write but the data folders; then a stop of each."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start(ContainedToken(cls.new_folder()))
        cls.issuer = cls.start(ContainedIssuer(
            cls.new_folder(), trust=[cls.token.device_ca], https="127.0.0.1:0"))
        cls.relay = cls.start(ContainedRelay(cls.new_folder(), cls.token.url))

    def test_enrolment(self):
        for profile in ("p256-user-pin", "session-2010", "rsa2048-pin-puk"):
            code, outcome, error = provision("%s/kg2/%s" % (self.issuer.url, profile),
                                             self.relay.url)
            self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), error)

    def test_nothing_else_can_be_written(self):
        self.assertNotEqual(subprocess.run(
            contained(["/bin/sh", "-c", "echo x >/tmp/sks-test-contained"], [self.token.store]),
            capture_output=True).returncode, 0)
        self.assertFalse(Path("/tmp/sks-test-contained").exists())

    def test_provision(self):
        """The proxy as process 1, with its state alone."""
        state = self.new_folder()
        done = subprocess.run(
            contained([program_path("sks-proxy"), "provision",
                       self.issuer.url + "/kg2/p256-user-pin", "--token", self.token.url, "--pin",
                       "4711", "--yes"], [state]),
            capture_output=True, text=True, env={**os.environ, "XDG_STATE_HOME": str(state)})
        self.assertEqual(done.returncode, DONE, done.stderr)

    def test_commands(self):
        for folder, command in (
                (self.issuer.data, ["sks-issuer", "purge", "--older-than", "0", "--data",
                                    self.issuer.data]),
                (self.issuer.data, ["sks-issuer", "sessions", "--data", self.issuer.data]),
                (self.token.store, ["sks-token", "list", "--store", self.token.store]),
                (self.token.store, ["sks-token", "check", "--store", self.token.store])):
            done = subprocess.run(contained([program_path(command[0]), *command[1:]], [folder]),
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, DONE, (command, done.stderr))

    def test_rekey(self):
        """It rewrites the whole database."""
        token = Token(self.new_folder())
        self.addCleanup(token.kill)
        done = subprocess.run(contained([program_path("sks-token"), "rekey", "--yes",
                                         "--store", token.store], [token.store]),
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(run("sks-token", "check", "--store", token.store).returncode, DONE)


@unittest.skipUnless(may_unshare(), "unshare is not allowed here")
class FirstProcess(unittest.TestCase):
    """As process 1 a signal without a handler would be lost."""

    def setUp(self):
        self.folder = processes.temporary_folder(self.addCleanup)

    def start(self, *command):
        process = subprocess.Popen(contained(command, [self.folder]), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        return process

    def end(self, process, number, code):
        os.kill(child_of(process.pid), number)
        self.assertEqual(process.wait(20), code)
        process.communicate()

    def test_servers(self):
        store, data = self.folder / "store", self.folder / "data"
        self.assertEqual(run("sks-token", "init", "--store", store).returncode, DONE)
        for command in (("sks-token", "serve", "--store", store, "--listen", "127.0.0.1:0"),
                        ("sks-issuer", "serve", "--data", data, "--http", "127.0.0.1:0",
                         "--profiles", processes.PROFILES),
                        ("sks-proxy", "relay", "--to", "unix:x", "--listen", "127.0.0.1:0")):
            for number in (signal.SIGTERM, signal.SIGINT):
                process = self.start(program_path(command[0]), *command[1:])
                self.assertTrue(process.stdout.readline().startswith("ready "))
                self.end(process, number, 0)

    def test_the_second_signal_ends_an_issuer_at_once(self):
        process = self.start(program_path("sks-issuer"), "serve", "--data", self.folder / "data",
                             "--http", "127.0.0.1:0", "--profiles", processes.PROFILES,
                             "--stop-seconds", "600")
        address = urlsplit(process.stdout.readline().split()[1])
        with socket.create_connection((address.hostname, address.port)) as slow:
            slow.sendall(b"POST /kg2/p256-user-pin HTTP/1.1\r\nHost: x\r\n")
            time.sleep(0.2)
            pid = child_of(process.pid)
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.3)
            self.end(process, signal.SIGTERM, 128 + signal.SIGTERM)

    def test_one_that_waits_for_a_peer(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = "http://127.0.0.1:%d" % silent.getsockname()[1]
            process = self.start(program_path("sks-proxy"), "provision", url + "/kg2/x", "--token",
                                 url, "--pin", "4711", "--yes", "--state", self.folder)
            peer, _ = silent.accept()       # kept: a closed one would be an answer
            self.addCleanup(peer.close)
            self.end(process, signal.SIGTERM, REFUSED)
            process = self.start(program_path("sks-token"), "healthcheck", url, "--timeout", "600")
            peer, _ = silent.accept()       # kept: a closed one would be an answer
            self.addCleanup(peer.close)
            self.end(process, signal.SIGTERM, 128 + signal.SIGTERM)

    def test_a_closed_pipe_ends_no_server(self):
        store = self.folder / "store"
        self.assertEqual(run("sks-token", "init", "--store", store).returncode, DONE)
        process = self.start(program_path("sks-token"), "serve", "--store", store, "--listen",
                             "unix:%s" % (self.folder / "s"))
        process.stdout.readline()
        process.stdout.close()
        os.kill(child_of(process.pid), signal.SIGPIPE)
        self.assertEqual(run("sks-token", "healthcheck",
                             "unix:%s" % (self.folder / "s")).returncode, DONE)
        os.kill(child_of(process.pid), signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)

    def test_orphans_are_waited_for(self):
        """Of a command that leaves processes behind nothing is left once the next one has run."""
        profiles = write_profile(self.folder / "profiles", "open")
        token = Token(self.folder)
        self.addCleanup(token.kill)
        token.start()
        issuer = ContainedIssuer(self.folder, trust=[token.device_ca], profiles=profiles, options=(
            "--external-ca", "(sleep 0.1; exit 3) & (sleep 0.1) & exit 1"))
        self.addCleanup(issuer.kill)
        issuer.start()
        pid = child_of(issuer.process.pid)
        for _ in range(3):
            self.assertEqual(provision(issuer.url + "/kg2/open", token.url)[0], REFUSED)
            time.sleep(0.5)
        children = Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()
        self.assertLessEqual(len(children), 2 + 1)      # those of the last one
        self.assertEqual(issuer.stop(), 0)


@unittest.skipUnless(may_unshare(), "unshare is not allowed here")
class Secrets(unittest.TestCase):
    """Keys below /run/secrets, which anybody may read; elsewhere they are refused."""

    def setUp(self):
        self.folder = processes.temporary_folder(self.addCleanup)
        self.secrets = self.folder / "secrets"
        self.secrets.mkdir()

    def contained(self, *command):
        done = subprocess.run(contained([program_path(command[0]), *command[1:]], [self.folder],
                                        self.secrets), capture_output=True, text=True)
        return done.returncode, done.stderr

    def test_master_key(self):
        key = self.secrets / "master"
        key.write_text("5a" * 32 + "\n")
        key.chmod(0o444)
        store = self.folder / "store"
        named = ("--master-key", "/run/secrets/master")
        self.assertEqual(self.contained("sks-token", "init", "--store", store, *named)[0], DONE)
        self.assertFalse((store / "master.key").exists())
        self.assertEqual(self.contained("sks-token", "list", "--store", store, *named)[0], DONE)
        link = self.folder / "link"
        link.symlink_to("/run/secrets/master")
        self.assertEqual(self.contained("sks-token", "list", "--store", store, "--master-key",
                                        link)[0], DONE)
        for refused in (key, "/run/secrets/../../%s" % key):    # not by that name
            code, error = self.contained("sks-token", "list", "--store", store, "--master-key",
                                         refused)
            self.assertEqual(code, IO_ERROR)
            self.assertIn("it must have mode 0600", error)
        key.chmod(0o600)
        self.assertEqual(run("sks-token", "list", "--store", store, "--master-key",
                             key).returncode, DONE)

    def test_init_again(self):
        """A container that initialises its volume does so at each start."""
        store = self.folder / "store"
        for wanted in ("device key made and certified", "is initialised already"):
            done = run("sks-token", "init", "--store", store, "--if-missing")
            self.assertEqual(done.returncode, DONE, done.stderr)
            self.assertIn(wanted, done.stdout)
        self.assertEqual(run("sks-token", "init", "--store", store).returncode, REFUSED)
        (store / "master.key").write_text("00" * 32)
        self.assertEqual(run("sks-token", "init", "--store", store, "--if-missing").returncode,
                         IO_ERROR)

    def test_init_does_not_make_one_where_it_may_not(self):
        code, error = self.contained("sks-token", "init", "--store", self.folder / "store",
                                     "--master-key", "/nowhere/master")
        self.assertEqual(code, IO_ERROR, error)

    def test_ca_key(self):
        authority = Authority("Outside CA")
        write_authority(authority, self.secrets)
        (self.secrets / "ca.key").chmod(0o444)
        data = self.folder / "data"
        settings = ("--ca-key", "/run/secrets/ca.key", "--ca-cert", "/run/secrets/ca.pem")
        code, error = self.contained("sks-issuer", "init", "--data", data, *settings)
        self.assertEqual(code, DONE, error)
        self.assertEqual(os.readlink(data / "ca.key"), "/run/secrets/ca.key")
        for command in (("init", *settings), ("init",), ("roll-over", "--evidence-key")):
            code, error = self.contained("sks-issuer", command[0], "--data", data, *command[1:])
            self.assertEqual(code, DONE, (command, error))
        done = run("sks-issuer", "roll-over", "--evidence-key", "--data", data)
        self.assertEqual(done.returncode, IO_ERROR)     # here there is no such secret


class CaElsewhere(RigTest):
    """An issuer whose CA key is a file that it was given."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.authority = Authority("Outside CA")
        cls.ca = cls.new_folder()
        write_authority(cls.authority, cls.ca)
        cls.issuer = cls.start(WithCa(cls.new_folder(), cls.ca, trust=[cls.token.device_ca]))

    def test_it_certifies(self):
        code, outcome, error = provision(self.issuer.url + "/kg2/p256-user-pin", self.token.url)
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), error)
        rows = processes.run_json("sks-issuer", "keys", "--data", self.issuer.data, "--json")
        self.assertEqual(len(rows["keys"]), 1)
        self.assertEqual((self.issuer.data / "ca.pem").read_bytes().strip(),
                         (self.ca / "ca.pem").read_bytes().strip())
        self.issuer.restart()

    def refused(self, code, why, *options, data=None):
        done = run("sks-issuer", "init", "--data", data or self.folder / "refused", *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(why, done.stderr)

    def test_refusals(self):
        key, certificate = self.ca / "ca.key", self.ca / "ca.pem"
        other = self.new_folder()
        write_authority(Authority("Another CA"), other)
        self.refused(USAGE, "need each other", "--ca-key", key)
        self.refused(USAGE, "need each other", "--ca-cert", certificate)
        self.refused(IO_ERROR, "--ca-cert", "--ca-key", key, "--ca-cert", other / "ca.pem")
        self.refused(USAGE, "is another CA", "--ca-key", other / "ca.key", "--ca-cert",
                     other / "ca.pem", data=self.issuer.data)
        readable = other / "readable.key"
        readable.write_bytes(key.read_bytes())
        readable.chmod(0o640)
        self.refused(IO_ERROR, "it must have mode 0600", "--ca-key", readable, "--ca-cert",
                     certificate)
        self.assertFalse((self.folder / "refused").exists())

    def test_one_of_its_own_is_kept(self):
        data = self.folder / "own"
        self.assertEqual(run("sks-issuer", "init", "--data", data).returncode, DONE)
        key = (data / "ca.key").read_bytes()
        self.refused(USAGE, "is another CA", "--ca-key", self.ca / "ca.key", "--ca-cert",
                     self.ca / "ca.pem", data=data)
        self.assertEqual((data / "ca.key").read_bytes(), key)

    def test_the_secret_moves(self):
        moved = self.new_folder()
        write_authority(self.authority, moved)
        data = self.folder / "moved"
        for folder in (self.ca, moved, moved):
            done = run("sks-issuer", "init", "--data", data, "--ca-key", folder / "ca.key",
                       "--ca-cert", folder / "ca.pem")
            self.assertEqual(done.returncode, DONE, done.stderr)
            self.assertEqual(os.readlink(data / "ca.key"), str(folder / "ca.key"))


def write_authority(authority, folder):
    authority.write_pem(folder / "ca.pem")
    (folder / "ca.key").write_bytes(authority.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    (folder / "ca.key").chmod(0o600)


class WithCa(Issuer):
    def __init__(self, folder, ca, **options):
        self.ca = ca
        Program.__init__(self, folder)
        self.data = self.folder / "data"
        self.trust = list(options["trust"])
        self.profiles = processes.PROFILES
        self.listen = {"http": "127.0.0.1:0", "https": None}
        self.options = ("--ca-key", ca / "ca.key", "--ca-cert", ca / "ca.pem")


if __name__ == "__main__":
    unittest.main()
