"""Method 90: updates of the policy in one chunk and in many, and every chunk that is refused."""

import hashlib
import json

from rig.certificates import generate
from rig.firmware import (
    CHUNKS_MAX, DATA_MAX, POLICY_MAX, UPDATE_URL, FirmwareTest, chunk, chunks, padded, policy)
from rig.wirecase import CRYPTO, NOT_ALLOWED, OPTION, WireTest

SIGNATURE = 64


class Off(WireTest):
    """As the reference does."""

    def test_off_by_default(self):
        info = self.sks.call("getDeviceInfo")
        self.assertEqual(info.updateUrl, "")
        self.assertEqual(info.vendorDescription, "SKS rig - software token")
        key = generate("Ed25519")
        for data in (b"", b"x", *chunks(key, policy(1))):
            text = self.assert_status(NOT_ALLOWED, self.sks.call, "updateFirmware", chunk=data)
            self.assertIn("--update-url", text)


class Accepted(FirmwareTest):
    def test_update_url(self):
        self.assertEqual(self.info().updateUrl, UPDATE_URL)

    def test_one_chunk(self):
        self.install(description="in one piece")

    def test_next_urls(self):
        made = chunks(self.key, self.next_policy(description="in pieces"), 3)
        for index, data in enumerate(made[:-1]):
            self.assertEqual(self.send(data),
                             "http://updates.example/%d.chunk" % (index + 1))
            self.assert_installed(self.version - 1)
        self.assertEqual(self.send(made[-1]), "")
        self.assert_installed()

    def test_largest(self):
        text = padded(self.next_policy(), POLICY_MAX)
        self.assertEqual(self.send_all(chunks(self.key, text, CHUNKS_MAX)), "")
        self.assert_installed()
        self.restart()
        self.sks = self.wire()
        self.assert_installed()

    def test_largest_chunk(self):
        text = padded(self.next_policy(), DATA_MAX)
        self.assertEqual(self.send_all(chunks(self.key, text)), "")

    def test_longest_url(self):
        url = "https://x/" + "y" * 990
        made = chunks(self.key, self.next_policy(), 2)
        first = chunks(self.key, policy(self.version), 2, nextUrl=url)[0]
        self.assertEqual([self.send(first), self.send(made[1])], [url, ""])

    def test_versions_may_leap(self):
        type(self).version += 1000
        self.install()

    def test_chunk_0_begins_anew(self):
        text = self.next_policy(description="the same, or another one of that version")
        made, other = (chunks(self.key, t, 3) for t in (text, policy(self.version)))
        for begun in (made[:2], made[:1], other[:2]):
            for data in begun:
                self.send(data)
        self.send_all(made)
        self.assert_installed()

    def test_parts_of_different_size(self):
        text = self.next_policy()
        digest = hashlib.sha256(text).digest()
        for index, data in enumerate((text[:1], text[1:10], text[10:])):
            self.send(chunk(self.key, version=self.version, index=index, count=3, data=data,
                            digest=digest))
        self.assert_installed()


class Refused(FirmwareTest):
    """While an update is under way, which most refusals leave as it is."""

    def setUp(self):
        super().setUp()
        self.install()
        self.old = self.version
        self.made = chunks(self.key, self.next_policy(description="well made"), 3)
        self.send(self.made[0])

    def assert_undisturbed(self):
        self.assert_installed(self.old)
        self.send_all(self.made[1:])
        self.assert_installed()

    def assert_dropped(self, rest=1):
        """It goes on neither where it was, nor with its end; but with chunk 0."""
        self.assert_installed(self.old)
        for data in self.made[rest:]:
            self.refuse(data, text="begin with chunk 0")
        self.send_all(self.made)
        self.assert_installed()

    def test_malformed(self):
        fields = {"version": self.version, "index": 1, "count": 3}
        last = {**fields, "index": 2}
        for what, changes in (
                ("magic", {"magic": b"SKSQ"}), ("format 0", {"format": 0}),
                ("format 2", {"format": 2}), ("version 0", {"version": 0}),
                ("count 0", {"index": 0, "count": 0, "nextUrl": ""}),
                ("count 65", {"count": 65}), ("count 65535", {"count": 0xFFFF}),
                ("index is count", {"index": 3, "nextUrl": ""}), ("index 65535", {"index": 65535}),
                ("short digest", {"digest": bytes(31)}), ("long digest", {"digest": bytes(33)}),
                ("no data", {"data": b""}), ("too much data", {"data": bytes(DATA_MAX + 1)}),
                ("nextUrl missing", {"nextUrl": ""}), ("nextUrl in the last", {
                    **last, "nextUrl": "http://x/"}),
                ("nextUrl ftp", {"nextUrl": "ftp://x/1.chunk"}),
                ("nextUrl file", {"nextUrl": "file:///etc/passwd"}),
                ("nextUrl relative", {"nextUrl": "/1.chunk"}),
                ("nextUrl without host", {"nextUrl": "https://"}),
                ("nextUrl with a blank", {"nextUrl": "http://x/1 .chunk"}),
                ("nextUrl with a line break", {"nextUrl": "http://x/1\r\nHost: y"}),
                ("nextUrl with another letter", {"nextUrl": "http://x/ü"}),
                ("nextUrl too long", {"nextUrl": "http://x/" + "y" * 992}),
                ("bytes behind", {"tail": b"\0"}), ("a chunk behind", {"tail": self.made[1]})):
            with self.subTest(what):
                self.refuse(chunk(self.key, **{**fields, **changes}), text="chunk: ")
        self.assert_undisturbed()

    def test_cut_off(self):
        for size in range(len(self.made[1])):
            self.refuse(self.made[1][:size], text="chunk: ")
        self.assert_undisturbed()

    def test_nextUrl_is_no_utf8(self):
        raw = chunk(self.key, version=self.version, index=1, count=3, nextUrl="http://x/abc")
        self.refuse(raw.replace(b"abc", b"a\xff\xfe"), text="chunk: ")
        self.assert_undisturbed()

    def test_every_altered_byte(self):
        """Each field, the signature included; one bit of each byte."""
        good = self.made[1]
        statuses = set()
        for at in range(len(good)):
            bad = good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:]
            status = self.sks.raw_status(b"\x5a" + len(bad).to_bytes(4, "big") + bad)
            self.assertIn(status, (CRYPTO, OPTION), at)
            statuses.add(status)
        self.assertEqual(statuses, {CRYPTO, OPTION})
        self.assert_undisturbed()

    def test_bad_signatures(self):
        fields = {"version": self.version, "index": 1, "count": 3}
        self.refuse_signature(chunk(generate("Ed25519"), **fields))
        self.refuse_signature(chunk(self.key, purpose=b"", **fields))
        self.refuse_signature(chunk(self.key, purpose=b"SKS rig policy chunk\0", **fields))
        self.refuse_signature(self.made[1][:-SIGNATURE] + bytes(SIGNATURE))
        self.refuse_signature(self.made[1][:-SIGNATURE] + self.made[2][-SIGNATURE:])
        self.assert_undisturbed()

    def test_whole_update_of_another_signer(self):
        for data in chunks(generate("Ed25519"), policy(self.version + 1), 2):
            self.refuse_signature(data)
        self.assert_undisturbed()

    def test_versions_that_are_not_above(self):
        for version in {1, self.old}:
            for count in (1, 2):
                for data in chunks(self.key, policy(version), count):
                    self.refuse(data, text="not above the installed one, which is %d" % self.old)
        self.assert_undisturbed()

    def test_installed_again(self):
        self.send_all(self.made[1:])
        self.assert_installed()
        for data in self.made:
            self.refuse(data, text="not above")
        self.assert_installed()

    def test_chunk_left_out(self):
        self.refuse(self.made[2], text="not chunk 1")
        self.assert_dropped()

    def test_repeated(self):
        self.send(self.made[1])
        self.refuse(self.made[1], text="not chunk 2")
        self.assert_dropped()

    def test_without_a_beginning(self):
        self.refuse(self.made[2])
        self.refuse(self.made[1], text="no update is under way")
        self.assert_dropped()

    def test_chunk_of_another_update(self):
        fields = {"version": self.version, "index": 1, "count": 3,
                  "digest": hashlib.sha256(policy(self.version, description="well made")).digest()}
        for what, changes in (("count", {"count": 4}), ("version", {"version": self.version + 1}),
                              ("digest", {"digest": bytes(32)})):
            with self.subTest(what):
                self.send(self.made[0])
                self.refuse(chunk(self.key, **{**fields, **changes}), text="not chunk 1")
                self.refuse(self.made[1], text="no update is under way")
        self.assert_dropped()

    def test_hash_of_the_whole(self):
        text = policy(self.version, description="well made")
        for digest in (bytes(32), hashlib.sha256(text + b" ").digest()):
            wrong = chunks(self.key, text, 3, digest=digest)
            self.send_all(wrong[:2])
            self.refuse(wrong[2], text="SHA-256")
        self.assert_dropped()

    def test_data_altered_under_a_good_signature(self):
        digest = hashlib.sha256(policy(self.version, description="well made")).digest()
        self.send(chunk(self.key, version=self.version, index=1, count=3, digest=digest,
                        data=b"?" * 10))
        self.refuse(self.made[2], text="SHA-256")
        self.assert_dropped()

    def test_too_big(self):
        text = padded(policy(self.version), POLICY_MAX + 1)
        made = chunks(self.key, text, 5)
        self.send_all(made[:4])
        self.refuse(made[4], text="over %d bytes" % POLICY_MAX)
        self.assert_dropped()

    def test_versions_differ(self):
        made = chunks(self.key, policy(self.version + 1), 1, version=self.version)
        self.refuse(made[0], text="/version")
        self.assert_dropped()


class BadPolicy(FirmwareTest):
    """What the signer may not ask for either; the text says where it is wrong."""

    def test_texts(self):
        for text, where in (
                (b" ", "line 1"), (b"{", "line 1"), (b"[]", "expected '{'"), (b"{} {}", "line 1"),
                (b"\xef\xbb\xbf{}", "line 1"), (b'{"version": 1, "version": 1}', "duplicate key"),
                (b'{"version": 1}\0', "line 1"), (b'{"version": 1, "description": "\xff"}',
                                                   "line 1")):
            with self.subTest(text):
                self.refuse_policy(text, where)

    def test_properties(self):
        known = self.info().supportedAlgorithm[2]
        for what, changes, where in (
                ("version missing", {"version": None}, "/version: missing"),
                ("version is text", {"version": "1"}, "/version: "),
                ("version 0", {"version": 0}, "/version: "),
                ("version -1", {"version": -1}, "/version: "),
                ("version too big", {"version": 1 << 32}, "/version: "),
                ("version 1.0", {"version": 1.0}, "/version: "),
                ("unknown property", {"algoritms": [known]}, "/algoritms: unknown property"),
                ("description", {"description": 1}, "/description: "),
                ("long description", {"description": "x" * 1001}, "/description: "),
                ("no algorithms", {"algorithms": []}, "/algorithms: "),
                ("algorithms is text", {"algorithms": known}, "/algorithms: "),
                ("unknown algorithm", {"algorithms": [known, "http://x/none"]},
                 "/algorithms/1: unknown algorithm"),
                ("JOSE name", {"algorithms": [known, "ES256"]}, "/algorithms/1: "),
                ("algorithm twice", {"algorithms": [known, known]}, "/algorithms/1: used twice"),
                ("algorithm is a number", {"algorithms": [1]}, "/algorithms/0: "),
                ("too many", {"algorithms": [known] * 65}, "/algorithms: "),
                ("limits", {"limits": []}, "/limits: "),
                ("unknown limit", {"limits": {"maxKeys": 1}}, "/limits/maxKeys: unknown")):
            with self.subTest(what):
                self.refuse_properties(changes, where)

    def test_limits(self):
        for name, highest in (("maxSessionLifeTime", 0xFFFFFFFF), ("maxPinRetryLimit", 10000),
                              ("maxPukRetryLimit", 10000), ("minPinLength", 128)):
            for value in (0, highest + 1, -1, "5", None, True, 1.5):
                with self.subTest(name, value=value):
                    self.refuse_properties({"limits": {name: value}}, "/limits/%s: " % name)
            self.install(limits={name: highest})
            self.install(limits={name: 1})

    def refuse_properties(self, changes, where):
        properties = {"version": self.version + 1, **changes}
        self.refuse_policy(json.dumps({name: value for name, value in properties.items()
                                       if value is not None}).encode(), where)

    def refuse_policy(self, text, where):
        made = chunks(self.key, text, version=self.version + 1)
        self.refuse(made[0], text="policy: ")
        self.refuse(made[0], text=where)
        self.assert_installed()
