"""TLS 1.2 and up only; certificate and key renewed while the issuer serves."""

import socket
import ssl
import subprocess
import warnings
from urllib.parse import urlsplit

from rig.processes import Token, provision
from rig.mitm import Relay, sks_name
from rig.tlscase import TlsTest, connect, pair

RENEWED = "TLS certificate read again"
KEPT = "TLS certificate not changed"


class Versions(TlsTest):
    def handshake(self, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        at = urlsplit(self.issuer.https_url)
        with socket.create_connection((at.hostname, at.port), 20) as plain:
            with context.wrap_socket(plain) as tls:
                return tls.version()

    def test_old_ones_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.handshake(version)

    def test_new_ones_are_taken(self):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                              (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            self.assertEqual(self.handshake(version), name)

    def test_as_openssl_sees_it(self):
        for flag, taken in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True),
                            ("-tls1_3", True)):
            done = subprocess.run(
                ["openssl", "s_client", "-connect", urlsplit(self.issuer.https_url).netloc, flag,
                 "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=60)
            self.assertEqual("BEGIN CERTIFICATE" in done.stdout, taken, (flag, done.stderr))
            self.assertEqual(done.returncode == 0, taken, (flag, done.stderr))


class Renewal(TlsTest):
    def renew(self, kind="P-256"):
        key, certificate = pair(kind)
        self.put_pair(key, certificate)
        self.hang_up(RENEWED)
        return ssl.PEM_cert_to_DER_cert(certificate.decode())

    def test_new_connections_see_it(self):
        _, before = connect(self.issuer.https_url)
        for kind in ("P-256", "RSA-2048", "P-384"):
            renewed = self.renew(kind)
            client = self.https_client()
            self.assertEqual(client.shown, renewed)
            self.assertNotEqual(client.shown, before)
            self.assertEqual(client.start().status, 200)
            self.assertTrue(self.go_on(client).done)
            self.assert_verdict(client.session_id, "succeeded")

    def test_sessions_under_way_go_on(self):
        same, moved = self.https_client(), self.https_client()
        for client in (same, moved):
            self.assertEqual(client.start().status, 200)
        renewed = self.renew()
        moved.http.connection.close()
        moved.http.connection, shown = connect(self.issuer.https_url)
        self.assertEqual(shown, renewed)
        for client in (same, moved):
            self.assertNotEqual(client.shown, renewed)
            self.assertTrue(self.go_on(client).done)
            self.assert_verdict(client.session_id, "succeeded")

    def test_a_session_has_the_certificate_of_its_connection(self):
        """Begun after the renewal, on a connection from before it."""
        old, wrong = self.https_client(), self.https_client()
        renewed = self.renew()
        for client in (old, wrong):
            self.assertNotEqual(client.shown, renewed)
            self.assertEqual(client.start().status, 200)
        self.assertTrue(self.go_on(old).done)
        self.assertTrue(self.go_on(wrong, shown=renewed).failed)
        self.assertRegex(self.assert_verdict(wrong.session_id), "session attestation")

    def test_what_cannot_be_used_changes_nothing(self):
        renewed = self.renew()
        (key, certificate), (other, _) = pair(), pair()
        for bad in ((other, certificate), (key, b"no PEM\n"), (b"no PEM\n", certificate)):
            self.put_pair(*bad)
            self.hang_up(KEPT)
            client = self.https_client()
            self.assertEqual(client.shown, renewed)
            self.assertEqual(client.start().status, 200)
            self.assertTrue(self.go_on(client).done)
        self.put_pair(key, certificate)
        self.hang_up(RENEWED)
        self.assertEqual(connect(self.issuer.https_url)[1],
                         ssl.PEM_cert_to_DER_cert(certificate.decode()))

    def test_the_proxy_in_the_middle_of_a_session(self):
        token = self.start(Token(self.new_folder()))
        trust = self.issuer.trust[0] / "token.pem"
        trust.write_bytes(token.device_ca.read_bytes())
        renewed = []

        def hook(direction, name, _body, _count):
            if direction == "request" and name == "createKeyEntry":
                renewed.append(self.renew())

        relay = Relay(token.url, name=sks_name, hook=hook)
        self.addCleanup(relay.close)
        for _ in range(2):
            self.hang_up(RENEWED)   # the device CA too
            code, outcome, log = provision(self.issuer.https_url + "/kg2/p256-user-pin",
                                           relay.url, "--ca", self.issuer.data / "tls.pem")
            self.assertEqual((relay.errors, code), ([], 0), (outcome, log))
            self.assert_verdict(outcome["serverSessionId"], "succeeded")
        self.assertEqual(len(renewed), 2)
