/* Checks of what both ends compute, and those of the middleware. */
#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/message/jsf.h"
#include "tests/matrix/check.h"

/* ---- MACs and attestations ---- */

/* The counter steps all the same, so that only its place in the key is missing. */
static uint16_t hide_counter(struct session_key *sk)
{
    uint16_t counter = sk->counter;

    if (is_missing(CHECK_COUNTER, NULL))
        sk->counter = 0;
    return counter;
}

enum sks_status __real_session_mac(struct session_key *sk, const char *method, struct bytes data,
                                   uint8_t mac[SKS_MAC_SIZE]);
enum sks_status __wrap_session_mac(struct session_key *sk, const char *method, struct bytes data,
                                   uint8_t mac[SKS_MAC_SIZE]);
enum sks_status __wrap_session_mac(struct session_key *sk, const char *method, struct bytes data,
                                   uint8_t mac[SKS_MAC_SIZE])
{
    uint16_t counter = hide_counter(sk);
    enum sks_status rc = __real_session_mac(sk, method, data, mac);

    sk->counter = (uint16_t)(counter + 1);
    return rc;
}

enum sks_status __real_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac);
enum sks_status __wrap_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac);
enum sks_status __wrap_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac)
{
    uint16_t counter = hide_counter(sk);
    enum sks_status rc = __real_session_mac_verify(sk, method, data, mac);

    sk->counter = (uint16_t)(counter + 1);
    return is_missing(CHECK_MAC, method) ? SKS_OK : rc;
}

/* That of a key is over its public key; that of the close over a nonce. */
CHECK(verify_attestation,
      (const struct session_key *sk, uint16_t counter, struct bytes data, struct bytes attestation),
      (sk, counter, data, attestation),
      is_missing(data.len > 64 ? CHECK_KEY_ATTESTATION : CHECK_CLOSING_PROOF, NULL))

CHECK(verify_session_attestation,
      (const struct session_terms *terms, struct bytes device_id, struct bytes client_ephemeral_key,
       const struct session_key *sk, EVP_PKEY *device_key, struct bytes attestation),
      (terms, device_id, client_ephemeral_key, sk, device_key, attestation),
      is_missing(CHECK_SESSION_ATTESTATION, NULL))

CHECK(session_2010_verify,
      (EVP_PKEY * device_key, struct bytes proof, const struct session_2010_terms *terms,
       struct bytes attestation),
      (device_key, proof, terms, attestation), is_missing(CHECK_ATTESTATION_2010, NULL))

/* What does not decrypt counts as what it was. */
enum sks_status __real_session_decrypt(const struct session_key *sk, struct bytes encrypted,
                                       struct buf *clear);
enum sks_status __wrap_session_decrypt(const struct session_key *sk, struct bytes encrypted,
                                       struct buf *clear);
enum sks_status __wrap_session_decrypt(const struct session_key *sk, struct bytes encrypted,
                                       struct buf *clear)
{
    enum sks_status rc = __real_session_decrypt(sk, encrypted, clear);

    if (rc != SKS_ERROR_CRYPTO || !is_missing(CHECK_PADDING, NULL))
        return rc;
    put_raw(clear, bytes_at(encrypted.ptr, encrypted.len < 16 ? encrypted.len : 16));
    return clear->status;
}

/* ---- the middleware's ---- */

CHECK(jsf_verify,
      (struct json_reader * r, const struct json_place *at, const json_t *root,
       const struct jsf_signature *signature),
      (r, at, root, signature), is_missing(CHECK_LOOKUP_SIGNATURE, NULL))
CHECK(session_lookup_nonce_verify, (const struct session_terms *terms, struct bytes nonce),
      (terms, nonce), is_missing(CHECK_LOOKUP_NONCE, NULL))
