"""sks-conform issuer: what comes too late, what waits, and what is in doubt."""

import time

from rig.conformcase import DONE, FAILED, ConformTest
from rig.keygen2_issuer import PENDING, KeyGen2Issuer, ProofError, Session
from rig.mitm import Relay
from rig.testcase import write_profile

LIFE = 2        # seconds


class LifeTimes(ConformTest):
    @classmethod
    def set_up_rig(cls):
        folder = write_profile(cls.new_folder(), "short", sessionLifeTime=LIFE)
        write_profile(folder, "short-deferred", sessionLifeTime=LIFE, deferredIssuance=True)
        cls.issuer = cls.start_issuer(profiles=folder)
        cls.trust_and_restart()

    def test_all_of_it(self):
        report = self.report("--only", "life-time", "--slow")
        self.assert_all_pass(report, "life-time")
        self.assertEqual({row["verdict"] for row in self.issuer.sessions()},
                         {"succeeded", "failed"})
        self.assertGreaterEqual(sum(row["cause"] == "life time over"
                                    for row in self.issuer.sessions()), len(report["cases"]))

    def test_only_if_wanted(self):
        report = self.report("--only", "life-time.told", "--only", "session.one-key")
        self.assertEqual(self.of_verdict(report, "passed"), ["session.one-key"])
        (case,) = [case for case in report["cases"] if case["verdict"] == "skipped"]
        self.assertEqual(case["reason"], "slow: --slow runs it")


class InDoubt(ConformTest):
    @classmethod
    def set_up_rig(cls):
        folder = write_profile(cls.new_folder(), "short", sessionLifeTime=LIFE)
        cls.issuer = cls.start_issuer(profiles=write_profile(folder, "plain"))
        cls.trust_and_restart()

    def test_all_of_it(self):
        self.assert_all_pass(self.report("--only", "in-doubt", "--slow"), "in-doubt")
        self.assertNotIn("in doubt", [row["verdict"] for row in self.issuer.sessions()],
                         "each was settled")


class Deferred(ConformTest):
    """Those with an operator are in test_conform_issuer.OurIssuer too; here the operator fails."""

    @classmethod
    def set_up_rig(cls):
        folder = write_profile(cls.new_folder(), "deferred", deferredIssuance=True)
        cls.relay = Relay()
        cls.addClassCleanup(cls.relay.close)
        cls.issuer = cls.start_issuer(profiles=write_profile(folder, "plain"),
                                      options=["--public-url", cls.relay.url])
        cls.relay.upstream = cls.issuer.url
        cls.trust_and_restart()
        cls.relay.upstream = cls.issuer.url

    def tearDown(self):
        self.relay.hook = self.relay.header_hook = None

    def test_without_an_operator(self):
        operator, self.options = self.options, ()
        report = self.report("--only", "deferred", url=self.relay.url)
        self.assertEqual(self.failed(report), [])
        skipped = [case for case in report["cases"] if case["verdict"] == "skipped"]
        self.assertEqual({case["reason"] for case in skipped}, {"needs operator (--operator)"})
        self.assertEqual(len(skipped), 8)
        self.options = operator
        report = self.report("--only", "deferred", url=self.relay.url)
        self.assert_all_pass(report, "deferred")

    def test_an_operator_that_fails(self):
        self.options = ("--operator", "read line; exit 7")
        done = self.conform("--only", "deferred.approved", "--json", url=self.relay.url)
        self.assertIn("the operator's command: ", done.stdout)
        self.assertIn('"skipped":1', done.stdout)

    def assert_found(self, *names):
        for name in names:
            report = self.report("--only", name, url=self.relay.url, code=FAILED)
            self.assertEqual(self.failed(report), [name])

    def test_faults_are_found(self):
        """An issuer that lets everybody resume: a relay gives each request the right cookie."""
        cookies = []

        def keep(direction, _name, headers):
            for name in list(headers):
                if direction == "response" and name.lower() == "set-cookie":
                    cookies.append(headers[name].split(";")[0])
            if direction == "request" and cookies:
                headers["Cookie"] = cookies[-1]
        self.relay.header_hook = keep
        self.assert_found("deferred.approved-without-cookie")

        def no_pending(_direction, _name, headers):
            for name in list(headers):
                if name.lower() == "location":
                    headers[name] = headers[name].replace("/pending/", "/done/")
        self.relay.header_hook = no_pending
        done = self.conform("--only", "deferred", "--json", url=self.relay.url)
        self.assertNotEqual(done.returncode, DONE)

    def test_what_failed_says_done(self):
        """Where there is a second profile."""
        def done(_direction, _name, headers):
            for name in list(headers):
                if name.lower() == "location":
                    headers[name] = headers[name].replace("/failed/", "/done/")
        self.relay.header_hook = done
        report = self.report("--only", "other-profile", "--only", "deferred.rejected", "--only",
                             "deferred.message", url=self.relay.url, code=FAILED)
        self.assertEqual(len(self.failed(report)), 6, report)

    def test_a_page_that_lies(self):
        self.relay.hook = lambda _direction, _name, body, _count: body.replace(
            b'"state":"pending"', b'"state":"approved"')
        report = self.report("--only", "deferred", url=self.relay.url)
        self.assertEqual(self.failed(report), ["deferred.page"], "a should-case alone")


class TakesAnyProof(Session):
    def _accept_proof(self, response):
        pass


class Unforgiving(Session):
    """Whatever comes late is refused, closing proofs too."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.begun = time.monotonic()

    def step(self, response=None):
        if self.verdict == "failed" or time.monotonic() > self.begun + 1:
            raise ProofError("life time over")
        return super().step(response)


class PythonIssuer(ConformTest):
    @classmethod
    def set_up_rig(cls):
        cls.device = cls.new_folder() / "device"

    def issuer_with(self, session_class=Session, put_off=False):
        issuer = KeyGen2Issuer()
        self.addCleanup(issuer.close)
        issuer.session_class = session_class

        def script(session):
            yield session.invocation()
            yield session.initialization(lifetime=1)
            yield session.creation(pinPolicySpecifiers=[session.pin()],
                                   **({"deferredIssuance": True} if put_off else {}))
            if put_off:
                yield PENDING
            yield session.finalization(session.credential())
        issuer.script = script
        return issuer.uri


class NeverLate(PythonIssuer):
    """It knows no life time: whatever comes late is taken."""

    def test_found(self):
        report = self.report("--only", "life-time", "--only", "in-doubt.wrong-proof", "--slow",
                             url=self.issuer_with(), code=FAILED)
        self.assertEqual(self.failed(report), [
            "life-time.InvocationResponse", "life-time.ProvisioningInitializationResponse",
            "life-time.KeyCreationResponse", "life-time.repeated", "life-time.told"])

    def test_put_off(self):
        report = self.report("--only", "life-time.deferred", "--only", "deferred.too-early",
                             "--slow", url=self.issuer_with(put_off=True), code=FAILED)
        self.assertIn("life-time.deferred", self.failed(report))


class TooStrict(PythonIssuer):
    def test_doubt(self):
        """Proofs in doubt: one that takes each, one that takes none."""
        both = "--only", "in-doubt.late-proof", "--only", "in-doubt.wrong-proof", "--slow"
        report = self.report(*both, url=self.issuer_with(TakesAnyProof), code=FAILED)
        self.assertIn("in-doubt.wrong-proof", self.failed(report))
        report = self.report(*both, url=self.issuer_with(Unforgiving), code=FAILED)
        self.assertEqual(self.failed(report), ["in-doubt.late-proof"])

    def test_in_time_alone(self):
        report = self.report("--only", "life-time", "--slow", "--level", "must",
                             url=self.issuer_with(Unforgiving))
        self.assertEqual(self.failed(report), [])
        self.assertEqual(len(self.of_verdict(report, "passed")), 4)


if __name__ == "__main__":
    import unittest
    unittest.main()
