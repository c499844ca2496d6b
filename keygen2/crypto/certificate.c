#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/fetched.h"

#include <openssl/provider.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* A library context that can decode no key, so that d2i_X509() does not try. */
static OSSL_LIB_CTX *keyless;
static OSSL_PROVIDER *keyless_provider;
static pthread_mutex_t keyless_guard = PTHREAD_MUTEX_INITIALIZER;

static void free_keyless(void)
{
    OSSL_PROVIDER_unload(keyless_provider);
    OSSL_LIB_CTX_free(keyless);
}

/* Without memory there is none yet: NULL is the usual context, which is slower. */
static OSSL_LIB_CTX *keyless_context(void)
{
    OSSL_LIB_CTX *context;

    (void)pthread_mutex_lock(&keyless_guard);
    if (keyless == NULL && (keyless = OSSL_LIB_CTX_new()) != NULL) {
        keyless_provider = OSSL_PROVIDER_load(keyless, "null");
        if (keyless_provider == NULL || atexit(free_keyless) != 0) {
            free_keyless();
            keyless = NULL;
            keyless_provider = NULL;
        }
    }
    context = keyless;
    (void)pthread_mutex_unlock(&keyless_guard);
    return context;
}

static enum sks_status decode(struct bytes der, X509 *empty, X509 **x509)
{
    const uint8_t *p = der.ptr;

    *x509 = NULL;
    if (empty == NULL)
        return SKS_ERROR_STORAGE;
    if (der.len > INT32_MAX || d2i_X509(&empty, &p, (long)der.len) == NULL ||
        p != der.ptr + der.len) {
        X509_free(empty);
        return SKS_ERROR_CRYPTO;
    }
    *x509 = empty;
    return SKS_OK;
}

enum sks_status certificate_parse(struct bytes der, X509 **x509)
{
    return decode(der, X509_new_ex(keyless_context(), NULL), x509);
}

/* One element of DER. */
struct element {
    int tag, tag_class;
    bool constructed;
    struct bytes whole, content;
};

/* Takes the next element; false if there is none of a definite length. */
static bool get_element(struct bytes *in, struct element *e)
{
    const uint8_t *p = in->ptr;
    long len;
    int form;

    if (in->len == 0 || in->len > INT32_MAX)
        return false;
    form = ASN1_get_object(&p, &len, &e->tag, &e->tag_class, (long)in->len);
    if ((form & ~V_ASN1_CONSTRUCTED) != 0)
        return false;
    e->constructed = form == V_ASN1_CONSTRUCTED;
    e->content = bytes_at(p, (size_t)len);
    e->whole = bytes_at(in->ptr, (size_t)(p - in->ptr) + (size_t)len);
    *in = bytes_at(p + len, in->len - e->whole.len);
    return true;
}

static bool get_sequence(struct bytes *in, struct element *e)
{
    return get_element(in, e) && e->constructed && e->tag == V_ASN1_SEQUENCE &&
           e->tag_class == V_ASN1_UNIVERSAL;
}

bool certificate_has_outline(struct bytes der)
{
    struct element certificate;

    return get_sequence(&der, &certificate) && der.len == 0;
}

/* RFC 5280, 4.1: version (may be absent), serialNumber, and four sequences: signature, issuer,
 * validity, subject. */
struct bytes certificate_key(struct bytes der)
{
    struct element certificate, tbs, each;
    bool ok = get_sequence(&der, &certificate) && get_sequence(&certificate.content, &tbs) &&
              get_element(&tbs.content, &each);

    if (ok && each.tag_class == V_ASN1_CONTEXT_SPECIFIC)
        ok = get_element(&tbs.content, &each);
    for (int i = 0; ok && i < 4; i++)
        ok = get_sequence(&tbs.content, &each);
    return ok && get_sequence(&tbs.content, &each) ? each.whole : (struct bytes){ 0 };
}

enum sks_status put_certificate_key(struct buf *out, struct bytes der)
{
    X509 *x509 = NULL;
    uint8_t *spki = NULL;
    int len;
    enum sks_status rc;

    TRY(certificate_parse(der, &x509));
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
    if (len <= 0) {
        rc = SKS_ERROR_CRYPTO;
        goto out;
    }
    put_raw(out, bytes_at(spki, (size_t)len));
    rc = out->status;
out:
    OPENSSL_free(spki);
    X509_free(x509);
    return rc;
}

char *certificate_name(struct arena *arena, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text = NULL;
    long len;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        len = BIO_get_mem_data(bio, &data);
        text = arena_text(arena, bytes_at(data, len < 0 ? 0 : (size_t)len));
    }
    BIO_free(bio);
    return text;
}

int64_t certificate_seconds(const ASN1_TIME *time)
{
    struct tm tm = { 0 };

    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

enum sks_status certificate_fingerprint(struct bytes der, uint8_t fingerprint[32])
{
    return sha256(der, fingerprint);
}

static enum sks_status check_link(X509 *subject, X509 *issuer, bool signatures, size_t index,
                                  struct sks_error *err)
{
    if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)) != 0)
        return sks_fail(err, SKS_ERROR_OPTION,
                        "certificate path: number %zu is not issued by the next one", index);
    if (signatures && X509_verify(subject, X509_get0_pubkey(issuer)) <= 0)
        return sks_fail(err, SKS_ERROR_OPTION,
                        "certificate path: number %zu is not signed by the next one", index);
    return SKS_OK;
}

enum sks_status certificate_path_check(const struct bytes_list *path, bool signatures,
                                       struct sks_error *err)
{
    X509 *subject = NULL, *issuer = NULL;
    enum sks_status rc;

    REQUIRE(path->count > 0, err, SKS_ERROR_OPTION, "certificate path: empty");
    signatures = signatures && path->count > 1; /* only those need the keys decoded */
    for (size_t i = 0; i < path->count; i++) {
        rc = signatures ? decode(path->item[i], X509_new(), &issuer)
                        : certificate_parse(path->item[i], &issuer);
        REQUIRE(rc == SKS_OK, err, rc, "certificate path: number %zu does not decode", i);
        if (subject != NULL)
            TRY(check_link(subject, issuer, signatures, i - 1, err));
        X509_free(subject);
        subject = issuer;
        issuer = NULL;
    }
out:
    X509_free(subject);
    X509_free(issuer);
    return rc;
}
