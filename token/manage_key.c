/* deleteKey, exportKey, unlockKey, changePin, setPin. Authorization comes first, and may wait; then
 * the key is read again under the lock that all changes of closed keys take. */
#include "keygen2/crypto/pin_rules.h"
#include "token/authorize.h"
#include "token/post.h"

#include <openssl/x509.h>

static enum sks_status begin_change(struct call *call)
{
    enum sks_status rc;

    TRY(call_reread_key(call));
    call_freeze(call);
out:
    return rc;
}

/* The PIN was right when it was tried; it may have been changed before the lock was there. */
static enum sks_status confirm_pin(struct call *call, struct bytes value)
{
    struct secret pin;
    bool found = false;
    enum sks_status rc = SKS_OK;

    if (call->key.pin.handle == 0)
        return SKS_OK;
    TRY(secret_load(call->token->store, STORE_PIN, call->key.pin, &call->arena, &pin, &found,
                    &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PIN %u is missing", call->key.pin.handle);
    CALL_REQUIRE(call, bytes_equal_secret(pin.value, value), SKS_ERROR_AUTHORIZATION,
                 "the PIN was changed meanwhile");
out:
    return rc;
}

/* deleteKey, exportKey. @param protection of call->key: what it is now counts, not what it was when
 * the call began. An update can only leave 0 or 3, so nothing waits for a PUK under the lock. */
static enum sks_status begin_protected(struct call *call, const uint8_t *protection)
{
    struct bytes authorization = call->in.authorized.authorization;
    uint8_t before = *protection;
    enum sks_status rc;

    TRY(authorize_by_protection(call, before, authorization));
    TRY(call_reread_key(call));
    if (*protection != before)
        TRY(authorize_by_protection(call, *protection, authorization));
    call_freeze(call);
    if (*protection == PROTECTION_PIN)
        TRY(confirm_pin(call, authorization));
out:
    return rc;
}

enum sks_status delete_key(struct call *call)
{
    enum sks_status rc;

    TRY(begin_protected(call, &call->key.delete_protection));
    TRY(key_remove(call, &call->key));
    changes_collect_session(&call->changes, call->key.owner);
out:
    return rc;
}

/* PKCS #8, or the raw symmetric key. */
static enum sks_status put_exported(struct call *call, struct buf *out)
{
    struct bytes secret = call->key.private_key;
    PKCS8_PRIV_KEY_INFO *info = NULL;
    EVP_PKEY *pkey = NULL;
    uint8_t *der = NULL;
    int len = 0;
    enum sks_status rc;

    if (call->key.symmetric_key.len > 0) {
        put_raw(out, call->key.symmetric_key);
        return out->status;
    }
    TRY(get_private_key(&secret, &pkey));
    rc = SKS_ERROR_CRYPTO;
    if ((info = EVP_PKEY2PKCS8(pkey)) == NULL || (len = i2d_PKCS8_PRIV_KEY_INFO(info, &der)) <= 0)
        goto out;
    put_raw(out, bytes_at(der, (size_t)len));
    rc = out->status;
out:
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(pkey);
    return rc;
}

enum sks_status export_key(struct call *call)
{
    struct buf out = { 0 };
    enum sks_status rc;

    TRY(begin_protected(call, &call->key.export_protection));
    TRY(put_exported(call, &out));
    TRY(call_keep(call, buf_bytes(&out), &call->out.result.result));
    call->key.key_backup |= KEY_BACKUP_EXPORTED;
    key_put(&call->changes, call->token->store, &call->key);
out:
    buf_free(&out);
    return rc;
}

enum sks_status unlock_key(struct call *call)
{
    enum sks_status rc;

    TRY(verify_puk(call, call->in.authorized.authorization));
    TRY(begin_change(call));
    TRY(key_unlock(call, &call->key, false));
out:
    return rc;
}

/* Keys of other groups must not have the new PIN. */
static enum sks_status check_other_groups(struct call *call, const struct pin_policy *policy,
                                          struct bytes new_pin)
{
    struct store_row row = { 0 };
    struct secret other;
    enum sks_status rc = SKS_OK;

    if (pin_group(policy->grouping, call->key.app_usage) < 0)
        return SKS_OK;
    for (;;) {
        TRY(store_next_referring(call->token->store, STORE_PIN, call->key.pin_policy.handle,
                                 row.handle, &call->arena, &row, &call->err));
        if (row.handle == 0)
            break;
        TRY(secret_from_row(&row, &other));
        CALL_REQUIRE(
            call, other.handle == call->key.pin.handle || !bytes_equal_secret(other.value, new_pin),
            SKS_ERROR_OPTION, "newPin breaks the grouping of its policy");
    }
out:
    return rc;
}

/* The new value and a counter of 0, in one row. */
static enum sks_status replace_pin(struct call *call)
{
    struct bytes new_pin = call->in.new_pin.new_pin;
    struct store *store = call->token->store;
    struct guards guards;
    struct secret pin;
    const char *violation;
    bool found = false;
    enum sks_status rc;

    TRY(load_guards(call, &call->key, &guards));
    CALL_REQUIRE(call, guards.pin_policy.policy.user_modifiable, SKS_ERROR_NOT_ALLOWED,
                 "the PIN is not the user's to change");
    violation = pin_violation(&guards.pin_policy.policy, new_pin);
    CALL_REQUIRE(call, violation == NULL, SKS_ERROR_OPTION, "newPin %s", violation);
    TRY(check_other_groups(call, &guards.pin_policy.policy, new_pin));
    TRY(secret_load(store, STORE_PIN, call->key.pin, &call->arena, &pin, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_INTERNAL, "PIN %u is missing", call->key.pin.handle);
    pin.value = new_pin;
    pin.tries = (struct tries){ 0 };
    secret_put(&call->changes, store, &pin);
out:
    return rc;
}

enum sks_status change_pin(struct call *call)
{
    enum sks_status rc;

    TRY(verify_pin(call, call->in.new_pin.authorization));
    CALL_REQUIRE(call, call->key.pin.handle != 0, SKS_ERROR_OPTION,
                 "the key has no PIN of its own");
    TRY(begin_change(call));
    TRY(confirm_pin(call, call->in.new_pin.authorization));
    TRY(replace_pin(call));
out:
    return rc;
}

enum sks_status set_pin(struct call *call)
{
    enum sks_status rc;

    TRY(verify_puk(call, call->in.new_pin.authorization));
    TRY(begin_change(call));
    TRY(replace_pin(call));
out:
    return rc;
}
