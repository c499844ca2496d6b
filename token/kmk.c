#include "token/kmk.h"
#include "keygen2/crypto/signature.h"

enum sks_status kmk_check(struct call *call, const char *argument, struct bytes spki, bool rsa)
{
    struct public_key key;
    enum sks_status rc = public_key_parse(spki, &key);

    CALL_REQUIRE(call, rc != SKS_ERROR_CRYPTO, rc, "%s is not a public key", argument);
    TRY(rc);
    CALL_REQUIRE(call, public_key_is_fit(&key, rsa), SKS_ERROR_OPTION,
                 "%s is of a kind or size that is not supported", argument);
    rc = public_key_check(spki);
    CALL_REQUIRE(call, rc == SKS_OK, rc, "%s is not a point on its curve", argument);
out:
    return rc;
}

enum sks_status kmk_verify(struct call *call, struct bytes kmk, struct bytes data,
                           struct bytes authorization)
{
    EVP_PKEY *pkey = NULL;
    enum sks_status rc;

    TRY(public_key_load(kmk, &pkey));
    rc = verify_sha256(pkey, data, authorization);
    CALL_REQUIRE(call, rc != SKS_ERROR_MAC, SKS_ERROR_OPTION,
                 "authorization is no signature of the key management key");
    CALL_REQUIRE(call, rc == SKS_OK, rc, "authorization has not the length of a signature");
out:
    EVP_PKEY_free(pkey);
    return rc;
}

static enum sks_status load_closed(struct call *call, uint32_t handle, struct session *s)
{
    bool found = false;
    enum sks_status rc;

    TRY(session_load(call->token->store, handle, &call->arena, s, &found, &call->err));
    CALL_REQUIRE(call, found, SKS_ERROR_NO_SESSION, "no session %u", handle);
    CALL_REQUIRE(call, s->closed, SKS_ERROR_NOT_ALLOWED, "the session is still open");
    CALL_REQUIRE(call, s->terms.key_management_key.len > 0, SKS_ERROR_NOT_ALLOWED,
                 "the session has no key management key");
out:
    return rc;
}

/* Acts at once, and is no part of any session. */
enum sks_status update_key_management_key(struct call *call)
{
    const struct update_kmk_in *in = &call->in.update_kmk;
    struct buf data = { 0 };
    struct session s = { 0 };
    enum sks_status rc;

    call->commit_lock = lock_take(call->token->locks, LOCK_COMMIT, 0);
    CALL_REQUIRE(call, call->commit_lock != NULL, SKS_ERROR_STORAGE, "out of memory");
    TRY(load_closed(call, in->provisioning_handle, &s));
    TRY(kmk_check(call, "keyManagementKey", in->key_management_key, true));
    put_roll_over(&data, in->key_management_key);
    TRY(data.status);
    TRY(kmk_verify(call, s.terms.key_management_key, buf_bytes(&data), in->authorization));
    s.terms.key_management_key = in->key_management_key;
    session_keep(&call->changes, call->token->store, &s);
out:
    buf_free(&data);
    return rc;
}
