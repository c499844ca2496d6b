#include "proxy/deferral.h"

#include "keygen2/base/clock.h"
#include "keygen2/crypto/certificate.h"
#include "proxy/proof_slot.h"
#include "proxy/provision.h"
#include "proxy/suspended.h"
#include "proxy/token_walk.h"

#include <stdio.h>
#include <string.h>

static struct bytes issuer_uri(const struct enrolment *e)
{
    return bytes_of(issuer_link_url(e->issuer));
}

/* ---- keeping ---- */

static enum sks_status certificate_digest(struct enrolment *e, struct bytes *digest)
{
    struct bytes certificate = issuer_link_certificate(e->issuer);
    uint8_t raw[32];
    enum sks_status rc = SKS_OK;

    *digest = (struct bytes){ 0 };
    if (certificate.len == 0)
        return SKS_OK;
    TRY(sks_explain(&e->err, certificate_fingerprint(certificate, raw)));
    *digest = arena_copy(&e->arena, bytes_at(raw, sizeof raw));
out:
    return rc;
}

enum sks_status deferral_save(struct enrolment *e, struct bytes proof)
{
    struct suspended session = { .issuer_uri = issuer_uri(e),
                                 .server_session_id = e->server_session_id,
                                 .client_session_id = e->client_session_id,
                                 .until = { .seconds = e->until },
                                 .proof = proof };
    struct buf cookies = { 0 };
    enum sks_status rc;

    TRY(sks_explain(&e->err, issuer_link_cookies(e->issuer, &cookies)));
    TRY(certificate_digest(e, &session.certificate));
    session.cookies = buf_bytes(&cookies);
    if (proof.len > 0 && !e->saved)
        TRY(suspended_save_proof(e->state_folder, &session, &e->proof_slot, &e->err));
    else
        TRY(suspended_save(e->state_folder, &session, &e->err));
    e->saved = e->proof_slot == 0;
out:
    buf_free(&cookies);
    return rc;
}

void deferral_forget(struct enrolment *e)
{
    if (e->saved)
        suspended_remove(e->state_folder, issuer_uri(e), e->server_session_id);
    e->saved = false;
    proof_slot_clear(e->proof_slot);
    e->proof_slot = 0;
}

void deferral_leave(struct enrolment *e)
{
    proof_slot_leave(e->proof_slot);
    e->proof_slot = 0;
}

/* ---- going on ---- */

struct search {
    struct enrolment *e;
    size_t token, found, found_token;
    struct enumerate_sessions_out session; /* the one found */
    char ids[300];                         /* of all found, for a message */
};

static enum sks_status visit(void *ctx, const struct enumerate_sessions_out *session, bool *enough)
{
    struct search *s = ctx;
    struct arena *arena = &s->e->arena;
    size_t used = strlen(s->ids);

    (void)enough;
    if (!bytes_equal(session->issuer_uri, issuer_uri(s->e)) ||
        (s->e->session != NULL &&
         !bytes_equal(session->server_session_id, bytes_of(s->e->session))))
        return SKS_OK;
    s->found++;
    s->found_token = s->token;
    s->session = *session;
    s->session.server_session_id = arena_copy(arena, session->server_session_id);
    s->session.client_session_id = arena_copy(arena, session->client_session_id);
    (void)snprintf(s->ids + used, sizeof s->ids - used, " %.*s",
                   (int)session->server_session_id.len,
                   (const char *)session->server_session_id.ptr);
    return SKS_OK;
}

static enum sks_status load(struct enrolment *e, struct suspended *kept)
{
    bool found;
    enum sks_status rc;

    TRY(suspended_load(e->state_folder, issuer_uri(e), e->server_session_id, &e->arena, kept,
                       &found, &e->err));
    REQUIRE(kept->proof.len == 0, &e->err, SKS_ERROR_OPTION,
            "session %.*s is closed, and its closing proof waits for the issuer: sks-proxy"
            " resume sends it",
            (int)e->server_session_id.len, (const char *)e->server_session_id.ptr);
    e->saved = found;
out:
    return rc;
}

static enum sks_status find_session(struct enrolment *e, struct search *s)
{
    struct suspended kept = { 0 };
    enum sks_status rc = SKS_OK;

    for (s->token = 0; s->token < e->token_count; s->token++) {
        e->token = e->tokens[s->token];
        TRY(walk_sessions(e, true, visit, s));
    }
    if (s->found == 0 && e->session != NULL) /* what is kept of it is of no use any more */
        TRY(load(e, &kept));
    REQUIRE(s->found > 0, &e->err, SKS_ERROR_OPTION,
            "no token has an open session %s%sof this issuer", e->session == NULL ? "" : e->session,
            e->session == NULL ? "" : " ");
    REQUIRE(s->found == 1, &e->err, SKS_ERROR_OPTION,
            "several sessions are open, name one with --session:%s", s->ids);
    e->token = e->tokens[s->found_token];
    e->device = e->devices[s->found_token];
    e->provisioning_handle = s->session.provisioning_handle;
    e->server_session_id = s->session.server_session_id;
    e->client_session_id = s->session.client_session_id;
    e->privacy_enabled = s->session.privacy_enabled;
out:
    return rc;
}

enum sks_status deferral_resume(struct enrolment *e)
{
    struct search s = { .e = e };
    struct suspended kept = { 0 };
    enum sks_status rc;

    e->keep = true;
    e->fault = PARTY_PROXY;
    REQUIRE(e->state_folder != NULL, &e->err, SKS_ERROR_OPTION,
            "no folder of sessions that wait: give --state");
    if (e->session != NULL) /* a file may be left of a session that is gone */
        e->server_session_id = bytes_of(e->session);
    TRY(find_session(e, &s));
    TRY(load(e, &kept));
    REQUIRE(e->saved || e->cookie != NULL, &e->err, SKS_ERROR_OPTION,
            "nothing is kept of session %.*s in %s: give the issuer's --cookie",
            (int)e->server_session_id.len, (const char *)e->server_session_id.ptr, e->state_folder);
    e->until = kept.until.seconds;
    e->kept_certificate = kept.certificate;
    if (e->cookie != NULL)
        TRY(issuer_link_add_cookie(e->issuer, e->cookie, &e->err));
    else
        TRY(sks_explain(&e->err, issuer_link_add_cookies(e->issuer, kept.cookies)));
out:
    return rc;
}

enum sks_status deferral_check_certificate(struct enrolment *e)
{
    struct bytes now;
    enum sks_status rc;

    TRY(certificate_digest(e, &now));
    REFUSE_UNLESS(!e->saved || bytes_equal(now, e->kept_certificate), e,
                  "the issuer shows another TLS certificate than when the session began");
out:
    return rc;
}
