/* The evidence record: what an issuer says that happened in a session, signed (JSF, RFC 8785). */
#ifndef KEYGEN2_MESSAGE_EVIDENCE_H
#define KEYGEN2_MESSAGE_EVIDENCE_H

#include "keygen2/message/jsf.h"
#include "keygen2/message/keygen2.h"

/* The value of "type"; a change of the form changes it. */
#define EVIDENCE_TYPE "sks-rig evidence record 2"

/* extendedKeyUsage of the certificates of evidence keys, and of no others that an issuer makes: of
 * the numbers that RFC 5612 leaves to everybody. */
#define EVIDENCE_KEY_USAGE "1.3.6.1.4.1.32473.6.1"

enum {
    EVIDENCE_MAX = 64 * 1024 * 1024, /* bytes: ten messages as long as they may be */
    EVIDENCE_MESSAGES_MAX = 65536,   /* of sessions from when each resumption was a message */
};

/* What the issuer says of a session. The numbers are stored. */
enum verdict {
    VERDICT_OPEN,
    VERDICT_SUCCEEDED,
    VERDICT_FAILED,
    VERDICT_IN_DOUBT, /* the finalization went out and no proof came back */
};

/* What has become of the session key, or of what makes it. */
enum session_key_status {
    SESSION_KEY_NONE,      /* nothing of it was made yet */
    SESSION_KEY_SEALED,    /* the issuer has it */
    SESSION_KEY_FORGOTTEN, /* nobody can tell it any more */
};

extern const struct name NAMES_VERDICT[], NAMES_SESSION_KEY_STATUS[];

/* Names of those checks that a reader of the record can make again; docs/evidence.md has all. */
#define EVIDENCE_CHECK_SESSION_IDS "session ids"
#define EVIDENCE_CHECK_SERVER_TIME "server time"
#define EVIDENCE_CHECK_DEVICE_ID "device id"
#define EVIDENCE_CHECK_CLIENT_KEY "client key"
#define EVIDENCE_CHECK_SERVER_KEY "server key"
#define EVIDENCE_CHECK_DEVICE_PATH "device path"
#define EVIDENCE_CHECK_SESSION_ATTESTATION "session attestation"
#define EVIDENCE_CHECK_GENERATED_KEYS "generated keys"
#define EVIDENCE_CHECK_KEY_ATTESTATION "key attestation"
#define EVIDENCE_CHECK_KEY_ALGORITHM "key algorithm"
#define EVIDENCE_CHECK_MAC "mac"
#define EVIDENCE_CHECK_CLOSING_PROOF "closing proof"

/* Names of checks that fail before a message is looked at. */
#define EVIDENCE_CHECK_MESSAGE "message" /* malformed, or none was awaited */
#define EVIDENCE_CHECK_ADDRESS "address"
#define EVIDENCE_CHECK_PROFILE "profile"
/* A later session has done something to a key of this one: nothing less shows that it closed. */
#define EVIDENCE_CHECK_CONFIRMATION "confirmation"
/* Of the operator's. */
#define EVIDENCE_CHECK_APPROVAL "approval"
#define EVIDENCE_CHECK_SESSION_KEY "session key"

/* What stands in "detail" where a counter was used: of one MAC, one key, the close. */
#define EVIDENCE_DETAIL_MAC "made for %s%s%.*s with counter %u"
#define EVIDENCE_DETAIL_KEY_ATTESTATION "%.*s, with counter %u"
#define EVIDENCE_DETAIL_CLOSING_PROOF "over the nonce, with counter %u"

/*
 * How the session came to be. Empty members were not known yet when the session ended, and are left
 * out: another kind of session has other ones.
 */
struct evidence_terms {
    struct bytes client_session_id;
    struct bytes session_key_algorithm;
    bool privacy_enabled;
    struct bytes server_ephemeral_key, client_ephemeral_key, key_management_key; /* SPKI */
    /* Of the 2010 profile, in the place of the ephemeral keys. */
    struct bytes server_public_key, encrypted_session_key;
    struct bytes session_key_proof; /* session_2010_proof(): stands for the session key */
    struct bytes server_time;
    uint32_t client_time; /* seconds since 1970 */
    uint32_t session_life_time;
    uint16_t session_key_limit;
    struct bytes server_certificate;           /* DER of the TLS leaf */
    struct bytes_list device_certificate_path; /* DER */
};

struct evidence_key {
    struct bytes id, key_algorithm;
    uint16_t attestation_counter;
    struct bytes public_key; /* SPKI */
    struct bytes serial_number;
};

struct evidence_message {
    bool incoming; /* from the client to the issuer */
    struct keygen2_time time;
    struct bytes type, body;
};

struct evidence_check {
    struct bytes name, detail;
    bool passed;
};

/* Times are UTC by the issuer's clock. */
struct evidence_record {
    struct bytes server_session_id, profile, issuer_uri;
    struct keygen2_time started;
    struct keygen2_time ended;    /* zero: it is open */
    struct keygen2_time recorded; /* when this record was made */
    uint8_t verdict;              /* enum verdict */
    struct bytes cause;
    struct evidence_terms *terms;
    struct json_array keys;     /* struct evidence_key */
    struct json_array messages; /* struct evidence_message, as they crossed */
    struct json_array checks;   /* struct evidence_check */
    uint8_t session_key_status; /* enum session_key_status */
    struct bytes session_key;   /* a secret; empty: not told */
};

extern const struct json_type EVIDENCE_RECORD; /* without the signature */
extern const struct json_type EVIDENCE_TERMS, EVIDENCE_KEY;

/**
 * Appends a record in RFC 8785 form with its JSF signature.
 *
 * @param key          P-256 or RSA private key
 * @param certificate  DER, becomes the "certificatePath" of the signature
 */
CHECKED enum sks_status evidence_write(const struct evidence_record *record, EVP_PKEY *key,
                                       struct bytes certificate, struct buf *text,
                                       struct sks_error *err);

/**
 * Reads a record as far as it takes to verify its signature; what it says is not looked at.
 *
 * @param root       out: the whole document, a new reference
 * @param signature  out: as it stands there
 * @param arena      holds what the signature points to
 * @return SKS_ERROR_OPTION with line and column, or with a JSON pointer, in err
 */
CHECKED enum sks_status evidence_parse(struct bytes text, struct arena *arena, json_t **root,
                                       struct jsf_signature *signature, struct sks_error *err);

/** Decodes what a record says. @param arena holds all that it points to */
CHECKED enum sks_status evidence_decode(const json_t *root, struct arena *arena,
                                        struct evidence_record *record, struct sks_error *err);

#endif
