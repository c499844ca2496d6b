/* sks-issuer: the command line. */
#include "issuer/backup.h"
#include "issuer/check_profile.h"
#include "issuer/crl.h"
#include "issuer/data_folder.h"
#include "issuer/evidence.h"
#include "issuer/external_ca.h"
#include "issuer/operator.h"
#include "issuer/operator_certificates.h"
#include "issuer/operator_invitations.h"
#include "issuer/options.h"
#include "issuer/purge.h"
#include "issuer/serve.h"
#include "issuer/session_list.h"
#include "issuer/show.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/health.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>

static enum exit_code run_init(void *from, char **operands, size_t count)
{
    const struct options *options = from;
    const struct serve_options *serve = &options->serve;
    const char *url = serve->public_url;
    char host[256] = "";
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    if (url != NULL && !url_host(url, host, sizeof host))
        return program_fail(EXIT_USAGE, "--public-url: '%s' is not an http or https URL", url);
    TRY(data_folder_adopt_ca(serve->data, serve->ca_key, serve->ca_cert, &err));
    rc = data_folder_make(serve->data, host[0] == '\0' ? NULL : host, &err);
out:
    return program_finish(rc, &err);
}

static enum exit_code run_check_profile(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    if (options->schema != (count == 0))
        return program_fail(EXIT_USAGE, "check-profile wants either FILEs or --schema");
    return options->schema ? print_profile_schema()
                           : check_profiles(operands, count, options->json);
}

static void serve_defaults(void *from)
{
    struct serve_options *serve = &((struct options *)from)->serve;

    ((struct options *)from)->log_level = "info";
    serve->log_format = "text";
    serve->server_keys = 2;
    serve->stop_seconds = STOP_SECONDS_DEFAULT;
    serve->crl_life = CRL_LIFE_DEFAULT;
    serve->external_ca_seconds = EXTERNAL_CA_SECONDS;
    serve->limits.sessions = CAPS_SESSIONS_DEFAULT;
}

static enum exit_code run_serve(void *from, char **operands, size_t count)
{
    struct options *options = from;

    (void)operands, (void)count;
    log_set_level_by_name(options->verbose ? "debug" : options->log_level);
    return serve(&options->serve);
}

/* ---- sessions ---- */

static enum exit_code run_sessions(void *from, char **operands, size_t count)
{
    struct options *options = from;

    (void)operands, (void)count;
    options->sessions.device = options->device;
    return list_sessions(options->serve.data, &options->sessions, options->json);
}

static enum exit_code run_show(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return show_session(options->serve.data, operands[0], options->json);
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
    if (options->evidence.session_key && !options->json)
        return program_fail(EXIT_USAGE, "--with-session-key wants --json");
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
    return program_finish(rc, &err);
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
    return options->evidence_key ? operator_renew_evidence(options->serve.data, options->json)
                                 : operator_roll_over(options->serve.data, options->json);
}

static enum exit_code run_approve(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)count;
    return operator_decide(options->serve.data, operands[0], true, options->device,
                           &options->settings);
}

static enum exit_code run_reject(void *from, char **operands, size_t count)
{
    (void)count;
    return operator_decide(((const struct options *)from)->serve.data, operands[0], false, NULL,
                           NULL);
}

static enum exit_code run_invite(void *from, char **operands, size_t count)
{
    struct options *options = from;

    (void)count;
    options->invite.data = options->serve.data;
    options->invite.public_url = options->serve.public_url;
    options->invite.profile = operands[0];
    options->invite.settings = &options->settings;
    options->invite.json = options->json;
    return operator_invite(&options->invite);
}

static enum exit_code run_invitations(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)operands, (void)count;
    return operator_invitations(options->serve.data, options->json);
}

static enum exit_code run_withdraw(void *from, char **operands, size_t count)
{
    (void)count;
    return operator_withdraw(((const struct options *)from)->serve.data, operands[0]);
}

static enum exit_code run_revoke(void *from, char **operands, size_t count)
{
    struct options *options = from;

    options->revoke.data = options->serve.data;
    options->revoke.json = options->json;
    return operator_revoke(&options->revoke, count == 0 ? NULL : operands[0]);
}

static enum exit_code run_export(void *from, char **operands, size_t count)
{
    const struct options *options = from;

    (void)operands, (void)count;
    return operator_export(options->serve.data, options->revoke.session, options->json);
}

static enum exit_code run_forget(void *from, char **operands, size_t count)
{
    (void)count;
    return operator_forget(((const struct options *)from)->serve.data, operands[0]);
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

static void health_defaults(void *from)
{
    ((struct options *)from)->health.seconds = HEALTH_SECONDS_DEFAULT;
}

static enum exit_code run_healthcheck(void *from, char **operands, size_t count)
{
    struct options *options = from;

    options->health.http = options->serve.http;
    options->health.https = options->serve.https;
    options->health.json = options->json;
    return healthcheck(&options->health, count == 0 ? NULL : operands[0]);
}

static const struct command_row COMMANDS[] = {
    { "init", "", 0, 0, "Makes CA, keys, TLS certificate and database, where they are missing.",
      OPTIONS_INIT, run_init, NULL },
    { "serve", "", 0, 0, "Enrols keys over http and https; makes what init makes if it is missing.",
      OPTIONS_SERVE, run_serve, serve_defaults },
    { "healthcheck", "[URL]", 0, 1,
      "Opens a session at a server and ends it: exit 0 if it is well, else 3.", OPTIONS_HEALTHCHECK,
      run_healthcheck, health_defaults },
    { "check-profile", "[FILE...]", 0, 1000, "Says what is wrong with profiles.",
      OPTIONS_CHECK_PROFILE, run_check_profile, NULL },
    { "sessions", "", 0, 0, "Lists sessions with their verdicts, newest first.", OPTIONS_SESSIONS,
      run_sessions, NULL },
    { "show", "SESSION", 1, 1, "Prints a session from message to message, check by check.",
      OPTIONS_SHOW, run_show, NULL },
    { "evidence", "SESSION", 1, 1, "Prints what happened in a session, and every check.",
      OPTIONS_EVIDENCE, run_evidence, NULL },
    { "forget", "SESSION", 1, 1, "Forgets the session key of a session that is over, for good.",
      OPTIONS_FORGET, run_forget, NULL },
    { "approve", "SESSION", 1, 1, "Lets a session with deferred issuance go on.", OPTIONS_APPROVE,
      run_approve, NULL },
    { "reject", "SESSION", 1, 1, "Ends a session with deferred issuance.", OPTIONS_DECIDE,
      run_reject, NULL },
    { "invite", "PROFILE", 1, 1, "Makes a one-time code for an enrolment, with link and QR code.",
      OPTIONS_INVITE, run_invite, NULL },
    { "invitations", "", 0, 0, "Lists the invitations, without their codes.", OPTIONS_INVITATIONS,
      run_invitations, NULL },
    { "withdraw", "NUMBER", 1, 1, "Takes an invitation back.", OPTIONS_DECIDE, run_withdraw, NULL },
    { "keys", "", 0, 0, "Lists which certificate sits in which device.", OPTIONS_KEYS, run_keys,
      NULL },
    { "export", "", 0, 0, "Prints all certificates with device, profile, session and state.",
      OPTIONS_EXPORT, run_export, NULL },
    { "revoke", "[SERIAL]", 0, 1, "Revokes a certificate, or all of a session; or holds them.",
      OPTIONS_REVOKE, run_revoke, NULL },
    { "roll-over", "", 0, 0, "Makes the next generation of the key management key.",
      OPTIONS_ROLL_OVER, run_roll_over, NULL },
    { "purge", "", 0, 0,
      "Removes old evidence and invitations, and dead sessions that nothing needs.", OPTIONS_PURGE,
      run_purge, NULL },
    { "backup", "FILE", 1, 1, "Writes database, keys, trust and profiles to one sealed file.",
      OPTIONS_BACKUP, run_backup, NULL },
    { "restore", "FILE", 1, 1,
      "Makes a data folder, missing or empty so far, what one was at a backup.", OPTIONS_BACKUP,
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
