"""Kind response: is it of the session that the cookie names? docs/http.md, sections 5 and 6."""

from .json_text import Refused
from .message import read
from .verdict import Broken, by_issuer, valid

# Those that do not bring the session's clientSessionId, but must have it.
LATER = ("CredentialDiscoveryResponse", "KeyCreationResponse", "ProvisioningFinalizationResponse")
FIRST = ("InvocationResponse", "ProvisioningInitializationResponse")

SESSION = {"serverSessionId": str, "clientSessionId": str, "serverTime": str,
           "privacyEnabled": bool}


def judge(group, test):
    session, kind = group["fixtures"], test["input"]["type"]
    if group["type"] != "response" or kind not in FIRST + LATER:
        raise Broken("unknown type of group or response")
    for name, form in SESSION.items():
        if not isinstance(session[name], form) or session[name] == "":
            raise Broken("%s is not as it must be" % name)
    try:
        message = read(kind, test["input"]["message"].encode("utf-8"))
    except Refused:
        return by_issuer("message")
    for name in ("serverSessionId", "clientSessionId")[:1 + (kind in LATER)]:
        if message[name] != session[name]:
            return by_issuer("session ids")
    if kind == "ProvisioningInitializationResponse":
        if message["serverTime"] != session["serverTime"]:
            return by_issuer("server time")
        if ("deviceId" in message) == session["privacyEnabled"]:
            return by_issuer("device id")
    return valid()
