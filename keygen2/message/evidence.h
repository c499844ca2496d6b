/* The evidence record: what an issuer says that happened in a session, signed (JSF, RFC 8785). */
#ifndef KEYGEN2_MESSAGE_EVIDENCE_H
#define KEYGEN2_MESSAGE_EVIDENCE_H

#include "keygen2/base/json.h"

#include <openssl/evp.h>

/* The value of "type"; a change of the form changes it. */
#define EVIDENCE_TYPE "sks-rig evidence record 1"

/* Empty members were not known yet when the session ended, and are left out. */
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
    struct bytes time, type, body;
};

struct evidence_check {
    struct bytes name, detail;
    bool passed;
};

struct evidence_record {
    struct bytes server_session_id, profile, issuer_uri;
    struct bytes started, ended; /* UTC */
    struct bytes verdict, cause;
    struct evidence_terms *terms;
    struct json_array keys;     /* struct evidence_key */
    struct json_array messages; /* struct evidence_message, as they crossed */
    struct json_array checks;   /* struct evidence_check */
    struct bytes session_key;   /* a secret; empty: not told */
};

extern const struct json_type EVIDENCE_RECORD; /* without the signature */

/**
 * Appends a record in RFC 8785 form with its JSF signature.
 *
 * @param key          P-256 or RSA private key
 * @param certificate  DER, becomes the "certificatePath" of the signature
 */
CHECKED enum sks_status evidence_write(const struct evidence_record *record, EVP_PKEY *key,
                                       struct bytes certificate, struct buf *text,
                                       struct sks_error *err);

#endif
