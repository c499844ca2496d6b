/* sks-token check: looks over every object of a store. */
#include "token/check.h"
#include "token/command/print.h"
#include "token/command/rows.h"
#include "token/command/whole_store.h"

#include <stdio.h>
#include <unistd.h>

const struct option_row OPTIONS_CHECK[] = { STORE, MASTER_KEY, JSON, END };

struct checking {
    json_t *findings; /* NULL: printed as they come */
    bool shows;       /* progress is on the terminal */
};

static void clear_progress(struct checking *c)
{
    if (c->shows)
        (void)fprintf(stderr, "\r\x1b[K");
    c->shows = false;
}

static void show_progress(void *ctx, uint64_t rows)
{
    struct checking *c = ctx;

    (void)fprintf(stderr, "\r%llu objects", (unsigned long long)rows);
    c->shows = true;
}

/* The names in the file are whatever somebody wrote there. */
static void found(void *ctx, const char *kind, uint32_t handle, const char *text)
{
    struct checking *c = ctx;
    struct arena arena = { 0 };
    const char *clean = bytes_is_utf8(bytes_of(text)) ? clean_text(&arena, bytes_of(text)) : "?";

    clear_progress(c);
    if (c->findings != NULL)
        (void)json_array_append_new(c->findings,
                                    json_pack("{s:s, s:I, s:s}", "kind", kind, "handle",
                                              (json_int_t)handle, "problem", clean));
    else if (handle == 0)
        (void)printf("%s: %s\n", kind, clean);
    else
        (void)printf("%s %u: %s\n", kind, handle, clean);
    arena_free(&arena);
}

static enum sks_status print_result(const struct check *check, struct checking *c,
                                    struct sks_error *err)
{
    json_t *findings = c->findings;

    clear_progress(c);
    if (findings == NULL) {
        (void)printf("%llu objects, %llu finding%s\n", (unsigned long long)check->rows,
                     (unsigned long long)check->findings, check->findings == 1 ? "" : "s");
        return SKS_OK;
    }
    c->findings = NULL;
    return json_print(
        json_pack("{s:I, s:o}", "objects", (json_int_t)check->rows, "findings", findings), err);
}

enum exit_code command_check(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct checking checking = { .findings = o->json ? json_array() : NULL };
    struct check check = { .found = found,
                           .progress = isatty(STDERR_FILENO) == 1 ? show_progress : NULL,
                           .ctx = &checking };
    struct whole_store whole = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(whole_store_open(o->store, o->key_file, &whole, &err));
    TRY(store_check(whole.store, &check, &err));
    TRY(print_result(&check, &checking, &err));
out:
    clear_progress(&checking);
    json_decref(checking.findings);
    whole_store_close(&whole);
    if (rc != SKS_OK) /* 1 is for findings */
        return program_fail(rc == SKS_ERROR_OPTION ? EXIT_USAGE : EXIT_IO, "%s", err.text);
    return check.findings == 0 ? EXIT_DONE : EXIT_REFUSED;
}
