/* Devices that nobody can trust, in another mode, with keys of other curves; sessions of 2010. */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <stdlib.h>

#define PLAIN NEEDS_KNOWN
#define OLD (NEEDS(HAS_2010) | NEEDS(HAS_TRUST))

/* ---- devices ---- */

static enum sks_status flawed_device(struct check *check, void *end, const void *row)
{
    const enum device_flaw *flaw = row;
    struct site *site = end;
    struct device device = { 0 };
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(device_make_flawed(&site->devices, *flaw, &check->arena, &device, &check->err));
    TRY(visit_begin(&v, site, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.bends.device = &device;
    rc = visit_answer_refused(&v);
out:
    visit_free(&v);
    device_free(&device);
    return rc;
}

static const struct flaw_row {
    const char *name, *title;
    enum device_flaw flaw;
} FLAWS[] = {
    { "other-ca", "of a CA with the same name and another key", DEVICE_OF_ANOTHER_CA },
    { "self-signed", "that has signed its own certificate", DEVICE_SELF_SIGNED },
    { "expired", "whose certificate has run out", DEVICE_EXPIRED },
    { "not-yet-valid", "whose certificate is not valid yet", DEVICE_NOT_YET_VALID },
    { "rsa-1024", "with an RSA key of 1024 bits", DEVICE_RSA_1024 },
    { "sha1", "whose certificate was signed with SHA-1", DEVICE_SHA1 },
    { "not-for-signatures", "whose certificate is for key agreement", DEVICE_NOT_FOR_SIGNATURES },
    { "under-end-entity", "certified by another device", DEVICE_UNDER_END_ENTITY },
    { "path-reversed", "with its path in the wrong order", DEVICE_PATH_REVERSED },
    { "path-stranger", "with a certificate behind it that has not issued it",
      DEVICE_PATH_STRANGER },
    { "path-too-long", "with eleven certificates", DEVICE_PATH_TOO_LONG },
};

/* ---- single ones ---- */

/* Always runs: what else needs trust is skipped where the device is refused. */
static enum sks_status taken(struct check *check, void *end, const void *row)
{
    const struct site *site = end;
    const struct finding *refusal = site_refusal(site);
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    if (refusal != NULL)
        return check_fail(check, refusal->field, refusal->wanted, "%s", refusal->came);
    if (site_find(end, NEEDS(HAS_TRUST)) == NULL)
        return check_skip(check, "%s", site->lack == NULL ? "no session comes as far" : site->lack);
    TRY(visit_begin(&v, end, check, NEEDS(HAS_TRUST)));
    TRY(visit_until(&v, AT_INITIALIZATION));
    rc = visit_step(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status other_curve(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.bends.curve = row;
    rc = visit_answer_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status other_mode(struct check *check, void *end, const void *row)
{
    bool anonymous = *(const bool *)row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.bends.anonymous = anonymous;
    v.bends.named = !anonymous;
    rc = visit_answer_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* A path added to what is right without one, or a right one left out. */
static enum sks_status device_id_changed(struct check *check, void *end, const void *row)
{
    const struct change *change = row;
    struct site *site = end;
    struct change made = *change;
    struct bytes changed, der = site->devices.own.certificate[0];
    struct buf text = { 0 };
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, site, check, check->item->needs, AT_INITIALIZATION));
    put_text(&text, "{\"certificatePath\":[");
    json_put_binary(&text, der);
    put_text(&text, "]}");
    put_byte(&text, 0);
    TRY(sks_explain(&check->err, text.status));
    if (made.text == NULL)
        made.text = (const char *)text.ptr;
    TRY(change_message(check, buf_bytes(&v.response), &made, &changed));
    TRY(visit_send(&v, changed));
    rc = visit_refused(&v);
out:
    buf_free(&text);
    visit_free(&v);
    return rc;
}

/* The issuer's own ephemeral key comes back as the client's. */
static enum sks_status reflected_key(struct check *check, void *end, const void *row)
{
    struct bytes changed;
    struct visit v = { 0 };
    json_t *request = NULL;
    char *key = NULL;
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    TRY(json_parse(v.text, &request, &check->err));
    key = json_dumps(json_object_get(request, "serverEphemeralKey"), JSON_COMPACT);
    REQUIRE(key != NULL, &check->err, SKS_ERROR_STORAGE, "no memory");
    TRY(change_message(check, buf_bytes(&v.response),
                       &(struct change){ CHANGE_SET, "/clientEphemeralKey", key }, &changed));
    TRY(visit_send(&v, changed));
    rc = visit_refused(&v);
out:
    free(key);
    json_decref(request);
    visit_free(&v);
    return rc;
}

/* ---- the draft of 2010 ---- */

static enum sks_status other_session_key(struct check *check, void *end, const void *row)
{
    uint8_t key[SKS_SESSION_KEY_SIZE];
    struct visit v = { 0 };
    enum sks_status rc;

    (void)row;
    check_draw(check, key, sizeof key);
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.bends.session_key = bytes_at(key, sizeof key);
    rc = visit_answer_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status changed(struct check *check, void *end, const void *row)
{
    return change_refused(check, end, AT_INITIALIZATION, row);
}

static const char P256_KEY[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY\","
    "\"y\":\"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU\"}";
static const bool YES = true, NO = false;
static const char KEY_2010[] = "/encryptedSessionKey";

#define CHANGE_2010(name, title, op, pointer, text)                                                \
    CASE(LEVEL_MUST, "draft-2010." name, title ": refused", "2010 9", OLD, changed,                \
         &(const struct change){ op, pointer, text })

#define CURVE "SKS createProvisioningSession; http 5, 6"
#define MODE "KeyGen2 ProvisioningInitializationResponse; http 5, 6"

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "device.taken",
         "the right answer of a device is taken, or the issuer says that it is not trusted",
         "http 6", 0, taken, NULL),
    CASE(LEVEL_MUST, "client-key.P-384", "clientEphemeralKey on P-384: refused", CURVE, PLAIN,
         other_curve, "P-384"),
    CASE(LEVEL_MUST, "client-key.P-521", "clientEphemeralKey on P-521: refused", CURVE, PLAIN,
         other_curve, "P-521"),
    CASE(LEVEL_MUST, "client-key.secp256k1", "clientEphemeralKey on secp256k1: refused", CURVE,
         PLAIN, other_curve, "secp256k1"),
    CASE(LEVEL_MUST, "client-key.Ed25519", "an Ed25519 key as clientEphemeralKey: refused", CURVE,
         PLAIN, other_curve, "Ed25519"),
    CASE(LEVEL_MUST, "client-key.reflected", "the issuer's own key as clientEphemeralKey: refused",
         CURVE, PLAIN, reflected_key, NULL),
    CASE(LEVEL_MUST, "client-key.not-attested", "another point than the attested one: refused",
         CURVE, PLAIN, changed,
         &(const struct change){ CHANGE_SET, "/clientEphemeralKey", P256_KEY }),
    CASE(LEVEL_MUST, "mode.anonymous", "an anonymous device where a path is wanted: refused", MODE,
         PLAIN, other_mode, &YES),
    CASE(LEVEL_MUST, "mode.named", "a device path in privacy mode: refused", MODE,
         NEEDS(HAS_PRIVACY), other_mode, &NO),
    CASE(LEVEL_MUST, "mode.path-added", "a device path beside an anonymous attestation: refused",
         MODE, NEEDS(HAS_PRIVACY), device_id_changed,
         &(const struct change){ CHANGE_SET, "/deviceId", NULL }),
    CASE(LEVEL_MUST, "mode.path-left-out", "a device path left out: refused", MODE, PLAIN,
         device_id_changed, &(const struct change){ CHANGE_REMOVE, "/deviceId", "" }),
    CASE(LEVEL_MUST, "draft-2010.other-session-key",
         "another session key than the attested one: refused", "2010 3", OLD, other_session_key,
         NULL),
    CHANGE_2010("key-flipped", "encryptedSessionKey with one bit flipped", CHANGE_FLIP, KEY_2010,
                ""),
    CHANGE_2010("key-short", "encryptedSessionKey without its last octet", CHANGE_CUT, KEY_2010,
                ""),
    CHANGE_2010("key-long", "encryptedSessionKey of an octet more", CHANGE_LENGTHEN, KEY_2010, ""),
    CHANGE_2010("key-missing", "no encryptedSessionKey", CHANGE_REMOVE, KEY_2010, ""),
    CHANGE_2010("key-null", "encryptedSessionKey null", CHANGE_SET, KEY_2010, "null"),
    CHANGE_2010("client-key-too", "clientEphemeralKey beside encryptedSessionKey", CHANGE_SET,
                "/clientEphemeralKey", P256_KEY),
    CHANGE_2010("no-device", "no deviceId", CHANGE_REMOVE, "/deviceId", ""),
    CHANGE_2010("client-id-short", "a clientSessionId of 31 characters", CHANGE_SET,
                "/clientSessionId", "\"0123456789abcdefghijABCDEFGHIJK\""),
    CHANGE_2010("attestation-flipped", "an attestation with one bit flipped", CHANGE_FLIP,
                "/attestation", ""),
};

void issuer_cases_of_devices(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(FLAWS); i++)
        cases_add(cases, &(struct conform_case){
                             .id = cases_text(cases, "device.%s", FLAWS[i].name),
                             .title = cases_text(cases, "a device %s: refused", FLAWS[i].title),
                             .section = "http 5, 6",
                             .needs = PLAIN,
                             .run = flawed_device,
                             .row = &FLAWS[i].flaw });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
