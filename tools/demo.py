#!/usr/bin/env python3
"""The demonstration: keys provisioned through an untrusted proxy, one used, one attack refused.

Starts sks-token, sks-issuer and sks-proxy as processes of their own on free ports of the loopback,
and stops all that it started.
"""

import atexit
import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from rig import processes, sks_types, sks_wire  # noqa: E402

PIN = "4711"
TEXT = b"I agree to the terms of the demonstration.\n"
PROFILES = ("p256-user-pin", "rsa2048-pin-puk")
SESSION_2010 = "session-2010"
FLIPPED_BIT = 3500  # lies in the signature of the certificate: it still decodes

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return "\x1b[%sm%s\x1b[0m" % (code, text) if COLOUR else text


def good(text):
    return paint("32", "✓") + " " + text


def bad(text):
    return paint("31", "✗") + " " + text


def title(text):
    print("\n" + paint("1", text), flush=True)


def need(condition, text):
    if not condition:
        raise SystemExit(bad("the demonstration failed: " + text))


def show_event(event):
    """One line of the timeline: who to whom, what, how large, and what was checked."""
    outward = event["dir"] == "out"
    if event["hop"] == "issuer":
        way = "issuer %s proxy        " % ("←" if outward else "→")
    else:
        way = "       proxy %s token  " % ("→" if outward else "←")
    name = event["name"] if len(event["name"]) <= 35 else event["name"][:20] + "…"
    line = "%6d ms  %s  %-35s %5d bytes" % (event["t"], way, name, event["bytes"])
    if event.get("altered"):
        line += "  " + paint("31", "altered: " + event["altered"])
    if event["hop"] == "token" and not outward and event.get("status"):
        line += "  " + bad("status %d %s" % (event["status"], sks_types.STATUS[event["status"]]))
    elif event.get("refused"):
        line += "  " + bad(event["refused"])
    elif event.get("verified"):
        line += "  " + good(event["verified"])
    print(line)


def provision(rig, profile, *options):
    """Runs one enrolment and shows its timeline; returns the outcome and the exit code."""
    trace = rig.folder / "trace.jsonl"
    done = processes.run("sks-proxy", "provision", "%s/kg2/%s" % (rig.issuer.https_url, profile),
                         "--token", rig.token.url, "--pin-file", rig.pin_file, "--yes", "--ca",
                         rig.issuer.data / "tls.pem", "--json", "--trace", trace, *options)
    for line in trace.read_text().splitlines():
        show_event(json.loads(line))
    need(done.stdout, "sks-proxy said nothing: " + done.stderr)
    return json.loads(done.stdout), done.returncode


def show_checks(rig, session):
    """What the issuer verified, from its evidence record."""
    record = processes.run_json("sks-issuer", "evidence", session, "--data", rig.issuer.data,
                                "--json")
    for check in record["checks"]:
        if check["name"] in ("mac", "session ids"):
            continue
        mark = good if check["result"] == "pass" else bad
        print("    issuer   %s" % mark("%s: %s" % (check["name"], check["detail"])))
    return record


def enrol(rig, profile, how=""):
    title("Provisioning %s over https%s" % (profile, how))
    outcome, code = provision(rig, profile)
    need(code == 0 and outcome["outcome"] == "succeeded", outcome["cause"])
    record = show_checks(rig, outcome["serverSessionId"])
    need(record["verdict"] == "succeeded", "the issuer's verdict is " + record["verdict"])
    return outcome


def check_record(rig, session):
    title("Checking the evidence record of that session again, from nothing but itself and the CA")
    path = rig.folder / "record.json"
    done = processes.run("sks-issuer", "evidence", session, "--data", rig.issuer.data, "--json",
                         "--with-session-key")
    need(done.returncode == 0, done.stderr)
    path.write_text(done.stdout)
    done = processes.run("sks-vectors", "check-evidence", path, "--issuer-cert",
                         rig.issuer.data / "ca.pem")
    need(done.returncode == 0, done.stdout)
    print("    sks-vectors check-evidence       " + good(done.stdout.splitlines()[-1]))


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def sign(rig, handle):
    title("Signing with key %d in the token, verifying with openssl" % handle)
    text, signature = rig.folder / "text", rig.folder / "text.sig"
    text.write_bytes(TEXT)
    done = processes.run("sks-token", "sign", handle, "--store", rig.token.store, "--pin-file",
                         rig.pin_file, "--in", text, "--out", signature)
    need(done.returncode == 0, done.stderr)
    key = next(key for key in rig.token.list() if key["handle"] == handle)
    leaf = base64.urlsafe_b64decode(key["certificatePath"][0] + "==")
    (rig.folder / "leaf.der").write_bytes(leaf)
    openssl("x509", "-inform", "der", "-in", rig.folder / "leaf.der", "-out",
            rig.folder / "leaf.pem")
    fine, said = openssl("verify", "-x509_strict", "-CAfile", rig.issuer.data / "ca.pem",
                         rig.folder / "leaf.pem")
    need(fine, said)
    print("    openssl verify -x509_strict      " + good(key["subject"]))
    _, public = openssl("x509", "-in", rig.folder / "leaf.pem", "-noout", "-pubkey")
    (rig.folder / "leaf.pub").write_text(public + "\n")
    fine, said = openssl("dgst", "-sha256", "-verify", rig.folder / "leaf.pub", "-signature",
                         signature, text)
    need(fine, said)
    print("    openssl dgst -sha256 -verify     " + good(said))


def token_state(rig):
    """Everything that a client can see in the token: sessions of both states, and keys."""
    client = sks_wire.SksClient(rig.token.url)
    try:
        return client.snapshot()
    finally:
        client.close()


def attack(rig):
    title("Attack: the proxy flips one bit of the certificate path")
    rules = rig.folder / "attack.json"
    rules.write_text(json.dumps({"rules": [{
        "hop": "issuer", "message": "ProvisioningFinalizationRequest",
        "path": "/issuedCredentials/0/certificatePath/0", "operation": "flip",
        "bit": FLIPPED_BIT}]}))
    before = token_state(rig)
    outcome, code = provision(rig, PROFILES[0], "--attack", rules)
    need(code == 1 and outcome["detectedBy"] == "token", "the attack was not refused by the token")
    print("    refused by the %s: %s" % (outcome["detectedBy"], paint("31", outcome["cause"])))
    need(token_state(rig) == before, "the token holds something of the attacked session")
    print("    token    " + good("rolled back: sessions and keys are what they were before"))
    session = next(s for s in rig.sessions() if s["id"] == outcome["serverSessionId"])
    need(session["verdict"] == "failed", "the issuer's verdict is " + session["verdict"])
    print("    issuer   " + good("session %s: %s" % (session["verdict"], session["cause"])))


class Rig:
    """The three programs with their folder; the proxy runs once an enrolment."""

    def __init__(self):
        self.folder = processes.temporary_folder(atexit.register)
        self.pin_file = self.folder / "pin"
        self.pin_file.touch(0o600)
        self.pin_file.write_text(PIN + "\n")
        self.token = processes.Token(self.folder / "token", "unix:%s" % (self.folder / "sks"))
        self.issuer = processes.Issuer(self.folder / "issuer", trust=[self.token.device_ca],
                                       https="127.0.0.1:0")

    def start(self):
        self.token.start()
        self.issuer.start()
        print("token    %s, device CA handed to the issuer" % self.token.url)
        print("issuer   %s %s" % (self.issuer.url, self.issuer.https_url))

    def sessions(self):
        return processes.run_json("sks-issuer", "sessions", "--data", self.issuer.data,
                                  "--json")["sessions"]

    def stop(self):
        for program in (self.token, self.issuer):
            if program.process:
                need(program.stop() == 0, program.name + " did not stop cleanly")

    def remove(self):
        self.token.kill()
        self.issuer.kill()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    title("Token, proxy and issuer: three processes; neither end trusts the proxy")
    rig = Rig()
    try:
        rig.start()
        outcome = enrol(rig, PROFILES[0])
        sign(rig, outcome["keys"][0]["handle"])
        check_record(rig, outcome["serverSessionId"])
        enrol(rig, PROFILES[1])
        enrol(rig, SESSION_2010, ", in a session as the draft of 2010 has it")
        attack(rig)
        rig.stop()
        title("Done: everything that was started is stopped.")
    finally:
        rig.remove()


if __name__ == "__main__":
    main()
