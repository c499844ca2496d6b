"""Ends with a hole, and what sks-conform finds of it."""

import json
import shutil

from .processes import Issuer, Token, run

# Of which sks-conform issuer reads what they ask for, when it need not be all.
PROFILES = ("p256-user-pin", "privacy", "session-2010")


def listed():
    """{hole: [part, ...]} of the table of holes."""
    parts = {}
    for line in run("vectors/holes", "--list").stdout.splitlines():
        part, _, hole = line.partition(" ")
        parts.setdefault(hole, []).append(part)
    return parts


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
        super().__init__(folder, listen="unix:%s" % (folder / "sks"))
        self.fresh = folder / "fresh"
        shutil.copytree(self.store, self.fresh)

    def open(self, part, hole):
        """With nothing in it of what came of another hole."""
        shutil.rmtree(self.store)
        shutil.copytree(self.fresh, self.store)
        return super().open(part, hole)

    def conform(self, *options, part=None, hole=None, **_):
        """sks-conform against it, which has a hole too if one is named."""
        return conform("token", self.url, *options, part=part, hole=hole)


class IssuerWithHole(WithHole, Issuer):
    name = "holes/sks-issuer"

    def __init__(self, folder):
        super().__init__(folder)
        self.device = folder / "device"
        self.open(None, None)
        self.conform("--only", "device.expired")    # which makes the device
        self.kill()
        self.trust = [self.device / "device-ca.pem"]

    def conform(self, *options, part=None, hole=None, all_profiles=False):
        urls = [self.url] if all_profiles else ["%s/kg2/%s" % (self.url, name)
                                                for name in PROFILES]
        return conform("issuer", *urls, "--device", self.device, *options, part=part, hole=hole)


ENDS = {"token": TokenWithHole, "issuer": IssuerWithHole}


def conform(*arguments, part, hole):
    done = run("holes/sks-conform", *arguments, "--json", timeout=900,
               environment=environment(part, hole))
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise AssertionError("sks-conform: exit %d, %s" % (done.returncode, done.stderr)) from None
