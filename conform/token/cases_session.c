/* Sessions: their terms, their attestation, their life, and what they show of themselves. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include <string.h>
#include <time.h>

/* ---- terms that are accepted ---- */

struct terms_row {
    const char *name, *title;
    struct change change[2];
    bool privacy;
};

static const struct terms_row TERMS[] = {
    { "usual", "a session with a key management key", { { 0 } }, false },
    { "privacy",
      "in privacy mode the attestation is a MAC, and the device is anonymous",
      { { 0 } },
      true },
    { "no-key-management-key",
      "a session need not have a key management key",
      { { "keyManagementKey", 0, "", 0 } },
      false },
    { "serverSessionId-of-1",
      "an id of one character",
      { { "serverSessionId", 0, "!", 0 } },
      false },
    { "serverSessionId-of-32",
      "an id of 32 characters",
      { { "serverSessionId", 0, "~23456789012345678901234567890.!", 0 } },
      false },
    { "issuerUri-of-1", "a URI of one octet", { { "issuerUri", 'u', NULL, 1 } }, false },
    { "issuerUri-of-1000", "a URI of 1000 octets", { { "issuerUri", 'u', NULL, 1000 } }, false },
    { "clientTime-0", "a clientTime of 0", { { "clientTime", 0, NULL, 0 } }, false },
    { "clientTime-greatest",
      "a clientTime of 32 bits",
      { { "clientTime", UINT32_MAX, NULL, 0 } },
      false },
    { "sessionLifeTime-65535",
      "a life time above what a signed number has",
      { { "sessionLifeTime", 65535, NULL, 0 } },
      false },
    { "sessionKeyLimit-65535",
      "a limit above what a signed number has",
      { { "sessionKeyLimit", 65535, NULL, 0 } },
      false },
    { "serverCertificate",
      "a server certificate is attested as it came",
      { { "serverCertificate", 0x5a, NULL, 900 } },
      false },
};

static enum sks_status with_terms(struct check *check, void *end, const void *from)
{
    const struct terms_row *row = from;
    struct scene_options options = { .session = row->change,
                                     .privacy = row->privacy,
                                     .no_pin = true };
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    rc = use_expect_key(end, check, scene.key.handle, true);
out:
    scene_free(&scene);
    return rc;
}

/* ---- keys that both ends may bring ---- */

struct key_row {
    const char *name, *algorithm;
    bool management; /* the key management key, not the ephemeral one */
    enum sks_status status;
};

static const struct key_row KEYS[] = {
    { "ephemeral-p384", ALGORITHM_URI("ec.nist.p384"), false, SKS_OK },
    { "ephemeral-p521", ALGORITHM_URI("ec.nist.p521"), false, SKS_OK },
    { "ephemeral-p256k1", ALGORITHM_URI("ec.secg.p256k1"), false, SKS_OK },
    { "ephemeral-brainpool", ALGORITHM_URI("ec.brainpool.p256r1"), false, SKS_OK },
    { "ephemeral-rsa", ALGORITHM_URI("rsa2048"), false, SKS_ERROR_OPTION },
    { "ephemeral-ed25519", ALGORITHM_URI("ed25519"), false, SKS_ERROR_OPTION },
    { "management-p384", ALGORITHM_URI("ec.nist.p384"), true, SKS_OK },
    { "management-p521", ALGORITHM_URI("ec.nist.p521"), true, SKS_OK },
    { "management-rsa2048", ALGORITHM_URI("rsa2048"), true, SKS_OK },
    { "management-ed25519", ALGORITHM_URI("ed25519"), true, SKS_ERROR_OPTION },
};

static enum sks_status with_key(struct check *check, void *end, const void *from)
{
    const struct key_row *row = from;
    struct session s = { 0 };
    EVP_PKEY *key = NULL;
    struct buf spki = { 0 };
    enum sks_status rc;

    TRY(target_make_key(end, check, row->algorithm, &key));
    TRY(put_pkey(&spki, key));
    TRY(session_begin(&s, end, check));
    if (row->management) {
        s.terms.key_management_key = buf_bytes(&spki);
    } else {
        s.terms.server_ephemeral_key = buf_bytes(&spki);
        EVP_PKEY_free(s.server_key);
        s.server_key = key;
        key = NULL;
    }
    rc = session_create(&s, row->status);
out:
    EVP_PKEY_free(key);
    buf_free(&spki);
    session_free(&s);
    return rc;
}

/* A point next to the curve, or the half that says which of two points it is. */
static enum sks_status bad_point(struct check *check, void *end, const void *from)
{
    struct session s = { 0 };
    uint8_t spki[200];
    size_t len;
    enum sks_status rc;

    (void)from;
    TRY(session_begin(&s, end, check));
    len = s.terms.server_ephemeral_key.len;
    REQUIRE(len <= sizeof spki, &check->err, SKS_ERROR_INTERNAL, "a key of %zu bytes", len);
    memcpy(spki, s.terms.server_ephemeral_key.ptr, len);
    spki[len - 1] ^= 1;
    s.terms.server_ephemeral_key = bytes_at(spki, len);
    TRY(session_create(&s, SKS_ERROR_CRYPTO));
    spki[len - 1] ^= 1;
    spki[len - 65] = (uint8_t)(2 + (spki[len - 1] & 1));
    rc = session_create(&s, SKS_ERROR_CRYPTO);
out:
    session_free(&s);
    return rc;
}

/* ---- what a session shows of itself ---- */

static enum sks_status find_session(struct target *target, struct check *check, uint32_t handle,
                                    bool open, struct enumerate_sessions_out *found)
{
    union sks_in in = { .enumerate_sessions = { 0, open } };
    union sks_out out;
    enum sks_status rc;

    *found = (struct enumerate_sessions_out){ 0 };
    do {
        TRY(target_call(target, check, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, SKS_OK));
        if (out.enumerate_sessions.provisioning_handle == handle)
            *found = out.enumerate_sessions;
        TRY(expect_true(check,
                        out.enumerate_sessions.provisioning_handle == 0 ||
                            out.enumerate_sessions.provisioning_handle !=
                                in.enumerate_sessions.provisioning_handle,
                        "enumerateProvisioningSessions: provisioningHandle", "the next one",
                        "the same again"));
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
    } while (in.enumerate_sessions.provisioning_handle != 0);
out:
    return rc;
}

static enum sks_status expect_shown(struct check *check, const struct session *s,
                                    const struct enumerate_sessions_out *shown)
{
    const struct session_terms *t = &s->terms;
    enum sks_status rc;

    TRY(expect_number(check, "provisioningHandle", s->handle, shown->provisioning_handle));
    TRY(expect_text(check, "sessionKeyAlgorithm", SKS_SESSION_ALGORITHM,
                    shown->session_key_algorithm));
    TRY(expect_number(check, "privacyEnabled", t->privacy_enabled, shown->privacy_enabled));
    TRY(expect_bytes(check, "keyManagementKey", t->key_management_key, shown->key_management_key));
    TRY(expect_number(check, "clientTime", t->client_time, shown->client_time));
    TRY(expect_number(check, "sessionLifeTime", t->session_life_time, shown->session_life_time));
    TRY(expect_bytes(check, "serverSessionId", t->server_session_id, shown->server_session_id));
    TRY(expect_bytes(check, "clientSessionId", t->client_session_id, shown->client_session_id));
    rc = expect_bytes(check, "issuerUri", t->issuer_uri, shown->issuer_uri);
out:
    return rc;
}

/* Open ones and closed ones are told apart. */
static enum sks_status enumerated(struct check *check, void *end, const void *row)
{
    const bool open = row != NULL;
    struct enumerate_sessions_out shown, hidden;
    struct scene scene = { 0 };
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, open ? STAGE_CERTIFIED : STAGE_CLOSED, NULL));
    TRY(find_session(end, check, scene.s.handle, open, &shown));
    TRY(expect_shown(check, &scene.s, &shown));
    TRY(find_session(end, check, scene.s.handle, !open, &hidden));
    rc = expect_number(check, "the session among those of the other state", 0,
                       hidden.provisioning_handle);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status key_enumerated(struct check *check, void *end, const void *row)
{
    union sks_in in = { .handle = 0 };
    union sks_out out;
    struct scene scene = { 0 };
    uint32_t owner = 0;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, NULL));
    do {
        TRY(target_call(end, check, ENUMERATE_KEYS, &in, &out, SKS_OK));
        if (out.enumerate_keys.key_handle == scene.key.handle)
            owner = out.enumerate_keys.provisioning_handle;
        in.handle = out.enumerate_keys.key_handle;
    } while (in.handle != 0);
    rc =
        expect_number(check, "enumerateKeys: provisioningHandle of the key", scene.s.handle, owner);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status without_keys(struct check *check, void *end, const void *row)
{
    struct enumerate_sessions_out shown;
    struct session s = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(session_open(&s, end, check));
    TRY(session_close(&s));
    TRY(find_session(end, check, s.handle, false, &shown));
    rc = expect_number(check, "a closed session that owns nothing", 0, shown.provisioning_handle);
out:
    session_free(&s);
    return rc;
}

static enum sks_status abort_undoes(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    union sks_in in;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    in.session_handle.provisioning_handle = scene.next.handle;
    {
        struct call call;

        TRY(call_post(&scene.next, &call, POST_DELETE_KEY, NULL, &scene.key,
                      scene.s.target->kmk[0]));
        TRY(call_do(&scene.next, &call, SKS_OK));
    }
    TRY(target_call(end, check, ABORT_PROVISIONING_SESSION, &in, NULL, SKS_OK));
    TRY(session_is_gone(&scene.next));
    rc = use_expect_key(end, check, scene.key.handle, true);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status two_sessions(struct check *check, void *end, const void *row)
{
    struct session a = { 0 }, b = { 0 };
    struct key key_a, key_b;
    enum sks_status rc;

    (void)row;
    TRY(session_open(&a, end, check));
    TRY(session_open(&b, end, check));
    TRY(session_make_key(&a, NULL, &key_a));
    TRY(session_make_key(&b, NULL, &key_b));
    TRY(session_certify(&b, &key_b));
    TRY(session_certify(&a, &key_a));
    TRY(session_close(&b));
    TRY(session_close(&a));
    TRY(expect_true(check, key_a.handle != key_b.handle && a.handle != b.handle, "handles",
                    "each its own", "the same"));
    rc = expect_true(check, !bytes_equal(a.terms.client_session_id, b.terms.client_session_id),
                     "clientSessionId", "another for each session", "the same");
out:
    session_free(&a);
    session_free(&b);
    return rc;
}

/* ---- limits ---- */

static enum sks_status life_time(struct check *check, void *end, const void *row)
{
    static const struct change SHORT[] = { { "sessionLifeTime", 1, NULL, 0 }, { 0 } };
    struct timespec pause = { 2, 200000000 };
    struct scene_options options = { .session = SHORT };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_OPEN, &options));
    (void)nanosleep(&pause, NULL);
    call_puk(&scene.s, &call, CONFORM_PUK);
    TRY(call_do(&scene.s, &call, SKS_ERROR_NO_SESSION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- the list ---- */

static const struct conform_case CASES[] = {
    OPEN_CASE("session.bad-point", "a point off its curve, or compressed, is no key",
              "SKS createProvisioningSession", 0, bad_point, NULL),
    CASE(LEVEL_MUST, "session.two-at-a-time", "sessions do not know of each other",
         "SKS createProvisioningSession; wire 6", 0, two_sessions, NULL),
    CASE(LEVEL_MUST, "session.life-time", "what comes after the life time meets no session",
         "SKS createProvisioningSession; wire 6", 0, life_time, NULL),
    CASE(LEVEL_MUST, "session.without-keys", "a closed session that owns no key is removed",
         "SKS closeProvisioningSession; wire 8", 0, without_keys, NULL),
    CASE(LEVEL_MUST, "session.abort-undoes", "an abort undoes what was queued",
         "SKS abortProvisioningSession", 0, abort_undoes, NULL),
    CASE(LEVEL_MUST, "enumerateProvisioningSessions.open",
         "an open session is shown with its terms", "SKS enumerateProvisioningSessions", 0,
         enumerated, "open"),
    CASE(LEVEL_MUST, "enumerateProvisioningSessions.closed",
         "a closed session is shown with its terms", "SKS enumerateProvisioningSessions", 0,
         enumerated, NULL),
    CASE(LEVEL_MUST, "enumerateKeys.owner", "a key of a closed session is shown with it",
         "SKS enumerateKeys", 0, key_enumerated, NULL),
};

void cases_of_sessions(struct cases *cases)
{
    static const char SECTION[] = "SKS createProvisioningSession; wire 4, 5";

    for (size_t i = 0; i < NITEMS(TERMS); i++)
        cases_add_row(cases, cases_text(cases, "session.%s", TERMS[i].name), TERMS[i].title,
                      SECTION, 0, with_terms, &TERMS[i]);
    for (size_t i = 0; i < NITEMS(KEYS); i++) {
        const bool good = KEYS[i].status == SKS_OK;
        const struct conform_case item = {
            .id = cases_text(cases, "session.%s", KEYS[i].name),
            .title =
                good ? "a key of another kind serves as well" : "a key of this kind does not serve",
            .section = SECTION,
            .needs = good ? needs_algorithm(KEYS[i].algorithm) : 0,
            .open_number = !good,
            .run = with_key,
            .row = &KEYS[i],
        };

        cases_add(cases, &item);
    }
    cases_add_all(cases, CASES, NITEMS(CASES));
}
