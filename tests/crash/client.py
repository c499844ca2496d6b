"""A client of a live token that knows, call by call, what must be in the container.

Every call goes through act(): an observer hears of it before and after, and the model takes what it
did. If the connection dies instead, `doubt` tells the two states that the token may be in.
"""

import copy
import hashlib
import secrets
from dataclasses import dataclass
from typing import Callable

from cryptography import x509

from rig import constructs
from rig.issuer_side import IssuerSession
from rig.profile_2010 import SESSION_2010, Client2010, Session2010
from rig.sks_types import Reader
from rig.sks_wire import SksError

from model import EXPORTED, IMPORTED, USED_DATA, Container, Counter, Key, Policy, Session

AUTHORIZATION, MAC = 1, 4
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
LIFE_TIME = 65535   # an image is opened later than it was recorded
LIFE_TIME_2010 = 10 * LIFE_TIME
PROPERTY_BAG = 2
# Who authorizes, by deleteProtection and exportProtection.
BY = {0: None, 1: "pin", 2: "puk"}
SHOWN = ("sessionKeyAlgorithm", "privacyEnabled", "keyManagementKey", "clientTime",
         "sessionLifeTime", "serverSessionId", "clientSessionId", "issuerUri")


class Surprise(AssertionError):
    """A live token that does not do what the model says."""


class Observer:
    """Hears of each call; the states are those of model.Container."""

    def before(self, name, container):
        pass

    def after(self, name, container):
        pass


@dataclass
class Doubt:
    """A call that was made and not answered yet."""
    name: str
    before: Container
    effect: Callable
    done: Callable
    session: IssuerSession      # the open one that it belongs to, or None

    def after(self, answer=None):
        container = self.before.copy()
        self.effect(container, answer)
        return container


class Client:
    def __init__(self, wire, authority, observer=None):
        self.wire = wire
        self.authority = authority
        self.observer = observer or Observer()
        self.container = Container()
        self.kmks = {}      # session handle: private key
        self.made = {}      # key handle: the kit's Key, for what an issuer signs of it
        self.doubt = None

    def act(self, name, call, effect, refused=None, done=lambda: None, session=None):
        """One call. effect(container, answer) is what it does; without an answer, what it does if
        it was carried out all the same; done() then notes what the issuer knows."""
        self.doubt = Doubt(name, self.container, effect, done, session)
        self.observer.before(name, self.container)
        answer = self._call(name, call, refused)
        self.container, self.doubt = self.doubt.after(answer), None
        done()
        self.observer.after(name, self.container)
        return answer

    @staticmethod
    def _call(name, call, refused):
        try:
            answer = call()
        except SksError as error:
            if error.status != refused:
                raise Surprise("%s: %s" % (name, error)) from error
            return None
        if refused is not None:
            raise Surprise("%s was not refused" % name)
        return answer

    # Sessions

    def open_session(self, kmk=None):
        public = constructs.spki(kmk.public_key()) if kmk else b""
        session = IssuerSession(self.wire, keyManagementKey=public, sessionLifeTime=LIFE_TIME)
        session.kmk = kmk

        def effect(container, answer):
            handle = answer.handle if answer else None
            shown = {**session.request, "clientSessionId": "", **(answer.ids if answer else {})}
            container.sessions[handle] = Session(handle, {name: shown[name] for name in SHOWN})

        return self.act("createProvisioningSession", session.create, effect, session=session)

    def open_session_2010(self):
        """As open_session(), of the 2010 profile; it goes on as any other. Its ids are text, so that
        whoever reads sessions on /sks can."""
        session = Session2010(Client2010(None, beside=self.wire), life_time=LIFE_TIME_2010,
                              server_session_id=secrets.token_hex(16),
                              client_session_id=secrets.token_hex(16))
        session.kmk = None
        shown = {"sessionKeyAlgorithm": SESSION_2010, "privacyEnabled": False,
                 "keyManagementKey": b"", "clientTime": 0, "sessionLifeTime": LIFE_TIME_2010,
                 **session.ids}

        def effect(container, answer):
            handle = answer.handle if answer else None
            container.sessions[handle] = Session(handle, shown)

        self.act("createProvisioningSession 2010", session.create, effect, session=session)
        session.wire = self.wire
        return session

    def close(self, session):
        posts = list(self.container.sessions[session.handle].posts)
        self.act("closeProvisioningSession", session.close,
                 lambda container, _: container.close(session.handle),
                 done=lambda: self._closed(session, posts), session=session)

    def _closed(self, session, posts):
        """Its key management key counts now, and the certificates of updated keys."""
        if session.kmk:
            self.kmks[session.handle] = session.kmk
        for operation, target, key in posts:
            if operation == "update":
                self.made[target].certificate = self.made[key].certificate

    def abort(self, session):
        self.act("abortProvisioningSession", session.abort,
                 lambda container, _: container.sessions.pop(session.handle), session=session)

    def break_session(self, session):
        """A wrong MAC: the token removes the session with all that it made."""
        self.act("createPukPolicy, wrong MAC", lambda: session.puk(mac=bytes(32)),
                 lambda container, _: container.sessions.pop(session.handle), refused=MAC,
                 session=session)

    def roll_over(self, handle, kmk):
        public = constructs.spki(kmk.public_key())
        proof = constructs.sign(self.kmks[handle], constructs.kmk_roll_over_data(public))
        self.act("updateKeyManagementKey",
                 lambda: self.wire.call("updateKeyManagementKey", provisioningHandle=handle,
                                        keyManagementKey=public, authorization=proof),
                 lambda container, _: container.sessions[handle].shown.update(
                     keyManagementKey=public),
                 done=lambda: self.kmks.update({handle: kmk}))

    # What an issuer makes in a session

    def puk(self, session, value, limit, id="PUK.1"):
        def effect(container, answer):
            if answer:
                container.sessions[session.handle].puks[answer.handle] = Counter(value, limit)

        return self.act("createPukPolicy",
                        lambda: session.puk(id=id, value=value, retryLimit=limit), effect,
                        session=session)

    def pin(self, session, puk=None, **fields):
        def effect(container, answer):
            own = container.sessions[session.handle]
            if answer:
                own.policies[answer.handle] = Policy(
                    {**defaults, **fields}, own.puks[puk.handle] if puk else None)

        defaults = {"userDefined": True, "userModifiable": True, "format": 0, "retryLimit": 3,
                    "grouping": 0, "patternRestrictions": 0, "minLength": 4, "maxLength": 8,
                    "inputMethod": 0}
        return self.act("createPinPolicy", lambda: session.pin(puk=puk, **fields), effect,
                        session=session)

    def key(self, session, id, policy=None, value=b"", certified=True, **fields):
        """createKeyEntry and setCertificatePath."""
        def create(container, answer):
            own = container.sessions[session.handle]
            if answer:
                made = Key(answer.handle, session.handle, {**defaults, **fields})
                made.policy = own.policies[policy.handle] if policy else None
                made.pin = made.policy.join(made.fields["appUsage"], value) if policy else None
                own.keys[answer.handle] = made

        defaults = {"appUsage": 0, "friendlyName": "", "endorsedAlgorithm": [],
                    "exportProtection": 3, "deleteProtection": 0, "enablePinCaching": False,
                    "biometricProtection": 0}
        key = self.act("createKeyEntry", lambda: session.key(
            id=id, pin=policy, value=value, **fields), create, session=session)
        if certified:
            self.certify(session, key, key.public)
        self.made[key.handle] = key
        return key

    def certify(self, session, key, public):
        certificate = self.authority.issue(key.id, public)
        self._set(session, key, "setCertificatePath",
                  lambda: session.certify(key, [certificate]), certificate=certificate)

    def import_symmetric(self, session, key, value):
        self._set(session, key, "importSymmetricKey",
                  lambda: session.import_symmetric(key, value), symmetric=value, backup=IMPORTED)

    def import_private(self, session, key, private):
        self._set(session, key, "importPrivateKey",
                  lambda: session.import_private(key, private), backup=IMPORTED)

    def _set(self, session, key, name, call, **values):
        def effect(container, _):
            vars(container.sessions[session.handle].keys[key.handle]).update(values)

        self.act(name, call, effect, session=session)

    def extend(self, session, key, type, data, kind=0, qualifier=""):
        def effect(container, _):
            made = container.sessions[session.handle].keys[key.handle]
            made.extensions[type] = (kind, qualifier, data)

        self.act("addExtension", lambda: session.extend(
            key, type, data, subType=kind, qualifier=qualifier), effect, session=session)

    def post(self, session, operation, handle, key=None):
        """Queues an operation on the key of that handle; `key` is its successor or clone."""
        kmk = self.kmks[self.container.keys[handle].session]
        self.act("post " + operation,
                 lambda: session.post(operation, self.made[handle], kmk, key=key),
                 lambda container, _: container.sessions[session.handle].posts.append(
                     (operation, handle, key.handle if key else None)), session=session)

    # What a user does

    def use(self, handle, pin=b""):
        """signHashedData or performHmac, checked."""
        key = self.container.keys[handle]
        return self._authorized("use", handle, "pin", pin, lambda: self._operate(key, pin))

    def _authorized(self, name, handle, by, value, call, change=lambda container, key: None):
        """A call that a PIN or PUK authorizes: the model says whether it is refused."""
        counter = by and getattr(self.container.keys[handle], by)
        taken = counter is None or copy.copy(counter).attempt(value)

        def effect(container, _):
            key = container.keys[handle]
            if counter:
                getattr(key, by).attempt(value)
            if taken:
                change(container, key)

        told = "%s, key %d" % (name, handle)
        if counter:
            told += ", %s %s" % (by.upper(), "right" if taken else
                                 "blocked" if counter.blocked else "wrong")
        answer = self.act(told, call, effect, refused=None if taken else AUTHORIZATION)
        return answer if taken else None

    def _operate(self, key, pin):
        values = {"keyHandle": key.handle, "parameters": b"", "biometricAuth": False,
                  "authorization": pin}
        if key.symmetric:
            mac = self.wire.call("performHmac", algorithm=MORE + "hmac-sha256", data=USED_DATA,
                                 **values).result
            if mac.hex() != key.state()["hmac"]:
                raise Surprise("HMAC of key %d" % key.handle)
            return
        public = x509.load_der_x509_certificate(key.certificate).public_key()
        kind = "ecdsa" if hasattr(public, "curve") else "rsa"
        signature = self.wire.call("signHashedData", algorithm=MORE + kind + "-sha256",
                                   data=hashlib.sha256(USED_DATA).digest(), **values).result
        if not constructs.verifies(public, signature, USED_DATA):
            raise Surprise("signature of key %d" % key.handle)

    def _manage(self, method, handle, by, value, change, **values):
        return self._authorized(method, handle, by, value, lambda: self.wire.call(
            method, keyHandle=handle, authorization=value, **values), change)

    def unlock(self, handle, puk):
        self._manage("unlockKey", handle, "puk", puk, lambda _, key: key.pin.reset())

    def change_pin(self, handle, pin, new):
        self._manage("changePin", handle, "pin", pin, lambda _, key: key.pin.reset(new),
                     newPin=new)

    def set_pin(self, handle, puk, new):
        self._manage("setPin", handle, "puk", puk, lambda _, key: key.pin.reset(new), newPin=new)

    def delete(self, handle, value=b""):
        by = BY[self.container.keys[handle].fields["deleteProtection"]]
        self._manage("deleteKey", handle, by, value,
                     lambda container, _: container.delete(handle))

    def export(self, handle, value=b""):
        key = self.container.keys[handle]
        answer = self._manage("exportKey", handle, BY[key.fields["exportProtection"]], value,
                              lambda _, key: vars(key).update(backup=key.backup | EXPORTED))
        if answer and key.symmetric and answer.key != key.symmetric:
            raise Surprise("export of key %d" % handle)

    def set_property(self, handle, type, name, value):
        def effect(container, _):
            extensions = container.keys[handle].extensions
            extensions[type] = (PROPERTY_BAG, "", replaced(extensions[type][2], name, value))

        self.act("setProperty", lambda: self.wire.call(
            "setProperty", keyHandle=handle, type=type, name=name, value=value), effect)


def replaced(bag, name, value):
    """The property bag with another value of that name."""
    reader, properties = Reader(bag), []
    while reader.raw:
        found = [reader.value(kind) for kind in ("string", "bool", "string")]
        properties.append((*found[:2], value if found[0] == name else found[2]))
    return constructs.property_bag(*properties)
