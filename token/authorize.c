#include "token/authorize.h"

#include <time.h>

enum { PUK_DELAY_SECONDS = 1 };

enum sks_status load_guards(struct call *call, const struct key *key, struct guards *guards)
{
    if (call->live == NULL || key != &call->key)
        return guards_load(call->token->store, key, &call->arena, guards, &call->err);
    *guards = call->live->guards;
    return SKS_OK;
}

enum sks_status verify_pin(struct call *call, struct bytes pin)
{
    struct guards guards;
    enum sks_status rc;

    TRY(load_guards(call, &call->key, &guards));
    if (guards.pin_policy.handle == 0) {
        CALL_REQUIRE(call, pin.len == 0, SKS_ERROR_OPTION, "authorization: the key has no PIN");
        return SKS_OK;
    }
    TRY(authorization_try(call->token->authorization, STORE_PIN, call->key.pin,
                          guards.pin_policy.policy.retry_limit, pin, &call->err));
out:
    return rc;
}

/* A PUK with retryLimit 0 never blocks, but each try waits: before the comparison, so that killing
 * the token gains nothing, and one after the other, so that trying in parallel gains nothing. */
static enum sks_status try_after_delay(struct call *call, const struct secret *puk,
                                       struct bytes value)
{
    const struct timespec delay = { .tv_sec = PUK_DELAY_SECONDS };
    struct held_lock *lock = lock_take(call->token->locks, LOCK_PUK, puk->handle);

    if (lock == NULL)
        return call_fail(call, SKS_ERROR_STORAGE, "out of memory");
    (void)nanosleep(&delay, NULL);
    lock_release(call->token->locks, lock);
    return bytes_equal_secret(puk->value, value)
               ? SKS_OK
               : call_fail(call, SKS_ERROR_AUTHORIZATION, "wrong PUK");
}

enum sks_status verify_puk(struct call *call, struct bytes value)
{
    struct guards guards;
    enum sks_status rc;

    TRY(load_guards(call, &call->key, &guards));
    CALL_REQUIRE(call, guards.puk.handle != 0, SKS_ERROR_OPTION,
                 "authorization: the key has no PUK");
    if (guards.puk.retry_limit == 0)
        TRY(try_after_delay(call, &guards.puk, value));
    else
        TRY(authorization_try(call->token->authorization, STORE_PUK, guards.pin_policy.puk,
                              guards.puk.retry_limit, value, &call->err));
out:
    return rc;
}

/* SKS V1.07, "biometricProtection". */
enum sks_status authorize_use(struct call *call, bool biometric, struct bytes pin)
{
    uint8_t protection = call->key.biometric_protection;
    enum sks_status rc;

    CALL_REQUIRE(call, !biometric || protection != BIOMETRIC_NONE, SKS_ERROR_OPTION,
                 "biometricAuth: the key has no biometric protection");
    CALL_REQUIRE(call,
                 biometric || protection == BIOMETRIC_NONE || protection == BIOMETRIC_ALTERNATIVE,
                 SKS_ERROR_OPTION, "biometricAuth is missing");
    if (biometric && protection != BIOMETRIC_COMBINED) {
        CALL_REQUIRE(call, pin.len == 0, SKS_ERROR_OPTION,
                     "authorization: a PIN beside biometricAuth");
        return SKS_OK;
    }
    TRY(verify_pin(call, pin));
out:
    return rc;
}

enum sks_status authorize_by_protection(struct call *call, uint8_t protection,
                                        struct bytes authorization)
{
    switch (protection) {
    case PROTECTION_PIN:
        return verify_pin(call, authorization);
    case PROTECTION_PUK:
        return verify_puk(call, authorization);
    case PROTECTION_NOT_ALLOWED:
        return call_fail(call, SKS_ERROR_NOT_ALLOWED, "the key does not allow it");
    default:
        return authorization.len == 0
                   ? SKS_OK
                   : call_fail(call, SKS_ERROR_OPTION, "authorization: the key wants none");
    }
}
