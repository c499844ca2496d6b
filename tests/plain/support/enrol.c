#include "tests/plain/support/enrol.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session.h"
#include "token/api/calls.h"
#include "token/device_ca.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char P256[] = "https://webpki.github.io/sks/algorithm#ec.nist.p256";
static const char ES256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char ISSUER_URI[] = "https://issuer.example/kg2/test";

void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "FAILED: %s\n", what);
    abort();
}

/* ---- a token of its own ---- */

static void save_device(const char *database, const char *folder)
{
    char ca_copy[128];
    struct device device = { 0 };
    struct vault *vault;
    struct store *store;

    (void)snprintf(ca_copy, sizeof ca_copy, "%s/device-ca.pem", folder);
    must(vault_open("unused", &vault, NULL) == SKS_OK, "vault");
    must(store_open(database, vault, &store, NULL) == SKS_OK, "store");
    must(device_make_key(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION), &device) ==
             SKS_OK,
         "device key");
    must(device_certify(&device, NULL, ca_copy, NULL) == SKS_OK, "device certificate");
    must(device_save(store, &device, NULL) == SKS_OK, "device");
    device_free(&device);
    store_close(store);
    vault_close(vault);
    (void)unlink(ca_copy);
}

struct token *new_token(void)
{
    return new_token_with(&(struct token_options){ 0 });
}

struct token *new_token_with(const struct token_options *options)
{
    static const char *const suffix[] = { "", "-wal", "-shm", "-journal" };
    char folder[] = "/tmp/sks-plain.XXXXXX", database[64], path[80];
    struct sks_error err = { 0 };
    struct token *token;

    must(mkdtemp(folder) != NULL, "temporary folder");
    must(setenv(MASTER_KEY_VARIABLE,
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 1) == 0,
         "master key");
    (void)snprintf(database, sizeof database, "%s/token.db", folder);
    save_device(database, folder);
    must(token_open(database, "unused", options, &token, &err) == SKS_OK, err.text);
    for (size_t i = 0; i < NITEMS(suffix); i++) { /* it lives on as long as it is open */
        (void)snprintf(path, sizeof path, "%s%s", database, suffix[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    return token;
}

/* ---- one enrolment ---- */

struct enrolment {
    struct token *token;
    struct session_terms terms;
    struct session_key sk;
    uint32_t session, pin_policy, key;
    struct bytes public_key;
    struct arena arena;
    char server_session_id[SKS_ID_MAX + 1];
};

static enum sks_status call(struct token *token, enum method_id id, const union sks_in *in,
                            union sks_out *out, struct arena *arena, struct sks_error *err)
{
    const struct sks_method *method = sks_method((uint8_t)id);
    struct buf request = { 0 }, response = { 0 };
    enum sks_status rc;

    sks_encode_request(&request, method, in);
    token_process(token, buf_bytes(&request), &response);
    rc = sks_decode_response(arena_copy(arena, buf_bytes(&response)), method, out, arena, err);
    buf_free(&request);
    buf_free(&response);
    return rc;
}

static void must_call(struct enrolment *e, enum method_id id, const union sks_in *in,
                      union sks_out *out)
{
    struct sks_error err = { 0 };

    must(call(e->token, id, in, out, &e->arena, &err) == SKS_OK, err.text);
}

static struct bytes mac_of(struct enrolment *e, const char *method, struct buf *data)
{
    uint8_t mac[SKS_MAC_SIZE];

    must(session_mac(&e->sk, method, buf_bytes(data), mac) == SKS_OK, "MAC");
    buf_free(data);
    return arena_copy(&e->arena, bytes_at(mac, sizeof mac));
}

static void begin(struct enrolment *e, struct token *token)
{
    struct buf spki = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    EVP_PKEY *own;

    *e = (struct enrolment){ .token = token };
    must(random_id(e->server_session_id, SKS_ID_MAX) == SKS_OK, "session id");
    must(private_key_generate(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION),
                              (struct bytes){ 0 }, &own) == SKS_OK &&
             put_pkey(&spki, own) == SKS_OK,
         "ephemeral key");
    e->terms = (struct session_terms){ .session_key_algorithm = bytes_of(SKS_SESSION_ALGORITHM),
                                       .privacy_enabled = true, /* so any device will do */
                                       .server_session_id = bytes_of(e->server_session_id),
                                       .server_ephemeral_key = buf_bytes(&spki),
                                       .issuer_uri = bytes_of(ISSUER_URI),
                                       .session_life_time = 600,
                                       .session_key_limit = 50 };
    in.create_session.terms = e->terms;
    must_call(e, CREATE_PROVISIONING_SESSION, &in, &out);
    e->session = out.create_session.provisioning_handle;
    e->terms.client_session_id = out.create_session.client_session_id;
    must(session_key_derive(own, out.create_session.client_ephemeral_key, &e->terms,
                            bytes_of(SKS_DEVICE_ANONYMOUS), &e->sk) == SKS_OK,
         "session key");
    EVP_PKEY_free(own);
    buf_free(&spki);
    e->terms.server_ephemeral_key = (struct bytes){ 0 };
}

static void make_key(struct enrolment *e, const char *pin)
{
    union sks_in in = { 0 };
    union sks_out out;
    struct buf data = { 0 };
    struct pin_policy policy = { .id = bytes_of("PIN.1"),
                                 .user_defined = true,
                                 .retry_limit = 3,
                                 .min_length = 4,
                                 .max_length = 8 };
    struct key_entry key = { .id = bytes_of("Key.1"),
                             .key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM),
                             .pin_value = bytes_of(pin),
                             .key_algorithm = bytes_of(P256) };

    put_mac_pin_policy(&data, &policy, (struct bytes){ 0 });
    in.create_pin_policy = (struct create_pin_policy_in){ e->session, 0, policy,
                                                          mac_of(e, MAC_CREATE_PIN_POLICY, &data) };
    must_call(e, CREATE_PIN_POLICY, &in, &out);
    put_mac_key_entry(&data, &key, policy.id, false);
    memset(&in, 0, sizeof in);
    in.create_key_entry = (struct create_key_entry_in){ e->session, out.handle.handle, key,
                                                        mac_of(e, MAC_CREATE_KEY_ENTRY, &data) };
    must_call(e, CREATE_KEY_ENTRY, &in, &out);
    e->sk.counter++; /* of the key attestation */
    e->key = out.create_key_entry.key_handle;
    e->public_key = out.create_key_entry.public_key;
}

static struct bytes certify(struct enrolment *e)
{
    const struct own_certificate what = { .common_name = e->server_session_id, .days = 1 };
    struct bytes der;
    EVP_PKEY *key, *ca;
    X509 *x509;

    must(public_key_load(e->public_key, &key) == SKS_OK, "public key");
    must(private_key_generate(algorithm_by_uri(bytes_of(P256), ALGORITHM_KEY_GENERATION),
                              (struct bytes){ 0 }, &ca) == SKS_OK,
         "CA key");
    must(own_certificate_make(&what, key, NULL, ca, &x509, NULL) == SKS_OK, "certificate");
    der = certificate_der(&e->arena, x509);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca);
    X509_free(x509);
    return der;
}

static void finish(struct enrolment *e)
{
    struct bytes certificate = certify(e), nonce = bytes_of("nonce of the closing");
    struct bytes_list path = { &certificate, 1 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_certificate_path(&data, e->public_key, bytes_of("Key.1"), &path);
    in.set_certificate_path =
        (struct set_certificate_path_in){ e->key, path,
                                          mac_of(e, MAC_SET_CERTIFICATE_PATH, &data) };
    must_call(e, SET_CERTIFICATE_PATH, &in, &out);
    put_mac_close(&data, &e->terms, nonce);
    memset(&in, 0, sizeof in);
    in.close_session =
        (struct close_session_in){ e->session, nonce, mac_of(e, MAC_CLOSE_SESSION, &data) };
    must_call(e, CLOSE_PROVISIONING_SESSION, &in, &out);
    put_attested_close(&data, nonce);
    must(session_mac_verify(&e->sk, MAC_DEVICE_ATTESTATION, buf_bytes(&data),
                            out.close_session.attestation) == SKS_OK,
         "closing proof");
    buf_free(&data);
}

void enrol(struct token *token, const char *pin, uint32_t *handle)
{
    struct enrolment e;

    begin(&e, token);
    make_key(&e, pin);
    finish(&e);
    *handle = e.key;
    arena_free(&e.arena);
}

void enrol_and_abort(struct token *token)
{
    struct enrolment e;
    union sks_in in = { 0 };
    union sks_out out;

    begin(&e, token);
    make_key(&e, "4711");
    in.session_handle.provisioning_handle = e.session;
    must_call(&e, ABORT_PROVISIONING_SESSION, &in, &out);
    arena_free(&e.arena);
}

enum sks_status try_sign(struct token *token, uint32_t handle, const char *pin)
{
    static const uint8_t digest[32] = { 1 };
    const union sks_in in = { .operation = { .key_handle = handle,
                                             .algorithm = bytes_of(ES256),
                                             .authorization = bytes_of(pin),
                                             .data = bytes_at(digest, sizeof digest) } };
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc = call(token, SIGN_HASHED_DATA, &in, &out, &arena, NULL);

    arena_free(&arena);
    return rc;
}
