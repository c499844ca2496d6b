"""Kind wire: requests and answers of the SKS wire (docs/wire.md, sections 1 and 2)."""

from .fields import octets
from .verdict import ERRORS, OPTION, Broken, by_client, by_token, require, valid
from .wire_methods import METHODS

NUMBERS = {"byte": 1, "ushort": 2, "uint": 4}
TEXTS = ("string", "id", "uri")
LISTS = {"arrays": "array", "uris": "uri"}
ERROR_STRING = 2000     # bytes at most


class Undecodable(Exception):
    """The octets are not those of the types."""


class Octets:
    """Takes one value after the other from the front of a body."""

    def __init__(self, data):
        self.rest = data

    def raw(self, count):
        if len(self.rest) < count:
            raise Undecodable
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, width):
        return int.from_bytes(self.raw(width), "big")

    def value(self, kind):
        """A value as a test writes it: hexadecimal for bytes, JSON's own types for the others."""
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind in LISTS:
            return [self.value(LISTS[kind]) for _ in range(self.number(1))]
        if kind == "bool":
            return self.boolean()
        if kind in TEXTS:
            return self.text()
        return self.raw(self.number({"array": 2, "blob": 4}[kind])).hex()

    def boolean(self):
        number = self.number(1)
        if number > 1:
            raise Undecodable
        return bool(number)

    def text(self):
        try:
            return self.raw(self.number(2)).decode("utf-8")
        except UnicodeDecodeError:
            raise Undecodable from None

    def end(self):
        if self.rest:
            raise Undecodable


def judge(group, test):
    kind, given = group["type"], test["input"]
    if kind not in DECODERS:
        raise Broken("unknown type of group %.40r" % (kind,))
    reader = Octets(octets(given["body"]))
    try:
        found = DECODERS[kind](reader, given)
    except Undecodable:
        return by_token(OPTION, "open") if kind == "request" else by_client()
    if "fields" in given:
        listed = [(field["name"], field["type"], field["value"]) for field in given["fields"]]
        for number, (one, other) in enumerate(zip(listed, found)):
            require(repr(one) == repr(other), "field %d is %.120r, the body has %.120r"
                    % (number + 1, one, other))
        require(len(listed) == len(found), "there are %d fields, the body has %d"
                % (len(listed), len(found)))
    return valid()


def request(reader, given):
    number = reader.number(1)
    if number not in METHODS or given["path"] not in METHODS[number].paths:
        raise Undecodable
    return values(reader, METHODS[number].inputs)


def values(reader, fields):
    found = [(name, kind, reader.value(kind)) for name, kind in fields]
    reader.end()
    return found


def answer(reader, given):
    called = METHODS[given["method"]]
    if reader.number(1) != 0:
        raise Undecodable
    if called.ends and reader.rest[:4] == bytes(4):
        return values(reader, called.outputs[:1])
    return values(reader, called.outputs)


def failure(reader, _given):
    status = reader.number(1)
    if status not in ERRORS:
        raise Undecodable
    text = reader.text()
    if len(text.encode("utf-8")) > ERROR_STRING:
        raise Undecodable
    reader.end()
    return [("status", "byte", status), ("errorString", "string", text)]


DECODERS = {"request": request, "answer": answer, "failure": failure}
