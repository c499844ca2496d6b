#include "proxy/relay/command.h"

#include "keygen2/base/files.h"
#include "keygen2/base/http_server.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"
#include "keygen2/base/option_check.h"
#include "proxy/relay/diff.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/replay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEM_MAX = 256 * 1024 };

#define AT(member) .offset = offsetof(struct relay_options, member)

#define TO                                                                                         \
    {                                                                                              \
        "to", 0, "URL", "the other side: http(s)://HOST:PORT, or unix:PATH", OPTION_TEXT, AT(to),  \
            .required = true, .check = check_to                                                    \
    }
#define CA                                                                                         \
    {                                                                                              \
        "ca", 0, "PEM", "file of certificates that vouch for an https server (the system's)",      \
            OPTION_TEXT, AT(ca), .check = check_certificates                                       \
    }
#define INSECURE                                                                                   \
    {                                                                                              \
        "insecure", 0, NULL, "take any certificate of an https server", OPTION_FLAG, AT(insecure)  \
    }
#define TIMEOUT                                                                                    \
    {                                                                                              \
        "timeout", 0, "S", "seconds that one exchange may take (120)", OPTION_NUMBER, AT(timeout), \
            .min = 1, .max = 3600                                                                  \
    }
#define JSON_OUTPUT(text)                                                                          \
    {                                                                                              \
        "json", 0, NULL, text, OPTION_FLAG, AT(json)                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static enum sks_status check_to(const char *text, struct sks_error *err)
{
    return upstream_address_is(text)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_OPTION, "is neither http(s)://HOST:PORT nor unix:PATH");
}

const struct option_row RELAY_OPTIONS[] = {
    { "listen", 0, "ADDRESS",
      "HOST:PORT (port 0: a free one) or unix:PATH (default " RELAY_LISTEN_DEFAULT ")", OPTION_TEXT,
      AT(listen), .check = check_address },
    TO,
    { "record", 0, "FILE",
      "write a transcript there: all that crosses, PINs and cookies too (mode 0600)", OPTION_TEXT,
      AT(record) },
    { "attack", 0, "NAME-OR-FILE",
      "alter what crosses by a rule file, or a ready attack (sks-proxy attacks)", OPTION_TEXT,
      AT(attack), .check = attack_check },
    { "attack-watch", 0, "FILE",
      "attack by the rules that lie there at the moment of each exchange; by none while it is "
      "missing",
      OPTION_TEXT, AT(attack_watch) },
    { "tls-certificate", 0, "PEM", "answer over https with this certificate and its path",
      OPTION_TEXT, AT(tls_certificate), .check = check_certificates },
    { "tls-key", 0, "PEM", "its key; mode 0600", OPTION_TEXT, AT(tls_key), .check = check_file },
    { "listen-any", 0, NULL, "allow an address that is not loopback", OPTION_FLAG, AT(listen_any) },
    { "connections", 0, "N", "connections of clients at a time (256)", OPTION_NUMBER,
      AT(connections), .min = 1, .max = 4096 },
    CA,
    INSECURE,
    TIMEOUT,
    { "verbose", 'v', NULL, "log each exchange", OPTION_FLAG, AT(verbose) },
    END,
};

const struct option_row ATTACKS_OPTIONS[] = {
    { "schema", 0, NULL, "print the JSON Schema of rule files instead", OPTION_FLAG, AT(schema) },
    JSON_OUTPUT("print them as a JSON array"),
    END,
};

const struct option_row REPLAY_OPTIONS[] = {
    TO,
    { "own-cookies", 0, NULL, "send the recorded cookies, whatever the server sets now",
      OPTION_FLAG, AT(own_cookies) },
    { "record", 0, "FILE", "write a transcript of this run there (mode 0600)", OPTION_TEXT,
      AT(record) },
    CA,
    INSECURE,
    TIMEOUT,
    JSON_OUTPUT("print the result as a JSON object"),
    END,
};

const struct option_row DIFF_OPTIONS[] = {
    { "all", 'a', NULL, "show all differences, not only the first of each message", OPTION_FLAG,
      AT(all) },
    JSON_OUTPUT("print all differences as a JSON object"),
    END,
};

void relay_defaults(void *options)
{
    struct relay_options *o = options;

    o->listen = RELAY_LISTEN_DEFAULT;
    o->timeout = 120;
    o->connections = 256;
}

/* ---- relay ---- */

static const char *wrong_relay_options(const struct relay_options *o)
{
    if (o->ca != NULL && o->insecure)
        return "--ca and --insecure exclude each other";
    if (o->attack != NULL && o->attack_watch != NULL)
        return "--attack and --attack-watch exclude each other";
    if ((o->tls_certificate == NULL) != (o->tls_key == NULL))
        return "--tls-certificate and --tls-key need each other";
    return NULL;
}

static enum sks_status read_pem(const char *file, bool secret, struct buf *pem,
                                struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (file == NULL)
        return SKS_OK;
    TRY(secret ? file_read_secret(file, PEM_MAX, pem, err) : file_read(file, PEM_MAX, pem, err));
    put_byte(pem, '\0');
    rc = sks_explain(err, pem->status);
out:
    return rc;
}

static enum sks_status serve(const struct relay_config *config, struct sks_error *err)
{
    struct relay *relay = NULL;
    const char *url;
    enum sks_status rc, stopped;

    TRY(relay_start(config, &relay, &url, err));
    REQUIRE(printf("ready %s\n", url) > 0 && fflush(stdout) == 0, err, SKS_ERROR_EXTERNAL,
            "cannot write to standard output");
    (void)http_wait_for_signal();
out:
    stopped = relay_stop(relay, rc == SKS_OK ? err : NULL);
    return rc == SKS_OK ? stopped : rc;
}

enum exit_code relay_command(void *options, char **operands, size_t count)
{
    const struct relay_options *o = options;
    struct buf certificate = { 0 }, key = { 0 };
    struct attack *attack = NULL;
    struct watched_attack *watched = NULL;
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    if (wrong_relay_options(o) != NULL)
        return program_fail(EXIT_USAGE, "%s", wrong_relay_options(o));
    if (!o->listen_any && !socket_is_local(o->listen))
        return program_fail(EXIT_USAGE, "--listen: %s is not loopback: --listen-any allows it",
                            o->listen);
    http_block_signals();
    TRY(read_pem(o->tls_certificate, false, &certificate, &err));
    TRY(read_pem(o->tls_key, true, &key, &err));
    if (o->attack != NULL)
        TRY(attack_load(o->attack, &attack, &err));
    TRY(watched_attack_open(o->attack_watch, &watched, &err));
    rc = serve(&(struct relay_config){ .listen = o->listen,
                                       .cert_pem = (const char *)certificate.ptr,
                                       .key_pem = (const char *)key.ptr,
                                       .to = o->to,
                                       .ca_file = o->ca,
                                       .insecure = o->insecure,
                                       .timeout = o->timeout,
                                       .record = o->record,
                                       .attack = attack,
                                       .watched = watched,
                                       .verbose = o->verbose,
                                       .connections = o->connections },
               &err);
out:
    attack_free(attack);
    watched_attack_close(watched);
    buf_free(&certificate);
    buf_free(&key);
    return program_finish(rc, &err);
}

/* ---- attacks ---- */

/* A paragraph under a name, lines of 80 columns. */
static void print_paragraph(const struct named_attack *attack)
{
    size_t column = 0;

    (void)printf("%s\n", attack->name);
    for (const char *word = attack->text; *word != '\0';) {
        size_t len = strcspn(word, " ");

        if (column > 0 && column + 1 + len > 76) {
            (void)printf("\n");
            column = 0;
        }
        (void)printf("%s%.*s", column == 0 ? "    " : " ", (int)len, word);
        column += len + 1;
        word += len + (word[len] == ' ');
    }
    (void)printf("\n\n");
}

static json_t *attack_json(const struct named_attack *attack)
{
    json_t *file = json_loads(attack->rules, 0, NULL);
    json_t *object = json_pack("{s:s, s:s, s:O*}", "name", attack->name, "description",
                               attack->text, "rules", json_object_get(file, "rules"));

    json_decref(file);
    return object;
}

enum exit_code attacks_command(void *options, char **operands, size_t count)
{
    const struct relay_options *o = options;
    json_t *all;
    bool found = false;

    if (o->schema)
        return program_print_json(rules_schema(), JSON_INDENT(2));
    all = json_array();
    for (size_t i = 0; i < NAMED_ATTACKS_COUNT; i++) {
        const struct named_attack *attack = &NAMED_ATTACKS[i];

        if (count > 0 && strcmp(attack->name, operands[0]) != 0)
            continue;
        found = true;
        if (o->json)
            (void)json_array_append_new(all, attack_json(attack));
        else
            print_paragraph(attack);
        if (count > 0 && !o->json)
            (void)printf("%s\n", attack->rules);
    }
    if (o->json && found)
        return program_print_json(all, JSON_INDENT(2));
    json_decref(all);
    return found ? EXIT_DONE
                 : program_fail(EXIT_USAGE,
                                "there is no attack '%s': 'sks-proxy attacks' lists "
                                "them",
                                operands[0]);
}

/* ---- replay ---- */

static volatile sig_atomic_t stop;

static void raise_stop(int signal)
{
    (void)signal;
    stop = 1;
}

static void print_exchange(void *ctx, const struct transcript_line *request,
                           const struct transcript_line *recorded, unsigned status)
{
    const struct relay_options *o = ctx;
    struct bytes what = request->name.len > 0 ? request->name : request->target;
    char name[200];

    if (o->json)
        return;
    (void)snprintf(name, sizeof name, "%.*s", (int)what.len, (const char *)what.ptr);
    log_clean(name);
    (void)printf("%4u  %-36s  recorded %3u  now %3u%s\n", request->exchange, name,
                 recorded == NULL ? 0 : recorded->status, status,
                 recorded != NULL && recorded->status == status ? "" : "  <-");
}

enum exit_code replay_command(void *options, char **operands, size_t count)
{
    struct relay_options *o = options;
    struct sigaction catch = { .sa_handler = raise_stop };
    struct replay_config config = { .to = o->to,
                                    .ca_file = o->ca,
                                    .insecure = o->insecure,
                                    .timeout = o->timeout,
                                    .own_cookies = o->own_cookies,
                                    .record = o->record,
                                    .stop = &stop,
                                    .told = print_exchange,
                                    .ctx = o };
    struct transcript transcript = { 0 };
    struct replay_result result = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)count;
    if (wrong_relay_options(o) != NULL)
        return program_fail(EXIT_USAGE, "%s", wrong_relay_options(o));
    (void)sigaction(SIGINT, &catch, NULL);
    (void)sigaction(SIGTERM, &catch, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    TRY(transcript_read(operands[0], &transcript, &err));
    TRY(replay_run(&transcript, &config, &result, &err));
    (void)printf(o->json
                     ? "{\"sent\":%zu,\"same\":%zu,\"other\":%zu,\"lost\":%zu}\n"
                     : "%zu requests: %zu answered as recorded, %zu otherwise, %zu not at all\n",
                 result.sent, result.same, result.other, result.lost);
out:
    transcript_free(&transcript);
    if (rc != SKS_OK)
        return program_finish(rc, &err);
    return result.lost > 0 ? EXIT_IO : result.other > 0 ? EXIT_REFUSED : EXIT_DONE;
}

/* ---- diff ---- */

struct shown {
    const struct relay_options *options;
    const struct transcript_line *last; /* of one side, whose first difference was shown */
    size_t hidden;
    json_t *list; /* with --json */
    bool lost;    /* one of them did not get there */
};

static void print_difference(void *ctx, const struct difference *d)
{
    struct shown *shown = ctx;
    const struct transcript_line *line = d->a == NULL ? d->b : d->a;
    struct bytes name = line->name.len > 0 ? line->name : line->target;
    const char *direction = line->direction == TRANSCRIPT_ANSWER ? "answer" : "request";
    json_t *object;
    char place[700];

    if (shown->options->json) {
        object = json_pack("{s:I, s:s, s:s%, s:s, s:s, s:s}", "exchange",
                           (json_int_t)line->exchange, "direction", direction, "message",
                           name.len == 0 ? "" : (const char *)name.ptr, name.len, "place", d->place,
                           "a", d->in_a, "b", d->in_b);
        if (object == NULL || json_array_append_new(shown->list, object) != 0)
            shown->lost = true;
        return;
    }
    if (line == shown->last && !shown->options->all) {
        shown->hidden++;
        return;
    }
    shown->last = line;
    (void)snprintf(place, sizeof place, "%.*s %s", (int)(name.len > 64 ? 64 : name.len),
                   (const char *)name.ptr, d->place);
    log_clean(place);
    (void)printf("%u %s %s\n    a: %s\n    b: %s\n", line->exchange, direction, place, d->in_a,
                 d->in_b);
}

enum exit_code diff_command(void *options, char **operands, size_t count)
{
    const struct relay_options *o = options;
    struct transcript a = { 0 }, b = { 0 };
    struct shown shown = { .options = o, .list = json_array() };
    struct sks_error err = { 0 };
    size_t differences = 0;
    enum exit_code code;
    enum sks_status rc;

    (void)count;
    TRY(transcript_read(operands[0], &a, &err));
    TRY(transcript_read(operands[1], &b, &err));
    differences = transcript_diff(&a, &b, print_difference, &shown);
    REQUIRE(differences < SIZE_MAX && !shown.lost, &err, SKS_ERROR_STORAGE, "no memory to compare");
    if (!o->json && shown.hidden > 0)
        (void)printf("%zu more in the same messages: --all shows them\n", shown.hidden);
out:
    transcript_free(&a);
    transcript_free(&b);
    code = rc != SKS_OK ? program_finish(rc, &err)
           : o->json
               ? program_print_json(json_pack("{s:O}", "differences", shown.list), JSON_COMPACT)
               : EXIT_DONE;
    json_decref(shown.list);
    if (code != EXIT_DONE)
        return code;
    return differences > 0 ? EXIT_REFUSED : EXIT_DONE;
}
