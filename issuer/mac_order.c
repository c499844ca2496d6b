#include "issuer/mac_order.h"
#include "issuer/draw.h"

#include <stdlib.h>

/* What a walk over the profile carries along. */
struct order {
    struct exchange *x;
    struct session_key *sk;
};

static enum sks_status no_memory(struct exchange *x)
{
    return sks_fail(x->err, SKS_ERROR_STORAGE, "no memory for the message");
}

enum sks_status order_mac(struct exchange *x, struct session_key *sk, const char *method,
                          struct bytes id, struct buf *data, struct bytes *out)
{
    uint8_t mac[SKS_MAC_SIZE];
    uint16_t counter = sk->counter;
    enum sks_status rc;

    TRY(data->status);
    TRY(session_mac(sk, method, buf_bytes(data), mac));
    TRY(keep_bytes(x, bytes_at(mac, sizeof mac), out));
    check_pass(x, EVIDENCE_CHECK_MAC, EVIDENCE_DETAIL_MAC, method, id.len > 0 ? " of " : "",
               (int)id.len, id.len > 0 ? (const char *)id.ptr : "", counter);
out:
    buf_free(data);
    return sks_explain(x->err, rc);
}

enum sks_status order_encrypted(struct exchange *x, const struct session_key *sk,
                                struct bytes clear, struct bytes *encrypted)
{
    struct buf out = { 0 };
    enum sks_status rc;

    TRY(session_encrypt(sk, clear, &out));
    TRY(keep_bytes(x, buf_bytes(&out), encrypted));
    x->session->state.carries_secrets = true;
out:
    buf_free(&out);
    return sks_explain(x->err, rc);
}

/* ---- key creation ---- */

static enum sks_status encrypt_puk(struct order *o, const struct puk_profile *from,
                                   struct bytes *encrypted)
{
    struct buf puk = { 0 };
    enum sks_status rc;

    if (from->puk.len > 0)
        put_raw(&puk, from->puk);
    else
        TRY(draw_puk(from->policy.format, &puk));
    TRY(puk.status);
    TRY(order_encrypted(o->x, o->sk, buf_bytes(&puk), encrypted));
out:
    buf_free(&puk);
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

/* @param pins  preset ones, one for each key, or NULL */
static enum sks_status order_keys(struct order *o, const struct json_array *from,
                                  struct bytes pin_id, const struct buf *pins,
                                  struct json_array *to)
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
        spec[i].has_encrypted_pin = pins != NULL;
        if (pins != NULL)
            TRY(order_encrypted(o->x, o->sk, buf_bytes(&pins[i]), &spec[i].key.pin_value));
        put_mac_key_entry(&data, &spec[i].key, pin_id, pins != NULL);
        TRY(order_mac(o->x, o->sk, MAC_CREATE_KEY_ENTRY, spec[i].key.id, &data, &spec[i].mac));
        remember_key(o, &spec[i]);
    }
out:
    return rc;
}

static enum sks_status order_preset_keys(struct order *o, const struct pin_profile *pin,
                                         struct json_array *to)
{
    struct buf *pins = calloc(pin->keys.count, sizeof *pins);
    enum sks_status rc;

    if (pins == NULL)
        return no_memory(o->x);
    TRY(sks_explain(o->x->err, draw_pins(pin, pins)));
    TRY(order_keys(o, &pin->keys, pin->policy.id, pins, to));
out:
    for (size_t i = 0; i < pin->keys.count; i++)
        buf_free(&pins[i]);
    free(pins);
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
        struct json_array *keys = &spec[i].key_entry_specifiers;
        struct buf data = { 0 };

        spec[i].policy = pin[i].policy;
        put_mac_pin_policy(&data, &spec[i].policy, puk_id);
        TRY(order_mac(o->x, o->sk, MAC_CREATE_PIN_POLICY, spec[i].policy.id, &data, &spec[i].mac));
        TRY(pin[i].policy.user_defined ? order_keys(o, &pin[i].keys, spec[i].policy.id, NULL, keys)
                                       : order_preset_keys(o, &pin[i], keys));
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
        TRY(order_mac(o->x, o->sk, MAC_CREATE_PUK_POLICY, spec[i].policy.id, &data, &spec[i].mac));
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
    TRY(order_keys(&order, &profile->keys, (struct bytes){ 0 }, NULL,
                   &request->key_entry_specifiers));
out:
    return rc;
}
