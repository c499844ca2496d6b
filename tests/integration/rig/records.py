"""Whatever became of a session, its evidence record is valid."""

import json

from .processes import run

WITH_KEY = ("--with-session-key", "--reveal-secrets")


def check_record(issuer, session_id, pem="ca.pem"):
    """What is wrong with the record of a session, without its session key and, if it has one,
    with it."""
    for options in ((), WITH_KEY):
        told = run("sks-issuer", "evidence", session_id, "--data", issuer.data, "--json", *options)
        if told.returncode != 0 and (options or "was purged" in told.stderr):
            return
        path = issuer.folder / "record.json"
        path.write_text(told.stdout)
        done = run("sks-vectors", "check-evidence", path, "--issuer-cert", issuer.data / pem,
                   "--json")
        if done.returncode != 0:
            findings = json.loads(done.stdout)["findings"] if done.stdout else told.stderr
            yield session_id, [item for item in findings if item["result"] == "bad"], done.stderr


def check_each_end(issuer, pem):
    """What is wrong with the records of one session of each verdict and kind of cause."""
    ends = {(row["verdict"], row["cause"].partition(":")[0]): row["id"]
            for row in issuer.sessions()}
    return [wrong for session_id in ends.values() for wrong in check_record(issuer, session_id, pem)]


class RecordsMixin:
    """Before the programs of a class end, its issuer tells what became of the sessions."""

    records_pem = "ca.pem"      # None: the tests look at each themselves

    @classmethod
    def tearDownClass(cls):
        looks = cls.records_pem and cls.issuer.alive()
        wrong = check_each_end(cls.issuer, cls.records_pem) if looks else []
        super().tearDownClass()
        if wrong:
            raise AssertionError(wrong)
