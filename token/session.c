/* Provisioning sessions: creating, listing, aborting, and the operations with their key. */
#include "keygen2/base/clock.h"
#include "keygen2/crypto/signature.h"
#include "token/kmk.h"

#include <stdlib.h>

bool id_is_valid(struct bytes id)
{
    if (id.len == 0 || id.len > SKS_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7E)
            return false;
    return true;
}

enum sks_status call_keep(struct call *call, struct bytes from, struct bytes *to)
{
    *to = arena_copy(&call->arena, from);
    return to->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

/* ---- operations with the session key ---- */

enum sks_status call_take_operation(struct call *call)
{
    if (call->session.operations_left == 0)
        return call_fail(call, SKS_ERROR_OPTION, "sessionKeyLimit is used up");
    call->session.operations_left--;
    return SKS_OK;
}

enum sks_status call_need_certificate(struct call *call)
{
    return call->key.certificate_path.count > 0
               ? SKS_OK
               : call_fail(call, SKS_ERROR_OPTION, "the key has no certificate path yet");
}

void call_freeze(struct call *call)
{
    authorization_freeze(call->token->authorization);
    call->frozen = true;
}

enum sks_status call_verify_mac(struct call *call, const char *method, struct buf *data,
                                struct bytes mac)
{
    enum sks_status rc;

    TRY(data->status);
    TRY(call_take_operation(call));
    rc = session_mac_verify(&call->session.sk, method, buf_bytes(data), mac);
    CALL_REQUIRE(call, rc != SKS_ERROR_MAC, SKS_ERROR_MAC, "mac does not match");
out:
    buf_free(data);
    return rc;
}

enum sks_status call_attest(struct call *call, struct buf *data, struct bytes *attestation)
{
    uint8_t mac[SKS_MAC_SIZE];
    enum sks_status rc;

    TRY(data->status);
    TRY(call_take_operation(call));
    TRY(session_mac(&call->session.sk, MAC_DEVICE_ATTESTATION, buf_bytes(data), mac));
    TRY(call_keep(call, bytes_at(mac, sizeof mac), attestation));
out:
    buf_free(data);
    return rc;
}

enum sks_status call_decrypt(struct call *call, const char *argument, struct bytes encrypted,
                             struct bytes *clear)
{
    struct buf out = { 0 };
    enum sks_status rc;

    TRY(call_take_operation(call));
    rc = session_decrypt(&call->session.sk, encrypted, &out);
    CALL_REQUIRE(call, rc != SKS_ERROR_CRYPTO, rc, "%s does not decrypt", argument);
    TRY(rc);
    TRY(call_keep(call, buf_bytes(&out), clear));
out:
    buf_free(&out);
    return rc;
}

enum sks_status call_check_new_id(struct call *call, struct bytes id)
{
    struct store_row row;
    enum sks_status rc;

    CALL_REQUIRE(call, id_is_valid(id), SKS_ERROR_OPTION, "id is not 1-32 characters of 0x21-0x7E");
    TRY(store_by_name(call->token->store, call->session.handle, id, NULL, &row, &call->err));
    CALL_REQUIRE(call, row.handle == 0, SKS_ERROR_OPTION, "id is already used in the session");
out:
    return rc;
}

void call_put_session(struct call *call)
{
    call->session.seen = token_clock_now(&call->token->clock);
    session_put(&call->changes, call->token->store, &call->session);
}

void call_keep_session(struct call *call)
{
    call->session.seen = token_clock_now(&call->token->clock);
    session_keep(&call->changes, call->token->store, &call->session);
}

/* ---- life and death ---- */

/* Nothing is needed for it that may be missing just then: the disk is full, say, or the memory. */
void session_doom(struct token *token, struct held_lock *session)
{
    lock_mark(token->locks, session);
}

bool session_expired(struct token *token, const struct session *s)
{
    int64_t age = token_clock_now(&token->clock) - s->created;

    return !s->closed && (age >= 1000 * (int64_t)s->life_time ||
                          lock_is_marked(token->locks, LOCK_SESSION, s->handle));
}

enum sks_status session_remove(struct token *token, uint32_t handle, struct sks_error *err)
{
    struct changes changes = { 0 };
    enum sks_status rc;

    changes_delete_owned(&changes, handle);
    rc = store_apply(token->store, &changes, err);
    changes_free(&changes);
    return rc;
}

/* Removes the session if it is still there, open and over. */
static enum sks_status remove_expired(struct token *token, uint32_t handle, struct sks_error *err)
{
    struct held_lock *lock = lock_take(token->locks, LOCK_SESSION, handle);
    struct arena arena = { 0 };
    struct session s = { 0 };
    bool found = false;
    enum sks_status rc;

    REQUIRE(lock != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(session_load(token->store, handle, &arena, &s, &found, err));
    if (found && session_expired(token, &s))
        TRY(session_remove(token, handle, err));
out:
    OPENSSL_cleanse(&s, sizeof s);
    lock_release(token->locks, lock);
    arena_free(&arena);
    return rc;
}

enum sks_status session_recover(struct token *token, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct store_row row = { 0 };
    struct session s = { 0 };
    int64_t latest = 0;
    enum sks_status rc;

    do {
        TRY(store_next(token->store, STORE_SESSION, false, row.handle, &arena, &row, err));
        if (row.handle != 0) {
            TRY(session_from_row(&row, &s));
            latest = s.seen > latest ? s.seen : latest;
        }
    } while (row.handle != 0);
    token_clock_start(&token->clock, latest);
    do {
        uint32_t after = row.handle;

        TRY(store_next(token->store, STORE_SESSION, false, after, &arena, &row, err));
        if (row.handle != 0) /* if it fails: refused anyway, wherever it is met */
            (void)!remove_expired(token, row.handle, NULL);
    } while (row.handle != 0);
    rc = SKS_OK;
out:
    OPENSSL_cleanse(&s, sizeof s);
    arena_free(&arena);
    return sks_explain(err, rc);
}

/* ---- createProvisioningSession ---- */

enum sks_status session_check_uri(struct call *call, const char *argument, struct bytes uri)
{
    return uri.len >= 1 && uri.len <= SKS_URI_MAX
               ? SKS_OK
               : call_fail(call, SKS_ERROR_OPTION, "%s is not 1-%d bytes", argument, SKS_URI_MAX);
}

enum sks_status session_check_life_time(struct call *call, const char *argument, uint32_t seconds)
{
    uint32_t limit = call->policy->limits.max_session_life_time;
    enum sks_status rc = SKS_OK;

    CALL_REQUIRE(call, seconds > 0, SKS_ERROR_OPTION, "%s is 0", argument);
    CALL_REQUIRE(call, seconds <= limit, SKS_ERROR_OPTION,
                 "%s is over %u seconds, the limit of the policy", argument, limit);
out:
    return rc;
}

uint32_t session_begin(struct call *call, uint32_t life_time, uint16_t operations)
{
    struct session *s = &call->session;

    s->handle = store_new_handle(call->token->store, STORE_SESSION);
    s->life_time = life_time;
    s->operations_left = operations;
    s->created = token_clock_now(&call->token->clock);
    call_put_session(call);
    return s->handle;
}

static enum sks_status check_terms(struct call *call, const struct session_terms *terms)
{
    enum sks_status rc;

    CALL_REQUIRE(call, bytes_equal(terms->session_key_algorithm, bytes_of(SKS_SESSION_ALGORITHM)),
                 SKS_ERROR_OPTION, "sessionKeyAlgorithm is unknown");
    TRY(session_check_uri(call, "issuerUri", terms->issuer_uri));
    TRY(kmk_check(call, "serverEphemeralKey", terms->server_ephemeral_key, false));
    if (terms->key_management_key.len > 0)
        TRY(kmk_check(call, "keyManagementKey", terms->key_management_key, true));
    CALL_REQUIRE(call, id_is_valid(terms->server_session_id), SKS_ERROR_OPTION,
                 "serverSessionId is not 1-32 characters of 0x21-0x7E");
    TRY(session_check_life_time(call, "sessionLifeTime", terms->session_life_time));
out:
    return rc;
}

/* Draws the ephemeral key and derives the session key. */
static enum sks_status agree(struct call *call, struct session *s, struct bytes device,
                             struct bytes *client_ephemeral_key)
{
    struct public_key server_key;
    EVP_PKEY *own = NULL;
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(public_key_parse(s->terms.server_ephemeral_key, &server_key));
    TRY(private_key_generate(server_key.curve, (struct bytes){ 0 }, &own));
    TRY(put_pkey(&spki, own));
    TRY(call_keep(call, buf_bytes(&spki), client_ephemeral_key));
    TRY(session_key_derive(own, s->terms.server_ephemeral_key, &s->terms, device, &s->sk));
out:
    EVP_PKEY_free(own);
    buf_free(&spki);
    return rc;
}

static enum sks_status attest_session(struct call *call, const struct session *s,
                                      struct bytes device, struct bytes client_ephemeral_key,
                                      struct bytes *attestation)
{
    struct buf data = { 0 }, signature = { 0 };
    uint8_t mac[SKS_MAC_SIZE];
    enum sks_status rc;

    put_session_attestation_data(&data, &s->terms, device, client_ephemeral_key);
    TRY(data.status);
    if (s->terms.privacy_enabled) {
        TRY(hmac_sha256(bytes_at(s->sk.key, sizeof s->sk.key), buf_bytes(&data), mac));
        put_raw(&signature, bytes_at(mac, sizeof mac));
    } else {
        TRY(device_sign(&call->token->device, buf_bytes(&data), &signature));
    }
    TRY(signature.status);
    TRY(call_keep(call, buf_bytes(&signature), attestation));
out:
    buf_free(&data);
    buf_free(&signature);
    return rc;
}

enum sks_status create_provisioning_session(struct call *call)
{
    struct create_session_out *out = &call->out.create_session;
    struct session *s = &call->session;
    char id[SKS_ID_MAX + 1];
    struct bytes device;
    enum sks_status rc;

    s->terms = call->in.create_session.terms;
    TRY(check_terms(call, &s->terms));
    TRY(random_id(id, SKS_ID_MAX));
    TRY(call_keep(call, bytes_of(id), &s->terms.client_session_id));
    device = device_id(&call->token->device, s->terms.privacy_enabled);
    TRY(agree(call, s, device, &out->client_ephemeral_key));
    TRY(attest_session(call, s, device, out->client_ephemeral_key, &out->attestation));
    out->client_session_id = s->terms.client_session_id;
    out->provisioning_handle =
        session_begin(call, s->terms.session_life_time, s->terms.session_key_limit);
out:
    return rc;
}

/* ---- the others ---- */

static enum sks_status next_session(struct call *call, bool closed, uint32_t after,
                                    struct session *s)
{
    struct store_row row;
    enum sks_status rc;

    *s = (struct session){ 0 };
    for (;;) {
        TRY(store_next(call->token->store, STORE_SESSION, closed, after, &call->arena, &row,
                       &call->err));
        if (row.handle == 0)
            break;
        TRY(session_from_row(&row, s));
        if (!session_expired(call->token, s))
            break;
        (void)!remove_expired(call->token, row.handle, NULL);
        after = row.handle;
        *s = (struct session){ 0 };
    }
out:
    return rc;
}

enum sks_status enumerate_provisioning_sessions(struct call *call)
{
    const struct enumerate_sessions_in *in = &call->in.enumerate_sessions;
    struct enumerate_sessions_out *out = &call->out.enumerate_sessions;
    struct session s = { 0 };
    bool found = in->provisioning_handle == 0;
    enum sks_status rc;

    if (!found) /* from a handle that is no more, the enumeration is over */
        TRY(session_load(call->token->store, in->provisioning_handle, &call->arena, &s, &found,
                         &call->err));
    if (!found)
        return SKS_OK;
    TRY(next_session(call, !in->provisioning_state, in->provisioning_handle, &s));
    out->provisioning_handle = s.handle;
    out->session_key_algorithm = s.terms.session_key_algorithm;
    out->privacy_enabled = s.terms.privacy_enabled;
    out->key_management_key = s.terms.key_management_key;
    out->client_time = s.terms.client_time;
    out->session_life_time = s.life_time;
    out->server_session_id = s.terms.server_session_id;
    out->client_session_id = s.terms.client_session_id;
    out->issuer_uri = s.terms.issuer_uri;
out:
    OPENSSL_cleanse(&s.sk, sizeof s.sk);
    return rc;
}

enum sks_status abort_provisioning_session(struct call *call)
{
    changes_delete_owned(&call->changes, call->session.handle);
    return SKS_OK;
}
