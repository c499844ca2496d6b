/* The answers that make a session: invocation, and both kinds of initialization. */
#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"

#include <openssl/crypto.h>
#include <string.h>

static const char INITIALIZATION[] = "ProvisioningInitializationRequest";

/* ---- InvocationRequest ---- */

enum sks_status visit_invocation(struct visit *v)
{
    const struct bytes_list *query = &v->invocation.client_capability_query;
    struct invocation_response response = { .server_session_id = v->invocation.server_session_id };
    struct client_capability *told = NULL;

    if (query->count > 0) {
        told = arena_alloc(&v->check->arena, query->count, sizeof *told);
        if (told == NULL)
            return SKS_ERROR_STORAGE;
        response.client_capabilities = (struct json_array){ told, query->count };
    }
    for (size_t i = 0; i < query->count; i++)
        told[i] = (struct client_capability){ .type = query->item[i] }; /* not supported */
    v->terms.server_session_id = v->invocation.server_session_id;
    v->anonymous = v->invocation.privacy_enabled;
    return visit_encode(v, &INVOCATION_RESPONSE, &response);
}

/* ---- ProvisioningInitializationRequest ---- */

static enum sks_status check_roll_over(struct visit *v, struct bytes above,
                                       const struct json_array *keys)
{
    const struct updatable_key_management_key *old = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        struct buf data = { 0 };
        EVP_PKEY *key = NULL;
        bool good;

        put_roll_over(&data, above);
        good = data.status == SKS_OK && public_key_load(old[i].public_key, &key) == SKS_OK &&
               verify_sha256(key, buf_bytes(&data), old[i].authorization) == SKS_OK;
        EVP_PKEY_free(key);
        buf_free(&data);
        if (!good)
            return visit_blame(v, INITIALIZATION,
                               "an authorization of each key management key by the one before it",
                               "one that does not verify");
        TRY(check_roll_over(v, old[i].public_key, &old[i].updatable_key_management_keys));
    }
out:
    return rc;
}

static enum sks_status check_request(struct visit *v)
{
    const struct provisioning_initialization_request *request = &v->initialization;
    struct public_key key;
    enum sks_status rc;

    TRY(expect_bytes(v->check, "ProvisioningInitializationRequest: serverSessionId",
                     v->terms.server_session_id, request->server_session_id));
    if (request->session_life_time == 0)
        return visit_blame(v, INITIALIZATION, "a sessionLifeTime", "0");
    if (!v->is_2010 &&
        !bytes_equal(request->session_key_algorithm, bytes_of(SKS_SESSION_ALGORITHM)))
        return visit_blame(v, INITIALIZATION, "a sessionKeyAlgorithm that SKS knows", "%.*s",
                           (int)request->session_key_algorithm.len,
                           (const char *)request->session_key_algorithm.ptr);
    if (!v->is_2010 && (public_key_parse(request->server_ephemeral_key, &key) != SKS_OK ||
                        !public_key_is_fit(&key, false)))
        return visit_blame(v, INITIALIZATION, "serverEphemeralKey on a known curve", "another");
    if (request->key_management_key.len > 0 &&
        (public_key_parse(request->key_management_key, &key) != SKS_OK ||
         !public_key_is_fit(&key, true)))
        return visit_blame(v, INITIALIZATION, "a keyManagementKey of SKS", "another");
    rc = check_roll_over(v, request->key_management_key, &request->updatable_key_management_keys);
out:
    return rc;
}

static const struct device *device_of(const struct visit *v)
{
    return v->bends.device != NULL ? v->bends.device : &v->site->devices.own;
}

static void set_terms(struct visit *v, struct bytes client_session_id)
{
    const struct provisioning_initialization_request *request = &v->initialization;
    bool anonymous = (v->anonymous || v->bends.anonymous) && !v->bends.named;

    v->device_id = anonymous ? bytes_of(SKS_DEVICE_ANONYMOUS) : device_of(v)->certificate[0];
    v->terms = (struct session_terms){
        .session_key_algorithm = request->session_key_algorithm,
        .privacy_enabled = anonymous,
        .server_session_id = request->server_session_id,
        .client_session_id = client_session_id,
        .server_ephemeral_key = request->server_ephemeral_key,
        .issuer_uri = bytes_of(v->profile->issuer_uri),
        .key_management_key = request->key_management_key,
        .client_time = (uint32_t)clock_now(),
        .session_life_time = (uint16_t)request->session_life_time,
        .session_key_limit = request->session_key_limit,
        .server_certificate = v->leaf,
    };
}

static void put_attested(struct visit *v, const struct attested *attested, struct bytes proof,
                         struct buf *data)
{
    if (v->is_2010)
        put_session_2010_attestation(data, proof, &attested->terms_2010);
    else
        put_session_attestation_data(data, &attested->terms, attested->device_id,
                                     attested->client_ephemeral_key);
}

static enum sks_status attest_session(struct visit *v, struct bytes client_key,
                                      struct bytes *attestation)
{
    struct attested attested = {
        .terms = v->terms,
        .terms_2010 = { v->terms.server_session_id, v->terms.client_session_id, v->terms.issuer_uri,
                        v->initialization.server_public_key, v->initialization.session_life_time },
        .device_id = v->device_id,
        .client_ephemeral_key = client_key,
        .signer = device_of(v)->key,
        .as_mac = v->terms.privacy_enabled,
    };
    struct buf data = { 0 }, made = { 0 };
    uint8_t mac[SKS_MAC_SIZE];
    enum sks_status rc;

    if (v->bends.attested != NULL)
        v->bends.attested(v, &attested);
    TRY(session_2010_proof(&v->sk, mac));
    put_attested(v, &attested, bytes_at(mac, sizeof mac), &data);
    TRY(data.status);
    if (attested.as_mac) {
        TRY(hmac_sha256(bytes_at(v->sk.key, sizeof v->sk.key), buf_bytes(&data), mac));
        put_raw(&made, bytes_at(mac, sizeof mac));
    } else {
        TRY(sign_sha256(attested.signer, buf_bytes(&data), &made));
    }
    rc = visit_keep(v, &made, attestation);
out:
    OPENSSL_cleanse(mac, sizeof mac);
    buf_free(&data);
    buf_free(&made);
    return sks_explain(&v->check->err, rc);
}

/* The session key of V1.07: an ephemeral key of the issuer's curve, unless a case wants another. */
static enum sks_status agree(struct visit *v, struct provisioning_initialization_response *response)
{
    const struct algorithm *curve;
    struct public_key server;
    EVP_PKEY *own = NULL, *fitting = NULL;
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(public_key_parse(v->terms.server_ephemeral_key, &server));
    curve = v->bends.curve == NULL
                ? server.curve
                : algorithm_by_jose(bytes_of(v->bends.curve), ALGORITHM_KEY_GENERATION);
    TRY(private_key_generate(curve, (struct bytes){ 0 }, &own));
    TRY(put_pkey(&spki, own));
    TRY(visit_keep(v, &spki, &response->client_ephemeral_key));
    if (curve != server.curve) /* nobody can agree with that: any session key will do */
        TRY(private_key_generate(server.curve, (struct bytes){ 0 }, &fitting));
    rc = session_key_derive(fitting != NULL ? fitting : own, v->terms.server_ephemeral_key,
                            &v->terms, v->device_id, &v->sk);
out:
    EVP_PKEY_free(own);
    EVP_PKEY_free(fitting);
    buf_free(&spki);
    return sks_explain(&v->check->err, rc);
}

/* The session key of 2010: drawn here. */
static enum sks_status draw(struct visit *v, struct provisioning_initialization_response *response)
{
    struct session_key sent;
    struct buf encrypted = { 0 };
    EVP_PKEY *server = NULL;
    enum sks_status rc;

    TRY(session_2010_load_key(v->initialization.server_public_key, &server, &v->check->err));
    TRY(session_2010_draw(&v->sk));
    sent = v->sk;
    if (v->bends.session_key.len == sizeof sent.key)
        memcpy(sent.key, v->bends.session_key.ptr, sizeof sent.key);
    TRY(session_2010_encrypt(server, &sent, &encrypted));
    rc = visit_keep(v, &encrypted, &response->encrypted_session_key);
out:
    EVP_PKEY_free(server);
    buf_free(&encrypted);
    return sks_explain(&v->check->err, rc);
}

enum sks_status visit_initialization(struct visit *v)
{
    struct provisioning_initialization_response response = { 0 };
    struct bytes id = check_draw_id(v->check, SKS_ID_MAX);
    struct device_id path = { { 0 } };
    enum sks_status rc;

    v->is_2010 = bytes_equal(v->initialization.session_key_algorithm, bytes_of(SKS_SESSION_2010));
    TRY(check_request(v));
    REQUIRE(id.ptr != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    set_terms(v, id);
    TRY(v->is_2010 ? draw(v, &response) : agree(v, &response));
    response.server_session_id = v->terms.server_session_id;
    response.client_session_id = id;
    response.server_time = v->initialization.server_time;
    response.client_time.seconds = v->terms.client_time;
    if (!v->terms.privacy_enabled) {
        path.certificate_path.item =
            arena_alloc(&v->check->arena, DEVICE_PATH_MAX, sizeof(struct bytes));
        REQUIRE(path.certificate_path.item != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
        path.certificate_path.count = device_of(v)->count;
        memcpy(path.certificate_path.item, device_of(v)->certificate,
               device_of(v)->count * sizeof(struct bytes));
        response.device_id = &path;
    }
    TRY(attest_session(v, response.client_ephemeral_key, &response.attestation));
    rc = visit_encode(v, &PROVISIONING_INITIALIZATION_RESPONSE, &response);
out:
    return rc;
}
