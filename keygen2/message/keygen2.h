/*
 * The messages of KeyGen2 ("https://webpki.github.io/keygen2#20190318") as structs. One pair of
 * request and response a source file; each struct has its table there (struct json_type), which
 * reads like the table of the text. Public keys are SubjectPublicKeyInfo in the structs and JWK on
 * the wire.
 */
#ifndef KEYGEN2_MESSAGE_KEYGEN2_H
#define KEYGEN2_MESSAGE_KEYGEN2_H

#include "keygen2/base/json.h"
#include "keygen2/objects.h"

#define KEYGEN2_CONTEXT "https://webpki.github.io/keygen2#20190318"

enum {
    KEYGEN2_MESSAGE_MAX = 4 * 1024 * 1024, /* bytes */
    KEYGEN2_DEVICE_PATH_MAX = 10,          /* certificates: each costs a signature check */
};

/* A date and time. */
struct keygen2_time {
    struct bytes text; /* as it stood in the message; when encoding, it wins if not empty */
    int64_t seconds;   /* since 1970 */
};

struct invocation_request {
    struct bytes server_session_id;
    uint8_t action; /* enum sks_action */
    bool privacy_enabled;
    struct bytes_list preferred_languages;
    struct bytes_list target_key_containers;
    struct bytes_list client_capability_query;
};

struct client_capability {
    struct bytes type;
    bool supported;
};

struct invocation_response {
    struct bytes server_session_id;
    struct json_array client_capabilities; /* struct client_capability */
};

struct provisioning_initialization_request {
    struct bytes server_session_id;
    struct keygen2_time server_time;
    struct bytes session_key_algorithm;
    uint16_t session_key_limit;
    uint16_t session_life_time;
    struct bytes server_ephemeral_key;
    struct bytes key_management_key; /* empty if absent */
};

struct device_id {
    struct bytes_list certificate_path; /* DER */
};

struct provisioning_initialization_response {
    struct bytes server_session_id, client_session_id;
    struct keygen2_time server_time; /* verbatim from the request */
    struct keygen2_time client_time;
    struct bytes client_ephemeral_key;
    struct device_id *device_id; /* NULL in privacy mode */
    struct bytes attestation;
};

struct key_entry_specifier {
    struct key_entry key; /* pin_value: encryptedPin; key_entry_algorithm: from the message */
    bool has_encrypted_pin;
    struct bytes mac;
};

struct pin_policy_specifier {
    struct pin_policy policy; /* user_defined: true if no key has an encryptedPin */
    struct bytes mac;
    struct json_array key_entry_specifiers; /* struct key_entry_specifier */
};

struct puk_policy_specifier {
    struct puk_policy policy;
    struct bytes mac;
    struct json_array pin_policy_specifiers; /* struct pin_policy_specifier */
};

struct key_creation_request {
    struct bytes server_session_id, client_session_id;
    struct bytes key_entry_algorithm;
    bool deferred_issuance;
    struct json_array puk_policy_specifiers; /* executed in this order */
    struct json_array pin_policy_specifiers;
    struct json_array key_entry_specifiers;
};

struct generated_key {
    struct bytes id;
    struct bytes public_key;
    struct bytes attestation;
};

struct key_creation_response {
    struct bytes server_session_id, client_session_id;
    struct json_array generated_keys; /* struct generated_key */
};

struct issued_credential {
    struct bytes id;
    struct bytes_list certificate_path; /* DER, end entity first */
    struct bytes mac;
    bool trust_anchor;
};

struct session_close_data {
    struct bytes nonce, mac;
};

struct provisioning_finalization_request {
    struct bytes server_session_id, client_session_id;
    struct json_array issued_credentials; /* struct issued_credential */
    struct session_close_data *session_close_data;
};

struct provisioning_finalization_response {
    struct bytes server_session_id, client_session_id;
    struct bytes attestation;
};

/* invocation.c, provisioning_initialization.c, key_creation.c, provisioning_finalization.c */
extern const struct json_type INVOCATION_REQUEST, INVOCATION_RESPONSE,
    PROVISIONING_INITIALIZATION_REQUEST, PROVISIONING_INITIALIZATION_RESPONSE, KEY_CREATION_REQUEST,
    KEY_CREATION_RESPONSE, PROVISIONING_FINALIZATION_REQUEST, PROVISIONING_FINALIZATION_RESPONSE;

/* Kinds of their own for json tables: jwk.c, time.c. */
extern const struct json_codec KEYGEN2_JWK; /* struct bytes: SPKI <-> JWK */
/* struct keygen2_time, no fraction: UTC with Z; Z or +hh:mm, in the 32 bits that SKS has for it */
extern const struct json_codec KEYGEN2_SERVER_TIME, KEYGEN2_CLIENT_TIME;

/* The two rows that every message's table begins with. */
#define KEYGEN2_HEADER(qualifier)                                                                  \
    { "@context", JSON_CONST, .with = KEYGEN2_CONTEXT },                                           \
    {                                                                                              \
        "@qualifier", JSON_CONST, .with = (qualifier)                                              \
    }

/** Checks a "certificatePath": in order, each signed by the next. For the checks of tables. */
CHECKED enum sks_status keygen2_check_path(struct json_reader *r, const struct json_place *at,
                                           const struct bytes_list *path);

/**
 * Decodes a message of an expected type, with the checks that go beyond one property (ids unique,
 * no mix of preset and user-defined PINs in a policy, certificate paths in order and signed).
 *
 * @param text   the body as received
 * @param out    struct of the type
 * @param arena  holds all that *out points to
 * @return SKS_ERROR_OPTION with line and column, or with a JSON pointer, in err
 */
CHECKED enum sks_status keygen2_decode(const struct json_type *type, struct bytes text, void *out,
                                       struct arena *arena, struct sks_error *err);

/**
 * Decodes a message that may be of one of several types.
 *
 * @param types  candidates, each a message; count of them
 * @param out    one pointer per type to a struct of that type; only the found one is filled
 * @param found  out: index of the type that "@qualifier" names
 */
CHECKED enum sks_status keygen2_decode_one_of(const struct json_type *const types[], size_t count,
                                              struct bytes text, void *const out[], size_t *found,
                                              struct arena *arena, struct sks_error *err);

/** Appends the text of a message. */
CHECKED enum sks_status keygen2_encode(const struct json_type *type, const void *in,
                                       struct buf *text);

/** "@qualifier" of a message for traces and logs: "?" if it cannot be told. Static text. */
const char *keygen2_qualifier(struct bytes text);

/** Writes a time as UTC with Z ("2026-11-22T02:43:18Z"), or with "+00:00" for client times. */
void keygen2_time_format(int64_t seconds, bool client, char text[32]);

#endif
