/* Post operations: what goes together, what excludes what, who may, and what the close makes. */
#include "conform/token/families.h"
#include "conform/token/use.h"

static const char REFERENCE[] = "SKS Target Key Reference; wire 4, 5";

enum { STEPS_MAX = 3, NEW_KEYS = 2, CHANGES_MAX = 2 };

/* One operation on the target of the scene. */
struct step {
    enum method_id method; /* 0: no more */
    unsigned new_key;      /* of an update or a clone: which */
    unsigned kmk;          /* that authorizes */
    enum sks_status wanted;
};

struct row {
    const char *name, *title;
    const char *section; /* NULL: those of the methods of its steps */
    struct step step[STEPS_MAX];
    struct change session[CHANGES_MAX], pin[CHANGES_MAX], key[CHANGES_MAX]; /* of the target */
    struct change next[CHANGES_MAX];                                        /* of the session */
    struct change new_key[CHANGES_MAX];
    bool no_pin, privacy; /* of the target; of both sessions */
    bool new_pin;         /* the new key is under a PIN policy */
    bool is_gone;         /* the target, behind the close */
};

#define BAD SKS_ERROR_OPTION
#define DELETE(code)                                                                               \
    {                                                                                              \
        POST_DELETE_KEY, 0, 0, code                                                                \
    }
#define UNLOCK(code)                                                                               \
    {                                                                                              \
        POST_UNLOCK_KEY, 0, 0, code                                                                \
    }
#define UPDATE(which, code)                                                                        \
    {                                                                                              \
        POST_UPDATE_KEY, which, 0, code                                                            \
    }
#define CLONE(which, code)                                                                         \
    {                                                                                              \
        POST_CLONE_KEY_PROTECTION, which, 0, code                                                  \
    }
#define SET(name, value)                                                                           \
    {                                                                                              \
        {                                                                                          \
            name, value, NULL, 0                                                                   \
        }                                                                                          \
    }

static const struct row ROWS[] = {
    { "delete", "the close deletes the target", .step = { DELETE(SKS_OK) }, .is_gone = true },
    { "delete-protected", "also one that its user may not delete", .step = { DELETE(SKS_OK) },
      .key = SET("deleteProtection", PROTECTION_NOT_ALLOWED), .is_gone = true },
    { "unlock", "the close unlocks the target", .step = { UNLOCK(SKS_OK) } },
    { "update", "the new key takes the place of the target", .step = { UPDATE(0, SKS_OK) } },
    { "clone", "the new key stands beside the target", .step = { CLONE(0, SKS_OK) } },
    { "update-and-clone", "an update and a clone of one target",
      .step = { UPDATE(0, SKS_OK), CLONE(1, SKS_OK) } },
    { "clone-twice", "two clones of one target", .step = { CLONE(0, SKS_OK), CLONE(1, SKS_OK) } },
    { "unlock-and-update", "an unlock and an update of one target",
      .step = { UNLOCK(SKS_OK), UPDATE(0, SKS_OK) } },
    { "update-and-unlock", "an update and an unlock of one target",
      .step = { UPDATE(0, SKS_OK), UNLOCK(SKS_OK) } },
    { "unlock-and-clone", "an unlock and a clone of one target",
      .step = { UNLOCK(SKS_OK), CLONE(0, SKS_OK) } },
    { "clone-without-pin", "a clone of a key without a PIN", .no_pin = true,
      .step = { CLONE(0, SKS_OK) } },
    { "update-without-pin", "an update of a key without a PIN", .no_pin = true,
      .step = { UPDATE(0, SKS_OK) } },
    { "clone-other-usage", "a clone may have another appUsage",
      .new_key = SET("appUsage", APP_USAGE_ENCRYPTION), .step = { CLONE(0, SKS_OK) } },
    { "privacy", "in privacy mode, as the target's session", REFERENCE, .privacy = true,
      .step = { DELETE(SKS_OK) }, .is_gone = true },
    { "delete-twice", "two deletions of one target", .step = { DELETE(SKS_OK), DELETE(BAD) } },
    { "unlock-twice", "two unlocks of one target", .step = { UNLOCK(SKS_OK), UNLOCK(BAD) } },
    { "update-twice", "two updates of one target", .step = { UPDATE(0, SKS_OK), UPDATE(1, BAD) } },
    { "delete-and-unlock", "an unlock behind a deletion", .step = { DELETE(SKS_OK), UNLOCK(BAD) } },
    { "unlock-and-delete", "a deletion behind an unlock", .step = { UNLOCK(SKS_OK), DELETE(BAD) } },
    { "delete-and-update", "an update behind a deletion",
      .step = { DELETE(SKS_OK), UPDATE(0, BAD) } },
    { "update-and-delete", "a deletion behind an update",
      .step = { UPDATE(0, SKS_OK), DELETE(BAD) } },
    { "clone-and-delete", "a deletion behind a clone", .step = { CLONE(0, SKS_OK), DELETE(BAD) } },
    { "new-key-twice", "a new key for two operations",
      .step = { UPDATE(0, SKS_OK), CLONE(0, BAD) } },
    { "new-key-of-two-clones", "a new key for two clones",
      .step = { CLONE(0, SKS_OK), CLONE(0, BAD) } },
    { "unlock-without-pin", "an unlock of a key without a PIN", .no_pin = true,
      .step = { UNLOCK(BAD) } },
    { "clone-not-shared", "a clone of a PIN that is not shared",
      .pin = SET("grouping", GROUPING_NONE), .step = { CLONE(0, BAD) } },
    { "clone-unique", "a clone of a PIN of grouping unique",
      .pin = SET("grouping", GROUPING_UNIQUE), .step = { CLONE(0, BAD) } },
    { "update-not-shared", "an update of a PIN that is not shared",
      .pin = SET("grouping", GROUPING_NONE), .step = { UPDATE(0, SKS_OK) } },
    { "update-other-usage", "an update with another appUsage",
      .new_key = SET("appUsage", APP_USAGE_ENCRYPTION), .step = { UPDATE(0, BAD) } },
    { "update-with-pin", "an update by a key with a PIN of its own", .new_pin = true,
      .step = { UPDATE(0, BAD) } },
    { "clone-with-pin", "a clone by a key with a PIN of its own", .new_pin = true,
      .step = { CLONE(0, BAD) } },
    { "no-management-key", "a target whose session has no key management key", REFERENCE,
      .session = { { "keyManagementKey", 0, "", 0 } }, .step = { DELETE(BAD) } },
    { "privacy-of-one", "a session in privacy mode, the target's was not", REFERENCE,
      .next = SET("privacyEnabled", 1), .step = { DELETE(BAD) } },
    { "other-management-key", "authorized by a key that the target's session has not", REFERENCE,
      .step = { { POST_DELETE_KEY, 0, 1, BAD } } },
    { "update-by-other-key", "authorized by a key that the target's session has not", REFERENCE,
      .step = { { POST_UPDATE_KEY, 0, 1, BAD } } },
};

/* ---- a row ---- */

static enum sks_status make_new_keys(struct scene *scene, const struct row *row,
                                     struct key new_key[NEW_KEYS])
{
    struct session *s = &scene->next;
    struct policy pin;
    struct call call;
    enum sks_status rc = SKS_OK;

    if (row->new_pin)
        TRY(session_make_pin(s, NULL, &pin));
    for (size_t i = 0; i < NEW_KEYS; i++) {
        call_key(s, &call, row->new_pin ? &pin : NULL, CONFORM_PIN);
        TRY(call_change(s, &call, row->new_key));
        TRY(call_do(s, &call, SKS_OK));
        key_of(&call, &new_key[i]);
        TRY(session_certify(s, &new_key[i]));
    }
out:
    return rc;
}

static bool takes_new_key(enum method_id method)
{
    return method == POST_UPDATE_KEY || method == POST_CLONE_KEY_PROTECTION;
}

/* *end is what the last step wanted. */
static enum sks_status take_steps(struct scene *scene, const struct row *row,
                                  const struct key new_key[NEW_KEYS], enum sks_status *end)
{
    struct call call;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < STEPS_MAX && row->step[i].method != 0; i++) {
        const struct step *step = &row->step[i];

        TRY(call_post(&scene->next, &call, step->method,
                      takes_new_key(step->method) ? &new_key[step->new_key] : NULL, &scene->key,
                      scene->s.target->kmk[step->kmk]));
        TRY(call_do(&scene->next, &call, step->wanted));
        *end = step->wanted;
    }
out:
    return rc;
}

static enum sks_status of_row(struct check *check, void *end, const void *from)
{
    const struct row *row = from;
    struct scene_options options = { .no_pin = row->no_pin,
                                     .privacy = row->privacy,
                                     .session = row->session,
                                     .pin = row->pin,
                                     .key = row->key,
                                     .next = row->next };
    struct scene scene = { 0 };
    struct key new_key[NEW_KEYS];
    enum sks_status rc, last = SKS_OK;

    TRY(scene_set(&scene, end, check, STAGE_NEXT, &options));
    if (takes_new_key(row->step[0].method) || takes_new_key(row->step[1].method))
        TRY(make_new_keys(&scene, row, new_key));
    TRY(take_steps(&scene, row, new_key, &last));
    TRY(use_expect_key(end, check, scene.key.handle, true));
    if (last == SKS_OK)
        TRY(session_close(&scene.next));
    else
        TRY(session_is_gone(&scene.next));
    rc = use_expect_key(end, check, scene.key.handle, !row->is_gone);
out:
    scene_free(&scene);
    return rc;
}

/* ---- what the close makes ---- */

static enum sks_status owner_of(struct target *target, struct check *check, uint32_t key,
                                uint32_t *owner)
{
    union sks_in in = { .handle = 0 };
    union sks_out out;
    enum sks_status rc;

    *owner = 0;
    do {
        TRY(target_call(target, check, ENUMERATE_KEYS, &in, &out, SKS_OK));
        if (out.enumerate_keys.key_handle == key)
            *owner = out.enumerate_keys.provisioning_handle;
        in.handle = out.enumerate_keys.key_handle;
    } while (in.handle != 0);
out:
    return rc;
}

static enum sks_status post(struct scene *scene, enum method_id method, const struct key *key,
                            EVP_PKEY *kmk, enum sks_status wanted)
{
    struct call call;
    enum sks_status rc;

    TRY(call_post(&scene->next, &call, method, key, &scene->key, kmk));
    rc = call_do(&scene->next, &call, wanted);
out:
    return rc;
}

static enum sks_status expect_certificate(struct target *target, struct check *check, uint32_t key,
                                          struct bytes certificate)
{
    struct key_attributes_out out;
    enum sks_status rc;

    TRY(use_attributes(target, check, key, &out));
    TRY(expect_number(check, "getKeyAttributes: number of certificates", 1,
                      out.certificate_path.count));
    rc = expect_bytes(check, "getKeyAttributes: certificate", certificate,
                      out.certificate_path.item[0]);
out:
    return rc;
}

/* The handle of the target, its PIN and its tries; the certificate of the new key. */
static enum sks_status updated(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    uint32_t owner;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT_KEY, NULL));
    TRY(use_sign(&scene, "0000", SKS_ERROR_AUTHORIZATION));
    TRY(post(&scene, POST_UPDATE_KEY, &scene.new_key, target->kmk[0], SKS_OK));
    TRY(expect_certificate(end, check, scene.key.handle, scene.key.certificate));
    TRY(session_close(&scene.next));
    TRY(expect_certificate(end, check, scene.key.handle, scene.new_key.certificate));
    TRY(use_expect_key(end, check, scene.new_key.handle, false));
    TRY(use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 1, 0));
    TRY(use_sign(&scene, CONFORM_PIN, SKS_OK));
    TRY(owner_of(end, check, scene.key.handle, &owner));
    rc = expect_number(check, "enumerateKeys: provisioningHandle of an updated key",
                       scene.next.handle, owner);
out:
    scene_free(&scene);
    return rc;
}

/* Its own handle; the PIN and the tries of the target, for both. */
static enum sks_status cloned(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 }, clone;
    uint32_t owner;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT_KEY, NULL));
    TRY(post(&scene, POST_CLONE_KEY_PROTECTION, &scene.new_key, target->kmk[0], SKS_OK));
    TRY(session_close(&scene.next));
    clone = scene;
    clone.key = scene.new_key;
    TRY(expect_certificate(end, check, scene.key.handle, scene.key.certificate));
    TRY(expect_certificate(end, check, clone.key.handle, scene.new_key.certificate));
    TRY(use_sign(&clone, CONFORM_PIN, SKS_OK));
    TRY(use_sign(&clone, "0000", SKS_ERROR_AUTHORIZATION));
    TRY(use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 1, 0));
    TRY(use_new_pin(&scene, CHANGE_PIN, CONFORM_PIN, "835162", SKS_OK));
    TRY(use_sign(&clone, "835162", SKS_OK));
    TRY(owner_of(end, check, scene.key.handle, &owner));
    rc = expect_number(check, "enumerateKeys: provisioningHandle of the target", scene.next.handle,
                       owner);
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status unlocked(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(use_sign(&scene, "0000", SKS_ERROR_AUTHORIZATION));
    TRY(use_authorized(&scene, UNLOCK_KEY, "0000", SKS_ERROR_AUTHORIZATION));
    TRY(post(&scene, POST_UNLOCK_KEY, NULL, target->kmk[0], SKS_OK));
    TRY(use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 1, 1));
    TRY(session_close(&scene.next));
    rc = use_expect_tries(&scene, PROTECTION_STATUS_PIN | PROTECTION_STATUS_PUK, 0, 0);
out:
    scene_free(&scene);
    return rc;
}

/* It went between the operation and the close. */
static enum sks_status vanished(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(post(&scene, POST_UNLOCK_KEY, NULL, target->kmk[0], SKS_OK));
    TRY(use_authorized(&scene, DELETE_KEY, NULL, SKS_OK));
    call_close(&scene.next, &call);
    TRY(call_do(&scene.next, &call, SKS_ERROR_NO_KEY));
    rc = session_is_gone(&scene.next);
out:
    scene_free(&scene);
    return rc;
}

/* A key of the session itself, which is open. */
static enum sks_status unfinished(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT_KEY, NULL));
    scene.key = scene.new_key;
    TRY(post(&scene, POST_DELETE_KEY, NULL, target->kmk[0], SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.next);
out:
    scene_free(&scene);
    return rc;
}

/* Authorized in another session, whose session key is another. */
static enum sks_status borrowed(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct session other = { 0 };
    struct call call, foreign;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(session_open(&other, end, check));
    TRY(call_post(&other, &foreign, POST_DELETE_KEY, NULL, &scene.key, target->kmk[0]));
    call_begin(&call, POST_DELETE_KEY, scene.next.handle);
    call.in.post_session.target_key_handle = scene.key.handle;
    call.in.post_session.authorization = foreign.in.post_session.authorization;
    TRY(call_do(&scene.next, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.next);
out:
    session_free(&other);
    scene_free(&scene);
    return rc;
}

/* Another key management key from now on: for the new one, and not for the old one. */
static enum sks_status rolled_over(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(scene_call(&scene, UPDATE_KEY_MANAGEMENT_KEY, &call));
    TRY(call_send(&scene.s, &call, SKS_OK));
    if (row == NULL) {
        TRY(post(&scene, POST_DELETE_KEY, NULL, target->kmk[1], SKS_OK));
        TRY(session_close(&scene.next));
        rc = use_expect_key(end, check, scene.key.handle, false);
    } else {
        rc = post(&scene, POST_DELETE_KEY, NULL, target->kmk[0], SKS_ERROR_OPTION);
    }
out:
    scene_free(&scene);
    return rc;
}

static enum sks_status uncertified(struct check *check, void *end, const void *row)
{
    struct target *target = end;
    struct scene scene = { 0 };
    struct key key;
    enum sks_status rc;

    (void)row;
    TRY(scene_set(&scene, end, check, STAGE_NEXT, NULL));
    TRY(session_make_key(&scene.next, NULL, &key));
    TRY(post(&scene, POST_UPDATE_KEY, &key, target->kmk[0], SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.next);
out:
    scene_free(&scene);
    return rc;
}

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "post.updated", "an updated key has the target's handle, PIN and tries",
         "SKS postUpdateKey; wire 8", 0, updated, NULL),
    CASE(LEVEL_MUST, "post.cloned", "a cloned key shares the target's PIN and tries",
         "SKS postCloneKeyProtection; wire 8", 0, cloned, NULL),
    CASE(LEVEL_MUST, "post.unlocked", "an unlock clears both counters, at the close",
         "SKS postUnlockKey; wire 8", 0, unlocked, NULL),
    CASE(LEVEL_MUST, "post.target-vanished", "a target that is no more at the close",
         "SKS closeProvisioningSession; wire 8", 0, vanished, NULL),
    CASE(LEVEL_MUST, "post.target-open", "a target whose session is open",
         "SKS postDeleteKey; wire 5", 0, unfinished, NULL),
    CASE(LEVEL_MUST, "post.borrowed", "an authorization of another session", REFERENCE, 0, borrowed,
         NULL),
    CASE(LEVEL_MUST, "post.new-key-uncertified", "a new key without its certificate",
         "SKS postUpdateKey; wire 5", 0, uncertified, NULL),
    CASE(LEVEL_MUST, "updateKeyManagementKey.new-key", "the new key management key authorizes",
         "SKS updateKeyManagementKey; wire 5", 0, rolled_over, NULL),
    CASE(LEVEL_MUST, "updateKeyManagementKey.old-key", "the old one does so no more",
         "SKS updateKeyManagementKey; wire 5", 0, rolled_over, "old"),
};

static const char *section_of(struct cases *cases, const struct row *row)
{
    const char *first = target_method_name(row->step[0].method);
    enum method_id second = row->step[1].method;

    if (row->section != NULL)
        return row->section;
    if (second == 0 || second == row->step[0].method)
        return cases_text(cases, "SKS %s; wire 5, 8", first);
    return cases_text(cases, "SKS %s, %s; wire 5, 8", first, target_method_name(second));
}

void cases_of_posts(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        cases_add_row(cases, cases_text(cases, "post.%s", ROWS[i].name), ROWS[i].title,
                      section_of(cases, &ROWS[i]), 0, of_row, &ROWS[i]);
    cases_add_all(cases, CASES, NITEMS(CASES));
}
