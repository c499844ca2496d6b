"""KeyGen2 messages: the envelope, and which SKS calls with which MAC data a request stands for."""

import json
from dataclasses import dataclass

from .sks_types import array, encode, from_base64url, number, patterns

CONTEXT = "https://webpki.github.io/keygen2#20190318"
EXTENSION_ENCRYPTED = 1     # subType
# Properties of a credential that become extensions, in the order of execution.
EXTENSIONS = ("extensions", "encryptedExtensions", "propertyBags", "logotypes")


@dataclass
class Step:
    """One call that carries a MAC: the method, its MAC's fields, the MAC and the JSON object."""
    method: str
    fields: dict
    mac: bytes
    source: dict


def message(qualifier, **properties):
    return {"@context": CONTEXT, "@qualifier": qualifier, **properties}


def dumps(body):
    return json.dumps(body, ensure_ascii=False, indent=2).encode()


def puk_fields(spec):
    return {"id": spec["id"], "encryptedPuk": from_base64url(spec["encryptedPuk"]),
            "format": number("format", spec["format"]), "retryLimit": spec["retryLimit"]}


def pin_fields(spec, puk_id):
    preset = any("encryptedPin" in key for key in spec["keyEntrySpecifiers"])
    return {"id": spec["id"], "pukPolicyId": puk_id, "userDefined": not preset,
            "userModifiable": spec.get("userModifiable", True),
            "format": number("format", spec["format"]), "retryLimit": spec["retryLimit"],
            "grouping": number("grouping", spec.get("grouping", "none")),
            "patternRestrictions": patterns(spec.get("patternRestrictions", ())),
            "minLength": spec["minLength"], "maxLength": spec["maxLength"],
            "inputMethod": number("inputMethod", spec.get("inputMethod", "any"))}


def key_fields(spec, pin_id, key_entry_algorithm):
    defaults = (("biometricProtection", "none"), ("exportProtection", "non-exportable"),
                ("deleteProtection", "none"))
    fields = {name: number(name, spec.get(name, default)) for name, default in defaults}
    fields |= {name: from_base64url(spec.get(name, ""))
               for name in ("serverSeed", "encryptedPin", "keyParameters")}
    fields |= {name: spec.get(name, False) for name in ("devicePinProtection", "enablePinCaching")}
    return fields | {
        "id": spec["id"], "keyEntryAlgorithm": key_entry_algorithm, "pinPolicyId": pin_id,
        "appUsage": number("appUsage", spec["appUsage"]),
        "friendlyName": spec.get("friendlyName", ""), "keyAlgorithm": spec["keyAlgorithm"],
        "endorsedAlgorithm": spec.get("endorsedAlgorithms", [])}


def _mac(source):
    return from_base64url(source.get("mac", ""))


def key_creation_steps(request):
    """The calls of a KeyCreationRequest in the order in which they are made."""
    steps = []

    def add(method, fields, source):
        steps.append(Step(method, fields, _mac(source), source))

    def add_keys(owner, pin_id):
        for spec in owner.get("keyEntrySpecifiers", ()):
            add("createKeyEntry", key_fields(spec, pin_id, request["keyEntryAlgorithm"]), spec)

    def add_pins(owner, puk_id):
        for spec in owner.get("pinPolicySpecifiers", ()):
            add("createPinPolicy", pin_fields(spec, puk_id), spec)
            add_keys(spec, spec["id"])

    for spec in request.get("pukPolicySpecifiers", ()):
        add("createPukPolicy", puk_fields(spec), spec)
        add_pins(spec, spec["id"])
    add_pins(request, "")
    add_keys(request, "")
    return steps


def property_bag(properties):
    return b"".join(array(item["name"].encode()) + encode("bool", item.get("writable", False))
                    + array(item["value"].encode()) for item in properties)


def _post_step(method, end_entity, source):
    fields = {"authorization": from_base64url(source["authorization"])}
    if end_entity is not None:
        fields["endEntityCertificate"] = end_entity
    return Step(method, fields, _mac(source), source)


def _credential_steps(credential, public_key):
    path = [from_base64url(der) for der in credential["certificatePath"]]
    yield Step("setCertificatePath",
               {"publicKey": public_key, "id": credential["id"], "certificate": path},
               _mac(credential), credential)
    for name in ("importSymmetricKey", "importPrivateKey"):
        if name in credential:
            source = credential[name]
            yield Step(name, {"endEntityCertificate": path[0],
                              "encryptedKey": from_base64url(source["encryptedKey"])},
                       _mac(source), source)
    for sub_type, name in enumerate(EXTENSIONS):
        for source in credential.get(name, ()):
            data = (property_bag(source["properties"]) if name == "propertyBags"
                    else from_base64url(source["extensionData"]))
            yield Step("addExtension",
                       {"endEntityCertificate": path[0], "type": source["type"],
                        "subType": sub_type, "qualifier": source.get("mimeType", ""),
                        "extensionData": data}, _mac(source), source)
    for name, method in (("cloneKeyProtection", "postCloneKeyProtection"),
                         ("updateKey", "postUpdateKey")):
        if name in credential:
            yield _post_step(method, path[0], credential[name])


def finalization_steps(request, public_keys, session):
    """The calls of a ProvisioningFinalizationRequest; public_keys maps ids to SPKI DER and
    session names clientSessionId, serverSessionId and issuerUri for the last one, the close."""
    steps = []
    for credential in request.get("issuedCredentials", ()):
        steps.extend(_credential_steps(credential, public_keys[credential["id"]]))
    for name, method in (("unlockKeys", "postUnlockKey"), ("deleteKeys", "postDeleteKey")):
        steps.extend(_post_step(method, None, source) for source in request.get(name, ()))
    close = request["sessionCloseData"]
    fields = {**session, "nonce": from_base64url(close["nonce"])}
    steps.append(Step("closeProvisioningSession", fields, _mac(close), close))
    return steps
