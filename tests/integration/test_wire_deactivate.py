"""Method 25 and what undoes it: who may, what is answered meanwhile, calls under way."""

import os
import pty
import subprocess
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from rig import raw_http
from rig.constructs import from_raw_ecdsa
from rig.deactivationcase import (
    DONE, IO_ERROR, REFUSED, USAGE, DeactivationTest, command, some_call)
from rig.issuer_side import IssuerSession
from rig.keycase import MORE, PUK, KeyTest
from rig.processes import Token, program_path
from rig.sks_wire import CONTENT_TYPE, METHODS, SksClient, SksError, encode_call
from rig.testcase import undisturbed
from rig.wirecase import AUTHORIZATION, NOT_ALLOWED, NOT_AVAILABLE, OPTION

ALWAYS = ("getDeviceInfo", "deactivate")
ROUTE = "/control/activate"


def post(url, path, **headers):
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": "0", **headers}
    return raw_http.exchange(url, raw_http.head(url, path, headers=headers.items()))


def control(token):
    return "unix:%s" % (token.store / "control.sock")


class OffByDefault(KeyTest):
    def test_refused(self):
        (key,) = self.make()
        session = self.session()
        text = self.assert_status(NOT_ALLOWED, self.sks.call, "deactivate")
        self.assertIn("--allow-deactivate", text)
        done = command("deactivate", self.token, "--yes")
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("--allow-deactivate", done.stderr)
        self.sign(key)
        self.assertTrue(self.is_open(session))

    def test_activate_has_nothing_to_do(self):
        done = command("activate", self.token)
        self.assertEqual((done.returncode, done.stdout), (DONE, "the token is not deactivated\n"))


class Answers(DeactivationTest):
    def test_every_method(self):
        before = vars(self.sks.call("getDeviceInfo"))
        self.deactivate()
        for method in METHODS:
            with self.subTest(method):
                wanted = 0 if method in ALWAYS else NOT_AVAILABLE
                self.assertEqual(self.sks.raw_status(some_call(method)), wanted)
        self.assertEqual(vars(self.sks.call("getDeviceInfo")), before)
        self.assertEqual(self.sks.raw_status(b"\x46"), OPTION, "what does not decode is told first")

    def test_again_is_done_again(self):
        for _ in range(3):
            self.deactivate()
        self.activate()
        self.assert_active()

    def test_command_line(self):
        self.assert_command(DONE, "state                active", "info")
        self.assert_command(USAGE, "--yes", "deactivate")
        self.assert_active()
        self.assert_command(DONE, "deactivated", "deactivate", "--yes")
        self.assert_deactivated()
        self.assert_command(DONE, "state                deactivated", "info")
        self.assert_command(DONE, '"state": "deactivated"', "info", "--json")
        self.assertIn("sks-token activate", command("list", self.token).stderr)
        self.activate()
        self.assert_command(DONE, "not deactivated", "activate")

    def test_a_person_is_asked(self):
        for answer, code, status in ((b"n", REFUSED, 0), (b"", REFUSED, 0),
                                     (b"y", DONE, NOT_AVAILABLE)):
            ours, theirs = pty.openpty()
            os.write(ours, answer + b"\n")
            done = subprocess.run([program_path("sks-token"), "deactivate", "--store",
                                   self.token.store], stdin=theirs, capture_output=True,
                                  timeout=30)
            os.close(theirs)
            os.close(ours)
            self.assertIn(b"[y/N]", done.stderr)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(self.sks.raw_status(some_call("enumerateKeys")), status)

    def test_sessions_go_and_keys_stay(self):
        blocked, missed, used, free = self.make({}, {}, {}, {"pin": None}, puk={"retryLimit": 5})
        for _ in range(3):
            self.miss(blocked)
        self.miss(missed)
        self.sign(used)
        self.miss_puk(used)
        keys = [vars(item) for item in self.sks.keys()]
        attributes = vars(self.attributes(used))
        sessions = [self.session() for _ in range(5)]
        for session in sessions:
            session.key(pin=session.pin(puk=session.puk()))
        self.deactivate()
        self.activate()
        self.assertEqual(self.sks.sessions(True), [])
        self.assertEqual([vars(item) for item in self.sks.keys()], keys)
        self.assertEqual(vars(self.attributes(used)), attributes)
        self.assertEqual(self.errors(blocked, missed, used), [3, 1, 0])
        self.assert_protection(used, pukErrorCount=1)
        self.assert_status(AUTHORIZATION, self.sign, blocked)
        self.sign(used)
        self.sign(free, authorization=b"")
        new = self.session()
        self.assertGreater(new.handle, max(session.handle for session in sessions))
        self.finish(new, new.key())


class ControlRoute(DeactivationTest):
    def test_nowhere_else(self):
        self.deactivate()
        self.assertEqual(post(self.token.url, ROUTE)[0], 404)
        self.assertEqual(post(self.token.url, ROUTE + "/")[0], 404)
        self.assert_deactivated()
        local = Token(self.new_folder(), listen="unix:%s" % (self.new_folder() / "sks"))
        self.start(local)
        self.assertEqual(post(local.url, ROUTE)[0], 404)
        self.assertEqual(post(control(local), ROUTE)[::2], (200, b"\0\0"), "not deactivated")

    def test_on_the_control_socket(self):
        self.deactivate()
        url = control(self.token)
        for status, headers in ((403, {"Origin": "http://x"}), (403, {"Host": "example.org"}),
                                (415, {"Content-Type": "text/plain"})):
            self.assertEqual(post(url, ROUTE, **headers)[0], status, headers)
        self.assertEqual(raw_http.exchange(url, raw_http.head(url, ROUTE, "GET"))[0], 405)
        self.assert_deactivated()
        self.assertEqual(post(url, ROUTE)[::2], (200, b"\0\1"))
        self.assertEqual(post(url, ROUTE)[::2], (200, b"\0\0"))
        self.assert_active()


class MasterKeyFile(DeactivationTest):
    """It is read again by the activation, with the checks of a start."""

    def test_refused(self):
        path = self.token.store / "master.key"
        own = path.read_bytes()
        self.deactivate()
        os.chmod(path, 0o640)
        self.assert_command(IO_ERROR, "0600", "activate")
        os.chmod(path, 0o600)
        path.write_bytes(b"nothing")
        self.assert_command(IO_ERROR, "hexadecimal", "activate")
        path.write_bytes(os.urandom(32).hex().encode())
        self.assert_command(IO_ERROR, "another master key", "activate")
        path.unlink()
        self.assert_command(IO_ERROR, "master.key", "activate")
        self.assert_deactivated()
        path.write_bytes(own)
        os.chmod(path, 0o600)
        self.activate()
        self.assert_active()


class WhileCallsAreUnderWay(DeactivationTest):
    def test_signatures(self):
        """Each answer is a right signature or 13, and no 0 comes after the first 13."""
        for _ in range(3):
            (key,) = self.make({"pin": None})
            found = [[] for _ in range(8)]
            threads = [threading.Thread(target=self.sign_on, args=(key, answers))
                       for answers in found]
            for thread in threads:
                thread.start()
            while min(map(len, found)) < 20 and all(thread.is_alive() for thread in threads):
                time.sleep(0.001)
            self.deactivate()
            for thread in threads:
                thread.join()
            for answers in found:
                self.assertEqual(answers[-1], NOT_AVAILABLE)
                self.assertEqual(set(answers[:-1]), {0})
            self.activate()

    def sign_on(self, key, answers):
        client, digest = SksClient(self.token.url), os.urandom(32)
        while not answers or answers[-1] == 0:
            try:
                signature = client.call(
                    "signHashedData", keyHandle=key.handle, parameters=b"", biometricAuth=False,
                    algorithm=MORE + "ecdsa-sha256",
                    authorization=b"", data=digest).result
                key.public.verify(from_raw_ecdsa(signature), digest,
                                  ec.ECDSA(Prehashed(hashes.SHA256())))
                answers.append(0)
            except SksError as error:
                answers.append(error.status)
        client.close()

    def answers_of(self, *bodies):
        """Starts calls on connections of their own; a function that waits for their statuses."""
        statuses = [None] * len(bodies)

        def ask(number, body):
            client = SksClient(self.token.url)
            statuses[number] = client.raw_status(body)
            client.close()

        threads = [threading.Thread(target=ask, args=item) for item in enumerate(bodies)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)

        def wait():
            for thread in threads:
                thread.join()
            return statuses
        return wait

    @undisturbed
    def test_it_waits_for_a_delayed_puk(self):
        """The delay ends as it would; nobody else waits for it. Tries of one PUK come one after the
        other, so each of these has its own."""
        keys = [self.make(puk={"retryLimit": 0})[0] for _ in range(2)]
        tries = self.answers_of(*(
            encode_call("unlockKey", keyHandle=key.handle, authorization=guess)
            for key, guess in zip(keys, (b"9", PUK))))
        deactivation = self.answers_of(encode_call("deactivate"))
        began = time.monotonic()
        self.assert_status(NOT_AVAILABLE, self.sign, keys[0])
        self.sks.call("getDeviceInfo")
        self.assertLess(time.monotonic() - began, 0.3)
        self.assertEqual(deactivation(), [0])
        self.assertEqual(tries(), [AUTHORIZATION, 0])
        self.activate()
        self.sign(keys[0])

    @undisturbed
    def test_it_waits_for_a_key_generation(self):
        session, made = IssuerSession(self.wire()).create(), []
        generation = threading.Thread(target=lambda: made.append(session.key(
            keyAlgorithm="https://webpki.github.io/sks/algorithm#rsa3072")))
        generation.start()
        time.sleep(0.03)
        self.deactivate()
        generation.join()
        self.assertEqual(len(made), 1, "what was under way is answered")
        self.activate()
        self.assertFalse(self.is_open(session))
