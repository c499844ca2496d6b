"""Two issuers share a token: what one of them tries upon the keys of the other.

A is the real issuer. B is the one in Python, which can forge: it knows all that is public of A,
and what A has once signed, for this token and for another one.
"""

import json
from types import SimpleNamespace

from rig import keygen2_issuer
from rig.certificates import generate
from rig.constructs import from_jwk, from_spki, spki, to_jwk
from rig.keygen2_issuer import fingerprint
from rig.mitm import flip_bit
from rig.processes import provision, run
from rig.proxycase import DONE, REFUSED, ProxyCase
from rig.sks_types import base64url, from_base64url

OPERATIONS = ("updateKey", "cloneKeyProtection", "unlockKeys", "deleteKeys")
PIN = b"4711"
ES256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
OPTION, CRYPTO = "ERROR_OPTION", "ERROR_CRYPTO"


class Apart(ProxyCase):
    """A's keys are those of rsa2048-pin-puk; the second, for signatures, is the target."""

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.other_token = cls.start_token()
        cls.trust = [cls.token.device_ca, cls.other_token.device_ca]
        cls.real = cls.start_issuer(trust=cls.trust)
        cls.theirs = None

    def setUp(self):
        super().setUp()
        if not self.theirs:
            type(self).theirs = self.at("rsa2048-pin-puk")
        self.own = self.enrol(self.owning("Key.1", grouping="shared")).credentials["Key.1"]

    def at(self, profile, token=None, issuer=None, code=DONE):
        """A session with a real issuer: its ids, the keys by id, the messages."""
        issuer = issuer or self.real
        got, outcome, log = provision("%s/kg2/%s" % (issuer.url, profile),
                                      (token or self.token).url)
        self.assertEqual(got, code, (profile, outcome, log))
        record = issuer.evidence(outcome["serverSessionId"])
        messages = {item["type"]: json.loads(from_base64url(item["body"]))
                    for item in record["messages"]}
        session = SimpleNamespace(id=outcome["serverSessionId"], messages=messages,
                                  client_id=outcome["clientSessionId"], cause=outcome["cause"])
        session.kmk = messages["ProvisioningInitializationRequest"]["keyManagementKey"]
        session.credentials = {
            item["id"]: SimpleNamespace(certificate=from_base64url(item["certificatePath"][0]),
                                        session=session)
            for item in messages.get("ProvisioningFinalizationRequest", {}).get(
                "issuedCredentials", ())}
        return session

    @property
    def target(self):
        return self.theirs.credentials["Key.2"]

    def everything(self):
        """All that the token shows."""
        return self.sks.snapshot(), [
            (vars(self.sks.call("getKeyAttributes", keyHandle=key.keyHandle)),
             vars(self.sks.call("getKeyProtectionInfo", keyHandle=key.keyHandle)))
            for key in self.sks.keys()]

    def owner(self, credential):
        key, _ = self.attributes(credential)
        return next(session for session in self.sks.sessions(False)
                    if session.provisioningHandle == key.provisioningHandle)

    def sign(self, credential):
        key, _ = self.attributes(credential)
        return self.sks.call("signHashedData", keyHandle=key.keyHandle, algorithm=ES256,
                             parameters=b"", biometricAuth=False, authorization=PIN,
                             data=bytes(32)).result

    def claiming(self, kmk):
        """B's session with another's public key for its own."""
        return {"keyManagementKey": kmk} if kmk else {}

    def using(self, operation, make_target, kmk=True, claimed=None, session_id=None, own=False):
        """A script of B: one operation on make_target(session), with B's own key as its session's
        key management key, that of A (claimed), or none; upon a key of B's too, if `own`."""
        def script(session):
            session.id = session_id or session.id
            yield session.invocation(
                action="unlock" if operation == "unlockKeys" else "manage")
            yield session.initialization(kmk=self.kmk if kmk and not claimed else None,
                                         **self.claiming(claimed))
            credentials, lists = [], {}
            if operation in ("updateKey", "cloneKeyProtection"):
                yield session.creation(keyEntrySpecifiers=[session.key("New")])
                credentials = [session.credential("New", **{operation: make_target(session)})]
            else:
                lists[operation] = [session.target(self.own, self.kmk)] if own else []
                lists[operation].append(make_target(session))
            yield session.finalization(*credentials, **lists)
        return script

    def each_refused(self, make_target, text, by="token", operations=OPERATIONS, **options):
        for operation in operations:
            with self.subTest(operation):
                before = self.everything()
                self.refused(self.using(operation, make_target, **options), text, by)
                self.assertEqual(self.everything(), before)
                self.assertEqual(self.issuer.last.cause, "aborted by the client")
        self.assertEqual(len(self.sign(self.target)), 64)

    def signed_by_b(self, session):
        return session.target(self.target, self.kmk)


class Operations(Apart):
    """SKS: the authorization is a signature of the owner's key management key over a reference
    that holds the session key of the session at hand; all else is ERROR_OPTION, with teardown."""

    def test_with_its_own_key(self):
        self.each_refused(self.signed_by_b, OPTION)

    def test_without_a_key_management_key(self):
        self.each_refused(self.signed_by_b, OPTION, kmk=False)

    def test_with_the_public_key_of_a_for_its_own(self):
        self.each_refused(self.signed_by_b, OPTION, claimed=self.theirs.kmk)

    def test_with_the_session_ids_of_a_for_its_own(self):
        self.each_refused(self.signed_by_b, OPTION, claimed=self.theirs.kmk,
                          session_id=self.target.session.id)

    def test_with_what_a_signed_in_an_earlier_session(self):
        """For the same key, in the same device: but the reference has that session's key."""
        unlocked = self.at("key-unlock")
        recorded = {item["fingerPrint"]: item for item in unlocked.messages[
            "ProvisioningFinalizationRequest"]["unlockKeys"]}
        recorded = recorded[base64url(fingerprint(self.target.certificate))]
        for credential in self.theirs.credentials.values():
            credential.session = unlocked       # which owns them now

        def replayed(session):
            return {**session.target(self.target, self.kmk),
                    "authorization": recorded["authorization"]}
        for claimed in (None, self.theirs.kmk):
            self.each_refused(replayed, OPTION, claimed=claimed)
        self.each_refused(replayed, OPTION, claimed=self.theirs.kmk, session_id=unlocked.id)

    def test_with_no_signature_at_all(self):
        self.each_refused(lambda session: {**self.signed_by_b(session),
                                           "authorization": base64url(bytes(64))}, OPTION)
        self.each_refused(lambda session: {**self.signed_by_b(session),
                                           "authorization": base64url(bytes(63))}, CRYPTO)

    def test_with_a_wrong_fingerprint(self):
        """The middleware finds no such key."""
        self.each_refused(lambda session: {**self.signed_by_b(session), "fingerPrint": base64url(
            flip_bit(fingerprint(self.target.certificate)))}, "no key with this fingerprint",
            "proxy")

    def test_with_a_key_of_a_in_a_session_of_its_own(self):
        """The middleware finds the key in no such session."""
        mixed = SimpleNamespace(certificate=self.target.certificate, session=self.own.session)
        self.each_refused(lambda session: session.target(mixed, self.kmk),
                          "no key with this fingerprint", "proxy")
        mixed = SimpleNamespace(certificate=self.own.certificate, session=self.target.session)
        self.each_refused(lambda session: session.target(mixed, self.kmk),
                          "no key with this fingerprint", "proxy")

    def test_beside_a_key_of_its_own(self):
        """One refusal undoes the whole session: its own key is as it was, too."""
        self.each_refused(self.signed_by_b, OPTION, own=True,
                          operations=("unlockKeys", "deleteKeys"))
        self.sign(self.own)

    def test_by_right_on_its_own(self):
        before = self.owner(self.target)
        for operation in ("unlockKeys", "deleteKeys"):
            self.enrol(self.using(operation, lambda session: session.target(self.own, self.kmk)))
            self.own.session = self.issuer.last
        self.assertIsNone(self.attributes(self.own))
        self.assertEqual(self.owner(self.target), before)
        self.sign(self.target)


class RollOver(Apart):
    def a_rolls_over(self):
        """A's own chain from its first key to its second, as it went to another token."""
        done = run("sks-issuer", "roll-over", "--data", self.real.data)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.real.restart()
        request = self.at("kmk-rollover", self.other_token).messages[
            "ProvisioningInitializationRequest"]
        return request["updatableKeyManagementKeys"], request["keyManagementKey"]

    def rolling(self, chain, claimed=None):
        def script(session):
            yield session.invocation()
            yield session.initialization(kmk=None if claimed else self.kmk,
                                         updatableKeyManagementKeys=chain,
                                         **self.claiming(claimed))
            yield session.finalization()
        return script

    def kmk_of_a(self):
        return self.owner(self.target).keyManagementKey

    def forged(self, public):
        """B's key above another's, signed by B."""
        chain = keygen2_issuer.roll_over(self.kmk, self.kmk)
        return [{**chain[0], "publicKey": public}]

    def refuse(self, chain, **options):
        before = self.everything()
        self.refused(self.rolling(chain, **options), "updateKeyManagementKey: " + OPTION, "token")
        self.assertEqual(self.everything(), before)

    def test_signed_by_b(self):
        self.refuse(self.forged(to_jwk(from_spki(self.kmk_of_a()))))

    def test_what_a_has_signed(self):
        """It does what A meant and no more: under B's key or a third one it is refused. A's own
        link, before a forged one, is what A has signed for all of its devices, whoever brings
        it; the forged one is refused."""
        chain, second = self.a_rolls_over()
        self.refuse(chain)
        self.refuse(chain, claimed=to_jwk(generate().public_key()))
        self.assertEqual(self.kmk_of_a(), spki(from_jwk(self.theirs.kmk)))
        forged = self.forged(second)
        forged[0]["updatableKeyManagementKeys"] = chain
        code, outcome, _ = self.run_script(self.rolling(forged))
        self.assertEqual((code, outcome["detectedBy"]), (REFUSED, "token"), outcome)
        self.assertIn("updateKeyManagementKey: " + OPTION, outcome["cause"])
        self.assertEqual(self.sks.sessions(True), [])
        self.assertEqual(self.kmk_of_a(), spki(from_jwk(second)))
        self.at("key-unlock")       # A still governs its keys
        self.assertEqual(self.kmk_of_a(), spki(from_jwk(second)))


class Discovery(Apart):
    def looking(self, *lookups):
        def script(session):
            yield from self.begin(session, kmk=self.kmk)
            answer = yield session.discovery(*[make(session) for make in lookups])
            session.found = answer["lookupResults"]
            yield session.finalization()
        return script

    def with_key_of_a(self, session):
        """A lookup that names A's key."""
        specifier = session.lookup(self.kmk)
        specifier["signature"]["publicKey"] = self.theirs.kmk
        return specifier

    def test_by_right(self):
        """It finds its own, and none of A's, with and without a filter that fits those."""
        a = base64url(fingerprint(self.target.certificate))
        found = self.enrol(self.looking(
            lambda s: s.lookup(self.kmk), lambda s: s.lookup(self.kmk, "Lookup.2", fingerPrint=a),
            lambda s: s.lookup(self.kmk, "Lookup.3", subjectRegEx=".*O=SKS rig"))).found
        own = [from_base64url(match["certificatePath"][0])
               for match in found[0]["matchingCredentials"]]
        self.assertEqual(own, [self.own.certificate])
        self.assertEqual([result["matchingCredentials"] for result in found[1:]], [[], []])

    def test_with_the_public_key_of_a(self):
        self.refused(self.looking(self.with_key_of_a), "signature")

    def test_with_a_lookup_that_a_has_signed(self):
        """Its nonce is that of A's session."""
        recorded = self.at("key-unlock").messages["CredentialDiscoveryRequest"]
        self.refused(self.looking(lambda session: recorded["lookupSpecifiers"][0]), "nonce")

    def test_of_a_second_real_issuer(self):
        """Its profiles fit A's keys as well as its own: only its own are found."""
        second = self.start_issuer(trust=self.trust)
        before = self.everything()
        for profile in ("key-update", "key-clone", "key-unlock", "key-delete"):
            session = self.at(profile, issuer=second, code=REFUSED)
            self.assertRegex(session.cause, "credentials: .* there (is none|are 0, not 1)")
            for result in session.messages["CredentialDiscoveryResponse"]["lookupResults"]:
                self.assertEqual(result["matchingCredentials"], [])
            self.assert_verdict(session.id, "failed", second)
            self.assertEqual(self.everything(), before)
        self.at("p256-user-pin", issuer=second)
        self.at("key-update", issuer=second)
        deleted = self.at("key-delete", issuer=second)
        targets = deleted.messages["ProvisioningFinalizationRequest"]["deleteKeys"]
        self.assertEqual(len(targets), 1)
        self.assertEqual(self.everything(), before)
        self.assertEqual(len(self.sign(self.target)), 64)
