/*
 * ProvisioningFinalizationRequest. What follows of it is executed in the order that the public
 * reference has: for each credential its certificate path, imported key, extensions, encrypted
 * extensions, property bags, logotypes, and last its target; then unlocks, deletes, and the close.
 */
#include "proxy/provision.h"
#include "proxy/provision_targets.h"

#include <pthread.h>

/* ---- what the user is told first ---- */

/*
 * The consent of the beginning named no key. Now that they are known, the user may look at them
 * once more: a finalization without targets changes nothing that was there before.
 */
static enum sks_status ask_about_targets(struct enrolment *e, const struct targets *targets)
{
    static const char *const VERBS[] = { "replace",
                                         "give the PIN of this key to a new one:", "unlock",
                                         "delete" };
    struct buf list = { 0 };
    enum sks_status rc = SKS_OK;

    if (targets->count == 0)
        return SKS_OK;
    for (size_t i = 0; i < targets->count; i++) {
        put_text(&list, i == 0 ? "" : "\n  and to ");
        put_text(&list, VERBS[targets->item[i].use]);
        put_text(&list, " key ");
        put_text(&list, targets->item[i].name);
    }
    put_byte(&list, '\0');
    TRY(sks_explain(&e->err, list.status));
    TRY(user_consent(e->user, issuer_link_url(e->issuer), (const char *)list.ptr, &e->err));
out:
    buf_free(&list);
    return rc;
}

/* ---- one credential ---- */

/* A key of this session, or one that an earlier run of the proxy has made in it. */
static enum sks_status find_key(struct enrolment *e, struct bytes id, uint32_t *handle)
{
    union sks_in in = { .get_key_handle = { e->provisioning_handle, id } };
    union sks_out out;
    enum sks_status rc;

    for (size_t i = 0; i < e->key_count; i++) {
        if (bytes_equal(e->keys[i].id, id)) {
            *handle = e->keys[i].handle;
            return SKS_OK;
        }
    }
    TRY(provision_call(e, GET_KEY_HANDLE, &in, &out));
    *handle = out.handle.handle;
out:
    return rc;
}

static enum sks_status import(struct enrolment *e, enum method_id method, uint32_t handle,
                              const struct imported_key *key)
{
    union sks_in in = { .import_key = { .key_handle = handle } };

    if (key == NULL)
        return SKS_OK;
    in.import_key.encrypted_key = key->encrypted_key;
    in.import_key.mac = key->mac;
    return provision_call(e, method, &in, NULL);
}

static enum sks_status add_extension(struct enrolment *e, uint32_t handle,
                                     const struct extension *extension, struct bytes mac)
{
    union sks_in in = { .add_extension = { handle, *extension, mac } };

    return provision_call(e, ADD_EXTENSION, &in, NULL);
}

static enum sks_status add_extensions(struct enrolment *e, uint32_t handle,
                                      const struct json_array *list, uint8_t sub_type)
{
    const struct plain_extension *each = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++) {
        struct extension extension = { each[i].type, sub_type, { 0 }, each[i].extension_data };

        TRY(add_extension(e, handle, &extension, each[i].mac));
    }
out:
    return rc;
}

static enum sks_status add_logotypes(struct enrolment *e, uint32_t handle,
                                     const struct json_array *list)
{
    const struct logotype *each = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++) {
        struct extension extension = { each[i].type, EXTENSION_LOGOTYPE, each[i].mime_type,
                                       each[i].extension_data };

        TRY(add_extension(e, handle, &extension, each[i].mac));
    }
out:
    return rc;
}

static enum sks_status add_property_bag(struct enrolment *e, uint32_t handle,
                                        const struct property_bag *bag)
{
    struct extension extension = { .type = bag->type, .sub_type = EXTENSION_PROPERTY_BAG };
    struct buf data = { 0 };
    enum sks_status rc;

    put_property_bag(&data, bag);
    REQUIRE(data.status == SKS_OK, &e->err, data.status, "property bag: too long a name or value");
    extension.data = buf_bytes(&data);
    TRY(add_extension(e, handle, &extension, bag->mac));
out:
    buf_free(&data);
    return rc;
}

static enum sks_status add_property_bags(struct enrolment *e, uint32_t handle,
                                         const struct json_array *list)
{
    const struct property_bag *bag = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++)
        TRY(add_property_bag(e, handle, &bag[i]));
out:
    return rc;
}

/* replaced: NULL, or takes the handle of the target, if there is one */
static enum sks_status post_key(struct enrolment *e, enum method_id method, uint32_t handle,
                                const struct target_key *target, struct targets *targets,
                                uint32_t *replaced)
{
    union sks_in in = { .post_key = { .key_handle = handle } };

    if (target == NULL)
        return SKS_OK;
    in.post_key.target_key_handle = targets_take(targets);
    if (replaced != NULL)
        *replaced = in.post_key.target_key_handle;
    in.post_key.authorization = target->authorization;
    in.post_key.mac = target->mac;
    return provision_call(e, method, &in, NULL);
}

/* made: the key, under the handle that it has once the session is closed. */
static enum sks_status deploy(struct enrolment *e, const struct issued_credential *credential,
                              struct targets *targets, struct outcome_key *made)
{
    union sks_in in = { .set_certificate_path = { .certificate_path = credential->certificate_path,
                                                  .mac = credential->mac } };
    uint32_t *handle = &in.set_certificate_path.key_handle;
    enum sks_status rc;

    TRY(find_key(e, credential->id, handle));
    *made = (struct outcome_key){ credential->id, *handle };
    TRY(provision_call(e, SET_CERTIFICATE_PATH, &in, NULL));
    TRY(import(e, IMPORT_SYMMETRIC_KEY, *handle, credential->import_symmetric_key));
    TRY(import(e, IMPORT_PRIVATE_KEY, *handle, credential->import_private_key));
    TRY(add_extensions(e, *handle, &credential->extensions, EXTENSION_PLAIN));
    TRY(add_extensions(e, *handle, &credential->encrypted_extensions, EXTENSION_ENCRYPTED));
    TRY(add_property_bags(e, *handle, &credential->property_bags));
    TRY(add_logotypes(e, *handle, &credential->logotypes));
    TRY(post_key(e, POST_CLONE_KEY_PROTECTION, *handle, credential->clone_key_protection, targets,
                 NULL));
    TRY(post_key(e, POST_UPDATE_KEY, *handle, credential->update_key, targets, &made->handle));
out:
    return rc;
}

/* ---- the session ---- */

static enum sks_status post_session(struct enrolment *e, enum method_id method,
                                    const struct json_array *list, struct targets *targets)
{
    const struct target_key *target = list->item;
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < list->count; i++) {
        union sks_in in = { .post_session = { e->provisioning_handle, targets_take(targets),
                                              target[i].authorization, target[i].mac } };

        TRY(provision_call(e, method, &in, NULL));
    }
out:
    return rc;
}

/*
 * The one call that commits. A signal waits until its answer is there; if it was given up on
 * meanwhile, the rest is finished all the same, for the issuer must learn of it.
 */
static enum sks_status close_session(struct enrolment *e, const struct session_close_data *data,
                                     struct bytes *attestation)
{
    union sks_in in = { .close_session = { e->provisioning_handle, data->nonce, data->mac } };
    union sks_out out;
    sigset_t signals, before;
    enum sks_status rc;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &before);
    rc = provision_call(e, CLOSE_PROVISIONING_SESSION, &in, &out);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    e->may_be_committed = rc == SKS_OK || token_link_fate(e->token) == CALL_UNANSWERED;
    if (e->may_be_committed)
        *e->stop = 0;
    if (rc == SKS_OK) {
        e->provisioning_handle = 0; /* nothing is left to abort */
        *attestation = out.close_session.attestation;
    }
    return rc;
}

/* The CAs that the issuer offers; nothing is done with them before all has succeeded. */
static enum sks_status note_trust_anchors(struct enrolment *e, const struct json_array *credentials)
{
    const struct issued_credential *credential = credentials->item;
    struct bytes *anchor = arena_alloc(&e->arena, credentials->count + 1, sizeof *anchor);

    if (anchor == NULL)
        return sks_fail(&e->err, SKS_ERROR_STORAGE, "no memory for trust anchors");
    e->trust_anchors.item = anchor;
    for (size_t i = 0; i < credentials->count; i++) {
        const struct bytes_list *path = &credential[i].certificate_path;

        if (credential[i].trust_anchor && path->count > 0)
            anchor[e->trust_anchors.count++] = path->item[path->count - 1];
    }
    return SKS_OK;
}

static enum sks_status deploy_all(struct enrolment *e, const struct json_array *credentials,
                                  struct targets *targets)
{
    const struct issued_credential *credential = credentials->item;
    struct outcome_key *made = arena_alloc(&e->arena, credentials->count + 1, sizeof *made);
    enum sks_status rc;

    REQUIRE(made != NULL, &e->err, SKS_ERROR_STORAGE, "no memory for %zu keys", credentials->count);
    for (size_t i = 0; i < credentials->count; i++)
        TRY(deploy(e, &credential[i], targets, &made[i]));
    e->keys = made;
    e->key_count = credentials->count;
    rc = SKS_OK;
out:
    return rc;
}

enum sks_status provision_finalization(struct enrolment *e, const void *request, void *response)
{
    const struct provisioning_finalization_request *in = request;
    struct provisioning_finalization_response *out = response;
    struct targets targets;
    enum sks_status rc;

    REFUSE_UNLESS(e->action != ACTION_UNLOCK || in->delete_keys.count == 0, e,
                  "/deleteKeys: deleteKeys does not fit the action \"unlock\"");
    TRY(targets_find(e, in, &targets));
    TRY(ask_about_targets(e, &targets));
    TRY(note_trust_anchors(e, &in->issued_credentials));
    TRY(deploy_all(e, &in->issued_credentials, &targets));
    TRY(post_session(e, POST_UNLOCK_KEY, &in->unlock_keys, &targets));
    TRY(post_session(e, POST_DELETE_KEY, &in->delete_keys, &targets));
    TRY(close_session(e, in->session_close_data, &out->attestation));
out:
    return rc;
}
