#include "token/call.h"
#include "token/master_key.h"

#include <stdlib.h>

enum sks_status token_open(const char *database, const char *key_file,
                           const struct token_options *options, struct token **token,
                           struct sks_error *err)
{
    struct token *t = calloc(1, sizeof *t);
    enum sks_status rc;

    *token = NULL;
    REQUIRE(t != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(master_key_open(database, key_file, &t->vault, &t->store, err));
    TRY(device_load(t->store, &t->device, err));
    REQUIRE(t->device.certificate_path.count > 0, err, SKS_ERROR_NOT_AVAILABLE,
            "the device has no certificate yet: run sks-token certify");
    if (options->storage_limit > 0)
        TRY(store_limit(t->store, options->storage_limit, err));
    TRY(firmware_open(t->store, options, &t->firmware, err));
    (void)pthread_mutex_init(&t->doom_lock, NULL);
    t->locks = locks_new();
    REQUIRE(t->locks != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    t->simulations = options->simulations;
    TRY(session_recover(t, err));
    TRY(deactivation_open(t, key_file, options->allow_deactivate, err));
    *token = t;
    t = NULL;
out:
    token_close(t);
    return rc;
}

enum sks_status token_wake(struct token *token, struct sks_error *err)
{
    enum sks_status rc;

    if (token->device.key == NULL)
        TRY(device_recall_key(token->store, &token->device, err));
    token->authorization = authorization_new(token->store, token->vault);
    token->live_keys = live_keys_new(token->store);
    REQUIRE(token->authorization != NULL && token->live_keys != NULL, err, SKS_ERROR_STORAGE,
            "out of memory");
    rc = SKS_OK;
out:
    return rc;
}

void token_sleep(struct token *token)
{
    live_keys_free(token->live_keys);
    token->live_keys = NULL;
    authorization_free(token->authorization);
    token->authorization = NULL;
    device_forget_key(&token->device);
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    token_sleep(token);
    deactivation_close(token);
    free(token->doomed);
    locks_free(token->locks);
    firmware_close(token->firmware);
    device_free(&token->device);
    store_close(token->store);
    vault_close(token->vault);
    free(token);
}
