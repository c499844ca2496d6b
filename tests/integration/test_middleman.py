"""The real programs with a middleman on either hop: which end notices, and that nothing stays."""

import json

from rig import clock, constructs
from rig.certificates import generate
from rig.client_side import Client, Device
from rig.middlemancase import (
    AT_THE_END, BY_ISSUER, BY_TOKEN, REFUSED, MiddlemanTest, flipped, new_jwk, put)
from rig.mitm import change_message, flip_bit
from rig.processes import provision
from rig.sks_types import Reader, base64url, encode_table
from rig.sks_wire import METHODS, decode_answer
from rig.testcase import RigTest, write_profile


class KeyGen2Hop(MiddlemanTest):
    """Between sks-proxy and the issuer."""

    def attack(self, qualifier, change, detected_by, **options):
        return self.assert_attack_fails(detected_by, outer=change_message(qualifier, change),
                                        **options)

    def test_nothing_changed(self):
        code, outcome, log = self.enroll()
        self.assertEqual(code, 0, (outcome, log))

    def test_session_establishment(self):
        request, response = "ProvisioningInitializationRequest", \
            "ProvisioningInitializationResponse"
        for what, qualifier, change in (
                ("swapped server key", request, put("serverEphemeralKey",
                                                    change=lambda _: new_jwk())),
                ("swapped client key", response, put("clientEphemeralKey",
                                                     change=lambda _: new_jwk())),
                ("session key limit", request, put("sessionKeyLimit", change=lambda n: n + 1)),
                ("life time", request, put("sessionLifeTime", change=lambda n: n + 1)),
                ("key management key", request, put("keyManagementKey",
                                                    change=lambda _: new_jwk())),
                ("attestation", response, put("attestation", change=flipped)),
                ("client session id", response, put("clientSessionId",
                                                    change=lambda _: "X" * 32)),
                ("client time", response, put("clientTime", change=lambda _:
                                              "2020-01-01T00:00:00+00:00")),
                ("device id dropped", response, lambda message: message.pop("deviceId"))):
            with self.subTest(what):
                self.attack(qualifier, change, BY_ISSUER)

    def test_privacy_switched_on_in_the_request(self):
        self.attack("InvocationRequest", lambda m: m.update(privacyEnabled=True), BY_ISSUER)

    def test_device_id_of_another_device(self):
        path = [base64url(Device().certificate)]
        self.attack("ProvisioningInitializationResponse",
                    lambda m: m.update(deviceId={"certificatePath": path}), BY_ISSUER)

    def test_key_creation_request(self):
        policy = ("pinPolicySpecifiers", 0)
        key = policy + ("keyEntrySpecifiers", 0)
        for path, change in (
                (policy + ("mac",), flipped), (policy + ("retryLimit",), lambda n: n + 1),
                (policy + ("minLength",), lambda n: n - 1),
                (policy + ("maxLength",), lambda n: n + 1),
                (policy + ("format",), lambda _: "string"),
                (policy + ("grouping",), lambda _: "shared"),
                (policy + ("userModifiable",), lambda _: False),
                (policy + ("inputMethod",), lambda _: "trusted-gui"),
                (policy + ("patternRestrictions",), lambda _: ["sequence"]),
                (policy + ("id",), lambda _: "PIN.2"),
                (key + ("mac",), flipped), (key + ("id",), lambda _: "Key.2"),
                (key + ("appUsage",), lambda _: "authentication"),
                (key + ("friendlyName",), lambda _: "yours"),
                (key + ("exportProtection",), lambda _: "none"),
                (key + ("deleteProtection",), lambda _: "pin"),
                (key + ("serverSeed",), lambda _: "AAAA"),
                (key + ("endorsedAlgorithms",), lambda _:
                 ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"])):
            with self.subTest(path[-1], of=path[-3]):
                self.attack("KeyCreationRequest", put(*path, change=change), BY_TOKEN)

    def test_pin_protection_taken_away(self):
        def change(message):
            policy = message.pop("pinPolicySpecifiers")[0]
            message["keyEntrySpecifiers"] = policy["keyEntrySpecifiers"]
        self.attack("KeyCreationRequest", change, BY_TOKEN)

    def test_key_creation_response(self):
        key = ("generatedKeys", 0)
        for path, change in ((key + ("attestation",), flipped),
                             (key + ("publicKey",), lambda _: new_jwk()),
                             (key + ("id",), lambda _: "Key.2")):
            with self.subTest(path[-1]):
                self.attack("KeyCreationResponse", put(*path, change=change), BY_ISSUER)

    def test_finalization_request(self):
        request = "ProvisioningFinalizationRequest"
        credential = ("issuedCredentials", 0)
        for path, change in ((credential + ("mac",), flipped),
                             (("sessionCloseData", "nonce"), flipped),
                             (("sessionCloseData", "mac"), flipped)):
            with self.subTest(path[-1], of=path[0]):
                self.attack(request, put(*path, change=change), BY_TOKEN, verdict=AT_THE_END)

    def test_certificate_path(self):
        """A changed certificate may already be noticed where the message is read."""
        for position in (20, -1):
            with self.subTest(position):
                self.attack("ProvisioningFinalizationRequest", put(
                    "issuedCredentials", 0, "certificatePath", 0,
                    change=lambda text: flipped(text, position)), (BY_TOKEN, "proxy"),
                    verdict=AT_THE_END)

    def test_closing_proof(self):
        """Too late for the token, which has closed; the issuer counts no success."""
        self.attack("ProvisioningFinalizationResponse", put("attestation", change=flipped),
                    BY_ISSUER, keeps_key=True)

    def test_message_of_another_session(self):
        """The middleman feeds in what an honest client of its own got for the same profile."""
        other = Client(self.issuer.url, "plain")
        other.start()
        self.attack("InvocationResponse",
                    lambda message: message.update(serverSessionId=other.session_id), BY_ISSUER)
        reply = other.post(other.answer())
        self.assertEqual(reply.status, 200, "the other session goes on")

    def test_replayed_key_creation_request(self):
        """The MACs of an earlier session are worth nothing in this one."""
        kept = []

        def hook(_direction, name, body, _count):
            if name != "KeyCreationRequest":
                return None
            message = json.loads(body)
            if not kept:
                kept.append(message)
                return None
            ids = {name: message[name] for name in ("serverSessionId", "clientSessionId")}
            return json.dumps({**kept[0], **ids}).encode()

        self.assertEqual(self.enroll(outer=hook)[0], 0)
        self.assert_attack_fails(BY_TOKEN, outer=hook)

    def test_junk_in_a_request(self):
        for what, change in (("unknown property", lambda body: body.replace(b"{", b'{"a":1,', 1)),
                             ("trailing data", lambda body: body + b"{}"),
                             ("duplicate", lambda body: body.replace(
                                 b"{", b'{"@qualifier":"x",', 1)),
                             ("cut", lambda body: body[:-2])):
            with self.subTest(what):
                self.assert_attack_fails("proxy", outer=lambda _d, name, body, _c: change(body)
                                         if name == "KeyCreationRequest" else None)


class LifeTime(MiddlemanTest):
    """Messages that the middleman holds back until the session's life is over."""

    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()

    def delay(self, qualifier):
        def hook(_direction, name, _body, _count):
            if name == qualifier:
                clock.skip()
        return hook

    def test_at_either_end(self):
        write_profile(self.profiles, "short", sessionLifeTime=clock.LIFE)
        self.issuer.restart()
        self.outer.upstream = self.issuer.url
        for qualifier, detected_by, verdict in (
                ("KeyCreationRequest", BY_TOKEN, "failed"),
                ("KeyCreationResponse", BY_ISSUER, "failed"),
                ("ProvisioningFinalizationRequest", BY_TOKEN, AT_THE_END)):
            with self.subTest(qualifier):
                self.assert_attack_fails(detected_by, verdict, outer=self.delay(qualifier),
                                         profile="short")


class SksHop(MiddlemanTest):
    """Between sks-proxy and the token."""

    def attack(self, method, direction, change, detected_by, **options):
        """change(values: dict) works on the decoded inputs or outputs of the method."""
        number, inputs, outputs = METHODS[method]
        done = []

        def hook(where, name, body, _count):
            if (where, name) != (direction, method):
                return None
            done.append(name)
            table = inputs if direction == "request" else outputs
            values = (Reader(body[1:]).table(inputs) if direction == "request"
                      else vars(decode_answer(method, body)))
            change(values)
            return body[:1] + encode_table(table, values)

        outcome = self.assert_attack_fails(detected_by, inner=hook, **options)
        self.assertTrue(done, "%s [%d] was never called" % (method, number))
        return outcome

    @staticmethod
    def flip(name, position=0):
        return lambda values: values.update({name: flip_bit(values[name], position)})

    def test_session_establishment(self):
        create = "createProvisioningSession"
        for what, direction, change in (
                ("swapped server key", "request", lambda v: v.update(
                    serverEphemeralKey=constructs.spki(generate().public_key()))),
                ("issuer URI", "request", lambda v: v.update(issuerUri=v["issuerUri"] + "/")),
                ("server session id", "request", lambda v: v.update(serverSessionId="X" * 32)),
                ("privacy", "request", lambda v: v.update(privacyEnabled=True)),
                ("session key limit", "request", lambda v: v.update(sessionKeyLimit=201)),
                ("server certificate", "request", lambda v: v.update(serverCertificate=b"x")),
                ("swapped client key", "response", lambda v: v.update(
                    clientEphemeralKey=constructs.spki(generate().public_key()))),
                ("attestation", "response", self.flip("attestation"))):
            with self.subTest(what):
                self.attack(create, direction, change, BY_ISSUER)

    def test_policy_and_key(self):
        for method, change in (
                ("createPinPolicy", lambda v: v.update(retryLimit=v["retryLimit"] + 1)),
                ("createPinPolicy", lambda v: v.update(userDefined=False)),
                ("createPinPolicy", self.flip("mac", -1)),
                ("createKeyEntry", lambda v: v.update(friendlyName="x")),
                ("createKeyEntry", lambda v: v.update(pinPolicyHandle=0, pinValue=b"")),
                ("createKeyEntry", self.flip("mac"))):
            with self.subTest(method):
                outcome = self.attack(method, "request", change, BY_TOKEN)
                self.assertIn("MAC", outcome["cause"])

    def test_answers_for_a_key(self):
        for what, change in (
                ("attestation", self.flip("attestation")),
                ("public key", lambda v: v.update(
                    publicKey=constructs.spki(generate().public_key())))):
            with self.subTest(what):
                self.attack("createKeyEntry", "response", change, BY_ISSUER)

    def test_certificate_path(self):
        def change(values):
            values["certificate"][0] = flip_bit(values["certificate"][0], -1)
        outcome = self.attack("setCertificatePath", "request", change, BY_TOKEN,
                              verdict=AT_THE_END)
        self.assertIn("MAC", outcome["cause"])

    def test_close(self):
        for name in ("nonce", "mac"):
            with self.subTest(name):
                outcome = self.attack("closeProvisioningSession", "request", self.flip(name),
                                      BY_TOKEN, verdict=AT_THE_END)
                self.assertIn("MAC", outcome["cause"])

    def test_closing_proof(self):
        self.attack("closeProvisioningSession", "response", self.flip("attestation"), BY_ISSUER,
                    keeps_key=True)


class UntrustedToken(RigTest):
    """A real token whose device CA the issuer does not know."""

    @classmethod
    def set_up_rig(cls):
        cls.trusted = cls.start_token()
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.trusted.device_ca])

    def test_refused_by_the_issuer(self):
        wire = self.wire()
        before = wire.snapshot()
        code, outcome, log = provision(self.issuer.url + "/kg2/p256-user-pin", self.token.url)
        self.assertEqual((code, outcome["outcome"], outcome["detectedBy"]),
                         (REFUSED, "refused", BY_ISSUER), (outcome, log))
        self.assert_verdict(outcome["serverSessionId"])
        self.assertEqual(wire.snapshot(), before)
        self.assertEqual(self.succeeded(), 0)
        record = self.issuer.evidence(outcome["serverSessionId"])
        self.assertEqual(record["verdict"], "failed")
        self.assertTrue([item for item in record["checks"] if item["result"] == "fail"])
