/* What a profile asks for, read from a session with it. */
#include "conform/issuer/visit.h"

#include <stdio.h>
#include <string.h>

/* What it costs a profile that no session of it comes to an end, or that it must hurry. */
enum { ENDLESS = 1000, HURRIED = 500 };

static const struct conform_case PROBE = { .id = "probe" };

static void note(struct visit *v, struct site_profile *profile, enum site_feature feature, bool has)
{
    (void)v;
    if (has)
        profile->features |= NEEDS(feature);
}

static void note_initialization(struct visit *v, struct site_profile *p)
{
    const struct provisioning_initialization_request *request = &v->initialization;
    bool is_2010 = bytes_equal(request->session_key_algorithm, bytes_of(SKS_SESSION_2010));

    note(v, p, HAS_QUERY, v->invocation.client_capability_query.count > 0);
    note(v, p, HAS_2010, is_2010);
    note(v, p, HAS_PRIVACY, !is_2010 && v->invocation.privacy_enabled);
    note(v, p, HAS_SESSION_1, !is_2010 && !v->invocation.privacy_enabled);
    note(v, p, HAS_KMK, request->key_management_key.len > 0);
    note(v, p, HAS_ROLL_OVER, request->updatable_key_management_keys.count > 0);
    note(v, p, HAS_TLS, v->leaf.len > 0);
    note(v, p, HAS_SHORT_LIFE, request->session_life_time <= SHORT_LIFE);
    p->life_time = request->session_life_time;
    p->cost += request->session_life_time <= SHORT_LIFE ? HURRIED : 0;
}

static void note_keys(struct visit *v, struct site_profile *p, const struct json_array *keys)
{
    const struct key_entry_specifier *key = keys->item;

    for (size_t i = 0; i < keys->count; i++) {
        const struct algorithm *algorithm =
            algorithm_by_uri(key[i].key.key_algorithm, ALGORITHM_KEY_GENERATION);

        p->cost += algorithm->kind == KEY_KIND_RSA ? 50 : 2;
        note(v, p, HAS_TWO_KEYS, (p->features & NEEDS(HAS_KEYS)) != 0);
        note(v, p, HAS_KEYS, true);
        note(v, p, HAS_EC_KEY, algorithm->kind == KEY_KIND_EC);
        note(v, p, HAS_RSA_KEY, algorithm->kind == KEY_KIND_RSA);
        note(v, p, HAS_ED25519_KEY, algorithm->kind == KEY_KIND_ED25519);
        note(v, p, HAS_PRESET_PIN, key[i].has_encrypted_pin);
        note(v, p, HAS_ENDORSED, key[i].key.endorsed_algorithms.count > 0);
    }
}

static void note_pins(struct visit *v, struct site_profile *p, const struct json_array *pins)
{
    const struct pin_policy_specifier *pin = pins->item;

    for (size_t i = 0; i < pins->count; i++) {
        note(v, p, HAS_PIN_POLICY, true);
        note_keys(v, p, &pin[i].key_entry_specifiers);
    }
}

static void note_creation(struct visit *v, struct site_profile *p)
{
    const struct key_creation_request *request = &v->creation;
    const struct puk_policy_specifier *puk = request->puk_policy_specifiers.item;

    note(v, p, HAS_DEFERRED, request->deferred_issuance);
    for (size_t i = 0; i < request->puk_policy_specifiers.count; i++) {
        note(v, p, HAS_PUK_POLICY, true);
        note_pins(v, p, &puk[i].pin_policy_specifiers);
    }
    note_pins(v, p, &request->pin_policy_specifiers);
    note(v, p, HAS_KEY_ALONE, request->key_entry_specifiers.count > 0);
    note_keys(v, p, &request->key_entry_specifiers);
}

static void note_finalization(struct visit *v, struct site_profile *p)
{
    const struct provisioning_finalization_request *request = &v->finalization;
    const struct issued_credential *issued = request->issued_credentials.item;

    note(v, p, HAS_END, true);
    note(v, p, HAS_UNLOCK, request->unlock_keys.count > 0);
    note(v, p, HAS_DELETE, request->delete_keys.count > 0);
    for (size_t i = 0; i < request->issued_credentials.count; i++) {
        note(v, p, HAS_IMPORT_SYMMETRIC, issued[i].import_symmetric_key != NULL);
        note(v, p, HAS_IMPORT_PRIVATE, issued[i].import_private_key != NULL);
        note(v, p, HAS_EXTENSION, issued[i].extensions.count > 0);
        note(v, p, HAS_ENCRYPTED_EXTENSION, issued[i].encrypted_extensions.count > 0);
        note(v, p, HAS_PROPERTY_BAG, issued[i].property_bags.count > 0);
        note(v, p, HAS_LOGOTYPE, issued[i].logotypes.count > 0);
        note(v, p, HAS_UPDATE, issued[i].update_key != NULL);
        note(v, p, HAS_CLONE, issued[i].clone_key_protection != NULL);
    }
}

/* Notes what the message that came has. */
static void note_message(struct visit *v, struct site_profile *p)
{
    if (v->at == AT_INITIALIZATION)
        note_initialization(v, p);
    if (v->at > AT_INITIALIZATION && v->at <= AT_PENDING)
        note(v, p, HAS_TRUST, (p->features & NEEDS(HAS_PRIVACY)) == 0);
    if (v->at == AT_CREATION)
        note_creation(v, p);
    if (v->at == AT_FINALIZATION)
        note_finalization(v, p);
}

/* What an issuer may have against a right answer of a device that says who it is: names of http 6,
 * the first of which is that of trust. Any other reason, or none, is a fault: an issuer that
 * refuses all, because it is wrong about what is attested, would look the same else. A device that
 * nobody can know yet may be refused for any. */
static const char *excuse_of(struct visit *v)
{
    static const char *const EXCUSES[] = { "device path", "listed device", "key management key" };
    const char *cause = v->at == AT_FAILED ? visit_cause(v) : "";
    size_t first = v->site->config->options->trusted ? 1 : 0;

    if (v->site->devices.is_new)
        return "it is new";
    for (size_t i = first; i < NITEMS(EXCUSES); i++) {
        size_t len = strlen(EXCUSES[i]);

        if (strncmp(cause, EXCUSES[i], len) == 0 && (cause[len] == ':' || cause[len] == '\0'))
            return arena_printf(&v->site->arena, "%s", cause);
    }
    return NULL;
}

/* A "no" that an issuer may say to a device that it does not know, or that has not the keys that a
 * lookup wants; and to who must show a code, or who he is, before he begins. */
static bool is_excused(struct visit *v, struct site_profile *p, bool asks)
{
    bool is_no = v->at == AT_FAILED || v->at == AT_REFUSED;
    bool was_named = (p->features & (NEEDS(HAS_SESSION_1) | NEEDS(HAS_2010))) != 0;

    if (p->closed)
        return v->exchange.status == 401 || v->exchange.status == 403;
    if (is_no && was_named && (p->features & NEEDS(HAS_TRUST)) == 0) {
        p->untrusted = excuse_of(v);
        p->unexcused = p->untrusted == NULL;
    }
    return p->untrusted != NULL || (is_no && asks);
}

/* A refusal without such an excuse: what would be one. */
static void tell_refused(const struct visit *v, struct site_profile *p)
{
    bool trusted = v->site->config->options->trusted;

    (void)snprintf(p->fault.wanted, sizeof p->fault.wanted,
                   "that the right answer of %s device is taken%s%.300s",
                   trusted ? "a trusted" : "the",
                   trusted ? "" : ", or the cause \"device path\" if the issuer was not given ",
                   trusted ? "" : v->site->devices.ca_file);
}

/* What goes wrong here for another reason than the issuer's "no" is for the cases to find. */
static void tell_why(struct visit *v, struct site_profile *p, bool asks, char *why, size_t size)
{
    const struct finding *finding = &v->check->finding;
    bool ended = v->at >= AT_FAILED, excused = is_excused(v, p, asks);

    if (!ended && v->at > AT_INVOCATION)
        p->features |= NEEDS(HAS_TRUST) | NEEDS(HAS_END) | NEEDS(HAS_KEYS);
    if (ended || excused)
        (void)snprintf(why, size, "%s", finding->came);
    else
        (void)snprintf(why, size, "%s: wanted %s, came %s", finding->field, finding->wanted,
                       finding->came);
    if (excused || (p->features & NEEDS(HAS_END)) != 0)
        return;
    p->fault = *finding;
    (void)snprintf(p->fault.field, sizeof p->fault.field, "%.60s at %.90s", finding->field,
                   p->issuer_uri);
    if (p->unexcused)
        tell_refused(v, p);
}

static void probe(struct visit *v, struct site_profile *p, bool lookups, char *why, size_t size)
{
    bool asks = false;
    enum sks_status rc = SKS_OK;

    while (rc == SKS_OK && v->at < AT_FINALIZATION) {
        note_message(v, p);
        asks = asks || v->at == AT_DISCOVERY;
        if (asks && !lookups)
            return;
        rc = visit_step(v);
        note(v, p, HAS_DISCOVERY, asks && v->at > AT_DISCOVERY && v->at <= AT_PENDING);
    }
    note_message(v, p);
    if (rc == SKS_OK && v->at == AT_FINALIZATION)
        rc = asks ? visit_answer(v) : visit_finish(v);
    if (v->at == AT_PENDING)
        (void)snprintf(why, size, "waits for its operator");
    else if (rc != SKS_OK)
        tell_why(v, p, asks, why, size);
    p->known = true;
    p->cost += asks ? 20 : 0;
    p->cost += (p->features & NEEDS(HAS_END)) == 0 ? ENDLESS : 0;
}

/* The page where a person begins, if there is one: a link, or a form for a code. */
static void probe_page(struct visit *v, struct site_profile *p)
{
    const struct conform_options *options = v->site->config->options;

    v->cookie[0] = '\0';
    if (p->page == NULL ||
        visit_http(v, "GET", p->page, NULL, "text/html", bytes_of("")) != SKS_OK ||
        v->exchange.status != 200)
        return;
    note(v, p, HAS_LINK, visit_has_word(buf_bytes(&v->exchange.body), "webpkiproxy://"));
    note(v, p, HAS_CODE, visit_has_word(buf_bytes(&v->exchange.body), "name=\"code\""));
    note(v, p, HAS_NEW_CODE,
         (p->features & NEEDS(HAS_CODE)) != 0 &&
             (options->code.count > 0 || options->operator_command != NULL));
}

static void probe_once(struct site *site, struct site_profile *profile, bool lookups, char *why,
                       size_t size)
{
    static unsigned number;
    struct check check;
    struct visit visit;

    why[0] = '\0';
    check_begin(&check, &PROBE, ++number);
    check.stop = site->config->stop;
    profile->features = 0;
    profile->cost = 0;
    profile->life_time = 0;
    profile->closed = profile->unexcused = false;
    profile->untrusted = NULL;
    profile->fault = (struct finding){ 0 };
    if (visit_begin_at(&visit, site, profile, &check) != SKS_OK) {
        profile->known = profile->closed = true;
        tell_why(&visit, profile, false, why, size);
    } else {
        visit.remember = true;
        probe(&visit, profile, lookups, why, size);
    }
    visit_free(&visit);
    visit = (struct visit){ .site = site, .check = &check, .profile = profile };
    if (profile->known)
        probe_page(&visit, profile);
    note(&visit, profile, HAS_OPERATOR, site->config->options->operator_command != NULL);
    visit_free(&visit);
    check_free(&check);
}

/* A lookup may want as many keys as one profile gives, or as some: all are told of, then all but
 * those of one profile, then those of one alone. */
void site_probe(struct site *site, struct site_profile *profile, bool lookups, char *why,
                size_t size)
{
    const uint64_t own = UINT64_C(1) << (profile - site->profile);

    profile->shown = UINT64_MAX;
    probe_once(site, profile, lookups, why, size);
    for (size_t i = 0; i < 2 * site->profiles && lookups && why[0] != '\0' &&
                       (profile->features & NEEDS(HAS_TRUST)) != 0 &&
                       (profile->features & NEEDS(HAS_DISCOVERY)) == 0;
         i++) {
        uint64_t one = UINT64_C(1) << i % site->profiles;

        profile->shown = own | (i < site->profiles ? ~one : one);
        probe_once(site, profile, lookups, why, size);
    }
}

static bool has_any(const struct site *site, uint64_t shown)
{
    for (size_t i = 0; i < site->credentials; i++)
        if (!site->credential[i].gone && (shown & UINT64_C(1) << site->credential[i].profile) != 0)
            return true;
    return false;
}

enum sks_status site_stock(struct site *site, const struct site_profile *profile,
                           struct check *check)
{
    const uint64_t wanted =
        NEEDS(HAS_SESSION_1) | NEEDS(HAS_KMK) | NEEDS(HAS_KEYS) | NEEDS(HAS_END);
    enum sks_status rc = SKS_OK;

    if (has_any(site, profile->shown))
        return SKS_OK;
    for (size_t i = 0; i < site->profiles; i++) {
        const struct site_profile *from = &site->profile[i];
        struct visit visit;

        if ((profile->shown & UINT64_C(1) << i) == 0 || (from->features & wanted) != wanted ||
            (from->features & NEEDS(HAS_DISCOVERY)) != 0)
            continue;
        rc = visit_begin_at(&visit, site, from, check);
        visit.remember = true;
        if (rc == SKS_OK)
            rc = visit_finish(&visit);
        visit_free(&visit);
        TRY(rc);
    }
out:
    return rc;
}
