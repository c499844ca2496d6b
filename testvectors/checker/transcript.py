"""Kind transcript: whole sessions, played to the model of a token, and the token's answers to an
issuer who checks them."""

import copy
import functools
import json

from . import constructs, model_create
from .fields import common, octets
from .keys import BadKey, key_pair, public_key_of, read_public_key
from .model import Refusal, Session, Token, join, native
from .model_methods import HANDLERS
from .verdict import Broken, by_client, by_issuer, by_token, require, valid
from .wire import Octets, Undecodable
from .wire_methods import METHODS


class Step:
    """One exchange: as the issuer sent it, as it reaches the token, and its altered answer."""

    def __init__(self, exchange, number):
        self.exchange, self.number = exchange, number
        self.sent = octets(exchange["request"])
        self.request, self.answer = self.sent, octets(exchange["answer"])
        self.wait = 0       # seconds before it

    def method(self):
        return METHODS[self.sent[0]]


class Refused(Exception):
    """The issuer, or the client, refuses an answer: the verdict."""


# ---- the operations of a test ----

def alter(steps, operations):
    for operation in operations:
        if not 0 <= operation["step"] < len(steps):
            raise Broken("there is no step %s" % operation["step"])
        OPERATIONS[operation["op"]](steps, operation["step"], operation)
    return steps


def flip(octets_, operation):
    changed = bytearray(octets_)
    changed[operation["offset"]] ^= 1 << operation["bit"]
    return bytes(changed)


def change_part(change):
    def apply(steps, step, operation):
        part = operation["part"]
        if part not in ("request", "answer"):
            raise Broken("unknown part")
        steps[step] = copy.copy(steps[step])
        setattr(steps[step], part, change(getattr(steps[step], part), operation))
    return apply


def wait(steps, step, operation):
    steps[step] = copy.copy(steps[step])
    steps[step].wait += operation["seconds"]


def swap(steps, step, operation):
    other = operation["with"]
    steps[step], steps[other] = steps[other], steps[step]


OPERATIONS = {
    "remove": lambda steps, step, _: steps.pop(step),
    "repeat": lambda steps, step, _: steps.insert(step + 1, steps[step]),
    "swap": swap,
    "wait": wait,
    "flip": change_part(flip),
    "cut": change_part(lambda part, operation: part[:operation["length"]]),
    "append": change_part(lambda part, operation: part + octets(operation["bytes"])),
}


# ---- the issuer ----

def decode(fields, data, status):
    reader = Octets(data)
    if status and reader.number(1) != 0:
        raise Undecodable
    found = {name: native(kind, reader.value(kind)) for name, kind in fields}
    reader.end()
    return found


class Issuer:
    """Knows what it sent, its own keys, and the key of each session once it has it."""

    def __init__(self, fixtures, base):
        self.fixtures, self.base = fixtures, base
        self.sessions = []

    def take(self, step, answer):
        """Checks what came back for one of its own requests. Raises Refused."""
        method = step.method()
        try:
            found = decode(method.outputs, answer, True)
        except Undecodable:
            raise Refused(by_client()) from None
        sent = decode(method.inputs, step.sent[1:], False)
        check = {2: self.created, 24: self.created_2010, 10: self.key, 3: self.closed}.get(
            step.sent[0])
        if check is not None:
            check(step, sent, found)

    def own_key(self):
        return key_pair(self.fixtures["sessions"][len(self.sessions)]["serverKey"])

    def refuse_unless(self, good, check):
        if not good:
            raise Refused(by_issuer(check))

    def created(self, _, sent, found):
        try:
            client = read_public_key(found["clientEphemeralKey"])
        except BadKey:
            client = None
        own = self.own_key()
        self.refuse_unless(client is not None and client.name == own.name, "client key")
        device_id = (constructs.ANONYMOUS if sent["privacyEnabled"]
                     else octets(self.fixtures["deviceCertificate"]))
        session = Session(0, sent["serverSessionId"].encode(), found["clientSessionId"].encode(),
                          sent["issuerUri"].encode(), device_id)
        session.key = constructs.mac(own.agree(client), model_create.key_input(session))
        terms = join(model_create.session_terms(session, sent, found["clientEphemeralKey"]))
        good = (found["attestation"] == constructs.mac(session.key, terms)
                if sent["privacyEnabled"] else self.device().verify(terms, found["attestation"]))
        self.refuse_unless(good, "session attestation")
        self.sessions.append(session.key)

    def created_2010(self, _, sent, found):
        own = self.own_key()
        encrypted = found["encrypted_session_key"]
        self.refuse_unless(len(encrypted) == own.public.size, "client key")
        key = own.decrypt(encrypted)
        self.refuse_unless(key is not None and len(key) == constructs.SESSION_KEY, "server key")
        terms = join(model_create.terms_2010(key, sent))
        self.refuse_unless(self.device().verify(terms, found["attested_session_key"]),
                           "session attestation")
        self.sessions.append(key)

    def device(self):
        return read_public_key(public_key_of(octets(self.fixtures["deviceCertificate"])))

    def key(self, step, sent, found):
        _, counter, _ = self.base[step.number]["mac"]
        data = join([("", "array", found["publicKey"]), ("", "array", sent["mac"])])
        self.refuse_unless(found["attestation"] == constructs.attestation(
            self.sessions[-1], counter + 1, data), "key attestation")

    def closed(self, step, sent, found):
        _, counter, _ = self.base[step.number]["mac"]
        data = join([("", "array", sent["nonce"])])
        self.refuse_unless(found["attestation"] == constructs.attestation(
            self.sessions[-1], counter + 1, data), "closing proof")


# ---- the play ----

def drawn(draws):
    return [(draw["what"], key_pair(draw["value"]) if draw["what"] == "key"
             else octets(draw["value"])) for draw in draws]


def new_token(fixtures):
    return Token(key_pair(fixtures["deviceKey"]), octets(fixtures["deviceCertificate"]),
                 drawn(fixtures["tokenDraws"]), HANDLERS)


def judge(group, test):
    if group["type"] == "closing":
        return judge_calls(group, test)
    if group["type"] != "session":
        raise Broken("unknown type of group %.40r" % (group["type"],))
    base = played(json.dumps(group["fixtures"]))
    steps = alter([Step(exchange, number) for number, exchange in
                   enumerate(group["fixtures"]["exchanges"])], test["input"]["operations"])
    return play(group["fixtures"], steps, base)


def play(fixtures, steps, base):
    token, issuer = new_token(fixtures), Issuer(fixtures, base)
    same = True         # the token has only seen what it saw in the unaltered transcript
    for place, step in enumerate(steps):
        same = same and step.number == place and step.request == step.sent
        token.clock += step.wait
        try:
            answer = token.call(step.exchange["path"], step.request)
        except Refusal as refusal:
            return by_token(refusal.status, **afterwards(token.last), step=place)
        if same:
            compare_answer(step, answer, octets(step.exchange["answer"]), place)
        try:
            issuer.take(step, step.answer if same else answer)
        except Refused as refused:
            return {**refused.args[0], "step": place}
    return valid(**afterwards(token.last))


def afterwards(session):
    """What a verdict says of a session; of one that goes on, where it stands."""
    if session is None:
        return {}
    if session.state != "open":
        return {"session": session.state}
    return {"session": "open", "counter": session.counter, "limit": session.limit}


def judge_calls(group, test):
    """Calls behind a transcript: the last one is in question."""
    fixtures, given = group["fixtures"], test["input"]
    played(json.dumps(fixtures))
    token = new_token(fixtures)
    for exchange in fixtures["exchanges"]:
        token.call(exchange["path"], octets(exchange["request"]))
    token.draws += drawn(given["tokenDraws"])
    verdict = valid()
    for place, call in enumerate(given["calls"]):
        status, answer = 0, b""
        concerned = token.last if token.last.state == "open" else None
        try:
            answer = token.call(call["path"], octets(call["request"]))
        except Refusal as refusal:
            status = refusal.status
        after = afterwards(concerned)
        verdict = by_token(status, **after) if status else valid(**after)
        require(call["status"] == verdict.get("status", 0), "call %d: status is %d"
                % (place, verdict.get("status", 0)))
        require("answer" not in call or octets(call["answer"]) == answer,
                "call %d: the answer is another one" % place)
    require(verdict["result"] == "invalid" or not token.draws,
            "the token draws less than the test has")
    return verdict


@functools.lru_cache(maxsize=4)
def played(text):
    """What each step of the unaltered transcript puts under MAC and attestation, after all that the
    fixtures say of it has been compared."""
    fixtures = json.loads(text)
    require(public_key_of(octets(fixtures["deviceCertificate"]))
            == key_pair(fixtures["deviceKey"]).spki, "deviceCertificate is not of deviceKey")
    token, sessions, made = new_token(fixtures), iter(fixtures["sessions"]), []
    for place, exchange in enumerate(fixtures["exchanges"]):
        before = token.last
        try:
            token.call(exchange["path"], octets(exchange["request"]))
        except Refusal as refusal:
            require(False, "step %d is refused: %s" % (place, refusal))
        require(METHODS[octets(exchange["request"])[0]].name == exchange["method"],
                "step %d is no %.40s" % (place, exchange["method"]))
        compare_exchange(place, exchange, token)
        if token.last is not before:
            compare_session(next(sessions), token.last, Step(exchange, place))
        made.append(token.made)
    require(not token.draws, "the token draws less than the test has")
    return made


def compare_session(there, session, step):
    sent = decode(step.method().inputs, step.sent[1:], False)
    server = sent.get("serverEphemeralKey", sent.get("server_public_key"))
    require(key_pair(there["serverKey"]).spki == server, "serverKey is not that of the session")
    require(octets(there["sessionKey"]) == session.key, "sessionKey is not that of the session")
    require(octets(there["deviceId"]) == session.device_id, "deviceId is not that of the session")


def compare_exchange(place, exchange, token):
    session = token.last
    require((exchange["counter"], exchange["limit"]) == (session.counter, session.limit),
            "step %d: counter and limit are %d and %d" % (place, session.counter, session.limit))
    listed = exchange.get("mac")
    require(("mac" in token.made) == (listed is not None), "step %d: mac" % place)
    if listed is not None:
        name, counter, fields = token.made["mac"]
        require((name, counter) == (listed["name"], listed["counter"]),
                "step %d: the MAC has the name %s and the counter %d" % (place, name, counter))
        compare_fields(place, listed["fields"], fields)
    require(("attested" in token.made) == ("attested" in exchange), "step %d: attested" % place)
    if "attested" in exchange:
        compare_fields(place, exchange["attested"], token.made["attested"])


def compare_fields(place, listed, fields):
    there = [(field["name"], field["form"], octets(field["value"])) for field in listed]
    for number, (one, other) in enumerate(zip(there, fields)):
        require(one == other, "step %d: field %d is %s" % (place, number + 1, other[0]))
    require(len(there) == len(fields), "step %d: there are %d fields" % (place, len(fields)))


def compare_answer(step, computed, given, place):
    """Byte for byte, but for the device's signature, which the issuer verifies."""
    outputs = step.method().outputs
    if step.sent[0] in (2, 24):
        computed, given = (decode(outputs, one, True) for one in (computed, given))
        for one in (computed, given):
            for name in ("attestation", "attested_session_key"):
                if name in one:
                    one[name] = len(one[name])
        require(computed == given, "step %d: the answer is another one" % place)
        return
    require(computed == given, "step %d: the answers part at byte %d"
            % (place, common(computed, given)))
