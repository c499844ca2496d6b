"""What the test classes share: a rig of real programs for a class, and the common assertions."""

import functools
import json
import threading
import time
import unittest

from . import processes
from .processes import Issuer, Token
from .sks_wire import SksClient, SksError

PROFILE = {
    "description": "one P-256 key under a PIN of its user",
    "sessionLifeTime": 600, "sessionKeyLimit": 200, "privacyEnabled": False,
    "pinPolicySpecifiers": [{
        "id": "PIN.1", "minLength": 4, "maxLength": 8, "retryLimit": 3, "format": "numeric",
        "keyEntrySpecifiers": [{
            "id": "Key.1", "appUsage": "signature",
            "keyAlgorithm": "https://webpki.github.io/sks/algorithm#ec.nist.p256",
            "certificate": {"subject": "CN=Test", "validityDays": 30,
                            "keyUsage": ["digitalSignature"]}}]}]}
FAULTS = ("Sanitizer", "runtime error:", "Assertion")


TICK, PAUSE, ATTEMPTS = 0.01, 0.15, 5     # seconds; how often a test is made


def longest_pause(stop, found):
    """How long this process was kept from running at once, until stop is set."""
    last = time.monotonic()
    while not stop.wait(TICK):
        now = time.monotonic()
        found[0] = max(found[0], now - last)
        last = now


def undisturbed(test):
    """For tests of what goes on while something else takes its second: one that fails while the
    machine had no time for it has shown nothing, and is made again."""
    @functools.wraps(test)
    def attempts(self):
        for left in reversed(range(ATTEMPTS)):
            stop, found = threading.Event(), [0]
            watch = threading.Thread(target=longest_pause, args=(stop, found), daemon=True)
            watch.start()
            try:
                return test(self)
            except AssertionError:
                if found[0] < PAUSE or not left:
                    raise
            finally:
                stop.set()
                watch.join()
        return None
    return attempts


def write_profile(folder, name, **changes):
    folder.mkdir(exist_ok=True)
    (folder / (name + ".json")).write_text(json.dumps({**PROFILE, **changes}))
    return folder


class RigTest(unittest.TestCase):
    """Starts what the class asks for in set_up_rig(); at the end every program still lives,
    stops with exit code 0 and has reported no fault."""

    @classmethod
    def setUpClass(cls):
        cls.programs = []
        cls.folder = cls.new_folder()
        cls.set_up_rig()

    @classmethod
    def set_up_rig(cls):
        raise NotImplementedError

    @classmethod
    def tearDownClass(cls):
        problems = []
        for program in cls.programs:
            if not program.alive():
                problems.append("%s died: %s" % (program.name, program.stderr()[-2000:]))
                continue
            code = program.stop()
            errors = program.stderr()
            if code != 0 or any(fault in errors for fault in FAULTS):
                problems.append("%s exit %d: %s" % (program.name, code, errors[-3000:]))
        if problems:
            raise AssertionError("\n".join(problems))

    @classmethod
    def new_folder(cls):
        return processes.temporary_folder(cls.addClassCleanup)

    @classmethod
    def start(cls, program):
        cls.addClassCleanup(program.kill)
        program.start()
        cls.programs.append(program)
        return program

    @classmethod
    def start_token(cls, **options):
        return cls.start(Token(cls.new_folder(), **options))

    @classmethod
    def start_issuer(cls, **options):
        return cls.start(Issuer(cls.new_folder(), **options))

    def wire(self, token=None):
        client = SksClient((token or self.token).url)
        self.addCleanup(client.close)
        return client

    # Assertions

    def assert_status(self, status, call, *arguments, **options):
        """The call is refused with that status (or one of them); returns the ErrorString."""
        wanted = (status,) if isinstance(status, int) else status
        with self.assertRaises(SksError) as caught:
            call(*arguments, **options)
        self.assertIn(caught.exception.status, wanted, caught.exception)
        self.assertTrue(caught.exception.text, "an ErrorString says why")
        self.assertLessEqual(len(caught.exception.text.encode()), 2000)
        return caught.exception.text

    def assert_verdict(self, session_id, verdict="failed", issuer=None):
        """The issuer's word on a session; returns its cause."""
        row = (issuer or self.issuer).session(session_id)
        wanted = (verdict,) if isinstance(verdict, str) else verdict
        self.assertIn(row["verdict"], wanted, row)
        if row["verdict"] in ("succeeded", "open"):
            self.assertEqual(row["cause"], "")
        else:
            self.assertTrue(row["cause"], "a cause is given")
        return row["cause"]

    def succeeded(self):
        return sum(row["verdict"] == "succeeded" for row in self.issuer.sessions())
