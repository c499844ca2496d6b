/* What the user's operations refuse: algorithms, data and parameters that do not go with a key. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include <string.h>

/* One octet more than cryptoDataSize of getDeviceInfo. */
#define TOO_MUCH SIZE_MAX

/* ---- refusals: an algorithm, data and parameters for a key ---- */

struct refusal {
    const char *name;
    enum material material;
    enum method_id method;
    const char *algorithm;
    size_t data, parameters;
    enum sks_status status;
    const char *endorsed; /* the key's; NULL: any */
    bool decrypt, biometric_auth;
};

#define WRONG_ALGORITHM SKS_ERROR_ALGORITHM
#define BAD SKS_ERROR_OPTION
#define FAILS SKS_ERROR_CRYPTO
#define ES256 XMLDSIG_MORE_URI("ecdsa-sha256")
#define RS256 XMLDSIG_MORE_URI("rsa-sha256")
#define HS256 XMLDSIG_MORE_URI("hmac-sha256")
#define A128 XMLENC_URI("aes128-cbc")
#define CBC ALGORITHM_URI("aes.cbc")
#define ECB ALGORITHM_URI("aes.ecb.nopad")
#define PKCS1 ALGORITHM_URI("rsa.es.pkcs1_5")
#define EC MATERIAL_P256
#define RSA_KEY MATERIAL_RSA
#define SECRET MATERIAL_SECRET
#define SIGN SIGN_HASHED_DATA
#define DECRYPT ASYMMETRIC_KEY_DECRYPT
#define AES SYMMETRIC_KEY_ENCRYPT

static const struct refusal REFUSALS[] = {
    { "algorithm-unknown", EC, SIGN, ALGORITHM_URI("ec.unknown"), 32, 0, WRONG_ALGORITHM, NULL, 0,
      0 },
    { "algorithm-empty", EC, SIGN, "", 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "algorithm-of-keys", EC, SIGN, ALGORITHM_URI("ec.nist.p256"), 32, 0, WRONG_ALGORITHM, NULL, 0,
      0 },
    { "algorithm-none", EC, SIGN, SKS_ALGORITHM_NONE, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "algorithm-of-agreement", EC, SIGN, ALGORITHM_URI("ecdh.raw"), 32, 0, WRONG_ALGORITHM, NULL,
      0, 0 },
    { "algorithm-of-rsa", EC, SIGN, RS256, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "algorithm-of-ec", RSA_KEY, SIGN, ES256, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "algorithm-of-secrets", EC, SIGN, HS256, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-secret", SECRET, SIGN, ES256, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "not-endorsed", EC, SIGN, ES256, 32, 0, WRONG_ALGORITHM, XMLDSIG_MORE_URI("ecdsa-sha384"), 0,
      0 },
    { "none-endorsed", EC, SIGN, ES256, 32, 0, WRONG_ALGORITHM, SKS_ALGORITHM_NONE, 0, 0 },
    { "hash-of-0", EC, SIGN, ES256, 0, 0, BAD, NULL, 0, 0 },
    { "hash-of-31", EC, SIGN, ES256, 31, 0, BAD, NULL, 0, 0 },
    { "hash-of-33", EC, SIGN, ES256, 33, 0, BAD, NULL, 0, 0 },
    { "hash-of-48-for-256", RSA_KEY, SIGN, RS256, 48, 0, BAD, NULL, 0, 0 },
    { "hash-of-32-for-512", EC, SIGN, XMLDSIG_MORE_URI("ecdsa-sha512"), 32, 0, BAD, NULL, 0, 0 },
    { "ecdsa-none-of-0", EC, SIGN, ALGORITHM_URI("ecdsa.none"), 0, 0, BAD, NULL, 0, 0 },
    { "ecdsa-none-of-65", EC, SIGN, ALGORITHM_URI("ecdsa.none"), 65, 0, BAD, NULL, 0, 0 },
    { "rsa-none-of-246", RSA_KEY, SIGN, ALGORITHM_URI("rsa.pkcs1.none"), 246, 0, BAD, NULL, 0, 0 },
    { "parameters", EC, SIGN, ES256, 32, 1, BAD, NULL, 0, 0 },
    { "data-too-big", EC, SIGN, ES256, TOO_MUCH, 0, BAD, NULL, 0, 0 },
    { "algorithm-unknown", RSA_KEY, DECRYPT, "http://unknown.example/", 256, 0, WRONG_ALGORITHM,
      NULL, 0, 0 },
    { "algorithm-of-signatures", RSA_KEY, DECRYPT, RS256, 256, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-ec", EC, DECRYPT, PKCS1, 256, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-secret", SECRET, DECRYPT, PKCS1, 256, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "not-endorsed", RSA_KEY, DECRYPT, PKCS1, 256, 0, WRONG_ALGORITHM, RS256, 0, 0 },
    { "data-of-255", RSA_KEY, DECRYPT, PKCS1, 255, 0, FAILS, NULL, 0, 0 },
    { "data-of-0", RSA_KEY, DECRYPT, PKCS1, 0, 0, FAILS, NULL, 0, 0 },
    { "data-of-257", RSA_KEY, DECRYPT, PKCS1, 257, 0, FAILS, NULL, 0, 0 },
    { "oaep-padding", RSA_KEY, DECRYPT, ALGORITHM_URI("rsa.oaep.sha256"), 256, 0, FAILS, NULL, 0,
      0 },
    { "parameters", RSA_KEY, DECRYPT, PKCS1, 256, 1, BAD, NULL, 0, 0 },
    { "algorithm-of-signatures", EC, KEY_AGREEMENT, ES256, 91, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-rsa", RSA_KEY, KEY_AGREEMENT, ALGORITHM_URI("ecdh.raw"), 91, 0, WRONG_ALGORITHM, NULL,
      0, 0 },
    { "not-endorsed", EC, KEY_AGREEMENT, ALGORITHM_URI("ecdh.raw"), 91, 0, WRONG_ALGORITHM, ES256,
      0, 0 },
    { "parameters", EC, KEY_AGREEMENT, ALGORITHM_URI("ecdh.raw"), 91, 1, BAD, NULL, 0, 0 },
    { "algorithm-of-ciphers", SECRET, PERFORM_HMAC, A128, 16, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "algorithm-of-signatures", SECRET, PERFORM_HMAC, ES256, 32, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-ec", EC, PERFORM_HMAC, HS256, 16, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "not-endorsed", SECRET, PERFORM_HMAC, HS256, 16, 0, WRONG_ALGORITHM,
      XMLDSIG_MORE_URI("hmac-sha512"), 0, 0 },
    { "parameters", SECRET, PERFORM_HMAC, HS256, 16, 1, BAD, NULL, 0, 0 },
    { "data-too-big", SECRET, PERFORM_HMAC, HS256, TOO_MUCH, 0, BAD, NULL, 0, 0 },
    { "algorithm-of-hmac", SECRET, AES, HS256, 16, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "key-is-ec", EC, AES, A128, 16, 0, WRONG_ALGORITHM, NULL, 0, 0 },
    { "not-endorsed", SECRET, AES, A128, 16, 0, WRONG_ALGORITHM, CBC, 0, 0 },
    { "parameters", SECRET, AES, A128, 16, 16, BAD, NULL, 0, 0 },
    { "iv-missing", SECRET, AES, CBC, 16, 0, BAD, NULL, 0, 0 },
    { "iv-of-15", SECRET, AES, CBC, 16, 15, BAD, NULL, 0, 0 },
    { "iv-of-17", SECRET, AES, CBC, 16, 17, BAD, NULL, 0, 0 },
    { "ecb-of-15", SECRET, AES, ECB, 15, 0, BAD, NULL, 0, 0 },
    { "ecb-with-iv", SECRET, AES, ECB, 16, 16, BAD, NULL, 0, 0 },
    { "decrypt-15", SECRET, AES, A128, 15, 0, BAD, NULL, true, 0 },
    { "decrypt-33", SECRET, AES, A128, 33, 0, BAD, NULL, true, 0 },
    { "decrypt-cbc-15", SECRET, AES, CBC, 15, 16, BAD, NULL, true, 0 },
    { "data-too-big", SECRET, AES, A128, TOO_MUCH, 0, BAD, NULL, 0, 0 },
};

/* Of these the texts say no number, or another one than the reference implementation. */
static const struct refusal OPEN_REFUSALS[] = {
    { "biometrics-for-none", EC, SIGN, ES256, 32, 0, BAD, NULL, 0, true },
    { "biometrics-for-none", RSA_KEY, DECRYPT, PKCS1, 256, 0, BAD, NULL, 0, true },
    { "key-of-16-for-192", SECRET, AES, XMLENC_URI("aes192-cbc"), 16, 0, BAD, NULL, 0, 0 },
    { "key-of-16-for-256", SECRET, AES, XMLENC_URI("aes256-cbc"), 16, 0, BAD, NULL, 0, 0 },
    { "publicKey-of-no-der", EC, KEY_AGREEMENT, ALGORITHM_URI("ecdh.raw"), 91, 0, FAILS, NULL, 0,
      0 },
    { "publicKey-empty", EC, KEY_AGREEMENT, ALGORITHM_URI("ecdh.raw"), 0, 0, FAILS, NULL, 0, 0 },
    { "decrypt-without-iv", SECRET, AES, A128, 0, 0, BAD, NULL, true, 0 },
};

/* Octets that no PKCS #1 decrypts to, nor any key has: all the same. */
static struct bytes same_octets(struct check *check, size_t len)
{
    uint8_t *octets = arena_alloc(&check->arena, len + 1, 1);

    if (octets != NULL)
        memset(octets, 1, len);
    return bytes_at(octets, octets == NULL ? 0 : len);
}

static enum sks_status refused(struct check *check, void *end, const void *from)
{
    const struct refusal *row = from;
    const struct target *target = end;
    size_t size = row->data == TOO_MUCH ? target->info.crypto_data_size + 1 : row->data;
    const struct change KEY[] = {
        { row->endorsed == NULL ? NULL : "endorsedAlgorithm", 0, row->endorsed, 0 }, { 0 }
    };
    struct scene_options options = { .no_pin = true, .material = row->material, .key = KEY };
    struct operation operation = { .method = row->method,
                                   .algorithm = row->algorithm,
                                   .decrypt = row->decrypt,
                                   .biometric_auth = row->biometric_auth,
                                   .data = same_octets(check, size),
                                   .parameters = same_octets(check, row->parameters) };
    struct scene scene = { 0 };
    enum sks_status rc;

    if (size > UINT16_MAX && sks_method((uint8_t)row->method)->in[5].type == WIRE_ARRAY)
        return check_skip(check, "a byte array cannot have more than cryptoDataSize");
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(use_operate(end, check, scene.key.handle, &operation, NULL, row->status));
    rc = use_expect_key(end, check, scene.key.handle, true);
out:
    scene_free(&scene);
    return rc;
}

static void add_all(struct cases *cases, const struct refusal *table, size_t count,
                    bool open_number)
{
    for (size_t i = 0; i < count; i++) {
        const struct refusal *row = &table[i];
        const char *method = target_method_name(row->method);
        const struct conform_case item = {
            .id = cases_text(cases, "%s.%s", method, row->name),
            .title = "an algorithm, data or parameters that do not go with the key",
            .section = cases_text(cases, "SKS %s; wire 5", method),
            .needs = needs_algorithm(row->algorithm) | needs_algorithm(row->endorsed),
            .open_number = open_number,
            .run = refused,
            .row = row,
        };

        cases_add(cases, &item);
    }
}

void cases_of_operations(struct cases *cases)
{
    add_all(cases, REFUSALS, NITEMS(REFUSALS), false);
    add_all(cases, OPEN_REFUSALS, NITEMS(OPEN_REFUSALS), true);
}
