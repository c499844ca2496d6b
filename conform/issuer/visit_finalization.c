/* ProvisioningFinalizationRequest: each order with its MAC, in the order in which a token executes
 * it; and the closing proof. */
#include "conform/issuer/visit.h"

#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

static const char FINALIZATION[] = "ProvisioningFinalizationRequest";

static enum sks_status check_target(struct visit *v, const char *method, struct bytes id,
                                    struct bytes certificate, const struct target_key *target)
{
    const struct credential *have;
    struct buf data = { 0 };
    EVP_PKEY *key = NULL;
    bool good;
    enum sks_status rc = SKS_OK;

    if (target == NULL)
        return SKS_OK;
    have = visit_owned(v, target);
    if (have == NULL)
        return visit_blame(v, FINALIZATION, "a target that the device has told of", "another");
    good = put_target_reference(&data, &v->sk, v->device_id, have->path[0]) == SKS_OK &&
           public_key_load(have->key_management_key, &key) == SKS_OK &&
           verify_sha256(key, buf_bytes(&data), target->authorization) == SKS_OK;
    EVP_PKEY_free(key);
    buf_free(&data);
    if (!good)
        return visit_blame(v, "ProvisioningFinalizationRequest: authorization",
                           "a signature of the target's key management key",
                           "one that does not verify");
    if (certificate.len > 0)
        put_mac_post_key(&data, certificate, target->authorization);
    else
        put_mac_post_session(&data, target->authorization);
    rc = visit_mac(v, FINALIZATION, method, id, &data, target->mac);
    return rc;
}

static enum sks_status check_extension(struct visit *v, const struct issued_credential *credential,
                                       const struct extension *extension, struct bytes mac)
{
    struct buf data = { 0 }, clear = { 0 };
    enum sks_status rc;

    put_mac_extension(&data, credential->certificate_path.item[0], extension);
    TRY(visit_mac(v, FINALIZATION, MAC_ADD_EXTENSION, credential->id, &data, mac));
    if (extension->sub_type == EXTENSION_ENCRYPTED &&
        session_decrypt(&v->sk, extension->data, &clear) != SKS_OK)
        rc = visit_blame(v, "ProvisioningFinalizationRequest: encryptedExtensions",
                         "what decrypts with the session's encryption key", "another");
out:
    buf_free(&clear);
    return rc;
}

static enum sks_status check_plain(struct visit *v, const struct issued_credential *credential,
                                   const struct json_array *list, uint8_t sub_type)
{
    const struct plain_extension *each = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++)
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = each[i].type,
                                                 .sub_type = sub_type,
                                                 .data = each[i].extension_data },
                            each[i].mac));
out:
    return rc;
}

static enum sks_status check_bags(struct visit *v, const struct issued_credential *credential)
{
    const struct property_bag *bag = credential->property_bags.item;
    struct buf data = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < credential->property_bags.count; i++) {
        buf_reset(&data);
        put_property_bag(&data, &bag[i]);
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = bag[i].type,
                                                 .sub_type = EXTENSION_PROPERTY_BAG,
                                                 .data = buf_bytes(&data) },
                            bag[i].mac));
    }
out:
    buf_free(&data);
    return rc;
}

static enum sks_status check_logotypes(struct visit *v, const struct issued_credential *credential)
{
    const struct logotype *each = credential->logotypes.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < credential->logotypes.count; i++)
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = each[i].type,
                                                 .sub_type = EXTENSION_LOGOTYPE,
                                                 .qualifier = each[i].mime_type,
                                                 .data = each[i].extension_data },
                            each[i].mac));
out:
    return rc;
}

static enum sks_status check_import(struct visit *v, const char *method,
                                    const struct issued_credential *credential,
                                    const struct imported_key *imported)
{
    struct buf data = { 0 }, clear = { 0 };
    EVP_PKEY *key = NULL;
    bool good;
    enum sks_status rc;

    if (imported == NULL)
        return SKS_OK;
    put_mac_import(&data, credential->certificate_path.item[0], imported->encrypted_key);
    TRY(visit_mac(v, FINALIZATION, method, credential->id, &data, imported->mac));
    good = session_decrypt(&v->sk, imported->encrypted_key, &clear) == SKS_OK &&
           (credential->import_private_key == NULL ||
            private_key_from_pkcs8(buf_bytes(&clear), &key) == SKS_OK);
    if (!good)
        rc = visit_blame(v, "ProvisioningFinalizationRequest: encryptedKey",
                         "a key that decrypts with the session's encryption key", "another");
out:
    EVP_PKEY_free(key);
    buf_free(&clear);
    return rc;
}

static enum sks_status check_certificate(struct visit *v, const struct visit_key *key,
                                         const struct issued_credential *credential)
{
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: id", key->id, credential->id));
    TRY(put_certificate_key(&spki, credential->certificate_path.item[0]));
    if (credential->import_private_key == NULL)
        TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: key of the certificate",
                         key->public_key, buf_bytes(&spki)));
out:
    buf_free(&spki);
    return rc;
}

static enum sks_status check_credential(struct visit *v, struct visit_key *key,
                                        const struct issued_credential *credential)
{
    const struct bytes certificate = credential->certificate_path.item[0];
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_certificate(v, key, credential));
    key->certificate = certificate;
    put_mac_certificate_path(&data, key->public_key, credential->id, &credential->certificate_path);
    TRY(visit_mac(v, FINALIZATION, MAC_SET_CERTIFICATE_PATH, credential->id, &data,
                  credential->mac));
    TRY(check_import(v, MAC_IMPORT_PRIVATE_KEY, credential, credential->import_private_key));
    TRY(check_import(v, MAC_IMPORT_SYMMETRIC_KEY, credential, credential->import_symmetric_key));
    TRY(check_plain(v, credential, &credential->extensions, EXTENSION_PLAIN));
    TRY(check_plain(v, credential, &credential->encrypted_extensions, EXTENSION_ENCRYPTED));
    TRY(check_bags(v, credential));
    TRY(check_logotypes(v, credential));
    TRY(check_target(v, MAC_POST_CLONE_KEY_PROTECTION, credential->id, certificate,
                     credential->clone_key_protection));
    rc = check_target(v, MAC_POST_UPDATE_KEY, credential->id, certificate, credential->update_key);
out:
    return rc;
}

static enum sks_status check_targets(struct visit *v, const char *method,
                                     const struct json_array *targets)
{
    const struct target_key *target = targets->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < targets->count; i++)
        TRY(check_target(v, method, (struct bytes){ 0 }, (struct bytes){ 0 }, &target[i]));
out:
    return rc;
}

/* The token counts each operation against sessionKeyLimit. */
static enum sks_status check_limit(struct visit *v)
{
    if (v->sk.counter < v->terms.session_key_limit)
        return SKS_OK;
    return visit_blame(v, "ProvisioningInitializationRequest: sessionKeyLimit",
                       "at least as many as the session has operations", "%u for %u",
                       v->terms.session_key_limit, v->sk.counter + 1U);
}

static enum sks_status prove(struct visit *v, struct bytes nonce)
{
    struct provisioning_finalization_response response = {
        .server_session_id = v->terms.server_session_id,
        .client_session_id = v->terms.client_session_id,
    };
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_limit(v));
    put_attested_close(&data, nonce);
    TRY(visit_attest(v, NULL, &data, &response.attestation));
    rc = visit_encode(v, &PROVISIONING_FINALIZATION_RESPONSE, &response);
out:
    return rc;
}

enum sks_status visit_finalization(struct visit *v)
{
    const struct provisioning_finalization_request *request = &v->finalization;
    const struct issued_credential *credential = request->issued_credentials.item;
    const struct session_close_data *close = request->session_close_data;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(visit_ids(v, FINALIZATION, request->server_session_id, request->client_session_id));
    TRY(expect_number(v->check, "ProvisioningFinalizationRequest: number of issuedCredentials",
                      v->keys, request->issued_credentials.count));
    for (size_t i = 0; i < v->keys; i++)
        TRY(check_credential(v, &v->key[i], &credential[i]));
    TRY(check_targets(v, MAC_POST_UNLOCK_KEY, &request->unlock_keys));
    TRY(check_targets(v, MAC_POST_DELETE_KEY, &request->delete_keys));
    put_mac_close(&data, &v->terms, close->nonce);
    TRY(visit_mac(v, FINALIZATION, MAC_CLOSE_SESSION, (struct bytes){ 0 }, &data, close->mac));
    rc = prove(v, close->nonce);
out:
    return rc;
}
