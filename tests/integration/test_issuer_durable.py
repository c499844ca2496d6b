"""What the issuer has synced when an answer leaves: the recorder of the crash sweep watches it."""

import os
import sys
from pathlib import Path

from rig.client_side import Client, Device
from rig.processes import Issuer
from rig.testcase import RigTest, write_profile

sys.path.append(str(Path(__file__).resolve().parents[1] / "crash"))

import log                                                      # noqa: E402
from recording import crash_program                             # noqa: E402

DATABASE = "issuer.db"


class Watch:
    """The log of the recorder, read on from where the last look ended."""

    def __init__(self, path):
        self.path, self.seen, self.names, self.unsynced = path, 0, {}, set()

    def look(self):
        """(the files with writes that were not synced when the first answer left, all syncs)"""
        entries = log.read_log(self.path)
        at_answer, syncs = None, 0
        for entry in entries[self.seen:]:
            name = self.names.get(entry.fd, "")
            if entry.kind == log.OPEN:
                self.names[entry.fd] = Path(entry.data.decode()).name
            elif entry.kind == log.CLOSE:
                self.names.pop(entry.fd, None)
            elif entry.kind == log.WRITE and name in (DATABASE, DATABASE + "-wal"):
                self.unsynced.add(name)
            elif entry.kind == log.SYNC and name.startswith(DATABASE):
                self.unsynced.discard(name)
                syncs += 1
            elif entry.kind == log.ANSWER and at_answer is None:
                at_answer = set(self.unsynced)
        self.seen = len(entries)
        return at_answer, syncs


class Durable(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.device.authority.write_pem(cls.folder / "trust.pem")
        profiles = cls.new_folder()
        write_profile(profiles, "plain")
        write_profile(profiles, "deferred", deferredIssuance=True)
        issuer = Issuer(cls.new_folder(), trust=[trust], profiles=profiles)
        record = cls.new_folder() / "log"
        issuer.environment = {
            "LD_PRELOAD": str(crash_program("recorder.so")),
            "SKS_RECORD_FOLDER": str(issuer.data), "SKS_RECORD_LOG": str(record),
            # The recorder is not built with a sanitizer, and so comes in front of its library.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        cls.issuer = cls.start(issuer)
        cls.watch = Watch(record)

    def setUp(self):
        self.watch.look()

    def run_client(self, profile):
        """The answers in their order: [message, unsynced, syncs]."""
        looks, names = [], []

        def before(name):
            if names:
                looks.append((names[-1], *self.watch.look()))
            names.append(name)

        reply = Client(self.issuer.url, profile, self.device).run(before=before)
        looks.append((names[-1], *self.watch.look()))
        return reply, looks

    def assert_durable(self, look):
        self.assertEqual(look[1], set(), look)
        self.assertGreaterEqual(look[2], 1, look)

    def test_certificates_and_the_end_are_synced(self):
        reply, looks = self.run_client("plain")
        self.assertTrue(reply.done)
        self.assertEqual([look[0] for look in looks][-2:],
                         ["KeyCreationResponse", "ProvisioningFinalizationResponse"])
        for look in looks[:-2]:     # they outlive the process only
            self.assertEqual((look[1], look[2]), ({DATABASE + "-wal"}, 0), look)
        for look in looks[-2:]:
            self.assert_durable(look)

    def test_a_failure_is_synced(self):
        client = Client(self.issuer.url, "plain", self.device)
        client.run(until="KeyCreationRequest")
        self.assertEqual(self.watch.look(), ({DATABASE + "-wal"}, 0))
        client.http.request("GET", client.path + "?abort=true")
        self.assert_durable(("abort", *self.watch.look()))
        self.assert_verdict(client.session_id, "failed")

    def test_a_session_that_waits_for_the_operator_is_synced(self):
        reply, looks = self.run_client("deferred")
        self.assertIn("/pending/", reply.location)
        self.assert_durable(looks[-1])
