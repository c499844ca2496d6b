/* What closing wants, what belongs to a session only, and how often its key may be used. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#include "keygen2/crypto/public_key.h"

/* How many operations with the session key a method takes. */
struct limit_row {
    enum method_id method;
    unsigned before, takes; /* in the scene up to it; itself */
};

static const struct limit_row LIMITS[] = {
    { CREATE_PUK_POLICY, 0, 2 },    { CREATE_PIN_POLICY, 2, 1 },
    { CREATE_KEY_ENTRY, 3, 2 },     { SET_CERTIFICATE_PATH, 5, 1 },
    { IMPORT_SYMMETRIC_KEY, 6, 2 }, { IMPORT_PRIVATE_KEY, 6, 2 },
    { ADD_EXTENSION, 6, 1 },        { CLOSE_PROVISIONING_SESSION, 6, 2 },
};

static enum sks_status at_limit(struct target *target, struct check *check,
                                const struct limit_row *row, uint64_t limit, enum sks_status wanted)
{
    struct change changes[] = { { "sessionKeyLimit", limit, NULL, 0 }, { 0 } };
    struct scene_options options = { .session = changes };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, target, check, scene_stage(row->method), &options));
    TRY(scene_call(&scene, row->method, &call));
    TRY(call_do(&scene.s, &call, wanted));
    if (wanted != SKS_OK)
        rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status key_limit(struct check *check, void *end, const void *from)
{
    const struct limit_row *row = from;
    enum sks_status rc;

    TRY(at_limit(end, check, row, row->before + row->takes, SKS_OK));
    rc = at_limit(end, check, row, row->before + row->takes - 1, SKS_ERROR_OPTION);
out:
    return rc;
}

/* ---- closing ---- */

enum lacking { NO_CERTIFICATE, UNUSED_PIN, UNUSED_PUK, FOREIGN_KEY };

static enum sks_status incomplete(struct check *check, void *end, const void *from)
{
    const enum lacking *what = from;
    struct scene scene = { 0 };
    struct call call;
    enum stage stage = *what == UNUSED_PUK   ? STAGE_PUK
                       : *what == UNUSED_PIN ? STAGE_PIN
                                             : STAGE_KEY;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, stage, NULL));
    if (*what == FOREIGN_KEY) {
        TRY(target_certify(end, check, scene.s.terms.server_ephemeral_key, &scene.key.certificate));
        TRY(call_certify(&scene.s, &call, &scene.key));
        TRY(call_do(&scene.s, &call, SKS_OK));
    }
    call_close(&scene.s, &call);
    TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* Of two keys of a session; and of one that another session has left. */
static enum sks_status same_certificate(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(session_make_key(&scene.next, NULL, &scene.new_key));
    scene.new_key.certificate = scene.key.certificate;
    TRY(call_certify(&scene.next, &call, &scene.new_key));
    TRY(call_do(&scene.next, &call, SKS_OK));
    call_close(&scene.next, &call);
    TRY(call_do(&scene.next, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.next);
out:
    scene_free(&scene);
    return rc;
}

/* Two keys that are the same one: the certificate is right for either. */
static enum sks_status same_imported(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct buf public_key = { 0 };
    struct bytes certificate;
    struct key key[2];
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_OPEN, NULL));
    TRY(sks_explain(&check->err, put_pkey(&public_key, target->kmk[1])));
    TRY(target_certify(target, check, buf_bytes(&public_key), &certificate));
    for (size_t i = 0; i < NITEMS(key); i++) {
        TRY(session_make_key(&scene.s, NULL, &key[i]));
        key[i].certificate = certificate;
        TRY(call_certify(&scene.s, &call, &key[i]));
        TRY(call_do(&scene.s, &call, SKS_OK));
        TRY(call_import_private(&scene.s, &call, &key[i], target->kmk[1]));
        TRY(call_do(&scene.s, &call, SKS_OK));
    }
    call_close(&scene.s, &call);
    TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    buf_free(&public_key);
    scene_free(&scene);
    return rc;
}

static enum sks_status endorsed_misfit(struct check *check, void *end, const void *row)
{
    struct change changes[] = { { "endorsedAlgorithm", 0, row, 0 }, { 0 } };
    struct scene_options options = { .key = changes };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, &options));
    call_close(&scene.s, &call);
    TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* The key has a secret of 16 octets. */
static enum sks_status endorsed_for_secret(struct check *check, void *end, const void *row)
{
    struct change changes[] = { { "endorsedAlgorithm", 0, row, 0 }, { 0 } };
    struct scene_options options = { .key = changes };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, &options));
    TRY(call_import_symmetric(&scene.s, &call, &scene.key, check_draw_bytes(check, SECRET_SIZE)));
    TRY(call_do(&scene.s, &call, SKS_OK));
    call_close(&scene.s, &call);
    TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* Ids of a session are of one name space. */
static enum sks_status same_id(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_PIN, NULL));
    call_key(&scene.s, &call, &scene.pin, CONFORM_PIN);
    call.in.create_key_entry.key.id = scene.puk.id;
    TRY(call_do(&scene.s, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status foreign_policy(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct session other = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_PIN, NULL));
    TRY(session_open(&other, end, check));
    call_key(&other, &call, &scene.pin, CONFORM_PIN);
    TRY(call_do(&other, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&other);
out:
    session_free(&other);
    scene_free(&scene);
    return rc;
}

/* ---- the list ---- */

static const enum lacking CERTIFICATE = NO_CERTIFICATE, PIN = UNUSED_PIN, PUK = UNUSED_PUK,
                          FOREIGN = FOREIGN_KEY;

#define CLOSE "SKS closeProvisioningSession; wire 8"

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "session.same-id", "ids of policies and keys are of one name space", "wire 6",
         0, same_id, NULL),
    CASE(LEVEL_MUST, "session.foreign-policy", "a policy serves in its own session only", "wire 6",
         0, foreign_policy, NULL),
    CASE(LEVEL_MUST, "closeProvisioningSession.no-certificate", "a key without a certificate",
         CLOSE, 0, incomplete, &CERTIFICATE),
    CASE(LEVEL_MUST, "closeProvisioningSession.unused-pin-policy", "a PIN policy without a key",
         CLOSE, 0, incomplete, &PIN),
    CASE(LEVEL_MUST, "closeProvisioningSession.unused-puk-policy",
         "a PUK policy without a PIN policy", CLOSE, 0, incomplete, &PUK),
    CASE(LEVEL_MUST, "closeProvisioningSession.foreign-key", "a certificate of another public key",
         CLOSE, 0, incomplete, &FOREIGN),
    CASE(LEVEL_MUST, "closeProvisioningSession.same-certificate",
         "a certificate that another key has", CLOSE, 0, same_certificate, NULL),
    CASE(LEVEL_MUST, "closeProvisioningSession.same-private-key",
         "one private key imported twice, with one certificate", CLOSE, 0, same_imported, NULL),
    CASE(LEVEL_MUST, "closeProvisioningSession.endorsed-hmac",
         "an algorithm of symmetric keys for a key pair", CLOSE, 0, endorsed_misfit,
         XMLDSIG_MORE_URI("hmac-sha256")),
    CASE(LEVEL_MUST, "closeProvisioningSession.endorsed-aes",
         "an algorithm of symmetric keys for a key pair", CLOSE, 0, endorsed_misfit,
         XMLENC_URI("aes128-cbc")),
    CASE(LEVEL_MUST, "closeProvisioningSession.endorsed-rsa", "an algorithm of RSA for an EC key",
         CLOSE, 0, endorsed_misfit, XMLDSIG_MORE_URI("rsa-sha256")),
    CASE(LEVEL_MUST, "closeProvisioningSession.endorsed-ecdsa-for-secret",
         "an algorithm of key pairs for a symmetric key", CLOSE, 0, endorsed_for_secret,
         XMLDSIG_MORE_URI("ecdsa-sha256")),
    CASE(LEVEL_MUST, "closeProvisioningSession.endorsed-aes-of-another-size",
         "an algorithm of AES for keys of another size", CLOSE, 0, endorsed_for_secret,
         XMLENC_URI("aes256-cbc")),
};

void cases_of_closing(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(LIMITS); i++)
        cases_add_row(
            cases, cases_text(cases, "%s.session-key-limit", target_method_name(LIMITS[i].method)),
            cases_text(cases, "takes %u operations with the session key", LIMITS[i].takes),
            "SKS createProvisioningSession; wire 6", 0, key_limit, &LIMITS[i]);
    cases_add_all(cases, CASES, NITEMS(CASES));
}
