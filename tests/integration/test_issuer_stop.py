"""SIGTERM: what is under way is finished, new sessions are refused, and the wait has an end."""

import os
import signal
import socket
import subprocess
import threading
import time
from urllib.parse import urlsplit

from rig import keygen2
from rig.client_side import Client
from rig.enrolcase import Browser
from rig.issuercase import ProfileTest
from rig.processes import PATIENCE, wait_for
from rig.watching import get

HEAD = ("POST /kg2/p256-user-pin HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{")


class Stop(ProfileTest):
    @classmethod
    def start(cls, program):
        program.environment = {}
        return super().start(program)

    def serve(self, *options):
        """An issuer of this test's own, which is asked to stop by it."""
        self.issuer.kill()
        self.issuer.options = options
        self.issuer.stderr_path().write_text("")
        self.issuer.start()
        self.addCleanup(self.issuer.restart)    # for the checks of the class

    def terminate(self):
        os.kill(self.issuer.pid, signal.SIGTERM)
        wait_for(lambda: "stopping by signal 15" in self.issuer.stderr())

    def exit_code(self, timeout):
        return self.issuer.process.wait(timeout)

    def half_sent(self):
        at = urlsplit(self.issuer.url)
        half = socket.create_connection((at.hostname, at.port), 20)
        self.addCleanup(half.close)
        half.sendall(HEAD.encode())
        time.sleep(0.3)     # it is read
        return half

    def test_a_session_under_way_is_finished_and_none_is_begun(self):
        self.serve("--manage", "127.0.0.1:0")
        self.assertEqual(get(self.issuer.manage_url, "/healthz")[0], 200)
        client = self.client("p256-user-pin")
        client.start()
        self.terminate()
        late = Client(self.issuer.url, "p256-user-pin", self.device)
        reply = late.start()
        self.assertEqual((reply.status, reply.headers["Retry-After"], reply.headers["Connection"]),
                         (503, "5", "close"))
        self.assertIn(b"begins no session", reply.body)
        page = Browser(self.issuer.url).get("/enroll/p256-user-pin")
        self.assertEqual((page.status, page.headers["Retry-After"]), (503, "5"))
        self.assertRegex(page.body, rb"(?s)<html.*begins no session")
        self.assertEqual(Browser(self.issuer.url).send_code("p256-user-pin", "ABCD").status, 503)
        status, _, text = get(self.issuer.manage_url, "/healthz")
        self.assertEqual((status, text), (503, "stopping\n"))
        self.assertTrue(client.run().done)
        self.assertEqual(self.exit_code(PATIENCE), 0)
        self.assert_verdict(client.session_id, "succeeded")
        self.assertEqual(len(self.record(client)), 1)

    def test_a_slow_answer_is_waited_for(self):
        self.serve()
        client = self.client("private-key-restore")     # makes an RSA key, on a worker
        client.run(until="KeyCreationRequest")
        message, replies = client.answer(), []
        thread = threading.Thread(target=lambda: replies.append(client.post(message)))
        thread.start()
        time.sleep(0.05)
        os.kill(self.issuer.pid, signal.SIGTERM)
        thread.join(PATIENCE)
        self.assertEqual(replies[0].status, 200)
        self.assertEqual(self.exit_code(PATIENCE), 0)

    def test_idle_connections_hold_up_nothing(self):
        self.serve("--stop-seconds", "600")
        at = urlsplit(self.issuer.url)
        silent = socket.create_connection((at.hostname, at.port), 20)
        self.addCleanup(silent.close)
        client = self.client("p256-user-pin")
        client.start()
        begun = time.monotonic()
        self.assertEqual(self.issuer.stop(), 0)
        self.assertLess(time.monotonic() - begun, 60)
        client.http.connection.close()
        self.issuer.start()
        self.assertTrue(client.run().done)      # it goes on

    def test_the_wait_has_an_end(self):
        """That of the option, or the three seconds that a half-sent request has."""
        for seconds, least, most in (("1", 0.9, 60), ("600", 2.9, 60)):
            self.serve("--stop-seconds", seconds)
            half = self.half_sent()
            begun = time.monotonic()
            self.terminate()
            self.assertEqual(self.exit_code(PATIENCE), 0)
            took = time.monotonic() - begun
            self.assertTrue(least <= took <= most, (seconds, took))
            self.assertEqual(half.recv(100), b"")
            self.issuer.start()

    def test_a_second_signal_ends_at_once(self):
        self.serve("--stop-seconds", "600")
        self.half_sent()
        self.terminate()
        with self.assertRaises(subprocess.TimeoutExpired):
            self.exit_code(0.5)
        os.kill(self.issuer.pid, signal.SIGTERM)
        self.assertEqual(self.exit_code(PATIENCE), -signal.SIGTERM)

    def test_nothing_is_waited_for(self):
        self.serve("--stop-seconds", "0")
        self.half_sent()
        self.assertEqual(self.issuer.stop(), 0)

    def test_a_message_while_it_drains(self):
        """Half of it came before the signal, half after it: it is answered."""
        self.serve("--stop-seconds", "30")
        client = self.client("p256-user-pin")
        client.start()
        raw = keygen2.dumps(client.invocation_response())
        connection = client.http.connection
        connection.putrequest("POST", client.path)
        for name, value in (("Cookie", client.http.cookie), ("Content-Length", str(len(raw))),
                            ("Content-Type", "application/json")):
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(raw[:20])
        time.sleep(0.3)
        self.terminate()
        time.sleep(1.5)     # longer than an idle connection would last
        connection.send(raw[20:])
        response = connection.getresponse()
        self.assertEqual(response.status, 200, response.read())
        response.read()
        self.assertEqual(self.exit_code(PATIENCE), 0)
