/* The profile of 2010, on /sks/2010: its session, the numbers of its errors, and that all else is
 * the same. */
#include "conform/token/families.h"
#include "conform/token/use.h"

#define SECTION "2010-profile 3, 4"
#define NUMBERS "2010-profile 5"

/* ---- a session ---- */

struct scene_2010 {
    struct session s;
    struct policy pin;
    struct key key;
};

static enum sks_status set(struct scene_2010 *scene, struct target *target, struct check *check,
                           enum stage stage)
{
    struct session *s = &scene->s;
    enum sks_status rc;

    *scene = (struct scene_2010){ 0 };
    token_link_set_dialect(target->link, &SKS_DIALECT_2010);
    TRY(session_begin_2010(s, target, check));
    TRY(session_create_2010(s, SKS_OK));
    if (stage >= STAGE_PIN)
        TRY(session_make_pin(s, NULL, &scene->pin));
    if (stage >= STAGE_KEY)
        TRY(session_make_key(s, &scene->pin, &scene->key));
    if (stage >= STAGE_CERTIFIED)
        TRY(session_certify(s, &scene->key));
    if (stage >= STAGE_CLOSED)
        rc = session_close(s);
out:
    return rc;
}

static void end_of(struct scene_2010 *scene)
{
    session_free(&scene->s);
}

static enum sks_status sign(struct target *target, struct check *check,
                            const struct scene_2010 *scene, const char *algorithm, const char *pin,
                            enum sks_status wanted)
{
    struct operation operation = { .method = SIGN_HASHED_DATA,
                                   .algorithm = algorithm,
                                   .pin = pin,
                                   .data = check_draw_bytes(check, 32) };
    struct bytes signature;
    enum sks_status rc;

    TRY(use_operate(target, check, scene->key.handle, &operation, &signature, wanted));
    if (wanted == SKS_OK)
        rc = use_verify(check, algorithm_by_uri(bytes_of(algorithm), ALGORITHM_SIGNATURE),
                        scene->key.public_key, operation.data, signature);
out:
    return rc;
}

static enum sks_status whole(struct check *check, void *end, const void *row)
{
    struct scene_2010 scene;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_CLOSED));
    rc = sign(end, check, &scene, XMLDSIG_MORE_URI("ecdsa-sha256"), CONFORM_PIN, SKS_OK);
out:
    end_of(&scene);
    return rc;
}

/* Handles serve on either path. */
static enum sks_status both_paths(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene_2010 scene;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_KEY));
    token_link_set_dialect(target->link, &SKS_DIALECT_107);
    TRY(session_certify(&scene.s, &scene.key));
    token_link_set_dialect(target->link, &SKS_DIALECT_2010);
    TRY(session_close(&scene.s));
    token_link_set_dialect(target->link, &SKS_DIALECT_107);
    rc = sign(end, check, &scene, XMLDSIG_MORE_URI("ecdsa-sha256"), CONFORM_PIN, SKS_OK);
out:
    end_of(&scene);
    return rc;
}

static enum sks_status shown(struct check *check, void *end, const void *row)
{
    union sks_in in = { .enumerate_sessions = { 0, true } };
    struct enumerate_sessions_out found = { 0 };
    struct scene_2010 scene;
    union sks_out out;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_OPEN));
    do {
        TRY(target_call(end, check, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, SKS_OK));
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        if (out.enumerate_sessions.provisioning_handle == scene.s.handle)
            found = out.enumerate_sessions;
    } while (out.enumerate_sessions.provisioning_handle != 0);
    TRY(expect_number(check, "provisioningHandle", scene.s.handle, found.provisioning_handle));
    TRY(expect_text(check, "sessionKeyAlgorithm", SKS_SESSION_2010, found.session_key_algorithm));
    TRY(expect_number(check, "clientTime", 0, found.client_time));
    TRY(expect_number(check, "privacyEnabled", false, found.privacy_enabled));
    TRY(expect_number(check, "length of keyManagementKey", 0, found.key_management_key.len));
    TRY(expect_bytes(check, "serverSessionId", scene.s.terms.server_session_id,
                     found.server_session_id));
    rc = expect_bytes(check, "clientSessionId", scene.s.terms.client_session_id,
                      found.client_session_id);
out:
    end_of(&scene);
    return rc;
}

/* Nobody may manage its keys later. */
static enum sks_status unmanaged(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene_2010 scene;
    struct session next = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_CLOSED));
    token_link_set_dialect(target->link, &SKS_DIALECT_107);
    TRY(session_open(&next, end, check));
    TRY(call_post(&next, &call, POST_DELETE_KEY, NULL, &scene.key, target->kmk[0]));
    rc = call_do(&next, &call, SKS_ERROR_OPTION);
out:
    session_free(&next);
    end_of(&scene);
    return rc;
}

/* ---- terms ---- */

struct terms_row {
    const char *name;
    struct change change;
    enum sks_status status;
};

static const struct terms_row TERMS[] = {
    { "ids-of-any-octets", { "server_session_id", 0, NULL, 32 }, SKS_OK },
    { "client-id-of-any-octets", { "client_session_id", 0xff, NULL, 32 }, SKS_OK },
    { "server-id-of-31", { "server_session_id", 1, NULL, 31 }, SKS_ERROR_OPTION },
    { "server-id-of-33", { "server_session_id", 1, NULL, 33 }, SKS_ERROR_OPTION },
    { "server-id-empty", { "server_session_id", 1, NULL, 0 }, SKS_ERROR_OPTION },
    { "client-id-of-31", { "client_session_id", 1, NULL, 31 }, SKS_ERROR_OPTION },
    { "client-id-of-33", { "client_session_id", 1, NULL, 33 }, SKS_ERROR_OPTION },
    { "uri-of-1000", { "provisioning_uri", 'u', NULL, 1000 }, SKS_OK },
    { "uri-empty", { "provisioning_uri", 0, "", 0 }, SKS_ERROR_OPTION },
    { "uri-of-1001", { "provisioning_uri", 'u', NULL, 1001 }, SKS_ERROR_OPTION },
    { "key-of-no-der", { "server_public_key", 0, "no key", 0 }, SKS_ERROR_CRYPTO },
    { "key-empty", { "server_public_key", 0, "", 0 }, SKS_ERROR_CRYPTO },
    { "life-time-0", { "life_time", 0, NULL, 0 }, SKS_ERROR_OPTION },
    { "life-time-of-32-bits", { "life_time", 100000, NULL, 0 }, SKS_OK },
};

static enum sks_status with_terms(struct check *check, void *end, const void *from)
{
    const struct terms_row *row = from;
    struct target *target = end;
    struct call call = { .method = CREATE_SESSION_2010 };
    struct session s = { 0 };
    enum sks_status rc;

    token_link_set_dialect(target->link, &SKS_DIALECT_2010);
    TRY(session_begin_2010(&s, target, check));
    call.in.create_session_2010 = s.terms_2010;
    TRY(call_change(&s, &call, &row->change));
    s.terms_2010 = call.in.create_session_2010;
    rc = session_create_2010(&s, row->status);
out:
    session_free(&s);
    return rc;
}

/* A key that is no RSA key of 2048 to 4096 bits. */
static enum sks_status with_key(struct check *check, void *end, const void *uri)
{
    struct target *target = end;
    struct session s = { 0 };
    EVP_PKEY *key = NULL;
    struct buf spki = { 0 };
    enum sks_status rc;

    token_link_set_dialect(target->link, &SKS_DIALECT_2010);
    TRY(session_begin_2010(&s, target, check));
    TRY(target_make_key(target, check, uri, &key));
    TRY(put_pkey(&spki, key));
    s.terms_2010.server_public_key = buf_bytes(&spki);
    rc = session_create_2010(&s, SKS_ERROR_CRYPTO);
out:
    EVP_PKEY_free(key);
    buf_free(&spki);
    session_free(&s);
    return rc;
}

/* ---- the numbers of errors: the link translates them, so a wrong number is another status ---- */

static enum sks_status number_of_mac(struct check *check, void *end, const void *row)
{
    struct scene_2010 scene;
    struct call call;
    enum sks_status rc;

    TRY(set(&scene, end, check, STAGE_CERTIFIED));
    scene.s.sk.counter++;
    if (row != NULL)
        call_close(&scene.s, &call);
    else
        call_pin(&scene.s, &call, NULL);
    TRY(call_do(&scene.s, &call, SKS_ERROR_MAC));
    rc = session_is_gone(&scene.s);
out:
    end_of(&scene);
    return rc;
}

/* END_SESSION, which shares its number with no status of V1.07: the octet itself is looked at. */
static enum sks_status number_of_close(struct check *check, void *end, const void *row)
{
    static const enum sks_status END_SESSION = (enum sks_status)6;
    struct buf request = { 0 };
    struct scene_2010 scene;
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_KEY));
    call_close(&scene.s, &call);
    TRY(call_mac(&scene.s, &call));
    sks_encode_request(&request, sks_method(CLOSE_PROVISIONING_SESSION), &call.in);
    TRY(target_octets(end, check, "/sks/2010", "closeProvisioningSession, number of END_SESSION",
                      buf_bytes(&request), END_SESSION, NULL));
    rc = session_is_gone(&scene.s);
out:
    buf_free(&request);
    end_of(&scene);
    return rc;
}

static enum sks_status number_of_session(struct check *check, void *end, const void *row)
{
    struct scene_2010 scene;
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_CERTIFIED));
    call_close(&scene.s, &call);
    call.in.close_session.provisioning_handle = 0x7ffffff1;
    TRY(call_do(&scene.s, &call, SKS_ERROR_NO_SESSION));
    scene.s.sk.counter--;
    rc = session_close(&scene.s);
out:
    end_of(&scene);
    return rc;
}

static enum sks_status numbers_of_use(struct check *check, void *end, const void *row)
{
    union sks_in in = { .authorized = { .key_handle = 0 } };
    struct scene_2010 scene;
    enum sks_status rc;

    (void)row;
    TRY(set(&scene, end, check, STAGE_CLOSED));
    TRY(sign(end, check, &scene, XMLDSIG_MORE_URI("ecdsa-sha256"), "0000",
             SKS_ERROR_AUTHORIZATION));
    TRY(sign(end, check, &scene, "http://unknown.example/", CONFORM_PIN, SKS_ERROR_ALGORITHM));
    TRY(target_call(end, check, EXPORT_KEY, &in, NULL, SKS_ERROR_NO_KEY));
    in.authorized.key_handle = scene.key.handle;
    rc = target_call(end, check, EXPORT_KEY, &in, NULL, SKS_ERROR_OPTION);
out:
    end_of(&scene);
    return rc;
}

/* Each path knows one of the two methods that create sessions. */
static enum sks_status foreign_method(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct session s = { 0 };
    struct buf request = { 0 };
    union sks_in in = { 0 };
    enum sks_status rc;

    if (row == NULL) {
        TRY(session_begin_2010(&s, target, check));
        in.create_session_2010 = s.terms_2010;
        sks_encode_request(&request, sks_method(CREATE_SESSION_2010), &in);
    } else {
        TRY(session_begin(&s, target, check));
        in.create_session.terms = s.terms;
        sks_encode_request(&request, sks_method(CREATE_PROVISIONING_SESSION), &in);
    }
    rc = target_octets(target, check, row == NULL ? "/sks" : "/sks/2010",
                       "createProvisioningSession", buf_bytes(&request), SKS_ERROR_OPTION, NULL);
out:
    buf_free(&request);
    session_free(&s);
    return rc;
}

#define C2010(name, title, where, function, row)                                                   \
    CASE(LEVEL_MUST, "2010." name, title, where, NEEDS(CAN_2010), function, row)

static const struct conform_case CASES[] = {
    C2010("whole", "a session with a key, and what it attests", SECTION, whole, NULL),
    C2010("both-paths", "handles serve on either path", SECTION, both_paths, NULL),
    C2010("shown", "a session is shown with its ids as they are", SECTION, shown, NULL),
    C2010("unmanaged", "its keys have no key management key", SECTION, unmanaged, NULL),
    C2010("key-rsa1024", "a server key of 1024 bits is too small", SECTION, with_key,
          ALGORITHM_URI("rsa1024")),
    C2010("key-p256", "a server key of EC", SECTION, with_key, ALGORITHM_URI("ec.nist.p256")),
    C2010("number-of-mac", "a wrong MAC is 3", NUMBERS, number_of_mac, NULL),
    C2010("number-of-close-mac", "a wrong MAC of the close is 3", NUMBERS, number_of_mac, "close"),
    C2010("number-of-close", "another condition of the close is 6", NUMBERS, number_of_close, NULL),
    C2010("number-of-session", "an unknown session is 5", NUMBERS, number_of_session, NULL),
    C2010("numbers-of-use", "of PINs, algorithms, keys; what is not allowed is 9", NUMBERS,
          numbers_of_use, NULL),
    C2010("method-24-on-sks", "method 24 is unknown on /sks", SECTION, foreign_method, NULL),
    C2010("method-2-on-2010", "method 2 is unknown on /sks/2010", SECTION, foreign_method, "2"),
};

void cases_of_2010(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
    for (size_t i = 0; i < NITEMS(TERMS); i++)
        cases_add_row(cases, cases_text(cases, "2010.%s", TERMS[i].name),
                      TERMS[i].status == SKS_OK ? "terms that are accepted, and attested"
                                                : "terms that are refused",
                      SECTION, NEEDS(CAN_2010), with_terms, &TERMS[i]);
}
