"""What comes of a test: a verdict has the properties that an expectation has."""

ERRORS = {
    1: "ERROR_AUTHORIZATION", 2: "ERROR_NOT_ALLOWED", 3: "ERROR_STORAGE", 4: "ERROR_MAC",
    5: "ERROR_CRYPTO", 6: "ERROR_NO_SESSION", 7: "ERROR_NO_KEY", 8: "ERROR_ALGORITHM",
    9: "ERROR_OPTION", 10: "ERROR_INTERNAL", 11: "ERROR_EXTERNAL", 12: "ERROR_USER_ABORT",
    13: "ERROR_NOT_AVAILABLE",
}
MAC, CRYPTO, OPTION = 4, 5, 9


class Broken(Exception):
    """A file, or a test in it, does not have the form that it must have."""


class Contradiction(Exception):
    """A test is not what it says: two of its inputs do not belong together."""


def require(condition, text):
    if not condition:
        raise Contradiction(text)


def valid(**after):
    return {"result": "valid", **after}


def by_token(status, session=None, **after):
    """Refused by the token with that status; session: what has become of it, if there is one."""
    verdict = {"result": "invalid", "status": status, "error": ERRORS[status],
               "detectedBy": "token"}
    if session is not None:
        verdict["session"] = session
    return {**verdict, **after}


def by_issuer(check, **after):
    """Refused by the issuer, in the check of that name (docs/http.md, section 6)."""
    return {"result": "invalid", "detectedBy": "issuer", "check": check, "session": "failed",
            **after}


def by_client(**after):
    return {"result": "invalid", "detectedBy": "client", **after}


# Expected where a session goes on, but not in every such test.
ON_REQUEST = {"counter", "limit"}


def differences(expected, computed):
    """Each property in which two verdicts differ, as a text."""
    texts = []
    for name in sorted(set(expected) | set(computed) - ON_REQUEST):
        there, here = expected.get(name), computed.get(name)
        if there != here or isinstance(there, bool) != isinstance(here, bool):
            texts.append("%s: %s expected, %s computed" % (name, show(there), show(here)))
    return "; ".join(texts)


def show(value):
    return "nothing" if value is None else "%.80r" % (value,)
