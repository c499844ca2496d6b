#include "tests/bench/issuer/bare_session.h"
#include "tests/bench/bench.h"
#include "tests/plain/support/must.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { POINT_SIZE = 65, DATA_MAX = 640 };

static const unsigned char DATA[DATA_MAX] = { 1, 2, 3 };

/* What is authenticated in a session, bytes: the session key, two MACs of the key creation, an
 * attestation, two MACs of the finalization, the closing proof. */
static const size_t HMAC_LENGTH[] = { 560, 70, 240, 130, 620, 160, 34 };

struct bare_session {
    EVP_PKEY_CTX *keygen, *sign, *verify;
    EVP_PKEY *curve; /* parameters alone */
    EVP_MAC_CTX *hmac;
    unsigned char point[POINT_SIZE], signature[80];
    size_t signature_len;
    double spent;
};

static EVP_PKEY *new_key(struct bare_session *b)
{
    EVP_PKEY *key = NULL;

    must(EVP_PKEY_generate(b->keygen, &key) > 0, "bare key pair");
    return key;
}

static void sign(struct bare_session *b)
{
    b->signature_len = sizeof b->signature;
    must(EVP_PKEY_sign(b->sign, b->signature, &b->signature_len, DATA, 32) > 0, "bare signature");
}

static void verify(struct bare_session *b)
{
    must(EVP_PKEY_verify(b->verify, b->signature, b->signature_len, DATA, 32) == 1, "bare check");
}

static EVP_PKEY *load_point(struct bare_session *b)
{
    EVP_PKEY *key = EVP_PKEY_new();

    must(key != NULL && EVP_PKEY_copy_parameters(key, b->curve) > 0 &&
             EVP_PKEY_set1_encoded_public_key(key, b->point, sizeof b->point) > 0,
         "bare point");
    return key;
}

static void agree(struct bare_session *b, EVP_PKEY *own)
{
    EVP_PKEY *peer = load_point(b);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    unsigned char z[32];
    size_t len = sizeof z;

    must(ctx != NULL && EVP_PKEY_derive_init(ctx) > 0 &&
             EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) > 0 && EVP_PKEY_derive(ctx, z, &len) > 0,
         "bare agreement");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
}

static void authenticate(struct bare_session *b)
{
    unsigned char mac[32];
    size_t len;

    for (size_t i = 0; i < sizeof HMAC_LENGTH / sizeof *HMAC_LENGTH; i++)
        must(EVP_MAC_init(b->hmac, DATA, 32, NULL) &&
                 EVP_MAC_update(b->hmac, DATA, HMAC_LENGTH[i]) &&
                 EVP_MAC_final(b->hmac, mac, &len, sizeof mac),
             "bare HMAC");
}

struct bare_session *bare_session_new(void)
{
    struct bare_session *b = calloc(1, sizeof *b);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY_CTX *parameters = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    const OSSL_PARAM sha256[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                                   (char[]){ "SHA256" }, 0),
                                  OSSL_PARAM_construct_end() };
    size_t len;

    must(b != NULL && key != NULL && EVP_PKEY_paramgen_init(parameters) > 0 &&
             EVP_PKEY_CTX_set_group_name(parameters, "P-256") > 0 &&
             EVP_PKEY_paramgen(parameters, &b->curve) > 0,
         "curve");
    b->keygen = EVP_PKEY_CTX_new_from_pkey(NULL, b->curve, NULL);
    b->sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    b->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    b->hmac = EVP_MAC_CTX_new(hmac);
    must(EVP_PKEY_keygen_init(b->keygen) > 0 && EVP_PKEY_sign_init(b->sign) > 0 &&
             EVP_PKEY_verify_init(b->verify) > 0 && EVP_MAC_CTX_set_params(b->hmac, sha256) &&
             EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, b->point,
                                             sizeof b->point, &len) > 0 &&
             len == POINT_SIZE,
         "bare contexts");
    EVP_MAC_free(hmac);
    EVP_PKEY_CTX_free(parameters);
    EVP_PKEY_free(key);
    sign(b);
    return b;
}

void bare_session_free(struct bare_session *b)
{
    EVP_MAC_CTX_free(b->hmac);
    EVP_PKEY_CTX_free(b->verify);
    EVP_PKEY_CTX_free(b->sign);
    EVP_PKEY_CTX_free(b->keygen);
    EVP_PKEY_free(b->curve);
    free(b);
}

const double *bare_session_spent(const struct bare_session *b)
{
    return &b->spent;
}

static void issue(struct bare_session *b)
{
    EVP_PKEY *ephemeral = new_key(b);

    agree(b, ephemeral);
    verify(b);
    EVP_PKEY_free(load_point(b)); /* the key to certify */
    sign(b);
    authenticate(b);
    EVP_PKEY_free(ephemeral);
}

static void enrol(struct bare_session *b)
{
    EVP_PKEY *ephemeral = new_key(b);

    agree(b, ephemeral);
    sign(b);
    EVP_PKEY_free(new_key(b));
    authenticate(b);
    EVP_PKEY_free(ephemeral);
}

void run_bare_issuer(void *bare, unsigned number)
{
    struct bare_session *b = bare;
    double begin = bench_cpu_now();

    (void)number;
    issue(b);
    b->spent += bench_cpu_now() - begin;
}

void run_bare_both(void *bare, unsigned number)
{
    struct bare_session *b = bare;
    double begin = bench_cpu_now();

    (void)number;
    issue(b);
    enrol(b);
    b->spent += bench_cpu_now() - begin;
}
