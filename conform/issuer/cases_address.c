/* A session is of the profile that it began at; and what else of URLs there is. */
#include "conform/issuer/families.h"
#include "conform/issuer/visit.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"

#include <openssl/x509.h>
#include <string.h>

#define WHOLE NEEDS_WHOLE

/* Another profile that sessions begin at; NULL: there is none. */
static const struct site_profile *another(const struct site *site,
                                          const struct site_profile *profile)
{
    for (size_t i = 0; i < site->profiles; i++)
        if (&site->profile[i] != profile && !site->profile[i].closed)
            return &site->profile[i];
    return NULL;
}

/* The right message, sent to another profile with the session's cookie. */
static enum sks_status elsewhere(struct check *check, void *end, const void *row)
{
    const enum visit_at *at = row;
    const struct site_profile *own, *other;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    own = v.profile;
    other = another(end, own);
    if (other == NULL) {
        rc = check_skip(check, "needs a second profile");
        goto out;
    }
    TRY(visit_until(&v, *at));
    TRY(visit_answer(&v));
    v.profile = other;
    rc = visit_send(&v, buf_bytes(&v.response));
    v.profile = own;
    TRY(rc);
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- given up without a trace ---- */

/* A session that has only begun. */
static enum sks_status discarded(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_answer(&v));
    TRY(visit_get(&v, "?abort=true&discard=true"));
    TRY(expect_number(check, "status of ?abort=true&discard=true", 200, v.exchange.status));
    TRY(visit_page_says(&v, "failed", 404, NULL, NULL));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = expect_number(check, "status of its InvocationResponse then", 403, v.exchange.status);
out:
    visit_free(&v);
    return rc;
}

/* One that has come further leaves its page. */
static enum sks_status kept(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    TRY(visit_get(&v, "?abort=true&discard=true"));
    TRY(expect_number(check, "status of ?abort=true&discard=true", 302, v.exchange.status));
    v.at = AT_FAILED;
    rc = visit_page_says(&v, "failed", 200, "verdict", "failed");
out:
    visit_free(&v);
    return rc;
}

/* ---- what else is there ---- */

static enum sks_status refusal_text(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct bytes text;
    const uint8_t *line;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_answer(&v));
    TRY(visit_http(&v, "POST", v.profile->issuer_uri, "text/plain", NULL, buf_bytes(&v.response)));
    text = buf_bytes(&v.exchange.body);
    line = text.len == 0 ? NULL : memchr(text.ptr, '\n', text.len);
    TRY(expect_true(check, visit_has_word(visit_header(&v, "Content-Type"), "text/plain"),
                    "Content-Type of a refusal", "text/plain", v.exchange.content_type));
    rc = expect_true(check, line != NULL && line + 1 == text.ptr + text.len, "text of a refusal",
                     "one line", visit_told(&v));
out:
    visit_free(&v);
    return rc;
}

static enum sks_status crl(struct check *check, void *end, const void *row)
{
    const struct site *site = end;
    struct visit v = { .site = end, .check = check, .profile = &site->profile[0] };
    const char *url = arena_printf(&check->arena, "%s/crl", v.profile->root);
    const uint8_t *p;
    X509_CRL *list = NULL;
    enum sks_status rc;

    (void)row;
    REQUIRE(url != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(&v, "GET", url, NULL, NULL, bytes_of("")));
    TRY(expect_number(check, "status of /crl", 200, v.exchange.status));
    TRY(expect_text(check, "Content-Type of /crl", "application/pkix-crl",
                    visit_header(&v, "Content-Type")));
    p = v.exchange.body.ptr;
    list = d2i_X509_CRL(NULL, &p, (long)v.exchange.body.len);
    TRY(expect_true(check, list != NULL && p == v.exchange.body.ptr + v.exchange.body.len, "/crl",
                    "a CRL in DER", "what does not decode"));
    rc = expect_true(check,
                     certificate_seconds(X509_CRL_get0_lastUpdate(list)) <= clock_now() + 300 &&
                         certificate_seconds(X509_CRL_get0_nextUpdate(list)) > clock_now(),
                     "thisUpdate and nextUpdate of /crl", "before and behind now", "others");
out:
    X509_CRL_free(list);
    visit_free(&v);
    return rc;
}

static const enum visit_at INVOCATION = AT_INVOCATION, INITIALIZATION = AT_INITIALIZATION,
                           CREATION = AT_CREATION, FINALIZATION = AT_FINALIZATION;

#define ELSEWHERE(name, at)                                                                        \
    CASE(LEVEL_MUST, "other-profile." name, name " at another profile: refused", "http 6", WHOLE,  \
         elsewhere, &at)

static const struct conform_case CASES[] = {
    ELSEWHERE("InvocationResponse", INVOCATION),
    ELSEWHERE("ProvisioningInitializationResponse", INITIALIZATION),
    ELSEWHERE("KeyCreationResponse", CREATION),
    ELSEWHERE("ProvisioningFinalizationResponse", FINALIZATION),
    CASE(LEVEL_SHOULD, "aborted.discarded",
         "only begun, and given up with discard=true: 200, and nothing is kept", "http 1", 0,
         discarded, NULL),
    CASE(LEVEL_SHOULD, "aborted.not-discarded",
         "given up with discard=true behind the InvocationResponse: /failed", "http 1", 0, kept,
         NULL),
    CASE(LEVEL_SHOULD, "http.refusal-text", "a refusal says why, in a line of plain text", "http 3",
         0, refusal_text, NULL),
    CASE(LEVEL_SHOULD, "http.crl", "/crl is a CRL that is valid now", "http 1", 0, crl, NULL),
};

void issuer_cases_of_addresses(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
