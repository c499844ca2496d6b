"""Backup and restore of an issuer: beside a running one, whole or not at all."""

import sqlite3
import threading
from contextlib import closing

from rig.client_side import Client
from rig.crlcase import CrlMixin
from rig.enrolcase import Browser, EnrolCase
from rig.issuercase import DONE, IO_ERROR, REFUSED, USAGE
from rig.processes import Issuer, run
from rig.testcase import write_profile

FINALIZATION = "ProvisioningFinalizationRequest"
KEYS = ("ca.key", "evidence.key", "kmk-1.key", "seal.key", "tls.key")


class Backup(CrlMixin, EnrolCase):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        write_profile(cls.profiles, "plain")
        write_profile(cls.profiles, "coded", enrolment={"code": True})
        super().set_up_rig()
        cls.work = cls.new_folder()
        cls.passphrase = cls.secret("passphrase", "correct horse")
        (cls.issuer.data / "trust" / "Ä device.pem").write_bytes(
            (cls.issuer.trust[0] / "device-ca.pem").read_bytes())
        write_profile(cls.issuer.data / "profiles", "own")

    @classmethod
    def secret(cls, name, text):
        path = cls.work / name
        path.touch(0o600)
        path.write_text(text + "\n")
        return path

    def back_up(self, name="backup", passphrase=None, data=None, code=DONE):
        path = self.work / name
        done = run("sks-issuer", "backup", path, "--data", data or self.issuer.data,
                   "--passphrase-file", passphrase or self.passphrase)
        self.assertEqual(done.returncode, code, done.stderr)
        return path if code == DONE else done.stderr

    def restore(self, backup, name, passphrase=None, code=DONE):
        data = self.work / name
        done = run("sks-issuer", "restore", backup, "--data", data, "--passphrase-file",
                   passphrase or self.passphrase)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(list(self.work.glob("*.restoring*")), [])
        return data if code == DONE else done.stderr

    def serve(self, data):
        """An issuer on a restored folder, at the address of the first one."""
        issuer = Issuer(self.new_folder(), profiles=self.profiles,
                        options=("--public-url", self.issuer.url))
        issuer.data = data
        self.start(issuer)
        self.addCleanup(self.programs.remove, issuer)
        self.addCleanup(issuer.stop)
        return issuer

    def test_all_of_it_comes_back(self):
        before = self.enrol("plain")
        doubtful, early = self.client("plain"), self.client("plain")
        doubtful.run(until=FINALIZATION)
        early.run(until="KeyCreationRequest")
        keys, record = self.keys(), self.issuer.evidence(before.session_id)
        backup = self.back_up()
        self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
        after = self.enrol("plain")
        data = self.restore(backup, "restored")
        for name in KEYS + ("ca.pem", "tls.pem", "trust/Ä device.pem", "profiles/own.json"):
            self.assertEqual((data / name).read_bytes(), (self.issuer.data / name).read_bytes())
            self.assertEqual((data / name).stat().st_mode & 0o077, 0, name)
        self.assertEqual(sorted(path.name for path in data.iterdir()), sorted(
            path.name for path in self.issuer.data.iterdir()
            if path.name not in ("lock", "serve.lock")
            and not path.name.startswith("issuer.db-")))

        issuer = self.serve(data)
        self.assertEqual(issuer.evidence(before.session_id)["messages"], record["messages"])
        rows = {row["id"]: row for row in issuer.sessions()}
        self.assertNotIn(after.session_id, rows)
        for client, verdict in ((before, "succeeded"), (early, "failed"),
                                (doubtful, "in doubt")):
            self.assertEqual(rows[client.session_id]["verdict"], verdict)
        self.assertIn("restored from a backup", rows[early.session_id]["cause"])
        doubtful.http = self.moved(doubtful, issuer)
        self.assertTrue(doubtful.run().done)        # its proof still counts
        early.http = self.moved(early, issuer)
        self.assertTrue(early.post(early.answer()).failed)
        mine = run("sks-issuer", "keys", "--data", data, "--json")
        for key in keys:
            if key["session"] == before.session_id:
                self.assertIn(key["session"], mine.stdout)

    def test_nothing_opens_again(self):
        """Old evidence certificates, revocations, holds come along; codes count no more."""
        self.command("roll-over", "--evidence-key")
        revoked, later, doubtful = self.enrol("plain"), self.enrol("plain"), self.client("plain")
        doubtful.run(until=FINALIZATION)
        doubtful.answer()
        self.revoke(self.serial(self.leaf(revoked)), "--reason", "keyCompromise")
        used, open_ = self.invite("coded"), self.invite("coded", "--uses", "5")
        self.page_link("coded", used["code"])
        data = self.restore(self.back_up("codes"), "codes-data")
        link = self.page_link("coded", open_["code"])
        self.revoke(self.serial(self.leaf(later)))
        number = self.number(self.crl())

        issuer = self.serve(data)
        self.assertEqual(sorted(path.name for path in data.glob("evidence*")),
                         sorted(path.name for path in self.issuer.data.glob("evidence*")))
        crl = self.crl(issuer.url + "/crl")
        self.assertGreaterEqual(self.number(crl), number)   # it is the time, in seconds
        self.assertEqual([self.reason(self.leaf(client), crl)
                          for client in (revoked, later, doubtful)],
                         ["keyCompromise", None, "certificateHold"])
        for code, why in ((used, b"used already"), (open_, b"was withdrawn")):
            reply = Browser(issuer.url).send_code("coded", code["code"])
            self.assertEqual(reply.status, 403)
            self.assertIn(why, reply.body)
        late = Client(issuer.url, "coded", self.device)
        late.http.cookie = link.cookie      # of a code that was used behind the backup
        self.assertEqual(late.start().status, 403)

    def moved(self, client, issuer):
        again = Client(issuer.url, "plain", client.device).http
        again.cookie = client.http.cookie
        return again

    def test_beside_sessions_that_go_on(self):
        """Every copy is the state of one moment: SQLite finds no fault, and no session is half."""
        stop, done = threading.Event(), []

        def work():
            while not stop.is_set():
                done.append(self.enrol("plain").session_id)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number in range(3):
                known = list(done)
                backup = self.back_up("busy%d" % number)
                data = self.restore(backup, "busy-data%d" % number)
                with closing(sqlite3.connect(data / "issuer.db")) as db:
                    verdicts = dict(db.execute("SELECT id, verdict FROM session"))
                    self.assertEqual({verdicts.get(name) for name in known} - {1}, set())
                    for (count,) in db.execute(
                            "SELECT (SELECT count(*) FROM certificate c WHERE c.session = s.number)"
                            " FROM session s WHERE verdict = 1"):
                        self.assertEqual(count, 1)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertGreater(len(done), 4)

    def test_an_altered_byte(self):
        raw = bytearray(self.back_up().read_bytes())
        altered = self.work / "altered"
        step = max(1, len(raw) // 12)
        for place in [0, 3, 4, 5, 20] + list(range(21, len(raw), step)) + [len(raw) - 1]:
            raw[place] ^= 1
            altered.write_bytes(raw)
            raw[place] ^= 1
            done = run("sks-issuer", "restore", altered, "--data", self.work / "never",
                       "--passphrase-file", self.passphrase)
            self.assertIn(done.returncode, (REFUSED, IO_ERROR), place)
            self.assertFalse((self.work / "never").exists())
        for size in (0, 20, 21, 25, len(raw) // 2, len(raw) - 1):
            altered.write_bytes(raw[:size])
            done = run("sks-issuer", "restore", altered, "--data", self.work / "never",
                       "--passphrase-file", self.passphrase)
            self.assertIn(done.returncode, (REFUSED, IO_ERROR), size)
            self.assertFalse((self.work / "never").exists())
        self.assertEqual(list(self.work.glob("never*")), [])

    def test_refusals(self):
        backup = self.back_up()
        other = self.secret("other", "wrong horse")
        self.assertIn("sealed with another passphrase",
                      self.restore(backup, "none", other, code=REFUSED))
        self.assertIn("no backup of an issuer",
                      self.restore(self.issuer.data / "ca.pem", "none", code=IO_ERROR))
        self.restore(backup, "full")
        before = (self.work / "full" / "issuer.db").read_bytes()
        self.assertIn("is not empty", self.restore(backup, "full", code=REFUSED))
        self.assertEqual((self.work / "full" / "issuer.db").read_bytes(), before)
        (self.work / "empty").mkdir()
        self.restore(backup, "empty")
        self.assertIn("is there, and no backup", self.back_up("other", code=REFUSED))
        self.assertIn("nowhere", self.back_up("backup", data=self.work / "nowhere", code=IO_ERROR))
        for command in ("backup", "restore"):
            done = run("sks-issuer", command, self.work / "x", "--data", self.issuer.data)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("--passphrase-file or a terminal", done.stderr)

    def test_keys_that_do_not_fit(self):
        """What `serve` would not take is not put in place."""
        data = self.restore(self.back_up(), "misfit")
        (data / "seal.key").write_text("no key\n")
        done = run("sks-issuer", "backup", self.work / "misfit.backup", "--data", data,
                   "--passphrase-file", self.passphrase)
        self.assertEqual(done.returncode, IO_ERROR, done.stderr)
        self.assertFalse((self.work / "misfit.backup").exists())
        self.assertEqual(list(data.glob("issuer.db.copy*")), [])

    def test_no_secret_in_it(self):
        raw = self.back_up("plain-text").read_bytes()
        for name in KEYS:
            lines = (self.issuer.data / name).read_bytes().splitlines()
            self.assertFalse(any(line in raw for line in lines if len(line) > 16), name)
