"""Roll-over of key management keys, and CredentialDiscovery, with the real token."""

import datetime
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from rig import keygen2_issuer
from rig.certificates import der, generate, key_usage
from rig.constructs import from_spki, spki
from rig.proxycase import ProxyCase
from rig.sks_types import base64url, from_base64url

POLICY = "1.3.6.1.4.1.99999.1"


class RollOver(ProxyCase):
    def managing(self, credential, kmk, updatable):
        """A script that comes with key management keys and then unlocks a key."""
        def script(session):
            yield from self.begin(session, kmk=kmk, updatable=updatable)
            yield session.finalization(unlockKeys=[session.target(credential, kmk)])
        return script

    def kmk_of(self, credential):
        key, _ = self.attributes(credential)
        return next(session.keyManagementKey for session in self.sks.sessions(False)
                    if session.provisioningHandle == key.provisioningHandle)

    def test_over_several_generations(self):
        second, third, fourth = (generate() for _ in range(3))
        oldest = self.enrol(self.owning("a")).credentials["a"]
        middle = self.enrol(self.owning("b", kmk=second)).credentials["b"]
        foreign = self.enrol(self.owning("c", kmk=generate())).credentials["c"]
        before = self.kmk_of(foreign)
        self.enrol(self.managing(oldest, fourth,
                                 keygen2_issuer.roll_over(fourth, third, second, self.kmk)))
        for credential in (oldest, middle):
            self.assertEqual(self.kmk_of(credential), spki(fourth.public_key()))
        self.assertEqual(self.kmk_of(foreign), before)

    def test_wrong_authorization(self):
        """The token refuses before there is a session; earlier updates stay."""
        new = generate()
        made = self.enrol(self.owning("a")).credentials["a"]
        chain = keygen2_issuer.roll_over(new, self.kmk)
        chain[0]["authorization"] = keygen2_issuer.roll_over(generate(), self.kmk)[0][
            "authorization"]
        self.refused(self.managing(made, new, chain), "updateKeyManagementKey: ERROR_OPTION",
                     "token")
        self.assertEqual(self.kmk_of(made), spki(self.kmk.public_key()))

    def test_without_a_new_key(self):
        def script(session):
            yield from self.begin(session, updatable=keygen2_issuer.roll_over(
                generate(), self.kmk))
        self.refused(script, "updatableKeyManagementKeys")


class Discovery(ProxyCase):
    def setUp(self):
        super().setUp()
        self.made = self.enrol(self.populating()).credentials

    def certificate(self, session, id, common_name, *extensions, day=1, serial=None):
        """A path of two: an end entity with these extensions, and the CA."""
        authority = self.issuer.authority
        start = datetime.datetime(2020, 1, day)
        builder = (x509.CertificateBuilder()
                   .subject_name(x509.Name([
                       x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
                       x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
                   .issuer_name(authority.name)
                   .public_key(from_spki(session.public_keys[id]))
                   .serial_number(serial or x509.random_serial_number())
                   .not_valid_before(start)
                   .not_valid_after(start + datetime.timedelta(days=9999)))
        for extension in extensions:
            builder = builder.add_extension(extension, False)
        return [der(builder.sign(authority.key, hashes.SHA256())), der(authority.certificate)]

    def populating(self):
        def script(session):
            yield from self.begin(session, kmk=self.kmk)
            yield session.creation(
                pinPolicySpecifiers=[
                    session.pin(session.key("a"), session.key("b", appUsage="authentication"),
                                grouping="shared"),
                    session.pin(session.key("c"), id="PIN.2")],
                keyEntrySpecifiers=[session.key("d", appUsage="encryption")])
            mail = x509.SubjectAlternativeName([x509.RFC822Name("john.doe@example.com"),
                                                x509.DNSName("example.com")])
            yield session.finalization(
                session.credential("a", path=self.certificate(
                    session, "a", "Åsa, Öberg", mail, key_usage("digital_signature"), serial=77)),
                session.credential("b", path=self.certificate(
                    session, "b", "Bob", key_usage("digital_signature", "content_commitment"),
                    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), day=2)),
                session.credential("c", path=self.certificate(
                    session, "c", "Carol", x509.CertificatePolicies([x509.PolicyInformation(
                        ObjectIdentifier(POLICY), None)]), day=3)),
                session.credential("d", path=self.certificate(session, "d", "Dan", day=4)))
        return script

    def discovering(self, *filters, kmk=None, **options):
        def script(session):
            yield from self.begin(session, kmk=kmk or self.kmk)
            answer = yield session.discovery(*[
                session.lookup(kmk or self.kmk, "Lookup.%d" % n, **{**options, **search_filter})
                for n, search_filter in enumerate(filters)])
            session.found = answer["lookupResults"]
            yield session.finalization()
        return script

    def find(self, *filters, **options):
        """The ids of the credentials that each filter finds, as one text a filter."""
        results = self.enrol(self.discovering(*filters, **options)).found
        self.assertEqual([result["id"] for result in results],
                         ["Lookup.%d" % n for n in range(len(filters))])
        names = {credential.certificate: id for id, credential in self.made.items()}
        for result in results:
            for match in result["matchingCredentials"]:
                self.assertEqual(match["serverSessionId"], self.made["a"].session.id)
                self.assertEqual(match["clientSessionId"], self.made["a"].session.client_id)
                self.assertEqual(len(match["certificatePath"]), 2)
        return ["".join(sorted(names[from_base64url(match["certificatePath"][0])]
                               for match in result["matchingCredentials"]))
                for result in results]

    def test_every_filter(self):
        ca = keygen2_issuer.fingerprint(der(self.issuer.authority.certificate))
        cases = (
            ({}, "abcd"),
            ({"fingerPrint": base64url(keygen2_issuer.fingerprint(self.made["b"].certificate))},
             "b"),
            ({"fingerPrint": base64url(ca)}, "abcd"),
            ({"fingerPrint": base64url(bytes(32))}, ""),
            ({"issuerRegEx": "CN=Test CA"}, "abcd"),
            ({"issuerRegEx": "CN=Test"}, ""),
            ({"subjectRegEx": r"\QCN=Åsa\, Öberg,C=SE\E"}, "a"),
            ({"subjectRegEx": "CN=(Bob|Carol),.*"}, "bc"),
            ({"subjectRegEx": "(?i)cn=b.*"}, "b"),
            ({"emailRegEx": r"\Qjohn.doe@example.com\E"}, "a"),
            ({"emailRegEx": r".*@example\.(com|org)"}, "a"),
            ({"emailRegEx": "example.com"}, ""),
            ({"serialNumber": "77"}, "a"),
            ({"serialNumber": "78"}, ""),
            ({"policyRules": [POLICY]}, "c"),
            ({"policyRules": ["-" + POLICY]}, ""),
            ({"policyRules": [POLICY, "-1.2.3"]}, "c"),
            ({"keyUsageRules": ["digitalSignature"]}, "ab"),
            ({"keyUsageRules": ["digitalSignature", "-nonRepudiation"]}, "a"),
            ({"keyUsageRules": ["nonRepudiation"]}, "b"),
            ({"extendedKeyUsageRules": ["1.3.6.1.5.5.7.3.2"]}, "b"),
            ({"extendedKeyUsageRules": ["-1.3.6.1.5.5.7.3.2"]}, ""),
            ({"issuedBefore": "2020-01-02T00:00:00Z"}, "ab"),
            ({"issuedAfter": "2020-01-02T00:00:00Z"}, "bcd"),
            ({"issuedAfter": "2020-01-02T00:00:00Z", "issuedBefore": "2020-01-03T00:00:00Z"},
             "bc"),
            ({"grouping": "shared"}, "ab"),
            ({"grouping": "none"}, "c"),
            ({"grouping": "unique"}, ""),
            ({"appUsage": "signature"}, "ac"),
            ({"appUsage": "encryption"}, "d"),
            ({"grouping": "shared", "appUsage": "signature", "subjectRegEx": "CN=Bob,C=SE"}, ""),
        )
        found = self.find(*[search_filter for search_filter, _ in cases])
        for (search_filter, wanted), ids in zip(cases, found):
            self.assertEqual(ids, wanted, search_filter)

    def test_locked(self):
        key, _ = self.attributes(self.made["c"])
        for _ in range(3):
            with self.assertRaises(Exception):
                self.sks.call("signHashedData", keyHandle=key.keyHandle,
                              algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                              parameters=b"", biometricAuth=False, authorization=b"9999",
                              data=bytes(32))
        found = self.enrol(self.discovering({})).found[0]["matchingCredentials"]
        self.assertEqual({match["certificatePath"][0]: match.get("locked", False)
                          for match in found},
                         {base64url(credential.certificate): id == "c"
                          for id, credential in self.made.items()})

    def test_only_the_owner_finds(self):
        """Another issuer finds nothing: not with its key, and not by naming the owner's."""
        other = generate()
        self.assertEqual(self.find({}, kmk=other), [""])
        self.refused(self.discovering({}, signer=other), "signature")

    def test_nonce(self):
        self.refused(self.discovering({"nonce": bytes(32)}), "/lookupSpecifiers/0/nonce")

    def test_refused_expressions(self):
        for regex, problem in (("(?R)", "subjectRegEx: regular expression: character 1"),
                               ("[a&&b]", "an intersection"), ("(", "parenthesis"),
                               ("(*LIMIT_MATCH=9999999)a", "'(*'")):
            self.refused(self.discovering({"subjectRegEx": regex}), problem)

    def test_an_expression_that_would_not_end(self):
        for regex in ("(((.+)+)+)+[QX]", "((.|..)*)*[QX]", "(?:.?.?){60}[QX]"):
            started = time.monotonic()
            self.refused(self.discovering({"subjectRegEx": regex}), "takes too long")
            self.assertLess(time.monotonic() - started, 10)

    def test_found_keys_are_targets(self):
        """What was found can be deleted in the same session."""
        def script(session):
            yield from self.begin(session, kmk=self.kmk)
            answer = yield session.discovery(session.lookup(self.kmk, serialNumber="77"))
            match = answer["lookupResults"][0]["matchingCredentials"][0]
            target = session.target(self.made["a"], self.kmk)
            self.assertEqual(json.dumps([match["serverSessionId"], match["clientSessionId"]]),
                             json.dumps([target["serverSessionId"], target["clientSessionId"]]))
            yield session.finalization(deleteKeys=[target])
        self.enrol(script)
        self.assertIsNone(self.attributes(self.made["a"]))
