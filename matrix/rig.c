#include "matrix/rig.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "matrix/client.h"
#include "matrix/effects.h"
#include "matrix/view.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AUTHORITIES_MAX = 64 * 1024 };

struct rig {
    struct client client[2]; /* by enum rig_device; the second has no ends if one is elsewhere */
    struct key_dealer dealer;
    char waiting[PATH_MAX];
};

/* ---- its life ---- */

static enum sks_status make_folder(const char *folder, const char *name, char path[PATH_MAX],
                                   struct sks_error *err)
{
    enum sks_status rc;

    TRY(file_path(path, PATH_MAX, folder, name));
    rc = file_make_folder(path, 0700, err);
out:
    return rc;
}

static enum sks_status make_token(struct rig *rig, const char *folder, const struct rig_ends *ends,
                                  struct sks_error *err)
{
    struct token_end **token = &rig->client[RIG_DEVICE].token;

    return ends->token == NULL
               ? token_end_new(folder, ends->device, &rig->dealer.maker, token, err)
               : token_end_elsewhere(ends->token, ends->timeout, ends->shared, token, err);
}

static enum sks_status make_issuer(struct rig *rig, const char *folder, const char *trust,
                                   const char *profiles, const struct rig_ends *ends,
                                   struct sks_error *err)
{
    struct issuer_end **issuer = &rig->client[RIG_DEVICE].issuer;

    return ends->issuer == NULL
               ? issuer_end_new(folder, ends->token == NULL ? trust : ends->trust, profiles,
                                &rig->dealer.maker, issuer, err)
               : issuer_end_elsewhere(ends->issuer, ends->ca, ends->timeout, issuer, err);
}

/* Another device, of another vendor, which the issuer trusts as well. */
static enum sks_status make_other(struct rig *rig, const char *folder, const char *trust,
                                  struct sks_error *err)
{
    struct client *other = &rig->client[RIG_OTHER_DEVICE];
    struct buf authorities = { 0 };
    char path[PATH_MAX], authority[PATH_MAX];
    enum sks_status rc;

    TRY(make_folder(folder, "other-token", path, err));
    TRY(token_end_new(path, NULL, &rig->dealer.maker, &other->token, err));
    TRY(file_path(authority, sizeof authority, path, "device-ca.pem"));
    TRY(file_read(trust, AUTHORITIES_MAX, &authorities, err));
    TRY(file_read(authority, AUTHORITIES_MAX, &authorities, err));
    rc = file_write(trust, 0600, buf_bytes(&authorities), err);
out:
    buf_free(&authorities);
    return rc;
}

enum sks_status rig_new(const char *folder, const char *profiles, const struct rig_ends *ends,
                        struct rig **rig, struct sks_error *err)
{
    char issuer[PATH_MAX], token[PATH_MAX], trust[PATH_MAX];
    struct rig *made = calloc(1, sizeof *made);
    bool other = !rig_is_elsewhere(ends);
    enum sks_status rc;

    *rig = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a rig");
    TRY(make_folder(folder, "issuer", issuer, err));
    TRY(make_folder(folder, "token", token, err));
    TRY(file_path(trust, sizeof trust, token, "device-ca.pem"));
    TRY(make_folder(folder, "waiting", made->waiting, err));
    key_dealer_begin(&made->dealer, ends->keys);
    TRY(make_token(made, token, ends, err));
    if (other)
        TRY(make_other(made, folder, trust, err));
    TRY(make_issuer(made, issuer, trust, profiles, ends, err));
    if (other)
        TRY(issuer_end_client(made->client[RIG_DEVICE].issuer,
                              &made->client[RIG_OTHER_DEVICE].issuer, err));
    for (uint32_t i = 0; i < NITEMS(made->client); i++)
        made->client[i].connection = i + 1;
    TRY(rig_keep(made, err));
    *rig = made;
    made = NULL;
out:
    rig_free(made);
    return sks_explain(err, rc);
}

enum sks_status rig_keep(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    key_dealer_keep(&rig->dealer);
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        if (rig->client[i].token != NULL)
            TRY(rig->client[i].token->kind->keep(rig->client[i].token, err));
    rc = rig->client[RIG_DEVICE].issuer->kind->keep(rig->client[RIG_DEVICE].issuer, err);
out:
    return rc;
}

enum sks_status rig_restore(struct rig *rig, struct sks_error *err)
{
    enum sks_status rc;

    key_dealer_restore(&rig->dealer);
    clock_set_ahead(0);
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        if (rig->client[i].used) {
            TRY(rig->client[i].token->kind->restore(rig->client[i].token, err));
            rig->client[i].used = i == RIG_DEVICE;
        }
    rc = rig->client[RIG_DEVICE].issuer->kind->restore(rig->client[RIG_DEVICE].issuer, err);
out:
    return rc;
}

void rig_set_checking(struct rig *rig, bool checking)
{
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        rig->client[i].checking = checking;
}

void rig_set_waiting(struct rig *rig, bool waiting)
{
    for (size_t i = 0; i < NITEMS(rig->client); i++)
        (void)snprintf(rig->client[i].waiting, PATH_MAX, "%s", waiting ? rig->waiting : "");
}

bool rig_resets(const struct rig *rig)
{
    const struct client *c = &rig->client[RIG_DEVICE];

    return c->token->kind->resets && c->issuer->kind->resets;
}

bool rig_has_other(const struct rig *rig)
{
    return rig->client[RIG_OTHER_DEVICE].token != NULL;
}

enum sks_status rig_roll_over(struct rig *rig, struct sks_error *err)
{
    struct issuer_end *issuer = rig->client[RIG_DEVICE].issuer;

    return issuer->kind->roll_over != NULL
               ? issuer->kind->roll_over(issuer, err)
               : sks_fail(err, SKS_ERROR_NOT_ALLOWED,
                          "the issuer's key management key cannot be rolled over from here");
}

enum sks_status rig_try_wrong_pins(struct rig *rig, enum rig_device device, struct sks_error *err)
{
    return token_end_try_wrong_pins(rig->client[device].token, err);
}

enum sks_status rig_view(struct rig *rig, enum rig_device device, bool drawn, json_t **view,
                         struct sks_error *err)
{
    struct client *c = &rig->client[device];
    enum sks_status rc;

    TRY(token_end_view(c->token, drawn, view, err));
    if (drawn)
        return SKS_OK;
    view_certificates(*view, c->issuer);
    rc = effects_add(c->token, CLIENT_PINS, !c->issuer->kind->resets, *view, err);
    if (rc != SKS_OK) {
        json_decref(*view);
        *view = NULL;
    }
out:
    return rc;
}

void rig_limits(const struct rig *rig, json_t *texts)
{
    const struct client *c = &rig->client[RIG_DEVICE];

    if (!rig_has_other(rig))
        (void)json_array_append_new(
            texts, json_string("not tried with an end elsewhere: what takes another session or "
                               "device, and messages held back past the life of a session"));
    if (c->issuer->kind->limits != NULL)
        c->issuer->kind->limits(c->issuer, texts);
    if (c->token->kind->limits != NULL)
        c->token->kind->limits(c->token, texts);
}

void rig_free(struct rig *rig)
{
    struct token_end *token;

    if (rig == NULL)
        return;
    token = rig->client[RIG_DEVICE].token;
    if (token != NULL && !token->kind->resets)
        (void)token->kind->restore(token, NULL);
    for (size_t i = NITEMS(rig->client); i-- > 0;) {
        token_end_free(rig->client[i].token);
        issuer_end_free(rig->client[i].issuer);
        buf_free(&rig->client[i].leaf);
    }
    clock_set_ahead(0);
    free(rig);
}

enum sks_status rig_run(struct rig *rig, enum rig_device device, const char *profile,
                        struct attack *attack, run_watcher *watch, void *ctx, struct run *run,
                        struct sks_error *err)
{
    struct client *c = &rig->client[device];
    enum sks_status rc;

    client_begin(c, attack, watch, ctx, run);
    TRY(client_run_session(c, profile, err));
    rc = client_end(c, err);
out:
    return rc;
}

/* ---- two sessions ---- */

struct other_session {
    struct client *client;
    const char *profile;
    struct run run;
    struct sks_error err;
    enum sks_status rc;
};

static void *run_other(void *ctx)
{
    struct other_session *other = ctx;

    other->rc = client_run_session(other->client, other->profile, &other->err);
    return NULL;
}

enum sks_status rig_run_two(struct rig *rig, const char *profile, struct attack *attack,
                            struct run *run, struct sks_error *err)
{
    struct other_session other = { .client = &rig->client[RIG_OTHER_DEVICE], .profile = profile };
    struct client *c = &rig->client[RIG_DEVICE];
    pthread_t thread;
    enum sks_status rc;

    client_begin(other.client, attack, NULL, NULL, &other.run);
    client_begin(c, attack, NULL, NULL, run);
    other.client->leaving = true;
    if (pthread_create(&thread, NULL, run_other, &other) != 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "cannot start a thread");
    rc = client_run_session(c, profile, err);
    (void)pthread_join(thread, NULL);
    other.client->leaving = false;
    TRY(rc);
    REQUIRE(other.rc == SKS_OK, err, other.rc, "the other session: %s", other.err.text);
    TRY(client_end(other.client, err));
    rc = client_end(c, err);
out:
    return rc;
}
