/* The tester: stands where callers of the token stand, and runs sks-conform against it from there,
 * with no relay between. */
#include "interop/clerks.h"
#include "interop/conformance.h"
#include "interop/desk.h"
#include "interop/run.h"

#include <stdio.h>
#include <string.h>

static json_t *refuse(const char *text)
{
    return json_pack("{s:s}", "error", text);
}

static json_t *test(void *ctx, const json_t *question)
{
    const struct tester_options *options = ctx;
    const struct conformance conformance = { .end = "token",
                                             .url = options->token,
                                             .reports = options->reports,
                                             .cases = json_object_get(question, "cases") };
    const char *ask = json_string_value(json_object_get(question, "ask"));
    struct sks_error err = { 0 };
    json_t *account;

    if (ask == NULL || strcmp(ask, "conform") != 0)
        return refuse("the tester does no such thing");
    if (conformance_run(&conformance, &account, &err) != SKS_OK)
        return refuse(err.text);
    return account;
}

enum exit_code tester_run(const struct tester_options *options, const volatile sig_atomic_t *stop)
{
    struct tester_options kept = *options;
    struct sks_error err = { 0 };
    enum sks_status rc;

    run_until(stop);
    REQUIRE(printf("ready %s\n", options->desk) > 0 && fflush(stdout) == 0, &err,
            SKS_ERROR_EXTERNAL, "cannot write to standard output");
    rc = desk_serve(options->desk, test, &kept, stop, &err);
out:
    return program_finish(rc, &err);
}
