/* The operator of the issuer: knows its folder, and runs sks-issuer on it. */
#include "interop/clerks.h"
#include "interop/desk.h"
#include "interop/run.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SECONDS = 60, PEM_MAX = 64 * 1024, SESSION_ID_LENGTH = 32, PUBLIC_MODE = 0644 };

static const char TLS_FILE[] = "tls.pem";

/* What can be asked for: an sks-issuer command, and whether serve must hear of it. */
struct errand {
    const char *ask, *command, *option;
    bool of_session; /* the question names one, and so does the command */
    bool reload;     /* SIGHUP to serve afterwards */
};

static const struct errand ERRANDS[] = {
    { "approve", "approve", NULL, true, false },
    { "verdict", "show", "--json", true, false },
    { "revoke", "revoke", "--session", true, false },
    { "sessions", "sessions", "--json", false, false },
    { "certificates", "export", "--json", false, false },
    { "keys", "keys", "--json", false, false },
    { "roll-over", "roll-over", "--json", false, true },
    { "reload", NULL, NULL, false, true },
};

static json_t *refuse(const char *text)
{
    return json_pack("{s:s}", "error", text);
}

static const struct errand *find_errand(const json_t *question)
{
    const char *ask = json_string_value(json_object_get(question, "ask"));

    for (size_t i = 0; ask != NULL && i < NITEMS(ERRANDS); i++)
        if (strcmp(ERRANDS[i].ask, ask) == 0)
            return &ERRANDS[i];
    return NULL;
}

static bool is_session_id(const char *text)
{
    static const char CHARACTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    return text != NULL && strlen(text) == SESSION_ID_LENGTH && text[0] != '-' &&
           strspn(text, CHARACTERS) == SESSION_ID_LENGTH;
}

/* SIGHUP has no answer, but is heard at once. */
static void tell_issuer(const struct operator_options *options)
{
    if (options->issuer == 0)
        return;
    if (kill((pid_t)options->issuer, SIGHUP) != 0)
        log_error("no process %u to tell", (unsigned)options->issuer);
    (void)nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
}

static json_t *answer_of(const struct run_result *result)
{
    json_t *output = result->out.len == 0 ? json_null()
                                          : json_loadb((const char *)result->out.ptr,
                                                       result->out.len, JSON_DECODE_ANY, NULL);
    struct buf text = { 0 };
    json_t *answer;

    if (result->code == EXIT_DONE) /* some commands print a line for people */
        return json_pack("{s:o}", "output", output == NULL ? json_null() : output);
    json_decref(output);
    put_raw(&text, buf_bytes(&result->err));
    put_byte(&text, '\0');
    answer = refuse(text.status == SKS_OK ? (const char *)text.ptr : "sks-issuer failed");
    buf_free(&text);
    return answer == NULL ? refuse("sks-issuer failed, and not in UTF-8") : answer;
}

static json_t *do_errand(void *ctx, const json_t *question)
{
    const struct operator_options *options = ctx;
    const struct errand *errand = find_errand(question);
    const char *session = json_string_value(json_object_get(question, "session"));
    struct words words = { 0 };
    struct run_result result = { 0 };
    struct sks_error err = { 0 };
    json_t *answer;

    if (errand == NULL)
        return refuse("the operator does no such thing");
    if (errand->of_session && !is_session_id(session))
        return refuse("that is no serverSessionId");
    if (errand->command == NULL) {
        tell_issuer(options);
        return json_object();
    }
    words_add(&words, "sks-issuer", errand->command, "--data", options->data, NULL);
    if (errand->option != NULL)
        words_add(&words, errand->option, NULL);
    if (errand->of_session)
        words_add(&words, session, NULL);
    if (run_program(&words, SECONDS, &result, &err) != SKS_OK)
        answer = refuse(err.text);
    else
        answer = answer_of(&result);
    if (errand->reload)
        tell_issuer(options);
    run_result_free(&result);
    return answer;
}

/* Who connects to the issuer has to know its certificate, and gets it from its operator. */
static enum sks_status publish(const struct operator_options *options, struct sks_error *err)
{
    char path[PATH_MAX];
    struct buf pem = { 0 };
    enum sks_status rc;

    if (options->publish == NULL)
        return SKS_OK;
    TRY(sks_explain(err, file_path(path, sizeof path, options->data, TLS_FILE)));
    TRY(file_read(path, PEM_MAX, &pem, err));
    TRY(file_write(options->publish, PUBLIC_MODE, buf_bytes(&pem), err));
out:
    buf_free(&pem);
    return rc;
}

enum exit_code operator_run(const struct operator_options *options,
                            const volatile sig_atomic_t *stop)
{
    struct operator_options kept = *options;
    struct sks_error err = { 0 };
    enum sks_status rc;

    TRY(publish(options, &err));
    REQUIRE(printf("ready %s\n", options->desk) > 0 && fflush(stdout) == 0, &err,
            SKS_ERROR_EXTERNAL, "cannot write to standard output");
    rc = desk_serve(options->desk, do_errand, &kept, stop, &err);
out:
    return program_finish(rc, &err);
}
