"""Test classes with a middleman on either hop between the real programs."""

from . import constructs
from .certificates import generate
from .mitm import Relay, flip_bit, sks_name
from .processes import provision
from .records import RecordsMixin
from .sks_types import base64url, from_base64url
from .testcase import RigTest, write_profile

REFUSED, BY_TOKEN, BY_ISSUER = 1, "token", "issuer"
# After the finalization went out the issuer cannot know what the token did.
AT_THE_END = ("failed", "in doubt")


def flipped(text, position=0):
    return base64url(flip_bit(from_base64url(text), position))


def new_jwk():
    return constructs.to_jwk(generate().public_key())


def put(*path, change):
    """A change of the property at that path of a message."""
    def apply(message):
        for step in path[:-1]:
            message = message[step]
        message[path[-1]] = change(message.get(path[-1]) if isinstance(message, dict)
                                   else message[path[-1]])
    return apply


class MiddlemanTest(RecordsMixin, RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.outer, cls.inner = Relay(), Relay(name=sks_name)
        for relay in (cls.outer, cls.inner):
            cls.addClassCleanup(relay.close)
        cls.profiles = write_profile(cls.new_folder(), "plain")
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca], profiles=cls.profiles,
                                      options=["--public-url", cls.outer.url])
        cls.inner.upstream, cls.outer.upstream = cls.token.url, cls.issuer.url

    def enroll(self, outer=None, inner=None, profile="plain"):
        self.outer.hook, self.inner.hook = outer, inner
        code, outcome, log = provision("%s/kg2/%s" % (self.outer.url, profile), self.inner.url)
        self.assertEqual(self.outer.errors + self.inner.errors, [])
        return code, outcome, log

    def assert_attack_fails(self, detected_by, verdict="failed", keeps_key=False, **hooks):
        """The run ends refused by that end; the token is as it was, the issuer counts nothing."""
        wire = self.wire()
        before, succeeded = wire.snapshot(), self.succeeded()
        code, outcome, log = self.enroll(**hooks)
        self.assertEqual((code, outcome["outcome"]), (REFUSED, "refused"), (outcome, log))
        self.assertTrue(outcome["cause"], outcome)
        self.assertIn(outcome["detectedBy"],
                      (detected_by,) if isinstance(detected_by, str) else detected_by, outcome)
        self.assert_verdict(outcome["serverSessionId"], verdict)
        self.assertEqual(self.succeeded(), succeeded)
        self.assertEqual(wire.sessions(True), [])
        if not keeps_key:
            self.assertEqual(wire.snapshot(), before)
        return outcome
