#include "tests/unit/support/issuer/fake_client.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/message/order_walk.h"

#include <criterion/criterion.h>
#include <string.h>

void client_begin(struct fake_client *c, struct issuer *issuer, const char *profile,
                  const struct device *device)
{
    struct arrival arrival = { 0 };

    *c = (struct fake_client){ .issuer = issuer, .device = device };
    c->issuer_uri = arena_printf(&c->arena, "http://issuer.test/kg2/%s", profile);
    arrival = (struct arrival){ .issuer_uri = c->issuer_uri, .tls = c->tls };
    phase_begin(issuer, profile_find(&issuer->profiles, profile), &arrival, &c->arena, c->cookie,
                &c->outcome);
    cr_assert_eq(c->outcome.kind, OUTCOME_ANSWER);
    (void)strcpy(c->id, c->outcome.session.id);
}

static void decode(struct fake_client *c, const struct json_type *type, void *message)
{
    struct sks_error err = { 0 };

    cr_assert_eq(keygen2_decode(type, c->outcome.answer, message, &c->arena, &err), SKS_OK, "%s",
                 err.text);
}

static void encode(struct fake_client *c, const struct json_type *type, const void *message)
{
    buf_reset(&c->response);
    cr_assert_eq(keygen2_encode(type, message, &c->response), SKS_OK);
}

static struct bytes keep(struct fake_client *c, struct buf *data)
{
    struct bytes kept;

    cr_assert_eq(data->status, SKS_OK);
    kept = arena_copy(&c->arena, buf_bytes(data));
    buf_free(data);
    return kept;
}

static void check_mac(struct fake_client *c, const struct order *order, struct buf *data)
{
    cr_assert_eq(data->status, SKS_OK);
    cr_assert_eq(session_mac_verify(&c->sk, order->method, buf_bytes(data), order->mac), SKS_OK,
                 "%s", order->method);
}

static struct bytes attest(struct fake_client *c, struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];

    cr_assert_eq(session_mac(&c->sk, MAC_DEVICE_ATTESTATION, buf_bytes(data), mac), SKS_OK);
    buf_free(data);
    return arena_copy(&c->arena, bytes_at(mac, sizeof mac));
}

static EVP_PKEY *new_key(struct fake_client *c, struct bytes uri, struct bytes *spki)
{
    const struct algorithm *row = algorithm_by_uri(uri, ALGORITHM_KEY_GENERATION);
    struct buf data = { 0 };
    EVP_PKEY *key;

    cr_assert_eq(private_key_generate(row, (struct bytes){ 0 }, &key), SKS_OK);
    cr_assert_eq(put_pkey(&data, key), SKS_OK);
    *spki = keep(c, &data);
    return key;
}

static void respond_invocation(struct fake_client *c)
{
    struct invocation_request request;
    struct invocation_response response = { 0 };

    decode(c, &INVOCATION_REQUEST, &request);
    c->terms.privacy_enabled = request.privacy_enabled;
    response.server_session_id = request.server_session_id;
    encode(c, &INVOCATION_RESPONSE, &response);
}

static struct bytes attestation_of(struct fake_client *c, struct bytes device_id,
                                   struct bytes client_key)
{
    struct buf data = { 0 }, signature = { 0 };
    uint8_t mac[32];

    put_session_attestation_data(&data, &c->terms, device_id, client_key);
    if (c->terms.privacy_enabled) {
        cr_assert_eq(hmac_sha256(bytes_at(c->sk.key, 32), buf_bytes(&data), mac), SKS_OK);
        put_raw(&signature, bytes_at(mac, sizeof mac));
    } else {
        cr_assert_eq(sign_sha256(c->device->key, buf_bytes(&data), &signature), SKS_OK);
    }
    buf_free(&data);
    return keep(c, &signature);
}

static void respond_initialization(struct fake_client *c)
{
    struct provisioning_initialization_request request;
    struct provisioning_initialization_response response = { 0 };
    struct bytes device_id = bytes_of(SKS_DEVICE_ANONYMOUS);
    char *id = arena_alloc(&c->arena, SKS_ID_MAX + 1, 1);
    struct device_id device = { { &device_id, 1 } };
    EVP_PKEY *own;

    decode(c, &PROVISIONING_INITIALIZATION_REQUEST, &request);
    cr_assert_eq(random_id(id, SKS_ID_MAX), SKS_OK);
    if (!c->terms.privacy_enabled) {
        device_id = c->device->certificate;
        response.device_id = &device;
    }
    own = new_key(c, bytes_of(P256_URI), &response.client_ephemeral_key);
    c->terms.session_key_algorithm = request.session_key_algorithm;
    c->terms.server_session_id = request.server_session_id;
    c->terms.client_session_id = bytes_of(id);
    c->terms.server_ephemeral_key = request.server_ephemeral_key;
    c->terms.issuer_uri = bytes_of(c->issuer_uri);
    c->terms.key_management_key = request.key_management_key;
    c->terms.client_time = (uint32_t)clock_now();
    c->terms.session_life_time = (uint16_t)request.session_life_time;
    c->terms.session_key_limit = request.session_key_limit;
    cr_assert_eq(
        session_key_derive(own, request.server_ephemeral_key, &c->terms, device_id, &c->sk),
        SKS_OK);
    EVP_PKEY_free(own);
    response.server_session_id = request.server_session_id;
    response.client_session_id = c->terms.client_session_id;
    response.server_time = request.server_time;
    response.client_time.seconds = c->terms.client_time;
    response.attestation = attestation_of(c, device_id, response.client_ephemeral_key);
    encode(c, &PROVISIONING_INITIALIZATION_RESPONSE, &response);
}

static void make_key(struct fake_client *c, const struct order *order)
{
    struct generated_key *to = &c->generated[c->keys];
    struct buf data = { 0 };

    to->id = order->id;
    EVP_PKEY_free(new_key(c, order->key->key.key_algorithm, &to->public_key));
    put_attested_key(&data, to->public_key, order->mac);
    to->attestation = attest(c, &data);
    c->key[c->keys].id = to->id;
    c->key[c->keys++].public_key = to->public_key;
}

static enum sks_status take_creation(void *context, const struct order *order, struct buf *data)
{
    struct fake_client *c = context;
    struct buf puk = { 0 };

    check_mac(c, order, data);
    if (order->kind == ORDER_KEY)
        make_key(c, order);
    if (order->kind == ORDER_PUK_POLICY) {
        cr_assert_eq(session_decrypt(&c->sk, order->encrypted, &puk), SKS_OK);
        c->puk = keep(c, &puk);
    }
    return SKS_OK;
}

static void respond_key_creation(struct fake_client *c)
{
    struct key_creation_request request;
    struct key_creation_response response = { 0 };
    const struct order_walk walk = { .context = c, .take = take_creation };

    decode(c, &KEY_CREATION_REQUEST, &request);
    c->keys = 0;
    cr_assert_eq(walk_key_creation(&walk, &request), SKS_OK);
    response.server_session_id = request.server_session_id;
    response.client_session_id = request.client_session_id;
    response.generated_keys = (struct json_array){ c->generated, c->keys };
    encode(c, &KEY_CREATION_RESPONSE, &response);
}

static enum sks_status take_finalization(void *context, const struct order *order, struct buf *data)
{
    struct fake_client *c = context;

    check_mac(c, order, data);
    if (order->kind == ORDER_CERTIFICATE_PATH) {
        cr_assert(bytes_equal(order->id, c->key[order->number].id));
        c->key[order->number].certificate = order->certificate;
    }
    return SKS_OK;
}

static struct bytes public_key_of(void *context, size_t number)
{
    const struct fake_client *c = context;

    return c->key[number].public_key;
}

static void respond_finalization(struct fake_client *c)
{
    struct provisioning_finalization_request request;
    struct provisioning_finalization_response response = { 0 };
    const struct order_walk walk = {
        .context = c, .take = take_finalization, .terms = &c->terms, .public_key = public_key_of
    };
    struct buf data = { 0 };

    decode(c, &PROVISIONING_FINALIZATION_REQUEST, &request);
    cr_assert_eq(request.issued_credentials.count, c->keys);
    cr_assert_eq(walk_finalization(&walk, &request), SKS_OK);
    put_attested_close(&data, request.session_close_data->nonce);
    response.attestation = attest(c, &data);
    response.server_session_id = request.server_session_id;
    response.client_session_id = request.client_session_id;
    encode(c, &PROVISIONING_FINALIZATION_RESPONSE, &response);
}

void client_respond(struct fake_client *c)
{
    static const struct {
        const char *request;
        void (*respond)(struct fake_client *c);
    } TABLE[] = {
        { "InvocationRequest", respond_invocation },
        { "ProvisioningInitializationRequest", respond_initialization },
        { "KeyCreationRequest", respond_key_creation },
        { "ProvisioningFinalizationRequest", respond_finalization },
    };
    const char *request = keygen2_qualifier(c->outcome.answer);

    for (size_t i = 0; i < NITEMS(TABLE); i++)
        if (strcmp(TABLE[i].request, request) == 0) {
            TABLE[i].respond(c);
            return;
        }
    cr_assert_fail("nothing to respond to: %s", request);
}

enum outcome_kind client_send(struct fake_client *c)
{
    const struct arrival arrival = { .cookie = c->cookie,
                                     .issuer_uri = c->issuer_uri,
                                     .tls = c->tls,
                                     .body = buf_bytes(&c->response) };

    phase_message(c->issuer, &arrival, &c->arena, &c->outcome);
    return c->outcome.kind;
}

enum outcome_kind client_run(struct fake_client *c, const char *until)
{
    while (c->outcome.kind == OUTCOME_ANSWER &&
           (until == NULL || strcmp(keygen2_qualifier(c->outcome.answer), until) != 0)) {
        client_respond(c);
        (void)client_send(c);
    }
    return c->outcome.kind;
}

void client_free(struct fake_client *c)
{
    OPENSSL_cleanse(&c->sk, sizeof c->sk);
    buf_free(&c->response);
    arena_free(&c->arena);
}
