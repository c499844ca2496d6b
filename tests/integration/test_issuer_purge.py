"""What is old goes: evidence, dead sessions; what is in doubt, live or needed stays."""

import sqlite3
import time
from contextlib import closing

from rig.issuercase import REFUSED, USAGE, ProfileTest
from rig.processes import run_json
from rig.testcase import write_profile

FINALIZATION = "ProvisioningFinalizationRequest"
PLANS = (
    ("session_ended", "SELECT number FROM session WHERE rest IS NULL AND verdict IN (1, 2)"
                      " AND ended > 0 AND ended < 5 ORDER BY ended"),
    ("session_rest", "SELECT number FROM session WHERE rest > 0 AND rest <= 5 ORDER BY rest"))


class Purge(ProfileTest):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        write_profile(cls.profiles, "plain")
        write_profile(cls.profiles, "short", sessionLifeTime=1)
        super().set_up_rig()

    def purge(self, days=0):
        return run_json("sks-issuer", "purge", "--older-than", days, "--data", self.issuer.data,
                        "--json")

    def database(self):
        return closing(sqlite3.connect(self.issuer.data / "issuer.db", timeout=20))

    def exchanges(self, client):
        with self.database() as db:
            return db.execute("SELECT count(*) FROM exchange e JOIN session s ON"
                              " e.place / 65536 = s.number WHERE s.id = ?",
                              (client.session_id,)).fetchone()[0]

    def failed(self):
        client = self.client("plain")
        client.start()
        client.http.request("GET", client.path + "?abort=true")
        self.assert_verdict(client.session_id)
        return client

    def test_each_kind_of_session(self):
        failed, succeeded = self.failed(), self.enrol("plain")
        doubtful = self.client("short")
        doubtful.run(until=FINALIZATION)
        proof = doubtful.answer()
        goes_on = self.client("plain")
        goes_on.run(until=FINALIZATION)
        time.sleep(2.2)
        keys = self.keys()
        said = [self.exchanges(client) for client in (doubtful, goes_on)]
        purged = self.purge()
        self.assertGreaterEqual(purged["evidence"], 2)
        self.assertGreaterEqual(purged["sessions"], 1)

        self.assertEqual(self.record(failed), [])
        self.assertEqual(failed.record("failed")[0], 404)
        self.assertIn("there is no session",
                      self.command("evidence", failed.session_id, code=REFUSED))

        self.assert_verdict(succeeded.session_id, "succeeded")
        self.assertEqual(succeeded.record("done")[0], 200)
        self.assertEqual(self.exchanges(succeeded), 0)
        for options in ((), ("--json",)):
            self.assertIn("the evidence of session %s was purged" % succeeded.session_id,
                          self.command("evidence", succeeded.session_id, *options, code=REFUSED))

        self.assertEqual(self.keys(), keys)
        self.assertEqual([self.exchanges(client) for client in (doubtful, goes_on)], said)
        self.assert_verdict(doubtful.session_id, "in doubt")
        self.assertTrue(doubtful.post(proof).done)      # the late proof still counts
        self.assert_verdict(doubtful.session_id, "succeeded")
        self.assertTrue(goes_on.run().done)
        self.assertEqual(self.purge(), {"evidence": 0, "sessions": 0}
                         if not self.old_enough() else self.purge())

    def old_enough(self):
        with self.database() as db:
            return db.execute("SELECT count(*) FROM session WHERE rest IS NULL AND"
                              " verdict IN (1, 2) AND ended < ?", (time.time() - 1,)).fetchone()[0]

    def test_by_age(self):
        young, old = self.failed(), self.failed()
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 864000 WHERE id = ?", (old.session_id,))
        self.assertEqual(self.purge(days=11), {"evidence": 0, "sessions": 0})
        self.assertEqual(self.purge(days=9), {"evidence": 1, "sessions": 1})
        self.assertEqual((len(self.record(young)), self.record(old)), (1, []))

    def test_serve_does_it(self):
        young, old = self.failed(), self.failed()
        kept = self.enrol("plain")
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 100000 WHERE id IN (?, ?)",
                       (old.session_id, kept.session_id))
        self.issuer.stop()
        self.issuer.options = ("--purge-after", "1")
        self.issuer.start()
        until = time.monotonic() + 20
        while self.record(old):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertEqual(len(self.record(young)), 1)
        self.assertEqual(self.exchanges(kept), 0)
        self.enrol("plain")
        self.assertIn("of 1 sessions nothing is left", self.issuer.stderr())

    def test_beside_a_busy_issuer(self):
        for _ in range(40):
            self.failed()
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 864000 WHERE verdict = 2")
        client = self.client("plain")
        client.run(before=lambda name: self.purge(days=9))
        self.assert_verdict(client.session_id, "succeeded")
        self.assertEqual(self.purge(days=9), {"evidence": 0, "sessions": 0})

    def test_no_work_for_what_stays(self):
        with self.database() as db:
            for index, query in PLANS:
                plan = db.execute("EXPLAIN QUERY PLAN " + query).fetchall()
                self.assertEqual(len(plan), 1, plan)
                self.assertRegex(plan[0][3], "SEARCH session USING (COVERING )?INDEX " + index)

    def test_wrong_use(self):
        self.command("purge", code=USAGE)
        self.command("purge", "--older-than", "-1", code=USAGE)
        self.command("purge", "--older-than", "36501", code=USAGE)
