"""sks-token export, delete, change-pin, set-pin and unlock, and where PINs and PUKs come from."""

import os
import stat

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rig.certificates import generate
from rig.clicase import IO_ERROR, REFUSED, USAGE, both_ways
from rig.constructs import from_pkcs8, pkcs8, spki
from rig.keycase import EXPORTED, IMPORTED, PIN, PUK

BY_NOBODY, BY_PIN, BY_PUK, NEVER = range(4)
NEW = "8642"
GOOD = {"pin": PIN.decode(), "puk": PUK.decode(), "new": NEW}


class Export:
    def test_private_keys(self):
        for kind in ("P-256", "P-521", "Ed25519", "RSA-2048"):
            with self.subTest(kind):
                private = generate(kind)
                key, = self.make({"pin": None, "private": private, "exportProtection": 0})
                pem = self.command("export", key.handle).out
                self.assertEqual(pkcs8(load_pem_private_key(pem, None)), pkcs8(private))
                target = self.folder / "key.pem"
                self.command("export", key.handle, "--out", target)
                self.assertEqual(target.read_bytes(), pem)
                self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)
                raw = self.command("export", key.handle, "--raw").out
                self.assertEqual(pkcs8(from_pkcs8(raw)), pkcs8(private))
                self.assert_protection(key, keyBackup=IMPORTED | EXPORTED)

    def test_a_key_of_the_token(self):
        key, = self.make({"exportProtection": BY_PIN})
        private = load_pem_private_key(self.command("export", key.handle, pin="4711").out, None)
        self.assertEqual(spki(private.public_key()), key.public_der)

    def test_symmetric_keys_are_raw(self):
        secret = os.urandom(24)
        key, = self.make({"pin": None, "symmetric": secret, "exportProtection": 0})
        for options in ((), ("--raw",), ("--out", "-")):
            self.assertEqual(self.command("export", key.handle, *options).out, secret)

    def test_not_on_a_terminal(self):
        key, = self.make({"exportProtection": BY_PIN})
        with self.terminal("export", key.handle, code=USAGE, pin="4711") as t:
            t.wait_for("the output is a secret")
        self.assert_protection(key, keyBackup=0, pinErrorCount=0)
        with self.terminal("export", key.handle, "--out", "-") as t:
            t.answer("PIN of key %d: " % key.handle, "4711")
        self.assertIn("BEGIN PRIVATE KEY", t.shown)

    def test_over_a_file_that_others_can_read(self):
        key, = self.make({"pin": None, "exportProtection": 0})
        target = self.write("old", b"x", mode=0o666)
        self.command("export", key.handle, "--out", target)
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)

    def test_never(self):
        key, = self.make({}, puk=True)
        self.refused("export", key.handle, text="ERROR_NOT_ALLOWED: the key does not allow it",
                     **GOOD)
        self.assert_protection(key, keyBackup=0, pinErrorCount=0, pukErrorCount=0)


class Protections:
    """What export and delete ask for is what the key says."""

    def test_by_nobody_by_pin_and_by_puk(self):
        for command, protection, done in (("export", "exportProtection", b"PRIVATE KEY"),
                                          ("delete", "deleteProtection", b"is deleted")):
            yes = ("--yes",) if command == "delete" else ()
            for by, name, wrong in ((BY_NOBODY, None, None), (BY_PIN, "pin", "0815"),
                                    (BY_PUK, "puk", "999")):
                with self.subTest(command, by=by):
                    key, = self.make({protection: by}, puk={"retryLimit": 3})
                    if name:
                        others = {other: value for other, value in GOOD.items() if other != name}
                        self.refused(command, key.handle, *yes,
                                     text="the %s is needed" % name.upper(), **others)
                        self.refused(command, key.handle, *yes, **{name: wrong},
                                     text="wrong %s; 2 of 3 tries left" % name.upper())
                    self.assertIn(done, self.command(command, key.handle, *yes, **GOOD).out)
                    if command == "delete":
                        self.assert_gone(key)

    def test_delete_asks(self):
        key, = self.make({"friendlyName": "Old one", "deleteProtection": BY_PIN})
        self.refused("delete", "Old one", text="nobody can be asked.*--yes", **GOOD)
        question = 'Delete key %d "Old one" of CN=Key.0 for ever? [y/N] ' % key.handle
        for answer in ("", "n", "Y", "yess"):
            with self.terminal("delete", "Old one", code=REFUSED) as t:
                t.answer(question, answer)
            self.assertIn("the user declined", t.shown)
        self.assertEqual(self.errors(key), [0])
        with self.terminal("delete", "Old one") as t:
            t.answer(question, "y").answer('PIN of key %d "Old one": ' % key.handle, "4711")
        self.assertNotIn("4711", t.shown)
        self.assert_gone(key)
        self.refused("delete", key.handle, "--yes", text="ERROR_NO_KEY")

    def test_delete_never(self):
        key, = self.make({"deleteProtection": NEVER})
        for yes in ((), ("--yes",)):
            self.refused("delete", key.handle, *yes, text="ERROR_NOT_ALLOWED", **GOOD)
        self.assertIn(key.handle, self.handles())


class Pins:
    def pair(self, puk=None, **policy):
        return self.make({}, puk={"retryLimit": 3, **(puk or {})}, **policy)[0]

    def test_change_set_unlock(self):
        key = self.pair(grouping=1)
        said = self.command("change-pin", key.handle, **GOOD).text
        self.assertEqual(said, "the PIN of key %d is changed\n" % key.handle)
        self.sign(key, authorization=NEW.encode())
        self.command("set-pin", key.handle, puk=GOOD["puk"], new="97531")
        self.sign(key, authorization=b"97531")
        for _ in range(3):
            self.miss(key)
        self.command("unlock", key.handle, puk=GOOD["puk"])
        self.sign(key, authorization=b"97531")

    def test_tries_are_told(self):
        key = self.pair()
        wrong = {**GOOD, "pin": "0815", "puk": "999"}
        for command in ("set-pin", "unlock"):
            self.refused(command, key.handle, text="wrong PUK; [12] of 3 tries left", **wrong)
        for left in (2, 1):
            self.refused("change-pin", key.handle, **wrong,
                         text="refused by the token: ERROR_AUTHORIZATION: wrong PIN; "
                              "%d of 3 tries left" % left)
        self.refused("change-pin", key.handle, **wrong,
                     text="wrong PIN; BLOCKED after 3 wrong tries; its PUK unlocks it: "
                          "sks-token unlock %d" % key.handle)
        self.refused("sign", key.handle, **GOOD,
                     text="the PIN of key %d is BLOCKED after 3 wrong tries; its PUK unlocks it"
                          % key.handle)
        self.refused("unlock", key.handle, text="wrong PUK; BLOCKED after 3 wrong tries", **wrong)
        for command in ("set-pin", "unlock"):
            self.refused(command, key.handle, **GOOD, text="the PUK of key %d is BLOCKED after 3 "
                         "wrong tries; only its issuer can unlock it" % key.handle)
        self.refused("change-pin", key.handle, text="its PUK is blocked too", **GOOD)

    def test_blocked_without_a_puk(self):
        key, = self.make({}, retryLimit=1)
        self.refused("sign", key.handle, pin="0815",
                     text="BLOCKED after 1 wrong tries; it has no PUK, so only its issuer")

    def test_puk_that_never_blocks(self):
        key = self.pair(puk={"retryLimit": 0})
        self.refused("unlock", key.handle, puk="999", text="wrong PUK; never blocks")

    def test_keys_that_have_none(self):
        plain, = self.make({"pin": None})
        no_puk, = self.make({})
        fixed, = self.make({}, puk=True, userModifiable=False)
        for command in ("change-pin", "set-pin"):
            self.refused(command, plain.handle, text="key %d has no PIN" % plain.handle, **GOOD)
            self.refused(command, fixed.handle, text="is not the user's to change", **GOOD)
        self.refused("unlock", plain.handle, text="has no PUK", **GOOD)
        self.refused("set-pin", no_puk.handle, text="has no PUK", **GOOD)
        self.assertEqual(self.errors(no_puk, fixed), [0, 0])
        self.assert_protection(fixed, pukErrorCount=0)

    def test_new_pins_keep_the_policy(self):
        key = self.pair(patternRestrictions=4)
        for new, text in (("123", "is too short; its policy wants 4 to 8 digits"),
                          ("123456789", "is too long"), ("12A4", "that its format does not allow"),
                          ("1234", "is a sequence")):
            for command in ("change-pin", "set-pin"):
                error = self.refused(command, key.handle, text=text, **{**GOOD, "new": new})
                self.assertNotIn("PIN " + new, error)
        twins = self.make({"appUsage": 0}, {"id": "Key.9", "appUsage": 1, "value": b"1357"},
                          grouping=3)
        self.refused("change-pin", twins[0].handle, **{**GOOD, "new": "1357"},
                     text="ERROR_OPTION: newPin breaks the grouping")
        self.assertEqual(self.errors(key, *twins), [0, 0, 0])

    def test_binary_ones_are_hexadecimal(self):
        session = self.session()
        policy = session.pin(format=3, minLength=2,
                             puk=session.puk(format=3, value=b"\x00\xff\x10"))
        key = session.key(pin=policy, value=b"\x47\x11\x00")
        self.finish(session, key)
        self.command("sign", key.handle, pin="471100")
        for bad in ("47110", "4711xx"):
            self.refused("sign", key.handle, pin=bad, code=USAGE, text="hexadecimal digits")
        self.command("change-pin", key.handle, "--pin-file", self.write("pin", "471100\n"),
                     new="c0FFee")
        self.sign(key, authorization=b"\xc0\xff\xee")
        self.command("set-pin", key.handle, puk="00ff10", new="4711")
        self.sign(key, authorization=b"\x47\x11")
        with self.terminal("sign", key.handle, "--in", "/dev/null", "--out", "/dev/null") as t:
            t.answer("PIN of key %d, in hexadecimal: " % key.handle, "4711")


class Sources:
    def setUp(self):
        super().setUp()
        self.key, = self.make({"friendlyName": "Mine"}, puk={"retryLimit": 3}, format=2)
        self.title = 'key %d "Mine"' % self.key.handle

    def tearDown(self):
        self.manage("deleteKey", self.key)

    def test_files(self):
        files = {name: self.write(name, value) for name, value in (
            ("pin", "4711\nignored\n"), ("puk", PUK + b"\r\n"), ("new", "Grü 1\n"))}
        self.command("change-pin", "Mine", "--pin-file", files["pin"], "--new-pin-file",
                     files["new"], pin="wrong", new="not this")
        self.sign(self.key, authorization="Grü 1".encode())
        self.command("set-pin", "Mine", "--puk-file", files["puk"], "--new-pin-file",
                     files["pin"])
        self.command("unlock", "Mine", "--puk-file", files["puk"])
        self.command("sign", "Mine", "--pin-file", files["pin"])
        self.assertEqual(self.errors(self.key), [0])

    def test_files_that_are_refused(self):
        for mode in (0o640, 0o604, 0o644, 0o666):
            path = self.write("pin", PIN, mode)
            self.refused("sign", "Mine", "--pin-file", path, code=IO_ERROR, text="mode 0600")
            self.refused("unlock", "Mine", "--puk-file", path, code=IO_ERROR, text="mode 0600")
            self.refused("change-pin", "Mine", "--new-pin-file", path, pin="4711", code=IO_ERROR,
                         text="mode 0600")
        for content in (b"", b"\n4711"):
            self.refused("sign", "Mine", "--pin-file", self.write("pin", content), code=IO_ERROR,
                         text="its first line is empty")
        self.refused("sign", "Mine", "--pin-file", self.folder / "none", code=IO_ERROR)
        self.assertEqual(self.errors(self.key), [0])

    def test_none_at_all(self):
        for command, secrets, text in (
                ("sign", {}, "the PIN is needed: --pin-file, SKS_TOKEN_PIN or a terminal"),
                ("sign", {"pin": ""}, "the PIN is needed"),
                ("unlock", GOOD | {"puk": ""}, "the PUK is needed: --puk-file, SKS_TOKEN_PUK"),
                ("change-pin", {"pin": "4711"},
                 "the new PIN is needed: --new-pin-file, SKS_TOKEN_NEW_PIN or a terminal")):
            self.refused(command, "Mine", text=text, **secrets)
        self.assertEqual(self.errors(self.key), [0])

    def test_prompt(self):
        with self.terminal("sign", "Mine", "--in", "/dev/null", stdout=False) as t:
            t.answer("PIN of %s: " % self.title, "4711")
        self.assertEqual(t.shown, "PIN of %s: \r\n" % self.title)
        with self.terminal("sign", "Mine", "--in", "/dev/null", stdout=False, code=REFUSED) as t:
            t.answer("PIN of %s: " % self.title, "secret?")
            t.wait_for("wrong PIN; 2 of 3 tries left")
        self.assertNotIn("secret?", t.shown)
        with self.terminal("sign", "Mine", "--in", "/dev/null", stdout=False) as t:
            t.answer("PIN of %s (2 of 3 tries left): " % self.title, "4711")

    def test_new_ones_are_asked_for_twice(self):
        secrets = ("4711", "0000x", "1111x", "12", "Grüße 2")
        with self.terminal("change-pin", "Mine") as t:
            t.answer("PIN of %s: " % self.title, secrets[0])
            t.wait_for("Choose a new PIN: 4 to 8 bytes of text.")
            prompt = "New PIN of %s: " % self.title
            t.answer(prompt, secrets[1]).answer("Again: ", secrets[2])
            t.wait_for("The two differ.")
            t.answer(prompt, secrets[3]).answer("Again: ", secrets[3])
            t.wait_for("the PIN is too short")
            t.answer(prompt, "9 bytes!!").answer("Again: ", "9 bytes!!").wait_for("is too long")
            t.answer(prompt, "Gr 2").wait_for("Again: ")
            for secret in ("4711", "Gr 2"):
                self.assertNotIn(secret.encode(), t.arguments())
            t.type("Gr 2")
        self.assertIn("the PIN of %s is changed" % self.title, t.shown)
        for secret in secrets + ("Gr 2",):
            self.assertNotIn(secret, t.shown)
        self.sign(self.key, authorization=b"Gr 2")

    def test_puk_at_the_prompt(self):
        with self.terminal("unlock", "Mine") as t:
            t.answer("PUK of %s: " % self.title, PUK.decode())
        self.assertIn("%s is unlocked" % self.title, t.shown)
        self.assertNotIn(PUK.decode(), t.shown)
        with self.terminal("set-pin", "Mine", puk=PUK.decode()) as t:
            t.answer("New PIN of %s: " % self.title, "97531").answer("Again: ", "97531")
        self.assertNotIn("97531", t.shown)
        self.sign(self.key, authorization=b"97531")

    def test_nothing_typed(self):
        for line, text in (("", "no PIN was given"), ("\x04", "no answer on the terminal")):
            with self.terminal("sign", "Mine", "--in", "/dev/null", stdout=False,
                               code=REFUSED) as t:
                t.answer("PIN of %s: " % self.title, line).wait_for(text)
        self.assertEqual(self.errors(self.key), [0])

    def test_interrupted(self):
        with self.terminal("sign", "Mine", "--in", "/dev/null", stdout=False, code=-2) as t:
            t.wait_for("PIN of %s: " % self.title)
            t.interrupt()
        self.assertEqual(self.errors(self.key), [0])

    def test_data_from_the_terminal_too(self):
        key, = self.make({"symmetric": bytes(16)})
        with self.terminal("hmac", key.handle) as t:
            t.type("data").type_end()
            t.answer("PIN of key %d: " % key.handle, "4711")
        self.assertNotIn("4711", t.shown)
        self.assertEqual(t.shown.split()[-1],
                         self.command("hmac", key.handle, stdin=b"data\n", pin="4711").text.strip())


globals().update(both_ways(__name__, Export, Protections, Pins, Sources))
