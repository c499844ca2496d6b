/* sks-issuer: the command line. */
#include "issuer/backup.h"
#include "issuer/check_profile.h"
#include "issuer/data_folder.h"
#include "issuer/evidence.h"
#include "issuer/operator.h"
#include "issuer/purge.h"
#include "issuer/serve.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { DAYS_MAX = 36500 };

struct options {
    struct serve_options serve; /* data is for all commands */
    bool verbose, json, schema;
    struct evidence_options evidence;
    const char *device;
    uint32_t older_than;
    const char *passphrase_file;
};

#define AT(member) .offset = offsetof(struct options, member)
#define DATA                                                                                       \
    {                                                                                              \
        "data", 0, "DIR", "folder with keys and database", OPTION_TEXT, AT(serve.data),            \
            .required = true, .environment = "SKS_ISSUER_DATA"                                     \
    }
#define PUBLIC_URL                                                                                 \
    {                                                                                              \
        "public-url", 0, "URL", "address that clients use (default: the listener's own)",          \
            OPTION_TEXT, AT(serve.public_url)                                                      \
    }
#define JSON(help)                                                                                 \
    {                                                                                              \
        "json", 0, NULL, help, OPTION_FLAG, AT(json)                                               \
    }

static const struct option_row INIT[] = { DATA, PUBLIC_URL, { 0 } };
static const struct option_row SERVE[] = {
    DATA,
    { "http", 0, "HOST:PORT", "listen for http (default: 127.0.0.1:8080 if --https is not given)",
      OPTION_TEXT, AT(serve.http) },
    { "https", 0, "HOST:PORT", "listen for https (default: 127.0.0.1:8443 if --http is not given)",
      OPTION_TEXT, AT(serve.https) },
    PUBLIC_URL,
    { "trust", 0, "DIR-OR-PEM", "trusted device CAs, may be repeated (default: DIR/trust)",
      OPTION_TEXTS, AT(serve.trust) },
    { "profiles", 0, "DIR", "folder of profiles (default: DIR/profiles, else the shipped ones)",
      OPTION_TEXT, AT(serve.profiles) },
    { "seen-certificate", 0, "PEM", "TLS certificate that clients see, if it is not DIR/tls.pem",
      OPTION_TEXT, AT(serve.seen_certificate) },
    { "purge-after", 0, "DAYS", "purge what ended so many days ago (default: nothing is purged)",
      OPTION_NUMBER, AT(serve.purge_after), .min = 1, .max = DAYS_MAX },
    { "stop-seconds", 0, "S", "at SIGTERM, how long to wait for what is under way (default: 10)",
      OPTION_NUMBER, AT(serve.stop_seconds), .max = 3600 },
    { "verbose", 'v', NULL, "log more", OPTION_FLAG, AT(verbose) },
    { 0 },
};
static const struct option_row SESSIONS[] = { DATA, JSON("print JSON"), { 0 } };
static const struct option_row EVIDENCE[] = {
    DATA,
    JSON("print the signed record"),
    { "with-session-key", 0, NULL, "tell the session key, to recompute MACs and proofs with",
      OPTION_FLAG, AT(evidence.session_key) },
    { "reveal-secrets", 0, NULL,
      "tell it even if it opens PINs, PUKs, keys or extensions of the session", OPTION_FLAG,
      AT(evidence.reveal_secrets) },
    { 0 },
};

static const struct option_row DECIDE[] = { DATA, { 0 } };
static const struct option_row ROLL_OVER[] = { DATA, JSON("print JSON"), { 0 } };
static const struct option_row KEYS[] = {
    DATA,
    JSON("print JSON"),
    { "device", 0, "HEX", "only those in the device whose certificate has this SHA-256",
      OPTION_TEXT, AT(device) },
    { 0 },
};
static const struct option_row PURGE[] = {
    DATA,
    JSON("print JSON"),
    { "older-than", 0, "DAYS", "what ended more days ago", OPTION_NUMBER, AT(older_than),
      .required = true, .max = DAYS_MAX },
    { 0 },
};
static const struct option_row BACKUP[] = {
    DATA,
    { "passphrase-file", 0, "FILE", "its first line is the passphrase; mode 0600 (else asked for)",
      OPTION_TEXT, AT(passphrase_file) },
    { 0 },
};
static const struct option_row CHECK_PROFILE[] = {
    JSON("print JSON"),
    { "schema", 0, NULL, "print the JSON Schema of profiles instead", OPTION_FLAG, AT(schema) },
    { 0 },
};

static enum exit_code finish(enum sks_status rc, const struct sks_error *err)
{
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err->text);
}

static enum exit_code run_init(void *from, char **operands, size_t count)
{
    const struct options *options = from;
    const char *url = options->serve.public_url;
    char host[256] = "";
    struct sks_error err = { 0 };

    (void)operands, (void)count;
    if (url != NULL && !url_host(url, host, sizeof host))
        return program_fail(EXIT_USAGE, "--public-url: '%s' is not an http or https URL", url);
    return finish(data_folder_make(options->serve.data, host[0] == '\0' ? NULL : host, &err), &err);
}

static enum exit_code run_check_profile(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    if (options->schema != (count == 0))
        return program_fail(EXIT_USAGE, "check-profile wants either FILEs or --schema");
    return options->schema ? print_profile_schema()
                           : check_profiles(operands, count, options->json);
}

static void serve_defaults(void *options)
{
    ((struct options *)options)->serve.stop_seconds = STOP_SECONDS_DEFAULT;
}

static enum exit_code run_serve(void *from, char **operands, size_t count)
{
    struct options *options = from;

    (void)operands, (void)count;
    if (options->verbose)
        log_set_level(LOG_LEVEL_DEBUG);
    return serve(&options->serve);
}

/* ---- sessions ---- */

static void text_of_time(int64_t seconds, char text[32])
{
    keygen2_time_format(seconds, false, text);
    if (seconds == 0)
        text[0] = '\0';
}

static void print_row(void *ctx, const struct session *session)
{
    char started[32];

    (void)ctx;
    text_of_time(session->started, started);
    (void)printf("%s  %s  %-9s  %s%s%s\n", session->id, started,
                 name_of_value(NAMES_VERDICT, (uint8_t)session->verdict), session->profile,
                 session->cause[0] == '\0' ? "" : "  ", session->cause);
}

static void print_json_row(void *ctx, const struct session *session)
{
    bool *first = ctx;
    char started[32], ended[32], *text;
    json_t *row;

    text_of_time(session->started, started);
    text_of_time(session->ended, ended);
    row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", session->id, "profile",
                  session->profile, "started", started, "ended", ended, "phase",
                  name_of_value(NAMES_PHASE, (uint8_t)session->phase), "verdict",
                  name_of_value(NAMES_VERDICT, (uint8_t)session->verdict), "cause", session->cause);
    text = row == NULL ? NULL : json_dumps(row, JSON_COMPACT);
    (void)printf("%s%s", *first ? "" : ",\n", text == NULL ? "{}" : text);
    *first = false;
    free(text);
    json_decref(row);
}

static enum exit_code run_sessions(void *from, char **operands, size_t count)
{
    const struct options *options = from;
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    bool first = true;
    enum sks_status rc;

    (void)operands, (void)count;
    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(options->serve.data, &store, &err));
    TRY(session_store_expire(&store, clock_now(), &err));
    if (options->json)
        (void)printf("{\"sessions\":[");
    TRY(session_store_each(&store, options->json ? print_json_row : print_row, &first, &err));
    if (options->json)
        (void)printf("]}\n");
out:
    session_store_close(&store);
    return finish(rc, &err);
}

/* ---- evidence ---- */

static enum exit_code run_evidence(void *from, char **operands, size_t count)
{
    const struct options *options = from;
    struct issuer issuer = { 0 };
    struct sks_error err = { 0 };
    struct buf text = { 0 };
    enum sks_status rc;

    (void)count;
    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_load(options->serve.data, &issuer, &err));
    TRY(data_folder_open(options->serve.data, &issuer.store, &err));
    TRY(session_store_expire(&issuer.store, clock_now(), &err));
    TRY(options->json ? evidence_of(&issuer, operands[0], &options->evidence, &text, &err)
                      : evidence_summary(&issuer, operands[0], &text, &err));
    (void)printf("%.*s%s", (int)text.len, (const char *)text.ptr, options->json ? "\n" : "");
out:
    buf_free(&text);
    data_folder_close(&issuer);
    return finish(rc, &err);
}

/* ---- the operator's ---- */

static enum exit_code run_keys(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)operands, (void)count;
    return operator_keys(options->serve.data, options->device, options->json);
}

static enum exit_code run_roll_over(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)operands, (void)count;
    return operator_roll_over(options->serve.data, options->json);
}

static enum exit_code run_approve(void *from, char **operands, size_t count)
{
    (void)count;
    return operator_decide(((const struct options *)from)->serve.data, operands[0], true);
}

static enum exit_code run_reject(void *from, char **operands, size_t count)
{
    (void)count;
    return operator_decide(((const struct options *)from)->serve.data, operands[0], false);
}

static enum exit_code run_purge(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)operands, (void)count;
    return purge_now(options->serve.data, options->older_than, options->json);
}

static enum exit_code run_backup(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return issuer_backup(options->serve.data, operands[0], options->passphrase_file);
}

static enum exit_code run_restore(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return issuer_restore(options->serve.data, operands[0], options->passphrase_file);
}

static const struct command_row COMMANDS[] = {
    { "init", "", 0, 0, "Makes CA, keys, TLS certificate and database, where they are missing.",
      INIT, run_init, NULL },
    { "serve", "", 0, 0, "Enrols keys over http and https; makes what init makes if it is missing.",
      SERVE, run_serve, serve_defaults },
    { "check-profile", "[FILE...]", 0, 1000, "Says what is wrong with profiles.", CHECK_PROFILE,
      run_check_profile, NULL },
    { "sessions", "", 0, 0, "Lists all sessions with their verdicts.", SESSIONS, run_sessions,
      NULL },
    { "evidence", "SESSION", 1, 1, "Prints what happened in a session, and every check.", EVIDENCE,
      run_evidence, NULL },
    { "approve", "SESSION", 1, 1, "Lets a session with deferred issuance go on.", DECIDE,
      run_approve, NULL },
    { "reject", "SESSION", 1, 1, "Ends a session with deferred issuance.", DECIDE, run_reject,
      NULL },
    { "keys", "", 0, 0, "Lists which certificate sits in which device.", KEYS, run_keys, NULL },
    { "roll-over", "", 0, 0, "Makes the next generation of the key management key.", ROLL_OVER,
      run_roll_over, NULL },
    { "purge", "", 0, 0, "Removes old evidence, and dead sessions that nothing needs.", PURGE,
      run_purge, NULL },
    { "backup", "FILE", 1, 1, "Writes database, keys, trust and profiles to one sealed file.",
      BACKUP, run_backup, NULL },
    { "restore", "FILE", 1, 1, "Makes the data folder what it was at a backup.", BACKUP,
      run_restore, NULL },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        .name = "sks-issuer",
        .summary = "issues keys to SKS tokens by KeyGen2",
        .commands = COMMANDS,
        .options_size = sizeof(struct options),
    };

    return program_main(&PROGRAM, argc, argv);
}
