"""Kind session-key: how one end comes to the session key, in a session of V1.07 by agreement, in
one of 2010 by decryption."""

from . import constructs
from .fields import Fields, octets
from .keys import BadKey, key_pair, read_public_key
from .verdict import CRYPTO, MAC, OPTION, Broken, by_issuer, by_token, valid


def judge(group, test):
    if group["type"] not in JUDGES:
        raise Broken("unknown type of group %.40r" % (group["type"],))
    return JUDGES[group["type"]](group, test)


def judge_2010(group, test):
    """docs/2010-profile.md, section 9: the checks of the issuer, in their order."""
    server = key_pair(group["fixtures"]["serverKey"])
    encrypted = octets(test["input"]["encryptedSessionKey"])
    if len(encrypted) != server.public.size:
        return by_issuer("client key")
    found = server.decrypt(encrypted)
    if found is None or len(found) != constructs.SESSION_KEY:
        return by_issuer("server key")
    # Another key than the device's is not what T2010 has the proof of.
    good = found == octets(test["input"]["sessionKey"])
    return valid() if good else by_issuer("session attestation")


def judge_agreement(group, test):
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


JUDGES = {"agreement": judge_agreement, "2010": judge_2010}
