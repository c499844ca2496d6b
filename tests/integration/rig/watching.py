"""Watching an issuer: its metrics in the text format of Prometheus, its log of JSON lines."""

import http.client
import json
import re
from urllib.parse import urlsplit

from .issuercase import ProfileTest

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{(.*)\})? ([0-9.e+-]+|\+Inf|NaN)" % NAME)
SUFFIXES = ("_bucket", "_sum", "_count")


def parse_labels(text):
    labels, rest = {}, text
    while rest:
        found = re.match(LABEL + "(?:,|$)", rest)
        if not found or found[1] in labels:
            raise AssertionError("labels %r" % text)
        labels[found[1]] = found[2]
        rest = rest[found.end():]
    return labels


def parse_metrics(text):
    """{name: (type, {labels as sorted pairs: value})}, of the text format 0.0.4. Strict: each
    family has HELP and TYPE in front of its samples, which come in one go; no sample is twice."""
    families, name = {}, None
    if not text.endswith("\n"):
        raise AssertionError("no line feed at the end")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            if name in families or not re.fullmatch(NAME, name):
                raise AssertionError(line)
            families[name] = (None, {})
        elif line.startswith("# TYPE "):
            _, _, typed, kind = line.split(" ")
            if typed != name or families[name][0] or kind not in ("counter", "gauge", "histogram"):
                raise AssertionError(line)
            families[name] = (kind, families[name][1])
        else:
            found = SAMPLE.fullmatch(line)
            if not found:
                raise AssertionError("no sample: %r" % line)
            suffix = found[1].removeprefix(name)
            kind, samples = families[name]
            if suffix and not (kind == "histogram" and suffix in SUFFIXES):
                raise AssertionError("%r is not of %s" % (line, name))
            key = (suffix,) * bool(suffix) + tuple(sorted(parse_labels(found[2] or "").items()))
            if key in samples:
                raise AssertionError("twice: %r" % line)
            samples[key] = float(found[3])
    return families


class Metrics:
    def __init__(self, text):
        self.families = parse_metrics(text)

    def __call__(self, name, suffix=None, **labels):
        """The sum of all samples that have these labels."""
        total = 0
        for key, value in self.families["sks_issuer_" + name][1].items():
            mine = dict(item for item in key if isinstance(item, tuple))
            if (key[0] if key and isinstance(key[0], str) else None) == suffix and \
                    labels.items() <= mine.items():
                total += value
        return total

    def values(self, name, label):
        """The values that a label has."""
        return {dict(item for item in key if isinstance(item, tuple))[label]
                for key in self.families["sks_issuer_" + name][1]}


def get(url, path, method="GET", headers=None):
    """(status, headers, body as text)"""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


class WatchTest(ProfileTest):
    """An issuer with a management listener and a log of JSON lines."""

    options = ("--manage", "127.0.0.1:0", "--log-format", "json")

    @classmethod
    def start_issuer(cls, **options):
        return super().start_issuer(options=cls.options, **options)

    def metrics(self):
        status, headers, text = get(self.issuer.manage_url, "/metrics")
        self.assertEqual((status, headers["Content-Type"]),
                         (200, "text/plain; version=0.0.4; charset=utf-8"))
        return Metrics(text)

    def health(self):
        status, headers, text = get(self.issuer.manage_url, "/healthz")
        self.assertEqual(headers["Content-Type"], "text/plain; charset=utf-8")
        return status, text

    def log(self):
        """Every line must be a JSON object."""
        return [json.loads(line) for line in self.issuer.stderr().splitlines()]

    def requests(self):
        """The lines of requests."""
        return [line for line in self.log() if "method" in line]
