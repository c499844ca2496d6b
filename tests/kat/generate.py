#!/usr/bin/python3
"""Writes constructs.json: known answers for every session construct, made outside the C code.

    generate.py            writes the file beside this script
    generate.py --check    exit 1 if the file is not what would be written

Binary values are lowercase hex. The JSON is one object of lists; every entry has a "comment".
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import fixed_keys                                                          # noqa: E402
import transcripts                                                         # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, rsa              # noqa: E402
from fixed_keys import DEVICE_KEYS, DEVICES, MANAGEMENT_KEYS, fixed_bytes  # noqa: E402
from mac_cases import IDS, MAC_CASES                                       # noqa: E402
from rig import constructs, constructs_2010                                # noqa: E402
from rig.sks_types import base64url                                        # noqa: E402

OUTPUT = HERE / "constructs.json"
COUNTERS = (0, 1, 255, 256, 65535)
SESSION_KEY = fixed_bytes("session key", 32)


def sign(private_key, data):
    if isinstance(private_key, rsa.RSAPrivateKey):
        return constructs.sign(private_key, data)
    return fixed_keys.ecdsa_sign(private_key, data)


def checked(private_key, data):
    signature = sign(private_key, data)
    assert constructs.verifies(private_key.public_key(), signature, data)
    return signature


def ephemeral(name):
    curve = constructs.CURVES[name]
    return fixed_keys.ec_key("server " + name, curve), fixed_keys.ec_key("client " + name, curve)


# One function a list of the file

def session_keys():
    for curve in constructs.CURVES:
        for device_id, what in ((DEVICES["P-256"], "device certificate"),
                                (constructs.ANONYMOUS, "privacy mode")):
            server, client = ephemeral(curve)
            yield session_key_entry("%s, %s" % (curve, what), server, client.public_key(),
                                    {**IDS, "deviceId": device_id},
                                    {"clientPrivateKey": constructs.pkcs8(client)})
    for recorded in transcripts.load_all():
        fields = recorded.fields()
        entry = session_key_entry("transcript " + recorded.name, recorded.server_key(),
                                  constructs.from_spki(fields["clientEphemeralKey"]), fields)
        assert entry["sessionKey"] == recorded.key
        yield entry


def session_key_entry(comment, server, client_public, fields, extra=()):
    z = constructs.shared_secret(server, client_public)
    names = ("clientSessionId", "serverSessionId", "issuerUri")
    ids = {name: fields[name] for name in names}
    return {"comment": comment, "curve": constructs.curve_name(server),
            "serverPrivateKey": constructs.pkcs8(server),
            "serverPublicKey": constructs.spki(server.public_key()), **dict(extra),
            "clientPublicKey": constructs.spki(client_public), "z": z, **ids,
            "deviceId": fields["deviceId"],
            "sessionKey": constructs.session_key(z, *ids.values(), fields["deviceId"])}


def attestation_fields(curve, device_id, **changes):
    server, client = ephemeral(curve)
    return {**IDS, "deviceId": device_id, "sessionKeyAlgorithm": constructs.SESSION_1,
            "privacyEnabled": device_id == constructs.ANONYMOUS,
            "serverEphemeralKey": constructs.spki(server.public_key()),
            "clientEphemeralKey": constructs.spki(client.public_key()),
            "keyManagementKey": b"", "clientTime": 1795300000, "sessionLifeTime": 600,
            "sessionKeyLimit": 200, "serverCertificate": b"", **changes}


def session_attestations():
    kmk = constructs.spki(MANAGEMENT_KEYS["P-256"].public_key())
    tls = fixed_keys.certificate("issuer.example", MANAGEMENT_KEYS["P-384"].public_key())
    for name, key in DEVICE_KEYS.items():
        for comment, changes in (
                ("no key management key, http", {}),
                ("key management key and server certificate",
                 {"keyManagementKey": kmk, "serverCertificate": tls}),
                ("largest numbers", {"clientTime": 0xFFFFFFFF, "sessionLifeTime": 65535,
                                     "sessionKeyLimit": 65535})):
            fields = attestation_fields("P-256", DEVICES[name], **changes)
            data = constructs.session_attestation_data(fields)
            yield attestation_entry("%s device, %s" % (name, comment), fields,
                                    fixed_keys.KINDS[name], checked(key, data),
                                    {"devicePublicKey": constructs.spki(key.public_key())})
    for curve in constructs.CURVES:
        fields = attestation_fields(curve, constructs.ANONYMOUS, keyManagementKey=kmk)
        data = constructs.session_attestation_data(fields)
        yield attestation_entry(curve + ", privacy mode", fields, "HMAC",
                                constructs.hmac_sha256(SESSION_KEY, data),
                                {"sessionKey": SESSION_KEY})
    for recorded in transcripts.load_all():
        fields, public_key = recorded.fields(), recorded.device_key()
        assert constructs.verifies(public_key, recorded.attestation(),
                                   constructs.session_attestation_data(fields))
        yield attestation_entry("transcript " + recorded.name, fields, "RSA",
                                recorded.attestation(),
                                {"devicePublicKey": constructs.spki(public_key)})


def attestation_entry(comment, fields, kind, attestation, extra):
    return {"comment": comment, **fields, "data": constructs.session_attestation_data(fields),
            "kind": kind, **extra, "attestation": attestation}


def sessions_2010():
    server = MANAGEMENT_KEYS["RSA-2048"]
    public = constructs.spki(server.public_key())
    for name, device in DEVICE_KEYS.items():
        for comment, changes in (
                ("printable ids", {"server_session_id": b"0123456789abcdefghijklmnopqrstuv",
                                   "client_session_id": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.!~*"}),
                ("longest life time", {"life_time": 0xFFFFFFFF})):
            fields = {"server_session_id": fixed_bytes("server nonce", 32),
                      "client_session_id": fixed_bytes("client nonce", 32),
                      "provisioning_uri": "https://issuer.example/2010",
                      "server_public_key": public, "life_time": 65537, **changes}
            data = constructs_2010.attestation_data(SESSION_KEY, fields)
            encrypted = fixed_keys.oaep_encrypt(server.public_key(), SESSION_KEY)
            assert server.decrypt(encrypted, constructs_2010.oaep()) == SESSION_KEY
            yield {"comment": "%s device, %s" % (name, comment), **fields,
                   "serverPrivateKey": constructs.pkcs8(server), "sessionKey": SESSION_KEY,
                   "encrypted_session_key": encrypted, "data": data,
                   "kind": fixed_keys.KINDS[name],
                   "devicePublicKey": constructs.spki(device.public_key()),
                   "attestation": checked(device, data)}


def method_macs():
    names = [mac_name for mac_name, _ in constructs.MAC_DATA.values()]
    cases = [(name, counter) for name in names[:3] for counter in COUNTERS]
    cases += [(name, 7) for name in names[3:]]
    for name, counter in cases:
        data = fixed_bytes("data of " + name, 45)
        yield {"comment": "%s, counter %d" % (name, counter), "sessionKey": SESSION_KEY,
               "method": name, "counter": counter, "data": data,
               "mac": constructs.method_mac(SESSION_KEY, name, counter, data)}
    yield {"comment": "no data at all", "sessionKey": SESSION_KEY, "method": "postDeleteKey",
           "counter": 0, "data": b"",
           "mac": constructs.method_mac(SESSION_KEY, "postDeleteKey", 0, b"")}


def attestations():
    for counter in COUNTERS:
        data = fixed_bytes("attested", 32)
        yield attestation_of("counter %d" % counter, SESSION_KEY, counter, data)
    public_key = constructs.spki(DEVICE_KEYS["RSA-2048"].public_key())
    data = constructs.key_attestation_data(public_key, fixed_bytes("mac", 32))
    yield attestation_of("of createKeyEntry: publicKey and mac", SESSION_KEY, 3, data)
    data = constructs.close_attestation_data(fixed_bytes("close nonce", 32))
    yield attestation_of("of closeProvisioningSession: nonce", SESSION_KEY, 9, data)
    for recorded in transcripts.load_all():
        for (comment, _, _), (counter, answer) in recorded_macs(recorded):
            if answer:
                entry = attestation_of(comment, recorded.key, counter + 1, answer[0])
                assert entry["attestation"] == answer[1]
                yield entry


def attestation_of(comment, key, counter, data):
    return {"comment": comment, "sessionKey": key, "counter": counter, "data": data,
            "attestation": constructs.attestation(key, counter, data)}


def encrypted_data():
    for size in (0, 1, 15, 16, 17, 100):
        plain, iv = fixed_bytes("plain", size), fixed_bytes("iv %d" % size, 16)
        encrypted = constructs.encrypt(SESSION_KEY, plain, iv)
        assert constructs.decrypt(SESSION_KEY, encrypted) == plain
        yield {"comment": "%d bytes" % size, "sessionKey": SESSION_KEY,
               "encryptionKey": constructs.encryption_key(SESSION_KEY),
               "iv": iv, "plain": plain, "encrypted": encrypted}
    for recorded in transcripts.load_all():
        for comment, encrypted, plain in recorded_secrets(recorded):
            assert constructs.decrypt(recorded.key, encrypted) == plain
            yield {"comment": comment, "sessionKey": recorded.key,
                   "encryptionKey": constructs.encryption_key(recorded.key),
                   "iv": encrypted[:16], "plain": plain, "encrypted": encrypted}


def recorded_secrets(recorded):
    clear = recorded.raw["clearText"]
    for step, _ in recorded.steps():
        comment = "transcript %s %s" % (recorded.name, step.method)
        if step.method == "createPukPolicy":
            yield comment, step.fields["encryptedPuk"], clear["puk"].encode()
        if step.method == "importSymmetricKey":
            yield comment, step.fields["encryptedKey"], bytes.fromhex(clear["symmetricKeyHex"])


def encrypted_data_bad():
    """All of these must be refused: wrong lengths, wrong padding."""
    good = constructs.encrypt(SESSION_KEY, b"0123456789", bytes(16))
    cases = (("nothing", b""), ("an IV only", good[:16]), ("shorter than an IV", good[:15]),
             ("not whole blocks", good + b"\0"),
             ("last byte of padding is 0", last_byte(good, 6)),
             ("last byte of padding is 17", last_byte(good, 6 ^ 17)),
             ("last byte of padding is 7, the others 6", last_byte(good, 6 ^ 7)))
    for comment, encrypted in cases:
        yield {"comment": comment, "sessionKey": SESSION_KEY, "encrypted": encrypted}


def last_byte(encrypted, difference):
    """Changes the last plain byte of a one-block message through the IV in front of it."""
    return encrypted[:15] + bytes([encrypted[15] ^ difference]) + encrypted[16:]


def target_key_references():
    target = fixed_keys.ec_key("target", ec.SECP256R1()).public_key()
    end_entity = fixed_keys.certificate("Target", target)
    for name in ("RSA-2048", "P-256"):
        for device_id in (DEVICES["P-256"], constructs.ANONYMOUS):
            data = constructs.target_key_reference_data(SESSION_KEY, device_id, end_entity)
            key = MANAGEMENT_KEYS[name]
            yield {"comment": "%s key management key, %s" % (
                       name, "privacy mode" if device_id == constructs.ANONYMOUS else "device id"),
                   "sessionKey": SESSION_KEY, "deviceId": device_id, "certificate": end_entity,
                   "data": data, "keyManagementKey": constructs.spki(key.public_key()),
                   "authorization": checked(key, data)}
    yield from recorded_target_references()


def recorded_target_references():
    """The targets of kmk-manage are keys of kmk-create, named there by certificate fingerprint."""
    recorded = {item.name: item for item in transcripts.load_all()}
    old, new = recorded["kmk-create"], recorded["kmk-manage"]
    paths = old.messages["ProvisioningFinalizationRequest"]["issuedCredentials"]
    targets = {}
    for credential in paths:
        der = transcripts.from_base64url(credential["certificatePath"][0])
        targets[base64url(hashlib.sha256(der).digest())] = der
    kmk = old.fields()["keyManagementKey"]
    for step, _ in new.steps():
        if not step.method.startswith("post"):
            continue
        der = targets[step.source["fingerPrint"]]
        data = constructs.target_key_reference_data(new.key, new.device, der)
        assert constructs.verifies(constructs.from_spki(kmk), step.fields["authorization"], data)
        yield {"comment": "transcript kmk-manage " + step.method, "sessionKey": new.key,
               "deviceId": new.device, "certificate": der, "data": data, "keyManagementKey": kmk,
               "authorization": step.fields["authorization"]}


def kmk_roll_overs():
    for old_name, new_name in (("RSA-2048", "P-256"), ("P-256", "RSA-2048"), ("P-256", "P-384")):
        old, new = MANAGEMENT_KEYS[old_name], MANAGEMENT_KEYS[new_name].public_key()
        data = constructs.kmk_roll_over_data(constructs.spki(new))
        yield {"comment": "%s to %s" % (old_name, new_name),
               "oldKey": constructs.spki(old.public_key()), "newKey": constructs.spki(new),
               "data": data, "authorization": checked(old, data)}


def mac_data():
    for counter, (method, comment, fields) in enumerate(MAC_CASES):
        yield mac_entry(comment, method, fields, SESSION_KEY, counter)
    for recorded in transcripts.load_all():
        for (comment, step, mac), (counter, _) in recorded_macs(recorded):
            entry = mac_entry(comment, step.method, step.fields, recorded.key, counter)
            assert entry["mac"] == mac
            yield entry


def recorded_macs(recorded):
    counter = 0
    for step, answer in recorded.steps():
        yield (("transcript %s %s, counter %d" % (recorded.name, step.method, counter), step,
                step.mac), (counter, answer))
        counter += 2 if answer else 1


def mac_entry(comment, method, fields, key, counter):
    name, table = constructs.MAC_DATA[method]
    data = constructs.mac_data(method, fields)
    return {"comment": comment, "method": method, "macName": name,
            "fields": {field: fields[field] for field, _, _ in table}, "data": data,
            "sessionKey": key, "counter": counter,
            "mac": constructs.method_mac(key, name, counter, data)}


def jwks():
    keys = {name: fixed_keys.ec_key("jwk " + name, curve)
            for name, curve in constructs.CURVES.items()}
    keys["P-256 with a coordinate that begins with 0"] = next(
        key for key in (fixed_keys.ec_key("jwk %d" % n, ec.SECP256R1()) for n in range(5000))
        if key.public_key().public_numbers().x >> 248 == 0)
    keys["RSA-2048"] = DEVICE_KEYS["RSA-2048"]
    keys["Ed25519"] = fixed_keys.ed25519_key("jwk")
    for comment, key in keys.items():
        public_key = key.public_key()
        assert constructs.spki(constructs.from_jwk(constructs.to_jwk(public_key))) \
            == constructs.spki(public_key)
        yield {"comment": comment, "jwk": constructs.to_jwk(public_key),
               "spki": constructs.spki(public_key)}


def raw_signatures():
    """The r||s form beside the DER form of the same signature."""
    for name, curve in constructs.CURVES.items():
        key = fixed_keys.ec_key("signer", curve)
        data = fixed_bytes("signed", 20)
        raw = checked(key, data)
        yield {"comment": name + ", SHA-256", "publicKey": constructs.spki(key.public_key()),
               "data": data, "raw": raw, "der": constructs.from_raw_ecdsa(raw)}


def base64urls():
    for size in (0, 1, 2, 3, 4, 32, 33):
        raw = fixed_bytes("base64url", size)
        yield {"comment": "%d bytes" % size, "raw": raw, "text": base64url(raw)}
    yield {"comment": "both special characters", "raw": b"\xfb\xff\xbf", "text": "-_-_"}


def base64urls_bad():
    for comment, text in (("padding", "AA=="), ("plain base64 character +", "+-AA"),
                          ("plain base64 character /", "/-AA"), ("one character", "A"),
                          ("five characters", "AAAAA"), ("unused bits of 1 byte not zero", "AB"),
                          ("unused bits of 2 bytes not zero", "AAB"), ("space", "AA AA"),
                          ("line break", "AAAA\nAAAA"), ("not ASCII", "AAé")):
        yield {"comment": comment, "text": text}


LISTS = {
    "sessionKey": session_keys, "sessionAttestation": session_attestations,
    "methodMac": method_macs, "attestation": attestations, "encryptedData": encrypted_data,
    "encryptedDataBad": encrypted_data_bad, "targetKeyReference": target_key_references,
    "kmkRollOver": kmk_roll_overs, "macData": mac_data, "jwk": jwks,
    "ecdsaRaw": raw_signatures, "base64url": base64urls, "base64urlBad": base64urls_bad,
    "session2010": sessions_2010,
}


def to_hex(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: to_hex(item) for name, item in value.items()}
    if isinstance(value, list):
        return [to_hex(item) for item in value]
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    content = {name: [to_hex(entry) for entry in make()] for name, make in LISTS.items()}
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    if not options.check:
        OUTPUT.write_text(text)
    elif not OUTPUT.exists() or OUTPUT.read_text() != text:
        print("%s is not what %s writes" % (OUTPUT.name, Path(__file__).name), file=sys.stderr)
        return 1
    print(", ".join("%s %d" % (name, len(entries)) for name, entries in content.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
