/* Inputs out of range or that do not go together: one change of a right call, under a right MAC. */
#include "conform/token/families.h"
#include "conform/token/scene.h"

#include <string.h>

enum { CHANGES_MAX = 5 };

static const char LONG_ID[] = "123456789012345678901234567890123"; /* 33 characters */

/* RFC 8032, 7.1, TEST 1. */
#define ED25519_KEY                                                                                \
    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b"     \
    "\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a"

#define ALGORITHM(name) "https://webpki.github.io/sks/algorithm#" name
#define MORE(name) "http://www.w3.org/2001/04/xmldsig-more#" name

/* The key of a scene: where it is made. */
enum ground { USUAL, BARE /* no PIN, no PUK */ };

struct refusal {
    enum method_id method;
    const char *name;
    enum sks_status status;
    struct change change[CHANGES_MAX];
    enum ground ground;
    const char *title;
    uint64_t needs;
    bool preset; /* under a PIN policy that is not the user's */
    bool open_number;
    enum case_level level;
};

#define NUMBER(field, value)                                                                       \
    {                                                                                              \
        field, value, NULL, 0                                                                      \
    }
#define TEXT(field, value)                                                                         \
    {                                                                                              \
        field, 0, value, 0                                                                         \
    }
#define OCTETS(field, octet, size)                                                                 \
    {                                                                                              \
        field, octet, NULL, size                                                                   \
    }

#define ROW(to, called, code, ...)                                                                 \
    {                                                                                              \
        .method = to, .name = called, .status = code, .change = { __VA_ARGS__ }                    \
    }
#define TOLD(to, called, code, text, ...)                                                          \
    {                                                                                              \
        .method = to, .name = called, .status = code, .title = text, .change = { __VA_ARGS__ }     \
    }
/* What the texts want refused without a word on the number, or the reference implementation answers
 * with another one than the texts. */
#define OPEN_ROW(to, called, code, ...)                                                            \
    {                                                                                              \
        .method = to, .name = called, .status = code, .open_number = true, .change = {             \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OPEN_TOLD(to, called, code, text, ...)                                                     \
    {                                                                                              \
        .method = to, .name = called, .status = code, .open_number = true, .title = text,          \
        .change = {                                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* createKeyEntry where the token can or lacks something; without a PIN; with a preset one. */
#define ABLE_KEY(called, code, what, text, ...)                                                    \
    {                                                                                              \
        .method = CREATE_KEY_ENTRY, .name = called, .status = code, .title = text, .needs = what,  \
        .change = {                                                                                \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define BARE_KEY(called, code, what, text, ...)                                                    \
    {                                                                                              \
        .method = CREATE_KEY_ENTRY, .name = called, .status = code, .title = text, .needs = what,  \
        .change = { __VA_ARGS__ }, .ground = BARE                                                  \
    }
#define PRESET_KEY(called, code, text, ...)                                                        \
    {                                                                                              \
        .method = CREATE_KEY_ENTRY, .name = called, .status = code, .title = text,                 \
        .change = { __VA_ARGS__ }, .preset = true                                                  \
    }

static const struct refusal PUK[] = {
    ROW(CREATE_PUK_POLICY, "format-4", SKS_ERROR_OPTION, NUMBER("format", 4)),
    ROW(CREATE_PUK_POLICY, "format-255", SKS_ERROR_OPTION, NUMBER("format", 255)),
    ROW(CREATE_PUK_POLICY, "retryLimit-10001", SKS_ERROR_OPTION, NUMBER("retryLimit", 10001)),
    ROW(CREATE_PUK_POLICY, "retryLimit-65535", SKS_ERROR_OPTION, NUMBER("retryLimit", 65535)),
    ROW(CREATE_PUK_POLICY, "id-empty", SKS_ERROR_OPTION, TEXT("id", "")),
    ROW(CREATE_PUK_POLICY, "id-of-33", SKS_ERROR_OPTION, TEXT("id", LONG_ID)),
    ROW(CREATE_PUK_POLICY, "id-with-space", SKS_ERROR_OPTION, TEXT("id", "a b")),
    ROW(CREATE_PUK_POLICY, "id-beyond-ascii", SKS_ERROR_OPTION, TEXT("id", "\xc3\xa4")),
    ROW(CREATE_PUK_POLICY, "id-with-delete", SKS_ERROR_OPTION, TEXT("id", "a\x7f")),
    OPEN_ROW(CREATE_PUK_POLICY, "encryptedPuk-empty", SKS_ERROR_CRYPTO,
             OCTETS("encryptedPuk", 0, 0)),
    OPEN_TOLD(CREATE_PUK_POLICY, "encryptedPuk-of-16", SKS_ERROR_CRYPTO,
              "an IV with nothing behind it does not decrypt", OCTETS("encryptedPuk", 1, 16)),
    TOLD(CREATE_PUK_POLICY, "encryptedPuk-of-33", SKS_ERROR_CRYPTO,
         "encrypted data is a multiple of 16 octets", OCTETS("encryptedPuk", 1, 33)),
};

static const struct refusal PIN[] = {
    ROW(CREATE_PIN_POLICY, "format-4", SKS_ERROR_OPTION, NUMBER("format", 4)),
    ROW(CREATE_PIN_POLICY, "retryLimit-0", SKS_ERROR_OPTION, NUMBER("retryLimit", 0)),
    ROW(CREATE_PIN_POLICY, "retryLimit-10001", SKS_ERROR_OPTION, NUMBER("retryLimit", 10001)),
    ROW(CREATE_PIN_POLICY, "retryLimit-32768", SKS_ERROR_OPTION, NUMBER("retryLimit", 32768)),
    ROW(CREATE_PIN_POLICY, "grouping-4", SKS_ERROR_OPTION, NUMBER("grouping", 4)),
    ROW(CREATE_PIN_POLICY, "inputMethod-3", SKS_ERROR_OPTION, NUMBER("inputMethod", 3)),
    ROW(CREATE_PIN_POLICY, "patternRestrictions-32", SKS_ERROR_OPTION,
        NUMBER("patternRestrictions", 32)),
    ROW(CREATE_PIN_POLICY, "patternRestrictions-128", SKS_ERROR_OPTION,
        NUMBER("patternRestrictions", 128)),
    TOLD(CREATE_PIN_POLICY, "missing-group-numeric", SKS_ERROR_OPTION,
         "missing-group goes with alphanumeric and string only",
         NUMBER("patternRestrictions", PATTERN_MISSING_GROUP)),
    TOLD(CREATE_PIN_POLICY, "missing-group-binary", SKS_ERROR_OPTION,
         "missing-group goes with alphanumeric and string only",
         NUMBER("patternRestrictions", PATTERN_MISSING_GROUP), NUMBER("format", FORMAT_BINARY)),
    ROW(CREATE_PIN_POLICY, "minLength-0", SKS_ERROR_OPTION, NUMBER("minLength", 0)),
    ROW(CREATE_PIN_POLICY, "maxLength-129", SKS_ERROR_OPTION, NUMBER("maxLength", 129)),
    TOLD(CREATE_PIN_POLICY, "maxLength-below-minLength", SKS_ERROR_OPTION,
         "maxLength is at least minLength", NUMBER("maxLength", 3)),
    TOLD(CREATE_PIN_POLICY, "pukPolicyHandle-of-nobody", SKS_ERROR_OPTION,
         "the PUK policy is one of the session's", NUMBER("pukPolicyHandle", 0x7ffffff1)),
    ROW(CREATE_PIN_POLICY, "id-empty", SKS_ERROR_OPTION, TEXT("id", "")),
    ROW(CREATE_PIN_POLICY, "id-of-33", SKS_ERROR_OPTION, TEXT("id", LONG_ID)),
};

static const struct refusal KEY[] = {
    ROW(CREATE_KEY_ENTRY, "keyEntryAlgorithm-unknown", SKS_ERROR_ALGORITHM,
        TEXT("keyEntryAlgorithm", ALGORITHM("key.2"))),
    ROW(CREATE_KEY_ENTRY, "keyEntryAlgorithm-empty", SKS_ERROR_ALGORITHM,
        TEXT("keyEntryAlgorithm", "")),
    OPEN_ROW(CREATE_KEY_ENTRY, "keyAlgorithm-unknown", SKS_ERROR_OPTION,
             TEXT("keyAlgorithm", ALGORITHM("ec.nist.p192"))),
    OPEN_TOLD(CREATE_KEY_ENTRY, "keyAlgorithm-of-no-key", SKS_ERROR_OPTION,
              "an algorithm of signatures makes no keys",
              TEXT("keyAlgorithm", MORE("ecdsa-sha256"))),
    OPEN_ROW(CREATE_KEY_ENTRY, "keyAlgorithm-empty", SKS_ERROR_OPTION, TEXT("keyAlgorithm", "")),
    TOLD(CREATE_KEY_ENTRY, "keyParameters-for-ec", SKS_ERROR_OPTION,
         "only algorithms that end in .exp take parameters", OCTETS("keyParameters", 3, 1)),
    TOLD(CREATE_KEY_ENTRY, "keyParameters-missing", SKS_ERROR_OPTION,
         "algorithms that end in .exp want an exponent",
         TEXT("keyAlgorithm", ALGORITHM("rsa2048.exp"))),
    OPEN_ROW(CREATE_KEY_ENTRY, "exponent-even", SKS_ERROR_CRYPTO,
             TEXT("keyAlgorithm", ALGORITHM("rsa2048.exp")), OCTETS("keyParameters", 4, 1)),
    OPEN_ROW(CREATE_KEY_ENTRY, "exponent-1", SKS_ERROR_CRYPTO,
             TEXT("keyAlgorithm", ALGORITHM("rsa2048.exp")), OCTETS("keyParameters", 1, 1)),
    { .method = CREATE_KEY_ENTRY,
      .name = "exponent-negative",
      .status = SKS_ERROR_CRYPTO,
      .title = "an exponent is a signed number",
      .level = LEVEL_SHOULD, /* the texts say positive, which can be read as unsigned */
      .change = { TEXT("keyAlgorithm", ALGORITHM("rsa2048.exp")),
                  OCTETS("keyParameters", 0x81, 1) } },
    ROW(CREATE_KEY_ENTRY, "exponent-of-9-octets", SKS_ERROR_OPTION,
        TEXT("keyAlgorithm", ALGORITHM("rsa2048.exp")), OCTETS("keyParameters", 1, 9)),
    ROW(CREATE_KEY_ENTRY, "serverSeed-of-65", SKS_ERROR_OPTION, OCTETS("serverSeed", 1, 65)),
    ROW(CREATE_KEY_ENTRY, "friendlyName-of-101", SKS_ERROR_OPTION,
        OCTETS("friendlyName", 'a', 101)),
    ROW(CREATE_KEY_ENTRY, "exportProtection-4", SKS_ERROR_OPTION, NUMBER("exportProtection", 4)),
    ROW(CREATE_KEY_ENTRY, "deleteProtection-4", SKS_ERROR_OPTION, NUMBER("deleteProtection", 4)),
    ROW(CREATE_KEY_ENTRY, "appUsage-4", SKS_ERROR_OPTION, NUMBER("appUsage", 4)),
    ROW(CREATE_KEY_ENTRY, "biometricProtection-4", SKS_ERROR_OPTION,
        NUMBER("biometricProtection", 4)),
    ABLE_KEY("biometrics-without", SKS_ERROR_OPTION, NEEDS(LACKS_BIOMETRICS),
             "the token has no biometrics", NUMBER("biometricProtection", BIOMETRIC_ALTERNATIVE)),
    BARE_KEY("device-pin-without", SKS_ERROR_OPTION, NEEDS(LACKS_DEVICE_PIN),
             "the token has no device PIN", NUMBER("devicePinProtection", 1)),
    ABLE_KEY("device-pin-and-policy", SKS_ERROR_OPTION, NEEDS(CAN_DEVICE_PIN),
             "a device PIN stands alone", NUMBER("devicePinProtection", 1)),
    ABLE_KEY("exclusive-biometrics-and-policy", SKS_ERROR_OPTION, NEEDS(CAN_BIOMETRICS),
             "exclusive biometrics go without a PIN",
             NUMBER("biometricProtection", BIOMETRIC_EXCLUSIVE)),
    BARE_KEY("alternative-biometrics-alone", SKS_ERROR_OPTION, NEEDS(CAN_BIOMETRICS),
             "alternative biometrics want a PIN",
             NUMBER("biometricProtection", BIOMETRIC_ALTERNATIVE)),
    BARE_KEY("combined-biometrics-alone", SKS_ERROR_OPTION, NEEDS(CAN_BIOMETRICS),
             "combined biometrics want a PIN", NUMBER("biometricProtection", BIOMETRIC_COMBINED)),
    TOLD(CREATE_KEY_ENTRY, "pinPolicyHandle-of-nobody", SKS_ERROR_OPTION,
         "the PIN policy is one of the session's", NUMBER("pinPolicyHandle", 0x7ffffff1)),
    BARE_KEY("pin-without-policy", SKS_ERROR_OPTION, 0, "a PIN has a policy",
             TEXT("pinValue", "4711")),
    BARE_KEY("export-by-pin-without", SKS_ERROR_OPTION, 0, "there is no PIN to protect by",
             NUMBER("exportProtection", PROTECTION_PIN)),
    BARE_KEY("export-by-puk-without", SKS_ERROR_OPTION, 0, "there is no PUK to protect by",
             NUMBER("exportProtection", PROTECTION_PUK)),
    BARE_KEY("delete-by-pin-without", SKS_ERROR_OPTION, 0, "there is no PIN to protect by",
             NUMBER("deleteProtection", PROTECTION_PIN)),
    BARE_KEY("delete-by-puk-without", SKS_ERROR_OPTION, 0, "there is no PUK to protect by",
             NUMBER("deleteProtection", PROTECTION_PUK)),
    TOLD(CREATE_KEY_ENTRY, "caching-without-trusted-gui", SKS_ERROR_OPTION,
         "a PIN is cached where a trusted GUI asks for it", NUMBER("enablePinCaching", 1)),
    BARE_KEY("caching-without-policy", SKS_ERROR_OPTION, 0, "there is no PIN to cache",
             NUMBER("enablePinCaching", 1)),
    OPEN_ROW(CREATE_KEY_ENTRY, "endorsed-unknown", SKS_ERROR_OPTION,
             TEXT("endorsedAlgorithm", ALGORITHM("unknown"))),
    OPEN_ROW(CREATE_KEY_ENTRY, "endorsed-empty", SKS_ERROR_OPTION, TEXT("endorsedAlgorithm", "")),
    { .method = CREATE_KEY_ENTRY,
      .name = "preset-of-16",
      .status = SKS_ERROR_CRYPTO,
      .title = "an encrypted PIN is an IV and a block at least",
      .change = { OCTETS("pinValue", 1, 16) },
      .preset = true,
      .open_number = true },
    PRESET_KEY("preset-of-33", SKS_ERROR_CRYPTO, "encrypted data is a multiple of 16 octets",
               OCTETS("pinValue", 1, 33)),
    ROW(CREATE_KEY_ENTRY, "id-empty", SKS_ERROR_OPTION, TEXT("id", "")),
    ROW(CREATE_KEY_ENTRY, "id-of-33", SKS_ERROR_OPTION, TEXT("id", LONG_ID)),
    ROW(CREATE_KEY_ENTRY, "id-with-space", SKS_ERROR_OPTION, TEXT("id", " ")),
};

static const struct refusal OTHERS[] = {
    ROW(CLOSE_PROVISIONING_SESSION, "nonce-empty", SKS_ERROR_OPTION, OCTETS("nonce", 0, 0)),
    ROW(CLOSE_PROVISIONING_SESSION, "nonce-of-33", SKS_ERROR_OPTION, OCTETS("nonce", 1, 33)),
    OPEN_ROW(SET_CERTIFICATE_PATH, "certificate-of-no-der", SKS_ERROR_CRYPTO,
             TEXT("certificate", "no certificate")),
    OPEN_ROW(SET_CERTIFICATE_PATH, "certificate-empty", SKS_ERROR_CRYPTO, TEXT("certificate", "")),
    OPEN_ROW(IMPORT_SYMMETRIC_KEY, "encryptedKey-empty", SKS_ERROR_CRYPTO,
             OCTETS("encryptedKey", 0, 0)),
    OPEN_ROW(IMPORT_SYMMETRIC_KEY, "encryptedKey-of-16", SKS_ERROR_CRYPTO,
             OCTETS("encryptedKey", 1, 16)),
    OPEN_ROW(IMPORT_SYMMETRIC_KEY, "encryptedKey-of-161", SKS_ERROR_OPTION,
             OCTETS("encryptedKey", 1, 161)),
    OPEN_ROW(IMPORT_PRIVATE_KEY, "encryptedKey-empty", SKS_ERROR_CRYPTO,
             OCTETS("encryptedKey", 0, 0)),
    ROW(IMPORT_PRIVATE_KEY, "encryptedKey-of-33", SKS_ERROR_CRYPTO, OCTETS("encryptedKey", 1, 33)),
    OPEN_ROW(IMPORT_PRIVATE_KEY, "encryptedKey-of-16417", SKS_ERROR_OPTION,
             OCTETS("encryptedKey", 1, 16417)),
    ROW(ADD_EXTENSION, "subType-4", SKS_ERROR_OPTION, NUMBER("subType", 4)),
    ROW(ADD_EXTENSION, "type-empty", SKS_ERROR_OPTION, TEXT("type", "")),
    ROW(ADD_EXTENSION, "type-of-1001", SKS_ERROR_OPTION, OCTETS("type", 'a', 1001)),
    TOLD(ADD_EXTENSION, "qualifier-of-no-logotype", SKS_ERROR_OPTION,
         "only a logotype has a qualifier", TEXT("qualifier", "image/png")),
    TOLD(ADD_EXTENSION, "logotype-without-qualifier", SKS_ERROR_OPTION,
         "a logotype has a MIME type", NUMBER("subType", EXTENSION_LOGOTYPE)),
    ROW(ADD_EXTENSION, "qualifier-of-129", SKS_ERROR_OPTION, NUMBER("subType", EXTENSION_LOGOTYPE),
        OCTETS("qualifier", 'a', 129)),
    OPEN_ROW(ADD_EXTENSION, "encrypted-of-16", SKS_ERROR_CRYPTO,
             NUMBER("subType", EXTENSION_ENCRYPTED), OCTETS("extensionData", 1, 16)),
    ROW(ADD_EXTENSION, "encrypted-of-40", SKS_ERROR_CRYPTO, NUMBER("subType", EXTENSION_ENCRYPTED),
        OCTETS("extensionData", 1, 40)),
    TOLD(ADD_EXTENSION, "bag-empty", SKS_ERROR_OPTION, "a property bag has a property",
         NUMBER("subType", EXTENSION_PROPERTY_BAG), OCTETS("extensionData", 0, 0)),
    ROW(ADD_EXTENSION, "bag-of-no-properties", SKS_ERROR_OPTION,
        NUMBER("subType", EXTENSION_PROPERTY_BAG), TEXT("extensionData", "no property bag")),
    TOLD(ADD_EXTENSION, "bag-without-name", SKS_ERROR_OPTION,
         "the name of a property has an octet at least", NUMBER("subType", EXTENSION_PROPERTY_BAG),
         OCTETS("extensionData", 0, 5)),
    ROW(ADD_EXTENSION, "bag-cut", SKS_ERROR_OPTION, NUMBER("subType", EXTENSION_PROPERTY_BAG),
        OCTETS("extensionData", 0, 2)),
    ROW(POST_DELETE_KEY, "target-of-nobody", SKS_ERROR_NO_KEY,
        NUMBER("targetKeyHandle", 0x7ffffff1)),
    ROW(POST_UNLOCK_KEY, "target-of-nobody", SKS_ERROR_NO_KEY,
        NUMBER("targetKeyHandle", 0x7ffffff1)),
    ROW(POST_UPDATE_KEY, "target-of-nobody", SKS_ERROR_NO_KEY,
        NUMBER("targetKeyHandle", 0x7ffffff1)),
    ROW(POST_CLONE_KEY_PROTECTION, "target-of-nobody", SKS_ERROR_NO_KEY,
        NUMBER("targetKeyHandle", 0x7ffffff1)),
    TOLD(POST_DELETE_KEY, "authorization-wrong", SKS_ERROR_OPTION, "r and s that no key has signed",
         OCTETS("authorization", 1, 64)),
    TOLD(POST_DELETE_KEY, "authorization-short", SKS_ERROR_CRYPTO, "a signature of another length",
         OCTETS("authorization", 1, 63)),
    ROW(POST_DELETE_KEY, "authorization-empty", SKS_ERROR_CRYPTO, OCTETS("authorization", 0, 0)),
    TOLD(POST_UNLOCK_KEY, "authorization-wrong", SKS_ERROR_OPTION, "r and s that no key has signed",
         OCTETS("authorization", 1, 64)),
    TOLD(POST_UPDATE_KEY, "authorization-wrong", SKS_ERROR_OPTION, "r and s that no key has signed",
         OCTETS("authorization", 1, 64)),
    TOLD(POST_CLONE_KEY_PROTECTION, "authorization-wrong", SKS_ERROR_OPTION,
         "r and s that no key has signed", OCTETS("authorization", 1, 64)),
};

/* Refused before the MAC is looked at, as the session or the key is not touched: 11 has none. */
static const struct refusal LIVING[] = {
    { .method = GET_KEY_HANDLE,
      .name = "id-unknown",
      .status = SKS_ERROR_OPTION,
      .title = "no key of the session has the id, and the session goes on",
      .level = LEVEL_MAY, /* by the texts it is aborted, by the reference implementation not */
      .change = { TEXT("id", "Nobody.1") } },
    OPEN_ROW(UPDATE_KEY_MANAGEMENT_KEY, "key-empty", SKS_ERROR_CRYPTO,
             TEXT("keyManagementKey", "")),
    OPEN_ROW(UPDATE_KEY_MANAGEMENT_KEY, "key-of-no-der", SKS_ERROR_CRYPTO,
             TEXT("keyManagementKey", "no key")),
    OPEN_TOLD(UPDATE_KEY_MANAGEMENT_KEY, "key-of-ed25519", SKS_ERROR_OPTION,
              "an Ed25519 key is no key management key",
              { "keyManagementKey", 0, ED25519_KEY, sizeof(ED25519_KEY) - 1 }),
    ROW(UPDATE_KEY_MANAGEMENT_KEY, "authorization-wrong", SKS_ERROR_OPTION,
        OCTETS("authorization", 1, 64)),
    ROW(UPDATE_KEY_MANAGEMENT_KEY, "authorization-short", SKS_ERROR_CRYPTO,
        OCTETS("authorization", 1, 63)),
    ROW(GET_EXTENSION, "type-unknown", SKS_ERROR_OPTION, TEXT("type", "https://unknown.example/")),
    ROW(SET_PROPERTY, "type-unknown", SKS_ERROR_OPTION, TEXT("type", "https://unknown.example/")),
    ROW(SET_PROPERTY, "name-unknown", SKS_ERROR_OPTION, TEXT("name", "unknown")),
    TOLD(DELETE_KEY, "authorization-for-nothing", SKS_ERROR_OPTION,
         "a key that is free to be deleted takes no authorization", TEXT("authorization", "4711")),
    TOLD(EXPORT_KEY, "authorization-for-nothing", SKS_ERROR_OPTION,
         "a key that is free to be exported takes no authorization", TEXT("authorization", "4711")),
    ROW(UNLOCK_KEY, "puk-wrong", SKS_ERROR_AUTHORIZATION, TEXT("authorization", "9876543210")),
    ROW(CHANGE_PIN, "pin-wrong", SKS_ERROR_AUTHORIZATION, TEXT("authorization", "9999")),
    ROW(CHANGE_PIN, "newPin-short", SKS_ERROR_OPTION, TEXT("newPin", "123")),
    ROW(CHANGE_PIN, "newPin-long", SKS_ERROR_OPTION, TEXT("newPin", "123456789")),
    ROW(CHANGE_PIN, "newPin-of-letters", SKS_ERROR_OPTION, TEXT("newPin", "abcd")),
    ROW(CHANGE_PIN, "newPin-empty", SKS_ERROR_OPTION, TEXT("newPin", "")),
    ROW(SET_PIN, "puk-wrong", SKS_ERROR_AUTHORIZATION, TEXT("authorization", "9876543210")),
    ROW(SET_PIN, "newPin-short", SKS_ERROR_OPTION, TEXT("newPin", "123")),
    ROW(SET_PIN, "newPin-of-letters", SKS_ERROR_OPTION, TEXT("newPin", "abcd")),
};

/* ---- createProvisioningSession ---- */

static const struct refusal CREATION[] = {
    OPEN_ROW(CREATE_PROVISIONING_SESSION, "sessionKeyAlgorithm-unknown", SKS_ERROR_OPTION,
             TEXT("sessionKeyAlgorithm", ALGORITHM("session.2"))),
    OPEN_ROW(CREATE_PROVISIONING_SESSION, "sessionKeyAlgorithm-empty", SKS_ERROR_OPTION,
             TEXT("sessionKeyAlgorithm", "")),
    ROW(CREATE_PROVISIONING_SESSION, "serverSessionId-empty", SKS_ERROR_OPTION,
        TEXT("serverSessionId", "")),
    ROW(CREATE_PROVISIONING_SESSION, "serverSessionId-of-33", SKS_ERROR_OPTION,
        TEXT("serverSessionId", LONG_ID)),
    ROW(CREATE_PROVISIONING_SESSION, "serverSessionId-with-space", SKS_ERROR_OPTION,
        TEXT("serverSessionId", "a b")),
    ROW(CREATE_PROVISIONING_SESSION, "issuerUri-empty", SKS_ERROR_OPTION, TEXT("issuerUri", "")),
    ROW(CREATE_PROVISIONING_SESSION, "issuerUri-of-1001", SKS_ERROR_OPTION,
        OCTETS("issuerUri", 'a', 1001)),
    OPEN_ROW(CREATE_PROVISIONING_SESSION, "serverEphemeralKey-of-no-der", SKS_ERROR_CRYPTO,
             TEXT("serverEphemeralKey", "no key")),
    OPEN_ROW(CREATE_PROVISIONING_SESSION, "serverEphemeralKey-empty", SKS_ERROR_CRYPTO,
             TEXT("serverEphemeralKey", "")),
    OPEN_ROW(CREATE_PROVISIONING_SESSION, "keyManagementKey-of-no-der", SKS_ERROR_CRYPTO,
             TEXT("keyManagementKey", "no key")),
    ROW(CREATE_PROVISIONING_SESSION, "sessionLifeTime-0", SKS_ERROR_OPTION,
        NUMBER("sessionLifeTime", 0)),
};

/* ---- the functions ---- */

static enum sks_status set(struct scene *scene, struct target *target, struct check *check,
                           const struct refusal *row)
{
    static const struct change PRESET[] = { NUMBER("userDefined", false), { 0 } };
    struct scene_options options = { .no_pin = row->ground == BARE,
                                     .pin = row->preset ? PRESET : NULL };

    if (row->ground == BARE || row->preset)
        return scene_set(scene, target, check, scene_stage(row->method), &options);
    return scene_set_for(scene, target, check, row->method);
}

static enum sks_status change_all(struct scene *scene, struct call *call, const struct refusal *row)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < CHANGES_MAX && row->change[i].field != NULL; i++)
        TRY(call_change(&scene->s, call, &row->change[i]));
out:
    return rc;
}

/* A failure in a session takes the session with it. */
static enum sks_status torn_down(struct check *check, void *end, const void *from)
{
    const struct refusal *row = from;
    struct scene scene = { 0 };
    struct session *s = scene_session(&scene, row->method);
    struct call call;
    enum sks_status rc;

    TRY(set(&scene, end, check, row));
    TRY(scene_call(&scene, row->method, &call));
    if (row->ground == BARE) {
        call.pin = NULL;
        call.in.create_key_entry.pin_policy_handle = 0;
        call.in.create_key_entry.key.pin_value = bytes_of("");
    }
    TRY(change_all(&scene, &call, row));
    TRY(call_do(s, &call, row->status));
    rc = session_is_gone(s);
out:
    scene_free(&scene);
    return rc;
}

/* What is no call of a session tears nothing down: the right call then succeeds. */
static enum sks_status refused(struct check *check, void *end, const void *from)
{
    const struct refusal *row = from;
    struct scene scene = { 0 };
    struct session *s = scene_session(&scene, row->method);
    struct call call, bad;
    enum sks_status rc;

    TRY(set(&scene, end, check, row));
    TRY(scene_call(&scene, row->method, &call));
    bad = call;
    TRY(change_all(&scene, &bad, row));
    TRY(call_send(s, &bad, row->status));
    rc = call_send(s, &call, SKS_OK);
out:
    scene_free(&scene);
    return rc;
}

static const char *title_of(struct cases *cases, const struct refusal *row)
{
    return row->title != NULL ? row->title
                              : cases_text(cases, "%s: out of range, or of a form that it has not",
                                           row->change[0].field);
}

static uint64_t needs_of(const struct refusal *row)
{
    uint64_t needs = row->needs;

    for (size_t i = 0; i < CHANGES_MAX && row->change[i].field != NULL; i++)
        needs |= needs_algorithm(row->change[i].text);
    return needs;
}

static void add_all(struct cases *cases, const struct refusal *table, size_t count,
                    enum sks_status (*run)(struct check *check, void *end, const void *row))
{
    for (size_t i = 0; i < count; i++) {
        const char *name = target_method_name(table[i].method);

        const struct conform_case item = {
            .id = cases_text(cases, "%s.%s", name, table[i].name),
            .title = title_of(cases, &table[i]),
            .section = cases_text(cases, "SKS %s; wire 5", name),
            .level = table[i].level,
            .needs = needs_of(&table[i]),
            .open_number = table[i].open_number,
            .run = run,
            .row = &table[i],
        };

        cases_add(cases, &item);
    }
}

void cases_of_refusals(struct cases *cases)
{
    add_all(cases, CREATION, NITEMS(CREATION), refused);
    add_all(cases, PUK, NITEMS(PUK), torn_down);
    add_all(cases, PIN, NITEMS(PIN), torn_down);
    add_all(cases, KEY, NITEMS(KEY), torn_down);
    add_all(cases, OTHERS, NITEMS(OTHERS), torn_down);
    add_all(cases, LIVING, NITEMS(LIVING), refused);
}
