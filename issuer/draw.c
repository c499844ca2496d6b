#include "issuer/draw.h"
#include "keygen2/base/clock.h"
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/x509.h>
#include <string.h>

enum {
    TRIES_MAX = 1000, /* of a PIN, until one obeys its policy */
    PIN_LENGTH = 6,   /* where the policy allows it */
};

/* Characters that the SKS formats allow; enough of them for a value that nobody guesses. */
static const struct {
    const char *alphabet;
    size_t puk_length;
} DRAWN[] = {
    [FORMAT_NUMERIC] = { "0123456789", 10 },
    [FORMAT_ALPHANUMERIC] = { "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 12 },
    [FORMAT_STRING] = { "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-+", 14 },
    [FORMAT_BINARY] = { NULL, 16 },
};

static enum sks_status draw_characters(uint8_t format, size_t length, struct buf *out)
{
    const char *alphabet = DRAWN[format].alphabet;
    size_t letters = alphabet == NULL ? 256 : strlen(alphabet);
    enum sks_status rc = SKS_OK;

    while (out->len < length) {
        uint8_t byte;

        TRY(random_bytes(&byte, 1));
        if (byte >= 256 - 256 % letters) /* else some letters came more often */
            continue;
        put_byte(out, alphabet == NULL ? byte : (uint8_t)alphabet[byte % letters]);
        TRY(out->status);
    }
out:
    return rc;
}

enum sks_status draw_puk(uint8_t format, struct buf *puk)
{
    return draw_characters(format, DRAWN[format].puk_length, puk);
}

/* ---- preset PINs ---- */

static int group_of(const struct pin_profile *policy, size_t i)
{
    const struct key_profile *key = policy->keys.item;

    return pin_group(policy->policy.grouping, key[i].key.app_usage);
}

/* The key of the same group whose PIN is known already, else `count`. */
static size_t find_same_group(const struct pin_profile *policy, const struct buf *pins, size_t i)
{
    int group = group_of(policy, i);
    size_t j = 0;

    while (j < policy->keys.count &&
           (group < 0 || j == i || pins[j].len == 0 || group_of(policy, j) != group))
        j++;
    return j;
}

static bool is_taken(const struct pin_profile *policy, const struct buf *pins, size_t i)
{
    if (group_of(policy, i) < 0)
        return false;
    for (size_t j = 0; j < policy->keys.count; j++)
        if (j != i && group_of(policy, j) != group_of(policy, i) &&
            bytes_equal_secret(buf_bytes(&pins[j]), buf_bytes(&pins[i])))
            return true;
    return false;
}

static enum sks_status draw_pin(const struct pin_profile *policy, struct buf *pins, size_t i)
{
    const struct pin_policy *rules = &policy->policy;
    size_t length = PIN_LENGTH;
    enum sks_status rc = SKS_OK;

    if (length < rules->min_length)
        length = rules->min_length;
    if (length > rules->max_length)
        length = rules->max_length;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        buf_reset(&pins[i]);
        TRY(draw_characters(rules->format, length, &pins[i]));
        if (pin_violation(rules, buf_bytes(&pins[i])) == NULL && !is_taken(policy, pins, i))
            return SKS_OK;
    }
    rc = SKS_ERROR_OPTION;
out:
    return rc;
}

enum sks_status draw_pins(const struct pin_profile *policy, struct buf *pins)
{
    const struct key_profile *key = policy->keys.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < policy->keys.count; i++)
        put_raw(&pins[i], key[i].pin);
    for (size_t i = 0; i < policy->keys.count; i++) {
        size_t same = find_same_group(policy, pins, i);

        TRY(pins[i].status);
        if (pins[i].len > 0)
            continue;
        if (same < policy->keys.count)
            put_raw(&pins[i], buf_bytes(&pins[same]));
        else
            TRY(draw_pin(policy, pins, i));
        TRY(pins[i].status);
    }
out:
    return rc;
}

/* ---- private keys ---- */

enum sks_status draw_key(const struct key_maker *maker, const struct key_profile *key,
                         struct arena *arena, struct buf *pkcs8, struct bytes *spki)
{
    PKCS8_PRIV_KEY_INFO *info = NULL;
    struct buf public_key = { 0 };
    EVP_PKEY *pkey = NULL;
    uint8_t *der = NULL;
    int len = 0;
    enum sks_status rc;

    TRY(key_maker_make(maker, key->algorithm, key->key.key_parameters, &pkey));
    TRY(put_pkey(&public_key, pkey));
    *spki = arena_copy(arena, buf_bytes(&public_key));
    info = EVP_PKEY2PKCS8(pkey);
    len = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    if (len > 0)
        put_raw(pkcs8, bytes_at(der, (size_t)len));
    rc = len <= 0 ? SKS_ERROR_CRYPTO : spki->ptr == NULL ? SKS_ERROR_STORAGE : pkcs8->status;
out:
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(pkey);
    buf_free(&public_key);
    return rc;
}
