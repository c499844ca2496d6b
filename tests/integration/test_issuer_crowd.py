"""A crowd that does not mean well: an honest client still gets its keys, in bounded time."""

import copy
import resource
import shutil
import socket
import struct
import time
from urllib.parse import urlsplit

from rig import keygen2, raw_http
from rig.crlcase import CrlCase
from rig.processes import PROFILES, open_descriptors, resident_bytes, wait_for
from rig.sks_types import base64url
from rig.testcase import PROFILE, write_profile

VANISHING = 1000
STALLED = 240           # of each of three kinds, at once: too few to be a crowd
FULL = 1200             # more than the thousand of a listener
HONEST_SECONDS = 20     # much more than it takes on a loaded machine
MEMORY = 128 << 20
INIT = "GET /kg2/p256-user-pin?init=true HTTP/1.1\r\nHost: a\r\n\r\n"
HALF = ("POST /kg2/p256-user-pin HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 100000\r\n\r\n{")


def large_policies():
    """The finalization of such a key is some 640 kB."""
    policies = copy.deepcopy(PROFILE["pinPolicySpecifiers"])
    policies[0]["keyEntrySpecifiers"][0]["extensions"] = [
        {"type": "https://example.com/large/%d" % number,
         "extensionData": base64url(bytes([number]) * 60000)} for number in range(8)]
    return policies


class Crowd(CrlCase):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        shutil.copy(PROFILES / "p256-user-pin.json", cls.profiles)
        write_profile(cls.profiles, "large", pinPolicySpecifiers=large_policies())
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        super().set_up_rig()
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4000), hard))

    def connect(self, send="", window=None):
        at = urlsplit(self.issuer.url)
        peer = socket.socket()
        if window:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # little room there too
        peer.settimeout(20)
        peer.connect((at.hostname, at.port))
        peer.sendall(send.encode())
        return peer

    def crowd(self, count, *arguments):
        peers = [self.connect(*arguments) for _ in range(count)]
        for peer in peers:
            self.addCleanup(peer.close)
        return peers

    def honest(self):
        begun = time.monotonic()
        self.enrol("p256-user-pin")
        self.assertLess(time.monotonic() - begun, HONEST_SECONDS)

    def test_a_thousand_that_begin_and_vanish(self):
        self.honest()
        memory = resident_bytes(self.issuer.pid)
        for number in range(VANISHING):
            peer = self.connect(INIT)
            if number % 3 == 0:
                peer.recv(1)                # has its answer
            elif number % 3 == 1:           # RST while the answer is on its way
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            if number % 250 == 0:
                self.honest()
        self.honest()
        self.assertLess(resident_bytes(self.issuer.pid) - memory, MEMORY)
        self.assert_forgotten()
        begun = sum(row["verdict"] == "open" for row in self.issuer.sessions())
        self.assertGreaterEqual(begun, VANISHING // 3)

    def test_slow_readers_and_half_sent_bodies(self):
        readers = self.crowd(STALLED, INIT * 20, 2048)  # none reads a byte of twenty answers
        halves = self.crowd(STALLED, HALF)
        heads = self.crowd(STALLED, "GET /kg2/")
        for _ in range(3):
            self.honest()
            for peer in halves:
                peer.sendall(b" ")              # each a byte now and then
        for peer in readers + halves + heads:
            peer.close()
        self.honest()
        self.assert_forgotten()

    def test_more_than_it_takes(self):
        """Its places are full of those who send nothing more: they lose them soon."""
        peers = [peer for text in (HALF, "GET /kg2/", "") for peer in self.crowd(FULL // 3, text)]
        self.honest()
        for peer in peers:
            peer.close()
        self.assert_forgotten()

    def send_slowly(self, client):
        """The last message but one, by somebody who reads no more than the first bytes of the
        large answer: (the message, the connection, those bytes)."""
        client.run(until="KeyCreationRequest")
        raw = keygen2.dumps(client.answer())
        peer = self.connect("POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                            "Cookie: %s\r\nContent-Length: %d\r\n\r\n"
                            % (client.path, client.http.cookie, len(raw)), 2048)
        peer.sendall(raw)
        return raw, peer, peer.recv(1000)

    def test_killed_in_the_middle_of_a_large_answer(self):
        """It was answered, so it is durable: who comes back goes on, or gives up for good."""
        clients = [self.client("large") for _ in range(2)]
        sent = [self.send_slowly(client) for client in clients]
        self.issuer.kill()
        bodies = []
        for _, peer, first in sent:
            head, _, body = (first + raw_http.read_all(peer)).partition(b"\r\n\r\n")
            peer.close()
            self.assertIn(b"HTTP/1.1 200 OK", head)
            bodies.append(body)
        self.issuer.start()
        client, quitter = clients
        for each in clients:
            each.http.connection.close()
        reply = client.post(sent[0][0])         # byte for byte: the stored answer
        self.assertEqual(reply.status, 200, reply.body[:300])
        self.assertTrue(reply.body.startswith(bodies[0]))
        self.assertLess(max(map(len, bodies)), len(reply.body) // 2)    # it was the middle
        self.assertTrue(client.run().done)
        self.assert_verdict(client.session_id, "succeeded")
        self.assert_good(self.leaf(client))

        self.assertTrue(quitter.http.request("GET", quitter.path + "?abort=true").failed)
        self.assertTrue(quitter.post(sent[1][0]).failed)
        self.assertEqual(self.assert_verdict(quitter.session_id), "aborted by the client")
        (row,) = self.exported("--session", quitter.session_id)
        self.assertEqual((row["state"], row["revocation"]["reason"]),
                         ("void", "cessationOfOperation"))

    def test_killed_in_the_middle_of_a_message(self):
        """At each message of a session, with half of it sent: it was never there."""
        client = self.client("p256-user-pin")
        cut = []

        def before(name):
            if name != "init":
                peer = self.connect("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n"
                                    "Content-Type: application/json\r\nCookie: %s\r\n\r\n{"
                                    % (client.path, client.http.cookie))
                time.sleep(0.1)
                self.issuer.restart()
                peer.close()
                client.http.connection.close()
                cut.append(name)

        self.assertTrue(client.run(before=before).done)
        self.assertEqual(len(cut), 4)
        self.assert_verdict(client.session_id, "succeeded")

    def assert_forgotten(self):
        """No connection of theirs is left."""
        wait_for(lambda: open_descriptors(self.issuer.pid) <= 60,
                 lambda: open_descriptors(self.issuer.pid))
