"""Methods 50 to 53 done well: what the closing session changes, and whose the keys are then."""

from rig.certificates import generate
from rig.keycase import (
    IMPORTED, PIN, PIN_BLOCKED, PIN_PROTECTED, PUK, PUK_BLOCKED, PUK_PROTECTED)
from rig.postcase import SHARED, PostTest
from rig.wirecase import AUTHORIZATION, NO_KEY, NO_SESSION, OPTION

KINDS = ("P-256", "P-384", "P-521", "RSA-2048")
AUTHENTICATION = 1


class Delete(PostTest):
    def test_each_kind_of_key_management_key(self):
        for kind in KINDS:
            with self.subTest(kind):
                kmk = generate(kind)
                before = self.sks.snapshot()
                (target,) = self.own(kmk=kmk)
                self.do("delete", target, kmk)
                self.assert_gone(target)
                self.assertEqual(self.sks.snapshot(), before, "neither session is left")

    def test_whatever_its_protection(self):
        """The key management key needs no PIN, and knows no deleteProtection."""
        for changes in ({"deleteProtection": 3}, {"deleteProtection": 1}, {"pin": None}):
            (target,) = self.own(changes)
            self.do("delete", target)
            self.assert_gone(target)

    def test_others_of_the_session_stay_and_move(self):
        first, target, last = self.own({}, {}, {"pin": None})
        old = self.owner(target)
        session, _ = self.do("delete", target)
        self.assert_gone(target)
        self.assert_owned_by(session, first, last)
        self.assertNotIn(old, self.closed_sessions())
        self.sign(first)

    def test_nothing_happens_before_the_close(self):
        (target,) = self.own()
        session = self.managed()
        self.queue(session, "delete", target)
        before = self.owner(target)
        self.sign(target)
        session.abort()
        self.assertEqual(self.owner(target), before)
        self.sign(target)

    def test_privacy_mode(self):
        (target,) = self.own(session=self.managed(privacyEnabled=True))
        self.do("delete", target, session=self.managed(privacyEnabled=True))
        self.assert_gone(target)

    def test_several_targets_of_several_owners(self):
        other_kmk = generate()
        mine, theirs = self.own({}, {}), self.own({}, {}, kmk=other_kmk)
        session = self.managed()
        self.queue(session, "delete", mine[0])
        self.queue(session, "delete", theirs[1], other_kmk)
        session.close()
        self.assert_gone(mine[0], theirs[1])
        self.assert_owned_by(session, mine[1], theirs[0])

    def test_over_a_restart(self):
        """What is queued and what is done are both durable."""
        (target, other) = self.own({}, {})
        session = self.managed()
        self.queue(session, "delete", target)
        for call in (session.close, lambda: None):
            self.sks.close()
            self.token.restart()
            call()
        self.assert_gone(target)
        self.assert_owned_by(session, other)

    def test_limit(self):
        """One MAC and one target reference; closing takes 2."""
        for limit, good in ((4, True), (3, False)):
            (target,) = self.own()
            session = self.managed(sessionKeyLimit=limit)
            self.queue(session, "delete", target)
            if good:
                session.close()
            else:
                self.assert_torn_down(OPTION, session, session.close)
        session = self.managed(sessionKeyLimit=1)
        self.assert_torn_down(OPTION, session, self.queue, session, "delete", target)


class Unlock(PostTest):
    def test_counters_of_pin_and_puk(self):
        (target,) = self.own(puk={"retryLimit": 2}, retryLimit=2)
        for _ in range(2):
            self.miss(target)
            self.miss_puk(target)
        self.assert_protection(
            target, pinErrorCount=2, pukErrorCount=2,
            protectionStatus=PIN_PROTECTED | PUK_PROTECTED | PIN_BLOCKED | PUK_BLOCKED)
        session, _ = self.do("unlock", target)
        self.assert_protection(target, protectionStatus=PIN_PROTECTED | PUK_PROTECTED,
                               pinErrorCount=0, pukErrorCount=0)
        self.sign(target)
        self.manage("unlockKey", target, PUK)
        self.assert_owned_by(session, target)

    def test_without_puk(self):
        (target,) = self.own(retryLimit=1)
        self.miss(target)
        self.do("unlock", target)
        self.sign(target)

    def test_a_failed_close_counts_nothing(self):
        (target,) = self.own(puk={"retryLimit": 2})
        self.sign(target)
        self.manage("unlockKey", target, PUK)
        session = self.managed()
        self.queue(session, "unlock", target)
        session.certify(session.key(), [target.certificate])
        self.assert_torn_down(OPTION, session, session.close)
        self.assert_protection(target, pinErrorCount=0, pukErrorCount=0)

    def test_the_group_is_unlocked_with_it(self):
        for grouping, counts in ((0, [0, 2]), (SHARED, [0, 0])):
            target, other = self.own({}, {}, retryLimit=2, grouping=grouping)
            for key in (target, other)[:2 - grouping]:
                self.miss(key)
                self.miss(key)
            self.do("unlock", target)
            self.assertEqual(self.errors(target, other), counts)


class Update(PostTest):
    def test_handle_and_place_are_kept(self):
        self.own()
        (target,) = self.own()
        self.own()
        places = self.handles()
        session, key = self.do("update", target)
        self.assertEqual(self.handles(), places)
        self.assert_replaced(target, key)
        self.assert_owned_by(session, target)

    def test_pin_and_nothing_else_is_inherited(self):
        (target,) = self.own(
            {"value": b"7531", "friendlyName": "old", "exportProtection": 1,
             "deleteProtection": 2, "enablePinCaching": True, "symmetric": bytes(16),
             "endorsedAlgorithm": [], "extensions": [{"type": "http://old"}]},
            puk={"retryLimit": 4}, retryLimit=7, inputMethod=2, minLength=3, maxLength=9)
        self.miss(target)
        self.miss_puk(target)
        session = self.managed()
        key = self.successor(session, friendlyName="new", deleteProtection=3,
                             extensions=[{"type": "http://new"}])
        self.queue(session, "update", target, key=key)
        session.close()
        shown = self.attributes(target)
        self.assertEqual((shown.friendlyName, shown.type, shown.symmetricKeyLength),
                         ("new", ["http://new"], 0))
        self.assert_protection(
            target, protectionStatus=PIN_PROTECTED | PUK_PROTECTED, retryLimit=7, minLength=3,
            maxLength=9, pukRetryLimit=4, pinErrorCount=1, pukErrorCount=1, inputMethod=2,
            enablePinCaching=False, exportProtection=3, deleteProtection=3, keyBackup=0)
        self.miss(target)
        self.sign(target, authorization=b"7531")

    def test_a_target_without_pin(self):
        (target,) = self.own({"pin": None})
        session, key = self.do("update", target)
        self.assert_protection(target, protectionStatus=0)
        self.sign(target, authorization=b"")

    def test_blocked_stays_blocked(self):
        (target,) = self.own(retryLimit=1)
        self.miss(target)
        self.do("update", target)
        self.miss(target, PIN)
        self.do("unlock", self.renewed(target))
        self.sign(target)

    def renewed(self, target):
        """The target with the certificate that it has now."""
        (target.certificate,) = self.attributes(target).certificate
        return target

    def test_objects_are_linked_not_copied(self):
        """Of one policy, with a sibling that stays as it is."""
        target, sibling = self.own({}, {}, puk={"retryLimit": 3}, grouping=SHARED)
        self.do("update", target)
        self.miss(target)
        self.miss_puk(sibling)
        self.assertEqual(self.errors(target, sibling), [1, 1])
        self.assertEqual(self.protection(target).pukErrorCount, 1)
        self.manage("changePin", sibling, PIN, newPin=b"8642")
        self.sign(target, authorization=b"8642")
        self.assertEqual(self.errors(target, sibling), [0, 0])

    def test_each_grouping_may_be_updated(self):
        for grouping in range(4):
            target, sibling = self.own({}, {}, grouping=grouping)
            self.do("update", target)
            self.assert_protection(target, grouping=grouping)
            self.sign(target)

    def test_again_and_again(self):
        (target,) = self.own()
        for _ in range(3):
            session, key = self.do("update", target)
            self.assert_replaced(target, key)
            self.renewed(target)
        self.sign(target)
        self.assert_owned_by(session, target)

    def test_the_same_certificate_once_more(self):
        """What else is refused, but not for a key that replaces its bearer."""
        private = generate()
        (target,) = self.own({"private": private})
        session = self.managed()
        key = self.successor(session, private=private, certificate=target.certificate)
        self.queue(session, "update", target, key=key)
        session.close()
        self.assert_replaced(target, key)
        self.assert_protection(target, keyBackup=IMPORTED)
        session = self.managed()
        key = self.successor(session, private=private, certificate=target.certificate)
        self.queue(session, "delete", target)
        session.close()
        self.assert_gone(target)
        self.assertEqual(self.attributes(key).certificate, [target.certificate])

    def test_over_a_restart(self):
        target, sibling = self.own({}, {}, grouping=SHARED)
        session = self.managed()
        key = self.queue(session, "update", target)
        self.sks.close()
        self.token.restart()
        session.close()
        self.sks.close()
        self.token.restart()
        self.assert_replaced(target, key)
        self.miss(target)
        self.assertGreaterEqual(self.errors(sibling)[0], 1)
        self.assertEqual(*self.errors(sibling, target))
        self.sign(target)


class Clone(PostTest):
    def test_a_key_of_its_own_under_the_same_pin(self):
        (target,) = self.own({"friendlyName": "old", "appUsage": AUTHENTICATION},
                             puk={"retryLimit": 3}, grouping=SHARED, retryLimit=5)
        self.miss(target)
        session, clone = self.do("clone", target)
        self.assertEqual(self.handles()[-2:], [target.handle, clone.handle])
        self.assert_owned_by(session, target, clone)
        for key in (target, clone):
            self.assertEqual(self.attributes(key).certificate, [key.certificate])
            self.assert_protection(key, protectionStatus=PIN_PROTECTED | PUK_PROTECTED,
                                   retryLimit=5, pinErrorCount=1, grouping=SHARED)
        self.assertEqual(self.attributes(clone).friendlyName, "")
        self.sign(clone)
        self.assertEqual(self.errors(target, clone), [0, 0])

    def test_objects_are_linked_not_copied(self):
        (target,) = self.own(puk={"retryLimit": 3}, grouping=SHARED, retryLimit=2)
        _, clone = self.do("clone", target)
        self.manage("changePin", clone, PIN, newPin=b"8642")
        self.miss(target, PIN)
        self.miss(clone, PIN)
        for key in (target, clone):
            self.assertTrue(self.protection(key).protectionStatus & PIN_BLOCKED)
        self.miss_puk(clone)
        self.assertEqual(self.protection(target).pukErrorCount, 1)
        self.manage("setPin", target, PUK, newPin=b"1111")
        self.sign(clone, authorization=b"1111")
        self.manage("deleteKey", target)
        self.sign(clone, authorization=b"1111")
        self.manage("unlockKey", clone, PUK)

    def test_a_target_without_pin(self):
        (target,) = self.own({"pin": None})
        _, clone = self.do("clone", target)
        for key in (target, clone):
            self.assert_protection(key, protectionStatus=0)
            self.sign(key, authorization=b"")

    def test_many_and_an_update_of_one_target(self):
        for order in (("update", "clone", "clone"), ("clone", "update", "clone"),
                      ("clone", "clone", "unlock"), ("unlock", "clone", "update"),
                      ("update", "unlock")):
            with self.subTest(order):
                (target,) = self.own(grouping=SHARED, retryLimit=2)
                self.miss(target)
                session = self.managed()
                made = {step: self.queue(session, name, target)
                        for step, name in enumerate(order)}
                session.close()
                clones = [made[step] for step, name in enumerate(order) if name == "clone"]
                keys = [target, *clones]
                self.assert_owned_by(session, *keys)
                if "update" in order:
                    self.assert_replaced(target, made[order.index("update")])
                if "unlock" not in order:
                    self.assertEqual(self.errors(*keys), [1] * len(keys))
                self.miss(keys[-1])
                self.assertEqual(len(set(self.errors(*keys))), 1)


class Ownership(PostTest):
    """All keys of a session move with its first target."""

    def test_each_operation_moves_all(self):
        for operation in ("delete", "unlock", "update", "clone"):
            with self.subTest(operation):
                target, other = self.own({}, {"pin": None}, grouping=SHARED)
                old = self.owner(target)
                new_kmk = generate()
                session, key = self.do(operation, target, session=self.managed(new_kmk))
                self.assert_owned_by(session, other)
                self.assertNotIn(old, self.closed_sessions())
                stale = self.managed()
                self.assert_torn_down(OPTION, stale, self.queue, stale, "delete", other)
                self.do("delete", other, new_kmk)
                self.assert_gone(other)

    def test_without_a_key_management_key_they_stay_as_they_are(self):
        (target,) = self.own()
        self.do("unlock", target, session=self.session())
        session = self.managed()
        self.assert_torn_down(OPTION, session, self.queue, session, "delete", target)

    def test_handles_of_the_old_session(self):
        (target,) = self.own()
        old = self.owner(target)
        self.do("unlock", target)
        self.assert_status(NO_SESSION, self.sks.call, "updateKeyManagementKey",
                           provisioningHandle=old, keyManagementKey=b"", authorization=b"")

    def test_target_gone_meanwhile(self):
        for operation in ("delete", "unlock", "update", "clone"):
            with self.subTest(operation):
                (target,) = self.own(grouping=SHARED)
                session = self.managed()
                self.queue(session, operation, target)
                self.manage("deleteKey", target)
                self.assert_torn_down(NO_KEY, session, session.close)

    def test_target_deleted_by_another_session(self):
        (target,) = self.own()
        first, second = self.managed(), self.managed()
        self.queue(first, "unlock", target)
        self.queue(second, "delete", target)
        second.close()
        self.assert_torn_down(NO_KEY, first, first.close)

    def test_target_moved_out_of_reach(self):
        """Another session without a key management key has taken it over."""
        (target,) = self.own()
        first, second = self.managed(), self.session()
        self.queue(first, "delete", target)
        self.queue(second, "unlock", target)
        second.close()
        self.assert_torn_down(OPTION, first, first.close)
        self.sign(target)

    def test_pins_of_an_aborted_update(self):
        (target,) = self.own()
        session = self.managed()
        self.queue(session, "update", target)
        session.abort()
        self.sign(target)
        self.assertEqual(self.attributes(target).certificate, [target.certificate])
        self.assert_status(AUTHORIZATION, self.sign, target, authorization=b"0000")
