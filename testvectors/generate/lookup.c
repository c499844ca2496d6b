/* CredentialDiscovery: signed lookups, and the filters in them. */
#include "testvectors/generate/der.h"
#include "testvectors/generate/message_text.h"
#include "testvectors/generate/search_filter.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SECTION[] = "SKS V1.07 D Remote Key Lookup; KeyGen2 CredentialDiscoveryRequest";

/* ---- RFC 8785, as much of it as a lookupSpecifier needs ---- */

static void put_jcs_text(struct buf *out, const char *text)
{
    static const char SHORT[] = "\bb\tt\nn\ff\rr\"\"\\\\";

    put_byte(out, '"');
    for (; *text != '\0'; text++) {
        const char *escape = NULL;
        char code[8];

        for (size_t i = 0; i + 1 < sizeof SHORT; i += 2)
            escape = SHORT[i] == *text ? &SHORT[i + 1] : escape;
        if (escape != NULL) {
            put_byte(out, '\\');
            put_byte(out, (uint8_t)*escape);
        } else if ((uint8_t)*text < 0x20) {
            (void)snprintf(code, sizeof code, "\\u%04x", (uint8_t)*text);
            put_text(out, code);
        } else {
            put_byte(out, (uint8_t)*text);
        }
    }
    put_byte(out, '"');
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b); /* ASCII: as UTF-16 sorts */
}

static void put_jcs(struct buf *out, const json_t *value)
{
    const char *name[24];
    size_t count = 0;
    json_t *item;
    const char *key;

    if (json_is_string(value)) {
        put_jcs_text(out, json_string_value(value));
    } else if (json_is_array(value)) {
        put_byte(out, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            put_text(out, i == 0 ? "" : ",");
            put_jcs(out, json_array_get(value, i));
        }
        put_byte(out, ']');
    } else {
        need(json_is_object(value) && json_object_size(value) <= NITEMS(name), "plain JSON");
        json_object_foreach((json_t *)(uintptr_t)value, key, item) name[count++] = key;
        qsort(name, count, sizeof name[0], by_name);
        put_byte(out, '{');
        for (size_t i = 0; i < count; i++) {
            put_text(out, i == 0 ? "" : ",");
            put_jcs_text(out, name[i]);
            put_byte(out, ':');
            put_jcs(out, json_object_get(value, name[i]));
        }
        put_byte(out, '}');
    }
}

static struct bytes canonical(struct suite *s, const json_t *value)
{
    struct buf out = { 0 };

    put_jcs(&out, value);
    return keep(s, &out);
}

/* ---- a lookup ---- */

struct lookup {
    struct suite *s;
    struct key key;
    struct bytes server_id, client_id, nonce;
};

static struct bytes nonce_of(struct suite *s, struct bytes first, struct bytes second)
{
    const uint8_t a[2] = { 0, (uint8_t)first.len }, b[2] = { 0, (uint8_t)second.len };

    return hash256(s, JOIN(s, bytes_at(a, 2), first, bytes_at(b, 2), second));
}

static json_t *unsigned_specifier(struct lookup *l, const char *id, const char *filter)
{
    json_t *specifier = with(json_object(), "id", json_string(id));

    (void)with(specifier, "nonce", base64url_json(l->s, l->nonce));
    if (filter != NULL)
        (void)with(specifier, "searchFilter", message_tree(l->s, filter));
    return with(specifier, "signature",
                json_pack("{s:s, s:o}", "algorithm", l->key.curve == NULL ? "RS256" : "ES256",
                          "publicKey", jwk(l->s, &l->key)));
}

static void set_value(struct lookup *l, json_t *specifier, struct bytes value)
{
    need(json_object_set_new(json_object_get(specifier, "signature"), "value",
                             base64url_json(l->s, value)) == 0,
         "memory");
}

static json_t *signed_specifier(struct lookup *l, const char *id, const char *filter)
{
    json_t *specifier = unsigned_specifier(l, id, filter);

    set_value(l, specifier, key_sign(l->s, &l->key, canonical(l->s, specifier)));
    return specifier;
}

static void set_text(json_t *object, const char *name, const char *value)
{
    need(json_object_set_new(object, name, json_string(value)) == 0, name);
}

/* What the signature of the last lookup must be over, if there is one. */
static void add_canonical(struct lookup *l, json_t *input, const json_t *list)
{
    json_t *last = json_deep_copy(json_array_get(list, json_array_size(list) - 1));
    struct bytes text;

    if (json_object_get(last, "signature") != NULL) {
        (void)json_object_del(json_object_get(last, "signature"), "value");
        text = canonical(l->s, last);
        (void)with(input, "canonical", json_stringn((const char *)text.ptr, text.len));
    }
    json_decref(last);
}

/* Adds a request with one specifier, or two, which it takes; with one thing about it changed. */
static void add_edited(struct lookup *l, bool valid, const char *flag, const char *profile,
                       json_t *specifier, json_t *second, const struct edit *edit,
                       const char *comment)
{
    const struct expect good = EXPECT_VALID, bad = {
        .status = -1, .end = "client", .counter = -1, .limit = -1, .step = -1
    };
    json_t *list = json_array(), *root = json_object(), *input = json_object();

    (void)with(root, "@context", json_string("https://webpki.github.io/keygen2#20190318"));
    (void)with(root, "@qualifier", json_string("CredentialDiscoveryRequest"));
    (void)with(root, "serverSessionId", json_stringn((const char *)l->server_id.ptr, 32));
    (void)with(root, "clientSessionId", json_stringn((const char *)l->client_id.ptr, 32));
    if (specifier != NULL)
        (void)json_array_append_new(list, specifier);
    if (second != NULL)
        (void)json_array_append_new(list, second);
    (void)with(root, "lookupSpecifiers", list);
    {
        struct bytes text = message_text(l->s, root, edit);

        (void)with(input, "message", json_stringn((const char *)text.ptr, text.len));
    }
    if (edit->kind == EDIT_NONE) /* else the lookups are not these any more */
        add_canonical(l, input, list);
    json_decref(root);
    suite_test(l->s, valid ? &good : &bad, flag, SECTION, profile, input, "%s: %s",
               key_name(&l->key), comment);
}

static void add_request(struct lookup *l, bool valid, const char *flag, const char *profile,
                        json_t *specifier, json_t *second, const char *comment)
{
    add_edited(l, valid, flag, profile, specifier, second, &(struct edit){ .kind = EDIT_NONE },
               comment);
}

/* The request around the lookups, and properties in them: what breaks a signature as well. */
static void bad_texts(struct lookup *l)
{
    static const struct {
        struct edit edit;
        const char *comment;
    } EDITS[] = {
        { { EDIT_REMOVE, "/@context", NULL }, "no @context" },
        { { EDIT_REPLACE, "/@qualifier", "\"CredentialDiscoveryResponse\"" },
          "@qualifier of a response" },
        { { EDIT_REMOVE, "/serverSessionId", NULL }, "no serverSessionId" },
        { { EDIT_DOUBLE, "/serverSessionId", NULL }, "serverSessionId twice" },
        { { EDIT_REMOVE, "/clientSessionId", NULL }, "no clientSessionId" },
        { { EDIT_REPLACE, "/clientSessionId", "null" }, "clientSessionId is null" },
        { { EDIT_REMOVE, "/lookupSpecifiers", NULL }, "no lookupSpecifiers" },
        { { EDIT_DOUBLE, "/lookupSpecifiers", NULL }, "lookupSpecifiers twice" },
        { { EDIT_REPLACE, "/lookupSpecifiers", "{}" }, "lookupSpecifiers is an object" },
        { { EDIT_REPLACE, "/lookupSpecifiers", "[{}]" }, "a lookup without anything" },
        { { EDIT_ADD, "", "\"unknown\":true" }, "a property that nobody knows" },
        { { EDIT_DOUBLE, "/lookupSpecifiers/0/id", NULL }, "id of a lookup twice" },
        { { EDIT_DOUBLE, "/lookupSpecifiers/0/signature/value", NULL }, "value twice" },
        { { EDIT_REPLACE, "/lookupSpecifiers/0/nonce", "null" }, "nonce is null" },
        { { EDIT_ADD, "/lookupSpecifiers/0", "\"unknown\":true" },
          "a lookup with such a property" },
        { { EDIT_REPLACE, "/lookupSpecifiers/0/signature", "[]" }, "signature is an array" },
    };

    for (size_t i = 0; i < NITEMS(EDITS); i++)
        add_edited(l, false, "Malformed", NULL, signed_specifier(l, "Lookup.1", NULL), NULL,
                   &EDITS[i].edit, EDITS[i].comment);
}

static void good_lookups(struct lookup *l)
{
    static const struct {
        const char *comment, *filter;
    } FILTERS[] = {
        { "no filter", NULL },
        { "fingerprint", "{'fingerPrint':'<32:finger>'}" },
        { "names", "{'issuerRegEx':'CN=.*','subjectRegEx':'.*O=Example.*'}" },
        { "serial number and dates",
          "{'serialNumber':'72623859790382856','issuedBefore':"
          "'2026-01-01T00:00:00Z','issuedAfter':'2025-01-01T00:00:00Z'}" },
        { "rules", "{'policyRules':['1.2.3.4'],'keyUsageRules':['digitalSignature','-cRLSign'],"
                   "'extendedKeyUsageRules':['-1.3.6.1.5.5.7.3.2']}" },
        { "grouping and usage", "{'grouping':'shared','appUsage':'authentication'}" },
        { "escapes", "{'emailRegEx':'.*\\\\.example\\\\.com \\u0022 \\u001f \\t /'}" },
        { "other letters", "{'subjectRegEx':'CN=M\xC3\xBCller\xF0\x9F\x94\x91'}" },
    };

    json_t *first, *second;

    for (size_t i = 0; i < NITEMS(FILTERS); i++)
        add_request(l, true, "Normal", NULL, signed_specifier(l, "Lookup.1", FILTERS[i].filter),
                    NULL, FILTERS[i].comment);
    first = signed_specifier(l, "Lookup.1", NULL);
    second = signed_specifier(l, "Lookup.2", FILTERS[1].filter);
    add_request(l, true, "Normal", NULL, first, second, "two lookups");
}

static void altered_lookups(struct lookup *l)
{
    static const char FILTER[] = "{'subjectRegEx':'CN=Alice.*'}";
    const struct key other =
        l->key.curve == NULL ? rsa_key(l->s, RSA_CA) : ec_key(l->s, P256, "another issuer");
    json_t *specifier = signed_specifier(l, "Lookup.1", FILTER), *second;

    set_text(json_object_get(specifier, "searchFilter"), "subjectRegEx", "CN=.*");
    add_request(l, false, "Altered", NULL, specifier, NULL, "filter changed after signing");
    specifier = signed_specifier(l, "Lookup.1", FILTER);
    need(json_object_del(specifier, "searchFilter") == 0, "a filter");
    add_request(l, false, "Altered", NULL, specifier, NULL, "filter taken away after signing");
    specifier = signed_specifier(l, "Lookup.1", NULL);
    (void)with(specifier, "searchFilter", message_tree(l->s, FILTER));
    add_request(l, false, "Altered", NULL, specifier, NULL, "filter added after signing");
    specifier = signed_specifier(l, "Lookup.1", FILTER);
    set_text(specifier, "id", "Lookup.2");
    add_request(l, false, "Altered", NULL, specifier, NULL, "id changed after signing");
    specifier = unsigned_specifier(l, "Lookup.1", FILTER);
    set_value(l, specifier,
              flipped(l->s, key_sign(l->s, &l->key, canonical(l->s, specifier)), 7, 1));
    add_request(l, false, "Altered", NULL, specifier, NULL, "a bit of the signature");
    specifier = unsigned_specifier(l, "Lookup.1", FILTER);
    set_value(l, specifier, key_sign(l->s, &other, canonical(l->s, specifier)));
    add_request(l, false, "WrongKey", NULL, specifier, NULL, "signed by another issuer");
    specifier = signed_specifier(l, "Lookup.1", FILTER);
    need(json_object_set_new(json_object_get(specifier, "signature"), "publicKey",
                             jwk(l->s, &other)) == 0,
         "a key");
    add_request(l, false, "WrongKey", NULL, specifier, NULL, "another public key put in");
    second = signed_specifier(l, "Lookup.1", NULL);
    specifier = signed_specifier(l, "Lookup.1", FILTER);
    add_request(l, false, "NotUnique", NULL, second, specifier, "two lookups with one id");
}

static void bad_forms(struct lookup *l)
{
    static const char FILTER[] = "{'subjectRegEx':'CN=Alice.*','appUsage':'signature'}";
    struct suite *s = l->s;
    json_t *specifier = unsigned_specifier(l, "Lookup.1", FILTER);
    struct bytes plain = message_text(s, specifier, &(struct edit){ .kind = EDIT_NONE });
    json_t *signature;

    need(!bytes_equal(plain, canonical(s, specifier)), "another order");
    set_value(l, specifier, key_sign(s, &l->key, plain));
    add_request(l, false, "NotCanonical", NULL, specifier, NULL,
                "signed with properties not sorted");
    specifier = unsigned_specifier(l, "Lookup.1", NULL);
    signature = json_incref(json_object_get(specifier, "signature"));
    need(json_object_del(specifier, "signature") == 0, "a signature");
    plain = canonical(s, specifier);
    (void)with(specifier, "signature", signature);
    set_value(l, specifier, key_sign(s, &l->key, plain));
    add_request(l, false, "NotCanonical", NULL, specifier, NULL,
                "signed without its signature object");
    specifier = unsigned_specifier(l, "Lookup.1", NULL);
    set_value(l, specifier, hash256(s, canonical(s, specifier)));
    add_request(l, false, "Altered", NULL, specifier, NULL, "a hash in the place of the signature");
    if (l->key.curve != NULL) {
        specifier = unsigned_specifier(l, "Lookup.1", NULL);
        set_value(l, specifier, der_signature(s, key_sign(s, &l->key, canonical(s, specifier))));
        add_request(l, false, "SignatureForm", NULL, specifier, NULL, "signature in DER");
    }
    specifier = signed_specifier(l, "Lookup.1", NULL);
    need(json_object_del(json_object_get(specifier, "signature"), "value") == 0, "a value");
    add_request(l, false, "Missing", NULL, specifier, NULL, "no value");
    specifier = signed_specifier(l, "Lookup.1", NULL);
    need(json_object_del(json_object_get(specifier, "signature"), "publicKey") == 0, "a key");
    add_request(l, false, "Missing", "text", specifier, NULL, "no public key");
    specifier = signed_specifier(l, "Lookup.1", NULL);
    need(json_object_del(specifier, "signature") == 0, "a signature");
    add_request(l, false, "Missing", NULL, specifier, NULL, "no signature");
    add_request(l, false, "Missing", NULL, NULL, NULL, "no lookup at all");
}

/* What stands in the signature object beside the value. */
static void bad_headers(struct lookup *l)
{
    static const struct {
        const char *name, *value, *comment;
    } HEADERS[] = { { "algorithm", "HS256", "algorithm HS256" },
                    { "algorithm", "none", "algorithm none" },
                    { "algorithm", "ES512", "algorithm ES512" },
                    { "algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
                      "algorithm by its URI" },
                    { "keyId", "key", "a property that nobody knows" } };

    for (size_t i = 0; i <= NITEMS(HEADERS); i++) {
        json_t *specifier = unsigned_specifier(l, "Lookup.1", NULL);

        if (i == NITEMS(HEADERS))
            set_text(json_object_get(specifier, "signature"), "algorithm",
                     l->key.curve == NULL ? "ES256" : "RS256");
        else
            set_text(json_object_get(specifier, "signature"), HEADERS[i].name, HEADERS[i].value);
        set_value(l, specifier, key_sign(l->s, &l->key, canonical(l->s, specifier)));
        add_request(l, false, "WrongHeader", NULL, specifier, NULL,
                    i == NITEMS(HEADERS) ? "algorithm of the other kind of key"
                                         : HEADERS[i].comment);
    }
}

static void bad_nonces(struct lookup *l)
{
    const struct bytes right = l->nonce;
    const struct {
        const char *comment;
        struct bytes nonce;
    } NONCES[] = {
        { "nonce with the ids changed over", nonce_of(l->s, l->server_id, l->client_id) },
        { "nonce without lengths", hash256(l->s, JOIN(l->s, l->client_id, l->server_id)) },
        { "nonce of another session", nonce_of(l->s, draw_id(l->s, 32, "another"), l->server_id) },
        { "nonce one byte short", bytes_at(right.ptr, 31) }
    };

    for (size_t i = 0; i < NITEMS(NONCES); i++) {
        l->nonce = NONCES[i].nonce;
        add_request(l, false, "WrongNonce", NULL, signed_specifier(l, "Lookup.1", NULL), NULL,
                    NONCES[i].comment);
    }
    l->nonce = right;
}

static void lookups(struct suite *s)
{
    struct lookup l = { .s = s,
                        .server_id = draw_id(s, 32, "serverSessionId"),
                        .client_id = draw_id(s, 32, "clientSessionId") };

    l.nonce = nonce_of(s, l.client_id, l.server_id);
    for (int i = 0; i < 2; i++) {
        l.key = i == 0 ? ec_key(s, P256, "key management") : rsa_key(s, RSA_MANAGEMENT);
        suite_group(
            s, "lookup", "",
            with(with(json_object(), "keyManagementKey", key_json(&l.key)), "nonce", hex(l.nonce)));
        good_lookups(&l);
        altered_lookups(&l);
        bad_forms(&l);
        bad_headers(&l);
        if (i == 0) {
            bad_nonces(&l);
            bad_texts(&l);
        }
    }
}

static void notes(struct suite *s)
{
    suite_note(s, "Normal", "BASIC", "A lookup as it must be.", "Nothing works without it.",
               SECTION);
    suite_note(s, "Altered", "MISSING_AUTHENTICATION", "Something was changed after signing.",
               "Anybody could look for other keys than the issuer asked for.", SECTION);
    suite_note(s, "WrongKey", "WRONG_KEY", "The signature is not of the key that stands there.",
               "Anybody could look for the keys of every issuer.", SECTION);
    suite_note(s, "NotUnique", "DUPLICATE_KEY", "Two lookups of one id.",
               "Answers could not be told apart.", SECTION);
    suite_note(s, "NotCanonical", "ENCODING",
               "What was signed is not the RFC 8785 form of the lookup with all of its signature "
               "but the value.",
               "The ends would not agree.", SECTION);
    suite_note(s, "SignatureForm", "ENCODING", "An ECDSA value is r and s of 32 bytes each.",
               "Several texts for one signature.", SECTION);
    suite_note(s, "Missing", "PRESENCE", "What makes a signature is not there.",
               "Lookups that nobody has signed.", SECTION);
    suite_note(s, "Malformed", "ENCODING", "The request is not as its table has it.",
               "Two readers see two messages.", SECTION);
    suite_note(s, "WrongHeader", "WRONG_PRIMITIVE",
               "The signature object says something that it cannot say.",
               "Algorithms could be confused.", SECTION);
    suite_note(s, "WrongNonce", "MISSING_AUTHENTICATION",
               "The nonce is not SHA-256(clientSessionId || serverSessionId), each with its "
               "length.",
               "A lookup could be used again in another session.", SECTION);
}

void generate_lookup(struct suite *s)
{
    notes(s);
    lookups(s);
    generate_filters(s);
}
