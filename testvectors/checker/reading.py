"""Reads a vector file, and says clearly what is wrong with one that is none."""

import json

from .verdict import Broken

LARGEST = 64 << 20
NESTED = 200


def no_duplicates(pairs):
    properties = dict(pairs)
    if len(properties) != len(pairs):
        names = [name for name, _ in pairs]
        raise Broken("a property is there twice: %.40s" % max(names, key=names.count))
    return properties


def no_number(text):
    raise Broken("a number that is no integer: %.40s" % text)


def read(path):
    """The file's root object. Raises Broken, with what is wrong, or OSError."""
    with open(path, "rb") as file:
        octets = file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise Broken("over %d bytes" % LARGEST)
    try:
        root = json.loads(octets.decode("utf-8"), object_pairs_hook=no_duplicates,
                          parse_float=no_number, parse_constant=no_number)
    except RecursionError:
        raise Broken("nested too deeply") from None
    except UnicodeDecodeError as error:
        raise Broken("not UTF-8 at byte %d" % error.start) from None
    except ValueError as error:
        raise Broken("no JSON: %s" % error) from None
    check_form(root)
    return root


def check_form(root):
    """What every kind has in common; the rest is found missing where it is needed."""
    want(root, dict, "the file")
    for name, kind in (("kind", str), ("numberOfTests", int), ("testGroups", list)):
        want(root.get(name), kind, name)
    ids = set()
    for number, group in enumerate(root["testGroups"], 1):
        place = "group %d" % number
        want(group, dict, place)
        for name, kind in (("type", str), ("fixtures", dict), ("tests", list)):
            want(group.get(name), kind, "%s: %s" % (place, name))
        for test in group["tests"]:
            check_test(test, place, ids)
    if len(ids) != root["numberOfTests"]:
        raise Broken("numberOfTests is %d, there are %d" % (root["numberOfTests"], len(ids)))
    if not ids:
        raise Broken("there is no test")


def check_test(test, place, ids):
    want(test, dict, "%s: a test" % place)
    want(test.get("tcId"), int, "%s: tcId" % place)
    name = "test %d" % test["tcId"]
    if test["tcId"] in ids:
        raise Broken("%s is there twice" % name)
    ids.add(test["tcId"])
    for part in ("input", "expect"):
        want(test.get(part), dict, "%s: %s" % (name, part))
    want(test["expect"].get("result"), str, "%s: result" % name)


def want(value, kind, what):
    if not isinstance(value, kind) or kind is int and isinstance(value, bool):
        names = {dict: "an object", list: "an array", str: "a text", int: "an integer"}
        raise Broken("%s is missing, or not %s" % (what, names[kind]))
