/*
 * CredentialDiscoveryRequest: what of the issuer's the token holds. SKS V1.07, appendix D "Remote
 * Key Lookup": a key is shown only to who signed with the key management key of its session.
 */
#include "keygen2/crypto/session.h"
#include "proxy/provision.h"
#include "proxy/search_filter.h"
#include "proxy/token_walk.h"

#include <stdlib.h>
#include <string.h>

/* What one matching credential takes in JSON beside its certificates, about. */
enum { MATCH_OVERHEAD = 300 };

/* A closed session whose key management key has signed a specifier, and its keys. */
struct owner {
    uint32_t handle;
    struct bytes server_session_id, client_session_id, key_management_key;
};
struct candidate {
    uint32_t handle;
    size_t owner; /* its place among the owners */
};
struct match {
    size_t specifier;
    struct matching_credential credential;
};

struct discovery {
    struct enrolment *e;
    const struct lookup_specifier *specifier;
    size_t count; /* of specifiers */
    struct search_filter_ready *filter;
    struct java_regex_budget budget;
    struct buf owners, candidates, matches; /* of struct owner, candidate, match */
    size_t size, certificates;              /* of the answer, about */
};

static const struct owner *owner_at(const struct discovery *d, size_t number)
{
    return (const struct owner *)(const void *)d->owners.ptr + number;
}

static size_t owner_count(const struct discovery *d)
{
    return d->owners.len / sizeof(struct owner);
}

/* ---- freshness and syntax ---- */

/* Appendix D, step 2. Step 1, the signature, was verified when the message was decoded. */
static enum sks_status check_nonces(const struct discovery *d)
{
    struct session_terms terms = { .server_session_id = d->e->server_session_id,
                                   .client_session_id = d->e->client_session_id };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < d->count; i++)
        REFUSE_UNLESS(session_lookup_nonce_verify(&terms, d->specifier[i].nonce) == SKS_OK, d->e,
                      "/lookupSpecifiers/%zu/nonce: not that of this session", i);
out:
    return rc;
}

static enum sks_status open_filters(struct discovery *d)
{
    enum sks_status rc = SKS_OK;

    d->filter = arena_alloc(&d->e->arena, d->count, sizeof *d->filter);
    REQUIRE(d->filter != NULL, &d->e->err, SKS_ERROR_STORAGE, "no memory for search filters");
    for (size_t i = 0; i < d->count; i++) {
        struct sks_error why = { 0 };

        rc = search_filter_open(d->specifier[i].search_filter, &d->filter[i], &why);
        REQUIRE(rc == SKS_OK, &d->e->err, rc, "/lookupSpecifiers/%zu/searchFilter/%s", i, why.text);
    }
out:
    return rc;
}

/* ---- sessions and keys ---- */

static bool has_signed(const struct discovery *d, struct bytes key_management_key)
{
    for (size_t i = 0; i < d->count; i++)
        if (bytes_equal(d->specifier[i].public_key, key_management_key))
            return true;
    return false;
}

static enum sks_status visit_session(void *ctx, const struct enumerate_sessions_out *session,
                                     bool *enough)
{
    struct discovery *d = ctx;
    struct arena *arena = &d->e->arena;
    struct owner owner = { .handle = session->provisioning_handle };

    (void)enough;
    if (session->key_management_key.len == 0 || !has_signed(d, session->key_management_key))
        return SKS_OK;
    owner.server_session_id = arena_copy(arena, session->server_session_id);
    owner.client_session_id = arena_copy(arena, session->client_session_id);
    owner.key_management_key = arena_copy(arena, session->key_management_key);
    put_raw(&d->owners, bytes_at(&owner, sizeof owner));
    return sks_explain(&d->e->err, d->owners.status);
}

static int by_handle(const void *a, const void *b)
{
    uint32_t x = ((const struct owner *)a)->handle, y = ((const struct owner *)b)->handle;

    return (x > y) - (x < y);
}

static enum sks_status visit_key(void *ctx, const struct enumerate_keys_out *key, bool *enough)
{
    struct discovery *d = ctx;
    struct owner wanted = { .handle = key->provisioning_handle };
    struct candidate candidate = { .handle = key->key_handle };
    const struct owner *owner =
        bsearch(&wanted, d->owners.ptr, owner_count(d), sizeof wanted, by_handle);

    (void)enough;
    if (owner == NULL)
        return SKS_OK;
    candidate.owner = (size_t)(owner - owner_at(d, 0));
    put_raw(&d->candidates, bytes_at(&candidate, sizeof candidate));
    return sks_explain(&d->e->err, d->candidates.status);
}

/* ---- matches ---- */

/* A key as the token shows it. */
struct shown {
    struct bytes_list path; /* kept */
    uint8_t app_usage;
    struct key_protection_out protection;
};

static enum sks_status keep_path(struct discovery *d, const struct bytes_list *from,
                                 struct bytes_list *path)
{
    path->item = arena_alloc(&d->e->arena, from->count, sizeof *path->item);
    path->count = path->item == NULL ? 0 : from->count;
    for (size_t i = 0; i < path->count; i++)
        path->item[i] = arena_copy(&d->e->arena, from->item[i]);
    return path->count == from->count && (path->count == 0 || path->item[path->count - 1].ptr)
               ? SKS_OK
               : sks_fail(&d->e->err, SKS_ERROR_STORAGE, "no memory for a certificate path");
}

/* KeyGen2, grouping: "keys that are not PIN-protected must always fail to match". */
static bool fits_key(const struct search_filter *filter, const struct shown *key)
{
    if (filter == NULL)
        return true;
    if (filter->app_usage.is_there && filter->app_usage.value != key->app_usage)
        return false;
    return !filter->grouping.is_there ||
           ((key->protection.protection_status & PROTECTION_STATUS_PIN) != 0 &&
            filter->grouping.value == key->protection.grouping);
}

static enum sks_status add_match(struct discovery *d, size_t specifier, const struct owner *owner,
                                 const struct shown *key)
{
    struct match match = { .specifier = specifier };
    enum sks_status rc = SKS_OK;

    match.credential = (struct matching_credential){
        .server_session_id = owner->server_session_id,
        .client_session_id = owner->client_session_id,
        .certificate_path = key->path,
        .locked = (key->protection.protection_status & PROTECTION_STATUS_PIN_BLOCKED) != 0,
    };
    d->size += MATCH_OVERHEAD;
    d->certificates += key->path.count;
    for (size_t i = 0; i < key->path.count; i++)
        d->size += key->path.item[i].len / 3 * 4 + 8;
    REFUSE_UNLESS(
        d->size <= KEYGEN2_MESSAGE_MAX - MATCH_OVERHEAD && d->certificates <= KEYGEN2_FOUND_MAX,
        d->e, "/lookupSpecifiers/%zu: more credentials than one message holds", specifier);
    put_raw(&d->matches, bytes_at(&match, sizeof match));
    rc = sks_explain(&d->e->err, d->matches.status);
out:
    return rc;
}

/* Whether the path fulfils the filter; a failure names the specifier. */
static enum sks_status match_path(struct discovery *d, size_t specifier,
                                  const struct bytes_list *path, bool *matches)
{
    struct sks_error why = { 0 };
    enum sks_status rc =
        search_filter_match(&d->filter[specifier], path, &d->budget, matches, &why);

    if (rc != SKS_OK)
        return sks_fail(&d->e->err, rc, "/lookupSpecifiers/%zu/searchFilter: %s", specifier,
                        why.text);
    return SKS_OK;
}

/* All specifiers of the key's owner; the protection is asked for once, and only if one matches. */
static enum sks_status try_key(struct discovery *d, const struct candidate *candidate,
                               struct arena *scratch)
{
    const struct owner *owner = owner_at(d, candidate->owner);
    union sks_in in = { .key_handle = { candidate->handle } };
    struct shown key = { 0 };
    struct bytes_list path;
    union sks_out out;
    bool known = false;
    enum sks_status rc;

    TRY(provision_call_in(d->e, GET_KEY_ATTRIBUTES, &in, &out, scratch));
    path = out.key_attributes.certificate_path;
    key.app_usage = out.key_attributes.app_usage;
    for (size_t i = 0; i < d->count; i++) {
        bool matches = bytes_equal(d->specifier[i].public_key, owner->key_management_key);

        d->e->fault = PARTY_PROXY;
        if (matches)
            TRY(match_path(d, i, &path, &matches));
        if (!matches)
            continue;
        if (!known) {
            TRY(provision_call_in(d->e, GET_KEY_PROTECTION_INFO, &in, &out, scratch));
            key.protection = out.key_protection;
            TRY(keep_path(d, &path, &key.path));
            known = true;
        }
        if (fits_key(d->specifier[i].search_filter, &key))
            TRY(add_match(d, i, owner, &key));
    }
out:
    return rc;
}

static enum sks_status try_keys(struct discovery *d)
{
    const struct candidate *candidate = (const void *)d->candidates.ptr;
    struct arena scratch = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < d->candidates.len / sizeof *candidate; i++) {
        TRY(try_key(d, &candidate[i], &scratch));
        arena_free(&scratch);
    }
out:
    arena_free(&scratch);
    return rc;
}

/* ---- the answer ---- */

static enum sks_status answer(struct discovery *d, struct json_array *results)
{
    const struct match *match = (const void *)d->matches.ptr;
    size_t total = d->matches.len / sizeof *match;
    struct lookup_result *result = arena_alloc(&d->e->arena, d->count, sizeof *result);
    struct matching_credential *all = arena_alloc(&d->e->arena, total + 1, sizeof *all);
    enum sks_status rc = SKS_OK;

    REQUIRE(result != NULL && all != NULL, &d->e->err, SKS_ERROR_STORAGE,
            "no memory for lookup results");
    for (size_t i = 0; i < d->count; i++) {
        result[i].id = d->specifier[i].id;
        result[i].matching_credentials = (struct json_array){ all, 0 };
        for (size_t k = 0; k < total; k++)
            if (match[k].specifier == i)
                all[result[i].matching_credentials.count++] = match[k].credential;
        all += result[i].matching_credentials.count;
    }
    *results = (struct json_array){ result, d->count };
out:
    return rc;
}

enum sks_status provision_discovery(struct enrolment *e, const void *request, void *response)
{
    const struct credential_discovery_request *in = request;
    struct credential_discovery_response *out = response;
    struct discovery d = { .e = e,
                           .specifier = in->lookup_specifiers.item,
                           .count = in->lookup_specifiers.count };
    enum sks_status rc;

    e->fault = PARTY_PROXY;
    TRY(check_nonces(&d));
    TRY(open_filters(&d));
    TRY(walk_sessions(e, false, visit_session, &d));
    if (owner_count(&d) > 0)
        TRY(walk_keys(e, visit_key, &d));
    d.budget = java_regex_begin();
    TRY(try_keys(&d));
    TRY(answer(&d, &out->lookup_results));
out:
    for (size_t i = 0; d.filter != NULL && i < d.count; i++)
        search_filter_free(&d.filter[i]);
    buf_free(&d.owners);
    buf_free(&d.candidates);
    buf_free(&d.matches);
    return rc;
}
