/* Which keys of the device the issuer has asked for, and which it operates on. */
#include "keygen2/base/base64.h"
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/signature.h"
#include "keygen2/evidence/checker.h"

#include <openssl/crypto.h>
#include <string.h>

enum { AUTHORIZATIONS_MAX = 4096 /* each costs a signature check, or several */ };

/* ---- CredentialDiscovery ---- */

void check_discovery_request(struct checker *c, const void *from)
{
    const struct credential_discovery_request *message = from;
    const struct lookup_specifier *lookup = message->lookup_specifiers.item;
    const struct session_terms terms = {
        .server_session_id = c->record->server_session_id,
        .client_session_id = c->agreed.client_session_id,
    };
    uint8_t nonce[32];
    bool good = session_lookup_nonce(&terms, nonce) == SKS_OK;

    check_own_ids(c, message->server_session_id, &message->client_session_id);
    for (size_t i = 0; i < message->lookup_specifiers.count; i++)
        good = good && bytes_equal(lookup[i].nonce, bytes_at(nonce, sizeof nonce));
    c->lookups = &message->lookup_specifiers;
    if (good)
        checker_tell(c, EVIDENCE_GOOD, "lookups", "%zu, signed, with the nonce of the session",
                     message->lookup_specifiers.count);
    else
        checker_tell(c, EVIDENCE_BAD, "lookups", "one has not the nonce of the session");
}

static struct bytes key_of_lookup(const struct checker *c, struct bytes id)
{
    const struct lookup_specifier *lookup = c->lookups->item;

    for (size_t i = 0; i < c->lookups->count; i++)
        if (bytes_equal(lookup[i].id, id))
            return lookup[i].public_key;
    return (struct bytes){ 0 };
}

static void take_result(struct checker *c, const struct lookup_result *result)
{
    const struct matching_credential *match = result->matching_credentials.item;
    struct bytes key = key_of_lookup(c, result->id);

    for (size_t i = 0; i < result->matching_credentials.count; i++) {
        struct checked_target *target = &c->target[c->targets];

        target->certificate = match[i].certificate_path.item[0];
        target->match = &match[i];
        target->key = key;
        if (certificate_fingerprint(target->certificate, target->fingerprint) == SKS_OK)
            c->targets++;
    }
}

void check_discovery_response(struct checker *c, const void *from)
{
    const struct credential_discovery_response *message = from;
    const struct lookup_result *result = message->lookup_results.item;
    size_t count = 0;

    if (!check_their_ids(c, message->server_session_id, &message->client_session_id))
        return;
    for (size_t i = 0; i < message->lookup_results.count; i++)
        count += result[i].matching_credentials.count;
    c->target = arena_alloc(c->arena, count, sizeof *c->target);
    c->no_memory |= c->target == NULL;
    for (size_t i = 0; i < message->lookup_results.count && c->target != NULL; i++)
        take_result(c, &result[i]);
}

/* ---- post operations ---- */

/* By the key management key of a lookup that found the target. */
static enum truth is_authorized(struct checker *c, const struct checked_target *found,
                                const struct target_key *target)
{
    struct buf data = { 0 };
    EVP_PKEY *key = NULL;
    bool good;

    if (!c->has_key || c->authorizations++ >= AUTHORIZATIONS_MAX)
        return UNKNOWN;
    good = put_target_reference(&data, &c->sk, c->device_id, found->certificate) == SKS_OK &&
           public_key_load(found->key, &key) == SKS_OK &&
           verify_sha256(key, buf_bytes(&data), target->authorization) == SKS_OK;
    EVP_PKEY_free(key);
    buf_free(&data);
    return good ? HOLDS : FAILS;
}

static bool is_target(const struct checked_target *found, const struct target_key *target)
{
    return bytes_equal(target->finger_print,
                       bytes_at(found->fingerprint, sizeof found->fingerprint)) &&
           bytes_equal(target->server_session_id, found->match->server_session_id) &&
           bytes_equal(target->client_session_id, found->match->client_session_id);
}

static void tell_target(struct checker *c, const char *method, const struct target_key *target,
                        bool found, enum truth authorized)
{
    struct buf hex = { 0 };

    hex_encode(&hex, target->finger_print);
    if (!found)
        checker_tell(c, EVIDENCE_BAD, "target", "%s: %.*s was not found by a lookup", method,
                     SLICE(hex));
    else if (authorized == FAILS)
        checker_tell(c, EVIDENCE_BAD, "target", "%s: %.*s is not authorized", method, SLICE(hex));
    else
        checker_tell(c, authorized == HOLDS ? EVIDENCE_GOOD : EVIDENCE_NOT_CHECKED, "target",
                     "%s: %.*s%s", method, SLICE(hex),
                     authorized == HOLDS ? ", authorized by its key management key"
                                         : ", its authorization");
    buf_free(&hex);
}

void check_target(struct checker *c, const char *method, const struct target_key *target)
{
    enum truth authorized = FAILS;
    bool found = false;

    for (size_t i = 0; i < c->targets && authorized == FAILS; i++) {
        if (!is_target(&c->target[i], target))
            continue;
        found = true;
        authorized = is_authorized(c, &c->target[i], target);
    }
    tell_target(c, method, target, found, authorized);
}
