"""Kind public-key: what createProvisioningSession takes for its two keys."""

from .fields import octets
from .keys import RSA_BITS, BadKey, read_public_key
from .verdict import CRYPTO, OPTION, Broken, by_token, valid


def judge(group, test):
    try:
        key = read_public_key(octets(test["input"]["publicKey"]))
    except BadKey:
        return by_token(CRYPTO)
    if group["type"] not in TAKEN:
        raise Broken("unknown type of group %.40r" % (group["type"],))
    return valid() if TAKEN[group["type"]](key) else by_token(OPTION)


TAKEN = {
    "ephemeralKey": lambda key: key.kind == "EC",
    # The reference goes by the bytes of the modulus, and so does docs/wire.md.
    "keyManagementKey": lambda key: key.kind == "EC" or key.kind == "RSA" and (
        key.size * 8 in RSA_BITS),
}
