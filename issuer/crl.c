#include "issuer/crl.h"
#include "issuer/der.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <openssl/objects.h>

/* ---- one CRL ---- */

/* DER: a positive number has a zero in front where its first bit is set. */
static void put_integer(struct buf *out, struct bytes magnitude)
{
    struct buf number = { 0 };

    if (magnitude.len == 0 || magnitude.ptr[0] >= 0x80)
        put_byte(&number, 0);
    put_raw(&number, magnitude);
    put_der(out, V_ASN1_INTEGER, V_ASN1_UNIVERSAL, false, buf_bytes(&number));
    buf_free(&number);
}

/* RFC 5280, 5.3.1: "unspecified" should not be said. */
static void put_reason(struct buf *out, uint8_t reason)
{
    static const uint8_t START[] = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55,
                                     0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01 };

    if (reason == REASON_UNSPECIFIED)
        return;
    put_raw(out, bytes_at(START, sizeof START));
    put_byte(out, reason);
}

void put_crl_entry(struct buf *out, const struct crl_entry *entry)
{
    struct buf parts = { 0 };

    put_integer(&parts, entry->serial);
    put_certificate_time(&parts, entry->at);
    put_reason(&parts, entry->reason);
    put_sequence(out, buf_bytes(&parts));
    if (out->status == SKS_OK)
        out->status = parts.status;
    buf_free(&parts);
}

static void put_extensions(struct buf *out, const struct ca *ca, int64_t number)
{
    struct buf value = { 0 }, octets = { 0 }, list = { 0 }, sequence = { 0 };
    struct bytes magnitude;

    put_ulong(&octets, (uint64_t)number);
    magnitude = buf_bytes(&octets);
    while (magnitude.len > 1 && magnitude.ptr[0] == 0)
        magnitude = bytes_at(magnitude.ptr + 1, magnitude.len - 1);
    put_integer(&value, magnitude);
    put_raw(&list, ca->authority_key_id);
    put_der_extension(&list, NID_crl_number, buf_bytes(&value));
    put_sequence(&sequence, buf_bytes(&list));
    put_der(out, 0, V_ASN1_CONTEXT_SPECIFIC, true, buf_bytes(&sequence));
    if (out->status == SKS_OK)
        out->status = sequence.status;
    buf_free(&value);
    buf_free(&octets);
    buf_free(&list);
    buf_free(&sequence);
}

/* RFC 5280, 5.1: TBSCertList. Written by hand: OpenSSL takes 40 microseconds an entry. */
enum sks_status crl_make(const struct ca *ca, struct bytes entries, int64_t number, int64_t now,
                         uint32_t life, struct buf *der)
{
    static const uint8_t VERSION_2[] = { 0x02, 0x01, 0x01 };
    struct buf parts = { 0 }, tbs = { 0 };
    enum sks_status rc;

    put_raw(&parts, bytes_at(VERSION_2, sizeof VERSION_2));
    put_raw(&parts, ca->algorithm);
    put_raw(&parts, ca->name);
    put_certificate_time(&parts, now - CA_BACKDATE);
    put_certificate_time(&parts, now + life);
    if (entries.len > 0)
        put_sequence(&parts, entries);
    put_extensions(&parts, ca, number);
    TRY(parts.status);
    put_sequence(&tbs, buf_bytes(&parts));
    TRY(tbs.status);
    TRY(ca_sign(ca, buf_bytes(&tbs), der));
out:
    buf_free(&parts);
    buf_free(&tbs);
    return rc;
}

/* ---- the one of now ---- */

static bool is_current(const struct crl_cache *cache, int64_t revision, int64_t now)
{
    return cache->der.len > 0 && cache->revision == revision && now >= cache->made &&
           now - cache->made < (cache->life + 1) / 2;
}

struct collected {
    struct buf entries;
    size_t count;
};

static void collect(void *ctx, const struct crl_entry *entry)
{
    struct collected *collected = ctx;

    put_crl_entry(&collected->entries, entry);
    collected->count++;
}

/* With the lock. */
static enum sks_status renew(struct crl_cache *cache, const struct ca *ca,
                             struct session_store *store, int64_t now, struct sks_error *err)
{
    struct collected collected = { 0 };
    struct buf der = { 0 };
    int64_t number = 0, revision = 0;
    enum sks_status rc;

    /* RFC 5280, 3.3: an entry stays until one CRL behind the end of its certificate. */
    TRY(revocation_entries(store, now - cache->life, collect, &collected, &number, &revision, err));
    TRY(sks_explain(err, collected.entries.status));
    rc = crl_make(ca, buf_bytes(&collected.entries), number, now, cache->life, &der);
    REQUIRE(rc == SKS_OK, err, rc, "the CRL cannot be made");
    buf_free(&cache->der);
    cache->der = der;
    cache->revision = revision;
    cache->made = now;
    log_info("CRL number %lld made: %zu entries, %zu bytes", (long long)number, collected.count,
             der.len);
out:
    if (rc != SKS_OK)
        buf_free(&der);
    buf_free(&collected.entries);
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

/* RFC 5280, 4.2.1.13: CRLDistributionPoints with one DistributionPoint, its fullName one URI; from
 * outside. Each certificate has it, so it is written in one go: lengths first, from inside. */
void put_crl_distribution_point(struct buf *out, const char *url)
{
    enum { URI = 6, LEVELS = 7, OBJECT_ID = 5 /* bytes of id-ce-cRLDistributionPoints, DER */ };
    static const struct {
        int tag, tag_class, constructed;
    } LEVEL[LEVELS] = {
        { V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1 },     /* Extension */
        { V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, 0 }, /* extnValue */
        { V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1 },     /* CRLDistributionPoints */
        { V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1 },     /* DistributionPoint */
        { 0, V_ASN1_CONTEXT_SPECIFIC, 1 },            /* distributionPoint */
        { 0, V_ASN1_CONTEXT_SPECIFIC, 1 },            /* fullName */
        { URI, V_ASN1_CONTEXT_SPECIFIC, 0 },
    };
    static const uint8_t ID[OBJECT_ID] = { 0x06, 0x03, 0x55, 0x1d, 0x1f };
    struct bytes text = bytes_of(url);
    int length[LEVELS];

    for (int i = LEVELS; i-- > 0;) {
        int inner = i == LEVELS - 1 ? (int)text.len
                                    : ASN1_object_size(LEVEL[i + 1].constructed, length[i + 1],
                                                       LEVEL[i + 1].tag);

        length[i] = inner + (i == 0 ? OBJECT_ID : 0);
    }
    for (int i = 0; i < LEVELS; i++) {
        uint8_t header[16], *p = header;

        ASN1_put_object(&p, LEVEL[i].constructed, length[i], LEVEL[i].tag, LEVEL[i].tag_class);
        put_raw(out, bytes_at(header, (size_t)(p - header)));
        if (i == 0)
            put_raw(out, bytes_at(ID, sizeof ID));
    }
    put_raw(out, text);
}
