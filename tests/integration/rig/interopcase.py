"""Test classes in which sks-interop drives the programs, as they stand in docker/compose.yaml but
on one host: an issuer behind a gateway, a token behind a proxy, the operator and the tester."""

import json
import os
import socket
import subprocess
import tempfile

from .processes import BUILD, ROOT, Program, run, wait_for
from .relaycase import RelayProgram
from .testcase import RigTest

SCRIPT_TIMEOUT = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def interop_script(*arguments, **environment):
    """Runs docker/interop.sh on the programs that are tested, where no engine answers."""
    with tempfile.TemporaryDirectory(prefix="sks-") as reports:
        return subprocess.run(
            [ROOT / "docker" / "interop.sh", *arguments], capture_output=True, text=True,
            timeout=SCRIPT_TIMEOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "SKS_BUILD": str(BUILD), "SKS_REPORTS": reports,
                 "DOCKER_HOST": "unix:///none", **environment})


def ask(desk, **question):
    """What is answered at a desk."""
    path = desk / "1.answer"
    (desk / "new").write_text(json.dumps(question))
    (desk / "new").rename(desk / "1.question")
    wait_for(path.exists)
    answer = json.loads(path.read_text())
    path.unlink()
    return answer


class Clerk(Program):
    """`sks-interop operator`, `witness` or `tester`: answers at a desk."""

    name = "sks-interop"
    environment = {"PATH": "%s:%s" % (BUILD, os.environ["PATH"])}

    def __init__(self, folder, command, *options):
        super().__init__(folder)
        self.desk = self.folder / "desk"
        self.desk.mkdir(0o700)
        self.command = [command, "--desk", self.desk, *options]

    def arguments(self):
        return self.command


class InteropCase(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.keys = cls.new_folder()
        subprocess.run([ROOT / "docker" / "keys.sh", cls.keys], check=True)
        cls.shared = cls.new_folder()
        cls.attack_file = cls.shared / "rules.json"
        cls.trusted = cls.new_folder()          # of the operator
        cls.start_ends()
        cls.operator = cls.start(Clerk(cls.new_folder(), "operator", "--data", cls.issuer.data,
                                       "--issuer", cls.issuer.pid, "--trust", cls.trusted))
        cls.reports = cls.new_folder()
        cls.tester = cls.start_tester(cls.token.url)

    @classmethod
    def start_ends(cls):
        """Both relays look for their rules in one file."""
        watch = ("--attack-watch", cls.attack_file)
        cls.token = cls.start_token(options=("--simulate", "biometrics,device-pin"))
        cls.proxy = cls.start(RelayProgram(cls.new_folder(), cls.token.url, *watch))
        gateway = "127.0.0.1:%d" % free_port()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca, cls.trusted], http=None,
                                      https="127.0.0.1:0",
                                      options=("--public-url", "https://" + gateway,
                                               "--seen-certificate", cls.keys / "gateway-tls.pem"))
        cls.gateway = cls.start(RelayProgram(
            cls.new_folder(), cls.issuer.https_url, "--ca", cls.issuer.data / "tls.pem",
            "--tls-certificate", cls.keys / "gateway-tls.pem", "--tls-key",
            cls.keys / "gateway-tls.key", *watch, listen=gateway))

    @classmethod
    def start_tester(cls, url):
        return cls.start(Clerk(cls.new_folder(), "tester", "--token", url, "--reports",
                               cls.reports))

    def conform_options(self, **changed):
        """Of drive and conform."""
        options = {"operator": self.operator.desk, "attack-file": self.attack_file,
                   "tester": self.tester.desk, "device": self.keys / "device",
                   "reports": self.reports, **changed}
        return [word for name, value in options.items() for word in ("--" + name, value)]

    def interop(self, command, *options, timeout=300):
        return run("sks-interop", command, "--issuer", self.gateway.url, "--token", self.proxy.url,
                   "--ca", self.keys / "gateway-tls.pem", "--state", self.folder / "state",
                   *options, timeout=timeout, environment=Clerk.environment)

    def rows(self, done):
        """{what: (part, good, what came of it)} of the table; the run said so in its exit code."""
        rows, lines = {}, done.stdout.splitlines()
        width = next((line.index("CAME OF IT") for line in lines if "CAME OF IT" in line), 0)
        for line in lines:
            if line[:3] in ("ok ", "NO "):
                what = line[12:width - 9].strip()
                rows[what] = (line[3:12].strip(), line.startswith("ok"), line[width:])
        self.assertTrue(rows, (done.stdout, done.stderr))
        self.assertEqual(done.returncode, 0 if all(row[1] for row in rows.values()) else 1)
        return rows
