#include "proxy/search_filter.h"

#include "keygen2/crypto/certificate.h"
#include "proxy/certificate_facts.h"

#include <string.h>

/* ---- the expressions ---- */

static enum sks_status compile(struct bytes text, const char *name, struct java_regex **regex,
                               struct sks_error *err)
{
    struct sks_error why = { 0 };
    enum sks_status rc;

    *regex = NULL;
    if (text.ptr == NULL)
        return SKS_OK;
    rc = java_regex_compile(text, regex, &why);
    return rc == SKS_OK ? SKS_OK : sks_fail(err, rc, "%s: %s", name, why.text);
}

enum sks_status search_filter_open(const struct search_filter *filter,
                                   struct search_filter_ready *ready, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    *ready = (struct search_filter_ready){ .filter = filter };
    if (filter == NULL)
        return SKS_OK;
    TRY(compile(filter->issuer_reg_ex, "issuerRegEx", &ready->issuer, err));
    TRY(compile(filter->subject_reg_ex, "subjectRegEx", &ready->subject, err));
    TRY(compile(filter->email_reg_ex, "emailRegEx", &ready->email, err));
out:
    return rc;
}

void search_filter_free(struct search_filter_ready *ready)
{
    java_regex_free(ready->issuer);
    java_regex_free(ready->subject);
    java_regex_free(ready->email);
    *ready = (struct search_filter_ready){ 0 };
}

/* ---- one path ---- */

/* What a path is being asked. */
struct question {
    const struct search_filter *filter;
    const struct bytes_list *path;
    X509 *x509; /* of the end entity */
    struct java_regex_budget *budget;
    struct sks_error *err;
};

static bool fits_finger_print(const struct question *q)
{
    uint8_t digest[32];

    if (q->filter->finger_print.len == 0)
        return true;
    for (size_t i = 0; i < q->path->count; i++)
        if (certificate_fingerprint(q->path->item[i], digest) == SKS_OK &&
            bytes_equal(bytes_at(digest, sizeof digest), q->filter->finger_print))
            return true;
    return false;
}

/* Digits, maybe behind '-', without leading zeros; "-0" is 0. */
static bool same_number(struct bytes a, struct bytes b)
{
    struct bytes *both[] = { &a, &b };
    bool negative[2];

    for (size_t i = 0; i < 2; i++) {
        struct bytes *n = both[i];

        negative[i] = n->len > 0 && n->ptr[0] == '-';
        n->ptr += negative[i];
        n->len -= negative[i];
        while (n->len > 0 && n->ptr[0] == '0') {
            n->ptr++;
            n->len--;
        }
        negative[i] = negative[i] && n->len > 0;
    }
    return negative[0] == negative[1] && bytes_equal(a, b);
}

static bool fits_serial_number(const struct question *q)
{
    BIGNUM *number;
    char *digits;
    bool same;

    if (q->filter->serial_number.len == 0)
        return true;
    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(q->x509), NULL);
    digits = number == NULL ? NULL : BN_bn2dec(number);
    same = digits != NULL && same_number(bytes_of(digits), q->filter->serial_number);
    OPENSSL_free(digits);
    BN_free(number);
    return same;
}

static bool fits_dates(const struct question *q)
{
    const ASN1_TIME *issued = X509_get0_notBefore(q->x509);
    const struct keygen2_time *before = &q->filter->issued_before,
                              *after = &q->filter->issued_after;

    /* ASN1_TIME_cmp_time_t() gives -2 for a time that is none. */
    return (before->text.len == 0 || (ASN1_TIME_cmp_time_t(issued, before->seconds) != -2 &&
                                      ASN1_TIME_cmp_time_t(issued, before->seconds) <= 0)) &&
           (after->text.len == 0 || ASN1_TIME_cmp_time_t(issued, after->seconds) >= 0);
}

/* Every rule holds: what is named is there, and what is named with '-' is not. */
static bool fits_rules(const struct question *q, const struct bytes_list *rules,
                       enum certificate_list kind)
{
    struct arena arena = { 0 };
    struct bytes_list have;
    bool fits = rules->count == 0 || certificate_list(q->x509, kind, &arena, &have);

    for (size_t i = 0; fits && i < rules->count; i++) {
        struct bytes rule = rules->item[i];
        bool forbidden = rule.len > 0 && rule.ptr[0] == '-', found = false;

        rule.ptr += forbidden;
        rule.len -= forbidden;
        for (size_t k = 0; k < have.count; k++)
            found = found || bytes_equal(have.item[k], rule);
        fits = found != forbidden;
    }
    arena_free(&arena);
    return fits;
}

static bool fits_fields(const struct question *q)
{
    const struct search_filter *filter = q->filter;

    return fits_serial_number(q) && fits_dates(q) && fits_finger_print(q) &&
           fits_rules(q, &filter->key_usage_rules, CERTIFICATE_KEY_USAGES) &&
           fits_rules(q, &filter->extended_key_usage_rules, CERTIFICATE_EXTENDED_KEY_USAGES) &&
           fits_rules(q, &filter->policy_rules, CERTIFICATE_POLICIES);
}

/* ---- names ---- */

static enum sks_status match_name(const struct question *q, const struct java_regex *regex,
                                  X509 *x509, bool issuer, bool *matches)
{
    struct buf name = { 0 };
    enum sks_status rc = put_certificate_principal(&name, x509, issuer);

    *matches = false;
    if (rc == SKS_OK)
        rc = java_regex_match(regex, buf_bytes(&name), q->budget, matches, q->err);
    else if (rc == SKS_ERROR_CRYPTO)
        rc = SKS_OK; /* a name that is none matches nothing */
    buf_free(&name);
    return sks_explain(q->err, rc);
}

static enum sks_status match_subject(const struct question *q, const struct java_regex *regex,
                                     bool *matches)
{
    return match_name(q, regex, q->x509, false, matches);
}

/* KeyGen2, issuerRegEx: "any issuer in the certificate path". */
static enum sks_status match_issuer(const struct question *q, const struct java_regex *regex,
                                    bool *matches)
{
    enum sks_status rc = SKS_OK;

    *matches = false;
    for (size_t i = 0; i < q->path->count && !*matches; i++) {
        X509 *x509;

        if (certificate_parse(q->path->item[i], &x509) != SKS_OK)
            continue;
        rc = match_name(q, regex, x509, true, matches);
        X509_free(x509);
        TRY(rc);
    }
out:
    return rc;
}

static enum sks_status match_email(const struct question *q, const struct java_regex *regex,
                                   bool *matches)
{
    struct arena arena = { 0 };
    struct bytes_list have = { 0 };
    enum sks_status rc = SKS_OK;

    *matches = false;
    if (!certificate_list(q->x509, CERTIFICATE_EMAIL_ADDRESSES, &arena, &have))
        have.count = 0;
    for (size_t i = 0; i < have.count && !*matches; i++)
        TRY(java_regex_match(regex, have.item[i], q->budget, matches, q->err));
out:
    arena_free(&arena);
    return rc;
}

static enum sks_status match_names(const struct search_filter_ready *ready,
                                   const struct question *q, bool *matches)
{
    const struct {
        const struct java_regex *regex;
        enum sks_status (*match)(const struct question *q, const struct java_regex *regex,
                                 bool *matches);
    } all[] = {
        { ready->email, match_email },
        { ready->subject, match_subject },
        { ready->issuer, match_issuer },
    };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(all) && *matches; i++)
        if (all[i].regex != NULL)
            TRY(all[i].match(q, all[i].regex, matches));
out:
    return rc;
}

enum sks_status search_filter_match(const struct search_filter_ready *ready,
                                    const struct bytes_list *path, struct java_regex_budget *budget,
                                    bool *matches, struct sks_error *err)
{
    struct question q = { ready->filter, path, NULL, budget, err };
    enum sks_status rc = SKS_OK;

    *matches = ready->filter == NULL;
    if (ready->filter == NULL || path->count == 0 ||
        certificate_parse(path->item[0], &q.x509) != SKS_OK)
        return SKS_OK;
    *matches = fits_fields(&q);
    rc = match_names(ready, &q, matches);
    X509_free(q.x509);
    return rc;
}
