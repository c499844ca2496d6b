"""Field-by-field lists: what a MAC, a signature or a key derivation has for its input."""

from .verdict import Broken, Contradiction

WIDTHS = {"byte": 1, "bool": 1, "ushort": 2, "uint": 4}
LENGTHS = {"array": 2, "blob": 4}


def octets(value):
    """The bytes of a hexadecimal text, lower case only."""
    if not isinstance(value, str):
        raise Broken("%.40r is no hexadecimal text" % (value,))
    try:
        if value != value.lower() or " " in value:
            raise ValueError
        return bytes.fromhex(value)
    except ValueError:
        raise Broken("%.40r is no hexadecimal text" % value) from None


def encode(form, value):
    """One field as it stands in the input."""
    if form in LENGTHS:
        if len(value) >> 8 * LENGTHS[form]:
            raise Contradiction("%d bytes are too many for %s" % (len(value), form))
        return len(value).to_bytes(LENGTHS[form], "big") + value
    if form == "raw":
        return value
    if form not in WIDTHS:
        raise Broken("unknown form %.20r" % (form,))
    if len(value) != WIDTHS[form] or form == "bool" and value not in (b"\0", b"\1"):
        raise Contradiction("%s is no %s" % (value.hex(), form))
    return value


def array(value):
    return encode("array", value)


class Fields:
    """The fields of a test, which must be those of the construct and give its data."""

    def __init__(self, holder, forms, what):
        """
        holder: has the properties `fields` and `data`
        forms:  what the construct has: (name, form); a name that ends in "..." may come any
                number of times, none included
        """
        self.list = [(field["name"], field["form"], octets(field["value"]))
                     for field in holder["fields"]]
        check_forms([(name, form) for name, form, _ in self.list], forms, what)
        self.input = b"".join(encode(form, value) for _, form, value in self.list)
        if self.input != octets(holder["data"]):
            raise Contradiction("%s: data is not what its fields give: they part at byte %d"
                                % (what, common(self.input, octets(holder["data"]))))

    def __getitem__(self, name):
        return next(value for named, _, value in self.list if named == name)


def common(one, other):
    """How many bytes two strings have in common at their beginning."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def check_forms(found, forms, what):
    place = 0
    for name, form in forms:
        many = name.endswith("...")
        wanted = (name[:-3] if many else name, form)
        if not many and (place == len(found) or found[place] != wanted):
            raise Contradiction("%s: field %d is not %s (%s)" % (what, place + 1, *wanted))
        if not many:
            place += 1
        while many and place < len(found) and found[place] == wanted:
            place += 1
    if place != len(found):
        raise Contradiction("%s: field %s does not belong there" % (what, found[place][0]))
