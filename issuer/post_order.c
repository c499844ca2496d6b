#include "issuer/post_order.h"
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"

/* What one post operation is made from. */
struct post {
    struct exchange *x;
    struct session_key *sk;
    struct bytes certificate, id; /* of the new key of an update or a clone */
};

static enum sks_status no_memory(struct exchange *x)
{
    return sks_fail(x->err, SKS_ERROR_STORAGE, "no memory for the message");
}

static const struct {
    const char *mac;
    bool of_key; /* its MAC begins with the new key's certificate */
} POST[] = {
    [POST_UPDATE] = { MAC_POST_UPDATE_KEY, true },
    [POST_CLONE] = { MAC_POST_CLONE_KEY_PROTECTION, true },
    [POST_UNLOCK] = { MAC_POST_UNLOCK_KEY, false },
    [POST_DELETE] = { MAC_POST_DELETE_KEY, false },
};

/* SKS V1.07, post operations: which may be done to one key. @param again out: it is asked for */
static enum sks_status check_operation(struct post *o, enum post_operation operation,
                                       struct bytes target, bool *again)
{
    const struct session_state *state = &o->x->session->state;

    *again = false;
    for (size_t i = 0; i < state->operations; i++) {
        const struct asked_operation *other = &state->operation[i];

        if (!bytes_equal(other->target, target))
            continue;
        if (other->operation == operation && !POST[operation].of_key)
            *again = true;
        else if (operation == POST_DELETE ||
                 (operation == POST_UPDATE && operation == other->operation))
            return check_fail(o->x, SKS_ERROR_OPTION, "target",
                              "the lookups found one key for operations that exclude each other");
    }
    return SKS_OK;
}

/* Signed by the key management key of the session that has the target. */
static enum sks_status authorize(struct post *o, const struct found_credential *found,
                                 struct bytes *authorization)
{
    EVP_PKEY *key = key_management_private(&o->x->issuer->key_management, found->generation);
    struct buf data = { 0 }, signature = { 0 };
    enum sks_status rc;

    if (key == NULL)
        return check_fail(o->x, SKS_ERROR_NOT_AVAILABLE, "key management key",
                          "generation %u is gone", found->generation);
    TRY(put_target_reference(&data, o->sk, session_device_id(&o->x->session->state),
                             found->certificate));
    TRY(sign_sha256(key, buf_bytes(&data), &signature));
    TRY(keep_bytes(o->x, buf_bytes(&signature), authorization));
out:
    buf_free(&data);
    buf_free(&signature);
    return sks_explain(o->x->err, rc);
}

static void record_target(struct post *o, enum post_operation operation,
                          const struct found_credential *found, struct bytes fingerprint)
{
    struct buf hex = { 0 };

    hex_encode(&hex, fingerprint);
    check_pass(o->x, "target", "%s%s%.*s, certificate with SHA-256 %.*s", POST[operation].mac,
               o->id.len > 0 ? " of " : "", (int)o->id.len,
               o->id.len > 0 ? (const char *)o->id.ptr : "", (int)hex.len, (const char *)hex.ptr);
    check_pass(o->x, "authorization", "%.*s, by key management key generation %u", (int)hex.len,
               (const char *)hex.ptr, found->generation);
    buf_free(&hex);
}

/* @param done out: false if the same was asked for before */
static enum sks_status order_target(struct post *o, enum post_operation operation,
                                    const struct found_credential *found, struct target_key *to,
                                    bool *done)
{
    struct session_state *state = &o->x->session->state;
    uint8_t fingerprint[32];
    struct buf data = { 0 };
    bool again = false;
    enum sks_status rc;

    TRY(sks_explain(o->x->err, certificate_fingerprint(found->certificate, fingerprint)));
    TRY(keep_bytes(o->x, bytes_at(fingerprint, sizeof fingerprint), &to->finger_print));
    TRY(check_operation(o, operation, to->finger_print, &again));
    *done = !again;
    if (again)
        goto out;
    to->server_session_id = found->server_session_id;
    to->client_session_id = found->client_session_id;
    TRY(authorize(o, found, &to->authorization));
    if (POST[operation].of_key)
        put_mac_post_key(&data, o->certificate, to->authorization);
    else
        put_mac_post_session(&data, to->authorization);
    record_target(o, operation, found, to->finger_print);
    TRY(order_mac(o->x, o->sk, POST[operation].mac, o->id, &data, &to->mac));
    state->operation[state->operations++] =
        (struct asked_operation){ (uint16_t)operation, to->finger_print };
out:
    return rc;
}

static const struct found_credential *find_target(const struct session_state *state, size_t lookup,
                                                  size_t after)
{
    for (size_t i = after; i < state->found_credentials; i++)
        if (state->found_credential[i].lookup == lookup)
            return &state->found_credential[i];
    return NULL;
}

enum sks_status order_one_target(struct exchange *x, struct session_key *sk,
                                 enum post_operation operation, const struct credential *credential,
                                 const struct target_profile *target, struct target_key **to)
{
    struct post post = { x, sk, credential->certificate, credential->id };
    const struct found_credential *found;
    bool done;

    if (target == NULL)
        return SKS_OK;
    found = find_target(&x->session->state, target->index, 0);
    if (found == NULL)
        return check_fail(x, SKS_ERROR_NO_KEY, "target", "the lookup %.*s found no key",
                          (int)target->lookup.len, (const char *)target->lookup.ptr);
    *to = arena_alloc(x->arena, 1, sizeof **to);
    return *to == NULL ? no_memory(x) : order_target(&post, operation, found, *to, &done);
}

enum sks_status order_unlock(struct exchange *x, struct session_key *sk,
                             const struct found_credential *found, struct target_key *to,
                             bool *done)
{
    struct post post = { .x = x, .sk = sk };

    return order_target(&post, POST_UNLOCK, found, to, done);
}

enum sks_status order_targets(struct exchange *x, struct session_key *sk,
                              enum post_operation operation, const struct json_array *targets,
                              struct json_array *to)
{
    struct post post = { .x = x, .sk = sk };
    const struct session_state *state = &x->session->state;
    const struct target_profile *target = targets->item;
    struct target_key *out =
        arena_alloc(x->arena, targets->count * state->found_credentials, sizeof *out);
    enum sks_status rc = SKS_OK;

    if (out == NULL)
        return no_memory(x);
    to->item = out;
    for (size_t i = 0; i < targets->count; i++)
        for (size_t j = 0; j < state->found_credentials; j++) {
            bool done;

            if (state->found_credential[j].lookup != target[i].index)
                continue;
            TRY(order_target(&post, operation, &state->found_credential[j], &out[to->count],
                             &done));
            to->count += done;
        }
out:
    return rc;
}
