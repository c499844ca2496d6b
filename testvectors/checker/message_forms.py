"""The messages of KeyGen2, property by property: docs/http.md, section 5, and, for sessions of
2010, docs/2010-profile.md, section 9."""

from . import filters, jsf
from .shapes import (ALGORITHM, array, b64, boolean, choice, identifier, integer, jwk, may,
                     need, path, record, require, session_id_2010, text, time, unique_names,
                     uri, utf8_length)

CONTEXT = "https://webpki.github.io/keygen2#20190318"
SESSION_2010 = "urn:sks:2010:session.rsa"
MAC = b64(32, 32)
PIXELS = integer(1, 0xffffffff)
FORMAT = choice("numeric", "alphanumeric", "string", "binary")
SESSION = {"serverSessionId": need(identifier)}
BOTH_IDS = {**SESSION, "clientSessionId": need(identifier)}
MAKES_KEYS = choice(*(ALGORITHM + name for name in (
    "rsa1024", "rsa2048", "rsa3072", "rsa4096", "rsa1024.exp", "rsa2048.exp", "rsa3072.exp",
    "rsa4096.exp", "ec.nist.p256", "ec.nist.p384", "ec.nist.p521", "ec.secg.p256k1",
    "ec.brainpool.p256r1", "ed25519")))


# ---- Invocation ----

INVOCATION_REQUEST = record({
    **SESSION, "action": need(choice("manage", "unlock")), "privacyEnabled": may(boolean),
    "preferredLanguages": may(array(text(1), low=0)), "targetKeyContainers": may(array(text(1))),
    "clientCapabilityQuery": may(array(uri))})


def one_answer(value, _):
    require(sum(name in value for name in ("supported", "values", "imageAttributes")) == 1,
            "not one answer")


CAPABILITY = record({
    "type": need(uri), "supported": may(boolean), "values": may(array(text(1))),
    "imageAttributes": may(record({"mimeType": need(text(1, 128)), "width": need(PIXELS),
                                   "height": need(PIXELS)}))}, one_answer)
INVOCATION_RESPONSE = record({
    **SESSION, "clientCapabilities": may(array(CAPABILITY))},
    lambda value, _: unique_names(value.get("clientCapabilities", []), "type"))


# ---- ProvisioningInitialization ----

def updatable(generations=8):
    properties = {"publicKey": need(jwk), "authorization": need(b64())}
    if generations > 1:
        properties["updatableKeyManagementKeys"] = may(array(updatable(generations - 1)))
    return record(properties)


def count_updatable(holder):
    keys = holder.get("updatableKeyManagementKeys", [])
    return len(keys) + sum(map(count_updatable, keys))


INITIALIZATION_1 = record({
    **SESSION, "serverTime": need(time(offset=False)), "sessionKeyAlgorithm": need(uri),
    "sessionKeyLimit": need(integer(1, 65535)), "sessionLifeTime": need(integer(1, 65535)),
    "serverEphemeralKey": need(jwk), "keyManagementKey": may(jwk),
    "updatableKeyManagementKeys": may(array(updatable()))},
    lambda value, _: require(count_updatable(value) <= 32, "too many keys"))
INITIALIZATION_2010 = record({
    "serverSessionId": need(session_id_2010), "serverTime": need(time(offset=False)),
    "sessionKeyAlgorithm": need(uri), "sessionKeyLimit": need(integer(65535, 65535)),
    "sessionLifeTime": need(integer(1, 0xffffffff)), "serverPublicKey": need(jwk)},
    lambda _, found: require(found["serverPublicKey"].kind == "RSA", "no RSA key"))


def initialization_request(value):
    if value.get("sessionKeyAlgorithm") == SESSION_2010:
        return INITIALIZATION_2010(value)
    return INITIALIZATION_1(value)


DEVICE_ID = record({"certificatePath": need(path(10))})
RESPONSE_BOTH = {
    **BOTH_IDS, "serverTime": need(time(offset=False)), "clientTime": need(time(offset=True)),
    "attestation": need(b64())}
INITIALIZED_1 = record({**RESPONSE_BOTH, "clientEphemeralKey": need(jwk),
                        "deviceId": may(DEVICE_ID)})
INITIALIZED_2010 = record({**RESPONSE_BOTH, "encryptedSessionKey": need(b64(256, 512)),
                           "clientSessionId": need(session_id_2010), "deviceId": need(DEVICE_ID)})


def initialization_response(value):
    return (INITIALIZED_2010 if "encryptedSessionKey" in value else INITIALIZED_1)(value)


# ---- CredentialDiscovery ----

LOOKUP = record({"id": need(identifier), "nonce": need(MAC),
                 "searchFilter": may(filters.SEARCH_FILTER),
                 "signature": need(jsf.LOOKUP_SIGNATURE)},
                lambda value, _: jsf.verify(value, jsf.LOOKUP_SIGNATURE))
DISCOVERY_REQUEST = record({**BOTH_IDS, "lookupSpecifiers": need(array(LOOKUP, 1, 255))},
                           lambda value, _: unique_names(value["lookupSpecifiers"]))


def few_certificates(_, found):
    require(sum(len(match["certificatePath"]) for result in found["lookupResults"]
                for match in result["matchingCredentials"]) <= 1000, "too many certificates")
    unique_names(found["lookupResults"])


MATCH = record({**BOTH_IDS, "certificatePath": need(path()), "locked": may(boolean)})
RESULT = record({"id": need(identifier), "matchingCredentials": need(array(MATCH, low=0))})
DISCOVERY_RESPONSE = record({**BOTH_IDS, "lookupResults": need(array(RESULT, 1, 255))},
                            few_certificates)


# ---- KeyCreation ----

KEY_BOTH = {
    "id": need(identifier), "enablePinCaching": may(boolean),
    "appUsage": need(choice("signature", "authentication", "encryption", "universal")),
    "keyAlgorithm": need(MAKES_KEYS), "keyParameters": may(b64(1, 8)),
    "endorsedAlgorithms": may(array(uri, 1, 255)), "serverSeed": may(b64(1, 64)),
    "biometricProtection": may(choice("none", "alternative", "combined", "exclusive")),
    "deleteProtection": may(choice("none", "pin", "puk", "non-deletable")),
    "exportProtection": may(choice("none", "pin", "puk", "non-exportable")),
    "friendlyName": may(text(0, 100)), "mac": need(MAC)}
KEY_UNDER_PIN = record({**KEY_BOTH, "encryptedPin": may(b64(32, 160))})
KEY_ALONE = record({**KEY_BOTH, "devicePinProtection": may(boolean)})


def all_or_none(value, _):
    preset = ["encryptedPin" in key for key in value["keyEntrySpecifiers"]]
    require(all(preset) or not any(preset), "encryptedPin for some keys only")


PIN_POLICY = record({
    "id": need(identifier), "minLength": need(integer(0, 128)), "maxLength": need(integer(0, 128)),
    "retryLimit": need(integer(1, 10000)), "format": need(FORMAT), "userModifiable": may(boolean),
    "grouping": may(choice("none", "shared", "signature+standard", "unique")),
    "inputMethod": may(choice("any", "programmatic", "trusted-gui")),
    "patternRestrictions": may(array(choice(
        "two-in-a-row", "three-in-a-row", "sequence", "repeated", "missing-group"), unique=True)),
    "mac": need(MAC), "keyEntrySpecifiers": need(array(KEY_UNDER_PIN))}, all_or_none)
PUK_POLICY = record({
    "id": need(identifier), "encryptedPuk": need(b64(32, 160)),
    "retryLimit": need(integer(0, 10000)), "format": need(FORMAT), "mac": need(MAC),
    "pinPolicySpecifiers": need(array(PIN_POLICY))})
SPECIFIERS = ("pukPolicySpecifiers", "pinPolicySpecifiers", "keyEntrySpecifiers")


def all_ids(value):
    for name in SPECIFIERS:
        for item in value.get(name, []):
            yield item
            yield from all_ids(item)


KEY_CREATION_REQUEST = record({
    **BOTH_IDS, "keyEntryAlgorithm": need(uri), "deferredIssuance": may(boolean),
    "pukPolicySpecifiers": may(array(PUK_POLICY)), "pinPolicySpecifiers": may(array(PIN_POLICY)),
    "keyEntrySpecifiers": may(array(KEY_ALONE))},
    lambda value, _: unique_names(list(all_ids(value))))
KEY_CREATION_RESPONSE = record({
    **BOTH_IDS, "generatedKeys": need(array(record({
        "id": need(identifier), "publicKey": need(jwk), "attestation": need(b64())})))},
    lambda value, _: unique_names(value["generatedKeys"]))


# ---- ProvisioningFinalization ----

MIME = text(1, 128, utf8_length)
TARGET = record({**BOTH_IDS, "fingerPrint": need(b64(32, 32)), "authorization": need(b64()),
                 "mac": need(MAC)})
PROPERTY = record({"name": need(text(1, 255, utf8_length)),
                   "value": need(text(0, 65535, utf8_length)), "writable": may(boolean)})
OBJECTS = {
    "extensions": {"extensionData": need(b64(0, 250000))},
    "encryptedExtensions": {"extensionData": need(b64(32, 250032))},
    "propertyBags": {"properties": need(array(PROPERTY))},
    "logotypes": {"mimeType": need(MIME), "extensionData": need(b64(0, 250000))}}


def imported(high):
    return may(record({"encryptedKey": need(b64(32, high)), "mac": need(MAC)}))


def credential_rule(value, _):
    for one, other in (("importSymmetricKey", "importPrivateKey"),
                       ("updateKey", "cloneKeyProtection")):
        require(not (one in value and other in value), "%s and %s" % (one, other))
    unique_names([item for name in OBJECTS for item in value.get(name, [])], "type")


CREDENTIAL = record({
    "id": need(identifier), "certificatePath": need(path()), "mac": need(MAC),
    "trustAnchor": may(boolean), "importSymmetricKey": imported(160),
    "importPrivateKey": imported(16416),
    **{name: may(array(record({"type": need(uri), "mac": need(MAC), **more})))
       for name, more in OBJECTS.items()},
    "updateKey": may(TARGET), "cloneKeyProtection": may(TARGET)}, credential_rule)
FINALIZATION_REQUEST = record({
    **BOTH_IDS, "issuedCredentials": may(array(CREDENTIAL)), "unlockKeys": may(array(TARGET)),
    "deleteKeys": may(array(TARGET)),
    "sessionCloseData": need(record({"nonce": need(b64(1, 32)), "mac": need(MAC)}))},
    lambda value, _: unique_names(value.get("issuedCredentials", [])))
FINALIZATION_RESPONSE = record({**BOTH_IDS, "attestation": need(b64())})

FORMS = {
    "InvocationRequest": INVOCATION_REQUEST,
    "InvocationResponse": INVOCATION_RESPONSE,
    "ProvisioningInitializationRequest": initialization_request,
    "ProvisioningInitializationResponse": initialization_response,
    "CredentialDiscoveryRequest": DISCOVERY_REQUEST,
    "CredentialDiscoveryResponse": DISCOVERY_RESPONSE,
    "KeyCreationRequest": KEY_CREATION_REQUEST,
    "KeyCreationResponse": KEY_CREATION_RESPONSE,
    "ProvisioningFinalizationRequest": FINALIZATION_REQUEST,
    "ProvisioningFinalizationResponse": FINALIZATION_RESPONSE,
}
