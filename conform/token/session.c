#include "conform/token/session.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/crypto/signature.h"

#include <string.h>

enum {
    LIFE_TIME = 600, /* seconds */
    KEY_LIMIT = 200, /* operations with the session key */
    SESSION_ID = 32, /* characters */
};

static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";
static const char ISSUER_URI[] = "http://issuer.example/kg2/conformance";

/* ---- begin and create ---- */

static enum sks_status keep(struct session *s, struct buf *from, struct bytes *kept)
{
    enum sks_status rc = SKS_OK;

    *kept = arena_copy(&s->check->arena, buf_bytes(from));
    REQUIRE(from->status == SKS_OK && kept->ptr != NULL, &s->check->err, SKS_ERROR_STORAGE,
            "no memory");
out:
    buf_free(from);
    return rc;
}

static enum sks_status spki_of(struct session *s, const EVP_PKEY *key, struct bytes *spki)
{
    struct buf der = { 0 };

    if (der.status == SKS_OK)
        der.status = put_pkey(&der, key);
    return keep(s, &der, spki);
}

enum sks_status session_begin(struct session *s, struct target *target, struct check *check)
{
    enum sks_status rc;

    *s = (struct session){ .target = target, .check = check };
    s->terms = (struct session_terms){ .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
                                       .server_session_id = check_draw_id(check, SESSION_ID),
                                       .issuer_uri = bytes_of(ISSUER_URI),
                                       .client_time = (uint32_t)clock_now(),
                                       .session_life_time = LIFE_TIME,
                                       .session_key_limit = KEY_LIMIT };
    TRY(private_key_generate(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION),
                             bytes_of(""), &s->server_key));
    TRY(spki_of(s, s->server_key, &s->terms.server_ephemeral_key));
    rc = spki_of(s, target->kmk[0], &s->terms.key_management_key);
out:
    return rc;
}

/* Of what it says on its own: the key is derived, the attestation holds. */
static enum sks_status take_session(struct session *s, const struct create_session_out *out)
{
    struct check *check = s->check;
    enum sks_status rc;

    s->handle = out->provisioning_handle;
    TRY(expect_true(check, s->handle != 0, "provisioningHandle", "not 0", "0"));
    s->terms.client_session_id = out->client_session_id;
    s->device_id = s->terms.privacy_enabled ? bytes_of(SKS_DEVICE_ANONYMOUS)
                                            : s->target->info.certificate_path.item[0];
    TRY(expect_true(check,
                    out->client_session_id.len >= 1 && out->client_session_id.len <= SKS_ID_MAX,
                    "clientSessionId", "1 to 32 characters", "another length"));
    if (session_key_derive(s->server_key, out->client_ephemeral_key, &s->terms, s->device_id,
                           &s->sk) != SKS_OK) {
        rc = check_fail(check, "clientEphemeralKey", "a key of the curve of serverEphemeralKey",
                        "another key");
        goto out;
    }
    rc = verify_session_attestation(&s->terms, s->device_id, out->client_ephemeral_key, &s->sk,
                                    s->terms.privacy_enabled ? NULL : s->target->device_key,
                                    out->attestation);
    rc = expect_true(check, rc == SKS_OK, "createProvisioningSession: attestation",
                     s->terms.privacy_enabled ? "HMAC of the terms with the session key"
                                              : "signature of the device key over the terms",
                     "another");
out:
    return rc;
}

enum sks_status session_create(struct session *s, enum sks_status wanted)
{
    union sks_in in = { .create_session = { s->terms } };
    union sks_out out;
    enum sks_status rc;

    rc = target_call(s->target, s->check, CREATE_PROVISIONING_SESSION, &in, &out, wanted);
    if (rc == SKS_OK && wanted == SKS_OK)
        rc = take_session(s, &out.create_session);
    return rc;
}

enum sks_status session_open(struct session *s, struct target *target, struct check *check)
{
    enum sks_status rc = session_begin(s, target, check);

    return rc == SKS_OK ? session_create(s, SKS_OK) : rc;
}

static enum sks_status take_session_2010(struct session *s,
                                         const struct create_session_2010_out *out)
{
    uint8_t proof[SKS_MAC_SIZE];
    enum sks_status rc;

    s->handle = out->provisioning_id;
    rc = session_2010_decrypt(s->target->rsa, out->encrypted_session_key, &s->sk);
    TRY(expect_true(s->check, rc == SKS_OK, "encrypted_session_key",
                    "32 bytes under RSAES-OAEP with SHA-256 and server_public_key", "other"));
    TRY(session_2010_proof(&s->sk, proof));
    rc = session_2010_verify(s->target->device_key, bytes_at(proof, sizeof proof), &s->terms_2010,
                             out->attested_session_key);
    rc = expect_true(s->check, rc == SKS_OK, "attested_session_key",
                     "signature of the device key over the terms", "another");
out:
    return rc;
}

enum sks_status session_begin_2010(struct session *s, struct target *target, struct check *check)
{
    struct session_2010_terms *terms = &s->terms_2010;
    enum sks_status rc;

    *s = (struct session){ .target = target, .check = check, .is_2010 = true };
    terms->server_session_id = check_draw_id(check, SKS_SESSION_ID_2010);
    terms->client_session_id = check_draw_id(check, SKS_SESSION_ID_2010);
    terms->provisioning_uri = bytes_of(ISSUER_URI);
    terms->life_time = LIFE_TIME;
    s->device_id = target->info.certificate_path.item[0];
    TRY(target_need_rsa(target, check));
    TRY(spki_of(s, target->rsa, &terms->server_public_key));
    s->terms = (struct session_terms){ .server_session_id = terms->server_session_id,
                                       .client_session_id = terms->client_session_id,
                                       .issuer_uri = terms->provisioning_uri };
out:
    return rc;
}

enum sks_status session_create_2010(struct session *s, enum sks_status wanted)
{
    union sks_in in = { .create_session_2010 = s->terms_2010 };
    union sks_out out;
    enum sks_status rc;

    rc = target_call(s->target, s->check, CREATE_SESSION_2010, &in, &out, wanted);
    if (rc == SKS_OK && wanted == SKS_OK)
        rc = take_session_2010(s, &out.create_session_2010);
    return rc;
}

void session_free(struct session *s)
{
    EVP_PKEY_free(s->server_key);
    s->server_key = NULL;
    OPENSSL_cleanse(&s->sk, sizeof s->sk);
}

/* ---- whole steps ---- */

void policy_of(const struct call *call, struct policy *policy)
{
    const struct bytes id = call->method == CREATE_PIN_POLICY
                                ? call->in.create_pin_policy.policy.id
                                : call->in.create_puk_policy.policy.id;

    *policy = (struct policy){ .handle = call->out.handle.handle, .id = id };
    if (call->method == CREATE_PIN_POLICY)
        policy->user_defined = call->in.create_pin_policy.policy.user_defined;
}

void key_of(const struct call *call, struct key *key)
{
    *key = (struct key){ .handle = call->out.create_key_entry.key_handle,
                         .id = call->in.create_key_entry.key.id,
                         .public_key = call->out.create_key_entry.public_key };
}

enum sks_status session_make_pin(struct session *s, const struct policy *puk, struct policy *pin)
{
    struct call call;
    enum sks_status rc;

    call_pin(s, &call, puk);
    TRY(call_do(s, &call, SKS_OK));
    policy_of(&call, pin);
out:
    return rc;
}

enum sks_status session_make_key(struct session *s, const struct policy *pin, struct key *key)
{
    struct call call;
    enum sks_status rc;

    call_key(s, &call, pin, CONFORM_PIN);
    TRY(call_do(s, &call, SKS_OK));
    key_of(&call, key);
out:
    return rc;
}

enum sks_status session_certify(struct session *s, struct key *key)
{
    struct call call;
    enum sks_status rc;

    TRY(target_certify(s->target, s->check, key->public_key, &key->certificate));
    TRY(call_certify(s, &call, key));
    rc = call_do(s, &call, SKS_OK);
out:
    return rc;
}

enum sks_status session_close(struct session *s)
{
    struct call call;

    call_close(s, &call);
    return call_do(s, &call, SKS_OK);
}

enum sks_status session_is_gone(struct session *s)
{
    union sks_in in = { .session_handle = { s->handle } };

    return target_call(s->target, s->check, ABORT_PROVISIONING_SESSION, &in, NULL,
                       SKS_ERROR_NO_SESSION);
}

struct bytes session_seal(struct session *s, struct bytes clear)
{
    struct buf sealed = { 0 };
    struct bytes kept = { 0 };

    if (session_encrypt(&s->sk, clear, &sealed) == SKS_OK)
        kept = arena_copy(&s->check->arena, buf_bytes(&sealed));
    buf_free(&sealed);
    return kept;
}
