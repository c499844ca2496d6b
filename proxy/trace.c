#include "proxy/trace.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trace {
    int64_t start;
    bool lines;
    FILE *file;
};

static const char *const HOP_NAMES[] = { [HOP_ISSUER] = "issuer", [HOP_TOKEN] = "token" };

enum sks_status trace_open(bool lines, const char *file, struct trace **trace,
                           struct sks_error *err)
{
    struct trace *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *trace = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for the trace");
    made->start = clock_monotonic_ms();
    made->lines = lines;
    if (file != NULL) {
        made->file = fopen(file, "we");
        REQUIRE(made->file != NULL, err, SKS_ERROR_EXTERNAL, "%s: %s", file, strerror(errno));
    }
    *trace = made;
    made = NULL;
out:
    trace_close(made);
    return rc;
}

void trace_close(struct trace *trace)
{
    if (trace == NULL)
        return;
    if (trace->file != NULL)
        (void)fclose(trace->file);
    free(trace);
}

int64_t trace_now(const struct trace *trace)
{
    int64_t now = clock_monotonic_ms() - trace->start;

    return now < 1 ? 1 : now;
}

static void print_remark(const char *mark, const char *text)
{
    if (text != NULL && text[0] != '\0')
        (void)fprintf(stderr, "  %s%s", mark, text);
}

/* The two hops stand side by side, so that the eye can follow a message through the proxy. */
static void print_line(const struct trace_event *event)
{
    static const char *const HOPS[][2] = {
        [HOP_ISSUER] = { "issuer → proxy          ", "issuer ← proxy          " },
        [HOP_TOKEN] = { "         proxy ← token  ", "         proxy → token  " },
    };
    char status[48] = "";

    if (event->direction == DIRECTION_IN && event->hop == HOP_TOKEN)
        (void)snprintf(status, sizeof status, "%u %s", event->status,
                       sks_status_name((int)event->status));
    else if (event->direction == DIRECTION_IN)
        (void)snprintf(status, sizeof status, "HTTP %u", event->status);
    (void)fprintf(stderr, "%4lld.%03lld s  %s%-36s %7zu bytes  %s", (long long)event->at / 1000,
                  (long long)event->at % 1000, HOPS[event->hop][event->direction], event->name,
                  event->bytes, status);
    print_remark("✓ ", event->verified);
    print_remark("✗ ", event->refused);
    print_remark("altered: ", event->altered);
    (void)fputc('\n', stderr);
}

static void write_line(FILE *file, const struct trace_event *event)
{
    json_t *line = json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:I, s:s*, s:s*, s:s*}", "t", (json_int_t)event->at, "hop",
        HOP_NAMES[event->hop], "dir", event->direction == DIRECTION_IN ? "in" : "out", "name",
        event->name, "bytes", (json_int_t)event->bytes, "status", (json_int_t)event->status,
        "verified", event->verified, "refused", event->refused, "altered", event->altered);

    if (line != NULL && json_dumpf(line, file, JSON_COMPACT) == 0)
        (void)fputc('\n', file);
    (void)fflush(file); /* a reader may follow it, and a crash must not lose the last line */
    json_decref(line);
}

void trace_message(struct trace *trace, const struct trace_event *given)
{
    struct trace_event event = *given;
    char refused[600];

    if (event.refused != NULL) { /* may repeat what a peer sent */
        (void)snprintf(refused, sizeof refused, "%s", event.refused);
        log_clean(refused);
        event.refused = refused;
    }
    if (event.altered != NULL && event.altered[0] == '\0')
        event.altered = NULL;
    event.at = event.at == 0 ? trace_now(trace) : event.at;
    if (trace->lines)
        print_line(&event);
    if (trace->file != NULL)
        write_line(trace->file, &event);
}
