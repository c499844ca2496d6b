#include "token/guards.h"

enum sks_status guards_load(struct store *store, const struct key *key, struct arena *arena,
                            struct guards *guards, struct sks_error *err)
{
    bool found = false;
    enum sks_status rc = SKS_OK;

    *guards = (struct guards){ 0 };
    if (key->pin_policy.handle == 0)
        return SKS_OK;
    TRY(pin_policy_load(store, key->pin_policy, arena, &guards->pin_policy, &found, err));
    REQUIRE(found, err, SKS_ERROR_INTERNAL, "PIN policy %u is missing", key->pin_policy.handle);
    if (guards->pin_policy.puk.handle == 0)
        return SKS_OK;
    TRY(secret_load(store, STORE_PUK, guards->pin_policy.puk, arena, &guards->puk, &found, err));
    REQUIRE(found, err, SKS_ERROR_INTERNAL, "PUK policy %u is missing",
            guards->pin_policy.puk.handle);
out:
    return rc;
}
