/*
 * The cryptography of a provisioning session, written once and used by both ends: pure functions
 * on slices, no state but the session key with its counter, no clock.
 * SKS V1.07, 6 "Session Security Mechanisms"; corrected by the public reference implementation
 * where that says so (names of the policy MACs).
 */
#ifndef KEYGEN2_CRYPTO_SESSION_H
#define KEYGEN2_CRYPTO_SESSION_H

#include "keygen2/crypto/public_key.h"
#include "keygen2/objects.h"

/* A session key and the counter that each MAC and each attestation steps. Wipe after use. */
struct session_key {
    uint8_t key[SKS_SESSION_KEY_SIZE];
    uint16_t counter; /* macSequenceCounter */
};

/** HMAC-SHA256. @param mac out: 32 bytes */
CHECKED enum sks_status hmac_sha256(struct bytes key, struct bytes data, uint8_t mac[32]);

/** Plain ECDH, x coordinate, as a secret of full field length. @param z the value is appended */
CHECKED enum sks_status ecdh_raw(EVP_PKEY *own, struct bytes peer_spki, struct buf *z);

/**
 * Derives SK = HMAC-SHA256(Z, clientSessionId || serverSessionId || issuerUri || DeviceID).
 *
 * @param own        this end's ephemeral key
 * @param peer_spki  the other end's ephemeral key, same curve
 * @param device_id  DER of the device certificate, or "Anonymous"
 * @param sk         out: key set, counter 0
 */
CHECKED enum sks_status session_key_derive(EVP_PKEY *own, struct bytes peer_spki,
                                           const struct session_terms *terms,
                                           struct bytes device_id, struct session_key *sk);

/** Appends the data that the session attestation signs (or MACs, in privacy mode). */
void put_session_attestation_data(struct buf *out, const struct session_terms *terms,
                                  struct bytes device_id, struct bytes client_ephemeral_key);

/**
 * Computes one method MAC and steps the counter.
 *
 * @param method  MAC name, e.g. "createKeyEntry"; the policies' are "createPINPolicy" and
 *                "createPUKPolicy"
 * @param data    the arguments as serialized, length fields included
 * @param mac     out: 32 bytes
 */
CHECKED enum sks_status session_mac(struct session_key *sk, const char *method, struct bytes data,
                                    uint8_t mac[SKS_MAC_SIZE]);

/**
 * As session_mac(), and compares in constant time. The counter steps in any case.
 *
 * @return SKS_ERROR_MAC if it differs, also for one of the wrong length
 */
CHECKED enum sks_status session_mac_verify(struct session_key *sk, const char *method,
                                           struct bytes data, struct bytes mac);

extern const char MAC_CLOSE_SESSION[], MAC_CREATE_PUK_POLICY[], MAC_CREATE_PIN_POLICY[],
    MAC_CREATE_KEY_ENTRY[], MAC_SET_CERTIFICATE_PATH[], MAC_DEVICE_ATTESTATION[],
    MAC_IMPORT_SYMMETRIC_KEY[], MAC_IMPORT_PRIVATE_KEY[], MAC_ADD_EXTENSION[],
    MAC_POST_DELETE_KEY[], MAC_POST_UNLOCK_KEY[], MAC_POST_UPDATE_KEY[],
    MAC_POST_CLONE_KEY_PROTECTION[];

/* The Data of each method's MAC, appended in the order of the text. */
void put_mac_close(struct buf *out, const struct session_terms *terms, struct bytes nonce);
void put_mac_puk_policy(struct buf *out, const struct puk_policy *policy);
void put_mac_pin_policy(struct buf *out, const struct pin_policy *policy, struct bytes puk_id);
void put_mac_key_entry(struct buf *out, const struct key_entry *key, struct bytes pin_policy_id,
                       bool pin_is_encrypted);
void put_mac_certificate_path(struct buf *out, struct bytes public_key, struct bytes id,
                              const struct bytes_list *path);

/* These begin with the end-entity certificate of the key. */
void put_mac_import(struct buf *out, struct bytes certificate, struct bytes encrypted_key);
void put_mac_extension(struct buf *out, struct bytes certificate,
                       const struct extension *extension);
void put_mac_post_key(struct buf *out, struct bytes certificate, struct bytes authorization);
void put_mac_post_session(struct buf *out, struct bytes authorization);

/* The Data of the attestations. */
void put_attested_close(struct buf *out, struct bytes nonce);
void put_attested_key(struct buf *out, struct bytes public_key, struct bytes mac);

/** Encrypts with the session's EncryptionKey: AES-256-CBC, PKCS #5 padding, random IV in front. */
CHECKED enum sks_status session_encrypt(const struct session_key *sk, struct bytes clear,
                                        struct buf *out);

/** The reverse. SKS_ERROR_CRYPTO for a wrong length or bad padding. @param clear a secret */
CHECKED enum sks_status session_decrypt(const struct session_key *sk, struct bytes encrypted,
                                        struct buf *clear);

/** Appends what a target key reference signs: "TargetKeyReference" || HMAC(SK || DeviceID, cert) */
CHECKED enum sks_status put_target_reference(struct buf *out, const struct session_key *sk,
                                             struct bytes device_id, struct bytes certificate);

/**
 * The nonce of every lookupSpecifier of a session: SHA-256 of its two ids. SKS V1.07, appendix D
 * "Remote Key Lookup".
 *
 * @param nonce  out: 32 bytes
 */
CHECKED enum sks_status session_lookup_nonce(const struct session_terms *terms, uint8_t nonce[32]);

/** Checks that nonce. @return SKS_ERROR_MAC if it is another */
CHECKED enum sks_status session_lookup_nonce_verify(const struct session_terms *terms,
                                                    struct bytes nonce);

/** Appends what a key management key roll-over signs: "RollOverAuthorization" || new SPKI. */
void put_roll_over(struct buf *out, struct bytes new_key);

#endif
