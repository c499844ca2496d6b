"""The command line of sks-token towards tokens with device PIN and biometrics, and towards one
whose answers do not come. A relay between the two tells what the token itself does not do."""

from rig.clicase import (
    DONE, IN_DOUBT, IO_ERROR, REFUSED, USAGE, AlteredToken, CliTest, Terminal, command_line,
    sks_token)

DEVICE_PIN = 16
NONE, ALTERNATIVE, COMBINED, EXCLUSIVE = range(4)
BY_PIN = 1


class AlteredTest(CliTest):
    def setUp(self):
        super().setUp()
        self.altered = AlteredToken(self.new_folder(), self.token.url)
        self.addCleanup(self.altered.close)
        self.altered.answer["signHashedData"] = lambda inputs: {"result": b"signature"}
        self.altered.answer["deleteKey"] = lambda inputs: {}

    def protect(self, key, **changes):
        self.altered.alter["getKeyProtectionInfo"] = lambda values: values.update(changes)
        self.key = key

    def run_it(self, command, *arguments, code=DONE, text=".", **secrets):
        done = sks_token(self.altered.store, command, self.key.handle, *arguments, **secrets)
        self.assertEqual(done.code, code, (done.out, done.err))
        if code == DONE:
            self.assertEqual(done.err, "")
        else:
            self.assertRegex(done.err, text)
        return done

    def shown(self, *arguments):
        return self.run_it("show", *arguments).text

    def sent(self, method):
        """The inputs of the last call of a method; fails if there was none."""
        return [inputs for name, inputs in self.altered.calls if name == method][-1]

    def not_sent(self, method):
        self.assertNotIn(method, [name for name, _ in self.altered.calls])


class Biometrics(AlteredTest):
    def signs(self, *arguments, biometric, authorization, **secrets):
        self.altered.calls.clear()
        self.assertEqual(self.run_it("sign", "--raw", *arguments, **secrets).out, b"signature")
        inputs = self.sent("signHashedData")
        self.assertEqual((inputs["biometricAuth"], inputs["authorization"]),
                         (biometric, authorization))

    def test_none(self):
        self.protect(self.make({})[0])
        self.run_it("sign", "--biometric", code=USAGE, text="has no biometric protection")
        self.not_sent("signHashedData")

    def test_alternative(self):
        self.protect(self.make({})[0], biometricProtection=ALTERNATIVE)
        self.signs(biometric=False, authorization=b"4711", pin="4711")
        self.signs("--biometric", biometric=True, authorization=b"", pin="4711")
        self.assertIn("with the PIN, or a biometric check", self.shown())

    def test_combined(self):
        self.protect(self.make({})[0], biometricProtection=COMBINED)
        self.signs("--biometric", biometric=True, authorization=b"4711", pin="4711")
        self.run_it("sign", "--biometric", code=REFUSED, text="the PIN is needed")
        self.altered.calls.clear()
        self.run_it("sign", code=USAGE, text="--biometric says that it was passed", pin="4711")
        self.not_sent("signHashedData")
        self.assertIn("with the PIN and a biometric check", self.shown())

    def test_exclusive(self):
        self.protect(self.make({"pin": None})[0], biometricProtection=EXCLUSIVE)
        self.signs("--biometric", biometric=True, authorization=b"")
        self.run_it("sign", code=USAGE, text="--biometric says that it was passed")
        self.assertIn("+--used----->  with a biometric check\n", self.shown())
        self.assertIn(" biometrics ", sks_token(self.altered.store, "list").text)
        self.assertIn('"biometricProtection": "exclusive"', self.shown("--json"))


class DevicePin(AlteredTest):
    def setUp(self):
        super().setUp()
        key, = self.make({"pin": None})
        self.protect(key, protectionStatus=DEVICE_PIN, deleteProtection=BY_PIN)

    def test_shown(self):
        drawn = self.shown().split("protection\n")[1].split("\n\n")[0]
        self.assertEqual(drawn.splitlines(), [
            "  key %d" % self.key.handle,
            "    |",
            "    +--PIN-->  device PIN",
            "    |          one for all keys that the device protects itself",
            "    |",
            "    +--used----->  with the PIN",
            "    +--exported->  never",
            "    +--deleted-->  with the PIN"])
        self.assertIn('"devicePin": true', self.shown("--json"))
        self.assertIn(" device PIN ", sks_token(self.altered.store, "list").text)

    def test_asked_for(self):
        self.run_it("sign", code=REFUSED, text="the PIN is needed")
        self.run_it("sign", pin="1234")
        self.assertEqual(self.sent("signHashedData")["authorization"], b"1234")
        self.run_it("delete", "--yes", pin="1234")
        self.assertEqual(self.sent("deleteKey")["authorization"], b"1234")
        terminal = Terminal(command_line(self.altered.store, "sign", self.key.handle, "--raw",
                                         "--in", "/dev/null"), stdout=False)
        self.addCleanup(terminal.kill)
        terminal.answer("device PIN: ", "5678")
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.assertNotIn("5678", terminal.shown)
        self.assertEqual(self.sent("signHashedData")["authorization"], b"5678")

    def test_not_changed_here(self):
        for command in ("change-pin", "set-pin"):
            self.run_it(command, code=REFUSED, text="device PIN, which is changed",
                        pin="1234", puk="1", new="8642")
        self.run_it("unlock", code=REFUSED, text="has no PUK", puk="1")


class NoAnswer(AlteredTest):
    """A call that left and was not answered: what changes the token is in doubt."""

    def test_in_doubt(self):
        self.protect(self.make({"exportProtection": 0}, puk=True)[0])
        for command, method, options in (
                ("delete", "deleteKey", ("--yes",)), ("export", "exportKey", ()),
                ("change-pin", "changePin", ()), ("set-pin", "setPin", ()),
                ("unlock", "unlockKey", ())):
            self.altered.dropped.add(method)
            done = self.run_it(command, *options, code=IN_DOUBT, pin="4711", puk="0123456789",
                               new="4711", text="nobody knows whether %s took effect" % method)
            self.assertEqual(done.out, b"")

    def test_abort_in_doubt(self):
        session = self.session()
        self.altered.dropped.add("abortProvisioningSession")
        done = sks_token(self.altered.store, "abort", session.handle)
        self.assertEqual(done.code, IN_DOUBT, done.err)

    def test_nothing_is_in_doubt_where_nothing_changes(self):
        self.protect(self.make({})[0])
        self.altered.dropped.add("signHashedData")
        self.run_it("sign", code=IO_ERROR, pin="4711")
        self.altered.dropped.add("getKeyAttributes")
        self.run_it("show", code=IO_ERROR)

    def test_nobody_listens(self):
        self.altered.relay.close()
        self.protect(self.make({})[0])
        done = sks_token(self.altered.store, "list")
        self.assertEqual((done.code, done.out), (IO_ERROR, b""))


class TokenInTrouble(AlteredTest):
    """Enumerations and certificates that mean nothing are shown as such."""

    def test_values_without_a_name(self):
        self.protect(self.make({})[0], grouping=9, inputMethod=9, format=9, exportProtection=9,
                     deleteProtection=9)
        self.altered.alter["getKeyAttributes"] = lambda values: values.update(
            appUsage=9, certificate=[b"\x30\x00", b""])
        text = self.shown()
        self.assertIn("usage          ?", text)
        self.assertEqual(text.count("does not decode"), 2)
        self.assertIn('"appUsage": "?"', self.shown("--json"))
        for json in ((), ("--json",)):
            done = sks_token(self.altered.store, "list", *json)
            self.assertEqual((done.code, done.err), (DONE, ""))
