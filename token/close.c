/* closeProvisioningSession: the closing conditions and the one commit. */
#include "token/close_checks.h"

typedef enum sks_status visit_row(struct call *call, const struct post_list *posts,
                                  struct store_row *row);

/* Calls visit for each object of a kind that the session owns; one at a time is in memory. */
static enum sks_status for_each_owned(struct call *call, const struct post_list *posts,
                                      enum store_kind kind, visit_row *visit)
{
    struct store_row row = { 0 };
    struct arena one = { 0 };
    enum sks_status rc;

    do {
        arena_free(&one);
        TRY(store_next_owned(call->token->store, kind, call->session.handle, row.handle, &one, &row,
                             &call->err));
        if (row.handle != 0)
            TRY(visit(call, posts, &row));
    } while (row.handle != 0);
out:
    arena_free(&one);
    return rc;
}

/* ---- a PUK policy, a PIN, a PIN policy: checked and closed ---- */

static enum sks_status need_user(struct call *call, enum store_kind by, uint32_t handle,
                                 const char *what)
{
    struct store_row user;
    enum sks_status rc;

    TRY(store_next_referring(call->token->store, by, handle, 0, NULL, &user, &call->err));
    CALL_REQUIRE(call, user.handle != 0, SKS_ERROR_OPTION, "%s is used by nothing", what);
out:
    return rc;
}

/* From now on they belong to whoever refers to them, and live as long. */
static enum sks_status close_secret(struct call *call, const struct post_list *posts,
                                    struct store_row *row)
{
    struct secret secret;
    enum sks_status rc;

    (void)posts;
    TRY(secret_from_row(row, &secret));
    if (secret.kind == STORE_PUK)
        TRY(need_user(call, STORE_PIN_POLICY, secret.handle, "a PUK policy"));
    secret.closed = true;
    secret.owner = 0;
    secret.name = (struct bytes){ 0 };
    secret_put(&call->changes, call->token->store, &secret);
out:
    return rc;
}

static enum sks_status close_pin_policy(struct call *call, const struct post_list *posts,
                                        struct store_row *row)
{
    struct pin_policy_object policy;
    enum sks_status rc;

    (void)posts;
    TRY(pin_policy_from_row(row, &policy));
    TRY(need_user(call, STORE_PIN, policy.handle, "a PIN policy"));
    policy.closed = true;
    policy.owner = 0;
    policy.policy.id = (struct bytes){ 0 };
    pin_policy_put(&call->changes, call->token->store, &policy);
out:
    return rc;
}

/* ---- a key ---- */

static enum sks_status check_key(struct call *call, const struct post_list *posts,
                                 struct store_row *row)
{
    struct key key;
    enum sks_status rc;

    TRY(key_from_row(row, &call->arena, &key));
    CALL_REQUIRE(call, key.certificate_path.count > 0, SKS_ERROR_OPTION,
                 "key \"%.*s\" has no certificate path", (int)key.id.len, (const char *)key.id.ptr);
    TRY(close_check_match(call, &key));
    TRY(close_check_unique(call, posts, &key, row->tag));
    TRY(close_check_endorsed(call, &key));
out:
    return rc;
}

static enum sks_status close_key(struct call *call, const struct post_list *posts,
                                 struct store_row *row)
{
    const struct post_operation *post = post_of_new_key(posts, row->handle);
    struct key key, closed;
    enum sks_status rc;

    TRY(key_from_row(row, &call->arena, &key));
    closed = key;
    closed.closed = true;
    if (post != NULL)
        TRY(post_inherit(call, post, &closed));
    TRY(key_close_extensions(call, &key, &closed));
    key_put(&call->changes, call->token->store, &closed);
out:
    return rc;
}

/* Nothing comes in between if there is no post operation. */
static enum sks_status check_and_close_key(struct call *call, const struct post_list *posts,
                                           struct store_row *row)
{
    enum sks_status rc = check_key(call, posts, row);

    return rc == SKS_OK ? close_key(call, posts, row) : rc;
}

static enum sks_status close_keys(struct call *call, const struct post_list *posts)
{
    enum sks_status rc;

    if (posts->count == 0)
        return for_each_owned(call, posts, STORE_KEY, check_and_close_key);
    TRY(for_each_owned(call, posts, STORE_KEY, check_key));
    TRY(post_check_targets(call, posts));
    TRY(post_apply(call, posts));
    TRY(for_each_owned(call, posts, STORE_KEY, close_key));
out:
    return rc;
}

/* ---- the session ---- */

static enum sks_status prove(struct call *call, const struct close_session_in *in)
{
    struct buf data = { 0 };
    enum sks_status rc;

    CALL_REQUIRE(call, in->nonce.len >= 1 && in->nonce.len <= SKS_NONCE_MAX, SKS_ERROR_OPTION,
                 "nonce is not 1-%d bytes", SKS_NONCE_MAX);
    put_mac_close(&data, &call->session.terms, in->nonce);
    TRY(call_verify_mac(call, MAC_CLOSE_SESSION, &data, in->mac));
    put_attested_close(&data, in->nonce);
    TRY(call_attest(call, &data, &call->out.close_session.attestation));
out:
    buf_free(&data);
    return rc;
}

static void close_session(struct call *call)
{
    struct session *s = &call->session;

    OPENSSL_cleanse(&s->sk, sizeof s->sk);
    s->closed = true;
    call_put_session(call);
    changes_collect_session(&call->changes, s->handle); /* without a key it has no mission */
}

enum sks_status close_provisioning_session(struct call *call)
{
    struct post_list posts;
    enum sks_status rc;

    TRY(prove(call, &call->in.close_session));
    /* From looking for a twin certificate to the commit nobody else may commit one. */
    call->commit_lock = lock_take(call->token->locks, LOCK_COMMIT, 0);
    CALL_REQUIRE(call, call->commit_lock != NULL, SKS_ERROR_STORAGE, "out of memory");
    call_freeze(call);
    TRY(post_load(call, &posts));
    TRY(for_each_owned(call, &posts, STORE_PUK, close_secret));
    TRY(for_each_owned(call, &posts, STORE_PIN_POLICY, close_pin_policy));
    TRY(for_each_owned(call, &posts, STORE_PIN, close_secret));
    TRY(close_keys(call, &posts));
    close_session(call);
out:
    return rc;
}
