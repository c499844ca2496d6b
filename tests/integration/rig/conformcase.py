"""sks-conform issuer at an issuer of ours: its device, its operator, its report."""

import json
import shlex
import shutil

from . import clock
from .keygen2_issuer import KeyGen2Issuer, ProofError, Session
from .mitm import Relay
from .processes import PROFILES, program_path, run
from .testcase import RigTest, write_profile

DONE, FAILED, USAGE, NO_CONTACT, ALL_SKIPPED = 0, 1, 2, 3, 77

# What an operator does, as docs/conform.md has it; but a code expires in the past at once.
OPERATOR = r"""read what id device
case $what in
invite) %(issuer)s invite "$id" --data %(data)s | sed -n 's/^code  //p' ;;
expired) %(long_ago)s %(issuer)s invite "$id" --expires 30m --data %(data)s |
    sed -n 's/^code  //p' ;;
withdraw) %(issuer)s withdraw "$(%(issuer)s invitations --data %(data)s |
    sed -n '$s/^ *\([0-9]*\) .*/\1/p')" --data %(data)s ;;
*) %(issuer)s "$what" "$id" --data %(data)s ;;
esac"""


def shipped_profiles(folder):
    """The profiles that come with the issuer, to which others may be added."""
    folder.mkdir(exist_ok=True)
    for path in PROFILES.glob("*"):
        shutil.copy(path, folder)
    return folder


def write_coded(folder):
    for name in ("coded", "coded-too"):
        write_profile(folder, name, enrolment={"code": True})
    return folder


class ConformTest(RigTest):
    options = ()        # of every run

    def conform(self, *options, url=None):
        return run("sks-conform", "issuer", url or self.issuer.url, "--device", self.device,
                   *self.options, *options, timeout=300)

    def report(self, *options, url=None, code=DONE, said=""):
        """@param said  part of the last word; "": it is quiet in a pipe"""
        done = self.conform("--json", *options, url=url)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout[-2000:])
        self.assertEqual(done.stderr == "", said == "", done.stderr)
        self.assertIn(said, done.stderr)
        return json.loads(done.stdout)

    def of_verdict(self, report, verdict):
        return [case["id"] for case in report["cases"] if case["verdict"] == verdict]

    def failed(self, report):
        return self.of_verdict(report, "failed")

    def assert_all_pass(self, report, *groups):
        """Each case that there is of these groups has run, and passed."""
        listed = json.loads(run("sks-conform", "issuer", "--list", "--json").stdout)
        wanted = [case["id"] for case in listed if case["id"].split(".")[0] in groups]
        self.assertTrue(wanted)
        self.assertEqual(self.of_verdict(report, "passed"), wanted,
                         [case for case in report["cases"] if case["verdict"] != "passed"])

    @classmethod
    def trust_device(cls):
        """The first run makes the device, whose CA the operator adds then."""
        cls.device = cls.new_folder() / "device"
        done = run("sks-conform", "issuer", cls.issuer.url, "--device", cls.device, "--only",
                   "device", "--json")
        cls.issuer.trust = [cls.device / "device-ca.pem"]
        return done

    @classmethod
    def trust_and_restart(cls):
        cls.trust_device()
        cls.restart_with_operator()

    @classmethod
    def restart_with_operator(cls):
        cls.issuer.restart()
        cls.options = ("--operator", OPERATOR % {
            "issuer": shlex.quote(str(program_path("sks-issuer"))), "long_ago": cls.long_ago(),
            "data": shlex.quote(str(cls.issuer.data))})

    @classmethod
    def long_ago(cls):
        """What runs a program as of yesterday, for a shell."""
        file = cls.new_folder() / "clock"
        return " ".join("%s=%s" % (name, shlex.quote(value))
                        for name, value in clock.other(file, -86400).items())


class Strict(Session):
    """What has failed stays so."""

    def step(self, response=None):
        if self.verdict == "failed":
            raise ProofError(self.cause)
        return super().step(response)


class LeakyTest(ConformTest):
    """The issuer in Python, with a class of sessions that leaves out a check, or has one too many."""

    @classmethod
    def set_up_rig(cls):
        cls.device = cls.new_folder() / "device"

    def leaky(self, session_class, creation=lambda session: {
            "pinPolicySpecifiers": [session.pin()]}):
        issuer = KeyGen2Issuer()
        self.addCleanup(issuer.close)
        issuer.session_class = session_class

        def script(session):
            yield session.invocation()
            yield session.initialization()
            yield session.creation(**creation(session))
            yield session.finalization(session.credential())
        issuer.script = script
        return issuer.uri


class BehindRelay(ConformTest):
    """Our issuer behind a relay, which a test may have change what goes through."""

    @classmethod
    def write_more(cls):
        """Profiles beside the one that is called "plain"."""

    @classmethod
    def set_up_rig(cls):
        cls.profiles = write_profile(cls.new_folder(), "plain")
        cls.write_more()
        cls.relay = Relay()
        cls.addClassCleanup(cls.relay.close)
        cls.issuer = cls.start_issuer(profiles=cls.profiles,
                                      options=["--public-url", cls.relay.url])
        cls.relay.upstream = cls.issuer.url
        cls.trust_and_restart()
        cls.options = ()

    def tearDown(self):
        self.relay.hook = None

    def url(self, profile):
        return "%s/kg2/%s" % (self.relay.url, profile)
