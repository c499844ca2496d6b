#include "interop/conformance.h"

#include "interop/run.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <unistd.h>

enum { REPORT_MODE = 0644, SAID_MAX = 400 };

/* Its reports, by what they are. */
struct places {
    char json[PATH_MAX], junit[PATH_MAX], html[PATH_MAX];
};

static enum sks_status name_places(const struct conformance *c, struct places *at,
                                   struct sks_error *err)
{
    const struct {
        char *path;
        const char *ending;
    } rows[] = { { at->json, "json" }, { at->junit, "xml" }, { at->html, "html" } };
    char name[64];
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(rows); i++) {
        (void)snprintf(name, sizeof name, "conform-%s.%s", c->end, rows[i].ending);
        rc = file_path(rows[i].path, PATH_MAX, c->reports, name);
        REQUIRE(rc == SKS_OK, err, rc, "the path of the reports is too long");
        (void)unlink(rows[i].path);
    }
out:
    return rc;
}

static enum sks_status add_cases(const struct conformance *c, struct words *words,
                                 struct sks_error *err)
{
    const json_t *item;
    enum sks_status rc = SKS_OK;
    size_t i;

    REQUIRE(json_array_size(c->cases) <= CONFORMANCE_CASES_MAX, err, SKS_ERROR_OPTION,
            "more than %d cases", CONFORMANCE_CASES_MAX);
    json_array_foreach(c->cases, i, item)
    {
        REQUIRE(json_is_string(item), err, SKS_ERROR_OPTION, "a case is named by a text");
        words_add(words, "--only", json_string_value(item), NULL);
    }
out:
    return rc;
}

static json_t *account_of(const struct conformance *c, const struct run_result *result)
{
    json_t *report = json_loadb((const char *)result->out.ptr, result->out.len, 0, NULL);
    json_t *text;
    char said[SAID_MAX];

    run_complaint(result, said, sizeof said);
    text = json_string(said);
    return json_pack("{s:s, s:i, s:o, s:o}", "url", c->url, "code", result->code, "said",
                     text == NULL ? json_string("it complains in other than UTF-8") : text,
                     "report", report == NULL ? json_null() : report);
}

enum sks_status conformance_run(const struct conformance *c, json_t **account,
                                struct sks_error *err)
{
    struct words words = { 0 };
    struct run_result result = { 0 };
    struct places at;
    enum sks_status rc;

    *account = NULL;
    words_add(&words, "sks-conform", c->end, c->url, "--json", NULL);
    if (c->ca != NULL)
        words_add(&words, "--ca", c->ca, NULL);
    if (c->device != NULL)
        words_add(&words, "--device", c->device, c->trusted ? "--trusted" : NULL, NULL);
    TRY(add_cases(c, &words, err));
    if (c->reports != NULL) {
        TRY(name_places(c, &at, err));
        words_add(&words, "--junit", at.junit, "--html", at.html, NULL);
    }
    TRY(run_program(&words, CONFORMANCE_SECONDS, &result, err));
    if (c->reports != NULL && result.out.len > 0)
        TRY(file_write(at.json, REPORT_MODE, buf_bytes(&result.out), err));
    *account = account_of(c, &result);
    REQUIRE(*account != NULL, err, SKS_ERROR_STORAGE, "no memory for an account");
out:
    run_result_free(&result);
    return rc;
}
