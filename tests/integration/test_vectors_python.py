"""testvectors/check.py agrees with every vector, and notices whatever is changed in one."""

import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from rig.processes import ROOT

VECTORS = ROOT / "testvectors" / "vectors"
FILES = sorted(VECTORS.glob("*.json"))


def flip(name, place=-1):
    def change(given):
        given[name] = flipped(given[name], place)
    return change


def change_lookup(given):
    if "message" in given:
        given["message"] = re.sub('"value":"(.)', lambda match: '"value":"%s' % (
            "B" if match[1] == "A" else "A"), given["message"])
    else:
        given["searchFilter"]["serialNumber"] = "4711"


def change_pin(given):
    """Its last byte may be any; too long is never good. Of calls, the last one is cut."""
    if "calls" in given:
        given["calls"][-1]["request"] = given["calls"][-1]["request"][:-2]
        return
    name = "pin" if "pin" in given else "puk"
    given[name] = given[name][:2] * 129


def change_transcript(given):
    if "calls" in given:
        change_pin(given)
    else:
        given["operations"].append({"op": "remove", "step": 0})


def change_message(given):
    given["message"] = given["message"].rstrip()[:-1]


def change_path(given):
    given["certificatePath"][0] = flipped(given["certificatePath"][0], -1)


# Makes the input of a valid test an invalid one.
CHANGES = {
    "attestation": flip("attestation"),
    "device-path": change_path,
    "encrypted-data": flip("encrypted"),
    "key-management": flip("authorization"),
    "lookup": change_lookup,
    "mac": flip("mac"),
    "message": change_message,
    "pin": change_pin,
    "public-key": flip("publicKey", 0),
    "response": change_message,
    "session-key": flip("sessionKey"),      # what the ends agree on, or what decrypts to it
    "transcript": change_transcript,
    "wire": flip("body"),
}
# Properties of an expectation that may be left out; without the result a file is none.
NOT_ALWAYS = {"result", "counter", "limit"}
HOSTILE = (None, True, -1, 1 << 70, "", "zz", "\ud800", [], [[]], {}, {"fields": None})


def run(*arguments):
    return subprocess.run([sys.executable, "-B", ROOT / "testvectors" / "check.py", *arguments],
                          capture_output=True, text=True, timeout=300)


def flipped(text, place):
    octets = bytearray.fromhex(text)
    octets[place] ^= 1
    return octets.hex()


def tests_of(root):
    return [test for group in root["testGroups"] for test in group["tests"]]


class Vectors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def check(self, root):
        """What the checker says of that file, as JSON."""
        path = self.folder / "altered.json"
        path.write_text(json.dumps(root))
        done = run("--json", path)
        self.assertEqual(done.stderr, "")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if report["disagreed"] else 0)
        return report

    def assert_all_found(self, root, altered, what):
        """The checker disagrees with exactly these tests."""
        self.assertGreater(len(altered), 0, what)
        found = self.check(root)["files"][0]["disagreements"]
        names = ["%s/%d" % (root["kind"], test["tcId"]) for test in altered]
        self.assertEqual([one["id"] for one in found], names, what)

    def alter_files(self, what, alter):
        """alter(root) changes tests and returns them: exactly those must be found, in each file."""
        for path in FILES:
            with self.subTest(path.name, what=what):
                root = json.loads(path.read_text())
                altered = alter(root)
                if altered:
                    self.assert_all_found(root, altered, what)

    def test_agrees_on_every_case(self):
        done = run()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout[-3000:])
        cases = sum(len(tests_of(json.loads(path.read_text()))) for path in FILES)
        self.assertEqual(done.stdout.splitlines()[-1],
                         "%d cases in %d files, %d agreed, 0 disagreed"
                         % (cases, len(FILES), cases))

    def test_changed_input(self):
        def alter(root):
            good = [test for test in tests_of(root) if test["expect"]["result"] == "valid"]
            for test in good:
                CHANGES[root["kind"]](test["input"])
            return good
        self.alter_files("an input changed", alter)

    def test_inverted_result(self):
        def alter(root):
            for test in tests_of(root):
                result = test["expect"]["result"]
                test["expect"] = {"result": "valid" if result == "invalid" else "invalid"}
            return tests_of(root)
        self.alter_files("result", alter)

    def test_each_property_of_the_expectation(self):
        """Tests take turns with what is altered, so each property has its turn."""
        others = {"result": "unknown", "status": 3, "error": "ERROR_STORAGE", "check": "none",
                  "detectedBy": "nobody", "session": "lost", "counter": 77, "limit": 77, "step": 77}

        def changed(root):
            for test in tests_of(root):
                name = list(test["expect"])[test["tcId"] % len(test["expect"])]
                test["expect"][name] = others[name]
            return tests_of(root)

        def shortened(root):
            rich = [test for test in tests_of(root) if set(test["expect"]) - NOT_ALWAYS]
            for test in rich:
                names = [name for name in test["expect"] if name not in NOT_ALWAYS]
                del test["expect"][names[test["tcId"] % len(names)]]
            return rich
        self.alter_files("a property changed", changed)
        self.alter_files("a property missing", shortened)

    def test_expected_counter(self):
        root = json.loads((VECTORS / "mac.json").read_text())
        counted = [test for test in tests_of(root) if "counter" in test["expect"]]
        for test in counted:
            test["expect"]["counter"] += 1
        self.assert_all_found(root, counted, "counter")

    def test_field_by_field_list(self):
        """A list that does not give the input is noticed in every test that has it."""
        def alter(root):
            altered = []
            for group in root["testGroups"]:
                fixtures = group["fixtures"]
                if "fields" in fixtures and "data" in fixtures:
                    last = fixtures["fields"][-1]
                    last["value"] = flipped(last["value"], -1) if last["value"] else "00"
                    altered += group["tests"]
            return altered
        self.alter_files("fields", alter)

    def test_what_a_transcript_says(self):
        """Counter, limit, MAC or answer of a step, or a key of a session: each in three groups."""
        def counter(_, step):
            step["counter"] += 1

        def limit(_, step):
            step["limit"] -= 1

        def counter_of_the_mac(_, step):
            step["mac"]["counter"] += 1

        def name_of_the_mac(_, step):
            step["mac"]["name"] = step["method"] + "s"

        def answer(_, step):
            step["answer"] += "00"

        def field(_, step):
            step["mac"]["fields"][-1]["value"] += "00"

        def session_key(fixtures, _):
            session = fixtures["sessions"][0]
            session["sessionKey"] = flipped(session["sessionKey"], 0)

        def server_key(fixtures, _):
            fixtures["sessions"][0]["serverKey"] = fixtures["deviceKey"]

        root = json.loads((VECTORS / "transcript.json").read_text())
        changes = (counter, limit, counter_of_the_mac, name_of_the_mac, answer, field, session_key,
                   server_key)
        root["testGroups"] = root["testGroups"][:3 * len(changes)]
        for number, group in enumerate(root["testGroups"]):
            group["tests"] = [test for test in group["tests"] if not test["input"]["operations"]]
            steps = [step for step in group["fixtures"]["exchanges"] if "mac" in step]
            changes[number % len(changes)](group["fixtures"], steps[number % len(steps)])
        altered = tests_of(root)
        root["numberOfTests"] = len(altered)
        self.assert_all_found(root, altered, "a step")

    def test_only(self):
        done = run("--only", "mac/3", "--only", "wire/7")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]),
                         (0, "2 cases in %d files, 2 agreed, 0 disagreed" % len(FILES)))

    def test_usage(self):
        for arguments in (["--only", "mac/99999"], ["--such"]):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(run("--help").returncode, 0)


class HostileFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "broken.json"

    def test_broken_files(self):
        whole = (VECTORS / "encrypted-data.json").read_bytes().replace(b'": ', b'":')
        for data, text in (
                (b"", "no JSON"), (whole[:5000], "no JSON"), (b"[]", "not an object"),
                (b"[" * 100000, "nested too deeply"), (b"\xff\xfe", "not UTF-8 at byte 0"),
                (b'{"kind": 1}', "kind"), (b'{"kind":"mac","kind":"mac"}', "twice: kind"),
                (b'{"kind":"mac","numberOfTests":1.5}', "no integer: 1.5"),
                (b'{"kind":"mac","numberOfTests":0,"testGroups":[]}', "there is no test"),
                (whole.replace(b'"numberOfTests":60', b'"numberOfTests":61'),
                 "numberOfTests is 61"),
                (whole.replace(b'"tcId":2,', b'"tcId":1,'), "test 1 is there twice"),
                (whole.replace(b'"kind":"encrypted-data"', b'"kind":"other"'), "unknown kind"),
                (whole.replace(b'"expect":', b'"Expect":'), "test 1: expect is missing")):
            with self.subTest(text):
                self.path.write_bytes(data)
                done = run(self.path)
                self.assertEqual(done.returncode, 1)
                self.assertIn(text, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_file_that_is_not_there(self):
        done = run(self.path)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "%s: No such file or directory\n" % self.path))

    def test_values_of_other_types(self):
        """Whatever stands in the place of a value: no test brings the checker down."""
        for path in FILES:
            root = json.loads(path.read_text())
            groups = []
            for group in first_of_each_type(root["testGroups"]):
                for place in places({"fixtures": group["fixtures"],
                                     "input": group["tests"][0]["input"]}):
                    # Values take turns, as there are many places.
                    some = [HOSTILE[(len(groups) + step) % len(HOSTILE)] for step in range(3)]
                    groups += [replaced(group, place, value) for value in some]
            for number, group in enumerate(groups, 1):
                group["tests"][0]["tcId"] = number
            root.update(testGroups=groups, numberOfTests=len(groups))
            with self.subTest(path.name, tests=len(groups)):
                self.path.write_text(json.dumps(root))
                done = run("--json", self.path)
                self.assertEqual((done.returncode, done.stderr), (1, ""))
                self.assertGreater(json.loads(done.stdout)["disagreed"], len(groups) // 2)


def first_of_each_type(groups):
    return {group["type"]: group for group in reversed(groups)}.values()


def places(value, path=()):
    """The paths of all values inside, but of a list only its first and last element's."""
    if isinstance(value, dict):
        inner = list(value.items())
    else:
        inner = [(place, value[place]) for place in {0, len(value) - 1} if value]
    for name, item in inner:
        if path:
            yield path + (name,)
        if isinstance(item, (dict, list)):
            yield from places(item, path + (name,))


def replaced(group, place, value):
    """The group with its first test only, and with another value at one place."""
    group = copy.deepcopy({**group, "tests": group["tests"][:1]})
    holder = group if place[0] == "fixtures" else group["tests"][0]
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    return group
