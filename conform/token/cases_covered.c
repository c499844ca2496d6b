/* What MACs and authorizations cover beside plain inputs: values that have to be made anew, and
 * those that no call carries, as the token has them from before. */
#include "conform/token/families.h"
#include "conform/token/scene.h"

static const char SECTION[] = "SKS MAC Operations; wire 4";
static const char REFERENCE_SECTION[] = "SKS Target Key Reference; wire 4";

/* Another certificate of the key of a scene. */
static enum sks_status certify_again(struct scene *scene, struct bytes *certificate)
{
    return target_certify(scene->s.target, scene->s.check, scene->key.public_key, certificate);
}

/* ---- inputs that are exchanged behind the MAC ---- */

static enum sks_status other_path(struct scene *scene, struct call *call)
{
    return certify_again(
        scene, (struct bytes *)(uintptr_t)call->in.set_certificate_path.certificate_path.item);
}

/* What decrypts, to another value. */
static enum sks_status other_secret(struct scene *scene, struct call *call)
{
    struct session *s = &scene->s;
    struct call other;
    uint8_t secret[SECRET_SIZE];
    enum sks_status rc;

    check_draw(s->check, secret, sizeof secret);
    TRY(call_import_symmetric(s, &other, &scene->key, bytes_at(secret, sizeof secret)));
    call->in.import_key.encrypted_key = other.in.import_key.encrypted_key;
out:
    return rc;
}

static enum sks_status other_private_key(struct scene *scene, struct call *call)
{
    struct session *s = &scene->s;
    struct call other;
    enum sks_status rc;

    TRY(call_import_private(s, &other, &scene->key, s->target->kmk[0]));
    call->in.import_key.encrypted_key = other.in.import_key.encrypted_key;
out:
    return rc;
}

static enum sks_status other_puk(struct scene *scene, struct call *call)
{
    struct bytes *encrypted = &call->in.create_puk_policy.policy.encrypted_puk;

    *encrypted = session_seal(&scene->s, bytes_of("9876543210"));
    return encrypted->ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

static enum sks_status other_qualifier(struct scene *scene, struct call *call)
{
    (void)scene;
    call->in.add_extension.extension.qualifier = bytes_of("image/gif");
    return SKS_OK;
}

/* ---- what the MAC is made over instead ---- */

static enum sks_status over_other_id(struct scene *scene, struct key *key)
{
    key->id = check_draw_id(scene->s.check, key->id.len);
    return key->id.ptr == NULL ? SKS_ERROR_STORAGE : SKS_OK;
}

/* A right one, of the session's own. */
static enum sks_status over_other_public_key(struct scene *scene, struct key *key)
{
    key->public_key = scene->s.terms.server_ephemeral_key;
    return SKS_OK;
}

static enum sks_status over_other_certificate(struct scene *scene, struct key *key)
{
    return certify_again(scene, &key->certificate);
}

/* Either is done: the call is changed behind its MAC, or its MAC is over another key. */
static const struct covered {
    enum method_id method;
    const char *name, *title;
    enum sks_status (*exchange)(struct scene *scene, struct call *call);
    enum sks_status (*pretend)(struct scene *scene, struct key *key);
} ROWS[] = {
    { CREATE_PUK_POLICY, "encryptedPuk-behind-mac", "another PUK behind the MAC", other_puk, NULL },
    { SET_CERTIFICATE_PATH, "certificate-behind-mac",
      "another certificate of the same key behind the MAC", other_path, NULL },
    { SET_CERTIFICATE_PATH, "mac-other-id", "a MAC over the id of another key", NULL,
      over_other_id },
    { SET_CERTIFICATE_PATH, "mac-other-public-key", "a MAC over another public key", NULL,
      over_other_public_key },
    { IMPORT_SYMMETRIC_KEY, "encryptedKey-behind-mac", "another value behind the MAC", other_secret,
      NULL },
    { IMPORT_SYMMETRIC_KEY, "mac-other-certificate", "a MAC over another certificate", NULL,
      over_other_certificate },
    { IMPORT_PRIVATE_KEY, "encryptedKey-behind-mac", "another private key behind the MAC",
      other_private_key, NULL },
    { IMPORT_PRIVATE_KEY, "mac-other-certificate", "a MAC over another certificate", NULL,
      over_other_certificate },
    { ADD_EXTENSION, "qualifier-behind-mac", "another qualifier of a logotype behind the MAC",
      other_qualifier, NULL },
    { ADD_EXTENSION, "mac-other-certificate", "a MAC over another certificate", NULL,
      over_other_certificate },
};

static enum sks_status right_call(struct scene *scene, enum method_id method, struct call *call)
{
    if (method == ADD_EXTENSION)
        return call_extension(&scene->s, call, &scene->key, EXTENSION_TYPE, EXTENSION_LOGOTYPE,
                              bytes_of("data"));
    return scene_call(scene, method, call);
}

static enum sks_status covered_by_mac(struct check *check, void *end, const void *from)
{
    const struct covered *row = from;
    struct scene scene = { 0 };
    struct call call;
    struct key other;
    enum sks_status rc;

    TRY(scene_set_for(&scene, end, check, row->method));
    TRY(right_call(&scene, row->method, &call));
    other = scene.key;
    if (row->pretend != NULL) {
        TRY(row->pretend(&scene, &other));
        call.key = &other;
    }
    TRY(call_mac(&scene.s, &call));
    if (row->exchange != NULL)
        TRY(row->exchange(&scene, &call));
    TRY(call_send(&scene.s, &call, SKS_ERROR_MAC));
    rc = session_is_gone(&scene.s);
out:
    scene_free(&scene);
    return rc;
}

/* ---- authorizations ---- */

static const enum method_id POSTS[] = { POST_DELETE_KEY, POST_UNLOCK_KEY, POST_UPDATE_KEY,
                                        POST_CLONE_KEY_PROTECTION };

/* By the right key management key, in the right session, but for another certificate: so would one
 * for another key of the same issuer be. */
static enum sks_status other_target(struct check *check, void *end, const void *row)
{
    const enum method_id method = *(const enum method_id *)row;
    const bool has_key = method == POST_UPDATE_KEY || method == POST_CLONE_KEY_PROTECTION;
    struct target *target = end;
    struct scene scene = { 0 };
    struct call call;
    struct key other;
    enum sks_status rc;

    TRY(scene_set_for(&scene, end, check, method));
    other = scene.key;
    TRY(certify_again(&scene, &other.certificate));
    TRY(call_post(&scene.next, &call, method, has_key ? &scene.new_key : NULL, &other,
                  target->kmk[0]));
    TRY(call_do(&scene.next, &call, SKS_ERROR_OPTION));
    rc = session_is_gone(&scene.next);
out:
    scene_free(&scene);
    return rc;
}

void cases_of_what_is_covered(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        cases_add_row(cases,
                      cases_text(cases, "%s.%s", target_method_name(ROWS[i].method), ROWS[i].name),
                      cases_text(cases, "%s is refused, and tears the session down", ROWS[i].title),
                      SECTION, 0, covered_by_mac, &ROWS[i]);
    for (size_t i = 0; i < NITEMS(POSTS); i++)
        cases_add_row(
            cases,
            cases_text(cases, "%s.authorization-other-certificate", target_method_name(POSTS[i])),
            "an authorization for another certificate than the target's is refused",
            REFERENCE_SECTION, 0, other_target, &POSTS[i]);
}
