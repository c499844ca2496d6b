/*
 * Does the sweep find holes? The linker sends checks of the ends here; a hole is one of them that
 * says yes to everything. Each must turn the sweep red, with a message that the check is about.
 *
 *   holes [--random] [HOLE]...     --random: by combinations, of which the smallest part is left
 */
#include "keygen2/base/log.h"
#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/session_2010.h"
#include "matrix/sweep.h"
#include "tests/plain/support/must.h"

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The checks of which one may be missing. */
enum check_kind {
    CHECK_MAC, /* of the method named */
    CHECK_SESSION_ATTESTATION,
    CHECK_KEY_ATTESTATION,
    CHECK_CLOSING_PROOF,
    CHECK_ATTESTATION_2010,
};

/* A hole, and a scenario that shows it. */
static const struct hole {
    const char *name;
    enum check_kind check;
    const char *method; /* MAC name */
    const char *profile;
    const char *message; /* a case of it is not noticed */
} HOLES[] = {
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

static _Atomic(const struct hole *) open_hole;

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

/* ---- one hole ---- */

struct finding {
    const struct hole *hole;
    char first[300];
    size_t count, large; /* the second: those of more than one rule */
};

static void look(void *ctx, const struct case_result *result)
{
    struct finding *finding = ctx;
    const struct plan_case *item = result->item;

    if (result->verdict != MATRIX_UNDETECTED && !result->leftover)
        return;
    if (strcmp(item->message, finding->hole->message) != 0)
        return;
    finding->large += item->parts > 1;
    if (finding->count++ == 0)
        (void)snprintf(finding->first, sizeof finding->first, "%s %s %s", item->message,
                       name_of_value(OPERATION_NAMES, item->operation), item->path);
}

enum { COMBINATIONS = 2000 };

static volatile sig_atomic_t never;
static bool by_combinations;

/* True if the sweep of the messages that the check is about sees it. */
static bool try_hole(const struct hole *hole, const char *folder)
{
    struct finding finding = { .hole = hole };
    struct sweep_config config = { .profiles = "issuer/profiles",
                                   .folder = folder,
                                   .only = hole->message,
                                   .random = by_combinations ? COMBINATIONS : 0,
                                   .seed = 1,
                                   .jobs = 1,
                                   .stop = &never,
                                   .told = look,
                                   .ctx = &finding };
    struct sweep_result result = { 0 };
    struct sks_error err = { 0 };
    size_t cases = 0;

    open_hole = hole;
    must(sweep(&config, scenario_find(hole->profile), &result, &err) == SKS_OK, err.text);
    open_hole = NULL;
    for (size_t i = 0; i < MATRIX_UNFIT; i++)
        cases += result.cases[i];
    (void)printf("%-32s %-24s %3zu of %4zu cases not noticed%s%s\n", hole->name, hole->profile,
                 finding.count, cases, finding.count == 0 ? "" : ", first: ", finding.first);
    (void)fflush(stdout);
    return finding.count > finding.large;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)kind, (void)ftw;
    return remove(path);
}

static bool is_asked_for(const struct hole *hole, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], hole->name) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    size_t missed = 0, tried = 0;

    log_set_level(LOG_LEVEL_NONE);
    if (argc > 1 && strcmp(argv[1], "--random") == 0) {
        by_combinations = true;
        argv++, argc--;
    }
    for (size_t i = 0; i < NITEMS(HOLES); i++) {
        char folder[] = "/tmp/sks-holes.XXXXXX";

        if (!is_asked_for(&HOLES[i], argc, argv))
            continue;
        must(mkdtemp(folder) != NULL, "temporary folder");
        tried++;
        missed += !try_hole(&HOLES[i], folder);
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    (void)printf("%zu holes, %zu not seen\n", tried, missed);
    return tried == 0 ? 2 : missed > 0;
}
