/* The conformance cases against both ends as they stand here: the tester's against the token, our
 * own against the issuer, side by side. */
#include "interop/conformance.h"
#include "interop/desk.h"
#include "interop/parts.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <string.h>

enum { ASK_SECONDS = 90, THERE_SECONDS = 10, GRACE_SECONDS = 30, PEM_MAX = 64 * 1024, SHOWN = 10 };

static const char PART[] = "conform", TOKEN[] = "token", ISSUER[] = "issuer";

struct trial {
    const struct ends *ends;
    const struct conform *options;
    struct table *table;
    json_t *cases; /* for --only; empty: all */
};

/* ---- what came of it ---- */

static size_t count_of(const json_t *report, const char *level, const char *verdict)
{
    const json_t *counts = level == NULL
                               ? json_object_get(report, "all")
                               : json_object_get(json_object_get(report, "levels"), level);

    return (size_t)json_integer_value(json_object_get(counts, verdict));
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

/* A row for a must-case that failed, with the command that repeats it. */
static void tell_case(const struct trial *t, const char *end, const json_t *item)
{
    const char *id = text_of(item, "id");

    table_tell(t->table, PART, id, false, json_integer_value(json_object_get(item, "us")) / 1000,
               "%.80s: wanted %.60s, came %.60s; again: %s conform %s %s", text_of(item, "field"),
               text_of(item, "wanted"), text_of(item, "came"), t->options->again, end, id);
}

static void tell_failed(const struct trial *t, const char *end, const json_t *report)
{
    const json_t *item;
    size_t i, shown = 0;

    json_array_foreach(json_object_get(report, "cases"), i, item)
    {
        if (strcmp(text_of(item, "verdict"), "failed") == 0 &&
            strcmp(text_of(item, "level"), "must") == 0 && shown++ < SHOWN)
            tell_case(t, end, item);
    }
}

/* Why a run is not as it has to be though no must-case failed; NULL: it is. Our ends can do nearly
 * all that there are cases for: where these do not apply nothing is shown. */
static const char *flaw_of(const struct trial *t, const json_t *account, const char *changed)
{
    const json_t *report = json_object_get(account, "report");
    size_t all = json_array_size(json_object_get(report, "cases"));

    if (json_integer_value(json_object_get(account, "code")) != EXIT_DONE)
        return text_of(account, "said")[0] == '\0' && changed != NULL ? changed
                                                                      : text_of(account, "said");
    if (json_array_size(t->cases) == 0 && 10 * count_of(report, NULL, "skipped") > all)
        return "too few apply";
    return changed;
}

/* "988 of 1004 apply, 2 failed, 1 of them a must" */
static void count_cases(const json_t *report, char *text, size_t size)
{
    size_t all = json_array_size(json_object_get(report, "cases"));
    size_t failed = count_of(report, NULL, "failed"), must = count_of(report, "must", "failed");
    int used = snprintf(text, size, "%zu of %zu apply, %zu failed",
                        all - count_of(report, NULL, "skipped"), all, failed);

    if (failed > 0 && used > 0 && (size_t)used < size)
        (void)snprintf(text + used, size - (size_t)used, ", %zu of them a must", must);
}

static void tell(const struct trial *t, const char *end, const json_t *account, const char *changed)
{
    const json_t *report = json_object_get(account, "report");
    const char *flaw = flaw_of(t, account, changed);
    char what[80], counts[100];

    (void)snprintf(what, sizeof what, "sks-conform %s %s", end, text_of(account, "url"));
    if (!json_is_object(report)) {
        table_tell(t->table, PART, what, false, -1, "%s", flaw == NULL ? "no report" : flaw);
        return;
    }
    count_cases(report, counts, sizeof counts);
    table_tell(t->table, PART, what, flaw == NULL,
               json_integer_value(json_object_get(report, "us")) / 1000, "%s: conform-%s.html%s%s",
               counts, end, flaw == NULL || flaw[0] == '\0' ? "" : "; ", flaw == NULL ? "" : flaw);
    tell_failed(t, end, report);
}

static void tell_error(const struct trial *t, const char *end, const struct sks_error *err)
{
    char what[80];

    (void)snprintf(what, sizeof what, "sks-conform %s", end);
    table_tell(t->table, PART, what, false, -1, "%s", err->text);
}

/* ---- the token ---- */

static enum sks_status begin_token(const struct trial *t, struct desk_place *place,
                                   struct held *before, struct sks_error *err)
{
    enum sks_status rc;

    TRY(desk_is_there(t->options->tester, THERE_SECONDS, err));
    TRY(ends_look(t->ends, before, err));
    rc = desk_put(t->options->tester, json_pack("{s:s, s:O}", "ask", "conform", "cases", t->cases),
                  place, err);
out:
    return rc;
}

/* It takes away what it made, and nothing of anybody else. */
static enum sks_status end_token(const struct trial *t, const struct desk_place *place,
                                 const struct held *before, struct sks_error *err)
{
    static struct held after; /* too much for a stack */
    json_t *account = NULL;
    enum sks_status rc;

    TRY(desk_take(place, CONFORMANCE_SECONDS + GRACE_SECONDS, &account, err));
    TRY(ends_look(t->ends, &after, err));
    tell(t, TOKEN, account,
         held_equal(before, &after) ? NULL : "the token holds something else than before");
out:
    json_decref(account);
    return rc;
}

/* ---- the issuer ---- */

static struct conformance of_issuer(const struct trial *t)
{
    return (struct conformance){ .end = ISSUER,
                                 .url = t->ends->issuer,
                                 .ca = t->ends->ca,
                                 .device = t->options->device,
                                 .reports = t->options->reports,
                                 .cases = t->cases };
}

/* sks-conform makes the device of a folder that is not there. */
static enum sks_status make_device(const struct trial *t, struct sks_error *err)
{
    struct conformance c = of_issuer(t);
    json_t *cases = json_pack("[s]", "session"), *account = NULL;
    enum sks_status rc;

    c.reports = NULL;
    c.cases = cases;
    rc = conformance_run(&c, &account, err);
    json_decref(cases);
    json_decref(account);
    return rc;
}

static enum sks_status ask_operator(const struct trial *t, json_t *question, struct sks_error *err)
{
    json_t *answer = NULL;
    enum sks_status rc = desk_ask(t->ends->operator, question, ASK_SECONDS, &answer, err);

    json_decref(answer);
    return rc;
}

/* The issuer trusts the device for as long as the cases run. */
static enum sks_status trust_device(const struct trial *t, struct sks_error *err)
{
    char path[PATH_MAX];
    struct buf pem = { 0 };
    enum sks_status rc;

    TRY(sks_explain(err, file_path(path, sizeof path, t->options->device, "device-ca.pem")));
    if (!file_exists(path))
        TRY(make_device(t, err));
    TRY(file_read(path, PEM_MAX, &pem, err));
    rc = ask_operator(
        t, json_pack("{s:s, s:s%}", "ask", "trust", "pem", (const char *)pem.ptr, pem.len), err);
out:
    buf_free(&pem);
    return rc;
}

static enum sks_status test_issuer(const struct trial *t, struct sks_error *err)
{
    struct conformance c = of_issuer(t);
    json_t *account = NULL;
    enum sks_status rc, distrusted;

    TRY(trust_device(t, err));
    c.trusted = true;
    rc = conformance_run(&c, &account, err);
    distrusted = ask_operator(t, json_pack("{s:s}", "ask", "distrust"), rc == SKS_OK ? err : NULL);
    if (rc == SKS_OK)
        tell(t, ISSUER, account, NULL);
    TRY(rc == SKS_OK ? distrusted : rc);
out:
    json_decref(account);
    return rc;
}

/* ---- both ---- */

static bool is_wanted(const char *end, const char *wanted)
{
    return wanted == NULL || strcmp(wanted, end) == 0;
}

void part_conform(const struct ends *ends, const struct conform *options, const char *end,
                  char **cases, size_t count, struct table *table)
{
    static struct held before;
    struct trial t = { ends, options, table, json_array() };
    struct sks_error err = { 0 }, of_token = { 0 };
    struct desk_place place;
    enum sks_status begun = SKS_OK;

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(t.cases, json_string(cases[i]));
    if (is_wanted(TOKEN, end))
        begun = begin_token(&t, &place, &before, &of_token);
    if (is_wanted(ISSUER, end) && test_issuer(&t, &err) != SKS_OK)
        tell_error(&t, ISSUER, &err);
    if (is_wanted(TOKEN, end) &&
        (begun != SKS_OK || end_token(&t, &place, &before, &of_token) != SKS_OK))
        tell_error(&t, TOKEN, &of_token);
    json_decref(t.cases);
}
