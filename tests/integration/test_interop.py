"""sks-interop on the real programs: what docker/compose.yaml runs, without the containers."""

import unittest

from rig.interopcase import InteropCase
from rig.profile import shipped


class Drive(InteropCase):
    def test_all_goes_as_it_has_to(self):
        done = self.interop("drive", "--operator", self.operator.desk, "--attack-file",
                            self.attack_file, "--together")
        rows = self.rows(done)
        bad = {what: row for what, row in rows.items() if not row[1]}
        self.assertEqual(bad, {}, done.stderr + self.proxy.stderr())


if __name__ == "__main__":
    unittest.main()
