"""Which devices the issuer takes: of a trusted CA, pinned alone, weak ones where a profile says so;
and which capabilities it hears of."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rig.certificates import Authority
from rig.client_side import Client, Device
from rig.issuercase import ProfileTest
from rig.testcase import write_profile

URI = "https://webpki.github.io/keygen2/clientattr#os-vendor"
CARD = "https://webpki.github.io/keygen2/logotype#card"


class Trust(ProfileTest):
    @classmethod
    def set_up_rig(cls):
        cls.profiles = cls.new_folder()
        for name, changes in (("plain", {}), ("lax", {"deviceTrust": {"minimumRsaBits": 1024}}),
                              ("asking", {"clientCapabilityQuery": [URI, CARD]})):
            write_profile(cls.profiles, name, **changes)
        super().set_up_rig()
        cls.foreign = Authority("Foreign device CA")
        cls.pinned = Device(authority=cls.foreign)
        pinned = x509.load_der_x509_certificate(cls.pinned.certificate)
        (cls.issuer.trust[0] / "pinned.pem").write_bytes(pinned.public_bytes(Encoding.PEM))
        cls.issuer.restart()

    def refuse(self, profile, device, cause):
        client = Client(self.issuer.url, profile, device)
        self.assert_refused(client, client.run(), cause)

    def test_of_a_trusted_ca(self):
        self.enrol("plain")

    def test_pinned(self):
        self.device = self.pinned
        self.enrol("plain")
        self.refuse("plain", Device(authority=self.foreign), "device path: not trusted")

    def test_rsa_1024(self):
        weak = Device("RSA-1024", self.device_ca)
        self.refuse("plain", weak, "device path: not trusted: EE certificate key too weak")
        self.device = weak
        self.enrol("lax")
        self.refuse("lax", Device("RSA-1024", self.foreign), "device path: not trusted")

    def answer(self, answers):
        client = self.client("asking")
        client.start()
        return client, client.post({**client.answer(), "clientCapabilities": answers})

    def test_capabilities(self):
        client, reply = self.answer([
            {"type": CARD, "imageAttributes": {"mimeType": "image/png", "width": 300,
                                               "height": 200}},
            {"type": URI, "values": ["Debian", "12"]}])
        self.assertEqual(reply.status, 200)
        self.assertTrue(client.run().done)
        self.assertEqual(self.checks(client, "client capability"), [
            URI + ": 2 values, the first is Debian", CARD + ": images of 300x200"])

    def test_wrong_capabilities(self):
        one, two = ({"type": uri, "supported": False} for uri in (URI, CARD))
        for answers, cause in (([one], "no answer for " + CARD), ([one, one], "used twice"),
                               ([one, {**two, "type": "urn:other"}], "no answer for " + CARD),
                               ([one, two, {**two, "type": "urn:other"}], "more than were asked")):
            client, reply = self.answer(answers)
            self.assert_refused(client, reply, cause)
        client = self.client("plain")
        client.start()
        reply = client.post({**client.answer(), "clientCapabilities": [one]})
        self.assert_refused(client, reply, "nobody asked")
