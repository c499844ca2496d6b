/* The keys that closed sessions have left in the device: which are told of, which are targets,
 * which are gone. */
#include "conform/issuer/visit.h"

#include "keygen2/crypto/certificate.h"
#include "proxy/search_filter.h"

/* ---- CredentialDiscoveryRequest ---- */

static bool is_found(const struct visit *v, const struct credential *credential,
                     const struct lookup_specifier *specifier,
                     const struct search_filter_ready *filter, struct java_regex_budget *budget)
{
    const struct search_filter *asked = specifier->search_filter;
    const struct bytes_list path = { (struct bytes *)(uintptr_t)credential->path,
                                     credential->count };
    bool matches = false;

    if (credential->gone || (v->profile->shown & UINT64_C(1) << credential->profile) == 0 ||
        !bytes_equal(credential->key_management_key, specifier->public_key) ||
        search_filter_match(filter, &path, budget, &matches, NULL) != SKS_OK || !matches)
        return false;
    if (asked != NULL && asked->app_usage.is_there &&
        asked->app_usage.value != credential->app_usage)
        return false;
    return asked == NULL || !asked->grouping.is_there ||
           (credential->has_pin && asked->grouping.value == credential->grouping);
}

static enum sks_status look_up(struct visit *v, const struct lookup_specifier *specifier,
                               struct java_regex_budget *budget, struct lookup_result *result)
{
    struct search_filter_ready filter;
    struct matching_credential *match =
        arena_alloc(&v->check->arena, v->site->credentials + 1, sizeof *match);
    enum sks_status rc = search_filter_open(specifier->search_filter, &filter, &v->check->err);

    if (rc != SKS_OK)
        rc = visit_blame(v, "CredentialDiscoveryRequest: searchFilter", "expressions that compile",
                         "%s", v->check->err.text);
    else if (match == NULL)
        rc = SKS_ERROR_STORAGE;
    result->id = specifier->id;
    result->matching_credentials = (struct json_array){ match, 0 };
    for (size_t i = 0; i < v->site->credentials && rc == SKS_OK; i++) {
        struct credential *credential = &v->site->credential[i];

        if (is_found(v, credential, specifier, &filter, budget))
            match[result->matching_credentials.count++] = (struct matching_credential){
                .server_session_id = credential->server_session_id,
                .client_session_id = credential->client_session_id,
                .certificate_path = { credential->path, credential->count },
            };
    }
    search_filter_free(&filter);
    return rc;
}

enum sks_status visit_discovery(struct visit *v)
{
    const struct credential_discovery_request *request = &v->discovery;
    const struct lookup_specifier *specifier = request->lookup_specifiers.item;
    size_t count = request->lookup_specifiers.count;
    struct lookup_result *result = arena_alloc(&v->check->arena, count, sizeof *result);
    struct credential_discovery_response response = {
        .server_session_id = request->server_session_id,
        .client_session_id = request->client_session_id,
        .lookup_results = { result, count },
    };
    struct java_regex_budget budget = java_regex_begin();
    uint8_t nonce[32];
    enum sks_status rc;

    REQUIRE(result != NULL, &v->check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(visit_ids(v, "CredentialDiscoveryRequest", request->server_session_id,
                  request->client_session_id));
    TRY(session_lookup_nonce(&v->terms, nonce));
    for (size_t i = 0; i < count; i++) {
        TRY(expect_bytes(v->check, "CredentialDiscoveryRequest: nonce",
                         bytes_at(nonce, sizeof nonce), specifier[i].nonce));
        TRY(look_up(v, &specifier[i], &budget, &result[i]));
    }
    rc = visit_encode(v, &CREDENTIAL_DISCOVERY_RESPONSE, &response);
out:
    return rc;
}

const struct credential *visit_owned(const struct visit *v, const struct target_key *target)
{
    uint8_t fingerprint[32];

    for (size_t i = 0; i < v->site->credentials; i++) {
        const struct credential *have = &v->site->credential[i];

        if (!have->gone && certificate_fingerprint(have->path[0], fingerprint) == SKS_OK &&
            bytes_equal(target->finger_print, bytes_at(fingerprint, sizeof fingerprint)) &&
            bytes_equal(target->server_session_id, have->server_session_id) &&
            bytes_equal(target->client_session_id, have->client_session_id))
            return have;
    }
    return NULL;
}

/* ---- what is left behind ---- */

static void forget(struct visit *v, const struct target_key *target)
{
    const struct credential *have = target == NULL ? NULL : visit_owned(v, target);

    if (have != NULL)
        v->site->credential[have - v->site->credential].gone = true;
}

static void remember(struct visit *v, const struct visit_key *key,
                     const struct issued_credential *issued)
{
    struct site *site = v->site;
    const struct bytes_list *path = &issued->certificate_path;
    struct credential *kept = &site->credential[site->credentials];

    if (site->credentials == CREDENTIALS_MAX || path->count > NITEMS(kept->path) ||
        v->terms.key_management_key.len == 0 || v->terms.privacy_enabled)
        return;
    *kept = (struct credential){
        .server_session_id = arena_copy(&site->arena, v->terms.server_session_id),
        .client_session_id = arena_copy(&site->arena, v->terms.client_session_id),
        .key_management_key = arena_copy(&site->arena, v->terms.key_management_key),
        .count = path->count,
        .profile = (size_t)(v->profile - site->profile),
        .app_usage = key->specifier->key.app_usage,
        .has_pin = key->pin != NULL,
        .grouping = key->pin == NULL ? 0 : key->pin->policy.grouping,
    };
    for (size_t i = 0; i < path->count; i++)
        kept->path[i] = arena_copy(&site->arena, path->item[i]);
    site->credentials++;
}

static void roll_over(struct visit *v, struct bytes above, const struct json_array *keys)
{
    const struct updatable_key_management_key *old = keys->item;

    for (size_t i = 0; i < keys->count; i++) {
        roll_over(v, old[i].public_key, &old[i].updatable_key_management_keys);
        for (size_t k = 0; k < v->site->credentials; k++)
            if (bytes_equal(v->site->credential[k].key_management_key, old[i].public_key))
                v->site->credential[k].key_management_key = arena_copy(&v->site->arena, above);
    }
}

void visit_closed(struct visit *v)
{
    const struct issued_credential *issued = v->finalization.issued_credentials.item;
    const struct target_key *deleted = v->finalization.delete_keys.item;

    for (size_t i = 0; i < v->finalization.delete_keys.count; i++)
        forget(v, &deleted[i]);
    for (size_t i = 0; i < v->keys; i++) {
        forget(v, issued[i].update_key);
        if (v->remember || issued[i].update_key != NULL)
            remember(v, &v->key[i], &issued[i]);
    }
    roll_over(v, v->terms.key_management_key, &v->initialization.updatable_key_management_keys);
}
