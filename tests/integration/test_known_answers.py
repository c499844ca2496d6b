"""The known answers that the unit tests read are those that the generator makes."""

import subprocess
import sys
import unittest

from rig.processes import ROOT


class KnownAnswers(unittest.TestCase):
    def test_file_is_up_to_date(self):
        script = ROOT / "tests" / "kat" / "generate.py"
        done = subprocess.run([sys.executable, "-B", script, "--check"], capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
