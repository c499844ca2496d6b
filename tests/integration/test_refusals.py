"""What the issuer refuses of a client: a foreign device, altered, replayed, late messages.

The client is the one in Python, which makes each wrong message itself; what a middleman does to
the real programs is in test_middleman.py.
"""

import json

from rig import clock, constructs
from rig.certificates import generate
from rig.client_side import Client, Device
from rig.keygen2 import dumps
from rig.mitm import flip_bit
from rig.sks_types import base64url, from_base64url
from rig.records import RecordsMixin
from rig.testcase import RigTest, write_profile

INITIALIZATION = "ProvisioningInitializationResponse"
CREATION = "KeyCreationResponse"
FINALIZATION = "ProvisioningFinalizationResponse"
MESSAGES = ("InvocationResponse", INITIALIZATION, CREATION, FINALIZATION)


def flipped(text, position=0):
    return base64url(flip_bit(from_base64url(text), position))


def new_jwk():
    return constructs.to_jwk(generate().public_key())


class IssuerTest(RecordsMixin, RigTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.device = Device()
        trust = cls.new_folder()
        cls.device.authority.write_pem(trust / "device-ca.pem")
        profiles = cls.new_folder()
        for name, changes in (("plain", {}), ("private", {"privacyEnabled": True}),
                              ("short", {"sessionLifeTime": clock.LIFE})):
            write_profile(profiles, name, **changes)
        cls.issuer = cls.start_issuer(trust=[trust], profiles=profiles)

    def client(self, profile="plain", device=None):
        return Client(self.issuer.url, profile, device or self.device)

    def assert_refused(self, client, reply, cause=""):
        """The session failed with a cause that the log, the page and the record agree on."""
        self.assertTrue(reply.failed, (reply.status, reply.location, reply.body[:200]))
        self.assertEqual(reply.location,
                         "%s/failed/%s" % (self.issuer.url, client.session_id))
        told = self.assert_verdict(client.session_id)
        self.assertRegex(told.lower(), cause.lower() or ".")
        status, page = client.record("failed")
        self.assertEqual((status, page["verdict"], page["cause"]), (200, "failed", told))
        record = self.issuer.evidence(client.session_id)
        self.assertEqual((record["verdict"], record["cause"]), ("failed", told))
        self.assertNotEqual(client.http.record("done", client.session_id)[0], 200)
        self.assert_dead(client)

    def assert_dead(self, client):
        """Nothing that comes later revives the session."""
        reply = client.post(client.invocation_response())
        self.assertFalse(reply.status == 200 or reply.done, (reply.status, reply.location))
        self.assert_verdict(client.session_id)


class AlteredMessages(IssuerTest):
    """One property of one response is wrong."""

    def refuse(self, qualifier, change, cause="", profile="plain"):
        def alter(name, message):
            return change(message) if name == qualifier else None

        before = self.succeeded()
        client = self.client(profile)
        self.assert_refused(client, client.run(alter), cause)
        self.assertEqual(self.succeeded(), before)

    def test_protected_values(self):
        changes = (
            (INITIALIZATION, "session attestation: first bit", lambda m: {
                **m, "attestation": flipped(m["attestation"])}),
            (INITIALIZATION, "session attestation: last bit", lambda m: {
                **m, "attestation": flipped(m["attestation"], -1)}),
            (INITIALIZATION, "session attestation cut", lambda m: {
                **m, "attestation": m["attestation"][:-4]}),
            (INITIALIZATION, "swapped client key", lambda m: {
                **m, "clientEphemeralKey": new_jwk()}),
            (INITIALIZATION, "client session id", lambda m: {
                **m, "clientSessionId": "X" * 32}),
            (INITIALIZATION, "client time", lambda m: {
                **m, "clientTime": "2020-01-01T00:00:00+00:00"}),
            (INITIALIZATION, "server time", lambda m: {
                **m, "serverTime": "2020-01-01T00:00:00Z"}),
            (CREATION, "key attestation", lambda m: self.in_key(
                m, attestation=flipped(m["generatedKeys"][0]["attestation"]))),
            (CREATION, "swapped public key", lambda m: self.in_key(m, publicKey=new_jwk())),
            (CREATION, "key id", lambda m: self.in_key(m, id="Key.2")),
            (CREATION, "no keys", lambda m: {**m, "generatedKeys": []}),
            (CREATION, "a key too many", lambda m: {
                **m, "generatedKeys": m["generatedKeys"] * 2}),
            (CREATION, "client session id", lambda m: {**m, "clientSessionId": "X" * 32}),
            (FINALIZATION, "closing proof: first bit", lambda m: {
                **m, "attestation": flipped(m["attestation"])}),
            (FINALIZATION, "closing proof: last bit", lambda m: {
                **m, "attestation": flipped(m["attestation"], -1)}),
            (FINALIZATION, "client session id", lambda m: {**m, "clientSessionId": "X" * 32}),
        )
        for qualifier, what, change in changes:
            with self.subTest(qualifier, what=what):
                self.refuse(qualifier, change)

    @staticmethod
    def in_key(message, **changes):
        return {**message, "generatedKeys": [{**message["generatedKeys"][0], **changes}]}

    def test_envelope(self):
        for qualifier in MESSAGES:
            for what, change, cause in (
                    ("context", lambda m: {**m, "@context": m["@context"] + "x"}, "context"),
                    ("fragment of the context missing", lambda m: {
                        **m, "@context": m["@context"].split("#")[0]}, "context"),
                    ("unknown property", lambda m: {**m, "surplus": 1}, "surplus"),
                    ("property missing", lambda m: {
                        name: m[name] for name in m if name != "serverSessionId"},
                     "serverSessionId"),
                    ("wrong type", lambda m: {**m, "serverSessionId": 7}, "serverSessionId"),
                    ("null", lambda m: {**m, "serverSessionId": None}, "serverSessionId")):
                with self.subTest(qualifier, what=what):
                    self.refuse(qualifier, change, cause)

    def test_json_text(self):
        for what, change, cause in (
                ("duplicate key", lambda m: dumps(m)[:-1] + b', "@qualifier": "x"}',
                 "line.*qualifier|qualifier.*line"),
                ("trailing data", lambda m: dumps(m) + b" {}", "line"),
                ("cut", lambda m: dumps(m)[:-3], "line"),
                ("nothing", lambda m: b"", ""),
                ("not JSON", lambda m: b"\xff\xfe\x00", ""),
                ("byte order mark", lambda m: b"\xef\xbb\xbf" + dumps(m), ""),
                ("an array", lambda m: b"[]", ""),
                ("deep nesting", lambda m: b"[" * 100000, "")):
            with self.subTest(what):
                self.refuse("InvocationResponse", change, cause)

    def test_nested_unknown_property_is_named_by_a_pointer(self):
        self.refuse(CREATION, lambda m: self.in_key(m, surplus=True),
                    "/generatedKeys/0/surplus")

    def test_base64url(self):
        for what, change in (
                ("padding", lambda text: text + "="),
                ("plain base64", lambda text: "+/" + text[2:]),
                ("line break", lambda text: text[:10] + "\n" + text[10:]),
                ("unused bits", lambda text: text[:-1] + "_")):
            with self.subTest(what):
                self.refuse(FINALIZATION, lambda m: {**m, "attestation": change(m["attestation"])})

    def test_order_of_keys(self):
        """Two keys, answered in the other order than asked for."""
        one = json.loads((self.issuer.profiles / "plain.json").read_text())
        policy = one["pinPolicySpecifiers"][0]
        keys = [{**policy["keyEntrySpecifiers"][0], "id": "Key.%d" % n} for n in (1, 2)]
        write_profile(self.issuer.profiles, "two",
                      pinPolicySpecifiers=[{**policy, "keyEntrySpecifiers": keys}])
        self.issuer.restart()
        self.refuse(CREATION, lambda m: {**m, "generatedKeys": m["generatedKeys"][::-1]},
                    profile="two")
        self.assertTrue(self.client("two").run().done)


class Devices(IssuerTest):
    def refuse(self, device=None, cause="", **options):
        client = self.client(device=device)
        client.run(until="ProvisioningInitializationRequest")
        self.assert_refused(client, client.post(client.initialization_response(**options)), cause)

    def test_device_outside_the_trust_folder(self):
        self.refuse(Device(), "trust|path|device")

    def test_certificate_of_a_trusted_device_without_its_key(self):
        self.refuse(attesting_key=generate())

    def test_certificate_that_the_trusted_name_signed_with_another_key(self):
        self.refuse(Device("P-256"), "trust|path|device")

    def test_anonymous_without_being_asked_for_privacy(self):
        """Consistent in itself, with the HMAC of the privacy mode: anybody could make it."""
        for claimed in (True, False):
            self.refuse(anonymous=True, privacyEnabled=claimed, cause="deviceid|privacy")

    def test_device_id_dropped(self):
        client = self.client()
        client.run(until="ProvisioningInitializationRequest")
        message = client.answer()
        del message["deviceId"]
        self.assert_refused(client, client.post(message), "deviceid|privacy")

    def test_privacy_that_was_asked_for(self):
        client = self.client("private")
        client.run(until="ProvisioningInitializationRequest")
        client.post(client.initialization_response(anonymous=True))
        self.assertTrue(client.run().done)
        self.assert_verdict(client.session_id, "succeeded")

    def test_device_id_in_privacy_mode(self):
        for claimed in (True, False):
            client = self.client("private")
            client.run(until="ProvisioningInitializationRequest")
            message = client.initialization_response(privacyEnabled=claimed)
            self.assert_refused(client, client.post(message), "deviceid|privacy")


class OrderOfMessages(IssuerTest):
    def test_replay_of_the_last_message_gets_the_stored_answer(self):
        client = self.client()
        client.start()
        while client.request["@qualifier"] != "ProvisioningFinalizationRequest":
            message = client.answer()
            first = client.post(message)
            for _ in range(2):
                again = client.post(message)
                self.assertEqual((again.status, again.body), (first.status, first.body))
        message = client.answer()
        replies = [client.post(message) for _ in range(2)]
        self.assertTrue(all(reply.done for reply in replies), replies)
        self.assert_verdict(client.session_id, "succeeded")

    def test_replay_with_one_byte_changed(self):
        client = self.client()
        client.start()
        message = client.answer()
        client.post(message)
        self.assert_refused(client, client.post(dumps(message) + b"\n"))

    def test_replay_of_an_older_message(self):
        for until, older in (("KeyCreationRequest", 0), ("ProvisioningFinalizationRequest", 0),
                             ("ProvisioningFinalizationRequest", 1)):
            with self.subTest(until, older=older):
                sent = []
                client = self.client()
                client.run(lambda _, message: sent.append(message), until=until)
                self.assert_refused(client, client.post(sent[older]))

    def test_message_too_early(self):
        client = self.client()
        client.run(until="KeyCreationRequest")
        creation = client.answer()
        other = self.client()
        other.start()
        self.assert_refused(other, other.post({**creation, "serverSessionId": other.session_id}))

    def test_message_of_another_session(self):
        """The cookie's session fails; the one that the message names is not touched."""
        for until in ("ProvisioningInitializationRequest", "KeyCreationRequest",
                      "ProvisioningFinalizationRequest"):
            with self.subTest(until):
                first, second = self.client(), self.client()
                first.run(until=until)
                second.run(until=until)
                self.assert_refused(first, first.post(second.answer_copy()), "session")
                self.assertTrue(second.run().done)
                self.assert_verdict(second.session_id, "succeeded")

    def test_unknown_cookie_touches_nothing(self):
        client = self.client()
        client.run(until="KeyCreationRequest")
        message = client.answer_copy()
        cookie = client.http.cookie
        for wrong in (None, cookie[:-1] + ("A" if cookie[-1] != "A" else "B"),
                      cookie.split("=")[0] + "=", "other=1"):
            client.http.cookie = wrong
            self.assertEqual(client.post(message).status, 403, wrong)
        client.http.cookie = cookie
        self.assertTrue(client.run().done)

    def test_session_ids(self):
        """32 characters that differ, and that no command line takes for an option."""
        client = self.client()
        ids = set()
        for _ in range(300):
            client.http.cookie = None
            client.start()
            ids.add(client.session_id)
        self.assertEqual(len(ids), 300)
        self.assertEqual({len(name) for name in ids}, {32})
        self.assertEqual([name for name in ids if name.startswith("-")], [])

    def test_given_up_by_the_user(self):
        client = self.client()
        client.run(until="KeyCreationRequest")
        reply = client.http.request("GET", client.path + "?abort=true")
        self.assertTrue(reply.failed, (reply.status, reply.location))
        self.assert_verdict(client.session_id)
        self.assert_dead(client)

    def test_after_the_life_time(self):
        for until in ("ProvisioningInitializationRequest", "KeyCreationRequest"):
            with self.subTest(until):
                client = self.client("short")
                client.run(until=until)
                clock.skip()
                self.assert_refused(client, client.post(client.answer()), "time|expired")

    def test_late_closing_proof(self):
        """With the certificates out the session is in doubt; then the proof counts, though late,
        and no other message does."""
        honest, altered = self.client("short"), self.client("short")
        for client in (honest, altered):
            client.run(until="ProvisioningFinalizationRequest")
        clock.skip()
        self.assert_verdict(honest.session_id, "in doubt")
        self.assertTrue(honest.post(honest.answer()).done)
        self.assert_verdict(honest.session_id, "succeeded")
        message = altered.answer()
        message["attestation"] = flipped(message["attestation"])
        self.assertFalse(altered.post(message).done)
        self.assert_verdict(altered.session_id, ("failed", "in doubt"))

    def test_short_life_is_enough_for_the_quick(self):
        client = self.client("short")
        self.assertTrue(client.run().done)
