/* Every call takes this way: decode, find what it is about, handle, commit, encode. */
#include "token/api/dialect.h"
#include "token/call.h"

#include <openssl/err.h>

/* Status, length and text. */
enum { FAILURE_SIZE_MAX = 3 + sizeof((struct sks_error *)0)->text };

/* What a method needs before its handler runs. SKS V1.07: the statuses are 6 for a session and 7
 * for a key that is not there, or not in the state that the method wants. */
enum need {
    NEEDS_NO_ACTIVE_TOKEN, /* all others get 13 from a deactivated one */
    NEEDS_NOTHING,
    NEEDS_OPEN_SESSION, /* the first input is the handle of an open session */
    NEEDS_OPEN_KEY,     /* the first input is a key of an open session */
    NEEDS_KEY,          /* the first input is a key of a closed session */
    NEEDS_JUST_A_KEY,   /* the same; what is done with it reads nothing else of the store */
};

/* What a method may wait for besides the lock of its session and the database. */
enum wait {
    WAITS_NEVER,
    WAITS_FOR_COMMIT, /* LOCK_COMMIT */
    WAITS_LONG,       /* a PUK without retryLimit, a chunk, the calls under way */
};

struct rule {
    uint8_t id;
    enum sks_status (*handle)(struct call *call);
    enum need need;
    bool tears_down; /* a failure aborts the session and removes all that it created */
    enum wait wait;
};

static const struct rule RULES[] = {
    { GET_DEVICE_INFO, get_device_info, NEEDS_NO_ACTIVE_TOKEN, false, WAITS_NEVER },
    { CREATE_PROVISIONING_SESSION, create_provisioning_session, NEEDS_NOTHING, false, WAITS_NEVER },
    { CLOSE_PROVISIONING_SESSION, close_provisioning_session, NEEDS_OPEN_SESSION, true,
      WAITS_FOR_COMMIT },
    { ENUMERATE_PROVISIONING_SESSIONS, enumerate_provisioning_sessions, NEEDS_NOTHING, false,
      WAITS_NEVER },
    { ABORT_PROVISIONING_SESSION, abort_provisioning_session, NEEDS_OPEN_SESSION, false,
      WAITS_NEVER },
    { CREATE_PUK_POLICY, create_puk_policy, NEEDS_OPEN_SESSION, true, WAITS_NEVER },
    { CREATE_PIN_POLICY, create_pin_policy, NEEDS_OPEN_SESSION, true, WAITS_NEVER },
    { CREATE_KEY_ENTRY, create_key_entry, NEEDS_OPEN_SESSION, true, WAITS_NEVER },
    { GET_KEY_HANDLE, get_key_handle, NEEDS_OPEN_SESSION, false, WAITS_NEVER },
    { SET_CERTIFICATE_PATH, set_certificate_path, NEEDS_OPEN_KEY, true, WAITS_NEVER },
    { UPDATE_KEY_MANAGEMENT_KEY, update_key_management_key, NEEDS_NOTHING, false,
      WAITS_FOR_COMMIT },
    { IMPORT_SYMMETRIC_KEY, import_symmetric_key, NEEDS_OPEN_KEY, true, WAITS_NEVER },
    { IMPORT_PRIVATE_KEY, import_private_key, NEEDS_OPEN_KEY, true, WAITS_NEVER },
    { ADD_EXTENSION, add_extension, NEEDS_OPEN_KEY, true, WAITS_NEVER },
    { CREATE_SESSION_2010, create_session_2010, NEEDS_NOTHING, false, WAITS_NEVER },
    { DEACTIVATE, deactivate, NEEDS_NO_ACTIVE_TOKEN, false, WAITS_LONG },
    { POST_DELETE_KEY, post_delete_key, NEEDS_OPEN_SESSION, true, WAITS_FOR_COMMIT },
    { POST_UNLOCK_KEY, post_unlock_key, NEEDS_OPEN_SESSION, true, WAITS_FOR_COMMIT },
    { POST_UPDATE_KEY, post_update_key, NEEDS_OPEN_KEY, true, WAITS_FOR_COMMIT },
    { POST_CLONE_KEY_PROTECTION, post_clone_key_protection, NEEDS_OPEN_KEY, true,
      WAITS_FOR_COMMIT },
    { ENUMERATE_KEYS, enumerate_keys, NEEDS_NOTHING, false, WAITS_NEVER },
    { GET_KEY_ATTRIBUTES, get_key_attributes, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
    { GET_KEY_PROTECTION_INFO, get_key_protection_info, NEEDS_KEY, false, WAITS_NEVER },
    { GET_EXTENSION, get_extension, NEEDS_KEY, false, WAITS_NEVER },
    { SET_PROPERTY, set_property, NEEDS_KEY, false, WAITS_FOR_COMMIT },
    { DELETE_KEY, delete_key, NEEDS_KEY, false, WAITS_LONG },
    { EXPORT_KEY, export_key, NEEDS_KEY, false, WAITS_LONG },
    { UNLOCK_KEY, unlock_key, NEEDS_KEY, false, WAITS_LONG },
    { CHANGE_PIN, change_pin, NEEDS_KEY, false, WAITS_LONG },
    { SET_PIN, set_pin, NEEDS_KEY, false, WAITS_LONG },
    { UPDATE_FIRMWARE, update_firmware, NEEDS_NOTHING, false, WAITS_LONG },
    { SIGN_HASHED_DATA, sign_hashed_data, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
    { ASYMMETRIC_KEY_DECRYPT, asymmetric_key_decrypt, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
    { KEY_AGREEMENT, key_agreement, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
    { PERFORM_HMAC, perform_hmac, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
    { SYMMETRIC_KEY_ENCRYPT, symmetric_key_encrypt, NEEDS_JUST_A_KEY, false, WAITS_NEVER },
};

static const struct rule *find_rule(uint8_t id)
{
    for (size_t i = 0; i < NITEMS(RULES); i++)
        if (RULES[i].id == id)
            return &RULES[i];
    return NULL;
}

/* Loads the open session; one whose life time is over is removed here and is gone. */
static enum sks_status load_session(struct call *call, uint32_t handle, enum sks_status missing)
{
    struct session *s = &call->session;
    bool found = false;
    enum sks_status rc;

    TRY(session_load(call->token->store, handle, &call->arena, s, &found, &call->err));
    CALL_REQUIRE(call, found && !s->closed, missing, "no open provisioning session %u", handle);
    if (session_expired(call->token, s)) {
        rc = session_remove(call->token, handle, NULL); /* gone for everybody, even if this fails */
        CALL_REQUIRE(call, false, missing, "the session is over");
    }
out:
    if (rc != SKS_OK)
        s->handle = 0; /* nothing to tear down */
    return rc;
}

static enum sks_status load_key(struct call *call, uint32_t handle, bool closed)
{
    bool found = false;
    enum sks_status rc;

    TRY(key_load(call->token->store, handle, &call->arena, &call->key, &found, &call->err));
    CALL_REQUIRE(call, found && call->key.closed == closed, SKS_ERROR_NO_KEY, "no %skey %u",
                 closed ? "" : "provisioning ", handle);
out:
    return rc;
}

/* A key of an open session: the lock of the session comes first, then the key is read. */
static enum sks_status load_open_key(struct call *call, uint32_t handle, struct held_lock **lock)
{
    struct store_row row;
    enum sks_status rc;

    TRY(store_get(call->token->store, STORE_KEY, handle, NULL, &row, &call->err));
    CALL_REQUIRE(call, row.handle != 0 && !row.closed, SKS_ERROR_NO_KEY, "no provisioning key %u",
                 handle);
    *lock = lock_take(call->token->locks, LOCK_SESSION, row.owner);
    CALL_REQUIRE(call, *lock != NULL, SKS_ERROR_STORAGE, "out of memory");
    TRY(load_session(call, row.owner, SKS_ERROR_NO_KEY));
    TRY(load_key(call, handle, false));
    CALL_REQUIRE(call, call->key.owner == row.owner, SKS_ERROR_INTERNAL,
                 "stored object %u has lost its owner", handle);
out:
    return rc;
}

/* A key of a closed session, as the last commit left it. */
static enum sks_status take_live_key(struct call *call, uint32_t handle)
{
    enum sks_status rc;

    TRY(live_key_take(call->token->live_keys, handle, &call->live, &call->err));
    CALL_REQUIRE(call, call->live != NULL, SKS_ERROR_NO_KEY, "no key %u", handle);
    call->key = call->live->key;
out:
    return rc;
}

static void let_go(struct call *call)
{
    if (call->live == NULL) /* perhaps the call was never let in: live_keys may go just now */
        return;
    live_key_release(call->token->live_keys, call->live);
    call->live = NULL;
}

enum sks_status call_look_again(struct call *call)
{
    return load_key(call, call->key.handle, true);
}

enum sks_status call_reread_key(struct call *call)
{
    enum sks_status rc;

    call->commit_lock = lock_take(call->token->locks, LOCK_COMMIT, 0);
    CALL_REQUIRE(call, call->commit_lock != NULL, SKS_ERROR_STORAGE, "out of memory");
    TRY(load_key(call, call->key.handle, true));
    let_go(call);
out:
    return rc;
}

/* A key may be deleted while a call is at work with it: what it then misses is the key. */
static enum sks_status explain_gone(struct call *call, enum sks_status rc)
{
    if (call->live == NULL || (rc != SKS_ERROR_INTERNAL && rc != SKS_ERROR_OPTION) ||
        !key_is_gone(call->token->store, call->in.handle))
        return rc;
    return call_fail(call, SKS_ERROR_NO_KEY, "no key %u", call->in.handle);
}

static enum sks_status find_subject(struct call *call, enum need need, struct held_lock **lock)
{
    uint32_t handle = call->in.handle;

    switch (need) {
    case NEEDS_OPEN_SESSION:
        *lock = lock_take(call->token->locks, LOCK_SESSION, handle);
        if (*lock == NULL)
            return call_fail(call, SKS_ERROR_STORAGE, "out of memory");
        return load_session(call, handle, SKS_ERROR_NO_SESSION);
    case NEEDS_OPEN_KEY:
        return load_open_key(call, handle, lock);
    case NEEDS_KEY:
    case NEEDS_JUST_A_KEY:
        return take_live_key(call, handle);
    default:
        return SKS_OK;
    }
}

/* An answer that there is no memory for must not be found missing when all is done. */
static enum sks_status answer_and_commit(struct call *call, struct buf *response)
{
    enum sks_status rc;

    sks_encode_response(response, call->method, &call->out);
    TRY(response->status);
    if (changes_empty(&call->changes))
        return SKS_OK;
    TRY(store_apply(call->token->store, &call->changes, &call->err));
    call->applied = true;
out:
    return rc;
}

static void run(struct call *call, const struct rule *rule, struct buf *response)
{
    struct held_lock *lock = NULL;
    enum sks_status rc;

    if (rule->need != NEEDS_NO_ACTIVE_TOKEN) {
        TRY(token_enter(call->token, &call->err));
        call->entered = true;
    }
    TRY(find_subject(call, rule->need, &lock));
    rc = rule->handle(call);
    if (rc == SKS_OK)
        rc = answer_and_commit(call, response);
    if (rc != SKS_OK && rule->tears_down && call->session.handle != 0) {
        struct sks_error trouble = { 0 };

        if (session_remove(call->token, call->session.handle, &trouble) != SKS_OK) {
            session_doom(call->token, lock);
            call->err = trouble; /* the store fails: that is what to tell */
            rc = trouble.status;
        }
    }
    rc = explain_gone(call, rc);
out:
    (void)sks_explain(&call->err, rc);
    lock_release(call->token->locks, lock);
}

/* What is in memory of a row that was written or deleted is old now; of any other it must stay,
 * since a charge that it holds ahead would count as a wrong try. */
static void forget_row(void *ctx, enum store_kind kind, uint32_t handle, bool collected)
{
    struct call *call = ctx;
    struct store_row row = { 0 };

    if (kind == STORE_KEY)
        live_key_drop(call->token->live_keys, handle);
    if (!call->frozen || (kind != STORE_PIN && kind != STORE_PUK))
        return;
    if (collected &&
        (store_get(call->token->store, kind, handle, &call->arena, &row, NULL) != SKS_OK ||
         row.handle != 0))
        return; /* something else still refers to it */
    authorization_forget(call->token->authorization, kind, handle);
}

/* What could not be synced was written: what is in memory of PINs would let a try pass that is paid
 * for no more. */
static bool may_be_applied(const struct call *call)
{
    return call->applied || (call->frozen && store_await_syncs(call->token->store, NULL) != SKS_OK);
}

static void finish(struct call *call)
{
    if (may_be_applied(call))
        changes_each(&call->changes, forget_row, call);
    if (call->frozen)
        authorization_thaw(call->token->authorization);
    let_go(call);
    lock_release(call->token->locks, call->commit_lock);
    changes_free(&call->changes);
    arena_free(&call->arena);
    OPENSSL_cleanse(&call->session.sk, sizeof call->session.sk);
    ERR_clear_error();
    if (call->entered)
        token_leave(call->token);
}

/*
 * A call answers for nothing that another call has written and a power cut would take back. What it
 * wrote itself is durable, with all that was written before. live_keys keeps what is, and the locks
 * of PINs and PUKs are held until their change is: so much for a key that just works.
 */
static enum sks_status await_what_was_read(struct call *call, const struct rule *rule)
{
    if (!call->entered || call->applied ||
        (rule->need == NEEDS_JUST_A_KEY && call->err.status == SKS_OK))
        return SKS_OK;
    return store_await_syncs(call->token->store, &call->err);
}

/* Gives the failure in the place of what was written of an answer. */
static void answer_failure(struct buf *response, size_t begin, const struct sks_error *err)
{
    OPENSSL_cleanse(response->ptr + begin, response->len - begin);
    response->len = begin;
    response->status = SKS_OK; /* there is room */
    sks_encode_failure(response, err);
}

void token_process(struct token *token, struct bytes request, struct buf *response)
{
    token_process_as(token, &SKS_DIALECT_107, request, response);
}

static enum sks_status decode(struct call *call, const struct sks_dialect *dialect,
                              struct bytes request)
{
    enum sks_status rc;

    TRY(dialect_check_method(dialect, request, &call->err));
    TRY(sks_decode_request(request, &call->method, &call->in, &call->arena, &call->err));
out:
    if (rc != SKS_OK)
        call->method = NULL; /* no method refuses it: it is no call of one */
    return rc;
}

void token_process_as(struct token *token, const struct sks_dialect *dialect, struct bytes request,
                      struct buf *response)
{
    struct call call = { .token = token, .policy = firmware_policy(token->firmware) };
    const struct rule *rule = NULL;
    size_t begin = response->len;

    if (!buf_reserve(response, FAILURE_SIZE_MAX)) /* so that any failure can be told */
        return;
    if (decode(&call, dialect, request) == SKS_OK) {
        rule = find_rule(call.method->id);
        run(&call, rule, response);
    }
    finish(&call);
    (void)!await_what_was_read(&call, rule); /* it holds nothing that others wait for */
    if (call.err.status != SKS_OK) {
        call.err.status = (enum sks_status)dialect_number(dialect, call.method, call.err.status);
        answer_failure(response, begin, &call.err);
    }
}

static bool generates_rsa(const union sks_in *in)
{
    const struct algorithm *algorithm =
        algorithm_by_uri(in->create_key_entry.key.key_algorithm, ALGORITHM_KEY_GENERATION);

    return algorithm != NULL && algorithm->kind == KEY_KIND_RSA;
}

/* The session whose lock a call will want. */
static uint32_t session_of(struct token *token, enum need need, uint32_t handle)
{
    struct store_row row = { 0 };

    if (need == NEEDS_OPEN_SESSION)
        return handle;
    if (token_enter(token, NULL) != SKS_OK)
        return 0;
    if (store_get(token->store, STORE_KEY, handle, NULL, &row, NULL) != SKS_OK)
        row.owner = 0;
    token_leave(token);
    return row.owner;
}

static bool tries_puk(uint8_t method, const struct key *key)
{
    return method == UNLOCK_KEY || method == SET_PIN ||
           (method == DELETE_KEY && key->delete_protection == PROTECTION_PUK) ||
           (method == EXPORT_KEY && key->export_protection == PROTECTION_PUK);
}

/* The PUK whose delay a call will wait for; 0: none. */
static uint32_t slow_puk_of(struct token *token, uint8_t method, uint32_t handle)
{
    const struct live_key *key;
    uint32_t puk = 0;

    if (token_enter(token, NULL) != SKS_OK)
        return 0;
    if (live_key_take(token->live_keys, handle, &key, NULL) == SKS_OK && key != NULL &&
        key->guards.puk.retry_limit == 0 && tries_puk(method, &key->key))
        puk = key->guards.puk.handle;
    live_key_release(token->live_keys, key);
    token_leave(token);
    return puk;
}

static uint64_t subject_of(enum lock_kind kind, uint32_t handle)
{
    return handle == 0 ? 0 : (uint64_t)(kind + 1) << 32 | handle;
}

bool token_request_is_slow(struct token *token, struct bytes request, uint64_t *subject)
{
    const struct rule *rule = request.len == 0 ? NULL : find_rule(request.ptr[0]);
    const struct sks_method *method;
    struct arena arena = { 0 };
    union sks_in in;
    bool of_session, slow = false;

    *subject = 0;
    if (rule == NULL)
        return false;
    of_session = rule->need == NEEDS_OPEN_SESSION || rule->need == NEEDS_OPEN_KEY;
    if (!(of_session || rule->wait != WAITS_NEVER) ||
        sks_decode_request(request, &method, &in, &arena, NULL) != SKS_OK)
        goto out;
    slow = rule->wait == WAITS_LONG ||
           (rule->wait == WAITS_FOR_COMMIT && lock_is_busy(token->locks, LOCK_COMMIT, 0));
    if (of_session) {
        uint32_t session = session_of(token, rule->need, in.handle);

        *subject = subject_of(LOCK_SESSION, session);
        slow = slow || (rule->id == CREATE_KEY_ENTRY && generates_rsa(&in)) ||
               lock_is_busy(token->locks, LOCK_SESSION, session);
    } else if (rule->need == NEEDS_KEY) {
        *subject = subject_of(LOCK_PUK, slow_puk_of(token, rule->id, in.handle));
    }
out:
    arena_free(&arena);
    return slow;
}
