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

#include <openssl/types.h>

#define KEYGEN2_CONTEXT "https://webpki.github.io/keygen2#20190318"

enum {
    KEYGEN2_MESSAGE_MAX = 4 * 1024 * 1024, /* bytes */
    KEYGEN2_DEVICE_PATH_MAX = 10,          /* certificates: each costs a signature check */
    KEYGEN2_GENERATIONS_MAX = 8,           /* of updatable key management keys */
    KEYGEN2_UPDATABLE_KEYS_MAX = 32,       /* of all generations together */
    KEYGEN2_LOOKUPS_MAX = 255,             /* lookupSpecifiers: each costs a signature check */
    KEYGEN2_FOUND_MAX = 1000,              /* certificates of all lookupResults, for the same */
    KEYGEN2_RULES_MAX = 255,               /* of a kind in a searchFilter */
    KEYGEN2_REG_EX_MAX = 1000,             /* characters */
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

struct image_attributes {
    struct bytes mime_type;
    uint32_t width, height; /* pixels */
};

/* Exactly one of the three answers: `values`, `image_attributes`, or else `supported`. */
struct client_capability {
    struct bytes type; /* uri */
    bool supported;
    bool has_supported;                        /* says the decoder; the encoder does not ask */
    struct bytes_list values;                  /* empty if absent */
    struct image_attributes *image_attributes; /* NULL if absent */
};

struct invocation_response {
    struct bytes server_session_id;
    struct json_array client_capabilities; /* struct client_capability */
};

/* A key management key of an earlier generation, which may be replaced by the one above it. */
struct updatable_key_management_key {
    struct bytes public_key;
    struct bytes authorization;                      /* by this key, of the one above it */
    struct json_array updatable_key_management_keys; /* of the generation before */
};

struct provisioning_initialization_request {
    struct bytes server_session_id;
    struct keygen2_time server_time;
    struct bytes session_key_algorithm;
    uint16_t session_key_limit;
    uint32_t session_life_time;                      /* up to 65535 but in the 2010 profile */
    struct bytes server_ephemeral_key;               /* empty in the 2010 profile */
    struct bytes server_public_key;                  /* RSA; empty but in the 2010 profile */
    struct bytes key_management_key;                 /* empty if absent */
    struct json_array updatable_key_management_keys; /* struct updatable_key_management_key */
};

struct device_id {
    struct bytes_list certificate_path; /* DER */
};

struct provisioning_initialization_response {
    struct bytes server_session_id, client_session_id;
    struct keygen2_time server_time; /* verbatim from the request */
    struct keygen2_time client_time;
    struct bytes client_ephemeral_key;  /* empty in the 2010 profile */
    struct bytes encrypted_session_key; /* empty but in the 2010 profile */
    struct device_id *device_id;        /* NULL in privacy mode */
    struct bytes attestation;
};

/* A name that may be absent. */
struct optional_name {
    bool is_there;
    uint8_t value;
};

/* What a credential must fulfil; what is empty or absent asks for nothing. */
struct search_filter {
    struct bytes finger_print; /* SHA-256 of a certificate of the path */
    struct bytes issuer_reg_ex, subject_reg_ex, email_reg_ex;
    struct bytes serial_number; /* decimal digits, maybe after '-' */
    struct bytes_list policy_rules, key_usage_rules, extended_key_usage_rules; /* "-": forbidden */
    struct keygen2_time issued_before, issued_after; /* text empty: none */
    struct optional_name grouping;                   /* enum sks_grouping */
    struct optional_name app_usage;                  /* enum sks_app_usage */
};

struct lookup_specifier {
    struct bytes id;
    struct bytes nonce;                  /* session_lookup_nonce() */
    struct search_filter *search_filter; /* NULL if absent */
    struct bytes public_key;             /* of the key management key that has signed it */
    struct bytes signature;              /* made by keygen2_sign_lookup() */
};

struct credential_discovery_request {
    struct bytes server_session_id, client_session_id;
    struct json_array lookup_specifiers; /* struct lookup_specifier; signatures are verified */
};

struct matching_credential {
    struct bytes server_session_id, client_session_id; /* of the session that owns the key */
    struct bytes_list certificate_path;                /* DER, end entity first */
    bool locked;
};

struct lookup_result {
    struct bytes id;
    struct json_array matching_credentials; /* struct matching_credential, maybe none */
};

struct credential_discovery_response {
    struct bytes server_session_id, client_session_id;
    struct json_array lookup_results; /* struct lookup_result, one for each specifier */
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

struct imported_key {
    struct bytes encrypted_key, mac;
};

/* The target of a post operation: an earlier key of the same issuer. */
struct target_key {
    struct bytes finger_print;                         /* SHA-256 of its certificate */
    struct bytes server_session_id, client_session_id; /* of the session that owns it */
    struct bytes authorization;                        /* by that session's key management key */
    struct bytes mac;
};

struct plain_extension {
    struct bytes type; /* uri */
    struct bytes extension_data, mac;
};

struct property {
    struct bytes name, value;
    bool writable;
};

struct property_bag {
    struct bytes type;
    struct json_array properties; /* struct property */
    struct bytes mac;
};

struct logotype {
    struct bytes type, mime_type;
    struct bytes extension_data, mac;
};

/* Executed in the order of the members, but for the target, which comes last. */
struct issued_credential {
    struct bytes id;
    struct bytes_list certificate_path; /* DER, end entity first */
    struct bytes mac;
    bool trust_anchor;
    struct imported_key *import_symmetric_key, *import_private_key; /* one of them, or none */
    struct target_key *update_key, *clone_key_protection;           /* one of them, or none */
    struct json_array extensions, encrypted_extensions;             /* struct plain_extension */
    struct json_array property_bags;                                /* struct property_bag */
    struct json_array logotypes;                                    /* struct logotype */
};

struct session_close_data {
    struct bytes nonce, mac;
};

struct provisioning_finalization_request {
    struct bytes server_session_id, client_session_id;
    struct json_array issued_credentials;       /* struct issued_credential */
    struct json_array unlock_keys, delete_keys; /* struct target_key */
    struct session_close_data *session_close_data;
};

struct provisioning_finalization_response {
    struct bytes server_session_id, client_session_id;
    struct bytes attestation;
};

/* invocation.c, provisioning_initialization.c, credential_discovery.c, key_creation.c,
 * provisioning_finalization.c */
extern const struct json_type INVOCATION_REQUEST, INVOCATION_RESPONSE,
    PROVISIONING_INITIALIZATION_REQUEST, PROVISIONING_INITIALIZATION_RESPONSE,
    CREDENTIAL_DISCOVERY_REQUEST, CREDENTIAL_DISCOVERY_RESPONSE, KEY_CREATION_REQUEST,
    KEY_CREATION_RESPONSE, PROVISIONING_FINALIZATION_REQUEST, PROVISIONING_FINALIZATION_RESPONSE;

/* All of them, as they follow each other in a session. envelope.c */
enum { KEYGEN2_MESSAGES_COUNT = 10 };
extern const struct json_type *const KEYGEN2_MESSAGES[KEYGEN2_MESSAGES_COUNT];

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

/**
 * Signs a specifier (JSF over its RFC 8785 form); all other members must be set.
 *
 * @param key    its public_key's private key: P-256 or RSA
 * @param arena  holds the signature
 */
CHECKED enum sks_status keygen2_sign_lookup(struct lookup_specifier *specifier, EVP_PKEY *key,
                                            struct arena *arena, struct sks_error *err);

/** Checks a "certificatePath": in order, each signed by the next. For the checks of tables. */
CHECKED enum sks_status keygen2_check_path(struct json_reader *r, const struct json_place *at,
                                           const struct bytes_list *path);

/** Appends the properties of a bag as addExtension has them: its extensionData. */
void put_property_bag(struct buf *out, const struct property_bag *bag);

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
 * @param lenient  by json_decode_leniently(): then only a text that is no JSON, or of none of the
 *               types, is refused
 * @param out    one pointer per type to a struct of that type; only the found one is filled
 * @param found  out: index of the type that "@qualifier" names, even if the rest does not decode;
 *               untouched if it names none of them
 */
CHECKED enum sks_status keygen2_decode_one_of(const struct json_type *const types[], size_t count,
                                              bool lenient, struct bytes text, void *const out[],
                                              size_t *found, struct arena *arena,
                                              struct sks_error *err);

/** Appends the text of a message; see json_put() for failures, which are text->status too. */
CHECKED enum sks_status keygen2_encode(const struct json_type *type, const void *in,
                                       struct buf *text);

/** "@qualifier" of a message for traces and logs: "?" if it cannot be told. Static text. */
const char *keygen2_qualifier(struct bytes text);

/** Writes a time as UTC with Z ("2026-11-22T02:43:18Z"), or with "+00:00" for client times. */
void keygen2_time_format(int64_t seconds, bool client, char text[32]);

#endif
