/* createProvisioningSession of the 2010 profile: the one place where such a session is another for
 * the middleware, but for the row that leads here. docs/2010-profile.md. */
#include "proxy/provision.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/session_2010.h"

static enum sks_status check_created(struct enrolment *e,
                                     const struct create_session_2010_out *made)
{
    enum sks_status rc = SKS_OK;

    REFUSE_UNLESS(made->provisioning_id != 0, e, "the token gave the handle 0");
    REFUSE_UNLESS(made->encrypted_session_key.len >= SESSION_2010_RSA_MIN / 8 &&
                      made->encrypted_session_key.len <= SESSION_2010_RSA_MAX / 8,
                  e, "the token gave a malformed encrypted_session_key");
    REFUSE_UNLESS(made->attested_session_key.len > 0, e, "the token gave no attestation");
out:
    return rc;
}

/* The draft's client nonce is an input of method 24, so whoever calls it draws it. */
static enum sks_status draw_id(struct enrolment *e, struct bytes *id)
{
    char text[SKS_SESSION_ID_2010 + 1];
    enum sks_status rc;

    TRY(random_id(text, SKS_SESSION_ID_2010));
    *id = arena_copy(&e->arena, bytes_of(text));
    if (id->ptr == NULL)
        rc = SKS_ERROR_STORAGE;
out:
    return sks_explain(&e->err, rc);
}

enum sks_status provision_create_2010(struct enrolment *e,
                                      const struct provisioning_initialization_request *in,
                                      struct provisioning_initialization_response *response)
{
    union sks_in args = { .create_session_2010 = {
                              .server_session_id = in->server_session_id,
                              .provisioning_uri = bytes_of(issuer_link_url(e->issuer)),
                              .server_public_key = in->server_public_key,
                              .life_time = in->session_life_time,
                          } };
    union sks_out out;
    const struct create_session_2010_out *made = &out.create_session_2010;
    enum sks_status rc;

    REFUSE_UNLESS(!e->privacy_enabled, e,
                  "/sessionKeyAlgorithm: with it the device cannot stay anonymous");
    TRY(draw_id(e, &args.create_session_2010.client_session_id));
    token_link_set_dialect(e->token, &SKS_DIALECT_2010);
    rc = provision_call(e, CREATE_SESSION_2010, &args, &out);
    e->may_be_open = token_link_fate(e->token) == CALL_UNANSWERED;
    TRY(rc);
    e->provisioning_handle = made->provisioning_id;
    TRY(check_created(e, made));
    e->client_session_id = args.create_session_2010.client_session_id;
    response->encrypted_session_key = made->encrypted_session_key;
    response->attestation = made->attested_session_key;
out:
    return rc;
}
