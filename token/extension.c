/* addExtension, getExtension, setProperty. */
#include "token/call.h"

enum { ENCRYPTION_OVERHEAD = 32 };

/* name byte[] || writable bool || value byte[], at least once. SKS V1.07, addExtension. */
static enum sks_status get_property(struct bytes *in, struct bytes *name, struct bytes *writable,
                                    struct bytes *value)
{
    enum sks_status rc;

    TRY(get_string(in, name));
    TRY(get_raw(in, 1, writable));
    TRY(get_string(in, value));
    if (name->len == 0 || name->len > SKS_PROPERTY_NAME_MAX || writable->ptr[0] > 1)
        rc = SKS_ERROR_OPTION;
out:
    return rc;
}

static bool is_property_bag(struct bytes data)
{
    struct bytes name, writable, value;
    bool good = data.len > 0;

    while (good && data.len > 0)
        good = get_property(&data, &name, &writable, &value) == SKS_OK;
    return good;
}

static enum sks_status check_extension(struct call *call, const struct extension *e)
{
    size_t max =
        SKS_EXTENSION_DATA_MAX + (e->sub_type == EXTENSION_ENCRYPTED ? ENCRYPTION_OVERHEAD : 0);
    struct key_extension twin;
    bool found = false;
    enum sks_status rc;

    CALL_REQUIRE(call, e->sub_type <= EXTENSION_LOGOTYPE, SKS_ERROR_OPTION,
                 "subType is out of range");
    CALL_REQUIRE(call, e->type.len >= 1 && e->type.len <= SKS_URI_MAX, SKS_ERROR_OPTION,
                 "type is not 1-%d bytes", SKS_URI_MAX);
    TRY(extension_load(call->token->store, &call->key, e->type, &call->arena, &twin, &found,
                       &call->err));
    CALL_REQUIRE(call, !found, SKS_ERROR_OPTION, "the key has an extension of this type already");
    CALL_REQUIRE(call, call->key.extension_types.count < UINT8_MAX, SKS_ERROR_OPTION,
                 "the key has too many extensions");
    CALL_REQUIRE(call, e->data.len <= max, SKS_ERROR_OPTION, "extensionData is over %d bytes",
                 SKS_EXTENSION_DATA_MAX);
    CALL_REQUIRE(call,
                 (e->sub_type == EXTENSION_LOGOTYPE) == (e->qualifier.len > 0) &&
                     e->qualifier.len <= SKS_QUALIFIER_MAX,
                 SKS_ERROR_OPTION, "qualifier is the MIME type of a logotype, up to %d bytes",
                 SKS_QUALIFIER_MAX);
    CALL_REQUIRE(call, e->sub_type != EXTENSION_PROPERTY_BAG || is_property_bag(e->data),
                 SKS_ERROR_OPTION, "extensionData is no property bag");
out:
    return rc;
}

static enum sks_status add_type(struct call *call, struct bytes type)
{
    struct bytes_list *types = &call->key.extension_types;
    struct bytes *longer = arena_alloc(&call->arena, types->count + 1, sizeof *longer);

    if (longer == NULL)
        return SKS_ERROR_STORAGE;
    for (size_t i = 0; i < types->count; i++)
        longer[i] = types->item[i];
    longer[types->count] = type;
    *types = (struct bytes_list){ longer, types->count + 1 };
    return SKS_OK;
}

enum sks_status add_extension(struct call *call)
{
    const struct add_extension_in *in = &call->in.add_extension;
    struct store *store = call->token->store;
    struct key_extension e = { .owner = call->session.handle,
                               .key = call->key.handle,
                               .extension = in->extension };
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_extension(call, &in->extension));
    TRY(call_need_certificate(call));
    put_mac_extension(&data, call->key.certificate_path.item[0], &in->extension);
    TRY(call_verify_mac(call, MAC_ADD_EXTENSION, &data, in->mac));
    if (in->extension.sub_type == EXTENSION_ENCRYPTED)
        TRY(call_decrypt(call, "extensionData", in->extension.data, &e.extension.data));
    TRY(add_type(call, in->extension.type));
    e.handle = store_new_handle(store, STORE_EXTENSION);
    extension_put(&call->changes, store, &e);
    key_keep(&call->changes, store, &call->key);
    call_keep_session(call);
out:
    return rc;
}

enum sks_status get_extension(struct call *call)
{
    struct extension_out *out = &call->out.extension;
    struct key_extension e;
    uint32_t owner;
    bool found = false;
    enum sks_status rc;

    do {
        owner = call->key.owner;
        TRY(extension_load(call->token->store, &call->key, call->in.get_extension.type,
                           &call->arena, &e, &found, &call->err));
        if (!found) /* a session that closes just now may have moved or replaced the key */
            TRY(call_look_again(call));
    } while (!found && call->key.owner != owner);
    CALL_REQUIRE(call, found, SKS_ERROR_OPTION, "the key has no extension of this type");
    out->sub_type = e.extension.sub_type;
    out->qualifier = e.extension.qualifier;
    out->extension_data = e.extension.data;
out:
    return rc;
}

/* Copies the bag with one value replaced: the first of that name, should it be there twice. */
static enum sks_status replace_value(struct call *call, struct bytes bag,
                                     const struct set_property_in *in, struct buf *out)
{
    struct bytes name, writable, value;
    bool found = false;
    enum sks_status rc = SKS_OK;

    while (bag.len > 0) {
        TRY(get_property(&bag, &name, &writable, &value));
        if (!found && bytes_equal(name, in->name)) {
            CALL_REQUIRE(call, writable.ptr[0] == 1, SKS_ERROR_NOT_ALLOWED,
                         "the property is not writable");
            value = in->value;
            found = true;
        }
        put_array(out, name);
        put_raw(out, writable);
        put_array(out, value);
    }
    CALL_REQUIRE(call, found, SKS_ERROR_OPTION, "name: the bag has no such property");
    CALL_REQUIRE(call, out->len <= SKS_EXTENSION_DATA_MAX, SKS_ERROR_STORAGE,
                 "value: the bag would be over %d bytes", SKS_EXTENSION_DATA_MAX);
    rc = out->status;
out:
    return rc;
}

enum sks_status set_property(struct call *call)
{
    const struct set_property_in *in = &call->in.set_property;
    struct buf bag = { 0 };
    struct key_extension e;
    bool found = false;
    enum sks_status rc;

    TRY(call_reread_key(call));
    TRY(extension_load(call->token->store, &call->key, in->type, &call->arena, &e, &found,
                       &call->err));
    CALL_REQUIRE(call, found && e.extension.sub_type == EXTENSION_PROPERTY_BAG, SKS_ERROR_OPTION,
                 "type: the key has no such property bag");
    TRY(replace_value(call, e.extension.data, in, &bag));
    e.extension.data = buf_bytes(&bag);
    extension_put(&call->changes, call->token->store, &e);
out:
    buf_free(&bag);
    return rc;
}
