#include "token/command/algorithm.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/public_key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a key of a kind is best used with, if it may be. */
static const struct {
    unsigned use;
    enum key_kind kind;
    const char *name;
} BEST[] = {
    { ALGORITHM_SIGNATURE, KEY_KIND_RSA, "rsa-sha256" },
    { ALGORITHM_SIGNATURE, KEY_KIND_EC, "ecdsa-sha256" },
    { ALGORITHM_SIGNATURE, KEY_KIND_ED25519, "ed25519" },
    { ALGORITHM_DECRYPTION, KEY_KIND_RSA, "rsa.oaep.sha256" },
    { ALGORITHM_AGREEMENT, KEY_KIND_EC, "ecdh.raw" },
    { ALGORITHM_HMAC, KEY_KIND_SYMMETRIC, "hmac-sha256" },
};

/* The part of a URI behind the '#': short, and different for all algorithms. */
static const char *short_name(const struct algorithm *algorithm)
{
    const char *hash = strrchr(algorithm->uri, '#');

    return hash == NULL ? algorithm->uri : hash + 1;
}

static const struct algorithm *by_name(const char *name, unsigned use)
{
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *row = &ALGORITHMS[i];

        if ((row->use & use) != 0 &&
            (strcmp(row->uri, name) == 0 || strcasecmp(short_name(row), name) == 0 ||
             (row->jose != NULL && strcasecmp(row->jose, name) == 0)))
            return row;
    }
    return NULL;
}

static enum sks_status refuse_name(const char *name, unsigned use, struct sks_error *err)
{
    char known[400] = "";
    size_t len = 0;

    for (size_t i = 0; i < ALGORITHMS_COUNT && len < sizeof known; i++)
        if ((ALGORITHMS[i].use & use) != 0)
            len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", len == 0 ? "" : ", ",
                                    short_name(&ALGORITHMS[i]));
    return sks_fail(err, SKS_ERROR_OPTION,
                    "--algorithm %s: there is none of that name; there are %s", name, known);
}

static enum key_kind kind_of(const struct key_attributes_out *key)
{
    struct buf spki = { 0 };
    struct public_key parts;
    enum key_kind kind = KEY_KIND_NONE;

    if (key->symmetric_key_length > 0)
        return KEY_KIND_SYMMETRIC;
    if (key->certificate_path.count > 0 &&
        put_certificate_key(&spki, key->certificate_path.item[0]) == SKS_OK &&
        public_key_parse(buf_bytes(&spki), &parts) == SKS_OK)
        kind = parts.kind;
    buf_free(&spki);
    return kind;
}

static bool may_use(const struct key_attributes_out *key, const struct algorithm *algorithm)
{
    return aes_key_fits(algorithm, key->symmetric_key_length) &&
           algorithm_is_endorsed(&key->endorsed_algorithms, bytes_of(algorithm->uri));
}

static const struct algorithm *best(const struct key_attributes_out *key, unsigned use)
{
    const struct algorithm *found = NULL;
    enum key_kind kind = kind_of(key);

    for (size_t i = 0; i < NITEMS(BEST); i++)
        if ((BEST[i].use & use) != 0 && BEST[i].kind == kind)
            found = by_name(BEST[i].name, BEST[i].use);
    if (found != NULL && may_use(key, found))
        return found;
    for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
        const struct algorithm *row = &ALGORITHMS[i];

        if ((row->use & use) != 0 && row->kind == kind && may_use(key, row))
            return row;
    }
    return NULL;
}

bool may_be_used_for(const struct key_attributes_out *key, unsigned use)
{
    return best(key, use) != NULL;
}

enum sks_status choose_algorithm(const struct key_attributes_out *key, unsigned use,
                                 const char *name, const struct algorithm **algorithm,
                                 struct sks_error *err)
{
    *algorithm = name == NULL ? best(key, use) : by_name(name, use);
    if (*algorithm != NULL)
        return SKS_OK;
    if (name != NULL)
        return refuse_name(name, use, err);
    return sks_fail(err, SKS_ERROR_ALGORITHM, "the key has no algorithm for this operation");
}
