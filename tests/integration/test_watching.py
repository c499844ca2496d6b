"""An issuer that is watched: its log of requests, its metrics, its health."""

import json
import resource
import shutil
import time

from rig import clock
from rig.client_side import Client
from rig.issuercase import USAGE
from rig.processes import PATIENCE, PROFILES, Issuer, run, wait_for
from rig.testcase import RigTest, write_profile
from rig.watching import WatchTest, get

INITIALIZATION = "ProvisioningInitializationRequest"
CREATION = "KeyCreationRequest"
FINALIZATION = "ProvisioningFinalizationRequest"
LINE = {"time", "level", "method", "path", "status", "received", "bytes", "microseconds",
        "address"}


class Counts(WatchTest):
    @classmethod
    def set_up_rig(cls):
        clock.install()
        cls.profiles = cls.new_folder()
        for name in ("p256-user-pin", "key-delete", "deferred-issuance", "session-2010"):
            shutil.copy(PROFILES / (name + ".json"), cls.profiles)
        write_profile(cls.profiles, "short", sessionLifeTime=clock.LIFE)
        write_profile(cls.profiles, "known", deferredIssuance=True,
                      enrolment={"confirmDevice": True})
        super().set_up_rig()

    def test_metrics_add_up(self):
        before = self.metrics()
        for _ in range(3):
            self.enrol("p256-user-pin")
        waiting = self.client("p256-user-pin")
        waiting.run(until=CREATION)
        given_up = self.client("p256-user-pin")
        given_up.start()
        given_up.http.request("GET", given_up.path + "?abort=true")
        after = self.metrics()

        def grown(name, suffix=None, **labels):
            return after(name, suffix, **labels) - before(name, suffix, **labels)

        self.assertEqual(grown("sessions_begun_total"), 5)
        self.assertEqual(grown("sessions", verdict="succeeded"), 3)
        self.assertEqual(grown("sessions", verdict="failed"), 1)
        self.assertEqual(grown("sessions", verdict="open", state="running"), 1)
        self.assertEqual(grown("sessions"), 5)
        self.assertEqual(grown("sessions_ended_total", verdict="succeeded"), 3)
        self.assertEqual(grown("sessions_ended_total", cause="aborted by the client"), 1)
        self.assertEqual(grown("open_sessions_in_memory"), 1)
        self.assertEqual(grown("open_sessions_in_memory", phase="key creation"), 1)
        for message, count in (("init", 5), ("InvocationResponse", 4),
                               ("ProvisioningInitializationResponse", 4),
                               ("KeyCreationResponse", 3), ("resume", 0),
                               ("ProvisioningFinalizationResponse", 3)):
            self.assertEqual(grown("message_seconds", "_count", message=message), count, message)
            self.assertEqual(grown("message_seconds", "_bucket", message=message, le="+Inf"), count)
        self.assertGreater(grown("message_seconds", "_sum", message="KeyCreationResponse"), 0)
        self.assertEqual(grown("http_requests_total", route="/kg2/", method="POST",
                               status="200"), 11)
        self.assertEqual(grown("http_requests_total", route="/kg2/", method="POST",
                               status="302"), 3)
        self.assertEqual(grown("http_requests_total", route="/kg2/", method="GET"), 6)
        self.assertEqual(grown("refusals_total"), 1)
        self.assertEqual(after("build_info"), 1)
        self.assertAlmostEqual(after("start_time_seconds"), time.time(), delta=300)

    def test_histograms_are_cumulative(self):
        self.enrol("p256-user-pin")
        kind, samples = self.metrics().families["sks_issuer_message_seconds"]
        self.assertEqual(kind, "histogram")
        buckets = {}
        for key, value in samples.items():
            if key[0] == "_bucket":
                labels = dict(key[1:])
                buckets.setdefault(labels["message"], []).append((float(labels["le"]), value))
        self.assertEqual(len(buckets), 7)
        for message, list_ in buckets.items():
            self.assertEqual(list_, sorted(list_), message)
            self.assertEqual([count for _, count in list_], sorted(count for _, count in list_))
            self.assertEqual(list_[-1][0], float("inf"))

    def test_pools(self):
        before = self.metrics()
        client = self.client("p256-user-pin")
        client.run(until=INITIALIZATION)
        offered = self.metrics()
        self.assertEqual(offered("pool_level", pool="ephemeral keys"),
                         before("pool_level", pool="ephemeral keys") + 1)
        client.run()
        after = self.metrics()
        self.assertEqual(after("pool_level", pool="ephemeral keys"),
                         before("pool_level", pool="ephemeral keys"))
        self.assertEqual(after("pool_level", pool="device paths"),
                         before("pool_level", pool="device paths") + 1)
        self.assertEqual(after("trusted_certificates"), 1)
        self.assertGreater(after("pool_size", pool="device paths"), 0)

    def test_keys_made_ahead(self):
        pool = "RSA keys of 2048 bits"
        wait_for(lambda: self.metrics()("pool_level", pool=pool) >= 2)
        self.assertEqual(self.metrics()("pool_size", pool=pool), 2)

    def test_waiting_sessions(self):
        """What another process does counts as well."""
        before = self.metrics()
        clients = [self.client("deferred-issuance") for _ in range(2)]
        for client in clients:
            client.run(until=CREATION)
            self.assertTrue(client.post(client.answer()).pending)
        self.assertEqual(self.metrics()("sessions", state="pending"),
                         before("sessions", state="pending") + 2)
        self.command("reject", clients[0].session_id)
        self.approve(clients[1])
        after = self.metrics()
        for labels, more in (({"state": "pending"}, 0), ({"state": "approved"}, 1),
                             ({"verdict": "failed"}, 1), ({}, 2)):
            self.assertEqual(after("sessions", **labels), before("sessions", **labels) + more,
                             labels)
        self.assertEqual(clients[1].resume().status, 200)
        self.assertEqual(self.metrics()("sessions", state="resumed"),
                         before("sessions", state="resumed") + 1)
        self.assertTrue(clients[1].run().done)
        self.assertEqual(self.metrics()("sessions", state="resumed"),
                         before("sessions", state="resumed"))

    def test_one_whose_device_is_to_be_confirmed(self):
        client = self.client("known")
        client.run(until=CREATION)
        self.assertTrue(client.post(client.answer()).pending)
        self.assertEqual(self.metrics()("sessions", verdict="open", state="unconfirmed"), 1)
        self.command("reject", client.session_id)
        self.assertEqual(self.metrics()("sessions", verdict="open", state="unconfirmed"), 0)

    def test_in_doubt(self):
        before = self.metrics()
        client = self.client("short")
        client.run(until=FINALIZATION)
        clock.skip()
        get(self.issuer.url, "/done/" + client.session_id)      # lets time pass
        between = self.metrics()
        self.assertEqual(between("sessions", verdict="in doubt"),
                         before("sessions", verdict="in doubt") + 1)
        self.assertEqual(between("sessions_ended_total", verdict="in doubt",
                                 cause="life time over"),
                         before("sessions_ended_total", verdict="in doubt") + 1)
        self.assertTrue(client.run().done)
        after = self.metrics()
        self.assertEqual(after("sessions", verdict="in doubt"),
                         before("sessions", verdict="in doubt"))
        self.assertEqual(after("sessions", verdict="succeeded"),
                         before("sessions", verdict="succeeded") + 1)

    def test_counts_outlive_the_process(self):
        self.enrol("p256-user-pin")
        before = self.metrics()
        self.issuer.restart()
        after = self.metrics()
        self.assertEqual(after.families["sks_issuer_sessions"],
                         before.families["sks_issuer_sessions"])
        self.assertEqual(after("sessions_begun_total"), 0)

    def test_one_line_a_request(self):
        before = len(self.requests())
        client = self.enrol("p256-user-pin")
        lines = self.requests()[before:]
        self.assertEqual([(line["method"], line["path"], line["status"]) for line in lines],
                         [("GET", client.path + "?init", 200)] +
                         [("POST", client.path, 200)] * 3 + [("POST", client.path, 302)])
        for line in lines:
            self.assertEqual(set(line), LINE | {"session"})
            self.assertEqual(line["session"], client.session_id)
            self.assertEqual((line["address"], line["level"]), ("127.0.0.1", "info"))
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertGreater(line["microseconds"], 0)
            self.assertEqual(line["received"] > 0, line["method"] == "POST")
            self.assertEqual(line["bytes"] > 0, line["status"] == 200)


class Strangers(WatchTest):
    def test_labels_are_bounded(self):
        """What strangers send makes no new labels."""
        before = self.metrics()
        for number in range(20):
            get(self.issuer.url, "/path%d" % number, "METHOD%d" % number)
            get(self.issuer.url, "/done/session%d" % number)
            get(self.issuer.url, "/kg2/profile%d?init=true" % number)
        after = self.metrics()
        for name, family in after.families.items():
            self.assertLessEqual(len(set(family[1]) - set(before.families[name][1])), 3, name)
        self.assertEqual(after("http_requests_total", route="none", status="404")
                         + after("http_requests_total", route="none", status="405")
                         - before("http_requests_total", route="none", status="404")
                         - before("http_requests_total", route="none", status="405"), 20)

    def test_a_path_with_anything_in_it(self):
        lines = len(self.requests())
        get(self.issuer.url, "/a%0a%22%1b%5b31m%ff%c3%a9?init=%0a&abort=")
        line, = self.requests()[lines:]
        self.assertEqual(line["path"], '/a?"?[31m????init&abort')
        long = "/" + "x" * 5000
        get(self.issuer.url, long)
        self.assertTrue(long.startswith(self.requests()[-1]["path"]))


class Levels(WatchTest):
    """What is logged, from the least to the most."""

    def levels(self, *options, environment=None):
        issuer = Issuer(self.new_folder(), trust=self.issuer.trust,
                        options=("--log-format", "json", *options))
        issuer.environment = {**issuer.environment, **(environment or {})}
        issuer.start()
        self.addCleanup(issuer.kill)
        self.assertTrue(Client(issuer.url, "p256-user-pin", self.device).run().done)
        self.assertEqual(issuer.stop(), 0)
        return {json.loads(line)["level"] for line in issuer.stderr().splitlines()}

    def test_each(self):
        for options, levels in (((), {"info"}), (("--log-level", "error"), set()),
                                (("--log-level", "info"), {"info"}),
                                (("--log-level", "debug"), {"info", "debug"}),
                                (("--log-level", "error", "--verbose"), {"info", "debug"})):
            self.assertEqual(self.levels(*options), levels, options)
        self.assertEqual(self.levels(environment={"SKS_ISSUER_LOG_LEVEL": "error"}), set())

    def test_trouble_is_logged_at_any(self):
        issuer = Issuer(self.new_folder(), options=("--log-level", "error"))
        self.addCleanup(issuer.kill)
        issuer.start()
        self.assertRegex(issuer.stderr(), "error no device is trusted")

    def test_no_such_level(self):
        done = run("sks-issuer", "serve", "--data", self.new_folder(), "--log-level", "warn")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("'warn' is neither error, info nor debug", done.stderr)


class NoSecrets(WatchTest):
    """Neither cookies nor PINs nor PUKs nor codes nor bodies are in a log, however much is told."""

    options = (*WatchTest.options, "--verbose")

    def test_nowhere(self):
        code = "8271-5530-secret-code"
        secrets = {code, "body-that-is-secret"}
        client = Client(self.issuer.url, "rsa2048-pin-puk", self.device)
        get(self.issuer.url, "/kg2/rsa2048-pin-puk?code=%s&init=%s" % (code, code))
        get(self.issuer.url, "/enroll/rsa2048-pin-puk?code=" + code,
            headers={"Cookie": "sks-session=" + code, "Authorization": "Basic " + code})
        self.assertTrue(client.run().done)
        secrets |= {client.http.cookie.split("=")[1]} | {s.decode() for s in client.secrets}
        preset = self.enrol("preset-pin")
        secrets |= {preset.http.cookie.split("=")[1]} | {s.decode() for s in preset.secrets}
        secrets.add(client.counter.key.hex())
        refused = self.client("p256-user-pin")
        refused.start()
        refused.post(b"body-that-is-secret")
        stderr, text = self.issuer.stderr(), get(self.issuer.manage_url, "/metrics")[2]
        self.assertGreater(len(self.requests()), 10)
        self.assertGreaterEqual(len(secrets), 6)
        for secret in secrets:
            self.assertNotIn(secret, stderr)
            self.assertNotIn(secret, text)


class NoSecretsInText(NoSecrets):
    options = ("--manage", "127.0.0.1:0", "--verbose")

    def requests(self):
        lines = [line for line in self.issuer.stderr().splitlines() if " info request " in line]
        for line in lines:
            self.assertRegex(
                line, r"^\S+Z info request (GET|POST) /\S* \d+ received \d+ sent \d+ in \d+ us"
                      r" from 127\.0\.0\.1( session \S{32})?( refused: .*)?$")
        return lines


class Listeners(WatchTest):
    def test_apart(self):
        client = self.client("p256-user-pin")
        client.start()
        for path in ("/", "/kg2/p256-user-pin?init=true", "/done/x", "/failed/x", "/pending/x"):
            self.assertEqual(get(self.issuer.manage_url, path)[0], 404, path)
        for path in ("/healthz", "/metrics"):
            self.assertEqual(get(self.issuer.url, path)[0], 404, path)
            self.assertEqual(get(self.issuer.manage_url, path)[0], 200, path)
            status, headers, _ = get(self.issuer.manage_url, path, "POST")
            self.assertEqual((status, headers["Allow"]), (405, "GET"))

    def test_scrapes_are_no_requests_of_clients(self):
        before, lines = self.metrics(), len(self.requests())
        self.health()
        after = self.metrics()
        self.assertEqual(after("http_requests_total"), before("http_requests_total"))
        self.assertEqual(len(self.requests()), lines)

    def test_web_pages_have_no_business_here(self):
        for headers in ({"Origin": "https://example.com"}, {"Host": "example.com"}):
            self.assertEqual(get(self.issuer.manage_url, "/metrics", headers=headers)[0], 403)

    def test_ready_line(self):
        self.assertEqual(len(self.issuer.ready), 3)
        self.assertEqual(self.issuer.ready[1], "manage")
        plain = self.start(Issuer(self.new_folder()))
        self.assertEqual(len(plain.ready), 1)
        self.assertEqual(get(plain.url, "/metrics")[0], 404)

    def test_usage(self):
        data = self.new_folder() / "data"
        for options, text in ((("--manage", "0.0.0.0:0"), "--manage-any"),
                              (("--manage", "nonsense"), "HOST:PORT|loopback"),
                              (("--log-format", "xml"), "neither json nor text")):
            done = run("sks-issuer", "serve", "--data", data, "--http", "127.0.0.1:0", *options)
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertRegex(done.stderr, text)


class Anywhere(WatchTest):
    options = ("--manage", "0.0.0.0:0", "--manage-any")

    def test_any_host(self):
        url = self.issuer.manage_url.replace("0.0.0.0", "127.0.0.1")
        self.assertEqual(get(url, "/healthz", headers={"Host": "issuer.example.com"})[0], 200)


class Health(RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.issuer = cls.start_issuer(options=("--manage", "127.0.0.1:0"))

    def wait_for(self, status, text):
        """An answer is given again for a second."""
        deadline = time.monotonic() + PATIENCE
        while True:
            now, _, body = get(self.issuer.manage_url, "/healthz")
            if now == status:
                self.assertRegex(body, text)
                return
            self.assertLess(time.monotonic(), deadline, (now, body))
            time.sleep(0.3)

    def test_database_that_cannot_be_written(self):
        """Its files may grow no more."""
        self.wait_for(200, "^ok\n$")
        limits = resource.prlimit(self.issuer.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.issuer.pid, resource.RLIMIT_FSIZE, (0, limits[1]))
        try:
            self.wait_for(503, "database: ")
            status, _, text = get(self.issuer.url, "/kg2/privacy?init=true")
            self.assertEqual(status, 503, text)
        finally:
            resource.prlimit(self.issuer.pid, resource.RLIMIT_FSIZE, limits)
        self.wait_for(200, "^ok\n$")
        self.assertEqual(get(self.issuer.url, "/kg2/privacy?init=true")[0], 200)
        _, _, metrics = get(self.issuer.manage_url, "/metrics")
        self.assertIn('refusals_total{cause="issuer trouble"} 1\n', metrics)

    def test_keys_that_are_gone(self):
        for name in ("ca.key", "seal.key", "evidence.pem", "tls.key", "kmk-1.key", "issuer.db"):
            with self.subTest(name):
                path = self.issuer.data / name
                aside = path.rename(self.issuer.data / "aside")
                try:
                    self.wait_for(503, "not there")
                finally:
                    aside.rename(path)
                self.wait_for(200, "^ok\n$")
        self.assertIn("not healthy: ", self.issuer.stderr())
        self.assertIn("healthy again", self.issuer.stderr())
