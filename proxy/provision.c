#include "proxy/provision.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/public_key.h"
#include "proxy/token_choice.h"
#include "proxy/token_walk.h"

#include <string.h>

/* ---- calls ---- */

void provision_watch(void *trace, const struct token_event *event)
{
    const struct sks_method *method = event->method;
    bool has_mac =
        method->in_count > 0 && strcmp(method->in[method->in_count - 1].name, "mac") == 0;
    struct trace_event line = {
        .hop = HOP_TOKEN, .name = method->name, .bytes = event->body.len, .altered = event->altered
    };

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
    return provision_call_in(e, method, in, out, &e->arena);
}

enum sks_status provision_call_in(struct enrolment *e, enum method_id method,
                                  const union sks_in *in, union sks_out *out, struct arena *arena)
{
    struct sks_error why = { 0 };
    const char *name = sks_method((uint8_t)method)->name;
    enum sks_status rc;

    if (*e->stop != 0) {
        e->fault = PARTY_PROXY;
        return sks_fail(&e->err, SKS_ERROR_USER_ABORT, "interrupted before %s", name);
    }
    rc = token_call(e->token, method, in, out, arena, &why);
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

    REFUSE_UNLESS(!e->resume || in->privacy_enabled == e->privacy_enabled, e,
                  "/privacyEnabled: not as when the session began");
    TRY(user_consent(e->user, issuer_link_url(e->issuer), WISHES[in->action][in->privacy_enabled],
                     &e->err));
    if (!e->resume)
        TRY(token_choose(e, &in->target_key_containers));
    e->action = in->action;
    e->privacy_enabled = in->privacy_enabled;
    TRY(capabilities_answer(&in->client_capability_query, &e->device, &e->logotypes,
                            in->privacy_enabled, &e->arena, &out->client_capabilities, &e->err));
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
                                      int64_t now,
                                      struct provisioning_initialization_response *response)
{
    union sks_in args = { .create_session.terms = {
                              .session_key_algorithm = in->session_key_algorithm,
                              .privacy_enabled = e->privacy_enabled,
                              .server_session_id = in->server_session_id,
                              .server_ephemeral_key = in->server_ephemeral_key,
                              .issuer_uri = bytes_of(issuer_link_url(e->issuer)),
                              .key_management_key = in->key_management_key,
                              .client_time = (uint32_t)now,
                              .session_life_time = (uint16_t)in->session_life_time,
                              .session_key_limit = in->session_key_limit,
                              .server_certificate = issuer_link_certificate(e->issuer),
                          } };
    union sks_out out;
    const struct create_session_out *made = &out.create_session;
    enum sks_status rc = provision_call(e, CREATE_PROVISIONING_SESSION, &args, &out);

    e->may_be_open = token_link_fate(e->token) == CALL_UNANSWERED;
    TRY(rc);
    e->provisioning_handle = made->provisioning_handle;
    TRY(check_created(e, made));
    e->client_session_id = made->client_session_id;
    response->client_ephemeral_key = made->client_ephemeral_key;
    response->attestation = made->attestation;
out:
    return rc;
}

enum sks_status provision_initialization(struct enrolment *e, const void *request, void *response)
{
    const struct provisioning_initialization_request *in = request;
    struct provisioning_initialization_response *out = response;
    int64_t now = clock_now();
    char when[32];
    enum sks_status rc;

    TRY(provision_roll_over(e, in));
    e->until = now + in->session_life_time;
    if (bytes_equal(in->session_key_algorithm, bytes_of(SKS_SESSION_2010)))
        TRY(provision_create_2010(e, in, out));
    else
        TRY(create_session(e, in, now, out));
    keygen2_time_format(now, true, when);
    out->server_time = in->server_time;
    out->client_time.text = arena_copy(&e->arena, bytes_of(when));
    if (!e->privacy_enabled) {
        out->device_id = arena_alloc(&e->arena, 1, sizeof *out->device_id);
        REQUIRE(out->device_id != NULL, &e->err, SKS_ERROR_STORAGE, "no memory for the device id");
        out->device_id->certificate_path = e->device.certificate_path;
    }
out:
    return rc;
}

/* ---- giving up ---- */

/* The session of a create whose answer was lost: nobody else has its serverSessionId. */
static enum sks_status visit_lost(void *ctx, const struct enumerate_sessions_out *session,
                                  bool *enough)
{
    struct enrolment *e = ctx;

    if (!bytes_equal(session->server_session_id, e->server_session_id) ||
        !bytes_equal(session->issuer_uri, bytes_of(issuer_link_url(e->issuer))))
        return SKS_OK;
    e->provisioning_handle = session->provisioning_handle;
    *enough = true;
    return SKS_OK;
}

void provision_abort(struct enrolment *e)
{
    union sks_in in;
    struct sks_error err = e->err; /* the first failure is the one to report */
    enum party fault = e->fault;
    enum sks_status rc = SKS_OK;

    if (e->provisioning_handle == 0 && e->may_be_open)
        rc = walk_sessions(e, true, visit_lost, e);
    in.session_handle.provisioning_handle = e->provisioning_handle;
    if (rc == SKS_OK && e->provisioning_handle != 0 &&
        provision_call(e, ABORT_PROVISIONING_SESSION, &in, NULL) == SKS_OK)
        e->may_be_committed = false;
    e->err = err;
    e->fault = fault;
}
