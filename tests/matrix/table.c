/* Every hole. What is not here, and why, is in docs/matrix.md. */
#include "tests/matrix/holes.h"

#define MAC_HOLE(method, mac, from, at)                                                            \
    {                                                                                              \
        .name = "MAC of " method, .part = { { CHECK_MAC, mac } }, .profile = from,                 \
        .message = method, .path = at                                                              \
    }
#define FIELD_HOLE(method, field, at, from)                                                        \
    {                                                                                              \
        .name = method "." field " in no MAC", .part = { { CHECK_FIELD, method "." field } },      \
        .profile = from, .message = method, .path = at                                             \
    }
/* The fields of a session are attested; of one that nothing comes of, only its change is seen. */
#define SESSION_HOLE(field, is_quiet)                                                              \
    {                                                                                              \
        .name = field " not attested", .part = { { CHECK_FIELD, "session." field } },              \
        .profile = "p256-user-pin", .message = "createProvisioningSession", .path = "/" field,     \
        .quiet = is_quiet                                                                          \
    }
/* Its MAC covers an authorization, and so does the key management key: either will do. */
#define AUTHORIZATION_HOLE(method, from)                                                           \
    {                                                                                              \
        .name = "authorization of " method,                                                        \
        .part = { { CHECK_MAC, method }, { CHECK_KEY_MANAGEMENT_KEY, NULL } }, .profile = from,    \
        .message = method, .path = "/authorization"                                                \
    }

const struct hole HOLES[] = {
    MAC_HOLE("createPukPolicy", "createPUKPolicy", "preset-pin", NULL),
    MAC_HOLE("createPinPolicy", "createPINPolicy", "p256-user-pin", NULL),
    MAC_HOLE("createKeyEntry", "createKeyEntry", "p256-user-pin", NULL),
    MAC_HOLE("setCertificatePath", "setCertificatePath", "p256-user-pin", NULL),
    MAC_HOLE("importSymmetricKey", "importSymmetricKey", "symmetric-hmac-otp", NULL),
    MAC_HOLE("importPrivateKey", "importPrivateKey", "private-key-restore", "/mac"),
    MAC_HOLE("addExtension", "addExtension", "extensions-and-logotype", NULL),
    MAC_HOLE("postDeleteKey", "postDeleteKey", "key-delete", NULL),
    MAC_HOLE("postUnlockKey", "postUnlockKey", "key-unlock", NULL),
    MAC_HOLE("postUpdateKey", "postUpdateKey", "key-update", NULL),
    MAC_HOLE("postCloneKeyProtection", "postCloneKeyProtection", "key-clone", "/mac"),
    MAC_HOLE("closeProvisioningSession", "closeProvisioningSession", "p256-user-pin", NULL),
    { .name = "MAC counter",
      .part = { { CHECK_COUNTER, NULL } },
      .profile = "extensions-and-logotype",
      .message = "ProvisioningFinalizationRequest",
      .path = "/issuedCredentials/0/extensions" },

    { .name = "session attestation",
      .part = { { CHECK_SESSION_ATTESTATION, NULL } },
      .profile = "p256-user-pin",
      .message = "ProvisioningInitializationResponse" },
    { .name = "session attestation, privacy",
      .part = { { CHECK_SESSION_ATTESTATION, NULL } },
      .profile = "privacy",
      .message = "ProvisioningInitializationResponse" },
    { .name = "attestation of 2010",
      .part = { { CHECK_ATTESTATION_2010, NULL } },
      .profile = "session-2010",
      .message = "ProvisioningInitializationResponse",
      .path = "/attestation" },
    { .name = "key attestation",
      .part = { { CHECK_KEY_ATTESTATION, NULL } },
      .profile = "p256-user-pin",
      .message = "KeyCreationResponse" },
    { .name = "closing proof",
      .part = { { CHECK_CLOSING_PROOF, NULL } },
      .profile = "p256-user-pin",
      .message = "ProvisioningFinalizationResponse" },

    SESSION_HOLE("keyManagementKey", false),
    SESSION_HOLE("sessionLifeTime", false),
    SESSION_HOLE("sessionKeyLimit", true),
    SESSION_HOLE("clientTime", true),
    SESSION_HOLE("serverCertificate", true),

    FIELD_HOLE("createPukPolicy", "format", "/format", "preset-pin"),
    FIELD_HOLE("createPukPolicy", "retryLimit", "/retryLimit", "preset-pin"),
    FIELD_HOLE("createPinPolicy", "userModifiable", "/userModifiable", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "format", "/format", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "retryLimit", "/retryLimit", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "grouping", "/grouping", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "patternRestrictions", "/patternRestrictions", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "minLength", "/minLength", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "maxLength", "/maxLength", "p256-user-pin"),
    FIELD_HOLE("createPinPolicy", "inputMethod", "/inputMethod", "p256-user-pin"),
    FIELD_HOLE("createKeyEntry", "appUsage", "/appUsage", "p256-user-pin"),
    FIELD_HOLE("createKeyEntry", "exportProtection", "/exportProtection", "p256-user-pin"),
    FIELD_HOLE("createKeyEntry", "deleteProtection", "/deleteProtection", "p256-user-pin"),
    FIELD_HOLE("createKeyEntry", "friendlyName", "/friendlyName", "p256-user-pin"),
    FIELD_HOLE("createKeyEntry", "endorsedAlgorithm", "/endorsedAlgorithm", "p256-user-pin"),
    FIELD_HOLE("setCertificatePath", "certificate", "/certificate", "p256-user-pin"),
    { .name = "importSymmetricKey.encryptedKey in no MAC",
      .part = { { CHECK_FIELD, "importSymmetricKey.encryptedKey" } },
      .profile = "symmetric-hmac-otp",
      .message = "importSymmetricKey",
      .path = "/encryptedKey" },
    FIELD_HOLE("addExtension", "type", "/type", "extensions-and-logotype"),
    FIELD_HOLE("addExtension", "qualifier", "/qualifier", "extensions-and-logotype"),
    FIELD_HOLE("addExtension", "extensionData", "/extensionData", "extensions-and-logotype"),
    { .name = "nonce in no MAC",
      .part = { { CHECK_FIELD, "closeProvisioningSession.nonce" } },
      .profile = "p256-user-pin",
      .message = "closeProvisioningSession",
      .path = "/nonce",
      .quiet = true },

    { .name = "session ids",
      .part = { { CHECK_SESSION_IDS, NULL } },
      .profile = "p256-user-pin",
      .message = "KeyCreationResponse",
      .path = "/clientSessionId",
      .quiet = true },
    { .name = "server time",
      .part = { { CHECK_SERVER_TIME, NULL } },
      .profile = "p256-user-pin",
      .message = "ProvisioningInitializationResponse",
      .path = "/serverTime",
      .quiet = true },
    { .name = "device path",
      .part = { { CHECK_DEVICE_PATH, NULL } },
      .profile = "p256-user-pin",
      .message = "ProvisioningInitializationResponse",
      .path = "/serverTime" },
    { .name = "life time of the token's session",
      .part = { { CHECK_LIFE_TIME, NULL } },
      .profile = "p256-user-pin",
      .message = "closeProvisioningSession",
      .quiet = true },
    { .name = "PIN policy",
      .part = { { CHECK_PIN_POLICY, NULL } },
      .profile = "p256-user-pin",
      .message = "createKeyEntry",
      .path = "/pinValue",
      .quiet = true },
    /* The second key gets the PIN of the first: what the rig's user has chosen, as base64url. */
    { .name = "PIN grouping",
      .part = { { CHECK_PIN_GROUPING, NULL } },
      .profile = "chosen-unique-pins",
      .message = "createKeyEntry",
      .rules = "{\"rules\":[{\"hop\":\"token\",\"message\":\"createKeyEntry\",\"occurrence\":2,"
               "\"path\":\"/pinValue\",\"operation\":\"replace\",\"value\":\"NDcxOQ\"}]}",
      .quiet = true },

    /* One key management key: the MAC says nothing of which key is meant. */
    { .name = "key management key",
      .part = { { CHECK_KEY_MANAGEMENT_KEY, NULL } },
      .profile = "key-unlock",
      .before = { "p256-user-pin", "preset-pin" },
      .message = "postUnlockKey",
      .path = "/targetKeyHandle" },
    { .name = "certificate of the target",
      .part = { { CHECK_FIELD, "target.certificate" } },
      .profile = "key-unlock",
      .before = { "p256-user-pin", "preset-pin" },
      .message = "postUnlockKey",
      .path = "/targetKeyHandle" },
    { .name = "roll-over of a key management key",
      .part = { { CHECK_ROLL_OVER, NULL } },
      .profile = "kmk-rollover",
      .message = "updateKeyManagementKey",
      .path = "/authorization" },
    AUTHORIZATION_HOLE("postDeleteKey", "key-delete"),
    AUTHORIZATION_HOLE("postUnlockKey", "key-unlock"),
    AUTHORIZATION_HOLE("postUpdateKey", "key-update"),

    /* What one check leaves, another sees. */
    { .name = "certificate for another public key",
      .part = { { CHECK_MAC, "setCertificatePath" }, { CHECK_CERTIFICATE_MATCHES, NULL } },
      .profile = "p256-user-pin",
      .message = "setCertificatePath",
      .rules = "{\"rules\":[{\"hop\":\"token\",\"message\":\"setCertificatePath\","
               "\"path\":\"/certificate/0\",\"operation\":\"flip\",\"bit\":2000}]}" },
    { .name = "certificate of another key",
      .part = { { CHECK_MAC, "setCertificatePath" },
                { CHECK_CERTIFICATE_MATCHES, NULL },
                { CHECK_CERTIFICATE_UNIQUE, NULL } },
      .profile = "unique-pins",
      .message = "setCertificatePath",
      .rules = "{\"rules\":[{\"hop\":\"token\",\"message\":\"setCertificatePath\",\"occurrence\":2,"
               "\"operation\":\"replay\",\"of\":\"setCertificatePath\"},{\"hop\":\"token\","
               "\"message\":\"setCertificatePath\",\"occurrence\":2,\"path\":\"/keyHandle\","
               "\"operation\":\"increment\"}]}" },
    { .name = "id of a key",
      .part = { { CHECK_FIELD, "createKeyEntry.id" }, { CHECK_FIELD, "setCertificatePath.id" } },
      .profile = "p256-user-pin",
      .message = "createKeyEntry",
      .path = "/id",
      .quiet = true },
    { .name = "padding",
      .part = { { CHECK_MAC, "importSymmetricKey" }, { CHECK_PADDING, NULL } },
      .profile = "symmetric-hmac-otp",
      .message = "importSymmetricKey",
      .rules = "{\"rules\":[{\"hop\":\"token\",\"message\":\"importSymmetricKey\","
               "\"path\":\"/encryptedKey\",\"operation\":\"truncate\"}]}" },
    { .name = "endorsed algorithm of another kind of key",
      .part = { { CHECK_MAC, "createKeyEntry" }, { CHECK_ENDORSED_FITS, NULL } },
      .profile = "p256-user-pin",
      .message = "createKeyEntry",
      .rules = "{\"rules\":[{\"hop\":\"token\",\"message\":\"createKeyEntry\","
               "\"path\":\"/endorsedAlgorithm/0\",\"operation\":\"replace\","
               "\"value\":\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"}]}" },

    /* Remote key lookups are the middleware's to check. */
    { .name = "signature of a lookup",
      .part = { { CHECK_LOOKUP_SIGNATURE, NULL } },
      .profile = "key-unlock",
      .message = "CredentialDiscoveryRequest",
      .path = "/lookupSpecifiers/0/signature/value",
      .quiet = true,
      .checking = true },
    { .name = "nonce of a lookup",
      .part = { { CHECK_LOOKUP_SIGNATURE, NULL }, { CHECK_LOOKUP_NONCE, NULL } },
      .profile = "key-unlock",
      .message = "CredentialDiscoveryRequest",
      .path = "/lookupSpecifiers/0/nonce",
      .quiet = true,
      .checking = true },
};

const size_t HOLES_COUNT = NITEMS(HOLES);
