/* The issuer's calls about sessions and policies. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/crypto/signature.h"
#include "tests/fuzz/support/issue.h"
#include "tests/fuzz/support/made_keys.h"
#include "tests/plain/support/enrol.h"

/* ---- the session ---- */

static bool fill_session(struct issue *c)
{
    struct session_terms *terms = &c->in.create_session.terms;
    uint8_t flags = input_byte(c->input);

    *terms = (struct session_terms){
        .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
        .privacy_enabled = (flags & 1) != 0,
        .server_session_id = issue_new_id(c->w),
        .server_ephemeral_key = made_public_key(MADE_P256),
        .issuer_uri = bytes_of("https://issuer.example/kg2/fuzz"),
        .session_life_time = UINT16_MAX, /* longer than a run of the fuzzer */
        .session_key_limit = (flags & 2) != 0 ? 6 : 1000,
    };
    if ((flags & 4) == 0)
        terms->key_management_key = made_public_key((flags & 8) == 0 ? MADE_P256 : MADE_RSA);
    return c->w->sessions < SESSIONS_MAX;
}

static EVP_PKEY *private_of(struct bytes spki)
{
    for (enum made_key i = 0; i < MADE_KEYS; i++)
        if (bytes_equal(made_public_key(i), spki))
            return made_key(i);
    return NULL;
}

static void check_session_attestation(struct issue *c, const struct known_session *s)
{
    const struct create_session_out *out = &c->out.create_session;
    struct buf data = { 0 }, device_key = { 0 };
    uint8_t mac[SKS_MAC_SIZE];
    EVP_PKEY *pkey = NULL;

    put_session_attestation_data(&data, &s->terms, issue_device_id(c->w, s),
                                 out->client_ephemeral_key);
    if (s->terms.privacy_enabled) {
        must(hmac_sha256(bytes_at(s->sk.key, sizeof s->sk.key), buf_bytes(&data), mac) == SKS_OK &&
                 bytes_equal(out->attestation, bytes_at(mac, sizeof mac)),
             "session attestation");
    } else {
        must(put_certificate_key(&device_key, issue_device_id(c->w, s)) == SKS_OK &&
                 public_key_load(buf_bytes(&device_key), &pkey) == SKS_OK &&
                 verify_sha256(pkey, buf_bytes(&data), out->attestation) == SKS_OK,
             "session attestation");
    }
    EVP_PKEY_free(pkey);
    buf_free(&data);
    buf_free(&device_key);
}

static void done_session(struct issue *c)
{
    const struct create_session_out *out = &c->out.create_session;
    struct known_session *s = &c->w->session[c->w->sessions++];

    *s = (struct known_session){ .handle = out->provisioning_handle,
                                 .open = true,
                                 .terms = c->in.create_session.terms,
                                 .kmk = private_of(c->in.create_session.terms.key_management_key) };
    s->terms.client_session_id = out->client_session_id;
    if (!bytes_equal(s->terms.server_ephemeral_key, made_public_key(MADE_P256)))
        return; /* altered to another key: its session key is nobody's */
    must(session_key_derive(made_key(MADE_P256), out->client_ephemeral_key, &s->terms,
                            issue_device_id(c->w, s), &s->sk) == SKS_OK,
         "session key");
    if (s->terms.privacy_enabled || out->provisioning_handle % 8 == 0) /* a signature takes long */
        check_session_attestation(c, s);
}

void issuer_keep_session_2010(struct world *w, const struct session_2010_terms *in,
                              const struct create_session_2010_out *out)
{
    struct known_session *s = &w->session[w->sessions++];
    struct buf data = { 0 }, device_key = { 0 };
    uint8_t proof[SKS_MAC_SIZE];
    EVP_PKEY *pkey = NULL;

    *s = (struct known_session){ .handle = out->provisioning_id,
                                 .open = true,
                                 .terms = { .server_session_id = in->server_session_id,
                                            .client_session_id = in->client_session_id,
                                            .issuer_uri = in->provisioning_uri,
                                            .server_ephemeral_key = in->server_public_key } };
    if (!bytes_equal(in->server_public_key, made_public_key(MADE_SERVER)))
        return; /* altered to another key: its session key is nobody's */
    must(session_2010_decrypt(made_key(MADE_SERVER), out->encrypted_session_key, &s->sk) ==
                 SKS_OK &&
             session_2010_proof(&s->sk, proof) == SKS_OK,
         "session key");
    put_session_2010_attestation(&data, bytes_at(proof, sizeof proof), in);
    must(put_certificate_key(&device_key, issue_device_id(w, s)) == SKS_OK &&
             public_key_load(buf_bytes(&device_key), &pkey) == SKS_OK &&
             verify_sha256(pkey, buf_bytes(&data), out->attested_session_key) == SKS_OK,
         "session key attestation");
    EVP_PKEY_free(pkey);
    buf_free(&data);
    buf_free(&device_key);
}

static bool fill_open_session(struct issue *c)
{
    return issue_pick_session(c, true);
}

static bool fill_close(struct issue *c)
{
    c->in.close_session.nonce = bytes_of("a nonce");
    return issue_pick_session(c, true);
}

static void put_close(struct issue *c, struct buf *data)
{
    put_mac_close(data, &c->session->terms, c->in.close_session.nonce);
}

/* The closed key in front of those that a close will show; 0 if it may change others too. */
static uint32_t key_in_front(const struct world *w, uint32_t session)
{
    uint32_t first = UINT32_MAX, front = 0;

    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].session == session && w->key[i].handle < first)
            first = w->key[i].handle;
    for (size_t i = 0; i < w->keys; i++)
        if (w->key[i].closed && w->key[i].handle < first && w->key[i].handle > front)
            front = w->key[i].handle;
    return w->posts == 0 ? front : 0;
}

static void done_close(struct issue *c)
{
    uint32_t front = key_in_front(c->w, c->in.handle);
    struct buf data = { 0 };

    put_attested_close(&data, c->in.close_session.nonce);
    must(session_mac_verify(&c->session->sk, MAC_DEVICE_ATTESTATION, buf_bytes(&data),
                            c->out.close_session.attestation) == SKS_OK,
         "closing proof");
    buf_free(&data);
    world_close_session(c->w, c->in.handle);
    world_check_garbage();
    world_enumerate(c->w, front);
}

static bool fill_roll_over(struct issue *c)
{
    static const enum made_key NEXT[] = { MADE_P256, MADE_RSA };
    struct update_kmk_in *in = &c->in.update_kmk;
    struct buf data = { 0 };

    if (!issue_pick_session(c, false) || c->session->kmk == NULL)
        return false;
    in->key_management_key = made_public_key(NEXT[input_choice(c->input, NITEMS(NEXT))]);
    put_roll_over(&data, in->key_management_key);
    in->authorization = made_signature(c->session->kmk, buf_bytes(&data));
    buf_free(&data);
    return true;
}

static void done_roll_over(struct issue *c)
{
    const struct update_kmk_in *in = &c->in.update_kmk;
    struct known_session *s = world_session(c->w, in->provisioning_handle, false);

    must(s != NULL, "a closed session");
    s->terms.key_management_key = in->key_management_key;
    s->kmk = private_of(in->key_management_key);
}

/* ---- policies ---- */

static void add_policy(struct issue *c, struct known_policy policy)
{
    c->w->policy[c->w->policies++] = policy;
}

static bool fill_puk(struct issue *c)
{
    static const uint16_t LIMIT[] = { 3, 0, 1 };
    struct puk_policy *policy = &c->in.create_puk_policy.policy;

    if (!issue_pick_session(c, true) || c->w->policies == POLICIES_MAX)
        return false;
    policy->id = issue_new_id(c->w);
    policy->retry_limit = LIMIT[input_choice(c->input, NITEMS(LIMIT))];
    policy->encrypted_puk = issue_encrypted(c, bytes_of("0123456789"));
    return true;
}

static void put_puk(struct issue *c, struct buf *data)
{
    put_mac_puk_policy(data, &c->in.create_puk_policy.policy);
}

static void done_puk(struct issue *c)
{
    add_policy(c, (struct known_policy){ .handle = c->out.handle.handle,
                                         .session = c->in.handle,
                                         .is_puk = true,
                                         .id = c->in.create_puk_policy.policy.id });
}

static bool fill_pin(struct issue *c)
{
    struct create_pin_policy_in *in = &c->in.create_pin_policy;
    uint8_t flags;

    if (!issue_pick_session(c, true) || c->w->policies == POLICIES_MAX)
        return false;
    in->puk_policy_handle = issue_pick_policy(c, true);
    flags = input_byte(c->input);
    in->policy = (struct pin_policy){ .id = issue_new_id(c->w),
                                      .user_defined = (flags & 1) == 0,
                                      .user_modifiable = (flags & 2) == 0,
                                      .grouping = flags >> 2 & 3,
                                      .format = flags >> 4 & 3,
                                      .pattern_restrictions = flags >> 6,
                                      .retry_limit = 3,
                                      .min_length = 4,
                                      .max_length = 8 };
    return true;
}

static void put_pin(struct issue *c, struct buf *data)
{
    const struct create_pin_policy_in *in = &c->in.create_pin_policy;

    put_mac_pin_policy(data, &in->policy, issue_policy_id(c->w, in->puk_policy_handle, true));
}

static void done_pin(struct issue *c)
{
    const struct pin_policy *policy = &c->in.create_pin_policy.policy;

    add_policy(c, (struct known_policy){ .handle = c->out.handle.handle,
                                         .session = c->in.handle,
                                         .user_defined = policy->user_defined,
                                         .id = policy->id });
}

/* ---- getKeyHandle ---- */

static bool fill_key_handle(struct issue *c)
{
    const struct known_key *key = issue_pick_key(c, false);

    if (key == NULL)
        return false;
    c->in.get_key_handle = (struct get_key_handle_in){ key->session, key->id };
    return true;
}

static void done_key_handle(struct issue *c)
{
    const struct known_key *key = world_key(c->w, c->out.handle.handle, false);

    must(key != NULL && key->session == c->in.handle &&
             bytes_equal(key->id, c->in.get_key_handle.id),
         "the key of that id");
}

const struct issue_step SESSION_STEPS[SESSION_STEPS_COUNT] = {
    { CREATE_PROVISIONING_SESSION, NULL, fill_session, NULL, done_session },
    { CREATE_PUK_POLICY, MAC_CREATE_PUK_POLICY, fill_puk, put_puk, done_puk },
    { CREATE_PIN_POLICY, MAC_CREATE_PIN_POLICY, fill_pin, put_pin, done_pin },
    { CLOSE_PROVISIONING_SESSION, MAC_CLOSE_SESSION, fill_close, put_close, done_close },
    { ABORT_PROVISIONING_SESSION, NULL, fill_open_session, NULL, NULL },
    { GET_KEY_HANDLE, NULL, fill_key_handle, NULL, done_key_handle },
    { UPDATE_KEY_MANAGEMENT_KEY, NULL, fill_roll_over, NULL, done_roll_over },
};
