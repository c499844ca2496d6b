"""A slow call holds up no other: an RSA key that is generated, a PUK that waits a second.

What is compared is the order of events, not the clock: so many quick calls must be answered while
the slow ones are under way. All that this assumes is that twenty rounds of them take less than the
second of a PUK, or than an RSA key of 4096 bits.
"""

import threading
import time

from rig.issuer_side import IssuerSession
from rig.keycase import PIN, PREFIX, PUK
from rig.postcase import PostTest
from rig.sks_wire import SksClient, decode_answer, encode_call
from rig.testcase import undisturbed

ROUNDS = 20
OTHER_PIN = b"8642"


class Slow(threading.Thread):
    """Slow work on a connection of its own; `done` counts its calls that are over."""

    def __init__(self, work):
        super().__init__()
        self.work, self.trouble = work, None
        self.start()

    def run(self):
        try:
            self.work()
        except BaseException as trouble:    # told by the test
            self.trouble = trouble


class HoldsUpNobody(PostTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.token = cls.start_token(options=["--rsa-pool", "0"])

    def setUp(self):
        super().setUp()
        self.key = self.make({})[0]
        self.free = self.make({"pin": None, "exportProtection": 0, "deleteProtection": 0})[0]
        self.other = self.session()
        self.pins = PIN, OTHER_PIN
        self.made = []

    def waiting(self, count):
        """Keys with a PUK each that waits a second."""
        return [self.make({"id": "Key.%d" % n}, puk={"retryLimit": 0})[0] for n in range(count)]

    def unlock(self, key, tries=1):
        """That many tries of its PUK at once."""
        def work():
            client = SksClient(self.token.url)
            decode_answer("unlockKey", client.post(
                encode_call("unlockKey", keyHandle=key.handle, authorization=PUK)))
            client.close()
        return [Slow(work) for _ in range(tries)]

    def session_apart(self):
        """One on a connection of its own."""
        client = SksClient(self.token.url)
        self.addCleanup(client.close)
        return IssuerSession(client).create()

    def generate(self):
        session = self.session_apart()
        return Slow(lambda: session.key(keyAlgorithm=PREFIX + "rsa4096"))

    def change_pin(self):
        self.manage("changePin", self.key, self.pins[0], newPin=self.pins[1])
        self.pins = self.pins[::-1]

    def quick_round(self):
        """Calls on other keys and of another session, of every kind of quick method."""
        self.sks.call("getDeviceInfo")
        self.sign(self.key, authorization=self.pins[0])
        self.change_pin()
        self.manage("exportKey", self.free)
        self.protection(self.key)
        self.made.append(self.add(self.other, id="Key.%d" % len(self.made)))

    def rounds_during(self, slow):
        """Rounds that were answered, from begin to end, while all of the slow calls went on."""
        time.sleep(0.1)
        rounds = 0
        while all(one.is_alive() for one in slow):
            self.quick_round()
            rounds += all(one.is_alive() for one in slow)
            if rounds >= 2 * ROUNDS:
                break
        for one in slow:
            one.join()
            if one.trouble is not None:
                raise one.trouble
        return rounds

    def assert_held_up_by_none(self, slow):
        self.assertGreaterEqual(self.rounds_during(slow), ROUNDS)

    @undisturbed
    def test_a_key_generated(self):
        self.assert_held_up_by_none([self.generate()])

    @undisturbed
    def test_a_puk(self):
        self.assert_held_up_by_none(self.unlock(self.waiting(1)[0]))

    @undisturbed
    def test_many_keys_generated(self):
        rounds = self.rounds_during([self.generate() for _ in range(3)])
        self.assertGreaterEqual(rounds, 5, "they share the processors, no more")

    @undisturbed
    def test_many_puks(self):
        """More than there are threads at first."""
        slow = [self.unlock(key)[0] for key in self.waiting(12)]
        self.assert_held_up_by_none(slow)

    @undisturbed
    def test_many_tries_of_one_puk(self):
        """They wait for each other, seconds; others do not: nor does another PUK."""
        one, other = self.waiting(2)
        tries = self.unlock(one, 5)
        time.sleep(0.1)
        self.assert_held_up_by_none(self.unlock(other))
        self.assertGreater(sum(one.is_alive() for one in tries), 1)
        for one in tries:
            one.join()
            self.assertIsNone(one.trouble)

    @undisturbed
    def test_a_session_that_waits_for_itself(self):
        """Many calls of a session that generates a key wait for that, on no other's cost."""
        session = self.session_apart()
        slow = [Slow(lambda: session.key(keyAlgorithm=PREFIX + "rsa4096"))]
        time.sleep(0.1)
        body = encode_call("getKeyHandle", provisioningHandle=session.handle, id="none")
        waiting = [Slow(lambda: SksClient(self.token.url).raw_status(body)) for _ in range(20)]
        self.assert_held_up_by_none(slow)
        for one in waiting:
            one.join()
            self.assertIsNone(one.trouble)
