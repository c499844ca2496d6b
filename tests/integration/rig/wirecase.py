"""Test classes against one live token on the SKS wire, driven by the issuer side in Python."""

from .certificates import Authority
from .issuer_side import IssuerSession
from .testcase import RigTest

AUTHORIZATION, NOT_ALLOWED, STORAGE, MAC, CRYPTO, NO_SESSION, NO_KEY, ALGORITHM, OPTION = range(
    1, 10)


class WireTest(RigTest):
    token_options = ()      # of serve

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=cls.token_options)
        cls.authority = Authority()

    def setUp(self):
        self.sks = self.wire()

    def session(self, **changes):
        return IssuerSession(self.sks, **changes).create()

    def is_open(self, session):
        return session.handle in [item.provisioningHandle for item in self.sks.sessions(True)]

    def certify(self, session, *keys):
        for key in keys:
            session.certify(key, [self.authority.issue(key.id, key.public)])

    def finish(self, session, *keys):
        """Certifies the keys and closes: proof that the session was sound to the end."""
        self.certify(session, *keys)
        session.close()

    def assert_torn_down(self, status, session, call, *arguments, **options):
        """Refused with that status, the session gone and all that it made with it."""
        keys = [vars(item) for item in self.sks.keys()]
        text = self.assert_status(status, call, *arguments, **options)
        self.assertFalse(self.is_open(session), "torn down")
        self.assert_status(NO_SESSION, session.abort)
        self.assertEqual([vars(item) for item in self.sks.keys()], keys)
        return text

    def assert_survives(self, status, session, call, *arguments, **options):
        text = self.assert_status(status, call, *arguments, **options)
        self.assertTrue(self.is_open(session), "still open")
        return text

    def refuse_each(self, cases, make):
        """make(session, **changes) is refused with the status of each case
        (text, changes, status) and tears the session down."""
        for what, changes, status in cases:
            with self.subTest(what):
                session = self.session()
                self.assert_torn_down(status, session, make, session, **changes)
