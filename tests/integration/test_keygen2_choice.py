"""What sks-proxy asks its user: tokens, trust anchors, keys that are to be changed; capabilities."""

import json

from cryptography import x509

from rig import keygen2_issuer
from rig.certificates import der
from rig.clicase import DONE, REFUSED, Terminal
from rig.processes import program_path, run
from rig.proxycase import IO_ERROR, USAGE, ProxyCase
from rig.sks_wire import SksClient

LOGOTYPE = "https://webpki.github.io/keygen2/logotype#"
ATTRIBUTE = "https://webpki.github.io/keygen2/clientattr#"


class ChoiceCase(ProxyCase):
    def terminal(self, script, *options):
        self.issuer.script = script
        terminal = Terminal([program_path("sks-proxy"), "provision", self.issuer.uri, "--token",
                             self.token.url, "--state", str(self.folder / "state"), *options])
        self.addCleanup(terminal.kill)
        return terminal

    def simple(self, credential=(), **invocation):
        def script(session):
            yield from self.begin(session, kmk=self.kmk, **invocation)
            yield session.creation(keyEntrySpecifiers=[session.key(friendlyName="My key")])
            yield session.finalization(session.credential(subject="Alice", **dict(credential)))
        return script


class Tokens(ChoiceCase):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.second = cls.start_token()

    def keys(self):
        return [len(token.list()) for token in (self.token, self.second)]

    def test_the_first_that_fits(self):
        before = self.keys()
        for first, second, wanted in ((self.token, self.second, 0), (self.second, self.token, 1)):
            self.issuer.script = self.simple(targetKeyContainers=["uicc", "software"])
            done = run("sks-proxy", "provision", self.issuer.uri, "--token", first.url,
                       "--token", second.url, "--yes", "--json")
            self.assertEqual(done.returncode, DONE, done.stdout)
            before[wanted] += 1
            self.assertEqual(self.keys(), before)

    def test_none_fits(self):
        self.refused(self.simple(targetKeyContainers=["uicc", "sdcard"]),
                     "a token of another kind: \"uicc\"", "proxy", "--token", self.second.url)

    def test_a_person_chooses(self):
        before = self.keys()
        terminal = self.terminal(self.simple(), "--token", self.second.url)
        terminal.answer("Go on? [y/N] ", "y").wait_for("2  token 2: ")
        terminal.answer("Which one: ", "2")
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.assertEqual(self.keys(), [before[0], before[1] + 1])
        for answer in ("", "0", "3", "x"):
            terminal = self.terminal(self.simple(), "--token", self.second.url)
            terminal.answer("Go on? [y/N] ", "y").answer("Which one: ", answer)
            self.assertEqual(terminal.finish(), REFUSED, terminal.shown)
        self.assertEqual(self.keys(), [before[0], before[1] + 1])

    def test_a_session_waits_in_either(self):
        def script(session):
            yield from self.begin(session)
            yield session.creation(deferredIssuance=True, keyEntrySpecifiers=[session.key()])
            yield keygen2_issuer.PENDING
            yield session.invocation()
            yield session.finalization(session.credential())
        command = ["sks-proxy", "provision", self.issuer.uri, "--yes", "--json", "--state",
                   self.folder / "state"]
        self.issuer.script = script
        done = run(*command, "--token", self.second.url)
        self.assertEqual(json.loads(done.stdout)["outcome"], "pending", done.stderr)
        self.issuer.last.approved = True
        done = run(*command, "--token", self.token.url, "--token", self.second.url, "--resume")
        self.assertEqual(json.loads(done.stdout)["outcome"], "succeeded", done.stdout)
        wire = SksClient(self.second.url)
        self.assertEqual(wire.sessions(True), [])
        wire.close()


class TrustAnchors(ChoiceCase):
    def setUp(self):
        super().setUp()
        self.ca = der(self.issuer.authority.certificate)
        self.fingerprint = keygen2_issuer.fingerprint(self.ca).hex()

    def offering(self):
        def script(session):
            yield from self.begin(session)
            yield session.creation(keyEntrySpecifiers=[session.key()])
            key = keygen2_issuer.constructs.from_spki(session.public_keys["Key.1"])
            path = [self.issuer.authority.issue("Alice", key), self.ca]
            yield session.finalization(session.credential(path=path, trustAnchor=True))
        return script

    def test_is_written_once(self):
        folder = self.new_folder() / "anchors"
        for _ in range(2):
            session = self.enrol(self.offering(), "--trust-anchor", folder)
            (anchor,) = session.outcome["trustAnchors"]
            path = folder / (self.fingerprint + ".pem")
            self.assertEqual(anchor, {"fingerprint": self.fingerprint, "subject": "CN=Test CA",
                                      "file": str(path)})
            self.assertEqual([item.name for item in folder.iterdir()], [path.name])
            self.assertEqual(path.stat().st_mode & 0o777, 0o644)
            self.assertEqual(der(x509.load_pem_x509_certificate(path.read_bytes())), self.ca)
            self.assertIn("Nothing protects this offer", session.log)

    def test_never_overwrites(self):
        folder = self.new_folder()
        path = folder / (self.fingerprint + ".pem")
        path.write_text("mine")
        code, outcome, log = self.run_script(self.offering(), "--trust-anchor", folder)
        self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "succeeded"))
        self.assertIn("holds something else", log)
        self.assertEqual(path.read_text(), "mine")

    def test_without_a_folder(self):
        session = self.enrol(self.offering())
        self.assertEqual(session.outcome["trustAnchors"],
                         [{"fingerprint": self.fingerprint, "subject": "CN=Test CA"}])
        self.assertIn(self.fingerprint, session.log)
        self.assertNotIn("trustAnchors", self.enrol(self.simple()).outcome)

    def test_a_person_is_asked_where(self):
        folder = self.new_folder()
        for answer, files in (("", []), (str(folder), [self.fingerprint + ".pem"])):
            terminal = self.terminal(self.offering())
            terminal.answer("Go on? [y/N] ", "y").wait_for(self.fingerprint)
            terminal.answer("(empty: do not): ", answer)
            self.assertEqual(terminal.finish(), DONE, terminal.shown)
            self.assertEqual([item.name for item in folder.iterdir()], files)

    def test_nothing_comes_of_a_failure(self):
        folder = self.new_folder()

        def script(session):
            inner = self.offering()(session)
            message = next(inner)
            while True:
                if "issuedCredentials" in message:
                    message["sessionCloseData"]["mac"] = "A" * 43
                message = inner.send((yield message))
        self.refused(script, "closeProvisioningSession", "token", "--trust-anchor", folder)
        self.assertEqual(list(folder.iterdir()), [])


class Consent(ChoiceCase):
    def deleting(self, credential):
        def script(session):
            yield from self.begin(session, kmk=self.kmk)
            yield session.finalization(deleteKeys=[session.target(credential, self.kmk)])
        return script

    def test_keys_that_are_to_go_are_shown(self):
        made = self.enrol(self.simple()).credentials["Key.1"]
        terminal = self.terminal(self.deleting(made))
        terminal.answer("Go on? [y/N] ", "y").wait_for("delete key My key, CN=Alice")
        terminal.answer("Go on? [y/N] ", "n")
        self.assertEqual(terminal.finish(), REFUSED, terminal.shown)
        self.assertIsNotNone(self.attributes(made))
        self.assertEqual(self.sks.sessions(True), [])
        terminal = self.terminal(self.deleting(made))
        terminal.answer("Go on? [y/N] ", "y").wait_for("delete key My key, CN=Alice")
        terminal.answer("Go on? [y/N] ", "y")
        self.assertEqual(terminal.finish(), DONE, terminal.shown)
        self.assertIsNone(self.attributes(made))

    def test_capabilities(self):
        def script(session):
            answer = yield session.invocation(clientCapabilityQuery=[
                LOGOTYPE + "card", LOGOTYPE + "icon", ATTRIBUTE + "os-vendor",
                ATTRIBUTE + "mac-address", "urn:unknown"])
            session.capabilities = {item.pop("type"): item
                                    for item in answer["clientCapabilities"]}
            yield session.initialization()
            yield session.creation(keyEntrySpecifiers=[session.key()])
            yield session.finalization(session.credential())
        said = self.enrol(script, "--image", "card=image/svg+xml:1000x640").capabilities
        vendor = said.pop(ATTRIBUTE + "os-vendor")
        self.assertTrue(vendor.get("values") or vendor == {"supported": False})
        self.assertEqual(said, {
            LOGOTYPE + "card": {"imageAttributes": {"mimeType": "image/svg+xml", "width": 1000,
                                                    "height": 640}},
            LOGOTYPE + "icon": {"imageAttributes": {"mimeType": "image/png", "width": 48,
                                                    "height": 48}},
            ATTRIBUTE + "mac-address": {"supported": False}, "urn:unknown": {"supported": False}})

    def test_images_that_are_none(self):
        for text in ("card", "card=image/png", "other=image/png:1x1", "card=image/png:0x1",
                     "card=image/png:1x", "card=:1x1", "card=image/png:1x1x", "card=a:-1x2",
                     "card=image/png:999999x1"):
            with self.subTest(text):
                self.assertEqual(self.image(text), USAGE)

    def image(self, text):
        return run("sks-proxy", "provision", self.issuer.uri, "--token", self.token.url, "--yes",
                   "--image", text).returncode
