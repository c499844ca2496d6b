/* Each property of each response: left out, null, of another type, there twice, of another value.
 */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <string.h>

/* The answer to a request, and what a profile must have so that it comes. */
static const struct {
    const char *name;
    uint64_t needs;
} RESPONSE[] = {
    [AT_INVOCATION] = { "InvocationResponse", 0 },
    [AT_INITIALIZATION] = { "ProvisioningInitializationResponse",
                            NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST) },
    [AT_CREATION] = { "KeyCreationResponse", NEEDS(HAS_TRUST) | NEEDS(HAS_KEYS) },
    [AT_FINALIZATION] = { "ProvisioningFinalizationResponse", NEEDS(HAS_TRUST) | NEEDS(HAS_END) },
};

struct row {
    enum visit_at at;
    uint64_t needs;
    const char *name, *title; /* of a value */
    struct change change;
};

static enum sks_status refused(struct check *check, void *end, const void *from)
{
    const struct row *row = from;

    return change_refused(check, end, row->at, &row->change);
}

/* ---- the same for every property ---- */

static const struct {
    enum visit_at at;
    const char *pointer;
    const char *other; /* a value of another type */
} PROPERTIES[] = {
    { AT_INVOCATION, "/@context", "1" },
    { AT_INVOCATION, "/@qualifier", "true" },
    { AT_INVOCATION, "/serverSessionId", "7" },
    { AT_INITIALIZATION, "/@context", "[]" },
    { AT_INITIALIZATION, "/@qualifier", "{}" },
    { AT_INITIALIZATION, "/serverSessionId", "false" },
    { AT_INITIALIZATION, "/clientSessionId", "12345678" },
    { AT_INITIALIZATION, "/serverTime", "1700000000" },
    { AT_INITIALIZATION, "/clientTime", "1700000000" },
    { AT_INITIALIZATION, "/clientEphemeralKey", "\"P-256\"" },
    { AT_INITIALIZATION, "/clientEphemeralKey/kty", "1" },
    { AT_INITIALIZATION, "/clientEphemeralKey/crv", "256" },
    { AT_INITIALIZATION, "/clientEphemeralKey/x", "0" },
    { AT_INITIALIZATION, "/clientEphemeralKey/y", "[0]" },
    { AT_INITIALIZATION, "/deviceId", "\"device\"" },
    { AT_INITIALIZATION, "/deviceId/certificatePath", "\"MII\"" },
    { AT_INITIALIZATION, "/attestation", "[1,2,3]" },
    { AT_CREATION, "/@context", "5" },
    { AT_CREATION, "/@qualifier", "0" },
    { AT_CREATION, "/serverSessionId", "[]" },
    { AT_CREATION, "/clientSessionId", "{}" },
    { AT_CREATION, "/generatedKeys", "{}" },
    { AT_CREATION, "/generatedKeys/0/id", "1" },
    { AT_CREATION, "/generatedKeys/0/publicKey", "\"key\"" },
    { AT_CREATION, "/generatedKeys/0/attestation", "true" },
    { AT_FINALIZATION, "/@context", "1.5" },
    { AT_FINALIZATION, "/@qualifier", "[]" },
    { AT_FINALIZATION, "/serverSessionId", "0" },
    { AT_FINALIZATION, "/clientSessionId", "1" },
    { AT_FINALIZATION, "/attestation", "{}" },
};

static const struct {
    const char *name, *title;
    enum change_op op;
    const char *text; /* NULL: the property's own other value */
} WAYS[] = {
    { "missing", "%s is missing", CHANGE_REMOVE, "" },
    { "null", "%s is null", CHANGE_SET, "null" },
    { "type", "%s is of another type", CHANGE_SET, NULL },
    { "doubled", "%s is there twice", CHANGE_DOUBLE, "" },
};

/* "/generatedKeys/0/id" is "generatedKeys.0.id" in the id of a case. */
static const char *dotted(struct cases *cases, const char *pointer)
{
    char *text = arena_text(&cases->arena, bytes_of(pointer + 1));
    char *to = text;

    if (text == NULL)
        return "";
    for (const char *from = text; *from != '\0'; from++)
        if (*from != '@')
            *to++ = *from == '/' ? '.' : *from;
    *to = '\0';
    return text;
}

static void add(struct cases *cases, const struct row *row, const char *id, const char *title)
{
    struct conform_case item = {
        .id = id,
        .title = title,
        .section = cases_text(cases, "KeyGen2 %s; http 4, 5, 6", RESPONSE[row->at].name),
        .needs = RESPONSE[row->at].needs | row->needs,
        .run = refused,
    };
    struct row *kept = arena_alloc(&cases->arena, 1, sizeof *kept);

    if (kept == NULL) {
        cases->status = SKS_ERROR_STORAGE;
        return;
    }
    *kept = *row;
    item.row = kept;
    cases_add(cases, &item);
}

static void add_ways(struct cases *cases, size_t number)
{
    enum visit_at at = PROPERTIES[number].at;
    const char *pointer = PROPERTIES[number].pointer, *name = dotted(cases, pointer);

    for (size_t i = 0; i < NITEMS(WAYS); i++) {
        const struct row row = {
            .at = at,
            .change = { WAYS[i].op, pointer,
                        WAYS[i].text == NULL ? PROPERTIES[number].other : WAYS[i].text },
        };
        const char *what = strchr(WAYS[i].title, ' ');

        add(cases, &row, cases_text(cases, "%s.%s-%s", RESPONSE[at].name, name, WAYS[i].name),
            cases_text(cases, "%s%s: refused", pointer, what));
    }
}

/* ---- values ---- */

#define SET(at, name, pointer, text, title)                                                        \
    {                                                                                              \
        at, 0, name, title,                                                                        \
        {                                                                                          \
            CHANGE_SET, pointer, text                                                              \
        }                                                                                          \
    }
#define SPOIL(at, name, pointer, op, title)                                                        \
    {                                                                                              \
        at, 0, name, title,                                                                        \
        {                                                                                          \
            op, pointer, ""                                                                        \
        }                                                                                          \
    }

static const char A_HUNDRED_YEARS[] = "\"2126-01-01T00:00:00+00:00\"";
static const char ZEROS[] = "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";
static const char ONES[] = "\"__________________________________________8\"";
static const char OTHER_ID[] = "\"0123456789abcdefghijABCDEFGHIJKL\"";

static const struct row VALUES[] = {
    SET(AT_INVOCATION, "context-other", "/@context",
        "\"https://webpki.github.io/keygen2#20160101\"", "another version's @context"),
    SET(AT_INVOCATION, "context-empty", "/@context", "\"\"", "an empty @context"),
    SET(AT_INVOCATION, "qualifier-case", "/@qualifier", "\"invocationResponse\"",
        "the name of the message in lower case"),
    SET(AT_INVOCATION, "qualifier-request", "/@qualifier", "\"InvocationRequest\"",
        "the name of the request"),
    SET(AT_INVOCATION, "qualifier-unknown", "/@qualifier", "\"PlatformNegotiationResponse\"",
        "the name of no message"),
    SET(AT_INVOCATION, "serverSessionId-other", "/serverSessionId", OTHER_ID,
        "an id of no session"),
    SET(AT_INVOCATION, "serverSessionId-empty", "/serverSessionId", "\"\"", "an empty id"),
    SET(AT_INVOCATION, "serverSessionId-long", "/serverSessionId",
        "\"0123456789abcdefghijABCDEFGHIJKLM\"", "an id of 33 characters"),
    SET(AT_INVOCATION, "serverSessionId-blank", "/serverSessionId", "\"0123 4567\"",
        "an id with a blank"),
    SET(AT_INVOCATION, "serverSessionId-accent", "/serverSessionId", "\"caf\\u00e9\"",
        "an id with a character over 7E"),
    SET(AT_INVOCATION, "unknown-property", "/extra", "1", "a property that nobody knows"),
    SET(AT_INVOCATION, "unknown-null", "/extra", "null", "a null that nobody knows"),
    SET(AT_INVOCATION, "clientSessionId", "/clientSessionId", OTHER_ID,
        "a property of later messages"),
    SET(AT_INVOCATION, "signature", "/signature", "{}", "an empty signature"),
    SET(AT_INVOCATION, "clientCapabilities-empty", "/clientCapabilities", "[]",
        "an empty list of capabilities"),

    SET(AT_INITIALIZATION, "context-other", "/@context", "\"http://xmlns.webpki.org/keygen2\"",
        "another @context"),
    SET(AT_INITIALIZATION, "qualifier-other", "/@qualifier", "\"KeyCreationResponse\"",
        "the name of a later message"),
    SET(AT_INITIALIZATION, "serverSessionId-other", "/serverSessionId", OTHER_ID,
        "an id of no session"),
    SET(AT_INITIALIZATION, "clientSessionId-other", "/clientSessionId", OTHER_ID,
        "another clientSessionId than the attested one"),
    SET(AT_INITIALIZATION, "clientSessionId-empty", "/clientSessionId", "\"\"",
        "an empty clientSessionId"),
    SET(AT_INITIALIZATION, "clientSessionId-long", "/clientSessionId",
        "\"0123456789abcdefghijABCDEFGHIJKLM\"", "a clientSessionId of 33 characters"),
    SET(AT_INITIALIZATION, "clientSessionId-blank", "/clientSessionId", "\"01234567 9\"",
        "a clientSessionId with a blank"),
    SET(AT_INITIALIZATION, "serverTime-other", "/serverTime", "\"2020-01-01T00:00:00Z\"",
        "another serverTime"),
    SET(AT_INITIALIZATION, "serverTime-text", "/serverTime", "\"now\"", "no time"),
    SET(AT_INITIALIZATION, "clientTime-other", "/clientTime", "\"2020-01-01T00:00:00+00:00\"",
        "another clientTime than the attested one"),
    SET(AT_INITIALIZATION, "clientTime-no-zone", "/clientTime", "\"2026-01-01T00:00:00\"",
        "a clientTime without a zone"),
    SET(AT_INITIALIZATION, "clientTime-fraction", "/clientTime", "\"2026-01-01T00:00:00.5+00:00\"",
        "a clientTime with a fraction"),
    SET(AT_INITIALIZATION, "clientTime-month-13", "/clientTime", "\"2026-13-01T00:00:00+00:00\"",
        "a clientTime in month 13"),
    SET(AT_INITIALIZATION, "clientTime-1969", "/clientTime", "\"1969-12-31T23:59:59+00:00\"",
        "a clientTime before 1970"),
    SET(AT_INITIALIZATION, "clientTime-2126", "/clientTime", A_HUNDRED_YEARS,
        "a clientTime of over 32 bits"),
    SPOIL(AT_INITIALIZATION, "x-flipped", "/clientEphemeralKey/x", CHANGE_FLIP,
          "a point that is not on the curve, or not the attested one"),
    SPOIL(AT_INITIALIZATION, "y-flipped", "/clientEphemeralKey/y", CHANGE_FLIP,
          "a point that is not on the curve"),
    SPOIL(AT_INITIALIZATION, "x-short", "/clientEphemeralKey/x", CHANGE_CUT,
          "a coordinate without its last octet"),
    SPOIL(AT_INITIALIZATION, "x-long", "/clientEphemeralKey/x", CHANGE_LENGTHEN,
          "a coordinate of an octet more"),
    SPOIL(AT_INITIALIZATION, "x-padded", "/clientEphemeralKey/x", CHANGE_PAD,
          "base64url with padding"),
    SET(AT_INITIALIZATION, "x-zero", "/clientEphemeralKey/x", ZEROS, "x is 0"),
    SET(AT_INITIALIZATION, "x-over-the-field", "/clientEphemeralKey/x", ONES,
        "x is above the prime of the field"),
    SET(AT_INITIALIZATION, "infinity", "/clientEphemeralKey",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
        "0, 0, which stands for infinity"),
    SET(AT_INITIALIZATION, "x-empty", "/clientEphemeralKey/x", "\"\"", "an empty coordinate"),
    SET(AT_INITIALIZATION, "crv-other", "/clientEphemeralKey/crv", "\"P-384\"",
        "a curve that the coordinates are too short for"),
    SET(AT_INITIALIZATION, "crv-unknown", "/clientEphemeralKey/crv", "\"P-255\"",
        "a curve that nobody knows"),
    SET(AT_INITIALIZATION, "crv-of-the-same-size", "/clientEphemeralKey/crv", "\"secp256k1\"",
        "the point said to be on another curve"),
    SET(AT_INITIALIZATION, "kty-other", "/clientEphemeralKey/kty", "\"RSA\"", "kty RSA"),
    SET(AT_INITIALIZATION, "kty-unknown", "/clientEphemeralKey/kty", "\"oct\"", "kty oct"),
    SET(AT_INITIALIZATION, "private-key", "/clientEphemeralKey/d", ZEROS, "a private key in a JWK"),
    SET(AT_INITIALIZATION, "jwk-kid", "/clientEphemeralKey/kid", "\"1\"",
        "a member that the key does not need"),
    SET(AT_INITIALIZATION, "unknown-property", "/extra", "{}", "a property that nobody knows"),
    SET(AT_INITIALIZATION, "unknown-in-deviceId", "/deviceId/extra", "1",
        "a property that nobody knows in deviceId"),
    SET(AT_INITIALIZATION, "path-empty", "/deviceId/certificatePath", "[]",
        "a path without certificates"),
    SET(AT_INITIALIZATION, "path-no-certificate", "/deviceId/certificatePath/0", "\"MAA\"",
        "a certificate that does not decode"),
    SET(AT_INITIALIZATION, "path-no-base64", "/deviceId/certificatePath/0", "\"+/==\"",
        "a certificate that is no base64url"),
    SPOIL(AT_INITIALIZATION, "certificate-flipped", "/deviceId/certificatePath/0", CHANGE_FLIP,
          "a device certificate with one bit flipped"),
    SPOIL(AT_INITIALIZATION, "certificate-short", "/deviceId/certificatePath/0", CHANGE_CUT,
          "a device certificate without its last octet"),
    SPOIL(AT_INITIALIZATION, "certificate-long", "/deviceId/certificatePath/0", CHANGE_LENGTHEN,
          "a device certificate with an octet behind it"),
    SPOIL(AT_INITIALIZATION, "certificate-twice", "/deviceId/certificatePath", CHANGE_COPY,
          "the device certificate twice"),
    SPOIL(AT_INITIALIZATION, "attestation-flipped", "/attestation", CHANGE_FLIP,
          "an attestation with one bit flipped"),
    SPOIL(AT_INITIALIZATION, "attestation-short", "/attestation", CHANGE_CUT,
          "an attestation without its last octet"),
    SPOIL(AT_INITIALIZATION, "attestation-long", "/attestation", CHANGE_LENGTHEN,
          "an attestation of an octet more"),
    SPOIL(AT_INITIALIZATION, "attestation-padded", "/attestation", CHANGE_PAD,
          "an attestation with padding"),
    SET(AT_INITIALIZATION, "attestation-empty", "/attestation", "\"\"", "an empty attestation"),
    SET(AT_INITIALIZATION, "attestation-zeros", "/attestation",
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "\"",
        "an attestation of zeros: r and s are 0"),
    SET(AT_INITIALIZATION, "encryptedSessionKey", "/encryptedSessionKey", ZEROS,
        "a construct of the draft of 2010 in a session that is none"),

    SET(AT_CREATION, "qualifier-other", "/@qualifier", "\"ProvisioningFinalizationResponse\"",
        "the name of the next message"),
    SET(AT_CREATION, "serverSessionId-other", "/serverSessionId", OTHER_ID, "an id of no session"),
    SET(AT_CREATION, "clientSessionId-other", "/clientSessionId", OTHER_ID,
        "another clientSessionId"),
    SET(AT_CREATION, "keys-none", "/generatedKeys", "[]", "no keys"),
    SPOIL(AT_CREATION, "keys-doubled", "/generatedKeys", CHANGE_COPY, "a key twice"),
    SPOIL(AT_CREATION, "keys-one-less", "/generatedKeys", CHANGE_DROP, "a key less"),
    SET(AT_CREATION, "id-other", "/generatedKeys/0/id", "\"Another.1\"", "another id of a key"),
    SET(AT_CREATION, "id-empty", "/generatedKeys/0/id", "\"\"", "an empty id of a key"),
    SET(AT_CREATION, "publicKey-empty", "/generatedKeys/0/publicKey", "{}", "an empty JWK"),
    SET(AT_CREATION, "publicKey-symmetric", "/generatedKeys/0/publicKey",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "a symmetric JWK"),
    SET(AT_CREATION, "publicKey-extra", "/generatedKeys/0/publicKey/use", "\"sig\"",
        "a member that the key does not need"),
    SPOIL(AT_CREATION, "attestation-flipped", "/generatedKeys/0/attestation", CHANGE_FLIP,
          "a key attestation with one bit flipped"),
    SPOIL(AT_CREATION, "attestation-short", "/generatedKeys/0/attestation", CHANGE_CUT,
          "a key attestation without its last octet"),
    SPOIL(AT_CREATION, "attestation-long", "/generatedKeys/0/attestation", CHANGE_LENGTHEN,
          "a key attestation of an octet more"),
    SET(AT_CREATION, "attestation-empty", "/generatedKeys/0/attestation", "\"\"",
        "an empty key attestation"),
    SET(AT_CREATION, "attestation-zeros", "/generatedKeys/0/attestation", ZEROS,
        "a key attestation of zeros"),
    SET(AT_CREATION, "unknown-property", "/extra", "\"\"", "a property that nobody knows"),
    SET(AT_CREATION, "unknown-in-key", "/generatedKeys/0/extra", "0",
        "a property that nobody knows in a key"),
    { AT_CREATION,
      NEEDS(HAS_EC_KEY),
      "x-flipped",
      "a key that is no point, or not the attested one",
      { CHANGE_FLIP, "/generatedKeys/0/publicKey/x", "" } },
    { AT_CREATION,
      NEEDS(HAS_TWO_KEYS),
      "keys-reversed",
      "the keys in another order",
      { CHANGE_REVERSE, "/generatedKeys", "" } },
    { AT_CREATION,
      NEEDS(HAS_RSA_KEY),
      "rsa-as-ec",
      "kty EC with members of RSA",
      { CHANGE_SET, "/generatedKeys/0/publicKey/kty", "\"EC\"" } },

    SET(AT_FINALIZATION, "qualifier-other", "/@qualifier", "\"KeyCreationResponse\"",
        "the name of the last message"),
    SET(AT_FINALIZATION, "serverSessionId-other", "/serverSessionId", OTHER_ID,
        "an id of no session"),
    SET(AT_FINALIZATION, "clientSessionId-other", "/clientSessionId", OTHER_ID,
        "another clientSessionId"),
    SPOIL(AT_FINALIZATION, "attestation-flipped", "/attestation", CHANGE_FLIP,
          "a closing proof with one bit flipped"),
    SPOIL(AT_FINALIZATION, "attestation-short", "/attestation", CHANGE_CUT,
          "a closing proof without its last octet"),
    SPOIL(AT_FINALIZATION, "attestation-long", "/attestation", CHANGE_LENGTHEN,
          "a closing proof of an octet more"),
    SPOIL(AT_FINALIZATION, "attestation-padded", "/attestation", CHANGE_PAD,
          "a closing proof with padding"),
    SET(AT_FINALIZATION, "attestation-empty", "/attestation", "\"\"", "an empty closing proof"),
    SET(AT_FINALIZATION, "attestation-zeros", "/attestation", ZEROS, "a closing proof of zeros"),
    SET(AT_FINALIZATION, "unknown-property", "/extra", "[]", "a property that nobody knows"),
};

/* ---- of who was asked for capabilities ---- */

#define CAPABILITY(name, op, pointer, text, title)                                                 \
    {                                                                                              \
        AT_INVOCATION, NEEDS(HAS_QUERY), name, title,                                              \
        {                                                                                          \
            op, pointer, text                                                                      \
        }                                                                                          \
    }

static const struct row CAPABILITIES[] = {
    CAPABILITY("capabilities-missing", CHANGE_REMOVE, "/clientCapabilities", "",
               "no capabilities, where some were asked for"),
    CAPABILITY("capability-less", CHANGE_DROP, "/clientCapabilities", "", "one answer less"),
    CAPABILITY("capability-twice", CHANGE_COPY, "/clientCapabilities", "", "one answer twice"),
    CAPABILITY("capability-other", CHANGE_SET, "/clientCapabilities/0/type",
               "\"https://conformance.example/unasked\"", "an answer that nobody asked for"),
    CAPABILITY("capability-no-uri", CHANGE_SET, "/clientCapabilities/0/type", "\"relative\"",
               "a type that is no absolute URI"),
    CAPABILITY("capability-no-answer", CHANGE_REMOVE, "/clientCapabilities/0/supported", "",
               "an answer that says nothing"),
    CAPABILITY("capability-two-answers", CHANGE_SET, "/clientCapabilities/0/values", "[\"a\"]",
               "an answer of two kinds"),
    CAPABILITY("width-zero", CHANGE_SET, "/clientCapabilities/0",
               "{\"type\":\"https://conformance.example/a\",\"imageAttributes\":{\"mimeType\":"
               "\"image/png\",\"width\":0,\"height\":1}}",
               "a number below its range"),
    CAPABILITY("width-huge", CHANGE_SET, "/clientCapabilities/0",
               "{\"type\":\"https://conformance.example/a\",\"imageAttributes\":{\"mimeType\":"
               "\"image/png\",\"width\":4294967296,\"height\":1}}",
               "a number above its range"),
    CAPABILITY("width-fraction", CHANGE_SET, "/clientCapabilities/0",
               "{\"type\":\"https://conformance.example/a\",\"imageAttributes\":{\"mimeType\":"
               "\"image/png\",\"width\":1.0,\"height\":1}}",
               "a number with a fraction"),
};

static void add_rows(struct cases *cases, const struct row *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(cases, &table[i], cases_text(cases, "%s.%s", RESPONSE[table[i].at].name, table[i].name),
            cases_text(cases, "%s: refused", table[i].title));
}

void issuer_cases_of_properties(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(PROPERTIES); i++)
        add_ways(cases, i);
    add_rows(cases, VALUES, NITEMS(VALUES));
    add_rows(cases, CAPABILITIES, NITEMS(CAPABILITIES));
}
