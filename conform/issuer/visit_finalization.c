/* ProvisioningFinalizationRequest: each order with its MAC, in the order in which a token executes
 * it; and the closing proof. */
#include "conform/issuer/visit.h"

#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

static const char FINALIZATION[] = "ProvisioningFinalizationRequest";

/* ---- what each order has beyond its MAC ---- */

static enum sks_status check_target(struct visit *v, const struct order *order)
{
    const struct credential *have = visit_owned(v, order->target);
    struct buf data = { 0 };
    EVP_PKEY *key = NULL;
    bool good;

    if (have == NULL)
        return visit_blame(v, FINALIZATION, "a target that the device has told of", "another");
    good = put_target_reference(&data, &v->sk, v->device_id, have->path[0]) == SKS_OK &&
           public_key_load(have->key_management_key, &key) == SKS_OK &&
           verify_sha256(key, buf_bytes(&data), order->target->authorization) == SKS_OK;
    EVP_PKEY_free(key);
    buf_free(&data);
    return good ? SKS_OK
                : visit_blame(v, "ProvisioningFinalizationRequest: authorization",
                              "a signature of the target's key management key",
                              "one that does not verify");
}

static enum sks_status check_extension(struct visit *v, const struct order *order)
{
    struct buf clear = { 0 };
    bool good =
        order->encrypted.len == 0 || session_decrypt(&v->sk, order->encrypted, &clear) == SKS_OK;

    buf_free(&clear);
    return good ? SKS_OK
                : visit_blame(v, "ProvisioningFinalizationRequest: encryptedExtensions",
                              "what decrypts with the session's encryption key", "another");
}

static enum sks_status check_import(struct visit *v, const struct order *order)
{
    struct buf clear = { 0 };
    EVP_PKEY *key = NULL;
    bool good = session_decrypt(&v->sk, order->encrypted, &clear) == SKS_OK &&
                (order->credential->import_private_key == NULL ||
                 private_key_from_pkcs8(buf_bytes(&clear), &key) == SKS_OK);

    EVP_PKEY_free(key);
    buf_free(&clear);
    return good ? SKS_OK
                : visit_blame(v, "ProvisioningFinalizationRequest: encryptedKey",
                              "a key that decrypts with the session's encryption key", "another");
}

static enum sks_status check_certificate(struct visit *v, const struct order *order)
{
    const struct issued_credential *credential = order->credential;
    struct visit_key *key = &v->key[order->number];
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: id", key->id, credential->id));
    TRY(put_certificate_key(&spki, order->certificate));
    if (credential->import_private_key == NULL)
        TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: key of the certificate",
                         key->public_key, buf_bytes(&spki)));
    key->certificate = order->certificate;
out:
    buf_free(&spki);
    return rc;
}

/* By kind: in front of the MAC, and behind it. */
static const struct {
    enum sks_status (*before)(struct visit *visit, const struct order *order);
    enum sks_status (*behind)(struct visit *visit, const struct order *order);
} CHECKS[] = {
    [ORDER_CERTIFICATE_PATH] = { check_certificate, NULL },
    [ORDER_IMPORT] = { NULL, check_import },
    [ORDER_EXTENSION] = { NULL, check_extension },
    [ORDER_TARGET] = { check_target, NULL },
    [ORDER_CLOSE] = { NULL, NULL },
};

static enum sks_status take(void *context, const struct order *order, struct buf *data)
{
    struct visit *v = context;
    enum sks_status rc;

    if (CHECKS[order->kind].before != NULL)
        TRY(CHECKS[order->kind].before(v, order));
    TRY(visit_mac(v, FINALIZATION, order, data));
    if (CHECKS[order->kind].behind != NULL)
        rc = CHECKS[order->kind].behind(v, order);
out:
    return rc;
}

static struct bytes public_key_of(void *context, size_t number)
{
    const struct visit *v = context;

    return v->key[number].public_key;
}

/* ---- the closing proof ---- */

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
    const struct order_walk walk = {
        .context = v, .take = take, .terms = &v->terms, .public_key = public_key_of
    };
    enum sks_status rc;

    TRY(visit_ids(v, FINALIZATION, request->server_session_id, request->client_session_id));
    TRY(expect_number(v->check, "ProvisioningFinalizationRequest: number of issuedCredentials",
                      v->keys, request->issued_credentials.count));
    TRY(walk_finalization(&walk, request));
    rc = prove(v, request->session_close_data->nonce);
out:
    return rc;
}
