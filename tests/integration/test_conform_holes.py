"""Each hole of the matrix self-test is found by named cases of sks-conform, run against a real token
or a real issuer that has it; and without it these cases pass. tests/conform/holes.json has the names:

    HOLE: PART: ["END/CASE", ...]            with that part of the hole open in the end
    HOLE: "PART shared": ["END/CASE", ...]   in the runner too: a wrong idea that both have of a MAC
    HOLE: unseen: TEXT                       why neither runner can find it

tests/conform/discover.py shows which cases fail."""

import json

from rig import holes
from rig.processes import ROOT, run
from rig.testcase import RigTest

DONE, FAILED = 0, 1
SHARED = " shared"
ONLY_MAX = 16           # times that --only may be given


def read_rows():
    return json.loads((ROOT / "tests" / "conform" / "holes.json").read_text())


def found_by(end):
    """(hole, part, whether it is shared, cases) that are found in an end."""
    for hole, parts in read_rows().items():
        for part, names in parts.items():
            cases = [name.partition("/")[2] for name in names if name.startswith(end + "/")]
            if part != "unseen" and cases:
                yield hole, part.removesuffix(SHARED), part.endswith(SHARED), cases


def batches(names):
    """As many as one run takes."""
    return (names[at:at + ONLY_MAX] for at in range(0, len(names), ONLY_MAX))


class Table(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.rows = read_rows()
        cls.listed = holes.listed()

    def test_each_part_has_a_row(self):
        self.assertEqual(list(self.rows), list(self.listed))
        for hole, (parts, _) in self.listed.items():
            row = self.rows[hole]
            if "unseen" in row:
                self.assertEqual(list(row), ["unseen"], hole)
                self.assertTrue(row["unseen"].endswith("."), hole)
                continue
            self.assertEqual([part for part in row if not part.endswith(SHARED)], parts, hole)
            self.assertLessEqual({part.removesuffix(SHARED) for part in row}, set(parts), hole)
            self.assertTrue(all(row.values()), hole)

    def test_a_field_that_is_in_no_mac_is_found_by_the_case_about_it(self):
        """With the field left out by the token alone, nothing fits any more: that is no proof."""
        for hole, row in self.rows.items():
            if hole.endswith((" in no MAC", " not attested")):
                self.assertIn("1" + SHARED, row, hole)

    def test_unseen_are_those_of_the_middleware(self):
        self.assertEqual({hole for hole, row in self.rows.items() if "unseen" in row},
                         {"signature of a lookup", "nonce of a lookup"})

    def test_the_cases_are_there_and_are_musts(self):
        named = {name for row in self.rows.values() for part, names in row.items()
                 if part != "unseen" for name in names}
        musts = {"%s/%s" % (end, case["id"]) for end in holes.ENDS
                 for case in json.loads(run("sks-conform", end, "--list", "--json").stdout)
                 if case["level"] == "must"}
        self.assertLessEqual(named, musts)


class WithHoles:
    """The end is started anew for each hole: what comes of one is nothing to the next."""

    @classmethod
    def set_up_rig(cls):
        cls.with_hole = holes.ENDS[cls.end](cls.new_folder())
        cls.addClassCleanup(cls.with_hole.kill)
        cls.profiles = {hole: profile for hole, (_, profile) in holes.listed().items()}

    def verdicts(self, cases, profile, part=None, hole=None, shared=False):
        """{case: verdict}, with that part of a hole in the end, or none."""
        self.with_hole.open(part, hole)
        try:
            report = self.with_hole.conform(*(word for case in cases for word in ("--only", case)),
                                            profile=profile, part=part,
                                            hole=hole if shared else None)
        finally:
            self.with_hole.kill()
        verdicts = {case["id"]: case["verdict"] for case in report["cases"]}
        self.assertEqual(report["exit"], FAILED if "failed" in verdicts.values() else DONE, report)
        return verdicts

    def test_each_is_found(self):
        tried = 0
        for hole, part, shared, cases in found_by(self.end):
            with self.subTest(hole, part=part, shared=shared):
                self.assertEqual(self.verdicts(cases, self.profiles[hole], part, hole, shared),
                                 dict.fromkeys(cases, "failed"))
                tried += 1
        self.assertGreater(tried, self.floor)

    def test_holes_of_several_parts_are_found(self):
        """With all parts open, as the matrix has them."""
        by_hole = {}
        for hole, part, shared, cases in found_by(self.end):
            if not shared:
                by_hole.setdefault(hole, {})[part] = cases
        for hole, parts in by_hole.items():
            cases = {case for some in parts.values() for case in some}
            with self.subTest(hole):
                if len(parts) > 1:
                    self.assertEqual(self.verdicts(cases, self.profiles[hole], "all", hole),
                                     dict.fromkeys(cases, "failed"))

    def test_without_a_hole_they_pass(self):
        by_profile = {}
        for hole, _, _, cases in found_by(self.end):
            by_profile.setdefault(self.profiles[hole], set()).update(cases)
        for profile, cases in by_profile.items():
            for some in batches(sorted(cases)):
                with self.subTest(profile):
                    self.assertEqual(self.verdicts(some, profile), dict.fromkeys(some, "passed"))


class TokenWithHoles(WithHoles, RigTest):
    end, floor = "token", 70


class IssuerWithHoles(WithHoles, RigTest):
    end, floor = "issuer", 10


if __name__ == "__main__":
    import unittest
    unittest.main()
