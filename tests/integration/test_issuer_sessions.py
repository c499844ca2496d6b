"""Sessions on a terminal: sks-issuer sessions with its filters, sks-issuer show."""

import contextlib
import hashlib
import json
import re
import sqlite3
from datetime import datetime, timedelta, timezone

from rig import clock
from rig.client_side import Client, Device
from rig.issuercase import DONE, IO_ERROR, REFUSED, USAGE, ProfileTest
from rig.processes import run, run_json
from rig.testcase import write_profile

COUNT = 150         # more than two pages
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
FORM = "%Y-%m-%dT%H:%M:%SZ"


class SessionsTest(ProfileTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = cls.new_folder()
        for name, changes in (("plain", {}), ("other", {}), ("private", {"privacyEnabled": True}),
                              ("short", {"sessionLifeTime": clock.LIFE})):
            write_profile(cls.profiles, name, **changes)
        super().set_up_rig()

    def sessions(self, *options):
        return run_json("sks-issuer", "sessions", "--data", self.issuer.data, "--json",
                        *options)["sessions"]

    def ids(self, *options):
        return [row["id"] for row in self.sessions(*options)]


class Filters(SessionsTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.devices = [Device(authority=cls.device_ca) for _ in range(2)]
        cls.made = []       # (id, profile, verdict, device), oldest first
        for profile, verdict, device in (("plain", "succeeded", 0), ("plain", "succeeded", 1),
                                         ("other", "succeeded", 0), ("private", "succeeded", None),
                                         ("plain", "failed", 1), ("short", "in doubt", 0),
                                         ("other", "open", 1)):
            client = Client(cls.issuer.url, profile, cls.devices[device or 0])
            client.run(until="ProvisioningFinalizationRequest")
            if verdict == "succeeded":
                client.run()
            elif verdict == "failed":
                client.http.request("GET", client.path + "?abort=true")
            elif verdict == "in doubt":
                clock.skip()
            cls.made.append((client.session_id, profile, verdict, device))

    def newest_first(self, profile=None, verdict=None, device=None):
        return [row[0] for row in reversed(self.made)
                if profile in (None, row[1]) and verdict in (None, row[2])
                and device in (None, row[3])]

    def fingerprint(self, device, digits=64):
        return hashlib.sha256(self.devices[device].certificate).hexdigest()[:digits]

    def test_all_newest_first(self):
        self.assertEqual(self.ids(), self.newest_first())

    def test_verdict(self):
        for verdict in ("succeeded", "failed", "open", "in doubt"):
            rows = self.sessions("--verdict", verdict.replace(" ", "-"))
            self.assertEqual([row["id"] for row in rows], self.newest_first(verdict=verdict))
            self.assertEqual({row["verdict"] for row in rows}, {verdict})

    def test_profile(self):
        self.assertEqual(self.ids("--profile", "plain"), self.newest_first("plain"))
        self.assertEqual(self.ids("--profile", "plain", "--verdict", "succeeded"),
                         self.newest_first("plain", "succeeded"))
        self.assertEqual(self.ids("--profile", "none"), [])

    def test_device(self):
        for device in range(2):
            for digits in (8, 64):
                self.assertEqual(self.ids("--device", self.fingerprint(device, digits)),
                                 self.newest_first(device=device))
        self.assertEqual(self.ids("--device", self.fingerprint(1), "--limit", "2"),
                         self.newest_first(device=1)[:2])
        self.assertEqual(self.ids("--device", "00" * 32), [])

    def test_limit(self):
        for limit in (1, 3, 100):
            self.assertEqual(self.ids("--limit", limit), self.newest_first()[:limit])

    def test_time(self):
        rows = self.sessions()
        started = [datetime.strptime(row["started"], FORM) for row in rows]
        for since in (min(started), max(started)):
            wanted = [row["id"] for row, at in zip(rows, started) if at >= since]
            self.assertEqual(self.ids("--since", since.strftime(FORM)), wanted)
            self.assertEqual(self.ids("--until", since.strftime(FORM)),
                             [row["id"] for row in rows if row["id"] not in wanted])
        today = datetime.now(timezone.utc)
        tomorrow = (today + timedelta(days=2)).strftime("%Y-%m-%d")
        for all_, none in ((("--since", "2h"), ("--until", "2h")),
                           (("--since", "5m"), ("--until", "1d")),
                           (("--until", tomorrow), ("--since", tomorrow))):
            self.assertEqual(self.ids(*all_), self.newest_first())
            self.assertEqual(self.ids(*none), [])

    def test_table(self):
        text = self.command("sessions")
        head, *lines = text.splitlines()
        self.assertEqual(head.split()[:4], ["SESSION", "BEGUN", "VERDICT", "PROFILE"])
        self.assertEqual([line.split()[0] for line in lines], self.newest_first())
        for line, (name, profile, verdict, _) in zip(lines, reversed(self.made)):
            self.assertRegex(line, r"^%s  %s  %-9s  %s" % (re.escape(name), TIME, verdict, profile))
            self.assertEqual(line, line.rstrip())
        self.assertRegex(lines[0], "finalization$")
        self.assertRegex(lines[2], "aborted by the client$")

    def test_usage(self):
        for options in (("--verdict", "good"), ("--since", "yesterday"), ("--since", "5"),
                        ("--until", "2026-02-31"), ("--until", "2026-11-23T25:00:00Z"),
                        ("--device", "abc"), ("--device", "xx" * 8), ("--device", "00" * 33),
                        ("--limit", "0"), ("--limit", "-1")):
            done = run("sks-issuer", "sessions", "--data", self.issuer.data, *options)
            self.assertEqual(done.returncode, USAGE, (options, done.stderr))
            self.assertIn(options[0], done.stderr)
            self.assertEqual(done.stdout, "")


class Many(SessionsTest):
    def test_pages(self):
        made = []
        for _ in range(COUNT):
            client = self.client("plain")
            client.start()
            made.insert(0, client.session_id)
        self.assertEqual(self.ids(), made)
        self.assertEqual(self.ids("--limit", "70"), made[:70])
        self.assertEqual(len(self.command("sessions").splitlines()), COUNT + 1)
        self.grow(20000)
        self.assertEqual(len(self.ids()), 20000)
        self.assertEqual(self.ids("--limit", "1", "--verdict", "open"), self.ids("--limit", "1"))

    def grow(self, count):
        """Copies of the newest session in the database."""
        with contextlib.closing(sqlite3.connect(self.issuer.data / "issuer.db")) as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(session)")]
            others = [name for name in columns if name not in ("number", "id", "cookie")]
            here, = database.execute("SELECT count(*) FROM session").fetchone()
            database.execute(
                "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                " INSERT INTO session(id, cookie, {0}) SELECT printf('copy-%d', i),"
                " randomblob(32), {0} FROM n, (SELECT * FROM session ORDER BY number DESC LIMIT 1)"
                .format(", ".join(others)), (count - here,))
            database.commit()


class Show(SessionsTest):
    def show(self, client, *options):
        return self.command("show", client.session_id, *options)

    def test_succeeded(self):
        client = self.enrol("plain")
        lines = self.show(client).splitlines()
        self.assertEqual(lines[0], "session  " + client.session_id)
        self.assertEqual(lines[1], "profile  plain")
        self.assertEqual(lines[2], "address  " + client.issuer_uri)
        self.assertEqual(lines[3], "device   "
                         + hashlib.sha256(self.device.certificate).hexdigest())
        self.assertRegex(lines[-1], r"^verdict  succeeded, after \d+ s$")
        form = r"(%s)? +(in|out) +(\w+) +(\d+) bytes$" % TIME
        messages = [re.match(form, line) for line in lines]
        told = [(found[2], found[3]) for found in messages if found]
        record = self.issuer.evidence(client.session_id)
        self.assertEqual(told, [(row["direction"], row["type"]) for row in record["messages"]])
        self.assertEqual(len(told), 8)
        checks = [line.split("pass  ")[1] for line in lines if "  pass  " in line]
        self.assertEqual(checks, ["%s: %s" % (row["name"], row["detail"])
                                  for row in record["checks"]])

    def test_order_in_time(self):
        """The checks of a message stand behind it, and before its answer."""
        text = self.show(self.enrol("plain"))
        places = [text.index(part) for part in (
            "InvocationRequest", "InvocationResponse", "ProvisioningInitializationRequest",
            "ProvisioningInitializationResponse", "session attestation: ", "KeyCreationRequest",
            "KeyCreationResponse", "key attestation: ", "ProvisioningFinalizationRequest",
            "ProvisioningFinalizationResponse", "closing proof: ", "verdict  ")]
        self.assertEqual(places, sorted(places))

    def test_failed(self):
        self.device = Device()
        client = self.client("plain")
        self.assertTrue(client.run().failed)
        lines = self.show(client).splitlines()
        self.assertRegex(lines[-2], "^verdict  failed, after")
        self.assertRegex(lines[-1], "^cause    device path: ")
        failed = [line for line in lines if "  FAIL  " in line]
        self.assertEqual([line.strip() for line in failed], ["FAIL  " + lines[-1][9:]])

    def test_open_and_private(self):
        client = self.client("private")
        client.run(until="KeyCreationRequest")
        text = self.show(client)
        self.assertIn("device   unknown: privacy mode\n", text)
        self.assertIn("verdict  open, waits for: key creation\n", text)
        self.assertRegex(text, r"ends by  " + TIME)
        client = self.client("plain")
        client.start()
        self.assertIn("device   not known yet\n", self.show(client))

    def test_json(self):
        client = self.enrol("plain")
        told = json.loads(self.show(client, "--json"))
        row, = [row for row in self.sessions() if row["id"] == client.session_id]
        self.assertLessEqual(row.items(), told.items())
        self.assertEqual(told["issuerUri"], client.issuer_uri)
        self.assertEqual(told["device"], hashlib.sha256(self.device.certificate).hexdigest())
        record = self.issuer.evidence(client.session_id)
        self.assertEqual([(item["time"], item["direction"], item["message"])
                          for item in told["timeline"] if "message" in item],
                         [(row["time"], row["direction"], row["type"])
                          for row in record["messages"]])
        self.assertEqual([(item["check"], item["detail"], item["passed"])
                          for item in told["timeline"] if "check" in item],
                         [(row["name"], row["detail"], row["result"] == "pass")
                          for row in record["checks"]])
        self.assertTrue(all(item["bytes"] > 0 for item in told["timeline"] if "bytes" in item))

    def test_no_secrets(self):
        client = self.enrol("plain")
        for options in ((), ("--json",)):
            text = self.show(client, *options)
            self.assertNotIn(client.http.cookie.split("=")[1], text)
            self.assertNotIn(client.counter.key.hex(), text)

    def test_what_a_client_wrote_does_not_reach_the_terminal(self):
        client = self.client("plain")
        client.start()
        client.post({**client.answer(), "x\x1b[2Jy\x9b": 1})
        for text in (self.show(client), self.command("sessions")):
            self.assertIn("[2Jy", text)
            self.assertEqual([c for c in text if c != "\n" and not c.isprintable()], [])

    def test_refusals(self):
        self.assertIn("there is no session none", self.command("show", "none", code=REFUSED))
        self.assertEqual(run("sks-issuer", "show", "--data", self.issuer.data).returncode, USAGE)
        none = self.new_folder() / "none"
        self.assertEqual(run("sks-issuer", "show", "x", "--data", none).returncode, IO_ERROR)
        self.assertEqual(run("sks-issuer", "show", "x", "--data", none, "--help").returncode, DONE)
