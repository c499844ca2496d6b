/* Calls to what is not there, or not in the state that the method wants. */
#include "conform/token/families.h"
#include "conform/token/scene.h"

enum { NOBODY = 0x7ffffff1 /* a handle that no token has reached */ };

/* What the first input of a method names. */
enum first_input { OF_OPEN_SESSION, OF_CLOSED_SESSION, OF_OPEN_KEY, OF_CLOSED_KEY, OF_NOTHING };

static enum first_input first_input(enum method_id method)
{
    switch (method) {
    case CLOSE_PROVISIONING_SESSION:
    case ABORT_PROVISIONING_SESSION:
    case CREATE_PUK_POLICY:
    case CREATE_PIN_POLICY:
    case CREATE_KEY_ENTRY:
    case GET_KEY_HANDLE:
    case POST_DELETE_KEY:
    case POST_UNLOCK_KEY:
        return OF_OPEN_SESSION;
    case UPDATE_KEY_MANAGEMENT_KEY:
        return OF_CLOSED_SESSION;
    case SET_CERTIFICATE_PATH:
    case IMPORT_SYMMETRIC_KEY:
    case IMPORT_PRIVATE_KEY:
    case ADD_EXTENSION:
    case POST_UPDATE_KEY:
    case POST_CLONE_KEY_PROTECTION:
        return OF_OPEN_KEY;
    default:
        return method >= GET_KEY_ATTRIBUTES && method != UPDATE_FIRMWARE ? OF_CLOSED_KEY
                                                                         : OF_NOTHING;
    }
}

static enum sks_status missing(enum first_input first)
{
    return first == OF_OPEN_SESSION || first == OF_CLOSED_SESSION ? SKS_ERROR_NO_SESSION
                                                                  : SKS_ERROR_NO_KEY;
}

static const struct sks_method *method_at(const void *row)
{
    return row;
}

static enum sks_status begin(struct scene *scene, void *end, struct check *check,
                             enum method_id method, struct call *call)
{
    enum sks_status rc;

    TRY(scene_set_for(scene, end, check, method));
    TRY(scene_call(scene, method, call));
    if (method_has_mac(method))
        rc = call_mac(scene_session(scene, method), call);
out:
    return rc;
}

/* Of a handle that is nobody's, or none at all; the session goes on. */
static enum sks_status unknown(struct check *check, void *end, const void *row)
{
    static const uint32_t HANDLES[] = { NOBODY, 0, UINT32_MAX };
    enum method_id method = (enum method_id)method_at(row)->id;
    struct scene scene = { 0 };
    struct session *s = scene_session(&scene, method);
    struct call call, bad;
    enum sks_status rc;

    TRY(begin(&scene, end, check, method, &call));
    for (size_t i = 0; i < NITEMS(HANDLES); i++) {
        bad = call;
        bad.in.handle = HANDLES[i];
        TRY(call_send(s, &bad, missing(first_input(method))));
    }
    rc = call_send(s, &call, SKS_OK);
out:
    scene_free(&scene);
    return rc;
}

/* The session is aborted first. */
static enum sks_status aborted(struct check *check, void *end, const void *row)
{
    enum method_id method = (enum method_id)method_at(row)->id;
    struct scene scene = { 0 };
    struct session *s = scene_session(&scene, method);
    union sks_in in;
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, method, &call));
    in.session_handle.provisioning_handle = s->handle;
    TRY(target_call(end, check, ABORT_PROVISIONING_SESSION, &in, NULL, SKS_OK));
    rc = call_send(s, &call, missing(first_input(method)));
out:
    scene_free(&scene);
    return rc;
}

/* The session is closed first. */
static enum sks_status closed(struct check *check, void *end, const void *row)
{
    enum method_id method = (enum method_id)method_at(row)->id;
    enum stage stage = scene_stage(method) >= STAGE_NEXT ? STAGE_NEXT_KEY : STAGE_CLOSED;
    struct scene scene = { 0 };
    struct session *s = scene_session(&scene, method);
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, stage, NULL));
    if (stage == STAGE_NEXT_KEY)
        TRY(session_close(&scene.next));
    TRY(scene_call(&scene, method, &call));
    if (method_has_mac(method))
        TRY(call_mac(s, &call));
    rc = call_send(s, &call, missing(first_input(method)));
out:
    scene_free(&scene);
    return rc;
}

/* Of a key whose session is open yet: for its user it is not there. */
static enum sks_status unfinished(struct check *check, void *end, const void *row)
{
    enum method_id method = (enum method_id)method_at(row)->id;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(scene_call(&scene, method, &call));
    TRY(call_send(&scene.s, &call, SKS_ERROR_NO_KEY));
    rc = session_close(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- what is of no table ---- */

static enum sks_status enumerate_from(struct target *target, struct check *check,
                                      enum method_id method, uint32_t handle)
{
    union sks_in in = { .handle = handle };
    union sks_out out;
    enum sks_status rc;

    TRY(target_call(target, check, method, &in, &out, SKS_OK));
    rc = expect_number(check, "the handle behind one that is not there", 0, out.handle.handle);
out:
    return rc;
}

static enum sks_status enumeration_ends(struct check *check, void *end, const void *row)
{
    return enumerate_from(end, check, (enum method_id)method_at(row)->id, NOBODY);
}

static enum sks_status roll_over_of_open(struct check *check, void *end, const void *row)
{
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CERTIFIED, NULL));
    TRY(scene_call(&scene, UPDATE_KEY_MANAGEMENT_KEY, &call));
    TRY(call_send(&scene.s, &call, SKS_ERROR_NOT_ALLOWED));
    rc = session_close(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status roll_over_without(struct check *check, void *end, const void *row)
{
    static const struct change NO_KMK[] = { { .field = "keyManagementKey", .text = "" }, { 0 } };
    struct scene_options options = { .session = NO_KMK };
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_CLOSED, &options));
    TRY(scene_call(&scene, UPDATE_KEY_MANAGEMENT_KEY, &call));
    rc = call_send(&scene.s, &call, SKS_ERROR_NOT_ALLOWED);
out:
    scene_free(&scene);
    return rc;
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "updateKeyManagementKey.open-session",
         "the session is open: not allowed, and it goes on", "SKS updateKeyManagementKey", 0,
         roll_over_of_open, NULL),
    CASE(LEVEL_MUST, "updateKeyManagementKey.no-key",
         "the session has no key management key: not allowed", "SKS updateKeyManagementKey", 0,
         roll_over_without, NULL),
};

static void add(struct cases *cases, const struct sks_method *method, const char *name,
                const char *title,
                enum sks_status (*run)(struct check *check, void *end, const void *row))
{
    cases_add_row(cases, cases_text(cases, "%s.%s", method->name, name), title, "wire 3", 0, run,
                  method);
}

static void add_method(struct cases *cases, const struct sks_method *method)
{
    enum first_input first = first_input((enum method_id)method->id);

    if (first == OF_NOTHING || !scene_knows((enum method_id)method->id))
        return;
    add(cases, method, "unknown-handle", "nothing has the handle, and nothing is touched", unknown);
    if (first == OF_OPEN_SESSION || first == OF_OPEN_KEY) {
        add(cases, method, "aborted-session", "its session was aborted", aborted);
        add(cases, method, "closed-session", "its session is closed", closed);
    } else if (first == OF_CLOSED_KEY) {
        add(cases, method, "open-session", "the session of the key is open yet", unfinished);
    }
}

void cases_of_states(struct cases *cases)
{
    static const enum method_id ENUMERATIONS[] = { ENUMERATE_PROVISIONING_SESSIONS,
                                                   ENUMERATE_KEYS };

    for (size_t i = 0; i < SKS_METHODS_COUNT; i++)
        add_method(cases, &SKS_METHODS[i]);
    for (size_t i = 0; i < NITEMS(ENUMERATIONS); i++)
        add(cases, sks_method((uint8_t)ENUMERATIONS[i]), "unknown-handle",
            "an enumeration that begins at a handle that is not there is at its end",
            enumeration_ends);
    cases_add_all(cases, CASES, NITEMS(CASES));
}
