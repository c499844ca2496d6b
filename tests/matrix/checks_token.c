/* The checks of the token. */
#include "keygen2/crypto/pin_rules.h"
#include "tests/matrix/check.h"
#include "token/close_checks.h"
#include "token/kmk.h"
#include "token/pin_group.h"

/* Of a target's owner, or of a session that rolls over: what is signed tells. */
static enum missing_check kmk_check_of(struct bytes data)
{
    static const char SIGNED[] = "RollOverAuthorization";

    return data.len >= sizeof SIGNED - 1 &&
                   bytes_equal(bytes_at(data.ptr, sizeof SIGNED - 1), bytes_of(SIGNED))
               ? CHECK_ROLL_OVER
               : CHECK_KEY_MANAGEMENT_KEY;
}

CHECK(kmk_verify,
      (struct call * call, struct bytes kmk, struct bytes data, struct bytes authorization),
      (call, kmk, data, authorization), is_missing(kmk_check_of(data), NULL))
CHECK(close_check_match, (struct call * call, const struct key *key), (call, key),
      is_missing(CHECK_CERTIFICATE_MATCHES, NULL))
CHECK(close_check_unique,
      (struct call * call, const struct post_list *posts, const struct key *key, struct bytes tag),
      (call, posts, key, tag), is_missing(CHECK_CERTIFICATE_UNIQUE, NULL))
CHECK(close_check_endorsed, (struct call * call, const struct key *key), (call, key),
      is_missing(CHECK_ENDORSED_FITS, NULL))

bool __real_session_expired(struct token *token, const struct session *session);
bool __wrap_session_expired(struct token *token, const struct session *session);
bool __wrap_session_expired(struct token *token, const struct session *session)
{
    return !is_missing(CHECK_LIFE_TIME, NULL) && __real_session_expired(token, session);
}

const char *__real_pin_violation(const struct pin_policy *policy, struct bytes pin);
const char *__wrap_pin_violation(const struct pin_policy *policy, struct bytes pin);
const char *__wrap_pin_violation(const struct pin_policy *policy, struct bytes pin)
{
    return is_missing(CHECK_PIN_POLICY, NULL) ? NULL : __real_pin_violation(policy, pin);
}

/* While a key joins the group of its PIN, each PIN passes for another than all those before it. */
static _Thread_local bool joins_group;

enum sks_status __real_pin_group_join(struct call *call, const struct pin_policy_object *policy,
                                      uint8_t app_usage, struct bytes value,
                                      struct reference *joined);
enum sks_status __wrap_pin_group_join(struct call *call, const struct pin_policy_object *policy,
                                      uint8_t app_usage, struct bytes value,
                                      struct reference *joined);
enum sks_status __wrap_pin_group_join(struct call *call, const struct pin_policy_object *policy,
                                      uint8_t app_usage, struct bytes value,
                                      struct reference *joined)
{
    enum sks_status rc;

    joins_group = is_missing(CHECK_PIN_GROUPING, NULL);
    rc = __real_pin_group_join(call, policy, app_usage, value, joined);
    joins_group = false;
    return rc;
}

bool __real_bytes_equal_secret(struct bytes a, struct bytes b);
bool __wrap_bytes_equal_secret(struct bytes a, struct bytes b);
bool __wrap_bytes_equal_secret(struct bytes a, struct bytes b)
{
    return !joins_group && __real_bytes_equal_secret(a, b);
}
