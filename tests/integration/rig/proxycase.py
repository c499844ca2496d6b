"""Test classes about the proxy and a real token with the issuer in Python between them."""

from .certificates import generate
from .keygen2_issuer import KeyGen2Issuer
from .processes import provision
from .testcase import RigTest

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)


class ProxyCase(RigTest):
    """Classes make what they need in set_up_rig(); each test has an issuer and keys of its own."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()

    def setUp(self):
        self.issuer = self.new_issuer()
        self.kmk = generate()
        self.sks = self.wire()

    def new_issuer(self):
        issuer = KeyGen2Issuer()
        self.addCleanup(issuer.close)
        return issuer

    def run_script(self, script, *options, issuer=None, **changes):
        """(exit code, outcome, log) of one enrolment."""
        issuer = issuer or self.issuer
        issuer.script = script
        return provision(issuer.uri, self.token.url, *options, "--state", self.folder / "state",
                         **changes)

    def enrol(self, script, *options, issuer=None, **changes):
        """An enrolment that succeeds at both ends; returns its session."""
        issuer = issuer or self.issuer
        code, outcome, log = self.run_script(script, *options, issuer=issuer, **changes)
        self.assertEqual(issuer.errors, [])
        self.assertEqual((code, outcome["outcome"]), (DONE, "succeeded"), (outcome, log))
        self.assertEqual(issuer.last.verdict, "succeeded")
        issuer.last.outcome, issuer.last.log = outcome, log
        return issuer.last

    def refused(self, script, text, by="proxy", *options, **changes):
        """An enrolment that is refused and leaves the token as it was."""
        before = self.sks.snapshot()
        code, outcome, log = self.run_script(script, *options, **changes)
        self.assertEqual((code, outcome["outcome"], outcome["detectedBy"]),
                         (REFUSED, "refused", by), (outcome, log))
        self.assertIn(text, outcome["cause"])
        self.assertEqual(self.sks.snapshot(), before)
        return outcome

    def begin(self, session, kmk=None, updatable=None, **invocation):
        """The first messages of a script: `yield from self.begin(session)`."""
        yield session.invocation(**invocation)
        changes = {"updatableKeyManagementKeys": updatable} if updatable else {}
        return (yield session.initialization(kmk=kmk, **changes))

    def owning(self, *keys, kmk=None, credential=None, **pin):
        """A script that leaves keys under one PIN, owned by the key management key."""
        def script(session):
            yield from self.begin(session, kmk=kmk or self.kmk)
            made = [session.key(key) for key in keys or ("Key.1",)]
            yield session.creation(pinPolicySpecifiers=[session.pin(*made, **pin)])
            yield session.finalization(*[session.credential(key["id"], **(credential or {}))
                                         for key in made])
        return script

    def attributes(self, credential):
        """Handle and attributes of the key with this certificate; None if there is none."""
        for key in self.sks.keys():
            shown = self.sks.call("getKeyAttributes", keyHandle=key.keyHandle)
            if shown.certificate[0] == credential.certificate:
                return key, shown
        return None
