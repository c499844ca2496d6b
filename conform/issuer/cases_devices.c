/* Devices that nobody can trust, and session attestations of other terms than those of the
 * session. */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include "keygen2/crypto/private_key.h"

#include <stdlib.h>

#define PLAIN (NEEDS(HAS_SESSION_1) | NEEDS(HAS_TRUST))
#define OLD (NEEDS(HAS_2010) | NEEDS(HAS_TRUST))

static enum sks_status send_refused(struct visit *v)
{
    enum sks_status rc;

    TRY(visit_answer(v));
    TRY(visit_send(v, buf_bytes(&v->response)));
    rc = visit_refused(v);
out:
    return rc;
}

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
    rc = send_refused(&v);
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

/* ---- what is attested ---- */

struct bend_row {
    const char *name, *title;
    void (*bend)(struct visit *visit, struct attested *attested);
    size_t offset; /* of a member of struct session_terms or session_2010_terms */
    uint64_t needs;
};

static struct bytes another(struct visit *v, struct bytes value)
{
    struct bytes copy = arena_copy(&v->check->arena, value);

    if (copy.len > 0)
        ((uint8_t *)(uintptr_t)copy.ptr)[copy.len - 1] ^= 1;
    else
        copy = bytes_of("x");
    return copy;
}

static void other_bytes(struct visit *v, struct attested *attested)
{
    struct bytes *member =
        (void *)((uint8_t *)&attested->terms + ((const struct bend_row *)v->row)->offset);

    *member = another(v, *member);
}

static void other_bytes_2010(struct visit *v, struct attested *attested)
{
    struct bytes *member =
        (void *)((uint8_t *)&attested->terms_2010 + ((const struct bend_row *)v->row)->offset);

    *member = another(v, *member);
}

static void other_device_id(struct visit *v, struct attested *attested)
{
    attested->device_id = another(v, attested->device_id);
}

static void anonymous_id(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->device_id = bytes_of(SKS_DEVICE_ANONYMOUS);
}

static void other_client_key(struct visit *v, struct attested *attested)
{
    attested->client_ephemeral_key = another(v, attested->client_ephemeral_key);
}

static void server_key_as_client_key(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->client_ephemeral_key = attested->terms.server_ephemeral_key;
}

static void other_privacy(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.privacy_enabled = !attested->terms.privacy_enabled;
}

static void other_client_time(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.client_time++;
}

static void other_life_time(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.session_life_time++;
    attested->terms_2010.life_time++;
}

static void other_limit(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->terms.session_key_limit--;
}

static void other_signer(struct visit *v, struct attested *attested)
{
    attested->signer = v->site->devices.ca_key;
}

static void by_mac(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->as_mac = true;
}

static void by_device(struct visit *v, struct attested *attested)
{
    (void)v;
    attested->as_mac = false;
}

#define TERM(name, member)                                                                         \
    {                                                                                              \
        name, "over another " name, other_bytes, offsetof(struct session_terms, member), PLAIN     \
    }
#define TERM_2010(name, member)                                                                    \
    {                                                                                              \
        "draft-2010-" name, "of the draft of 2010 over another " name, other_bytes_2010,           \
            offsetof(struct session_2010_terms, member), OLD                                       \
    }

static const struct bend_row BENDS[] = {
    TERM("sessionKeyAlgorithm", session_key_algorithm),
    TERM("serverSessionId", server_session_id),
    TERM("clientSessionId", client_session_id),
    TERM("serverEphemeralKey", server_ephemeral_key),
    TERM("issuerUri", issuer_uri),
    TERM("keyManagementKey", key_management_key),
    TERM("serverCertificate", server_certificate),
    { "privacyEnabled", "over another privacyEnabled", other_privacy, 0, PLAIN },
    { "clientTime", "over another clientTime", other_client_time, 0, PLAIN },
    { "sessionLifeTime", "over another sessionLifeTime", other_life_time, 0, PLAIN },
    { "sessionKeyLimit", "over another sessionKeyLimit", other_limit, 0, PLAIN },
    { "deviceId", "over another device certificate", other_device_id, 0, PLAIN },
    { "deviceId-anonymous", "over no device certificate", anonymous_id, 0, PLAIN },
    { "clientEphemeralKey", "over another clientEphemeralKey", other_client_key, 0, PLAIN },
    { "clientEphemeralKey-reflected", "over the issuer's own key in its place",
      server_key_as_client_key, 0, PLAIN },
    { "signer", "by another key", other_signer, 0, PLAIN },
    { "mac", "by a MAC with the session key, which anybody can make", by_mac, 0, PLAIN },
    TERM_2010("server-session-id", server_session_id),
    TERM_2010("client-session-id", client_session_id),
    TERM_2010("provisioning-uri", provisioning_uri),
    TERM_2010("server-public-key", server_public_key),
    { "draft-2010-life-time", "of the draft of 2010 over another life_time", other_life_time, 0,
      OLD },
    { "draft-2010-signer", "of the draft of 2010 by another key", other_signer, 0, OLD },
    { "draft-2010-mac", "of the draft of 2010 by a MAC", by_mac, 0, OLD },
    { "privacy-clientTime", "of privacy mode over another clientTime", other_client_time, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-privacyEnabled", "of privacy mode over another privacyEnabled", other_privacy, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-deviceId", "of privacy mode over another name than Anonymous", other_device_id, 0,
      NEEDS(HAS_PRIVACY) },
    { "privacy-signed", "of privacy mode, signed by the device", by_device, 0, NEEDS(HAS_PRIVACY) },
};

static enum sks_status bent(struct check *check, void *end, const void *row)
{
    const struct bend_row *what = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.row = row;
    v.bends.attested = what->bend;
    rc = send_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* ---- single ones ---- */

static enum sks_status other_curve(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_until(&v, AT_INITIALIZATION));
    v.bends.curve = row;
    rc = send_refused(&v);
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
    rc = send_refused(&v);
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
    rc = send_refused(&v);
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

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "client-key.P-384", "clientEphemeralKey on P-384: refused", "http 5", PLAIN,
         other_curve, "P-384"),
    CASE(LEVEL_MUST, "client-key.P-521", "clientEphemeralKey on P-521: refused", "http 5", PLAIN,
         other_curve, "P-521"),
    CASE(LEVEL_MUST, "client-key.secp256k1", "clientEphemeralKey on secp256k1: refused", "http 5",
         PLAIN, other_curve, "secp256k1"),
    CASE(LEVEL_MUST, "client-key.Ed25519", "an Ed25519 key as clientEphemeralKey: refused",
         "http 5", PLAIN, other_curve, "Ed25519"),
    CASE(LEVEL_MUST, "client-key.reflected", "the issuer's own key as clientEphemeralKey: refused",
         "http 5", PLAIN, reflected_key, NULL),
    CASE(LEVEL_MUST, "client-key.not-attested", "another point than the attested one: refused",
         "http 6", PLAIN, changed,
         &(const struct change){ CHANGE_SET, "/clientEphemeralKey", P256_KEY }),
    CASE(LEVEL_MUST, "mode.anonymous", "an anonymous device where a path is wanted: refused",
         "http 5, 6", PLAIN, other_mode, &YES),
    CASE(LEVEL_MUST, "mode.named", "a device path in privacy mode: refused", "http 5, 6",
         NEEDS(HAS_PRIVACY), other_mode, &NO),
    CASE(LEVEL_MUST, "mode.path-added", "a device path beside an anonymous attestation: refused",
         "http 5, 6", NEEDS(HAS_PRIVACY), device_id_changed,
         &(const struct change){ CHANGE_SET, "/deviceId", NULL }),
    CASE(LEVEL_MUST, "mode.path-left-out", "a device path left out: refused", "http 5, 6", PLAIN,
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
    for (size_t i = 0; i < NITEMS(BENDS); i++)
        cases_add(cases, &(struct conform_case){
                             .id = cases_text(cases, "session-attestation.%s", BENDS[i].name),
                             .title = cases_text(cases, "a session attestation %s: refused",
                                                 BENDS[i].title),
                             .section = "SKS createProvisioningSession; http 6",
                             .needs = BENDS[i].needs,
                             .run = bent,
                             .row = &BENDS[i] });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
