"""Whole enrolments through sks-proxy, and through the Python client; what they leave behind."""

import hashlib
import json

from cryptography import x509

from rig import evidence, openssl
from rig.client_side import Client, Device
from rig.mitm import Relay
from rig.processes import PROFILES, provision
from rig.sks_types import base64url, from_base64url, number, patterns
from rig.testcase import RigTest

PIN = b"4711"
SIGN = {"ec": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "rsa": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}
SHIPPED = ("p256-user-pin", "rsa2048-pin-puk")
PIN_PROTECTED, PUK_PROTECTED = 1, 2
REFUSED_BY_PIN = 1


def profile_keys(name):
    """{key id: (key specifier, PIN specifier, PUK specifier or None)} of a shipped profile."""
    profile = json.loads((PROFILES / (name + ".json")).read_text())
    found = {}
    for puk in [None] + profile.get("pukPolicySpecifiers", []):
        for pin in (puk or profile).get("pinPolicySpecifiers", []):
            found.update({key["id"]: (key, pin, puk) for key in pin["keyEntrySpecifiers"]})
    return found


class EndToEnd:
    """The tests of one way to reach the token; the subclasses say which."""

    listen = None

    @classmethod
    def set_up_rig(cls):
        listen = cls.listen.replace("FOLDER", str(cls.folder))
        cls.token = cls.start_token(listen=listen)
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca], https="127.0.0.1:0")

    def provision(self, url, profile, *options):
        code, outcome, log = provision("%s/kg2/%s" % (url, profile), self.token.url, *options)
        self.assertEqual((code, outcome["outcome"]), (0, "succeeded"), (outcome, log))
        self.assertEqual(outcome["detectedBy"], "")
        self.assert_verdict(outcome["serverSessionId"], "succeeded")
        return outcome

    def test_http(self):
        for profile in SHIPPED:
            with self.subTest(profile):
                self.check_result(profile, self.provision(self.issuer.url, profile))

    def test_https(self):
        for profile in SHIPPED:
            with self.subTest(profile):
                outcome = self.provision(self.issuer.https_url, profile,
                                         "--ca", self.issuer.data / "tls.pem")
                self.check_result(profile, outcome)

    def check_result(self, profile, outcome):
        wire = self.wire()
        listed = {entry["handle"]: entry for entry in self.token.list()}
        specifiers = profile_keys(profile)
        self.assertEqual([key["id"] for key in outcome["keys"]], list(specifiers))
        session = next(item for item in wire.sessions(False)
                       if item.clientSessionId == outcome["clientSessionId"])
        self.assertEqual(session.serverSessionId, outcome["serverSessionId"])
        owners = {item.keyHandle: item.provisioningHandle for item in wire.keys()}
        for key in outcome["keys"]:
            handle = key["handle"]
            self.assertEqual(owners[handle], session.provisioningHandle)
            self.check_attributes(wire, handle, specifiers[key["id"]], listed[handle])
            self.check_protection(wire, handle, specifiers[key["id"]])
            self.check_signature(wire, handle)
        self.check_record(profile, outcome["serverSessionId"])

    def check_attributes(self, wire, handle, specifier, listed):
        key, _, _ = specifier
        got = wire.call("getKeyAttributes", keyHandle=handle)
        self.assertEqual(got.appUsage, number("appUsage", key["appUsage"]))
        self.assertEqual(got.friendlyName, key.get("friendlyName", ""))
        self.assertEqual(got.endorsedAlgorithm, sorted(key.get("endorsedAlgorithms", [])))
        self.assertEqual((got.symmetricKeyLength, got.type), (0, []))
        self.assertEqual(openssl.path_problem(got.certificate, self.issuer.data / "ca.pem"), "")
        self.check_certificate(x509.load_der_x509_certificate(got.certificate[0]), key)
        self.assertEqual(listed["certificatePath"], [base64url(der) for der in got.certificate])
        self.assertEqual(listed["appUsage"], key["appUsage"])
        self.assertEqual(listed["friendlyName"], got.friendlyName)
        self.assertEqual(listed["endorsedAlgorithms"], got.endorsedAlgorithm)
        self.assertIn("PIN", listed["protection"])

    def check_certificate(self, certificate, key):
        self.assertEqual(certificate.version, x509.Version.v3)
        self.assertGreater(certificate.serial_number.bit_length(), 40)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        wanted = key.get("certificate", {}).get("keyUsage", [])
        self.assertEqual(usage.digital_signature, "digitalSignature" in wanted)

    def check_protection(self, wire, handle, specifier):
        key, pin, puk = specifier
        got = wire.call("getKeyProtectionInfo", keyHandle=handle)
        self.assertEqual(got.protectionStatus, PIN_PROTECTED | (PUK_PROTECTED if puk else 0))
        wanted = {
            "pukFormat": number("format", puk["format"]) if puk else 0,
            "pukRetryLimit": puk["retryLimit"] if puk else 0, "pukErrorCount": 0,
            "userDefined": True, "userModifiable": pin.get("userModifiable", True),
            "format": number("format", pin["format"]), "retryLimit": pin["retryLimit"],
            "grouping": number("grouping", pin.get("grouping", "none")),
            "patternRestrictions": patterns(pin.get("patternRestrictions", [])),
            "minLength": pin["minLength"], "maxLength": pin["maxLength"],
            "inputMethod": number("inputMethod", pin.get("inputMethod", "any")),
            "pinErrorCount": 0, "enablePinCaching": key.get("enablePinCaching", False),
            "biometricProtection": 0, "keyBackup": 0,
            "exportProtection": number("exportProtection",
                                       key.get("exportProtection", "non-exportable")),
            "deleteProtection": number("deleteProtection", key.get("deleteProtection", "none"))}
        self.assertEqual({name: getattr(got, name) for name in wanted}, wanted)

    def check_signature(self, wire, handle):
        attributes = wire.call("getKeyAttributes", keyHandle=handle)
        certificate = attributes.certificate[0]
        public_key = x509.load_der_x509_certificate(certificate).public_key()
        algorithm = SIGN["ec" if hasattr(public_key, "curve") else "rsa"]
        data = b"signed with the new key"
        call = {"keyHandle": handle, "algorithm": algorithm, "parameters": b"",
                "biometricAuth": False, "data": hashlib.sha256(data).digest()}

        def errors():
            return wire.call("getKeyProtectionInfo", keyHandle=handle).pinErrorCount

        self.assert_status(REFUSED_BY_PIN, wire.call, "signHashedData", authorization=b"9631",
                           **call)
        self.assertEqual(errors(), 1)
        signature = wire.call("signHashedData", authorization=PIN, **call).result
        self.assertEqual(errors(), 0)
        self.assertEqual(openssl.signature_problem(certificate, signature, data), "")
        self.assertNotEqual(openssl.signature_problem(certificate, signature, data + b"!"), "")

    def check_record(self, profile, session_id):
        record = self.issuer.evidence(session_id)
        self.assertEqual((record["serverSessionId"], record["profile"], record["verdict"]),
                         (session_id, profile, "succeeded"))
        self.assertEqual(record["cause"], "")
        self.assertEqual(evidence.failed_checks(record), [])
        self.assertTrue(evidence.signature_holds(record), "the JSF signature")
        directions = [direction for direction, _ in evidence.message_bodies(record)]
        self.assertEqual(directions, ["out", "in"] * 4)


class OverTcp(EndToEnd, RigTest):
    listen = "127.0.0.1:0"


class OverUnixSocket(EndToEnd, RigTest):
    listen = "unix:FOLDER/token.sock"


class RsaDevice(RigTest):
    """A token whose device key is RSA."""

    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(device_key="rsa2048")
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])

    def test_enrolment(self):
        code, outcome, log = provision(self.issuer.url + "/kg2/p256-user-pin", self.token.url)
        self.assertEqual(code, 0, (outcome, log))
        self.assert_verdict(outcome["serverSessionId"], "succeeded")


class PythonClient(RigTest):
    """The issuer and a client that shares no code with it must agree on every MAC and proof."""

    @classmethod
    def set_up_rig(cls):
        cls.device = Device()
        trust = cls.new_folder()
        cls.device.authority.write_pem(trust / "device-ca.pem")
        cls.issuer = cls.start_issuer(trust=[trust])

    def test_shipped_profiles(self):
        for profile in SHIPPED:
            for kind in ("P-256", "RSA-2048"):
                with self.subTest(profile, device=kind):
                    self.check(profile, Device(kind, self.device.authority))

    def check(self, profile, device):
        client = Client(self.issuer.url, profile, device)
        reply = client.run()
        self.assertTrue(reply.done, (reply.status, reply.location))
        self.assertEqual(reply.location, "%s/done/%s" % (self.issuer.url, client.session_id))
        self.assertEqual(list(client.certificates), list(profile_keys(profile)))
        for path in client.certificates.values():
            self.assertEqual(openssl.path_problem(path, self.issuer.data / "ca.pem"), "")
        status, page = client.record("done")
        self.assertEqual((status, page["serverSessionId"], page["profile"], page["verdict"]),
                         (200, client.session_id, profile, "succeeded"))
        self.assert_verdict(client.session_id, "succeeded")

    def test_serials_differ(self):
        serials = set()
        for _ in range(3):
            client = Client(self.issuer.url, "p256-user-pin", self.device)
            client.run()
            leaf = x509.load_der_x509_certificate(client.certificates["Key.1"][0])
            serials.add(leaf.serial_number)
        self.assertEqual(len(serials), 3)

    def test_answers_of_the_protocol(self):
        client = Client(self.issuer.url, "p256-user-pin", self.device)
        reply = client.start()
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        cookie = reply.headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Lax", "Path=/kg2"):
            self.assertIn(part, cookie)
        self.assertNotIn("Secure", cookie)
        self.assertEqual(len(client.session_id), 32)
        reply = client.post(client.answer())
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "application/json"))


class Evidence(RigTest):
    """The record holds the raw bytes that crossed, and shows any change to itself."""

    @classmethod
    def set_up_rig(cls):
        cls.crossed = []
        cls.relay = Relay(hook=cls.remember)
        cls.addClassCleanup(cls.relay.close)
        cls.token = cls.start_token()
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca],
                                      options=["--public-url", cls.relay.url])
        cls.relay.upstream = cls.issuer.url
        _, cls.outcome, _ = provision(cls.relay.url + "/kg2/p256-user-pin", cls.token.url)
        cls.record = cls.issuer.evidence(cls.outcome["serverSessionId"])

    @classmethod
    def remember(cls, direction, name, body, _count):
        if body and not name.startswith("answer"):
            cls.crossed.append(({"request": "in", "response": "out"}[direction], body))

    def test_messages_are_those_that_crossed(self):
        self.assertEqual(evidence.message_bodies(self.record), self.crossed)

    def test_the_signature_covers_everything(self):
        self.assertTrue(evidence.signature_holds(self.record))
        for change in ({"verdict": "failed"}, {"cause": "x"}, {"profile": "other"},
                       {"messages": self.record["messages"][1:]},
                       {"checks": self.record["checks"][1:]}):
            self.assertFalse(evidence.signature_holds({**self.record, **change}), change)
        body = self.record["messages"][0]["body"]
        altered = base64url(from_base64url(body)[:-1] + b" ")
        messages = [{**self.record["messages"][0], "body": altered}, *self.record["messages"][1:]]
        self.assertFalse(evidence.signature_holds({**self.record, "messages": messages}))

    def test_checks_name_what_end_to_end_must_show(self):
        names = " ".join(item["name"].lower() for item in self.record["checks"])
        for part in ("device", "session", "key", "mac", "clos"):
            self.assertIn(part, names)
