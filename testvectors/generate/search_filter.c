#include "testvectors/generate/search_filter.h"

#include "testvectors/generate/der.h"
#include "testvectors/generate/message_text.h"

#include <string.h>

static const char SECTION_FILTER[] = "KeyGen2 searchFilter; docs/http.md";

enum { ALICE, BOB, MUELLER, CERTIFICATES };

static const struct filter_row {
    int certificate;
    bool matches;
    const char *filter, *comment;
} FILTERS[] = {
    { ALICE, true, "{'fingerPrint':'<fp>'}", "fingerprint of the end entity" },
    { ALICE, true, "{'fingerPrint':'<fp-ca>'}", "fingerprint of the CA" },
    { ALICE, false, "{'fingerPrint':'<32:another>'}", "another fingerprint" },
    { ALICE, true, "{'subjectRegEx':'CN=Alice,O=Example,C=SE'}", "subject, last RDN first" },
    { ALICE, false, "{'subjectRegEx':'C=SE,O=Example,CN=Alice'}", "subject, first RDN first" },
    { ALICE, false, "{'subjectRegEx':'CN=Alice'}", "a part of the subject" },
    { ALICE, false, "{'subjectRegEx':'O=Example'}", "a part in the middle" },
    { ALICE, true, "{'subjectRegEx':'.*O=Example.*'}", "a part, with .* around it" },
    { ALICE, true, "{'subjectRegEx':'CN=(Alice|Bob),.*'}", "an alternative" },
    { ALICE, true, "{'subjectRegEx':'CN=A[a-z]{4},O=\\\\w+,C=S.'}", "classes and counts" },
    { ALICE, false, "{'subjectRegEx':'cn=alice,o=example,c=se'}", "case matters" },
    { ALICE, false, "{'subjectRegEx':'CN=Alice, O=Example, C=SE'}", "blanks behind the commas" },
    { ALICE, false, "{'subjectRegEx':'^$'}", "nothing" },
    { BOB, true, "{'subjectRegEx':'CN=Bob'}", "the whole subject" },
    { BOB, false, "{'subjectRegEx':'CN=Bo'}", "a beginning" },
    { BOB, false, "{'subjectRegEx':'N=Bob'}", "an end" },
    { MUELLER, true, "{'subjectRegEx':'CN=M\xC3\xBCller,O=Ex\\\\\\\\, Inc\\\\.,.*'}",
      "a comma is escaped, UTF-8 is not" },
    { MUELLER, false, "{'subjectRegEx':'CN=M\xC3\xBCller,O=Ex, Inc\\\\.,.*'}",
      "a comma not escaped" },
    { MUELLER, false, "{'subjectRegEx':'CN=Mueller,.*'}", "other letters" },
    { MUELLER, true, "{'subjectRegEx':'CN=M.ller,.*'}", "a dot is one character, not one byte" },
    { ALICE, true, "{'issuerRegEx':'CN=Vector CA'}", "issuer" },
    { ALICE, false, "{'issuerRegEx':'Vector CA'}", "a part of the issuer" },
    { ALICE, false, "{'issuerRegEx':'CN=Alice.*'}", "the subject is no issuer" },
    { ALICE, true, "{'serialNumber':'72623859790382856'}", "serial number" },
    { ALICE, false, "{'serialNumber':'72623859790382857'}", "another serial number" },
    { ALICE, false, "{'serialNumber':'102030405060708'}", "serial number in hexadecimal" },
    { BOB, true, "{'serialNumber':'18446744073709551616'}", "serial number of 65 bits" },
    { BOB, false, "{'serialNumber':'0'}", "serial number cut to 64 bits" },
    { MUELLER, true, "{'serialNumber':'1'}", "serial number 1" },
    { MUELLER, false, "{'serialNumber':'-1'}", "a negative one" },
    { ALICE, true, "{'emailRegEx':'alice@example\\\\.com'}", "address of subjectAltName" },
    { ALICE, true, "{'emailRegEx':'.*@example\\\\.com'}", "a domain" },
    { ALICE, false, "{'emailRegEx':'bob@.*'}", "another address" },
    { ALICE, false, "{'emailRegEx':'example\\\\.com'}", "a part of the address" },
    { BOB, false, "{'emailRegEx':'.*'}", "any address, where there is none" },
    { MUELLER, true, "{'emailRegEx':'mueller@example\\\\.com'}", "address of the subject" },
    { ALICE, true, "{'keyUsageRules':['digitalSignature']}", "a key usage" },
    { ALICE, true, "{'keyUsageRules':['digitalSignature','keyAgreement']}", "both key usages" },
    { ALICE, false, "{'keyUsageRules':['digitalSignature','keyCertSign']}",
      "one that is not there" },
    { ALICE, false, "{'keyUsageRules':['nonRepudiation']}", "another key usage" },
    { ALICE, true, "{'keyUsageRules':['-keyCertSign']}", "a forbidden one that is not there" },
    { ALICE, false, "{'keyUsageRules':['-keyAgreement']}", "a forbidden one that is there" },
    { BOB, false, "{'keyUsageRules':['digitalSignature']}", "no such extension" },
    { BOB, false, "{'keyUsageRules':['-cRLSign']}", "a forbidden one, but no such extension" },
    { ALICE, true, "{'extendedKeyUsageRules':['1.3.6.1.5.5.7.3.2']}", "an extended key usage" },
    { ALICE, true, "{'extendedKeyUsageRules':['1.3.6.1.5.5.7.3.4','-1.3.6.1.5.5.7.3.1']}",
      "one there, one not" },
    { ALICE, false, "{'extendedKeyUsageRules':['1.3.6.1.5.5.7.3.1']}", "another one" },
    { ALICE, false, "{'extendedKeyUsageRules':['-1.3.6.1.5.5.7.3.2']}", "a forbidden one" },
    { BOB, false, "{'extendedKeyUsageRules':['-1.3.6.1.5.5.7.3.2']}", "no such extension" },
    { ALICE, true, "{'policyRules':['1.2.3.4']}", "a policy" },
    { ALICE, false, "{'policyRules':['1.2.3']}", "a policy that is a beginning" },
    { ALICE, false, "{'policyRules':['1.2.3.4','1.2.3.5']}", "two policies, one is there" },
    { ALICE, true, "{'policyRules':['1.2.3.4','-1.2.3.5']}", "one there, one not" },
    { BOB, false, "{'policyRules':['-1.2.3.5']}", "no such extension" },
    { ALICE, true, "{'issuedBefore':'2026-01-01T00:00:00Z'}", "issued at that second" },
    { ALICE, false, "{'issuedBefore':'2025-12-31T23:59:59Z'}", "issued a second later" },
    { ALICE, true, "{'issuedAfter':'2026-01-01T00:00:00Z'}", "issued at that second" },
    { ALICE, false, "{'issuedAfter':'2026-01-01T00:00:01Z'}", "issued a second before" },
    { BOB, true, "{'issuedAfter':'2049-12-31T00:00:00Z'}", "a UTCTime of 49 is 2049" },
    { BOB, false, "{'issuedBefore':'1999-12-31T00:00:00Z'}", "a UTCTime of 49 is not 1949" },
    { ALICE, true, "{'subjectRegEx':'CN=Alice.*','policyRules':['1.2.3.4']}", "both hold" },
    { ALICE, false, "{'subjectRegEx':'CN=Alice.*','policyRules':['1.2.3.9']}", "one holds" },
    { ALICE, false, "{'fingerPrint':'<fp>','issuedAfter':'2027-01-01T00:00:00Z'}", "one holds" },
    { ALICE, false, "{}", "a filter without a condition" },
    { ALICE, false, "{'subjectRegEx':''}", "an empty expression" },
    { ALICE, false, "{'subjectRegEx':'CN=(Alice'}", "an expression that is none" },
    { ALICE, false, "{'policyRules':['1.2.3.4','1.2.3.4']}", "a rule twice" },
    { ALICE, false, "{'policyRules':['1.2.3.4','-1.2.3.4']}", "a rule and its contrary" },
    { ALICE, false, "{'keyUsageRules':['signing']}", "a key usage that is none" },
    { ALICE, false, "{'serialNumber':'0x1'}", "a number that is none" },
    { ALICE, false, "{'serialNumber':'01'}", "a number with a leading zero" },
    { ALICE, false, "{'fingerPrint':'<31:short>'}", "a fingerprint of 31 bytes" },
    { ALICE, false, "{'issuedAfter':'2026-01-01T00:00:00+00:00'}", "a time that is not of Z" },
    { ALICE, false, "{'unknown':'x'}", "a property that nobody knows" },
};

static struct bytes alice(struct suite *s, const struct key *ca)
{
    const struct key user = ec_key(s, P256, "user");
    const struct bytes usages =
        DER_SEQUENCE_OF(s, der_oid(s, "1.3.6.1.5.5.7.3.2"), der_oid(s, "1.3.6.1.5.5.7.3.4"));
    const struct certificate_plan plan = {
        .subject = "C=SE/O=Example/CN=Alice",
        .issuer = "CN=Vector CA",
        .spki = user.spki,
        .signer = ca,
        .serial = "0102030405060708",
        .extensions = JOIN(
            s, der_extension(s, "2.5.29.15", true, der(s, DER_BIT_STRING, bytes_at("\x03\x88", 2))),
            der_extension(s, "2.5.29.37", false, usages),
            der_extension(s, "2.5.29.32", false,
                          DER_SEQUENCE_OF(s, DER_SEQUENCE_OF(s, der_oid(s, "1.2.3.4")))),
            der_extension(s, "2.5.29.17", false,
                          DER_SEQUENCE_OF(s, der(s, 0x81, bytes_of("alice@example.com"))))),
    };

    return certificate(s, &plan);
}

void generate_filters(struct suite *s)
{
    const struct expect good = EXPECT_VALID, bad = {
        .status = -1, .end = "client", .counter = -1, .limit = -1, .step = -1
    };
    const struct key ca = scene_ca_key(s), user = ec_key(s, P256, "user");
    const struct certificate_plan bob = { .subject = "CN=Bob",
                                          .issuer = "CN=Vector CA",
                                          .spki = user.spki,
                                          .signer = &ca,
                                          .serial = "010000000000000000",
                                          .not_before = "491231000000Z" },
                                  mueller = { .subject =
                                                  "E=mueller@example.com/O=Ex, Inc./CN=M\xC3\xBC"
                                                  "ller",
                                              .issuer = "CN=Vector CA",
                                              .spki = user.spki,
                                              .signer = &ca,
                                              .serial = "01" };
    static const char *const NAMES[] = { "alice", "bob", "mueller" };
    const struct bytes path[CERTIFICATES] = { alice(s, &ca), certificate(s, &bob),
                                              certificate(s, &mueller) },
                       top = scene_ca(s);
    json_t *fixtures = with(json_object(), "ca", hex(top));

    for (size_t i = 0; i < CERTIFICATES; i++)
        (void)with(fixtures, NAMES[i], hex(path[i]));
    suite_note(s, "Match", "BASIC", "The certificate path fulfils the filter.",
               "Keys would not be found.", SECTION_FILTER);
    suite_note(s, "NoMatch", "FILTER",
               "The path does not fulfil the filter, or the filter is none.",
               "Other keys would be found than those that were meant.", SECTION_FILTER);
    suite_group(s, "filter", "", fixtures);
    for (size_t i = 0; i < NITEMS(FILTERS); i++) {
        const struct filter_row *row = &FILTERS[i];
        const bool of_ca = strstr(row->filter, "<fp-ca>") != NULL;
        json_t *filter = message_tree(
            s, of_ca || strstr(row->filter, "<fp>") != NULL ? "{'fingerPrint':''}" : row->filter);

        if (strstr(row->filter, "<fp") != NULL) {
            json_t *value = base64url_json(s, hash256(s, of_ca ? top : path[row->certificate]));

            need(json_object_set_new(filter, "fingerPrint", value) == 0, "memory");
        }
        if (strstr(row->filter, "2027") != NULL)
            need(json_object_set_new(filter, "issuedAfter", json_string("2027-01-01T00:00:00Z")) ==
                     0,
                 "memory");
        suite_test(s, row->matches ? &good : &bad, row->matches ? "Match" : "NoMatch",
                   SECTION_FILTER, strstr(row->filter, "RegEx':''") != NULL ? "rig" : NULL,
                   with(with(json_object(), "certificate", json_string(NAMES[row->certificate])),
                        "searchFilter", filter),
                   "%s: %s", NAMES[row->certificate], row->comment);
    }
}
