"""What the token has answered in this process, on each of its URLs: which methods succeeded, and each
distinct refusal."""

import re

_seen = set()


def note(method, answer, path="/sks"):
    """One answer; numbers in its ErrorString do not make it another refusal."""
    text = re.sub(r"\d+", "#", answer[3:].decode(errors="replace")) if answer[0] else ""
    _seen.add((path, method, answer[0], text))


def noted():
    return sorted(_seen)


def summary(outcomes, path, methods, statuses, least):
    """A line that counts what one URL answered, and what is missing: methods that must succeed and
    be refused, statuses, refusals."""
    outcomes = {tuple(item[1:]) for item in outcomes if item[0] == path}
    refusals = {item for item in outcomes if item[1] != 0}
    missing = ["%s never succeeds" % name for number, name in methods.items()
               if (number, 0, "") not in outcomes]
    missing += ["%s is never refused" % name for number, name in methods.items()
                if all(item[0] != number for item in refusals)]
    missing += ["status %d is never given" % status for status in statuses
                if all(item[1] != status for item in refusals)]
    if len(refusals) < least:
        missing.append("fewer than %d distinct refusals" % least)
    line = "the token on %s: %d methods, %d distinct refusals, statuses %s" % (
        path, len({item[0] for item in outcomes if item[1] == 0}), len(refusals),
        " ".join(map(str, sorted({item[1] for item in refusals}))))
    return line, ["%s: %s" % (path, what) for what in missing]
