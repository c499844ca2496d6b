#include "issuer/server_keys.h"

#include <criterion/criterion.h>

static const struct algorithm *rsa(const char *uri)
{
    return algorithm_by_uri(bytes_of(uri), ALGORITHM_KEY_GENERATION);
}

#define RSA_2048 rsa("https://webpki.github.io/sks/algorithm#rsa2048")
#define RSA_3072 rsa("https://webpki.github.io/sks/algorithm#rsa3072")

static EVP_PKEY *take(struct server_keys *keys, const struct algorithm *algorithm)
{
    struct sks_error err = { 0 };
    EVP_PKEY *key;

    cr_assert_eq(server_keys_take(keys, algorithm, &key, &err), SKS_OK);
    cr_assert_eq(EVP_PKEY_get_bits(key), algorithm->size);
    return key;
}

/* From the pool or not, each is another; and of a size that no profile asked for as well. */
Test(server_keys, none_twice)
{
    struct profile profiles[] = { { .server_key = NULL }, { .server_key = RSA_2048 } };
    const struct profile_list list = { .item = profiles, .count = NITEMS(profiles) };
    struct sks_error err = { 0 };
    struct server_keys *keys;
    EVP_PKEY *key[4];

    cr_assert_eq(server_keys_new(&list, 1, &keys, &err), SKS_OK);
    for (size_t i = 0; i < NITEMS(key); i++) {
        key[i] = take(keys, i < 3 ? RSA_2048 : RSA_3072);
        for (size_t j = 0; j < i; j++)
            cr_expect_neq(EVP_PKEY_eq(key[i], key[j]), 1);
    }
    for (size_t i = 0; i < NITEMS(key); i++)
        EVP_PKEY_free(key[i]);
    server_keys_free(keys);
}

Test(server_keys, stopped)
{
    const struct profile_list none = { 0 };
    struct sks_error err = { 0 };
    struct server_keys *keys;
    EVP_PKEY *key;

    server_keys_stop(NULL);
    cr_assert_eq(server_keys_new(&none, 0, &keys, &err), SKS_OK);
    server_keys_stop(keys);
    cr_expect_eq(server_keys_take(keys, RSA_2048, &key, &err), SKS_ERROR_NOT_AVAILABLE);
    cr_expect_null(key);
    server_keys_free(keys);
}

struct made {
    size_t count;
    EVP_PKEY *key;
};

static enum sks_status deal(void *ctx, const struct algorithm *algorithm, struct bytes exponent,
                            EVP_PKEY **pkey)
{
    struct made *made = ctx;

    made->count++;
    *pkey = NULL;
    if (algorithm != RSA_2048 || exponent.len > 0)
        return SKS_ERROR_CRYPTO;
    EVP_PKEY_up_ref(made->key);
    *pkey = made->key;
    return SKS_OK;
}

/* Whoever makes them may deal one twice. */
Test(server_keys, by_somebody_else)
{
    struct sks_error err = { 0 };
    struct made made = { 0, take(NULL, RSA_2048) };
    const struct key_maker maker = { deal, &made };
    struct server_keys *keys;
    EVP_PKEY *key;

    cr_assert_eq(server_keys_by(&maker, &keys, &err), SKS_OK);
    for (size_t i = 1; i < 3; i++) {
        key = take(keys, RSA_2048);
        cr_expect_eq(key, made.key);
        cr_expect_eq(made.count, i);
        EVP_PKEY_free(key);
    }
    cr_expect_neq(server_keys_take(keys, RSA_3072, &key, &err), SKS_OK, "it cannot");
    cr_expect_null(key);
    server_keys_free(keys);
    EVP_PKEY_free(made.key);
}

Test(server_keys, without_a_pool)
{
    const struct profile_list none = { 0 };
    struct sks_error err = { 0 };
    struct server_keys *keys;

    cr_assert_eq(server_keys_new(&none, 0, &keys, &err), SKS_OK);
    EVP_PKEY_free(take(keys, RSA_2048));
    EVP_PKEY_free(take(NULL, RSA_2048));
    server_keys_free(keys);
    server_keys_free(NULL);
}
