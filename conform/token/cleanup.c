/* What the cases have made goes, case by case: sessions are aborted, keys deleted, where they are
 * not free to be deleted by a post operation. */
#include "conform/token/session.h"

#include <stdio.h>
#include <string.h>

static enum sks_status quiet_call(struct target *target, struct arena *arena, enum method_id method,
                                  const union sks_in *in, union sks_out *out)
{
    return token_call(target->link, method, in, out, arena, NULL);
}

/* The key management key is of this run, or there is none; the ids are drawn. */
static bool is_ours(const struct target *target, const struct enumerate_sessions_out *session)
{
    struct bytes kmk = session->key_management_key;
    struct buf own = { 0 };
    bool ours = kmk.len == 0;

    if (put_pkey(&own, target->kmk[0]) == SKS_OK)
        ours = ours || bytes_equal(buf_bytes(&own), kmk);
    buf_free(&own);
    return ours && bytes_equal(session->server_session_id, target->unanswered);
}

/* Looks for the session whose creation was not answered. */
static void find_unanswered(struct target *target, struct arena *arena)
{
    union sks_in in = { .enumerate_sessions = { 0, true } };
    union sks_out out;

    while (quiet_call(target, arena, ENUMERATE_PROVISIONING_SESSIONS, &in, &out) == SKS_OK &&
           out.enumerate_sessions.provisioning_handle > in.enumerate_sessions.provisioning_handle) {
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        if (is_ours(target, &out.enumerate_sessions))
            target_made_session(target, in.enumerate_sessions.provisioning_handle);
    }
    target->unanswered = bytes_of("");
}

/* Those that it does not say of that they are gone are kept in mind. */
static void abort_sessions(struct target *target, struct arena *arena)
{
    struct made *sessions = &target->sessions;
    size_t kept = 0;

    for (size_t i = 0; i < sessions->count; i++) {
        union sks_in in = { .session_handle = { sessions->handle[i] } };
        enum sks_status rc = quiet_call(target, arena, ABORT_PROVISIONING_SESSION, &in, NULL);

        if (rc != SKS_OK && rc != SKS_ERROR_NO_SESSION)
            sessions->handle[kept++] = sessions->handle[i];
    }
    sessions->count = kept;
}

/* ---- keys that are not free to be deleted ---- */

static const struct conform_case CLEANING = { .id = "cleaning.up" };

static enum sks_status post_delete(struct target *target, struct check *check,
                                   const struct key *key, EVP_PKEY *kmk, bool privacy)
{
    struct session s = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(session_begin(&s, target, check));
    s.terms.privacy_enabled = privacy;
    TRY(session_create(&s, SKS_OK));
    TRY(call_post(&s, &call, POST_DELETE_KEY, NULL, key, kmk));
    TRY(call_do(&s, &call, SKS_OK));
    rc = session_close(&s);
out:
    session_free(&s);
    return rc;
}

/* With whichever key management key and mode the session had that owns it. */
static bool delete_by_post(struct target *target, struct key *key)
{
    struct check check;
    bool deleted = false;

    for (size_t i = 0; i < 2 * KMK_COUNT && !deleted; i++) {
        check_begin(&check, &CLEANING, target->seed + i);
        deleted = post_delete(target, &check, key, target->kmk[i / 2], i % 2 == 1) == SKS_OK;
        check_free(&check);
    }
    return deleted;
}

/* True if it is gone. Only what has a certificate of this run's CA is ours. */
static bool delete_key(struct target *target, struct arena *arena, uint32_t handle)
{
    union sks_in in = { .authorized = { .key_handle = handle } };
    union sks_out out;
    struct key key = { .handle = handle };
    enum sks_status rc;

    rc = quiet_call(target, arena, GET_KEY_ATTRIBUTES, &in, &out);
    if (rc != SKS_OK)
        return rc == SKS_ERROR_NO_KEY;
    if (out.key_attributes.certificate_path.count == 0 ||
        !target_has_issued(target, out.key_attributes.certificate_path.item[0]))
        return true;
    key.certificate = out.key_attributes.certificate_path.item[0];
    return quiet_call(target, arena, DELETE_KEY, &in, NULL) == SKS_OK ||
           delete_by_post(target, &key);
}

/* @param from  those before it did not go, and are not tried after each case */
static void delete_keys(struct target *target, struct arena *arena, size_t from)
{
    size_t kept = from;

    for (size_t i = from; i < target->keys.count; i++)
        if (!delete_key(target, arena, target->keys.handle[i]))
            target->keys.handle[kept++] = target->keys.handle[i];
    target->keys.count = kept;
    target->stuck = kept;
}

/* ---- for struct suite ---- */

static enum sks_status tidy(struct target *target, size_t from, struct sks_error *err)
{
    struct arena arena = { 0 };
    enum sks_status rc = SKS_OK;

    token_link_set_dialect(target->link, &SKS_DIALECT_107);
    if (target->lost) /* an answer was missing: is the token still there? */
        rc = token_call(target->link, GET_DEVICE_INFO, NULL, NULL, &arena, err);
    if (rc == SKS_OK) {
        target->lost = false;
        if (target->unanswered.len > 0)
            find_unanswered(target, &arena);
        abort_sessions(target, &arena);
        delete_keys(target, &arena, from);
        abort_sessions(target, &arena); /* those of the deletion */
    }
    arena_free(&arena);
    return rc;
}

enum sks_status target_tidy(void *end, struct sks_error *err)
{
    struct target *target = end;

    return tidy(target, target->stuck, err);
}

static void name_all(const struct made *made, const char *what, json_t *leftovers)
{
    char text[80];

    for (size_t i = 0; i < made->count; i++) {
        (void)snprintf(text, sizeof text, "%s %u", what, made->handle[i]);
        (void)json_array_append_new(leftovers, json_string(text));
    }
}

void target_leave(void *end, json_t *leftovers)
{
    struct target *target = end;
    struct sks_error err = { 0 };

    if (target->deactivated)
        (void)json_array_append_new(leftovers, json_string("it is deactivated"));
    (void)!tidy(target, 0, &err); /* what does not go is named */
    if (!target->deactivated)
        name_all(&target->sessions, "session", leftovers);
    name_all(&target->keys, "key", leftovers);
}
