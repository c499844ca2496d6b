"""JSON as KeyGen2 takes it (docs/http.md, section 4), and its RFC 8785 form."""

import json
import re

LARGEST = 4 << 20
BRACKETS = 65536


class Refused(Exception):
    """Who gets this message refuses it."""


def parse(octets):
    """The one object of a message."""
    if len(octets) > LARGEST or octets.count(b"{") + octets.count(b"[") > BRACKETS:
        raise Refused("too large")
    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=no_duplicates,
                           parse_float=NoInteger, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Refused("no JSON") from None
    if not isinstance(value, dict):
        raise Refused("no object")
    check_texts(value)
    return value


class NoInteger(float):
    """A number with a fraction or an exponent: JSON, but nowhere in KeyGen2."""


def no_constant(name):
    raise Refused("%s is no JSON" % name)


def no_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Refused("duplicate key")
    return dict(pairs)


def check_texts(value):
    """No text has U+0000, or half of a surrogate pair."""
    if isinstance(value, str):
        if re.search("[\0\ud800-\udfff]", value):
            raise Refused("a character that cannot be there")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_texts(name)
            check_texts(item)
    elif isinstance(value, list):
        for item in value:
            check_texts(item)


SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"',
         "\\": "\\\\"}


def canonical(value):
    """RFC 8785, for what KeyGen2 has: objects, arrays, texts, integers, booleans."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{%s}" % ",".join("%s:%s" % (canonical(name), canonical(value[name]))
                                 for name in names)
    if isinstance(value, list):
        return "[%s]" % ",".join(map(canonical, value))
    if isinstance(value, str):
        return '"%s"' % re.sub('["\\\\\0-\x1f]', lambda match: SHORT.get(
            match.group(), "\\u%04x" % ord(match.group())), value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, NoInteger) or abs(value) > 1 << 53:
        raise Refused("a number that no KeyGen2 message has")
    return str(value)
