/*
 * ProvisioningFinalizationRequest, in the order in which the token executes it: for each
 * credential its path, an imported key, what is attached to it, and a post operation last; then
 * unlocks, deletes, and the close.
 */
#include "issuer/in_doubt.h"
#include "issuer/post_order.h"
#include "keygen2/base/clock.h"

/* What the order of a message carries along. */
struct order {
    struct exchange *x;
    struct session_key *sk;
    struct bytes certificate; /* of the credential at hand */
    struct bytes id;
};

static enum sks_status no_memory(const struct order *o)
{
    return sks_fail(o->x->err, SKS_ERROR_STORAGE, "no memory for the message");
}

static enum sks_status make_mac(struct order *o, const char *method, struct buf *data,
                                struct bytes *mac)
{
    return order_mac(o->x, o->sk, method, o->id, data, mac);
}

/* ---- the path, an imported key ---- */

static enum sks_status order_path(struct order *o, const struct key_profile *key,
                                  const struct credential *credential, struct issued_credential *to)
{
    size_t count = key->certificate->include_ca ? 2 : 1;
    struct buf data = { 0 };

    to->id = credential->id;
    to->trust_anchor = key->trust_anchor;
    if (credential->issued_path.count > 0) {
        to->certificate_path = credential->issued_path;
        put_mac_certificate_path(&data, credential->public_key, credential->id,
                                 &to->certificate_path);
        return make_mac(o, MAC_SET_CERTIFICATE_PATH, &data, &to->mac);
    }
    to->certificate_path.item = arena_alloc(o->x->arena, count, sizeof *to->certificate_path.item);
    if (to->certificate_path.item == NULL)
        return no_memory(o);
    to->certificate_path.count = count;
    to->certificate_path.item[0] = credential->certificate;
    if (count == 2)
        to->certificate_path.item[1] = o->x->issuer->ca.certificate;
    put_mac_certificate_path(&data, credential->public_key, credential->id, &to->certificate_path);
    return make_mac(o, MAC_SET_CERTIFICATE_PATH, &data, &to->mac);
}

static enum sks_status order_import(struct order *o, const char *method, struct bytes clear,
                                    struct imported_key **to)
{
    struct imported_key *imported = arena_alloc(o->x->arena, 1, sizeof *imported);
    struct buf data = { 0 };
    enum sks_status rc;

    if (imported == NULL)
        return no_memory(o);
    TRY(order_encrypted(o->x, o->sk, clear, &imported->encrypted_key));
    put_mac_import(&data, o->certificate, imported->encrypted_key);
    TRY(make_mac(o, method, &data, &imported->mac));
    *to = imported;
out:
    return rc;
}

static enum sks_status order_imports(struct order *o, const struct key_profile *key,
                                     const struct credential *credential,
                                     struct issued_credential *to)
{
    const struct symmetric_key_profile *symmetric = key->import_symmetric_key;
    uint8_t drawn[SKS_SYMMETRIC_KEY_MAX];
    struct bytes value;
    enum sks_status rc = SKS_OK;

    if (key->import_private_key != NULL)
        return order_import(o, MAC_IMPORT_PRIVATE_KEY, credential->imported_key,
                            &to->import_private_key);
    if (symmetric == NULL)
        return SKS_OK;
    value = symmetric->value.len > 0 ? symmetric->value : bytes_at(drawn, symmetric->drawn_length);
    if (symmetric->value.len == 0)
        TRY(sks_explain(o->x->err, random_bytes(drawn, symmetric->drawn_length)));
    TRY(order_import(o, MAC_IMPORT_SYMMETRIC_KEY, value, &to->import_symmetric_key));
out:
    OPENSSL_cleanse(drawn, sizeof drawn);
    return rc;
}

/* ---- what is attached ---- */

static enum sks_status order_extension(struct order *o, const struct extension *extension,
                                       struct bytes *mac)
{
    struct buf data = { 0 };

    put_mac_extension(&data, o->certificate, extension);
    return make_mac(o, MAC_ADD_EXTENSION, &data, mac);
}

static enum sks_status order_extensions(struct order *o, const struct json_array *from,
                                        enum sks_extension sub_type, struct json_array *to)
{
    const struct extension_profile *extension = from->item;
    struct plain_extension *out = arena_alloc(o->x->arena, from->count, sizeof *out);
    enum sks_status rc = SKS_OK;

    if (out == NULL)
        return no_memory(o);
    for (size_t i = 0; i < from->count; i++) {
        out[i].type = extension[i].type;
        out[i].extension_data = extension[i].data;
        if (sub_type == EXTENSION_ENCRYPTED)
            TRY(order_encrypted(o->x, o->sk, extension[i].data, &out[i].extension_data));
        TRY(order_extension(o,
                            &(struct extension){ .type = out[i].type,
                                                 .sub_type = (uint8_t)sub_type,
                                                 .data = out[i].extension_data },
                            &out[i].mac));
    }
    *to = (struct json_array){ out, from->count };
out:
    return rc;
}

static enum sks_status order_bags(struct order *o, const struct json_array *from,
                                  struct json_array *to)
{
    const struct property_bag_profile *bag = from->item;
    struct property_bag *out = arena_alloc(o->x->arena, from->count, sizeof *out);
    struct buf data = { 0 };
    enum sks_status rc = SKS_OK;

    if (out == NULL)
        return no_memory(o);
    for (size_t i = 0; i < from->count; i++) {
        out[i].type = bag[i].type;
        out[i].properties = bag[i].properties;
        buf_reset(&data);
        put_property_bag(&data, &out[i]);
        TRY(sks_explain(o->x->err, data.status));
        TRY(order_extension(o,
                            &(struct extension){ .type = out[i].type,
                                                 .sub_type = EXTENSION_PROPERTY_BAG,
                                                 .data = buf_bytes(&data) },
                            &out[i].mac));
    }
    *to = (struct json_array){ out, from->count };
out:
    buf_free(&data);
    return rc;
}

static enum sks_status order_logotypes(struct order *o, const struct json_array *from,
                                       struct json_array *to)
{
    const struct extension_profile *logotype = from->item;
    struct logotype *out = arena_alloc(o->x->arena, from->count, sizeof *out);
    enum sks_status rc = SKS_OK;

    if (out == NULL)
        return no_memory(o);
    for (size_t i = 0; i < from->count; i++) {
        out[i].type = logotype[i].type;
        out[i].mime_type = logotype[i].mime_type;
        out[i].extension_data = logotype[i].data;
        TRY(order_extension(o,
                            &(struct extension){ .type = out[i].type,
                                                 .sub_type = EXTENSION_LOGOTYPE,
                                                 .qualifier = out[i].mime_type,
                                                 .data = out[i].extension_data },
                            &out[i].mac));
    }
    *to = (struct json_array){ out, from->count };
out:
    return rc;
}

/* ---- the whole ---- */

static enum sks_status order_credential(struct order *o, const struct credential *credential,
                                        struct issued_credential *to)
{
    const struct key_profile *key = profile_key(o->x->profile, credential->id);
    enum sks_status rc;

    o->id = credential->id;
    o->certificate = credential->certificate;
    TRY(order_path(o, key, credential, to));
    TRY(order_imports(o, key, credential, to));
    TRY(order_extensions(o, &key->extensions, EXTENSION_PLAIN, &to->extensions));
    TRY(order_extensions(o, &key->encrypted_extensions, EXTENSION_ENCRYPTED,
                         &to->encrypted_extensions));
    TRY(order_bags(o, &key->property_bags, &to->property_bags));
    TRY(order_logotypes(o, &key->logotypes, &to->logotypes));
    TRY(order_one_target(o->x, o->sk, POST_CLONE, credential, key->clone_key_protection,
                         &to->clone_key_protection));
    TRY(order_one_target(o->x, o->sk, POST_UPDATE, credential, key->update_key, &to->update_key));
out:
    return rc;
}

static enum sks_status order_close(struct order *o, struct session_close_data *close)
{
    struct buf data = { 0 };

    close->nonce = o->x->session->state.nonce;
    put_mac_close(&data, &o->x->session->state.terms, close->nonce);
    return make_mac(o, MAC_CLOSE_SESSION, &data, &close->mac);
}

static enum sks_status make_room(struct order *o)
{
    const struct profile *profile = o->x->profile;
    struct session_state *state = &o->x->session->state;
    size_t lists = profile->unlock_keys.count + profile->delete_keys.count;

    state->operations = 0;
    state->operation =
        arena_alloc(o->x->arena, state->credentials + (lists + 1) * state->found_credentials,
                    sizeof *state->operation);
    return state->operation == NULL ? no_memory(o) : SKS_OK;
}

enum sks_status order_finalization(struct exchange *x, struct session_key *sk,
                                   struct provisioning_finalization_request *request)
{
    const struct session_state *state = &x->session->state;
    struct order order = { .x = x, .sk = sk };
    struct issued_credential *issued = arena_alloc(x->arena, state->credentials, sizeof *issued);
    enum sks_status rc;

    request->session_close_data = arena_alloc(x->arena, 1, sizeof *request->session_close_data);
    if (issued == NULL || request->session_close_data == NULL)
        return no_memory(&order);
    TRY(make_room(&order));
    request->issued_credentials = (struct json_array){ issued, state->credentials };
    for (size_t i = 0; i < state->credentials; i++)
        TRY(order_credential(&order, &state->credential[i], &issued[i]));
    order.id = (struct bytes){ 0 };
    TRY(order_targets(x, sk, POST_UNLOCK, &x->profile->unlock_keys, &request->unlock_keys));
    TRY(in_doubt_order(x, sk, &request->unlock_keys));
    TRY(order_targets(x, sk, POST_DELETE, &x->profile->delete_keys, &request->delete_keys));
    TRY(order_close(&order, request->session_close_data));
out:
    return rc;
}
