#include "keygen2/base/base64.h"
#include "keygen2/message/keygen2.h"

#include <criterion/criterion.h>
#include <string.h>

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

enum { P256, P384, P521, P256K1, BRAINPOOL, RSA1024, RSA2048, RSA3072, RSA4096, ED25519 };

static json_t *load_keys(void)
{
    json_error_t error;
    json_t *data = json_load_file(TEST_DATA "/public-keys.json", 0, &error);
    json_t *keys = json_incref(json_object_get(data, "keys"));

    cr_assert_not_null(keys, "%s", error.text);
    json_decref(data);
    return keys;
}

static enum sks_status decode(const json_t *jwk, struct bytes *spki, struct arena *arena,
                              struct sks_error *err)
{
    const struct json_place at = { NULL, "key", 0 };
    struct json_reader reader = { .arena = arena, .err = err };

    return KEYGEN2_JWK.decode(&reader, &at, jwk, spki);
}

static void expect_spki(const json_t *jwk, const char *expected)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct bytes spki = { 0 };
    struct buf text = { 0 };

    cr_assert(decode(jwk, &spki, &arena, &err) == SKS_OK, "%s", err.text);
    base64url_encode(&text, spki);
    cr_expect(bytes_equal(buf_bytes(&text), bytes_of(expected)));
    buf_free(&text);
    arena_free(&arena);
}

static void expect_jwk(const char *spki, const json_t *expected)
{
    struct buf der = { 0 }, text = { 0 };
    struct bytes key;
    json_t *jwk;

    cr_assert(base64url_decode(bytes_of(spki), &der) == SKS_OK);
    key = buf_bytes(&der);
    KEYGEN2_JWK.encode(&text, &key);
    cr_assert_eq(text.status, SKS_OK);
    jwk = json_loadb((const char *)text.ptr, text.len, 0, NULL);
    cr_expect(json_equal(jwk, expected));
    json_decref(jwk);
    buf_free(&text);
    buf_free(&der);
}

Test(jwk, every_kind_of_key_both_ways)
{
    json_t *keys = load_keys(), *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        json_t *jwk = json_object_get(key, "jwk"), *uri = json_object_get(key, "uri");
        const char *spki = json_string_value(json_object_get(key, "spki"));

        expect_spki(jwk, spki);
        expect_jwk(spki, jwk);
        if (uri != NULL) { /* the curve by its SKS name */
            json_object_set(jwk, "crv", uri);
            expect_spki(jwk, spki);
        }
    }
    cr_expect(i == ED25519 + 1);
    json_decref(keys);
}

struct edit {
    size_t key;
    const char *name;  /* of the member that is set */
    const char *value; /* JSON; NULL: it is removed */
    const char *error;
};

static const struct edit REFUSED[] = {
    { P256, "kty", NULL, "/key/kty: missing" },
    { P256, "kty", "null", "/key/kty: must be one of RSA, EC, OKP" },
    { P256, "kty", "\"oct\"", "/key/kty: must be one of RSA, EC, OKP" },
    { P256, "kty", "\"ec\"", "/key/kty: must be one of RSA, EC, OKP" },
    { P256, "kty", "\"RSA\"", "/key/n: missing" },
    { P256, "kty", "\"OKP\"", "/key/y: unknown property" },
    { P256, "kid", "\"1\"", "/key/kid: unknown property" },
    { P256, "alg", "\"ES256\"", "/key/alg: unknown property" },
    { P256, "d", "\"AA\"", "/key/d: unknown property" },
    { P256, "crv", NULL, "/key/crv: missing" },
    { P256, "crv", "256", "/key/crv: expected a string" },
    { P256, "crv", "\"P-384\"", "/key/x: must be 48 bytes" },
    { P256, "crv", "\"P-257\"", "/key/crv: unknown curve" },
    { P256, "crv", "\"prime256v1\"", "/key/crv: unknown curve" },
    { P256, "crv", "\"Ed25519\"", "/key/crv: unknown curve" },
    { P256, "crv", "\"https://webpki.github.io/sks/algorithm#rsa2048\"",
      "/key/crv: unknown curve" },
    { P256, "crv", "\"https://webpki.github.io/sks/algorithm#ec.nist.p224\"",
      "/key/crv: unknown curve" },
    { P256, "crv", "\"secp256k1\"", "/key: not a public key" },
    { P256, "y", NULL, "/key/y: missing" },
    { P256, "y", "null", "/key/y: expected a string" },
    { P256, "y", "\"\"", "/key/y: must be 32 bytes" },
    { P256, "y", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", "/key: not a public key" },
    { P256, "y", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", "/key/y: must be 32 bytes" },
    { P256, "x", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"", "/key/x: must be 32 bytes" },
    { P256, "x", "\"_____________________________________________w\"", "/key/x: must be 32 bytes" },
    { P256, "x", "\"__________________________________________8\"", "/key: not a public key" },
    { P256, "x", "\"a=\"", "/key/x: not base64url" },
    { RSA2048, "kty", "\"EC\"", "/key/crv: missing" },
    { RSA2048, "n", NULL, "/key/n: missing" },
    { RSA2048, "n", "\"AP__\"", "/key/n: has a leading zero" },
    { RSA2048, "n", "\"\"", "/key/n: must be 1-1024 bytes" },
    { RSA2048, "e", "\"AAEAAQ\"", "/key/e: has a leading zero" },
    { RSA2048, "e", "\"AA\"", "/key/e: has a leading zero" },
    { RSA2048, "e", "\"AQAAAAAAAAAB\"", "/key/e: must be 1-8 bytes" },
    { RSA2048, "e", "65537", "/key/e: expected a string" },
    { RSA2048, "crv", "\"P-256\"", "/key/crv: unknown property" },
    { RSA2048, "d", "\"AQ\"", "/key/d: unknown property" },
    { ED25519, "kty", "\"EC\"", "/key/y: missing" },
    { ED25519, "crv", "\"X25519\"", "/key/crv: unknown curve" },
    { ED25519, "crv", "\"P-256\"", "/key/crv: unknown curve" },
    { ED25519, "x", "\"AAAA\"", "/key/x: must be 32 bytes" },
    { ED25519, "y", "\"AAAA\"", "/key/y: unknown property" },
};

Test(jwk, refused)
{
    json_t *keys = load_keys();

    for (size_t i = 0; i < NITEMS(REFUSED); i++) {
        const struct edit *edit = &REFUSED[i];
        json_t *jwk = json_deep_copy(json_object_get(json_array_get(keys, edit->key), "jwk"));
        struct arena arena = { 0 };
        struct sks_error err = { 0 };
        struct bytes spki = { 0 };

        if (edit->value == NULL)
            json_object_del(jwk, edit->name);
        else
            json_object_set_new(jwk, edit->name, json_loads(edit->value, JSON_DECODE_ANY, NULL));
        cr_expect(decode(jwk, &spki, &arena, &err) == SKS_ERROR_OPTION, "%s", edit->error);
        cr_expect_str_eq(err.text, edit->error, "%zu: %s", i, err.text);
        json_decref(jwk);
        arena_free(&arena);
    }
    json_decref(keys);
}

Test(jwk, not_an_object)
{
    json_t *value[] = { json_string("AQAB"), json_null(), json_array(), json_integer(1) };

    for (size_t i = 0; i < NITEMS(value); i++) {
        struct sks_error err = { 0 };
        struct bytes spki = { 0 };

        cr_expect(decode(value[i], &spki, NULL, &err) == SKS_ERROR_OPTION);
        cr_expect_str_eq(err.text, "/key: expected an object");
        json_decref(value[i]);
    }
}

Test(jwk, encoding_nothing_and_nonsense)
{
    const struct bytes none = { 0 }, nonsense = bytes_of("nonsense");
    struct buf text = { 0 };

    KEYGEN2_JWK.encode(&text, &none);
    cr_expect(text.status == SKS_OK && text.len == 0);
    KEYGEN2_JWK.encode(&text, &nonsense);
    cr_expect(text.status != SKS_OK && text.len == 0);
    buf_free(&text);
}
