#include "tests/bench/issuer/client.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/message/keygen2.h"
#include "tests/plain/support/must.h"

#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 256 };

static const struct own_certificate DEVICE_CA = {
    .common_name = "Device CA of a benchmark",
    .days = 10,
    .extension = { { NID_basic_constraints, "critical,CA:TRUE" },
                   { NID_key_usage, "critical,keyCertSign" },
                   { NID_subject_key_identifier, "hash" } },
};
static const struct own_certificate DEVICE = {
    .common_name = "Device of a benchmark",
    .days = 10,
    .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                   { NID_key_usage, "critical,digitalSignature" },
                   { NID_authority_key_identifier, "keyid:always" } },
};

struct device {
    EVP_PKEY *key;
    struct bytes certificate;
    struct {
        EVP_PKEY *pkey;
        struct buf spki;
    } made[KEYS];
    atomic_uint next;
    struct arena arena;
};

static EVP_PKEY *new_key(void)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    EVP_PKEY *key;

    must(private_key_generate(p256, (struct bytes){ 0 }, &key) == SKS_OK, "key");
    return key;
}

struct device *device_new(const char *ca_file)
{
    struct device *d = calloc(1, sizeof *d);
    EVP_PKEY *ca_key = new_key();
    X509 *ca, *certificate;

    must(d != NULL, "memory");
    d->key = new_key();
    must(own_certificate_make(&DEVICE_CA, ca_key, NULL, ca_key, &ca, NULL) == SKS_OK &&
             own_certificate_make(&DEVICE, d->key, ca, ca_key, &certificate, NULL) == SKS_OK &&
             pem_write_certificate(ca_file, ca, NULL) == SKS_OK,
         "certificates");
    d->certificate = certificate_der(&d->arena, certificate);
    for (size_t i = 0; i < KEYS; i++) {
        d->made[i].pkey = new_key();
        must(put_pkey(&d->made[i].spki, d->made[i].pkey) == SKS_OK, "key");
    }
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return d;
}

void device_free(struct device *d)
{
    for (size_t i = 0; i < KEYS; i++) {
        EVP_PKEY_free(d->made[i].pkey);
        buf_free(&d->made[i].spki);
    }
    EVP_PKEY_free(d->key);
    arena_free(&d->arena);
    free(d);
}

static EVP_PKEY *next_key(struct device *d, struct bytes *spki)
{
    size_t i = atomic_fetch_add(&d->next, 1) % KEYS;

    *spki = buf_bytes(&d->made[i].spki);
    return d->made[i].pkey;
}

/* ---- the four responses ---- */

static void decode(struct client *c, const struct json_type *type, struct bytes text, void *request)
{
    struct sks_error err = { 0 };

    must(keygen2_decode(type, text, request, &c->arena, &err) == SKS_OK, err.text);
}

static void encode(struct client *c, const struct json_type *type, const void *response)
{
    must(keygen2_encode(type, response, &c->response) == SKS_OK, type->name);
}

static struct bytes keep(struct client *c, struct buf *made)
{
    struct bytes kept = arena_copy(&c->arena, buf_bytes(made));

    must(made->status == SKS_OK && kept.ptr != NULL, "memory");
    buf_free(made);
    return kept;
}

static struct bytes attest(struct client *c, struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];
    struct buf made = { 0 };

    must(session_mac(&c->sk, MAC_DEVICE_ATTESTATION, buf_bytes(data), mac) == SKS_OK, "MAC");
    buf_free(data);
    put_raw(&made, bytes_at(mac, sizeof mac));
    return keep(c, &made);
}

static void invocation(struct client *c, struct bytes text)
{
    struct invocation_request request;
    struct invocation_response response = { 0 };

    decode(c, &INVOCATION_REQUEST, text, &request);
    response.server_session_id = request.server_session_id;
    encode(c, &INVOCATION_RESPONSE, &response);
}

static struct bytes sign_terms(struct client *c, struct bytes client_key)
{
    struct buf data = { 0 }, signature = { 0 };

    put_session_attestation_data(&data, &c->terms, c->device->certificate, client_key);
    must(sign_sha256(c->device->key, buf_bytes(&data), &signature) == SKS_OK, "attestation");
    buf_free(&data);
    return keep(c, &signature);
}

static void initialization(struct client *c, struct bytes text)
{
    struct provisioning_initialization_request request;
    struct provisioning_initialization_response response = { 0 };
    struct device_id id = { { &c->device->certificate, 1 } };
    char *session_id = arena_alloc(&c->arena, SKS_ID_MAX + 1, 1);
    EVP_PKEY *own = next_key(c->device, &response.client_ephemeral_key);

    decode(c, &PROVISIONING_INITIALIZATION_REQUEST, text, &request);
    must(random_id(session_id, SKS_ID_MAX) == SKS_OK, "identifier");
    c->terms = (struct session_terms){
        .session_key_algorithm = request.session_key_algorithm,
        .server_session_id = request.server_session_id,
        .client_session_id = bytes_of(session_id),
        .server_ephemeral_key = request.server_ephemeral_key,
        .issuer_uri = bytes_of(c->issuer_uri),
        .key_management_key = request.key_management_key,
        .client_time = (uint32_t)clock_now(),
        .session_life_time = (uint16_t)request.session_life_time,
        .session_key_limit = request.session_key_limit,
    };
    must(session_key_derive(own, request.server_ephemeral_key, &c->terms, c->device->certificate,
                            &c->sk) == SKS_OK,
         "session key");
    response.server_session_id = request.server_session_id;
    response.client_session_id = c->terms.client_session_id;
    response.server_time = request.server_time;
    response.client_time.seconds = c->terms.client_time;
    response.device_id = &id;
    response.attestation = sign_terms(c, response.client_ephemeral_key);
    encode(c, &PROVISIONING_INITIALIZATION_RESPONSE, &response);
}

/* One policy with one key. The counter steps for the MACs of both, which are believed. */
static void key_creation(struct client *c, struct bytes text)
{
    struct key_creation_request request;
    struct generated_key generated = { 0 };
    struct key_creation_response response = { .generated_keys = { &generated, 1 } };
    const struct pin_policy_specifier *policy;
    const struct key_entry_specifier *key;
    struct buf data = { 0 };

    decode(c, &KEY_CREATION_REQUEST, text, &request);
    policy = request.pin_policy_specifiers.item;
    must(request.pin_policy_specifiers.count == 1 && policy->key_entry_specifiers.count == 1,
         "one policy with one key");
    key = policy->key_entry_specifiers.item;
    c->sk.counter += 2;
    generated.id = key->key.id;
    (void)next_key(c->device, &generated.public_key);
    put_attested_key(&data, generated.public_key, key->mac);
    generated.attestation = attest(c, &data);
    response.server_session_id = request.server_session_id;
    response.client_session_id = request.client_session_id;
    encode(c, &KEY_CREATION_RESPONSE, &response);
}

static void finalization(struct client *c, struct bytes text)
{
    struct provisioning_finalization_request request;
    struct provisioning_finalization_response response = { 0 };
    struct buf data = { 0 };

    decode(c, &PROVISIONING_FINALIZATION_REQUEST, text, &request);
    c->sk.counter += 2; /* the certificate's MAC and the close's */
    put_attested_close(&data, request.session_close_data->nonce);
    response.attestation = attest(c, &data);
    response.server_session_id = request.server_session_id;
    response.client_session_id = request.client_session_id;
    encode(c, &PROVISIONING_FINALIZATION_RESPONSE, &response);
}

static const struct {
    const char *request;
    void (*respond)(struct client *c, struct bytes text);
} RESPONSES[CLIENT_REQUESTS] = {
    { "InvocationRequest", invocation },
    { "ProvisioningInitializationRequest", initialization },
    { "KeyCreationRequest", key_creation },
    { "ProvisioningFinalizationRequest", finalization },
};

void client_begin(struct client *c, struct device *device, const char *issuer_uri)
{
    client_end(c);
    *c = (struct client){ .device = device, .issuer_uri = issuer_uri };
}

void client_respond(struct client *c, struct bytes request)
{
    const char *name = keygen2_qualifier(request);

    buf_reset(&c->response);
    for (size_t i = 0; i < CLIENT_REQUESTS; i++)
        if (strcmp(RESPONSES[i].request, name) == 0) {
            /* What is decoded points into the arena, which outlives the request. */
            RESPONSES[i].respond(c, request);
            return;
        }
    must(false, "a request that is known");
}

void client_end(struct client *c)
{
    buf_free(&c->response);
    arena_free(&c->arena);
}
