#include "keygen2/base/clock.h"
#include "token/call.h"
#include "token/master_key.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_ID = 8 }; /* characters */

static const char RSA2048[] = "https://webpki.github.io/sks/algorithm#rsa2048";

enum sks_status token_open(const char *database, const char *key_file,
                           const struct token_options *options, struct token **token,
                           struct sks_error *err)
{
    struct token *t = calloc(1, sizeof *t);
    enum sks_status rc;

    *token = NULL;
    REQUIRE(t != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    t->database = strdup(database);
    REQUIRE(t->database != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(master_key_open(database, key_file, &t->vault, &t->store, err));
    TRY(device_load(t->store, &t->device, err));
    REQUIRE(t->device.certificate_path.count > 0, err, SKS_ERROR_NOT_AVAILABLE,
            "the device has no certificate yet: run sks-token certify");
    if (options->storage_limit > 0)
        TRY(store_limit(t->store, options->storage_limit, err));
    TRY(firmware_open(t->store, options, &t->firmware, err));
    t->locks = locks_new();
    REQUIRE(t->locks != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    t->simulations = options->simulations;
    t->rsa_pool_size = options->rsa_pool;
    t->key_maker = options->key_maker;
    t->counters_max = options->counters;
    t->live_keys_max = options->live_keys;
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
    token->authorization = authorization_new(token->store, token->vault, token->counters_max);
    token->live_keys = live_keys_new(token->store, token->live_keys_max);
    REQUIRE(token->authorization != NULL && token->live_keys != NULL, err, SKS_ERROR_STORAGE,
            "out of memory");
    rc = key_pool_new(algorithm_by_uri(bytes_of(RSA2048), ALGORITHM_KEY_GENERATION),
                      token->rsa_pool_size, &token->rsa_pool);
    REQUIRE(rc == SKS_OK, err, rc, "the RSA key pool does not start: out of memory or threads");
out:
    return rc;
}

void token_sleep(struct token *token)
{
    key_pool_free(token->rsa_pool);
    token->rsa_pool = NULL;
    live_keys_free(token->live_keys);
    token->live_keys = NULL;
    authorization_free(token->authorization);
    token->authorization = NULL;
    device_forget_key(&token->device);
}

enum sks_status token_copy(struct token *token, char name[TOKEN_COPY_NAME_MAX],
                           struct sks_error *err)
{
    const char *slash = strrchr(token->database, '/');
    int folder = slash == NULL ? 0 : (int)(slash - token->database) + 1;
    char id[COPY_ID + 1], path[PATH_MAX];
    int used;
    enum sks_status rc;

    TRY(random_id(id, COPY_ID));
    (void)snprintf(name, TOKEN_COPY_NAME_MAX, TOKEN_COPY "%s", id);
    used = snprintf(path, sizeof path, "%.*s%s", folder, token->database, name);
    REQUIRE(used > 0 && (size_t)used < sizeof path, err, SKS_ERROR_OPTION, "the path is too long");
    TRY(store_copy(token->store, path, err));
    TRY(store_await_syncs(token->store, err)); /* no copy is ahead of its store */
out:
    return sks_explain(err, rc);
}

void token_close(struct token *token)
{
    if (token == NULL)
        return;
    token_sleep(token);
    deactivation_close(token);
    locks_free(token->locks);
    firmware_close(token->firmware);
    device_free(&token->device);
    store_close(token->store);
    vault_close(token->vault);
    free(token->database);
    free(token);
}
