#include "interop/first_process.h"

#include "interop/run.h"
#include "keygen2/base/files.h"

#include <stdio.h>
#include <string.h>

enum { COMMAND_LINE_MAX = 128 * 1024, SECONDS = 30 };

static const char *const HAVE_CHECK[] = { "sks-token", "sks-issuer", "sks-proxy" };

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* The first of its words that is a program with a check; /proc has a NUL behind each word. */
static const char *find_program(const struct buf *command_line)
{
    const char *word = (const char *)command_line->ptr;
    const char *end = word + command_line->len;

    for (; word < end; word += strlen(word) + 1)
        for (size_t i = 0; i < NITEMS(HAVE_CHECK); i++)
            if (strcmp(base_name(word), HAVE_CHECK[i]) == 0)
                return HAVE_CHECK[i];
    return NULL;
}

enum exit_code first_process_check(void)
{
    struct buf command_line = { 0 };
    struct run_result result = { 0 };
    struct sks_error err = { 0 };
    struct words words = { 0 };
    const char *program;
    enum exit_code code = EXIT_DONE;
    enum sks_status rc;

    TRY(file_read("/proc/1/cmdline", COMMAND_LINE_MAX, &command_line, &err));
    put_byte(&command_line, '\0');
    TRY(sks_explain(&err, command_line.status));
    program = find_program(&command_line);
    if (program == NULL)
        goto out;
    words_add(&words, program, "healthcheck", NULL);
    TRY(run_program(&words, SECONDS, &result, &err));
    (void)fwrite(result.out.ptr, 1, result.out.len, stdout);
    (void)fwrite(result.err.ptr, 1, result.err.len, stderr);
    code = (enum exit_code)result.code;
out:
    run_result_free(&result);
    buf_free(&command_line);
    return rc == SKS_OK ? code : program_finish(rc, &err);
}
