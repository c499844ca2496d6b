"""Deferred issuance: the client goes away, the operator decides, the client comes back."""

import copy
import hashlib
import json

from rig import clock, testcase
from rig.issuercase import REFUSED, ProfileTest
from rig.keygen2 import dumps
from rig.processes import PROFILES
from rig.records import check_record
from rig.testcase import write_profile

PROFILE = "deferred-issuance"


class Deferred(ProfileTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = cls.new_folder()
        profile = json.loads((PROFILES / (PROFILE + ".json")).read_text())
        for name, changes in ((PROFILE, {}), ("short", {"sessionLifeTime": clock.LIFE}),
                              ("at-once", {"deferredIssuance": False})):
            (cls.profiles / (name + ".json")).write_text(json.dumps({**profile, **changes}))
        super().set_up_rig()

    def pending(self, profile=PROFILE):
        client = self.client(profile)
        client.run(until="KeyCreationRequest")
        self.assertIs(client.request["deferredIssuance"], True)
        self.last = dumps(client.answer())
        reply = client.post(self.last)
        self.assert_pending(client, reply)
        return client

    def assert_pending(self, client, reply):
        self.assertTrue(reply.pending, (reply.status, reply.location))
        self.assertEqual(reply.location, "%s/pending/%s" % (self.issuer.url, client.session_id))

    def page(self, client, accept="application/json"):
        return client.http.request("GET", "/pending/" + client.session_id,
                                   headers={"Accept": accept})

    def state(self, client):
        page = self.page(client)
        self.assertEqual((page.status, page.headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(set(page.message), {"serverSessionId", "profile", "state", "expires"})
        self.assertRegex(page.message["expires"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        return page.message["state"]

    def test_approved(self):
        client = self.pending()
        self.assertEqual(self.state(client), "pending")
        self.assertEqual(self.keys("--device", "00" * 32), [])
        self.assertEqual(self.device_keys(), [], "no certificate before the approval")
        self.assert_pending(client, client.resume())        # too early
        self.approve(client)
        self.assertEqual(self.state(client), "approved")
        reply = client.resume()
        self.assertEqual((reply.status, client.request["@qualifier"]),
                         (200, "InvocationRequest"))
        self.assertEqual(client.request["serverSessionId"], client.session_id)
        reply = client.post(client.answer())
        self.assertEqual(client.request["@qualifier"], "ProvisioningFinalizationRequest")
        self.assertTrue(client.post(client.answer()).done)
        self.assert_verdict(client.session_id, "succeeded")
        self.assertEqual(self.states(), ["live"])
        self.assertEqual(self.checks(client, "approval"), ["by the operator"])
        self.assertTrue(self.page(client).done)

    def test_page_for_a_person(self):
        client = self.pending()
        page = self.page(client, "text/html")
        self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn(b"waits for approval", page.body)
        self.assertIn(client.session_id.encode(), page.body)

    def test_restarts(self):
        client = self.pending()
        self.restart(client)
        self.approve(client)
        self.restart(client)
        client.resume()
        self.restart(client)
        self.assertTrue(client.run().done)

    def restart(self, client):
        self.issuer.restart()
        client.http.connection.close()

    def test_answers_that_were_lost(self):
        client = self.pending()
        self.assert_pending(client, client.post(self.last))
        self.approve(client)
        self.assert_pending(client, client.post(self.last))
        first = client.resume()
        again = client.resume()
        self.assertEqual((first.status, first.body), (again.status, again.body))
        self.assertTrue(client.run().done)
        sent = [message["type"] for message in self.issuer.evidence(client.session_id)["messages"]
                if message["direction"] == "out"]
        self.assertEqual(sent.count("InvocationRequest"), 2, "what is lost leaves no trace")

    def test_rejected(self):
        client = self.pending()
        self.command("reject", client.session_id)
        self.assertEqual(self.assert_verdict(client.session_id), "rejected by the operator")
        self.assertTrue(client.resume().failed)
        self.assertTrue(self.page(client).failed)
        self.assertEqual(self.device_keys(), [])

    def test_decisions_that_are_none(self):
        client = self.pending()
        self.approve(client)
        for name in ("approve", "reject"):
            text = self.command(name, client.session_id, code=REFUSED)
            self.assertIn("does not wait for a decision: it is approved", text)
            self.assertIn("there is no session", self.command(name, "nobody", code=REFUSED))
        at_once = self.client("at-once")
        at_once.run(until="ProvisioningFinalizationRequest")
        self.command("approve", at_once.session_id, code=REFUSED)
        self.assertTrue(at_once.run().done)

    def test_wrong_visitors(self):
        """Cookie and id must agree; else no session is touched."""
        client, other = self.pending(), self.pending()
        self.approve(client)
        self.assertEqual(client.resume(other.session_id).status, 403)
        cookie = client.http.cookie
        client.http.cookie = None
        self.assertEqual(client.resume().status, 403)
        client.http.cookie = cookie
        self.assertEqual(client.http.request(
            "GET", "/kg2/short?init=true&resume=" + client.session_id).status, 403)
        self.assertEqual(client.resume().status, 200)
        self.assertTrue(client.run().done)
        self.assertEqual(self.state(other), "pending")

    def test_messages_meanwhile(self):
        for decide in (lambda client: None, self.approve):
            client = self.pending()
            decide(client)
            self.assert_refused(client, client.post(self.last + b"\n"),
                                "message: none is awaited")
        client = self.pending()
        self.approve(client)
        client.resume()
        self.assert_refused(client, client.post(self.last + b"\n"), "InvocationResponse")

    def test_resumed_without_need(self):
        client = self.client("at-once")
        client.run(until="KeyCreationRequest")
        self.assertEqual(client.resume().status, 409)
        self.assertTrue(client.run().done)
        self.assertTrue(client.resume().done)
        self.assertEqual(self.page(client).status, 302)
        other = self.client("at-once")
        other.start()
        self.assertEqual(self.page(other).status, 404)

    def test_life_time(self):
        client = self.pending("short")
        clock.skip()
        self.assertTrue(self.page(client).failed)
        self.command("approve", client.session_id, code=REFUSED)
        self.assertTrue(client.resume().failed)
        self.assertEqual(self.assert_verdict(client.session_id), "life time over")

    def test_given_up(self):
        client = self.pending()
        self.assertTrue(client.http.request("GET", client.path + "?abort=true").failed)
        self.command("approve", client.session_id, code=REFUSED)


class ChangedMeanwhile(ProfileTest):
    """The issuer is started again with another profile while a session waits."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        for name in ("Kept", "Old"):
            write_profile(cls.profiles, name, pinPolicySpecifiers=cls.pins("CN=" + name))
        cls.write_lookups("Kept", "Old")
        super().set_up_rig()

    @staticmethod
    def pins(subject):
        policies = copy.deepcopy(testcase.PROFILE["pinPolicySpecifiers"])
        policies[0]["keyEntrySpecifiers"][0]["certificate"]["subject"] = subject
        return policies

    @classmethod
    def write_lookups(cls, *names, subject="CN=%s"):
        write_profile(
            cls.profiles, "change", deferredIssuance=True, unlockKeys=[{"lookup": "Kept"}],
            deleteKeys=[{"lookup": "Old"}], lookupSpecifiers=[
                {"id": name, "searchFilter": {"subjectRegEx": subject.replace("%s", name)}} for name in names])

    def test_devices_are_listed_meanwhile(self):
        """A session that shows no device is none of a device on the list."""
        write_profile(self.profiles, "listed", privacyEnabled=True)
        self.issuer.restart()
        client = self.client("listed")
        client.run(until="ProvisioningInitializationRequest")
        write_profile(self.profiles, "listed", enrolment={
            "devices": [hashlib.sha256(self.device.certificate).hexdigest()]})
        self.issuer.restart()
        client.http.connection.close()
        self.assert_refused(client, client.post(client.answer()), "listed device: ")
        self.assertEqual(list(check_record(self.issuer, client.session_id)), [])

    def waiting(self):
        self.write_lookups("Kept", "Old")
        self.issuer.restart()
        for name in ("Kept", "Old"):
            self.enrol(name)
        client = self.client("change")
        self.assertTrue(client.run().pending)
        self.approve(client)
        return client

    def resumed(self, client):
        self.issuer.restart()
        client.http.connection.close()
        client.resume()
        return client.run()

    def test_as_it_was(self):
        client = self.waiting()
        self.assertTrue(self.resumed(client).done)
        self.assertEqual(self.states(), ["deleted", "live", "live"])

    def test_other_lookups(self):
        """What one of them found is not what another would have found in its place."""
        for change in (lambda: self.write_lookups("Old", "Kept"),
                       lambda: self.write_lookups("Kept", "Old", subject="CN=.*%s"),
                       lambda: self.write_lookups("Other", "Kept", "Old")):
            self.setUp()
            client = self.waiting()
            change()
            self.assertTrue(self.resumed(client).failed)
            self.assertEqual(self.assert_verdict(client.session_id),
                             "profile: has other lookups than when the session began")
            self.assertEqual(list(check_record(self.issuer, client.session_id)), [])
            self.assertEqual(self.states(), ["live", "live"])

    def test_other_lookups_before_the_answer(self):
        self.write_lookups("Kept", "Old")
        self.issuer.restart()
        client = self.client("change")
        client.run(until="CredentialDiscoveryRequest")
        self.write_lookups("Kept", "Old", subject=".*")
        self.issuer.restart()
        client.http.connection.close()
        self.assert_refused(client, client.post(client.answer()), "profile: has other lookups")
        self.assertEqual(list(check_record(self.issuer, client.session_id)), [])
