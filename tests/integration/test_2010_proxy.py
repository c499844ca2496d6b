"""The middleware and a real token in sessions of the 2010 profile, with an issuer in Python."""

from rig import constructs
from rig.certificates import generate
from rig.keygen2_2010 import KeyGen2Issuer2010
from rig.profile_2010 import server_key
from rig.proxycase import ProxyCase
from rig.sks_types import base64url


class ProxyCase2010(ProxyCase):
    def new_issuer(self):
        issuer = KeyGen2Issuer2010()
        self.addCleanup(issuer.close)
        return issuer

    def script(self, **changes):
        """One key under a PIN; `changes` are of the ProvisioningInitializationRequest."""
        def script(session):
            yield session.invocation()
            yield session.initialization(**changes)
            yield session.creation(pinPolicySpecifiers=[session.pin()])
            yield session.finalization(session.credential())
        return script


class Enrolment(ProxyCase2010):
    def test_the_issuer_verifies_all_of_it(self):
        session = self.enrol(self.script())
        shown = self.sks.sessions(False)[-1]
        self.assertEqual((shown.serverSessionId, shown.clientSessionId, shown.issuerUri),
                         (session.id, session.client_id, self.issuer.uri))
        self.assertEqual(len(session.client_id), 32)

    def test_client_ids_are_drawn_anew(self):
        ids = {self.enrol(self.script()).client_id for _ in range(3)}
        self.assertEqual(len(ids), 3)

    def test_longest_life_time(self):
        self.enrol(self.script(lifetime=0xFFFFFFFF))
        self.assertEqual(self.sks.sessions(False)[-1].sessionLifeTime, 0xFFFFFFFF)


class RsaDevice(Enrolment):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(device_key="rsa2048")


class Refusals(ProxyCase2010):
    def rsa(self, bits, exponent="AQAB"):
        """A public key that nobody has the private one of."""
        number = ((1 << (bits - 1)) | 1).to_bytes((bits + 7) // 8, "big")
        return {"serverPublicKey": {"kty": "RSA", "e": exponent, "n": base64url(number)}}

    def test_by_the_token(self):
        """With the draft's own error, CRYPTO, and its reason."""
        for what, changes, text in (
                ("1024 bits", {"serverPublicKey": constructs.to_jwk(
                    server_key("RSA-1024").public_key())}, "1024 bits"),
                ("2047 bits", self.rsa(2047), "2047 bits"),
                ("4097 bits", self.rsa(4097), "4097 bits"),
                ("exponent 1", self.rsa(2048, "AQ"), "exponent"),
                ("even exponent", self.rsa(2048, "Ag"), "exponent")):
            with self.subTest(what):
                outcome = self.refused(self.script(**changes), text, by="token")
                self.assertIn("createProvisioningSession: ERROR_CRYPTO: server_public_key",
                              outcome["cause"])

    def test_by_the_middleware(self):
        ec = constructs.to_jwk(generate().public_key())
        for what, changes, text in (
                ("an EC key", {"serverPublicKey": ec}, "/serverPublicKey: no RSA key"),
                ("no key", {"serverPublicKey": {"kty": "RSA", "e": "AQAB"}},
                 "/serverPublicKey/n"),
                ("both keys", {"serverEphemeralKey": ec}, "/serverEphemeralKey"),
                ("a key management key", {"keyManagementKey": ec}, "/keyManagementKey"),
                ("a limit", {"sessionKeyLimit": 200}, "/sessionKeyLimit"),
                ("no life", {"lifetime": 0}, "/sessionLifeTime"),
                ("too long a life", {"lifetime": 1 << 32}, "/sessionLifeTime")):
            with self.subTest(what):
                self.refused(self.script(**changes), text)

    def test_anonymity(self):
        def script(session):
            yield session.invocation(privacyEnabled=True)
            yield session.initialization()
        self.refused(script, "anonymous")

    def test_server_session_id_of_another_length(self):
        def script(session):
            session.id = "S" * 31
            yield session.invocation()
            yield session.initialization()
        self.refused(script, "/serverSessionId: not 32 characters")

    def test_a_condition_of_the_close_that_fails(self):
        """END_SESSION on the wire; the reason is in the text."""
        def script(session):
            yield session.invocation()
            yield session.initialization()
            yield session.creation(pinPolicySpecifiers=[session.pin(
                session.key(endorsedAlgorithms=[
                    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]))])
            yield session.finalization(session.credential())
        self.refused(script, "closeProvisioningSession", by="token")
