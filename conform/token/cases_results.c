/* The user's operations: results that are recomputed here, or verified. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include "keygen2/crypto/cipher.h"

#include <string.h>

enum { MESSAGE = 29, BLOCK = 16 };

#define BAD SKS_ERROR_OPTION
#define FAILS SKS_ERROR_CRYPTO
#define ES256 XMLDSIG_MORE_URI("ecdsa-sha256")
#define A128 XMLENC_URI("aes128-cbc")
#define CBC ALGORITHM_URI("aes.cbc")
#define ECB ALGORITHM_URI("aes.ecb.nopad")
#define SIGN SIGN_HASHED_DATA
#define DECRYPT ASYMMETRIC_KEY_DECRYPT
#define AES SYMMETRIC_KEY_ENCRYPT

static const struct algorithm *row_of(const char *uri, unsigned use)
{
    return algorithm_by_uri(bytes_of(uri), use);
}

static enum sks_status set_bare(struct scene *scene, void *end, struct check *check,
                                enum material material)
{
    struct scene_options options = { .no_pin = true, .material = material };

    return scene_set(scene, end, check, STAGE_CLOSED, &options);
}

/* With the RSA key of the run, whose public half is at hand. */
static enum sks_status rsa_signs(struct check *check, void *end, const void *uri)
{
    const struct algorithm *algorithm = row_of(uri, ALGORITHM_SIGNATURE);
    struct target *target = end;
    struct operation operation = { .method = SIGN, .algorithm = uri };
    struct scene scene = { 0 };
    struct buf spki = { 0 };
    struct bytes signature;
    enum sks_status rc;

    operation.data = check_draw_bytes(check, algorithm->openssl == NULL ? 245 : algorithm->size);
    TRY(set_bare(&scene, end, check, MATERIAL_RSA));
    TRY(put_pkey(&spki, target->rsa));
    TRY(use_operate(end, check, scene.key.handle, &operation, &signature, SKS_OK));
    rc = use_verify(check, algorithm, buf_bytes(&spki), operation.data, signature);
out:
    buf_free(&spki);
    scene_free(&scene);
    return rc;
}

static enum sks_status decrypts(struct check *check, void *end, const void *uri)
{
    struct target *target = end;
    struct bytes message = check_draw_bytes(check, MESSAGE), clear;
    struct operation operation = { .method = DECRYPT, .algorithm = uri };
    struct scene scene = { 0 };
    struct buf encrypted = { 0 };
    enum sks_status rc;

    TRY(set_bare(&scene, end, check, MATERIAL_RSA));
    TRY(rsa_encrypt(target->rsa, row_of(uri, ALGORITHM_DECRYPTION), message, &encrypted));
    operation.data = buf_bytes(&encrypted);
    TRY(use_operate(end, check, scene.key.handle, &operation, &clear, SKS_OK));
    rc = expect_bytes(check, "asymmetricKeyDecrypt: result", message, clear);
out:
    buf_free(&encrypted);
    scene_free(&scene);
    return rc;
}

static enum sks_status agrees(struct check *check, void *end, const void *uri)
{
    const struct change KEY[] = { { "keyAlgorithm", 0, uri, 0 }, { 0 } };
    struct scene_options options = { .no_pin = true, .key = KEY };
    struct operation operation = { .method = KEY_AGREEMENT,
                                   .algorithm = ALGORITHM_URI("ecdh.raw") };
    struct scene scene = { 0 };
    struct buf spki = { 0 }, z = { 0 };
    struct bytes result;
    EVP_PKEY *peer = NULL;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(target_make_key(end, check, uri, &peer));
    TRY(put_pkey(&spki, peer));
    TRY(ecdh_raw(peer, scene.key.public_key, &z));
    operation.data = buf_bytes(&spki);
    TRY(use_operate(end, check, scene.key.handle, &operation, &result, SKS_OK));
    rc = expect_bytes(check, "keyAgreement: result", buf_bytes(&z), result);
out:
    EVP_PKEY_free(peer);
    buf_free(&spki);
    buf_free(&z);
    scene_free(&scene);
    return rc;
}

/* A public key of another curve, or of no curve. */
static enum sks_status does_not_agree(struct check *check, void *end, const void *uri)
{
    struct operation operation = { .method = KEY_AGREEMENT,
                                   .algorithm = ALGORITHM_URI("ecdh.raw") };
    bool is_rsa = strcmp(uri, ALGORITHM_URI("rsa2048")) == 0;
    struct scene scene = { 0 };
    struct buf spki = { 0 };
    EVP_PKEY *peer = NULL;
    enum sks_status rc;

    TRY(set_bare(&scene, end, check, MATERIAL_P256));
    TRY(target_make_key(end, check, uri, &peer));
    TRY(put_pkey(&spki, peer));
    operation.data = buf_bytes(&spki);
    rc = use_operate(end, check, scene.key.handle, &operation, NULL, is_rsa ? BAD : FAILS);
out:
    EVP_PKEY_free(peer);
    buf_free(&spki);
    scene_free(&scene);
    return rc;
}

/* Ed25519 is of another kind than EC, though both are elliptic. */
static enum sks_status not_of_ec(struct check *check, void *end, const void *uri)
{
    static const struct change KEY[] = { { "keyAlgorithm", 0, ALGORITHM_URI("ed25519"), 0 },
                                         { 0 } };
    struct scene_options options = { .no_pin = true, .key = KEY };
    bool agreement = strcmp(uri, ALGORITHM_URI("ecdh.raw")) == 0;
    struct operation operation = { .method = agreement ? KEY_AGREEMENT : SIGN, .algorithm = uri };
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    operation.data = agreement ? scene.s.terms.server_ephemeral_key : check_draw_bytes(check, 32);
    rc = use_operate(end, check, scene.key.handle, &operation, NULL, FAILS);
out:
    scene_free(&scene);
    return rc;
}

/* A key with a secret of a size. */
static enum sks_status with_secret(struct scene *scene, void *end, struct check *check,
                                   struct bytes secret)
{
    struct scene_options options = { .no_pin = true };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(scene, end, check, STAGE_CERTIFIED, &options));
    TRY(call_import_symmetric(&scene->s, &call, &scene->key, secret));
    TRY(call_do(&scene->s, &call, SKS_OK));
    rc = session_close(&scene->s);
out:
    return rc;
}

static enum sks_status hmac(struct check *check, void *end, const void *uri)
{
    static const size_t SIZES[] = { 0, 1, 1000, SKS_CRYPTO_DATA_MAX };
    struct bytes secret = check_draw_bytes(check, 20), result;
    struct operation operation = { .method = PERFORM_HMAC, .algorithm = uri };
    struct scene scene = { 0 };
    struct buf own = { 0 };
    enum sks_status rc;

    TRY(with_secret(&scene, end, check, secret));
    for (size_t i = 0; i < NITEMS(SIZES); i++) {
        operation.data = check_draw_bytes(check, SIZES[i]);
        buf_reset(&own);
        TRY(hmac_by_algorithm(row_of(uri, ALGORITHM_HMAC), secret, operation.data, &own));
        TRY(use_operate(end, check, scene.key.handle, &operation, &result, SKS_OK));
        TRY(expect_bytes(check, "performHmac: result", buf_bytes(&own), result));
    }
out:
    buf_free(&own);
    scene_free(&scene);
    return rc;
}

struct cipher {
    const char *name, *uri;
    size_t key, data;
};

static const struct cipher CIPHERS[] = {
    { "aes128-cbc", A128, 16, MESSAGE },
    { "aes192-cbc", XMLENC_URI("aes192-cbc"), 24, MESSAGE },
    { "aes256-cbc", XMLENC_URI("aes256-cbc"), 32, MESSAGE },
    { "aes128-cbc-of-nothing", A128, 16, 0 },
    { "aes128-cbc-of-a-block", A128, 16, BLOCK },
    { "aes.cbc-of-128", CBC, 16, MESSAGE },
    { "aes.cbc-of-192", CBC, 24, MESSAGE },
    { "aes.cbc-of-256", CBC, 32, MESSAGE },
    { "aes.ecb.nopad-of-128", ECB, 16, 3 * BLOCK },
    { "aes.ecb.nopad-of-256", ECB, 32, 3 * BLOCK },
};

/* What the token encrypts decrypts here; what is encrypted here, there. */
static enum sks_status both_ways(struct scene *scene, const struct cipher *row, struct bytes secret)
{
    const struct algorithm *algorithm = row_of(row->uri, ALGORITHM_CIPHER);
    struct check *check = scene->s.check;
    struct bytes data = check_draw_bytes(check, row->data), result;
    struct operation operation = { .method = AES, .algorithm = row->uri, .data = data };
    struct buf own = { 0 };
    enum sks_status rc;

    if (algorithm->iv == IV_IN_PARAMETERS)
        operation.parameters = check_draw_bytes(check, BLOCK);
    TRY(use_operate(scene->s.target, check, scene->key.handle, &operation, &result, SKS_OK));
    rc = aes_by_algorithm(algorithm, false, secret, operation.parameters, result, &own);
    TRY(expect_true(check, rc == SKS_OK, "symmetricKeyEncrypt: result", "what decrypts",
                    "bad padding, or another length"));
    TRY(expect_bytes(check, "symmetricKeyEncrypt: result, decrypted", data, buf_bytes(&own)));
    buf_reset(&own);
    TRY(aes_by_algorithm(algorithm, true, secret, operation.parameters, data, &own));
    operation.data = buf_bytes(&own);
    operation.decrypt = true;
    TRY(use_operate(scene->s.target, check, scene->key.handle, &operation, &result, SKS_OK));
    rc = expect_bytes(check, "symmetricKeyEncrypt: result of decryption", data, result);
out:
    buf_free(&own);
    return rc;
}

static enum sks_status ciphers(struct check *check, void *end, const void *from)
{
    const struct cipher *row = from;
    struct bytes secret = check_draw_bytes(check, row->key);
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(with_secret(&scene, end, check, secret));
    rc = both_ways(&scene, row, secret);
out:
    scene_free(&scene);
    return rc;
}

/* PIN first: whatever else is wrong, a wrong one is counted and a right one clears. */
static enum sks_status pin_first(struct check *check, void *end, const void *row)
{
    struct operation operation = { .method = SIGN, .algorithm = "http://unknown.example/" };
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, NULL));
    operation.pin = "0000";
    TRY(use_operate(end, check, scene.key.handle, &operation, NULL, SKS_ERROR_AUTHORIZATION));
    TRY(use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 1, 0));
    operation.pin = CONFORM_PIN;
    TRY(use_operate(end, check, scene.key.handle, &operation, NULL, SKS_ERROR_ALGORITHM));
    rc = use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 0, 0);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the list ---- */

#define OF_METHOD(name) "SKS " name "; wire 5"
#define AGREEMENT OF_METHOD("keyAgreement")

/* A case for each algorithm of one use, for keys of one kind. */
struct family {
    const char *group, *title, *section;
    unsigned use;
    enum key_kind kind;
    enum sks_status (*run)(struct check *check, void *end, const void *uri);
};

static const struct family FAMILIES[] = {
    { "rsa-signature", "a signature of an imported key verifies", OF_METHOD("signHashedData"),
      ALGORITHM_SIGNATURE, KEY_KIND_RSA, rsa_signs },
    { "rsa-decryption", "what OpenSSL encrypts the token decrypts",
      OF_METHOD("asymmetricKeyDecrypt"), ALGORITHM_DECRYPTION, KEY_KIND_RSA, decrypts },
    { "agreement", "both sides agree on one secret", AGREEMENT, ALGORITHM_KEY_GENERATION,
      KEY_KIND_EC, agrees },
    { "hmac", "the same HMAC as OpenSSL's", OF_METHOD("performHmac"), ALGORITHM_HMAC,
      KEY_KIND_SYMMETRIC, hmac },
};

static void add_family(struct cases *cases, const struct family *row)
{
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *algorithm = &ALGORITHMS[i];

        if ((algorithm->use & row->use) != 0 && algorithm->kind == row->kind)
            cases_add_row(
                cases, cases_text(cases, "%s.%s", row->group, strchr(algorithm->uri, '#') + 1),
                row->title, row->section, NEEDS(ALGORITHM_BIT + i), row->run, algorithm->uri);
    }
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_SHOULD, "signHashedData.pin-first", "the PIN is looked at before all else",
         OF_METHOD("signHashedData"), 0, pin_first, NULL),
    CASE(LEVEL_MUST, "keyAgreement.other-curve", "a public key of another curve", AGREEMENT, 0,
         does_not_agree, ALGORITHM_URI("ec.nist.p384")),
    OPEN_CASE("keyAgreement.rsa", "a public key of RSA", AGREEMENT, 0, does_not_agree,
              ALGORITHM_URI("rsa2048")),
};

void cases_of_results(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(FAMILIES); i++)
        add_family(cases, &FAMILIES[i]);
    for (size_t i = 0; i < NITEMS(CIPHERS); i++)
        cases_add_row(cases, cases_text(cases, "cipher.%s", CIPHERS[i].name),
                      "token and OpenSSL decrypt what the other has encrypted",
                      OF_METHOD("symmetricKeyEncrypt"), needs_algorithm(CIPHERS[i].uri), ciphers,
                      &CIPHERS[i]);
    cases_add(cases, &(struct conform_case)OPEN_CASE(
                         "signHashedData.ecdsa-by-ed25519", "ECDSA with an Ed25519 key",
                         OF_METHOD("signHashedData"), needs_algorithm(ALGORITHM_URI("ed25519")),
                         not_of_ec, ES256));
    cases_add(cases,
              &(struct conform_case)OPEN_CASE("keyAgreement.by-ed25519", "ECDH with an Ed25519 key",
                                              AGREEMENT, needs_algorithm(ALGORITHM_URI("ed25519")),
                                              not_of_ec, ALGORITHM_URI("ecdh.raw")));
    cases_add_all(cases, CASES, NITEMS(CASES));
}
