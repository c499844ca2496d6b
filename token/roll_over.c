/* updateKeyManagementKey: the key management key of a closed session gives way to another. */
#include "token/kmk.h"

static enum sks_status load_closed(struct call *call, uint32_t handle, struct session *s)
{
    bool found = false;
    enum sks_status rc;

    TRY(session_load(call->token->store, handle, &call->arena, s, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_NO_SESSION, "no session %u", handle);
    CALL_REQUIRE(call, s->closed, SKS_ERROR_NOT_ALLOWED, "the session is still open");
    CALL_REQUIRE(call, s->terms.key_management_key.len > 0, SKS_ERROR_NOT_ALLOWED,
                 "the session has no key management key");
out:
    return rc;
}

/* Acts at once, and is no part of any session. */
enum sks_status update_key_management_key(struct call *call)
{
    const struct update_kmk_in *in = &call->in.update_kmk;
    struct buf data = { 0 };
    struct session s = { 0 };
    enum sks_status rc;

    call->commit_lock = lock_take(call->token->locks, LOCK_COMMIT, 0);
    CALL_REQUIRE(call, call->commit_lock != NULL, SKS_ERROR_STORAGE, "out of memory");
    TRY(load_closed(call, in->provisioning_handle, &s));
    TRY(kmk_check(call, "keyManagementKey", in->key_management_key, true));
    put_roll_over(&data, in->key_management_key);
    TRY(data.status);
    TRY(kmk_verify(call, s.terms.key_management_key, buf_bytes(&data), in->authorization));
    s.terms.key_management_key = in->key_management_key;
    session_keep(&call->changes, call->token->store, &s);
out:
    buf_free(&data);
    return rc;
}
