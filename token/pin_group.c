#include "token/pin_group.h"
#include "keygen2/crypto/pin_rules.h"

#include <stdio.h>

enum { GROUPS_MAX = APP_USAGE_UNIVERSAL + 1, NAME_SIZE = 32 };

/* Name of a group's PIN object within the session; the blank keeps it apart from all ids. */
static struct bytes group_name(uint32_t policy_handle, int group, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, " %u/%d", policy_handle, group);
    return bytes_of(name);
}

/* Keys of one group have one PIN, those of different groups have different ones. */
static enum sks_status find_group(struct call *call, const struct pin_policy_object *policy,
                                  int group, struct bytes value, struct reference *joined)
{
    char name[NAME_SIZE];
    struct store_row row;
    struct secret pin;
    enum sks_status rc = SKS_OK;

    for (int other = 0; other < GROUPS_MAX; other++) {
        TRY(store_by_name(call->token->store, call->session.handle,
                          group_name(policy->handle, other, name), &call->arena, &row, &call->err));
        if (row.handle == 0)
            continue;
        TRY(secret_from_row(&row, &pin));
        CALL_REQUIRE(call, bytes_equal_secret(pin.value, value) == (other == group),
                     SKS_ERROR_OPTION, "pinValue breaks the grouping of its policy");
        if (other == group)
            *joined = (struct reference){ pin.handle, pin.birth };
    }
out:
    return rc;
}

enum sks_status pin_group_join(struct call *call, const struct pin_policy_object *policy,
                               uint8_t app_usage, struct bytes value, struct reference *joined)
{
    const char *violation = pin_violation(&policy->policy, value);
    int group = pin_group(policy->policy.grouping, app_usage);
    struct secret pin = { .kind = STORE_PIN, .owner = call->session.handle, .value = value };
    char name[NAME_SIZE];
    enum sks_status rc;

    *joined = (struct reference){ 0 };
    CALL_REQUIRE(call, violation == NULL, SKS_ERROR_OPTION, "pinValue %s", violation);
    if (group >= 0) {
        TRY(find_group(call, policy, group, value, joined));
        pin.name = group_name(policy->handle, group, name);
    }
    if (joined->handle == 0) {
        TRY(draw_birth(&pin.birth));
        pin.handle = store_new_handle(call->token->store, STORE_PIN);
        pin.policy = policy->handle;
        *joined = (struct reference){ pin.handle, pin.birth };
        secret_put(&call->changes, call->token->store, &pin);
    }
    rc = SKS_OK;
out:
    return rc;
}
