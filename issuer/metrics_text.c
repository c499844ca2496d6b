/* The text of GET /metrics. */
#include "issuer/issuer.h"
#include "issuer/metrics_internal.h"
#include "issuer/open_sessions.h"
#include "issuer/refusal.h"
#include "keygen2/base/log.h"
#include "keygen2/base/version.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define PREFIX "sks_issuer_"

__attribute__((format(printf, 2, 3))) static void put_line(struct buf *out, const char *format, ...)
{
    char line[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    put_text(out, line);
    put_byte(out, '\n');
}

static void put_family(struct buf *out, const char *name, const char *type, const char *help)
{
    put_line(out, "# HELP " PREFIX "%s %s", name, help);
    put_line(out, "# TYPE " PREFIX "%s %s", name, type);
}

static uint64_t value_of(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- what was counted ---- */

static void put_requests(struct buf *out, const struct metrics *m)
{
    put_family(out, "http_requests_total", "counter",
               "Requests by route and status; the route none has no path, the status none no"
               " answer.");
    for (size_t i = 0; i <= m->route_count; i++)
        for (size_t j = 0; j < METRICS_STATUSES; j++) {
            uint64_t count = value_of(&m->requests[i * METRICS_STATUSES + j]);
            bool none = i == m->route_count;
            char status[16] = "other";

            if (count == 0)
                continue;
            if (j < METRICS_STATUSES - 1)
                (void)snprintf(status, sizeof status, "%u", METRICS_STATUS[j]);
            put_line(out,
                     PREFIX
                     "http_requests_total{method=\"%s\",route=\"%s\",status=\"%s\"} %" PRIu64,
                     none ? "" : m->routes[i].method, none ? "none" : m->routes[i].path,
                     j == 0 ? "none" : status, count);
        }
}

static void put_refusals(struct buf *out, const struct metrics *m)
{
    put_family(out, "refusals_total", "counter", "Requests that were refused, by cause.");
    for (size_t i = 0; i < refusal_count(); i++)
        if (refusal_name(i) != NULL)
            put_line(out, PREFIX "refusals_total{cause=\"%s\"} %" PRIu64, refusal_name(i),
                     value_of(&m->refused[i]));
}

static void put_ends(struct buf *out, const struct metrics *m)
{
    put_family(out, "sessions_begun_total", "counter", "Sessions begun since the start.");
    put_line(out, PREFIX "sessions_begun_total %" PRIu64, value_of(&m->begun));
    put_family(out, "sessions_discarded_total", "counter",
               "Sessions of which their client kept nothing: health checks.");
    put_line(out, PREFIX "sessions_discarded_total %" PRIu64, value_of(&m->discarded));
    put_family(out, "sessions_ended_total", "counter",
               "Sessions that this process ended since its start, by verdict and cause.");
    for (size_t verdict = VERDICT_SUCCEEDED; verdict < VERDICTS; verdict++)
        for (size_t i = 0; i < refusal_count(); i++) {
            uint64_t count = value_of(&m->ended[verdict * refusal_count() + i]);

            if (count > 0)
                put_line(out, PREFIX "sessions_ended_total{verdict=\"%s\",cause=\"%s\"} %" PRIu64,
                         name_of_value(NAMES_VERDICT, (uint8_t)verdict),
                         verdict == VERDICT_SUCCEEDED ? "" : refusal_name(i), count);
        }
}

static void put_histogram(struct buf *out, const char *message, const struct histogram *h)
{
    uint64_t sum = value_of(&h->microseconds), count = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += value_of(&h->bucket[i]);
        put_line(out, PREFIX "message_seconds_bucket{message=\"%s\",le=\"%s\"} %" PRIu64, message,
                 i < METRICS_BUCKETS - 1 ? METRICS_BOUND[i].seconds : "+Inf", count);
    }
    put_line(out, PREFIX "message_seconds_sum{message=\"%s\"} %" PRIu64 ".%06" PRIu64, message,
             sum / 1000000, sum % 1000000);
    put_line(out, PREFIX "message_seconds_count{message=\"%s\"} %" PRIu64, message, count);
}

static void put_durations(struct buf *out, const struct metrics *m)
{
    put_family(out, "message_seconds", "histogram",
               "Time from a message that was here whole to its answer, durable.");
    for (size_t i = 0; i < METRICS_MESSAGES; i++)
        put_histogram(out, METRICS_MESSAGE[i], &m->message[i]);
}

/* ---- what is there now ---- */

static void put_count(struct buf *out, size_t verdict, const char *state, uint64_t count)
{
    put_line(out, PREFIX "sessions{verdict=\"%s\",state=\"%s\"} %" PRIu64,
             name_of_value(NAMES_VERDICT, (uint8_t)verdict), state, count);
}

static void put_sessions(struct buf *out, struct issuer *issuer)
{
    struct session_tally tally;
    struct sks_error err = { 0 };
    uint64_t running;

    if (session_store_tally(&issuer->store, &tally, &err) != SKS_OK) {
        log_error("metrics without sessions: %s", err.text);
        return;
    }
    put_family(out, "sessions", "gauge", "Sessions in the database, by verdict and state.");
    running = tally.verdict[VERDICT_OPEN];
    for (size_t phase = PHASE_PENDING; phase < PHASE_COUNT; phase++) {
        put_count(out, VERDICT_OPEN, name_of_value(NAMES_PHASE, (uint8_t)phase),
                  tally.waiting[phase]);
        /* Another process may have come between the two counts. */
        running -= tally.waiting[phase] < running ? tally.waiting[phase] : running;
    }
    put_count(out, VERDICT_OPEN, "running", running);
    for (size_t verdict = VERDICT_SUCCEEDED; verdict < VERDICTS; verdict++)
        put_count(out, verdict, "over", tally.verdict[verdict]);
}

static void put_open(struct buf *out, struct issuer *issuer)
{
    static const enum phase KEPT[] = { PHASE_INVOCATION, PHASE_INITIALIZATION, PHASE_DISCOVERY,
                                       PHASE_KEY_CREATION, PHASE_FINALIZATION };
    size_t count[PHASE_COUNT];

    open_sessions_count(issuer->store.open, count);
    put_family(out, "open_sessions_in_memory", "gauge",
               "Open sessions that are kept in memory, by the phase whose response they await.");
    for (size_t i = 0; i < NITEMS(KEPT); i++)
        put_line(out, PREFIX "open_sessions_in_memory{phase=\"%s\"} %zu",
                 name_of_value(NAMES_PHASE, (uint8_t)KEPT[i]), count[KEPT[i]]);
}

static void put_level(void *out, unsigned bits, size_t level, size_t size)
{
    (void)size;
    put_line(out, PREFIX "pool_level{pool=\"RSA keys of %u bits\"} %zu", bits, level);
}

static void put_size(void *out, unsigned bits, size_t level, size_t size)
{
    (void)level;
    put_line(out, PREFIX "pool_size{pool=\"RSA keys of %u bits\"} %zu", bits, size);
}

static void put_pools(struct buf *out, struct issuer *issuer)
{
    size_t paths = issuer->trust.paths == NULL ? 0 : path_cache_count(issuer->trust.paths);

    put_family(out, "pool_level", "gauge", "What is kept ready in memory, by pool.");
    put_line(out, PREFIX "pool_level{pool=\"ephemeral keys\"} %zu",
             drawn_keys_count(issuer->drawn_keys));
    put_line(out, PREFIX "pool_level{pool=\"device paths\"} %zu", paths);
    server_keys_each(issuer->server_keys, put_level, out);
    put_family(out, "pool_size", "gauge", "What a pool may keep at most.");
    put_line(out, PREFIX "pool_size{pool=\"ephemeral keys\"} %d", DRAWN_KEYS_MAX);
    put_line(out, PREFIX "pool_size{pool=\"device paths\"} %d", TRUST_PATHS_MAX);
    server_keys_each(issuer->server_keys, put_size, out);
    put_family(out, "trusted_certificates", "gauge", "Certificates that devices may lead to.");
    put_line(out, PREFIX "trusted_certificates %zu", trust_count(&issuer->trust));
    put_family(out, "key_management_generation", "gauge",
               "The newest generation of the key management key.");
    put_line(out, PREFIX "key_management_generation %u",
             key_management_newest(&issuer->key_management));
}

void put_metrics(struct buf *out, struct issuer *issuer)
{
    const struct metrics *m = issuer->metrics;

    put_family(out, "build_info", "gauge", "1, and which program this is.");
    put_line(out, PREFIX "build_info{version=\"%s\"} 1", SKS_RIG_VERSION);
    put_family(out, "start_time_seconds", "gauge", "When the server was started, since 1970.");
    put_line(out, PREFIX "start_time_seconds %" PRId64, m->started);
    put_sessions(out, issuer);
    put_open(out, issuer);
    put_ends(out, m);
    put_refusals(out, m);
    put_durations(out, m);
    put_requests(out, m);
    put_pools(out, issuer);
}
