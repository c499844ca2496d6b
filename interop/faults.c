/* Enrolments while the ends and the relays are killed at random moments: afterwards each is whole
 * at both ends or at neither. */
#include "interop/parts.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 60, DIGEST_SIZE = 32, DIGEST_TEXT = 2 * DIGEST_SIZE + 1, CALM_MS = 1500 };

static const char PART[] = "faults", PROFILE[] = "p256-user-pin", SETTLING[] = "key-unlock";

static const char *const KILLED[] = { "token", "issuer", "proxy", "gateway" };

/* How many enrolments ended in which way. */
struct score {
    unsigned begun, complete, absent, mixed;
    unsigned succeeded, refused, broken, in_doubt; /* as the middleware saw them */
};

static void pause_ms(long ms)
{
    (void)nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

/* ---- the enrolments ---- */

/* One that has begun: where nobody listened there was none. */
static enum sks_status enrol_once(const struct ends *ends, struct score *score,
                                  struct sks_error *err)
{
    struct enrolled e = { 0 };
    enum sks_status rc = SKS_OK;

    for (int i = 0; i < TRIES; i++) {
        TRY(ends_enrol(ends, PROFILE, false, &e, err));
        if (e.session[0] != '\0')
            break;
        pause_ms(50);
    }
    REQUIRE(e.session[0] != '\0', err, SKS_ERROR_EXTERNAL, "no session begins: %s", e.cause);
    score->begun++;
    score->succeeded += strcmp(e.outcome, "succeeded") == 0;
    score->refused += strcmp(e.outcome, "refused") == 0;
    score->broken += strcmp(e.outcome, "error") == 0;
    score->in_doubt += strcmp(e.outcome, "in doubt") == 0;
out:
    return rc;
}

static enum sks_status enrol_all(const struct ends *ends, uint32_t count, const char *folder,
                                 struct score *score, struct sks_error *err)
{
    char during[PATH_MAX];
    enum sks_status rc;

    TRY(sks_explain(err, file_path(during, sizeof during, folder, "kill")));
    TRY(file_write(during, 0644, bytes_of("while this file is there\n"), err));
    for (uint32_t i = 0; i < count; i++)
        if ((rc = enrol_once(ends, score, err)) != SKS_OK)
            break;
    if (unlink(during) != 0 && rc == SKS_OK)
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s stays", during);
    pause_ms(CALM_MS); /* what was killed last starts again */
out:
    return rc;
}

/* ---- what is still in the air ---- */

/* The proofs that are kept, then a session of the device: what the issuer finds there under a
 * proof is there, and what it does not find is not. */
static enum sks_status settle(const struct ends *ends, struct sks_error *err)
{
    struct enrolled e;
    int code = EXIT_IN_DOUBT;
    enum sks_status rc = SKS_OK;

    for (int i = 0; i < TRIES && code != EXIT_DONE && code != EXIT_REFUSED; i++)
        TRY(ends_resume(ends, &code, err));
    REQUIRE(code == EXIT_DONE || code == EXIT_REFUSED, err, SKS_ERROR_EXTERNAL,
            "closing proofs are still not taken: exit %d", code);
    TRY(ends_abort_open(ends, err));
    TRY(ends_enrol(ends, SETTLING, false, &e, err));
    REQUIRE(strcmp(e.outcome, "succeeded") == 0, err, SKS_ERROR_EXTERNAL, "%s: %s: %s", SETTLING,
            e.outcome, e.cause);
out:
    return rc;
}

/* ---- the count ---- */

/* SHA-256 of the certificate of each key in the token: a JSON object of them. */
static enum sks_status certificates_held(const struct ends *ends, json_t **held,
                                         struct sks_error *err)
{
    static struct held keys;
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    enum sks_status rc;

    *held = json_object();
    TRY(ends_look(ends, &keys, err));
    TRY(ends_link(ends, &link, err));
    for (size_t i = 0; i < keys.keys; i++) {
        const union sks_in in = { .key_handle = { keys.key[i] } };
        union sks_out out = { 0 };
        const struct bytes_list *path = &out.key_attributes.certificate_path;
        uint8_t digest[DIGEST_SIZE];
        char text[DIGEST_TEXT];

        TRY(token_call(link, GET_KEY_ATTRIBUTES, &in, &out, &arena, err));
        REQUIRE(path->count > 0 && EVP_Digest(path->item[0].ptr, path->item[0].len, digest, NULL,
                                              EVP_sha256(), NULL) == 1,
                err, SKS_ERROR_EXTERNAL, "key %u has no certificate", keys.key[i]);
        for (size_t j = 0; j < sizeof digest; j++)
            (void)snprintf(text + 2 * j, 3, "%02x", digest[j]);
        (void)json_object_set_new(*held, text, json_true());
    }
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

/* By session: whether its certificate is in the token. */
static enum sks_status sessions_held(const struct ends *ends, json_t **by_session,
                                     struct sks_error *err)
{
    json_t *output = NULL, *row, *held = NULL;
    size_t i;
    enum sks_status rc;

    *by_session = json_object();
    TRY(certificates_held(ends, &held, err));
    TRY(ends_ask(ends, "certificates", &output, err));
    json_array_foreach(json_object_get(output, "certificates"), i, row)
    {
        const char *session = json_string_value(json_object_get(row, "session"));
        const char *print = json_string_value(json_object_get(row, "fingerPrint"));

        if (session != NULL && print != NULL && json_object_get(held, print) != NULL) {
            (void)json_object_set_new(*by_session, session, json_true());
            (void)json_object_del(held, print);
        }
    }
    REQUIRE(json_object_size(held) == 0, err, SKS_ERROR_EXTERNAL,
            "the token has %zu keys with certificates that the issuer does not know",
            json_object_size(held));
out:
    json_decref(output);
    json_decref(held);
    return rc;
}

static enum sks_status count(const struct ends *ends, const json_t *earlier, struct score *score,
                             struct sks_error *err)
{
    json_t *output = NULL, *row, *held = NULL;
    size_t i;
    enum sks_status rc;

    TRY(sessions_held(ends, &held, err));
    TRY(ends_ask(ends, "sessions", &output, err));
    json_array_foreach(json_object_get(output, "sessions"), i, row)
    {
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *profile = json_string_value(json_object_get(row, "profile"));
        const char *verdict = json_string_value(json_object_get(row, "verdict"));
        bool counted, there;

        if (id == NULL || profile == NULL || verdict == NULL || strcmp(profile, PROFILE) != 0 ||
            json_object_get(earlier, id) != NULL)
            continue;
        counted = strcmp(verdict, "succeeded") == 0;
        there = json_object_get(held, id) != NULL;
        score->complete += counted && there;
        score->absent += !counted && !there;
        score->mixed += counted != there;
    }
out:
    json_decref(output);
    json_decref(held);
    return rc;
}

/* Sessions of an earlier run do not count. */
static enum sks_status sessions_before(const struct ends *ends, json_t **earlier,
                                       struct sks_error *err)
{
    json_t *output = NULL, *row;
    size_t i;
    enum sks_status rc;

    *earlier = json_object();
    TRY(ends_ask(ends, "sessions", &output, err));
    json_array_foreach(json_object_get(output, "sessions"), i, row)(void)
        json_object_set_new(*earlier, json_string_value(json_object_get(row, "id")), json_true());
out:
    json_decref(output);
    return rc;
}

/* ---- the rows ---- */

static void tell_kills(const char *folder, struct table *table)
{
    for (size_t i = 0; i < NITEMS(KILLED); i++) {
        char path[PATH_MAX];
        struct buf text = { 0 };
        unsigned kills = 0;

        if (file_path(path, sizeof path, folder, KILLED[i]) == SKS_OK &&
            file_read(path, 64, &text, NULL) == SKS_OK) {
            put_byte(&text, '\0');
            kills = text.status == SKS_OK ? (unsigned)strtoul((const char *)text.ptr, NULL, 10) : 0;
        }
        buf_free(&text);
        table_tell(table, PART, KILLED[i], kills > 0, -1, "killed and started again %u times",
                   kills);
    }
}

static void tell_score(const struct score *s, uint32_t wanted, int64_t ms, struct table *table)
{
    table_tell(table, PART, "enrolments that began", s->begun == wanted, ms,
               "%u: succeeded %u, refused %u, broken %u, in doubt %u at first", s->begun,
               s->succeeded, s->refused, s->broken, s->in_doubt);
    table_tell(table, PART, "complete at both ends", s->complete >= s->succeeded && s->complete > 0,
               -1, "%u", s->complete);
    table_tell(table, PART, "absent at both ends", true, -1, "%u", s->absent);
    table_tell(table, PART, "at one end only", s->mixed == 0, -1, "%u", s->mixed);
    table_tell(table, PART, "all of them", s->complete + s->absent >= s->begun, -1,
               "%u sessions at the issuer", s->complete + s->absent + s->mixed);
}

void part_faults(const struct ends *ends, uint32_t wanted, const char *folder, struct table *table)
{
    struct score score = { 0 };
    int64_t began = clock_monotonic_ms();
    json_t *earlier = NULL;
    struct sks_error err = { 0 };
    enum sks_status rc;

    TRY(sessions_before(ends, &earlier, &err));
    TRY(enrol_all(ends, wanted, folder, &score, &err));
    TRY(settle(ends, &err));
    TRY(count(ends, earlier, &score, &err));
    tell_kills(folder, table);
    tell_score(&score, wanted, clock_monotonic_ms() - began, table);
out:
    if (rc != SKS_OK)
        table_tell(table, PART, PROFILE, false, -1, "%s", err.text);
    json_decref(earlier);
}
