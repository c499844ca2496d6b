"""Distinguished names as RFC 2253 and Java's X500Principal write them (docs/proxy.md), and mail
addresses."""

import re

from cryptography import x509
from cryptography.x509.oid import NameOID

SHORT = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O",
         "2.5.4.11": "OU", "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC",
         "0.9.2342.19200300.100.1.1": "UID"}
TAGS = {"UTF8String": 0x0c, "PrintableString": 0x13, "IA5String": 0x16, "T61String": 0x14,
        "BMPString": 0x1e, "NumericString": 0x12, "UniversalString": 0x1c, "VisibleString": 0x1a}


def principal(name):
    """Last RDN first."""
    return ",".join("+".join(map(attribute, rdn)) for rdn in reversed(name.rdns))


def attribute(item):
    short = SHORT.get(item.oid.dotted_string)
    if short is None:
        octets = item.value.encode("utf-8")
        return "%s=#%02x%s%s" % (item.oid.dotted_string, TAGS[item._type.name], length(octets),
                                 octets.hex())
    text = re.sub(r'([,=+<>#;"\\])', r"\\\1", item.value).replace("\0", r"\00")
    text = re.sub(r"^[ \r]+|[ \r]+$", lambda match: "".join(
        "\\" + char for char in match.group()), text)
    return "%s=%s" % (short, text)


def length(octets):
    """A DER length, in hexadecimal."""
    if len(octets) < 0x80:
        return "%02x" % len(octets)
    number = len(octets).to_bytes((len(octets).bit_length() + 7) // 8, "big")
    return "%02x%s" % (0x80 | len(number), number.hex())


def addresses(certificate):
    found = [item.value for item in certificate.subject.get_attributes_for_oid(
        NameOID.EMAIL_ADDRESS)]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found += names.get_values_for_type(x509.RFC822Name)
    except x509.ExtensionNotFound:
        pass
    return found
