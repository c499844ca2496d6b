"""Middlemen against sessions of the 2010 profile, on either hop between the real programs."""

import json

from cryptography import x509

from rig import constructs
from rig.certificates import generate
from rig.constructs_2010 import SESSION_2010, attestation_data, oaep
from rig.middlemancase import BY_ISSUER, BY_TOKEN, MiddlemanTest, flipped, new_jwk, put
from rig.mitm import change_message, flip_bit
from rig.processes import run
from rig.profile_2010 import METHODS_2010, server_key
from rig.sks_types import Reader, base64url, encode_table, from_base64url
from rig.sks_wire import decode_answer
from rig.testcase import write_profile

CREATE = 24
REQUEST, RESPONSE = "ProvisioningInitializationRequest", "ProvisioningInitializationResponse"


class Middleman2010(MiddlemanTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        write_profile(cls.profiles, "p2010", session="2010", sessionKeyLimit=65535)
        cls.issuer.restart()
        cls.outer.upstream = cls.issuer.url

    def enroll(self, **hooks):
        return super().enroll(**{"profile": "p2010", **hooks})

    def attack(self, qualifier, change, detected_by, **options):
        return self.assert_attack_fails(detected_by, outer=change_message(qualifier, change),
                                        **options)

    def checks(self, outcome):
        return {item["name"]: item["result"]
                for item in self.issuer.evidence(outcome["serverSessionId"])["checks"]}


class Swap:
    """The attack that the scheme exists for: his own server key to the token, and what comes back
    encrypted anew for the issuer, so that both ends went on with a session key that he knows."""

    def __init__(self):
        self.own = server_key("RSA-2048 of his own")
        self.issuer_key = self.key = self.signed = None

    def swap(self, key):
        self.issuer_key = key
        return self.own.public_key()

    def take(self, encrypted):
        self.key = self.own.decrypt(encrypted, oaep())
        return self.issuer_key.encrypt(self.key, oaep())

    # As hooks, one for each hop

    def keygen2(self, _direction, name, body, _count):
        if name not in (REQUEST, RESPONSE):
            return None
        message = json.loads(body)
        if name == REQUEST:
            key = constructs.from_jwk(message["serverPublicKey"])
            message["serverPublicKey"] = constructs.to_jwk(self.swap(key))
            self.life_time = message["sessionLifeTime"]
        else:
            message["encryptedSessionKey"] = base64url(
                self.take(from_base64url(message["encryptedSessionKey"])))
            self.response = message
        return json.dumps(message).encode()

    def sks(self, direction, _name, body, _count):
        if direction == "request" and body[0] == CREATE:
            values = Reader(body[1:]).table(METHODS_2010["createProvisioningSession"][1])
            self.asked = dict(values)
            key = constructs.from_spki(values["server_public_key"])
            values["server_public_key"] = constructs.spki(self.swap(key))
            return body[:1] + encode_table(METHODS_2010["createProvisioningSession"][1], values)
        if direction == "response" and hasattr(self, "asked") and self.key is None:
            values = vars(decode_answer("createProvisioningSession", body, METHODS_2010))
            values["encrypted_session_key"] = self.take(values["encrypted_session_key"])
            return body[:1] + encode_table(METHODS_2010["createProvisioningSession"][2], values)
        return None


class SwappedServerKey(Middleman2010):
    def assert_noticed(self, swap, outcome):
        """By the attestation, and by nothing else: the session key itself decrypts."""
        self.assertEqual(len(swap.key), 32, "he has read it")
        self.assertIn("session attestation", self.assert_verdict(outcome["serverSessionId"]))
        checks = self.checks(outcome)
        self.assertEqual((checks["server key"], checks["session attestation"]), ("pass", "fail"))
        done = run("sks-issuer", "evidence", outcome["serverSessionId"], "--data",
                   self.issuer.data, "--json")
        record = self.folder / "record.json"
        record.write_text(done.stdout)
        done = run("sks-vectors", "check-evidence", record, "--issuer-cert",
                   self.issuer.data / "ca.pem")
        self.assertEqual(done.returncode, 0, "a record of what happened: " + done.stdout)

    def test_between_issuer_and_middleware(self):
        swap = Swap()
        outcome = self.assert_attack_fails(BY_ISSUER, outer=swap.keygen2)
        self.assert_noticed(swap, outcome)
        self.assert_attested_over_his_key(swap)

    def assert_attested_over_his_key(self, swap):
        """The device's signature is good, but over the key that it was given."""
        fields = {"server_session_id": swap.response["serverSessionId"].encode(),
                  "client_session_id": swap.response["clientSessionId"].encode(),
                  "provisioning_uri": "%s/kg2/p2010" % self.outer.url,
                  "life_time": swap.life_time}
        device = x509.load_der_x509_certificate(from_base64url(
            swap.response["deviceId"]["certificatePath"][0])).public_key()
        signature = from_base64url(swap.response["attestation"])
        for key, holds in ((swap.own.public_key(), True), (swap.issuer_key, False)):
            data = attestation_data(swap.key, {**fields,
                                               "server_public_key": constructs.spki(key)})
            self.assertEqual(constructs.verifies(device, signature, data), holds)

    def test_between_middleware_and_token(self):
        swap = Swap()
        outcome = self.assert_attack_fails(BY_ISSUER, inner=swap.sks)
        self.assert_noticed(swap, outcome)

    def test_without_the_second_half(self):
        """What is encrypted for his key is nothing to the issuer."""
        own = constructs.to_jwk(server_key("RSA-2048 of his own").public_key())
        outcome = self.attack(REQUEST, put("serverPublicKey", change=lambda _: own), BY_ISSUER)
        self.assertIn("server key", self.assert_verdict(outcome["serverSessionId"]))


class Alterations(Middleman2010):
    def test_nothing_changed(self):
        code, outcome, log = self.enroll()
        self.assertEqual(code, 0, (outcome, log))

    def test_session_establishment(self):
        def ephemeral(message):
            del message["encryptedSessionKey"]
            message["clientEphemeralKey"] = new_jwk()

        for what, qualifier, change, by in (
                ("life time", REQUEST, put("sessionLifeTime", change=lambda n: n + 1), BY_ISSUER),
                ("server key of 1024 bits", REQUEST, put(
                    "serverPublicKey", change=lambda _: self.rsa_jwk("RSA-1024")), BY_TOKEN),
                ("no RSA key", REQUEST, put("serverPublicKey", change=lambda _: new_jwk()),
                 "proxy"),
                ("key limit", REQUEST, put("sessionKeyLimit", change=lambda _: 200), "proxy"),
                ("key management key", REQUEST, put("keyManagementKey",
                                                    change=lambda _: new_jwk()), "proxy"),
                ("session key", RESPONSE, put("encryptedSessionKey", change=flipped), BY_ISSUER),
                ("session key in another form", RESPONSE, ephemeral, BY_ISSUER),
                ("attestation", RESPONSE, put("attestation", change=flipped), BY_ISSUER),
                ("client id", RESPONSE, put("clientSessionId", change=lambda _: "X" * 32),
                 BY_ISSUER),
                ("short client id", RESPONSE, put("clientSessionId", change=lambda _: "X"),
                 BY_ISSUER),
                ("device id dropped", RESPONSE, lambda message: message.pop("deviceId"),
                 BY_ISSUER)):
            with self.subTest(what):
                self.attack(qualifier, change, by)

    @staticmethod
    def rsa_jwk(kind):
        return constructs.to_jwk(server_key(kind).public_key())

    def test_client_time_is_not_bound(self):
        """As the draft has no field for it; docs/2010-profile.md says so."""
        code, outcome, log = self.enroll(outer=change_message(RESPONSE, put(
            "clientTime", change=lambda _: "2020-01-01T00:00:00+00:00")))
        self.assertEqual(code, 0, (outcome, log))

    def test_privacy_switched_on(self):
        self.attack("InvocationRequest", lambda m: m.update(privacyEnabled=True), "proxy")

    def test_a_session_made_another_kind(self):
        """Neither way: the issuer goes by what it has asked for."""
        def to_2010(message):
            message.pop("keyManagementKey", None)
            message.pop("serverEphemeralKey")
            message.update(sessionKeyAlgorithm=SESSION_2010, sessionKeyLimit=65535,
                           serverPublicKey=self.rsa_jwk("RSA-2048"))

        def to_107(message):
            message.pop("serverPublicKey")
            message.update(sessionKeyAlgorithm=constructs.SESSION_1,
                           serverEphemeralKey=new_jwk())

        self.attack(REQUEST, to_2010, BY_ISSUER, profile="plain")
        self.attack(REQUEST, to_107, BY_ISSUER)

    def test_session_key_of_another_session(self):
        """Genuine in its own session."""
        kept = {}

        def keep(message):
            kept.update(message)

        code, outcome, log = self.enroll(outer=change_message(RESPONSE, keep))
        self.assertEqual(code, 0, (outcome, log))
        self.attack(RESPONSE, lambda message: message.update(
            encryptedSessionKey=kept["encryptedSessionKey"], attestation=kept["attestation"]),
            BY_ISSUER)

    def test_what_follows(self):
        for what, qualifier, change, by, options in (
                ("retry limit", "KeyCreationRequest", put(
                    "pinPolicySpecifiers", 0, "retryLimit", change=lambda n: n + 1), BY_TOKEN, {}),
                ("key attestation", "KeyCreationResponse", put(
                    "generatedKeys", 0, "attestation", change=flipped), BY_ISSUER, {}),
                ("public key", "KeyCreationResponse", put(
                    "generatedKeys", 0, "publicKey", change=lambda _: constructs.to_jwk(
                        generate().public_key())), BY_ISSUER, {}),
                ("closing MAC", "ProvisioningFinalizationRequest", put(
                    "sessionCloseData", "mac", change=flipped), BY_TOKEN,
                 {"verdict": ("failed", "in doubt")}),
                ("closing proof", "ProvisioningFinalizationResponse", put(
                    "attestation", change=flipped), BY_ISSUER, {"keeps_key": True})):
            with self.subTest(what):
                self.attack(qualifier, change, by, **options)

    def test_method_24(self):
        number, inputs, outputs = METHODS_2010["createProvisioningSession"]

        def flip(name):
            return lambda values: values.update({name: flip_bit(values[name])})

        for direction, name, change, by in (
                ("request", "server_session_id", flip("server_session_id"), BY_ISSUER),
                ("request", "client_session_id", flip("client_session_id"), BY_ISSUER),
                ("request", "provisioning_uri", lambda v: v.update(
                    provisioning_uri=v["provisioning_uri"] + "/"), BY_ISSUER),
                ("request", "life_time", lambda v: v.update(life_time=1 << 31), BY_ISSUER),
                ("request", "server_public_key", lambda v: v.update(
                    server_public_key=v["server_public_key"][:-1]), BY_TOKEN),
                ("request", "an EC key", lambda v: v.update(
                    server_public_key=constructs.spki(generate().public_key())), BY_TOKEN),
                ("response", "encrypted_session_key", flip("encrypted_session_key"), BY_ISSUER),
                ("response", "attested_session_key", flip("attested_session_key"), BY_ISSUER)):
            called = []

            def hook(where, _name, body, count):
                if where == "request" and body[0] == number:
                    called.append(count)
                if (where != direction or not called or called[0] != count):
                    return None
                values = (Reader(body[1:]).table(inputs) if where == "request" else
                          vars(decode_answer("createProvisioningSession", body, METHODS_2010)))
                change(values)
                return body[:1] + encode_table(inputs if where == "request" else outputs, values)

            with self.subTest(name, direction=direction):
                self.assert_attack_fails(by, inner=hook)
                self.assertTrue(called)
