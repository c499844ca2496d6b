"""Credential discovery and deferred issuance between the real programs, with a middleman on the
hop: order, replay, mixing of sessions, expiry, oversize, wrong cookie, wrong content type."""

import json
import shutil

from rig import clock
from rig.client_side import HttpSession
from rig.middlemancase import BY_ISSUER, BY_TOKEN, MiddlemanTest, put
from rig.mitm import change_message
from rig.processes import PROFILES, provision, run

DISCOVERY, FOUND = "CredentialDiscoveryRequest", "CredentialDiscoveryResponse"
FINALIZATION = "ProvisioningFinalizationRequest"
BY_PROXY = "proxy"
LIMIT = 4 * 1024 * 1024
TOO_MUCH = "the answer is too large"
ABORTED = "aborted by the client"


class Hop(MiddlemanTest):
    """The profiles of one class, all with a short-lived sister."""

    wanted = ()

    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()
        for name in cls.wanted:
            shutil.copy(PROFILES / (name + ".json"), cls.profiles)
            profile = json.loads((PROFILES / (name + ".json")).read_text())
            (cls.profiles / ("short-%s.json" % name)).write_text(
                json.dumps({**profile, "sessionLifeTime": clock.LIFE}))
        cls.issuer.restart()
        cls.outer.upstream = cls.issuer.url

    def setUp(self):
        self.outer.header_hook = None
        self.sks = self.wire()

    def proxy(self, profile, *options, hook=None, headers=None):
        self.outer.hook, self.outer.header_hook = hook, headers
        result = provision("%s/kg2/%s" % (self.outer.url, profile), self.token.url, *options,
                           "--state", self.folder / "state")
        self.assertEqual(self.outer.errors, [])
        self.outer.hook = self.outer.header_hook = None
        return result

    def refuse(self, by, cause, profile, *options, told=None, before=None, **hooks):
        """Refused by that end with that cause; the token is as it was, and page, log and record
        of the issuer tell the same. told: what the issuer knows; it is the cause if that is its
        own. before: what the token showed before the session."""
        before = self.sks.snapshot() if before is None else before
        _, outcome, log = self.proxy(profile, *options, **hooks)
        self.assertEqual((outcome["outcome"], outcome["detectedBy"]), ("refused", by),
                         (outcome, log))
        self.assertRegex(outcome["cause"], cause)
        self.assertEqual(self.sks.snapshot(), before)
        known = self.assert_told(outcome["serverSessionId"])
        self.assertRegex(known, told or (cause if by == BY_ISSUER else ABORTED))

    def assert_told(self, session_id):
        """The cause, on which record, page and log agree."""
        cause = self.assert_verdict(session_id)
        record = self.issuer.evidence(session_id)
        self.assertEqual((record["verdict"], record["cause"]), ("failed", cause))
        status, page = HttpSession(self.issuer.url).record("failed", session_id)
        self.assertEqual((status, page["verdict"], page["cause"]), (200, "failed", cause))
        lines = [line for line in self.issuer.stderr().splitlines()
                 if "session %s " % session_id in line and "failed: " in line]
        self.assertTrue(any(cause in line for line in lines), lines)
        return cause

    @staticmethod
    def delay(qualifier):
        return lambda _direction, name, _body, _count: (
            clock.skip() if name == qualifier else None)

    @staticmethod
    def pad(qualifier):
        return lambda _direction, name, body, _count: (
            body + b" " * (LIMIT + 1 - len(body)) if name == qualifier else None)

    @staticmethod
    def header(qualifier, name, value):
        def hook(_direction, seen, headers):
            if seen == qualifier:
                headers[name] = value
        return hook

    def keep(self, qualifier, profile, *options):
        """The message of that name in an honest session."""
        kept = []

        def hook(_direction, name, body, _count):
            if name == qualifier:
                kept.append(json.loads(body))
        self.assertEqual(self.proxy(profile, *options, hook=hook)[0], 0)
        return kept[0]


def replay(qualifier, message, ids=("serverSessionId", "clientSessionId")):
    """Another message in the place of one, under the ids that this one has."""
    return change_message(qualifier, lambda seen: (
        kept := {name: seen[name] for name in ids if name in seen},
        seen.clear(), seen.update({**message, **kept})))


class CredentialDiscovery(Hop):
    wanted = ("p256-user-pin", "key-update", "key-unlock")

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        code, _, log = provision(cls.outer.url + "/kg2/p256-user-pin", cls.token.url)
        assert code == 0, log

    def test_order(self):
        for name in ("KeyCreationResponse", "InvocationResponse",
                     "ProvisioningFinalizationResponse"):
            self.refuse(BY_ISSUER, "message: " + FOUND, "key-update",
                        hook=change_message(FOUND, put("@qualifier", change=lambda _: name)))
        for name in ("InvocationRequest", "ProvisioningInitializationRequest"):
            self.refuse(BY_PROXY, "@qualifier", "key-update",
                        hook=change_message(DISCOVERY, put("@qualifier", change=lambda _: name)))

    def test_an_older_message_of_the_session(self):
        older = []

        def hook(_direction, name, body, _count):
            if name == "InvocationResponse":
                older.append(body)
            return older[-1] if name == FOUND else None
        self.refuse(BY_ISSUER, "message: " + FOUND, "key-update", hook=hook)

    def test_replay(self):
        """A lookup counts for its own session: the nonce. Targets of an earlier session are owned
        by that session now, and the one that they name is no more."""
        self.refuse(BY_PROXY, "nonce", "key-update",
                    hook=replay(DISCOVERY, self.keep(DISCOVERY, "key-unlock")))
        kept = self.keep(FINALIZATION, "key-unlock")
        self.refuse(BY_PROXY, "unlockKeys: the token has no closed session", "key-unlock",
                    hook=replay(FINALIZATION, kept))

    def test_mixing(self):
        for name in ("serverSessionId", "clientSessionId"):
            self.refuse(BY_ISSUER, "session ids: ", "key-update",
                        hook=change_message(FOUND, put(name, change=lambda _: "another")))
            self.refuse(BY_PROXY, name, "key-update",
                        hook=change_message(DISCOVERY, put(name, change=lambda _: "another")))

    def test_expiry(self):
        self.refuse(BY_ISSUER, "life time over", "short-key-update", hook=self.delay(FOUND))
        self.refuse(BY_ISSUER, "life time over", "short-key-update", hook=self.delay(DISCOVERY))

    def test_oversize(self):
        self.refuse(BY_ISSUER, "413", "key-update", hook=self.pad(FOUND), told=ABORTED)
        self.refuse(BY_PROXY, TOO_MUCH, "key-update",
                    hook=self.pad(DISCOVERY))

    def test_cookie(self):
        for value in ("sks-session=" + "A" * 32, "x=y"):
            self.refuse(BY_ISSUER, "403", "key-update", told=ABORTED,
                        headers=self.header(FOUND, "Cookie", value))

    def test_content_type(self):
        self.refuse(BY_ISSUER, "415", "key-update", told=ABORTED,
                    headers=self.header(FOUND, "Content-Type", "text/plain"))
        self.refuse(BY_PROXY, "content type", "key-update",
                    headers=self.header(DISCOVERY, "Content-Type", "text/html"))


class DeferredPhase(Hop):
    """What comes after the operator's approval."""

    wanted = ("deferred-issuance",)
    profile = "deferred-issuance"

    def pending(self, profile=profile):
        """(what the token showed before, id) of a session that waits."""
        before = self.sks.snapshot()
        code, outcome, log = self.proxy(profile)
        self.assertEqual((code, outcome["outcome"]), (0, "pending"), (outcome, log))
        return before, outcome["serverSessionId"]

    def approved(self, profile=profile):
        before, session_id = self.pending(profile)
        done = run("sks-issuer", "approve", session_id, "--data", self.issuer.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return before, session_id

    def refuse_resumed(self, by, cause, told=None, **hooks):
        """Refused in the end: rolled back at both ends."""
        before, session_id = self.approved()
        self.refuse(by, cause, self.profile, "--resume", "--session", session_id, told=told,
                    before=before, **hooks)

    def put_off(self, by, cause, **hooks):
        """While it waits, what no end refuses leaves it as it is, at both of them; then it goes
        on as if nothing had been."""
        _, session_id = self.approved()
        resume = (self.profile, "--resume", "--session", session_id)
        code, outcome, log = self.proxy(*resume, **hooks)
        self.assertEqual((code, outcome["outcome"], outcome["detectedBy"], outcome["waits"]),
                         (1, "refused", by, True), (outcome, log))
        self.assertRegex(outcome["cause"], cause)
        self.assert_verdict(session_id, "open")
        self.assertEqual([s.serverSessionId for s in self.sks.sessions(True)], [session_id])
        code, outcome, log = self.proxy(*resume)
        self.assertEqual((code, outcome["outcome"]), (0, "succeeded"), (outcome, log))
        self.assert_verdict(session_id, "succeeded")

    def test_order(self):
        self.refuse_resumed(BY_ISSUER, "message: InvocationResponse", hook=change_message(
            "InvocationResponse", put("@qualifier", change=lambda _: "KeyCreationResponse")))
        self.refuse_resumed(BY_PROXY, "@qualifier", hook=change_message(
            FINALIZATION, put("@qualifier", change=lambda _: "KeyCreationRequest")))
        self.put_off(BY_PROXY, "@qualifier", hook=change_message(
            "InvocationRequest", put("@qualifier", change=lambda _: "KeyCreationRequest")))

    def test_replay(self):
        """The certificates of another session: its MACs are worth nothing in this one."""
        _, session_id = self.approved()
        kept = self.keep(FINALIZATION, self.profile, "--resume", "--session", session_id)
        self.refuse_resumed(BY_TOKEN, "setCertificatePath: ERROR_MAC",
                            hook=replay(FINALIZATION, kept))

    def test_mixing(self):
        self.refuse_resumed(BY_ISSUER, "session ids: ", hook=change_message(
            "InvocationResponse", put("serverSessionId", change=lambda _: "another")))
        self.refuse_resumed(BY_PROXY, "SessionId", hook=change_message(
            FINALIZATION, put("clientSessionId", change=lambda _: "another")))
        self.put_off(BY_PROXY, "serverSessionId", hook=change_message(
            "InvocationRequest", put("serverSessionId", change=lambda _: "another")))

    def test_expiry(self):
        """While it waits, and on the way after the approval."""
        short = "short-" + self.profile
        before, session_id = self.pending(short)
        clock.skip()
        code, outcome, _ = self.proxy(short, "--resume", "--session", session_id)
        self.assertEqual((code, outcome["outcome"]), (1, "refused"), outcome)
        self.assertEqual(self.sks.snapshot(), before)
        self.assertEqual(self.assert_verdict(session_id), "life time over")
        before, session_id = self.approved(short)
        self.refuse(BY_ISSUER, "life time over", short, "--resume", "--session", session_id,
                    before=before, hook=self.delay("InvocationResponse"))

    def test_oversize(self):
        self.put_off(BY_ISSUER, "413", hook=self.pad("InvocationResponse"))
        self.put_off(BY_PROXY, TOO_MUCH, hook=self.pad("InvocationRequest"))

    def test_content_type(self):
        self.put_off(BY_ISSUER, "415", headers=self.header(
            "InvocationResponse", "Content-Type", "text/plain"))
        self.put_off(BY_PROXY, "content type", headers=self.header(
            "InvocationRequest", "Content-Type", "text/html"))

    def test_cookie(self):
        wrong = "sks-session=" + "A" * 32
        for name in ("", "InvocationResponse"):     # the GET has no name
            self.put_off(BY_ISSUER, "403", headers=self.header(name, "Cookie", wrong))
