#include "keygen2/base/jcs.h"
#include "keygen2/crypto/session.h"
#include "keygen2/message/search_filter.h"
#include "proxy/search_filter.h"
#include "testvectors/kinds.h"

/* The canonical form of a lookup that was signed: what the library would sign. */
static void agree_on_canonical(struct subject *s, struct bytes message)
{
    json_t *root = NULL, *specifier;
    struct buf text = { 0 };

    if (json_parse(message, &root, &s->err) != SKS_OK)
        return;
    specifier = json_array_get(json_object_get(root, "lookupSpecifiers"),
                               json_array_size(json_object_get(root, "lookupSpecifiers")) - 1);
    (void)json_object_del(json_object_get(specifier, "signature"), "value");
    if (jcs_write(specifier, &text) != SKS_OK ||
        !bytes_equal(buf_bytes(&text), subject_text(s, "canonical")))
        subject_break(s, "canonical is not what the library makes");
    buf_free(&text);
    json_decref(root);
}

static enum sks_status check_request(struct subject *s)
{
    struct credential_discovery_request *request = arena_alloc(&s->arena, 1, sizeof *request);
    const struct bytes message = subject_text(s, "message");
    const struct lookup_specifier *lookup;
    struct session_terms terms = { 0 };
    uint8_t nonce[32];
    enum sks_status rc;

    TRY(keygen2_decode(&CREDENTIAL_DISCOVERY_REQUEST, message, request, &s->arena, &s->err));
    terms.server_session_id = request->server_session_id;
    terms.client_session_id = request->client_session_id;
    TRY(session_lookup_nonce(&terms, nonce));
    subject_agree(s, "nonce", bytes_at(nonce, sizeof nonce));
    lookup = request->lookup_specifiers.item;
    for (size_t i = 0; i < request->lookup_specifiers.count; i++)
        REQUIRE(session_lookup_nonce_verify(&terms, lookup[i].nonce) == SKS_OK, &s->err,
                SKS_ERROR_OPTION, "nonce: not that of this session");
    agree_on_canonical(s, message);
out:
    return rc;
}

static enum sks_status check_filter(struct subject *s)
{
    const struct bytes name = subject_text(s, "certificate");
    struct bytes path[2] = { subject_bytes(s, arena_text(&s->arena, name)),
                             subject_bytes(s, "ca") };
    const struct bytes_list list = { path, 2 };
    struct java_regex_budget budget = java_regex_begin();
    struct search_filter_ready ready = { 0 };
    struct search_filter filter;
    bool matches = false;
    enum sks_status rc;

    TRY(json_decode(&SEARCH_FILTER, subject_value(s, "searchFilter"), &filter, &s->arena, &s->err));
    TRY(search_filter_open(&filter, &ready, &s->err));
    TRY(search_filter_match(&ready, &list, &budget, &matches, &s->err));
    REQUIRE(matches, &s->err, SKS_ERROR_OPTION, "the path does not match");
out:
    search_filter_free(&ready);
    return rc;
}

enum sks_status subject_check_lookup(struct subject *s)
{
    return subject_is(s, "lookup") ? check_request(s) : check_filter(s);
}
