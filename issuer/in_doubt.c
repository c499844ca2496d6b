#include "issuer/in_doubt.h"
#include "issuer/certificate_store.h"
#include "issuer/post_order.h"
#include "issuer/requests.h"
#include "keygen2/crypto/certificate.h"

#include <stdio.h>
#include <string.h>

enum {
    ASKED_MAX = 16,        /* certificates in one session; the others wait for the next */
    UNLOCK_OPERATIONS = 2, /* its MAC, and the reference to its target */
    ID_LENGTH = SKS_ID_MAX + 1,
};

/* ---- asking ---- */

/* How many unlocks the session key has room for. */
static unsigned room_for(const struct exchange *x)
{
    unsigned limit = x->session->state.terms.session_key_limit;
    unsigned room =
        x->profile->operations < limit ? (limit - x->profile->operations) / UNLOCK_OPERATIONS : 0;

    return room < ASKED_MAX ? room : ASKED_MAX;
}

enum sks_status in_doubt_load(struct exchange *x)
{
    struct session_state *state = &x->session->state;
    struct certificate_in_doubt list[ASKED_MAX];
    struct buf device = { 0 };
    size_t count = 0;
    enum sks_status rc;

    if (state->kmk_generation == 0 || state->terms.privacy_enabled)
        return SKS_OK;
    TRY(sks_explain(x->err, put_device_name(&device, state)));
    TRY(certificates_in_doubt(&x->issuer->store, buf_bytes(&device), x->arena, list, room_for(x),
                              &count, x->err));
    state->found_credential = arena_alloc(x->arena, count, sizeof *state->found_credential);
    REQUIRE(state->found_credential != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    state->found_credentials = (uint16_t)count;
    for (size_t i = 0; i < count; i++)
        state->found_credential[i] = (struct found_credential){
            .lookup = list[i].unlockable ? IN_DOUBT_UNLOCK : IN_DOUBT_LOOK,
            .generation = (uint16_t)list[i].generation,
            .certificate = list[i].der,
        };
out:
    buf_free(&device);
    return rc;
}

/* Longer than the id of a profile's lookup may be, so that it is none of those. */
static void specifier_id(size_t index, unsigned generation, char id[ID_LENGTH])
{
    (void)snprintf(id, ID_LENGTH, "in-doubt-by-fingerprint%02u.%u", (unsigned)index % ASKED_MAX,
                   generation % 1000);
}

_Static_assert(sizeof "in-doubt-by-fingerprint00" - 1 > PROFILE_LOOKUP_ID_MAX, "no profile's id");

enum sks_status in_doubt_specify(struct exchange *x, struct bytes nonce,
                                 struct lookup_specifier *to, size_t *count)
{
    const struct session_state *state = &x->session->state;
    enum sks_status rc = SKS_OK;

    *count = 0;
    for (size_t i = 0; i < state->found_credentials; i++) {
        const struct found_credential *asked = &state->found_credential[i];
        struct search_filter *filter = arena_alloc(x->arena, 1, sizeof *filter);
        uint8_t fingerprint[32];
        char id[ID_LENGTH];

        REQUIRE(filter != NULL, x->err, SKS_ERROR_STORAGE, "no memory for a lookup");
        TRY(sks_explain(x->err, certificate_fingerprint(asked->certificate, fingerprint)));
        TRY(keep_bytes(x, bytes_at(fingerprint, sizeof fingerprint), &filter->finger_print));
        specifier_id(i, asked->generation, id);
        TRY(keep_bytes(x, bytes_of(id), &to[i].id));
        to[i].nonce = nonce;
        to[i].search_filter = filter;
        TRY(request_signature(x, asked->generation, &to[i]));
        ++*count;
    }
out:
    return rc;
}

/* ---- the answers ---- */

static const struct matching_credential *find_match(const struct lookup_result *result,
                                                    struct bytes certificate)
{
    const struct matching_credential *match = result->matching_credentials.item;

    for (size_t i = 0; i < result->matching_credentials.count; i++)
        if (bytes_equal(match[i].certificate_path.item[0], certificate))
            return &match[i];
    return NULL;
}

enum sks_status in_doubt_take(struct exchange *x, const struct found_credential *asked,
                              size_t count, const struct json_array *results, unsigned left)
{
    struct session_state *state = &x->session->state;

    for (size_t i = 0; i < count; i++) {
        struct found_credential *to = &state->found_credential[state->found_credentials];
        const struct matching_credential *match;
        const struct lookup_result *result;
        char id[ID_LENGTH];

        specifier_id(i, asked[i].generation, id);
        result = lookup_result_of(results, id);
        if (result == NULL)
            return check_fail(x, SKS_ERROR_OPTION, "lookup results", "there is none for %s", id);
        match = find_match(result, asked[i].certificate);
        *to = asked[i];
        state->found_credentials++;
        if (match == NULL) {
            to->lookup = IN_DOUBT_MISSING;
        } else {
            to->server_session_id = match->server_session_id;
            to->client_session_id = match->client_session_id;
            if (left < UNLOCK_OPERATIONS)
                to->lookup = IN_DOUBT_LOOK;
            else if (to->lookup == IN_DOUBT_UNLOCK)
                left -= UNLOCK_OPERATIONS;
        }
        check_pass(x, "in doubt", "%s: %s", id,
                   match == NULL ? "the device says that it is not there"
                                 : "the device says that it is there");
    }
    return SKS_OK;
}

/* ---- what follows ---- */

/* The session that has issued a certificate. @param id out: in the arena */
static enum sks_status session_of(struct exchange *x, struct bytes certificate, const char **id)
{
    struct issued_certificate *known;
    uint8_t fingerprint[32];
    enum sks_status rc;

    TRY(sks_explain(x->err, certificate_fingerprint(certificate, fingerprint)));
    TRY(certificate_find(&x->issuer->store, fingerprint, x->arena, &known, x->err));
    REQUIRE(known != NULL, x->err, SKS_ERROR_INTERNAL, "a certificate in doubt is gone");
    *id = known->session_id;
out:
    return rc;
}

static enum sks_status has_found(struct exchange *x, const char *id, bool *found)
{
    const struct session_state *state = &x->session->state;
    const char *other;
    enum sks_status rc = SKS_OK;

    *found = false;
    for (size_t i = 0; i < state->found_credentials && !*found; i++) {
        if (state->found_credential[i].lookup < IN_DOUBT_LOOKUPS ||
            state->found_credential[i].lookup == IN_DOUBT_MISSING)
            continue;
        TRY(session_of(x, state->found_credential[i].certificate, &other));
        *found = strcmp(id, other) == 0;
    }
out:
    return rc;
}

/* A proof may have come meanwhile: then it is in doubt no more, or another request wins. */
static enum sks_status end_session(struct exchange *x, const char *id)
{
    struct check check = { .name = "in doubt", .passed = false };
    const struct change change = { .check = &check, .checks = 1 };
    struct session session;
    bool found, won = false;
    enum sks_status rc;

    check.detail =
        arena_printf(x->arena, "session %s did not find it in the device", x->session->id);
    REQUIRE(check.detail != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    TRY(session_store_find_by_id(&x->issuer->store, id, x->arena, &session, &found, x->err));
    if (!found || session.verdict != VERDICT_IN_DOUBT)
        goto out;
    session.verdict = VERDICT_FAILED;
    session.cause = arena_printf(x->arena, "%s: %s", check.name, check.detail);
    REQUIRE(session.cause != NULL, x->err, SKS_ERROR_STORAGE, "no memory");
    TRY(session_store_save(&x->issuer->store, &session, &change, &won, x->err));
    if (won)
        check_pass(x, "in doubt", "session %s is revoked: nothing of it is in the device", id);
out:
    return rc;
}

enum sks_status in_doubt_revoke(struct exchange *x)
{
    struct session_state *state = &x->session->state;
    const char *id;
    bool found;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < state->found_credentials; i++) {
        if (state->found_credential[i].lookup != IN_DOUBT_MISSING)
            continue;
        TRY(session_of(x, state->found_credential[i].certificate, &id));
        TRY(has_found(x, id, &found));
        if (!found)
            TRY(end_session(x, id));
    }
out:
    return rc;
}

/* An operation of the profile on the same key confirms it as well, and may not stand beside. */
static bool is_operated_on(const struct exchange *x, const struct found_credential *found)
{
    const struct session_state *state = &x->session->state;
    const struct target_profile *deleted = x->profile->delete_keys.item;
    uint8_t fingerprint[32];

    if (certificate_fingerprint(found->certificate, fingerprint) != SKS_OK)
        return true;
    for (size_t i = 0; i < state->operations; i++)
        if (bytes_equal(state->operation[i].target, bytes_at(fingerprint, sizeof fingerprint)))
            return true;
    for (size_t i = 0; i < state->found_credentials; i++)
        for (size_t j = 0; j < x->profile->delete_keys.count; j++)
            if (state->found_credential[i].lookup == deleted[j].index &&
                bytes_equal(state->found_credential[i].certificate, found->certificate))
                return true;
    return false;
}

enum sks_status in_doubt_order(struct exchange *x, struct session_key *sk,
                               struct json_array *unlock_keys)
{
    const struct session_state *state = &x->session->state;
    struct target_key *all =
        arena_alloc(x->arena, unlock_keys->count + state->found_credentials, sizeof *all);
    enum sks_status rc = SKS_OK;
    bool done;

    REQUIRE(all != NULL, x->err, SKS_ERROR_STORAGE, "no memory for the message");
    if (unlock_keys->count > 0)
        memcpy(all, unlock_keys->item, unlock_keys->count * sizeof *all);
    unlock_keys->item = all;
    for (size_t i = 0; i < state->found_credentials; i++) {
        const struct found_credential *found = &state->found_credential[i];

        if (found->lookup != IN_DOUBT_UNLOCK || is_operated_on(x, found))
            continue;
        TRY(order_unlock(x, sk, found, &all[unlock_keys->count], &done));
        unlock_keys->count += done;
    }
out:
    return rc;
}
