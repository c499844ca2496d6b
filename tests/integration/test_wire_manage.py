"""Methods 80 to 84: delete, export, unlock, change and set a PIN, and what PIN and PUK count."""

import threading
import time

from cryptography.hazmat.primitives.asymmetric import ed25519

from rig.constructs import from_pkcs8, spki
from rig.keycase import (
    EXPORTED, PIN, PIN_BLOCKED, PIN_PROTECTED, PREFIX, PUK, PUK_BLOCKED, PUK_PROTECTED, KeyTest)
from rig.sks_wire import CONTENT_TYPE, connection
from rig.testcase import undisturbed
from rig.wirecase import AUTHORIZATION, NO_KEY, NOT_ALLOWED, OPTION

BY_NOBODY, BY_PIN, BY_PUK, NEVER = range(4)
NONE, SHARED, SIGNATURE_STANDARD, UNIQUE = range(4)
SIGNATURE, AUTHENTICATION, ENCRYPTION, UNIVERSAL = range(4)
NEW = b"8642"
ALL = {"deleteKey": {}, "exportKey": {}, "unlockKey": {}, "changePin": {"newPin": NEW},
       "setPin": {"newPin": NEW}}
# Both methods with a protection, and the name of that.
PROTECTED = (("deleteKey", "deleteProtection"), ("exportKey", "exportProtection"))


class ManageTest(KeyTest):
    def pair(self, **changes):
        """One key under a PIN and a PUK, 3 tries each unless told otherwise."""
        key_options = changes.pop("key", {})
        puk = {"retryLimit": 3, **changes.pop("puk", {})}
        return self.make(key_options, puk=puk, **changes)[0]

    def refuse(self, status, method, key, authorization=b"", **values):
        return self.assert_status(status, self.manage, method, key, authorization,
                                  **{**ALL[method], **values})

    def counts(self, key):
        shown = self.protection(key)
        return shown.pinErrorCount, shown.pukErrorCount


class Protections(ManageTest):
    def test_unknown_keys_and_keys_of_open_sessions(self):
        session = self.session()
        key = session.key(exportProtection=BY_NOBODY)
        for method, values in ALL.items():
            for handle in (key.handle, 0, 0xFFFFFFF0):
                self.assert_survives(NO_KEY, session, self.sks.call, method, keyHandle=handle,
                                     authorization=b"", **values)
        self.finish(session, key)

    def test_by_nobody(self):
        for method, protection in PROTECTED:
            key = self.pair(key={protection: BY_NOBODY})
            for authorization in (PIN, PUK):
                self.refuse(OPTION, method, key, authorization)
            self.assertEqual(self.counts(key), (0, 0))
            self.manage(method, key)

    def test_never(self):
        for method, protection in PROTECTED:
            key = self.pair(key={protection: NEVER})
            for authorization in (b"", PIN, PUK):
                self.refuse(NOT_ALLOWED, method, key, authorization)
            self.assertEqual(self.counts(key), (0, 0))

    def test_by_pin(self):
        for method, protection in PROTECTED:
            key = self.pair(key={protection: BY_PIN})
            for count, wrong in enumerate((b"", PUK), 1):
                self.refuse(AUTHORIZATION, method, key, wrong)
                self.assertEqual(self.counts(key), (count, 0))
            self.sign(key)
            self.miss(key)
            if method == "exportKey":
                self.manage(method, key, PIN)
                self.assertEqual(self.counts(key), (0, 0))
                self.miss(key)
            self.miss(key)
            self.miss(key)
            self.refuse(AUTHORIZATION, method, key, PIN)
            self.manage("unlockKey", key, PUK)
            self.manage(method, key, PIN)

    def test_by_puk(self):
        for method, protection in PROTECTED:
            key = self.pair(key={protection: BY_PUK})
            for count, wrong in enumerate((b"", PIN), 1):
                self.refuse(AUTHORIZATION, method, key, wrong)
                self.assertEqual(self.counts(key), (0, count))
            self.miss(key)
            self.manage(method, key, PUK)
            if method == "exportKey":
                self.assertEqual(self.counts(key), (1, 0))
                for _ in range(3):
                    self.refuse(AUTHORIZATION, method, key, b"x")
                self.refuse(AUTHORIZATION, method, key, PUK)


class DeleteKey(ManageTest):
    def test_the_session_goes_with_its_last_key(self):
        first, last = self.make({}, {})
        owner = self.owner(first)
        self.manage("deleteKey", first)
        self.assert_gone(first)
        self.assertIn(owner, self.closed_sessions())
        self.sign(last)
        self.manage("deleteKey", last)
        self.assert_gone(first, last)
        self.assertNotIn(owner, self.closed_sessions())
        for method in ALL:
            self.refuse(NO_KEY, method, last)

    def test_of_one_policy_the_others_go_on(self):
        first, second = self.make({}, {}, puk={"retryLimit": 3}, grouping=SHARED)
        self.miss(first)
        self.manage("deleteKey", first)
        self.assertEqual(self.errors(second), [1])
        self.manage("setPin", second, PUK, newPin=NEW)
        self.sign(second, authorization=NEW)

    def test_a_right_pin_or_puk_counts_nothing_for_the_others(self):
        for protection, authorization in ((BY_PIN, PIN), (BY_PUK, PUK)):
            first, second = self.make({"deleteProtection": protection}, {},
                                      puk={"retryLimit": 3}, grouping=SHARED)
            self.manage("deleteKey", first, authorization)
            self.assertEqual(self.counts(second), (0, 0))

    def test_of_a_restart(self):
        first, second = self.make({}, {})
        self.manage("deleteKey", first)
        self.sks.close()
        self.token.restart()
        self.assert_gone(first)
        self.manage("deleteKey", second)
        self.sks.close()
        self.token.restart()
        self.assert_gone(second)

    def test_certificate_is_free_again(self):
        (key,) = self.make()
        exported = self.make({"pin": None, "exportProtection": BY_NOBODY})[0]
        private = from_pkcs8(self.manage("exportKey", exported).key)
        self.manage("deleteKey", exported)
        (again,) = self.make({"pin": None, "private": private,
                              "certificate": exported.certificate})
        self.assertGreater(again.handle, exported.handle, "handles are not used again")
        self.sign(key)


class ExportKey(ManageTest):
    def test_each_kind(self):
        for name in ("ec.nist.p256", "ec.nist.p384", "ec.nist.p521", "rsa2048", "ed25519"):
            with self.subTest(name):
                (key,) = self.make({"pin": None, "exportProtection": BY_NOBODY,
                                    "keyAlgorithm": PREFIX + name})
                self.assert_protection(key, keyBackup=0)
                private = from_pkcs8(self.manage("exportKey", key).key)
                self.assertEqual(spki(private.public_key()), key.public_der)
                self.assert_protection(key, keyBackup=EXPORTED)
                self.assertEqual(isinstance(private, ed25519.Ed25519PrivateKey),
                                 name == "ed25519")

    def test_refused_leaves_no_mark(self):
        key = self.pair(key={"exportProtection": BY_PIN})
        self.refuse(AUTHORIZATION, "exportKey", key, b"0000")
        self.assert_protection(key, keyBackup=0)
        self.manage("exportKey", key, PIN)
        self.assert_protection(key, keyBackup=EXPORTED)
        self.sks.close()
        self.token.restart()
        self.assert_protection(key, keyBackup=EXPORTED)


class UnlockKey(ManageTest):
    def block(self, key, limit=3):
        for _ in range(limit):
            self.miss(key)

    def test_unlock(self):
        key = self.pair()
        self.block(key)
        self.miss_puk(key)
        self.assert_protection(key, protectionStatus=PIN_PROTECTED | PUK_PROTECTED | PIN_BLOCKED,
                               pukErrorCount=1)
        self.manage("unlockKey", key, PUK)
        self.assert_protection(key, protectionStatus=PIN_PROTECTED | PUK_PROTECTED,
                               pinErrorCount=0, pukErrorCount=0)
        self.sign(key)

    def test_the_puk_blocks_too(self):
        for limit in (1, 3):
            key = self.pair(puk={"retryLimit": limit})
            self.block(key)
            for count in range(1, limit + 1):
                self.miss_puk(key)
                self.assertEqual(self.counts(key), (3, count))
            self.assert_protection(key, protectionStatus=(
                PIN_PROTECTED | PUK_PROTECTED | PIN_BLOCKED | PUK_BLOCKED))
            self.miss_puk(key, PUK)
            self.refuse(AUTHORIZATION, "setPin", key, PUK)
            self.assertEqual(self.counts(key), (3, limit), "no more than the limit")

    def test_every_kind_of_wrong_puk_counts(self):
        key = self.pair(puk={"retryLimit": 10})
        for count, wrong in enumerate((b"", PUK[:-1], PUK + b"0", PIN, b"x" * 128, b"y" * 500),
                                      1):
            self.miss_puk(key, wrong)
            self.assertEqual(self.counts(key), (0, count), wrong)

    def test_without_puk_or_pin(self):
        for key in (self.make()[0], self.make({"pin": None})[0]):
            for authorization in (b"", PUK):
                for method in ("unlockKey", "setPin"):
                    self.refuse(OPTION, method, key, authorization)

    def test_group(self):
        usages = (SIGNATURE, AUTHENTICATION, AUTHENTICATION, UNIVERSAL)
        for grouping, values, left in (
                (NONE, (PIN,) * 4, [1, 0, 1, 1]), (SHARED, (PIN,) * 4, [0, 0, 0, 0]),
                (SIGNATURE_STANDARD, (PIN, NEW, NEW, NEW), [1, 0, 0, 0]),
                (UNIQUE, (PIN, NEW, NEW, b"1111"), [1, 0, 0, 1])):
            with self.subTest(grouping=grouping):
                keys = self.make(*({"appUsage": usage, "value": value}
                                   for usage, value in zip(usages, values)),
                                 puk={"retryLimit": 3}, grouping=grouping, retryLimit=1)
                for key in keys:
                    self.miss(key)
                self.assertEqual(self.errors(*keys), [1] * 4)
                self.manage("unlockKey", keys[1], PUK)
                self.assertEqual(self.errors(*keys), left)

    def test_one_counter_a_puk_policy(self):
        """However many PIN policies and keys are under it."""
        session = self.session()
        puk = session.puk(retryLimit=2)
        keys = [session.key(id="Key.%d" % n, pin=session.pin(id="PIN.%d" % n, puk=puk))
                for n in range(2)]
        self.finish(session, *keys)
        self.miss_puk(keys[0])
        self.assertEqual(self.counts(keys[1]), (0, 1))
        self.miss_puk(keys[1])
        self.miss_puk(keys[0], PUK)

    def test_counts_survive_a_kill(self):
        key = self.pair(puk={"retryLimit": 5})
        for count in (1, 2):
            self.miss_puk(key)
            self.sks.close()
            self.token.restart()
            self.assertIn(self.counts(key)[1], (count, count + 1), "never lower")
        self.manage("unlockKey", key, PUK)
        self.assertEqual(self.counts(key), (0, 0))

    @undisturbed
    def test_no_limit_but_a_delay(self):
        """About a second a try, right or wrong, in which the others go on."""
        key = self.pair(puk={"retryLimit": 0})
        self.assert_protection(key, pukRetryLimit=0)
        for wrong in (b"", b"9", b"9"):
            began = time.monotonic()
            self.miss_puk(key, wrong)
            self.assertGreater(time.monotonic() - began, 0.9)
            self.assert_protection(key, pukErrorCount=0,
                                   protectionStatus=PIN_PROTECTED | PUK_PROTECTED)
        waiting = threading.Thread(target=self.manage, args=("unlockKey", key, PUK))
        began = time.monotonic()
        waiting.start()
        self.wire().call("getDeviceInfo")
        self.assertLess(time.monotonic() - began, 0.8)
        waiting.join()
        self.assertGreater(time.monotonic() - began, 0.9)
        self.sign(key)

    def test_a_stop_waits_for_it(self):
        """What is under way is answered; whoever comes meanwhile is told, not left to wait."""
        key = self.pair(puk={"retryLimit": 0})
        answered = []
        threads = [threading.Thread(target=lambda call=call: answered.append(call()))
                   for call in (lambda: self.manage("unlockKey", key, PUK), self.token.stop)]
        for thread in threads:
            thread.start()
            time.sleep(0.3)
        late = connection(self.token.url, timeout=5)
        self.addCleanup(late.close)
        late.request("POST", "/sks", b"\1", {"Content-Type": CONTENT_TYPE})
        self.assertEqual(late.getresponse().status, 503)
        for thread in threads:
            thread.join()
        self.assertEqual((len(answered), answered[-1]), (2, 0))
        self.sks.close()
        self.token.start()
        self.sign(key)


class ChangeAndSetPin(ManageTest):
    """What changePin does under the PIN, setPin does under the PUK."""

    def test_change(self):
        key = self.pair()
        self.miss(key)
        self.manage("changePin", key, PIN, newPin=NEW)
        self.assertEqual(self.counts(key), (0, 0))
        self.miss(key, PIN)
        self.sign(key, authorization=NEW)
        self.manage("changePin", key, NEW, newPin=NEW)
        self.sks.close()
        self.token.restart()
        self.sign(key, authorization=NEW)

    def test_set(self):
        """Also where the PIN is blocked, and it counts from 0 again."""
        for tries in (0, 1, 3):
            key = self.pair()
            for _ in range(tries):
                self.miss(key)
            self.miss_puk(key)
            self.manage("setPin", key, PUK, newPin=NEW)
            self.assertEqual(self.counts(key), (0, 0))
            self.sign(key, authorization=NEW)
            self.miss(key, PIN)

    def test_wrong_authorization(self):
        key = self.pair()
        for count, wrong in enumerate((b"", NEW, PUK), 1):
            self.refuse(AUTHORIZATION, "changePin", key, wrong)
            self.assertEqual(self.counts(key), (count, 0))
        self.refuse(AUTHORIZATION, "changePin", key, PIN)
        for count, wrong in enumerate((b"", NEW, PIN), 1):
            self.refuse(AUTHORIZATION, "setPin", key, wrong)
            self.assertEqual(self.counts(key), (3, count))

    def test_key_without_pin(self):
        (key,) = self.make({"pin": None})
        for authorization in (b"", PIN):
            self.refuse(OPTION, "changePin", key, authorization)
            self.refuse(OPTION, "setPin", key, authorization)

    def test_not_modifiable(self):
        """Told after PIN or PUK was compared, and before the new value is looked at."""
        key = self.pair(userModifiable=False)
        self.refuse(AUTHORIZATION, "changePin", key, b"0000")
        self.refuse(AUTHORIZATION, "setPin", key, b"0000")
        self.assertEqual(self.counts(key), (1, 1))
        for new in (NEW, b"", b"x"):
            self.refuse(NOT_ALLOWED, "changePin", key, PIN, newPin=new)
            self.refuse(NOT_ALLOWED, "setPin", key, PUK, newPin=new)
        self.assertEqual(self.counts(key), (0, 0))
        self.sign(key)

    def test_preset_pin_may_be_modifiable(self):
        key = self.pair(userDefined=False)
        self.manage("changePin", key, PIN, newPin=NEW)
        self.sign(key, authorization=NEW)

    def test_new_pin_must_keep_the_policy(self):
        for policy, bad in (
                ({}, (b"", b"123", b"123456789", b"12a4")),
                ({"patternRestrictions": 1}, (b"1123",)),
                ({"patternRestrictions": 2}, (b"1112",)),
                ({"patternRestrictions": 4}, (b"2345", b"9876")),
                ({"patternRestrictions": 8}, (b"1213",)),
                ({"format": 1}, (b"12ab", b"12-4")),
                ({"format": 2}, (b"ab\xff\xfe",)),
                ({"format": 1, "patternRestrictions": 16}, (b"1234", b"ABCD"))):
            key = self.pair(key={"value": b"A1B2"} if policy.get("format") == 1
                            else {"value": b"4719"}, **policy)
            pin = b"A1B2" if policy.get("format") == 1 else b"4719"
            for new in bad:
                with self.subTest(policy, new=new):
                    self.refuse(OPTION, "changePin", key, pin, newPin=new)
                    self.refuse(OPTION, "setPin", key, PUK, newPin=new)
            self.assertEqual(self.counts(key), (0, 0))
            self.sign(key, authorization=pin)

    def test_group(self):
        """The keys of one group change together."""
        usages = (SIGNATURE, AUTHENTICATION, AUTHENTICATION, UNIVERSAL)
        other = b"5555"
        for grouping, values, after in (
                (NONE, (PIN,) * 4, (PIN, NEW, PIN, PIN)), (SHARED, (PIN,) * 4, (NEW,) * 4),
                (SIGNATURE_STANDARD, (PIN, other, other, other), (PIN, NEW, NEW, NEW)),
                (UNIQUE, (PIN, other, other, b"1111"), (PIN, NEW, NEW, b"1111"))):
            for method, authorization in (("changePin", values[1]), ("setPin", PUK)):
                with self.subTest(method, grouping=grouping):
                    keys = self.make(*({"appUsage": usage, "value": value}
                                       for usage, value in zip(usages, values)),
                                     puk={"retryLimit": 3}, grouping=grouping)
                    self.manage(method, keys[1], authorization, newPin=NEW)
                    for key, value in zip(keys, after):
                        self.sign(key, authorization=value)

    def test_groups_stay_apart(self):
        """A value that another group of the policy holds is refused."""
        for grouping in (SIGNATURE_STANDARD, UNIQUE):
            first, second = self.make(
                {"appUsage": SIGNATURE, "value": PIN},
                {"appUsage": ENCRYPTION, "value": NEW}, puk={"retryLimit": 3},
                grouping=grouping)
            self.refuse(OPTION, "changePin", first, PIN, newPin=NEW)
            self.refuse(OPTION, "setPin", first, PUK, newPin=NEW)
            self.manage("changePin", first, PIN, newPin=PIN)
            self.manage("changePin", first, PIN, newPin=b"1111")
            self.manage("changePin", second, NEW, newPin=PIN)
            self.sign(first, authorization=b"1111")
            self.sign(second, authorization=PIN)

    def test_without_group_values_may_be_equal(self):
        first, second = self.make({"value": PIN}, {"value": NEW})
        self.manage("changePin", first, PIN, newPin=NEW)
        for key in (first, second):
            self.sign(key, authorization=NEW)
