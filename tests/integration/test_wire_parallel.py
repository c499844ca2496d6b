"""Many callers at a time: tries and delays are counted as if they came one after the other."""

import threading
import time

from rig.keycase import KeyTest
from rig.sks_wire import SksClient, encode_call
from rig.wirecase import AUTHORIZATION


class Parallel(KeyTest):
    """However many ask at a time, nobody gets more tries than there are."""

    def guarded(self, puk_tries):
        return self.make(puk={"retryLimit": puk_tries}, retryLimit=3)[0]

    def at_once(self, count, method, key, **values):
        """The statuses of that many calls, each on a connection of its own."""
        statuses = []

        def ask(number):
            client = SksClient(self.token.url)
            guess = b"%04d" % number
            body = encode_call(method, keyHandle=key.handle, authorization=guess, **values)
            statuses.append(client.raw_status(body))
            client.close()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

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
