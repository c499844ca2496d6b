"""The in-doubt state between the real programs: the line cut at every point from the finalization
on, and each way in which it is settled, or is not."""

import json
import signal
import time
from datetime import datetime

from rig import constructs
from rig.client_side import Client, Device, HttpSession
from rig.constructs import SessionCounter
from rig.crlcase import CrlCase
from rig.middlemancase import flipped
from rig.mitm import Drop, Relay, change_message, sks_name
from rig.processes import provision, run, run_json, spawn
from rig.records import check_record
from rig.sks_types import base64url, from_base64url
from rig.testcase import PROFILE, write_profile
from rig.watching import WatchTest

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)
PROOF = "ProvisioningFinalizationResponse"
DISCOVERY = "CredentialDiscoveryRequest"
FINALIZATION = "ProvisioningFinalizationRequest"
LIFE = 3        # seconds, of the sessions that are to end in doubt; of devices in Python:
SHORT_LIFE = 2
NO_PIN = {"pinPolicySpecifiers": [], "keyEntrySpecifiers":
          PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"]}


def without_pins(**changes):
    profile = {**PROFILE, **NO_PIN, **changes}
    del profile["pinPolicySpecifiers"]
    return profile


UNLOCKING = {"lookupSpecifiers": [{"id": "Keys", "searchFilter": {"subjectRegEx": "CN=Test"}}],
             "unlockKeys": [{"lookup": "Keys"}]}


def write_profiles(folder, life=LIFE):
    write_profile(folder, "plain")
    write_profile(folder, "short", sessionLifeTime=life)
    for name, changes in (("unmanaged", {"keyManagementKey": False}),
                          ("private", {"privacyEnabled": True})):
        write_profile(folder, name, **changes)
        write_profile(folder, "short-" + name, sessionLifeTime=life, **changes)
    (folder / "short-no-pin.json").write_text(json.dumps(without_pins(sessionLifeTime=life)))
    second = [{**NO_PIN["keyEntrySpecifiers"][0], "id": "Key.2"}]
    write_profile(folder, "short-mixed", sessionLifeTime=life, keyEntrySpecifiers=second)
    # createPinPolicy, createKeyEntry and its attestation, setCertificatePath, the close: no more.
    write_profile(folder, "tight", sessionKeyLimit=6)
    write_profile(folder, "looking", **UNLOCKING)
    return folder


class DoubtCase(CrlCase):
    def assert_on_hold(self, session_id):
        """In doubt, with certificates that do not count."""
        self.assert_verdict(session_id, "in doubt")
        rows = self.exported("--session", session_id)
        self.assertTrue(rows)
        for row in rows:
            self.assertEqual((row["state"], row["revocation"]["reason"],
                              row["revocation"]["origin"]),
                             ("in doubt", "certificateHold", "in doubt"))
            self.assertEqual(self.reason_of(row), "certificateHold")

    def assert_counts(self, session_id, verdict="succeeded"):
        self.assert_verdict(session_id, verdict)
        for row in self.exported("--session", session_id):
            self.assertEqual((row["state"], row["revocation"]), ("live", None))
            self.assert_good(self.der(row))

    def assert_confirmed(self, session_id, by):
        """It counts without a proof of its own, and everybody is told who has shown it."""
        self.assert_counts(session_id)
        shown = run_json("sks-issuer", "show", session_id, "--data", self.issuer.data, "--json")
        self.assertEqual((shown["verdict"], shown["cause"]), ("succeeded", ""))
        last = shown["timeline"][-1]
        self.assertEqual((last["check"], last["passed"], last["detail"]),
                         ("confirmation", True, "by session " + by))
        status, page = HttpSession(self.issuer.url).record("done", session_id)
        self.assertEqual((status, page["verdict"], page["cause"]), (200, "succeeded", ""))
        self.assertEqual(HttpSession(self.issuer.url).record("failed", session_id)[0], 404)
        self.assertEqual(list(check_record(self.issuer, session_id)), [])
        self.assertRegex(self.issuer.stderr(), "session %s profile .*: confirmed by a later"
                         % session_id)

    def assert_void(self, session_id, cause):
        self.assertRegex(self.assert_verdict(session_id, "failed"), cause)
        for row in self.exported("--session", session_id):
            self.assertEqual((row["state"], row["revocation"]["origin"]), ("void", "failed"))
            self.assert_revoked(self.der(row), "cessationOfOperation")

    @staticmethod
    def der(row):
        lines = row["certificate"].strip().splitlines()[1:-1]
        return from_base64url("".join(lines).rstrip("=").replace("+", "-").replace("/", "_"))

    def reason_of(self, row):
        return self.reason(self.der(row))

    def wait(self):
        """Until the life time of the short sessions is over; it is counted in whole seconds."""
        end = max(datetime.fromisoformat(row["expires"].replace("Z", "+00:00")).timestamp()
                  for row in self.issuer.sessions() if row["profile"].startswith("short"))
        time.sleep(max(0, end + 1.02 - time.time()))


class CutLine(DoubtCase):
    """Relays on both hops of sks-proxy drop what they are told."""

    @classmethod
    def set_up_rig(cls):
        cls.outer, cls.inner = Relay(), Relay(name=sks_name)
        for relay in (cls.outer, cls.inner):
            cls.addClassCleanup(relay.close)
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca],
                                      profiles=write_profiles(cls.new_folder()),
                                      options=["--public-url", cls.outer.url])
        cls.inner.upstream, cls.outer.upstream = cls.token.url, cls.issuer.url

    def setUp(self):
        self.state = self.new_folder() / "state"
        self.outer.hook = self.inner.hook = None
        self.keys = len(self.token.list())

    def drop(self, *what):
        """A hook that drops these (direction, name), each time."""
        def hook(direction, name, _body, _count):
            if (direction, name) in what:
                raise Drop
        return hook

    def drop_answer_to(self, name):
        """And whatever else comes without a name: pages and ?abort=true."""
        dropped = []

        def hook(direction, seen, _body, count):
            if (direction, seen) == ("request", name):
                dropped.append(count)
            elif direction == "response" and count in dropped:
                raise Drop
        return hook

    def provision(self, profile="plain"):
        code, outcome, log = provision("%s/kg2/%s" % (self.outer.url, profile), self.inner.url,
                                       "--state", self.state)
        self.assertEqual(self.outer.errors + self.inner.errors, [])
        self.outer.hook = self.inner.hook = None
        return code, outcome, log

    def doubt(self, profile="short", **hooks):
        """An enrolment after which the proxy is in doubt; its outcome."""
        self.outer.hook, self.inner.hook = hooks.get("outer"), hooks.get("inner")
        code, outcome, log = self.provision(profile)
        self.assertEqual((code, outcome["outcome"]), (IN_DOUBT, "in doubt"), (outcome, log))
        return outcome

    def resume(self, *options, code=DONE):
        done = run("sks-proxy", "resume", "--state", self.state, "--json", *options)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return json.loads(done.stdout)["sessions"] if done.stdout else []

    def files(self):
        return list(self.state.iterdir()) if self.state.exists() else []

    def new_keys(self):
        return len(self.token.list()) - self.keys

    # The line cut

    def test_nothing_is_kept_of_a_success(self):
        code, outcome, _ = self.provision()
        self.assertEqual((code, self.files()), (DONE, []))
        self.assert_counts(outcome["serverSessionId"])
        self.assertEqual(self.resume(), [])

    def test_request_lost(self):
        """The ProvisioningFinalizationRequest: the proxy gives up at both ends."""
        self.outer.hook = self.drop(("response", FINALIZATION))
        code, outcome, _ = self.provision()
        self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "error"))
        self.assert_void(outcome["serverSessionId"], "aborted by the client")
        self.assertEqual((self.new_keys(), self.files()), (0, []))

    def test_request_and_abort_lost(self):
        """The issuer cannot know; the next session does not find it, and it is revoked."""
        gone = []

        def hook(direction, name, _body, _count):
            gone.extend([1] if (direction, name) == ("response", FINALIZATION)
                        else [])
            if gone:
                raise Drop
        self.outer.hook = hook
        code, outcome, _ = self.provision("short")
        self.assertEqual(code, IO_ERROR)
        self.wait()
        self.assert_on_hold(outcome["serverSessionId"])
        code, next_one, log = self.provision()
        self.assertEqual(code, DONE, (next_one, log))
        self.assert_void(outcome["serverSessionId"],
                         "session %s did not find it" % next_one["serverSessionId"])
        self.assert_counts(next_one["serverSessionId"])
        self.assertEqual(self.new_keys(), 1)

    def test_calls_lost(self):
        for method in ("setCertificatePath", "closeProvisioningSession"):
            with self.subTest(method):
                self.inner.hook = self.drop(("request", method))
                code, outcome, _ = self.provision()
                self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "error"))
                self.assert_void(outcome["serverSessionId"], "aborted by the client")
                self.assertEqual((self.new_keys(), self.files()), (0, []))

    def test_answer_of_the_close_lost(self):
        """The token has closed and nobody has its proof: an unlock by the next session is one."""
        outcome = self.doubt(inner=self.drop(("response", "closeProvisioningSession")))
        self.assertNotIn("proofKept", outcome)
        self.assertEqual((self.new_keys(), self.files()), (1, []))
        self.wait()
        self.assert_on_hold(outcome["serverSessionId"])
        self.outer.seen, self.inner.seen = [], []
        code, next_one, log = self.provision()
        self.assertEqual(code, DONE, (next_one, log))
        self.assertIn(("request", "postUnlockKey"), self.inner.seen)
        self.assert_confirmed(outcome["serverSessionId"], next_one["serverSessionId"])
        self.issuer.restart()
        self.assert_confirmed(outcome["serverSessionId"], next_one["serverSessionId"])
        self.assertEqual(self.new_keys(), 2)
        self.outer.seen = []
        self.assertEqual(self.provision()[0], DONE)
        self.assertNotIn(("response", DISCOVERY), self.outer.seen, "nothing is left to settle")

    def lose_proof(self, profile="short", hook=None):
        outcome = self.doubt(profile, outer=hook or self.drop(("request", PROOF)))
        self.assertTrue(outcome["proofKept"])
        (path,) = self.files()
        self.assertEqual((path.stat().st_mode & 0o777, self.state.stat().st_mode & 0o777),
                         (0o600, 0o700))
        self.assertEqual(self.new_keys(), 1)
        return outcome["serverSessionId"]

    def assert_resumed(self, session):
        (row,) = self.resume()
        self.assertEqual((row["serverSessionId"], row["outcome"], row["cause"]),
                         (session, "succeeded", ""))
        self.assertEqual(self.files(), [])
        self.assert_counts(session)
        self.assertEqual(self.resume(), [])

    def test_proof_lost(self):
        """In time, and late: after the life time, and after a restart of the issuer."""
        self.assert_resumed(self.lose_proof("plain"))
        self.keys += 1
        session = self.lose_proof()
        self.wait()
        self.assert_on_hold(session)
        self.issuer.restart()
        self.assert_on_hold(session)
        self.assert_resumed(session)

    def test_answer_to_the_proof_lost(self):
        session = self.lose_proof(hook=self.drop_answer_to(PROOF))
        self.assert_counts(session)
        self.wait()
        self.assert_resumed(session)

    def test_verdict_lost(self):
        """The redirect came, the page did not."""
        answered = []

        def hook(direction, name, _body, _count):
            if answered and direction == "request":
                raise Drop
            answered.extend([1] if name == PROOF else [])
        self.assert_resumed(self.lose_proof(hook=hook))

    def test_proof_by_the_next_provision(self):
        session = self.lose_proof()
        self.wait()
        self.assert_on_hold(session)
        self.outer.seen = []
        code, outcome, log = self.provision()
        self.assertEqual(code, DONE, (outcome, log))
        self.assertIn(session + ", whose closing proof was kept: succeeded", log)
        self.assertEqual(self.outer.seen.count(("request", PROOF)), 2)
        self.assertNotIn(("response", DISCOVERY), self.outer.seen, "it is settled by then")
        self.assert_counts(session)
        self.assertEqual(self.files(), [])

    def test_killed_before_the_answer(self):
        """kill -9 of the proxy while its proof is under way; the issuer never sees it."""
        running = []

        def hook(direction, name, _body, _count):
            if (direction, name) == ("request", PROOF):
                running[0].send_signal(signal.SIGKILL)
                running[0].wait()
                raise Drop
        self.outer.hook = hook
        running.append(spawn("sks-proxy", "provision", self.outer.url + "/kg2/short", "--token",
                             self.inner.url, "--yes", "--pin", "4711", "--state", self.state))
        running[0].communicate(timeout=60)
        self.assertEqual(running[0].returncode, -signal.SIGKILL)
        self.outer.hook = None
        self.wait()
        (row,) = self.issuer.sessions()[:1]     # the newest
        self.assert_on_hold(row["id"])
        self.assert_resumed(row["id"])

    # What is kept

    def test_an_issuer_that_is_away(self):
        session = self.lose_proof()
        self.outer.hook = self.drop(("request", PROOF))
        (row,) = self.resume(code=IN_DOUBT)
        self.assertEqual(row["outcome"], "in doubt")
        self.assertTrue(row["cause"])
        self.assertEqual(len(self.files()), 1)
        self.outer.hook = None
        self.assert_resumed(session)

    def test_only_what_is_meant(self):
        session = self.lose_proof()
        self.assertEqual(self.resume("http://127.0.0.1:1/kg2/other"), [])
        self.assertEqual(self.resume("--session", "another"), [])
        self.assertEqual(len(self.files()), 1)
        for wrong in (("--forget",), ("--ca", "x", "--insecure")):
            self.resume(*wrong, code=USAGE)
        (path,) = self.files()
        path.chmod(0o644)
        self.assertEqual(self.resume(), [], "others can read it")
        path.chmod(0o600)
        self.assert_resumed(session)

    def test_forgotten(self):
        session = self.lose_proof()
        self.assertEqual(self.resume("--session", session, "--forget")[0]["cause"], "forgotten")
        self.assertEqual(self.files(), [])
        self.resume("--session", session, "--forget", code=REFUSED)
        self.wait()
        self.assert_on_hold(session)
        code, next_one, log = self.provision()
        self.assertEqual(code, DONE, log)
        self.assert_confirmed(session, next_one["serverSessionId"])

    def test_kept_while_another_session_confirmed_it(self):
        """The proof that then comes still is taken."""
        session = self.lose_proof()
        self.wait()
        aside = self.state.rename(self.new_folder() / "aside")
        code, next_one, log = self.provision()
        self.assertEqual(code, DONE, log)
        self.assert_confirmed(session, next_one["serverSessionId"])
        self.state.rmdir() if self.state.exists() else None
        aside.rename(self.state)
        self.assert_resumed(session)
        self.assertEqual(list(check_record(self.issuer, session)), [])

    def test_a_middleman_who_answers_for_the_token(self):
        """It says that a key is there which is not: the token refuses the unlock, the session
        fails, and the other stays in doubt."""
        gone = []

        def lose(direction, name, _body, _count):
            gone.extend([1] if (direction, name) == ("response", FINALIZATION) else [])
            if gone:
                raise Drop
        self.outer.hook = lose
        code, outcome, _ = self.provision("short")
        self.assertEqual(code, IO_ERROR)
        self.wait()
        doubtful = outcome["serverSessionId"]
        (row,) = self.exported("--session", doubtful)

        def find(message):
            message["lookupResults"][0]["matchingCredentials"] = [{
                "serverSessionId": doubtful, "clientSessionId": "anything",
                "certificatePath": [base64url(self.der(row))]}]
        self.outer.hook = change_message("CredentialDiscoveryResponse", find)
        code, forged, log = self.provision()
        self.assertEqual((code, forged["outcome"]), (REFUSED, "refused"), (forged, log))
        self.assert_on_hold(doubtful)
        self.assert_void(forged["serverSessionId"], "aborted by the client")
        self.assertEqual(self.new_keys(), 0)

    def test_a_session_that_was_revoked(self):
        """The operator was faster than the proof."""
        session = self.lose_proof()
        self.wait()
        self.revoke("--session", session, "--reason", "superseded")
        self.assertEqual(self.assert_verdict(session), "revoked by the operator")
        (row,) = self.resume(code=REFUSED)
        self.assertEqual((row["outcome"], row["cause"]),
                         ("refused", "the issuer failed the session: revoked by the operator"))
        self.assertEqual(self.files(), [])
        (row,) = self.exported("--session", session)
        self.assert_revoked(self.der(row), "superseded")

    def test_resume_of_a_deferral_does_not_take_the_proof(self):
        session = self.lose_proof()
        self.outer.hook = self.drop(("request", PROOF))
        done = run("sks-proxy", "provision", self.outer.url + "/kg2/short", "--token",
                   self.inner.url, "--yes", "--json", "--state", self.state, "--resume",
                   "--session", session)
        self.assertEqual(done.returncode, REFUSED, done.stdout)
        self.assertIn("sks-proxy resume sends it", json.loads(done.stdout)["cause"])
        self.assertEqual(len(self.files()), 1)
        self.outer.hook = None
        self.assert_resumed(session)

    # Without a key management key, or with privacy

    def test_nothing_but_the_late_proof(self):
        for kind in ("unmanaged", "private"):
            with self.subTest(kind):
                self.keys = len(self.token.list())
                session = self.lose_proof("short-" + kind)
                self.wait()
                aside = self.state.rename(self.new_folder() / "aside")
                for profile in (kind, "plain"):
                    self.outer.seen = []
                    self.assertEqual(self.provision(profile)[0], DONE)
                    self.assertNotIn(("response", DISCOVERY), self.outer.seen)
                self.assert_on_hold(session)
                for path in self.files():
                    path.unlink()
                if self.state.exists():
                    self.state.rmdir()
                aside.rename(self.state)
                self.assert_resumed(session)


class NextSession(DoubtCase, WatchTest):
    """What the next session of a device does, with devices in Python that may lie."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profiles(cls.new_folder(), SHORT_LIFE)
        super().set_up_rig()

    def doubt(self, *profiles, commit=True):
        """Sessions of this device that end in doubt, with their proofs."""
        clients = []
        for profile in profiles or ("short",):
            client = self.client(profile)
            client.run(until=FINALIZATION)
            proof = client.answer() if commit else None
            clients.append((client, proof))
        self.wait()
        for client, _ in clients:
            self.assert_on_hold(client.session_id)
        return clients if len(clients) > 1 else clients[0]

    def next_one(self, profile="plain"):
        client = self.client(profile)
        client.run(until=DISCOVERY)
        return client

    def test_found_and_proven(self):
        doubtful, _ = self.doubt()
        client = self.next_one()
        (specifier,) = client.request["lookupSpecifiers"]
        self.assertEqual(list(specifier["searchFilter"]), ["fingerPrint"])
        before = self.metrics()
        self.assertTrue(client.run().done)
        after = self.metrics()
        self.assertIn("postUnlockKey", self.methods(client))
        self.assert_confirmed(doubtful.session_id, client.session_id)
        self.assert_counts(client.session_id)
        for name, labels, more in (("sessions", {"verdict": "in doubt"}, -1),
                                   ("sessions", {"verdict": "succeeded"}, 2),
                                   ("sessions_ended_total", {"verdict": "succeeded"}, 2)):
            self.assertEqual(after(name, **labels), before(name, **labels) + more, (name, labels))

    def test_found_is_no_proof(self):
        """A forged answer: nothing is settled by it, whatever becomes of the session."""
        doubtful, _ = self.doubt(commit=False)
        row, = self.exported("--session", doubtful.session_id)
        for end in ("abort", "bad proof", "vanish"):
            with self.subTest(end):
                client = self.next_one()
                message = client.answer()
                message["lookupResults"][0]["matchingCredentials"] = [{
                    "serverSessionId": doubtful.session_id, "clientSessionId": "anything",
                    "certificatePath": [base64url(self.der(row))]}]
                self.assertEqual(client.post(message).status, 200)
                client.post(client.key_creation_response())
                self.assertEqual(len(client.request["unlockKeys"]), 1)
                if end == "abort":
                    client.http.request("GET", client.path + "?abort=true")
                elif end == "bad proof":
                    self.assertTrue(client.post({
                        "@context": client.request["@context"], "@qualifier": PROOF,
                        "serverSessionId": client.session_id,
                        "clientSessionId": client.client_session_id,
                        "attestation": base64url(bytes(32))}).failed)
                self.assert_on_hold(doubtful.session_id)

    def test_another_certificate_is_no_answer(self):
        """What was not asked for does not count as found, so that it is revoked."""
        doubtful, _ = self.doubt(commit=False)
        self.device.credentials.all.clear()
        other = Client(self.issuer.url, "plain", Device(authority=self.device_ca))
        self.assertTrue(other.run().done)
        client = self.next_one()
        message = client.answer()
        message["lookupResults"][0]["matchingCredentials"] = [{
            "serverSessionId": other.session_id, "clientSessionId": other.client_session_id,
            "certificatePath": [base64url(self.leaf(other))]}]
        self.assertEqual(client.post(message).status, 200)
        self.assertTrue(client.run().done)
        self.assert_void(doubtful.session_id, "did not find it")
        self.assert_counts(other.session_id)

    def test_not_found(self):
        """Revoked before anything is issued anew; a proof that comes then is too late."""
        doubtful, proof = self.doubt()
        self.device.credentials.all.clear()
        client = self.next_one()
        self.assert_on_hold(doubtful.session_id)
        client.run(until=FINALIZATION)
        self.assert_void(doubtful.session_id, "session %s did not find it" % client.session_id)
        self.assertTrue(client.run().done)
        self.assertTrue(doubtful.post(proof).failed)
        self.assert_void(doubtful.session_id, "did not find it")
        self.assertIn("session %s is revoked: nothing of it is in the device"
                      % doubtful.session_id, self.checks(client, "in doubt"))

    def test_results_that_are_missing(self):
        doubtful, _ = self.doubt()
        for alter in (lambda results: results.clear(),
                      lambda results: results[0].update(id="another")):
            client = self.next_one()
            message = client.answer()
            alter(message["lookupResults"])
            reply = client.post(message)
            self.assertTrue(reply.failed, reply.body)
        self.assert_on_hold(doubtful.session_id)

    def test_the_proof_comes_in_between(self):
        doubtful, proof = self.doubt()
        client = self.next_one()
        self.assertTrue(doubtful.post(proof).done)
        self.assertTrue(client.run().done)
        self.assert_counts(doubtful.session_id)

    def test_the_proof_comes_after_the_confirmation(self):
        """It changes nothing but the record, and what is no proof changes nothing at all."""
        doubtful, proof = self.doubt()
        client = self.next_one()
        self.assertTrue(client.run().done)
        wrong = {**proof, "attestation": flipped(proof["attestation"])}
        for message in (wrong, b"{", {**proof, "serverSessionId": client.session_id}):
            reply = doubtful.post(message)
            self.assertEqual((reply.status, reply.body), (409, b"this session is over\n"))
            self.assert_confirmed(doubtful.session_id, client.session_id)
        self.assertTrue(doubtful.http.request("GET", doubtful.path + "?abort=true").done)
        self.assert_confirmed(doubtful.session_id, client.session_id)
        for _ in range(2):
            self.assertTrue(doubtful.post(proof).done)
        self.assert_counts(doubtful.session_id)
        self.assertEqual(list(check_record(self.issuer, doubtful.session_id)), [])
        self.assertEqual(doubtful.post(wrong).status, 409)

    def test_no_proof_without_its_key(self):
        """Once the session key is forgotten, nobody can tell a proof from anything else."""
        doubtful, proof = self.doubt()
        self.command("forget", doubtful.session_id, code=REFUSED)
        self.assertTrue(self.client("plain").run().done)
        self.command("forget", doubtful.session_id)
        key = SessionCounter(bytes(32), doubtful.counter.counter - 1)
        nonce = from_base64url(doubtful.request["sessionCloseData"]["nonce"])
        forged = base64url(key.attest(constructs.close_attestation_data(nonce)))
        for message in (proof, {**proof, "attestation": forged}):
            self.assertEqual(doubtful.post(message).status, 409)
        self.assertEqual(self.checks(doubtful, "closing proof"), [])
        self.assert_counts(doubtful.session_id)

    def test_confirmed_before_its_time_is_over(self):
        """By a later session of a profile that looks for its keys: nothing waits for doubt."""
        early = self.client("plain")
        early.run(until=FINALIZATION)
        proof = early.answer()
        client = self.enrol("looking")
        self.assert_confirmed(early.session_id, client.session_id)
        self.assertTrue(early.post(proof).done)
        self.assert_counts(early.session_id)

    def test_several(self):
        """One there, one not, one of two keys only one of which has a PIN: that shows both; and
        keys without PINs, there and not, which no harmless operation can prove."""
        there, missing, mixed, no_pin, no_pin_missing = self.doubt(
            "short", "short", "short-mixed", "short-no-pin", "short-no-pin")
        gone = [self.leaf(client) for client, _ in (missing, no_pin_missing)]
        self.device.credentials.all = [one for one in self.device.credentials.all
                                       if one.path[0] not in gone]
        client = self.next_one()
        self.assertEqual(len(client.request["lookupSpecifiers"]), 6)
        self.assertTrue(client.run().done)
        self.assertEqual(self.methods(client).count("postUnlockKey"), 2)
        for confirmed, _ in (there, mixed):
            self.assert_confirmed(confirmed.session_id, client.session_id)
        self.assertEqual(len(self.exported("--session", mixed[0].session_id)), 2)
        for void, _ in (missing, no_pin_missing):
            self.assert_void(void.session_id, "did not find it")
        self.assert_on_hold(no_pin[0].session_id)
        self.assertTrue(no_pin[0].post(no_pin[1]).done)
        self.assert_counts(no_pin[0].session_id)

    def test_no_room_for_it(self):
        """A profile that uses its session key up leaves it to the next session."""
        doubtful, _ = self.doubt()
        self.assertTrue(self.client("tight").run(until=DISCOVERY).done)
        self.assert_on_hold(doubtful.session_id)
        client = self.next_one()
        self.assertTrue(client.run().done)
        self.assert_confirmed(doubtful.session_id, client.session_id)

    def test_another_device(self):
        doubtful, _ = self.doubt()
        other = Client(self.issuer.url, "plain", Device(authority=self.device_ca))
        self.assertTrue(other.run(until=DISCOVERY).done)
        self.assert_on_hold(doubtful.session_id)

    def test_a_bad_late_proof(self):
        doubtful, proof = self.doubt()
        proof["attestation"] = flipped(proof["attestation"])
        self.assertTrue(doubtful.post(proof).failed)
        self.assert_void(doubtful.session_id, "closing proof: ")

    def test_the_operator(self):
        doubtful, proof = self.doubt()
        serial = self.serial(self.leaf(doubtful))
        self.assertIn("in doubt", self.revoke(serial, "--release", code=REFUSED))
        self.revoke(serial, "--hold")
        self.assertEqual(self.export_of(self.leaf(doubtful))["revocation"]["origin"], "operator")
        self.revoke(serial, "--release")
        self.assert_on_hold(doubtful.session_id)
        self.revoke(serial, "--hold")
        self.assertTrue(doubtful.post(proof).done)
        self.assert_verdict(doubtful.session_id, "succeeded")
        self.assert_revoked(self.leaf(doubtful), "certificateHold")
        self.revoke(serial, "--release")
        self.assert_counts(doubtful.session_id)

    def test_revoked_by_serial_number(self):
        """One certificate of a session in doubt: the proof settles the session, not that."""
        doubtful, proof = self.doubt()
        self.revoke(self.serial(self.leaf(doubtful)), "--reason", "keyCompromise")
        self.assert_verdict(doubtful.session_id, "in doubt")
        self.assertTrue(doubtful.post(proof).done)
        self.assert_revoked(self.leaf(doubtful), "keyCompromise")
