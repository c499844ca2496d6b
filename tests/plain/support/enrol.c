#include "tests/plain/support/enrol.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/session.h"
#include "token/api/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ES256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const char ISSUER_URI[] = "https://issuer.example/kg2/test";

struct enrolment {
    struct token *token;
    const struct enrolment_plan *plan;
    struct session_terms terms;
    struct session_key sk;
    uint32_t session, puk_policy, pin_policy;
    uint32_t key[ENROLMENT_KEYS_MAX];
    unsigned keys;
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

static void begin(struct enrolment *e)
{
    struct buf spki = { 0 };
    union sks_in in = { 0 };
    union sks_out out;
    EVP_PKEY *own;

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
                                       .session_key_limit = UINT16_MAX };
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

static struct bytes encrypted(struct enrolment *e, struct bytes clear)
{
    struct buf out = { 0 };
    struct bytes kept;

    must(session_encrypt(&e->sk, clear, &out) == SKS_OK, "encryption");
    kept = arena_copy(&e->arena, buf_bytes(&out));
    buf_free(&out);
    return kept;
}

static void make_puk_policy(struct enrolment *e)
{
    const struct puk_policy policy = { .id = bytes_of("PUK.1"),
                                       .encrypted_puk = encrypted(e, bytes_of(e->plan->puk)),
                                       .format = FORMAT_NUMERIC,
                                       .retry_limit = 3 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_puk_policy(&data, &policy);
    in.create_puk_policy = (struct create_puk_policy_in){ e->session, policy,
                                                          mac_of(e, MAC_CREATE_PUK_POLICY, &data) };
    must_call(e, CREATE_PUK_POLICY, &in, &out);
    e->puk_policy = out.handle.handle;
}

static void make_pin_policy(struct enrolment *e)
{
    const struct pin_policy policy = { .id = bytes_of("PIN.1"),
                                       .user_defined = true,
                                       .user_modifiable = true,
                                       .retry_limit = 3,
                                       .min_length = 4,
                                       .max_length = 8 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_pin_policy(&data, &policy, bytes_of(e->plan->puk == NULL ? "" : "PUK.1"));
    in.create_pin_policy = (struct create_pin_policy_in){ e->session, e->puk_policy, policy,
                                                          mac_of(e, MAC_CREATE_PIN_POLICY, &data) };
    must_call(e, CREATE_PIN_POLICY, &in, &out);
    e->pin_policy = out.handle.handle;
}

/* Returns its public key. */
static struct bytes make_key(struct enrolment *e, unsigned number, uint32_t *handle)
{
    const struct enrolment_plan *plan = e->plan;
    struct key_entry key = { .id = bytes_of(arena_printf(&e->arena, "Key.%u", number)),
                             .key_entry_algorithm = bytes_of(SKS_KEY_ENTRY_ALGORITHM),
                             .pin_value = bytes_of(plan->pin == NULL ? "" : plan->pin),
                             .key_algorithm = bytes_of(plan->algorithm) };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_key_entry(&data, &key, bytes_of(plan->pin == NULL ? "" : "PIN.1"), false);
    in.create_key_entry = (struct create_key_entry_in){ e->session, e->pin_policy, key,
                                                        mac_of(e, MAC_CREATE_KEY_ENTRY, &data) };
    must_call(e, CREATE_KEY_ENTRY, &in, &out);
    e->sk.counter++; /* of the key attestation */
    *handle = out.create_key_entry.key_handle;
    return out.create_key_entry.public_key;
}

static struct bytes certify(struct enrolment *e, struct bytes public_key)
{
    const struct own_certificate what = { .common_name = e->server_session_id, .days = 1 };
    struct bytes der;
    EVP_PKEY *key, *ca;
    X509 *x509;

    must(public_key_load(public_key, &key) == SKS_OK, "public key");
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

static void set_certificate(struct enrolment *e, unsigned number, struct bytes public_key,
                            struct bytes certificate)
{
    struct bytes_list path = { &certificate, 1 };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_certificate_path(&data, public_key, bytes_of(arena_printf(&e->arena, "Key.%u", number)),
                             &path);
    in.set_certificate_path =
        (struct set_certificate_path_in){ e->key[number], path,
                                          mac_of(e, MAC_SET_CERTIFICATE_PATH, &data) };
    must_call(e, SET_CERTIFICATE_PATH, &in, &out);
}

static void import_symmetric(struct enrolment *e, unsigned number, struct bytes certificate)
{
    const struct bytes secret = encrypted(e, e->plan->symmetric_key);
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_import(&data, certificate, secret);
    in.import_key = (struct import_key_in){ e->key[number], secret,
                                            mac_of(e, MAC_IMPORT_SYMMETRIC_KEY, &data) };
    must_call(e, IMPORT_SYMMETRIC_KEY, &in, &out);
}

static void add_extension(struct enrolment *e, unsigned number, struct bytes certificate)
{
    struct extension extension = { .type = bytes_of("https://example.com/extension") };
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    extension.data = (struct bytes){ arena_alloc(&e->arena, e->plan->extension_size, 1),
                                     e->plan->extension_size };
    put_mac_extension(&data, certificate, &extension);
    in.add_extension =
        (struct add_extension_in){ e->key[number], extension, mac_of(e, MAC_ADD_EXTENSION, &data) };
    must_call(e, ADD_EXTENSION, &in, &out);
}

struct enrolment *enrolment_begin(struct token *token, const struct enrolment_plan *plan)
{
    struct enrolment *e = calloc(1, sizeof *e);

    must(e != NULL && plan->keys <= ENROLMENT_KEYS_MAX, "enrolment");
    e->token = token;
    e->plan = plan;
    begin(e);
    if (plan->puk != NULL)
        make_puk_policy(e);
    if (plan->pin != NULL)
        make_pin_policy(e);
    e->keys = plan->keys;
    for (unsigned i = 0; i < plan->keys; i++) {
        struct bytes public_key = make_key(e, i, &e->key[i]), certificate;

        certificate = certify(e, public_key);
        set_certificate(e, i, public_key, certificate);
        if (plan->symmetric_key.len > 0)
            import_symmetric(e, i, certificate);
        if (plan->extension_size > 0)
            add_extension(e, i, certificate);
    }
    return e;
}

void enrolment_close(struct enrolment *e)
{
    struct bytes nonce = bytes_of("nonce of the closing");
    struct buf data = { 0 };
    union sks_in in = { 0 };
    union sks_out out;

    put_mac_close(&data, &e->terms, nonce);
    in.close_session =
        (struct close_session_in){ e->session, nonce, mac_of(e, MAC_CLOSE_SESSION, &data) };
    must_call(e, CLOSE_PROVISIONING_SESSION, &in, &out);
    put_attested_close(&data, nonce);
    must(session_mac_verify(&e->sk, MAC_DEVICE_ATTESTATION, buf_bytes(&data),
                            out.close_session.attestation) == SKS_OK,
         "closing proof");
    buf_free(&data);
}

void enrolment_add_key(struct enrolment *e)
{
    uint32_t handle;

    (void)make_key(e, e->keys++, &handle);
}

void enrolment_abort(struct enrolment *e)
{
    union sks_in in = { .session_handle.provisioning_handle = e->session };
    union sks_out out;

    must_call(e, ABORT_PROVISIONING_SESSION, &in, &out);
}

uint32_t enrolment_key(const struct enrolment *e, unsigned number)
{
    return e->key[number];
}

void enrolment_free(struct enrolment *e)
{
    arena_free(&e->arena);
    OPENSSL_clear_free(e, sizeof *e);
}

void enrol(struct token *token, const char *pin, uint32_t *handle)
{
    const struct enrolment_plan plan = { .algorithm = P256, .keys = 1, .pin = pin };
    struct enrolment *e = enrolment_begin(token, &plan);

    enrolment_close(e);
    *handle = enrolment_key(e, 0);
    enrolment_free(e);
}

void enrol_and_abort(struct token *token)
{
    const struct enrolment_plan plan = { .algorithm = P256, .keys = 1, .pin = "4711" };
    struct enrolment *e = enrolment_begin(token, &plan);

    enrolment_abort(e);
    enrolment_free(e);
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
