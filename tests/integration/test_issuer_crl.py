"""Revocation: the CRL as it is served, what the operator revokes, holds and releases, export."""

import contextlib
import json
import sqlite3
import subprocess

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from rig import clock
from rig.crlcase import CrlCase
from rig.issuercase import REFUSED, USAGE
from rig.processes import run
from rig.sks_types import base64url
from rig.testcase import PROFILE, write_profile

PLAIN = "p256-user-pin"


class Revocation(CrlCase):
    def enrolled(self, profile=PLAIN):
        return self.leaf(self.enrol(profile))

    def test_the_form_of_the_crl(self):
        crl = self.crl()
        ca = x509.load_pem_x509_certificate((self.issuer.data / "ca.pem").read_bytes())
        self.assertTrue(crl.is_signature_valid(ca.public_key()))
        self.assertEqual(crl.issuer, ca.subject)
        self.assertEqual(
            crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
            .value.key_identifier,
            ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest)
        life = (crl.next_update - crl.last_update).total_seconds()
        self.assertEqual(life, 24 * 3600 + 300)
        done = subprocess.run(["openssl", "crl", "-inform", "DER", "-noout", "-text"],
                              input=self.crl_bytes(), capture_output=True)
        self.assertIn(b"Version 2", done.stdout)

    def test_certificates_name_it(self):
        certificate = x509.load_der_x509_certificate(self.enrolled())
        point = certificate.extensions.get_extension_for_oid(
            ExtensionOID.CRL_DISTRIBUTION_POINTS)
        self.assertFalse(point.critical)
        self.assertEqual([name.value for name in point.value[0].full_name],
                         [self.issuer.url + "/crl"])
        self.assertEqual(len(point.value), 1)
        self.crl(point.value[0].full_name[0].value)

    def test_number_grows_with_each_change_only(self):
        der = self.enrolled()
        first = self.crl_bytes()
        self.assertEqual(self.crl_bytes(), first)
        self.revoke(self.serial(der))
        second = self.crl_bytes()
        self.assertNotEqual(second, first)
        before, after = map(x509.load_der_x509_crl, (first, second))
        self.assertGreater(self.number(after), self.number(before))
        self.issuer.restart()
        self.assertGreater(self.number(self.crl()), self.number(after))
        self.assert_revoked(der, "unspecified")

    def test_revoke(self):
        der, other = self.enrolled(), self.enrolled()
        self.assert_good(der)
        self.assertIn("1 certificate revoked", self.revoke(self.serial(der).lower(),
                                                           "--reason", "keyCompromise"))
        self.assert_revoked(der, "keyCompromise")
        self.assert_good(other)
        self.assertIn("nothing to change", self.revoke(self.serial(der), "--reason", "superseded"))
        self.assert_revoked(der, "keyCompromise")
        for option in ("--hold", "--release"):
            self.assertIn("is revoked", self.revoke(self.serial(der), option, code=REFUSED))
        self.assert_revoked(der, "keyCompromise")

    def test_hold_and_release(self):
        der = self.enrolled()
        self.revoke(self.serial(der), "--hold")
        self.assert_revoked(der, "certificateHold")
        self.assertIn("nothing to change", self.revoke(self.serial(der), "--hold"))
        self.revoke(self.serial(der), "--release")
        self.assert_good(der)
        self.assertIn("nothing to change", self.revoke(self.serial(der), "--release"))
        self.revoke(self.serial(der), "--hold")
        self.revoke(self.serial(der), "--reason", "privilegeWithdrawn")
        self.assert_revoked(der, "privilegeWithdrawn")

    def test_a_whole_session(self):
        client = self.enrol("multi-key-shared-pin")
        leaves = [path[0] for path in client.certificates.values()]
        self.assertGreater(len(leaves), 1)
        told = self.revoke("--session", client.session_id, "--json")
        self.assertEqual(json.loads(told), {"changed": len(leaves)})
        for der in leaves:
            self.assert_revoked(der, "unspecified")
        self.assert_verdict(client.session_id, "succeeded")

    def test_a_failed_session(self):
        """The finalization went out: the token may have taken it."""
        client = self.client(PLAIN)
        client.run(until="ProvisioningFinalizationRequest")
        message = client.answer()
        message["attestation"] = base64url(bytes(32))
        self.assert_refused(client, client.post(message), "closing proof: ")
        self.assert_revoked(self.leaf(client), "cessationOfOperation")
        self.assertEqual(self.export_of(self.leaf(client))["revocation"]["origin"], "failed")

    def test_wrong_commands(self):
        der = self.enrolled()
        serial = self.serial(der)
        for arguments in ((), (serial, "--session", "x"), (serial, "--hold", "--release"),
                          (serial, "--hold", "--reason", "superseded"),
                          (serial, "--reason", "certificateHold"), (serial, "--reason", "boredom"),
                          ("xyz",), ("00",)):
            self.revoke(*arguments, code=USAGE)
        self.assertIn("no certificate", self.revoke("abcdef", code=REFUSED))
        self.assertIn("no certificate", self.revoke("--session", "unknown", code=REFUSED))
        self.assert_good(der)

    def test_export(self):
        client = self.enrol(PLAIN)
        der = self.leaf(client)
        row = self.export_of(der)
        self.assertEqual((row["profile"], row["session"], row["state"], row["external"],
                          row["revocation"], row["keyId"]),
                         (PLAIN, client.session_id, "live", False, None, "Key.1"))
        self.assertEqual(row["device"], self.device_keys()[0]["device"])
        pem = row["certificate"].encode()
        self.assertEqual(x509.load_pem_x509_certificate(pem), x509.load_der_x509_certificate(der))
        self.assertEqual(row["notAfter"], x509.load_pem_x509_certificate(pem).not_valid_after
                         .strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.revoke(self.serial(der), "--hold")
        self.assertEqual({name: self.export_of(der)["revocation"][name]
                          for name in ("reason", "origin")},
                         {"reason": "certificateHold", "origin": "operator"})
        self.assertEqual([row["session"] for row in self.exported("--session", client.session_id)],
                         [client.session_id])
        text = self.command("export", "--session", client.session_id)
        for line in ("profile " + PLAIN, "session " + client.session_id, "state live",
                     "revoked certificateHold (operator)"):
            self.assertIn(line + "\n", text)
        self.assertEqual(x509.load_pem_x509_certificate(text.encode()),
                         x509.load_der_x509_certificate(der))
        self.command("export", "--session", "unknown", code=REFUSED)


class OtherCrl(CrlCase):
    """A short life, an address of its own, and certificates that end."""

    @classmethod
    def set_up_rig(cls):
        clock.install()
        super().set_up_rig()
        cls.issuer.options = ["--crl-life", "4", "--crl-url", "http://crl.example/ca.crl"]
        cls.issuer.restart()

    def test_the_address_in_certificates(self):
        certificate = x509.load_der_x509_certificate(self.leaf(self.enrol(PLAIN)))
        point = certificate.extensions.get_extension_for_oid(
            ExtensionOID.CRL_DISTRIBUTION_POINTS).value[0]
        self.assertEqual(point.full_name[0].value, "http://crl.example/ca.crl")

    def test_renewed_before_its_end(self):
        first = self.crl()
        clock.skip(3)
        second = self.crl()
        self.assertGreater(second.next_update, first.next_update)
        self.assertGreater(Revocation.number(second), Revocation.number(first))

    def test_bad_options(self):
        for option, value in (("--crl-url", "ftp://x"), ("--crl-url", "none"), ("--crl-life", "1"),
                              ("--external-ca-timeout", "0")):
            done = run("sks-issuer", "serve", "--data", self.new_folder(), option, value)
            self.assertEqual(done.returncode, USAGE, (option, value, done.stderr))


class Names(CrlCase):
    """Subject and alternative names of our own CA, with values of the enrolment."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        key = {**PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0], "certificate": {
            "subject": "CN={name},serialNumber={device},O=Example", "keyUsage": ["keyAgreement"],
            "extendedKeyUsage": ["clientAuth", "1.2.3.4"],
            "certificatePolicies": ["1.3.6.1.4.1.32473.1", "2.5.29.32.0"],
            "subjectAltName": ["email:{mail}", "DNS:{device8}.example.com", "IP:192.0.2.1",
                               "URI:urn:example:{profile}"]}}
        write_profile(cls.profiles, "named", deferredIssuance=True, pinPolicySpecifiers=[
            {**PROFILE["pinPolicySpecifiers"][0], "keyEntrySpecifiers": [key]}])
        super().set_up_rig()

    def approved(self, *settings):
        client = self.client("named")
        client.run(until="never")
        self.command("approve", client.session_id,
                     *(word for setting in settings for word in ("--set", setting)))
        self.assertEqual(client.resume().status, 200)
        return client, client.run()

    def test_all_of_them(self):
        client, reply = self.approved("name=Zoë, O=Evil+OU=x", "mail=zoe@example.com", "more=x")
        self.assertTrue(reply.done, reply.body)
        der = self.leaf(client)
        self.assert_good(der)
        certificate = x509.load_der_x509_certificate(der)
        device = self.device_keys()[0]["device"]
        self.assertEqual([(part.oid.dotted_string, part.value) for part in certificate.subject],
                         [("2.5.4.10", "Example"), ("2.5.4.5", device),
                          ("2.5.4.3", "Zoë, O=Evil+OU=x")])
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        self.assertFalse(names.critical)
        self.assertEqual([str(name.value) for name in names.value],
                         ["zoe@example.com", device[:8] + ".example.com", "192.0.2.1",
                          "urn:example:named"])
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        self.assertEqual([policy.policy_identifier.dotted_string for policy in policies],
                         ["1.3.6.1.4.1.32473.1", "2.5.29.32.0"])

    def test_values_that_do_not_do(self):
        for settings, cause in (
                (("name=Zoe",), 'subjectAltName: .*the enrolment does not say "mail"'),
                (("mail=a@b.example",), 'subject: the value of CN: .*does not say "name"'),
                (("name=Zoe", "mail=zoe at home"), "subjectAltName: .*printable ASCII"),
                (("name=Zoe", "mail=nobody"), "subjectAltName: .*is no email name"),
                (("name=" + "x" * 65, "mail=a@b.example"), "subject: CN is unknown, or its value")):
            with self.subTest(settings):
                client, reply = self.approved(*settings)
                self.assert_refused(client, reply, "^certificate: Key.1: " + cause)
                self.assertEqual(self.exported("--session", client.session_id), [])

    def test_settings_of_what_is_refused(self):
        """Where nothing is decided, no value of the enrolment changes either."""
        client = self.client("named")
        client.run(until="never")
        zoe = ("--set", "name=Zoe", "--set", "mail=zoe@example.com")
        self.command("approve", client.session_id, "--device", "00000000", "--set", "unit=x",
                     *zoe, code=REFUSED)
        self.assertEqual(self.enrolment(client), {})
        self.command("approve", client.session_id, *zoe)
        self.command("approve", client.session_id, "--set", "name=Eve", code=REFUSED)
        self.assertEqual(self.enrolment(client), {"name": "Zoe", "mail": "zoe@example.com"})
        client.resume()
        self.assertTrue(client.run().done)
        self.command("approve", client.session_id, "--set", "name=Eve", code=REFUSED)
        self.assertEqual(self.enrolment(client)["name"], "Zoe")

    def enrolment(self, client):
        with contextlib.closing(sqlite3.connect(self.issuer.data / "issuer.db")) as db:
            return dict(db.execute(
                "SELECT name, value FROM enrolment JOIN session ON session = number WHERE id = ?",
                (client.session_id,)))

    def test_settings_that_are_none(self):
        client = self.client("named")
        client.run(until="never")
        for setting in ("name", "=x", "a b=x", "name=", "name=a\x1fb", "device=x", "session=x",
                        "name=" + "x" * 256, "x" * 33 + "=x"):
            self.command("approve", client.session_id, "--set", setting, code=USAGE)
        self.assertEqual(client.resume().pending, True)
        self.command("approve", "unknown", "--set", "name=x", code=REFUSED)

    def test_profiles_that_are_refused(self):
        folder = self.new_folder()
        for changes, text in (
                ({"subject": "CN={"}, "/subject: the value of CN: '{' begins no {NAME}"),
                ({"subject": "CN={a b}"}, "/subject: the value of CN: '{' begins no {NAME}"),
                ({"certificatePolicies": ["clientAuth"]}, "/certificatePolicies/0: unknown name"),
                ({"certificatePolicies": ["1"]}, "/certificatePolicies/0: unknown name"),
                ({"subjectAltName": ["a@b.example"]}, "/subjectAltName: 'a@b.example': expected"),
                ({"subjectAltName": ["DNS:a b"]}, "/subjectAltName: 'DNS:a b': must be printable"),
                ({"subjectAltName": ["email:{}"]}, "/subjectAltName: 'email:{}': '{' begins no")):
            with self.subTest(changes):
                key = {**PROFILE["pinPolicySpecifiers"][0]["keyEntrySpecifiers"][0]}
                key["certificate"] = {**key["certificate"], **changes}
                write_profile(folder, "bad", pinPolicySpecifiers=[
                    {**PROFILE["pinPolicySpecifiers"][0], "keyEntrySpecifiers": [key]}])
                done = run("sks-issuer", "check-profile", folder / "bad.json")
                self.assertEqual(done.returncode, REFUSED, done.stdout)
                self.assertIn(text, done.stdout + done.stderr)
