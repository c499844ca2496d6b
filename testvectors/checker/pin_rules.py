"""PINs and PUKs against the rules of their policies (docs/wire.md, section 7)."""

from .fields import octets

LONGEST = 128
DIGITS, UPPER, LOWER = (frozenset(range(ord(first), ord(last) + 1))
                        for first, last in ("09", "AZ", "az"))


def good_puk(given):
    puk = octets(given["puk"])
    return 1 <= len(puk) <= LONGEST and FORMATS[given["format"]](puk)


def good_pin(given):
    pin = octets(given["pin"])
    return (policy_is_good(given) and given["minLength"] <= len(pin) <= given["maxLength"]
            and FORMATS[given["format"]](pin)
            and not any(PATTERNS[name](pin, given["format"])
                        for name in given["patternRestrictions"]))


def policy_is_good(given):
    return (1 <= given["minLength"] <= given["maxLength"] <= LONGEST
            and ("missing-group" not in given["patternRestrictions"]
                 or given["format"] in ("alphanumeric", "string")))


def is_text(value):
    try:
        value.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


FORMATS = {
    "numeric": lambda value: DIGITS.issuperset(value),
    "alphanumeric": lambda value: (DIGITS | UPPER).issuperset(value),
    "string": is_text,
    "binary": lambda value: True,
}


def has_run(value, length):
    return any(len(set(value[start:start + length])) == 1
               for start in range(len(value) - length + 1))


def is_sequence(value):
    steps = {after - before for before, after in zip(value, value[1:])}
    return steps in ({1}, {-1})


def lacks_group(value, form):
    found = set(value)
    wanted = [UPPER, DIGITS]
    if form == "string":
        wanted += [LOWER, frozenset(range(256)) - UPPER - DIGITS - LOWER]
    return any(not found & group for group in wanted)


PATTERNS = {
    "two-in-a-row": lambda value, _: has_run(value, 2),
    "three-in-a-row": lambda value, _: has_run(value, 3),
    "sequence": lambda value, _: is_sequence(value),
    "repeated": lambda value, _: len(set(value)) < len(value),
    "missing-group": lacks_group,
}
