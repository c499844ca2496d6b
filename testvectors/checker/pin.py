"""Kind pin: PINs, PUKs and their policies; calls of policies, groups and tries."""

from . import pin_rules, transcript
from .verdict import OPTION, Broken, by_token, valid

VALUES = {"pin": pin_rules.good_pin, "puk": pin_rules.good_puk}


def judge(group, test):
    if group["type"] == "policy":
        return transcript.judge_calls(group, test)
    if group["type"] not in VALUES:
        raise Broken("unknown type of group %.40r" % (group["type"],))
    return valid() if VALUES[group["type"]](test["input"]) else by_token(OPTION)
