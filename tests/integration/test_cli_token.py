"""sks-token list, show, info, sessions and abort: what people see of keys and sessions."""

import hashlib
import ssl
import time

from cryptography import x509

from rig.certificates import generate
from rig.clicase import DONE, IO_ERROR, USAGE, CliTest, both_ways, sks_token
from rig.constructs import property_bag, spki
from rig.keycase import MORE, PREFIX
from rig.processes import run
from rig.sks_types import from_base64url

COMMANDS = {"info": [], "list": [], "show": ["1"], "sign": ["1"], "decrypt": ["1"],
            "encrypt": ["1"], "hmac": ["1"], "derive": ["1", "--peer", "x.pem"], "export": ["1"],
            "delete": ["1", "--yes"], "change-pin": ["1"], "set-pin": ["1"], "unlock": ["1"],
            "sessions": [], "abort": ["1"]}
BY_PIN, BY_PUK = 1, 2
BAG = property_bag(("Limit", True, "100"), ("Note", False, "a\nb"), ("Empty", True, ""))


class Usage(CliTest):
    def test_each_has_help_and_wants_a_store(self):
        for name, arguments in COMMANDS.items():
            with self.subTest(name):
                done = run("sks-token", name, "--help")
                self.assertEqual((done.returncode, done.stderr), (DONE, ""))
                self.assertIn("--store", done.stdout)
                done = run("sks-token", name, *arguments)
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertIn("--store", done.stderr)

    def test_operands_are_wanted(self):
        for name, arguments in COMMANDS.items():
            if arguments:
                self.refused(name, *arguments[1:], code=USAGE, text="operand missing")
            self.refused(name, "1", "2", *arguments[1:], code=USAGE, text="unexpected operand")

    def test_no_store(self):
        for name, arguments in COMMANDS.items():
            done = sks_token(self.folder / "none", name, *arguments)
            self.assertEqual((done.code, done.out), (IO_ERROR, b""), name)
            self.assertIn("sks-token init", done.err)

    def test_no_option_takes_a_secret(self):
        for name in COMMANDS:
            for line in run("sks-token", name, "--help").stdout.splitlines():
                if line.strip().startswith("--") and ("pin" in line.split()[0]
                                                      or "puk" in line.split()[0]):
                    self.assertIn("-file FILE", line)


class Keys:
    def test_table(self):
        key, = self.make({"friendlyName": "Login", "appUsage": 1}, puk=True)
        plain, = self.make({"pin": None, "symmetric": bytes(32)})
        lines = self.command("list").text.splitlines()
        rows = {line.split()[0]: line for line in lines}
        self.assertEqual(lines[0].split(), ["handle", "name", "algorithm", "use", "protection",
                                            "expires", "subject"])
        expires = x509.load_der_x509_certificate(key.certificate).not_valid_after.date()
        self.assertEqual(rows[str(key.handle)].split(), [
            str(key.handle), "Login", "EC", "P-256", "authentication", "PIN+PUK", str(expires),
            "CN=Key.0"])
        self.assertIn(" AES-256 ", rows[str(plain.handle)])
        self.assertIn(" none ", rows[str(plain.handle)])
        places = {line.index("CN=") for line in lines[1:]} | {lines[0].index("subject")}
        self.assertEqual(len(places), 1, "columns stand below each other")

    def test_json(self):
        key, = self.make({"friendlyName": "Schlüssel ü", "symmetric": bytes(20),
                          "endorsedAlgorithm": [MORE + "hmac-sha256"]})
        row, = [row for row in self.data("list")["keys"] if row["handle"] == key.handle]
        self.assertEqual(row["friendlyName"], "Schlüssel ü")
        self.assertEqual((row["algorithm"], row["symmetricKeyLength"]), ("symmetric 160 bit", 20))
        self.assertEqual(row["provisioningHandle"], self.owner(key))
        self.assertEqual(row["endorsedAlgorithms"], [MORE + "hmac-sha256"])
        self.assertEqual([from_base64url(item) for item in row["certificatePath"]],
                         [key.certificate])
        self.assertEqual(row["protection"], "PIN")

    def test_algorithms_in_words(self):
        for options, text in (({"keyAlgorithm": PREFIX + "ec.nist.p521"}, "EC P-521"),
                              ({"keyAlgorithm": PREFIX + "ec.brainpool.p256r1"},
                               "EC brainpoolP256r1"),
                              ({"keyAlgorithm": PREFIX + "ed25519"}, "Ed25519"),
                              ({"keyAlgorithm": PREFIX + "rsa2048"}, "RSA 2048"),
                              ({"symmetric": bytes(16)}, "AES-128"),
                              ({"symmetric": bytes(32),
                                "endorsedAlgorithm": [MORE + "hmac-sha256"]},
                               "symmetric 256 bit")):
            key, = self.make({"pin": None, **options})
            self.assertEqual(self.data("show", key.handle)["algorithm"], text)

    def test_names_cannot_command_a_terminal(self):
        name = "\x1b[31mred\r\n\u009bx"
        key, = self.make({"friendlyName": name, "pin": None})
        for text in (self.command("list").text, self.command("show", key.handle).text,
                     self.command("show", name).text,
                     self.command("delete", name, "--yes").text):
            self.assertIn("?[31mred????x", text)
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\u009b", text)

    def test_by_name(self):
        key, = self.make({"friendlyName": "only one", "pin": None})
        self.assertEqual(self.data("show", "only one")["handle"], key.handle)
        twins = self.make({"friendlyName": "twin", "pin": None},
                          {"id": "Key.9", "friendlyName": "twin", "pin": None})
        text = self.refused("show", "twin", code=USAGE)
        for twin in twins:
            self.assertRegex(text, r"\b%d\b" % twin.handle)
        self.refused("show", "nobody", text="no key has the friendly name \"nobody\"")
        self.refused("show", "only", text="no key")
        self.refused("show", "", text="empty", code=USAGE)

    def test_a_number_is_a_handle(self):
        key, = self.make({"friendlyName": "4000000000", "pin": None})
        self.refused("show", "4000000000", text="ERROR_NO_KEY")
        self.refused("show", 0, text="ERROR_NO_KEY")
        self.assertEqual(self.data("show", key.handle)["friendlyName"], "4000000000")
        big, = self.make({"friendlyName": "99999999999999999999999", "pin": None})
        self.assertEqual(self.data("show", "9" * 23)["handle"], big.handle)


class Show:
    def text(self, key, *arguments):
        return self.command("show", key.handle, *arguments).text

    def test_drawn_without_pin(self):
        key, = self.make({"pin": None, "friendlyName": "Open", "exportProtection": 0})
        drawn = self.text(key).split("protection\n")[1].split("\n\n")[0]
        self.assertEqual(drawn.splitlines(), [
            '  key %d "Open"' % key.handle,
            "    |",
            "    +--used----->  by whoever reaches the token",
            "    +--exported->  by whoever reaches the token",
            "    +--deleted-->  by whoever reaches the token"])

    def test_drawn_with_pin_and_puk(self):
        key, = self.make({"exportProtection": BY_PIN, "deleteProtection": BY_PUK}, grouping=1,
                         puk={"format": 1, "value": b"ABC123", "retryLimit": 3})
        self.miss(key)
        drawn = self.text(key).split("protection\n")[1].split("\n\n")[0]
        self.assertEqual(drawn.splitlines(), [
            "  key %d" % key.handle,
            "    |",
            "    +--PIN-->  PIN",
            "    |          4 to 8 digits",
            "    |          one for all keys of its policy",
            "    |          chosen by the user; the user may change it",
            "    |          2 of 3 tries left",
            "    |           |",
            "    |           +--PUK-->  PUK",
            "    |                      digits or capital letters A-Z",
            "    |                      3 of 3 tries left",
            "    |",
            "    +--used----->  with the PIN",
            "    +--exported->  with the PIN",
            "    +--deleted-->  with the PUK"])

    def test_drawn_blocked(self):
        key, = self.make({}, puk={"retryLimit": 1}, retryLimit=1, userDefined=False,
                         userModifiable=False, format=3, inputMethod=2, patternRestrictions=4)
        self.miss(key)
        self.miss_puk(key)
        text = self.text(key)
        for line in ("4 to 8 bytes, typed as hexadecimal digits; no sequence like 1234 or 9876",
                     "for this key alone", "chosen by the issuer; the user may not change it",
                     "to be typed into a trusted GUI", "never"):
            self.assertIn(line + "\n", text)
        self.assertEqual(text.count("BLOCKED after 1 wrong tries"), 2)
        shown = self.data("show", key.handle)["protection"]
        self.assertEqual(shown["exportProtection"], "non-exportable")
        for what in ("pin", "puk"):
            self.assertEqual((shown[what]["blocked"], shown[what]["triesLeft"],
                              shown[what]["retryLimit"]), (True, 0, 1))
        row, = [row for row in self.data("list")["keys"] if row["handle"] == key.handle]
        self.assertEqual(row["protection"], "PIN blocked+PUK blocked")

    def test_puk_that_never_blocks(self):
        key, = self.make({}, puk={"retryLimit": 0})
        self.assertIn("never blocks; each try waits", self.text(key))
        self.assertIsNone(self.data("show", key.handle)["protection"]["puk"]["triesLeft"])

    def test_protection_as_data(self):
        key, = self.make({"enablePinCaching": True, "value": b"47A1"}, puk=True, inputMethod=2,
                         minLength=2, maxLength=9, patternRestrictions=3, format=1, grouping=3, retryLimit=7,
                         userDefined=False)
        shown = self.data("show", key.handle)["protection"]
        self.assertEqual(shown["pin"], {
            "format": "alphanumeric", "minLength": 2, "maxLength": 9, "grouping": "unique",
            "patternRestrictions": ["two-in-a-row", "three-in-a-row"], "retryLimit": 7,
            "triesLeft": 7, "blocked": False, "inputMethod": "trusted-gui", "userDefined": False,
            "userModifiable": True, "enablePinCaching": True})
        self.assertEqual(shown["puk"], {"format": "numeric", "retryLimit": 5, "triesLeft": 5,
                                        "blocked": False})
        self.assertEqual((shown["devicePin"], shown["biometricProtection"],
                          shown["deleteProtection"]), (False, "none", "none"))
        plain, = self.make({"pin": None})
        shown = self.data("show", plain.handle)["protection"]
        self.assertEqual((shown["pin"], shown["puk"]), (None, None))

    def test_origin_and_export(self):
        made, = self.make({"pin": None, "exportProtection": 0})
        given, = self.make({"pin": None, "private": generate("P-384")})
        self.manage("exportKey", made)
        self.assertIn("made in the token, has been exported", self.text(made))
        self.assertIn("imported\n", self.text(given))
        self.assertEqual(self.data("show", made.handle)["keyBackup"], ["exported"])
        self.assertEqual(self.data("show", given.handle)["keyBackup"], ["imported"])

    def test_certificates(self):
        session = self.session()
        key = session.key(endorsedAlgorithm=[MORE + "ecdsa-sha256", MORE + "ecdsa-sha384"])
        leaf = self.authority.issue("Müller, Eva", key.public)
        session.certify(key, [leaf, self.authority.der])
        session.close()
        text = self.text(key)
        read = x509.load_der_x509_certificate(leaf)
        for line in ("certificate 1 of 2", "certificate 2 of 2", "CN=Müller\\, Eva", "CN=Test CA",
                     "%x" % read.serial_number, hashlib.sha256(leaf).hexdigest(),
                     read.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ"), "EC P-256",
                     "Digital Signature", "Certificate Sign", MORE + "ecdsa-sha384"):
            self.assertIn(line, text)
        shown = self.data("show", key.handle)["certificates"]
        self.assertEqual([from_base64url(item["der"]) for item in shown],
                         [leaf, self.authority.der])
        self.assertEqual(shown[0]["sha256"], hashlib.sha256(leaf).hexdigest())
        self.assertEqual(int(shown[0]["serialNumber"], 16), read.serial_number)
        self.assertEqual((shown[0]["issuer"], shown[1]["basicConstraints"]),
                         ("CN=Test CA", "CA:TRUE"))
        pem = self.command("show", key.handle, "--pem").out
        self.assertEqual([ssl.PEM_cert_to_DER_cert(item + "-----END CERTIFICATE-----\n")
                          for item in pem.decode().split("-----END CERTIFICATE-----\n")[:-1]],
                         [leaf, self.authority.der])
        self.command("show", key.handle, "--pem", "--out", self.folder / "path.pem")
        self.assertEqual((self.folder / "path.pem").read_bytes(), pem)

    def test_other_names_and_expiry(self):
        session = self.session()
        key = session.key()
        certificate = self.authority.issue_expired("a.example", key.public)
        session.certify(key, [certificate])
        session.close()
        text = self.text(key)
        self.assertIn("DNS:a.example", text)
        self.assertIn("TLS Web Client Authentication", text)
        self.assertIn(" - EXPIRED", text)
        row, = [line for line in self.command("list").text.splitlines()
                if line.split()[0] == str(key.handle)]
        self.assertIn(" EXPIRED ", row)

    def test_extensions(self):
        logo = b"\x89PNG\x00\xff"
        key, = self.make({"pin": None, "extensions": [
            {"type": "http://x/bag", "subType": 2, "data": BAG},
            {"type": "http://x/logo", "subType": 3, "qualifier": "image/png", "data": logo},
            {"type": "http://x/secret", "subType": 1, "data": b"shh"},
            {"type": "http://x/plain", "data": b""}]})
        text = self.text(key)
        self.assertIn("http://x/logo  logotype image/png, 6 bytes", text)
        self.assertEqual([(item["type"], item["subType"], item["size"]) for item in
                          self.data("show", key.handle)["extensions"]], [
            ("http://x/bag", "property-bag", len(BAG)), ("http://x/logo", "logotype", 6),
            ("http://x/secret", "encrypted-extension", 3), ("http://x/plain", "extension", 0)])
        for kind, data in (("logo", logo), ("secret", b"shh"), ("plain", b""),
                           ("bag", b"Limit=100\nNote=a?b\nEmpty=\n")):
            with self.subTest(kind):
                arguments = ("show", key.handle, "--extension", "http://x/" + kind)
                self.assertEqual(self.command(*arguments).out, data)
                self.command(*arguments, "--out", self.folder / kind)
                self.assertEqual((self.folder / kind).read_bytes(), data)
        told = self.data("show", key.handle, "--extension", "http://x/bag")
        self.assertEqual(told["properties"], [
            {"name": "Limit", "writable": True, "value": "100"},
            {"name": "Note", "writable": False, "value": "a\nb"},
            {"name": "Empty", "writable": True, "value": ""}])
        told = self.data("show", key.handle, "--extension", "http://x/logo")
        self.assertEqual((from_base64url(told["data"]), told["qualifier"]), (logo, "image/png"))
        self.refused("show", key.handle, "--extension", "http://x/none", text="ERROR_OPTION")
        with self.terminal("show", key.handle, "--extension", "http://x/logo", code=USAGE) as t:
            t.wait_for("--out FILE or a pipe")
        self.assertNotIn("PNG", t.shown)

    def test_options_that_exclude_each_other(self):
        key, = self.make({"pin": None})
        for options in (("--pem", "--json"), ("--pem", "--extension", "x"), ("--out", "x"),
                        ("--json", "--extension", "x", "--out", "x")):
            self.refused("show", key.handle, *options, code=USAGE)


class Sessions:
    def row(self, session):
        shown = [row for row in self.data("sessions")["sessions"]
                 if row["provisioningHandle"] == session.handle]
        return shown[0] if shown else None

    def test_open_and_closed(self):
        kmk = generate("RSA-2048")
        closed = self.session(keyManagementKey=spki(kmk.public_key()), privacyEnabled=True)
        self.finish(closed, closed.key())
        still = self.session(sessionLifeTime=500, clientTime=int(time.time()) - 100)
        row = self.row(closed)
        digest = hashlib.sha256(spki(kmk.public_key())).hexdigest()
        self.assertEqual((row["state"], row["privacyEnabled"], row["keyManagementKeySha256"],
                          row["secondsLeft"]), ("closed", True, digest, None))
        row = self.row(still)
        self.assertEqual((row["state"], row["privacyEnabled"], row["keyManagementKeySha256"]),
                         ("open", False, None))
        self.assertEqual({name: row[name] for name in still.ids}, still.ids)
        self.assertTrue(300 < row["secondsLeft"] <= 400, row)
        lines = {line.split()[0]: line.split()
                 for line in self.command("sessions").text.splitlines()}
        self.assertEqual(lines[str(closed.handle)][1], "closed")
        self.assertIn(digest[:16], lines[str(closed.handle)])
        for name in still.ids.values():
            self.assertIn(name, lines[str(still.handle)])
        still.abort()

    def test_a_clock_that_differs_is_not_believed(self):
        session = self.session(clientTime=int(time.time()) + 5000)
        self.assertIsNone(self.row(session)["secondsLeft"])
        session.abort()

    def test_abort(self):
        first, second = self.session(), self.session()
        self.command("abort", first.handle)
        self.assertFalse(self.is_open(first))
        self.command("abort", second.ids["clientSessionId"])
        self.assertFalse(self.is_open(second))
        self.assertIsNone(self.row(second))
        for what in (first.handle, 4000000000):
            self.refused("abort", what, text="ERROR_NO_SESSION")
        self.refused("abort", second.ids["clientSessionId"], text="no open session has")

    def test_closed_ones_cannot_be_aborted(self):
        session = self.session()
        self.finish(session, session.key())
        self.refused("abort", session.handle, text="ERROR_NO_SESSION")
        self.refused("abort", session.ids["clientSessionId"], text="no open session")
        self.assertEqual(self.row(session)["state"], "closed")


class Info:
    def test_device_certificate(self):
        text = self.command("info").text
        device = self.sks.call("getDeviceInfo").certificate[0]
        self.assertIn(hashlib.sha256(device).hexdigest(), text)
        self.assertIn("API level            106", text)
        shown, = self.data("info")["certificates"]
        self.assertEqual(from_base64url(shown["der"]), device)


globals().update(both_ways(__name__, Keys, Show, Sessions, Info))
