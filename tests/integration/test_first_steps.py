"""What somebody new meets first: `make help`, --help, and the commands of README.md."""

import os
import re
import subprocess
import sys
import unittest

from rig.processes import BUILD, ROOT, run, temporary_folder

PROGRAMS = ("sks-issuer", "sks-token", "sks-proxy", "sks-vectors", "sks-conform", "sks-interop")
FOR_MAKE_ALONE = {"FORCE", "help", "plain-programs", "fuzz-programs"}
README = (ROOT / "README.md").read_text()


class MakeHelp(unittest.TestCase):
    def test_each_target_is_there(self):
        phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(),
                          re.MULTILINE)
        targets = set(phony[1].replace("\\\n", " ").split()) - FOR_MAKE_ALONE
        self.assertGreater(len(targets), 20)
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}  # of `make test`
        done = subprocess.run(["make", "-s", "help"], cwd=ROOT, env=environment, check=True,
                              capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        told = set(re.findall(r"^make (\S+)|; (\S+):", done.stdout, re.MULTILINE))
        told = {name for names in told for name in names if name}
        self.assertLessEqual(targets, told | set(re.findall(r"[a-z-]+", done.stdout)))
        self.assertLessEqual({name for name in told if not name.startswith("SAN")}, targets)
        self.assertIn("CC=clang", done.stdout)


class Columns(unittest.TestCase):
    def test_options_are_below_each_other(self):
        """Each text begins at one column, also where no option of a command is long."""
        for program in PROGRAMS:
            for command in re.findall(r"^  ([a-z-]+)\b", run(program, "--help").stdout,
                                      re.MULTILINE):
                options = run(program, command, "--help").stdout.split("Options:\n")[1]
                columns = {len(found[1]) for found in
                           re.finditer(r"^(  (?:-.,|   ) --\S+(?: \S+)? +)(?=\S)", options,
                                       re.MULTILINE)}
                self.assertEqual(len(columns), 1, (program, command, options))


class ByHand(unittest.TestCase):
    """The block of commands under "By hand", to be typed at the root of a clone."""

    def setUp(self):
        self.commands = README.split("## By hand")[1].split("```")[1]

    def test_nothing_is_made_among_the_sources(self):
        folders = re.findall(r"--(?:store|data) (\S+)", self.commands)
        self.assertGreater(len(folders), 5)
        for folder in folders:
            self.assertFalse((ROOT / folder.split("/")[0]).is_dir() and
                             not folder.startswith("build/"), folder)

    def test_each_option_is_one_of_its_command(self):
        lines = re.sub(r"\\\n", " ", self.commands)
        seen = re.findall(r"^build/(sks-\S+) ([a-z-]+)(.*)$", lines, re.MULTILINE)
        self.assertGreater(len(seen), 10)
        for program, command, rest in seen:
            known = run(program, command, "--help").stdout
            for option in re.findall(r"(?<= )--[a-z-]+", rest.split("#")[0]):
                self.assertRegex(known, re.escape(option) + r"\b", (program, command))


class Demo(unittest.TestCase):
    """What `make demo` runs, and its picture in README.md."""

    @staticmethod
    def shape(text):
        """Its lines without what differs from run to run; those with an ellipsis leave some out."""
        for pattern, name in (("unix:\\S+", "PATH"), ("[0-9a-f]{16,}", "HEX"), ("[0-9]+", "N"),
                              (" +", " ")):
            text = re.sub(pattern, name, text)
        return [line for line in text.splitlines() if line.strip() and " ..." not in line]

    def test_the_picture_is_true(self):
        folder = temporary_folder(self.addCleanup)
        done = subprocess.run([sys.executable, ROOT / "tools/demo.py"], capture_output=True,
                              text=True, timeout=120, check=False,
                              env={**os.environ, "TMPDIR": str(folder), "SKS_BUILD": str(BUILD)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(list(folder.iterdir()), [])
        printed = iter(self.shape(done.stdout))
        picture = self.shape(README.split("## What `make demo` shows")[1].split("```")[1])
        self.assertGreater(len(picture), 60)
        for line in picture:
            self.assertIn(line, printed)    # and behind those before it
