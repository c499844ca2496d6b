"""What the tests of CRLs share: the CRL as it is served, and what `openssl verify` makes of it."""

import urllib.request

from cryptography import x509

from .issuercase import ProfileTest
from .openssl import path_problem
from .processes import run_json


class CrlMixin:
    """What can be asked of self.issuer."""

    def crl_bytes(self, url=None):
        with urllib.request.urlopen(url or self.issuer.url + "/crl", timeout=60) as reply:
            self.assertEqual(reply.headers["Content-Type"], "application/pkix-crl")
            return reply.read()

    def crl(self, url=None):
        return x509.load_der_x509_crl(self.crl_bytes(url))

    @staticmethod
    def number(crl):
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    def reason(self, der, crl=None):
        """Of the CRL's entry for this certificate; None if there is none."""
        entry = (crl or self.crl()).get_revoked_certificate_by_serial_number(
            x509.load_der_x509_certificate(der).serial_number)
        if entry is None:
            return None
        try:
            return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
        except x509.ExtensionNotFound:
            return "unspecified"

    def verify(self, der):
        """Why `openssl verify -crl_check` refuses a certificate with the CRL of now, or ""."""
        return path_problem([der], self.issuer.data / "ca.pem", self.crl_bytes())

    def assert_good(self, der):
        self.assertEqual(self.verify(der), "")
        self.assertIsNone(self.reason(der))

    def assert_revoked(self, der, reason):
        self.assertIn("certificate revoked", self.verify(der))
        self.assertEqual(self.reason(der), reason)

    def revoke(self, *arguments, code=0):
        return self.command("revoke", *arguments, code=code)

    def exported(self, *options):
        return run_json("sks-issuer", "export", "--data", self.issuer.data, "--json",
                        *options)["certificates"]

    def export_of(self, der):
        serial = "%x" % x509.load_der_x509_certificate(der).serial_number
        return next(row for row in self.exported() if row["serialNumber"].lstrip("0") == serial)

    @staticmethod
    def leaf(client):
        """The one certificate of a session."""
        (path,) = client.certificates.values()
        return path[0]

    @staticmethod
    def serial(der):
        return "%X" % x509.load_der_x509_certificate(der).serial_number


class CrlCase(CrlMixin, ProfileTest):
    """Devices in Python at an issuer whose certificates have a CRL."""
