"""Test classes against one live token on the SKS wire, driven by the issuer side in Python."""

import http.client
import threading
import time

from .certificates import Authority
from .issuer_side import IssuerSession
from .testcase import RigTest

AUTHORIZATION, NOT_ALLOWED, STORAGE, MAC, CRYPTO, NO_SESSION, NO_KEY, ALGORITHM, OPTION = range(
    1, 10)
NOT_AVAILABLE = 13


class WireTest(RigTest):
    token_options = ()      # of serve
    no_session = NO_SESSION

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
        self.assert_status(self.no_session, session.abort)
        self.assertEqual([vars(item) for item in self.sks.keys()], keys)
        return text

    def assert_survives(self, status, session, call, *arguments, **options):
        text = self.assert_status(status, call, *arguments, **options)
        self.assertTrue(self.is_open(session), "still open")
        return text

    def restart(self):
        """kill -9 and a new start; the test's connection goes with the old one."""
        self.sks.close()
        self.token.restart()

    def close_and_kill(self, session, seconds):
        """Closes, and kills the token so long after the call has begun; whether it was answered."""
        answered = []

        def close():
            try:
                session.close()
                answered.append(True)
            except (OSError, http.client.HTTPException):
                pass    # the connection died with the token

        thread = threading.Thread(target=close)
        thread.start()
        time.sleep(seconds)
        self.token.kill()
        thread.join()
        self.sks.close()
        self.token.start()
        return bool(answered)

    def refuse_each(self, cases, make):
        """make(session, **changes) is refused with the status of each case
        (text, changes, status) and tears the session down."""
        for what, changes, status in cases:
            with self.subTest(what):
                session = self.session()
                self.assert_torn_down(status, session, make, session, **changes)
