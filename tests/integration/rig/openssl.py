"""The openssl command line, as a third opinion."""

import subprocess
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import constructs


def _run(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)


def _pem(der):
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def path_problem(path, anchors, crl=None):
    """Why `openssl verify -x509_strict` refuses the path, or an empty text; crl: DER of one that
    is asked too."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "leaf.pem").write_bytes(_pem(path[0]))
        (folder / "rest.pem").write_bytes(b"".join(map(_pem, path[1:])))
        untrusted = ["-untrusted", folder / "rest.pem"] if path[1:] else []
        if crl is not None:
            (folder / "crl.pem").write_bytes(
                x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM))
        checked = ["-crl_check", "-CRLfile", folder / "crl.pem"] if crl is not None else []
        done = _run("verify", "-x509_strict", "-CAfile", anchors, *untrusted, *checked,
                    folder / "leaf.pem")
        return "" if done.returncode == 0 else done.stdout + done.stderr


def signature_problem(certificate, signature, data, digest="sha256"):
    """Why `openssl dgst -verify` refuses a signature in SKS form, or an empty text."""
    public_key = x509.load_der_x509_certificate(certificate).public_key()
    if hasattr(public_key, "curve"):
        signature = constructs.from_raw_ecdsa(signature)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key.pem").write_bytes(
            public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        (folder / "signature").write_bytes(signature)
        (folder / "data").write_bytes(data)
        done = _run("dgst", "-" + digest, "-verify", folder / "key.pem",
                    "-signature", folder / "signature", folder / "data")
        return "" if done.returncode == 0 else done.stdout + done.stderr
