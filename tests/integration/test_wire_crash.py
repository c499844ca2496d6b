"""kill -9 in sessions that import, extend and manage: what is done is done whole or not at all."""

import random

from rig.certificates import generate
from rig.constructs import property_bag
from rig.keycase import PIN, PUK
from rig.postcase import SHARED, PostTest
from rig.wirecase import AUTHORIZATION, NO_SESSION

ROUNDS = 25
# From the call to the kill, in seconds: a close takes a few milliseconds.
LONGEST_WAIT = 0.012


class Crash(PostTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(7)

    def targets(self):
        """Four keys of one session."""
        made = self.own({}, {}, {}, {"pin": None}, puk={"retryLimit": 5}, grouping=SHARED,
                        retryLimit=100)
        self.miss(made[0])
        return made

    def queue_all(self, session, targets, between=lambda: None):
        """A call of every method that a session can have; returns the two new keys."""
        updated, cloned, unlocked, deleted = targets
        made = []
        for operation, target in (("update", updated), ("clone", cloned)):
            between()
            private = generate()
            key = session.key(id="New." + operation)
            between()
            session.certify(key, [self.authority.issue(key.id, private.public_key())])
            between()
            session.import_private(key, private)
            between()
            session.extend(key, "http://bag", property_bag(("n", True, "v")), 2)
            between()
            session.extend(key, "http://hidden", b"data", 1)
            between()
            session.post(operation, target, self.kmk, key=key)
            made.append(key)
        for operation, target in (("unlock", unlocked), ("delete", deleted)):
            between()
            session.post(operation, target, self.kmk)
        between()
        return made

    def assert_done(self, session, targets, made):
        updated, cloned, unlocked, deleted = targets
        self.assert_replaced(updated, made[0])
        self.assert_gone(deleted)
        self.assert_owned_by(session, updated, cloned, unlocked, made[1])
        self.assertEqual(len(set(self.errors(updated, cloned, unlocked, made[1]))), 1)
        for key in (updated, cloned, unlocked, made[1]):
            self.sign(key)
        self.assertEqual(self.attributes(updated).type, ["http://bag", "http://hidden"])

    def assert_nothing_done(self, owner, targets, made):
        self.assertEqual({self.owner(key) for key in targets}, {owner})
        for key in made:
            self.assertNotIn(key.handle, self.handles())
        for key in targets:
            self.assertEqual(self.attributes(key).certificate, [key.certificate])

    def test_before_every_call(self):
        targets = self.targets()
        session = self.managed()
        made = self.queue_all(session, targets, self.restart)
        session.close()
        self.restart()
        self.assert_done(session, targets, made)

    def test_within_the_close(self):
        """Wherever the kill falls: all that the session asked for, or nothing."""
        for _ in range(ROUNDS):
            targets = self.targets()
            owner = self.owner(targets[0])
            session = self.managed()
            made = self.queue_all(session, targets)
            answered = self.close_and_kill(session, self.random.random() * LONGEST_WAIT)
            if session.handle in self.closed_sessions():
                self.assert_done(session, targets, made)
            else:
                self.assertFalse(answered, "an answer means that it is durable")
                self.assert_nothing_done(owner, targets, made)
                self.assertTrue(self.is_open(session))
                session.abort()
        self.assertEqual(self.sks.sessions(True), [])

    def test_after_each_method_of_management(self):
        """Its answer means that it is durable."""
        (key,) = self.make({"exportProtection": 1}, puk={"retryLimit": 5})
        self.manage("changePin", key, PIN, newPin=b"1111")
        self.restart()
        self.manage("exportKey", key, b"1111")
        self.restart()
        self.assert_protection(key, keyBackup=2)
        self.manage("setPin", key, PUK, newPin=b"2222")
        self.restart()
        self.assert_status(AUTHORIZATION, self.sign, key, authorization=b"1111")
        self.sign(key, authorization=b"2222")
        owner = self.owner(key)
        self.manage("deleteKey", key)
        self.restart()
        self.assert_gone(key)
        self.assertNotIn(owner, self.closed_sessions())
        self.assert_status(NO_SESSION, self.sks.call, "updateKeyManagementKey",
                           provisioningHandle=owner, keyManagementKey=b"", authorization=b"")
