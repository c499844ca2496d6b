#!/usr/bin/python3
"""Checks requirements.json: each requirement names tests that exist, or says why there are none.

    requirements.py [--list] [--conform PROGRAM] [FILE]

A test is named by

    mac:WrongCounter          all vectors of kind mac with that flag
    mac~made with the name    all vectors of kind mac whose comment has that text
    test_wire_key.Class.test  an integration test
    unit/keygen2/jwk.refused  a unit test: tests/unit/keygen2/test_jwk.c, Test(jwk, refused)
    token/case, issuer/case   a case of sks-conform, or several by * ; it must have been built

Each case of sks-conform must be named in turn; but a case that no text asks for has "practice" for
its section, and is no must-case. Sections that a case cites of the SKS text must be those of a
requirement, sections of our docs must be there.

Exit 0: all good; 1: a requirement or a case is wrong; 2: something cannot be read. Plain Python 3.
"""

import argparse
import ast
import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

from lint import Schemas, Wrong, check, no_duplicates

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "tests"
VECTOR = re.compile(r"([a-z0-9-]+)([:~])(.+)")
CONFORM = re.compile(r"(token|issuer)/(.+)")
EXPLAINED = ("token", "issuer")     # ends of whose cases each says where it comes from
PRACTICE = "practice"
DOCS = {"wire": "wire.md", "http": "http.md", "2010-profile": "2010-profile.md",
        "2010": "2010-profile.md"}  # as cases cite them
NUMBER = re.compile(r"^(Appendix [A-Z]|[0-9.]+) | \[[0-9]+\]$")     # of a section, which cases omit
UNIT_TEST = re.compile(r"unit/(\w+)/(\w+)\.(\w+)")
INTEGRATION_TEST = re.compile(r"(test_\w+)\.(\w+)\.(test_\w+)")


class Tests:
    """All tests that there are, each kind read when it is first asked for."""

    def __init__(self, conform):
        self.conform = conform
        self.files, self.modules, self.cases = {}, {}, {}
        self.named = set()      # (end, case) of sks-conform
        self.unchecked = 0

    def number_of(self, name):
        """How many tests have the name."""
        for pattern, count in ((INTEGRATION_TEST, self.integration), (UNIT_TEST, self.unit),
                               (CONFORM, self.cases_of), (VECTOR, self.vectors)):
            match = pattern.fullmatch(name)
            if match:
                return count(*match.groups())
        raise Wrong("%s names no test: it has another form" % name)

    def vectors(self, kind, how, text):
        path = HERE / "vectors" / (kind + ".json")
        if kind not in self.files:
            if not path.is_file():
                return 0
            root = json.loads(path.read_text(encoding="utf-8"))
            self.files[kind] = [test for group in root["testGroups"] for test in group["tests"]]
        if how == ":":
            return sum(text in test["flags"] for test in self.files[kind])
        return sum(text in test["comment"] for test in self.files[kind])

    def integration(self, module, group, test):
        if module not in self.modules:
            path = TESTS / "integration" / (module + ".py")
            self.modules[module] = methods(path) if path.is_file() else set()
        return (group, test) in self.modules[module]

    def unit(self, folder, name, test):
        path = TESTS / "unit" / folder / ("test_%s.c" % name)
        return path.is_file() and len(re.findall(r"^Test\(%s, %s\b" % (name, test), path.read_text(
            encoding="utf-8"), re.MULTILINE))

    def cases_of(self, end, name):
        if self.conform is None:
            self.unchecked += 1
            return 1
        found = fnmatch.filter([case["id"] for case in self.listed(end)], name)
        self.named.update((end, case) for case in found)
        return len(found)

    def listed(self, end):
        """What sks-conform says of its cases for an end."""
        if end not in self.cases:
            done = subprocess.run([self.conform, end, "--list", "--json"], capture_output=True,
                                  text=True, timeout=60, check=True)
            self.cases[end] = json.loads(done.stdout)
        return self.cases[end]


def methods(path):
    """(class, method) of all tests of a module, those of its base classes there included."""
    classes = {item.name: item for item in ast.parse(path.read_text(encoding="utf-8")).body
               if isinstance(item, ast.ClassDef)}
    return {(name, item.name) for name in classes for base in family(classes, name)
            for item in classes[base].body
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test")}


def family(classes, name):
    yield name
    for base in classes[name].bases:
        if isinstance(base, ast.Name) and base.id in classes:
            yield from family(classes, base.id)


def check_requirement(row, tests):
    """How many tests it has. Raises Wrong."""
    if ("tests" in row) == ("reason" in row):
        raise Wrong("%s: must have either tests or the reason why there are none" % row["id"])
    count = 0
    for name in row.get("tests", []):
        found = tests.number_of(name)
        if not found:
            raise Wrong("%s: there is no test %s" % (row["id"], name))
        count += found
    return count


def check_all(root, tests):
    """(row, number of tests) of all rows, and a text for each that is wrong."""
    found, errors, ids = [], [], set()
    for row in root["requirements"]:
        try:
            if row["id"] in ids:
                raise Wrong("%s is there twice" % row["id"])
            ids.add(row["id"])
            found.append((row, check_requirement(row, tests)))
        except Wrong as wrong:
            errors.append(str(wrong))
    return found, errors


def known_sections(root):
    """The sections that a case may cite, of each text that can be looked up here."""
    sections = {"SKS": {NUMBER.sub("", row["section"]) for row in root["requirements"]
                        if row["text"] == "SKS"}}
    for name, path in DOCS.items():
        text = (HERE.parent / "docs" / path).read_text(encoding="utf-8")
        sections[name] = set(re.findall(r"^## ([0-9]+)\. ", text, re.MULTILINE))
    return sections


def check_case(end, case, tests, sections):
    """Raises Wrong for a case that does not say where it comes from, or says what is not so."""
    name = "%s/%s" % (end, case["id"])
    cited = case["section"].split("; ")
    for text, _, titles in (part.partition(" ") for part in cited):
        for title in titles.split(", ") if text in sections else ():
            if title not in sections[text]:
                raise Wrong("%s: there is no section %s of %s" % (name, title, text))
    practice = PRACTICE in cited
    if practice and case["level"] == "must":
        raise Wrong("%s: practice alone makes no must-case" % name)
    if not practice and (end, case["id"]) not in tests.named:
        raise Wrong("%s: no requirement names this case, nor is its section %s" % (name, PRACTICE))


def check_cases(root, tests):
    """A text for each case of sks-conform that is wrong."""
    errors, sections = [], known_sections(root)
    for end in EXPLAINED if tests.conform else ():
        for case in tests.listed(end):
            try:
                check_case(end, case, tests, sections)
            except Wrong as wrong:
                errors.append(str(wrong))
    return errors


def report(found, tests, listed):
    for row, count in found if listed else []:
        print("%-32s %5s  %s" % (row["id"], count or "none", row["requirement"]))
    untested = sum("reason" in row for row, _ in found)
    print("%d requirements: %d with tests, %d with the reason why there are none"
          % (len(found), len(found) - untested, untested))
    if tests.unchecked:
        print("%d names of sks-conform not checked: there is no sks-conform" % tests.unchecked)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     epilog="Exit 0: all good; 1: one is wrong; 2: unreadable.")
    parser.add_argument("file", metavar="FILE", nargs="?", default=HERE / "requirements.json")
    parser.add_argument("--list", action="store_true", help="show all, with their number of tests")
    parser.add_argument("--conform", metavar="PROGRAM", help="sks-conform, if it is not in build/")
    options = parser.parse_args(arguments)
    built = HERE.parent / "build" / "sks-conform"
    tests = Tests(options.conform or (str(built) if built.is_file() else None))
    schemas = Schemas()
    try:
        text = Path(options.file).read_text(encoding="utf-8")
        root = json.loads(text, object_pairs_hook=no_duplicates)
        check(schemas, "requirements.json", schemas.load("requirements.json"), root, "")
        found, errors = check_all(root, tests)
        errors += check_cases(root, tests)
    except Wrong as wrong:
        found, errors = [], [str(wrong)]
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError,
            subprocess.SubprocessError) as error:
        print("%s: unreadable: %s" % (options.file, error), file=sys.stderr)
        return 2
    for error in errors:
        print(error, file=sys.stderr)
    if not errors:
        report(found, tests, options.list)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
