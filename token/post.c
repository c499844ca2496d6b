#include "token/post.h"
#include "token/authorize.h"
#include "token/kmk.h"

/* ---- queueing ---- */

static enum sks_status load_target(struct call *call, uint32_t handle, struct key *target,
                                   struct session *owner)
{
    struct store *store = call->token->store;
    bool found = false;
    enum sks_status rc;

    TRY(key_load(store, handle, &call->arena, target, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_NO_KEY, "targetKeyHandle: no key %u", handle);
    CALL_REQUIRE(call, target->closed, SKS_ERROR_OPTION,
                 "targetKeyHandle: the key is still being provisioned");
    TRY(session_load(store, target->owner, &call->arena, owner, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "the session of key %u is missing", handle);
    CALL_REQUIRE(call, owner->terms.key_management_key.len > 0, SKS_ERROR_OPTION,
                 "targetKeyHandle: the key's session has no key management key");
out:
    return rc;
}

/* From reading the target to the commit nobody else may move, replace or delete it. */
static enum sks_status hold_target(struct call *call)
{
    call->commit_lock = lock_take(call->token->locks, LOCK_COMMIT, 0);
    return call->commit_lock != NULL ? SKS_OK : call_fail(call, SKS_ERROR_STORAGE, "out of memory");
}

/* The MAC first, then the signature over what names the target in this session only. */
static enum sks_status verify_target(struct call *call, const char *method, struct buf *mac_data,
                                     const struct key *target, const struct session *owner,
                                     struct bytes authorization, struct bytes mac)
{
    struct session *s = &call->session;
    struct buf reference = { 0 };
    enum sks_status rc;

    CALL_REQUIRE(call, owner->terms.privacy_enabled == s->terms.privacy_enabled, SKS_ERROR_OPTION,
                 "privacyEnabled differs between the two sessions");
    TRY(call_verify_mac(call, method, mac_data, mac));
    TRY(call_take_operation(call));
    TRY(put_target_reference(&reference, &s->sk,
                             device_id(&call->token->device, s->terms.privacy_enabled),
                             target->certificate_path.item[0]));
    TRY(kmk_verify(call, owner->terms.key_management_key, buf_bytes(&reference), authorization));
out:
    buf_free(mac_data);
    buf_free(&reference);
    return rc;
}

/* SKS V1.07: delete stands alone on its target; one unlock, one update, any number of clones. */
static bool excludes(const struct post_operation *old, const struct post_operation *new)
{
    if (new->new_key != 0 && old->new_key == new->new_key)
        return true;
    if (old->target != new->target)
        return false;
    return old->kind == POST_DELETE || new->kind == POST_DELETE ||
           (old->kind == new->kind &&new->kind != POST_CLONE);
}

static enum sks_status queue(struct call *call, uint8_t kind, uint32_t target, uint32_t new_key)
{
    struct post_operation post = {
        .owner = call->session.handle, .kind = kind, .target = target, .new_key = new_key
    };
    struct post_list posts;
    enum sks_status rc;

    TRY(post_load(call, &posts));
    for (size_t i = 0; i < posts.count; i++)
        CALL_REQUIRE(call, !excludes(&posts.item[i], &post), SKS_ERROR_OPTION,
                     "the session has a post operation that excludes this one");
    post.handle = store_new_handle(call->token->store, STORE_POST);
    post_put(&call->changes, call->token->store, &post);
    call_keep_session(call);
out:
    return rc;
}

static enum sks_status post_by_session(struct call *call, uint8_t kind, const char *method)
{
    const struct post_session_in *in = &call->in.post_session;
    struct session owner = { 0 };
    struct buf data = { 0 };
    struct key target;
    enum sks_status rc;

    TRY(hold_target(call));
    TRY(load_target(call, in->target_key_handle, &target, &owner));
    CALL_REQUIRE(call, kind != POST_UNLOCK || target.pin.handle != 0, SKS_ERROR_OPTION,
                 "targetKeyHandle: the key has no PIN");
    put_mac_post_session(&data, in->authorization);
    TRY(verify_target(call, method, &data, &target, &owner, in->authorization, in->mac));
    TRY(queue(call, kind, target.handle, 0));
out:
    return rc;
}

enum sks_status post_delete_key(struct call *call)
{
    return post_by_session(call, POST_DELETE, MAC_POST_DELETE_KEY);
}

enum sks_status post_unlock_key(struct call *call)
{
    return post_by_session(call, POST_UNLOCK, MAC_POST_UNLOCK_KEY);
}

static enum sks_status check_pair(struct call *call, uint8_t kind, const struct key *target)
{
    const struct key *key = &call->key;
    struct guards guards;
    enum sks_status rc;

    CALL_REQUIRE(call, key->pin.handle == 0 && !key->device_pin_protection, SKS_ERROR_OPTION,
                 "the new key has a PIN of its own");
    TRY(load_guards(call, target, &guards));
    CALL_REQUIRE(call, kind != POST_UPDATE || key->app_usage == target->app_usage, SKS_ERROR_OPTION,
                 "the new key has another appUsage than its target");
    CALL_REQUIRE(call,
                 kind != POST_CLONE || target->pin.handle == 0 ||
                     guards.pin_policy.policy.grouping == GROUPING_SHARED,
                 SKS_ERROR_OPTION, "the target's PIN is not of grouping shared");
out:
    return rc;
}

static enum sks_status post_by_key(struct call *call, uint8_t kind, const char *method)
{
    const struct post_key_in *in = &call->in.post_key;
    struct session owner = { 0 };
    struct buf data = { 0 };
    struct key target;
    enum sks_status rc;

    TRY(hold_target(call));
    TRY(load_target(call, in->target_key_handle, &target, &owner));
    TRY(check_pair(call, kind, &target));
    TRY(call_need_certificate(call));
    put_mac_post_key(&data, call->key.certificate_path.item[0], in->authorization);
    TRY(verify_target(call, method, &data, &target, &owner, in->authorization, in->mac));
    TRY(queue(call, kind, target.handle, call->key.handle));
out:
    return rc;
}

enum sks_status post_update_key(struct call *call)
{
    return post_by_key(call, POST_UPDATE, MAC_POST_UPDATE_KEY);
}

enum sks_status post_clone_key_protection(struct call *call)
{
    return post_by_key(call, POST_CLONE, MAC_POST_CLONE_KEY_PROTECTION);
}

/* ---- at the close ---- */

enum sks_status post_load(struct call *call, struct post_list *posts)
{
    struct store_row row = { 0 };
    struct post_operation *longer;
    enum sks_status rc;

    *posts = (struct post_list){ 0 };
    for (;;) {
        TRY(store_next_owned(call->token->store, STORE_POST, call->session.handle, row.handle,
                             &call->arena, &row, &call->err));
        if (row.handle == 0)
            break;
        if ((posts->count & (posts->count + 1)) == 0) { /* grows at 0, 1, 3, 7, ... */
            longer = arena_alloc(&call->arena, 2 * posts->count + 2, sizeof *longer);
            CALL_REQUIRE(call, longer != NULL, SKS_ERROR_STORAGE, "out of memory");
            for (size_t i = 0; i < posts->count; i++)
                longer[i] = posts->item[i];
            posts->item = longer;
        }
        TRY(post_from_row(&row, &posts->item[posts->count]));
        posts->count++;
    }
out:
    return rc;
}

const struct post_operation *post_of_new_key(const struct post_list *posts, uint32_t key)
{
    for (size_t i = 0; i < posts->count; i++)
        if (posts->item[i].new_key == key)
            return &posts->item[i];
    return NULL;
}

static const struct post_operation *post_on(const struct post_list *posts, uint32_t target,
                                            uint8_t kind)
{
    for (size_t i = 0; i < posts->count; i++)
        if (posts->item[i].target == target && posts->item[i].kind == kind)
            return &posts->item[i];
    return NULL;
}

bool post_frees_certificate(const struct post_list *posts, uint32_t target)
{
    return post_on(posts, target, POST_DELETE) != NULL ||
           post_on(posts, target, POST_UPDATE) != NULL;
}

enum sks_status post_check_targets(struct call *call, const struct post_list *posts)
{
    struct session owner = { 0 };
    struct key target;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < posts->count; i++)
        TRY(load_target(call, posts->item[i].target, &target, &owner));
out:
    return rc;
}

/* Calls change for each extension of a key. They may be large: one at a time is in memory. */
static enum sks_status each_extension(struct call *call, const struct key *key,
                                      void (*change)(struct call *call, struct key_extension *e,
                                                     const struct key *now),
                                      const struct key *now)
{
    struct arena one = { 0 };
    struct key_extension e;
    bool found = false;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < key->extension_types.count; i++) {
        TRY(extension_load(call->token->store, key, key->extension_types.item[i], &one, &e, &found,
                           &call->err));
        CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "an extension of key %u is missing",
                     key->handle);
        change(call, &e, now);
        arena_free(&one);
    }
out:
    arena_free(&one);
    return rc;
}

static void delete_extension(struct call *call, struct key_extension *e, const struct key *now)
{
    (void)now;
    changes_delete(&call->changes, STORE_EXTENSION, e->handle);
}

static void move_extension(struct call *call, struct key_extension *e, const struct key *now)
{
    e->key = now->handle;
    e->owner = now->owner;
    e->closed = true;
    extension_put(&call->changes, call->token->store, e);
}

enum sks_status key_close_extensions(struct call *call, const struct key *before,
                                     const struct key *now)
{
    return each_extension(call, before, move_extension, now);
}

enum sks_status key_remove(struct call *call, const struct key *key)
{
    struct guards guards;
    enum sks_status rc;

    TRY(load_guards(call, key, &guards));
    TRY(each_extension(call, key, delete_extension, key));
    changes_delete(&call->changes, STORE_KEY, key->handle);
    if (key->pin.handle == 0)
        return SKS_OK;
    changes_collect(&call->changes, STORE_PIN, key->pin.handle, STORE_KEY);
    changes_collect(&call->changes, STORE_PIN_POLICY, key->pin_policy.handle, STORE_PIN);
    if (guards.puk.handle != 0)
        changes_collect(&call->changes, STORE_PUK, guards.puk.handle, STORE_PIN_POLICY);
out:
    return rc;
}

enum sks_status post_inherit(struct call *call, const struct post_operation *post, struct key *key)
{
    struct session owner = { 0 };
    struct key target;
    enum sks_status rc;

    TRY(load_target(call, post->target, &target, &owner));
    key->pin = target.pin; /* linked, not copied */
    key->pin_policy = target.pin_policy;
    key->device_pin_protection = target.device_pin_protection;
    if (post->kind != POST_UPDATE)
        goto out;
    changes_delete(&call->changes, STORE_KEY, key->handle);
    TRY(each_extension(call, &target, delete_extension, key));
    key->handle = target.handle;
out:
    return rc;
}

static enum sks_status unlock(struct call *call, uint32_t target)
{
    struct session owner = { 0 };
    struct key key;
    enum sks_status rc;

    TRY(load_target(call, target, &key, &owner));
    TRY(key_unlock(call, &key, true));
out:
    return rc;
}

enum sks_status key_unlock(struct call *call, const struct key *key, bool puk_too)
{
    struct store *store = call->token->store;
    struct guards guards;
    struct secret pin;
    bool found = false;
    enum sks_status rc;

    TRY(load_guards(call, key, &guards));
    TRY(secret_load(store, STORE_PIN, key->pin, &call->arena, &pin, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PIN %u is missing", key->pin.handle);
    pin.tries = (struct tries){ 0 };
    secret_put(&call->changes, store, &pin);
    if (puk_too && guards.puk.handle != 0) {
        guards.puk.tries = (struct tries){ 0 };
        secret_put(&call->changes, store, &guards.puk);
    }
out:
    return rc;
}

/* All keys of a session that a post operation touches belong to the closing session from now on;
 * the old session is gone. */
static enum sks_status take_over(struct call *call, const struct post_list *posts, uint32_t old)
{
    struct store *store = call->token->store;
    struct store_row row = { 0 };
    struct key key, moved;
    enum sks_status rc;

    for (;;) {
        TRY(store_next_owned(store, STORE_KEY, old, row.handle, &call->arena, &row, &call->err));
        if (row.handle == 0)
            break;
        TRY(key_from_row(&row, &call->arena, &key));
        if (post_on(posts, key.handle, POST_DELETE) != NULL) {
            TRY(key_remove(call, &key));
        } else if (post_on(posts, key.handle, POST_UPDATE) == NULL) {
            moved = key;
            moved.owner = call->session.handle;
            TRY(key_close_extensions(call, &key, &moved));
            key_put(&call->changes, store, &moved);
        } /* an updated key's row was replaced by the new key's */
    }
    changes_delete(&call->changes, STORE_SESSION, old);
out:
    return rc;
}

static enum sks_status owner_of(struct call *call, uint32_t target, uint32_t *owner)
{
    struct store_row row;
    enum sks_status rc =
        store_get(call->token->store, STORE_KEY, target, &call->arena, &row, &call->err);

    *owner = row.owner;
    return rc;
}

enum sks_status post_apply(struct call *call, const struct post_list *posts)
{
    uint32_t owner, earlier;
    bool done;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < posts->count; i++) {
        changes_delete(&call->changes, STORE_POST, posts->item[i].handle);
        if (posts->item[i].kind == POST_UNLOCK)
            TRY(unlock(call, posts->item[i].target));
        TRY(owner_of(call, posts->item[i].target, &owner));
        done = false;
        for (size_t k = 0; k < i && !done; k++) {
            TRY(owner_of(call, posts->item[k].target, &earlier));
            done = earlier == owner;
        }
        if (!done)
            TRY(take_over(call, posts, owner));
    }
out:
    return rc;
}
