"""Settings of all programs: flag, then file, then environment, then default; what is wrong is refused
by its name and place, whatever that is; --print-config reads back; docs/settings.md is the tables'."""

import json
import os
import re
import unittest

from rig import processes
from rig.issuercase import DONE, IO_ERROR, USAGE
from rig.processes import ROOT, Issuer, Token, run
from rig.relaycase import RelayProgram
from rig.testcase import RigTest

PROGRAMS = ("sks-issuer", "sks-token", "sks-proxy", "sks-vectors", "sks-conform")
RENEW = "run `make docs`"
MARK = "<!-- From here on made by `make docs`. -->\n"


def commands(program):
    return re.findall(r"^  ([a-z-]+)\b", run(program, "--help").stdout, re.MULTILINE)


def lines(text):
    """{name: [(value, place), ...]} of what --print-config prints."""
    found, place = {}, None
    for line in text.splitlines():
        if line.startswith("# "):
            place = line[2:]
        else:
            name, value = line.split(" = ", 1)
            found.setdefault(name, []).append((value, place))
    return found


class SettingsTest(unittest.TestCase):
    def setUp(self):
        self.folder = processes.temporary_folder(self.addCleanup)
        self.file = self.folder / "settings"

    def config(self, program, command, text="", *flags, **environment):
        self.file.write_text(text)
        done = run(program, command, "--config", self.file, "--print-config", *flags,
                   environment=environment)
        self.assertEqual((done.returncode, done.stderr), (DONE, ""), (program, command))
        return lines(done.stdout)

    def refused(self, why, program, command, *flags, text=None, code=USAGE, **environment):
        if text is not None:
            self.file.write_text(text)
            flags += ("--config", self.file)
        done = run(program, command, *flags, environment=environment)
        self.assertEqual((done.returncode, done.stdout), (code, ""), (done.stderr, flags))
        self.assertTrue(done.stderr.startswith("%s: %s" % (program, why)), done.stderr)
        return done.stderr


class Order(SettingsTest):
    def test_of_a_text(self):
        variable = {"SKS_ISSUER_HTTP": "127.0.0.1:3"}
        data = ("--data", self.folder)
        flag = self.config("sks-issuer", "serve", "http = 127.0.0.1:2", *data,
                           "--http", "127.0.0.1:1", **variable)
        self.assertEqual(flag["http"], [("127.0.0.1:1", "--http")])
        file = self.config("sks-issuer", "serve", "\nhttp = 127.0.0.1:2\n", *data, **variable)
        self.assertEqual(file["http"], [("127.0.0.1:2", "%s: line 2: http" % self.file)])
        environment = self.config("sks-issuer", "serve", "", *data, **variable)
        self.assertEqual(environment["http"], [("127.0.0.1:3", "SKS_ISSUER_HTTP")])
        self.assertNotIn("http", self.config("sks-issuer", "serve", "", *data))

    def test_of_a_number(self):
        variable = {"SKS_TOKEN_RSA_POOL": "5"}
        for text, flags, environment, wanted in (
                ("rsa-pool = 4", ("--rsa-pool", "3"), variable, ("3", "--rsa-pool")),
                ("rsa-pool = 4", (), variable, ("4", "%s: line 1: rsa-pool" % self.file)),
                ("", (), variable, ("5", "SKS_TOKEN_RSA_POOL")),
                ("", (), {}, ("2", "default"))):
            found = self.config("sks-token", "serve", text, "--store", "x", *flags, **environment)
            self.assertEqual(found["rsa-pool"], [wanted])

    def test_of_a_flag(self):
        to = ("--to", "http://127.0.0.1:1")
        for text, flags, environment, wanted in (
                ("verbose = false", ("-v",), "0", ("true", "--verbose")),
                ("verbose = true", ("--verbose=false",), "1", ("false", "--verbose")),
                ("verbose = false", (), "true", ("false", "%s: line 1: verbose" % self.file)),
                ("", (), "1", ("true", "SKS_PROXY_VERBOSE")),
                ("", (), "false", ("false", "SKS_PROXY_VERBOSE")),
                ("", (), "", ("false", "default"))):
            found = self.config("sks-proxy", "relay", text, *to, *flags,
                                SKS_PROXY_VERBOSE=environment)
            self.assertEqual(found["verbose"], [wanted])

    def test_of_a_list(self):
        variable = {"SKS_TOKEN_HOST": "a\nb\n"}
        store = ("--store", "x")
        found = self.config("sks-token", "serve", "host = c\n\nhost = d", *store, **variable)
        self.assertEqual(found["host"], [("c", "%s: line 1: host" % self.file),
                                         ("d", "%s: line 3: host" % self.file)])
        found = self.config("sks-token", "serve", "host = c", *store, "--host", "e", **variable)
        self.assertEqual(found["host"], [("e", "--host")])
        found = self.config("sks-token", "serve", "", *store, **variable)
        self.assertEqual([value for value, _ in found["host"]], ["a", "b"])

    def test_of_vectors(self):
        (self.folder / "issuer").write_text("-----BEGIN CERTIFICATE-----")
        found = self.config("sks-vectors", "check-evidence",
                            "json = true\nissuer-cert = %s" % (self.folder / "issuer"),
                            SKS_VECTORS_JSON="0")
        self.assertEqual(found["json"][0][0], "true")

    def test_the_file_itself(self):
        self.file.write_text("http = 127.0.0.1:2\n")
        other = self.folder / "other"
        other.write_text("http = 127.0.0.1:9\n")
        arguments = ("sks-issuer", "serve", "--data", "x", "--print-config")
        named = {"SKS_ISSUER_CONFIG": str(self.file)}
        self.assertIn("\nhttp = 127.0.0.1:2\n", run(*arguments, environment=named).stdout)
        self.assertIn("\nhttp = 127.0.0.1:9\n",
                      run(*arguments, "--config", other, environment=named).stdout)
        self.refused("--config", "sks-issuer", "serve", "--config", self.folder / "none",
                     code=IO_ERROR)

    def test_of_the_master_key(self):
        """A file that was named comes before the variable that holds a key."""
        key = self.folder / "key"
        key.write_text("11" * 32)
        key.chmod(0o600)
        store = self.folder / "store"
        other = {"SKS_TOKEN_MASTER_KEY": "22" * 32}
        done = run("sks-token", "init", "--store", store, "--master-key", key, environment=other)
        self.assertEqual(done.returncode, DONE, done.stderr)
        for arguments, environment, code in (
                (("--master-key", key), {}, DONE), (("--master-key", key), other, DONE),
                ((), other, IO_ERROR),
                ((), {**other, "SKS_TOKEN_MASTER_KEY_FILE": str(key)}, IO_ERROR)):
            done = run("sks-token", "list", "--store", store, *arguments, environment=environment)
            self.assertEqual(done.returncode, code, (done.stderr, arguments, environment))


class Printed(SettingsTest):
    def required(self, program, command):
        """Values for what --help calls required."""
        given = []
        for name in re.findall(r"--([a-z-]+) .*\(required\)",
                               run(program, command, "--help").stdout):
            if name == "issuer-cert":
                self.file.write_text("-----BEGIN CERTIFICATE-----")
            given += ["--" + name, {"token": "unix:/x", "to": "unix:/x", "older-than": "3",
                                    "issuer-cert": self.file}.get(name, "/x")]
        return given

    def test_of_every_command_reads_back(self):
        count = 0
        for program in PROGRAMS:
            for command in commands(program):
                done = run(program, command, "--print-config", *self.required(program, command))
                self.assertEqual((done.returncode, done.stderr), (DONE, ""), (program, command))
                back = self.folder / "back"
                back.write_text(done.stdout)
                again = run(program, command, "--print-config", "--config", back)
                self.assertEqual((again.returncode, again.stderr), (DONE, ""), (program, command))
                self.assertEqual({name: [value for value, _ in values]
                                  for name, values in lines(again.stdout).items()},
                                 {name: [value for value, _ in values]
                                  for name, values in lines(done.stdout).items()})
                count += 1
        self.assertGreater(count, 50)

    def test_values_that_want_quotes(self):
        for value in (" a ", '"a"', '"', "a # b", "a = b"):
            found = run("sks-issuer", "serve", "--data", value, "--print-config")
            self.file.write_text(found.stdout)
            again = run("sks-issuer", "serve", "--config", self.file, "--print-config")
            self.assertEqual(again.returncode, DONE, again.stderr)
            line = next(row for row in found.stdout.splitlines() if row.startswith("data"))
            self.assertIn(line, again.stdout.splitlines())
        done = run("sks-issuer", "serve", "--data", "a\nhttp = 127.0.0.1:1", "--print-config")
        self.assertIn("# data has a value that no line of a file can hold", done.stdout)
        self.assertNotIn("\nhttp = ", done.stdout)

    def test_no_secrets(self):
        done = run("sks-proxy", "provision", "http://x/kg2/y", "--token", "unix:x", "--pin",
                   "12345678", "--print-config",
                   environment={"SKS_PROXY_COOKIE": "name=87654321", "SKS_PROXY_PIN": "13572468"})
        self.assertEqual(done.returncode, DONE, done.stderr)
        for secret in ("12345678", "87654321", "13572468"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertIn("# --pin\n# pin is a secret and not shown\n", done.stdout)
        self.assertIn("# SKS_PROXY_COOKIE\n# cookie is a secret and not shown\n", done.stdout)

    def test_variables_that_nobody_reads_are_named(self):
        done = run("sks-issuer", "serve", "--data", "x", "--print-config",
                   environment={"SKS_ISSUER_MAX_SESSION": "5"})
        self.assertIn("# SKS_ISSUER_MAX_SESSION stands in for no option\n", done.stdout)

    def test_a_required_option_is_missed(self):
        done = run("sks-issuer", "serve", "--print-config")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))


class Wrong(SettingsTest):
    """Every kind of wrong value from every place."""

    def everywhere(self, program, command, option, value, why, *flags):
        variable = "%s_%s" % (program.upper().replace("-", "_"), option.upper().replace("-", "_"))
        quoted = "'%s' %s" % (value, why)
        self.refused("--%s: %s" % (option, quoted), program, command, *flags,
                     "--%s=%s" % (option, value))
        self.refused("%s: %s" % (variable, quoted), program, command, *flags, **{variable: value})
        self.refused("%s: line 2: %s: %s" % (self.file, option, quoted), program, command, *flags,
                     text="# of a test\n%s = %s\n" % (option, value))

    def test_of_the_issuer(self):
        nothing = str(self.folder / "nothing")
        (self.folder / "empty").write_text("")
        for option, value, why in (
                ("max-sessions", "12x", "is not a number from 1 to 1000000"),
                ("max-sessions", "0", "is not a number from 1 to 1000000"),
                ("crl-life", "1", "is not a number from 2 to 2592000"),
                ("http", "8080", "is no address to listen on"),
                ("https", "127.0.0.1:70000", "is no address to listen on"),
                ("https", "unix:", "is no address to listen on"),
                ("manage", "no.such.host.invalid:1", "is no address to listen on"),
                ("public-url", "issuer.example", "is not an http or https URL"),
                ("crl-url", "ldap://x", "is not an http or https URL"),
                ("log-format", "yaml", "is neither json nor text"),
                ("profiles", nothing, "cannot be used: No such file or directory"),
                ("profiles", str(self.file), "is no folder"),
                ("trust", nothing, "cannot be used: No such file or directory"),
                ("seen-certificate", str(self.folder / "empty"), "holds no certificate in PEM"),
                ("ca-key", str(self.folder), "is a folder, not a file"),
                ("verbose", "yes", "is neither true nor false")):
            self.file.write_text("")
            self.everywhere("sks-issuer", "serve", option, value, why, "--data",
                            self.folder / "data")
        self.assertFalse((self.folder / "data").exists())

    def test_of_the_token(self):
        for command, option, value, why in (
                ("serve", "listen", "127.0.0.1", "is no address to listen on"),
                ("serve", "storage-limit", "9", "is not a number from 65536 to 4294967295"),
                ("serve", "simulate", "device_pin", "names something that is neither biometrics nor device-pin"),
                ("serve", "update-url", "ftp://x", "is not an http or https URL"),
                ("serve", "allow-deactivate", "maybe", "is neither true nor false"),
                ("init", "device-key", "p999", "is neither p256 nor rsa2048"),
                ("healthcheck", "timeout", "0", "is not a number from 1 to 3600")):
            flags = () if command == "healthcheck" else ("--store", self.folder)
            self.everywhere("sks-token", command, option, value, why, *flags)

    def test_of_the_proxy(self):
        nothing = str(self.folder / "nothing")
        to = ("--to", "http://127.0.0.1:1")
        token = ("--token", "unix:x")
        for command, option, value, why, flags in (
                ("relay", "listen", ":1", "is no address to listen on", to),
                ("relay", "to", "127.0.0.1:1", "is neither http(s)://HOST:PORT nor unix:PATH", ()),
                ("relay", "ca", nothing, "cannot be used: No such file", to),
                ("relay", "attack", nothing, "is no attack that is ready", to),
                ("relay", "connections", "4097", "is not a number from 1 to 4096", to),
                ("provision", "token", "127.0.0.1:1", "is no address of a token", ()),
                ("provision", "pin-file", nothing, "cannot be used: No such file", token),
                ("provision", "image", "card", "is no image", token),
                ("provision", "ca", nothing, "cannot be used: No such file", token),
                ("healthcheck", "hop", "both", "is neither token nor issuer", ())):
            operands = ("http://127.0.0.1:1/kg2/x",) if command == "provision" else ()
            self.everywhere("sks-proxy", command, option, value, why, *flags, *operands)

    def test_what_only_the_command_can_see(self):
        """Words of a command that name an option name its place."""
        self.refused("SKS_ISSUER_PUBLIC_URL: 'http://a/b' has a path", "sks-issuer", "serve",
                     "--data", self.folder / "data", SKS_ISSUER_PUBLIC_URL="http://a/b")
        self.refused("%s: line 1: since: 'never'" % self.file, "sks-issuer", "sessions",
                     "--data", self.folder / "data", text="since = never\n")
        run("sks-token", "init", "--store", self.folder / "store")
        self.refused("SKS_TOKEN_LISTEN: 0.0.0.0:0 is not loopback", "sks-token", "serve",
                     "--store", self.folder / "store", SKS_TOKEN_LISTEN="0.0.0.0:0")

    def test_a_secret_is_not_repeated(self):
        self.assertEqual(commands("sks-vectors"),
                         ["generate", "check", "show", "check-evidence"])
        error = self.refused("%s: line 2: 'pni'" % self.file, "sks-proxy", "provision",
                             text="pin = 1234\npni = 5678\n", SKS_PROXY_TOKEN="unix:x")
        self.assertNotIn("1234", error)
        self.assertNotIn("5678", error)

    def test_what_does_not_count_is_not_looked_at(self):
        found = self.config("sks-issuer", "serve", "max-sessions = 7", "--data", "x",
                            SKS_ISSUER_MAX_SESSIONS="12x")
        self.assertEqual(found["max-sessions"][0][0], "7")


class Served(RigTest):
    """All of a program by a file, and by variables: no flag at all."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start(ByFile(cls.new_folder()))
        cls.issuer = cls.start(ByVariables(cls.new_folder(), trust=[cls.token.device_ca]))
        cls.relay = cls.start(RelayByFile(cls.new_folder(), cls.token.url))

    def test_enrolment(self):
        done = run("sks-proxy", "provision", self.issuer.url + "/kg2/p256-user-pin",
                   environment={"SKS_PROXY_TOKEN": self.relay.url, "SKS_PROXY_PIN": "4711",
                                "SKS_PROXY_YES": "true", "SKS_PROXY_JSON": "1"})
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(json.loads(done.stdout)["outcome"], "succeeded")


class ByFile(Token):
    def arguments(self):
        self.folder.joinpath("conf").write_text(
            "store = %s\nlisten = %s\nrsa-pool = 0\n" % (self.store, self.listen))
        return ["serve", "--config", self.folder / "conf"]


class RelayByFile(RelayProgram):
    def arguments(self):
        self.folder.joinpath("conf").write_text("to = %s\nlisten = 127.0.0.1:0\n" % self.to)
        return ["relay", "--config", self.folder / "conf"]


class ByVariables(Issuer):
    def arguments(self):
        self.environment = {"SKS_ISSUER_DATA": str(self.data), "SKS_ISSUER_STOP_SECONDS": "0",
                            "SKS_ISSUER_HTTP": "127.0.0.1:0", "SKS_ISSUER_SERVER_KEYS": "0",
                            "SKS_ISSUER_PROFILES": str(self.profiles),
                            "SKS_ISSUER_TRUST": "\n".join(map(str, self.trust))}
        return ["serve"]


class Documented(unittest.TestCase):
    def test_the_tables(self):
        text = (ROOT / "docs" / "settings.md").read_text()
        made = "".join(run(program, "--settings-table").stdout for program in PROGRAMS)
        self.assertIn(MARK, text, RENEW)
        self.assertEqual(text.split(MARK)[1], made, "docs/settings.md is not what the programs "
                         "have: " + RENEW)

    def test_every_option_is_in_them(self):
        text = (ROOT / "docs" / "settings.md").read_text()
        for program in PROGRAMS:
            section = text.split("## %s\n" % program)[1].split("\n## ")[0]
            for command in commands(program):
                for option in re.findall(r"^ .*?--([a-z-]+)", run(program, command, "--help").stdout,
                                         re.MULTILINE):
                    if option in ("help", "version", "config", "print-config"):
                        continue
                    rows = [row for row in section.splitlines() if row.startswith("| `%s` " % option)]
                    self.assertTrue(any(re.search(r"[ ,]%s[, ]" % command, row.rsplit("|", 2)[1])
                                        for row in rows), (program, command, option))


if __name__ == "__main__":
    os.environ.pop("SKS_ISSUER_CONFIG", None)
    unittest.main()
