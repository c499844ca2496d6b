"""The files of docker/: compose reads them, alone and on top of each other; the scripts are POSIX
sh; the secrets that are made fit the programs."""

import os
import re
import shutil
import stat
import subprocess
import unittest

from rig.processes import ROOT, run, temporary_folder

DOCKER = ROOT / "docker"
BASE = DOCKER / "compose.yaml"
OVERLAYS = sorted(DOCKER.glob("compose.*.yaml"))
SETTINGS = {"SKS_ATTACK": "weak-pin", "SKS_PUBLIC_URL": "https://issuer.example:8443",
            "SKS_TRUST": "/tmp", "SKS_SECRETS": str(DOCKER / "demo-secrets"),
            "SKS_ISSUER_URL": "https://issuer.example", "SKS_ISSUER_CA": str(BASE)}
# Without these an overlay must not start: there is nothing to assume.
NEEDED = {"attack": ["SKS_ATTACK"], "chaos": [], "conform": [],
          "real-token": ["SKS_PUBLIC_URL", "SKS_SECRETS", "SKS_TRUST"],
          "foreign-issuer": ["SKS_ISSUER_CA", "SKS_ISSUER_URL"]}


def compose():
    """The words of either compose, None where there is none."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) and subprocess.run(
                [*words, "version"], capture_output=True, check=False).returncode == 0:
            return words
    return None


class Files(unittest.TestCase):
    def test_each_overlay_has_its_settings_here(self):
        self.assertEqual([path.name.split(".")[1] for path in OVERLAYS], sorted(NEEDED))

    def test_no_container_is_named_and_none_is_privileged(self):
        for path in (BASE, *OVERLAYS):
            text = path.read_text()
            for word in ("container_name", "privileged", "cap_add", "docker.sock", "\nversion:"):
                self.assertNotIn(word, text, path)

    def test_each_service_is_bounded(self):
        services = re.findall(r"\n  ([a-z]+):\n    <<: \*program\n", BASE.read_text())
        self.assertEqual(sorted(services), ["driver", "gateway", "issuer", "operator", "proxy",
                                            "tester", "token", "witness"])


@unittest.skipUnless(compose(), "no compose")
class Compose(unittest.TestCase):
    def config(self, *files, without=()):
        settings = {name: value for name, value in SETTINGS.items() if name not in without}
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("SKS_")}
        words = [word for path in files for word in ("--file", str(path))]
        return subprocess.run([*compose(), *words, "config", "--quiet"], capture_output=True,
                              text=True, check=False, env={**environment, **settings})

    def test_alone_without_any_setting(self):
        done = self.config(BASE, without=SETTINGS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_issuer_is_quiet_unless_it_is_asked(self):
        """Else its thousands of lines would hide the table that `up` ends with."""
        for files, value, wanted in (((BASE,), None, "error"), ((BASE,), "info", "info"),
                                     ((BASE, DOCKER / "compose.real-token.yaml"), None, "info")):
            words = [word for path in files for word in ("--file", str(path))]
            done = subprocess.run(
                [*compose(), *words, "config"], capture_output=True, text=True, check=False,
                env={**os.environ, **SETTINGS, **({"SKS_LOG_LEVEL": value} if value else {})})
            self.assertRegex(done.stdout, "SKS_ISSUER_LOG_LEVEL: %s\n" % wanted)

    def test_on_top(self):
        for path in OVERLAYS:
            done = self.config(BASE, path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)

    def test_what_must_be_set(self):
        for path in OVERLAYS:
            for name in NEEDED[path.name.split(".")[1]]:
                done = self.config(BASE, path, without=[name])
                self.assertNotEqual(done.returncode, 0, (path, name))


class Scripts(unittest.TestCase):
    def test_they_are_posix(self):
        for path in DOCKER.glob("*.sh"):
            self.assertTrue(path.read_text().startswith("#!/bin/sh\n"), path)
            self.assertTrue(os.access(path, os.X_OK), path)
            self.assertEqual(subprocess.run(["sh", "-n", path], check=False).returncode, 0, path)

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck")
    def test_they_are_clean(self):
        done = subprocess.run(["shellcheck", *DOCKER.glob("*.sh")], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.stdout, "")

    def test_an_engine_that_cannot_be_had_is_said(self):
        """The command runs all the same, and its exit code counts."""
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--clear-groups", DOCKER / "engine.sh", "sh", "-c",
             "exit 7"] if os.getuid() == 0 else [DOCKER / "engine.sh", "sh", "-c", "exit 7"],
            capture_output=True, text=True, check=False,
            env={**os.environ, "DOCKER_HOST": "unix:///none"})
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("NO DOCKER ENGINE", done.stdout)


class Secrets(unittest.TestCase):
    def check(self, folder):
        made = temporary_folder(self.addCleanup)
        data, store = made / "data", made / "store"
        done = run("sks-token", "init", "--store", store, "--master-key",
                   folder / "token-master.key")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("sks-issuer", "init", "--data", data, "--ca-key", folder / "issuer-ca.key",
                   "--ca-cert", folder / "issuer-ca.pem")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = subprocess.run(["openssl", "x509", "-in", folder / "gateway-tls.pem", "-noout",
                                "-ext", "subjectAltName"], capture_output=True, text=True,
                               check=True).stdout
        self.assertIn("DNS:gateway", names)
        return names

    def test_those_that_are_made(self):
        folder = temporary_folder(self.addCleanup) / "secrets"
        subprocess.run([DOCKER / "keys.sh", folder, "issuer.example", "192.0.2.7"], check=True)
        names = self.check(folder)
        self.assertIn("DNS:issuer.example", names)
        self.assertIn("IP Address:192.0.2.7", names)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        before = {path: path.read_bytes() for path in folder.iterdir()}
        self.assertEqual(len(before), 6)
        subprocess.run([DOCKER / "keys.sh", folder], check=True)
        self.assertEqual({path: path.read_bytes() for path in folder.iterdir()}, before)

    def test_those_of_the_demonstration(self):
        folder = temporary_folder(self.addCleanup)
        for path in (DOCKER / "demo-secrets").iterdir():
            shutil.copy(path, folder)
            (folder / path.name).chmod(0o600)
        self.check(folder)

    def test_the_demonstration_s_are_no_default_for_others(self):
        text = (DOCKER / "compose.real-token.yaml").read_text()
        self.assertNotIn("demo-secrets", text)
        for path in (DOCKER / "demo-secrets").iterdir():
            if path.name not in ("token-master.key", "gateway-ca.pem"):
                self.assertIn("SKS_SECRETS:?folder made by docker/keys.sh}/" + path.name, text)


if __name__ == "__main__":
    unittest.main()
