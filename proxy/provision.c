#include "proxy/provision.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/public_key.h"

#include <pthread.h>
#include <string.h>

/* ---- calls ---- */

void provision_watch(void *trace, const struct token_event *event)
{
    const struct sks_method *method = event->method;
    bool has_mac =
        method->in_count > 0 && strcmp(method->in[method->in_count - 1].name, "mac") == 0;
    struct trace_event line = { .hop = HOP_TOKEN, .name = method->name, .bytes = event->body.len };

    line.direction = event->answer ? DIRECTION_IN : DIRECTION_OUT;
    if (event->answer)
        line.status = (unsigned)event->status;
    if (event->answer && event->status == SKS_OK && has_mac)
        line.verified = "MAC, by the token";
    trace_message(trace, &line);
}

enum sks_status provision_call(struct enrolment *e, enum method_id method, const union sks_in *in,
                               union sks_out *out)
{
    struct sks_error why = { 0 };
    enum sks_status rc = token_call(e->token, method, in, out, &e->arena, &why);
    const char *name = sks_method((uint8_t)method)->name;

    if (rc == SKS_OK)
        return rc;
    if (token_link_fate(e->token) == CALL_ANSWERED) {
        e->fault = PARTY_TOKEN;
        return sks_fail(&e->err, rc, "%s: %s: %s", name, sks_status_name((int)rc), why.text);
    }
    e->fault = rc == SKS_ERROR_USER_ABORT ? PARTY_PROXY : PARTY_NONE;
    return sks_fail(&e->err, rc, "%s: %s", name, why.text);
}

enum sks_status provision_device(struct enrolment *e)
{
    union sks_out out;
    enum sks_status rc;

    TRY(provision_call(e, GET_DEVICE_INFO, NULL, &out));
    e->device = out.device_info;
    REFUSE_UNLESS(e->device.certificate_path.count > 0, e, "the token has no device certificate");
out:
    return rc;
}

/* ---- InvocationRequest ---- */

static bool is_supported(const struct device_info_out *device, struct bytes uri)
{
    const struct {
        const char *uri;
        bool supported;
    } features[] = {
        { "https://webpki.github.io/keygen2/feature#device-pin-support",
          device->device_pin_support },
        { "https://webpki.github.io/keygen2/feature#biometric-support", device->biometric_support },
    };

    for (size_t i = 0; i < NITEMS(features); i++)
        if (bytes_equal(bytes_of(features[i].uri), uri))
            return features[i].supported;
    for (size_t i = 0; i < device->supported_algorithms.count; i++)
        if (bytes_equal(device->supported_algorithms.item[i], uri))
            return true;
    return false;
}

static bool is_listed(const struct bytes_list *list, size_t count, struct bytes text)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(list->item[i], text))
            return true;
    return false;
}

/* Every URI that was asked for is answered once, also one that was asked for twice. */
static enum sks_status answer_query(struct enrolment *e, const struct bytes_list *query,
                                    struct json_array *answers)
{
    struct client_capability *answer = arena_alloc(&e->arena, query->count, sizeof *answer);

    if (answer == NULL && query->count > 0)
        return sks_fail(&e->err, SKS_ERROR_STORAGE, "no memory for capabilities");
    answers->item = answer;
    for (size_t i = 0; i < query->count; i++)
        if (!is_listed(query, i, query->item[i]))
            answer[answers->count++] =
                (struct client_capability){ .type = query->item[i],
                                            .supported = is_supported(&e->device, query->item[i]) };
    return SKS_OK;
}

enum sks_status provision_invocation(struct enrolment *e, const void *request, void *response)
{
    static const char *const WISHES[][2] = {
        [ACTION_MANAGE] = { "create, delete or update keys in your token",
                            "create, delete or update keys in your token, without learning which "
                            "device it is" },
        [ACTION_UNLOCK] = { "unlock keys in your token",
                            "unlock keys in your token, without learning which device it is" },
    };
    const struct invocation_request *in = request;
    struct invocation_response *out = response;
    enum sks_status rc;

    TRY(user_consent(e->user, issuer_link_url(e->issuer), WISHES[in->action][in->privacy_enabled],
                     &e->err));
    e->action = in->action;
    e->privacy_enabled = in->privacy_enabled;
    TRY(answer_query(e, &in->client_capability_query, &out->client_capabilities));
out:
    return rc;
}

/* ---- ProvisioningInitializationRequest ---- */

static bool is_id(struct bytes id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7E)
            return false;
    return id.len >= 1 && id.len <= SKS_ID_MAX;
}

/* What the token gave must have a form in KeyGen2. */
static enum sks_status check_created(struct enrolment *e, const struct create_session_out *made)
{
    struct public_key key;
    enum sks_status rc = SKS_OK;

    REFUSE_UNLESS(made->provisioning_handle != 0, e, "the token gave the handle 0");
    REFUSE_UNLESS(is_id(made->client_session_id), e, "the token gave a malformed clientSessionId");
    REFUSE_UNLESS(public_key_parse(made->client_ephemeral_key, &key) == SKS_OK, e,
                  "the token gave a malformed clientEphemeralKey");
    REFUSE_UNLESS(made->attestation.len > 0, e, "the token gave no attestation");
out:
    return rc;
}

static enum sks_status create_session(struct enrolment *e,
                                      const struct provisioning_initialization_request *in,
                                      int64_t now, struct create_session_out *made)
{
    union sks_in args = { .create_session.terms = {
                              .session_key_algorithm = in->session_key_algorithm,
                              .privacy_enabled = e->privacy_enabled,
                              .server_session_id = in->server_session_id,
                              .server_ephemeral_key = in->server_ephemeral_key,
                              .issuer_uri = bytes_of(issuer_link_url(e->issuer)),
                              .key_management_key = in->key_management_key,
                              .client_time = (uint32_t)now,
                              .session_life_time = in->session_life_time,
                              .session_key_limit = in->session_key_limit,
                              .server_certificate = issuer_link_certificate(e->issuer),
                          } };
    union sks_out out;
    enum sks_status rc = provision_call(e, CREATE_PROVISIONING_SESSION, &args, &out);

    e->may_be_open = token_link_fate(e->token) == CALL_UNANSWERED;
    TRY(rc);
    *made = out.create_session;
    e->provisioning_handle = made->provisioning_handle;
    TRY(check_created(e, made));
    e->client_session_id = made->client_session_id;
out:
    return rc;
}

enum sks_status provision_initialization(struct enrolment *e, const void *request, void *response)
{
    const struct provisioning_initialization_request *in = request;
    struct provisioning_initialization_response *out = response;
    struct create_session_out made;
    int64_t now = clock_now();
    char when[32];
    enum sks_status rc;

    TRY(create_session(e, in, now, &made));
    keygen2_time_format(now, true, when);
    out->server_time = in->server_time;
    out->client_time.text = arena_copy(&e->arena, bytes_of(when));
    out->client_ephemeral_key = made.client_ephemeral_key;
    out->attestation = made.attestation;
    if (!e->privacy_enabled) {
        out->device_id = arena_alloc(&e->arena, 1, sizeof *out->device_id);
        REQUIRE(out->device_id != NULL, &e->err, SKS_ERROR_STORAGE, "no memory for the device id");
        out->device_id->certificate_path = e->device.certificate_path;
    }
out:
    return rc;
}

/* ---- ProvisioningFinalizationRequest ---- */

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

static enum sks_status set_certificate_path(struct enrolment *e,
                                            const struct issued_credential *credential)
{
    union sks_in in = { .set_certificate_path = {
                            .certificate_path = credential->certificate_path,
                            .mac = credential->mac,
                        } };
    enum sks_status rc;

    TRY(find_key(e, credential->id, &in.set_certificate_path.key_handle));
    TRY(provision_call(e, SET_CERTIFICATE_PATH, &in, NULL));
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

enum sks_status provision_finalization(struct enrolment *e, const void *request, void *response)
{
    const struct provisioning_finalization_request *in = request;
    struct provisioning_finalization_response *out = response;
    const struct issued_credential *credential = in->issued_credentials.item;
    enum sks_status rc;

    for (size_t i = 0; i < in->issued_credentials.count; i++)
        TRY(set_certificate_path(e, &credential[i]));
    TRY(close_session(e, in->session_close_data, &out->attestation));
out:
    return rc;
}

/* ---- giving up ---- */

/* The session of a create whose answer was lost: nobody else has its serverSessionId. Handles only
 * grow, which bounds the search whatever the token says. */
static void find_lost_session(struct enrolment *e)
{
    union sks_in in = { .enumerate_sessions = { 0, true } };
    union sks_out out;
    const struct enumerate_sessions_out *found = &out.enumerate_sessions;

    while (provision_call(e, ENUMERATE_PROVISIONING_SESSIONS, &in, &out) == SKS_OK &&
           found->provisioning_handle > in.enumerate_sessions.provisioning_handle) {
        in.enumerate_sessions.provisioning_handle = found->provisioning_handle;
        if (bytes_equal(found->server_session_id, e->server_session_id) &&
            bytes_equal(found->issuer_uri, bytes_of(issuer_link_url(e->issuer)))) {
            e->provisioning_handle = found->provisioning_handle;
            return;
        }
    }
}

void provision_abort(struct enrolment *e)
{
    union sks_in in;
    struct sks_error err = e->err; /* the first failure is the one to report */
    enum party fault = e->fault;

    if (e->provisioning_handle == 0 && e->may_be_open)
        find_lost_session(e);
    in.session_handle.provisioning_handle = e->provisioning_handle;
    if (e->provisioning_handle != 0 &&
        provision_call(e, ABORT_PROVISIONING_SESSION, &in, NULL) == SKS_OK)
        e->may_be_committed = false;
    e->err = err;
    e->fault = fault;
}
