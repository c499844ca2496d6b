"""The command line of sks-issuer: check-profile, keys, roll-over, the configuration of serve."""

import json
import re
import unittest

from cryptography import x509

from rig import processes
from rig.crlcase import CrlMixin
from rig.issuercase import DONE, IO_ERROR, REFUSED, USAGE, ProfileTest
from rig.processes import PROFILES, run
from rig.watching import WatchTest

SCHEMA = "profile.schema.json"
SHIPPED = sorted(path for path in PROFILES.glob("*.json") if path.name != SCHEMA)


class CheckProfile(unittest.TestCase):
    def setUp(self):
        self.folder = processes.temporary_folder(self.addCleanup)

    def check(self, text, *options):
        path = self.folder / "p.json"
        path.write_text(text)
        return run("sks-issuer", "check-profile", path, *options)

    def test_shipped(self):
        done = run("sks-issuer", "check-profile", *SHIPPED)
        self.assertEqual((done.returncode, done.stderr), (DONE, ""))
        self.assertEqual(len(done.stdout.splitlines()), len(SHIPPED))
        self.assertGreater(len(SHIPPED), 17)

    def test_shipped_profiles_use_what_the_schema_knows(self):
        """The schema has each property of each object that a shipped profile has, and each that
        it has is used by one of them."""
        schema = json.loads((PROFILES / SCHEMA).read_text())
        used = set()

        def walk(value, node, name):
            node = self.follow(schema, node)
            if isinstance(value, dict) and "properties" in node:
                for key, inner in value.items():
                    self.assertIn(key, node["properties"], name)
                    used.add(key)
                    walk(inner, node["properties"][key], name)
                self.assertLessEqual(set(node.get("required", ())), set(value), name)
            elif isinstance(value, list):
                for item in value:
                    walk(item, node.get("items", {}), name)

        for path in SHIPPED:
            walk(json.loads(path.read_text()), schema, path.name)
        nodes = [schema, *schema["$defs"].values()]
        # An external CA, and who may enrol, are the operator's own: no shipped profile can know.
        self.assertEqual({key for node in nodes for key in node["properties"]} - used,
                         {"externalCa", "enrolment", "code", "devices", "confirmDevice"})

    @staticmethod
    def follow(schema, node):
        if "$ref" in node:
            return schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
        return node

    def test_schema(self):
        done = run("sks-issuer", "check-profile", "--schema")
        self.assertEqual(done.returncode, DONE)
        self.assertEqual(done.stdout, (PROFILES / SCHEMA).read_text())

    def test_syntax(self):
        done = self.check('{\n "description": "a",\n "description": "b"\n}')
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn('p.json: line 3, column 14: duplicate key "description"', done.stderr)

    def test_semantics(self):
        profile = json.loads((PROFILES / "p256-user-pin.json").read_text())
        profile["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]["keyAlgorithm"] = "urn:none"
        text = json.dumps(profile, indent=1)
        line = text[:text.index("keyAlgorithm")].count("\n") + 1
        wanted = ("p.json: line %d: /pinPolicySpecifiers/0/keyEntrySpecifiers/0/keyAlgorithm: "
                  "unknown key algorithm" % line)
        done = self.check(text)
        self.assertEqual((done.returncode, done.stdout), (REFUSED, ""))
        self.assertIn(wanted, done.stderr)
        done = self.check(text, "--json")
        self.assertEqual(done.returncode, REFUSED)
        row, = json.loads(done.stdout)["profiles"]
        self.assertIs(row["valid"], False)
        self.assertIn(wanted, row["error"])

    def test_files_beside_it(self):
        profile = json.loads((PROFILES / "extensions-and-logotype.json").read_text())
        done = self.check(json.dumps(profile))
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("/logotypes/0/file: ", done.stderr)
        (self.folder / "card.svg").write_text("<svg/>")
        self.assertEqual(self.check(json.dumps(profile)).returncode, DONE)
        (self.folder / "card.svg").write_text("")
        self.assertIn("the file is empty", self.check(json.dumps(profile)).stderr)

    def test_files_that_no_message_can_hold(self):
        (self.folder / "a").write_bytes(bytes(250000))
        (self.folder / "b").write_bytes(bytes(1))
        profile = json.loads((PROFILES / "p256-user-pin.json").read_text())
        key, = profile["pinPolicySpecifiers"][0]["keyEntrySpecifiers"]

        def check(names):
            key["extensions"] = [{"type": "urn:%d" % i, "file": name}
                                 for i, name in enumerate(names)]
            return self.check(json.dumps(profile))

        self.assertEqual(check("a" * 12 + "b").returncode, DONE)
        done = check("a" * 13)
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("p.json: what is attached to its keys takes 4333", done.stderr)
        self.assertIn("at most 4194304", done.stderr)

    def test_usage(self):
        self.assertEqual(run("sks-issuer", "check-profile").returncode, USAGE)
        self.assertEqual(run("sks-issuer", "check-profile", "--schema", "x").returncode, USAGE)
        self.assertEqual(run("sks-issuer", "check-profile",
                             self.folder / "none.json").returncode, IO_ERROR)
        done = run("sks-issuer", "check-profile", self.folder / "none.txt")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("a profile is NAME.json", done.stderr)


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = processes.temporary_folder(self.addCleanup)

    def test_folders(self):
        data = self.folder / "data"
        for name in ("keys", "roll-over"):
            self.assertEqual(run("sks-issuer", name, "--data", data).returncode, IO_ERROR)
        self.assertEqual(run("sks-issuer", "init", "--data", data).returncode, DONE)
        done = run("sks-issuer", "keys", "--data", data, "--json")
        self.assertEqual(json.loads(done.stdout), {"keys": []})
        for device in ("abc", "00" * 31):
            done = run("sks-issuer", "keys", "--data", data, "--device", device)
            self.assertEqual(done.returncode, USAGE)

    def test_roll_over(self):
        data = self.folder / "data"
        run("sks-issuer", "init", "--data", data)
        for generation in (2, 3):
            done = run("sks-issuer", "roll-over", "--data", data, "--json")
            self.assertEqual(json.loads(done.stdout), {"generation": generation})
            key = data / ("kmk-%d.key" % generation)
            self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        run("sks-issuer", "init", "--data", data)       # makes no other
        self.assertEqual(len(list(data.glob("kmk*.key"))), 3)


class Configured(CrlMixin, WatchTest):
    """Options of serve out of a file; the command line comes before it, the environment last."""

    @classmethod
    def set_up_rig(cls):
        cls.file = cls.folder / "issuer.conf"
        cls.file.write_text("""
# of a test
log-format = text
manage = 127.0.0.1:0
crl-url = "https://crl.example/ours.crl"
crl-life = 100
max-sessions = 2
max-address-sessions = 3
server-keys = 0
external-ca-timeout = 5
stop-seconds = 2
verbose = true
limit = 1
""")
        cls.options = ("--config", cls.file, "--log-format", "json")
        super().set_up_rig()

    @classmethod
    def start(cls, program):
        program.environment = {"SKS_ISSUER_MAX_SESSIONS": "1", "SKS_ISSUER_MANAGE_ANY": "0"}
        return super().start(program)

    def test_all_of_it_counts(self):
        certificate = x509.load_der_x509_certificate(self.leaf(self.enrol("p256-user-pin")))
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        self.assertEqual(points[0].full_name[0].value, "https://crl.example/ours.crl")
        self.assertIn("debug", {line["level"] for line in self.log()})
        crl = self.crl()
        self.assertEqual((crl.next_update - crl.last_update).total_seconds(), 100 + 300)
        self.assertEqual(self.metrics()("trusted_certificates"), 1)
        opened = [self.client("p256-user-pin") for _ in range(3)]
        self.assertEqual([client.start().status for client in opened], [200, 200, 503])
        for client in opened[:2]:
            client.http.request("GET", client.path + "?abort=true")

    def test_one_file_for_all_commands(self):
        for _ in range(2):
            self.enrol("p256-user-pin")
        done = run("sks-issuer", "sessions", "--config", self.file, "--data", self.issuer.data)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (DONE, 2), done.stdout)

    def test_faults(self):
        for text, why in (("crl-lif = 3", "line 1: 'crl-lif'"), ("crl-life = 1", "crl-life"),
                          ("\nmanage-any = maybe", "line 2"), ("manage", "line 1"),
                          ("log-format = yaml", "'yaml'")):
            path = self.folder / "bad.conf"
            path.write_text(text + "\n")
            done = run("sks-issuer", "serve", "--config", path, "--data", self.issuer.data,
                       "--http", "127.0.0.1:0")
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(why, done.stderr)
        done = run("sks-issuer", "serve", "--config", "/nowhere", "--data", self.issuer.data)
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
class OneServer(ProfileTest):
    """A data folder has one server at a time; all other commands go on beside it."""

    def second(self, *options):
        return run("sks-issuer", "serve", "--data", self.issuer.data, "--http", "127.0.0.1:0",
                   *options)

    def test_a_second_one_is_refused(self):
        client = self.client("p256-user-pin")
        client.start()
        before = {path.name: path.stat().st_mtime_ns for path in self.issuer.data.glob("*.*")
                  if not path.name.startswith("issuer.db-")}
        done = self.second("--tls-name", "other.example")
        self.assertEqual((done.returncode, done.stdout), (IO_ERROR, ""))
        self.assertRegex(done.stderr, "%s: another sks-issuer serve .*stop that one first"
                         % re.escape(str(self.issuer.data)))
        self.assertEqual(before, {name: (self.issuer.data / name).stat().st_mtime_ns
                                  for name in before})
        self.assertTrue(client.run().done)

    def test_the_next_one_after_a_kill_or_a_stop(self):
        self.issuer.restart()       # kill -9
        self.assertEqual(self.issuer.stop(), DONE)
        self.issuer.start()
        self.enrol("p256-user-pin")

    def test_one_that_does_not_come_up_holds_nothing(self):
        self.issuer.kill()
        done = self.second("--profiles", "/nowhere")
        self.assertNotIn("another", done.stderr)
        self.assertNotEqual(done.returncode, DONE)
        self.issuer.start()

    def test_other_commands_beside_it(self):
        client = self.client("deferred-issuance")
        client.run(until="KeyCreationRequest")
        client.post(client.answer())
        passphrase = self.folder / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_text("correct horse\n")
        for name, *operands in (("init",), ("sessions",), ("show", client.session_id), ("keys",),
                                ("approve", client.session_id), ("invite", "p256-user-pin"),
                                ("export",), ("roll-over",), ("purge", "--older-than", "1"),
                                ("backup", self.folder / "backup", "--passphrase-file",
                                 passphrase)):
            with self.subTest(name):
                self.command(name, *operands)
        refused = self.command("restore", self.folder / "backup", "--passphrase-file", passphrase,
                               code=REFUSED)
        self.assertIn("is not empty; stop what serves it", refused)


class Documented(unittest.TestCase):
    """What --help has, some file of docs/ has too."""

    def test_commands_and_options(self):
        text = "".join(path.read_text() for path in (processes.ROOT / "docs").glob("*.md"))
        commands = re.findall(r"^  ([a-z-]+) ", run("sks-issuer", "--help").stdout, re.MULTILINE)
        self.assertGreater(len(commands), 15)
        for command in commands:
            self.assertTrue(re.search(r"sks-issuer %s\b|`%s`" % (command, command), text), command)
            for option in re.findall(r"--[a-z-]+", run("sks-issuer", command, "--help").stdout):
                if option not in ("--help", "--version"):
                    self.assertTrue(re.search(option + r"\b(?!-)", text), (command, option))
