"""A key that a profile asked for, in the token: what must be there, byte for byte, and its use."""

import datetime
import hashlib
import hmac
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from . import constructs, openssl
from .certificates import generate
from .keycase import EXPORTED, MORE, PIN_BLOCKED, PIN_PROTECTED, PREFIX, PUK_PROTECTED
from .keygen2 import property_bag
from .operationcase import EC_CURVES, ECDH, HMAC_SHA256, HMACS, OAEP_SHA256, PADDINGS
from .profile import Profile, Wanted
from .sks_types import ENUMERATIONS, from_base64url, number, patterns
from .wirecase import ALGORITHM, AUTHORIZATION, NOT_ALLOWED

DEVICE_PIN_PROTECTED, DEVICE_PIN = 16, b"1234"
WRONG = b"\x00wrong"
SYMMETRIC = tuple(HMACS)
DEFAULTS = {"exportProtection": "non-exportable"}       # else the first of each enumeration
# Whatever a profile may say of a key; a test that met more would not look at it.
LOOKED_AT = {
    "id", "appUsage", "keyAlgorithm", "keyParameters", "endorsedAlgorithms", "serverSeed",
    "enablePinCaching", "biometricProtection", "deleteProtection", "exportProtection",
    "friendlyName", "devicePinProtection", "pin", "certificate", "trustAnchor",
    "importSymmetricKey", "importPrivateKey", "extensions", "encryptedExtensions", "propertyBags",
    "logotypes", "updateKey", "cloneKeyProtection"}
USAGES = {"digitalSignature": "digital_signature", "nonRepudiation": "content_commitment",
          "keyEncipherment": "key_encipherment", "dataEncipherment": "data_encipherment",
          "keyAgreement": "key_agreement", "keyCertSign": "key_cert_sign", "cRLSign": "crl_sign"}
EXTENDED_USAGES = {"clientAuth": "1.3.6.1.5.5.7.3.2", "emailProtection": "1.3.6.1.5.5.7.3.4"}


@dataclass
class Made:
    """A key that a session has left in the token."""
    profile: Profile
    wanted: Wanted
    owner: object               # its session, or the one that owns it now
    session_id: str             # that has issued it
    path: list
    handle: int
    generated: bytes            # SPKI
    protector: "Made" = None    # the key that an update or a clone has its PIN of
    pin: bytes = b""
    puk: bytes = b""
    symmetric: bytes = b""
    private: object = None      # imported
    state: str = "live"
    pin_errors: int = 0
    backup: int = 0

    @property
    def certificate(self):
        return x509.load_der_x509_certificate(self.path[0])

    @property
    def fingerprint(self):
        return hashlib.sha256(self.path[0]).digest()

    @property
    def root(self):
        """The key whose policies protect this one."""
        return self.protector.root if self.protector else self


def _enumerated(key, name):
    return number(name, key.get(name, DEFAULTS.get(name, ENUMERATIONS[name][0])))


class KeyChecks:
    """Of a test class with `sks` and `issuer`."""

    def check_key(self, made):
        self.assertLessEqual(set(made.wanted.key), LOOKED_AT)
        self.check_attributes(made)
        self.check_protection(made)
        self.check_extensions(made)

    def check_attributes(self, made):
        key = made.wanted.key
        got = self.sks.call("getKeyAttributes", keyHandle=made.handle)
        self.assertEqual(vars(got), {
            "symmetricKeyLength": len(made.symmetric), "certificate": made.path,
            "appUsage": number("appUsage", key["appUsage"]),
            "friendlyName": key.get("friendlyName", ""),
            "endorsedAlgorithm": key.get("endorsedAlgorithms", []),
            "type": [item["type"] for _, item, _ in made.profile.extensions(key)]})

    def check_protection(self, made, **errors):
        key, root = made.wanted.key, made.root.wanted
        pin, puk = root.pin, root.puk
        status = (PIN_PROTECTED if pin else 0) | (PUK_PROTECTED if puk else 0)
        if pin and made.root.pin_errors == pin["retryLimit"]:
            status |= PIN_BLOCKED
        if root.key.get("devicePinProtection"):
            status = DEVICE_PIN_PROTECTED
        wanted = {"protectionStatus": status, "pukFormat": 0, "pukRetryLimit": 0,
                  "pukErrorCount": 0, "userDefined": False, "userModifiable": False, "format": 0,
                  "retryLimit": 0, "grouping": 0, "patternRestrictions": 0, "minLength": 0,
                  "maxLength": 0, "inputMethod": 0,
                  "pinErrorCount": made.root.pin_errors,
                  "enablePinCaching": key.get("enablePinCaching", False),
                  "keyBackup": made.backup}
        wanted |= {name: _enumerated(key, name) for name in (
            "biometricProtection", "exportProtection", "deleteProtection")}
        if pin:
            wanted |= {"userDefined": pin.get("userDefined", True),
                       "userModifiable": pin.get("userModifiable", True),
                       "patternRestrictions": patterns(pin.get("patternRestrictions", ()))}
            wanted |= {name: pin[name] for name in ("retryLimit", "minLength", "maxLength")}
            wanted |= {name: _enumerated(pin, name)
                       for name in ("format", "grouping", "inputMethod")}
        if puk:
            wanted |= {"pukFormat": _enumerated(puk, "format"),
                       "pukRetryLimit": puk["retryLimit"]}
        got = vars(self.sks.call("getKeyProtectionInfo", keyHandle=made.handle))
        self.assertEqual(got, {**wanted, **errors})

    def check_extensions(self, made):
        names = ("extensions", "encryptedExtensions", "propertyBags", "logotypes")
        for name, item, data in made.profile.extensions(made.wanted.key):
            got = self.sks.call("getExtension", keyHandle=made.handle, type=item["type"])
            raw = property_bag(data) if name == "propertyBags" else data
            self.assertEqual(vars(got), {"subType": names.index(name), "extensionData": raw,
                                         "qualifier": item.get("mimeType", "")})
            for each in data if name == "propertyBags" else ():
                change = {"keyHandle": made.handle, "type": item["type"], "name": each["name"],
                          "value": each["value"]}
                if each.get("writable"):
                    self.sks.call("setProperty", **change)
                else:
                    self.assert_status(NOT_ALLOWED, self.sks.call, "setProperty", **change)

    # The certificate

    def check_certificate(self, made, record):
        wanted, got = made.wanted.key["certificate"], made.certificate
        self.assertEqual(got.subject.rfc4514_string(), wanted["subject"])
        self.assertEqual(openssl.path_problem(made.path, self.issuer.data / "ca.pem"), "")
        self.assertEqual(len(made.path), 2 if wanted.get("includeCa") else 1)
        self.check_validity(got, wanted.get("validityDays", 365), record)
        usage = got.extensions.get_extension_for_class(x509.KeyUsage).value
        self.assertEqual({name for name, flag in USAGES.items() if getattr(usage, flag)},
                         set(wanted["keyUsage"]))
        try:
            extended = [usage.dotted_string for usage in got.extensions.get_extension_for_class(
                x509.ExtendedKeyUsage).value]
        except x509.ExtensionNotFound:
            extended = []
        self.assertEqual(extended, [EXTENDED_USAGES.get(name, name)
                                    for name in wanted.get("extendedKeyUsage", [])])
        self.check_names(got, wanted)
        public = made.private.public_key() if made.private else constructs.from_spki(made.generated)
        self.assertEqual(constructs.spki(got.public_key()), constructs.spki(public))
        self.check_kind(made.wanted.key, public)
        self.check_kind(made.wanted.key, constructs.from_spki(made.generated))

    def check_names(self, certificate, wanted):
        """Policies and alternative names; of the enrolment only device8 is used."""
        def value_of(kind, read):
            try:
                return read(certificate.extensions.get_extension_for_class(kind).value)
            except x509.ExtensionNotFound:
                return []
        self.assertEqual(
            value_of(x509.CertificatePolicies,
                     lambda found: [policy.policy_identifier.dotted_string for policy in found]),
            wanted.get("certificatePolicies", []))
        device = self.sks.call("getDeviceInfo").certificate[0]
        prefixes = {x509.RFC822Name: "email:", x509.UniformResourceIdentifier: "URI:",
                    x509.DNSName: "DNS:"}
        self.assertEqual(
            value_of(x509.SubjectAlternativeName,
                     lambda found: [prefixes[type(name)] + name.value for name in found]),
            [name.replace("{device8}", hashlib.sha256(device).hexdigest()[:8])
             for name in wanted.get("subjectAltName", [])])

    def check_validity(self, certificate, days, record):
        started, ended = (datetime.datetime.strptime(record[name], "%Y-%m-%dT%H:%M:%SZ")
                          for name in ("started", "ended"))
        issued = certificate.not_valid_after - datetime.timedelta(days=days)
        self.assertTrue(started <= issued <= ended, (started, issued, ended))
        self.assertLessEqual(certificate.not_valid_before, started)

    def check_kind(self, key, public):
        algorithm = key["keyAlgorithm"].removeprefix(PREFIX)
        if algorithm in EC_CURVES:
            self.assertEqual(public.curve.name, EC_CURVES[algorithm].name)
        elif algorithm == "ed25519":
            self.assertEqual(constructs.to_jwk(public)["crv"], "Ed25519")
        else:
            exponent = from_base64url(key.get("keyParameters", "AQAB"))
            self.assertEqual("rsa%d" % public.key_size, algorithm.removesuffix(".exp"))
            self.assertEqual(public.public_numbers().e, int.from_bytes(exponent, "big"))

    # Its use

    def use_key(self, made):
        """Each kind of operation that it is for, and what guards it."""
        if made.root.wanted.pin and self.ways(made)[0]["authorization"]:
            self.miss_pin(made)
        if made.symmetric:
            self.use_symmetric(made)
        else:
            for usages, use in ((("digitalSignature", "nonRepudiation"), self.use_signature),
                                (("keyEncipherment",), self.use_decryption),
                                (("keyAgreement",), self.use_agreement)):
                if set(usages) & set(made.wanted.key["certificate"]["keyUsage"]):
                    use(made)
        if made.root.wanted.pin and self.ways(made)[0]["authorization"]:
            self.set_pin_errors(made, 0)
        self.check_protection(made)
        self.use_pin(made)
        self.use_puk(made)
        self.use_export(made)
        self.refuse_deletion(made)
        self.check_key(made)

    def ways(self, made):
        """What opens the key: [{biometricAuth, authorization}]."""
        pin = DEVICE_PIN if made.root.wanted.key.get("devicePinProtection") else made.pin
        by_pin = {"biometricAuth": False, "authorization": pin}
        alone = {"biometricAuth": True, "authorization": b""}
        return {"none": [by_pin], "alternative": [by_pin, alone], "exclusive": [alone],
                "combined": [{**by_pin, "biometricAuth": True}],
                }[made.wanted.key.get("biometricProtection", "none")]

    def operate(self, method, made, algorithm, way=None, **values):
        way = way or self.ways(made)[0]
        return self.sks.call(method, keyHandle=made.handle, algorithm=algorithm, parameters=b"",
                             **way, **values).result

    def algorithms(self, made, method, fitting, **values):
        """The endorsed ones of `fitting`, all if none is; the others are refused."""
        endorsed = made.wanted.key.get("endorsedAlgorithms")
        for algorithm in fitting:
            if endorsed and algorithm not in endorsed:
                self.assert_status(ALGORITHM, self.operate, method, made, algorithm, **values)
            else:
                for way in self.ways(made):
                    yield algorithm, way

    def miss_pin(self, made):
        """A wrong PIN counts, for all keys that share it."""
        way = {**self.ways(made)[0], "authorization": WRONG}
        self.assert_status(AUTHORIZATION, self.operate, "signHashedData", made, HMAC_SHA256, way,
                           data=bytes(32))
        self.set_pin_errors(made, made.root.pin_errors + 1)
        self.check_protection(made)

    def set_pin_errors(self, made, count):
        root = made.root
        for other in self.made:
            if (other.session_id, other.wanted.pin) == (root.session_id, root.wanted.pin) \
                    and other.wanted.group() == root.wanted.group():
                other.pin_errors = count

    def use_symmetric(self, made):
        data, used = b"a text", 0
        for algorithm, way in self.algorithms(made, "performHmac", SYMMETRIC, data=data):
            self.assertEqual(self.operate("performHmac", made, algorithm, way, data=data),
                             hmac.digest(made.symmetric, data, HMACS[algorithm]))
            used += 1
        self.assertTrue(used)

    def use_signature(self, made):
        public, data, used = made.certificate.public_key(), b"a text", 0
        if not isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
            signature = self.operate("signHashedData", made, PREFIX + "ed25519", data=data)
            return public.verify(signature, data)
        kind = "rsa" if isinstance(public, rsa.RSAPublicKey) else "ecdsa"
        for bits in (256, 384, 512):
            digest = hashlib.new("sha%d" % bits, data).digest()
            for algorithm, way in self.algorithms(
                    made, "signHashedData", ["%s%s-sha%d" % (MORE, kind, bits)], data=digest):
                signature = self.operate("signHashedData", made, algorithm, way, data=digest)
                holds = constructs.verifies(public, signature, data,
                                            getattr(hashes, "SHA%d" % bits)())
                self.assertTrue(holds, algorithm)
                used += 1
        self.assertTrue(used)

    def use_decryption(self, made):
        sealed = made.certificate.public_key().encrypt(b"a text", PADDINGS[OAEP_SHA256])
        self.assertEqual(self.operate("asymmetricKeyDecrypt", made, OAEP_SHA256, data=sealed),
                         b"a text")

    def use_agreement(self, made):
        public = made.certificate.public_key()
        mine = generate(constructs.curve_name(public))
        self.assertEqual(self.operate("keyAgreement", made, ECDH,
                                      publicKey=constructs.spki(mine.public_key())),
                         constructs.shared_secret(mine, public))

    def manage(self, method, made, authorization, **values):
        return self.sks.call(method, keyHandle=made.handle, authorization=authorization, **values)

    def use_pin(self, made):
        """changePin, to the same one: whether the user may modify it."""
        pin = made.root.wanted.pin
        if pin is None:
            return
        change = ("changePin", made, made.pin)
        if pin.get("userModifiable", True):
            self.manage(*change, newPin=made.pin)
        else:
            self.assert_status(NOT_ALLOWED, self.manage, *change, newPin=made.pin)

    def use_puk(self, made):
        puk = made.root.wanted.puk
        if puk and puk["retryLimit"]:
            self.assert_status(AUTHORIZATION, self.manage, "unlockKey", made, WRONG)
            self.check_protection(made, pukErrorCount=1)
            self.manage("unlockKey", made, made.puk)

    def use_export(self, made):
        protection = made.wanted.key.get("exportProtection", "non-exportable")
        if protection == "non-exportable":
            self.assert_status(NOT_ALLOWED, self.manage, "exportKey", made, made.pin)
            return
        exported = self.manage("exportKey", made, self.guard(made, protection)).key
        made.backup |= EXPORTED
        if made.symmetric:
            self.assertEqual(exported, made.symmetric)
        else:
            self.assertEqual(constructs.spki(constructs.from_pkcs8(exported).public_key()),
                             constructs.spki(made.certificate.public_key()))

    def refuse_deletion(self, made):
        protection = made.wanted.key.get("deleteProtection", "none")
        if protection == "non-deletable":
            self.assert_status(NOT_ALLOWED, self.manage, "deleteKey", made, b"")
        elif protection != "none":
            self.assert_status(AUTHORIZATION, self.manage, "deleteKey", made, WRONG)
            if protection == "puk":
                self.manage("unlockKey", made, made.puk)
            else:
                self.use_pin(made)      # its counter is 0 again

    @staticmethod
    def guard(made, protection):
        return {"none": b"", "pin": made.pin, "puk": made.puk}[protection]
