#include "matrix/issuer_end.h"

#include "issuer/data_folder.h"
#include "issuer/pages.h"
#include "issuer/phase.h"
#include "keygen2/base/files.h"
#include "matrix/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct issuer_end {
    struct issuer issuer;
    struct texts trust;
    char folder[PATH_MAX], database[PATH_MAX], trust_file[PATH_MAX];
    struct buf kept; /* the database at the moment to go back to */
    bool is_open;
};

/* ---- its state ---- */

static void close_store(struct issuer_end *end)
{
    if (end->is_open)
        session_store_close(&end->issuer.store);
    end->is_open = false;
}

static enum sks_status open_store(struct issuer_end *end, struct sks_error *err)
{
    enum sks_status rc = data_folder_open(end->folder, &end->issuer.store, err);

    end->is_open = rc == SKS_OK;
    return rc;
}

enum sks_status issuer_end_new(const char *folder, const char *trust, const char *profiles,
                               struct issuer_end **end, struct sks_error *err)
{
    struct issuer_end *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for an issuer");
    TRY(file_path(made->folder, sizeof made->folder, folder, ""));
    TRY(file_path(made->database, sizeof made->database, folder, "issuer.db"));
    (void)snprintf(made->trust_file, sizeof made->trust_file, "%s", trust);
    made->trust = (struct texts){ { made->trust_file }, 1 };
    made->issuer.public_url = MATRIX_ORIGIN;
    TRY(data_folder_make(folder, NULL, err));
    TRY(data_folder_load(folder, &made->issuer, err));
    TRY(profiles_load(profiles, &made->issuer.profiles, err));
    TRY(trust_open(&made->issuer.trust, &made->trust, err));
    TRY(open_store(made, err));
    *end = made;
    made = NULL;
out:
    issuer_end_free(made);
    return rc;
}

void issuer_end_free(struct issuer_end *end)
{
    if (end == NULL)
        return;
    trust_close(&end->issuer.trust);
    profiles_free(&end->issuer.profiles);
    data_folder_close(&end->issuer);
    buf_free(&end->kept);
    free(end);
}

enum sks_status issuer_end_keep(struct issuer_end *end, struct sks_error *err)
{
    enum sks_status rc;

    close_store(end); /* brings all into the one file */
    TRY(snapshot_take(&end->kept, end->database, err));
    rc = open_store(end, err);
out:
    return rc;
}

enum sks_status issuer_end_restore(struct issuer_end *end, struct sks_error *err)
{
    enum sks_status rc;

    close_store(end);
    TRY(snapshot_put(&end->kept, end->database, err));
    rc = open_store(end, err);
out:
    return rc;
}

/* ---- requests ---- */

static void redirect(struct issuer_answer *answer, const char *page, const struct session *session)
{
    answer->status = 302;
    (void)snprintf(answer->location, sizeof answer->location, MATRIX_ORIGIN "/%s/%s", page,
                   session->id);
}

static void take_outcome(const struct outcome *outcome, struct issuer_answer *answer)
{
    switch (outcome->kind) {
    case OUTCOME_ANSWER:
        answer->status = 200;
        answer->content_type = "application/json";
        put_raw(&answer->body, outcome->answer);
        break;
    case OUTCOME_DONE:
        redirect(answer, "done", &outcome->session);
        break;
    case OUTCOME_FAILED:
        redirect(answer, "failed", &outcome->session);
        break;
    case OUTCOME_PENDING:
        redirect(answer, "pending", &outcome->session);
        break;
    case OUTCOME_OVER:
        answer->status = 409;
        break;
    case OUTCOME_NO_SESSION:
        answer->status = 403;
        break;
    case OUTCOME_TROUBLE:
        answer->status = 503;
        break;
    }
}

static void show_session(struct issuer_end *end, const char *id, struct arena *arena,
                         struct issuer_answer *answer)
{
    struct session session;
    bool found = false;

    answer->status = 404;
    if (session_store_find_by_id(&end->issuer.store, id, arena, &session, &found, NULL) != SKS_OK ||
        !found || session.verdict == VERDICT_OPEN)
        return;
    answer->status = 200;
    answer->content_type = "application/json";
    put_session_json(&answer->body, &session);
}

static bool has_query(const char *target, const char *pair)
{
    const char *query = strchr(target, '?');

    return query != NULL && strcmp(query + 1, pair) == 0;
}

static void keygen2(struct issuer_end *end, const char *method, const char *target,
                    const char *cookie, struct bytes body, struct arena *arena,
                    struct issuer_answer *answer)
{
    char name[128], uri[200];
    const struct profile *profile;
    struct arrival arrival = { .cookie = cookie, .issuer_uri = uri, .body = body };
    struct outcome outcome;

    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(target + 5, "?"), target + 5);
    (void)snprintf(uri, sizeof uri, MATRIX_ORIGIN "/kg2/%s", name);
    profile = profile_find(&end->issuer.profiles, name);
    answer->status = 404;
    if (profile == NULL)
        return;
    if (strcmp(method, "POST") == 0) {
        phase_message(&end->issuer, &arrival, arena, &outcome);
    } else if (has_query(target, "abort=true")) {
        phase_abort(&end->issuer, cookie, arena, &outcome);
    } else if (has_query(target, "init=true")) {
        arrival.issuer_uri = arena_text(arena, bytes_of(uri)); /* kept with the session */
        phase_begin(&end->issuer, profile, &arrival, arena, answer->cookie, &outcome);
    } else {
        answer->status = 400;
        return;
    }
    take_outcome(&outcome, answer);
}

void issuer_end_request(struct issuer_end *end, const char *method, const char *target,
                        const char *cookie, struct bytes body, struct issuer_answer *answer)
{
    struct arena arena = { 0 };

    if (strncmp(target, "/kg2/", 5) == 0)
        keygen2(end, method, target, cookie, body, &arena, answer);
    else if (strncmp(target, "/done/", 6) == 0)
        show_session(end, target + 6, &arena, answer);
    else if (strncmp(target, "/failed/", 8) == 0)
        show_session(end, target + 8, &arena, answer);
    else
        answer->status = 404;
    arena_free(&arena);
}

struct bytes issuer_end_ca(const struct issuer_end *end)
{
    return end->issuer.ca.certificate;
}

enum sks_status issuer_end_count(struct issuer_end *end, int64_t count[4], struct sks_error *err)
{
    static const enum verdict VERDICT[] = {
        [ISSUER_OPEN] = VERDICT_OPEN,
        [ISSUER_SUCCEEDED] = VERDICT_SUCCEEDED,
        [ISSUER_FAILED] = VERDICT_FAILED,
        [ISSUER_IN_DOUBT] = VERDICT_IN_DOUBT,
    };
    struct session_tally tally;
    enum sks_status rc = session_store_tally(&end->issuer.store, &tally, err);

    for (size_t i = 0; rc == SKS_OK && i < NITEMS(VERDICT); i++)
        count[i] = (int64_t)tally.verdict[VERDICT[i]];
    return rc;
}
