"""The in-doubt state between the real programs: the line cut at every point from the finalization
on, and what becomes of the proof that is kept."""

import json
import shutil
import signal

from rig.doubtcase import (
    DISCOVERY, DONE, FINALIZATION, IN_DOUBT, IO_ERROR, PROOF, REFUSED, USAGE, DoubtCase,
    kept_files, write_profiles)
from rig.mitm import Drop, Relay, change_message, sks_name
from rig.processes import provision, run, spawn
from rig.records import check_record
from rig.sks_types import base64url


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
        return kept_files(self.state)

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

    def test_the_same_slot_again(self):
        """Whatever becomes of a session, the next one makes no file when a slot is free."""
        for _ in range(3):
            self.assertEqual(self.provision()[0], DONE)
        (slot,) = self.state.iterdir()
        self.assertEqual((slot.stat().st_size, slot.stat().st_mode & 0o777), (4096, 0o600))
        self.keys += 3
        session = self.lose_proof()
        self.assertEqual(self.files(), [slot])
        self.assert_resumed(session)
        self.assertEqual(list(self.state.iterdir()), [slot])

    def test_a_slot_that_is_torn(self):
        """A power cut while it was written: the message never went out, and nothing is resent."""
        self.lose_proof()
        (slot,) = self.files()
        whole = slot.read_bytes()
        slot.write_bytes(whole[:512] + bytes(len(whole) - 512))
        self.assertEqual(self.resume(), [])
        self.assertEqual(self.provision()[0], DONE)
        self.assertEqual((self.files(), list(self.state.iterdir())), ([], [slot]))

    def test_several_at_a_time(self):
        """Processes that share a folder, all of which lose their proofs."""
        self.outer.hook = self.drop(("request", PROOF))
        running = [spawn("sks-proxy", "provision", self.outer.url + "/kg2/plain", "--token",
                         self.inner.url, "--yes", "--pin", "4711", "--json", "--state",
                         self.state) for _ in range(4)]
        sessions = []
        for process in running:
            sessions.append(json.loads(process.communicate(timeout=60)[0])["serverSessionId"])
            self.assertEqual(process.returncode, IN_DOUBT)
        self.outer.hook = None
        self.assertEqual(len(self.files()), 4)
        rows = self.resume()
        self.assertEqual({row["serverSessionId"]: row["outcome"] for row in rows},
                         dict.fromkeys(sessions, "succeeded"))
        self.assertEqual(self.files(), [])
        for session in sessions:
            self.assert_counts(session)

    def test_a_file_of_its_own(self):
        """As a session has it that no slot takes, and as earlier versions wrote it."""
        self.state.mkdir(mode=0o700)
        for number in range(16):
            (self.state / ("proof-%02d.slot" % number)).mkdir()
        outcome = self.doubt("plain", outer=self.drop(("request", PROOF)))
        self.assertTrue(outcome["proofKept"])
        (path,) = self.state.glob("*.json")
        self.assertRegex(path.name, "^[0-9a-f]{32}[.]json$")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        for slot in self.state.glob("*.slot"):
            slot.rmdir()
        self.assert_resumed(outcome["serverSessionId"])

    def test_nowhere_to_keep_it(self):
        """It goes out all the same."""
        self.state.write_text("no folder")
        code, outcome, log = self.provision()
        self.assertEqual(code, DONE, (outcome, log))
        self.assertIn("the closing proof is not kept", log)

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
        shutil.rmtree(self.state)
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
                shutil.rmtree(self.state)
                aside.rename(self.state)
                self.assert_resumed(session)
