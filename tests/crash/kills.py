"""Real kills: sks-token is killed at random moments of a random workload, and goes on.

After each start the token must show exactly what it had answered for, or that and the one call that
was in flight; open sessions go on where they were. The seed settles the workload; when a kill falls
is up to the machine, too.
"""

import collections
import contextlib
import http.client
import os
import random
import shutil
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from rig import processes
from rig.certificates import Authority, generate
from rig.constructs import property_bag
from rig.sks_wire import SksClient, SksError

import state
from client import Client, Observer, Surprise
from scenario import BAG, LONG, PUK, PUK_LIMIT
from sweeping import new_folder
from verdict import compare

PINS = (b"4711", b"0815", b"1234", b"987654")
KEYS_MAX = 10       # more than that are deleted
# What became of a call that nobody answered; some show nothing either way.
OUTCOMES = DONE, NOT_DONE, UNTOLD = "done", "not done", "done or not, unseen"
ENROL, MANAGE = "enrol", "manage"
JOBS = 2            # open sessions at a time
CALLS = 12      # at most, before a kill is due
REMEMBERED = 40     # calls that a violation tells of
FIRST_GUESS = 0.002     # seconds that a call takes


class Broken(AssertionError):
    """The token shows what it must not."""


class Killer(Observer):
    """Knows how long a call takes, and so kills in the midst of one."""

    def __init__(self, token):
        self.token = token
        self.average = FIRST_GUESS
        self.calls = 0
        self.history = collections.deque(maxlen=REMEMBERED)
        self.due = None     # where in the next call, as a part of the average
        self.timer = None

    def before(self, name, container):
        self.began = time.monotonic()
        self.history.append(name)
        if self.due is not None:
            self.timer = threading.Timer(self.due * self.average, os.kill,
                                         (self.token.pid, signal.SIGKILL))
            self.timer.start()
            self.due = None

    def after(self, name, container):
        self.average += (time.monotonic() - self.began - self.average) / 10
        self.calls += 1


class Life:
    """One store over many kills."""

    def __init__(self, token, seed):
        self.rng = random.Random(seed)
        self.token = token
        self.killer = Killer(self.token)
        self.kmk = generate()
        self.authority = Authority()
        self.client = None
        self.jobs = []      # [(what, generator)]: each is the client's side of one session
        self.unanswered = collections.Counter()     # what became of the calls that the kills met

    def start(self):
        self.token.start()
        wire = SksClient(self.token.url)
        self.client = Client(wire, self.authority, self.killer)

    # The workload

    def act(self):
        """One random call, or a few."""
        if self.client.container.keys and self.rng.random() < 0.5:
            self._use_keys()
        else:
            self._go_on()

    def _go_on(self):
        if len(self.jobs) < JOBS:
            manages = not self._is_managing and self._targets() and self.rng.random() < 0.4
            self.jobs.append((MANAGE, self._manage()) if manages else (ENROL, self._enrol()))
        job = self.rng.choice(self.jobs)
        try:
            next(job[1])
        except StopIteration:
            self.jobs.remove(job)

    @property
    def _is_managing(self):
        """Then no key may be deleted, as it may be a target, and no second session manage."""
        return any(what == MANAGE for what, _ in self.jobs)

    def _enrol(self):
        client, rng = self.client, self.rng
        chance = rng.random()
        session = (client.open_session_2010() if chance < 0.2
                   else client.open_session(self.kmk if chance < 0.9 else None))
        yield
        puk = client.puk(session, PUK, PUK_LIMIT) if rng.random() < 0.7 else None
        yield
        policy = client.pin(session, puk, grouping=rng.randrange(2), retryLimit=rng.randint(3, 6))
        yield
        for number in range(rng.randint(1, 3)):
            key = client.key(session, "Key.%d" % number, policy, PINS[0],
                             exportProtection=rng.randrange(2))
            yield
            yield from self._furnish(session, key)
        if rng.random() < 0.15:
            (client.abort if rng.random() < 0.5 else client.break_session)(session)
        else:
            client.close(session)

    def _furnish(self, session, key):
        if self.rng.random() < 0.3:
            self.client.import_symmetric(session, key, self.rng.randbytes(20))
            yield
        if self.rng.random() < 0.5:
            self.client.extend(session, key, BAG, property_bag(("n", True, "v")), 2)
            yield
        if self.rng.random() < 0.2:
            self.client.extend(session, key, LONG, bytes(self.rng.randrange(60000)))
            yield

    def _targets(self):
        """Keys that the issuer can manage."""
        container = self.client.container
        return [handle for handle, key in container.keys.items()
                if container.sessions[key.session].shown["keyManagementKey"]]

    def _manage(self):
        """A session of post operations, each on a key of its own."""
        session = self.client.open_session(self.kmk)
        yield
        targets = self._targets()
        for handle in self.rng.sample(targets, min(len(targets), self.rng.randint(1, 3))):
            yield from self._queue(session, handle)
        self.client.close(session)

    def _queue(self, session, handle):
        client, target = self.client, self.client.container.keys[handle]
        operation = self.rng.choice(("update", "clone", "unlock", "delete"))
        if operation == "clone" and target.policy.fields["grouping"] != 1:
            operation = "update"
        key = None
        if operation in ("update", "clone"):
            key = client.key(session, "New.%d" % handle)
            yield
            yield from self._furnish(session, key)
        client.post(session, operation, handle, key)
        yield

    def _use_keys(self):
        client, rng = self.client, self.rng
        handle = rng.choice(list(client.container.keys))
        key = client.container.keys[handle]
        value = key.pin.value if rng.random() < 0.7 else b"0000"
        puk = PUK if rng.random() < 0.9 else b"1"
        actions = [lambda: client.use(handle, value)] * 4 + [
            lambda: client.change_pin(handle, value, rng.choice(PINS))]
        if key.fields["exportProtection"] <= 1:
            actions.append(lambda: client.export(
                handle, value if key.fields["exportProtection"] else b""))
        if key.puk:
            actions += [lambda: client.unlock(handle, puk),
                        lambda: client.set_pin(handle, puk, rng.choice(PINS))]
        if BAG in key.extensions:
            actions.append(lambda: client.set_property(handle, BAG, "n", str(rng.random())))
        if not self._is_managing and len(client.container.keys) > KEYS_MAX:
            actions = [lambda: client.delete(handle)]
        rng.choice(actions)()

    # Kills

    def kill_in_a_call(self):
        """Works until the kill has fallen, in the next call or soon after it."""
        self.killer.due = self.rng.uniform(0, 1.2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                self.act()
        self.killer.timer.join()

    def kill_idle(self):
        self.token.process.kill()

    def kill_in_the_stop(self):
        self.token.process.terminate()
        time.sleep(self.rng.uniform(0, 0.004))
        self.token.process.kill()

    def kill_in_the_start(self):
        self.token.kill()
        process = processes.spawn("sks-token", *self.token.arguments())
        time.sleep(self.rng.uniform(0, 0.03))
        process.kill()
        process.communicate()

    def one_kill(self):
        """Works, is killed, starts again, and is looked at."""
        for _ in range(self.rng.randrange(CALLS)):
            self.act()
        how = self.rng.choices((self.kill_in_a_call, self.kill_idle, self.kill_in_the_stop,
                                self.kill_in_the_start), (85, 5, 5, 5))[0]
        how()
        self.killer.history.append(how.__name__)
        self.token.kill()
        self.client.wire.close()
        self.token.start()
        self.resolve(stopping=how == self.kill_in_the_stop)

    # What is there afterwards

    def resolve(self, stopping):
        doubt, client = self.client.doubt, self.client
        sides = [doubt.before, doubt.after()] if doubt else [client.container]
        if stopping:
            sides.append(client.container.copy())
            sides[1].restart(clean=True)
        if doubt and None in sides[1].sessions:
            sides = self._settle_session(*sides)
        found = self.look(sides)
        states = [side.state() for side in sides]
        problems, fitting = compare(found, states)
        if problems:
            raise Broken("%s; last calls: %s" % (
                "; ".join(text for _, text in problems), "; ".join(self.killer.history)))
        client.doubt = None
        outcome = DONE if fitting[0] is not states[0] else NOT_DONE
        self._adopt(sides[1] if outcome == DONE else sides[0], found)
        if doubt:
            outcome = self._probe_pins(*sides, found) if len(fitting) > 1 else outcome
            self.unanswered[outcome] += 1
            self._after_doubt(doubt, outcome == DONE)

    def look(self, _sides):
        """What the token shows."""
        return state.read(self.client.wire)

    def _adopt(self, side, found):
        """This is how it is; a crash has put each counter to what lay on disk."""
        self.client.container = side.copy()
        for handle, key in self.client.container.keys.items():
            for counter, name in ((key.pin, "pin"), (key.puk, "puk")):
                if counter:
                    counter.errors, counter.ahead = found["keys"][handle][name], False

    def _probe_pins(self, before, after, found):
        """Both states show the same: if the PIN differs, trying the new one tells which it is."""
        for handle, key in after.keys.items():
            if not key.pin or key.pin.value == before.keys[handle].pin.value:
                continue
            if found["keys"][handle]["pin"] >= key.pin.limit:
                return NOT_DONE     # still blocked
            self._adopt(after, found)
            try:
                self.client.use(handle, key.pin.value)
                return DONE
            except Surprise:
                self.client.doubt = None
                self._adopt(before, found)
                self.client.container.keys[handle].pin.attempt(key.pin.value)
                return NOT_DONE
        return UNTOLD

    def _after_doubt(self, doubt, carried_out):
        """The middleware's rule: a session with a broken call is aborted."""
        if carried_out:
            doubt.done()
        if not doubt.session:
            return
        wanted = doubt.session.server_session_id
        for handle, session in list(self.client.container.sessions.items()):
            if session.is_open and session.shown["serverSessionId"] == wanted:
                self.client.wire.call("abortProvisioningSession", provisioningHandle=handle)
                del self.client.container.sessions[handle]

    def _settle_session(self, before, after):
        """A session whose creation nobody answered: its handle and id, if it is there."""
        session = after.sessions.pop(None)
        for item in self.client.wire.sessions(True):
            if item.serverSessionId == session.shown["serverSessionId"]:
                session.handle = item.provisioningHandle
                session.shown["clientSessionId"] = item.clientSessionId
                after.sessions[session.handle] = session
                return [before, after]
        return [before]


    def use_all(self):
        """Every key signs with its right PIN."""
        for handle, key in self.client.container.keys.items():
            self.client.use(handle, key.pin.value)


@dataclass
class Tally:
    kills: int = 0
    calls: int = 0
    unanswered: collections.Counter = field(default_factory=collections.Counter)
    violations: list = field(default_factory=list)


class Kills:
    """Lives of some kills each, side by side."""

    PER_LIFE = 50

    def __init__(self, seed, keep=None):
        self.seed = seed
        self.keep = keep

    def run(self, pool, number, progress=lambda done: None):
        """A Tally of all lives."""
        sizes = [self.PER_LIFE] * (number // self.PER_LIFE) + [number % self.PER_LIFE]
        tally = Tally()
        for part in pool.map(self, "live", [life for life in enumerate(sizes) if life[1]]):
            tally.kills += part.kills
            tally.calls += part.calls
            tally.unanswered += part.unanswered
            tally.violations += part.violations
            progress(tally.kills)
        return tally

    def live(self, number_and_size):
        number, size = number_and_size
        folder = new_folder()
        life = Life(processes.Token(folder), "%s:%d" % (self.seed, number))
        tally = Tally()
        try:
            life.start()
            for tally.kills in range(1, size + 1):
                life.one_kill()
            life.use_all()
        except (AssertionError, SksError) as error:
            tally.violations.append("life %d, kill %d: %s" % (number, tally.kills, error))
            if self.keep:
                shutil.copytree(life.token.store, Path(self.keep) / ("life-%d" % number),
                                ignore=lambda *_: {"control.sock"})
        finally:
            life.token.kill()
            shutil.rmtree(folder)
        tally.calls, tally.unanswered = life.killer.calls, life.unanswered
        return tally
