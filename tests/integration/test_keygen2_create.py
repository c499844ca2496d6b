"""PINs, policies and modes of keys that sks-proxy has made, seen in the real token."""

import hashlib

from rig.clicase import Terminal
from rig.processes import program_path
from rig.proxycase import DONE, ProxyCase

ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


class Pins(ProxyCase):
    def setUp(self):
        super().setUp()
        self.sessions = []

    def creating(self, make):
        """A script whose KeyCreationRequest has what make(session) returns."""
        def script(session):
            yield from self.begin(session)
            message = session.creation(**make(session))
            answer = yield message
            yield session.finalization(*[session.credential(key["id"])
                                         for key in answer["generatedKeys"]])
        return script

    def signs(self, session, id, pin):
        key, _ = self.attributes(session.credentials[id])
        result = self.sks.call("signHashedData", keyHandle=key.keyHandle, algorithm=ECDSA,
                               parameters=b"", biometricAuth=False, authorization=pin,
                               data=hashlib.sha256(b"").digest())
        self.assertEqual(len(result.result), 64)

    def several(self, session):
        preset = session.pin(session.key("k1", encryptedPin=session.encrypt(b"0815")), id="p1")
        text = session.pin(session.key("k2"), id="p2", format="string", minLength=3)
        binary = session.pin(session.key("k3"), session.key("k4"), id="p3", format="binary",
                             minLength=2, maxLength=4)
        return {"pukPolicySpecifiers": [
            {"id": "u%d" % n, "encryptedPuk": session.encrypt(b"1234567890"), "retryLimit": 5,
             "format": "numeric", "pinPolicySpecifiers": [policy]}
            for n, policy in enumerate((preset, text))],
            "pinPolicySpecifiers": [binary], "keyEntrySpecifiers": [session.key("k5")]}

    def test_several_policies(self):
        session = self.enrol(self.creating(self.several), "--pin", "00ff10", "--pin", "0A0b",
                             pin="grün")
        for id, pin in (("k1", b"0815"), ("k2", "grün".encode()), ("k3", b"\0\xff\x10"),
                        ("k4", b"\x0a\x0b"), ("k5", b"")):
            self.signs(session, id, pin)

    def test_a_binary_pin_is_hexadecimal(self):
        def make(session):
            return {"pinPolicySpecifiers": [session.pin(format="binary", minLength=2,
                                                        maxLength=4)]}
        for pin, problem in (("00f", "hexadecimal"), ("xx00", "hexadecimal"), ("00", "too short"),
                             ("0011223344", "too long")):
            self.refused(self.creating(make), problem, pin=pin)

    def terminal(self, make):
        self.issuer.script = self.creating(make)
        terminal = Terminal([program_path("sks-proxy"), "provision", self.issuer.uri, "--token",
                             self.token.url])
        self.addCleanup(terminal.kill)
        return terminal.answer("Go on? [y/N] ", "y")

    def test_a_preset_pin_asks_nothing(self):
        def make(session):
            return {"pinPolicySpecifiers": [session.pin(session.key(
                encryptedPin=session.encrypt(b"0815")))]}
        terminal = self.terminal(make)
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.assertNotIn("PIN", terminal.shown)
        self.signs(self.issuer.last, "Key.1", b"0815")

    def test_each_policy_is_explained(self):
        terminal = self.terminal(self.several)
        terminal.wait_for("Choose a PIN for key \"k2\": 3 to 8 bytes of text")
        terminal.answer("PIN: ", "abc").answer("Again: ", "abc")
        for id, pin in (("k3", "0001"), ("k4", "0002")):
            terminal.wait_for("Choose a PIN for key \"%s\": 2 to 4 " % id)
            terminal.answer("PIN: ", "no").answer("Again: ", "no").wait_for("hexadecimal")
            terminal.answer("PIN: ", pin).answer("Again: ", pin)
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.signs(self.issuer.last, "k4", b"\0\2")


class Privacy(ProxyCase):
    def test_whole_life_without_a_device(self):
        """Made, found, unlocked and deleted by an issuer that never learns which device it is."""
        def making(session):
            yield from self.begin(session, kmk=self.kmk, privacyEnabled=True)
            yield session.creation(pinPolicySpecifiers=[session.pin()])
            yield session.finalization(session.credential())

        def managing(use, privacy=True):
            def script(session):
                yield from self.begin(session, kmk=self.kmk, privacyEnabled=privacy)
                answer = yield session.discovery(session.lookup(self.kmk))
                (found,) = answer["lookupResults"][0]["matchingCredentials"]
                self.assertEqual(found["serverSessionId"], made.session.id)
                yield session.finalization(**{use: [session.target(made, self.kmk)]})
            return script
        made = self.enrol(making).credentials["Key.1"]
        self.assertIsNone(self.issuer.last.device_certificate)
        self.refused(managing("deleteKeys", privacy=False), "ERROR_OPTION", "token")
        self.enrol(managing("unlockKeys"))
        made.session = self.issuer.last     # which owns the key now
        self.enrol(managing("deleteKeys"))
        self.assertIsNone(self.attributes(made))
