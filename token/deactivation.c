#include "token/deactivation.h"
#include "keygen2/base/log.h"
#include "token/call.h"

#include <stdlib.h>
#include <string.h>

enum token_state { ACTIVE, CLOSING, DEACTIVATED };
enum { RECORD_HANDLE = 2, LAYOUT = 1 }; /* a row of STORE_DEVICE, beside the device's own */

/* ---- the gate ---- */

enum sks_status token_enter(struct token *token, struct sks_error *err)
{
    struct deactivation *d = &token->deactivation;

    if (atomic_load(&d->state) == ACTIVE) { /* else who wants to write would wait for ever */
        (void)pthread_rwlock_rdlock(&d->gate);
        if (atomic_load(&d->state) == ACTIVE)
            return SKS_OK;
        (void)pthread_rwlock_unlock(&d->gate);
    }
    return sks_fail(err, SKS_ERROR_NOT_AVAILABLE, "%s",
                    token_is_deactivated(token) ? "the token is deactivated: run sks-token activate"
                                                : "the token is being deactivated");
}

void token_leave(struct token *token)
{
    (void)pthread_rwlock_unlock(&token->deactivation.gate);
}

bool token_is_deactivated(const struct token *token)
{
    return atomic_load(&token->deactivation.state) == DEACTIVATED;
}

/* ---- the record ---- */

static void put_record(struct changes *changes, struct store *store)
{
    const uint8_t body = LAYOUT;

    changes_put(changes, store,
                &(struct store_row){ .kind = STORE_DEVICE,
                                     .handle = RECORD_HANDLE,
                                     .body = bytes_at(&body, sizeof body) });
}

static enum sks_status remove_record(struct token *token, struct sks_error *err)
{
    struct changes changes = { 0 };
    enum sks_status rc = SKS_OK;

    if (token->deactivation.recorded) {
        changes_delete(&changes, STORE_DEVICE, RECORD_HANDLE);
        rc = store_apply(token->store, &changes, err);
    }
    token->deactivation.recorded = rc != SKS_OK;
    changes_free(&changes);
    return rc;
}

static enum sks_status record(struct token *token, struct sks_error *err)
{
    struct changes changes = { 0 };
    enum sks_status rc;

    TRY(changes_delete_open_sessions(&changes, token->store, err));
    put_record(&changes, token->store);
    put_record(&token->deactivation.record, token->store);
    TRY(sks_explain(err, token->deactivation.record.status));
    TRY(store_apply(token->store, &changes, err));
    token->deactivation.recorded = true;
out:
    if (rc != SKS_OK)
        changes_free(&token->deactivation.record);
    changes_free(&changes);
    return rc;
}

/* ---- there and back ---- */

static void wipe(struct token *token)
{
    token_sleep(token);
    vault_wipe(token->vault);
}

enum sks_status deactivation_open(struct token *token, const char *key_file, bool allowed,
                                  struct sks_error *err)
{
    struct deactivation *d = &token->deactivation;
    struct arena arena = { 0 };
    struct store_row row;
    enum sks_status rc;

    (void)pthread_rwlock_init(&d->gate, NULL);
    (void)pthread_mutex_init(&d->change, NULL);
    d->allowed = allowed;
    d->key_file = strdup(key_file);
    REQUIRE(d->key_file != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(store_get(token->store, STORE_DEVICE, RECORD_HANDLE, &arena, &row, err));
    d->recorded = row.handle != 0;
    if (!d->recorded) {
        TRY(token_wake(token, err));
    } else {
        put_record(&d->record, token->store);
        TRY(sks_explain(err, d->record.status));
        wipe(token);
        atomic_store(&d->state, DEACTIVATED);
    }
out:
    arena_free(&arena);
    return rc;
}

void deactivation_close(struct token *token)
{
    changes_free(&token->deactivation.record);
    free(token->deactivation.key_file);
}

enum sks_status token_deactivate(struct token *token, struct sks_error *err)
{
    struct deactivation *d = &token->deactivation;
    enum sks_status rc = SKS_OK;

    (void)pthread_mutex_lock(&d->change);
    if (token_is_deactivated(token)) {
        if (!d->recorded) /* an activation was, which waits for a restart */
            rc = store_apply(token->store, &d->record, err);
        d->recorded = rc == SKS_OK;
    } else {
        atomic_store(&d->state, CLOSING);
        (void)pthread_rwlock_wrlock(&d->gate);
        rc = record(token, err);
        if (rc == SKS_OK)
            wipe(token);
        atomic_store(&d->state, rc == SKS_OK ? DEACTIVATED : ACTIVE);
        (void)pthread_rwlock_unlock(&d->gate);
    }
    (void)pthread_mutex_unlock(&d->change);
    return rc;
}

static enum sks_status bring_back(struct token *token, struct sks_error *err)
{
    enum sks_status rc;

    if (vault_is_from_environment(token->vault)) {
        TRY(remove_record(token, err));
        return sks_fail(
            err, SKS_ERROR_NOT_AVAILABLE,
            "the activation is recorded, but the master key came by " MASTER_KEY_VARIABLE
            " and was wiped: restart the token with it");
    }
    TRY(vault_reload(token->vault, token->deactivation.key_file, err));
    TRY(token_wake(token, err)); /* fails unless it is the key that the store was sealed with */
    TRY(remove_record(token, err));
    changes_free(&token->deactivation.record);
out:
    if (rc != SKS_OK)
        wipe(token);
    return rc;
}

enum sks_status token_activate(struct token *token, bool *was_deactivated, struct sks_error *err)
{
    struct deactivation *d = &token->deactivation;
    enum sks_status rc = SKS_OK;

    (void)pthread_mutex_lock(&d->change);
    *was_deactivated = token_is_deactivated(token);
    if (*was_deactivated) {
        (void)pthread_rwlock_wrlock(&d->gate);
        rc = bring_back(token, err);
        atomic_store(&d->state, rc == SKS_OK ? ACTIVE : DEACTIVATED);
        (void)pthread_rwlock_unlock(&d->gate);
    }
    (void)pthread_mutex_unlock(&d->change);
    return rc;
}

enum sks_status token_lift_deactivation(struct token *token, bool *was_deactivated,
                                        struct sks_error *err)
{
    enum sks_status rc;

    (void)pthread_mutex_lock(&token->deactivation.change);
    *was_deactivated = token->deactivation.recorded;
    rc = remove_record(token, err);
    (void)pthread_mutex_unlock(&token->deactivation.change);
    return rc;
}

/* ---- method 25 ---- */

enum sks_status deactivate(struct call *call)
{
    enum sks_status rc;

    CALL_REQUIRE(call, call->token->deactivation.allowed, SKS_ERROR_NOT_ALLOWED,
                 "the token was started without --allow-deactivate");
    TRY(token_deactivate(call->token, &call->err));
    log_info("deactivated by a call");
    call->out.deactivate.deactivated = 1;
out:
    return rc;
}
