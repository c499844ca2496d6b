"""Methods 8 and 9: PUK and PIN policies, and what a PIN must look like at createKeyEntry."""

from rig.issuer_side import Policy
from rig.sks_types import number, patterns
from rig.wirecase import CRYPTO, MAC, OPTION, WireTest

BAD_IDS = ("", "x" * 33, "a b", "é", "tab\t")
NUMERIC, ALPHANUMERIC, STRING, BINARY = range(4)
SIGNATURE, AUTHENTICATION, ENCRYPTION, UNIVERSAL = range(4)


class PukPolicy(WireTest):
    def use(self, session, puk):
        """Makes the policy part of a whole enrolment."""
        self.finish(session, session.key(pin=session.pin(puk=puk)))

    def test_accepted(self):
        for what, changes in (
                ("retry limit 0", {"retryLimit": 0}), ("retry limit 10000", {"retryLimit": 10000}),
                ("one byte", {"value": b"7"}), ("128 bytes", {"value": b"7" * 128}),
                ("alphanumeric", {"format": ALPHANUMERIC, "value": b"ABZ019"}),
                ("string", {"format": STRING, "value": "påß€".encode()}),
                ("binary", {"format": BINARY, "value": bytes(range(0x78, 0xF0))}),
                ("longest id", {"id": "~" * 32})):
            with self.subTest(what):
                session = self.session()
                self.use(session, session.puk(**changes))

    def test_refused(self):
        self.refuse_each([
            ("format 4", {"format": 4}, OPTION),
            ("retry limit 10001", {"retryLimit": 10001}, OPTION),
            ("retry limit 65535", {"retryLimit": 65535}, OPTION),
            ("empty value", {"value": b""}, OPTION),
            ("129 bytes", {"value": b"7" * 129}, OPTION),
            ("letter in numeric", {"value": b"12a4"}, OPTION),
            ("small letter in alphanumeric", {"format": ALPHANUMERIC, "value": b"AB1c"}, OPTION),
            ("string is not UTF-8", {"format": STRING, "value": b"ab\xff"}, OPTION),
            ("ciphertext of 8 bytes", {"encryptedPuk": bytes(8)}, CRYPTO),
            ("no ciphertext", {"encryptedPuk": b""}, CRYPTO),
            ("an IV alone", {"encryptedPuk": bytes(16)}, CRYPTO),
            ("not whole blocks", {"encryptedPuk": bytes(33)}, CRYPTO),
            ("wrong MAC", {"mac": bytes(32)}, MAC),
            ("short MAC", {"mac": bytes(16)}, MAC),
            ("other retry limit than in the MAC", {"sent": {"retryLimit": 4}}, MAC),
            ("other id than in the MAC", {"sent": {"id": "PUK.2"}}, MAC),
        ] + [("id %r" % bad, {"id": bad}, OPTION) for bad in BAD_IDS],
            lambda session, **changes: session.puk(**changes))

    def test_bad_padding(self):
        """The last byte of the padding made 0 through the IV."""
        session = self.session()
        good = session.encrypt(b"123456789012345")
        bad = good[:15] + bytes([good[15] ^ 1]) + good[16:]
        self.assert_torn_down(CRYPTO, session, session.puk, encryptedPuk=bad)

    def test_one_name_space(self):
        for make in (lambda s: s.puk(id="One"), lambda s: s.pin(id="One"),
                     lambda s: s.key(id="One")):
            session = self.session()
            session.puk(id="One")
            self.assert_torn_down(OPTION, session, make, session)


class PinPolicy(WireTest):
    def test_accepted(self):
        for what, changes, value in (
                ("retry limit 1", {"retryLimit": 1}, b"4711"),
                ("retry limit 10000", {"retryLimit": 10000}, b"4711"),
                ("shortest", {"minLength": 1, "maxLength": 1}, b"7"),
                ("longest", {"minLength": 128, "maxLength": 128}, b"7" * 128),
                ("every pattern", {"format": STRING, "patternRestrictions": 31}, b"aX5$wq"),
                ("trusted GUI", {"inputMethod": 2}, b"4711"),
                ("programmatic", {"inputMethod": 1}, b"4711"),
                ("not modifiable", {"userModifiable": False}, b"4711"),
                ("preset PIN", {"userDefined": False}, b"4711")):
            with self.subTest(what):
                session = self.session()
                self.finish(session, session.key(pin=session.pin(**changes), value=value))

    def test_refused(self):
        missing_group = patterns(["missing-group"])
        self.refuse_each([
            ("format 4", {"format": 4}, OPTION), ("grouping 4", {"grouping": 4}, OPTION),
            ("input method 3", {"inputMethod": 3}, OPTION),
            ("pattern bit 32", {"patternRestrictions": 32}, OPTION),
            ("missing-group of numeric", {"patternRestrictions": missing_group}, OPTION),
            ("missing-group of binary",
             {"patternRestrictions": missing_group, "format": BINARY}, OPTION),
            ("retry limit 0", {"retryLimit": 0}, OPTION),
            ("retry limit 10001", {"retryLimit": 10001}, OPTION),
            ("minLength 0", {"minLength": 0}, OPTION),
            ("maxLength 129", {"maxLength": 129}, OPTION),
            ("maxLength below minLength", {"minLength": 5, "maxLength": 4}, OPTION),
            ("wrong MAC", {"mac": bytes(32)}, MAC), ("long MAC", {"mac": bytes(33)}, MAC),
            ("userDefined changed", {"sent": {"userDefined": False}}, MAC),
            ("retryLimit changed", {"sent": {"retryLimit": 4}}, MAC),
            ("unknown PUK policy", {"puk": Policy("PUK.1", 0xFFFFFFF0)}, OPTION),
        ] + [("id %r" % bad, {"id": bad}, OPTION) for bad in BAD_IDS],
            lambda session, **changes: session.pin(**changes))

    def test_puk_policy_of_another_session(self):
        other, session = self.session(), self.session()
        self.assert_torn_down(OPTION, session, session.pin, puk=other.puk())
        self.assertTrue(self.is_open(other))
        other.abort()

    def test_pin_policy_handle_is_no_puk_policy(self):
        session = self.session()
        self.assert_torn_down(OPTION, session, session.pin, id="PIN.2",
                              puk=session.pin(id="PIN.1"))

    def test_duplicate_id(self):
        session = self.session()
        session.pin()
        self.assert_torn_down(OPTION, session, session.pin)


# (what, policy, PIN, is it good?)
PIN_CASES = (
    ("numeric", {}, b"4711", True),
    ("numeric, a letter", {}, b"47a1", False),
    ("numeric, other digits of UTF-8", {}, "٤٧١١".encode(), False),
    ("empty", {}, b"", False),
    ("too short", {}, b"471", False),
    ("longest", {}, b"47114711", True),
    ("too long", {}, b"471147114", False),
    ("alphanumeric", {"format": ALPHANUMERIC}, b"A7Z0", True),
    ("alphanumeric, small letter", {"format": ALPHANUMERIC}, b"A7z0", False),
    ("alphanumeric, other character", {"format": ALPHANUMERIC}, b"A7-0", False),
    ("string", {"format": STRING}, "på€".encode(), True),
    ("string, not UTF-8", {"format": STRING}, b"abc\xff", False),
    ("string, overlong UTF-8", {"format": STRING}, b"ab\xc0\x80", False),
    ("binary", {"format": BINARY}, b"\x00\xff\xfe\x01", True),
    ("two-in-a-row", {"patterns": ["two-in-a-row"]}, b"4711", False),
    ("two-in-a-row, apart", {"patterns": ["two-in-a-row"]}, b"4717", True),
    ("three-in-a-row", {"patterns": ["three-in-a-row"]}, b"4111", False),
    ("three-in-a-row, two", {"patterns": ["three-in-a-row"]}, b"4711", True),
    ("both, two in a row", {"patterns": ["two-in-a-row", "three-in-a-row"]}, b"4711", False),
    ("sequence up", {"patterns": ["sequence"]}, b"3456", False),
    ("sequence down", {"patterns": ["sequence"]}, b"6543", False),
    ("sequence, broken", {"patterns": ["sequence"]}, b"3457", True),
    ("sequence of constant step 2", {"patterns": ["sequence"]}, b"2468", True),
    ("sequence of one byte", {"patterns": ["sequence"], "minLength": 1}, b"3", True),
    ("sequence, wrap", {"patterns": ["sequence"], "format": BINARY}, b"\xfe\xff\x00\x02", True),
    ("repeated", {"patterns": ["repeated"]}, b"4714", False),
    ("repeated, all differ", {"patterns": ["repeated"]}, b"4718", True),
    ("missing-group", {"patterns": ["missing-group"], "format": ALPHANUMERIC}, b"AB12", True),
    ("missing-group, no digit", {"patterns": ["missing-group"], "format": ALPHANUMERIC},
     b"ABCD", False),
    ("missing-group, no letter", {"patterns": ["missing-group"], "format": ALPHANUMERIC},
     b"1357", False),
    ("missing-group of string", {"patterns": ["missing-group"], "format": STRING},
     b"aB1$", True),
    ("missing-group of string, beyond ASCII", {"patterns": ["missing-group"], "format": STRING},
     "aB1é".encode(), True),
    ("missing-group of string, no other", {"patterns": ["missing-group"], "format": STRING},
     b"aB12", False),
    ("missing-group of string, no small letter",
     {"patterns": ["missing-group"], "format": STRING}, b"AB1$", False),
)

# (grouping, [(usage, PIN), ...], are the keys good together?)
GROUPING_CASES = (
    ("none", [(SIGNATURE, b"1111"), (SIGNATURE, b"2222")], True),
    ("shared", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"1111")], True),
    ("shared", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"2222")], False),
    ("signature+standard", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"2222"),
                            (ENCRYPTION, b"2222")], True),
    ("signature+standard", [(SIGNATURE, b"1111"), (SIGNATURE, b"2222")], False),
    ("signature+standard", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"1111")], False),
    ("signature+standard", [(AUTHENTICATION, b"1111"), (UNIVERSAL, b"2222")], False),
    ("unique", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"2222"), (SIGNATURE, b"1111"),
                (ENCRYPTION, b"3333"), (UNIVERSAL, b"4444")], True),
    ("unique", [(SIGNATURE, b"1111"), (AUTHENTICATION, b"1111")], False),
    ("unique", [(SIGNATURE, b"1111"), (SIGNATURE, b"2222")], False),
)


class PinRules(WireTest):
    def test_pins(self):
        for preset in (False, True):
            for what, rules, value, good in PIN_CASES:
                with self.subTest(what, preset=preset):
                    rules = dict(rules)
                    bits = patterns(rules.pop("patterns", []))
                    session = self.session()
                    policy = session.pin(patternRestrictions=bits, userDefined=not preset,
                                         **rules)
                    if good:
                        self.finish(session, session.key(pin=policy, value=value))
                    else:
                        self.assert_torn_down(OPTION, session, session.key, pin=policy,
                                              value=value)

    def test_grouping(self):
        for grouping, keys, good in GROUPING_CASES:
            with self.subTest(grouping, keys=keys):
                session = self.session()
                policy = session.pin(grouping=number("grouping", grouping))

                def make(index, policy=policy, session=session, keys=keys):
                    usage, value = keys[index]
                    return session.key(id="Key.%d" % index, pin=policy, value=value,
                                       appUsage=usage)

                made = [make(index) for index in range(len(keys) - 1)]
                if good:
                    self.finish(session, *made, make(len(keys) - 1))
                else:
                    self.assert_torn_down(OPTION, session, make, len(keys) - 1)

    def test_policies_do_not_mix(self):
        """Grouping counts within one policy only."""
        session = self.session()
        policies = [session.pin(id="PIN.%d" % n, grouping=1) for n in (1, 2)]
        keys = [session.key(id="Key." + policy.id, pin=policy, value=value)
                for policy, value in zip(policies, (b"1111", b"2222"))]
        self.finish(session, *keys)
