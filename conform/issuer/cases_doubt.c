/* Sessions whose life time ends when the finalization is out and no proof of it has come: the
 * device may have closed. */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <openssl/x509v3.h>
#include <string.h>

#define DOUBT (NEEDS(HAS_SHORT_LIFE) | NEEDS_WHOLE)
#define SETTLED (DOUBT | NEEDS(HAS_KMK) | NEEDS(HAS_PIN_POLICY))

/* A session in doubt; visit->response is its proof. */
static enum sks_status doubt(struct visit *v, void *end, struct check *check)
{
    enum sks_status rc;

    TRY(visit_ready(v, end, check, check->item->needs, AT_FINALIZATION));
    rc = visit_wait(v);
out:
    return rc;
}

static enum sks_status prove(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_send(v, buf_bytes(&v->response)));
    rc = visit_expect_at(v, "a right closing proof behind the life time", AT_DONE, "302 to /done");
out:
    return rc;
}

static enum sks_status told(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    TRY(visit_page_says(&v, "failed", 200, "verdict", "in doubt"));
    TRY(visit_page_says(&v, "done", 404, NULL, NULL));
    TRY(prove(&v));
    TRY(visit_page_says(&v, "done", 200, "verdict", "succeeded"));
    rc = visit_page_says(&v, "failed", 404, NULL, NULL);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status late_proof(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    TRY(prove(&v));
    rc = prove(&v); /* its answer may have been lost */
out:
    visit_free(&v);
    return rc;
}

static enum sks_status wrong_proof(struct check *check, void *end, const void *row)
{
    struct bytes changed;
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    TRY(change_message(check, buf_bytes(&v.response),
                       &(struct change){ CHANGE_FLIP, "/attestation", "" }, &changed));
    TRY(visit_send(&v, changed));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status without_cookie(struct check *check, void *end, const void *row)
{
    char cookie[VISIT_COOKIE_MAX];
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    memcpy(cookie, v.cookie, sizeof cookie);
    v.cookie[0] = '\0';
    rc = visit_send(&v, buf_bytes(&v.response));
    memcpy(v.cookie, cookie, sizeof cookie);
    TRY(rc);
    TRY(expect_number(check, "status of a proof without a cookie", 403, v.exchange.status));
    rc = prove(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- what others may rely on meanwhile ---- */

/* @param reason  out: CRL_REASON_..., -1 for a certificate that is not in the list */
static enum sks_status read_crl(struct visit *v, struct bytes certificate, int *reason)
{
    const char *url = arena_printf(&v->check->arena, "%s/crl", v->profile->root);
    const uint8_t *p = certificate.ptr, *q;
    X509 *x509 = d2i_X509(NULL, &p, (long)certificate.len);
    X509_REVOKED *entry = NULL;
    ASN1_ENUMERATED *given = NULL;
    X509_CRL *crl = NULL;
    enum sks_status rc;

    *reason = -1;
    REQUIRE(url != NULL && x509 != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_http(v, "GET", url, NULL, NULL, bytes_of("")));
    q = v->exchange.body.ptr;
    if (v->exchange.status == 200)
        crl = d2i_X509_CRL(NULL, &q, (long)v->exchange.body.len);
    if (crl == NULL) {
        rc = check_skip(v->check, "there is no CRL at %s", url);
        goto out;
    }
    if (X509_CRL_get0_by_cert(crl, &entry, x509) != 0) {
        given = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        *reason = given == NULL ? CRL_REASON_UNSPECIFIED : (int)ASN1_ENUMERATED_get(given);
    }
out:
    ASN1_ENUMERATED_free(given);
    X509_CRL_free(crl);
    X509_free(x509);
    return rc;
}

static enum sks_status on_hold(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    int reason;
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    TRY(read_crl(&v, v.key[0].certificate, &reason));
    TRY(expect_true(check, reason == CRL_REASON_CERTIFICATE_HOLD,
                    "its certificate in the CRL, in doubt", "certificateHold",
                    arena_printf(&check->arena, "reason %d", reason)));
    TRY(prove(&v));
    TRY(read_crl(&v, v.key[0].certificate, &reason));
    rc = expect_true(check, reason == -1, "its certificate in the CRL, when it is proven", "none",
                     arena_printf(&check->arena, "reason %d", reason));
out:
    visit_free(&v);
    return rc;
}

/* ---- the device comes back ---- */

/* A whole session of the device, later. */
static enum sks_status come_back(void *end, struct check *check)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, NEEDS_WHOLE | NEEDS(HAS_KMK)));
    rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

/* The device has closed, and its proof is lost: a later session finds what it has. */
static enum sks_status found(struct check *check, void *end, const void *row)
{
    struct site *site = end;
    size_t before = site->credentials;
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    v.remember = true;
    visit_closed(&v);
    TRY(come_back(end, check));
    TRY(visit_page_says(&v, "done", 200, "verdict", "succeeded"));
    TRY(visit_page_says(&v, "failed", 404, NULL, NULL));
    rc = prove(&v);
out:
    for (size_t i = before; i < site->credentials; i++)
        site->credential[i].gone = true;
    visit_free(&v);
    return rc;
}

/* It has not: what was issued is void, and stays so. */
static enum sks_status not_found(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(doubt(&v, end, check));
    TRY(come_back(end, check));
    TRY(visit_page_says(&v, "failed", 200, "verdict", "failed"));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

#define IN_DOUBT(of, name, text, features, function)                                               \
    {                                                                                              \
        .level = of, .id = "in-doubt." name, .title = text, .section = "http 7",                   \
        .needs = features, .slow = true, .run = function                                           \
    }

static const struct conform_case CASES[] = {
    IN_DOUBT(LEVEL_SHOULD, "told", "/failed says that it is in doubt, until the proof has come",
             DOUBT, told),
    IN_DOUBT(LEVEL_MUST, "late-proof", "a right closing proof is taken, however late", DOUBT,
             late_proof),
    IN_DOUBT(LEVEL_MUST, "wrong-proof", "a wrong closing proof is refused, as in time", DOUBT,
             wrong_proof),
    IN_DOUBT(LEVEL_MUST, "without-cookie", "a proof without the cookie: 403, and nothing changes",
             DOUBT, without_cookie),
    IN_DOUBT(LEVEL_SHOULD, "on-hold", "its certificates are on hold until the proof", DOUBT,
             on_hold),
    IN_DOUBT(LEVEL_SHOULD, "found",
             "the device has closed: its next session proves it, without the lost proof", SETTLED,
             found),
    IN_DOUBT(LEVEL_SHOULD, "not-found", "the device has not: its next session makes it void",
             SETTLED, not_found),
};

void issuer_cases_of_doubt(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
