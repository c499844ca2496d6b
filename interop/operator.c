/* The operator of the issuer: knows its folder, and runs sks-issuer on it. */
#include "interop/clerks.h"
#include "interop/desk.h"
#include "interop/run.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/pem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SECONDS = 60,
    PEM_MAX = 64 * 1024,
    SESSION_ID_LENGTH = 32,
    PUBLIC_MODE = 0644,
    CERTIFICATES_MAX = 4
};

static const char TLS_FILE[] = "tls.pem", TESTER_FILE[] = "tester-ca.pem";

/* ---- what needs no sks-issuer ---- */

static enum sks_status trust_place(const struct operator_options *options, char path[PATH_MAX],
                                   struct sks_error *err)
{
    enum sks_status rc;

    REQUIRE(options->trust != NULL, err, SKS_ERROR_OPTION,
            "the operator has no folder of device CAs");
    rc = sks_explain(err, file_path(path, PATH_MAX, options->trust, TESTER_FILE));
out:
    return rc;
}

/* The certificate alone is written, whatever came with it. */
static enum sks_status trust(const struct operator_options *options, const json_t *question,
                             struct sks_error *err)
{
    const char *pem = json_string_value(json_object_get(question, "pem"));
    char path[PATH_MAX];
    struct bytes_list list;
    struct arena arena = { 0 };
    struct buf out = { 0 };
    enum sks_status rc;

    TRY(trust_place(options, path, err));
    REQUIRE(pem != NULL, err, SKS_ERROR_OPTION, "no certificate to trust");
    TRY(pem_certificates(bytes_of(pem), CERTIFICATES_MAX, &arena, &list, err));
    REQUIRE(list.count == 1, err, SKS_ERROR_OPTION, "it trusts one certificate at a time");
    TRY(put_pem(&out, "CERTIFICATE", list.item[0]));
    rc = file_write(path, PUBLIC_MODE, buf_bytes(&out), err);
out:
    buf_free(&out);
    arena_free(&arena);
    return rc;
}

static enum sks_status distrust(const struct operator_options *options, const json_t *question,
                                struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    (void)question;
    TRY(trust_place(options, path, err));
    REQUIRE(unlink(path) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
out:
    return rc;
}

static enum sks_status nothing(const struct operator_options *options, const json_t *question,
                               struct sks_error *err)
{
    (void)options, (void)question, (void)err;
    return SKS_OK;
}

/* What can be asked for: an sks-issuer command, and whether serve must hear of it. */
struct errand {
    const char *ask, *command, *option;
    bool of_session; /* the question names one, and so does the command */
    bool reload;     /* SIGHUP to serve afterwards */
    enum sks_status (*act)(const struct operator_options *options, const json_t *question,
                           struct sks_error *err); /* where there is no command */
};

static const struct errand ERRANDS[] = {
    { "approve", "approve", NULL, true, false, NULL },
    { "verdict", "show", "--json", true, false, NULL },
    { "revoke", "revoke", "--session", true, false, NULL },
    { "sessions", "sessions", "--json", false, false, NULL },
    { "certificates", "export", "--json", false, false, NULL },
    { "keys", "keys", "--json", false, false, NULL },
    { "roll-over", "roll-over", "--json", false, true, NULL },
    { "trust", NULL, NULL, false, true, trust },
    { "distrust", NULL, NULL, false, true, distrust },
    { "reload", NULL, NULL, false, true, nothing },
};

/* ---- what is asked ---- */

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

static json_t *act(const struct errand *errand, const struct operator_options *options,
                   const json_t *question)
{
    struct sks_error err = { 0 };

    return errand->act(options, question, &err) == SKS_OK ? json_object() : refuse(err.text);
}

static json_t *command(const struct errand *errand, const struct operator_options *options,
                       const char *session)
{
    struct words words = { 0 };
    struct run_result result = { 0 };
    struct sks_error err = { 0 };
    json_t *answer;

    words_add(&words, "sks-issuer", errand->command, "--data", options->data, NULL);
    if (errand->option != NULL)
        words_add(&words, errand->option, NULL);
    if (errand->of_session)
        words_add(&words, session, NULL);
    if (run_program(&words, SECONDS, &result, &err) != SKS_OK)
        answer = refuse(err.text);
    else
        answer = answer_of(&result);
    run_result_free(&result);
    return answer;
}

static json_t *do_errand(void *ctx, const json_t *question)
{
    const struct operator_options *options = ctx;
    const struct errand *errand = find_errand(question);
    const char *session = json_string_value(json_object_get(question, "session"));
    json_t *answer;

    if (errand == NULL)
        return refuse("the operator does no such thing");
    if (errand->of_session && !is_session_id(session))
        return refuse("that is no serverSessionId");
    answer = errand->command == NULL ? act(errand, options, question)
                                     : command(errand, options, session);
    if (errand->reload)
        tell_issuer(options);
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
