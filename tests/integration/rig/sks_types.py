"""The types of the SKS wire, and the numbers behind the names of the specification.

All integers are big-endian. `byte[]`, `id`, `uri` and `string` carry a ushort length, `blob` a uint
length. A list (`certificate... byte[]`) is one count byte, then the elements; in the data of a MAC
the count is left out.
"""

import base64
import struct

ENUMERATIONS = {
    "format": ("numeric", "alphanumeric", "string", "binary"),
    "grouping": ("none", "shared", "signature+standard", "unique"),
    "inputMethod": ("any", "programmatic", "trusted-gui"),
    "biometricProtection": ("none", "alternative", "combined", "exclusive"),
    "exportProtection": ("none", "pin", "puk", "non-exportable"),
    "deleteProtection": ("none", "pin", "puk", "non-deletable"),
    "appUsage": ("signature", "authentication", "encryption", "universal"),
}
PATTERNS = {
    "two-in-a-row": 1,
    "three-in-a-row": 2,
    "sequence": 4,
    "repeated": 8,
    "missing-group": 16,
}
EXTENSION_SUBTYPES = ("extension", "encrypted-extension", "property-bag", "logotype")

# SKS V1.07, 7.3.
STATUS = {
    1: "AUTHORIZATION", 2: "NOT_ALLOWED", 3: "STORAGE", 4: "MAC", 5: "CRYPTO", 6: "NO_SESSION",
    7: "NO_KEY", 8: "ALGORITHM", 9: "OPTION", 10: "INTERNAL", 11: "EXTERNAL", 12: "USER_ABORT",
    13: "NOT_AVAILABLE",
}

INTEGERS = {"byte": ">B", "bool": ">B", "ushort": ">H", "uint": ">I"}
LENGTHS = {"byte[]": ">H", "id": ">H", "uri": ">H", "string": ">H", "blob": ">I"}
TEXTS = ("id", "uri", "string")


class WireError(Exception):
    """Bytes that are not what the table of the method says."""


def number(field, name):
    """The number of an enumeration's name, e.g. number("format", "numeric") == 0."""
    return ENUMERATIONS[field].index(name)


def patterns(names):
    return sum(PATTERNS[name] for name in names)


def parse_table(text):
    """'id id, certificate... byte[]' -> [(name, type, is_list), ...]"""
    rows = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, kind = item.split()
        rows.append((name.removesuffix("..."), kind, name.endswith("...")))
    return rows


def encode(kind, value):
    if kind in INTEGERS:
        return struct.pack(INTEGERS[kind], int(value))
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return struct.pack(LENGTHS[kind], len(raw)) + raw


def encode_table(rows, values, counted=True):
    out = b""
    for name, kind, is_list in rows:
        if not is_list:
            out += encode(kind, values[name])
            continue
        if counted:
            out += bytes([len(values[name])])
        out += b"".join(encode(kind, element) for element in values[name])
    return out


def array(raw):
    """A byte[] with its ushort length in front."""
    return encode("byte[]", raw)


class Reader:
    def __init__(self, raw):
        self.raw = raw

    def take(self, count):
        if len(self.raw) < count:
            raise WireError("bytes missing")
        head, self.raw = self.raw[:count], self.raw[count:]
        return head

    def value(self, kind):
        if kind in INTEGERS:
            form = INTEGERS[kind]
            (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
            if kind == "bool" and value > 1:
                raise WireError("bad bool")
            return bool(value) if kind == "bool" else value
        (length,) = struct.unpack(LENGTHS[kind], self.take(struct.calcsize(LENGTHS[kind])))
        raw = self.take(length)
        return raw.decode() if kind in TEXTS else raw

    def table(self, rows, end_if_zero=None):
        """Reads a method's outputs; nothing follows `end_if_zero` when that one is 0."""
        values = {}
        for name, kind, is_list in rows:
            count = self.value("byte") if is_list else None
            values[name] = (self.value(kind) if count is None
                            else [self.value(kind) for _ in range(count)])
            if name == end_if_zero and values[name] == 0:
                break
        self.end()
        return values

    def end(self):
        if self.raw:
            raise WireError("%d bytes left over" % len(self.raw))


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
