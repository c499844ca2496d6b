"""How the next session of a device settles doubt, or does not, with devices in Python that may
lie; and late proofs, the operator, and what has no proof but a late one."""

from rig import constructs
from rig.client_side import Client, Device
from rig.constructs import SessionCounter
from rig.doubtcase import (
    DISCOVERY, FINALIZATION, PROOF, REFUSED, DoubtCase, write_profiles)
from rig.middlemancase import flipped
from rig.records import check_record
from rig.sks_types import base64url, from_base64url
from rig.watching import WatchTest


class NextSession(DoubtCase, WatchTest):
    """What the next session of a device does, with devices in Python that may lie."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profiles(cls.new_folder())
        super().set_up_rig()

    def doubt(self, *profiles, commit=True):
        """Sessions of this device that end in doubt, with their proofs."""
        clients = []
        for profile in profiles or ("short",):
            client = self.client(profile)
            client.run(until=FINALIZATION)
            proof = client.answer() if commit else None
            clients.append((client, proof))
        self.wait()
        for client, _ in clients:
            self.assert_on_hold(client.session_id)
        return clients if len(clients) > 1 else clients[0]

    def next_one(self, profile="plain"):
        client = self.client(profile)
        client.run(until=DISCOVERY)
        return client

    def test_found_and_proven(self):
        doubtful, _ = self.doubt()
        client = self.next_one()
        (specifier,) = client.request["lookupSpecifiers"]
        self.assertEqual(list(specifier["searchFilter"]), ["fingerPrint"])
        before = self.metrics()
        self.assertTrue(client.run().done)
        after = self.metrics()
        self.assertIn("postUnlockKey", self.methods(client))
        self.assert_confirmed(doubtful.session_id, client.session_id)
        self.assert_counts(client.session_id)
        for name, labels, more in (("sessions", {"verdict": "in doubt"}, -1),
                                   ("sessions", {"verdict": "succeeded"}, 2),
                                   ("sessions_ended_total", {"verdict": "succeeded"}, 2)):
            self.assertEqual(after(name, **labels), before(name, **labels) + more, (name, labels))

    def test_found_is_no_proof(self):
        """A forged answer: nothing is settled by it, whatever becomes of the session."""
        doubtful, _ = self.doubt(commit=False)
        row, = self.exported("--session", doubtful.session_id)
        for end in ("abort", "bad proof", "vanish"):
            with self.subTest(end):
                client = self.next_one()
                message = client.answer()
                message["lookupResults"][0]["matchingCredentials"] = [{
                    "serverSessionId": doubtful.session_id, "clientSessionId": "anything",
                    "certificatePath": [base64url(self.der(row))]}]
                self.assertEqual(client.post(message).status, 200)
                client.post(client.key_creation_response())
                self.assertEqual(len(client.request["unlockKeys"]), 1)
                if end == "abort":
                    client.http.request("GET", client.path + "?abort=true")
                elif end == "bad proof":
                    self.assertTrue(client.post({
                        "@context": client.request["@context"], "@qualifier": PROOF,
                        "serverSessionId": client.session_id,
                        "clientSessionId": client.client_session_id,
                        "attestation": base64url(bytes(32))}).failed)
                self.assert_on_hold(doubtful.session_id)

    def test_another_certificate_is_no_answer(self):
        """What was not asked for does not count as found, so that it is revoked."""
        doubtful, _ = self.doubt(commit=False)
        self.device.credentials.all.clear()
        other = Client(self.issuer.url, "plain", Device(authority=self.device_ca))
        self.assertTrue(other.run().done)
        client = self.next_one()
        message = client.answer()
        message["lookupResults"][0]["matchingCredentials"] = [{
            "serverSessionId": other.session_id, "clientSessionId": other.client_session_id,
            "certificatePath": [base64url(self.leaf(other))]}]
        self.assertEqual(client.post(message).status, 200)
        self.assertTrue(client.run().done)
        self.assert_void(doubtful.session_id, "did not find it")
        self.assert_counts(other.session_id)

    def test_not_found(self):
        """Revoked before anything is issued anew; a proof that comes then is too late."""
        doubtful, proof = self.doubt()
        self.device.credentials.all.clear()
        client = self.next_one()
        self.assert_on_hold(doubtful.session_id)
        client.run(until=FINALIZATION)
        self.assert_void(doubtful.session_id, "session %s did not find it" % client.session_id)
        self.assertTrue(client.run().done)
        self.assertTrue(doubtful.post(proof).failed)
        self.assert_void(doubtful.session_id, "did not find it")
        self.assertIn("session %s is revoked: nothing of it is in the device"
                      % doubtful.session_id, self.checks(client, "in doubt"))

    def test_results_that_are_missing(self):
        doubtful, _ = self.doubt()
        for alter in (lambda results: results.clear(),
                      lambda results: results[0].update(id="another")):
            client = self.next_one()
            message = client.answer()
            alter(message["lookupResults"])
            reply = client.post(message)
            self.assertTrue(reply.failed, reply.body)
        self.assert_on_hold(doubtful.session_id)

    def test_the_proof_comes_in_between(self):
        doubtful, proof = self.doubt()
        client = self.next_one()
        self.assertTrue(doubtful.post(proof).done)
        self.assertTrue(client.run().done)
        self.assert_counts(doubtful.session_id)

    def test_the_proof_comes_after_the_confirmation(self):
        """It changes nothing but the record, and what is no proof changes nothing at all."""
        doubtful, proof = self.doubt()
        client = self.next_one()
        self.assertTrue(client.run().done)
        wrong = {**proof, "attestation": flipped(proof["attestation"])}
        for message in (wrong, b"{", {**proof, "serverSessionId": client.session_id}):
            reply = doubtful.post(message)
            self.assertEqual((reply.status, reply.body), (409, b"this session is over\n"))
            self.assert_confirmed(doubtful.session_id, client.session_id)
        self.assertTrue(doubtful.http.request("GET", doubtful.path + "?abort=true").done)
        self.assert_confirmed(doubtful.session_id, client.session_id)
        for _ in range(2):
            self.assertTrue(doubtful.post(proof).done)
        self.assert_counts(doubtful.session_id)
        self.assertEqual(list(check_record(self.issuer, doubtful.session_id)), [])
        self.assertEqual(doubtful.post(wrong).status, 409)

    def test_no_proof_without_its_key(self):
        """Once the session key is forgotten, nobody can tell a proof from anything else."""
        doubtful, proof = self.doubt()
        self.command("forget", doubtful.session_id, code=REFUSED)
        self.assertTrue(self.client("plain").run().done)
        self.command("forget", doubtful.session_id)
        key = SessionCounter(bytes(32), doubtful.counter.counter - 1)
        nonce = from_base64url(doubtful.request["sessionCloseData"]["nonce"])
        forged = base64url(key.attest(constructs.close_attestation_data(nonce)))
        for message in (proof, {**proof, "attestation": forged}):
            self.assertEqual(doubtful.post(message).status, 409)
        self.assertEqual(self.checks(doubtful, "closing proof"), [])
        self.assert_counts(doubtful.session_id)

    def test_confirmed_before_its_time_is_over(self):
        """By a later session of a profile that looks for its keys: nothing waits for doubt."""
        early = self.client("plain")
        early.run(until=FINALIZATION)
        proof = early.answer()
        client = self.enrol("looking")
        self.assert_confirmed(early.session_id, client.session_id)
        self.assertTrue(early.post(proof).done)
        self.assert_counts(early.session_id)

    def test_several(self):
        """One there, one not, one of two keys only one of which has a PIN: that shows both; and
        keys without PINs, there and not, which no harmless operation can prove."""
        there, missing, mixed, no_pin, no_pin_missing = self.doubt(
            "short", "short", "short-mixed", "short-no-pin", "short-no-pin")
        gone = [self.leaf(client) for client, _ in (missing, no_pin_missing)]
        self.device.credentials.all = [one for one in self.device.credentials.all
                                       if one.path[0] not in gone]
        client = self.next_one()
        self.assertEqual(len(client.request["lookupSpecifiers"]), 6)
        self.assertTrue(client.run().done)
        self.assertEqual(self.methods(client).count("postUnlockKey"), 2)
        for confirmed, _ in (there, mixed):
            self.assert_confirmed(confirmed.session_id, client.session_id)
        self.assertEqual(len(self.exported("--session", mixed[0].session_id)), 2)
        for void, _ in (missing, no_pin_missing):
            self.assert_void(void.session_id, "did not find it")
        self.assert_on_hold(no_pin[0].session_id)
        self.assertTrue(no_pin[0].post(no_pin[1]).done)
        self.assert_counts(no_pin[0].session_id)

    def test_no_room_for_it(self):
        """A profile that uses its session key up leaves it to the next session."""
        doubtful, _ = self.doubt()
        self.assertTrue(self.client("tight").run(until=DISCOVERY).done)
        self.assert_on_hold(doubtful.session_id)
        client = self.next_one()
        self.assertTrue(client.run().done)
        self.assert_confirmed(doubtful.session_id, client.session_id)

    def test_another_device(self):
        doubtful, _ = self.doubt()
        other = Client(self.issuer.url, "plain", Device(authority=self.device_ca))
        self.assertTrue(other.run(until=DISCOVERY).done)
        self.assert_on_hold(doubtful.session_id)

    def test_with_privacy_nobody_else(self):
        """Anyone can be a token there, and certificates are public: an operation of another session
        shows nothing of a key."""
        doubtful, proof = self.doubt("short-private")
        anyone = Client(self.issuer.url, "looking-private")
        anyone.device.credentials = self.device.credentials
        self.assertTrue(anyone.run().failed)
        self.assertIn("with privacy only its own proof settles it",
                      " ".join(self.checks(anyone, "credential")))
        self.assert_on_hold(doubtful.session_id)
        self.assertTrue(doubtful.post(proof).done)
        self.assert_counts(doubtful.session_id)
        self.assertTrue(self.client("looking-private").run().done)

    def test_a_bad_late_proof(self):
        doubtful, proof = self.doubt()
        proof["attestation"] = flipped(proof["attestation"])
        self.assertTrue(doubtful.post(proof).failed)
        self.assert_void(doubtful.session_id, "closing proof: ")

    def test_the_operator(self):
        doubtful, proof = self.doubt()
        serial = self.serial(self.leaf(doubtful))
        self.assertIn("in doubt", self.revoke(serial, "--release", code=REFUSED))
        self.revoke(serial, "--hold")
        self.assertEqual(self.export_of(self.leaf(doubtful))["revocation"]["origin"], "operator")
        self.revoke(serial, "--release")
        self.assert_on_hold(doubtful.session_id)
        self.revoke(serial, "--hold")
        self.assertTrue(doubtful.post(proof).done)
        self.assert_verdict(doubtful.session_id, "succeeded")
        self.assert_revoked(self.leaf(doubtful), "certificateHold")
        self.revoke(serial, "--release")
        self.assert_counts(doubtful.session_id)

    def test_revoked_by_serial_number(self):
        """One certificate of a session in doubt: the proof settles the session, not that."""
        doubtful, proof = self.doubt()
        self.revoke(self.serial(self.leaf(doubtful)), "--reason", "keyCompromise")
        self.assert_verdict(doubtful.session_id, "in doubt")
        self.assertTrue(doubtful.post(proof).done)
        self.assert_revoked(self.leaf(doubtful), "keyCompromise")
