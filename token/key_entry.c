/* createKeyEntry, getKeyHandle, setCertificatePath. */
#include "keygen2/base/log.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"
#include "token/call.h"
#include "token/pin_group.h"

#include <openssl/rand.h>

enum { KEY_PARAMETERS_MAX = 8 };

static enum sks_status check_ranges(struct call *call, const struct key_entry *key)
{
    const struct {
        uint8_t value, max;
        const char *name;
    } range[] = {
        { key->export_protection, PROTECTION_NOT_ALLOWED, "exportProtection" },
        { key->delete_protection, PROTECTION_NOT_ALLOWED, "deleteProtection" },
        { key->app_usage, APP_USAGE_UNIVERSAL, "appUsage" },
        { key->biometric_protection, BIOMETRIC_EXCLUSIVE, "biometricProtection" },
    };

    for (size_t i = 0; i < NITEMS(range); i++)
        if (range[i].value > range[i].max)
            return call_fail(call, SKS_ERROR_OPTION, "%s is out of range", range[i].name);
    return SKS_OK;
}

static enum sks_status check_plain(struct call *call, const struct key_entry *key,
                                   const struct algorithm *algorithm)
{
    enum sks_status rc;

    CALL_REQUIRE(call, bytes_equal(key->key_entry_algorithm, bytes_of(SKS_KEY_ENTRY_ALGORITHM)),
                 SKS_ERROR_ALGORITHM, "keyEntryAlgorithm is unknown");
    CALL_REQUIRE(call, algorithm != NULL, SKS_ERROR_OPTION,
                 "keyAlgorithm is no key generation algorithm here");
    CALL_REQUIRE(call, algorithm->with_exponent == (key->key_parameters.len > 0), SKS_ERROR_OPTION,
                 "keyParameters must be there for the .exp algorithms only");
    CALL_REQUIRE(call, key->server_seed.len <= SKS_SERVER_SEED_MAX, SKS_ERROR_OPTION,
                 "serverSeed is over %d bytes", SKS_SERVER_SEED_MAX);
    CALL_REQUIRE(call, bytes_code_points(key->friendly_name) <= SKS_FRIENDLY_NAME_MAX,
                 SKS_ERROR_OPTION, "friendlyName is over %d characters", SKS_FRIENDLY_NAME_MAX);
    TRY(check_ranges(call, key));
out:
    return rc;
}

static bool wants(const struct key_entry *key, uint8_t protection)
{
    return key->export_protection == protection || key->delete_protection == protection;
}

/* What the token must have for it, and whether alternative and combined have a PIN beside them. */
static enum sks_status check_biometrics(struct call *call, uint8_t protection, bool has_pin)
{
    enum sks_status rc = SKS_OK;

    if (protection == BIOMETRIC_NONE)
        return SKS_OK;
    CALL_REQUIRE(call, call_simulates(call, SIMULATE_BIOMETRICS), SKS_ERROR_OPTION,
                 "biometricProtection: this token has no biometric reader");
    CALL_REQUIRE(call, (protection == BIOMETRIC_EXCLUSIVE) != has_pin, SKS_ERROR_OPTION,
                 "biometricProtection %s", has_pin ? "exclusive beside a PIN" : "wants a PIN too");
out:
    return rc;
}

/* The PIN policy, the device PIN, or neither. policy->handle 0: no policy. */
static enum sks_status find_pin(struct call *call, const struct create_key_entry_in *in,
                                struct pin_policy_object *policy)
{
    const struct reference wanted = { in->pin_policy_handle, 0 };
    bool found = false;
    enum sks_status rc = SKS_OK;

    *policy = (struct pin_policy_object){ 0 };
    if (in->key.device_pin_protection) {
        CALL_REQUIRE(call, call_simulates(call, SIMULATE_DEVICE_PIN), SKS_ERROR_OPTION,
                     "devicePinProtection: this token has no device PIN");
        CALL_REQUIRE(call, wanted.handle == 0, SKS_ERROR_OPTION,
                     "devicePinProtection beside a PIN policy");
    }
    if (wanted.handle == 0)
        return SKS_OK;
    TRY(pin_policy_load(call->token->store, wanted, &call->arena, policy, &found, &call->err));
    CALL_REQUIRE(call, found && policy->owner == call->session.handle, SKS_ERROR_OPTION,
                 "pinPolicyHandle is no PIN policy of the session");
out:
    return rc;
}

/* What protects the key, and whether its attributes agree with that. */
static enum sks_status check_protection(struct call *call, const struct create_key_entry_in *in,
                                        struct pin_policy_object *policy)
{
    const struct key_entry *key = &in->key;
    bool has_pin = key->device_pin_protection || in->pin_policy_handle != 0;
    enum sks_status rc;

    TRY(find_pin(call, in, policy));
    CALL_REQUIRE(call, has_pin || !wants(key, PROTECTION_PIN), SKS_ERROR_OPTION,
                 "protection by a PIN that the key has not");
    CALL_REQUIRE(
        call, !key->enable_pin_caching || policy->policy.input_method == INPUT_METHOD_TRUSTED_GUI,
        SKS_ERROR_OPTION, "enablePinCaching wants a PIN policy with inputMethod trusted-gui");
    CALL_REQUIRE(call, policy->handle != 0 || key->pin_value.len == 0, SKS_ERROR_OPTION,
                 "pinValue without a PIN policy");
    TRY(check_biometrics(call, key->biometric_protection, has_pin));
    CALL_REQUIRE(call, policy->puk.handle != 0 || !wants(key, PROTECTION_PUK), SKS_ERROR_OPTION,
                 "protection by a PUK that the key has not");
out:
    return rc;
}

/* Known, in strict ascending order, `none` alone. */
static enum sks_status check_endorsed(struct call *call, const struct bytes_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct bytes *uri = &list->item[i];
        const struct algorithm *row = firmware_algorithm(call->policy, *uri, ALGORITHM_ENDORSABLE);

        if (i > 0 && bytes_compare(list->item[i - 1], *uri) >= 0)
            return call_fail(call, SKS_ERROR_OPTION,
                             "endorsedAlgorithm: twice, or not in ascending order");
        if (row == NULL)
            return call_fail(call, SKS_ERROR_OPTION, "endorsedAlgorithm: unknown");
        if ((row->use & ALGORITHM_NONE) != 0 && list->count > 1)
            return call_fail(call, SKS_ERROR_OPTION, "endorsedAlgorithm: none must be alone");
    }
    return SKS_OK;
}

static enum sks_status generate(struct call *call, const struct key_entry *entry,
                                const struct algorithm *algorithm, struct key *key)
{
    EVP_PKEY *pkey = NULL;
    struct buf spki = { 0 }, secret = { 0 };
    enum sks_status rc;

    CALL_REQUIRE(call, entry->key_parameters.len == 0 || entry->key_parameters.ptr[0] < 0x80,
                 SKS_ERROR_CRYPTO, "keyParameters: the exponent is negative");
    if (entry->server_seed.len > 0) /* mixed in, and counted as no entropy of its own */
        RAND_add(entry->server_seed.ptr, (int)entry->server_seed.len, 0);
    else if (entry->key_parameters.len == 0) /* what was made ahead has no part in a seed */
        pkey = key_pool_take(call->token->rsa_pool, algorithm);
    log_debug("createKeyEntry: %s", pkey != NULL ? "key from the pool" : "key generated");
    if (pkey == NULL) {
        rc = key_maker_make(call->token->key_maker, algorithm, entry->key_parameters, &pkey);
        CALL_REQUIRE(call, rc == SKS_OK, rc, "the key pair cannot be generated");
    }
    TRY(put_key_pair(&spki, &secret, pkey));
    TRY(call_keep(call, buf_bytes(&spki), &key->public_key));
    TRY(call_keep(call, buf_bytes(&secret), &key->private_key));
out:
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    buf_free(&secret);
    return rc;
}

/* Preset PINs come encrypted, and are decrypted before the MAC is looked at. */
static enum sks_status verify_key_entry(struct call *call, const struct create_key_entry_in *in,
                                        const struct pin_policy_object *policy, struct bytes *pin)
{
    bool preset = policy->handle != 0 && !policy->policy.user_defined;
    struct buf data = { 0 };
    enum sks_status rc;

    *pin = in->key.pin_value;
    if (preset)
        TRY(call_decrypt(call, "pinValue", in->key.pin_value, pin));
    TRY(check_endorsed(call, &in->key.endorsed_algorithms));
    put_mac_key_entry(&data, &in->key, policy->policy.id, preset);
    TRY(call_verify_mac(call, MAC_CREATE_KEY_ENTRY, &data, in->mac));
out:
    return rc;
}

static void put_new_key(struct call *call, const struct key_entry *entry, struct key *key,
                        struct pin_policy_object *policy)
{
    struct store *store = call->token->store;

    key->handle = store_new_handle(store, STORE_KEY);
    key->owner = call->session.handle;
    key->id = entry->id;
    key->friendly_name = entry->friendly_name;
    key->endorsed_algorithms = entry->endorsed_algorithms;
    key->pin_policy = (struct reference){ policy->handle, policy->birth };
    key->enable_pin_caching = entry->enable_pin_caching;
    key->device_pin_protection = entry->device_pin_protection;
    key->app_usage = entry->app_usage;
    key->biometric_protection = entry->biometric_protection;
    key->export_protection = entry->export_protection;
    key->delete_protection = entry->delete_protection;
    key_put(&call->changes, store, key);
}

enum sks_status create_key_entry(struct call *call)
{
    const struct create_key_entry_in *in = &call->in.create_key_entry;
    const struct key_entry *entry = &in->key;
    const struct algorithm *algorithm =
        firmware_algorithm(call->policy, entry->key_algorithm, ALGORITHM_KEY_GENERATION);
    struct create_key_entry_out *out = &call->out.create_key_entry;
    struct pin_policy_object policy;
    struct key *key = &call->key;
    struct bytes pin;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_plain(call, entry, algorithm));
    TRY(check_protection(call, in, &policy));
    TRY(verify_key_entry(call, in, &policy, &pin));
    if (policy.handle != 0)
        TRY(pin_group_join(call, &policy, entry->app_usage, pin, &key->pin));
    CALL_REQUIRE(call, entry->key_parameters.len <= KEY_PARAMETERS_MAX, SKS_ERROR_OPTION,
                 "keyParameters is over %d bytes", KEY_PARAMETERS_MAX);
    TRY(call_check_new_id(call, entry->id));
    TRY(generate(call, entry, algorithm, key));
    put_attested_key(&data, key->public_key, in->mac);
    TRY(call_attest(call, &data, &out->attestation));
    put_new_key(call, entry, key, &policy);
    call_keep_session(call);
    out->key_handle = key->handle;
    out->public_key = key->public_key;
out:
    return rc;
}

enum sks_status get_key_handle(struct call *call)
{
    const struct get_key_handle_in *in = &call->in.get_key_handle;
    struct store_row row;
    enum sks_status rc;

    TRY(store_by_name(call->token->store, call->session.handle, in->id, NULL, &row, &call->err));
    CALL_REQUIRE(call, row.handle != 0 && row.kind == STORE_KEY && id_is_valid(in->id),
                 SKS_ERROR_OPTION, "id is no key of the session");
    call->out.handle.handle = row.handle;
out:
    return rc;
}

/* ---- setCertificatePath ---- */

static enum sks_status check_certificates(struct call *call, const struct bytes_list *path)
{
    X509 *x509 = NULL;
    enum sks_status rc;

    CALL_REQUIRE(call, path->count > 0, SKS_ERROR_OPTION, "certificate: the path is empty");
    for (size_t i = 0; i < path->count; i++) {
        CALL_REQUIRE(call, path->item[i].len <= SKS_CRYPTO_DATA_MAX, SKS_ERROR_OPTION,
                     "certificate number %zu is over %d bytes", i, SKS_CRYPTO_DATA_MAX);
        rc = certificate_parse(path->item[i], &x509);
        X509_free(x509);
        CALL_REQUIRE(call, rc == SKS_OK, rc, "certificate number %zu does not decode", i);
    }
    rc = SKS_OK;
out:
    return rc;
}

/* The key of the first certificate, if it is one that this token can have. */
static enum sks_status check_certified_key(struct call *call, struct bytes certificate)
{
    struct public_key key;
    enum sks_status rc = public_key_parse(certificate_key(certificate), &key);

    CALL_REQUIRE(call,
                 rc != SKS_ERROR_CRYPTO && (rc != SKS_OK || key.kind == KEY_KIND_ED25519 ||
                                            public_key_is_fit(&key, true)),
                 SKS_ERROR_OPTION, "certificate: its key is of a kind that is not supported");
out:
    return rc;
}

enum sks_status set_certificate_path(struct call *call)
{
    const struct set_certificate_path_in *in = &call->in.set_certificate_path;
    struct key *key = &call->key;
    struct bytes spki = key->public_key;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_certificates(call, &in->certificate_path));
    if (key->certificate_path.count > 0) /* a second call's MAC is over the certified key */
        spki = certificate_key(key->certificate_path.item[0]);
    put_mac_certificate_path(&data, spki, key->id, &in->certificate_path);
    TRY(call_verify_mac(call, MAC_SET_CERTIFICATE_PATH, &data, in->mac));
    TRY(check_certified_key(call, in->certificate_path.item[0]));
    CALL_REQUIRE(call, key->certificate_path.count == 0, SKS_ERROR_OPTION,
                 "the key has a certificate path already");
    if (in->certificate_path.count > 1) /* one alone has no order */
        TRY(certificate_path_check(&in->certificate_path, false, &call->err));
    key->certificate_path = in->certificate_path;
    key_keep(&call->changes, call->token->store, key);
    call_keep_session(call);
out:
    return rc;
}
