"""Finding and managing keys: what the issuer takes for a target, generations of key management
keys, sessions in doubt, and data folders of older programs."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import signal
import time
from pathlib import Path

from rig import clock
from rig.certificates import Authority, generate
from rig.client_side import Client, Device
from rig.credentials import Credential, Owner
from rig.crlcase import CrlMixin
from rig.enrolcase import Browser
from rig.issuercase import ProfileTest
from rig.keygen2 import dumps
from rig.processes import PROFILES, Issuer, run_json
from rig.records import check_record
from rig.sks_types import base64url, from_base64url
from rig.testcase import RigTest, write_profile

OLD = Path(__file__).resolve().parent.parent / "data" / "issuers"
DISCOVERY = "CredentialDiscoveryRequest"


class Targets(ProfileTest):
    """Discovery is not protected: its answers must not make the issuer sign for anything else."""

    def discover(self, profile="key-delete"):
        client = self.client(profile)
        client.run(until=DISCOVERY)
        return client

    def matches(self, *credentials):
        return [{"serverSessionId": c.owner.server_session_id,
                 "clientSessionId": c.owner.client_session_id,
                 "certificatePath": [base64url(der) for der in c.path]} for c in credentials]

    def claim(self, client, *credentials):
        message = client.answer()
        message["lookupResults"][0]["matchingCredentials"] = self.matches(*credentials)
        return client.post(message)

    def test_a_key_of_another_device(self):
        self.enrol("p256-user-pin")
        theirs = self.device.credentials.all[0]
        self.device = Device(authority=self.device_ca)
        client = self.discover()
        self.assert_refused(client, self.claim(client, theirs), "there is none")
        self.assertIn("left out: it was issued into another device",
                      self.checks(client, "credential")[0])

    def test_a_key_of_privacy_mode(self):
        self.enrol("privacy")
        client = self.discover()
        self.assert_refused(client, self.claim(client, self.device.credentials.all[0]),
                            "there is none")

    def test_a_key_of_another_issuer(self):
        foreign = Authority("Foreign")
        path = [foreign.issue("SKS user", generate().public_key())]
        client = self.discover()
        stranger = Credential(Owner("server", "client", b""), path, {})
        self.assert_refused(client, self.claim(client, stranger), "there is none")
        self.assertIn("left out: this issuer has not issued it",
                      self.checks(client, "credential")[0])

    def test_a_key_that_is_gone(self):
        self.enrol("p256-user-pin")
        gone = self.device.credentials.all[0]
        self.enrol("key-delete")
        client = self.discover()
        self.assert_refused(client, self.claim(client, gone), "there is none")
        self.assertIn("left out: deleted", self.checks(client, "credential")[0])

    def test_a_key_twice(self):
        self.enrol("p256-user-pin")
        mine = self.device.credentials.all[0]
        client = self.discover()
        self.assertEqual(self.claim(client, mine, mine).status, 200)
        self.assertEqual(len(client.request["deleteKeys"]), 1)

    def test_results_missing_or_too_many(self):
        for alter in (lambda results: results[0].update(id="All.2"),
                      lambda results: results.append({"id": "More", "matchingCredentials": []})):
            client = self.discover()
            message = client.answer()
            alter(message["lookupResults"])
            self.assert_refused(client, client.post(message), "lookup results: ")

    def test_a_path_in_disorder(self):
        self.enrol("p256-user-pin")
        client = self.discover()
        message = client.answer()
        message["lookupResults"][0]["matchingCredentials"][0]["certificatePath"].append(
            base64url(self.device.authority.der))
        self.assert_refused(client, client.post(message), "/certificatePath: ")

    def test_ids_of_another_session(self):
        self.enrol("p256-user-pin")
        for name in ("serverSessionId", "clientSessionId"):
            client = self.discover()
            message = client.answer()
            message[name] = "another"
            self.assert_refused(client, client.post(message), "session ids: ")

    def test_order_and_repeats(self):
        self.enrol("p256-user-pin")
        client = self.discover()
        message = client.answer()
        first = client.post(message)
        again = client.post(message)
        self.assertEqual((again.status, again.body), (first.status, first.body))
        self.assert_refused(client, client.post(dumps(message) + b"\n"), "message: ")
        other = self.discover()
        self.assert_refused(other, other.post({**message, "@qualifier": "KeyCreationResponse"}),
                            "message: CredentialDiscoveryResponse: ")

    def test_more_than_the_session_key_allows(self):
        profiles = write_profile(self.new_folder(), "plain")
        (profiles / "few.json").write_text(json.dumps({
            "sessionKeyLimit": 4, "lookupSpecifiers": [{"id": "All"}],
            "deleteKeys": [{"lookup": "All"}]}))
        issuer = self.start_issuer(trust=self.issuer.trust, profiles=profiles)
        for count in (1, 2):
            device = Device(authority=self.device_ca)
            for _ in range(count):
                self.assertTrue(Client(issuer.url, "plain", device).run().done)
            client = Client(issuer.url, "few", device)
            self.assertEqual(client.run().done, count == 1)
        self.assertIn("need 6 operations", self.assert_verdict(client.session_id, issuer=issuer))


class Generations(ProfileTest):
    def roll_over(self):
        newest = len(list(self.issuer.data.glob("kmk-*.key"))) + 1
        self.assertIn("generation %d" % newest, self.command("roll-over"))
        self.issuer.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            if "generation %d is the newest" % newest in self.issuer.stderr():
                return
            time.sleep(0.05)
        self.fail(self.issuer.stderr()[-500:])

    def generations(self):
        return sorted(key["generation"] for key in self.device_keys())

    def test_old_keys_without_roll_over(self):
        """Each key is authorized by the key management key that its session has."""
        self.enrol("p256-user-pin")
        first = self.generations()[0]
        self.roll_over()
        self.enrol("p256-user-pin")
        self.assertEqual(self.generations(), [first, first + 1])
        client = self.client("key-delete")
        client.run(until=DISCOVERY)
        ids = [item["id"] for item in client.request["lookupSpecifiers"]]
        self.assertEqual(ids, ["All.%d" % first, "All.%d" % (first + 1)])
        self.assertTrue(client.run().done)
        self.assertEqual(self.states(), ["deleted", "deleted"])
        self.assertEqual(self.generations(), [first + 1] * 2)

    def test_the_chain(self):
        self.enrol("p256-user-pin")
        first = self.generations()[0]
        for _ in range(2):
            self.roll_over()
        before = self.device.credentials.rolled_over
        client = self.enrol("kmk-rollover")
        self.assertGreaterEqual(self.device.credentials.rolled_over, before + 2)
        self.assertEqual({c.owner.kmk for c in self.device.credentials.all}, {client.kmk})
        self.assertIn("generation %d" % (first + 2), self.checks(client, "key management key")[0])
        self.enrol("key-update")        # the issuer does not know, and asks for all that may be
        self.assertEqual(self.generations(), [first + 2] * 3)

    def test_at_most_eight(self):
        self.enrol("p256-user-pin")
        for _ in range(9):
            self.roll_over()
        self.enrol("p256-user-pin")
        newest = self.generations()[-1]
        client = self.client("key-delete")
        client.run(until=DISCOVERY)
        self.assertEqual([item["id"] for item in client.request["lookupSpecifiers"]],
                         ["All.%d" % n for n in range(newest - 7, newest + 1)])

    def test_restart(self):
        self.command("roll-over")
        self.issuer.restart()
        self.enrol("p256-user-pin")
        self.assertEqual(self.generations(), [len(list(self.issuer.data.glob("kmk-*.key")))])


class InDoubt(ProfileTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = cls.new_folder()
        for path in PROFILES.glob("*.json"):
            shutil.copy(path, cls.profiles)
        shutil.copy(PROFILES / "card.svg", cls.profiles)
        for name in ("p256-user-pin", "key-update"):
            profile = json.loads((PROFILES / (name + ".json")).read_text())
            (cls.profiles / ("short-%s.json" % name)).write_text(
                json.dumps({**profile, "sessionLifeTime": clock.LIFE}))
        super().set_up_rig()

    def doubt(self, profile):
        """The device commits, and its proof is lost."""
        client = self.client(profile)
        client.run(until="ProvisioningFinalizationRequest")
        proof = client.answer()
        clock.skip()
        self.assert_verdict(client.session_id, "in doubt")
        return client, proof

    def test_confirmed_by_a_later_operation(self):
        self.doubt("short-p256-user-pin")
        self.assertEqual(self.states(), ["in doubt"])
        self.enrol("key-unlock")
        self.assertEqual(self.states(), ["live"])

    def test_an_update_in_doubt(self):
        """What it replaced is known once a later session deletes what it made."""
        self.enrol("p256-user-pin")
        self.doubt("short-key-update")
        self.assertEqual(self.states(), ["in doubt", "live"])
        self.enrol("key-update")
        self.assertEqual(self.states(), ["live", "replaced", "replaced"])

    def test_late_proof(self):
        self.enrol("p256-user-pin")
        client, proof = self.doubt("short-key-update")
        self.assertTrue(client.post(proof).done)
        self.assertEqual(self.states(), ["live", "replaced"])

    def test_failed_sessions(self):
        self.enrol("p256-user-pin")
        client = self.client("key-update")
        client.run(until="ProvisioningFinalizationRequest")
        message = client.answer()
        message["attestation"] = base64url(bytes(32))
        self.assert_refused(client, client.post(message), "closing proof: ")
        self.assertEqual(self.states(), ["live", "void"])


class OldFolder(CrlMixin):
    """A data folder of an older form goes on, with a session that waits for its proof."""

    records_pem = "evidence.pem"    # a certificate that did not say yet what it is for

    def keys(self):
        return ProfileTest.keys(self)

    @classmethod
    def set_up_rig(cls):
        cls.old = OLD / cls.version
        cls.facts = json.loads((cls.old / "facts.json").read_text())
        cls.device_ca = Device().authority
        trust = cls.new_folder()
        cls.device_ca.write_pem(trust / "device-ca.pem")
        profiles = cls.new_folder()
        for name in ("plain", "short"):
            write_profile(profiles, name)
        write_profile(profiles, "coded", enrolment={"code": True})
        issuer = Issuer(cls.new_folder(), trust=[trust], profiles=profiles,
                        options=("--public-url", cls.facts["url"]))
        shutil.rmtree(issuer.data)
        shutil.copytree(cls.old, issuer.data)
        for path in issuer.data.glob("*.key"):
            path.chmod(0o600)
        cls.issuer = cls.start(issuer)

    def test_all_that_is_in_it(self):
        wanted = {"succeeded": "live", "failed": "void", "in doubt": "in doubt"}
        device = hashlib.sha256(from_base64url(self.facts["device"])).hexdigest()
        found = {key["fingerPrint"]: key for key in self.keys()}
        for session in self.facts["sessions"]:
            if session["verdict"] != "in doubt":
                self.assert_verdict(session["id"], session["verdict"])
            for certificate in session["certificates"]:
                key = found[hashlib.sha256(from_base64url(certificate)).hexdigest()]
                self.assertEqual((key["session"], key["owner"]),
                                 (session["id"], session.get("confirmedBy", session["id"])))
                self.assertEqual(key["device"],
                                 None if session["profile"] == "private" else device)
                self.assertEqual(key["generation"], session["profile"] != "unmanaged")
                if session["verdict"] != "in doubt":
                    self.assertEqual(key["state"], wanted[session["verdict"]])
                if session["verdict"] == "failed":
                    self.assert_revoked(from_base64url(certificate), "cessationOfOperation")
                if session["verdict"] == "succeeded":
                    self.assert_good(from_base64url(certificate))
            self.check_record(session["id"])
            self.assertEqual(list(check_record(self.issuer, session["id"], "evidence.pem")), [])
        self.assertEqual([path.name for path in self.issuer.data.glob("kmk*.key")],
                         [path.name for path in self.old.glob("kmk*.key")])

    def query(self, text, *values):
        database = sqlite3.connect("file:%s?mode=ro&immutable=1" % (self.old / "issuer.db"),
                                   uri=True)
        try:
            return database.execute(text, values).fetchall()
        finally:
            database.close()

    def old_record(self, number):
        """([(incoming, body)], [(name, passed, detail)]) of a session, in the form of then."""
        return [self.query(text + " WHERE place / 1048576 = ? ORDER BY place", number)
                for text in ("SELECT incoming, body FROM message",
                             "SELECT name, passed, detail FROM verification")]

    def check_record(self, session_id):
        """All messages and checks of that time, in their order."""
        record = self.issuer.evidence(session_id)
        ((number,),) = self.query("SELECT number FROM session WHERE id = ?", session_id)
        messages, checks = self.old_record(number)
        self.assertEqual([(message["direction"] == "in", from_base64url(message["body"]))
                          for message in record["messages"]][:len(messages)], messages)
        self.assertEqual([(check["name"], check["result"] == "pass", check["detail"])
                          for check in record["checks"]][:len(checks)], checks)
        self.assertGreater(len(checks), 5)

    def test_tally(self):
        """The sessions were counted when the database was brought up to date."""
        counts = {}
        for row in self.issuer.sessions():
            verdict = ("open", "succeeded", "failed", "in doubt").index(row["verdict"])
            counts[verdict] = counts.get(verdict, 0) + 1
        with contextlib.closing(sqlite3.connect(self.issuer.data / "issuer.db")) as database:
            tally = database.execute("SELECT verdict, sessions FROM tally WHERE sessions > 0")
            self.assertEqual(dict(tally), counts)

    def invitations(self, *arguments):
        return run_json("sks-issuer", *(arguments or ("invitations",)), "--data", self.issuer.data,
                        "--json")

    def assert_code(self, code, status, text=b""):
        reply = Browser(self.issuer.url).send_code("coded", code)
        self.assertEqual(reply.status, status, reply.body)
        self.assertIn(text, reply.body)

    def test_codes(self):
        self.assert_code(self.invitations("invite", "coded")["code"], 303)
        old = self.facts["invitations"]
        states = {row["number"]: row["state"] for row in self.invitations()["invitations"]}
        for state, invitation in old.items():
            self.assertEqual(states[invitation["number"]], state)
        if old:
            self.assert_code(old["open"]["code"], 303)
            self.assert_code(old["used up"]["code"], 403, b"used already")
            self.assert_code(old["withdrawn"]["code"], 403, b"was withdrawn")

    def test_what_a_purge_leaves(self):
        """Behind all others: the evidence goes, and what is over of invitations."""
        rows, entries = self.issuer.sessions(), {entry.serial_number for entry in self.crl()}
        with contextlib.closing(sqlite3.connect(self.issuer.data / "issuer.db")) as database, \
                database:
            database.execute("UPDATE invitation SET ended = ended - 7200 WHERE ended < ?",
                             (time.time() + 1,))
        done = self.invitations("purge", "--older-than", "0")
        self.assertGreaterEqual(done["evidence"], 5)
        self.assertEqual(done["sessions"], 0)       # their certificates are good for years
        self.assertEqual(self.issuer.sessions(), rows)
        self.assertEqual({entry.serial_number for entry in self.crl()}, entries)
        self.assertEqual(self.invitations()["invitations"], [])
        self.test_tally()

    def test_late_proof(self):
        """The last one: until then it is on hold."""
        session = next(row for row in self.facts["sessions"] if row["verdict"] == "in doubt")
        client = Client(self.issuer.url, session["profile"])
        client.http.cookie = session["cookie"]
        (der,) = map(from_base64url, session["certificates"])
        self.assert_revoked(der, "certificateHold")
        self.assertTrue(client.post(session["proof"].encode()).done)
        self.assert_verdict(session["id"], "succeeded")
        self.assertEqual([key["state"] for key in self.keys() if key["session"] == session["id"]],
                         ["live"])
        self.assert_good(der)


class OldFolder1(OldFolder, RigTest):
    version = "1"


class OldFolder2(OldFolder, RigTest):
    version = "2"


class OldFolder3(OldFolder, RigTest):
    """The last one without revocation."""

    version = "3"

    def old_record(self, number):
        messages, checks = [], []
        for message, answer, found in self.query(
                "SELECT message, answer, checks FROM exchange WHERE place / 65536 = ?"
                " ORDER BY place", number):
            messages += [(True, message)] if message is not None else []
            messages += [(False, answer)] if answer is not None else []
            checks += [(name, bool(passed), detail) for name, passed, detail in json.loads(found)]
        return messages, checks


class OldFolder4(OldFolder3):
    """The last one without a tally."""

    version = "4"


class OldFolder5(OldFolder3):
    """The last one without invitations."""

    version = "5"


class OldFolder6(OldFolder3):
    """The last one of which nothing was purged, and in which a session stayed in doubt that a later one had confirmed."""

    version = "6"

    def test_confirmed(self):
        (session,) = (row for row in self.facts["sessions"] if "confirmedBy" in row)
        (check,) = (check for check in self.issuer.evidence(session["id"])["checks"]
                    if check["name"] == "confirmation")
        self.assertEqual((check["result"], check["detail"]),
                         ("pass", "by session " + session["confirmedBy"]))
        client = Client(self.issuer.url, session["profile"])
        client.http.cookie = session["cookie"]
        self.assertTrue(client.post(session["proof"].encode()).done)
        self.test_all_that_is_in_it()
