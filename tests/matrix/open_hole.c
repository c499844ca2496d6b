#include "tests/matrix/open_hole.h"

#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/session_2010.h"

#include <stdatomic.h>
#include <string.h>

const struct hole HOLES[] = {
    { "createPinPolicy", CHECK_MAC, "createPINPolicy", "p256-user-pin", "KeyCreationRequest" },
    { "createPukPolicy", CHECK_MAC, "createPUKPolicy", "rsa2048-pin-puk", "KeyCreationRequest" },
    { "createKeyEntry", CHECK_MAC, "createKeyEntry", "p256-user-pin", "KeyCreationRequest" },
    { "setCertificatePath", CHECK_MAC, "setCertificatePath", "p256-user-pin",
      "ProvisioningFinalizationRequest" },
    { "importSymmetricKey", CHECK_MAC, "importSymmetricKey", "symmetric-hmac-otp",
      "ProvisioningFinalizationRequest" },
    { "importPrivateKey", CHECK_MAC, "importPrivateKey", "private-key-restore",
      "ProvisioningFinalizationRequest" },
    { "addExtension", CHECK_MAC, "addExtension", "extensions-and-logotype",
      "ProvisioningFinalizationRequest" },
    { "postDeleteKey", CHECK_MAC, "postDeleteKey", "key-delete",
      "ProvisioningFinalizationRequest" },
    { "postUnlockKey", CHECK_MAC, "postUnlockKey", "key-unlock",
      "ProvisioningFinalizationRequest" },
    { "postUpdateKey", CHECK_MAC, "postUpdateKey", "key-update",
      "ProvisioningFinalizationRequest" },
    { "postCloneKeyProtection", CHECK_MAC, "postCloneKeyProtection", "key-clone",
      "ProvisioningFinalizationRequest" },
    { "closeProvisioningSession", CHECK_MAC, "closeProvisioningSession", "p256-user-pin",
      "ProvisioningFinalizationRequest" },
    { "session attestation", CHECK_SESSION_ATTESTATION, NULL, "p256-user-pin",
      "ProvisioningInitializationResponse" },
    { "key attestation", CHECK_KEY_ATTESTATION, NULL, "p256-user-pin", "KeyCreationResponse" },
    { "closing proof", CHECK_CLOSING_PROOF, NULL, "p256-user-pin",
      "ProvisioningFinalizationResponse" },
    { "attestation of 2010", CHECK_ATTESTATION_2010, NULL, "session-2010",
      "ProvisioningInitializationResponse" },
};
const size_t HOLES_COUNT = NITEMS(HOLES);

static _Atomic(const struct hole *) open_hole;

void hole_open(const struct hole *hole)
{
    open_hole = hole;
}

static bool is_open(enum check_kind check, const char *method)
{
    const struct hole *hole = open_hole;

    return hole != NULL && hole->check == check &&
           (method == NULL || strcmp(method, hole->method) == 0);
}

/* ---- the checks, as the ends see them ---- */

enum sks_status __real_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac);
enum sks_status __wrap_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac);
enum sks_status __wrap_session_mac_verify(struct session_key *sk, const char *method,
                                          struct bytes data, struct bytes mac)
{
    enum sks_status rc = __real_session_mac_verify(sk, method, data, mac);

    return is_open(CHECK_MAC, method) ? SKS_OK : rc;
}

enum sks_status __real_verify_attestation(const struct session_key *sk, uint16_t counter,
                                          struct bytes data, struct bytes attestation);
enum sks_status __wrap_verify_attestation(const struct session_key *sk, uint16_t counter,
                                          struct bytes data, struct bytes attestation);
enum sks_status __wrap_verify_attestation(const struct session_key *sk, uint16_t counter,
                                          struct bytes data, struct bytes attestation)
{
    /* That of a key is over its public key; that of the close over a nonce. */
    enum check_kind check = data.len > 64 ? CHECK_KEY_ATTESTATION : CHECK_CLOSING_PROOF;

    return is_open(check, NULL) ? SKS_OK
                                : __real_verify_attestation(sk, counter, data, attestation);
}

enum sks_status __real_verify_session_attestation(const struct session_terms *terms,
                                                  struct bytes device_id,
                                                  struct bytes client_ephemeral_key,
                                                  const struct session_key *sk,
                                                  EVP_PKEY *device_key, struct bytes attestation);
enum sks_status __wrap_verify_session_attestation(const struct session_terms *terms,
                                                  struct bytes device_id,
                                                  struct bytes client_ephemeral_key,
                                                  const struct session_key *sk,
                                                  EVP_PKEY *device_key, struct bytes attestation);
enum sks_status __wrap_verify_session_attestation(const struct session_terms *terms,
                                                  struct bytes device_id,
                                                  struct bytes client_ephemeral_key,
                                                  const struct session_key *sk,
                                                  EVP_PKEY *device_key, struct bytes attestation)
{
    return is_open(CHECK_SESSION_ATTESTATION, NULL)
               ? SKS_OK
               : __real_verify_session_attestation(terms, device_id, client_ephemeral_key, sk,
                                                   device_key, attestation);
}

enum sks_status __real_session_2010_verify(EVP_PKEY *device_key, struct bytes proof,
                                           const struct session_2010_terms *terms,
                                           struct bytes attestation);
enum sks_status __wrap_session_2010_verify(EVP_PKEY *device_key, struct bytes proof,
                                           const struct session_2010_terms *terms,
                                           struct bytes attestation);
enum sks_status __wrap_session_2010_verify(EVP_PKEY *device_key, struct bytes proof,
                                           const struct session_2010_terms *terms,
                                           struct bytes attestation)
{
    return is_open(CHECK_ATTESTATION_2010, NULL)
               ? SKS_OK
               : __real_session_2010_verify(device_key, proof, terms, attestation);
}
