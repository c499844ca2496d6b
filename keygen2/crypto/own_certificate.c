#include "keygen2/crypto/own_certificate.h"
#include "keygen2/base/clock.h"

#include <openssl/x509v3.h>

enum {
    SERIAL_SIZE = 16,
    BACKDATE = 300, /* seconds that another clock may be behind */
    DAY = 24 * 60 * 60,
};

static bool set_serial(X509 *x509)
{
    uint8_t octets[SERIAL_SIZE];
    BIGNUM *number = NULL;
    bool done;

    if (random_bytes(octets, sizeof octets) != SKS_OK)
        return false;
    octets[0] = (octets[0] & 0x7F) | 0x40; /* positive, and no shorter than the others */
    number = BN_bin2bn(octets, sizeof octets, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return done;
}

static bool set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0) > 0;
}

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX ctx;
    bool done;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    done = extension != NULL && X509_add_ext(x509, extension, -1) > 0;
    X509_EXTENSION_free(extension);
    return done;
}

static bool fill(X509 *x509, const struct own_certificate *what, EVP_PKEY *key, X509 *issuer)
{
    const X509_NAME *issuer_name = X509_get_subject_name(issuer == NULL ? x509 : issuer);

    if (!X509_set_version(x509, X509_VERSION_3) || !set_serial(x509) ||
        X509_gmtime_adj(X509_getm_notBefore(x509), -BACKDATE) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(x509), (long)what->days * DAY) == NULL ||
        !X509_set_pubkey(x509, key) || !set_name(X509_get_subject_name(x509), what->common_name) ||
        !X509_set_issuer_name(x509, issuer_name))
        return false;
    for (size_t i = 0; what->extension[i].nid != 0; i++)
        if (!add_extension(x509, issuer == NULL ? x509 : issuer, what->extension[i].nid,
                           what->extension[i].value))
            return false;
    return true;
}

enum sks_status own_certificate_make(const struct own_certificate *what, EVP_PKEY *key,
                                     X509 *issuer, EVP_PKEY *issuer_key, X509 **certificate,
                                     struct sks_error *err)
{
    X509 *x509 = X509_new();

    *certificate = NULL;
    if (x509 == NULL || !fill(x509, what, key, issuer) ||
        X509_sign(x509, issuer_key, EVP_sha256()) <= 0) {
        X509_free(x509);
        return sks_fail(err, SKS_ERROR_CRYPTO, "cannot make the certificate of %s",
                        what->common_name);
    }
    *certificate = x509;
    return SKS_OK;
}
