"""Methods of the token that create: sessions, policies, keys (docs/wire.md, section 5)."""

import re

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from . import constructs, pin_rules
from .keys import CURVE_NAMED, BadKey, read_public_key
from .model import ALGORITHM as WRONG_ALGORITHM
from .model import Key, Pin, Puk, Session, demand, join, session_public_key
from .shapes import ALGORITHM, CURVE_URIS
from .verdict import CRYPTO, require

SESSION_2010 = "urn:sks:2010:session.rsa"
FORMATS = ("numeric", "alphanumeric", "string", "binary")
PATTERNS = ("two-in-a-row", "three-in-a-row", "sequence", "repeated", "missing-group")
SHARED, SIGNATURE_STANDARD, UNIQUE = 1, 2, 3
TRUSTED_GUI = 2
BY_PIN, BY_PUK = 1, 2
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENCRYPTION = "http://www.w3.org/2001/04/xmlenc#"
KEY_ALGORITHMS = {ALGORITHM + uri: name for name, uri in CURVE_URIS.items()}
KEY_ALGORITHMS.update({ALGORITHM + "rsa%d%s" % (bits, end): "RSA-%d" % bits
                       for bits in (1024, 2048, 3072, 4096) for end in ("", ".exp")})
KEY_ALGORITHMS[ALGORITHM + "ed25519"] = "Ed25519"
AES = {ENCRYPTION + "aes%d-cbc" % bits: (bits // 8,) for bits in (128, 192, 256)}
AES.update({ALGORITHM + name: (16, 24, 32) for name in ("aes.cbc", "aes.ecb.nopad")})
HMACS = {"http://www.w3.org/2000/09/xmldsig#hmac-sha1"} | {
    MORE + "hmac-sha%d" % bits for bits in (256, 384, 512)}
OF_RSA = {MORE + "rsa-sha%d" % bits for bits in (256, 384, 512)} | {ALGORITHM + name for name in (
    "rsa.pkcs1.none", "rsa.es.pkcs1_5", "rsa.oaep.sha1", "rsa.oaep.sha256")}
OF_EC = {MORE + "ecdsa-sha%d" % bits for bits in (256, 384, 512)} | {ALGORITHM + name for name in (
    "ecdsa.none", "ecdh.raw", "ed25519")}
NONE = ALGORITHM + "none"
KNOWN = set(KEY_ALGORITHMS) | set(AES) | HMACS | OF_RSA | OF_EC | {NONE}


# ---- sessions ----

def sign(key, data):
    """A device signature."""
    if key.name in CURVE_NAMED:
        r, s = utils.decode_dss_signature(key.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(key.public.size, "big") for number in (r, s))
    return key.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


def session_terms(session, found, client_key):
    """The fields of T."""
    values = {"clientSessionId": session.client_id, "serverSessionId": session.server_id,
              "issuerUri": session.issuer_uri, "deviceId": session.device_id,
              "clientEphemeralKey": client_key}
    for name, form in constructs.ATTESTED_FIELDS:
        value = values.get(name, found.get(name))
        if isinstance(value, str):
            value = value.encode("utf-8")
        elif form != "array":
            value = int(value).to_bytes({"bool": 1, "ushort": 2, "uint": 4}[form], "big")
        yield name, form, value


def key_input(session):
    return join(("", "array", value) for value in (
        session.client_id, session.server_id, session.issuer_uri, session.device_id))


def create_session(token, _, found):
    demand(found["sessionKeyAlgorithm"].encode() == constructs.SESSION_1)
    uri = found["issuerUri"].encode("utf-8")
    demand(1 <= len(uri) <= 1000)
    server_key = session_public_key(found["serverEphemeralKey"], ("EC",))
    if found["keyManagementKey"]:
        session_public_key(found["keyManagementKey"], ("EC", "RSA"))
    demand(re.fullmatch("[!-~]{1,32}", found["serverSessionId"]))
    demand(found["sessionLifeTime"])
    client_id, pair = token.draw("id"), token.draw("key")
    require(pair.name == server_key.name, "the token's key is on another curve")
    device_id = constructs.ANONYMOUS if found["privacyEnabled"] else token.certificate
    session = Session(token.new_handle("session"), found["serverSessionId"].encode("utf-8"),
                      client_id, uri, device_id)
    session.key = constructs.mac(pair.agree(server_key), key_input(session))
    session.privacy, session.limit = found["privacyEnabled"], found["sessionKeyLimit"]
    session.end = token.clock + found["sessionLifeTime"]
    session.kmk = found["keyManagementKey"] or None
    fields = list(session_terms(session, found, pair.spki))
    token.made["attested"] = fields
    attestation = (constructs.mac(session.key, join(fields)) if session.privacy
                   else sign(token.device_key, join(fields)))
    token.sessions[session.handle] = token.last = session
    return client_id, pair.spki, attestation, session.handle


def terms_2010(session_key, found):
    values = {**found, "sessionKeyProof": constructs.session_key_proof(session_key),
              "provisioning_uri": found["provisioning_uri"].encode("utf-8"),
              "life_time": found["life_time"].to_bytes(4, "big")}
    return [(name, form, values[name]) for name, form in constructs.ATTESTED_FIELDS_2010]


def create_session_2010(token, _, found):
    demand(len(found["server_session_id"]) == 32 and len(found["client_session_id"]) == 32)
    uri = found["provisioning_uri"].encode("utf-8")
    demand(1 <= len(uri) <= 1000)
    demand(found["life_time"])
    try:
        key = read_public_key(found["server_public_key"])
    except BadKey:
        key = None
    demand(key is not None and key.kind == "RSA" and key.key is not None
           and 2048 <= key.key.key_size <= 4096, CRYPTO)
    exponent = key.key.public_numbers().e
    demand(exponent >= 3 and exponent % 2, CRYPTO)
    session = Session(token.new_handle("session"), found["server_session_id"],
                      found["client_session_id"], uri, token.certificate)
    session.key, session.end = token.draw("sessionKey"), token.clock + found["life_time"]
    encrypted = token.draw("encryptedSessionKey")
    fields = terms_2010(session.key, found)
    token.made["attested"] = fields
    token.sessions[session.handle] = token.last = session
    return encrypted, sign(token.device_key, join(fields)), session.handle


# ---- policies ----

def create_puk_policy(token, session, found):
    demand(found["format"] < len(FORMATS))
    demand(found["retryLimit"] <= 10000)
    puk = session.decrypt(found["encryptedPuk"])
    demand(1 <= len(puk) <= pin_rules.LONGEST and pin_rules.FORMATS[FORMATS[found["format"]]](puk))
    token.check_mac(session, "createPukPolicy", "createPUKPolicy", found, found["mac"])
    session.use_id(found["id"])
    handle = token.new_handle("puk")
    session.puks[handle] = Puk(found["id"], puk, found["retryLimit"])
    return (handle,)


def create_pin_policy(token, session, found):
    demand(found["grouping"] <= 3 and found["inputMethod"] <= 2)
    demand(found["format"] < len(FORMATS) and 1 <= found["retryLimit"] <= 10000)
    demand(not found["patternRestrictions"] >> len(PATTERNS))
    rules = {"format": FORMATS[found["format"]], "minLength": found["minLength"],
             "maxLength": found["maxLength"], "grouping": found["grouping"],
             "inputMethod": found["inputMethod"], "retryLimit": found["retryLimit"],
             "patternRestrictions": [name for bit, name in enumerate(PATTERNS)
                                     if found["patternRestrictions"] >> bit & 1]}
    demand(pin_rules.policy_is_good(rules))
    puk = session.puks.get(found["pukPolicyHandle"])
    demand(puk is not None or found["pukPolicyHandle"] == 0)
    token.check_mac(session, "createPinPolicy", "createPINPolicy",
                    {**found, "pukPolicyId": puk.name if puk else ""}, found["mac"])
    session.use_id(found["id"])
    handle = token.new_handle("pin")
    session.pins[handle] = Pin(found["id"], puk, rules, found["userDefined"],
                               found["userModifiable"])
    return (handle,)


# ---- keys ----

def check_key_arguments(found, policy):
    """What is refused before anything is decrypted."""
    demand(found["keyEntryAlgorithm"] == ALGORITHM + "key.1", WRONG_ALGORITHM)
    demand(found["keyAlgorithm"] in KEY_ALGORITHMS)
    demand(bool(found["keyParameters"]) == found["keyAlgorithm"].endswith(".exp"))
    demand(len(found["serverSeed"]) <= 64 and len(found["friendlyName"]) <= 100)
    demand(max(found[name] for name in ("exportProtection", "deleteProtection", "appUsage",
                                        "biometricProtection")) <= 3)
    demand(not found["devicePinProtection"])        # nothing is simulated in a transcript
    demand(policy is not None or found["pinPolicyHandle"] == 0)
    protections = (found["exportProtection"], found["deleteProtection"])
    demand(policy is not None or BY_PIN not in protections)
    demand(not found["enablePinCaching"]
           or policy is not None and policy.rules["inputMethod"] == TRUSTED_GUI)
    demand(policy is not None or not found["pinValue"])
    demand(found["biometricProtection"] == 0)
    demand(BY_PUK not in protections or policy is not None and policy.puk is not None)


def check_endorsed(uris):
    demand(all(uri in KNOWN for uri in uris))
    octets = [uri.encode("utf-8") for uri in uris]
    demand(all(one < other for one, other in zip(octets, octets[1:])))
    demand(NONE not in uris or len(uris) == 1)


def create_key_entry(token, session, found):
    policy = session.pins.get(found["pinPolicyHandle"])
    check_key_arguments(found, policy)
    value, encrypted = found["pinValue"], b""
    if policy is not None and not policy.user_defined:
        encrypted, value = value, session.decrypt(value)
    check_endorsed(found["endorsedAlgorithm"])
    token.check_mac(session, "createKeyEntry", "createKeyEntry", {
        **found, "pinPolicyId": policy.name if policy else "", "encryptedPin": encrypted},
        found["mac"])
    if policy is not None:
        check_pin(token, policy, value, found["appUsage"])
    demand(len(found["keyParameters"]) <= 8)
    session.use_id(found["id"])
    pair = token.draw("key")
    require(pair.name == KEY_ALGORITHMS[found["keyAlgorithm"]],
            "the token's key is of another kind")
    key = Key(token.new_handle("key"), session, found["id"], pair.spki, found["appUsage"])
    key.endorsed = found["endorsedAlgorithm"]
    key.pin, key.pin_value = policy, value if policy else None
    token.keys[key.handle] = key
    attestation = token.attest(session, "createKeyEntry", {
        "publicKey": pair.spki, "mac": found["mac"]})
    return key.handle, pair.spki, attestation


def check_pin_rules(rules, value):
    demand(rules["minLength"] <= len(value) <= rules["maxLength"])
    demand(pin_rules.FORMATS[rules["format"]](value))
    demand(not any(pin_rules.PATTERNS[name](value, rules["format"])
                   for name in rules["patternRestrictions"]))


def check_pin(token, policy, value, usage):
    rules = policy.rules
    check_pin_rules(rules, value)
    for other in token.keys.values():
        if other.pin is policy and rules["grouping"]:
            demand(same_group(rules["grouping"], usage, other.usage)
                   == (value == other.pin_value))


def same_group(grouping, one, other):
    if grouping == SIGNATURE_STANDARD:
        return (one == 0) == (other == 0)
    return grouping == SHARED or one == other
