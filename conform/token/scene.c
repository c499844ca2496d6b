#include "conform/token/scene.h"

/* A bag of one writable property, 'name' = 'value'. */
static const char BAG[] = "\0\4name\1\0\5value";

static const struct scene_options USUAL = { 0 };

static const struct {
    enum method_id method;
    enum stage stage;
    enum material material;
} STAGES[] = {
    { GET_DEVICE_INFO, STAGE_NONE, MATERIAL_P256 },
    { CREATE_PROVISIONING_SESSION, STAGE_NONE, MATERIAL_P256 },
    { CLOSE_PROVISIONING_SESSION, STAGE_CERTIFIED, MATERIAL_P256 },
    { ENUMERATE_PROVISIONING_SESSIONS, STAGE_OPEN, MATERIAL_P256 },
    { ABORT_PROVISIONING_SESSION, STAGE_OPEN, MATERIAL_P256 },
    { UPDATE_KEY_MANAGEMENT_KEY, STAGE_CLOSED, MATERIAL_P256 },
    { CREATE_PUK_POLICY, STAGE_OPEN, MATERIAL_P256 },
    { CREATE_PIN_POLICY, STAGE_PUK, MATERIAL_P256 },
    { CREATE_KEY_ENTRY, STAGE_PIN, MATERIAL_P256 },
    { GET_KEY_HANDLE, STAGE_KEY, MATERIAL_P256 },
    { SET_CERTIFICATE_PATH, STAGE_KEY, MATERIAL_P256 },
    { IMPORT_SYMMETRIC_KEY, STAGE_CERTIFIED, MATERIAL_P256 },
    { IMPORT_PRIVATE_KEY, STAGE_CERTIFIED, MATERIAL_P256 },
    { ADD_EXTENSION, STAGE_CERTIFIED, MATERIAL_P256 },
    { POST_DELETE_KEY, STAGE_NEXT, MATERIAL_P256 },
    { POST_UNLOCK_KEY, STAGE_NEXT, MATERIAL_P256 },
    { POST_UPDATE_KEY, STAGE_NEXT_KEY, MATERIAL_P256 },
    { POST_CLONE_KEY_PROTECTION, STAGE_NEXT_KEY, MATERIAL_P256 },
    { ENUMERATE_KEYS, STAGE_CLOSED, MATERIAL_P256 },
    { GET_KEY_ATTRIBUTES, STAGE_CLOSED, MATERIAL_P256 },
    { GET_KEY_PROTECTION_INFO, STAGE_CLOSED, MATERIAL_P256 },
    { GET_EXTENSION, STAGE_CLOSED, MATERIAL_P256 },
    { SET_PROPERTY, STAGE_CLOSED, MATERIAL_P256 },
    { DELETE_KEY, STAGE_CLOSED, MATERIAL_P256 },
    { EXPORT_KEY, STAGE_CLOSED, MATERIAL_P256 },
    { UNLOCK_KEY, STAGE_CLOSED, MATERIAL_P256 },
    { CHANGE_PIN, STAGE_CLOSED, MATERIAL_P256 },
    { SET_PIN, STAGE_CLOSED, MATERIAL_P256 },
    { SIGN_HASHED_DATA, STAGE_CLOSED, MATERIAL_P256 },
    { ASYMMETRIC_KEY_DECRYPT, STAGE_CLOSED, MATERIAL_RSA },
    { KEY_AGREEMENT, STAGE_CLOSED, MATERIAL_P256 },
    { PERFORM_HMAC, STAGE_CLOSED, MATERIAL_SECRET },
    { SYMMETRIC_KEY_ENCRYPT, STAGE_CLOSED, MATERIAL_SECRET },
};

static size_t row_of(enum method_id method)
{
    size_t i = 0;

    while (i < NITEMS(STAGES) && STAGES[i].method != method)
        i++;
    return i;
}

bool scene_knows(enum method_id method)
{
    return row_of(method) < NITEMS(STAGES);
}

enum stage scene_stage(enum method_id method)
{
    return STAGES[row_of(method)].stage;
}

/* ---- the first session ---- */

static enum sks_status do_changed(struct session *s, struct call *call,
                                  const struct change *changes)
{
    enum sks_status rc = SKS_OK;

    for (; changes != NULL && changes->field != NULL; changes++)
        TRY(call_change(s, call, changes));
    rc = call_do(s, call, SKS_OK);
out:
    return rc;
}

static enum sks_status open_changed(struct session *s, struct target *target, struct check *check,
                                    bool privacy, const struct change *changes)
{
    struct call call = { .method = CREATE_PROVISIONING_SESSION };
    enum sks_status rc;

    TRY(session_begin(s, target, check));
    s->terms.privacy_enabled = privacy;
    call.in.create_session.terms = s->terms;
    for (; changes != NULL && changes->field != NULL; changes++)
        TRY(call_change(s, &call, changes));
    s->terms = call.in.create_session.terms;
    rc = session_create(s, SKS_OK);
out:
    return rc;
}

static enum sks_status make_policies(struct scene *scene, enum stage stage,
                                     const struct scene_options *options)
{
    struct call call;
    enum sks_status rc = SKS_OK;

    if (options->no_pin || stage < STAGE_PUK)
        return SKS_OK;
    call_puk(&scene->s, &call, CONFORM_PUK);
    TRY(do_changed(&scene->s, &call, options->puk));
    policy_of(&call, &scene->puk);
    if (stage < STAGE_PIN)
        goto out;
    call_pin(&scene->s, &call, &scene->puk);
    call.in.create_pin_policy.policy.grouping = GROUPING_SHARED;
    TRY(do_changed(&scene->s, &call, options->pin));
    policy_of(&call, &scene->pin);
out:
    return rc;
}

static enum sks_status make_key(struct scene *scene, const struct scene_options *options)
{
    struct call call;
    enum sks_status rc;

    call_key(&scene->s, &call, options->no_pin ? NULL : &scene->pin, CONFORM_PIN);
    call.in.create_key_entry.key.export_protection = PROTECTION_NONE;
    TRY(do_changed(&scene->s, &call, options->key));
    key_of(&call, &scene->key);
out:
    return rc;
}

/* An RSA key is imported: to have the token make one takes long. */
static enum sks_status certify(struct scene *scene, enum material material)
{
    struct session *s = &scene->s;
    struct buf spki = { 0 };
    struct call call;
    enum sks_status rc;

    if (material != MATERIAL_RSA)
        return session_certify(s, &scene->key);
    TRY(target_need_rsa(s->target, s->check));
    TRY(put_pkey(&spki, s->target->rsa));
    TRY(target_certify(s->target, s->check, buf_bytes(&spki), &scene->key.certificate));
    TRY(call_certify(s, &call, &scene->key));
    TRY(call_do(s, &call, SKS_OK));
    TRY(call_import_private(s, &call, &scene->key, s->target->rsa));
    rc = call_do(s, &call, SKS_OK);
out:
    buf_free(&spki);
    return rc;
}

static enum sks_status fill_and_close(struct scene *scene, enum material material)
{
    struct session *s = &scene->s;
    struct call call;
    uint8_t secret[SECRET_SIZE];
    enum sks_status rc;

    if (material == MATERIAL_SECRET) {
        check_draw(s->check, secret, sizeof secret);
        TRY(call_import_symmetric(s, &call, &scene->key, bytes_at(secret, sizeof secret)));
        TRY(call_do(s, &call, SKS_OK));
    }
    TRY(call_extension(s, &call, &scene->key, EXTENSION_TYPE, EXTENSION_PROPERTY_BAG,
                       bytes_at(BAG, sizeof BAG - 1)));
    TRY(call_do(s, &call, SKS_OK));
    rc = session_close(s);
out:
    return rc;
}

static enum sks_status make_next(struct scene *scene, enum stage stage,
                                 const struct scene_options *options)
{
    struct session *s = &scene->s;
    enum sks_status rc;

    TRY(open_changed(&scene->next, s->target, s->check, options->privacy, options->next));
    if (stage < STAGE_NEXT_KEY)
        goto out;
    TRY(session_make_key(&scene->next, NULL, &scene->new_key));
    rc = session_certify(&scene->next, &scene->new_key);
out:
    return rc;
}

enum sks_status scene_set(struct scene *scene, struct target *target, struct check *check,
                          enum stage stage, const struct scene_options *options)
{
    enum sks_status rc = SKS_OK;

    *scene = (struct scene){ .s = { .target = target, .check = check } };
    options = options == NULL ? &USUAL : options;
    if (stage >= STAGE_OPEN)
        TRY(open_changed(&scene->s, target, check, options->privacy, options->session));
    TRY(make_policies(scene, stage, options));
    if (stage >= STAGE_KEY)
        TRY(make_key(scene, options));
    if (stage >= STAGE_CERTIFIED)
        TRY(certify(scene, options->material));
    if (stage >= STAGE_CLOSED)
        TRY(fill_and_close(scene, options->material));
    if (stage >= STAGE_NEXT)
        TRY(make_next(scene, stage, options));
out:
    return rc;
}

enum sks_status scene_set_for(struct scene *scene, struct target *target, struct check *check,
                              enum method_id method)
{
    struct scene_options options = { .material = STAGES[row_of(method)].material };

    return scene_set(scene, target, check, scene_stage(method), &options);
}

void scene_free(struct scene *scene)
{
    session_free(&scene->s);
    session_free(&scene->next);
}

struct session *scene_session(struct scene *scene, enum method_id method)
{
    return method >= POST_DELETE_KEY && method <= POST_CLONE_KEY_PROTECTION ? &scene->next
                                                                            : &scene->s;
}
