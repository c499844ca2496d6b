"""Methods of the token that manage earlier keys, and the close (docs/wire.md, section 8)."""

from . import constructs
from .keys import read_public_key
from .model import NO_KEY, demand
from .model_create import AES, HMACS, NONE, OF_EC, OF_RSA, SHARED
from .model_key import certified_key
from .verdict import CRYPTO

DELETE, UNLOCK, UPDATE, CLONE = ("postDeleteKey", "postUnlockKey", "postUpdateKey",
                                 "postCloneKeyProtection")


def post(operation):
    def handler(token, owner, found):
        new = owner if operation in (UPDATE, CLONE) else None
        session = new.session if new else owner
        queue(token, operation, session, new, found)
        return ()
    return handler


def queue(token, operation, session, new, found):
    target = token.keys.get(found["targetKeyHandle"])
    demand(target is not None, NO_KEY)
    demand(target.session.state == "closed")
    demand(target.session.kmk)
    demand(operation != UNLOCK or target.pin is not None)
    if new is not None:
        demand(new.pin is None)
        demand(operation != UPDATE or new.usage == target.usage)
        demand(operation != CLONE or target.pin is None
               or target.pin.rules["grouping"] == SHARED)
        demand(new.path)
    demand(session.privacy == target.session.privacy)
    values = {**found, "endEntityCertificate": new.path[0] if new else None}
    token.check_mac(session, operation, operation, values, found["mac"])
    session.operation()
    signer = read_public_key(target.session.kmk)
    demand(len(found["authorization"]) == signer.signature_size(), CRYPTO)
    demand(signer.verify(constructs.target_reference(session.key, session.device_id,
                                                     target.path[0]), found["authorization"]))
    others = [kind for kind, one, _ in session.posts if one is target]
    demand(not others if operation == DELETE else DELETE not in others)
    demand(operation not in (UNLOCK, UPDATE) or operation not in others)
    demand(new is None or all(one is not new for _, _, one in session.posts))
    session.posts.append((operation, target, new))


def close(token, session, found):
    demand(1 <= len(found["nonce"]) <= 32)
    token.check_mac(session, "closeProvisioningSession", "closeProvisioningSession", {
        "clientSessionId": session.client_id, "serverSessionId": session.server_id,
        "issuerUri": session.issuer_uri, "nonce": found["nonce"]}, found["mac"])
    proof = token.attest(session, "closeProvisioningSession", found)
    keys = [key for key in token.keys.values() if key.session is session]
    pins = list(session.pins.values())
    demand(all(any(pin.puk is puk for pin in pins) for puk in session.puks.values()))
    demand(all(any(key.pin is pin for key in keys) for pin in pins))
    gone = [target for kind, target, _ in session.posts if kind in (DELETE, UPDATE)]
    for key in sorted(keys, key=lambda one: one.handle):
        check_key(token, key, gone)
    for _, target, _ in session.posts:
        demand(token.keys.get(target.handle) is target, NO_KEY)
        demand(target.session.state == "closed" and target.session.kmk)
    for operation, target, new in session.posts:
        commit(token, session, operation, target, new)
    session.state = "closed"
    return (proof,)


def check_key(token, key, gone):
    demand(key.path)
    demand(certified_key(key) == key.public)
    for other in token.keys.values():
        demand(other is key or other in gone or not other.path or other.path[0] != key.path[0])
    rsa = read_public_key(key.public).kind == "RSA"
    for uri in key.endorsed:
        if uri in AES or uri in HMACS:
            demand(key.symmetric is not None)
            demand(uri not in AES or len(key.symmetric) in AES[uri])
        elif uri in OF_RSA or uri in OF_EC:
            demand(key.symmetric is None and (uri in OF_RSA) == rsa)
        else:
            demand(uri == NONE or key.symmetric is None)


def commit(token, session, operation, target, new):
    """One operation; and all keys of the target's session are this session's from now on."""
    old = target.session
    for key in token.keys.values():
        if key.session is old:
            key.session = session
    if operation == DELETE:
        del token.keys[target.handle]
    elif operation == UNLOCK:
        target.errors = 0
        if target.pin.puk:
            target.pin.puk.errors = 0
    else:
        new.pin, new.pin_value, new.errors = target.pin, target.pin_value, target.errors
        if operation == UPDATE:
            del token.keys[new.handle]
            new.handle = target.handle
            token.keys[new.handle] = new
