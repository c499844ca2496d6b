"""sks-proxy matrix as the tests run it: its summary, its cases, and its page."""

import html.parser
import json
import re

from .processes import run

VOID = {"meta", "link", "br"}
TIMEOUT = 300


def matrix(folder, *options, timeout=TIMEOUT):
    """The finished process; what the ends in the process leave would lie in folder/tmp."""
    (folder / "tmp").mkdir(exist_ok=True)
    return run("sks-proxy", "matrix", *options, timeout=timeout,
               environment={"TMPDIR": str(folder / "tmp")})


def results(folder, *options):
    """(exit code, summary, cases) of one that comes to its end."""
    path = folder / "results.json"
    done = matrix(folder, "--json", "--results", path, *options)
    if not done.stdout:
        raise AssertionError("exit %d: %s" % (done.returncode, done.stderr))
    return done.returncode, json.loads(done.stdout), json.loads(path.read_text())["results"]


def verdicts(cases):
    """{case: its verdicts}, by all that tells cases apart but their bits."""
    found = {}
    for case in cases:
        key = tuple(case[name] for name in ("scenario", "message", "direction", "occurrence",
                                            "path", "operation"))
        found.setdefault(key, []).append(case["verdict"])
    return {key: sorted(value) for key, value in found.items()}


class Page(html.parser.HTMLParser):
    """A page that is well-formed: its cells, the data of its script, what it asks for elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.references, self.tags = [], {}, [], []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError("not closed: %s" % self.open)
        self.data = json.loads(
            re.search(r'<script type="application/json" id="data">(.*?)</script>', text,
                      re.DOTALL).group(1))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.references += [value for name, value in attrs if name in ("src", "href", "action")]
        if "data-cell" in values:
            self.cells[values["data-cell"]] = values
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError("</%s> at %s closes nothing" % (tag, self.getpos()))

    def cases(self):
        """All, as (cell, values): the places are those of page_data.c."""
        return [(cell, case) for cell, cases in self.data["cells"].items() for case in cases]

    def run(self, case):
        """The arrows of a case, as (name, altered or not); None if it has none."""
        if case[8] < 0:
            return None
        return [(self.data["strings"][arrow[1]], self.data["fates"][arrow[3]])
                for arrow in self.data["runs"][case[8]]["arrows"]]


