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
#include "issuer/purge.h"
#include "issuer/serve.h"
#include "issuer/session_list.h"
#include "issuer/show.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/key_pool.h"

#include <stdio.h>
#include <stdlib.h>

enum { DAYS_MAX = 36500 };

struct options {
    struct serve_options serve; /* data is for all commands */
    bool verbose, json, schema, evidence_key;
    struct evidence_options evidence;
    const char *device;
    struct list_options sessions;
    struct revoke_options revoke;
    struct texts settings;
    struct invite_options invite;
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
    { "log-format", 0, "json|text", "form of the log's lines (text)", OPTION_TEXT,
      AT(serve.log_format) },
    { "manage", 0, "HOST:PORT", "serve /healthz and /metrics there (default: nowhere)", OPTION_TEXT,
      AT(serve.manage) },
    { "manage-any", 0, NULL, "let --manage be another address than the loopback's", OPTION_FLAG,
      AT(serve.manage_any) },
    { "server-keys", 0, "N",
      "make N RSA keys ahead for sessions of 2010, of each size in use; 0: none (default 2)",
      OPTION_NUMBER, AT(serve.server_keys), false, "SKS_ISSUER_SERVER_KEYS", 0, KEY_POOL_MAX },
    { "crl-url", 0, "URL", "address of the CRL that certificates name (default: PUBLIC-URL/crl)",
      OPTION_TEXT, AT(serve.crl_url) },
    { "crl-life", 0, "S", "seconds from a CRL to its nextUpdate (86400); half that, a new one",
      OPTION_NUMBER, AT(serve.crl_life), .min = CRL_LIFE_MIN, .max = CRL_LIFE_MAX },
    { "external-ca", 0, "COMMAND",
      "issues the certificates: JSON on its stdin, the path on its stdout (default: our own CA)",
      OPTION_TEXT, AT(serve.external_ca) },
    { "external-ca-timeout", 0, "S", "seconds that it may take (60)", OPTION_NUMBER,
      AT(serve.external_ca_seconds), .min = 1, .max = EXTERNAL_CA_SECONDS_MAX },
    { "max-sessions", 0, "N", "open sessions in all (10000)", OPTION_NUMBER,
      AT(serve.limits.sessions), .min = 1, .max = CAPS_SESSIONS_MAX },
    { "max-address-sessions", 0, "N",
      "open sessions begun by one address (200, of loopback any number)", OPTION_NUMBER,
      AT(serve.limits.address_sessions), .min = 1, .max = CAPS_SESSIONS_MAX },
    { "max-address-requests", 0, "N",
      "requests a second of one address (50, of loopback any number)", OPTION_NUMBER,
      AT(serve.limits.address_requests), .min = 1, .max = CAPS_REQUESTS_MAX },
    { "verbose", 'v', NULL, "log more", OPTION_FLAG, AT(verbose) },
    { 0 },
};
static const struct option_row SESSIONS[] = {
    DATA,
    JSON("print JSON"),
    { "verdict", 0, "VERDICT", "only those that are open, succeeded, failed or in-doubt",
      OPTION_TEXT, AT(sessions.verdict) },
    { "profile", 0, "NAME", "only those of a profile", OPTION_TEXT, AT(sessions.profile) },
    { "since", 0, "TIME", "only those begun then or later: 2026-11-23, 2026-11-23T08:00:00Z, 12h",
      OPTION_TEXT, AT(sessions.since) },
    { "until", 0, "TIME", "only those begun before", OPTION_TEXT, AT(sessions.until) },
    { "device", 0, "HEX", "only those of the device whose certificate's SHA-256 begins so",
      OPTION_TEXT, AT(device) },
    { "limit", 0, "N", "only the newest N", OPTION_NUMBER, AT(sessions.limit), .min = 1,
      .max = UINT32_MAX },
    { 0 },
};
static const struct option_row SHOW[] = { DATA, JSON("print JSON"), { 0 } };
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

static const struct option_row FORGET[] = { DATA, { 0 } };
static const struct option_row DECIDE[] = { DATA, { 0 } };
static const struct option_row ROLL_OVER[] = {
    DATA,
    JSON("print JSON"),
    { "evidence-key", 0, NULL, "another evidence key instead", OPTION_FLAG, AT(evidence_key) },
    { 0 },
};
static const struct option_row APPROVE[] = {
    DATA,
    { "set", 0, "NAME=VALUE", "a value of the enrolment, for its certificates; again for the next",
      OPTION_TEXTS, AT(settings) },
    { "device", 0, "DIGITS",
      "the first eight digits of the SHA-256 of the device's certificate, from its owner",
      OPTION_TEXT, AT(device) },
    { 0 },
};
static const struct option_row INVITE[] = {
    DATA,
    PUBLIC_URL,
    { "uses", 0, "N", "enrolments that it is good for (1)", OPTION_NUMBER, AT(invite.uses),
      .min = 1, .max = INVITATION_USES_MAX },
    { "expires", 0, "TIME", "until when: 30m, 12h, 7d or 2026-12-31T12:00:00Z (7d)", OPTION_TEXT,
      AT(invite.expires) },
    { "subject", 0, "TEXT", "who it is for: {subject} in certificates", OPTION_TEXT,
      AT(invite.subject) },
    { "set", 0, "NAME=VALUE", "a value of the enrolment, for its certificates; again for the next",
      OPTION_TEXTS, AT(settings) },
    JSON("print JSON"),
    { 0 },
};
static const struct option_row INVITATIONS[] = { DATA, JSON("print JSON"), { 0 } };
static const struct option_row REVOKE[] = {
    DATA,
    { "session", 0, "ID", "all certificates of this session", OPTION_TEXT, AT(revoke.session) },
    { "reason", 0, "REASON", "as RFC 5280 names it, e.g. keyCompromise (unspecified)", OPTION_TEXT,
      AT(revoke.reason) },
    { "hold", 0, NULL, "on hold only, until it is released", OPTION_FLAG, AT(revoke.hold) },
    { "release", 0, NULL, "from the operator's hold", OPTION_FLAG, AT(revoke.release) },
    JSON("print JSON"),
    { 0 },
};
static const struct option_row EXPORT[] = {
    DATA,
    JSON("print JSON"),
    { "session", 0, "ID", "only those of this session", OPTION_TEXT, AT(revoke.session) },
    { 0 },
};
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

static enum exit_code run_init(void *from, char **operands, size_t count)
{
    const struct options *options = from;
    const char *url = options->serve.public_url;
    char host[256] = "";
    struct sks_error err = { 0 };

    (void)operands, (void)count;
    if (url != NULL && !url_host(url, host, sizeof host))
        return program_fail(EXIT_USAGE, "--public-url: '%s' is not an http or https URL", url);
    return program_finish(
        data_folder_make(options->serve.data, host[0] == '\0' ? NULL : host, &err), &err);
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
    ((struct options *)from)->serve.server_keys = 2;
    ((struct options *)from)->serve.stop_seconds = STOP_SECONDS_DEFAULT;
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

static const struct command_row COMMANDS[] = {
    { "init", "", 0, 0, "Makes CA, keys, TLS certificate and database, where they are missing.",
      INIT, run_init, NULL },
    { "serve", "", 0, 0, "Enrols keys over http and https; makes what init makes if it is missing.",
      SERVE, run_serve, serve_defaults },
    { "check-profile", "[FILE...]", 0, 1000, "Says what is wrong with profiles.", CHECK_PROFILE,
      run_check_profile, NULL },
    { "sessions", "", 0, 0, "Lists sessions with their verdicts, newest first.", SESSIONS,
      run_sessions, NULL },
    { "show", "SESSION", 1, 1, "Prints a session from message to message, check by check.", SHOW,
      run_show, NULL },
    { "evidence", "SESSION", 1, 1, "Prints what happened in a session, and every check.", EVIDENCE,
      run_evidence, NULL },
    { "forget", "SESSION", 1, 1, "Forgets the session key of a session that is over, for good.",
      FORGET, run_forget, NULL },
    { "approve", "SESSION", 1, 1, "Lets a session with deferred issuance go on.", APPROVE,
      run_approve, NULL },
    { "reject", "SESSION", 1, 1, "Ends a session with deferred issuance.", DECIDE, run_reject,
      NULL },
    { "invite", "PROFILE", 1, 1, "Makes a one-time code for an enrolment, with link and QR code.",
      INVITE, run_invite, NULL },
    { "invitations", "", 0, 0, "Lists the invitations, without their codes.", INVITATIONS,
      run_invitations, NULL },
    { "withdraw", "NUMBER", 1, 1, "Takes an invitation back.", DECIDE, run_withdraw, NULL },
    { "keys", "", 0, 0, "Lists which certificate sits in which device.", KEYS, run_keys, NULL },
    { "export", "", 0, 0, "Prints all certificates with device, profile, session and state.",
      EXPORT, run_export, NULL },
    { "revoke", "[SERIAL]", 0, 1, "Revokes a certificate, or all of a session; or holds them.",
      REVOKE, run_revoke, NULL },
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
