#include "tests/fuzz/support/made_keys.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "tests/plain/support/enrol.h"

#include <stdio.h>
#include <string.h>

#define SKS_URI "https://webpki.github.io/sks/algorithm#"
#define NAME "Certificate "
#define NUMBER "00000000"

static const char *const URI[MADE_ALL] = { SKS_URI "ec.nist.p256", SKS_URI "ed25519",
                                           SKS_URI "rsa1024", SKS_URI "rsa2048" };

static struct made {
    EVP_PKEY *pkey;
    struct buf spki;
    struct bytes pkcs8;
    struct bytes certificate; /* the model of all others */
} made[MADE_ALL];
static struct arena made_arena;

static struct bytes pkcs8_of(EVP_PKEY *pkey)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    uint8_t *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    struct bytes copy;

    must(len > 0, "PKCS #8");
    copy = arena_copy(&made_arena, bytes_at(der, (size_t)len));
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return copy;
}

void make_keys(void)
{
    const struct own_certificate what = { .common_name = NAME NUMBER, .days = 1 };
    X509 *x509;

    for (size_t i = 0; i < MADE_ALL; i++) {
        struct made *m = &made[i];

        must(private_key_generate(algorithm_by_uri(bytes_of(URI[i]), ALGORITHM_KEY_GENERATION),
                                  (struct bytes){ 0 }, &m->pkey) == SKS_OK &&
                 put_pkey(&m->spki, m->pkey) == SKS_OK &&
                 own_certificate_make(&what, m->pkey, NULL, made_key(MADE_P256), &x509, NULL) ==
                     SKS_OK,
             URI[i]);
        m->pkcs8 = pkcs8_of(m->pkey);
        m->certificate = certificate_der(&made_arena, x509);
        X509_free(x509);
    }
}

EVP_PKEY *made_key(enum made_key which)
{
    return made[which].pkey;
}

struct bytes made_public_key(enum made_key which)
{
    return buf_bytes(&made[which].spki);
}

struct bytes made_pkcs8(enum made_key which)
{
    return made[which].pkcs8;
}

struct bytes made_signature(EVP_PKEY *key, struct bytes data)
{
    static struct {
        const EVP_PKEY *key;
        struct buf data, signature;
    } cache[256], *entry;
    uint8_t hash[32];

    must(EVP_Digest(data.ptr, data.len, hash, NULL, EVP_sha256(), NULL) > 0, "hash");
    entry = &cache[hash[0]];
    if (entry->key != key || !bytes_equal(buf_bytes(&entry->data), data)) {
        buf_reset(&entry->data);
        buf_reset(&entry->signature);
        entry->key = key;
        put_raw(&entry->data, data);
        must(sign_sha256(key, data, &entry->signature) == SKS_OK, "signature");
    }
    return buf_bytes(&entry->signature);
}

/* Overwrites each place that has the old bytes. */
static void replace(uint8_t *der, size_t size, struct bytes old, struct bytes new)
{
    const uint8_t *end = der + size;

    while ((der = memmem(der, (size_t)(end - der), old.ptr, old.len)) != NULL) {
        memcpy(der, new.ptr, new.len);
        der += new.len;
    }
}

/* The token looks at no signature of a path: so key and name are written over. */
struct bytes made_certificate(struct bytes spki, struct arena *arena)
{
    static unsigned number;
    const struct made *m = NULL;
    char name[sizeof NUMBER];
    uint8_t *copy;

    for (size_t i = 0; i < MADE_KEYS && m == NULL; i++)
        if (made[i].spki.len == spki.len)
            m = &made[i];
    must(m != NULL, "a certificate for such a key");
    copy = arena_alloc(arena, m->certificate.len, 1);
    must(copy != NULL, "memory");
    memcpy(copy, m->certificate.ptr, m->certificate.len);
    (void)snprintf(name, sizeof name, "%08X", ++number);
    replace(copy, m->certificate.len, buf_bytes(&m->spki), spki);
    replace(copy, m->certificate.len, bytes_of(NUMBER), bytes_of(name));
    return bytes_at(copy, m->certificate.len);
}
