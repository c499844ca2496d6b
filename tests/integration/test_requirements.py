"""testvectors/requirements.json: each requirement has tests that exist, or the reason why none can;
and each case of sks-conform comes from one. The check of it notices when that is not so."""

import json
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from rig.processes import BUILD, ROOT

FILE = ROOT / "testvectors" / "requirements.json"
CONFORM = BUILD / "sks-conform"
GOOD, WRONG, UNREADABLE = range(3)


def run(*arguments, conform=CONFORM):
    options = ["--conform", conform] if conform.is_file() else []
    return subprocess.run([sys.executable, "-B", ROOT / "testvectors" / "requirements.py", *options,
                           *arguments], capture_output=True, text=True, timeout=120)


class Requirements(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "requirements.json"

    def assert_wrong(self, code, text, **more):
        done = run(self.path, **more)
        self.assertEqual(done.returncode, code, done.stdout)
        self.assertIn(text, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def altered(self, change):
        """The file with its first requirement that has tests changed."""
        root = json.loads(FILE.read_text(encoding="utf-8"))
        row = next(row for row in root["requirements"] if "tests" in row)
        change(row)
        self.path.write_text(json.dumps(root))

    def test_all_have_tests_or_a_reason(self):
        done = run()
        self.assertEqual((done.returncode, done.stderr), (GOOD, ""))
        rows = json.loads(FILE.read_text(encoding="utf-8"))["requirements"]
        untested = sum("reason" in row for row in rows)
        self.assertTrue(done.stdout.startswith(
            "%d requirements: %d with tests, %d with the reason why there are none\n"
            % (len(rows), len(rows) - untested, untested)), done.stdout)
        self.assertLess(untested, len(rows) // 10)

    def test_list(self):
        done = run("--list")
        self.assertEqual(done.returncode, GOOD)
        for row in json.loads(FILE.read_text(encoding="utf-8"))["requirements"]:
            self.assertIn("%s " % row["id"], done.stdout)
            self.assertIn("  %s\n" % row["requirement"], done.stdout)

    @unittest.skipUnless(CONFORM.is_file(), "there is no sks-conform")
    def test_a_case_without_a_source(self):
        def leave_out(name):
            root = json.loads(FILE.read_text(encoding="utf-8"))
            for row in root["requirements"]:
                if name in row.get("tests", []):
                    row["tests"].remove(name)
            root["requirements"] = [row for row in root["requirements"]
                                    if row.get("tests") or "reason" in row]
            self.path.write_text(json.dumps(root))
        for name in ("issuer/http.crl", "issuer/ProvisioningFinalizationRequest.no-ca",
                     "token/http.type-with-parameter", "token/createKeyEntry.two-keys"):
            with self.subTest(name):
                leave_out(name)
                self.assert_wrong(WRONG, name + ": no requirement names this case")

    def with_a_case(self, end, section, level):
        """A sks-conform that lists one case more of an end."""
        cases = json.loads(subprocess.run([CONFORM, end, "--list", "--json"], capture_output=True,
                                          check=True).stdout)
        listed, program = self.path.parent / "listed.json", self.path.parent / "conform"
        listed.write_text(json.dumps(cases + [
            {"id": "new.case", "section": section, "level": level}]))
        program.write_text("#!/bin/sh\n[ $1 = %s ] && exec cat %s\nexec %s \"$@\"\n" % (
            end, shlex.quote(str(listed)), shlex.quote(str(CONFORM))))
        program.chmod(0o700)
        return program

    @unittest.skipUnless(CONFORM.is_file(), "there is no sks-conform")
    def test_practice(self):
        """It is a source too, but demands nothing."""
        self.path.write_bytes(FILE.read_bytes())
        for end, section, level, text in (
                ("token", "practice", "should", None),
                ("issuer", "http 3; practice", "may", None),
                ("token", "practice", "must", "practice alone makes no must-case"),
                ("issuer", "practice", "must", "practice alone makes no must-case"),
                ("token", "wire 5", "should", "no requirement names this case"),
                ("issuer", "http 3", "should", "no requirement names this case")):
            with self.subTest(end=end, section=section, level=level):
                program = self.with_a_case(end, section, level)
                if text:
                    self.assert_wrong(WRONG, "%s/new.case: %s" % (end, text), conform=program)
                else:
                    self.assertEqual(run(self.path, conform=program).stderr, "")

    @unittest.skipUnless(CONFORM.is_file(), "there is no sks-conform")
    def test_sections_that_do_not_exist(self):
        self.path.write_bytes(FILE.read_bytes())
        for section, text in (("SKS User Operations; practice", "User Operations of SKS"),
                              ("SKS changePin, setPuk; practice", "setPuk of SKS"),
                              ("wire 4, 11; practice", "11 of wire"),
                              ("SKS setPin; http 0; practice", "0 of http"),
                              ("2010-profile 12; practice", "12 of 2010-profile")):
            with self.subTest(section):
                self.assert_wrong(WRONG, "token/new.case: there is no section %s\n" % text,
                                  conform=self.with_a_case("token", section, "should"))

    def test_tests_that_do_not_exist(self):
        for name in ("mac:NoSuchFlag", "mac~no such comment", "nothing:Normal",
                     "test_wire_key.CreateKeyEntry.test_nothing", "test_wire_key.Nothing.test_x",
                     "test_nothing.CreateKeyEntry.test_x", "unit/keygen2/jwk.nothing",
                     "unit/keygen2/nothing.refused",
                     *(["token/no.such-case"] if CONFORM.is_file() else [])):
            with self.subTest(name):
                self.altered(lambda row: row.update(tests=row["tests"] + [name]))
                self.assert_wrong(WRONG, "there is no test %s\n" % name)

    def test_names_of_another_form(self):
        for name in ("mac", "Mac:Normal", "mac:", "/x"):
            with self.subTest(name):
                self.altered(lambda row: row.update(tests=[name]))
                self.assert_wrong(WRONG, "/tests/0: ")
        self.altered(lambda row: row.update(tests=["test_wire_key.x"]))
        self.assert_wrong(WRONG, "test_wire_key.x names no test")

    def test_neither_tests_nor_a_reason(self):
        self.altered(lambda row: row.pop("tests"))
        self.assert_wrong(WRONG, "either tests or the reason")

    def test_both(self):
        self.altered(lambda row: row.update(reason="It cannot be tested by anybody."))
        self.assert_wrong(WRONG, "either tests or the reason")

    def test_form(self):
        for change, text in ((lambda row: row.update(tests=[]), "too few elements"),
                             (lambda row: row.update(more=1), "unknown property more"),
                             (lambda row: row.update(id="SKS-1"), "does not fit"),
                             (lambda row: row.update(id="RIG-wire-1"), "RIG-wire-1 is there twice"),
                             (lambda row: row.pop("requirement"), "requirement is missing")):
            with self.subTest(text):
                self.altered(change)
                self.assert_wrong(WRONG, text)

    def test_unreadable(self):
        for data in (b"", b"[", b"\xff", b"[" * 100000):
            self.path.write_bytes(data)
            self.assert_wrong(UNREADABLE, "unreadable")
        self.path.unlink()
        self.assert_wrong(UNREADABLE, "unreadable")
