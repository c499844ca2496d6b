"""RSA keys made ahead: `sks-token serve --rsa-pool N`. The debug log says where a key came from."""

import os
import threading
import time

from rig.keycase import PREFIX
from rig.processes import Token, run, wait_for
from rig.sks_wire import SksClient
from rig.testcase import undisturbed
from rig.wirecase import WireTest

RSA_2048 = PREFIX + "rsa2048"
PATIENCE = 60
POOLED, GENERATED, AHEAD = "key from the pool", "key generated", "a key made ahead"


def priorities(pid):
    """The nice values of all threads of a process."""
    values = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/stat" % (pid, task)) as stat:
            values.append(int(stat.read().rpartition(")")[2].split()[16]))
    return values


def wait_for_maker(token):
    """The thread that makes keys shows by its priority, which it sets when it first runs."""
    deadline = time.monotonic() + PATIENCE
    while 19 not in priorities(token.pid):
        if time.monotonic() > deadline:
            raise AssertionError("nobody makes keys ahead")
        time.sleep(0.02)


class PoolTest(WireTest):
    pool = None

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.token = cls.start_token(options=["-v"] + (
            ["--rsa-pool", cls.pool] if cls.pool is not None else []))

    def count(self, text):
        return self.token.stderr().count(text)

    def wait_until_full(self):
        """All keys made ahead so far but those that were taken: as many as the pool holds."""
        wait_for(lambda: self.count(AHEAD) - self.count(POOLED) >= self.pool_size,
                 lambda: "the pool does not get full")

    def origin(self, session, **changes):
        """Makes a key: (the key, where it came from)."""
        before = self.count(POOLED), self.count(GENERATED)
        key = session.key(id="Key.%d" % sum(before), **changes)
        after = self.count(POOLED), self.count(GENERATED)
        self.assertEqual(sum(after), sum(before) + 1)
        return key, POOLED if after[0] > before[0] else GENERATED


class Pool(PoolTest):
    pool_size = 2       # the default

    def test_keys_come_from_the_pool_and_each_once(self):
        """Three times the whole pool, and one key more than there are."""
        session = self.session()
        keys = []
        for _ in range(3):
            self.wait_until_full()
            for _ in range(self.pool_size):
                key, origin = self.origin(session, keyAlgorithm=RSA_2048)
                self.assertEqual(origin, POOLED)
                keys.append(key)
            keys.append(self.origin(session, keyAlgorithm=RSA_2048)[0])
        self.assertEqual(len({key.public_der for key in keys}), len(keys))
        for key in keys:
            self.assertEqual((key.public.key_size, key.public.public_numbers().e), (2048, 65537))
        self.finish(session, *keys)

    def test_not_for_other_keys(self):
        self.wait_until_full()
        session = self.session()
        for what, changes in (
                ("a seed", {"keyAlgorithm": RSA_2048, "serverSeed": b"s"}),
                ("an exponent",
                 {"keyAlgorithm": RSA_2048 + ".exp", "keyParameters": b"\1\0\1"}),
                ("another size", {"keyAlgorithm": PREFIX + "rsa1024"}),
                ("another kind", {})):
            with self.subTest(what):
                self.assertEqual(self.origin(session, **changes)[1], GENERATED)
        self.assertEqual(self.origin(session, keyAlgorithm=RSA_2048)[1], POOLED)

    def test_refused_calls_take_none(self):
        self.wait_until_full()
        taken = self.count(POOLED)
        for changes in ({"mac": bytes(32)}, {"id": ""}, {"keyParameters": b"\3"}):
            session = self.session()
            self.assert_torn_down((4, 9), session, session.key, keyAlgorithm=RSA_2048, **changes)
        self.assertEqual(self.count(POOLED), taken)

    def test_one_thread_of_low_priority(self):
        wait_for_maker(self.token)
        values = priorities(self.token.pid)
        self.assertEqual(values.count(19), 1, values)
        self.assertEqual(values.count(os.nice(0)), len(values) - 1, values)


class NoPool(PoolTest):
    pool = pool_size = 0

    def test_generates(self):
        session = self.session()
        key, origin = self.origin(session, keyAlgorithm=RSA_2048)
        self.assertEqual(origin, GENERATED)
        self.assertEqual(self.count(AHEAD), 0)
        self.assertEqual(set(priorities(self.token.pid)), {os.nice(0)})
        self.finish(session, key)

    @undisturbed
    def test_others_are_answered_meanwhile(self):
        session = self.session()
        making = threading.Thread(target=session.key,
                                  kwargs={"keyAlgorithm": PREFIX + "rsa4096"})
        others = [SksClient(self.token.url) for _ in range(3)]
        answered = 0
        making.start()
        while making.is_alive():
            for client in others:
                client.call("getDeviceInfo")
            answered += making.is_alive()
        making.join()
        for client in others:
            client.close()
        self.assertGreater(answered, 5, "rounds of calls while one key was generated")


class LargePool(PoolTest):
    pool = pool_size = 64

    def test_filling_holds_up_nobody(self):
        """A few hundred calls and a key of its own, and the pool is still being filled."""
        for _ in range(100):
            for client in (self.wire(), self.wire()):
                client.call("getDeviceInfo")
        session = self.session()
        self.finish(session, session.key())
        self.assertLess(self.count(AHEAD), self.pool_size)


class Options(WireTest):
    def test_out_of_range(self):
        store = Token(self.new_folder()).store
        arguments = ["serve", "--store", store, "--listen", "127.0.0.1:0"]
        for value in ("65", "-1", "x", ""):
            done = run("sks-token", *arguments, "--rsa-pool", value)
            self.assertEqual(done.returncode, 2, value)
            self.assertIn("--rsa-pool", done.stderr)
        done = run("sks-token", *arguments, environment={"SKS_TOKEN_RSA_POOL": "65"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("0", done.stderr)

    def test_environment(self):
        """The variable counts; the option wins."""
        os.environ["SKS_TOKEN_RSA_POOL"] = "0"
        self.addCleanup(os.environ.pop, "SKS_TOKEN_RSA_POOL")
        without = self.start_token()
        wait_for_maker(self.start_token(options=["--rsa-pool", "1"]))
        self.assertNotIn(19, priorities(without.pid))
