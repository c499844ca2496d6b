#!/usr/bin/env python3
"""Writes seeds of fuzz_evidence: evidence_seeds.py NAME < RECORD, where RECORD is what
`sks-issuer evidence SESSION --json` has printed. Bodies become text, which the target encodes."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from rig.sks_types import from_base64url  # noqa: E402

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus" / "evidence"


def seed(record):
    for message in record["messages"]:
        message["body"] = from_base64url(message["body"]).decode()
    record.pop("signature")
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    CORPUS.mkdir(parents=True, exist_ok=True)
    (CORPUS / sys.argv[1]).write_text(seed(json.load(sys.stdin)))
