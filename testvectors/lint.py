#!/usr/bin/python3
"""Checks the form of vector files: their JSON Schema, the order of properties, ids, counts, flags,
floors, and the canonical form. What the vectors say is not looked at.

    lint.py [FILE...]      all files of vectors/ beside this script, if none is given

Exit 0: all good; 1: a file is wrong; 2: a file or schema cannot be read. Plain Python 3.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BROKEN = {(0, ""), (1, "notes"), (1, "profiles"), (1, "testGroups"), (2, ""), (3, "fixtures"),
          (3, "tests"), (4, "exchanges")}
KEYWORDS = {"$schema", "$defs", "$ref", "title", "description", "type", "properties", "required",
            "additionalProperties", "items", "minItems", "enum", "const", "pattern", "minLength",
            "minimum", "maximum", "oneOf"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}


class Wrong(Exception):
    """A file is not as it must be; the text begins with the place."""


# ---- the canonical form ----

def text_of(text):
    def escape(match):
        char = match.group()
        return "\\" + char if char in '"\\' else "\\u%04x" % ord(char)
    return '"%s"' % re.sub(r'["\\\x00-\x1f]', escape, text)


def canonical(value, depth=0, name=""):
    """The one text of a value: a test a line, properties in their order."""
    broken = (depth, name) in BROKEN
    if isinstance(value, dict):
        parts = ["%s:%s%s" % (text_of(key), " " * broken, canonical(item, depth + 1, key))
                 for key, item in value.items()]
        ends = "{}"
    elif isinstance(value, list):
        parts, ends = [canonical(item, depth + 1) for item in value], "[]"
    elif isinstance(value, str):
        return text_of(value)
    else:
        return json.dumps(value)
    if not broken or not parts:
        return ends[0] + ",".join(parts) + ends[1]
    line = "\n" + " " * (depth + 1)
    return ends[0] + line + ("," + line).join(parts) + "\n" + " " * depth + ends[1]


# ---- JSON Schema, as much of it as the schemas use ----

class Schemas:
    def __init__(self):
        self.files = {}

    def load(self, name):
        if name not in self.files:
            self.files[name] = json.loads((HERE / "schemas" / name).read_text(encoding="utf-8"))
            check_closed(name, self.files[name])
        return self.files[name]

    def follow(self, here, reference):
        """The file and the schema that a $ref of file `here` names."""
        name, _, pointer = reference.partition("#")
        name = name or here
        schema = self.load(name)
        for part in pointer.strip("/").split("/") if pointer.strip("/") else []:
            schema = schema[part]
        return name, schema


def check_closed(name, schema, place=""):
    """Every object of a schema says what it may hold, and no keyword is overlooked here."""
    if isinstance(schema, list):
        for number, item in enumerate(schema):
            check_closed(name, item, "%s/%d" % (place, number))
        return
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise Wrong("%s%s: unknown keyword %s" % (name, place, sorted(unknown)[0]))
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        raise Wrong("%s%s: the object is open" % (name, place))
    for word in ("properties", "$defs"):
        for key, item in schema.get(word, {}).items():
            check_closed(name, item, "%s/%s/%s" % (place, word, key))
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            check_closed(name, schema[word], place + "/" + word)
    for number, item in enumerate(schema.get("oneOf", [])):
        check_closed(name, item, "%s/oneOf/%d" % (place, number))


def check_object(schemas, here, schema, value, place):
    properties, rest = schema.get("properties", {}), schema["additionalProperties"]
    for name in schema.get("required", []):
        if name not in value:
            raise Wrong("%s: %s is missing" % (place, name))
    known = [name for name in value if name in properties]
    if known != [name for name in properties if name in value]:
        raise Wrong("%s: properties are not in the order of the schema" % place)
    for name, item in value.items():
        inner = properties.get(name, rest)
        if inner is False:
            raise Wrong("%s: unknown property %s" % (place, name))
        check(schemas, here, inner, item, place + "/" + name)


def check_one_of(schemas, here, choices, value, place):
    errors = []
    for choice in choices:
        try:
            check(schemas, here, choice, value, place)
        except Wrong as wrong:
            errors.append(str(wrong))
    if len(errors) + 1 != len(choices):
        raise Wrong("%s: fits %d of %d forms: %s" % (place, len(choices) - len(errors),
                                                     len(choices), max(errors, key=len)))


def check(schemas, here, schema, value, place):
    """Raises Wrong unless the value is of the schema."""
    if "$ref" in schema:
        there, target = schemas.follow(here, schema["$ref"])
        check(schemas, there, target, value, place)
    if "oneOf" in schema:
        check_one_of(schemas, here, schema["oneOf"], value, place)
    wanted = schema.get("type")
    if wanted and (not isinstance(value, TYPES[wanted])
                   or wanted == "integer" and isinstance(value, bool)):
        raise Wrong("%s: not of type %s" % (place, wanted))
    if "const" in schema and value != schema["const"] or value not in schema.get("enum", [value]):
        raise Wrong("%s: %r is not among the values" % (place, value))
    if isinstance(value, str) and (len(value) < schema.get("minLength", 0) or not re.search(
            schema.get("pattern", ""), value)):
        raise Wrong("%s: %.40r does not fit" % (place, value))
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get(
            "maximum", value):
        raise Wrong("%s: %d is out of range" % (place, value))
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            raise Wrong("%s: too few elements" % place)
        for number, item in enumerate(value):
            check(schemas, here, schema.get("items", {}), item, "%s/%d" % (place, number))
    if isinstance(value, dict) and "additionalProperties" in schema:
        check_object(schemas, here, schema, value, place)


# ---- what a schema cannot say ----

def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Wrong("a property is there twice: %s" % max(names, key=names.count))
    return dict(pairs)


def check_tests(root):
    tests = [test for group in root["testGroups"] for test in group["tests"]]
    if [test["tcId"] for test in tests] != list(range(1, len(tests) + 1)):
        raise Wrong("tcId: not 1, 2, 3, ...")
    if root["numberOfTests"] != len(tests):
        raise Wrong("numberOfTests: there are %d tests" % len(tests))
    if any(not group["tests"] for group in root["testGroups"]):
        raise Wrong("testGroups: one has no test")
    if 2 * sum(test["expect"]["result"] == "invalid" for test in tests) < len(tests):
        raise Wrong("less than half of the tests are invalid")
    used = {flag for test in tests for flag in test["flags"]}
    if used != set(root["notes"]):
        raise Wrong("notes: not used, or not explained: %s" % sorted(used ^ set(root["notes"])))
    for number, group in enumerate(root["testGroups"]):
        check_fields("group %d" % number, group["fixtures"])
    for test in tests:
        check_expectation(test)
        check_fields("test %d" % test["tcId"], test["input"])


def rendered(fields):
    """The bytes that an array of fields stands for."""
    data = b""
    for field in fields:
        value = bytes.fromhex(field["value"])
        sizes = {"byte": 1, "bool": 1, "ushort": 2, "uint": 4}
        if len(value) != sizes.get(field["form"], len(value)):
            raise Wrong("field %s: not of its form" % field["name"])
        size = {"array": 2, "blob": 4}.get(field["form"], 0)
        data += (len(value).to_bytes(size, "big") if size else b"") + value
    return data


def check_fields(place, inputs):
    if "data" in inputs and rendered(inputs["fields"]).hex() != inputs["data"]:
        raise Wrong("%s: data and fields say different things" % place)
    for number, exchange in enumerate(inputs.get("exchanges", [])):
        for fields in (exchange.get("mac", {}).get("fields", []), exchange.get("attested", [])):
            rendered(fields)
        if exchange["answer"][:2] != "00":
            raise Wrong("%s: exchange %d is refused" % (place, number))


def check_expectation(test):
    expect, place = test["expect"], "test %d" % test["tcId"]
    if (expect["result"] == "valid") != ("detectedBy" not in expect):
        raise Wrong(place + ": detectedBy must be there if and only if it is invalid")
    if ("status" in expect) != ("error" in expect) or "status" in expect and not expect.get(
            "detectedBy"):
        raise Wrong(place + ": status and error belong together, and to a refusal")
    if expect.get("detectedBy") == "token" and "status" not in expect:
        raise Wrong(place + ": the token refuses with a status")
    if expect.get("detectedBy") == "issuer" and "check" not in expect:
        raise Wrong(place + ": the issuer refuses by a check")


def lint(schemas, path):
    text = path.read_bytes().decode("utf-8")
    root = json.loads(text, object_pairs_hook=no_duplicates)
    if not isinstance(root, dict):
        raise ValueError("no object")
    if canonical(root) + "\n" != text:
        raise Wrong("not in the canonical form")
    if root.get("schema") != "schemas/%s.json" % path.stem or root.get("kind") != path.stem:
        raise Wrong("kind, schema and name of the file disagree")
    check(schemas, path.stem + ".json", schemas.load(path.stem + ".json"), root, "")
    check_tests(root)
    return root


def main(arguments):
    paths = [Path(name) for name in arguments] or sorted((HERE / "vectors").glob("*.json"))
    schemas, worst = Schemas(), 0 if paths else 2
    for path in paths:
        try:
            root = lint(schemas, path)
            print("%-28s %5d tests, well-formed" % (path.stem, root["numberOfTests"]))
        except Wrong as wrong:
            print("%s: %s" % (path.name, wrong))
            worst = max(worst, 1)
        except (OSError, ValueError, KeyError, TypeError) as error:
            print("%s: unreadable: %s" % (path.name, error))
            worst = 2
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
