#include "token/call.h"

#include <stdlib.h>

static const char RSA2048[] = "https://webpki.github.io/sks/algorithm#rsa2048";

enum sks_status token_open(const char *database, const char *key_file,
                           const struct token_options *options, struct token **token,
                           struct sks_error *err)
{
    struct token *t = calloc(1, sizeof *t);
    enum sks_status rc;

    *token = NULL;
    REQUIRE(t != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(vault_open(key_file, &t->vault, err));
    TRY(store_open(database, t->vault, &t->store, err));
    TRY(device_load(t->store, &t->device, err));
    REQUIRE(t->device.certificate_path.count > 0, err, SKS_ERROR_NOT_AVAILABLE,
            "the device has no certificate yet: run sks-token certify");
    if (options->storage_limit > 0)
        TRY(store_limit(t->store, options->storage_limit, err));
    (void)pthread_mutex_init(&t->doom_lock, NULL);
    t->locks = locks_new();
    REQUIRE(t->locks != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    t->authorization = authorization_new(t->store, t->locks, t->vault);
    REQUIRE(t->authorization != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(session_recover(t, err));
    rc = key_pool_new(algorithm_by_uri(bytes_of(RSA2048), ALGORITHM_KEY_GENERATION),
                      options->rsa_pool, &t->rsa_pool);
    REQUIRE(rc == SKS_OK, err, rc, "the RSA key pool does not start: out of memory or threads");
    *token = t;
    t = NULL;
out:
    token_close(t);
    return rc;
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    key_pool_free(token->rsa_pool);
    authorization_free(token->authorization);
    free(token->doomed);
    locks_free(token->locks);
    device_free(&token->device);
    store_close(token->store);
    vault_close(token->vault);
    free(token);
}
