"""Test classes about finished keys: they are made in one call, and looked at in another."""

import hashlib

from .constructs import spki
from .wirecase import AUTHORIZATION, NO_KEY, WireTest

PREFIX = "https://webpki.github.io/sks/algorithm#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PIN, PUK = b"4711", b"0123456789"
PIN_PROTECTED, PUK_PROTECTED, PIN_BLOCKED, PUK_BLOCKED = 1, 2, 4, 8
IMPORTED, EXPORTED = 1, 2


class KeyTest(WireTest):
    def make(self, *keys, session=None, puk=False, **policy):
        """Closes a session with keys {id: ..., ...} under one PIN policy; `"pin": None` leaves
        a key out of it. `symmetric` and `private` are imported, `extensions` added."""
        session = session or self.session()
        keys = [dict(changes) for changes in keys or ({},)]
        pin = None
        if any("pin" not in changes for changes in keys):
            options = puk if isinstance(puk, dict) else {"retryLimit": 5}
            pin = session.pin(puk=session.puk(**options) if puk or options is puk else None,
                              **policy)
        made = [self.add(session, **{"id": "Key.%d" % n, "pin": pin, **changes})
                for n, changes in enumerate(keys)]
        session.close()
        return made

    def add(self, session, symmetric=None, private=None, extensions=(), certificate=None,
            **changes):
        """One key of an open session, with its certificate and all that is in it."""
        key = session.key(**changes)
        if private is not None:
            public = private.public_key()
            session.certify(key, [certificate or self.authority.issue(key.id, public)])
            session.import_private(key, private)
            key.public_der = spki(public)
        else:
            session.certify(key, [certificate or self.authority.issue(key.id, key.public)])
        if symmetric is not None:
            session.import_symmetric(key, symmetric)
        for extension in extensions:
            session.extend(key, **extension)
        return key

    def attributes(self, key):
        return self.sks.call("getKeyAttributes", keyHandle=key.handle)

    def protection(self, key):
        return self.sks.call("getKeyProtectionInfo", keyHandle=key.handle)

    def assert_protection(self, key, **wanted):
        shown = vars(self.protection(key))
        self.assertEqual({name: shown[name] for name in wanted}, wanted)

    def assert_gone(self, *keys):
        for key in keys:
            self.assert_status(NO_KEY, self.protection, key)
            self.assertNotIn(key.handle, self.handles())

    def handles(self):
        return [item.keyHandle for item in self.sks.keys()]

    def owner(self, key):
        """The handle of the session that the key belongs to."""
        return {item.keyHandle: item.provisioningHandle for item in self.sks.keys()}[key.handle]

    def closed_sessions(self):
        return [item.provisioningHandle for item in self.sks.sessions(False)]

    def sign(self, key, data=None, algorithm=MORE + "ecdsa-sha256", authorization=PIN,
             parameters=b"", biometric=False):
        data = hashlib.sha256(b"data").digest() if data is None else data
        return self.sks.call("signHashedData", keyHandle=key.handle, algorithm=algorithm,
                             parameters=parameters, biometricAuth=biometric,
                             authorization=authorization, data=data).result

    def errors(self, *keys):
        return [self.protection(key).pinErrorCount for key in keys]

    def miss(self, key, pin=b"0000"):
        self.assert_status(AUTHORIZATION, self.sign, key, authorization=pin)

    def manage(self, method, key, authorization=b"", **values):
        """One of the methods 80 to 84."""
        return self.sks.call(method, keyHandle=key.handle, authorization=authorization, **values)

    def miss_puk(self, key, puk=b"9"):
        self.assert_status(AUTHORIZATION, self.manage, "unlockKey", key, puk)
