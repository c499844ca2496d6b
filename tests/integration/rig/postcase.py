"""Test classes about keys that an issuer manages later: owned by a key management key."""

from . import constructs
from .certificates import generate
from .keycase import KeyTest
from .wirecase import NO_KEY

SHARED = 1


class PostTest(KeyTest):
    @classmethod
    def set_up_rig(cls):
        super().set_up_rig()
        cls.kmk = generate()

    def managed(self, kmk=None, **options):
        """An open session with a key management key."""
        public = (kmk or self.kmk).public_key()
        return self.session(keyManagementKey=constructs.spki(public), **options)

    def own(self, *keys, kmk=None, session=None, **options):
        """Finished keys that the owner of the key management key may target."""
        return self.make(*keys, session=session or self.managed(kmk), **options)

    def successor(self, session, id="New", **changes):
        """A new key, certified, for an update or a clone."""
        return self.add(session, id=id, **changes)

    def queue(self, session, operation, target, kmk=None, **options):
        """The operation, with a new key where it takes one; returns that."""
        kmk = kmk or self.kmk
        if operation in ("delete", "unlock"):
            return session.post(operation, target, kmk, **options)
        key = options.pop("key", None) or self.successor(
            session, "New.%d" % session.counter.counter)
        session.post(operation, target, kmk, key=key, **options)
        return key

    def do(self, operation, target, kmk=None, session=None, **options):
        """A session of this one operation, to its end; returns (session, new key)."""
        session = session or self.managed(kmk)
        key = self.queue(session, operation, target, kmk, **options)
        session.close()
        return session, key

    def assert_owned_by(self, session, *keys):
        self.assertEqual({self.owner(key) for key in keys}, {session.handle})
        self.assertIn(session.handle, self.closed_sessions())

    def assert_replaced(self, target, key):
        """The new key stands under the old handle; its own is no more."""
        self.assert_status(NO_KEY, self.protection, key)
        self.assertEqual(self.attributes(target).certificate, [key.certificate])
