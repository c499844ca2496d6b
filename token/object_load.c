/* Stored objects by handle, or by the reference that another object has to them. */
#include "token/object.h"

enum sks_status session_load(struct store *store, uint32_t handle, struct arena *arena,
                             struct session *session, bool *found, struct sks_error *err)
{
    struct store_row row;
    enum sks_status rc = store_get(store, STORE_SESSION, handle, arena, &row, err);

    *found = row.handle != 0;
    return rc == SKS_OK && *found ? session_from_row(&row, session) : rc;
}

static enum sks_status check_birth(uint64_t birth, struct reference reference,
                                   struct sks_error *err)
{
    if (reference.birth == 0 || reference.birth == birth)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_INTERNAL, "stored object %u is not the one that was meant",
                    reference.handle);
}

enum sks_status secret_load(struct store *store, enum store_kind kind, struct reference reference,
                            struct arena *arena, struct secret *secret, bool *found,
                            struct sks_error *err)
{
    struct store_row row;
    enum sks_status rc;

    *found = false;
    TRY(store_get(store, kind, reference.handle, arena, &row, err));
    if (row.handle == 0)
        goto out;
    TRY(secret_from_row(&row, secret));
    TRY(check_birth(secret->birth, reference, err));
    *found = true;
out:
    return rc;
}

enum sks_status pin_policy_load(struct store *store, struct reference reference,
                                struct arena *arena, struct pin_policy_object *policy, bool *found,
                                struct sks_error *err)
{
    struct store_row row;
    enum sks_status rc;

    *found = false;
    TRY(store_get(store, STORE_PIN_POLICY, reference.handle, arena, &row, err));
    if (row.handle == 0)
        goto out;
    TRY(pin_policy_from_row(&row, policy));
    TRY(check_birth(policy->birth, reference, err));
    *found = true;
out:
    return rc;
}

enum sks_status key_load(struct store *store, uint32_t handle, struct arena *arena, struct key *key,
                         bool *found, struct sks_error *err)
{
    struct store_row row;
    enum sks_status rc = store_get(store, STORE_KEY, handle, arena, &row, err);

    *found = row.handle != 0;
    return rc == SKS_OK && *found ? key_from_row(&row, arena, key) : rc;
}

bool key_is_gone(struct store *store, uint32_t handle)
{
    struct store_row row;
    enum sks_status rc = store_get(store, STORE_KEY, handle, NULL, &row, NULL);

    return rc == SKS_OK && row.handle == 0;
}
