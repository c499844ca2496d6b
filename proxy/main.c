/* sks-proxy: the untrusted middleware between a KeyGen2 issuer and a token. */
#include "keygen2/base/log.h"
#include "keygen2/base/option_check.h"
#include "keygen2/base/program.h"
#include "keygen2/base/terminal.h"
#include "matrix/command.h"
#include "proxy/attacked.h"
#include "proxy/dialogue.h"
#include "proxy/enrolment_page_link.h"
#include "proxy/healthcheck.h"
#include "proxy/proof.h"
#include "proxy/provision.h"
#include "proxy/relay/command.h"
#include "proxy/suspended.h"
#include "proxy/trust_anchor.h"

#include <stdio.h>
#include <string.h>

struct options {
    const char *pin_file, *ca, *attack, *trace, *state, *session, *cookie, *trust_anchor;
    struct texts tokens, pins, images;
    bool yes, insecure, json, verbose, resume, forget, blind;
    uint32_t timeout;
};

#define AT(member) .offset = offsetof(struct options, member)

static enum sks_status check_token(const char *text, struct sks_error *err)
{
    bool good = (strncmp(text, "http://", 7) == 0 && text[7] != '\0') ||
                (strncmp(text, "unix:", 5) == 0 && text[5] != '\0');

    return good ? SKS_OK
                : sks_fail(err, SKS_ERROR_OPTION,
                           "is no address of a token: neither http://HOST:PORT nor unix:PATH");
}

static const struct option_row PROVISION[] = {
    { "token", 0, "TOKEN-URL",
      "the token: http://HOST:PORT or unix:PATH; again for the next to choose from", OPTION_TEXTS,
      AT(tokens), .required = true, .check = check_token },
    { "pin", 0, "PIN", "the new keys' PIN, visible to others on this machine; again for the next",
      OPTION_TEXTS, AT(pins), .environment = "" /* user.c reads $SKS_PROXY_PIN */, .secret = true },
    { "pin-file", 0, "FILE",
      "the PIN is its first line; mode 0600 (else $SKS_PROXY_PIN, else asks)", OPTION_TEXT,
      AT(pin_file), .check = check_file },
    { "yes", 'y', NULL, "consent without being asked", OPTION_FLAG, AT(yes) },
    { "ca", 0, "PEM", "file of certificates that vouch for an https issuer (the system's)",
      OPTION_TEXT, AT(ca), .check = check_certificates },
    { "insecure", 0, NULL, "take any certificate of an https issuer", OPTION_FLAG, AT(insecure) },
    { "image", 0, "KIND=TYPE:WxH",
      "logotypes to ask for, e.g. card=image/svg+xml:320x200 (PNG); again for the next",
      OPTION_TEXTS, AT(images), .check = logotype_check },
    { "trust-anchor", 0, "FOLDER",
      "write CA certificates that the issuer offers there, as PEM (asks on a terminal)",
      OPTION_TEXT, AT(trust_anchor) },
    { "resume", 0, NULL, "go on with a session that waits for the issuer (deferred issuance)",
      OPTION_FLAG, AT(resume) },
    { "session", 0, "ID", "with --resume: which, if several wait", OPTION_TEXT, AT(session) },
    { "cookie", 0, "NAME=VALUE",
      "with --resume: the issuer's cookie, if it was not kept; visible to others on this machine",
      OPTION_TEXT, AT(cookie), .environment = "SKS_PROXY_COOKIE", .secret = true },
    { "state", 0, "FOLDER",
      "where sessions that wait and closing proofs are kept ($XDG_STATE_HOME/sks-proxy, "
      "~/.local/state/sks-proxy)",
      OPTION_TEXT, AT(state) },
    { "blind", 0, NULL,
      "check nothing that can be passed on: syntax, order, ids, certificate paths, PINs are left "
      "to the ends; for attacks",
      OPTION_FLAG, AT(blind) },
    { "json", 0, NULL, "print the outcome as a JSON object", OPTION_FLAG, AT(json) },
    { "verbose", 'v', NULL, "show each message on standard error", OPTION_FLAG, AT(verbose) },
    { "trace", 0, "FILE", "write each message's size and status there, as JSON lines", OPTION_TEXT,
      AT(trace) },
    { "attack", 0, "NAME-OR-FILE",
      "alter what crosses by a rule file, or a ready attack (sks-proxy attacks)", OPTION_TEXT,
      AT(attack), .check = attack_check },
    { "timeout", 0, "S", "seconds that one exchange may take (120)", OPTION_NUMBER, AT(timeout),
      .min = 1, .max = 3600 },
    { 0 },
};

static const struct option_row RESUME[] = {
    { "session", 0, "ID", "only this one", OPTION_TEXT, AT(session) },
    { "forget", 0, NULL, "with --session: send nothing, delete what is kept of it", OPTION_FLAG,
      AT(forget) },
    { "state", 0, "FOLDER",
      "where they are kept ($XDG_STATE_HOME/sks-proxy, ~/.local/state/sks-proxy)", OPTION_TEXT,
      AT(state) },
    { "ca", 0, "PEM", "file of certificates that vouch for an https issuer (the system's)",
      OPTION_TEXT, AT(ca), .check = check_certificates },
    { "insecure", 0, NULL, "take any certificate of an https issuer", OPTION_FLAG, AT(insecure) },
    { "json", 0, NULL, "print what became of them as a JSON object", OPTION_FLAG, AT(json) },
    { "timeout", 0, "S", "seconds that one exchange may take (120)", OPTION_NUMBER, AT(timeout),
      .min = 1, .max = 3600 },
    { 0 },
};

/* Raised by Ctrl-C, SIGTERM and a terminal that goes away; looked at between steps and by the
 * transfers. */
static volatile sig_atomic_t stop;

static void raise_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction catch = { .sa_handler = raise_stop }; /* no SA_RESTART: a prompt ends */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, &catch, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup(1) */
        (void)sigaction(SIGHUP, &catch, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

static struct issuer_link_config link_config(const struct options *options)
{
    return (struct issuer_link_config){ options->ca, options->insecure, options->timeout, &stop };
}

/* All that an enrolment borrows. */
static enum sks_status open_ends(const struct options *options, const struct page_link *link,
                                 struct enrolment *e, struct attack **attack, struct sks_error *err)
{
    struct issuer_link_config issuer = link_config(options);
    struct token_link_config token = { .timeout = options->timeout,
                                       .stop = &stop,
                                       .watch = provision_watch,
                                       .alter = attacked_call,
                                       .alter_ctx = e };
    struct user_config user = { .yes = options->yes,
                                .pins = options->pins.item,
                                .pin_count = options->pins.count,
                                .pin_file = options->pin_file,
                                .stop = &stop };
    enum sks_status rc;

    for (size_t i = 0; i < options->images.count; i++)
        TRY(logotype_parse(options->images.item[i], &e->logotypes, err));
    TRY(issuer_link_open(link->url, &issuer, &e->issuer, err));
    if (link->cookie != NULL)
        TRY(issuer_link_add_cookie(e->issuer, link->cookie, err));
    if (options->attack != NULL)
        TRY(attack_load(options->attack, attack, err));
    e->attack = *attack;
    TRY(user_open(&user, &e->user, err));
    TRY(trace_open(options->verbose, options->trace, &e->trace, err));
    token.watch_ctx = e->trace;
    for (; e->token_count < options->tokens.count; e->token_count++)
        TRY(token_link_open(options->tokens.item[e->token_count], &token,
                            &e->tokens[e->token_count], err));
out:
    return rc;
}

static void close_ends(struct enrolment *e, struct attack *attack)
{
    for (size_t i = 0; i < e->token_count; i++)
        token_link_close(e->tokens[i]);
    issuer_link_close(e->issuer);
    trace_close(e->trace);
    user_close(e->user);
    attack_free(attack);
    arena_free(&e->arena);
}

/* What the options must not be together; NULL if they are right. */
static const char *wrong_options(const struct options *options)
{
    if (options->pins.count > 0 && options->pin_file != NULL)
        return "--pin and --pin-file exclude each other";
    if (options->ca != NULL && options->insecure)
        return "--ca and --insecure exclude each other";
    if (!options->resume && (options->session != NULL || options->cookie != NULL))
        return "--session and --cookie need --resume";
    if (!options->yes && !terminal_exists())
        return "no terminal to ask for consent on: give --yes";
    return NULL;
}

/* The enrolment, and what remains to be done for its user afterwards. */
static enum exit_code run(const struct options *options, struct enrolment *e)
{
    struct sks_error err = { 0 };
    struct outcome outcome;
    enum sks_status rc = SKS_OK;

    dialogue_run(e, &outcome);
    if (outcome.kind == OUTCOME_SUCCEEDED)
        rc = trust_anchors_offer(e, options->trust_anchor, &outcome, &err);
    outcome_print(&outcome, options->json);
    return rc == SKS_OK ? outcome_exit_code(&outcome) : program_fail(EXIT_IO, "%s", err.text);
}

/* What this issuer does not know yet of earlier sessions; a failure is no reason not to begin. */
static void send_proofs(const struct options *options, const char *url, const char *folder)
{
    struct proof_config config = {
        .state_folder = folder, .issuer_uri = url, .link = link_config(options), .told = proof_log
    };
    struct sks_error err = { 0 };

    if (folder != NULL && proof_send_all(&config, &err) != SKS_OK)
        log_error("%s", err.text);
}

static enum exit_code provision(void *given, char **operands, size_t count)
{
    const struct options *options = given;
    struct enrolment e = { .stop = &stop, .logotypes = logotype_defaults() };
    struct attack *attack = NULL;
    struct sks_error err = { 0 };
    struct page_link link = { .url = operands[0] };
    char state[PATH_MAX];
    enum exit_code code;
    enum sks_status rc = SKS_OK;

    (void)count;
    if (wrong_options(options) != NULL)
        return program_fail(EXIT_USAGE, "%s\ntry 'sks-proxy provision --help'",
                            wrong_options(options));
    catch_signals();
    e.resume = options->resume;
    e.session = options->session;
    e.cookie = options->cookie;
    e.blind = options->blind;
    if (suspended_folder(options->state, state, &err) == SKS_OK)
        e.state_folder = state;
    if (page_link_is(operands[0]))
        rc = page_link_read(operands[0], &e.arena, &link, &err);
    if (rc == SKS_OK)
        rc = open_ends(options, &link, &e, &attack, &err);
    if (rc == SKS_OK)
        send_proofs(options, link.url, e.state_folder);
    code = rc == SKS_OK ? run(options, &e) : program_fail(program_exit_code(rc), "%s", err.text);
    close_ends(&e, attack);
    return code;
}

static enum exit_code resume(void *given, char **operands, size_t count)
{
    const struct options *options = given;
    struct proof_config config = { .issuer_uri = count == 0 ? NULL : operands[0],
                                   .session = options->session,
                                   .forget = options->forget,
                                   .link = link_config(options) };
    struct sks_error err = { 0 };
    char state[PATH_MAX];

    if (options->ca != NULL && options->insecure)
        return program_fail(EXIT_USAGE, "--ca and --insecure exclude each other");
    if (options->forget && options->session == NULL)
        return program_fail(EXIT_USAGE, "--forget needs --session");
    catch_signals();
    if (suspended_folder(options->state, state, &err) != SKS_OK)
        return program_fail(EXIT_USAGE, "%s", err.text);
    config.state_folder = state;
    return proof_resume(&config, options->json);
}

static void set_defaults(void *options)
{
    ((struct options *)options)->timeout = 120;
}

union all_options {
    struct options enrolment; /* of provision and resume */
    struct relay_options relay;
    struct matrix_options matrix;
    struct proxy_health_options health;
};

static const struct command_row COMMANDS[] = {
    { "provision", "ISSUER-URL|LINK", 1, 1,
      "Runs one enrolment between an issuer and a token; LINK: of the issuer's enrolment page.",
      PROVISION, provision, set_defaults },
    { "resume", "[ISSUER-URL]", 0, 1, "Sends closing proofs that no issuer has confirmed yet.",
      RESUME, resume, set_defaults },
    { "relay", "", 0, 0,
      "Hands on HTTP between a client and an issuer, or a middleware and a token.", RELAY_OPTIONS,
      relay_command, relay_defaults },
    { "healthcheck", "[RELAY-URL]", 0, 1,
      "Asks through a relay whether what stands behind it is well: exit 0, else 3.",
      PROXY_HEALTH_OPTIONS, proxy_healthcheck, proxy_health_defaults },
    { "attacks", "[NAME]", 0, 1, "Lists the attacks that are ready; of one, its rules too.",
      ATTACKS_OPTIONS, attacks_command, relay_defaults },
    { "matrix", "", 0, 0,
      "Alters every field of every message between ends of its own: nothing may slip through.",
      MATRIX_OPTIONS, matrix_command, matrix_defaults },
    { "replay", "TRANSCRIPT", 1, 1, "Sends the requests of a relay's transcript again.",
      REPLAY_OPTIONS, replay_command, relay_defaults },
    { "diff", "TRANSCRIPT TRANSCRIPT", 2, 2, "Shows where two transcripts part.", DIFF_OPTIONS,
      diff_command, relay_defaults },
    { 0 },
};

int main(int argc, char **argv)
{
    static const struct program PROGRAM = {
        "sks-proxy", "the untrusted middleware between a KeyGen2 issuer and a token", COMMANDS,
        sizeof(union all_options)
    };

    return program_main(&PROGRAM, argc, argv);
}
