"""Ends with a hole, and what sks-conform finds of it."""

import json
import shutil

from .processes import Issuer, Token, run

PLAIN = "p256-user-pin"    # whose keys most other profiles look for


def listed():
    """{hole: ([part, ...], profile)} of the table of holes."""
    found = {}
    for line in run("vectors/holes", "--list").stdout.splitlines():
        part, profile, hole = line.split(" ", 2)
        found.setdefault(hole, ([], profile))[0].append(part)
    return found


def environment(part, hole):
    return {} if hole is None else {"SKS_HOLE": "%s %s" % (part, hole)}


class WithHole:
    """A program of build/holes. It is none of those that a class must find alive at its end."""

    def open(self, part, hole):
        self.environment = {**type(self).environment, **environment(part, hole)}
        return self.start()

    def stderr_path(self):
        return self.folder / "stderr"


class TokenWithHole(WithHole, Token):
    name = "holes/sks-token"

    def __init__(self, folder):
        super().__init__(folder, listen="unix:%s" % (folder / "sks"), options=["--rsa-pool", 0])
        self.fresh = folder / "fresh"
        shutil.copytree(self.store, self.fresh)

    def open(self, part, hole):
        """With nothing in it of what came of another hole."""
        shutil.rmtree(self.store)
        shutil.copytree(self.fresh, self.store)
        return super().open(part, hole)

    def conform(self, *options, profile=None, part=None, hole=None):
        """sks-conform against it, which has a hole too if one is named. @param profile  unused"""
        return conform("token", self.url, *options, part=part, hole=hole)


class IssuerWithHole(WithHole, Issuer):
    name = "holes/sks-issuer"

    def __init__(self, folder):
        super().__init__(folder)
        self.device = folder / "device"
        self.open(None, None)
        self.conform("--only", "device.expired", profile=PLAIN)     # which makes the device
        self.kill()
        self.trust = [self.device / "device-ca.pem"]

    def conform(self, *options, profile=None, part=None, hole=None):
        """@param profile  beside PLAIN; None: all that there are"""
        names = [PLAIN, profile] if profile not in (None, PLAIN) else [PLAIN]
        urls = ["%s/kg2/%s" % (self.url, name) for name in names] if profile else [self.url]
        return conform("issuer", *urls, "--device", self.device, *options, part=part, hole=hole)


ENDS = {"token": TokenWithHole, "issuer": IssuerWithHole}


def conform(*arguments, part, hole):
    """The report, with the exit code as `exit`."""
    done = run("holes/sks-conform", *arguments, "--json", timeout=900,
               environment=environment(part, hole))
    try:
        return {**json.loads(done.stdout), "exit": done.returncode}
    except ValueError:
        raise AssertionError("sks-conform: exit %d, %s" % (done.returncode, done.stderr)) from None
