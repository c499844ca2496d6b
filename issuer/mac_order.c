#include "issuer/mac_order.h"
#include "issuer/draw.h"

/* What a walk over the profile carries along. */
struct order {
    struct exchange *x;
    struct session_key *sk;
};

static enum sks_status no_memory(struct exchange *x)
{
    return sks_fail(x->err, SKS_ERROR_STORAGE, "no memory for the message");
}

/* Makes one MAC over the data, which it frees; records it. */
static enum sks_status make_mac(struct order *o, const char *method, struct bytes id,
                                struct buf *data, struct bytes *out)
{
    uint8_t mac[SKS_MAC_SIZE];
    uint16_t counter = o->sk->counter;
    enum sks_status rc;

    TRY(data->status);
    TRY(session_mac(o->sk, method, buf_bytes(data), mac));
    TRY(keep_bytes(o->x, bytes_at(mac, sizeof mac), out));
    check_pass(o->x, "mac", "made for %s%s%.*s with counter %u", method, id.len > 0 ? " of " : "",
               (int)id.len, id.len > 0 ? (const char *)id.ptr : "", counter);
out:
    buf_free(data);
    return sks_explain(o->x->err, rc);
}

/* ---- key creation ---- */

static enum sks_status encrypt_puk(struct order *o, const struct puk_profile *from,
                                   struct bytes *encrypted)
{
    struct buf puk = { 0 }, out = { 0 };
    enum sks_status rc;

    if (from->puk.len > 0)
        put_raw(&puk, from->puk);
    else
        TRY(draw_puk(from->policy.format, &puk));
    TRY(puk.status);
    TRY(session_encrypt(o->sk, buf_bytes(&puk), &out));
    TRY(keep_bytes(o->x, buf_bytes(&out), encrypted));
    o->x->session->state.carries_secrets = true;
out:
    buf_free(&puk);
    buf_free(&out);
    return sks_explain(o->x->err, rc);
}

/* The session remembers of a key what its attestation will be checked against. */
static void remember_key(struct order *o, const struct key_entry_specifier *spec)
{
    struct session_state *state = &o->x->session->state;

    state->credential[state->credentials++] = (struct credential){
        .id = spec->key.id,
        .key_algorithm = spec->key.key_algorithm,
        .key_parameters = spec->key.key_parameters,
        .mac = spec->mac,
        .attestation_counter = o->sk->counter++,
    };
}

static enum sks_status order_keys(struct order *o, const struct json_array *from,
                                  struct bytes pin_id, struct json_array *to)
{
    const struct key_profile *key = from->item;
    struct key_entry_specifier *spec = arena_alloc(o->x->arena, from->count, sizeof *spec);
    enum sks_status rc = SKS_OK;

    if (spec == NULL)
        return no_memory(o->x);
    *to = (struct json_array){ spec, from->count };
    for (size_t i = 0; i < from->count; i++) {
        struct buf data = { 0 };

        spec[i].key = key[i].key;
        put_mac_key_entry(&data, &spec[i].key, pin_id, false);
        TRY(make_mac(o, MAC_CREATE_KEY_ENTRY, spec[i].key.id, &data, &spec[i].mac));
        remember_key(o, &spec[i]);
    }
out:
    return rc;
}

static enum sks_status order_pins(struct order *o, const struct json_array *from,
                                  struct bytes puk_id, struct json_array *to)
{
    const struct pin_profile *pin = from->item;
    struct pin_policy_specifier *spec = arena_alloc(o->x->arena, from->count, sizeof *spec);
    enum sks_status rc = SKS_OK;

    if (spec == NULL)
        return no_memory(o->x);
    *to = (struct json_array){ spec, from->count };
    for (size_t i = 0; i < from->count; i++) {
        struct buf data = { 0 };

        spec[i].policy = pin[i].policy;
        put_mac_pin_policy(&data, &spec[i].policy, puk_id);
        TRY(make_mac(o, MAC_CREATE_PIN_POLICY, spec[i].policy.id, &data, &spec[i].mac));
        TRY(order_keys(o, &pin[i].keys, spec[i].policy.id, &spec[i].key_entry_specifiers));
    }
out:
    return rc;
}

static enum sks_status order_puks(struct order *o, const struct json_array *from,
                                  struct json_array *to)
{
    const struct puk_profile *puk = from->item;
    struct puk_policy_specifier *spec = arena_alloc(o->x->arena, from->count, sizeof *spec);
    enum sks_status rc = SKS_OK;

    if (spec == NULL)
        return no_memory(o->x);
    *to = (struct json_array){ spec, from->count };
    for (size_t i = 0; i < from->count; i++) {
        struct buf data = { 0 };

        spec[i].policy = puk[i].policy;
        TRY(encrypt_puk(o, &puk[i], &spec[i].policy.encrypted_puk));
        put_mac_puk_policy(&data, &spec[i].policy);
        TRY(make_mac(o, MAC_CREATE_PUK_POLICY, spec[i].policy.id, &data, &spec[i].mac));
        TRY(order_pins(o, &puk[i].pins, spec[i].policy.id, &spec[i].pin_policy_specifiers));
    }
out:
    return rc;
}

enum sks_status order_key_creation(struct exchange *x, struct session_key *sk,
                                   struct key_creation_request *request)
{
    const struct profile *profile = x->profile;
    struct session_state *state = &x->session->state;
    struct order order = { x, sk };
    enum sks_status rc;

    state->credentials = 0;
    state->credential = arena_alloc(x->arena, profile->key_count, sizeof *state->credential);
    if (state->credential == NULL)
        return no_memory(x);
    TRY(order_puks(&order, &profile->puks, &request->puk_policy_specifiers));
    TRY(order_pins(&order, &profile->pins, (struct bytes){ 0 }, &request->pin_policy_specifiers));
    TRY(order_keys(&order, &profile->keys, (struct bytes){ 0 }, &request->key_entry_specifiers));
out:
    return rc;
}

/* ---- finalization ---- */

static enum sks_status order_credential(struct order *o, const struct credential *credential,
                                        struct issued_credential *to)
{
    struct buf data = { 0 };

    to->id = credential->id;
    to->certificate_path.item = arena_alloc(o->x->arena, 1, sizeof *to->certificate_path.item);
    if (to->certificate_path.item == NULL)
        return no_memory(o->x);
    to->certificate_path.item[0] = credential->certificate;
    to->certificate_path.count = 1;
    put_mac_certificate_path(&data, credential->public_key, credential->id, &to->certificate_path);
    return make_mac(o, MAC_SET_CERTIFICATE_PATH, credential->id, &data, &to->mac);
}

static enum sks_status order_close(struct order *o, struct session_close_data *close)
{
    struct buf data = { 0 };

    close->nonce = o->x->session->state.nonce;
    put_mac_close(&data, &o->x->session->state.terms, close->nonce);
    return make_mac(o, MAC_CLOSE_SESSION, (struct bytes){ 0 }, &data, &close->mac);
}

enum sks_status order_finalization(struct exchange *x, struct session_key *sk,
                                   struct provisioning_finalization_request *request)
{
    const struct session_state *state = &x->session->state;
    struct order order = { x, sk };
    struct issued_credential *issued = arena_alloc(x->arena, state->credentials, sizeof *issued);
    enum sks_status rc = SKS_OK;

    request->session_close_data = arena_alloc(x->arena, 1, sizeof *request->session_close_data);
    if (issued == NULL || request->session_close_data == NULL)
        return no_memory(x);
    request->issued_credentials = (struct json_array){ issued, state->credentials };
    for (size_t i = 0; i < state->credentials; i++)
        TRY(order_credential(&order, &state->credential[i], &issued[i]));
    TRY(order_close(&order, request->session_close_data));
out:
    return rc;
}
