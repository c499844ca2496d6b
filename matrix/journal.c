#include "matrix/journal.h"

#include "keygen2/base/files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOURNAL_MAX = 1024 * 1024 * 1024, KEY_MAX = 900 };

struct journal {
    char path[PATH_MAX];
    FILE *file;
    json_t *found; /* by key: what was read */
};

/* ---- one case ---- */

/* What is the same in each run of a sweep: sizes of bodies are not, so rules are not in it. */
static void write_key(const struct journal_case *c, char key[KEY_MAX])
{
    const struct plan_case *item = c->item;

    if (c->combination > 0)
        (void)snprintf(key, KEY_MAX, "%s #%llu", c->profile, (unsigned long long)c->combination);
    else
        (void)snprintf(key, KEY_MAX, "%s %u %s %u %u %s %u %u %u", c->profile, (unsigned)item->hop,
                       item->message, (unsigned)item->answer, item->occurrence, item->path,
                       (unsigned)item->operation, (unsigned)item->source, item->nth);
}

static json_t *entry_json(const struct run *run, enum matrix_verdict verdict, bool leftover)
{
    return json_pack("{s:s, s:b, s:i, s:i, s:o, s:b, s:b, s:b, s:b, s:b, s:s}", "verdict",
                     MATRIX_VERDICT_NAMES[verdict], "leftover", (int)leftover, "end", (int)run->end,
                     "by", (int)run->by, "cause", json_shown(run->cause), "altered",
                     (int)run->altered, "misfit", (int)run->misfit, "strayed", (int)run->strayed,
                     "unchanged", (int)run->unchanged, "counted", (int)run->counted, "at", run->at);
}

static int number_at(const json_t *entry, const char *name, int below)
{
    json_int_t number = json_integer_value(json_object_get(entry, name));

    return number >= 0 && number < below ? (int)number : 0;
}

static void copy_text(const json_t *entry, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(entry, name));

    (void)snprintf(text, size, "%s", value == NULL ? "" : value);
}

bool journal_find(const struct journal *journal, const struct journal_case *item, struct run *run,
                  enum matrix_verdict *verdict, bool *leftover)
{
    char key[KEY_MAX], name[24];
    const json_t *entry;

    write_key(item, key);
    entry = json_object_get(journal->found, key);
    if (entry == NULL)
        return false;
    *run = (struct run){ .end = (enum run_end)number_at(entry, "end", RUN_IN_DOUBT + 1),
                         .by = (enum run_party)number_at(entry, "by", RUN_MIDDLEWARE + 1),
                         .altered = json_is_true(json_object_get(entry, "altered")),
                         .misfit = json_is_true(json_object_get(entry, "misfit")),
                         .strayed = json_is_true(json_object_get(entry, "strayed")),
                         .unchanged = json_is_true(json_object_get(entry, "unchanged")),
                         .counted = json_is_true(json_object_get(entry, "counted")) };
    copy_text(entry, "cause", run->cause, sizeof run->cause);
    copy_text(entry, "at", run->at, sizeof run->at);
    copy_text(entry, "verdict", name, sizeof name);
    for (*verdict = MATRIX_TOKEN; *verdict < MATRIX_UNFIT; (*verdict)++)
        if (strcmp(MATRIX_VERDICT_NAMES[*verdict], name) == 0)
            break;
    *leftover = json_is_true(json_object_get(entry, "leftover"));
    return true;
}

static enum sks_status put_line(struct journal *journal, const json_t *line, struct sks_error *err)
{
    bool good = line != NULL && json_dumpf(line, journal->file, JSON_COMPACT) == 0 &&
                fputc('\n', journal->file) != EOF && fflush(journal->file) == 0;

    return good ? SKS_OK
                : sks_fail(err, SKS_ERROR_EXTERNAL, "%s cannot be written: %s", journal->path,
                           strerror(errno));
}

enum sks_status journal_add(struct journal *journal, const struct journal_case *item,
                            const struct run *run, enum matrix_verdict verdict, bool leftover,
                            struct sks_error *err)
{
    char key[KEY_MAX];
    json_t *line = entry_json(run, verdict, leftover);
    enum sks_status rc;

    write_key(item, key);
    if (line != NULL)
        (void)json_object_set_new(line, "case", json_string(key));
    rc = put_line(journal, line, err);
    json_decref(line);
    return rc;
}

/* ---- the file ---- */

static enum sks_status read_header(const struct journal *journal, const char *line, size_t len,
                                   const char *set, struct sks_error *err)
{
    json_t *header = json_loadb(line, len, 0, NULL);
    const char *of = json_string_value(json_object_get(header, "set"));
    enum sks_status rc = SKS_OK;

    REQUIRE(of != NULL, err, SKS_ERROR_OPTION, "%s is no journal of a sweep: remove it",
            journal->path);
    REQUIRE(strcmp(of, set) == 0, err, SKS_ERROR_OPTION,
            "%s is of another sweep: it is of %s, this is of %s; sweep that again, or remove it",
            journal->path, of, set);
out:
    json_decref(header);
    return rc;
}

static void read_entry(struct journal *journal, const char *line, size_t len)
{
    json_t *entry = json_loadb(line, len, 0, NULL);
    const char *key = json_string_value(json_object_get(entry, "case"));

    if (key != NULL)
        (void)json_object_set(journal->found, key, entry);
    json_decref(entry);
}

/* @param whole  out: bytes of its whole lines */
static enum sks_status read_lines(struct journal *journal, const char *set, size_t *whole,
                                  struct sks_error *err)
{
    struct buf text = { 0 };
    const char *line, *end, *stop;
    enum sks_status rc;

    *whole = 0;
    TRY(file_read(journal->path, JOURNAL_MAX, &text, err));
    line = (const char *)text.ptr;
    stop = line + text.len;
    for (; line < stop && (end = memchr(line, '\n', (size_t)(stop - line))) != NULL;
         line = end + 1) {
        if (*whole == 0)
            TRY(read_header(journal, line, (size_t)(end - line), set, err));
        else
            read_entry(journal, line, (size_t)(end - line));
        *whole = (size_t)(end + 1 - (const char *)text.ptr);
    }
out:
    buf_free(&text);
    return rc;
}

static enum sks_status begin_file(struct journal *journal, const char *set, struct sks_error *err)
{
    json_t *header = json_pack("{s:s}", "set", set);
    enum sks_status rc;

    journal->file = fopen(journal->path, "we");
    REQUIRE(journal->file != NULL, err, SKS_ERROR_EXTERNAL, "%s: %s", journal->path,
            strerror(errno));
    rc = put_line(journal, header, err);
out:
    json_decref(header);
    return rc;
}

enum sks_status journal_open(const char *results, bool resume, const char *set,
                             struct journal **journal, struct sks_error *err)
{
    struct journal *made = calloc(1, sizeof *made);
    size_t whole = 0;
    enum sks_status rc = SKS_OK;

    *journal = NULL;
    REQUIRE(made != NULL && (made->found = json_object()) != NULL, err, SKS_ERROR_STORAGE,
            "no memory for a journal");
    REQUIRE(snprintf(made->path, sizeof made->path, "%s.part", results) < (int)sizeof made->path,
            err, SKS_ERROR_OPTION, "--results: the name is too long");
    if (resume && file_exists(made->path))
        TRY(read_lines(made, set, &whole, err));
    if (whole == 0) {
        TRY(begin_file(made, set, err));
    } else {
        REQUIRE(truncate(made->path, (off_t)whole) == 0 &&
                    (made->file = fopen(made->path, "ae")) != NULL,
                err, SKS_ERROR_EXTERNAL, "%s: %s", made->path, strerror(errno));
    }
    *journal = made;
    made = NULL;
out:
    journal_free(made);
    return rc;
}

size_t journal_count(const struct journal *journal)
{
    return json_object_size(journal->found);
}

void journal_remove(struct journal *journal)
{
    (void)unlink(journal->path);
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->file != NULL)
        (void)fclose(journal->file);
    json_decref(journal->found);
    free(journal);
}
