"""An issuer over https: clients that look at its certificate, and new certificates for it."""

import datetime
import http.client
import ipaddress
import os
import signal
import ssl
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from . import ports
from .certificates import DAY, generate
from .client_side import Client
from .issuercase import ProfileTest
from .processes import wait_for



def pair(kind="P-256", name="renewed"):
    """A key and a certificate of its own for the loopback, both PEM."""
    key = generate(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.utcnow()
    certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - DAY).not_valid_after(now + 30 * DAY)
                   .add_extension(x509.SubjectAlternativeName(names), False)
                   .sign(key, hashes.SHA256()))
    return (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            certificate.public_bytes(Encoding.PEM))


def connect(url):
    """A kept connection that takes any certificate, and the one that it was shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=60, context=context)
    connection.connect()
    return connection, connection.sock.getpeercert(binary_form=True)


class TlsTest(ProfileTest):
    options = ()

    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.issuer.stop()
        cls.issuer.listen["https"] = ports.pick()
        cls.issuer.options = cls.options
        cls.issuer.start()

    def https_client(self, profile="p256-user-pin", connection=None):
        """A client on a connection; its certificate is in client.shown."""
        client = Client(self.issuer.https_url, profile, self.device)
        client.http.connection, client.shown = connection or connect(self.issuer.https_url)
        self.addCleanup(lambda: client.http.connection.close())
        return client

    def go_on(self, client, shown=None):
        """The rest of a session whose InvocationRequest is there."""
        reply = client.post(client.invocation_response())
        self.assertEqual(reply.status, 200, reply.body)
        reply = client.post(client.initialization_response(
            serverCertificate=client.shown if shown is None else shown))
        return client.run() if reply.status == 200 else reply

    def put_pair(self, key, certificate):
        for name, pem in (("tls.key", key), ("tls.pem", certificate)):
            made = self.issuer.data / (name + ".new")
            made.touch(0o600)
            made.write_bytes(pem)
            made.rename(self.issuer.data / name)

    def hang_up(self, text):
        """SIGHUP, until the log says what came of it."""
        before = self.issuer.stderr().count(text)
        os.kill(self.issuer.pid, signal.SIGHUP)
        self.wait_for(lambda: self.issuer.stderr().count(text) > before)

    def wait_for(self, happened):
        wait_for(happened, lambda: self.issuer.stderr()[-1000:])
