#!/usr/bin/python3
"""Makes the fixture of a form of the token's store, with the programs that write that form.

    SKS_BUILD=/build/of/that/commit tests/data/stores/make.py NAME

writes NAME/token.db, NAME/master.key and NAME/facts.json beside this file. The facts are what
tests/integration/test_old_stores.py needs to use all that is in the store, secrets included: they
are drawn here and protect nothing. What the programs do not know yet is left out.

The token runs under a clock of the year 2100, so that its open session never ends: a token's clock
does not go back behind what its store has seen.
"""

import atexit
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration"))

from cryptography.hazmat.primitives.serialization import (      # noqa: E402
    Encoding, NoEncryption, PrivateFormat)

from rig import constructs, processes                           # noqa: E402
from rig.certificates import Authority, generate                # noqa: E402
from rig.issuer_side import IssuerSession                       # noqa: E402
from rig.sks_wire import SksClient, SksError                    # noqa: E402

LIFE_TIME = 65535
OPTION = 9
PREFIX = "https://webpki.github.io/sks/algorithm#"
BAG = constructs.property_bag(("Limit", True, "100"), ("Note", False, "a note"))
CLOCK = r"""
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(id, now);
    if (rc == 0 && id == CLOCK_REALTIME)
        now->tv_sec = 4102444800;
    return rc;
}
"""


def text(raw):
    return base64.b64encode(raw).decode()


def pem(private):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def known(sks, method):
    """A method that the programs do not know is refused before anything is looked at."""
    try:
        sks.call(method, **{"keyHandle": 0, "authorization": b"", "newPin": b""}
                 if method == "setPin" else {"provisioningHandle": 0, "targetKeyHandle": 0,
                                             "authorization": b"", "mac": b""})
    except SksError as refusal:
        return refusal.status != OPTION
    return True


class Maker:
    def __init__(self, sks):
        self.sks, self.authority = sks, Authority()
        self.kmk = generate()
        self.managing = known(sks, "setPin")
        self.keys = []

    def session(self, **changes):
        kmk = constructs.spki(self.kmk.public_key())
        return IssuerSession(self.sks, keyManagementKey=kmk, sessionLifeTime=LIFE_TIME,
                             **changes).create()

    def add(self, session, id, pin=None, symmetric=None, private=None, extensions=(), **changes):
        """One key with its certificate; remembers what a test must know of it."""
        value = changes.get("value", b"4711") if pin else b""
        key = session.key(id, pin=pin, **changes)
        public = private.public_key() if private else key.public
        session.certify(key, [self.authority.issue(id, public)])
        if symmetric:
            session.import_symmetric(key, symmetric)
        if private:
            session.import_private(key, private)
        for extension in extensions:
            session.extend(key, **extension)
        self.keys.append({"id": id, "handle": key.handle, "pin": value.decode(), "puk": "",
                          "certificate": text(key.certificate), "symmetric": text(symmetric or b""),
                          "extensions": [extension["type"] for extension in extensions],
                          "pinErrorCount": 0})
        return key

    def fill(self):
        """Closed sessions: guards of each kind, wrong tries, what is imported and extended."""
        session = self.session()
        policy = session.pin("PIN", session.puk("PUK", b"0123456789"), grouping=1)
        self.add(session, "Shared.1", policy, friendlyName="Login")
        self.add(session, "Shared.2", policy, appUsage=1)
        plain = session.pin("Plain", retryLimit=5)
        self.add(session, "Own.1", plain)
        self.add(session, "Own.2", plain, value=b"9876")
        session.close()
        for key in self.keys[:2]:
            key["puk"] = "0123456789"
        other = self.session()
        self.add(other, "Free", endorsedAlgorithm=[
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"])
        self.add(other, "RSA", keyAlgorithm=PREFIX + "rsa2048")
        if self.managing:
            self.add(other, "AES", symmetric=bytes(range(16)))
            self.add(other, "Imported", private=generate("P-384"), extensions=[
                {"type": "http://bag", "data": BAG, "subType": 2},
                {"type": "http://hidden", "data": b"hidden", "subType": 1}])
        other.close()
        self.miss(self.keys[0], 1, shared_with=self.keys[1])
        self.miss(self.keys[3], 2)

    def miss(self, key, times, shared_with=None):
        for _ in range(times):
            try:
                self.sks.call("signHashedData", keyHandle=key["handle"],
                              algorithm=PREFIX + "ecdsa.none", parameters=b"", biometricAuth=False,
                              authorization=b"0000", data=bytes(32))
            except SksError:
                pass
        for each in (key, shared_with or key):
            each["pinErrorCount"] = times

    def leave_open(self):
        """A session in the middle of its work."""
        session = self.session()
        policy = session.pin("Open.PIN", session.puk("Open.PUK"))
        count = len(self.keys)
        key = self.add(session, "Open.Key", policy)
        del self.keys[count:]
        if self.managing:
            session.extend(key, "http://open", b"data")
        created = session.key("Open.Uncertified", pin=policy, value=b"2468")
        return {"handle": session.handle, "ids": session.ids, "key": text(session.counter.key),
                "counter": session.counter.counter, "device": text(session.device_certificate),
                "keys": [{"id": each.id, "handle": each.handle, "public": text(each.public_der),
                          "certificate": text(each.certificate), "pin": pin}
                         for each, pin in ((key, "4711"), (created, "2468"))]}


def make(name):
    folder = processes.temporary_folder(atexit.register)
    clock = folder / "clock.so"
    (folder / "clock.c").write_text(CLOCK)
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", clock, folder / "clock.c",
                    "-ldl"], check=True)
    token = processes.Token(folder)
    os.environ["LD_PRELOAD"] = str(clock)
    token.start()
    del os.environ["LD_PRELOAD"]
    sks = SksClient(token.url)
    maker = Maker(sks)
    maker.fill()
    facts = {"kmk": pem(maker.kmk), "managing": maker.managing, "keys": maker.keys,
             "open": maker.leave_open()}
    sks.close()
    if token.stop() != 0:
        raise SystemExit(token.stderr())
    target = HERE / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for file in ("token.db", "master.key"):
        shutil.copyfile(token.store / file, target / file)
    (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    make(sys.argv[1])
