/* Whose signature counts: that of a certificate that the reader trusts, or one that it issued. */
#include "keygen2/crypto/certificate.h"
#include "keygen2/evidence/checker.h"

#include <openssl/x509v3.h>
#include <string.h>

/* A CA issues certificates to others too, who must not pass for it. */
static bool is_for_evidence(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    ASN1_OBJECT *wanted = OBJ_txt2obj(EVIDENCE_KEY_USAGE, 1);
    bool found = false;

    for (int i = 0; wanted != NULL && i < sk_ASN1_OBJECT_num(usage); i++)
        found |= OBJ_cmp(sk_ASN1_OBJECT_value(usage, i), wanted) == 0;
    ASN1_OBJECT_free(wanted);
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    return found;
}

static bool is_issued_by(X509 *signer, struct bytes der)
{
    X509 *issuer = check_certificate(der);
    bool good = issuer != NULL && X509_check_ca(issuer) == 1 &&
                X509_check_issued(issuer, signer) == X509_V_OK &&
                X509_verify(signer, X509_get0_pubkey(issuer)) == 1;

    X509_free(issuer);
    return good;
}

static bool is_given(struct bytes der, const struct bytes_list *issuers)
{
    for (size_t i = 0; i < issuers->count; i++)
        if (bytes_equal(issuers->item[i], der))
            return true;
    return false;
}

static bool is_issued(X509 *signer, const struct bytes_list *issuers)
{
    for (size_t i = 0; i < issuers->count; i++)
        if (is_issued_by(signer, issuers->item[i]))
            return true;
    return false;
}

/* NULL, or what is wrong. @param given  its certificate is one that the reader trusts */
static const char *find_fault(X509 *signer, bool given, const struct bytes_list *issuers)
{
    if (signer == NULL)
        return "does not decode";
    if (!given && !is_issued(signer, issuers))
        return "is not by the issuer";
    if (!given && !is_for_evidence(signer))
        return "is by the issuer, but not for evidence";
    if ((X509_get_key_usage(signer) & KU_DIGITAL_SIGNATURE) == 0)
        return "is not for digital signatures";
    return NULL;
}

bool check_signer(struct checker *c, const struct bytes_list *path,
                  const struct bytes_list *issuers)
{
    X509 *signer = check_certificate(path->item[0]);
    const char *name = NULL;
    bool given = is_given(path->item[0], issuers);
    const char *fault = find_fault(signer, given, issuers);

    if (signer != NULL)
        name = certificate_name(c->arena, X509_get_subject_name(signer));
    if (fault == NULL)
        checker_tell(c, EVIDENCE_GOOD, "signer", "%s, %s", name == NULL ? "?" : name,
                     given ? "whose certificate was given" : "issued by the CA that was given");
    else
        checker_tell(c, EVIDENCE_BAD, "signer", "the certificate %s%s%s", name == NULL ? "" : name,
                     name == NULL ? "" : " ", fault);
    X509_free(signer);
    return fault == NULL;
}

void check_signer_time(struct checker *c, const struct bytes_list *path)
{
    X509 *signer = check_certificate(path->item[0]);
    int64_t when = c->record->recorded.seconds;

    if (signer == NULL || when < certificate_seconds(X509_get0_notBefore(signer)) ||
        when > certificate_seconds(X509_get0_notAfter(signer)))
        checker_tell(c, EVIDENCE_BAD, "signer",
                     "the certificate was not valid when the record was made");
    X509_free(signer);
}
