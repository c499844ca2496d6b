#include "matrix/issuer_end.h"

#include "issuer/data_folder.h"
#include "issuer/deferred.h"
#include "issuer/pages.h"
#include "issuer/phase.h"
#include "keygen2/base/files.h"
#include "matrix/fixed_draws.h"
#include "matrix/snapshot.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct local_issuer {
    struct issuer_end end;
    struct local_issuer *state; /* itself; of another client, the one that has the state */
    char cookie[64];            /* of the client that it talks to */
    EVP_PKEY *ca_key;
    struct issuer issuer;
    struct texts trust;
    char folder[PATH_MAX], database[PATH_MAX], trust_file[PATH_MAX];
    struct buf kept; /* the database at the moment to go back to */
    bool is_open;
};

/* ---- its state ---- */

static void close_store(struct local_issuer *end)
{
    if (end->is_open)
        session_store_close(&end->issuer.store);
    end->is_open = false;
}

static enum sks_status open_store(struct local_issuer *end, struct sks_error *err)
{
    enum sks_status rc = data_folder_open(end->folder, &end->issuer.store, err);

    end->is_open = rc == SKS_OK;
    return rc;
}

static enum sks_status keep(struct issuer_end *base, struct sks_error *err)
{
    struct local_issuer *end = (struct local_issuer *)base;
    enum sks_status rc;

    close_store(end); /* brings all into the one file */
    TRY(snapshot_take(&end->kept, end->database, err));
    rc = open_store(end, err);
out:
    return rc;
}

static enum sks_status restore(struct issuer_end *base, struct sks_error *err)
{
    struct local_issuer *end = (struct local_issuer *)base;
    enum sks_status rc;

    close_store(end);
    TRY(snapshot_put(&end->kept, end->database, err));
    rc = open_store(end, err);
out:
    return rc;
}

/* ---- requests ---- */

/* An answer; free the body. */
struct issuer_answer {
    unsigned status;
    const char *content_type; /* NULL: no body */
    char location[200];       /* of a redirect */
    char cookie[64];          /* value that is set; "" for none */
    struct buf body;
};

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

static void show_session(struct local_issuer *end, const char *id, struct arena *arena,
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

static const char *resumed(const char *target)
{
    static const char RESUME[] = "?init=true&resume=";
    const char *query = strchr(target, '?');

    return query != NULL && strncmp(query, RESUME, strlen(RESUME)) == 0 ? query + strlen(RESUME)
                                                                        : NULL;
}

static bool has_query(const char *target, const char *pair)
{
    const char *query = strchr(target, '?');

    return query != NULL && strcmp(query + 1, pair) == 0;
}

static void keygen2(struct local_issuer *end, const char *method, const char *target,
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
    } else if (resumed(target) != NULL) {
        phase_resume(&end->issuer, &arrival, resumed(target), arena, &outcome);
    } else {
        answer->status = 400;
        return;
    }
    take_outcome(&outcome, answer);
}

static void request(struct local_issuer *end, const char *method, const char *target,
                    struct bytes body, struct issuer_answer *answer)
{
    const char *cookie = end->cookie[0] == '\0' ? NULL : end->cookie;
    struct arena arena = { 0 };

    if (strncmp(target, "/kg2/", 5) == 0)
        keygen2(end->state, method, target, cookie, body, &arena, answer);
    else if (strncmp(target, "/done/", 6) == 0)
        show_session(end->state, target + 6, &arena, answer);
    else if (strncmp(target, "/failed/", 8) == 0)
        show_session(end->state, target + 8, &arena, answer);
    else
        answer->status = 404;
    arena_free(&arena);
}

static enum sks_status exchange(struct issuer_end *base, const char *method, const char *url,
                                const char *content_type, const char *accept, struct bytes body,
                                struct http_exchange *exchange, struct sks_error *err)
{
    struct local_issuer *end = (struct local_issuer *)base;
    struct issuer_answer answer = { 0 };

    (void)content_type, (void)accept, (void)err;
    exchange->sent = true;
    request(end, method, url + strlen(MATRIX_ORIGIN), body, &answer);
    if (answer.cookie[0] != '\0')
        memcpy(end->cookie, answer.cookie, sizeof end->cookie);
    exchange->status = answer.status;
    (void)snprintf(exchange->content_type, sizeof exchange->content_type, "%s",
                   answer.content_type == NULL ? "" : answer.content_type);
    (void)snprintf(exchange->location, sizeof exchange->location, "%s", answer.location);
    buf_free(&exchange->body);
    exchange->body = answer.body;
    return SKS_OK;
}

static enum sks_status begin(struct issuer_end *base, struct sks_error *err)
{
    (void)err;
    ((struct local_issuer *)base)->cookie[0] = '\0';
    return SKS_OK;
}

static void write_url(const struct issuer_end *base, const char *profile, char *url, size_t size)
{
    (void)base;
    (void)snprintf(url, size, MATRIX_ORIGIN "/kg2/%s", profile);
}

/* ---- its operator ---- */

static enum sks_status approve(struct issuer_end *base, const char *session, struct sks_error *err)
{
    struct local_issuer *end = ((struct local_issuer *)base)->state;

    return deferred_decide(&end->issuer.store, session, true, NULL, NULL, err);
}

static enum sks_status roll_over(struct issuer_end *base, struct sks_error *err)
{
    struct local_issuer *end = ((struct local_issuer *)base)->state;
    unsigned generation;
    enum sks_status rc;

    TRY(key_management_roll_over(end->folder, &generation, err));
    rc = key_management_load(&end->issuer.key_management, end->folder, err);
out:
    return rc;
}

/* ---- what it did ---- */

static enum sks_status count_verdicts(struct issuer_end *base, int64_t count[4],
                                      struct sks_error *err)
{
    static const enum verdict VERDICT[] = {
        [ISSUER_OPEN] = VERDICT_OPEN,
        [ISSUER_SUCCEEDED] = VERDICT_SUCCEEDED,
        [ISSUER_FAILED] = VERDICT_FAILED,
        [ISSUER_IN_DOUBT] = VERDICT_IN_DOUBT,
    };
    struct local_issuer *end = ((struct local_issuer *)base)->state;
    struct session_tally tally;
    enum sks_status rc = session_store_tally(&end->issuer.store, &tally, err);

    for (size_t i = 0; rc == SKS_OK && i < NITEMS(VERDICT); i++)
        count[i] = (int64_t)tally.verdict[VERDICT[i]];
    return rc;
}

static bool issued(const struct issuer_end *base, struct bytes der, const char *text)
{
    const struct local_issuer *end = ((const struct local_issuer *)base)->state;
    const uint8_t *p = der.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    bool by_ca = certificate != NULL && X509_verify(certificate, end->ca_key) == 1;

    (void)text;
    X509_free(certificate);
    ERR_clear_error();
    return by_ca;
}

/* ---- its life ---- */

static void end_free(struct issuer_end *base)
{
    struct local_issuer *end = (struct local_issuer *)base;

    if (end->state != end) {
        free(end);
        return;
    }
    trust_close(&end->issuer.trust);
    profiles_free(&end->issuer.profiles);
    data_folder_close(&end->issuer);
    server_keys_free(end->issuer.server_keys);
    EVP_PKEY_free(end->ca_key);
    buf_free(&end->kept);
    free(end);
}

static enum sks_status read_ca_key(struct local_issuer *end, struct sks_error *err)
{
    const uint8_t *p = end->issuer.ca.certificate.ptr;
    X509 *certificate = d2i_X509(NULL, &p, (long)end->issuer.ca.certificate.len);
    enum sks_status rc = SKS_OK;

    if (certificate != NULL)
        end->ca_key = X509_get_pubkey(certificate);
    X509_free(certificate);
    REQUIRE(end->ca_key != NULL, err, SKS_ERROR_CRYPTO, "the CA's certificate cannot be read");
out:
    return rc;
}

static const struct issuer_end_kind KIND = {
    .resets = true,
    .keep = keep,
    .restore = restore,
    .url = write_url,
    .begin = begin,
    .exchange = exchange,
    .approve = approve,
    .roll_over = roll_over,
    .count = count_verdicts,
    .issued = issued,
    .free = end_free,
};

enum sks_status issuer_end_client(struct issuer_end *end, struct issuer_end **client,
                                  struct sks_error *err)
{
    struct local_issuer *made = calloc(1, sizeof *made);

    *client = NULL;
    if (made == NULL)
        return sks_fail(err, SKS_ERROR_STORAGE, "no memory for a client");
    made->end = *end;
    made->state = ((struct local_issuer *)end)->state;
    *client = &made->end;
    return SKS_OK;
}

enum sks_status issuer_end_new(const char *folder, const char *trust, const char *profiles,
                               const struct key_maker *maker, struct issuer_end **end,
                               struct sks_error *err)
{
    struct local_issuer *made = calloc(1, sizeof *made);
    enum sks_status rc;

    *end = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for an issuer");
    made->end.kind = &KIND;
    made->state = made;
    TRY(file_path(made->folder, sizeof made->folder, folder, ""));
    TRY(file_path(made->database, sizeof made->database, folder, "issuer.db"));
    (void)snprintf(made->trust_file, sizeof made->trust_file, "%s", trust);
    made->trust = (struct texts){ { made->trust_file }, 1 };
    made->issuer.public_url = MATRIX_ORIGIN;
    TRY(data_folder_make(folder, NULL, err));
    TRY(data_folder_load(folder, &made->issuer, err));
    TRY(read_ca_key(made, err));
    TRY(profiles_load(profiles, &made->issuer.profiles, err));
    fix_draws(&made->issuer.profiles);
    TRY(trust_open(&made->issuer.trust, &made->trust, err));
    made->issuer.key_maker = maker;
    TRY(server_keys_by(maker, &made->issuer.server_keys, err));
    TRY(open_store(made, err));
    *end = &made->end;
    made = NULL;
out:
    if (made != NULL)
        end_free(&made->end);
    return rc;
}
