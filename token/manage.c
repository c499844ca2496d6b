/* enumerateKeys, getKeyAttributes, getKeyProtectionInfo. */
#include "token/call.h"

enum sks_status enumerate_keys(struct call *call)
{
    uint32_t after = call->in.key_handle.key_handle;
    struct store *store = call->token->store;
    struct store_row row = { 0 };
    enum sks_status rc;

    if (after != 0) { /* from a handle that is no more, the enumeration is over */
        TRY(store_get(store, STORE_KEY, after, &call->arena, &row, &call->err));
        if (row.handle == 0)
            return SKS_OK;
    }
    TRY(store_next(store, STORE_KEY, true, after, &call->arena, &row, &call->err));
    call->out.enumerate_keys.key_handle = row.handle;
    call->out.enumerate_keys.provisioning_handle = row.owner;
out:
    return rc;
}

enum sks_status get_key_attributes(struct call *call)
{
    struct key_attributes_out *out = &call->out.key_attributes;
    const struct key *key = &call->key;

    out->certificate_path = key->certificate_path;
    out->symmetric_key_length = (uint16_t)key->symmetric_key.len;
    out->extension_types = key->extension_types;
    out->app_usage = key->app_usage;
    out->friendly_name = key->friendly_name;
    out->endorsed_algorithms = key->endorsed_algorithms;
    return SKS_OK;
}

static enum sks_status fill_puk(struct call *call, struct reference reference,
                                struct key_protection_out *out)
{
    struct secret puk;
    bool found = false;
    enum sks_status rc;

    TRY(secret_load(call->token->store, STORE_PUK, reference, &call->arena, &puk, &found,
                    &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PUK policy %u is missing", reference.handle);
    TRY(authorization_count(call->token->authorization, STORE_PUK, reference, &out->puk_error_count,
                            &call->err));
    out->puk_format = puk.format;
    out->puk_retry_limit = puk.retry_limit;
    out->protection_status |= PROTECTION_STATUS_PUK;
    if (puk.retry_limit > 0 && out->puk_error_count >= puk.retry_limit)
        out->protection_status |= PROTECTION_STATUS_PUK_BLOCKED;
out:
    return rc;
}

static enum sks_status fill_pin(struct call *call, const struct key *key,
                                struct key_protection_out *out)
{
    struct pin_policy_object object;
    const struct pin_policy *policy = &object.policy;
    bool found = false;
    enum sks_status rc;

    TRY(pin_policy_load(call->token->store, key->pin_policy, &call->arena, &object, &found,
                        &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PIN policy %u is missing",
                 key->pin_policy.handle);
    TRY(authorization_count(call->token->authorization, STORE_PIN, key->pin, &out->pin_error_count,
                            &call->err));
    out->protection_status = PROTECTION_STATUS_PIN;
    if (out->pin_error_count >= policy->retry_limit)
        out->protection_status |= PROTECTION_STATUS_PIN_BLOCKED;
    out->user_defined = policy->user_defined;
    out->user_modifiable = policy->user_modifiable;
    out->format = policy->format;
    out->retry_limit = policy->retry_limit;
    out->grouping = policy->grouping;
    out->pattern_restrictions = policy->pattern_restrictions;
    out->min_length = policy->min_length;
    out->max_length = policy->max_length;
    out->input_method = policy->input_method;
    if (object.puk.handle != 0)
        TRY(fill_puk(call, object.puk, out));
out:
    return rc;
}

enum sks_status get_key_protection_info(struct call *call)
{
    struct key_protection_out *out = &call->out.key_protection;
    const struct key *key = &call->key;

    out->enable_pin_caching = key->enable_pin_caching;
    out->biometric_protection = key->biometric_protection;
    out->export_protection = key->export_protection;
    out->delete_protection = key->delete_protection;
    out->key_backup = key->key_backup;
    if (key->device_pin_protection)
        out->protection_status = PROTECTION_STATUS_DEVICE_PIN;
    return key->pin_policy.handle == 0 ? SKS_OK : fill_pin(call, key, out);
}
