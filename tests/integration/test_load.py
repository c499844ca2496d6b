"""Two hundred enrolments in a row and twenty at a time; memory and descriptors stay flat."""

import concurrent.futures
import sqlite3
import time
from contextlib import closing

from rig.processes import open_descriptors, provision, resident_bytes, sanitized
from rig.testcase import RigTest

IN_A_ROW, AT_A_TIME, WARM_UP = 200, 20, 50
CONCURRENT = 200
# For what a session may leave in caches; a leak of 1 KB in each message shows far above.
GROWTH = 4 * 1024 * 1024


class Load(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])

    def enroll(self, _=None):
        code, outcome, log = provision(self.issuer.url + "/kg2/p256-user-pin", self.token.url,
                                       timeout=120)
        return outcome["serverSessionId"] if code == 0 else (code, outcome, log)

    def enroll_many(self, count, at_a_time):
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            results = list(pool.map(self.enroll, range(count)))
        bad = [result for result in results if not isinstance(result, str)]
        self.assertEqual(bad, [], "%d of %d failed" % (len(bad), count))
        return results

    def cached_bytes(self):
        """Of the issuer's database, which keeps up to 4 MiB of it in memory; here it is all new."""
        database = "file:%s?mode=ro" % (self.issuer.data / "issuer.db")
        with closing(sqlite3.connect(database, uri=True)) as connection:
            return min(4 << 20, connection.execute(
                "SELECT page_count * page_size"
                " FROM pragma_page_count, pragma_page_size").fetchone()[0])

    def usage(self):
        cached = {self.issuer.name: self.cached_bytes()}
        return {program.name: (resident_bytes(program.pid) - cached.get(program.name, 0),
                               open_descriptors(program.pid))
                for program in (self.token, self.issuer)}

    def assert_flat(self, before):
        deadline = time.monotonic() + 60     # for connections that are just being closed
        after = self.usage()
        while time.monotonic() < deadline and any(after[name][1] > before[name][1]
                                                  for name in before):
            time.sleep(0.2)
            after = self.usage()
        for name, (memory, descriptors) in before.items():
            with self.subTest(name):
                self.assertLessEqual(after[name][1], descriptors, "descriptors")
                if not sanitized(name):
                    self.assertLess(after[name][0] - memory, GROWTH,
                                    "resident bytes grown, beside those of the database")

    def test_all_succeed_and_nothing_grows(self):
        """One test, as the second part relies on the state of the first."""
        done = self.enroll_many(WARM_UP, 1)
        # A round at full width first: threads and their arenas are not leaks.
        done += self.enroll_many(AT_A_TIME * 2, AT_A_TIME)
        before = self.usage()
        done += self.enroll_many(IN_A_ROW - WARM_UP, 1)
        self.assert_flat(before)
        done += self.enroll_many(CONCURRENT, AT_A_TIME)
        self.assert_flat(before)
        self.assert_all_there(done)

    def assert_all_there(self, session_ids):
        self.assertEqual(len(set(session_ids)), len(session_ids))
        verdicts = {row["id"]: row["verdict"] for row in self.issuer.sessions()}
        self.assertEqual({verdicts[name] for name in session_ids}, {"succeeded"})
        wire = self.wire()
        self.assertEqual(wire.sessions(True), [])
        self.assertEqual(len(wire.sessions(False)), len(session_ids))
        self.assertEqual(len(wire.keys()), len(session_ids))
