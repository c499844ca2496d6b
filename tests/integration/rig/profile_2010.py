"""The 2010 profile from the issuer's side: its URL, its methods, and its sessions.

All but the beginning of a session is that of V1.07, so Session2010 is an IssuerSession.
"""

import os

from cryptography import x509

from . import constructs
from .certificates import generate
from .constructs import SessionCounter
from .constructs_2010 import SESSION_2010, attestation_data, oaep
from .issuer_side import IssuerSession, ProofError
from .keycase import KeyTest
from .sks_types import parse_table
from .sks_wire import METHODS, SksClient

PROVISIONING_URI = "http://issuer.example/2010"
# The draft's table of error codes; what it has no number for keeps V1.07's.
(AUTHENTICATION, STORAGE, MAC, CRYPTO, NO_SESSION, END_SESSION, NO_KEY, ALGORITHM,
 OPTION) = range(1, 10)
NOT_AVAILABLE = 13

INPUTS = ("server_session_id byte[], client_session_id byte[], provisioning_uri string,"
          " server_public_key byte[], life_time uint")
OUTPUTS = "encrypted_session_key byte[], attested_session_key byte[], provisioning_id uint"
_OPEN = METHODS["enumerateProvisioningSessions"]
METHODS_2010 = {
    **METHODS,
    "createProvisioningSession": (24, parse_table(INPUTS), parse_table(OUTPUTS)),
    # Its ids are bytes of any kind.
    "enumerateProvisioningSessions": (_OPEN[0], _OPEN[1], [
        (name, "byte[]" if name.endswith("SessionId") else kind, is_list)
        for name, kind, is_list in _OPEN[2]]),
}
DRAFT = {24: "createProvisioningSession", 25: "SKS_Deactivate"}    # the methods that it names
STATUSES = (AUTHENTICATION, STORAGE, MAC, CRYPTO, NO_SESSION, END_SESSION, NO_KEY, ALGORITHM,
            OPTION, NOT_AVAILABLE)


class Client2010(SksClient):
    path = "/sks/2010"
    methods = METHODS_2010


_made = {}


def server_key(kind="RSA-2048"):
    """One of each kind is enough for tests, as making them takes long. What stands behind a space
    makes it another key: "RSA-2048 of his own"."""
    if kind not in _made:
        _made[kind] = generate(kind.split()[0])
    return _made[kind]


class Session2010(IssuerSession):
    def __init__(self, wire, own=None, **changes):
        self.wire = wire
        self.server_key = own or server_key()
        self.request = {
            "server_session_id": os.urandom(32), "client_session_id": os.urandom(32),
            "provisioning_uri": PROVISIONING_URI,
            "server_public_key": constructs.spki(self.server_key.public_key()),
            "life_time": 600, **changes}
        self.ids = {"clientSessionId": self.request["client_session_id"],
                    "serverSessionId": self.request["server_session_id"],
                    "issuerUri": self.request["provisioning_uri"]}
        self.handle = self.counter = self.answer = None
        self.device_certificate = self.device_id = None
        self.last_mac = None

    @property
    def server_session_id(self):
        return self.request["server_session_id"]

    def create(self):
        """Method 24; the attestation is verified with the device's certificate."""
        self.answer = self.wire.call("createProvisioningSession", **self.request)
        self.handle = self.answer.provisioning_id
        self.device_certificate = self.device_id = self.wire.call("getDeviceInfo").certificate[0]
        key = self.server_key.decrypt(self.answer.encrypted_session_key, oaep())
        if len(key) != 32:
            raise ProofError("session key of %d bytes" % len(key))
        device = x509.load_der_x509_certificate(self.device_certificate).public_key()
        if not constructs.verifies(device, self.answer.attested_session_key,
                                   attestation_data(key, self.request)):
            raise ProofError("session key attestation")
        self.counter = SessionCounter(key)
        return self


class Profile2010Test(KeyTest):
    """Test classes against one live token on /sks/2010."""

    no_session = NO_SESSION

    def setUp(self):
        self.sks = self.wire()

    def wire(self, token=None):
        client = Client2010((token or self.token).url)
        self.addCleanup(client.close)
        return client

    def other_url(self):
        """A client of /sks, of the same token."""
        return super().wire()

    def session(self, **changes):
        return Session2010(self.sks, **changes).create()
