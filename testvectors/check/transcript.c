/* Plays transcripts: the token's side with the token, the issuer's with the shared checks. */
#include "keygen2/crypto/attestation.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/session_2010.h"
#include "testvectors/check/player.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the issuer's side ---- */

/* What was attested, field by field, is what the library verifies. */
static void agree_on_attested(struct player *p, const json_t *exchange, const struct buf *data)
{
    struct buf fields = { 0 };

    subject_put_fields(p->s, json_object_get(exchange, "attested"), &fields);
    if (!bytes_equal(buf_bytes(data), buf_bytes(&fields)))
        subject_break(p->s, "what was attested is not what the library makes");
    buf_free(&fields);
}

static struct session_terms terms_of(const union sks_in *in, const union sks_out *out)
{
    struct session_terms terms = in->create_session.terms;

    terms.client_session_id = out->create_session.client_session_id;
    return terms;
}

static EVP_PKEY *server_key(struct player *p)
{
    struct subject sub = *p->s; /* the key of this session, by the name of all */
    EVP_PKEY *key;

    sub.input = p->issuer.session;
    key = subject_key(&sub, "serverKey");
    p->s->arena = sub.arena;
    return key;
}

static enum sks_status issuer_begins(struct player *p, const struct made *call,
                                     const union sks_in *in, const union sks_out *out)
{
    const struct session_terms terms = terms_of(in, out);
    const struct bytes device_id =
        subject_hex(p->s, json_object_get(p->issuer.session, "deviceId"));
    EVP_PKEY *own = server_key(p);
    struct buf data = { 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (own == NULL)
        return rc;
    TRY(session_key_derive(own, out->create_session.client_ephemeral_key, &terms, device_id,
                           &p->issuer.sk));
    put_session_attestation_data(&data, &terms, device_id,
                                 out->create_session.client_ephemeral_key);
    if (!call->answer_altered)
        agree_on_attested(p, call->exchange, &data);
    TRY(verify_session_attestation(&terms, device_id, out->create_session.client_ephemeral_key,
                                   &p->issuer.sk, terms.privacy_enabled ? NULL : p->device,
                                   out->create_session.attestation));
    p->issuer.handle = out->create_session.provisioning_handle;
out:
    buf_free(&data);
    EVP_PKEY_free(own);
    return rc;
}

static enum sks_status issuer_begins_2010(struct player *p, const struct made *call,
                                          const union sks_in *in, const union sks_out *out)
{
    EVP_PKEY *own = server_key(p);
    uint8_t proof[SKS_MAC_SIZE];
    struct buf data = { 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    if (own == NULL)
        return rc;
    TRY(session_2010_decrypt(own, out->create_session_2010.encrypted_session_key, &p->issuer.sk));
    TRY(session_2010_proof(&p->issuer.sk, proof));
    put_session_2010_attestation(&data, bytes_at(proof, sizeof proof), &in->create_session_2010);
    agree_on_attested(p, call->exchange, &data);
    TRY(session_2010_verify(p->device, bytes_at(proof, sizeof proof), &in->create_session_2010,
                            out->create_session_2010.attested_session_key));
    p->issuer.handle = out->create_session_2010.provisioning_id;
out:
    buf_free(&data);
    EVP_PKEY_free(own);
    return rc;
}

/* An attestation in an answer; its counter is the one behind the MAC's. */
static enum sks_status issuer_verifies(struct player *p, const json_t *exchange, struct buf *data,
                                       struct bytes attestation)
{
    const json_t *mac = json_object_get(json_object_get(exchange, "mac"), "counter");
    enum sks_status rc;

    agree_on_attested(p, exchange, data);
    rc = verify_attestation(&p->issuer.sk, (uint16_t)(json_integer_value(mac) + 1), buf_bytes(data),
                            attestation);

    buf_free(data);
    return rc;
}

/* What the issuer makes of an answer. */
static enum sks_status issuer_takes(struct player *p, const struct made *call)
{
    struct arena *arena = &p->s->arena;
    const struct sks_method *method;
    struct buf data = { 0 };
    union sks_out out;
    union sks_in in;
    enum sks_status rc;

    TRY(sks_decode_request(arena_copy(arena, buf_bytes(&call->request)), &method, &in, arena,
                           &p->s->err));
    TRY(sks_decode_response(arena_copy(arena, buf_bytes(&call->answer)), method, &out, arena,
                            &p->s->err));
    switch (method->id) {
    case CREATE_PROVISIONING_SESSION:
        return issuer_begins(p, call, &in, &out);
    case CREATE_SESSION_2010:
        return issuer_begins_2010(p, call, &in, &out);
    case CREATE_KEY_ENTRY:
        put_attested_key(&data, out.create_key_entry.public_key, in.create_key_entry.mac);
        return issuer_verifies(p, call->exchange, &data, out.create_key_entry.attestation);
    case CLOSE_PROVISIONING_SESSION:
        put_attested_close(&data, in.close_session.nonce);
        p->issuer.closed = true;
        return issuer_verifies(p, call->exchange, &data, out.close_session.attestation);
    default:
        break;
    }
out:
    return rc;
}

/* ---- a call ---- */

static bool begins_session(const struct made *call)
{
    return call->request.len > 0 && (call->request.ptr[0] == CREATE_PROVISIONING_SESSION ||
                                     call->request.ptr[0] == CREATE_SESSION_2010);
}

/* The counter and limit that the token keeps, against those of the exchange. */
static void compare_session(struct player *p, const struct made *call)
{
    uint16_t counter, left;

    if (!replay_token_session(p->token, (uint32_t)p->sessions, &counter, &left))
        return; /* it is closed */
    if (counter != json_integer_value(json_object_get(call->exchange, "counter")) ||
        left != json_integer_value(json_object_get(call->exchange, "limit")))
        subject_break(p->s, "counter %u and limit %u after %s", counter, left,
                      json_string_value(json_object_get(call->exchange, "method")));
}

/* The MAC and what was attested, field by field; the session key. */
static void compare_fields(struct player *p, const struct made *call)
{
    const json_t *mac = json_object_get(call->exchange, "mac");
    const char *name = json_string_value(json_object_get(mac, "name"));
    struct session_key sk = p->issuer.sk;
    struct buf data = { 0 };
    uint8_t made[SKS_MAC_SIZE];

    if (!bytes_equal(subject_hex(p->s, json_object_get(p->issuer.session, "sessionKey")),
                     bytes_at(sk.key, sizeof sk.key)))
        subject_break(p->s, "sessionKey is another one");
    sk.counter = (uint16_t)json_integer_value(json_object_get(mac, "counter"));
    subject_put_fields(p->s, json_object_get(mac, "fields"), &data);
    if (name != NULL &&
        (session_mac(&sk, name, buf_bytes(&data), made) != SKS_OK ||
         call->request.len < sizeof made ||
         !bytes_equal(bytes_at(call->request.ptr + call->request.len - sizeof made, sizeof made),
                      bytes_at(made, sizeof made))))
        subject_break(p->s, "the MAC is not over the fields of %s", name);
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(&data);
}

static enum sks_status token_answers(struct player *p, const struct made *call)
{
    const char *path = json_string_value(json_object_get(call->exchange, "path"));
    const struct sks_dialect *dialect = path != NULL && strcmp(path, SKS_DIALECT_2010.path) == 0
                                            ? &SKS_DIALECT_2010
                                            : &SKS_DIALECT_107;
    struct buf answer = { 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    replay_token_call(p->token, dialect, buf_bytes(&call->request), &answer);
    if (answer.len == 0)
        subject_break(p->s, "no answer");
    else if ((rc = (enum sks_status)answer.ptr[0]) != SKS_OK)
        (void)sks_fail(&p->s->err, rc, "%.*s", (int)answer.len - 3, (const char *)answer.ptr + 3);
    else if (!call->answer_altered && !call->request_altered &&
             !bytes_equal(buf_bytes(&answer), buf_bytes(&call->answer)))
        subject_break(p->s, "another answer of %s",
                      json_string_value(json_object_get(call->exchange, "method")));
    subject_tell(p->s, json_string_value(json_object_get(call->exchange, "method")),
                 buf_bytes(&answer));
    buf_free(&answer);
    return rc;
}

static void tell_end(struct player *p, const char *end, size_t step)
{
    uint16_t counter, left;
    const bool open = replay_token_session(p->token, (uint32_t)p->sessions, &counter, &left);

    (void)snprintf(p->s->end, sizeof p->s->end, "%s", end);
    p->s->step = end[0] == '\0' ? -1 : (long)step;
    if (open) {
        p->s->counter = counter;
        p->s->limit = left;
    }
    (void)snprintf(p->s->session, sizeof p->s->session, "%s",
                   strcmp(end, "issuer") == 0 ? "failed"
                   : open                     ? "open"
                   : p->issuer.closed         ? "closed"
                                              : "removed");
}

static enum sks_status play(struct player *p)
{
    const json_t *sessions = subject_value(p->s, "sessions");
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < p->count; i++) {
        struct made *call = &p->call[i];

        if (begins_session(call))
            p->issuer = (struct issuer){ .session = json_array_get(sessions, p->sessions++) };
        replay_token_wait(call->wait);
        rc = token_answers(p, call);
        if (rc != SKS_OK) {
            tell_end(p, "token", i);
            return rc;
        }
        compare_session(p, call);
        rc = issuer_takes(p, call);
        if (rc != SKS_OK) {
            tell_end(p, "issuer", i);
            return rc;
        }
        compare_fields(p, call);
    }
    tell_end(p, "", 0);
    return rc;
}

/* ---- calls behind a transcript, each with the status that it gets ---- */

static enum sks_status make_call(struct player *p, const json_t *call)
{
    const json_t *status = json_object_get(call, "status"),
                 *wanted = json_object_get(call, "answer");
    const struct bytes request = subject_hex(p->s, json_object_get(call, "request"));
    struct buf answer = { 0 };
    enum sks_status rc = SKS_ERROR_INTERNAL;

    replay_token_call(p->token, &SKS_DIALECT_107, request, &answer);
    subject_tell(p->s, json_string_value(json_object_get(call, "method")), buf_bytes(&answer));
    if (answer.len == 0 || answer.ptr[0] != json_integer_value(status))
        subject_break(p->s, "%s: status %d", json_string_value(json_object_get(call, "method")),
                      answer.len == 0 ? -1 : answer.ptr[0]);
    else if (wanted != NULL && !bytes_equal(subject_hex(p->s, wanted), buf_bytes(&answer)))
        subject_break(p->s, "%s: another answer",
                      json_string_value(json_object_get(call, "method")));
    rc = answer.len == 0 ? SKS_ERROR_INTERNAL : (enum sks_status)answer.ptr[0];
    if (rc == SKS_OK && request.len > 0 && request.ptr[0] == CLOSE_PROVISIONING_SESSION)
        p->issuer.closed = true;
    buf_free(&answer);
    return rc;
}

/* The last one is the one in question. */
static enum sks_status make_calls(struct player *p)
{
    const json_t *calls = subject_value(p->s, "calls");
    enum sks_status rc = SKS_ERROR_INTERNAL;

    for (size_t i = 0; i < json_array_size(calls); i++)
        rc = make_call(p, json_array_get(calls, i));
    tell_end(p, rc == SKS_OK ? "" : "token", 0);
    p->s->step = -1;
    return rc;
}

/* ---- a test ---- */

static void load_draws(struct player *p, const json_t *list)
{
    static const struct name KINDS_OF_DRAWS[] = { { "id", REPLAY_ID },
                                                  { "key", REPLAY_KEY },
                                                  { "sessionKey", REPLAY_SESSION_KEY },
                                                  { "encryptedSessionKey", REPLAY_ENCRYPTED_KEY },
                                                  { NULL, 0 } };

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *draw = json_array_get(list, i);
        const char *what = json_string_value(json_object_get(draw, "what"));
        struct subject sub = *p->s;
        EVP_PKEY *key = NULL;
        uint8_t kind = 0;

        if (what == NULL || !name_to_value(KINDS_OF_DRAWS, bytes_of(what), &kind))
            subject_break(p->s, "an unknown draw");
        sub.input = draw;
        if (kind == REPLAY_KEY)
            key = subject_key(&sub, "value");
        p->s->arena = sub.arena;
        replay_draws_add((enum replay_kind)kind,
                         kind == REPLAY_KEY ? (struct bytes){ 0 }
                                            : subject_hex(p->s, json_object_get(draw, "value")),
                         key);
    }
}

/* One token for all tests of a file that have the same device. */
struct cache {
    struct replay_token *token;
    struct buf certificate;
};

static void drop(void *from)
{
    struct cache *cache = from;

    if (cache == NULL)
        return;
    replay_token_free(cache->token);
    buf_free(&cache->certificate);
    free(cache);
}

static enum sks_status token_of(struct player *p, struct bytes certificate)
{
    struct cache *cache = p->s->cache;
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    if (cache == NULL || cache->token == NULL ||
        !bytes_equal(buf_bytes(&cache->certificate), certificate)) {
        drop(cache);
        p->s->cache = cache = calloc(1, sizeof *cache);
        p->s->drop = drop;
        REQUIRE(cache != NULL, &p->s->err, SKS_ERROR_STORAGE, "no memory");
        put_raw(&cache->certificate, certificate);
        key = subject_key(p->s, "deviceKey");
        REQUIRE(key != NULL, &p->s->err, SKS_ERROR_STORAGE, "no device key");
        TRY(replay_token_new(key, certificate, &cache->token, &p->s->err));
    }
    p->token = cache->token;
    rc = replay_token_reset(p->token, &p->s->err);
out:
    EVP_PKEY_free(key);
    return rc;
}

enum sks_status subject_check_transcript(struct subject *s)
{
    const struct bytes certificate = subject_bytes(s, "deviceCertificate");
    struct player *p = calloc(1, sizeof *p);
    enum sks_status rc;

    REQUIRE(p != NULL, &s->err, SKS_ERROR_STORAGE, "no memory");
    p->s = s;
    TRY(token_of(p, certificate));
    TRY(public_key_load(certificate_key(certificate), &p->device));
    player_load(p);
    load_draws(p, json_object_get(s->fixtures, "tokenDraws"));
    if (subject_has(s, "calls"))
        load_draws(p, json_object_get(s->input, "tokenDraws"));
    rc = s->broken[0] == '\0' ? play(p) : SKS_ERROR_INTERNAL;
    if (rc == SKS_OK && subject_has(s, "calls"))
        rc = make_calls(p);
    if (!replay_draws_end() && rc == SKS_OK)
        subject_break(s, "the token has not drawn all that there is");
out:
    if (p != NULL) {
        player_unload(p);
        EVP_PKEY_free(p->device);
    }
    free(p);
    return rc;
}
