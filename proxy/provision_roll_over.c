/*
 * Key management keys of earlier generations. As the public reference does it, this comes before
 * createProvisioningSession: each update stands for itself, and one that the token refuses ends
 * the enrolment and leaves those before it as they are, which a later enrolment finds done.
 */
#include "proxy/provision.h"
#include "proxy/token_walk.h"

/* A closed session and its key management key. */
struct held {
    uint32_t handle;
    struct bytes key;
};
struct roll_over {
    struct enrolment *e;
    const struct json_array *roots;
    struct buf held; /* of struct held, those whose keys may be updated */
};

static bool is_updatable(const struct json_array *keys, struct bytes key)
{
    const struct updatable_key_management_key *each = keys->item;

    for (size_t i = 0; i < keys->count; i++)
        if (bytes_equal(each[i].public_key, key) ||
            is_updatable(&each[i].updatable_key_management_keys, key))
            return true;
    return false;
}

static enum sks_status visit(void *ctx, const struct enumerate_sessions_out *session, bool *enough)
{
    struct roll_over *r = ctx;
    struct held held = { .handle = session->provisioning_handle };

    (void)enough;
    if (session->key_management_key.len == 0 ||
        !is_updatable(r->roots, session->key_management_key))
        return SKS_OK;
    held.key = arena_copy(&r->e->arena, session->key_management_key);
    put_raw(&r->held, bytes_at(&held, sizeof held));
    return sks_explain(&r->e->err, r->held.status);
}

/* KeyGen2, updatableKeyManagementKey: the new key is the one "in the object immediately above". */
static enum sks_status update(struct roll_over *r, const struct json_array *keys,
                              struct bytes above)
{
    const struct updatable_key_management_key *each = keys->item;
    struct held *held = (void *)r->held.ptr;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        TRY(update(r, &each[i].updatable_key_management_keys, each[i].public_key));
        for (size_t k = 0; k < r->held.len / sizeof *held; k++) {
            union sks_in in = { .update_kmk = { held[k].handle, above, each[i].authorization } };

            if (!bytes_equal(held[k].key, each[i].public_key))
                continue;
            TRY(provision_call(r->e, UPDATE_KEY_MANAGEMENT_KEY, &in, NULL));
            held[k].key = above;
        }
    }
out:
    return rc;
}

enum sks_status provision_roll_over(struct enrolment *e,
                                    const struct provisioning_initialization_request *in)
{
    struct roll_over r = { .e = e, .roots = &in->updatable_key_management_keys };
    enum sks_status rc = SKS_OK;

    if (r.roots->count == 0)
        return SKS_OK;
    REFUSE_UNLESS(in->key_management_key.len > 0, e,
                  "/updatableKeyManagementKeys: there is no keyManagementKey to update to");
    TRY(walk_sessions(e, false, visit, &r));
    TRY(update(&r, r.roots, in->key_management_key));
out:
    buf_free(&r.held);
    return rc;
}
