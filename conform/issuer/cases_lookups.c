/* Answers of a CredentialDiscovery that are forged. Nothing of them is protected, so an issuer may
 * leave out what is not true; what it never may do is to operate on a key that it has not issued
 * into this device, which the double would notice. */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include "keygen2/crypto/certificate.h"

#define LOOKUPS (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST) | NEEDS(HAS_DISCOVERY))

static const char SECTION[] = "http 5; SKS Remote Key Lookup";

static enum sks_status refused(struct check *check, void *end, const void *row)
{
    return change_refused(check, end, AT_DISCOVERY, row);
}

/* A certificate that this issuer has not issued, in the place of the first that was found or as
 * one more. */
static enum sks_status forged(struct check *check, void *end, const void *row)
{
    struct site *site = end;
    struct bytes changed;
    struct buf text = { 0 };
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, site, check, check->item->needs, AT_DISCOVERY));
    put_text(&text, "[{\"serverSessionId\":\"forged\",\"clientSessionId\":\"forged\","
                    "\"certificatePath\":[");
    json_put_binary(&text, site->devices.own.certificate[0]);
    put_text(&text, "]}]");
    put_byte(&text, 0);
    TRY(sks_explain(&check->err, text.status));
    TRY(change_message(check, buf_bytes(&v.response),
                       &(struct change){ CHANGE_SET, "/lookupResults/0/matchingCredentials",
                                         (const char *)text.ptr },
                       &changed));
    TRY(visit_send(&v, changed));
    if (v.at == AT_FAILED || v.at == AT_REFUSED)
        goto out;
    rc = visit_until(&v, AT_FINALIZATION);
    if (rc == SKS_OK)
        rc = visit_answer(&v); /* refuses targets that the device has not */
out:
    buf_free(&text);
    visit_free(&v);
    return rc;
}

static enum sks_status nothing_found(struct check *check, void *end, const void *row)
{
    struct bytes changed;
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_DISCOVERY));
    TRY(change_message(check, buf_bytes(&v.response),
                       &(struct change){ CHANGE_SET, "/lookupResults/0/matchingCredentials", "[]" },
                       &changed));
    TRY(visit_send(&v, changed));
    rc = expect_true(check, v.at != AT_DONE && v.at != AT_OTHER, "answer",
                     "another message, or a refusal", visit_told(&v));
out:
    visit_free(&v);
    return rc;
}

/* ---- what the issuer asks ---- */

static enum sks_status fresh(struct check *check, void *end, const void *row)
{
    const struct lookup_specifier *one, *two;
    struct visit v = { 0 }, other = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_DISCOVERY));
    TRY(visit_ready(&other, end, check, check->item->needs, AT_DISCOVERY));
    one = v.discovery.lookup_specifiers.item;
    two = other.discovery.lookup_specifiers.item;
    rc = expect_true(check, !bytes_equal(one->nonce, two->nonce),
                     "CredentialDiscoveryRequest: nonce", "one of its own for each session",
                     "the same twice");
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

#define REFUSED(name, title, op, pointer, text)                                                    \
    CASE(LEVEL_MUST, "CredentialDiscoveryResponse." name, title ": refused", SECTION, LOOKUPS,     \
         refused, &(const struct change){ op, pointer, text })

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "CredentialDiscoveryRequest.nonce", "the nonce of a lookup is fresh", SECTION,
         LOOKUPS, fresh, NULL),
    CASE(LEVEL_MUST, "CredentialDiscoveryResponse.forged",
         "a certificate of somebody else: left out or refused", SECTION, LOOKUPS, forged, NULL),
    CASE(LEVEL_MUST, "CredentialDiscoveryResponse.nothing",
         "nothing found: no operation on anything", SECTION, LOOKUPS, nothing_found, NULL),
    REFUSED("results-missing", "no lookupResults", CHANGE_REMOVE, "/lookupResults", ""),
    REFUSED("results-empty", "empty lookupResults", CHANGE_SET, "/lookupResults", "[]"),
    REFUSED("results-null", "lookupResults null", CHANGE_SET, "/lookupResults", "null"),
    REFUSED("result-less", "a result less", CHANGE_DROP, "/lookupResults", ""),
    REFUSED("result-twice", "a result twice", CHANGE_COPY, "/lookupResults", ""),
    REFUSED("id-other", "a result that nobody asked for", CHANGE_SET, "/lookupResults/0/id",
            "\"Unasked\""),
    REFUSED("id-missing", "a result without an id", CHANGE_REMOVE, "/lookupResults/0/id", ""),
    REFUSED("matches-missing", "a result without matchingCredentials", CHANGE_REMOVE,
            "/lookupResults/0/matchingCredentials", ""),
    REFUSED("matches-type", "matchingCredentials that are no array", CHANGE_SET,
            "/lookupResults/0/matchingCredentials", "{}"),
    REFUSED("match-empty", "a credential that says nothing", CHANGE_SET,
            "/lookupResults/0/matchingCredentials", "[{}]"),
    REFUSED("match-no-certificate", "a credential without certificates", CHANGE_SET,
            "/lookupResults/0/matchingCredentials",
            "[{\"serverSessionId\":\"a\",\"clientSessionId\":\"b\",\"certificatePath\":[]}]"),
    REFUSED(
        "match-bad-certificate", "a certificate that does not decode", CHANGE_SET,
        "/lookupResults/0/matchingCredentials",
        "[{\"serverSessionId\":\"a\",\"clientSessionId\":\"b\",\"certificatePath\":[\"MAA\"]}]"),
    REFUSED("server-id-other", "another serverSessionId", CHANGE_SET, "/serverSessionId",
            "\"another\""),
    REFUSED("client-id-other", "another clientSessionId", CHANGE_SET, "/clientSessionId",
            "\"another\""),
    REFUSED("unknown-property", "a property that nobody knows", CHANGE_SET,
            "/lookupResults/0/extra", "1"),
};

void issuer_cases_of_lookups(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
