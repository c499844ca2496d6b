#include "token/call.h"

#include <stdlib.h>

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
    t->locks = locks_new();
    REQUIRE(t->locks != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    t->authorization = authorization_new(t->store, t->vault);
    t->live_keys = live_keys_new(t->store);
    REQUIRE(t->authorization != NULL && t->live_keys != NULL, err, SKS_ERROR_STORAGE,
            "out of memory");
    t->simulations = options->simulations;
    TRY(session_recover(t, err));
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
    live_keys_free(token->live_keys);
    authorization_free(token->authorization);
    locks_free(token->locks);
    device_free(&token->device);
    store_close(token->store);
    vault_close(token->vault);
    free(token);
}
