"""Many callers at a time: tries and delays are counted as if they came one after the other."""

import threading
import time

from rig.keycase import PIN, PUK, KeyTest
from rig.postcase import PostTest
from rig.sks_wire import SksClient, encode_call
from rig.testcase import undisturbed
from rig.wirecase import AUTHORIZATION, NO_KEY, NOT_ALLOWED, OPTION

OK = 0
BY_NOBODY, BY_PIN, BY_PUK, NEVER = range(4)


class Asked(threading.Thread):
    """A call on a connection of its own, and its status."""

    def __init__(self, url, method, **values):
        super().__init__()
        self.url, self.body, self.status = url, encode_call(method, **values), None
        self.start()

    def run(self):
        client = SksClient(self.url)
        self.status = client.raw_status(self.body)
        client.close()

    def answer(self):
        self.join()
        return self.status


class Parallel(KeyTest):
    """However many ask at a time, nobody gets more tries than there are."""

    def guarded(self, puk_tries):
        return self.make(puk={"retryLimit": puk_tries}, retryLimit=3)[0]

    def at_once(self, count, method, key, **values):
        """The statuses of that many calls."""
        asked = [Asked(self.token.url, method, keyHandle=key.handle,
                       **{"authorization": b"%04d" % number,
                          **{name: value(number) if callable(value) else value
                             for name, value in values.items()}})
                 for number in range(count)]
        return [one.answer() for one in asked]

    def test_tries(self):
        for method, values, wanted in (
                ("changePin", {"newPin": b"8642"}, {"pinErrorCount": 3, "pukErrorCount": 0}),
                ("unlockKey", {}, {"pinErrorCount": 0, "pukErrorCount": 3})):
            key = self.guarded(3)
            self.assertEqual(self.at_once(30, method, key, **values), [AUTHORIZATION] * 30)
            self.assert_protection(key, **wanted)

    def test_delays_add_up(self):
        """A PUK without limit is tried once a second, not once a second and connection."""
        key = self.guarded(0)
        began = time.monotonic()
        self.assertEqual(self.at_once(3, "unlockKey", key), [AUTHORIZATION] * 3)
        self.assertGreater(time.monotonic() - began, 2.7)

    def test_one_pin_is_changed_once(self):
        """Whoever is second has the old PIN, however close he comes behind."""
        for _ in range(10):
            key = self.guarded(3)
            statuses = self.at_once(3, "changePin", key, authorization=PIN,
                                    newPin=lambda number: b"864%d" % number)
            self.assertEqual(sorted(statuses), [OK, AUTHORIZATION, AUTHORIZATION])
            self.sign(key, authorization=b"864%d" % statuses.index(OK))


class Replaced(PostTest):
    """A key gets another while a call on it waits for its PUK: what it is by then counts."""

    def replace_during(self, method, **protections):
        target = self.own({name: BY_PUK for name in protections}, puk={"retryLimit": 0})[0]
        session = self.managed()
        new = self.successor(session, **protections)
        session.post("update", target, self.kmk, key=new)
        asked = Asked(self.token.url, method, keyHandle=target.handle, authorization=PUK)
        time.sleep(0.3)
        session.close()
        self.assertTrue(asked.is_alive(), "the PUK waits")
        return target, new, asked.answer()

    @undisturbed
    def test_what_it_never_allows(self):
        for method, protection in (("exportKey", "exportProtection"),
                                   ("deleteKey", "deleteProtection")):
            target, new, status = self.replace_during(method, **{protection: NEVER})
            self.assertEqual(status, NOT_ALLOWED)
            self.assert_replaced(target, new)
            self.assert_protection(target, keyBackup=0)

    @undisturbed
    def test_what_it_allows_without(self):
        target, new, status = self.replace_during("exportKey", exportProtection=BY_NOBODY)
        self.assertEqual(status, OPTION)
        self.assert_protection(target, keyBackup=0)

    @undisturbed
    def test_deleted(self):
        target = self.own({"exportProtection": BY_PUK}, puk={"retryLimit": 0})[0]
        asked = Asked(self.token.url, "exportKey", keyHandle=target.handle, authorization=PUK)
        time.sleep(0.3)
        self.do("delete", target)
        self.assertTrue(asked.is_alive(), "the PUK waits")
        self.assertEqual(asked.answer(), NO_KEY)
