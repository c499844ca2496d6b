"""Kind encrypted-data: what travels encrypted with a key of the session key."""

from . import constructs
from .fields import octets
from .verdict import CRYPTO, by_token, require, valid


def judge(group, test):
    session_key = octets(group["fixtures"]["sessionKey"])
    require(constructs.encryption_key(session_key) == octets(group["fixtures"]["encryptionKey"]),
            "encryptionKey is not that of sessionKey")
    encrypted, clear = (octets(test["input"][name]) for name in ("encrypted", "clear"))
    found = constructs.decrypt(session_key, encrypted)
    if found is None:
        return by_token(CRYPTO, "removed")
    require(found == clear, "it decrypts, but not to clear")
    again = constructs.encrypt(session_key, encrypted[:constructs.BLOCK], clear)
    require(again == encrypted, "clear does not encrypt to encrypted")
    return valid()
