"""What sks-proxy does on its own: PINs, consent, TLS, broken connections, Ctrl-C."""

import json
import signal
import time

from rig.certificates import Authority
from rig.client_side import Client
from rig.mitm import Drop, Relay, sks_name, upstream_connection
from rig.processes import provision, run, spawn
from rig.sks_wire import METHODS
from rig.testcase import RigTest

DONE, REFUSED, USAGE, IO_ERROR, IN_DOUBT = range(5)
PROFILE = "/kg2/p256-user-pin"
# Reading twice does no harm.
READING = {"getDeviceInfo", "enumerateProvisioningSessions", "enumerateKeys", "getKeyHandle",
           "getKeyAttributes", "getKeyProtectionInfo"}


class ProxyTest(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.inner = Relay(cls.token.url, name=sks_name)
        cls.outer = Relay()
        for relay in (cls.inner, cls.outer):
            cls.addClassCleanup(relay.close)
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca],
                                      options=["--public-url", cls.outer.url])
        cls.outer.upstream = cls.issuer.url

    def setUp(self):
        for relay in (self.inner, self.outer):
            relay.hook, relay.close_silently, relay.seen = None, False, []

    def provision(self, *options, **changes):
        return provision(self.outer.url + PROFILE, self.inner.url, *options, **changes)

    def calls(self):
        """How often each method that changes something was called."""
        names = [name for direction, name in self.inner.seen if direction == "request"]
        return {name: names.count(name) for name in METHODS if name not in READING}


class Pins(ProxyTest):
    def test_bad_pins_are_not_sent(self):
        wire = self.wire()
        before = wire.snapshot()
        for pin in ("471", "471147114", "47a1", "1234", "9876", "4777", "", "٤٧١١"):
            with self.subTest(pin):
                self.inner.seen = []
                code, outcome, log = self.provision(pin=pin)
                self.assertIn(code, (REFUSED, USAGE), (outcome, log))
                self.assertNotEqual(outcome["outcome"], "succeeded")
                self.assertEqual(self.calls()["createKeyEntry"], 0)
                self.assertEqual(wire.snapshot(), before)
                if outcome["serverSessionId"]:
                    self.assert_verdict(outcome["serverSessionId"])

    def test_pin_file(self):
        path = self.folder / "pin"
        path.write_text("47110815\n")
        for mode, wanted in ((0o644, IO_ERROR), (0o600, DONE)):
            path.chmod(mode)
            done = run("sks-proxy", "provision", self.outer.url + PROFILE, "--token",
                       self.inner.url, "--pin-file", path, "--yes", "--json")
            self.assertEqual(done.returncode, wanted, done.stderr)

    def test_no_terminal_to_ask_at(self):
        done = run("sks-proxy", "provision", self.outer.url + PROFILE, "--token",
                   self.inner.url, "--json")
        self.assertNotEqual(done.returncode, DONE)
        self.assertEqual(self.wire().sessions(True), [])

    def test_trace_names_each_message_and_no_secret(self):
        code, _, log = self.provision("-v", pin="47110815")
        self.assertEqual(code, DONE)
        for name in ("InvocationRequest", "ProvisioningInitializationResponse",
                     "KeyCreationRequest", "ProvisioningFinalizationResponse",
                     "createProvisioningSession", "createKeyEntry", "closeProvisioningSession"):
            self.assertIn(name, log)
        self.assertNotIn("47110815", log)


class BrokenConnections(ProxyTest):
    """No SKS call is ever sent twice; a broken close is in doubt."""

    def drop(self, where, what, times=1):
        """Drops that many of the requests or responses of that name."""
        left = [times]

        def hook(direction, name, _body, _count):
            if (direction, name) == (where, what) and left[0]:
                left[0] -= 1
                raise Drop
        return hook

    def test_kept_connections_that_die(self):
        """Noticed in time, a new one is made; noticed too late, the session is given up."""
        wire = self.wire()
        for _ in range(5):
            before = wire.snapshot()
            self.inner.seen = []
            self.inner.close_silently = self.outer.close_silently = True
            code, outcome, log = self.provision()
            self.assertIn(code, (DONE, IO_ERROR, IN_DOUBT), (outcome, log))
            self.assertLessEqual(max(self.calls().values()), 1, self.calls())
            self.assertEqual(wire.sessions(True), [])
            if code == IO_ERROR:
                self.assertEqual(wire.snapshot(), before)

    def test_broken_call(self):
        wire = self.wire()
        before = wire.snapshot()
        for method in ("createProvisioningSession", "createPinPolicy", "createKeyEntry",
                       "setCertificatePath"):
            for direction in ("request", "response"):
                with self.subTest(method, dropped=direction):
                    self.inner.seen = []
                    self.inner.hook = self.drop(direction, method)
                    code, outcome, log = self.provision()
                    self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "error"),
                                     (outcome, log))
                    self.assertEqual(self.calls()[method], 1)
                    self.assert_verdict(outcome["serverSessionId"], ("failed", "in doubt"))
                    if (method, direction) == ("createProvisioningSession", "response"):
                        # Nobody knows its handle: at most one, which its life time ends.
                        self.assertLessEqual(len(wire.sessions(True)), 1)
                        self.abort_open_sessions(wire)
                    self.assertEqual(wire.snapshot(), before)

    @staticmethod
    def abort_open_sessions(wire):
        for session in wire.sessions(True):
            wire.call("abortProvisioningSession", provisioningHandle=session.provisioningHandle)

    def break_close(self, direction):
        self.inner.seen = []
        self.inner.hook = self.drop(direction, "closeProvisioningSession")
        code, outcome, log = self.provision()
        self.assertEqual(self.calls()["closeProvisioningSession"], 1)
        self.assert_verdict(outcome["serverSessionId"], ("open", "in doubt", "failed"))
        self.assertEqual(self.wire().sessions(True), [])
        return code, (outcome, log)

    def test_close_whose_answer_is_lost(self):
        keys = len(self.wire().keys())
        code, told = self.break_close("response")
        self.assertEqual((code, told[0]["outcome"]), (IN_DOUBT, "in doubt"), told)
        self.assertEqual(len(self.wire().keys()) - keys, 1)

    def test_close_that_never_arrived(self):
        """In doubt too, unless the abort that follows shows that it was still open."""
        wire = self.wire()
        before = wire.snapshot()
        code, told = self.break_close("request")
        self.assertIn((code, told[0]["outcome"]), ((IN_DOUBT, "in doubt"), (IO_ERROR, "error")),
                      told)
        self.assertEqual(wire.snapshot(), before)

    def test_broken_exchange_with_the_issuer(self):
        """Repeated or given up: the token is clean either way, and the two ends agree."""
        wire = self.wire()
        for name in ("InvocationResponse", "ProvisioningInitializationResponse",
                     "KeyCreationResponse"):
            for direction, what in (("request", name), ("response", None)):
                with self.subTest(name, dropped=direction):
                    before = wire.snapshot()
                    self.outer.hook = self.drop_answer_to(name) if what is None \
                        else self.drop(direction, what)
                    code, outcome, log = self.provision()
                    self.assertIn(code, (DONE, IO_ERROR), (outcome, log))
                    self.assertEqual(wire.sessions(True), [])
                    if code == DONE:
                        self.assert_verdict(outcome["serverSessionId"], "succeeded")
                    else:
                        self.assertEqual(wire.snapshot(), before)
                        self.assert_verdict(outcome["serverSessionId"], ("failed", "open"))

    def drop_answer_to(self, name):
        dropped = []

        def hook(direction, seen, _body, count):
            if direction == "request" and seen == name:
                dropped.append(count)
            elif direction == "response" and dropped == [count]:
                raise Drop
        return hook

    def test_lost_proof(self):
        """The token has closed; the issuer got the proof or is in doubt, and the proxy says so."""
        for hook in (self.drop("request", "ProvisioningFinalizationResponse"),
                     self.drop_answer_to("ProvisioningFinalizationResponse")):
            keys = len(self.wire().keys())
            self.outer.hook = hook
            code, outcome, log = self.provision()
            self.assertIn(code, (DONE, IN_DOUBT), (outcome, log))
            self.assert_verdict(outcome["serverSessionId"],
                                "succeeded" if code == DONE else ("succeeded", "in doubt"))
            self.assertEqual(len(self.wire().keys()) - keys, 1)

    def test_interrupted_by_the_user(self):
        wire = self.wire()
        before = wire.snapshot()
        for name in ("ProvisioningInitializationRequest", "KeyCreationRequest"):
            with self.subTest(name):
                running = []

                def hook(direction, seen, _body, _count, name=name, running=running):
                    if (direction, seen) == ("response", name):
                        running[0].send_signal(signal.SIGINT)
                        time.sleep(0.5)

                self.outer.hook = hook
                running.append(spawn("sks-proxy", "provision", self.outer.url + PROFILE,
                                     "--token", self.inner.url, "--pin", "4711", "--yes",
                                     "--json"))
                out, log = running[0].communicate(timeout=120)
                self.assertNotIn(running[0].returncode, (DONE, -signal.SIGINT), log)
                self.assertEqual(wire.snapshot(), before)
                self.assert_verdict(json.loads(out)["serverSessionId"])


class Tls(RigTest):
    """The TLS certificate that the proxy saw is part of the session."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.pem = Authority("Middleman").write_tls_server(cls.folder / "middleman.pem")
        cls.relay = Relay(tls=cls.pem)
        cls.addClassCleanup(cls.relay.close)
        cls.issuer = cls.start_relayed()

    @classmethod
    def start_relayed(cls, *options):
        issuer = cls.start_issuer(trust=[cls.token.device_ca], http=None, https="127.0.0.1:0",
                                  options=["--public-url", cls.relay.url, *options])
        cls.relay.upstream = issuer.https_url
        return issuer

    def test_middleman_with_a_certificate_of_his_own(self):
        wire = self.wire()
        before = wire.snapshot()
        self.relay.upstream = self.issuer.https_url
        code, outcome, log = provision(self.relay.url + PROFILE, self.token.url, "--insecure")
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "issuer"), (outcome, log))
        self.assert_verdict(outcome["serverSessionId"])
        self.assertEqual(wire.snapshot(), before)

    def test_certificate_that_the_issuer_knows_of(self):
        issuer = self.start_relayed("--seen-certificate", self.pem)
        code, outcome, log = provision(self.relay.url + PROFILE, self.token.url, "--insecure")
        self.assertEqual(code, DONE, (outcome, log))
        self.assert_verdict(outcome["serverSessionId"], "succeeded", issuer)

    def test_certificate_that_nobody_vouches_for(self):
        other = Authority("Other").write_pem(self.folder / "other.pem")
        for options in ((), ("--ca", other)):
            code, outcome, _ = provision(self.issuer.https_url + PROFILE, self.token.url,
                                         *options)
            self.assertEqual((code, outcome["outcome"]), (IO_ERROR, "error"))
        self.assertEqual(self.wire().sessions(True), [])

    def test_sessions_keep_to_their_listener(self):
        """A cookie that was given out over https is nothing over http."""
        issuer = self.start_issuer(http="127.0.0.1:0", https="127.0.0.1:0")
        client = Client(issuer.url, "p256-user-pin")
        client.start()
        message = client.answer()
        other = upstream_connection(issuer.https_url)
        other.request("POST", client.path, json.dumps(message),
                      {"Content-Type": "application/json", "Cookie": client.http.cookie})
        self.assertNotEqual(other.getresponse().status, 200)
        other.close()
