"""Kind message: does who gets a message of KeyGen2 take it?"""

from . import jsf
from .fields import octets
from .json_text import Refused, parse
from .message_forms import CONTEXT, FORMS
from .verdict import by_client, by_issuer, valid


def judge(_group, test):
    given = test["input"]
    text = (octets(given["messageBytes"]) if "messageBytes" in given
            else given["message"].encode("utf-8"))
    try:
        read(given["type"], text)
    except Refused:
        return by_client() if given["type"].endswith("Request") else by_issuer("message")
    return valid()


def read(kind, text):
    """Refuses a message that is not of its kind; gives it as JSON."""
    message = parse(text)
    header = {name: message.pop(name, None) for name in ("@context", "@qualifier")}
    if header != {"@context": CONTEXT, "@qualifier": kind}:
        raise Refused("not this message")
    if kind.endswith("Request") and "signature" in message:
        jsf.verify({**header, **message})
        del message["signature"]
    FORMS[kind](message)
    return message
