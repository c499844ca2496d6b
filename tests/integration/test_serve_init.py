"""`sks-token serve --init` and `--publish-ca`, and `sks-issuer serve --tls-name`: what a container
wants that has neither a shell nor a store to begin with."""

import stat
import subprocess
import unittest

from rig.processes import Token, program_path, run, run_json, temporary_folder
from rig.testcase import RigTest

USAGE, IO = 2, 3


class ServeInit(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.folder = cls.new_folder()
        cls.published = cls.folder / "public.pem"
        cls.token = cls.start(Token(cls.folder, init=False, options=(
            "--init", "--publish-ca", cls.published)))

    def certificate(self):
        return self.wire().call("getDeviceInfo").certificate

    def test_the_store_is_made_once(self):
        before = self.certificate()
        self.token.restart()
        self.assertEqual(self.certificate(), before)

    def test_the_device_ca_is_handed_out(self):
        self.assertEqual(self.published.read_bytes(), self.token.device_ca.read_bytes())
        self.assertEqual(stat.S_IMODE(self.published.stat().st_mode), 0o644)

    def test_an_issuer_trusts_it(self):
        issuer = self.start_issuer(trust=[self.published])
        done = run("sks-proxy", "provision", "%s/kg2/ed25519" % issuer.url, "--token",
                   self.token.url, "--pin", "471820", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)


class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = temporary_folder(self.addCleanup)

    def serve(self, *options):
        return run("sks-token", "serve", "--store", self.folder / "store", "--listen",
                   "unix:%s" % (self.folder / "sks"), *options)

    def test_without_init_there_is_no_store(self):
        self.assertEqual(self.serve().returncode, IO)
        self.assertFalse((self.folder / "store").exists())

    def test_a_place_that_cannot_be_written(self):
        done = self.serve("--init", "--publish-ca", "/proc/none/ca.pem")
        self.assertEqual(done.returncode, IO)
        self.assertIn("/proc/none/ca.pem", done.stderr)

    def test_an_address_that_is_refused_makes_no_store(self):
        done = run("sks-token", "serve", "--init", "--store", self.folder / "store", "--listen",
                   "0.0.0.0:0")
        self.assertEqual(done.returncode, USAGE)
        self.assertFalse((self.folder / "store").exists())


class TlsName(unittest.TestCase):
    def test_the_certificate_names_it(self):
        data = temporary_folder(self.addCleanup) / "data"
        done = subprocess.run(
            ["timeout", "2", str(program_path("sks-issuer")), "serve", "--data", str(data),
             "--https", "127.0.0.1:0", "--public-url", "https://outside.example", "--tls-name",
             "inside.example"], capture_output=True, text=True, check=False)
        self.assertIn("ready https://", done.stdout)
        said = subprocess.run(["openssl", "x509", "-in", str(data / "tls.pem"), "-noout", "-text"],
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("DNS:inside.example", said)
        self.assertNotIn("outside.example", said)
        self.assertEqual(run_json("sks-issuer", "sessions", "--data", data, "--json"),
                         {"sessions": []})


if __name__ == "__main__":
    unittest.main()
