"""A small certification authority for the tests' own devices and keys."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def generate(kind="P-256"):
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(),
                                    "P-521": ec.SECP521R1()}[kind])


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


def key_usage(*names):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
             "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in names for name in every})


class Authority:
    def __init__(self, name="Test CA"):
        self.key = generate()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), True,
                                      key_usage("key_cert_sign", "crl_sign"))

    def _sign(self, *fields):
        return self._builder(*fields).sign(self.key, hashes.SHA256())

    def _builder(self, subject, public_key, is_ca, usage, until=None):
        now = datetime.datetime.utcnow()
        issuer_key = self.key.public_key()
        return (x509.CertificateBuilder()
                .subject_name(subject).issuer_name(self.name).public_key(public_key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - DAY).not_valid_after(until or now + 365 * DAY)
                .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
                .add_extension(usage, critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key),
                               False))

    def issue(self, name, public_key):
        """An end-entity certificate, DER."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return der(self._sign(subject, public_key, False, key_usage("digital_signature")))

    def issue_expired(self, name, public_key):
        """One with a DNS name and an extended usage, DER, that is over."""
        over = datetime.datetime.utcnow() - datetime.timedelta(hours=1)
        builder = self._builder(self.name, public_key, False, key_usage("digital_signature"),
                                over)
        return der(builder
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
                   .sign(self.key, hashes.SHA256()))

    def write_tls_server(self, path):
        """A key with a certificate for 127.0.0.1, as one PEM file."""
        key = generate()
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = self._builder(self.name, key.public_key(), False,
                                key_usage("digital_signature"))
        certificate = builder.add_extension(
            x509.SubjectAlternativeName([address]), False).sign(self.key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path

    @property
    def der(self):
        return der(self.certificate)

    def write_pem(self, path):
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path
