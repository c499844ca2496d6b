"""tests/run.py, on programs that are made for it: what it prints, and that it leaves nothing; nor
does what runs the tests of this folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from rig.processes import PATIENCE, ROOT, wait_for

LEAVER = """import os
import tempfile
import unittest


class Leaver(unittest.TestCase):
    def test_passes(self):
        print(tempfile.mkdtemp())

    def test_fails(self):
        self.fail(tempfile.mkdtemp())


class Careless(unittest.TestCase):
    def test_passes(self):
        tempfile.mkdtemp(prefix="careless-")


class Killed(unittest.TestCase):
    def test_dies(self):
        tempfile.mkdtemp()
        os.kill(os.getpid(), 9)
"""
WAIT = 'until [ -e %s ]; do sleep 0.05; done\n'


class Leavings(unittest.TestCase):
    def test_what_tests_leave_goes(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        there, scratch = Path(folder.name) / "tests" / "integration", Path(folder.name) / "tmp"
        scratch.mkdir()
        shutil.copytree(ROOT / "tests" / "integration" / "rig", there / "rig")
        shutil.copy(ROOT / "tests" / "integration" / "run.py", there)
        (there / "test_leaver.py").write_text(LEAVER)
        done = subprocess.run([sys.executable, "-B", str(there / "run.py"), "-k", "test_leaver"],
                              env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("left in the temporary folder: careless-", done.stdout)
        self.assertIn("2 passed, 3 failed", done.stdout)
        self.assertEqual(list(scratch.iterdir()), [])


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        (self.folder / "tests").mkdir()
        shutil.copy(ROOT / "tests" / "run.py", self.folder / "tests")

    def add(self, name, script=""):
        """A test, which is a shell script. @param name  of its program in the build folder"""
        kind, _, rest = name.partition("/")
        source = self.folder / "tests" / kind / (rest + ".c")
        program = self.folder / "build" / name
        for path, text in ((source, ""), (program, "#!/bin/sh\n" + script)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        program.chmod(0o700)

    def start(self, *parts, build="build", **more):
        environment = {**os.environ, "SKS_BUILD": build}
        environment.pop("SKS_SAN", None)
        return subprocess.Popen([sys.executable, "-B", "tests/run.py", *parts], cwd=self.folder,
                                env={**environment, **more}, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run_it(self, *parts, **more):
        process = self.start(*parts, **more)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said.splitlines()

    def test_results_keep_their_order(self):
        """The first waits for the second, which so runs beside it, and is printed first."""
        self.add("unit/a/test_first", WAIT % "second" + "echo 'Tested: 3 | Passing: 3'\n")
        self.add("unit/b/test_second", "echo 'OK: 5 of 5'; touch second\n")
        self.assertEqual(self.run_it("unit", "--jobs", "2"), (0, [
            "ok      a/test_first                   3 tests",
            "ok      b/test_second                  5 of 5", "2 passed, 0 failed"]))

    def test_no_more_than_are_asked_for(self):
        for name in "abcd":
            self.add("unit/a/test_" + name, 'mkdir one || exit 1; sleep 0.1; rmdir one\n')
        self.assertEqual(self.run_it("unit", "--jobs", "1")[0], 0)

    def test_what_fails_shows_its_log(self):
        self.add("unit/a/test_bad", 'i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo "line $i"; '
                                    'done; echo "to stderr" >&2; exit 3\n')
        self.add("unit/a/test_killed", "kill -SEGV $$\n")
        self.add("unit/b/test_good")
        self.add("unit/c/test_missing")
        (self.folder / "build" / "unit" / "c" / "test_missing").unlink()
        code, lines = self.run_it("unit")
        self.assertEqual(code, 1)
        self.assertEqual(lines[:2], ["FAILED  a/test_bad", "line 42"])
        self.assertEqual(lines[60:63], ["to stderr", "FAILED  a/test_killed",
                                        "ok      b/test_good                    "])
        self.assertEqual(lines[63], "FAILED  c/test_missing")
        self.assertIn("No such file", lines[64])
        self.assertEqual(lines[-1], "1 passed, 3 failed")

    def test_some_run_alone(self):
        """Behind all others, however early they are printed; the ThreadSanitizer's as well."""
        self.add("plain/faults_x", 'mkdir one || exit 1; sleep 0.3; rmdir one\n')
        self.add("plain/a_stress", 'mkdir one || exit 1; sleep 0.1; rmdir one\n')
        self.add("plain/b_stress", 'mkdir one || exit 1; sleep 0.1; rmdir one\n')
        (self.folder / "build" / "tsan" / "plain").mkdir(parents=True)
        shutil.copy(self.folder / "build" / "plain" / "a_stress",
                    self.folder / "build" / "tsan" / "plain")
        code, lines = self.run_it("plain", "--jobs", "4")
        self.assertEqual([line.split()[1:3] for line in lines], [
            ["plain/a_stress"], ["plain/a_stress", "(threads)"], ["plain/b_stress"],
            ["plain/faults_x"], ["passed,", "0"]])
        self.assertEqual(code, 0)

    def test_of_the_threads_alone(self):
        self.add("plain/faults_x", "exit 1\n")
        self.add("plain/a_stress")
        (self.folder / "build").rename(self.folder / "other")
        self.assertEqual(self.run_it("plain", build="other", SKS_SAN="thread")[1][-1],
                         "1 passed, 0 failed")

    def test_stopped(self):
        """Nothing goes on behind it, not even what a program has started."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.add("unit/a/test_child", "sleep 1000 & echo $$ $! >pids; wait\n")
                self.add("unit/b/test_never", "touch started; sleep 1000\n")
                self.add("unit/c/test_later", "touch later\n")
                process = self.start("unit", "--jobs", "2")
                self.addCleanup(process.kill)
                pids = self.folder / "pids"
                wait_for(lambda: (self.folder / "started").exists() and pids.exists()
                         and len(pids.read_text().split()) == 2)
                process.send_signal(number)
                said, _ = process.communicate(timeout=PATIENCE)
                self.assertEqual((process.returncode, said), (128 + number, ""))
                for pid in pids.read_text().split():
                    wait_for(lambda: not is_running(pid))
                self.assertFalse((self.folder / "later").exists())
                for path in (pids, self.folder / "started"):
                    path.unlink()

    def test_integration_is_stopped(self):
        runner = self.folder / "tests" / "integration" / "run.py"
        runner.parent.mkdir()
        runner.write_text("import os, subprocess\n"
                          "child = subprocess.Popen(['sleep', '1000'])\n"
                          "print(os.getpid(), child.pid, file=open('pids', 'w'), flush=True)\n"
                          "child.wait()\n")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                process = self.start("integration")
                self.addCleanup(process.kill)
                pids = self.folder / "pids"
                wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
                process.send_signal(number)
                process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 128 + number)
                for pid in pids.read_text().split():
                    wait_for(lambda: not is_running(pid))
                pids.unlink()

    def test_what_a_program_leaves_running(self):
        self.add("unit/a/test_left", "sleep 1000 & echo $! >pid\n")
        self.assertEqual(self.run_it("unit")[0], 0)
        pid = (self.folder / "pid").read_text().strip()
        wait_for(lambda: not is_running(pid))

    def test_nothing_to_run(self):
        self.assertEqual(self.run_it("unit"), (1, ["0 passed, 0 failed"]))
        self.assertEqual(self.run_it("units")[0], 2)


def is_running(pid):
    try:
        state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    unittest.main()
