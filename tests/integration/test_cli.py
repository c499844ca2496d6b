"""The command lines: help, version, exit codes, stores and keys that must not be taken."""

import json
import os
import sqlite3
import stat

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rig.certificates import Authority, generate
from rig.processes import Issuer, Token, open_descriptors, run
from rig.sks_wire import connection
from rig.testcase import RigTest, write_profile

DONE, REFUSED, USAGE, IO_ERROR = range(4)
PROGRAMS = ("sks-token", "sks-issuer", "sks-proxy", "sks-vectors", "sks-conform")
CLOSED_PORT = "http://127.0.0.1:1"


class Usage(RigTest):
    @classmethod
    def set_up_rig(cls):
        pass

    def test_help_and_version(self):
        for program in PROGRAMS:
            for option in ("--help", "--version"):
                done = run(program, option)
                self.assertEqual(done.returncode, DONE, (program, option))
                self.assertTrue(done.stdout.strip())
                self.assertEqual(done.stderr, "")
            self.assertIn(program, run(program, "--version").stdout)

    def test_wrong_usage(self):
        for program, *arguments in (
                ("sks-token",), ("sks-token", "nonsense"), ("sks-token", "init"),
                ("sks-token", "serve"), ("sks-token", "serve", "--no-such-option"),
                ("sks-token", "init", "--store"), ("sks-token", "list", "--json"),
                ("sks-issuer",), ("sks-issuer", "nonsense"), ("sks-issuer", "serve"),
                ("sks-issuer", "evidence", "--data", "x"), ("sks-issuer", "init", "--what"),
                ("sks-vectors",), ("sks-vectors", "nonsense"), ("sks-vectors", "check-evidence"),
                ("sks-conform",), ("sks-conform", "nonsense"), ("sks-conform", "token"),
                ("sks-proxy",), ("sks-proxy", "nonsense"), ("sks-proxy", "provision"),
                ("sks-proxy", "provision", "http://127.0.0.1:1/kg2/x"),
                ("sks-proxy", "provision", "http://127.0.0.1:1/kg2/x", "--token"),
                ("sks-proxy", "provision", "not a url", "--token", CLOSED_PORT)):
            with self.subTest(" ".join((program, *arguments))):
                done = run(program, *arguments)
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertTrue(done.stderr.strip(), "says what is wrong")
                self.assertEqual(done.stdout, "")

    def test_nobody_there(self):
        done = run("sks-proxy", "provision", CLOSED_PORT + "/kg2/x", "--token", CLOSED_PORT,
                   "--pin", "4711", "--yes", "--json")
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
        self.assertEqual(json.loads(done.stdout)["outcome"], "error")

    def test_missing_stores(self):
        folder = self.new_folder()
        for program, *arguments in (
                ("sks-token", "serve", "--store", folder / "none", "--listen", "127.0.0.1:0"),
                ("sks-token", "list", "--store", folder / "none"),
                ("sks-token", "info", "--store", folder / "none"),
                ("sks-issuer", "sessions", "--data", folder / "none"),
                ("sks-issuer", "evidence", "x" * 32, "--data", folder / "none")):
            with self.subTest(program, arguments=arguments[0]):
                done = run(program, *arguments)
                self.assertEqual(done.returncode, IO_ERROR, done.stderr)
                self.assertIn("none", done.stderr, "names the folder")
                self.assertFalse((folder / "none").exists(), "and does not make it")


class TokenStore(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()

    def command(self, *arguments):
        return run("sks-token", *arguments, "--store", self.token.store)

    def test_files_are_private(self):
        for name in ("master.key", "token.db"):
            mode = stat.S_IMODE((self.token.store / name).stat().st_mode)
            self.assertEqual(mode & 0o077, 0, name)
        self.assertEqual(stat.S_IMODE((self.token.store / "control.sock").stat().st_mode), 0o600)

    def test_init_twice_keeps_the_store(self):
        key = (self.token.store / "master.key").read_bytes()
        self.assertNotEqual(self.command("init").returncode, DONE)
        self.assertEqual((self.token.store / "master.key").read_bytes(), key)

    def test_one_server_a_store(self):
        done = self.command("serve", "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
        self.assertNotIn("ready", done.stdout)

    def test_info_and_list(self):
        info = json.loads(self.command("info", "--json").stdout)
        shown = vars(self.wire().call("getDeviceInfo"))
        for name in ("apiLevel", "deviceType", "vendorName", "cryptoDataSize",
                     "extensionDataSize", "devicePinSupport", "biometricSupport"):
            self.assertEqual(info[name], shown[name], name)
        self.assertEqual(self.token.list(), [])
        for command in ("info", "list"):
            self.assertEqual(self.command(command).returncode, DONE)

    def test_info_without_a_server(self):
        token = Token(self.new_folder())
        done = run("sks-token", "info", "--store", token.store, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["apiLevel"]), (DONE, 106))

    def test_nothing_secret_is_stored_in_clear(self):
        master = (self.token.store / "master.key").read_bytes()
        for path in self.token.store.iterdir():
            if path.is_file() and path.name != "master.key":
                self.assertNotIn(master.strip()[:16], path.read_bytes(), path.name)


class RefusedStores(RigTest):
    """Databases of another schema, keys that others can read."""

    @classmethod
    def set_up_rig(cls):
        pass

    def refused(self, program, *arguments, text):
        done = run(program, *arguments)
        self.assertEqual(done.returncode, IO_ERROR, (done.stdout, done.stderr))
        self.assertRegex(done.stderr, text)
        self.assertNotIn("ready", done.stdout)

    @staticmethod
    def set_schema_version(path, version):
        with sqlite3.connect(path) as database:
            old = database.execute("SELECT value FROM meta WHERE key = 'schema_version'")
            assert old.fetchone() is not None, "there is a version from the first day"
            database.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (version,))
        database.close()

    def test_schema_of_the_token(self):
        token = Token(self.new_folder())
        self.set_schema_version(token.store / "token.db", 9999)
        for arguments in (("serve", "--listen", "127.0.0.1:0"), ("list",), ("info",)):
            self.refused("sks-token", *arguments, "--store", token.store, text="(?i)schema.*9999")

    def test_schema_of_the_issuer(self):
        issuer = Issuer(self.new_folder())
        self.set_schema_version(issuer.data / "issuer.db", 9999)
        self.refused("sks-issuer", *issuer.arguments(), text="(?i)schema.*9999")
        self.refused("sks-issuer", "sessions", "--data", issuer.data, text="(?i)schema.*9999")

    def test_damaged_databases(self):
        token, issuer = Token(self.new_folder()), Issuer(self.new_folder())
        for path, command in ((token.store / "token.db", ["sks-token", *token.arguments()]),
                              (issuer.data / "issuer.db", ["sks-issuer", *issuer.arguments()])):
            path.write_bytes(b"this is no database" * 1000)
            self.refused(*command, text=".")

    def test_keys_that_others_can_read(self):
        token, issuer = Token(self.new_folder()), Issuer(self.new_folder())
        keys = [path for path in issuer.data.rglob("*") if path.suffix == ".key"]
        for path, command in [(token.store / "master.key", ["sks-token", *token.arguments()])] + [
                (path, ["sks-issuer", *issuer.arguments()]) for path in keys]:
            for mode in (0o640, 0o604):
                with self.subTest(path.name, mode=oct(mode)):
                    os.chmod(path, mode)
                    self.refused(*command, text=path.name)
            os.chmod(path, 0o600)

    def test_another_master_key(self):
        """Sealed rows do not open; the store is refused and not damaged."""
        token, other = Token(self.new_folder()), Token(self.new_folder())
        own = (token.store / "master.key").read_bytes()
        (token.store / "master.key").write_bytes((other.store / "master.key").read_bytes())
        self.refused("sks-token", *token.arguments(), text=".")
        (token.store / "master.key").write_bytes(own)
        self.addCleanup(token.kill)
        token.start()


class IssuerCommands(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.issuer = cls.start_issuer()

    def test_unknown_session(self):
        done = run("sks-issuer", "evidence", "x" * 32, "--data", self.issuer.data, "--json")
        self.assertNotEqual(done.returncode, DONE)
        self.assertTrue(done.stderr.strip())

    def test_private_keys_are_private(self):
        for path in self.issuer.data.rglob("*"):
            if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path.name)

    def test_init_twice_keeps_the_ca(self):
        before = (self.issuer.data / "ca.pem").read_bytes()
        run("sks-issuer", "init", "--data", self.issuer.data)
        self.assertEqual((self.issuer.data / "ca.pem").read_bytes(), before)

    def test_bad_profiles_are_named(self):
        for what, text in (("broken", "{"), ("surplus", '{"sessionLifeTime": 600, "x": 1}')):
            with self.subTest(what):
                profiles = write_profile(self.new_folder(), "good")
                (profiles / (what + ".json")).write_text(text)
                issuer = Issuer(self.new_folder(), profiles=profiles)
                done = run("sks-issuer", *issuer.arguments())
                self.assertNotEqual(done.returncode, DONE)
                self.assertIn(what + ".json", done.stderr)

    def test_no_configuration_at_all(self):
        """Without options it makes all it needs; the default ports may be taken here."""
        data = self.new_folder() / "data"
        self.assertEqual(run("sks-issuer", "init", "--data", data).returncode, DONE)
        for name in ("issuer.db", "tls.pem", "ca.pem"):
            self.assertTrue((data / name).exists(), name)

    def test_stops_on_sigterm_while_connected(self):
        issuer = Issuer(self.new_folder())
        self.addCleanup(issuer.kill)
        issuer.start()
        kept = connection(issuer.url)
        kept.request("GET", "/nothing")
        kept.getresponse().read()
        self.assertGreater(open_descriptors(issuer.pid), 3)
        self.assertEqual(issuer.stop(), 0)


class DeviceRequest(RigTest):
    """A device key that a CA elsewhere certifies: init --csr, then certify."""

    @classmethod
    def set_up_rig(cls):
        cls.token = Token(cls.new_folder(), init=False)
        cls.authority = Authority()

    def command(self, name, *arguments):
        return run("sks-token", name, *arguments, "--store", self.token.store)

    def write_path(self, public_key):
        path = self.folder / "path.pem"
        leaf = x509.load_der_x509_certificate(self.authority.issue("device 1", public_key))
        path.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM)
                                  for certificate in (leaf, self.authority.certificate)))
        return path

    def test_request_and_certificate(self):
        self.assertEqual(self.command("init", "--csr").returncode, DONE)
        done = self.command("serve", "--listen", "127.0.0.1:0")
        self.assertEqual(done.returncode, IO_ERROR)
        self.assertIn("certify", done.stderr, "it says what to do")
        request = x509.load_pem_x509_csr((self.token.store / "device.csr").read_bytes())
        self.assertTrue(request.is_signature_valid)
        done = self.command("certify", "--certificate", self.write_path(generate().public_key()))
        self.assertEqual(done.returncode, USAGE, "another key's certificate")
        done = self.command("certify", "--certificate", self.write_path(request.public_key()))
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertTrue(self.token.device_ca.exists())
        self.start(self.token)
        path = self.wire().call("getDeviceInfo").certificate
        self.assertEqual(len(path), 1, "the CA is for the issuer to know")
        subject = x509.load_der_x509_certificate(path[0]).subject.rfc4514_string()
        self.assertEqual(subject, "CN=device 1")
