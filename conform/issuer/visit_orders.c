/* What the issuer orders, each with its MAC, in the order in which a token executes it. */
#include "conform/issuer/visit.h"

#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/pin_rules.h"
#include "keygen2/crypto/private_key.h"
#include "keygen2/crypto/signature.h"
#include "proxy/search_filter.h"

#include <stdio.h>
#include <string.h>

static const char CREATION[] = "KeyCreationRequest";
static const char FINALIZATION[] = "ProvisioningFinalizationRequest";

static enum sks_status check_ids(struct visit *v, const char *message, struct bytes server_id,
                                 struct bytes client_id)
{
    char field[100];
    enum sks_status rc;

    (void)snprintf(field, sizeof field, "%s: serverSessionId", message);
    TRY(expect_bytes(v->check, field, v->terms.server_session_id, server_id));
    (void)snprintf(field, sizeof field, "%s: clientSessionId", message);
    rc = expect_bytes(v->check, field, v->terms.client_session_id, client_id);
out:
    return rc;
}

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
    TRY(check_ids(v, "CredentialDiscoveryRequest", request->server_session_id,
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

/* ---- KeyCreationRequest ---- */

/* One that this session has not had yet. */
static enum sks_status make_rsa(struct visit *v, const struct algorithm *algorithm,
                                struct bytes uri, struct bytes parameters, EVP_PKEY **key)
{
    struct site *site = v->site;
    struct kept_key *kept = site->kept;
    enum sks_status rc;

    for (size_t i = 0; i < site->kept_count; i++)
        if ((v->used_keys & UINT32_C(1) << i) == 0 && bytes_equal(kept[i].algorithm, uri) &&
            bytes_equal(kept[i].parameters, parameters)) {
            v->used_keys |= UINT32_C(1) << i;
            *key = kept[i].key;
            return EVP_PKEY_up_ref(*key) == 1 ? SKS_OK : SKS_ERROR_STORAGE;
        }
    TRY(private_key_generate(algorithm, parameters, key));
    if (site->kept_count < KEPT_KEYS_MAX && EVP_PKEY_up_ref(*key) == 1) {
        v->used_keys |= UINT32_C(1) << site->kept_count;
        kept[site->kept_count].algorithm = arena_copy(&site->arena, uri);
        kept[site->kept_count].parameters = arena_copy(&site->arena, parameters);
        kept[site->kept_count++].key = *key;
    }
out:
    return rc;
}

static enum sks_status make_key(struct visit *v, const struct key_entry *wanted,
                                struct bytes *public_key)
{
    struct bytes uri =
        v->bends.key_algorithm == NULL ? wanted->key_algorithm : bytes_of(v->bends.key_algorithm);
    struct bytes parameters =
        v->bends.key_algorithm == NULL ? wanted->key_parameters : (struct bytes){ 0 };
    const struct algorithm *algorithm = algorithm_by_uri(uri, ALGORITHM_KEY_GENERATION);
    struct buf spki = { 0 };
    EVP_PKEY *key = NULL;
    enum sks_status rc;

    TRY(algorithm->kind == KEY_KIND_RSA ? make_rsa(v, algorithm, uri, parameters, &key)
                                        : private_key_generate(algorithm, parameters, &key));
    TRY(put_pkey(&spki, key));
    rc = visit_keep(v, &spki, public_key);
out:
    EVP_PKEY_free(key);
    buf_free(&spki);
    return sks_explain(&v->check->err, rc);
}

static enum sks_status check_secret(struct visit *v, const char *what, struct bytes encrypted,
                                    const struct pin_policy *policy, uint8_t format)
{
    struct buf clear = { 0 };
    const char *wrong = NULL;
    enum sks_status rc = session_decrypt(&v->sk, encrypted, &clear);

    if (rc != SKS_OK) {
        rc = visit_blame(v, what, "what decrypts with the session's encryption key", "another");
        goto out;
    }
    wrong = policy != NULL ? pin_violation(policy, buf_bytes(&clear))
                           : puk_violation(format, buf_bytes(&clear));
    if (wrong != NULL)
        rc = visit_blame(v, what, "a value that obeys its policy", "one that %s", wrong);
out:
    buf_free(&clear);
    return rc;
}

static enum sks_status check_algorithms(struct visit *v, const struct key_entry *key)
{
    for (size_t i = 0; i < key->endorsed_algorithms.count; i++)
        if (algorithm_by_uri(key->endorsed_algorithms.item[i], ALGORITHM_ENDORSABLE) == NULL)
            return visit_blame(v, "KeyCreationRequest: endorsedAlgorithms", "algorithms of SKS",
                               "%.*s", (int)key->endorsed_algorithms.item[i].len,
                               (const char *)key->endorsed_algorithms.item[i].ptr);
    return SKS_OK;
}

static enum sks_status add_key(struct visit *v, const struct key_entry_specifier *specifier,
                               const struct pin_policy_specifier *pin,
                               struct generated_key *generated)
{
    const struct bytes pin_id = pin == NULL ? (struct bytes){ 0 } : pin->policy.id;
    struct visit_key *key = &v->key[v->keys];
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_algorithms(v, &specifier->key));
    put_mac_key_entry(&data, &specifier->key, pin_id, specifier->has_encrypted_pin);
    TRY(visit_mac(v, CREATION, MAC_CREATE_KEY_ENTRY, specifier->key.id, &data, specifier->mac));
    if (specifier->has_encrypted_pin)
        TRY(check_secret(v, "KeyCreationRequest: encryptedPin", specifier->key.pin_value,
                         &pin->policy, 0));
    *key = (struct visit_key){ .id = specifier->key.id,
                               .mac = specifier->mac,
                               .specifier = specifier,
                               .pin = pin,
                               .counter = v->sk.counter };
    TRY(make_key(v, &specifier->key, &key->public_key));
    put_attested_key(&data, key->public_key, key->mac);
    generated->id = key->id;
    generated->public_key = key->public_key;
    rc = visit_attest(v, key, &data, &generated->attestation);
    v->keys++;
out:
    buf_free(&data);
    return rc;
}

static enum sks_status add_keys(struct visit *v, const struct json_array *keys,
                                const struct pin_policy_specifier *pin,
                                struct generated_key *generated)
{
    const struct key_entry_specifier *specifier = keys->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < keys->count; i++) {
        REQUIRE(v->keys < VISIT_KEYS_MAX, &v->check->err, SKS_ERROR_STORAGE,
                "more than %d keys in a session", VISIT_KEYS_MAX);
        TRY(add_key(v, &specifier[i], pin, &generated[v->keys]));
    }
out:
    return rc;
}

static enum sks_status add_pins(struct visit *v, const struct json_array *pins, struct bytes puk_id,
                                struct generated_key *generated)
{
    const struct pin_policy_specifier *pin = pins->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < pins->count; i++) {
        struct buf data = { 0 };

        put_mac_pin_policy(&data, &pin[i].policy, puk_id);
        TRY(visit_mac(v, CREATION, MAC_CREATE_PIN_POLICY, pin[i].policy.id, &data, pin[i].mac));
        TRY(add_keys(v, &pin[i].key_entry_specifiers, &pin[i], generated));
    }
out:
    return rc;
}

static enum sks_status add_puks(struct visit *v, struct generated_key *generated)
{
    const struct puk_policy_specifier *puk = v->creation.puk_policy_specifiers.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < v->creation.puk_policy_specifiers.count; i++) {
        const struct puk_policy *policy = &puk[i].policy;
        struct buf data = { 0 };

        put_mac_puk_policy(&data, policy);
        TRY(visit_mac(v, CREATION, MAC_CREATE_PUK_POLICY, policy->id, &data, puk[i].mac));
        TRY(check_secret(v, "KeyCreationRequest: encryptedPuk", policy->encrypted_puk, NULL,
                         policy->format));
        TRY(add_pins(v, &puk[i].pin_policy_specifiers, policy->id, generated));
    }
out:
    return rc;
}

enum sks_status visit_creation(struct visit *v)
{
    const struct key_creation_request *request = &v->creation;
    struct generated_key generated[VISIT_KEYS_MAX];
    struct key_creation_response response = { .server_session_id = request->server_session_id,
                                              .client_session_id = request->client_session_id };
    struct session_key before = v->sk;
    enum sks_status rc;

    v->keys = 0;
    v->used_keys = 0;
    TRY(check_ids(v, CREATION, request->server_session_id, request->client_session_id));
    TRY(expect_text(v->check, "KeyCreationRequest: keyEntryAlgorithm", SKS_KEY_ENTRY_ALGORITHM,
                    request->key_entry_algorithm));
    TRY(add_puks(v, generated));
    TRY(add_pins(v, &request->pin_policy_specifiers, (struct bytes){ 0 }, generated));
    TRY(add_keys(v, &request->key_entry_specifiers, NULL, generated));
    response.generated_keys = (struct json_array){ generated, v->keys };
    rc = visit_encode(v, &KEY_CREATION_RESPONSE, &response);
out:
    if (rc != SKS_OK)
        v->sk = before;
    return rc;
}

/* ---- ProvisioningFinalizationRequest ---- */

static const struct credential *owned(const struct visit *v, const struct target_key *target)
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

static enum sks_status check_target(struct visit *v, const char *method, struct bytes id,
                                    struct bytes certificate, const struct target_key *target)
{
    const struct credential *have;
    struct buf data = { 0 };
    EVP_PKEY *key = NULL;
    bool good;
    enum sks_status rc = SKS_OK;

    if (target == NULL)
        return SKS_OK;
    have = owned(v, target);
    if (have == NULL)
        return visit_blame(v, FINALIZATION, "a target that the device has told of", "another");
    good = put_target_reference(&data, &v->sk, v->device_id, have->path[0]) == SKS_OK &&
           public_key_load(have->key_management_key, &key) == SKS_OK &&
           verify_sha256(key, buf_bytes(&data), target->authorization) == SKS_OK;
    EVP_PKEY_free(key);
    buf_free(&data);
    if (!good)
        return visit_blame(v, "ProvisioningFinalizationRequest: authorization",
                           "a signature of the target's key management key",
                           "one that does not verify");
    if (certificate.len > 0)
        put_mac_post_key(&data, certificate, target->authorization);
    else
        put_mac_post_session(&data, target->authorization);
    rc = visit_mac(v, FINALIZATION, method, id, &data, target->mac);
    return rc;
}

static enum sks_status check_extension(struct visit *v, const struct issued_credential *credential,
                                       const struct extension *extension, struct bytes mac)
{
    struct buf data = { 0 }, clear = { 0 };
    enum sks_status rc;

    put_mac_extension(&data, credential->certificate_path.item[0], extension);
    TRY(visit_mac(v, FINALIZATION, MAC_ADD_EXTENSION, credential->id, &data, mac));
    if (extension->sub_type == EXTENSION_ENCRYPTED &&
        session_decrypt(&v->sk, extension->data, &clear) != SKS_OK)
        rc = visit_blame(v, "ProvisioningFinalizationRequest: encryptedExtensions",
                         "what decrypts with the session's encryption key", "another");
out:
    buf_free(&clear);
    return rc;
}

static enum sks_status check_plain(struct visit *v, const struct issued_credential *credential,
                                   const struct json_array *list, uint8_t sub_type)
{
    const struct plain_extension *each = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++)
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = each[i].type,
                                                 .sub_type = sub_type,
                                                 .data = each[i].extension_data },
                            each[i].mac));
out:
    return rc;
}

static enum sks_status check_bags(struct visit *v, const struct issued_credential *credential)
{
    const struct property_bag *bag = credential->property_bags.item;
    struct buf data = { 0 };
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < credential->property_bags.count; i++) {
        buf_reset(&data);
        put_property_bag(&data, &bag[i]);
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = bag[i].type,
                                                 .sub_type = EXTENSION_PROPERTY_BAG,
                                                 .data = buf_bytes(&data) },
                            bag[i].mac));
    }
out:
    buf_free(&data);
    return rc;
}

static enum sks_status check_logotypes(struct visit *v, const struct issued_credential *credential)
{
    const struct logotype *each = credential->logotypes.item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < credential->logotypes.count; i++)
        TRY(check_extension(v, credential,
                            &(struct extension){ .type = each[i].type,
                                                 .sub_type = EXTENSION_LOGOTYPE,
                                                 .qualifier = each[i].mime_type,
                                                 .data = each[i].extension_data },
                            each[i].mac));
out:
    return rc;
}

static enum sks_status check_import(struct visit *v, const char *method,
                                    const struct issued_credential *credential,
                                    const struct imported_key *imported)
{
    struct buf data = { 0 }, clear = { 0 };
    EVP_PKEY *key = NULL;
    bool good;
    enum sks_status rc;

    if (imported == NULL)
        return SKS_OK;
    put_mac_import(&data, credential->certificate_path.item[0], imported->encrypted_key);
    TRY(visit_mac(v, FINALIZATION, method, credential->id, &data, imported->mac));
    good = session_decrypt(&v->sk, imported->encrypted_key, &clear) == SKS_OK &&
           (credential->import_private_key == NULL ||
            private_key_from_pkcs8(buf_bytes(&clear), &key) == SKS_OK);
    if (!good)
        rc = visit_blame(v, "ProvisioningFinalizationRequest: encryptedKey",
                         "a key that decrypts with the session's encryption key", "another");
out:
    EVP_PKEY_free(key);
    buf_free(&clear);
    return rc;
}

static enum sks_status check_certificate(struct visit *v, const struct visit_key *key,
                                         const struct issued_credential *credential)
{
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: id", key->id, credential->id));
    TRY(put_certificate_key(&spki, credential->certificate_path.item[0]));
    if (credential->import_private_key == NULL)
        TRY(expect_bytes(v->check, "ProvisioningFinalizationRequest: key of the certificate",
                         key->public_key, buf_bytes(&spki)));
out:
    buf_free(&spki);
    return rc;
}

static enum sks_status check_credential(struct visit *v, struct visit_key *key,
                                        const struct issued_credential *credential)
{
    const struct bytes certificate = credential->certificate_path.item[0];
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_certificate(v, key, credential));
    key->certificate = certificate;
    put_mac_certificate_path(&data, key->public_key, credential->id, &credential->certificate_path);
    TRY(visit_mac(v, FINALIZATION, MAC_SET_CERTIFICATE_PATH, credential->id, &data,
                  credential->mac));
    TRY(check_import(v, MAC_IMPORT_PRIVATE_KEY, credential, credential->import_private_key));
    TRY(check_import(v, MAC_IMPORT_SYMMETRIC_KEY, credential, credential->import_symmetric_key));
    TRY(check_plain(v, credential, &credential->extensions, EXTENSION_PLAIN));
    TRY(check_plain(v, credential, &credential->encrypted_extensions, EXTENSION_ENCRYPTED));
    TRY(check_bags(v, credential));
    TRY(check_logotypes(v, credential));
    TRY(check_target(v, MAC_POST_CLONE_KEY_PROTECTION, credential->id, certificate,
                     credential->clone_key_protection));
    rc = check_target(v, MAC_POST_UPDATE_KEY, credential->id, certificate, credential->update_key);
out:
    return rc;
}

static enum sks_status check_targets(struct visit *v, const char *method,
                                     const struct json_array *targets)
{
    const struct target_key *target = targets->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < targets->count; i++)
        TRY(check_target(v, method, (struct bytes){ 0 }, (struct bytes){ 0 }, &target[i]));
out:
    return rc;
}

/* The token counts each operation against sessionKeyLimit. */
static enum sks_status check_limit(struct visit *v)
{
    if (v->sk.counter < v->terms.session_key_limit)
        return SKS_OK;
    return visit_blame(v, "ProvisioningInitializationRequest: sessionKeyLimit",
                       "at least as many as the session has operations", "%u for %u",
                       v->terms.session_key_limit, v->sk.counter + 1U);
}

static enum sks_status prove(struct visit *v, struct bytes nonce)
{
    struct provisioning_finalization_response response = {
        .server_session_id = v->terms.server_session_id,
        .client_session_id = v->terms.client_session_id,
    };
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_limit(v));
    put_attested_close(&data, nonce);
    TRY(visit_attest(v, NULL, &data, &response.attestation));
    rc = visit_encode(v, &PROVISIONING_FINALIZATION_RESPONSE, &response);
out:
    return rc;
}

enum sks_status visit_finalization(struct visit *v)
{
    const struct provisioning_finalization_request *request = &v->finalization;
    const struct issued_credential *credential = request->issued_credentials.item;
    const struct session_close_data *close = request->session_close_data;
    struct buf data = { 0 };
    enum sks_status rc;

    TRY(check_ids(v, FINALIZATION, request->server_session_id, request->client_session_id));
    TRY(expect_number(v->check, "ProvisioningFinalizationRequest: number of issuedCredentials",
                      v->keys, request->issued_credentials.count));
    for (size_t i = 0; i < v->keys; i++)
        TRY(check_credential(v, &v->key[i], &credential[i]));
    TRY(check_targets(v, MAC_POST_UNLOCK_KEY, &request->unlock_keys));
    TRY(check_targets(v, MAC_POST_DELETE_KEY, &request->delete_keys));
    put_mac_close(&data, &v->terms, close->nonce);
    TRY(visit_mac(v, FINALIZATION, MAC_CLOSE_SESSION, (struct bytes){ 0 }, &data, close->mac));
    rc = prove(v, close->nonce);
out:
    return rc;
}

/* ---- what is left behind ---- */

static void forget(struct visit *v, const struct target_key *target)
{
    const struct credential *have = target == NULL ? NULL : owned(v, target);

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
