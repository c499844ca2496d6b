#include "issuer/crl.h"
#include "issuer/der.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <openssl/x509v3.h>

enum {
    VERSION_2 = 1,  /* as X.509 numbers them */
    BACKDATE = 300, /* seconds that the clock of a relying party may be behind */
};

/* ---- one CRL ---- */

static bool add_reason(X509_REVOKED *revoked, uint8_t reason)
{
    ASN1_ENUMERATED *value;
    bool done;

    /* RFC 5280, 5.3.1: "unspecified" should not be said. */
    if (reason == REASON_UNSPECIFIED)
        return true;
    value = ASN1_ENUMERATED_new();
    done = value != NULL && ASN1_ENUMERATED_set(value, reason) &&
           X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, value, 0, 0) > 0;
    ASN1_ENUMERATED_free(value);
    return done;
}

static ASN1_INTEGER *integer_of(struct bytes magnitude)
{
    BIGNUM *number = BN_bin2bn(magnitude.ptr, (int)magnitude.len, NULL);
    ASN1_INTEGER *integer = number == NULL ? NULL : BN_to_ASN1_INTEGER(number, NULL);

    BN_free(number);
    return integer;
}

static bool add_entry(X509_CRL *crl, const struct crl_entry *entry)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_INTEGER *serial = integer_of(entry->serial);
    ASN1_TIME *at = ASN1_TIME_adj(NULL, entry->at, 0, 0);
    bool done = revoked != NULL && serial != NULL && at != NULL &&
                X509_REVOKED_set_serialNumber(revoked, serial) &&
                X509_REVOKED_set_revocationDate(revoked, at) && add_reason(revoked, entry->reason);

    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(at);
    if (!done || !X509_CRL_add0_revoked(crl, revoked)) {
        X509_REVOKED_free(revoked);
        return false;
    }
    return true;
}

static bool set_times(X509_CRL *crl, int64_t now, uint32_t life)
{
    ASN1_TIME *this_update = ASN1_TIME_adj(NULL, now - BACKDATE, 0, 0);
    ASN1_TIME *next_update = ASN1_TIME_adj(NULL, now + life, 0, 0);
    bool done = this_update != NULL && next_update != NULL &&
                X509_CRL_set1_lastUpdate(crl, this_update) &&
                X509_CRL_set1_nextUpdate(crl, next_update);

    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    return done;
}

static bool add_extensions(X509_CRL *crl, X509 *ca, int64_t number)
{
    ASN1_INTEGER *crl_number = ASN1_INTEGER_new();
    X509_EXTENSION *key_id;
    X509V3_CTX ctx = { 0 };
    bool done;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, ca, NULL, NULL, NULL, 0);
    key_id = X509V3_EXT_nconf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    done = crl_number != NULL && key_id != NULL && ASN1_INTEGER_set_int64(crl_number, number) &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, crl_number, 0, 0) > 0 &&
           X509_CRL_add_ext(crl, key_id, -1);
    ASN1_INTEGER_free(crl_number);
    X509_EXTENSION_free(key_id);
    return done;
}

static void put_crl(struct buf *out, const X509_CRL *crl)
{
    uint8_t *der = NULL;
    int len = i2d_X509_CRL(crl, &der);

    if (len > 0)
        put_raw(out, bytes_at(der, (size_t)len));
    else if (out->status == SKS_OK)
        out->status = SKS_ERROR_CRYPTO;
    OPENSSL_free(der);
}

enum sks_status crl_make(const struct ca *ca, const struct crl_entry *entry, size_t count,
                         int64_t number, int64_t now, uint32_t life, struct buf *der)
{
    const uint8_t *p = ca->certificate.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)ca->certificate.len);
    X509_CRL *crl = X509_CRL_new();
    enum sks_status rc = SKS_OK;

    REQUIRE(certificate != NULL && crl != NULL && X509_CRL_set_version(crl, VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(certificate)) &&
                set_times(crl, now, life) && add_extensions(crl, certificate, number),
            NULL, SKS_ERROR_CRYPTO, "no CRL");
    for (size_t i = 0; i < count; i++)
        REQUIRE(add_entry(crl, &entry[i]), NULL, SKS_ERROR_CRYPTO, "no CRL");
    REQUIRE(X509_CRL_sort(crl) &&
                X509_CRL_sign(crl, EVP_PKEY_CTX_get0_pkey(ca->sign), EVP_sha256()) > 0,
            NULL, SKS_ERROR_CRYPTO, "no CRL");
    put_crl(der, crl);
    rc = der->status;
out:
    X509_CRL_free(crl);
    X509_free(certificate);
    return rc;
}

/* ---- the one of now ---- */

static bool is_current(const struct crl_cache *cache, int64_t revision, int64_t now)
{
    return cache->der.len > 0 && cache->revision == revision && now >= cache->made &&
           now - cache->made < (cache->life + 1) / 2;
}

/* With the lock. */
static enum sks_status renew(struct crl_cache *cache, const struct ca *ca,
                             struct session_store *store, int64_t now, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct crl_entry *entry;
    struct buf der = { 0 };
    int64_t number = 0, revision = 0;
    size_t count;
    enum sks_status rc;

    /* RFC 5280, 3.3: an entry stays until one CRL behind the end of its certificate. */
    TRY(revocation_entries(store, now - cache->life, &arena, &number, &revision, &entry, &count,
                           err));
    rc = crl_make(ca, entry, count, number, now, cache->life, &der);
    REQUIRE(rc == SKS_OK, err, rc, "the CRL cannot be made");
    buf_free(&cache->der);
    cache->der = der;
    cache->revision = revision;
    cache->made = now;
    log_info("CRL number %lld made: %zu entries, %zu bytes", (long long)number, count, der.len);
out:
    if (rc != SKS_OK)
        buf_free(&der);
    arena_free(&arena);
    return rc;
}

enum sks_status crl_current(struct crl_cache *cache, const struct ca *ca,
                            struct session_store *store, struct buf *der, struct sks_error *err)
{
    int64_t now = clock_now(), revision;
    enum sks_status rc;

    TRY(session_store_expire(store, now, err));
    (void)pthread_mutex_lock(&cache->lock);
    rc = revocation_revision(store, &revision, err);
    if (rc == SKS_OK && !is_current(cache, revision, now))
        rc = renew(cache, ca, store, now, err);
    if (rc == SKS_OK)
        put_raw(der, buf_bytes(&cache->der));
    (void)pthread_mutex_unlock(&cache->lock);
    TRY(rc);
    TRY(sks_explain(err, der->status));
out:
    return rc;
}

bool crl_is_stale(struct crl_cache *cache, struct session_store *store)
{
    int64_t revision;
    bool stale = true;

    if (pthread_mutex_trylock(&cache->lock) != 0)
        return true; /* a new one is being made */
    if (revocation_revision(store, &revision, NULL) == SKS_OK)
        stale = !is_current(cache, revision, clock_now());
    (void)pthread_mutex_unlock(&cache->lock);
    return stale;
}

void crl_free(struct crl_cache *cache)
{
    buf_free(&cache->der);
}

/* ---- in certificates ---- */

/* RFC 5280, 4.2.1.13: a sequence of one DistributionPoint, its fullName one URI; from inside. */
void put_crl_distribution_point(struct buf *out, const char *url)
{
    static const struct {
        int tag, tag_class;
        bool constructed;
    } LEVELS[] = {
        { 6, V_ASN1_CONTEXT_SPECIFIC, false },       /* uniformResourceIdentifier */
        { 0, V_ASN1_CONTEXT_SPECIFIC, true },        /* fullName */
        { 0, V_ASN1_CONTEXT_SPECIFIC, true },        /* distributionPoint */
        { V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true }, /* DistributionPoint */
        { V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true }, /* CRLDistributionPoints */
    };
    struct buf level[NITEMS(LEVELS)] = { 0 };
    struct bytes inner = bytes_of(url);

    for (size_t i = 0; i < NITEMS(LEVELS); i++) {
        put_der(&level[i], LEVELS[i].tag, LEVELS[i].tag_class, LEVELS[i].constructed, inner);
        inner = buf_bytes(&level[i]);
        if (level[i].status != SKS_OK)
            out->status = level[i].status;
    }
    put_der_extension(out, NID_crl_distribution_points, inner);
    for (size_t i = 0; i < NITEMS(LEVELS); i++)
        buf_free(&level[i]);
}
