#include "testvectors/check/run.h"

#include "keygen2/base/files.h"
#include "testvectors/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 * 1024 * 1024 };

struct run {
    const struct vector_kind *kind;
    json_t *root;
    size_t tests, invalid, failed;
    void *cache;
    void (*drop)(void *cache);
};

/* ---- what was expected ---- */

static void compare_number(struct subject *s, const char *name, long is)
{
    const json_t *wanted = json_object_get(s->expect, name);

    if (wanted != NULL && is != (long)json_integer_value(wanted))
        subject_break(s, "%s is %ld afterwards, not %lld", name, is,
                      (long long)json_integer_value(wanted));
}

static void compare_text(struct subject *s, const char *name, const char *is)
{
    const char *wanted = json_string_value(json_object_get(s->expect, name));

    if (wanted != NULL && is[0] != '\0' && strcmp(is, wanted) != 0)
        subject_break(s, "%s: \"%s\", not \"%s\"", name, is, wanted);
}

/* What the library said against what the test says. */
static void compare(struct subject *s, enum sks_status rc)
{
    const char *wanted = json_string_value(json_object_get(s->expect, "result"));
    bool valid = wanted != NULL && strcmp(wanted, "valid") == 0;

    if (rc == SKS_ERROR_STORAGE || rc == SKS_ERROR_INTERNAL)
        subject_break(s, "the library has a trouble of its own: %s", s->err.text);
    if ((rc == SKS_OK) != valid)
        subject_break(s, "%s, where it is %s: %s", rc == SKS_OK ? "taken" : "refused",
                      valid ? "valid" : "invalid",
                      rc == SKS_OK             ? "no error"
                      : s->err.text[0] != '\0' ? s->err.text
                                               : sks_status_name((int)rc));
    if (rc != SKS_OK)
        compare_number(s, "status", (long)rc);
    if (s->counter >= 0)
        compare_number(s, "counter", s->counter);
    if (s->limit >= 0)
        compare_number(s, "limit", s->limit);
    if (s->step >= 0)
        compare_number(s, "step", s->step);
    compare_text(s, "detectedBy", s->end);
    compare_text(s, "session", s->session);
    compare_text(s, "check", s->check);
}

/* "fields" and "data" say the same. */
static void agree_on_fields(struct subject *s)
{
    struct buf data = { 0 };

    if (!subject_has(s, "data"))
        return;
    subject_put_fields(s, subject_value(s, "fields"), &data);
    subject_agree(s, "data", buf_bytes(&data));
    buf_free(&data);
}

static bool run_one(struct run *run, const json_t *group, const json_t *test, bool tells)
{
    struct subject s = { .type = json_object_get(group, "type"),
                         .fixtures = json_object_get(group, "fixtures"),
                         .input = json_object_get(test, "input"),
                         .expect = json_object_get(test, "expect"),
                         .tells = tells,
                         .counter = -1,
                         .limit = -1,
                         .step = -1,
                         .cache = run->cache,
                         .drop = run->drop };
    enum sks_status rc;
    bool good;

    if (!json_is_string(s.type) || !json_is_object(s.input) || !json_is_object(s.expect)) {
        subject_break(&s, "no type, input or expectation");
    } else {
        rc = run->kind->check(&s);
        if (tells)
            (void)printf("  the library says: %s%s%s\n", sks_status_name((int)rc),
                         s.err.text[0] == '\0' ? "" : ": ", s.err.text);
        compare(&s, rc);
        agree_on_fields(&s);
    }
    run->cache = s.cache;
    run->drop = s.drop;
    good = s.broken[0] == '\0';
    if (!good)
        (void)printf("%s %lld: %s: %s\n", run->kind->name,
                     (long long)json_integer_value(json_object_get(test, "tcId")),
                     json_string_value(json_object_get(test, "comment")), s.broken);
    arena_free(&s.arena);
    return good;
}

/* ---- a file ---- */

static bool open_file(struct run *run, const char *path)
{
    struct sks_error err = { 0 };
    struct buf text = { 0 };
    const char *kind;

    *run = (struct run){ 0 };
    if (file_read(path, FILE_MAX, &text, &err) != SKS_OK) {
        (void)program_fail(EXIT_IO, "%s", err.text);
        buf_free(&text);
        return false;
    }
    if (json_parse(buf_bytes(&text), &run->root, &err) != SKS_OK) {
        (void)program_fail(EXIT_IO, "%s: %s", path, err.text);
        buf_free(&text);
        return false;
    }
    buf_free(&text);
    kind = json_string_value(json_object_get(run->root, "kind"));
    run->kind = kind == NULL ? NULL : kind_find(kind);
    if (run->kind == NULL || !json_is_array(json_object_get(run->root, "testGroups"))) {
        (void)program_fail(EXIT_IO, "%s: no vector file of a kind that is known", path);
        json_decref(run->root);
        return false;
    }
    return true;
}

static void close_file(struct run *run)
{
    if (run->drop != NULL)
        run->drop(run->cache);
    json_decref(run->root);
}

static bool is_invalid(const json_t *test)
{
    const char *result =
        json_string_value(json_object_get(json_object_get(test, "expect"), "result"));

    return result != NULL && strcmp(result, "invalid") == 0;
}

enum exit_code run_check(const char *path)
{
    const json_t *groups, *tests;
    json_int_t promised;
    struct run run;

    if (!open_file(&run, path))
        return EXIT_IO;
    groups = json_object_get(run.root, "testGroups");
    promised = json_integer_value(json_object_get(run.root, "numberOfTests"));
    for (size_t i = 0; i < json_array_size(groups); i++) {
        tests = json_object_get(json_array_get(groups, i), "tests");
        for (size_t k = 0; k < json_array_size(tests); k++) {
            const json_t *test = json_array_get(tests, k);

            run.tests++;
            run.invalid += is_invalid(test);
            run.failed += !run_one(&run, json_array_get(groups, i), test, false);
        }
    }
    if (run.tests == 0 || (json_int_t)run.tests != promised) {
        (void)printf("%s: %zu tests, where it says %lld\n", run.kind->name, run.tests,
                     (long long)promised);
        run.failed++;
    }
    (void)printf("%-28s %5zu tests, %5zu valid, %5zu invalid: %s\n", run.kind->name, run.tests,
                 run.tests - run.invalid, run.invalid, run.failed == 0 ? "as it says" : "FAILED");
    close_file(&run);
    return run.failed == 0 ? EXIT_DONE : EXIT_REFUSED;
}

/* ---- one test ---- */

static void explain(const json_t *root, const json_t *group, const json_t *test)
{
    const json_t *flags = json_object_get(test, "flags"), *notes = json_object_get(root, "notes");
    char *expect = json_dumps(json_object_get(test, "expect"), JSON_COMPACT);

    (void)printf("%lld  %s\n", (long long)json_integer_value(json_object_get(test, "tcId")),
                 json_string_value(json_object_get(test, "comment")));
    (void)printf("  group    %s\n  section  %s\n  expects  %s\n",
                 json_string_value(json_object_get(group, "type")),
                 json_string_value(json_object_get(test, "section")), expect);
    for (size_t i = 0; i < json_array_size(flags); i++) {
        const char *flag = json_string_value(json_array_get(flags, i));
        const json_t *note = flag == NULL ? NULL : json_object_get(notes, flag);

        (void)printf("  %s: %s %s\n", flag, json_string_value(json_object_get(note, "description")),
                     json_string_value(json_object_get(note, "effect")));
    }
    free(expect);
}

/* "fields", one a line: where somebody who is off by one length sees it. */
static void explain_fields(const json_t *group, const json_t *test)
{
    const json_t *own = json_object_get(json_object_get(test, "input"), "fields"),
                 *fields = own != NULL
                               ? own
                               : json_object_get(json_object_get(group, "fixtures"), "fields");

    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *value = json_string_value(json_object_get(field, "value"));

        (void)printf("  field %-22s %-7s %5zu bytes  %.64s%s\n",
                     json_string_value(json_object_get(field, "name")),
                     json_string_value(json_object_get(field, "form")),
                     value == NULL ? 0 : strlen(value) / 2, value == NULL ? "?" : value,
                     value != NULL && strlen(value) > 64 ? "..." : "");
    }
}

enum exit_code run_show(const char *path, const char *number)
{
    enum exit_code code = EXIT_USAGE;
    long wanted = strtol(number, NULL, 10);
    const json_t *groups;
    struct run run;

    if (!open_file(&run, path))
        return EXIT_IO;
    groups = json_object_get(run.root, "testGroups");
    for (size_t i = 0; i < json_array_size(groups) && code == EXIT_USAGE; i++) {
        const json_t *group = json_array_get(groups, i), *tests = json_object_get(group, "tests");

        for (size_t k = 0; k < json_array_size(tests); k++) {
            const json_t *test = json_array_get(tests, k);

            if (json_integer_value(json_object_get(test, "tcId")) != wanted)
                continue;
            explain(run.root, group, test);
            explain_fields(group, test);
            code = run_one(&run, group, test, true) ? EXIT_DONE : EXIT_REFUSED;
        }
    }
    if (code == EXIT_USAGE)
        (void)program_fail(code, "%s has no test %s", path, number);
    else
        (void)printf("  %s\n", code == EXIT_DONE ? "as expected" : "NOT as expected");
    close_file(&run);
    return code;
}
