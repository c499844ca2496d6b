#include "conform/cases.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct name NAMES_LEVEL[] = {
    { "must", LEVEL_MUST }, { "should", LEVEL_SHOULD }, { "may", LEVEL_MAY }, { 0 }
};

enum { ROOM_FIRST = 256, TEXT_MAX = 512 };

static const char ID_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789.-_";

static void append(struct cases *cases, const struct conform_case *item)
{
    struct conform_case *more;

    if (cases->status != SKS_OK)
        return;
    if (cases->count == cases->room) {
        cases->room = cases->room == 0 ? ROOM_FIRST : 2 * cases->room;
        more = realloc(cases->item, cases->room * sizeof *more);
        if (more == NULL) {
            cases->status = SKS_ERROR_STORAGE;
            return;
        }
        cases->item = more;
    }
    cases->item[cases->count++] = *item;
}

void cases_add(struct cases *cases, const struct conform_case *item)
{
    struct conform_case strict = *item;

    append(cases, item);
    if (!item->open_number)
        return;
    strict.id = cases_text(cases, "%s-number", item->id);
    strict.title = cases_text(cases, "%s: by the number that is usual", item->title);
    strict.level = LEVEL_SHOULD;
    strict.open_number = false;
    append(cases, &strict);
}

void cases_add_all(struct cases *cases, const struct conform_case *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cases_add(cases, &table[i]);
}

void cases_add_row(struct cases *cases, const char *id, const char *title, const char *section,
                   uint64_t needs,
                   enum sks_status (*run)(struct check *check, void *end, const void *row),
                   const void *row)
{
    struct conform_case item = {
        .id = id, .title = title, .section = section, .needs = needs, .run = run, .row = row
    };

    cases_add(cases, &item);
}

const char *cases_text(struct cases *cases, const char *format, ...)
{
    char text[TEXT_MAX];
    const char *kept;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kept = arena_text(&cases->arena, bytes_of(text));
    if (kept == NULL)
        cases->status = SKS_ERROR_STORAGE;
    return kept == NULL ? "" : kept;
}

/* The end of the group is where --only and reports part an id. */
static bool id_is_good(const char *id)
{
    const char *dot = strchr(id, '.');

    return dot != NULL && dot != id && dot[1] != '\0' && id[strspn(id, ID_CHARACTERS)] == '\0';
}

/* Stable, in both halves. */
static enum sks_status put_destructive_last(struct cases *cases)
{
    struct conform_case *sorted = calloc(cases->count + 1, sizeof *sorted);
    size_t used = 0;

    if (sorted == NULL)
        return SKS_ERROR_STORAGE;
    for (int destructive = 0; destructive <= 1; destructive++)
        for (size_t i = 0; i < cases->count; i++)
            if (cases->item[i].destructive == (destructive == 1))
                sorted[used++] = cases->item[i];
    free(cases->item);
    cases->item = sorted;
    cases->room = cases->count + 1;
    return SKS_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;

    return strcmp(*left, *right);
}

enum sks_status cases_finish(struct cases *cases, struct sks_error *err)
{
    const char **ids = calloc(cases->count + 1, sizeof *ids);
    enum sks_status rc;

    TRY(sks_explain(err, cases->status));
    REQUIRE(ids != NULL, err, SKS_ERROR_STORAGE, "no memory for the cases");
    for (size_t i = 0; i < cases->count; i++) {
        ids[i] = cases->item[i].id;
        REQUIRE(id_is_good(ids[i]), err, SKS_ERROR_INTERNAL, "case '%s': malformed id", ids[i]);
    }
    qsort(ids, cases->count, sizeof *ids, compare_ids);
    for (size_t i = 1; i < cases->count; i++)
        REQUIRE(strcmp(ids[i - 1], ids[i]) != 0, err, SKS_ERROR_INTERNAL, "two cases '%s'", ids[i]);
    rc = sks_explain(err, put_destructive_last(cases));
out:
    free(ids);
    return rc;
}

bool case_matches(const struct conform_case *item, const char *pattern)
{
    size_t len = strlen(pattern);

    return fnmatch(pattern, item->id, 0) == 0 ||
           (strncmp(item->id, pattern, len) == 0 && item->id[len] == '.');
}

void cases_free(struct cases *cases)
{
    free(cases->item);
    arena_free(&cases->arena);
    *cases = (struct cases){ 0 };
}
