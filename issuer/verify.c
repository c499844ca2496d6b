#include "issuer/verify.h"
#include "issuer/profile.h"
#include "keygen2/crypto/certificate.h"

#include <openssl/x509v3.h>
#include <stdio.h>

enum {
    AUTH_LEVEL = 2,      /* OpenSSL's: RSA of 2048 bits or more, no SHA-1 */
    LAX_LEVEL = 0,       /* anything; then the rules of the profile are checked here */
    SECURITY_BITS = 112, /* of what a profile has no word for: those of level 2 */
};

/* ---- device path ---- */

static enum sks_status decode_path(const struct bytes_list *path, STACK_OF(X509) * all,
                                   struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < path->count; i++) {
        const uint8_t *p = path->item[i].ptr;
        X509 *certificate = d2i_X509(NULL, &p, (long)path->item[i].len);

        REQUIRE(certificate != NULL, err, SKS_ERROR_AUTHORIZATION,
                "certificate number %zu does not decode", i);
        if (sk_X509_push(all, certificate) <= 0) {
            X509_free(certificate);
            return sks_fail(err, SKS_ERROR_STORAGE, "no memory for the certificates");
        }
    }
out:
    return rc;
}

static bool is_weak_key(EVP_PKEY *key, bool rsa, const struct device_trust *trust)
{
    return rsa ? EVP_PKEY_get_bits(key) < trust->minimum_rsa_bits
               : EVP_PKEY_get_security_bits(key) < SECURITY_BITS;
}

static bool is_weak_digest(X509 *certificate, const struct device_trust *trust)
{
    int digest, bits;

    if (!X509_get_signature_info(certificate, &digest, NULL, &bits, NULL))
        return true;
    return bits < SECURITY_BITS && !(digest == NID_sha1 && trust->sha1);
}

/* What a profile lets pass. The signature of a trusted certificate is not looked at: it is trusted
 * as it is. */
static enum sks_status check_strength(STACK_OF(X509) * chain, const struct device_trust *trust,
                                      struct sks_error *err)
{
    int count = sk_X509_num(chain);
    enum sks_status rc = SKS_OK;

    for (int i = 0; i < count; i++) {
        EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(chain, i));
        bool rsa = key != NULL && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"));

        REQUIRE(key != NULL && (rsa || !is_weak_key(key, rsa, trust)), err, SKS_ERROR_AUTHORIZATION,
                "a key that is too weak (at certificate number %d)", i);
        REQUIRE(!is_weak_key(key, rsa, trust), err, SKS_ERROR_AUTHORIZATION,
                "an RSA key under %u bits (at certificate number %d)", trust->minimum_rsa_bits, i);
        REQUIRE(i == count - 1 || !is_weak_digest(sk_X509_value(chain, i), trust), err,
                SKS_ERROR_AUTHORIZATION,
                "signed with a digest that is too weak (at certificate number %d)", i);
    }
out:
    return rc;
}

/* The time in which all certificates of a chain are valid. */
static void set_period(STACK_OF(X509) * chain, struct verified_device *device)
{
    device->not_before = INT64_MIN;
    device->not_after = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t begin = certificate_seconds(X509_get0_notBefore(sk_X509_value(chain, i)));
        int64_t end = certificate_seconds(X509_get0_notAfter(sk_X509_value(chain, i)));

        device->not_before = begin > device->not_before ? begin : device->not_before;
        device->not_after = end < device->not_after ? end : device->not_after;
    }
}

static enum sks_status check_path(X509_STORE *store, STACK_OF(X509) * path,
                                  const struct device_trust *trust, int64_t now,
                                  struct verified_device *device, struct sks_error *err)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    enum sks_status rc = SKS_OK;

    REQUIRE(ctx != NULL && X509_STORE_CTX_init(ctx, store, sk_X509_value(path, 0), path) > 0, err,
            SKS_ERROR_STORAGE, "no memory to check the path");
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, now);
    X509_VERIFY_PARAM_set_depth(param, KEYGEN2_DEVICE_PATH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, trust == NULL ? AUTH_LEVEL : LAX_LEVEL);
    /* What lies in the trust folder is trusted as it is, be it a root, a sub CA or one device. */
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    REQUIRE(X509_verify_cert(ctx) == 1, err, SKS_ERROR_AUTHORIZATION,
            "not trusted: %s (at certificate number %d)",
            X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)),
            X509_STORE_CTX_get_error_depth(ctx));
    if (trust != NULL)
        TRY(check_strength(X509_STORE_CTX_get0_chain(ctx), trust, err));
    set_period(X509_STORE_CTX_get0_chain(ctx), device);
out:
    X509_STORE_CTX_free(ctx);
    return rc;
}

/* RFC 5280, 4.2.1.3: where there is a keyUsage, it must allow what the device does. */
static enum sks_status check_usage(X509 *certificate, struct sks_error *err)
{
    if ((X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) == 0)
        return sks_fail(err, SKS_ERROR_AUTHORIZATION,
                        "the device certificate is not for digital signatures");
    return SKS_OK;
}

static void set_name(X509 *certificate, struct verified_device *device)
{
    struct arena arena = { 0 };
    const char *name = certificate_name(&arena, X509_get_subject_name(certificate));

    (void)snprintf(device->name, sizeof device->name, "%s", name == NULL ? "" : name);
    arena_free(&arena);
}

void verified_device_clear(struct verified_device *device)
{
    EVP_PKEY_free(device->key);
    *device = (struct verified_device){ 0 };
}

enum sks_status verify_device_path(X509_STORE *store, const struct bytes_list *path,
                                   const struct device_trust *trust, int64_t now,
                                   struct verified_device *device, struct sks_error *err)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    enum sks_status rc;

    *device = (struct verified_device){ 0 };
    REQUIRE(all != NULL, err, SKS_ERROR_STORAGE, "no memory for the certificates");
    REQUIRE(path->count >= 1 && path->count <= KEYGEN2_DEVICE_PATH_MAX, err,
            SKS_ERROR_AUTHORIZATION, "a path has 1-%d certificates", KEYGEN2_DEVICE_PATH_MAX);
    TRY(decode_path(path, all, err));
    TRY(check_path(store, all, trust, now, device, err));
    TRY(check_usage(sk_X509_value(all, 0), err));
    device->key = X509_get_pubkey(sk_X509_value(all, 0));
    REQUIRE(device->key != NULL, err, SKS_ERROR_AUTHORIZATION, "the device key does not decode");
    set_name(sk_X509_value(all, 0), device);
out:
    sk_X509_pop_free(all, X509_free);
    return rc;
}
