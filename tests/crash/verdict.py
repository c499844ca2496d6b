"""Opens an image with the real token, and holds what is in it against what must be there."""

import json
import subprocess

import state
from recording import crash_program

AUTHORIZATION = 1


class Checker:
    """The process that opens images; see checker.c."""

    def __init__(self):
        self.process = subprocess.Popen([crash_program("checker")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, command, *arguments):
        self.process.stdin.write(" ".join((command, *map(str, arguments))) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError("the checker died at: %s" % command)
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def counter_range(sides, in_flight):
    """The lowest and the highest that a counter may show; `sides` are the states that have it."""
    if not in_flight:
        return sides[0]["on_disk"], sides[0]["on_disk"]
    errors = [side["errors"] for side in sides]
    ahead = 1 if sides[0]["limit"] > 1 else 0   # after a right try; one wrong one is paid for
    if len(sides) == 1:     # of a key that this call deletes
        errors.append(ahead)
    return min(errors), max([ahead] + [side["on_disk"] for side in sides])


def counter_problem(handle, key, kind, states, in_flight):
    """"" unless a counter went back, or stands higher than the tries of the client put it."""
    name, found = kind.upper(), key[kind]
    sides = [side["keys"][handle][name] for side in states if handle in side["keys"]]
    if sides[0] is None:
        return ""
    low, high = counter_range(sides, in_flight)
    if not low <= found <= high:
        return "%s counter of key %d is %d, not %s" % (
            name, handle, found, low if low == high else "%d to %d" % (low, high))
    blocked = {"pin": state.PIN_BLOCKED, "puk": state.PUK_BLOCKED}[kind]
    if bool(key["status"] & blocked) != (found >= sides[0]["limit"]):
        return "the status of key %d does not fit its %s counter" % (handle, name)
    return ""


def compare(found, states):
    """What is wrong, as (kind, text) pairs, and the states that fit but for the counters."""
    differences = [state.difference(found, wanted) for wanted in states]
    fitting = [wanted for wanted, text in zip(states, differences) if not text]
    if not fitting:
        text = "neither old nor new" if len(states) > 1 else "not what was answered"
        return [("state", "%s: %s" % (text, "; ".join(differences)))], []
    in_flight = len(states) > 1 and fitting[0] is states[0]
    known = states if in_flight else fitting
    problems = [counter_problem(handle, key, kind, known, in_flight)
                for handle, key in found["keys"].items() for kind in ("pin", "puk")]
    return [("counter", problem) for problem in problems if problem], fitting


def row_problem(found, allowed):
    """"" if the rows are those of one of the allowed commits."""
    if not allowed or found in allowed:
        return ""
    nearest = min(allowed, key=lambda rows: len(rows.items() ^ found.items()))
    changed = sorted({name for name, _ in nearest.items() ^ found.items()})
    return "rows of no commit; against the nearest, kind.handle: %s" % ", ".join(changed[:8])


def use_words(found, fitting):
    """For the checker: each key with the PINs that may be right, the new one first."""
    for handle in found["keys"]:
        pins = [side["keys"][handle]["PIN"] for side in reversed(fitting)]
        values = dict.fromkeys(pin["value"] if pin else "" for pin in pins)
        yield "%d=%s" % (handle, ",".join(values))


def use_problems(found, used, fitting):
    for handle, key in found["keys"].items():
        status, mac = used[str(handle)]
        wanted = AUTHORIZATION if key["status"] & state.PIN_BLOCKED else 0
        if status != wanted:
            yield "key %d: status %d, not %d, with its right PIN" % (handle, status, wanted)
        elif wanted == 0 and mac != fitting[-1]["keys"][handle]["hmac"]:
            yield "key %d makes another HMAC" % handle


def judge(checker, folder, states, rows):
    """Opens the image; all that is wrong with it, as (kind, text) pairs."""
    answer = checker.ask("open", folder)
    if "error" in answer:
        return [("damage", "the token does not open: " + answer["error"])]
    found = state.of_image(answer)
    problems, fitting = compare(found, states)
    text = row_problem(answer["rows"], rows)
    if text:
        problems.append(("rows", text))
    if fitting and found["keys"]:
        used = checker.ask("use", *use_words(found, fitting))
        if "error" in used:
            problems.append(("use", used["error"]))
        else:
            problems += [("use", text) for text in use_problems(found, used, fitting)]
    answer = checker.ask("check")
    if "error" in answer:
        problems.append(("damage", answer["error"]))
    return problems
