"""What the tests of refusals share: each is provoked once, and then looked for wherever the issuer
must tell of it."""

import hmac
import html
import re
import struct
import time
from dataclasses import dataclass
from typing import Callable

from .client_side import Device, HttpSession
from .enrolcase import EnrolCase
from .sks_types import base64url
from .watching import WatchTest

DEADLINE = 60       # seconds, for a line of the log


@dataclass
class Refusal:
    """`provoke(test)` makes all ready and returns what is refused then: a function that returns
    the answer, and the serverSessionId if there is a session. `name` is that of refusal.c, `says`
    what page, log and record have to say. `verdict`: of the session, None if it is untouched."""

    name: str
    status: int
    says: str
    provoke: Callable
    verdict: str = "failed"

    @property
    def of_session(self):
        return self.status == 302


def expired_ticket(data, profile):
    """The cookie of an enrolment page whose time is over, as only its issuer can make it."""
    seal_key = bytes.fromhex((data / "seal.key").read_text().strip())
    own = hmac.digest(seal_key, b"sks-issuer enrolment ticket", "sha256")
    body = bytes(18) + struct.pack(">II", 1, 0)
    name = profile.encode()
    mac = hmac.digest(own, struct.pack(">H", len(name)) + name + body, "sha256")
    return base64url(body + mac[:16])


class RefusalCase(EnrolCase, WatchTest):
    """`refusals` of a class are provoked in their order, on one issuer."""

    refusals = ()
    records_pem = None

    def refuse_each(self):
        for row in self.refusals:
            with self.subTest(row.name, status=row.status, says=row.says):
                self.device = Device(authority=self.device_ca)
                self.refuse(row)

    def refuse(self, row):
        act = row.provoke(self)
        before, seen = self.metrics(), len(self.requests())
        reply, session_id = act()
        line = self.refused_line(seen)
        after = self.metrics()
        self.assertEqual((line["refusal"], line["status"], line.get("session")),
                         (row.name, row.status, session_id))
        self.assertRegex(line["cause"], row.says)
        self.assertEqual([after("refusals_total", **labels) - before("refusals_total", **labels)
                          for labels in ({"cause": row.name}, {})], [1, 1])
        if row.of_session:
            self.assert_session_refused(row, reply, session_id)
        elif reply is not None:
            self.assertEqual(reply.status, row.status, reply.body)
            self.assert_answer(row, reply)

    def refused_line(self, seen):
        """The one line of the log since then that tells of a refusal; it may be written late."""
        deadline = time.monotonic() + DEADLINE
        while not (found := [line for line in self.requests()[seen:] if "refusal" in line]):
            self.assertLess(time.monotonic(), deadline, "no line of the log")
            time.sleep(0.02)
        (line,) = found
        return line

    def assert_answer(self, row, reply):
        """A page for who looks, or one line of text."""
        text = reply.body.decode()
        if reply.headers["Content-Type"].startswith("text/html"):
            self.assert_page(reply, row.status)
        else:
            self.assertEqual((reply.headers["Content-Type"], text.count("\n")),
                             ("text/plain; charset=utf-8", 1))
        text = html.unescape(re.sub("<[^>]*>", "", text))
        self.assertRegex(text, re.compile(row.says, re.IGNORECASE))     # a page begins a sentence

    def assert_session_refused(self, row, reply, session_id):
        """The page that the answer leads to, its JSON, and the record say the same."""
        kind = "done" if row.verdict == "succeeded" else "failed"
        self.assertEqual((reply.status, reply.location),
                         (302, "%s/%s/%s" % (self.issuer.url, kind, session_id)))
        record = self.assert_record_holds(session_id)
        status, told = HttpSession(self.issuer.url).record(kind, session_id)
        cause = record["cause"]
        self.assertRegex(cause, row.says)
        self.assert_page(self.browser().get("/%s/%s" % (kind, session_id)), 200,
                         html.escape(cause, quote=False).replace('"', "&quot;"))
        self.assertEqual(status, 200)
        for teller in (record, told):
            self.assertEqual((teller["verdict"], teller["cause"]), (row.verdict, cause))
        name, colon, detail = cause.partition(": ")
        if colon:       # the check that failed
            failed = [(check["name"], check["detail"]) for check in record["checks"]
                      if check["result"] == "fail"]
            self.assertEqual(failed, [(name, detail)])
        told = [line["text"] for line in self.log() if "text" in line]
        self.assertTrue([text for text in told if "session %s " % session_id in text], told)
