"""Methods 15, 73 and 74: extensions, logotypes and property bags."""

import os

from rig.constructs import property_bag
from rig.keycase import KeyTest
from rig.wirecase import CRYPTO, MAC, NO_KEY, NOT_ALLOWED, OPTION, STORAGE

EXTENSION, ENCRYPTED, PROPERTY_BAG, LOGOTYPE = range(4)
BAG = property_bag(("Counter", True, "0"), ("Secret", False, "shh"), ("Empty", True, ""))
TYPE = "https://example.com/type"
BAG_TYPE = "https://example.com/bag"
# What the encryption may add to extensionDataSize.
PADDED = 32


class AddExtension(KeyTest):
    def show(self, key, type=TYPE):
        return vars(self.sks.call("getExtension", keyHandle=key.handle, type=type))

    def certified(self, **options):
        session = self.session(**options)
        key = session.key()
        self.certify(session, key)
        return session, key

    def longest(self):
        return self.sks.call("getDeviceInfo").extensionDataSize

    def test_each_kind(self):
        rows = (("http://a", EXTENSION, "", b"\0\1\2"), ("http://b", EXTENSION, "", b""),
                ("http://c", ENCRYPTED, "", b"hidden"), ("http://d", ENCRYPTED, "", b""),
                ("http://e", PROPERTY_BAG, "", BAG), ("http://f", LOGOTYPE, "image/png", b"PNG"),
                ("u" * 1000, LOGOTYPE, "q" * 128, b""), ("!", LOGOTYPE, "é" * 64, b"x"))
        key, other = self.make(
            {"pin": None, "extensions": [
                {"type": type, "subType": kind, "qualifier": qualifier, "data": data}
                for type, kind, qualifier, data in rows]},
            {"pin": None})
        self.assertEqual(self.attributes(key).type, [row[0] for row in rows])
        self.assertEqual(self.attributes(other).type, [])
        for type, kind, qualifier, data in rows:
            self.assertEqual(self.show(key, type), {
                "subType": kind, "qualifier": qualifier, "extensionData": data})
        self.sks.close()
        self.token.restart()
        self.assertEqual(self.show(key, "http://c")["extensionData"], b"hidden")
        self.assert_status(OPTION, self.show, key, "http://x")
        self.assert_status(OPTION, self.show, other, "http://a")

    def test_longest(self):
        data = os.urandom(self.longest())
        (key,) = self.make({"pin": None, "extensions": [
            {"type": "http://a", "data": data},
            {"type": "http://b", "data": data, "subType": ENCRYPTED}]})
        self.assertEqual(self.show(key, "http://a")["extensionData"], data)
        self.assertEqual(self.show(key, "http://b")["extensionData"], data)

    def test_refused(self):
        longest = self.longest()
        bag = {"subType": PROPERTY_BAG}
        name = b"\0\1n"
        self.refuse_each([
            ("subType 4", {"subType": 4}, OPTION),
            ("no type", {"type": ""}, OPTION),
            ("type of 1001 bytes", {"type": "u" * 1001}, OPTION),
            ("qualifier of an extension", {"qualifier": "x"}, OPTION),
            ("qualifier of an encrypted one", {"qualifier": "x", "subType": ENCRYPTED}, OPTION),
            ("qualifier of a bag", {**bag, "qualifier": "x", "data": BAG}, OPTION),
            ("no qualifier of a logotype", {"subType": LOGOTYPE}, OPTION),
            ("qualifier of 129 bytes", {"subType": LOGOTYPE, "qualifier": "q" * 129}, OPTION),
            ("too long", {"data": bytes(longest + 1)}, OPTION),
            ("logotype too long",
             {"subType": LOGOTYPE, "qualifier": "x", "data": bytes(longest + 1)}, OPTION),
            ("encrypted too long",
             {"subType": ENCRYPTED, "extensionData": bytes(longest + PADDED + 16)}, OPTION),
            ("empty bag", {**bag, "data": b""}, OPTION),
            ("bag of half a length", {**bag, "data": b"\0"}, OPTION),
            ("property without name", {**bag, "data": b"\0\0\1\0\1v"}, OPTION),
            ("name of 256 bytes",
             {**bag, "data": property_bag(("n" * 256, True, ""))}, OPTION),
            ("name cut off", {**bag, "data": b"\0\5name"}, OPTION),
            ("no writable", {**bag, "data": name}, OPTION),
            ("writable 2", {**bag, "data": name + b"\2\0\1v"}, OPTION),
            ("no value", {**bag, "data": name + b"\1"}, OPTION),
            ("value cut off", {**bag, "data": name + b"\1\0\2v"}, OPTION),
            ("second property cut off", {**bag, "data": BAG[:-1]}, OPTION),
            ("bytes after the bag", {**bag, "data": BAG + b"\0"}, OPTION),
            ("no ciphertext", {"subType": ENCRYPTED, "extensionData": b""}, CRYPTO),
            ("15 bytes", {"subType": ENCRYPTED, "extensionData": bytes(15)}, CRYPTO),
            ("an IV alone", {"subType": ENCRYPTED, "extensionData": bytes(16)}, CRYPTO),
            ("not whole blocks", {"subType": ENCRYPTED, "extensionData": bytes(33)}, CRYPTO),
            ("wrong MAC", {"mac": bytes(32)}, MAC),
            ("short MAC", {"mac": bytes(16)}, MAC),
            ("another type", {"sent": {"type": "http://x"}}, MAC),
            ("another subType", {"data": BAG, "sent": {"subType": PROPERTY_BAG}}, MAC),
            ("other data", {"sent": {"extensionData": b"x"}}, MAC),
            ("another qualifier",
             {"subType": LOGOTYPE, "qualifier": "x", "sent": {"qualifier": "y"}}, MAC),
            ("certificate of another key", {"endEntityCertificate": self.authority.der}, MAC),
            ("damaged and a wrong MAC",
             {"subType": ENCRYPTED, "extensionData": bytes(33), "mac": bytes(32)}, MAC),
            ("bad bag and a wrong MAC", {**bag, "data": b"", "mac": bytes(32)}, OPTION),
        ], self.extend_one)

    def extend_one(self, session, **changes):
        key = session.key()
        self.certify(session, key)
        session.extend(key, **{"type": TYPE, **changes})

    def test_bad_padding(self):
        session, key = self.certified()
        good = session.encrypt(bytes(15))
        bad = good[:15] + bytes([good[15] ^ 1]) + good[16:]
        self.assert_torn_down(CRYPTO, session, session.extend, key, TYPE, subType=ENCRYPTED,
                              extensionData=bad)

    def test_one_of_a_type(self):
        """Told before the MAC is looked at; another key may have the same type."""
        for mac in (None, bytes(32)):
            session, key = self.certified()
            session.extend(key, TYPE)
            self.assert_torn_down(OPTION, session, session.extend, key, TYPE, mac=mac,
                                  subType=ENCRYPTED)
        self.make(*({"pin": None, "extensions": [{"type": TYPE}]} for _ in range(2)))

    def test_key_must_be_open_and_certified(self):
        session = self.session()
        self.assert_torn_down(OPTION, session, session.extend, session.key(), TYPE)
        (finished,) = self.make({"pin": None})
        session, key = self.certified()
        for handle in (finished.handle, 0, 0xFFFFFFF0):
            self.assert_survives(NO_KEY, session, session.extend, key, TYPE,
                                 sent={"keyHandle": handle})
        session.abort()

    def test_limit(self):
        """One MAC, and one decryption where it is encrypted; key and certificate take 3."""
        for limit, kind, good in ((4, EXTENSION, True), (3, EXTENSION, False),
                                  (5, ENCRYPTED, True), (4, ENCRYPTED, False)):
            session, key = self.certified(sessionKeyLimit=limit)
            if good:
                session.extend(key, TYPE, subType=kind)
                session.abort()
            else:
                self.assert_torn_down(OPTION, session, session.extend, key, TYPE, subType=kind)

    def test_not_shown_before_the_close(self):
        session, key = self.certified()
        session.extend(key, TYPE)
        self.assert_status(NO_KEY, self.show, key)
        session.close()
        self.assertEqual(self.show(key)["subType"], EXTENSION)

    def test_unknown_key(self):
        (key,) = self.make({"pin": None})
        for handle in (0, key.handle + 1000):
            self.assert_status(NO_KEY, self.sks.call, "getExtension", keyHandle=handle,
                               type=TYPE)


class SetProperty(KeyTest):
    def setUp(self):
        super().setUp()
        (self.key,) = self.make({"extensions": [
            {"type": BAG_TYPE, "data": BAG, "subType": PROPERTY_BAG},
            {"type": TYPE, "data": BAG}]})

    def set(self, name, value, type=BAG_TYPE, handle=None):
        handle = self.key.handle if handle is None else handle
        self.sks.call("setProperty", keyHandle=handle, type=type, name=name, value=value)

    def bag(self, type=BAG_TYPE):
        return self.sks.call("getExtension", keyHandle=self.key.handle,
                             type=type).extensionData

    def test_values(self):
        """No PIN is asked for, as the method has none."""
        for value in ("1", "", "longer than it was", "é€😀", "x" * 2000, "2"):
            self.set("Counter", value)
            self.assertEqual(self.bag(), property_bag(
                ("Counter", True, value), ("Secret", False, "shh"), ("Empty", True, "")))
        self.set("Empty", "no more")
        wanted = property_bag(("Counter", True, "2"), ("Secret", False, "shh"),
                              ("Empty", True, "no more"))
        self.assertEqual(self.bag(), wanted)
        self.sks.close()
        self.token.restart()
        self.assertEqual(self.bag(), wanted)
        self.assertEqual(self.bag(TYPE), BAG, "an extension is no bag")

    def test_of_two_with_one_name_the_first_counts(self):
        for first, second in ((True, False), (True, True)):
            (key,) = self.make({"pin": None, "extensions": [
                {"type": BAG_TYPE, "subType": PROPERTY_BAG, "data": property_bag(
                    ("a", first, "1"), ("b", False, ""), ("a", second, "2"))}]})
            self.set("a", "new", handle=key.handle)
            self.assertEqual(
                self.sks.call("getExtension", keyHandle=key.handle, type=BAG_TYPE).extensionData,
                property_bag(("a", first, "new"), ("b", False, ""), ("a", second, "2")))

    def test_refused(self):
        for what, arguments, status in (
                ("not writable", {"name": "Secret"}, NOT_ALLOWED),
                ("no such name", {"name": "secret"}, OPTION),
                ("start of a name", {"name": "Count"}, OPTION),
                ("no name", {"name": ""}, OPTION),
                ("no such bag", {"name": "Counter", "type": BAG_TYPE + "x"}, OPTION),
                ("no bag", {"name": "Counter", "type": TYPE}, OPTION),
                ("no key", {"name": "Counter", "handle": 0}, NO_KEY)):
            with self.subTest(what):
                self.assert_status(status, self.set, value="x", **arguments)
        self.assertEqual(self.bag(), BAG)

    def test_bag_may_not_grow_over_the_limit(self):
        """What addExtension would not take, setProperty does not make."""
        (key,) = self.make({"pin": None, "extensions": [
            {"type": BAG_TYPE, "subType": PROPERTY_BAG, "data": property_bag(
                *(("n%d" % n, True, "") for n in range(4)))}]})
        for number in range(3):
            self.set("n%d" % number, "x" * 65000, handle=key.handle)
        self.assert_status(STORAGE, self.set, "n3", "x" * 65000, handle=key.handle)
        self.set("n0", "", handle=key.handle)
        self.set("n3", "x" * 65000, handle=key.handle)

    def test_key_of_an_open_session(self):
        session = self.session()
        key = session.key()
        self.certify(session, key)
        session.extend(key, BAG_TYPE, BAG, PROPERTY_BAG)
        self.assert_survives(NO_KEY, session, self.set, "Counter", "1", handle=key.handle)
        session.close()
