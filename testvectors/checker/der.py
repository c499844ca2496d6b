"""DER, as strict as SKS wants it of public keys: one encoding only."""


class NotDer(Exception):
    """These bytes are no DER, or not of the form that is wanted."""


class Der:
    """Reads the elements of one constructed element, or of a whole text, one after the other."""

    def __init__(self, data):
        self.rest = data

    def take(self, tag):
        """The contents of the next element, which must have that tag."""
        data = self.rest
        if len(data) < 2 or data[0] != tag:
            raise NotDer("no element of tag %#x" % tag)
        length, start = data[1], 2
        if length & 0x80:
            start += length & 0x7f
            number = data[2:start]
            if length in (0x80, 0xff) or len(number) != length & 0x7f or number[:1] == b"\0":
                raise NotDer("a length is not in its shortest form")
            length = int.from_bytes(number, "big")
            if length < 0x80:
                raise NotDer("a length is not in its shortest form")
        if len(data) - start < length:
            raise NotDer("an element goes beyond the end")
        self.rest = data[start + length:]
        return data[start:start + length]

    def inside(self, tag):
        return Der(self.take(tag))

    def positive(self):
        """An INTEGER above 0, in its shortest form."""
        number = self.take(0x02)
        if not number or number[0] & 0x80 or len(number) > 1 and not number[0] | number[1] & 0x80:
            raise NotDer("no positive INTEGER in its shortest form")
        value = int.from_bytes(number, "big")
        if value == 0:
            raise NotDer("an INTEGER is 0")
        return value

    def end(self):
        if self.rest:
            raise NotDer("bytes are left over")

    def peek(self):
        return self.rest[0] if self.rest else None


def bit_string(reader):
    bits = reader.take(0x03)
    if bits[:1] != b"\0":
        raise NotDer("a BIT STRING is not of whole bytes")
    return bits[1:]
