"""What the token has answered in this process: which methods succeeded, and each distinct refusal."""

import re

_seen = set()


def note(method, answer):
    """One answer; numbers in its ErrorString do not make it another refusal."""
    text = re.sub(r"\d+", "#", answer[3:].decode(errors="replace")) if answer[0] else ""
    _seen.add((method, answer[0], text))


def noted():
    return sorted(_seen)


def summary(outcomes, methods, statuses, least):
    """A line that counts, and what is missing: methods, statuses, refusals."""
    outcomes = {tuple(item) for item in outcomes}
    refusals = {item for item in outcomes if item[1] != 0}
    missing = ["%s never succeeds" % name for number, name in methods.items()
               if (number, 0, "") not in outcomes]
    missing += ["%s is never refused" % name for number, name in methods.items()
                if all(item[0] != number for item in refusals)]
    missing += ["status %d is never given" % status for status in statuses
                if all(item[1] != status for item in refusals)]
    if len(refusals) < least:
        missing.append("fewer than %d distinct refusals" % least)
    line = "the token: %d methods, %d distinct refusals, statuses %s" % (
        len({item[0] for item in outcomes} & set(methods)), len(refusals),
        " ".join(map(str, sorted({item[1] for item in refusals}))))
    return line, missing
