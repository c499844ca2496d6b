/* KeyGen2, KeyCreationRequest and ProvisioningFinalizationRequest: "executed in exactly the order
 * they are declared". */
#include "keygen2/message/order_walk.h"

static enum sks_status show(const struct order_walk *walk, const struct order *order,
                            struct buf *data)
{
    enum sks_status rc = walk->take(walk->context, order, data);

    buf_free(data);
    return rc;
}

/* ---- KeyCreationRequest ---- */

/* @param number  of the next key */
static enum sks_status walk_keys(const struct order_walk *walk, const struct json_array *keys,
                                 const struct pin_policy_specifier *pin, size_t *number)
{
    const struct bytes pin_id = pin == NULL ? (struct bytes){ 0 } : pin->policy.id;
    const struct key_entry_specifier *key = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        struct order order = {
            .kind = ORDER_KEY,
            .method = MAC_CREATE_KEY_ENTRY,
            .id = key[i].key.id,
            .mac = key[i].mac,
            .number = (*number)++,
            .pin = pin,
            .key = &key[i],
        };
        struct buf data = { 0 };

        if (key[i].has_encrypted_pin)
            order.encrypted = key[i].key.pin_value;
        put_mac_key_entry(&data, &key[i].key, pin_id, key[i].has_encrypted_pin);
        TRY(show(walk, &order, &data));
    }
out:
    return rc;
}

static enum sks_status walk_pins(const struct order_walk *walk, const struct json_array *pins,
                                 struct bytes puk_id, size_t *number)
{
    const struct pin_policy_specifier *pin = pins->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < pins->count; i++) {
        const struct order order = {
            .kind = ORDER_PIN_POLICY,
            .method = MAC_CREATE_PIN_POLICY,
            .id = pin[i].policy.id,
            .mac = pin[i].mac,
            .pin = &pin[i],
        };
        struct buf data = { 0 };

        put_mac_pin_policy(&data, &pin[i].policy, puk_id);
        TRY(show(walk, &order, &data));
        TRY(walk_keys(walk, &pin[i].key_entry_specifiers, &pin[i], number));
    }
out:
    return rc;
}

static enum sks_status walk_puks(const struct order_walk *walk, const struct json_array *puks,
                                 size_t *number)
{
    const struct puk_policy_specifier *puk = puks->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < puks->count; i++) {
        const struct order order = {
            .kind = ORDER_PUK_POLICY,
            .method = MAC_CREATE_PUK_POLICY,
            .id = puk[i].policy.id,
            .mac = puk[i].mac,
            .encrypted = puk[i].policy.encrypted_puk,
            .puk = &puk[i],
        };
        struct buf data = { 0 };

        put_mac_puk_policy(&data, &puk[i].policy);
        TRY(show(walk, &order, &data));
        TRY(walk_pins(walk, &puk[i].pin_policy_specifiers, puk[i].policy.id, number));
    }
out:
    return rc;
}

enum sks_status walk_key_creation(const struct order_walk *walk,
                                  const struct key_creation_request *request)
{
    size_t number = 0;
    enum sks_status rc;

    TRY(walk_puks(walk, &request->puk_policy_specifiers, &number));
    TRY(walk_pins(walk, &request->pin_policy_specifiers, (struct bytes){ 0 }, &number));
    rc = walk_keys(walk, &request->key_entry_specifiers, NULL, &number);
out:
    return rc;
}

/* ---- ProvisioningFinalizationRequest: a credential ---- */

/* An order of a kind, of the credential that another one is of. */
static struct order like(const struct order *of, enum order_kind kind, const char *method,
                         struct bytes mac)
{
    struct order order = *of;

    order.kind = kind;
    order.method = method;
    order.mac = mac;
    return order;
}

static enum sks_status walk_import(const struct order_walk *walk, const struct order *of,
                                   const char *method, const struct imported_key *imported)
{
    struct buf data = { 0 };
    struct order order;

    if (imported == NULL)
        return SKS_OK;
    order = like(of, ORDER_IMPORT, method, imported->mac);
    order.encrypted = imported->encrypted_key;
    put_mac_import(&data, of->certificate, imported->encrypted_key);
    return show(walk, &order, &data);
}

static enum sks_status walk_extension(const struct order_walk *walk, const struct order *of,
                                      const struct extension *extension, struct bytes mac)
{
    struct order order = like(of, ORDER_EXTENSION, MAC_ADD_EXTENSION, mac);
    struct buf data = { 0 };

    if (extension->sub_type == EXTENSION_ENCRYPTED)
        order.encrypted = extension->data;
    put_mac_extension(&data, of->certificate, extension);
    return show(walk, &order, &data);
}

static enum sks_status walk_plain(const struct order_walk *walk, const struct order *of,
                                  const struct json_array *list, uint8_t sub_type)
{
    const struct plain_extension *each = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++)
        TRY(walk_extension(walk, of,
                           &(struct extension){ .type = each[i].type,
                                                .sub_type = sub_type,
                                                .data = each[i].extension_data },
                           each[i].mac));
out:
    return rc;
}

static enum sks_status walk_bags(const struct order_walk *walk, const struct order *of)
{
    const struct property_bag *bag = of->credential->property_bags.item;
    struct buf properties = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < of->credential->property_bags.count; i++) {
        buf_reset(&properties);
        put_property_bag(&properties, &bag[i]);
        TRY(properties.status);
        TRY(walk_extension(walk, of,
                           &(struct extension){ .type = bag[i].type,
                                                .sub_type = EXTENSION_PROPERTY_BAG,
                                                .data = buf_bytes(&properties) },
                           bag[i].mac));
    }
out:
    buf_free(&properties);
    return rc;
}

static enum sks_status walk_logotypes(const struct order_walk *walk, const struct order *of)
{
    const struct logotype *each = of->credential->logotypes.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < of->credential->logotypes.count; i++)
        TRY(walk_extension(walk, of,
                           &(struct extension){ .type = each[i].type,
                                                .sub_type = EXTENSION_LOGOTYPE,
                                                .qualifier = each[i].mime_type,
                                                .data = each[i].extension_data },
                           each[i].mac));
out:
    return rc;
}

/* @param of  without a credential: its data then is the authorization alone */
static enum sks_status walk_target(const struct order_walk *walk, const struct order *of,
                                   const char *method, const struct target_key *target)
{
    struct buf data = { 0 };
    struct order order;

    if (target == NULL)
        return SKS_OK;
    order = like(of, ORDER_TARGET, method, target->mac);
    order.target = target;
    if (of->credential != NULL)
        put_mac_post_key(&data, of->certificate, target->authorization);
    else
        put_mac_post_session(&data, target->authorization);
    return show(walk, &order, &data);
}

static enum sks_status walk_credential(const struct order_walk *walk,
                                       const struct issued_credential *credential, size_t number)
{
    const struct order path = {
        .kind = ORDER_CERTIFICATE_PATH,
        .method = MAC_SET_CERTIFICATE_PATH,
        .id = credential->id,
        .mac = credential->mac,
        .number = number,
        .credential = credential,
        .certificate = credential->certificate_path.item[0],
    };
    struct buf data = { 0 };
    enum sks_status rc;

    put_mac_certificate_path(&data, walk->public_key(walk->context, number), credential->id,
                             &credential->certificate_path);
    TRY(show(walk, &path, &data));
    TRY(walk_import(walk, &path, MAC_IMPORT_PRIVATE_KEY, credential->import_private_key));
    TRY(walk_import(walk, &path, MAC_IMPORT_SYMMETRIC_KEY, credential->import_symmetric_key));
    TRY(walk_plain(walk, &path, &credential->extensions, EXTENSION_PLAIN));
    TRY(walk_plain(walk, &path, &credential->encrypted_extensions, EXTENSION_ENCRYPTED));
    TRY(walk_bags(walk, &path));
    TRY(walk_logotypes(walk, &path));
    TRY(walk_target(walk, &path, MAC_POST_CLONE_KEY_PROTECTION, credential->clone_key_protection));
    rc = walk_target(walk, &path, MAC_POST_UPDATE_KEY, credential->update_key);
out:
    return rc;
}

/* ---- the whole of it ---- */

static enum sks_status walk_targets(const struct order_walk *walk, const char *method,
                                    const struct json_array *targets)
{
    const struct target_key *target = targets->item;
    const struct order none = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < targets->count; i++)
        TRY(walk_target(walk, &none, method, &target[i]));
out:
    return rc;
}

enum sks_status walk_finalization(const struct order_walk *walk,
                                  const struct provisioning_finalization_request *request)
{
    const struct issued_credential *credential = request->issued_credentials.item;
    const struct session_close_data *close = request->session_close_data;
    const struct order order = {
        .kind = ORDER_CLOSE, .method = MAC_CLOSE_SESSION, .mac = close->mac, .close = close
    };
    struct buf data = { 0 };
    enum sks_status rc;

    for (size_t i = 0; i < request->issued_credentials.count; i++)
        TRY(walk_credential(walk, &credential[i], i));
    TRY(walk_targets(walk, MAC_POST_UNLOCK_KEY, &request->unlock_keys));
    TRY(walk_targets(walk, MAC_POST_DELETE_KEY, &request->delete_keys));
    put_mac_close(&data, walk->terms, close->nonce);
    rc = show(walk, &order, &data);
out:
    buf_free(&data);
    return rc;
}
