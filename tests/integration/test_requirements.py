"""testvectors/requirements.json: each requirement has tests that exist, or the reason why none can;
and the check of it notices when that is not so."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from rig.processes import BUILD, ROOT

FILE = ROOT / "testvectors" / "requirements.json"
CONFORM = BUILD / "sks-conform"
GOOD, WRONG, UNREADABLE = range(3)


def run(*arguments):
    options = ["--conform", CONFORM] if CONFORM.is_file() else []
    return subprocess.run([sys.executable, "-B", ROOT / "testvectors" / "requirements.py", *options,
                           *arguments], capture_output=True, text=True, timeout=120)


class Requirements(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "requirements.json"

    def assert_wrong(self, code, text):
        done = run(self.path)
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
