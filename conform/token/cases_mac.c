/* The MAC of every method: over all of its inputs, by its own name, with the session's counter.
 * Anything else is refused, and tears the session down. */
#include "conform/token/families.h"
#include "conform/token/scene.h"

#include <string.h>

static const char SECTION[] = "SKS MAC Operations; wire 4";

/* An input that is altered behind the MAC; each value is a right one for the method. */
struct unprotected {
    enum method_id method;
    struct change change;
};

static const char P384[] = "https://webpki.github.io/sks/algorithm#ec.nist.p384";
static const char ECDSA_SHA256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

static const struct unprotected FIELDS[] = {
    { CLOSE_PROVISIONING_SESSION, { "nonce", 7, NULL, 32 } },
    { CREATE_PUK_POLICY, { "id", 0, "Another.1", 0 } },
    { CREATE_PUK_POLICY, { "format", FORMAT_STRING, NULL, 0 } },
    { CREATE_PUK_POLICY, { "retryLimit", 5, NULL, 0 } },
    { CREATE_PIN_POLICY, { "id", 0, "Another.1", 0 } },
    { CREATE_PIN_POLICY, { "pukPolicyHandle", 0, NULL, 0 } },
    { CREATE_PIN_POLICY, { "userDefined", false, NULL, 0 } },
    { CREATE_PIN_POLICY, { "userModifiable", false, NULL, 0 } },
    { CREATE_PIN_POLICY, { "format", FORMAT_STRING, NULL, 0 } },
    { CREATE_PIN_POLICY, { "retryLimit", 10, NULL, 0 } },
    { CREATE_PIN_POLICY, { "grouping", GROUPING_UNIQUE, NULL, 0 } },
    { CREATE_PIN_POLICY, { "patternRestrictions", PATTERN_SEQUENCE, NULL, 0 } },
    { CREATE_PIN_POLICY, { "minLength", 1, NULL, 0 } },
    { CREATE_PIN_POLICY, { "maxLength", 12, NULL, 0 } },
    { CREATE_PIN_POLICY, { "inputMethod", INPUT_METHOD_PROGRAMMATIC, NULL, 0 } },
    { CREATE_KEY_ENTRY, { "id", 0, "Another.1", 0 } },
    { CREATE_KEY_ENTRY, { "serverSeed", 1, NULL, 16 } },
    { CREATE_KEY_ENTRY, { "exportProtection", PROTECTION_NONE, NULL, 0 } },
    { CREATE_KEY_ENTRY, { "deleteProtection", PROTECTION_NOT_ALLOWED, NULL, 0 } },
    { CREATE_KEY_ENTRY, { "appUsage", APP_USAGE_UNIVERSAL, NULL, 0 } },
    { CREATE_KEY_ENTRY, { "friendlyName", 0, "another", 0 } },
    { CREATE_KEY_ENTRY, { "keyAlgorithm", 0, P384, 0 } },
    { CREATE_KEY_ENTRY, { "endorsedAlgorithm", 0, ECDSA_SHA256, 0 } },
    { ADD_EXTENSION, { "type", 0, "https://conformance.example/another", 0 } },
    { ADD_EXTENSION, { "extensionData", 0, "another", 0 } },
    { POST_DELETE_KEY, { "authorization", 1, NULL, 64 } },
    { POST_UNLOCK_KEY, { "authorization", 1, NULL, 64 } },
    { POST_UPDATE_KEY, { "authorization", 1, NULL, 64 } },
    { POST_CLONE_KEY_PROTECTION, { "authorization", 1, NULL, 64 } },
};

static const enum method_id METHODS[] = {
    CLOSE_PROVISIONING_SESSION,
    CREATE_PUK_POLICY,
    CREATE_PIN_POLICY,
    CREATE_KEY_ENTRY,
    SET_CERTIFICATE_PATH,
    IMPORT_SYMMETRIC_KEY,
    IMPORT_PRIVATE_KEY,
    ADD_EXTENSION,
    POST_DELETE_KEY,
    POST_UNLOCK_KEY,
    POST_UPDATE_KEY,
    POST_CLONE_KEY_PROTECTION,
};

static enum sks_status begin(struct scene *scene, void *end, struct check *check,
                             enum method_id method, struct call *call)
{
    enum sks_status rc;

    TRY(scene_set_for(scene, end, check, method));
    rc = scene_call(scene, method, call);
out:
    return rc;
}

static enum sks_status refused(struct scene *scene, struct call *call)
{
    struct session *s = scene_session(scene, call->method);
    enum sks_status rc;

    TRY(call_send(s, call, SKS_ERROR_MAC));
    rc = session_is_gone(s);
out:
    return rc;
}

static enum sks_status altered_field(struct check *check, void *end, const void *row)
{
    const struct unprotected *what = row;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, what->method, &call));
    TRY(call_mac(scene_session(&scene, what->method), &call));
    TRY(call_change(&scene.s, &call, &what->change));
    rc = refused(&scene, &call);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the MAC itself ---- */

static struct bytes *mac_of(struct call *call)
{
    const struct sks_method *method = sks_method((uint8_t)call->method);

    return (struct bytes *)((uint8_t *)&call->in + method->in[method->in_count - 1].offset);
}

static enum sks_status keep_mac(struct session *s, struct call *call, const uint8_t *octets,
                                size_t len)
{
    *mac_of(call) = arena_copy(&s->check->arena, bytes_at(octets, len));
    return mac_of(call)->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

/* What is done in the place of a right MAC. */
static enum sks_status flip_bit(struct session *s, struct call *call)
{
    uint8_t octets[SKS_MAC_SIZE];
    enum sks_status rc;

    TRY(call_mac(s, call));
    memcpy(octets, mac_of(call)->ptr, sizeof octets);
    octets[check_draw_below(s->check, SKS_MAC_SIZE)] ^=
        (uint8_t)(1U << check_draw_below(s->check, 8));
    rc = keep_mac(s, call, octets, sizeof octets);
out:
    return rc;
}

static enum sks_status cut(struct session *s, struct call *call)
{
    enum sks_status rc;

    TRY(call_mac(s, call));
    mac_of(call)->len--;
out:
    return rc;
}

static enum sks_status lengthen(struct session *s, struct call *call)
{
    uint8_t octets[SKS_MAC_SIZE + 1] = { 0 };
    enum sks_status rc;

    TRY(call_mac(s, call));
    memcpy(octets, mac_of(call)->ptr, SKS_MAC_SIZE);
    rc = keep_mac(s, call, octets, sizeof octets);
out:
    return rc;
}

static enum sks_status leave_out(struct session *s, struct call *call)
{
    (void)s;
    *mac_of(call) = bytes_at("", 0);
    return SKS_OK;
}

static enum sks_status next_counter(struct session *s, struct call *call)
{
    s->sk.counter++;
    return call_mac(s, call);
}

static enum sks_status last_counter(struct session *s, struct call *call)
{
    s->sk.counter--; /* of the first call: 65535 */
    return call_mac(s, call);
}

static enum sks_status other_name(struct session *s, struct call *call)
{
    return call_mac_as(s, call,
                       call->method == ADD_EXTENSION ? MAC_CLOSE_SESSION : MAC_ADD_EXTENSION);
}

static enum sks_status attestation_name(struct session *s, struct call *call)
{
    return call_mac_as(s, call, MAC_DEVICE_ATTESTATION);
}

static enum sks_status other_key(struct session *s, struct call *call)
{
    s->sk.key[0] ^= 1;
    return call_mac(s, call);
}

static const struct wrong_mac {
    const char *name, *title;
    enum sks_status (*make)(struct session *s, struct call *call);
} WRONG[] = {
    { "mac-flipped", "a MAC with one bit flipped", flip_bit },
    { "mac-short", "a MAC without its last octet", cut },
    { "mac-long", "a MAC with an octet more", lengthen },
    { "mac-missing", "a MAC of no octets", leave_out },
    { "mac-next-counter", "a MAC with the counter after the next", next_counter },
    { "mac-last-counter", "a MAC with a counter that was used", last_counter },
    { "mac-other-name", "a MAC by the name of another method", other_name },
    { "mac-attestation-name", "a MAC by the name of attestations", attestation_name },
    { "mac-other-key", "a MAC with another key", other_key },
};

struct wrong_row {
    enum method_id method;
    const struct wrong_mac *wrong;
};

static enum sks_status wrong_mac(struct check *check, void *end, const void *row)
{
    const struct wrong_row *what = row;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, what->method, &call));
    TRY(what->wrong->make(scene_session(&scene, what->method), &call));
    rc = refused(&scene, &call);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the lists ---- */

static void add_wrong(struct cases *cases, enum method_id method, const struct wrong_mac *wrong)
{
    struct wrong_row *row = arena_alloc(&cases->arena, 1, sizeof *row);

    if (row == NULL) {
        cases->status = SKS_ERROR_STORAGE;
        return;
    }
    *row = (struct wrong_row){ method, wrong };
    cases_add_row(cases, cases_text(cases, "%s.%s", target_method_name(method), wrong->name),
                  cases_text(cases, "%s is refused, and tears the session down", wrong->title),
                  SECTION, 0, wrong_mac, row);
}

static void add_field(struct cases *cases, const struct unprotected *what)
{
    cases_add_row(
        cases,
        cases_text(cases, "%s.%s-behind-mac", target_method_name(what->method), what->change.field),
        cases_text(cases, "%s is under the MAC: altered, the session is torn down",
                   what->change.field),
        SECTION, needs_algorithm(what->change.text), altered_field, what);
}

void cases_of_macs(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(METHODS); i++)
        for (size_t j = 0; j < NITEMS(WRONG); j++)
            add_wrong(cases, METHODS[i], &WRONG[j]);
    for (size_t i = 0; i < NITEMS(FIELDS); i++)
        add_field(cases, &FIELDS[i]);
}
