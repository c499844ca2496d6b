"""Kind mac: the MAC of each provisioning method, and the attestations of a session."""

from . import constructs
from .fields import Fields, octets
from .verdict import MAC, Broken, by_issuer, by_token, require, valid

UNDER_CERTIFICATE = ("endEntityCertificate", "array")
AUTHORIZATION = [("authorization", "array")]
IMPORT = [UNDER_CERTIFICATE, ("encryptedKey", "array")]
# Method, name in the MAC: what it covers (docs/wire.md, section 5).
COVERED = {
    ("closeProvisioningSession", "closeProvisioningSession"): [
        ("clientSessionId", "array"), ("serverSessionId", "array"), ("issuerUri", "array"),
        ("nonce", "array")],
    ("createPukPolicy", "createPUKPolicy"): [
        ("id", "array"), ("encryptedPuk", "array"), ("format", "byte"), ("retryLimit", "ushort")],
    ("createPinPolicy", "createPINPolicy"): [
        ("id", "array"), ("pukPolicyId", "array"), ("userDefined", "bool"),
        ("userModifiable", "bool"), ("format", "byte"), ("retryLimit", "ushort"),
        ("grouping", "byte"), ("patternRestrictions", "byte"), ("minLength", "ushort"),
        ("maxLength", "ushort"), ("inputMethod", "byte")],
    ("createKeyEntry", "createKeyEntry"): [
        ("id", "array"), ("keyEntryAlgorithm", "array"), ("serverSeed", "array"),
        ("pinPolicyId", "array"), ("encryptedPin", "array"), ("devicePinProtection", "bool"),
        ("enablePinCaching", "bool"), ("biometricProtection", "byte"),
        ("exportProtection", "byte"), ("deleteProtection", "byte"), ("appUsage", "byte"),
        ("friendlyName", "array"), ("keyAlgorithm", "array"), ("keyParameters", "array"),
        ("endorsedAlgorithm...", "array")],
    ("setCertificatePath", "setCertificatePath"): [
        ("publicKey", "array"), ("id", "array"), ("certificate...", "array")],
    ("importSymmetricKey", "importSymmetricKey"): IMPORT,
    ("importPrivateKey", "importPrivateKey"): IMPORT,
    ("addExtension", "addExtension"): [
        UNDER_CERTIFICATE, ("type", "array"), ("subType", "byte"), ("qualifier", "array"),
        ("extensionData", "blob")],
    ("postDeleteKey", "postDeleteKey"): AUTHORIZATION,
    ("postUnlockKey", "postUnlockKey"): AUTHORIZATION,
    ("postUpdateKey", "postUpdateKey"): [UNDER_CERTIFICATE] + AUTHORIZATION,
    ("postCloneKeyProtection", "postCloneKeyProtection"): [UNDER_CERTIFICATE] + AUTHORIZATION,
    ("createKeyEntry", "DeviceAttestation"): [("publicKey", "array"), ("mac", "array")],
    ("closeProvisioningSession", "DeviceAttestation"): [("nonce", "array")],
}
ATTESTATIONS = {"createKeyEntry": "key attestation", "closeProvisioningSession": "closing proof"}
COUNTER_END = 0xffff


def judge(group, test):
    fixtures, given = group["fixtures"], test["input"]
    method, name = fixtures["method"], fixtures["name"]
    if (method, name) not in COVERED:
        raise Broken("no MAC of %.40r has the name %.40r" % (method, name))
    fields = Fields(fixtures, COVERED[method, name], "%s of %s" % (name, method))
    session_key = octets(fixtures["sessionKey"])
    require(len(session_key) == constructs.SESSION_KEY, "a session key is of 32 bytes")
    counter = given["counter"]
    if octets(given["mac"]) == constructs.method_mac(session_key, name, counter, fields.input):
        return valid(**({"counter": counter + 1} if counter < COUNTER_END else {}))
    if name == "DeviceAttestation":
        return by_issuer(ATTESTATIONS[method])
    return by_token(MAC, "removed")
