"""Test classes that run shipped profiles with the real programs and then look into the token.

What must be there is read from the profile's JSON, what a session drew from its evidence record;
`made` holds all keys so far, so each look is at the whole token and at all that the issuer lists.
"""

import hashlib
import json
import signal
from dataclasses import dataclass

from . import constructs, evidence, keygen2
from .keycase import IMPORTED
from .processes import provision, run, run_json, wait_for
from .profile import TARGETS, Profile, makers, sent
from .profile_key import KeyChecks, Made
from .sks_types import base64url, from_base64url
from .testcase import RigTest

INITIALIZATION = "ProvisioningInitializationRequest"
INITIALIZED = "ProvisioningInitializationResponse"
CREATION, FINALIZATION = "KeyCreationRequest", "ProvisioningFinalizationRequest"


@dataclass
class Owner:
    """A closed session of the token."""
    profile: Profile
    terms: dict         # of its evidence record
    kmk: bytes
    generation: int     # of the key management key, as the issuer knows it

    @property
    def id(self):
        return self.terms["serverSessionId"]


class Record:
    """The evidence of a session, with what its messages hide."""

    def __init__(self, issuer, session_id):
        self.json = run_json("sks-issuer", "evidence", session_id, "--data", issuer.data,
                             "--json", "--with-session-key", "--reveal-secrets")
        self.terms = {"serverSessionId": session_id, "issuerUri": self.json["issuerUri"],
                      **self.json["terms"]}
        self.key = from_base64url(self.json["sessionKey"])
        self.messages = {}
        for item in self.json["messages"]:
            self.messages[item["type"]] = json.loads(from_base64url(item["body"]))

    def decrypt(self, text):
        return constructs.decrypt(self.key, from_base64url(text))


class ShippedCase(KeyChecks, RigTest):
    @classmethod
    def set_up_rig(cls):
        cls.token = cls.start_token(options=("--simulate", "biometrics,device-pin"))
        cls.issuer = cls.start_issuer(trust=[cls.token.device_ca])
        cls.made, cls.sessions, cls.generation = [], 0, 1

    def setUp(self):
        self.sks = self.wire()

    # Running

    def enrol(self, name):
        """A profile after all that it needs; returns the keys that it has made."""
        profile = Profile(name)
        for other in makers(profile):
            self.execute(Profile(other))
        if profile.get("updatableKeyManagementKeys"):
            self.roll_over()
        return self.enrol_upon(profile)

    def enrol_upon(self, profile):
        """A profile upon the keys that are there, some of whose PINs have just been missed."""
        found = self.find_targets(profile)
        missed = [made for use in TARGETS for made in found.get(use, ()) if made.root.wanted.pin]
        for made in missed if "unlockKeys" not in found else ():
            self.miss_pin(made)
        for made in found.get("unlockKeys", ()):
            while made.root.pin_errors < made.root.wanted.pin["retryLimit"]:
                self.miss_pin(made)
        new = self.execute(profile, found)
        self.check_all()
        return new

    def execute(self, profile, found=None):
        anchors = self.new_folder()
        typed, pins = profile.user_pins()
        options = [word for pin in typed[1:] for word in ("--pin", pin)]
        outcome = self.proxy(profile, *options, "--trust-anchor", anchors,
                             pin=(typed or ["4711"])[0])
        made_handles = {key["id"]: key["handle"] for key in outcome["keys"]}
        if profile.get("deferredIssuance"):
            outcome = self.approve(profile, outcome, anchors)
        self.assertEqual(outcome["outcome"], "succeeded", outcome)
        record = Record(self.issuer, outcome["serverSessionId"])
        self.check_record(profile, record)
        new = self.take_over(profile, record, made_handles, pins, found or {})
        self.assertEqual({key["id"]: key["handle"] for key in outcome["keys"]},
                         {made.wanted.id: made.handle for made in new})
        self.check_anchors(new, anchors)
        for made in new:
            self.check_certificate(made, record.json)
        return new

    def proxy(self, profile, *options, pin="4711"):
        code, outcome, log = provision("%s/kg2/%s" % (self.issuer.url, profile.name),
                                       self.token.url, *options, "--state", self.folder / "state",
                                       pin=pin)
        self.assertEqual((code, outcome["cause"]), (0, ""), (profile.name, outcome, log))
        return outcome

    def approve(self, profile, outcome, anchors):
        """Deferred issuance: nothing is there before the operator approves."""
        self.assertEqual((outcome["outcome"], outcome["waits"]), ("pending", True), outcome)
        session_id = outcome["serverSessionId"]
        self.assert_verdict(session_id, "open")
        self.assertEqual([s.serverSessionId for s in self.sks.sessions(True)], [session_id])
        self.assertEqual([key.keyHandle for key in self.sks.keys()], self.live_handles())
        self.check_issuer_keys()
        self.assertEqual(self.proxy(profile, "--resume")["outcome"], "pending")
        done = run("sks-issuer", "approve", session_id, "--data", self.issuer.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        outcome = self.proxy(profile, "--resume", "--trust-anchor", anchors)
        self.assertEqual(outcome["serverSessionId"], session_id)
        return outcome

    def roll_over(self):
        """The issuer gets the next generation of its key management key."""
        done = run("sks-issuer", "roll-over", "--data", self.issuer.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        type(self).generation += 1
        self.issuer.process.send_signal(signal.SIGHUP)
        told = "generation %d is the newest" % self.generation
        wait_for(lambda: told in self.issuer.stderr(), lambda: self.issuer.stderr()[-500:])

    # What a session must have done

    def live(self):
        return [made for made in self.made if made.state == "live"]

    def live_handles(self):
        return sorted(made.handle for made in self.live())

    def find_targets(self, profile):
        """{use: keys that the profile's lookups find}, from what the profiles say."""
        found = {}
        for lookup, uses in profile.targets().items():
            keys = [made for made in self.live() if profile.found_by(lookup, made.wanted)]
            self.assertTrue(keys, lookup)
            for use in uses:
                found.setdefault(use, []).extend(keys)
        return found

    def check_targets(self, record, found):
        """Those that the issuer has signed for are those that the lookups mean."""
        request = record.messages[FINALIZATION]
        named = {name: request.get(name, []) for name in ("unlockKeys", "deleteKeys")}
        for name in TARGETS:
            named[name] = [item[name] for item in request.get("issuedCredentials", ())
                           if name in item]
        for use, targets in named.items():
            keys = {made.fingerprint: made for made in found.get(use, ())}
            self.assertEqual({from_base64url(target["fingerPrint"]) for target in targets},
                             set(keys), use)
            for target in targets:
                owner = keys[from_base64url(target["fingerPrint"])].owner.terms
                self.assertEqual((target["serverSessionId"], target["clientSessionId"]),
                                 (owner["serverSessionId"], owner["clientSessionId"]))

    def take_over(self, profile, record, handles, pins, found):
        """Brings `made` up to date with a session that has succeeded; returns the new keys."""
        self.check_targets(record, found)
        managed = record.terms.get("keyManagementKey")
        owner = Owner(profile, record.terms,
                      constructs.spki(constructs.from_jwk(managed)) if managed else b"",
                      self.generation if managed else 0)
        self.roll_owners(record.messages[INITIALIZATION], owner)
        new = self.new_keys(profile, record, owner, handles, pins, found)
        moved = [made.owner for keys in found.values() for made in keys]
        for made in self.made:
            if made.owner in moved:
                made.owner = owner
        for made in found.get("unlockKeys", ()):
            self.set_pin_errors(made, 0)
        for made in found.get("deleteKeys", ()):
            made.state = "deleted"
        for made in found.get("updateKey", ()):
            made.state = "replaced"
        self.made.extend(new)
        return new

    def roll_owners(self, request, newest):
        """The chain goes back to the first generation; all earlier sessions take the newest."""
        chain, links = request.get("updatableKeyManagementKeys"), []
        while chain:
            (link,) = chain
            links.append(constructs.spki(constructs.from_jwk(link["publicKey"])))
            chain = link.get("updatableKeyManagementKeys")
        asked = newest.profile.get("updatableKeyManagementKeys", False)
        self.assertEqual(len(links), self.generation - 1 if asked else 0)
        for made in self.made:
            if made.owner.kmk in links:
                made.owner.kmk = newest.kmk

    def new_keys(self, profile, record, owner, handles, pins, found):
        credentials = {item["id"]: item for item in
                       record.messages[FINALIZATION].get("issuedCredentials", ())}
        self.assertEqual(list(credentials), [wanted.id for wanted in profile.keys])
        generated = {key["id"]: constructs.spki(constructs.from_jwk(key["publicKey"]))
                     for key in record.json["keys"]}
        new = []
        for wanted in profile.keys:
            credential = credentials[wanted.id]
            made = Made(profile, wanted, owner, owner.id,
                        [from_base64url(der) for der in credential["certificatePath"]],
                        handles[wanted.id], generated[wanted.id])
            self.take_secrets(made, record, credential, pins)
            for name in set(TARGETS) & set(wanted.key):
                (target,) = found[name]
                made.protector, made.pin, made.puk = target, target.pin, target.puk
                if name == "updateKey":
                    made.handle = target.handle
            new.append(made)
        return new

    def take_secrets(self, made, record, credential, pins):
        """PIN, PUK and imported key: the profile's own where it names them."""
        wanted = made.wanted
        made.pin = pins.get(wanted.id, b"")
        steps = (keygen2.key_creation_steps(record.messages[CREATION])
                 if CREATION in record.messages else [])
        for step in steps:
            if step.source["id"] == wanted.id and "encryptedPin" in step.source:
                made.pin = record.decrypt(step.source["encryptedPin"])
                self.assertFalse(wanted.user_pin)
                self.assert_given(made.pin, wanted.key.get("pin"))
            if wanted.puk and step.source["id"] == wanted.puk["id"]:
                made.puk = record.decrypt(step.source["encryptedPuk"])
                self.assert_given(made.puk, wanted.puk.get("puk"))
        self.assertEqual(bool(made.pin), wanted.pin is not None)
        asked = wanted.key.get("importSymmetricKey")
        self.assertEqual(asked is not None, "importSymmetricKey" in credential)
        if asked is not None:
            made.symmetric = record.decrypt(credential["importSymmetricKey"]["encryptedKey"])
            value = from_base64url(asked["value"]) if "value" in asked else made.symmetric
            self.assertEqual(made.symmetric, value)
            self.assertEqual(len(made.symmetric), asked.get("drawnLength", len(value)))
        asked = wanted.key.get("importPrivateKey")
        self.assertEqual(asked is not None, "importPrivateKey" in credential)
        if asked is not None:
            raw = record.decrypt(credential["importPrivateKey"]["encryptedKey"])
            self.assertEqual(raw, from_base64url(asked["pkcs8"]) if asked else raw)
            made.private = constructs.from_pkcs8(raw)
        made.backup = IMPORTED if made.symmetric or made.private else 0

    def assert_given(self, value, given):
        if given is not None:
            self.assertEqual(value, given.encode())

    # Looking at it

    def check_record(self, profile, record):
        self.assert_verdict(record.json["serverSessionId"], "succeeded")
        self.assertTrue(evidence.signature_holds(record.json))
        self.assertEqual(evidence.failed_checks(record.json), [])
        self.assertEqual((record.json["verdict"], record.json["profile"]),
                         ("succeeded", profile.name))
        self.check_requests(profile, record)
        self.check_specifiers(profile, record.messages.get(CREATION, {}))

    def check_requests(self, profile, record):
        invocation = record.messages["InvocationRequest"]
        for name, default in (("action", "manage"), ("privacyEnabled", False),
                              ("preferredLanguages", None), ("targetKeyContainers", None),
                              ("clientCapabilityQuery", None)):
            self.assertEqual(invocation.get(name, default), profile.get(name, default), name)
        answers = record.messages["InvocationResponse"].get("clientCapabilities", [])
        self.assertEqual(sorted(item["type"] for item in answers),
                         sorted(profile.get("clientCapabilityQuery", [])))
        request = record.messages[INITIALIZATION]
        for name, default in (("sessionLifeTime", 600),
                              ("sessionKeyLimit", 65535 if profile.is_2010 else 200)):
            self.assertEqual(request[name], profile.get(name, default))
        self.assertEqual("keyManagementKey" in request, profile.is_managed)
        self.check_session_keys(profile, record)
        deferred = record.messages.get(CREATION, {}).get("deferredIssuance", False)
        self.assertEqual(deferred, profile.get("deferredIssuance", False))
        self.check_lookups(profile, record)

    def check_session_keys(self, profile, record):
        """How the session key came about; the record says so too."""
        names = (("serverPublicKey", "encryptedSessionKey") if profile.is_2010
                 else ("serverEphemeralKey", "clientEphemeralKey"))
        request, response = record.messages[INITIALIZATION], record.messages[INITIALIZED]
        self.assertEqual(request["sessionKeyAlgorithm"], profile.session_algorithm)
        self.assertEqual([record.terms[name] for name in names],
                         [request[names[0]], response[names[1]]])
        if profile.is_2010:
            key = constructs.from_jwk(request["serverPublicKey"])
            self.assertEqual(key.key_size, profile.get("serverKeySize", 2048))

    def check_lookups(self, profile, record):
        """Each is sent for the generations that the device may have, filter and all."""
        request = record.messages.get("CredentialDiscoveryRequest", {})
        wanted = {item["id"]: item.get("searchFilter")
                  for item in profile.get("lookupSpecifiers", [])}
        got = {item["id"].rpartition(".")[0]: item.get("searchFilter")
               for item in request.get("lookupSpecifiers", [])}
        self.assertEqual(got, wanted)

    def check_specifiers(self, profile, request):
        """The objects of the KeyCreationRequest are those of the profile."""
        specs = {}
        for step in keygen2.key_creation_steps(request) if request else ():
            kind = {"createPukPolicy": "puk", "createPinPolicy": "pin"}.get(step.method, "key")
            own = {"mac", "encryptedPin", "encryptedPuk", "pinPolicySpecifiers",
                   "keyEntrySpecifiers"}
            specs[step.source["id"]] = {name: value for name, value in step.source.items()
                                        if name not in own} | {"of": kind}
        for wanted in profile.keys:
            for kind in ("key", "pin", "puk"):
                spec = getattr(wanted, kind)
                if spec:
                    got = specs[spec["id"]]
                    self.assertEqual(got.pop("of", kind), kind)
                    asked = sent(kind, spec)
                    self.assertLessEqual(set(got), set(asked))
                    self.assertEqual(got, {name: asked[name] for name in got})
        ids = {spec["id"] for wanted in profile.keys
               for spec in (wanted.key, wanted.pin, wanted.puk) if spec}
        self.assertEqual(set(specs), ids)

    def check_all(self):
        """The whole token, and all that the issuer says of it."""
        self.assertEqual(self.sks.sessions(True), [])
        owners = {made.owner.id: made.owner for made in self.live()}
        sessions = {item.serverSessionId: item for item in self.sks.sessions(False)}
        self.assertEqual(set(sessions), set(owners))
        for session_id, owner in owners.items():
            self.check_session(dict(vars(sessions[session_id])), owner)
        self.assertEqual(
            {key.keyHandle: key.provisioningHandle for key in self.sks.keys()},
            {made.handle: sessions[made.owner.id].provisioningHandle for made in self.live()})
        for made in self.live():
            self.check_key(made)
        self.check_issuer_keys()

    def check_session(self, shown, owner):
        shown.pop("provisioningHandle")
        self.assertEqual(shown, {
            "sessionKeyAlgorithm": owner.profile.session_algorithm, "keyManagementKey": owner.kmk,
            "privacyEnabled": owner.profile.get("privacyEnabled", False),
            "clientTime": 0 if owner.profile.is_2010 else owner.terms["clientTime"],
            "serverSessionId": owner.id,
            "sessionLifeTime": owner.profile.get("sessionLifeTime", 600),
            "clientSessionId": owner.terms["clientSessionId"],
            "issuerUri": "%s/kg2/%s" % (self.issuer.url, owner.profile.name)})

    def check_issuer_keys(self):
        device = self.sks.call("getDeviceInfo").certificate[0]
        listed = run_json("sks-issuer", "keys", "--data", self.issuer.data, "--json")["keys"]
        self.assertEqual(sorted(map(str, listed)), sorted(str({
            "serialNumber": "%032x" % made.certificate.serial_number,
            "fingerPrint": made.fingerprint.hex(), "keyId": made.wanted.id,
            "device": (None if made.profile.get("privacyEnabled")
                       else hashlib.sha256(device).hexdigest()),
            "session": made.session_id, "owner": made.owner.id,
            "generation": made.owner.generation, "state": made.state}) for made in self.made))

    def check_anchors(self, new, folder):
        """CAs are offered for the keys that say so, and for no others."""
        offered = {made.path[-1] for made in new if made.wanted.key.get("trustAnchor")}
        written = [path.read_text() for path in folder.iterdir()]
        self.assertEqual(len(written), len(offered))
        for der in offered:
            text = written[0].replace("\n", "").replace("+", "-").replace("/", "_")
            self.assertIn(base64url(der), text)
