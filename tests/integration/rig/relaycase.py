"""Test classes with sks-proxy relay on a hop, or on both, between the real ends."""

import json
from urllib.parse import urlsplit

from . import ports
from .processes import Program


class RelayProgram(Program):
    name = "sks-proxy"

    def __init__(self, folder, to, *options, listen="127.0.0.1:0"):
        super().__init__(folder)
        self.to, self.listen, self.options = to, ports.steady(listen), options

    def arguments(self):
        return ["relay", "--listen", self.listen, "--to", self.to, *self.options]

    def on_ready(self):
        self.url = self.ready[0]
        if not self.url.startswith("unix:"):
            self.listen = urlsplit(self.url).netloc

    def again(self, *options):
        """On the same address with other options."""
        self.stop()
        self.options = options
        return self.start()


def transcript(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def behind_relay(cls, **issuer):
    """(issuer, relay): the issuer says the relay's address in the place of its own."""
    made = cls.start_issuer(**issuer)
    relay = cls.start(RelayProgram(cls.new_folder(), made.url))
    made.options = [*made.options, "--public-url", relay.url]
    made.restart()
    return made, relay
