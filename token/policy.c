/* createPukPolicy and createPinPolicy. */
#include "keygen2/crypto/pin_rules.h"
#include "token/call.h"

/* The text has one list of checks; their order is the one that a real token shows. */
enum sks_status create_puk_policy(struct call *call)
{
    const struct create_puk_policy_in *in = &call->in.create_puk_policy;
    struct secret puk = { .kind = STORE_PUK, .owner = call->session.handle };
    struct buf data = { 0 };
    const uint16_t limit = call->policy->limits.max_puk_retry_limit;
    const char *violation;
    enum sks_status rc;

    CALL_REQUIRE(call, in->policy.format <= FORMAT_BINARY, SKS_ERROR_OPTION,
                 "format is out of range");
    CALL_REQUIRE(call, in->policy.retry_limit <= SKS_RETRY_LIMIT_MAX, SKS_ERROR_OPTION,
                 "retryLimit is not 0-%d", SKS_RETRY_LIMIT_MAX);
    CALL_REQUIRE(call,
                 limit == 0 || (in->policy.retry_limit >= 1 && in->policy.retry_limit <= limit),
                 SKS_ERROR_OPTION, "retryLimit is not 1-%u, the limit of the policy", limit);
    TRY(call_decrypt(call, "encryptedPuk", in->policy.encrypted_puk, &puk.value));
    violation = puk_violation(in->policy.format, puk.value);
    CALL_REQUIRE(call, violation == NULL, SKS_ERROR_OPTION, "encryptedPuk: the PUK %s", violation);
    put_mac_puk_policy(&data, &in->policy);
    TRY(call_verify_mac(call, MAC_CREATE_PUK_POLICY, &data, in->mac));
    TRY(call_check_new_id(call, in->policy.id));
    puk.handle = store_new_handle(call->token->store, STORE_PUK);
    puk.name = in->policy.id;
    TRY(draw_birth(&puk.birth));
    puk.format = in->policy.format;
    puk.retry_limit = in->policy.retry_limit;
    secret_put(&call->changes, call->token->store, &puk);
    call_keep_session(call);
    call->out.handle.handle = puk.handle;
out:
    return rc;
}

static enum sks_status check_pin_policy(struct call *call, const struct pin_policy *p)
{
    const struct firmware_limits *limits = &call->policy->limits;
    enum sks_status rc;

    CALL_REQUIRE(call, p->grouping <= GROUPING_UNIQUE, SKS_ERROR_OPTION,
                 "grouping is out of range");
    CALL_REQUIRE(call, p->input_method <= INPUT_METHOD_TRUSTED_GUI, SKS_ERROR_OPTION,
                 "inputMethod is out of range");
    CALL_REQUIRE(call, p->format <= FORMAT_BINARY, SKS_ERROR_OPTION, "format is out of range");
    CALL_REQUIRE(call, p->retry_limit >= 1 && p->retry_limit <= SKS_RETRY_LIMIT_MAX,
                 SKS_ERROR_OPTION, "retryLimit is not 1-%d", SKS_RETRY_LIMIT_MAX);
    CALL_REQUIRE(call, p->retry_limit <= limits->max_pin_retry_limit, SKS_ERROR_OPTION,
                 "retryLimit is over %u, the limit of the policy", limits->max_pin_retry_limit);
    CALL_REQUIRE(call, (p->pattern_restrictions & ~PATTERN_ALL) == 0, SKS_ERROR_OPTION,
                 "patternRestrictions has an unknown bit");
    CALL_REQUIRE(call,
                 (p->pattern_restrictions & PATTERN_MISSING_GROUP) == 0 ||
                     p->format == FORMAT_ALPHANUMERIC || p->format == FORMAT_STRING,
                 SKS_ERROR_OPTION, "missing-group wants format alphanumeric or string");
    CALL_REQUIRE(
        call, p->min_length >= 1 && p->max_length <= SKS_PIN_MAX && p->min_length <= p->max_length,
        SKS_ERROR_OPTION, "minLength and maxLength are not 1-%d in order", SKS_PIN_MAX);
    CALL_REQUIRE(call, p->min_length >= limits->min_pin_length, SKS_ERROR_OPTION,
                 "minLength is below %u, the limit of the policy", limits->min_pin_length);
    rc = SKS_OK;
out:
    return rc;
}

enum sks_status create_pin_policy(struct call *call)
{
    const struct create_pin_policy_in *in = &call->in.create_pin_policy;
    struct pin_policy_object policy = { .owner = call->session.handle, .policy = in->policy };
    struct store *store = call->token->store;
    struct secret puk = { 0 };
    struct buf data = { 0 };
    bool found = false;
    enum sks_status rc;

    TRY(check_pin_policy(call, &in->policy));
    if (in->puk_policy_handle != 0) {
        const struct reference wanted = { in->puk_policy_handle, 0 };

        TRY(secret_load(store, STORE_PUK, wanted, &call->arena, &puk, &found, &call->err));
        CALL_REQUIRE(call, found && puk.owner == call->session.handle, SKS_ERROR_OPTION,
                     "pukPolicyHandle is no PUK policy of the session");
    }
    put_mac_pin_policy(&data, &in->policy, puk.name);
    TRY(call_verify_mac(call, MAC_CREATE_PIN_POLICY, &data, in->mac));
    TRY(call_check_new_id(call, in->policy.id));
    policy.handle = store_new_handle(store, STORE_PIN_POLICY);
    policy.puk = (struct reference){ in->puk_policy_handle, puk.birth };
    TRY(draw_birth(&policy.birth));
    pin_policy_put(&call->changes, store, &policy);
    call_keep_session(call);
    call->out.handle.handle = policy.handle;
out:
    return rc;
}
