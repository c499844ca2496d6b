#include "issuer/show.h"
#include "issuer/certificate_store.h"
#include "issuer/data_folder.h"
#include "issuer/session_list.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE = 2048 };

/* A session as of one moment. */
struct timeline {
    struct arena arena;
    struct session session;
    struct buf device; /* hexadecimal; empty: unknown, or privacy mode */
    struct stored_exchange *exchange;
    size_t exchanges;
};

/* ---- reading ---- */

/* A running issuer may change the session between two queries: then once more. */
static enum sks_status read_timeline(struct session_store *store, const char *id,
                                     struct timeline *t, struct sks_error *err)
{
    struct session after;
    bool found;
    enum sks_status rc;

    do {
        TRY(session_store_find_by_id(store, id, &t->arena, &t->session, &found, err));
        REQUIRE(found, err, SKS_ERROR_NO_SESSION, "there is no session %s", id);
        TRY(session_store_exchanges(store, &t->session, &t->arena, &t->exchange, &t->exchanges,
                                    err));
        TRY(session_store_find_by_id(store, id, &t->arena, &after, &found, err));
    } while (!found || after.version != t->session.version);
out:
    return rc;
}

static enum sks_status read_device(struct timeline *t, struct sks_error *err)
{
    struct buf name = { 0 };
    enum sks_status rc;

    TRY(sks_explain(err, put_device_name(&name, &t->session.state)));
    hex_encode(&t->device, buf_bytes(&name));
    put_byte(&t->device, 0);
    TRY(sks_explain(err, t->device.status));
out:
    buf_free(&name);
    return rc;
}

/* ---- for people ---- */

__attribute__((format(printf, 1, 2))) static void print_line(const char *format, ...)
{
    char line[LINE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_clean(line);
    (void)puts(line);
}

static void print_time(const char *name, int64_t at)
{
    char text[32];

    keygen2_time_format(at, false, text);
    print_line("%-9s%s", name, text);
}

static void print_message(const char *when, const char *direction, const char *name, size_t size)
{
    if (name != NULL)
        print_line("%-20s  %-4s  %-36s%8zu bytes", when, direction, name, size);
}

static void print_exchange(const struct stored_exchange *e)
{
    char when[32];

    keygen2_time_format(e->at, false, when);
    print_message(when, "in", e->message, e->message_size);
    for (size_t i = 0; i < e->checks; i++)
        print_line("%-20s  %s  %s: %s", "", e->check[i].passed ? "pass" : "FAIL", e->check[i].name,
                   e->check[i].detail);
    print_message(e->message == NULL ? when : "", "out", e->answer, e->answer_size);
}

static void print_timeline(const struct timeline *t)
{
    const struct session *s = &t->session;

    print_line("session  %s", s->id);
    print_line("profile  %s", s->profile);
    print_line("address  %s", s->issuer_uri);
    print_line("device   %s", t->device.len > 1                ? (const char *)t->device.ptr
                              : s->state.terms.privacy_enabled ? "unknown: privacy mode"
                                                               : "not known yet");
    print_time("begun", s->started);
    print_time(s->verdict == VERDICT_OPEN ? "ends by" : "ended",
               s->verdict == VERDICT_OPEN ? s->expires : s->ended);
    print_line("%s", "");
    for (size_t i = 0; i < t->exchanges; i++)
        print_exchange(&t->exchange[i]);
    print_line("%s", "");
    if (s->verdict == VERDICT_OPEN)
        print_line("verdict  open, waits for: %s", name_of_value(NAMES_PHASE, (uint8_t)s->phase));
    else
        print_line("verdict  %s, after %" PRId64 " s",
                   name_of_value(NAMES_VERDICT, (uint8_t)s->verdict), s->ended - s->started);
    if (s->cause[0] != '\0')
        print_line("cause    %s", s->cause);
}

/* ---- for programs ---- */

static void add_message(json_t *list, const char *when, const char *direction, const char *name,
                        size_t size)
{
    if (name != NULL)
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I}", "time", when,
                                                    "direction", direction, "message", name,
                                                    "bytes", (json_int_t)size));
}

static void add_exchange(json_t *list, const struct stored_exchange *e)
{
    char when[32];

    keygen2_time_format(e->at, false, when);
    add_message(list, when, "in", e->message, e->message_size);
    for (size_t i = 0; i < e->checks; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "time", when, "check",
                                                    e->check[i].name, "detail", e->check[i].detail,
                                                    "passed", (int)e->check[i].passed));
    add_message(list, when, "out", e->answer, e->answer_size);
}

static void print_json(const struct timeline *t)
{
    json_t *root = session_json(&t->session), *list = json_array();
    char *text = NULL;

    for (size_t i = 0; i < t->exchanges; i++)
        add_exchange(list, &t->exchange[i]);
    if (root != NULL) {
        (void)json_object_set_new(root, "issuerUri", json_string(t->session.issuer_uri));
        (void)json_object_set_new(root, "device",
                                  t->device.len > 1 ? json_string((const char *)t->device.ptr)
                                                    : json_null());
        (void)json_object_set_new(root, "timeline", list);
        text = json_dumps(root, JSON_COMPACT);
    }
    (void)printf("%s\n", text == NULL ? "{}" : text);
    free(text);
    json_decref(root);
}

enum exit_code show_session(const char *data, const char *id, bool json)
{
    struct session_store store = { 0 };
    struct timeline t = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    TRY(session_store_expire(&store, clock_now(), &err));
    TRY(read_timeline(&store, id, &t, &err));
    TRY(read_device(&t, &err));
    (json ? print_json : print_timeline)(&t);
out:
    buf_free(&t.device);
    arena_free(&t.arena);
    session_store_close(&store);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
