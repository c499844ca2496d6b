/*
 * The issuer's side of a provisioning session, call by call: keeps the session key, makes MACs and
 * certificates. Each call returns the token's status; the steps of the MAC counter follow it.
 */
#ifndef TESTS_PLAIN_SUPPORT_ISSUING_H
#define TESTS_PLAIN_SUPPORT_ISSUING_H

#include "keygen2/crypto/session.h"
#include "tests/plain/support/own_store.h"
#include "token/object.h"

/* A session; start with {0}, free with issuing_free(). */
struct issuing {
    struct token *token;
    uint32_t handle;
    struct session_terms terms;
    struct session_key sk;
    struct arena arena; /* of all that lives as long as the session */
    char server_session_id[SKS_ID_MAX + 1];
};

struct issued_policy {
    uint32_t handle; /* 0: none */
    struct bytes id;
    bool preset; /* the issuer chooses the PINs */
};

struct issued_key {
    uint32_t handle;
    struct bytes id, public_key, certificate;
};

/** Makes a P-256 key pair, of an issuer that manages its keys. */
EVP_PKEY *new_p256(void);

/** createProvisioningSession. @param kmk key management key, NULL for none */
enum sks_status issuing_begin(struct issuing *s, struct token *token, EVP_PKEY *kmk);

enum sks_status issuing_puk_policy(struct issuing *s, const char *id, const char *value,
                                   uint16_t retry_limit, struct issued_policy *policy);

/** @param puk NULL for none */
enum sks_status issuing_pin_policy(struct issuing *s, const struct pin_policy *what,
                                   const struct issued_policy *puk, struct issued_policy *policy);

/**
 * createKeyEntry.
 *
 * @param what    its id, algorithm, attributes; the PIN of a preset policy is encrypted here
 * @param policy  NULL for none
 */
enum sks_status issuing_key(struct issuing *s, const struct key_entry *what,
                            const struct issued_policy *policy, struct issued_key *key);

/**
 * setCertificatePath, with a certificate by a CA of its own.
 *
 * @param imported  public key of the private key that will be imported; empty: certify its own
 */
enum sks_status issuing_certify(struct issuing *s, struct issued_key *key, struct bytes imported);

enum sks_status issuing_import_symmetric(struct issuing *s, const struct issued_key *key,
                                         struct bytes value);

/** importPrivateKey. @param pkcs8 DER */
enum sks_status issuing_import_private(struct issuing *s, const struct issued_key *key,
                                       struct bytes pkcs8);

/** addExtension; data of subType encrypted is encrypted here. */
enum sks_status issuing_extend(struct issuing *s, const struct issued_key *key,
                               const struct extension *extension);

/**
 * The four post operations.
 *
 * @param kmk     key management key of the target
 * @param key     the new one, of an update or clone
 * @param target  handle and certificate
 */
enum sks_status issuing_post(struct issuing *s, enum post_kind kind, EVP_PKEY *kmk,
                             const struct issued_key *key, const struct issued_key *target);

/** closeProvisioningSession; a proof that does not verify ends the program. */
enum sks_status issuing_close(struct issuing *s);

enum sks_status issuing_abort(struct issuing *s);
void issuing_free(struct issuing *s);

#endif
