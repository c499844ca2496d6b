"""What is old goes: evidence, dead sessions; what is in doubt, live or needed stays."""

import sqlite3
from contextlib import closing

from rig import clock
from rig.crlcase import CrlMixin
from rig.enrolcase import EnrolCase
from rig.issuercase import REFUSED, USAGE
from rig.processes import run_json, wait_for
from rig.testcase import write_profile
from rig.watching import WatchTest

FINALIZATION = "ProvisioningFinalizationRequest"
PLANS = (
    ("session_ended", "SELECT number FROM session WHERE rest IS NULL AND verdict IN (1, 2)"
                      " AND ended > 0 AND ended < 5 ORDER BY ended"),
    ("session_rest", "SELECT number FROM session WHERE rest > 0 AND rest <= 5 ORDER BY rest"),
    ("invitation_ended", "SELECT number FROM invitation WHERE ended < 5 ORDER BY ended LIMIT 16"))
NOTHING = {"evidence": 0, "sessions": 0, "invitations": 0}
DAY = 86400


class Purge(CrlMixin, EnrolCase, WatchTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = cls.new_folder()
        write_profile(cls.profiles, "plain")
        write_profile(cls.profiles, "short", sessionLifeTime=clock.LIFE)
        write_profile(cls.profiles, "coded", enrolment={"code": True})
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
        self.assertTrue(client.http.request("GET", client.path + "?abort=true").failed)
        return client

    def test_each_kind_of_session(self):
        failed, succeeded = self.failed(), self.enrol("plain")
        doubtful = self.client("short")
        doubtful.run(until=FINALIZATION)
        proof = doubtful.answer()
        goes_on = self.client("plain")
        goes_on.run(until=FINALIZATION)
        clock.skip()
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
        self.assert_revoked(self.leaf(doubtful), "certificateHold")
        self.assertTrue(doubtful.post(proof).done)      # the late proof still counts
        self.assert_verdict(doubtful.session_id, "succeeded")
        self.assert_good(self.leaf(doubtful))
        self.assertTrue(goes_on.run().done)
        self.assertEqual(self.purge()["sessions"], 0)       # their keys are live

    def test_by_age(self):
        young, old = self.failed(), self.failed()
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 864000 WHERE id = ?", (old.session_id,))
        self.assertEqual(self.purge(days=11), NOTHING)
        self.assertEqual(self.purge(days=9), {**NOTHING, "evidence": 1, "sessions": 1})
        self.assertEqual((len(self.record(young)), self.record(old)), (1, []))

    def agree(self):
        """Sessions, metrics, export and CRL tell of the same; returns the serial numbers."""
        rows = [row["verdict"] for row in self.issuer.sessions()]
        metrics = self.metrics()
        for verdict in ("succeeded", "failed", "in doubt"):
            self.assertEqual(metrics("sessions", verdict=verdict), rows.count(verdict))
        exported = {int(row["serialNumber"], 16): row["revocation"] for row in self.exported()}
        self.assertEqual({entry.serial_number for entry in self.crl()},
                         {serial for serial, revocation in exported.items() if revocation})
        return {"%X" % serial for serial in exported}

    def test_what_is_left_agrees(self):
        revoked, live, failed = self.enrol("plain"), self.enrol("plain"), self.client("plain")
        failed.run(until=FINALIZATION)
        failed.answer()
        failed.http.request("GET", failed.path + "?abort=true")
        leaves = [self.leaf(client) for client in (revoked, live, failed)]
        serials = [self.serial(der) for der in leaves]
        self.revoke(serials[0], "--reason", "superseded")
        self.age(failed, "ended", 1)
        self.age(revoked, "ended", 1)
        self.assertGreaterEqual(self.purge()["evidence"], 2)
        self.assertEqual([self.exchanges(client) for client in (revoked, failed)], [0, 0])
        self.assertLessEqual(set(serials), self.agree())
        self.assert_revoked(leaves[0], "superseded")
        self.assert_good(leaves[1])
        self.assert_revoked(leaves[2], "cessationOfOperation")

        # as long as a CRL may want it, and no longer; what is live stays
        for days, gone in ((59, 0), (2, 1)):
            with self.database() as db, db:
                db.execute("UPDATE session SET rest = rest - ? WHERE rest > 0", (days * DAY,))
                for table in "certificate", "revocation":
                    db.execute("UPDATE %s SET expires = expires - ?" % table, (days * DAY,))
            self.assertEqual(self.purge(days=1), {**NOTHING, "sessions": gone})
        with self.database() as db, db:
            for table in "certificate", "revocation":
                db.execute("UPDATE %s SET expires = expires + ?" % table, (61 * DAY,))
        self.assertEqual(self.agree() & set(serials), set(serials[:2]))
        self.assertEqual(self.record(failed), [])

    def age(self, client, column, seconds):
        with self.database() as db, db:
            db.execute("UPDATE session SET %s = %s - ? WHERE id = ?" % (column, column),
                       (seconds, client.session_id))

    def test_invitations(self):
        used, taken, open_ = (self.invite("coded") for _ in range(3))
        self.command("withdraw", str(taken["number"]))
        browser = self.browser()
        link = self.page_link("coded", used["code"], browser)
        self.assertEqual(self.purge()["invitations"], 0)
        self.assertTrue(self.client_of(link, "coded").run().done)   # its link is still good
        with self.database() as db, db:
            db.execute("UPDATE invitation SET ended = ended - ?", (2 * DAY,))
        self.assertEqual(self.purge(days=3)["invitations"], 0)
        self.assertEqual(self.purge(days=1)["invitations"], 2)
        left = run_json("sks-issuer", "invitations", "--data", self.issuer.data, "--json")
        self.assertEqual([row["number"] for row in left["invitations"]], [open_["number"]])
        self.page_link("coded", open_["code"])
        self.assertGreater(self.invite("coded")["number"], open_["number"])

    def test_serve_does_it(self):
        young, old = self.failed(), self.failed()
        kept = self.enrol("plain")
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 100000 WHERE id IN (?, ?)",
                       (old.session_id, kept.session_id))
        self.issuer.stop()
        self.issuer.options = self.options + ("--purge-after", "1")
        self.issuer.start()
        wait_for(lambda: not self.record(old))
        self.assertEqual(len(self.record(young)), 1)
        self.assertEqual(self.exchanges(kept), 0)
        self.enrol("plain")
        self.assertIn("of 1 sessions nothing is left", self.issuer.stderr())
        self.agree()

    def test_beside_a_busy_issuer(self):
        for _ in range(40):
            self.failed()
        with self.database() as db, db:
            db.execute("UPDATE session SET ended = ended - 864000 WHERE verdict = 2")
        client = self.client("plain")
        client.run(before=lambda name: self.purge(days=9))
        self.assert_verdict(client.session_id, "succeeded")
        self.assertEqual(self.purge(days=9), NOTHING)

    def test_no_work_for_what_stays(self):
        with self.database() as db:
            for index, query in PLANS:
                plan = db.execute("EXPLAIN QUERY PLAN " + query).fetchall()
                self.assertEqual(len(plan), 1, plan)
                self.assertRegex(plan[0][3], r"SEARCH \w+ USING (COVERING )?INDEX " + index)

    def test_wrong_use(self):
        self.command("purge", code=USAGE)
        self.command("purge", "--older-than", "-1", code=USAGE)
        self.command("purge", "--older-than", "36501", code=USAGE)
