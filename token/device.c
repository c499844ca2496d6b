#include "token/call.h"

enum { API_LEVEL = 106, DEVICE_TYPE_EMBEDDED_SOFTWARE = 1, DEVICE_HANDLE = 1, LAYOUT = 1 };

static const char VENDOR_NAME[] = "SKS rig";
static const char VENDOR_DESCRIPTION[] = "SKS rig - software token";

enum sks_status device_make_key(const struct algorithm *algorithm, struct device *device)
{
    return private_key_generate(algorithm, (struct bytes){ 0 }, &device->key);
}

enum sks_status device_save(struct store *store, const struct device *device, struct sks_error *err)
{
    struct buf body = { 0 }, key = { 0 };
    struct changes changes = { 0 };
    enum sks_status rc;

    TRY(put_private_key(&key, device->key));
    put_byte(&body, LAYOUT);
    put_array(&body, buf_bytes(&key));
    put_list(&body, &device->certificate_path);
    TRY(body.status);
    changes_put(&changes, store,
                &(struct store_row){
                    .kind = STORE_DEVICE, .handle = DEVICE_HANDLE, .body = buf_bytes(&body) });
    TRY(store_apply(store, &changes, err));
out:
    changes_free(&changes);
    buf_free(&body);
    buf_free(&key);
    return sks_explain(err, rc);
}

enum sks_status device_load(struct store *store, struct device *device, struct sks_error *err)
{
    struct arena secrets = { 0 }; /* not in the device's, which lives on without the key */
    struct store_row row;
    struct bytes in, key, path;
    uint8_t layout;
    enum sks_status rc;

    TRY(store_get(store, STORE_DEVICE, DEVICE_HANDLE, &secrets, &row, err));
    REQUIRE(row.handle != 0, err, SKS_ERROR_NOT_AVAILABLE,
            "the store has no device key: run sks-token init first");
    in = row.body;
    TRY(get_byte(&in, &layout));
    TRY(layout == LAYOUT ? SKS_OK : SKS_ERROR_INTERNAL);
    TRY(get_array(&in, &key));
    path = arena_copy(&device->arena, in);
    REQUIRE(path.ptr != NULL, err, SKS_ERROR_STORAGE, "out of memory");
    TRY(get_list(&path, &device->arena, &device->certificate_path));
    TRY(get_end(&path));
    TRY(get_private_key(&key, &device->key));
    device->signer = signer_new_sha256(device->key);
    REQUIRE(device->signer != NULL, err, SKS_ERROR_STORAGE, "out of memory");
out:
    arena_free(&secrets);
    return sks_explain(err, rc);
}

void device_forget_key(struct device *device)
{
    signer_free(device->signer);
    EVP_PKEY_free(device->key);
    device->signer = NULL;
    device->key = NULL;
}

enum sks_status device_recall_key(struct store *store, struct device *device, struct sks_error *err)
{
    struct device again = { 0 };
    enum sks_status rc;

    TRY(device_load(store, &again, err));
    device->key = again.key;
    device->signer = again.signer;
    again.key = NULL;
    again.signer = NULL;
out:
    device_free(&again);
    return rc;
}

void device_free(struct device *device)
{
    device_forget_key(device);
    arena_free(&device->arena);
    *device = (struct device){ 0 };
}

enum sks_status device_sign(const struct device *device, struct bytes data, struct buf *signature)
{
    return signer_sign_sha256(device->signer, data, signature);
}

struct bytes device_id(const struct device *device, bool privacy_enabled)
{
    return privacy_enabled ? bytes_of(SKS_DEVICE_ANONYMOUS) : device->certificate_path.item[0];
}

/* The wire has no field for the version of the policy. */
static const char *vendor_description(struct call *call)
{
    return call->policy->version == 0 ? VENDOR_DESCRIPTION
                                      : arena_printf(&call->arena, "%s, policy %u",
                                                     VENDOR_DESCRIPTION, call->policy->version);
}

/* SKS V1.07, getDeviceInfo: lists just what works here. */
enum sks_status get_device_info(struct call *call)
{
    struct device_info_out *out = &call->out.device_info;
    const char *description = vendor_description(call);
    struct bytes *uris = arena_alloc(&call->arena, ALGORITHMS_COUNT, sizeof *uris);

    if (uris == NULL || description == NULL)
        return SKS_ERROR_STORAGE;
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++)
        if (firmware_enables(call->policy, &ALGORITHMS[i]))
            uris[out->supported_algorithms.count++] = bytes_of(ALGORITHMS[i].uri);
    out->supported_algorithms.item = uris;
    out->api_level = API_LEVEL;
    out->device_type = DEVICE_TYPE_EMBEDDED_SOFTWARE;
    out->update_url = firmware_update_url(call->token->firmware);
    out->vendor_name = bytes_of(VENDOR_NAME);
    out->vendor_description = bytes_of(description);
    out->certificate_path = call->token->device.certificate_path;
    out->crypto_data_size = SKS_CRYPTO_DATA_MAX;
    out->extension_data_size = SKS_EXTENSION_DATA_MAX;
    out->device_pin_support = call_simulates(call, SIMULATE_DEVICE_PIN);
    out->biometric_support = call_simulates(call, SIMULATE_BIOMETRICS);
    return SKS_OK;
}
