"""The programs where what is around them fails: no standard output, folders that cannot be read,
keys that are lost, addresses at which nobody is, names that are no text."""

import contextlib
import json
import os
import shutil
import subprocess

from rig import clock
from rig.processes import BUILD, Issuer, Token, run
from rig.relaycase import RelayProgram
from rig.testcase import RigTest, write_profile

DONE, REFUSED, USAGE, IO_ERROR = range(4)
NOT_TEXT = b"\xff\xfe"
NOBODY = 65534


def run_raw(program, *arguments, **options):
    """As run(), of arguments that may be bytes; the output is bytes."""
    return subprocess.run([BUILD / program, *arguments], capture_output=True, timeout=120,
                          stdin=subprocess.DEVNULL, **options)


def programs_for_all(folder):
    """Copies that any user may run."""
    os.chmod(folder, 0o755)
    for name in ("sks-token", "sks-issuer"):
        shutil.copy(BUILD / name, folder)
    return folder


def run_bound(program, *arguments):
    """By a user whom modes of files bind: if it is not this one, by nobody."""
    other = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, **other)


class StandardOutput(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = Token(cls.new_folder())
        cls.issuer = Issuer(cls.new_folder())

    def close_first(self, descriptor, program, *arguments):
        return run_raw(program, *arguments, preexec_fn=lambda: os.close(descriptor))

    def test_closed_output_is_no_file_of_ours(self):
        """The number of a closed descriptor must not go to a file that is opened next."""
        (self.folder / "data").write_text("x")
        for program, *arguments in (
                ("sks-token", "serve", "--store", self.token.store, "--listen", "127.0.0.1:0"),
                ("sks-issuer", *self.issuer.arguments())):
            with self.subTest(program):
                done = self.close_first(1, program, *arguments)
                self.assertEqual(done.returncode, IO_ERROR, done.stderr)
                self.assertIn(b"standard output", done.stderr)
        for folder in (self.token.store, self.issuer.data):
            self.assertEqual((folder / "lock").read_bytes(), b"")

    def test_closed_errors_go_nowhere(self):
        """A complaint must not stand in the file that a command has open."""
        folder = self.new_folder()
        done = self.close_first(2, "sks-token", "list", "--store", folder / "none")
        self.assertEqual((done.returncode, done.stdout), (IO_ERROR, b""))
        done = self.close_first(2, "sks-token", "init", "--store", self.token.store)
        self.assertNotEqual(done.returncode, DONE)
        self.assertEqual((self.token.store / "lock").read_bytes(), b"")

    def test_full(self):
        """A server that nobody can find does not stay; nothing ends without a word."""
        for program, *arguments in (
                ("sks-token", "serve", "--store", Token(self.new_folder()).store, "--listen",
                 "127.0.0.1:0"),
                ("sks-token", "--version"),
                ("sks-issuer", "check-profile", "--schema"),
                ("sks-proxy", "attacks", "--schema"),
                ("sks-proxy", "attacks", "--json")):
            with self.subTest(" ".join((program, arguments[0]))), open("/dev/full", "wb") as full:
                done = subprocess.run([BUILD / program, *arguments], stdout=full,
                                      stderr=subprocess.PIPE, timeout=120)
                self.assertEqual(done.returncode, IO_ERROR)
                self.assertIn(b"standard output", done.stderr)


class NoText(RigTest):
    """Names of files and hosts are octets; JSON is UTF-8 all the same."""

    @classmethod
    def set_up_rig(cls):
        cls.issuer = Issuer(cls.new_folder())

    def test_check_profile(self):
        path = os.fsencode(self.folder) + b"/" + NOT_TEXT + b".json"
        done = run_raw("sks-issuer", "check-profile", path, "--json")
        self.assertNotEqual(done.returncode, DONE)
        profiles = json.loads(done.stdout)["profiles"]
        self.assertEqual([profile["valid"] for profile in profiles], [False])
        self.assertTrue(profiles[0]["error"])

    def test_healthchecks(self):
        for program, address in (("sks-token", b"unix:"), ("sks-proxy", b"unix:"),
                                 ("sks-issuer", b"http://")):
            with self.subTest(program):
                done = run_raw(program, "healthcheck", address + NOT_TEXT, "--json")
                self.assertNotEqual(done.returncode, DONE)
                if program != "sks-issuer":
                    self.assertFalse(json.loads(done.stdout)["healthy"])

    def test_invitation_of_a_bad_address(self):
        """A code that is made is shown, or none is made."""
        done = run_raw("sks-issuer", "invite", "x", "--data", self.issuer.data, "--json",
                       "--public-url", b"http://" + NOT_TEXT)
        self.assertEqual((done.returncode, done.stdout), (USAGE, b""), done.stderr)
        listed = json.loads(run("sks-issuer", "invitations", "--data", self.issuer.data,
                                "--json").stdout)
        self.assertEqual(listed["invitations"], [])


class Unreadable(RigTest):
    """What is there and cannot be looked at is not said to be missing."""

    @classmethod
    def set_up_rig(cls):
        cls.token = Token(cls.new_folder())
        cls.issuer = Issuer(cls.new_folder())

    def test_a_path_through_a_file(self):
        done = run("sks-token", "list", "--store", self.token.store / "token.db")
        self.assertEqual(done.returncode, IO_ERROR)
        self.assertIn("Not a directory", done.stderr)
        done = run("sks-issuer", "sessions", "--data", self.issuer.data / "issuer.db")
        self.assertEqual(done.returncode, IO_ERROR)
        self.assertIn("Not a directory", done.stderr)

    def test_said_once(self):
        done = run("sks-vectors", "check", self.folder / "none.json")
        self.assertEqual(done.returncode, IO_ERROR)
        self.assertEqual(done.stderr.count("none.json"), 1, done.stderr)

    def test_folders_of_somebody_else(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be somebody else")
        programs = programs_for_all(self.new_folder())
        for name, *arguments in (("sks-token", "list", "--store", self.token.store),
                                 ("sks-issuer", "sessions", "--data", self.issuer.data)):
            done = run_bound(programs / name, *arguments)
            self.assertEqual(done.returncode, IO_ERROR)
            self.assertIn("Permission denied", done.stderr)
            self.assertNotIn("init", done.stderr, "which would not help")


class Unwritable(RigTest):
    """Which file or folder it is that cannot be written, and what to do."""

    @classmethod
    def set_up_rig(cls):
        cls.bound = programs_for_all(cls.new_folder())
        cls.store, cls.data = (cls.own_folder() / name for name in ("store", "data"))
        for name, *arguments in (("sks-token", "init", "--store", cls.store),
                                 ("sks-issuer", "init", "--data", cls.data)):
            run_bound(cls.bound / name, *arguments).check_returncode()

    @classmethod
    def own_folder(cls):
        folder = cls.new_folder()
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    @contextlib.contextmanager
    def read_only(self, path):
        mode = path.stat().st_mode & 0o777
        path.chmod(mode & 0o555)
        yield
        path.chmod(mode)

    def assert_told(self, path, program, *arguments):
        done = run_bound(self.bound / program, *arguments)
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
        self.assertRegex(done.stderr, r"%s: cannot be written \(Permission denied\); make it"
                         r" writable for the user that this program runs as, uid \d+\n$" % path)

    def test_a_store(self):
        for path in (self.store / "token.db", self.store / "lock", self.store):
            for command in (("list",), ("serve", "--listen", "127.0.0.1:0")):
                with self.subTest(path, command=command), self.read_only(path):
                    self.assert_told(path, "sks-token", *command, "--store", self.store)
        self.assertEqual(run_bound(self.bound / "sks-token", "list", "--store",
                                   self.store).returncode, DONE)

    def test_a_data_folder(self):
        purge = "purge", "--older-than", "1"
        serve = ("serve", "--http", "127.0.0.1:0", "--profiles",
                 write_profile(self.own_folder(), "plain"))
        for path in (self.data / "issuer.db", self.data):
            for command in (purge, serve):
                with self.subTest(path, command=command), self.read_only(path):
                    self.assert_told(path, "sks-issuer", *command, "--data", self.data)
            for log in self.data.glob("issuer.db-*"):
                log.unlink()
        with self.read_only(self.data / "serve.lock"):
            self.assert_told(self.data / "serve.lock", "sks-issuer", *serve, "--data", self.data)


class LostKeys(RigTest):
    """What a database depends on is not made anew beside it."""

    @classmethod
    def set_up_rig(cls):
        pass

    def test_each(self):
        issuer = Issuer(self.new_folder())
        self.assertEqual(run("sks-issuer", "sessions", "--data", issuer.data).returncode, DONE)
        for name in ("seal.key", "kmk-1.key", "ca.key", "ca.pem"):
            with self.subTest(name):
                path, away = issuer.data / name, self.folder / name
                shutil.move(path, away)
                for arguments in (issuer.arguments(), ("init", "--data", issuer.data)):
                    done = run("sks-issuer", *arguments, timeout=60)
                    self.assertEqual(done.returncode, IO_ERROR, done.stdout)
                    self.assertIn(name, done.stderr)
                    self.assertIn("put it back", done.stderr)
                    self.assertFalse(path.exists())
                shutil.move(away, path)
        self.assertEqual(run("sks-issuer", "init", "--data", issuer.data).returncode, DONE)

    def test_before_the_database(self):
        """An init that was cut off is finished by the next."""
        issuer = Issuer(self.new_folder())
        for path in issuer.data.glob("issuer.db*"):
            path.unlink()
        (issuer.data / "seal.key").unlink()
        self.assertEqual(run("sks-issuer", "init", "--data", issuer.data).returncode, DONE)
        self.assertTrue((issuer.data / "seal.key").exists())


class OtherClock(RigTest):
    """What waits for a time waits as long as it is told, whatever the machine's clock says."""

    @classmethod
    def set_up_rig(cls):
        clock.install()
        clock.skip(3600)
        cls.token = cls.start_token()

    def test_a_message_that_waits_for_another(self):
        rules = self.folder / "rules.json"
        rules.write_text(json.dumps({"rules": [{"hop": "token", "message": "getDeviceInfo",
                                                "operation": "cross", "seconds": 1}]}))
        relay = self.start(RelayProgram(self.new_folder(), self.token.url, "--attack", rules))
        done = run("sks-token", "healthcheck", relay.url, "--timeout", 60)
        self.assertIn("answered 400", done.stdout, "nobody came; not: no answer")


class Addresses(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(https="127.0.0.1:0")

    def provision(self, url, *arguments):
        done = run("sks-proxy", "provision", url, *arguments, "--yes", "--pin", "4713", "--json",
                   "--state", self.folder / "state")
        return done.returncode, json.loads(done.stdout)["cause"]

    def test_no_socket(self):
        nowhere = "unix:%s/none" % self.folder
        for code, cause in (
                self.provision(self.issuer.url + "/kg2/x", "--token", nowhere),
                (run("sks-conform", "token", nowhere).returncode,
                 run("sks-conform", "token", nowhere).stderr)):
            self.assertEqual(code, IO_ERROR)
            self.assertIn(nowhere + ": No such file or directory", cause)
            self.assertNotIn("localhost", cause)

    def test_too_long(self):
        for url, token, told in (
                ("http://127.0.0.1:1/kg2/" + "x" * 1000, self.token.url, "up to 1000 characters"),
                (self.issuer.url + "/kg2/x", "unix:/" + "x" * 200, "octets")):
            done = run("sks-proxy", "provision", url, "--token", token, "--yes")
            self.assertEqual(done.returncode, USAGE, done.stdout)
            self.assertIn(told, done.stderr)

    def test_a_relay_before_no_socket(self):
        nowhere = "unix:%s/none" % self.folder
        relay = self.start(RelayProgram(self.new_folder(), nowhere))
        code, cause = self.provision(self.issuer.url + "/kg2/x", "--token", relay.url)
        self.assertEqual(code, IO_ERROR, cause)
        self.assertIn(nowhere + ": No such file or directory", relay.stderr())

    def test_what_the_issuer_says_is_told(self):
        code, cause = self.provision(self.issuer.url + "/kg2/none", "--token", self.token.url)
        self.assertEqual((code, cause), (REFUSED, "the issuer answered HTTP 404: no such profile"))

    def test_another_name_of_the_issuer(self):
        port = self.issuer.url.rsplit(":", 1)[1]
        url = "http://localhost:%s/kg2/p256-user-pin" % port
        code, cause = self.provision(url, "--token", self.token.url)
        self.assertEqual(code, REFUSED)
        self.assertIn("is %s its public URL?" % url, cause)
        self.assertIn(self.issuer.url + "/failed/", cause)

    def test_untrusted_certificate(self):
        code, cause = self.provision(self.issuer.https_url + "/kg2/p256-user-pin", "--token", self.token.url)
        self.assertEqual(code, IO_ERROR)
        self.assertIn("--ca", cause)

