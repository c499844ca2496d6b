#!/usr/bin/python3
"""An external CA as a command: `external_ca.py FOLDER`, with ca.pem and ca.key in the folder.

FOLDER/mode says how it behaves, FOLDER/requests has a line for each request. prepare() makes such
a folder.
"""

import datetime
import json
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding, NoEncryption, PrivateFormat, load_pem_private_key, load_pem_public_key)

DAY = datetime.timedelta(days=1)


def prepare(folder, authority):
    """Returns the command line."""
    authority.write_pem(folder / "ca.pem")
    (folder / "ca.key").write_bytes(authority.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "mode").write_text("good")
    return "exec /usr/bin/python3 %s %s" % (Path(__file__).resolve(), folder)


def issue(folder, public_key, mode, subject):
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    now = datetime.datetime.utcnow()
    start = now - 3 * DAY if mode == "expired" else now - DAY
    serial = 4711 if mode == "same serial" else x509.random_serial_number()
    if mode == "another key":
        public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    if mode == "another issuer":
        key = ec.generate_private_key(ec.SECP256R1())
    leaf = (x509.CertificateBuilder().subject_name(subject).issuer_name(ca.subject)
            .public_key(public_key).serial_number(serial).not_valid_before(start)
            .not_valid_after(start + (DAY if mode == "expired" else 30 * DAY))
            .add_extension(x509.BasicConstraints(mode == "a ca", None), True)
            .sign(key, hashes.SHA256()))
    return [leaf, ca]


def main(folder):
    request = json.load(sys.stdin)
    with open(folder / "requests", "a") as log:
        log.write(json.dumps(request) + "\n")
    mode = (folder / "mode").read_text()
    while mode == "waits" and not (folder / "go on").exists():
        time.sleep(0.02)
    if mode == "hangs":
        time.sleep(600)
    if mode == "fails":
        sys.exit("this is for the operator alone")
    if mode == "refuses":
        print(json.dumps({"error": "no credit"}))
        return
    if mode == "garbage":
        print("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")
        return
    if mode == "floods":
        sys.stdout.write("x" * 1_000_000)
        return
    if mode == "silent":
        return
    name = x509.Name.from_rfc4514_string(request["certificate"]["subject"])
    path = issue(folder, load_pem_public_key(request["publicKey"].encode()), mode, name)
    if mode == "leaves a child":
        import subprocess
        subprocess.Popen(["sleep", "120"])
    if mode == "upside down":
        path.reverse()
    if mode == "json":
        import base64
        print(json.dumps({"certificatePath": [
            base64.urlsafe_b64encode(one.public_bytes(Encoding.DER)).rstrip(b"=").decode()
            for one in path]}))
    else:
        sys.stdout.write("".join(one.public_bytes(Encoding.PEM).decode() for one in path))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
