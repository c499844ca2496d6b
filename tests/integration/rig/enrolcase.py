"""A person with a browser at the enrolment page, who hands its link to a client."""

import html
import http.client
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from .client_side import Client, Reply
from .issuercase import ProfileTest
from .processes import run, run_json

LINK = re.compile(r'href="(webpkiproxy:[^"]*)"')


@dataclass
class Link:
    """What the page's link says, decoded."""
    text: str

    def __post_init__(self):
        self.fields = {name: values[0] for name, values in
                       parse_qs(self.text.partition("?")[2], strict_parsing=True).items()}

    @property
    def cookie(self):
        return self.fields["cookie"]


class Browser:
    """One cookie, from wherever on this machine; follows no redirect."""

    def __init__(self, url, source="127.0.0.1"):
        self.url, self.source, self.cookie = url, source, None

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30,
                                                source_address=(self.source, 0))
        headers = {"Accept": "text/html", **headers}
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        reply = Reply(response.status, response.headers, response.read())
        connection.close()
        if reply.headers.get("Set-Cookie"):
            self.cookie = reply.headers["Set-Cookie"].split(";")[0]
        return reply

    def get(self, path):
        return self.request("GET", path)

    def send_code(self, profile, code):
        return self.request("POST", "/enroll/" + profile, urlencode({"code": code}),
                            **{"Content-Type": "application/x-www-form-urlencoded"})


def link_of(page):
    found = LINK.search(page.body.decode())
    return found and Link(html.unescape(found[1]))


class EnrolCase(ProfileTest):
    def browser(self, source="127.0.0.1"):
        return Browser(self.issuer.url, source)

    def invite(self, profile, *options):
        return run_json("sks-issuer", "invite", profile, "--data", self.issuer.data,
                        "--public-url", self.issuer.url, "--json", *options)

    def invitation(self, number):
        rows = run_json("sks-issuer", "invitations", "--data", self.issuer.data,
                        "--json")["invitations"]
        return next(row for row in rows if row["number"] == number)

    def page_link(self, profile, code=None, browser=None):
        """The link that a person sees in the end."""
        browser = browser or self.browser()
        if code:
            reply = browser.send_code(profile, code)
            self.assertEqual((reply.status, reply.location),
                             (303, "%s/enroll/%s" % (self.issuer.url, profile)), reply.body)
        page = browser.get("/enroll/" + profile)
        self.assertEqual(page.status, 200)
        return link_of(page)

    def client_of(self, link, profile):
        """A client that sends the link's cookie and ignores Set-Cookie, as the public one does."""
        client = Client(self.issuer.url, profile, self.device)
        client.http.cookie = link.cookie
        self.assertEqual(link.fields["url"], client.issuer_uri)
        self.assertEqual(link.fields["init"], client.issuer_uri + "?init=true")
        self.assertEqual(link.fields["cncl"], client.issuer_uri + "?abort=true")
        return client

    def assert_page(self, reply, status, *texts):
        """A whole page without scripts that says this."""
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", reply.headers["Content-Security-Policy"])
        body = reply.body.decode()
        self.assertTrue(body.startswith("<!DOCTYPE html>") and body.endswith("</html>\n"), body)
        self.assertNotIn("<script", body)
        for text in texts:
            self.assertIn(text, body)

    def assert_logged(self, text):
        self.assertIn(text, self.issuer.stderr())

    def assert_record_holds(self, session_id):
        """Whoever checks the record again finds nothing wrong in it; returns the record."""
        path = self.folder / "record.json"
        path.write_text(self.command("evidence", session_id, "--json"))
        done = run("sks-vectors", "check-evidence", path, "--issuer-cert",
                   self.issuer.data / "ca.pem")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(path.read_text())
