"""Test classes about tokens that are deactivated and activated."""

from .certificates import Authority
from .keycase import KeyTest
from .processes import run
from .sks_wire import METHODS, encode_call
from .wirecase import NOT_AVAILABLE

DONE, REFUSED, USAGE, IO_ERROR = range(4)
ALLOWED = ["--allow-deactivate"]
# Arguments that decode, whatever they mean.
SOME = {"byte": 0, "bool": False, "ushort": 1, "uint": 1, "byte[]": b"x", "blob": b"x", "id": "x",
        "uri": "http://x", "string": "x"}


def some_call(method):
    return encode_call(method, **{name: [SOME[kind]] if is_list else SOME[kind]
                                  for name, kind, is_list in METHODS[method][1]})


def command(name, token, *options):
    return run("sks-token", name, "--store", token.store, *options)


class DeactivationTest(KeyTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=ALLOWED)
        cls.authority = Authority()

    def setUp(self):
        super().setUp()
        self.addCleanup(command, "activate", self.token)

    def deactivate(self):
        self.assertEqual(self.sks.call("deactivate").deactivated, 1)

    def assert_command(self, code, text, name, *options, token=None):
        done = command(name, token or self.token, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stdout + done.stderr)

    def activate(self):
        self.assert_command(DONE, "activated", "activate")

    def assert_deactivated(self, client=None):
        client = client or self.sks
        text = self.assert_status(NOT_AVAILABLE, client.call, "enumerateKeys", keyHandle=0)
        self.assertIn("sks-token activate", text, "it says what to do")

    def assert_active(self):
        self.assertEqual(self.sks.raw_status(some_call("enumerateKeys")), 0)
