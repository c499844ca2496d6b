#include "matrix/fixed_draws.h"

static void fix_keys(const struct json_array *keys)
{
    static const uint8_t VALUE[SKS_SYMMETRIC_KEY_MAX] = "a key that each session has again";
    struct key_profile *key = keys->item;

    for (size_t i = 0; i < keys->count; i++) {
        struct symmetric_key_profile *symmetric = key[i].import_symmetric_key;

        if (symmetric != NULL && symmetric->value.len == 0)
            symmetric->value = bytes_at(VALUE, symmetric->drawn_length);
    }
}

static void fix_policies(const struct json_array *pins)
{
    const struct pin_profile *policy = pins->item;

    for (size_t i = 0; i < pins->count; i++)
        fix_keys(&policy[i].keys);
}

void fix_draws(struct profile_list *profiles)
{
    for (size_t i = 0; i < profiles->count; i++) {
        const struct profile *profile = &profiles->item[i];
        const struct puk_profile *puk = profile->puks.item;

        for (size_t j = 0; j < profile->puks.count; j++)
            fix_policies(&puk[j].pins);
        fix_policies(&profile->pins);
        fix_keys(&profile->keys);
    }
}
