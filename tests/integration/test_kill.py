"""kill -9 of either end between any two messages: the enrolment goes on."""

import hashlib
import sqlite3

from rig import openssl
from rig.client_side import Client, Device
from rig.mitm import Relay, sks_name
from rig.processes import provision
from rig.testcase import RigTest

ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
REQUESTS = ("init", "InvocationResponse", "ProvisioningInitializationResponse",
            "KeyCreationResponse", "ProvisioningFinalizationResponse")


class TokenKilled(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])
        cls.relay = Relay(cls.token.url, name=sks_name)
        cls.addClassCleanup(cls.relay.close)

    def enroll(self, profile, kill_before):
        """One enrolment; the token dies in front of each call whose number kill_before takes."""
        killed = []

        def hook(direction, name, _body, count):
            if direction == "request" and kill_before(count):
                killed.append(name)
                self.token.restart()

        self.relay.hook, self.relay.count, self.relay.seen = hook, 0, []
        code, outcome, log = provision("%s/kg2/%s" % (self.issuer.url, profile), self.relay.url)
        self.assertEqual(self.relay.errors, [])
        self.assertEqual((code, outcome["outcome"]), (0, "succeeded"), (killed, outcome, log))
        self.assert_verdict(outcome["serverSessionId"], "succeeded")
        return outcome, killed

    def check_key_works(self, key):
        wire = self.wire()
        data = b"still here"
        path = wire.call("getKeyAttributes", keyHandle=key["handle"]).certificate
        result = wire.call("signHashedData", keyHandle=key["handle"], algorithm=ECDSA_SHA256,
                           parameters=b"", biometricAuth=False, authorization=b"4711",
                           data=hashlib.sha256(data).digest()).result
        self.assertEqual(openssl.signature_problem(path[0], result, data), "")

    def test_at_each_point(self):
        self.enroll("p256-user-pin", lambda count: False)
        calls = self.relay.count
        self.assertGreaterEqual(calls, 6, self.relay.seen)
        for point in range(calls):
            with self.subTest(killed_before_call=point):
                outcome, killed = self.enroll("p256-user-pin", lambda count: count == point)
                self.assertEqual(len(killed), 1)
                self.check_key_works(outcome["keys"][0])

    def test_before_every_call(self):
        for profile in ("p256-user-pin", "rsa2048-pin-puk"):
            with self.subTest(profile):
                outcome, killed = self.enroll(profile, lambda count: True)
                self.assertGreaterEqual(len(killed), 6)
                self.check_key_works(outcome["keys"][-1])

    def test_without_a_relay_in_front(self):
        """While the proxy talks with the issuer: its kept connection to the token is dead then."""
        def hook(direction, _name, _body, _count):
            if direction == "request":
                self.token.restart()

        outer = Relay(hook=hook)
        self.addCleanup(outer.close)
        issuer = self.start_issuer(trust=[self.token.device_ca],
                                   options=["--public-url", outer.url])
        outer.upstream = issuer.url
        for profile in ("p256-user-pin", "rsa2048-pin-puk"):
            with self.subTest(profile):
                code, outcome, log = provision("%s/kg2/%s" % (outer.url, profile),
                                               self.token.url)
                self.assertEqual((outer.errors, code), ([], 0), (outcome, log))
                self.assert_verdict(outcome["serverSessionId"], "succeeded", issuer)

    def test_nothing_is_left_open(self):
        self.enroll("p256-user-pin", lambda count: True)
        self.assertEqual(self.wire().sessions(True), [])


class IssuerKilled(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        cls.issuer = cls.start_issuer(trust=[trust])

    def client(self, profile="p256-user-pin"):
        return Client(self.issuer.url, profile, self.device)

    def restart(self, client):
        client.http.connection.close()
        self.issuer.restart()

    def test_at_each_point(self):
        for point in REQUESTS[1:]:
            with self.subTest(killed_before=point):
                client = self.client()
                reply = client.run(before=lambda name: name == point and self.restart(client))
                self.assertTrue(reply.done, (reply.status, reply.location))
                self.assert_verdict(client.session_id, "succeeded")

    def test_before_every_message(self):
        for profile in ("p256-user-pin", "rsa2048-pin-puk"):
            with self.subTest(profile):
                client = self.client(profile)
                reply = client.run(before=lambda name: self.restart(client))
                self.assertTrue(reply.done, (reply.status, reply.location))
                self.assert_verdict(client.session_id, "succeeded")

    def test_answer_lost_with_the_issuer(self):
        """The message was taken and its answer lost: a repeat gets the stored answer."""
        for qualifier in REQUESTS[2:]:
            with self.subTest(repeated=qualifier):
                client = self.client()
                client.start()
                message = {"@qualifier": None}
                while message["@qualifier"] != qualifier:
                    message = client.answer()
                    reply = client.post(message)
                self.restart(client)
                again = client.post(message)
                self.assertEqual((again.status, again.body, again.location),
                                 (reply.status, reply.body, reply.location))
                if again.status == 200:
                    self.assertTrue(client.run().done)
                self.assert_verdict(client.session_id, "succeeded")

    def test_finished_sessions_survive(self):
        client = self.client()
        client.run()
        self.restart(client)
        self.assert_verdict(client.session_id, "succeeded")
        self.assertEqual(client.record("done")[1]["verdict"], "succeeded")


class PowerCut(RigTest):
    """What was said before the finalization is not synced: after a power cut such a session has
    ended. What the kernel calls the time since the machine was started stands in the database;
    another name there is a machine that was started anew."""

    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        cls.issuer = cls.start_issuer(trust=[trust])

    def cut(self, client, boot):
        client.http.connection.close()
        self.issuer.kill()
        database = sqlite3.connect(self.issuer.data / "issuer.db")
        with database:
            database.execute("UPDATE meta SET value = ? WHERE key = 'boot'", (boot,))
        database.close()
        self.issuer.start()

    def test_at_each_point(self):
        for point in REQUESTS[1:]:
            with self.subTest(cut_before=point):
                client = Client(self.issuer.url, "p256-user-pin", self.device)
                reply = client.run(before=lambda name: name == point and self.cut(client, "another"))
                if point == "ProvisioningFinalizationResponse":
                    self.assertTrue(reply.done, (reply.status, reply.location))
                    self.assert_verdict(client.session_id, "succeeded")
                else:
                    self.assert_failed(client, reply, "the machine was started anew meanwhile")

    def test_finished_sessions_survive(self):
        client = Client(self.issuer.url, "p256-user-pin", self.device)
        self.assertTrue(client.run().done)
        self.cut(client, "another")
        self.assert_verdict(client.session_id, "succeeded")

    def test_a_kernel_that_does_not_say(self):
        client = Client(self.issuer.url, "p256-user-pin", self.device)
        reply = client.run(before=lambda name: name == REQUESTS[2] and self.cut(client, ""))
        self.assert_failed(client, reply, "the machine was started anew meanwhile")

    def assert_failed(self, client, reply, cause):
        self.assertIn("/failed/" + client.session_id, reply.location)
        self.assert_verdict(client.session_id, "failed")
        self.assertEqual(client.record("failed")[1]["cause"], cause)
