"""Deferred issuance: the session waits in the token, whatever becomes of the proxy."""

import json
import os
import signal
import threading

from rig.doubtcase import kept_files
from rig.keygen2_issuer import PENDING
from rig.processes import PATIENCE, run, spawn, wait_for
from rig.proxycase import DONE, IO_ERROR, REFUSED, USAGE, ProxyCase


class Deferred(ProxyCase):
    def setUp(self):
        super().setUp()
        self.state = self.new_folder() / "state"

    def put_off(self, session):
        yield from self.begin(session)
        yield session.creation(deferredIssuance=True, pinPolicySpecifiers=[session.pin()])
        yield PENDING
        yield session.invocation()
        yield session.finalization(session.credential())

    def begin_it(self, script=None):
        self.issuer.script = script or self.put_off
        code, outcome, log = self.proxy("--pin", "4711")
        self.assertEqual((code, outcome["outcome"]), (DONE, "pending"), (outcome, log))
        return outcome

    def proxy(self, *options, token=None, state=None, environment=None):
        done = run("sks-proxy", "provision", self.issuer.uri, "--token", token or self.token.url,
                   "--yes", "--json", "--state", state or self.state, *options,
                   environment=environment)
        return done.returncode, done.stdout and json.loads(done.stdout), done.stderr

    def resume(self, *options, **changes):
        return self.proxy("--resume", *options, **changes)

    def files(self):
        return kept_files(self.state)

    def abort(self):
        for session in self.sks.sessions(True):
            self.sks.call("abortProvisioningSession",
                          provisioningHandle=session.provisioningHandle)

    def test_wait_and_resume(self):
        outcome = self.begin_it()
        self.assertTrue(outcome["waits"])
        self.assertRegex(outcome["until"], r"^20\d\d-.*Z$")
        self.assertEqual([session.serverSessionId for session in self.sks.sessions(True)],
                         [outcome["serverSessionId"]])
        (path,) = self.files()
        self.assertEqual((path.stat().st_mode & 0o777, self.state.stat().st_mode & 0o777),
                         (0o600, 0o700))
        code, early, _ = self.resume()
        self.assertEqual((code, early["outcome"], early["waits"]), (DONE, "pending", True))
        self.token.restart()
        self.sks = self.wire()
        self.issuer.last.approved = True
        code, late, log = self.resume()
        self.assertEqual((code, late["outcome"]), (DONE, "succeeded"), (late, log))
        self.assertEqual(self.issuer.last.verdict, "succeeded")
        key, _ = self.attributes(self.issuer.last.credentials["Key.1"])
        self.assertEqual(late["keys"], [{"id": "Key.1", "handle": key.keyHandle}])
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_killed_while_the_issuer_thinks(self):
        """kill -9 between the KeyCreationResponse and its answer."""
        thinking, go_on = [], threading.Event()
        self.addCleanup(go_on.set)

        def script(session):
            yield from self.begin(session)
            yield session.creation(deferredIssuance=True, pinPolicySpecifiers=[session.pin()])
            thinking.append(session)
            go_on.wait(PATIENCE)
            yield PENDING
            yield session.invocation()
            yield session.finalization(session.credential())
        self.issuer.script = script
        process = spawn("sks-proxy", "provision", self.issuer.uri, "--token", self.token.url,
                        "--yes", "--pin", "4711", "--state", self.state)
        wait_for(lambda: thinking)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(len(self.files()), 1)
        go_on.set()
        wait_for(lambda: self.issuer.last.sent is PENDING)
        self.issuer.last.approved = True
        code, outcome, log = self.resume()
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_the_cookie_by_hand(self):
        self.begin_it()
        self.issuer.last.approved = True
        elsewhere = self.state.parent / "elsewhere"
        code, outcome, _ = self.resume(state=elsewhere)
        self.assertEqual((code, outcome["outcome"], outcome["waits"]), (REFUSED, "refused", True))
        self.assertIn("give the issuer's --cookie", outcome["cause"])
        code, outcome, log = self.resume("--cookie", "test-session=wrong", state=elsewhere)
        self.assertEqual((code, outcome["waits"]), (REFUSED, True), (outcome, log))
        cookie = {"SKS_PROXY_COOKIE": "test-session=" + self.issuer.last.cookie}
        code, outcome, log = self.resume(state=elsewhere, environment=cookie)
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assertEqual(run("sks-proxy", "provision", self.issuer.uri, "--token", self.token.url,
                             "--yes", "--cookie", "a=b").returncode, USAGE)

    def test_refused_in_the_end(self):
        self.begin_it()
        self.issuer.last.fail("the operator declined")
        code, outcome, _ = self.resume()
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"), outcome)
        self.assertIn("the operator declined", outcome["cause"])
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_an_issuer_that_is_away(self):
        """Nothing is lost: neither when it is gone now, nor when it was gone at the answer."""
        self.begin_it()
        self.issuer.server.shutdown()
        self.issuer.server.server_close()
        code, outcome, _ = self.resume()
        self.assertEqual((code, outcome["outcome"], outcome["waits"]), (IO_ERROR, "error", True))
        self.assertEqual((len(self.files()), len(self.sks.sessions(True))), (1, 1))
        self.abort()

    def test_several_wait(self):
        first, second = self.begin_it(), self.begin_it()
        code, outcome, _ = self.resume()
        self.assertEqual(code, REFUSED)
        for one in (first, second):
            self.assertIn(one["serverSessionId"], outcome["cause"])
        for session in self.issuer.sessions:
            session.approved = True
        for one in (first, second):
            code, outcome, log = self.resume("--session", one["serverSessionId"])
            self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_a_session_that_is_gone(self):
        outcome = self.begin_it()
        self.abort()
        code, gone, _ = self.resume("--session", outcome["serverSessionId"])
        self.assertEqual((code, gone["outcome"]), (REFUSED, "refused"))
        self.assertIn("no token has an open session", gone["cause"])
        self.assertNotIn("waits", gone)
        self.assertEqual(self.files(), [])

    def test_a_token_that_is_away_changes_nothing(self):
        outcome = self.begin_it()
        code, away, _ = self.resume("--session", outcome["serverSessionId"],
                                    token="http://127.0.0.1:1")
        self.assertEqual((code, away["outcome"]), (IO_ERROR, "error"))
        self.assertEqual((len(self.files()), len(self.sks.sessions(True))), (1, 1))
        self.abort()

    def test_a_file_that_others_can_read(self):
        self.begin_it()
        os.chmod(self.files()[0], 0o644)
        code, outcome, _ = self.resume()
        self.assertNotEqual(code, DONE)
        self.assertTrue(outcome["waits"])
        self.abort()

    def test_an_attack_on_the_resumed_session(self):
        """Once the issuer has decided, a refusal ends the session at both ends."""
        def altered(session):
            inner = self.put_off(session)
            message = next(inner)
            while True:
                if message is not PENDING and "issuedCredentials" in message:
                    message["issuedCredentials"][0]["mac"] = "A" * 43
                message = inner.send((yield message))
        self.begin_it(altered)
        self.issuer.last.approved = True
        code, outcome, _ = self.resume()
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "token"), outcome)
        self.assertEqual(self.issuer.last.cause, "aborted by the client")
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_interrupted_while_it_is_made(self):
        thinking, go_on = [], threading.Event()
        self.addCleanup(go_on.set)

        def script(session):
            yield from self.begin(session)
            yield session.creation(deferredIssuance=True, pinPolicySpecifiers=[session.pin()])
            thinking.append(session)
            go_on.wait(PATIENCE)
            yield PENDING
        self.issuer.script = script
        process = spawn("sks-proxy", "provision", self.issuer.uri, "--token", self.token.url,
                        "--yes", "--pin", "4711", "--state", self.state)
        wait_for(lambda: thinking)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        self.assertEqual(process.returncode, REFUSED)
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_an_issuer_that_does_not_wait(self):
        def script(session):
            yield from self.begin(session)
            yield session.creation(deferredIssuance=True, pinPolicySpecifiers=[session.pin()])
            yield session.finalization(session.credential())
        self.issuer.script = script
        code, outcome, log = self.proxy("--pin", "4711")
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assertEqual(self.files(), [])

    def test_a_wait_that_was_not_announced(self):
        def script(session):
            yield from self.begin(session)
            yield session.creation(pinPolicySpecifiers=[session.pin()])
            yield PENDING
        self.issuer.script = script
        code, outcome, _ = self.proxy("--pin", "4711")
        self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "error"))
        self.assertEqual((self.files(), self.sks.sessions(True)), ([], []))

    def test_the_default_folder(self):
        self.issuer.script = self.put_off
        done = run("sks-proxy", "provision", self.issuer.uri, "--token", self.token.url, "--yes",
                   "--pin", "4711", environment={"XDG_STATE_HOME": str(self.state)})
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn("--resume --session " + self.issuer.last.id, done.stdout)
        self.assertEqual(len(list((self.state / "sks-proxy").iterdir())), 1)
        self.abort()
