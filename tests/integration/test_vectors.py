"""The conformance vectors: made anew they are the same bytes, the libraries and the linter agree with
them, and both notice when a file is not what it must be."""

import copy
import json
import subprocess
import sys

from rig import holes
from rig.processes import ROOT, run
from rig.testcase import RigTest

DONE, REFUSED, USAGE, IO_ERROR = range(4)
FOLDER = ROOT / "testvectors" / "vectors"
# Tests that each kind must have.
FLOORS = {"session-key": 120, "attestation": 150, "mac": 350, "encrypted-data": 60,
          "key-management": 90, "wire": 350, "message": 350, "pin": 250, "public-key": 100,
          "lookup": 120, "transcript": 260, "device-path": 80, "response": 60}
# What is there for readers, and not for the check.
UNUSED = {"device-path": ("deviceTrust", "keys", "certificates"),   # the first one is optional
          "session-key": ("end", "data"), "attestation": ("deviceKey",),
          "encrypted-data": ("encryptionKey",), "lookup": ("keyManagementKey", "bob", "mueller"),
          "pin": ("tokenDraws",)}
VALID_TRANSCRIPTS, INVALID_TRANSCRIPTS = 60, 200


def load(kind):
    return json.loads((FOLDER / (kind + ".json")).read_text(encoding="utf-8"))


def tests_of(root):
    return [test for group in root["testGroups"] for test in group["tests"]]


def lint(*paths):
    return subprocess.run([sys.executable, "-B", ROOT / "testvectors" / "lint.py", *paths],
                          capture_output=True, text=True)


def canonical(root):
    """The text of a file in the form that the linter has."""
    sys.path.insert(0, str(ROOT / "testvectors"))
    try:
        import lint as linter
    finally:
        sys.path.pop(0)
    return linter.canonical(root) + "\n"


class VectorsTest(RigTest):
    @classmethod
    def set_up_rig(cls):
        pass

    def written(self, root, text=None):
        path = self.new_folder() / (root["kind"] + ".json")
        path.write_text(canonical(root) if text is None else text, encoding="utf-8")
        return path


class Vectors(VectorsTest):
    def test_made_anew_they_are_the_same(self):
        folder = self.new_folder()
        done = run("sks-vectors", "generate", folder)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (DONE, "", ""))
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         sorted(path.name for path in FOLDER.iterdir()))
        for path in sorted(folder.iterdir()):
            with self.subTest(path.name):
                self.assertTrue(path.read_bytes() == (FOLDER / path.name).read_bytes(),
                                "not what is in the repository: make vectors")

    def test_one_kind_alone(self):
        folder = self.new_folder()
        done = run("sks-vectors", "generate", folder, "encrypted-data")
        self.assertEqual(done.returncode, DONE)
        self.assertEqual([path.name for path in folder.iterdir()], ["encrypted-data.json"])

    def test_the_libraries_agree(self):
        for kind, floor in FLOORS.items():
            with self.subTest(kind):
                done = run("sks-vectors", "check", FOLDER / (kind + ".json"))
                self.assertEqual((done.returncode, done.stderr), (DONE, ""), done.stdout)
                tests = tests_of(load(kind))
                self.assertGreaterEqual(len(tests), floor)
                self.assertIn("%d tests" % len(tests), done.stdout)
        self.assertEqual({path.stem for path in FOLDER.iterdir()}, set(FLOORS))

    def test_each_wrong_expectation_is_found(self):
        for kind in FLOORS:
            with self.subTest(kind):
                root = load(kind)
                for test in tests_of(root):
                    test["expect"] = {"result": {"valid": "invalid", "invalid": "valid"}[
                        test["expect"]["result"]]}
                done = run("sks-vectors", "check", self.written(root))
                self.assertEqual(done.returncode, REFUSED)
                self.assertEqual(len(done.stdout.splitlines()), root["numberOfTests"] + 1)
                self.assertIn("FAILED", done.stdout)

    def test_a_wrong_status_is_found(self):
        for kind in FLOORS:
            root = load(kind)
            refused = [test for test in tests_of(root) if "status" in test["expect"]]
            for test in refused:
                test["expect"]["status"] = 12
            if not refused:
                continue
            with self.subTest(kind):
                done = run("sks-vectors", "check", self.written(root))
                self.assertEqual(done.returncode, REFUSED)
                self.assertEqual(done.stdout.count("status is"), len(refused))

    def test_what_comes_afterwards_is_compared(self):
        root = load("transcript")
        refused = [test["expect"] for test in tests_of(root) if "step" in test["expect"]]
        for expect in refused:
            expect["step"] += 1
        done = run("sks-vectors", "check", self.written(root))
        self.assertEqual(done.stdout.count("step is"), len(refused))
        self.assertGreaterEqual(len(refused), INVALID_TRANSCRIPTS)
        root = load("transcript")
        for group in root["testGroups"]:
            group["tests"] = group["tests"][:1]
            group["fixtures"]["exchanges"][1]["limit"] += 1
        root["numberOfTests"] = len(tests_of(root))
        done = run("sks-vectors", "check", self.written(root))
        self.assertEqual(done.stdout.count("counter"), root["numberOfTests"])
        for kind in ("transcript", "pin"):
            root = load(kind)
            limits = [test["expect"] for test in tests_of(root) if "limit" in test["expect"]]
            for expect in limits:
                expect["limit"] += 1
            done = run("sks-vectors", "check", self.written(root))
            self.assertEqual(done.stdout.count("limit is"), len(limits))
            self.assertGreater(len(limits), 40)
        root = load("mac")
        for test in tests_of(root):
            if "counter" in test["expect"]:
                test["expect"]["counter"] += 1
        done = run("sks-vectors", "check", self.written(root))
        self.assertGreater(done.stdout.count("counter is"), 50)

    def test_an_altered_input_is_found(self):
        for kind, name in (("mac", "sessionKey"), ("attestation", "sessionKey"),
                           ("encrypted-data", "sessionKey"), ("key-management", "data"),
                           ("transcript", "deviceCertificate")):
            with self.subTest(kind):
                root = load(kind)
                group = copy.deepcopy(next(group for group in root["testGroups"]
                                           if any(test["expect"]["result"] == "valid"
                                                  for test in group["tests"])
                                           and (kind != "attestation"
                                                or group["type"] == "privacy")))
                value = group["fixtures"][name]
                group["fixtures"][name] = value[:-1] + ("0" if value[-1] != "0" else "1")
                root["testGroups"] = [group]
                root["numberOfTests"] = len(group["tests"])
                done = run("sks-vectors", "check", self.written(root))
                self.assertEqual(done.returncode, REFUSED, done.stdout)

    def test_a_missing_input_is_found(self):
        for kind in FLOORS:
            whole = load(kind)
            for group in whole["testGroups"][:2] + whole["testGroups"][-1:]:
                test = next((test for test in group["tests"]
                             if test["expect"]["result"] == "valid"), None)
                if test is None:
                    continue
                for place in ("fixtures", "input"):
                    for name in (group if place == "fixtures" else test)[place]:
                        if name in UNUSED.get(kind, ()):
                            continue
                        with self.subTest(kind, name=name):
                            self.check_without(whole, group, test, place, name)

    def check_without(self, whole, group, test, place, name):
        group = copy.deepcopy({**group, "tests": [test]})
        del (group if place == "fixtures" else group["tests"][0])[place][name]
        root = {**whole, "testGroups": [group], "numberOfTests": 1}
        done = run("sks-vectors", "check", self.written(root))
        self.assertEqual((done.returncode, done.stderr), (REFUSED, ""), done.stdout)

    def test_numbers_of_transcripts(self):
        results = [test["expect"]["result"] for test in tests_of(load("transcript"))]
        self.assertGreaterEqual(results.count("valid"), VALID_TRANSCRIPTS)
        self.assertGreaterEqual(results.count("invalid"), INVALID_TRANSCRIPTS)

    def test_show(self):
        done = run("sks-vectors", "show", FOLDER / "mac.json", "1")
        self.assertEqual(done.returncode, DONE, done.stderr)
        for text in ("closeProvisioningSession", "field nonce", "the library says: SUCCESS",
                     "as expected"):
            self.assertIn(text, done.stdout)
        root = load("mac")
        root["testGroups"][0]["tests"][0]["input"]["mac"] = "00" * 32
        done = run("sks-vectors", "show", self.written(root), "1")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("NOT as expected", done.stdout)

    def test_wrong_usage(self):
        text = self.new_folder() / "text.json"
        text.write_text('{"kind":"something"}')
        for code, *arguments in ((USAGE, "show", FOLDER / "mac.json", "0"),
                                 (USAGE, "generate", self.new_folder(), "nonsense"),
                                 (IO_ERROR, "check", "/nonexistent.json"),
                                 (IO_ERROR, "check", text), (IO_ERROR, "show", text, "1")):
            with self.subTest(arguments[0], code=code):
                done = run("sks-vectors", *arguments)
                self.assertEqual(done.returncode, code, done.stdout)
                self.assertTrue(done.stderr.strip())


class Holes(VectorsTest):
    """With one check of an end saying yes to everything, some vectors come out otherwise."""

    def setUp(self):
        self.rows = json.loads((ROOT / "tests" / "vectors" / "holes.json").read_text())

    def only(self, named):
        """Files with the named vectors alone; each name is KIND/ID: COMMENT."""
        wanted = {}
        for name in named:
            place, _, comment = name.partition(": ")
            kind, _, number = place.partition("/")
            wanted.setdefault(kind, {})[int(number)] = comment
        for kind, comments in wanted.items():
            root = load(kind)
            for group in root["testGroups"]:
                group["tests"] = [test for test in group["tests"] if test["tcId"] in comments]
            root["testGroups"] = [group for group in root["testGroups"] if group["tests"]]
            root["numberOfTests"] = len(comments)
            self.assertEqual({test["tcId"]: test["comment"] for test in tests_of(root)}, comments,
                             "tests/vectors/holes.json names other vectors than there are")
            yield self.written(root)

    def test_all_have_a_row(self):
        listed = holes.listed()
        self.assertGreater(len(listed), 60)
        self.assertEqual(set(self.rows), set(listed))
        for hole, (parts, _) in listed.items():
            self.assertEqual(list(self.rows[hole]), parts, hole)
            self.assertTrue(all(self.rows[hole].values()), hole)

    def test_each_is_found(self):
        for hole, parts in self.rows.items():
            for part, named in parts.items():
                with self.subTest(hole, part=part):
                    done = run("vectors/holes", part, hole, *self.only(named))
                    self.assertEqual((done.returncode, done.stderr), (REFUSED, ""), done.stdout)
                    for name in named:
                        self.assertIn("\n%s: " % name.replace("/", " ", 1), "\n" + done.stdout)

    def test_without_a_hole_they_come_out_as_they_say(self):
        named = {name for parts in self.rows.values() for names in parts.values()
                 for name in names}
        for path in self.only(sorted(named)):
            done = run("sks-vectors", "check", path)
            self.assertEqual((done.returncode, done.stderr), (DONE, ""), done.stdout)


class Linter(RigTest):
    """What it refuses; and nothing else is changed."""

    @classmethod
    def set_up_rig(cls):
        pass

    def refused(self, root, text=None, kind=None):
        path = self.new_folder() / ((kind or root["kind"]) + ".json")
        path.write_text(canonical(root) if text is None else text, encoding="utf-8")
        done = lint(path)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout

    def test_good_files(self):
        done = lint()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), len(FLOORS))

    def test_structure(self):
        def unknown(root):
            root["testGroups"][0]["tests"][0]["input"]["other"] = ""

        def missing(root):
            del root["testGroups"][0]["tests"][0]["section"]

        def wrong_type(root):
            root["testGroups"][0]["tests"][0]["input"]["counter"] = "0"

        def no_hex(root):
            root["testGroups"][0]["tests"][0]["input"]["mac"] = "0g"

        def out_of_range(root):
            root["testGroups"][0]["tests"][0]["input"]["counter"] = 65536

        def order(root):
            test = root["testGroups"][0]["tests"][0]
            test["tcId"] = test.pop("tcId")

        def double_id(root):
            root["testGroups"][0]["tests"][1]["tcId"] = 1

        def count(root):
            root["numberOfTests"] += 1

        def unexplained(root):
            del root["notes"]["Normal"]

        def unused(root):
            root["notes"]["Other"] = root["notes"]["Normal"]

        def valid_and_detected(root):
            root["testGroups"][0]["tests"][0]["expect"]["detectedBy"] = "token"

        def undetected(root):
            for test in tests_of(root):
                test["expect"].pop("detectedBy", None)

        def no_status(root):
            for test in tests_of(root):
                test["expect"].pop("error", None)

        def fields(root):
            root["testGroups"][0]["fixtures"]["fields"][0]["form"] = "blob"

        def seed(root):
            root["seed"] = "another"

        for change in (unknown, missing, wrong_type, no_hex, out_of_range, order, double_id, count,
                       unexplained, unused, valid_and_detected, undetected, no_status, fields, seed):
            with self.subTest(change.__name__):
                root = load("mac")
                change(root)
                self.refused(root)

    def test_mostly_valid(self):
        root = load("mac")
        for group in root["testGroups"]:
            group["tests"] = [test for test in group["tests"]
                              if test["expect"]["result"] == "valid"]
        for number, test in enumerate(tests_of(root), 1):
            test["tcId"] = number
        root["numberOfTests"] = len(tests_of(root))
        self.assertIn("half", self.refused(root))

    def test_form(self):
        root = load("encrypted-data")
        text = canonical(root)
        for name, other in (("indented", json.dumps(root, indent=1) + "\n"),
                            ("no line feed", text[:-1]), ("line feeds", text + "\n"),
                            ("blank", text.replace('{"tcId":1,', '{"tcId": 1,'))):
            with self.subTest(name):
                self.assertIn("canonical", self.refused(root, other))
        self.assertIn("twice", self.refused(root, text.replace(
            '{"tcId":1,', '{"tcId":1,"tcId":1,')))
        self.assertIn("disagree", self.refused(root, kind="mac"))

    def test_unreadable(self):
        path = self.new_folder() / "mac.json"
        for text in ("", "[", "17"):
            path.write_text(text)
            self.assertEqual(lint(path).returncode, 2, text)
        self.assertEqual(lint("/nonexistent.json").returncode, 2)
