#!/usr/bin/python3
"""Clients side by side on one token that is killed in their midst: each must find what it was
answered for, or that and its one call in flight, whatever became of the calls of the others.

They share commits, syncs and locks, but no session and no key: so each looks at its own only, and
in the end nothing is there that belongs to nobody.
"""

import argparse
import contextlib
import http.client
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from rig import processes                                       # noqa: E402
from rig.sks_wire import SksClient, SksError                    # noqa: E402

import state                                                    # noqa: E402
from client import Client                                       # noqa: E402
from kills import OUTCOMES, Broken, Life                        # noqa: E402

MEMBERS = 6
SHORTEST, LONGEST = 0.01, 0.4       # seconds until a kill


class Member(Life):
    """One client of a token that others use, too."""

    def __init__(self, token, seed):
        super().__init__(token, seed)
        self.own = set()        # sessions
        self.trouble = None

    def start(self):
        self.client = Client(SksClient(self.token.url), self.authority, self.killer)

    def work(self):
        """Until the token is gone."""
        try:
            with contextlib.suppress(OSError, http.client.HTTPException):
                while True:
                    self.act()
        except (AssertionError, SksError) as error:
            self.trouble = error

    def look(self, sides):
        self.own = {handle for side in sides for handle in side.sessions}
        found = state.read(self.client.wire)
        for name in ("open", "closed"):
            found[name] = [raw for raw in found[name] if int(raw[2:10], 16) in self.own]
        found["keys"] = {handle: key for handle, key in found["keys"].items()
                         if int(key["enumerated"][10:18], 16) in self.own}
        return found


class Crowd:
    def __init__(self, folder, seed):
        self.rng = random.Random(seed)
        self.token = processes.Token(folder)
        self.members = [Member(self.token, "%s:%d" % (seed, number)) for number in range(MEMBERS)]

    def start(self):
        self.token.start()
        for member in self.members:
            member.start()

    def one_kill(self):
        threads = [threading.Thread(target=member.work) for member in self.members]
        for thread in threads:
            thread.start()
        time.sleep(self.rng.uniform(SHORTEST, LONGEST))
        os.kill(self.token.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.token.kill()
        for number, member in enumerate(self.members):
            if member.trouble:
                raise Broken("client %d: %s; last calls: %s" % (
                    number, member.trouble, "; ".join(member.killer.history)))
            member.client.wire.close()
        self.token.start()
        for member in self.members:
            member.resolve(stopping=False)
        self.all_is_owned()

    def all_is_owned(self):
        owned = {handle for member in self.members for handle in member.client.container.sessions}
        found = state.read(self.members[0].client.wire)
        for raw in found["open"] + found["closed"]:
            if int(raw[2:10], 16) not in owned:
                raise Broken("session %d is nobody's" % int(raw[2:10], 16))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10 ** 9)),
                        help="of what the clients do (default: a new one)")
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="(default: 200)")
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))    # and clean up
    folder = Path(tempfile.mkdtemp(prefix="crowd-"))
    crowd = Crowd(folder, options.seed)
    kills = 0
    try:
        crowd.start()
        for kills in range(1, options.kills + 1):
            crowd.one_kill()
        for member in crowd.members:
            member.use_all()
    except (AssertionError, SksError) as error:
        print("VIOLATION, seed %s, kill %d: %s" % (options.seed, kills, error))
        return 1
    finally:
        crowd.token.kill()
        shutil.rmtree(folder)
    met = sum((member.unanswered for member in crowd.members), Counter())
    print("OK: %d kills of %d clients in %d calls, seed %s; of the calls that they cut off %s" % (
        kills, MEMBERS, sum(member.killer.calls for member in crowd.members), options.seed,
        ", ".join("%d were %s" % (met[outcome], outcome) for outcome in OUTCOMES)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
