"""Kind session-key: how one end comes to the session key."""

from . import constructs
from .fields import Fields, octets
from .keys import BadKey, key_pair, read_public_key
from .verdict import CRYPTO, MAC, OPTION, by_issuer, by_token, valid


def judge(group, test):
    given = test["input"]
    holder = given if "fields" in given else group["fixtures"]
    fields = Fields(holder, constructs.SESSION_KEY_FIELDS, "session key")
    own = key_pair(given["ownKey"])
    try:
        peer = read_public_key(octets(given["peerKey"]))
    except BadKey:
        return refused(given["end"], CRYPTO)
    if peer.name != own.name:
        # A token makes its key on the curve of the server's: it can only be of another kind.
        return refused(given["end"], OPTION)
    z = own.agree(peer)
    key = constructs.mac(z, fields.input)
    if z != octets(given["z"]) or key != octets(given["sessionKey"]):
        return unlike(fields["deviceId"])
    return valid()


def refused(end, status):
    """No session comes about in the token; the issuer's has failed."""
    return by_token(status) if end == "token" else by_issuer("client key")


def unlike(device_id):
    """The ends have different keys. Only in privacy mode does the session attestation depend on
    it; else the token is the first to notice, by the first MAC that the issuer makes."""
    if device_id == constructs.ANONYMOUS:
        return by_issuer("session attestation")
    return by_token(MAC, "removed")
