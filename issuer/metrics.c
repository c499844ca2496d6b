#include "issuer/metrics_internal.h"
#include "issuer/refusal.h"
#include "keygen2/base/clock.h"

#include <stdlib.h>
#include <string.h>

const unsigned METRICS_STATUS[METRICS_STATUSES - 1] = { 0,   200, 302, 303, 304, 400, 403, 404,
                                                        405, 409, 413, 415, 429, 500, 503 };
const char *const METRICS_MESSAGE[METRICS_MESSAGES] = {
    "init",
    "resume",
    "InvocationResponse",
    "ProvisioningInitializationResponse",
    "CredentialDiscoveryResponse",
    "KeyCreationResponse",
    "ProvisioningFinalizationResponse",
};
const struct metrics_bound METRICS_BOUND[METRICS_BUCKETS - 1] = {
    { 500, "0.0005" },  { 1000, "0.001" },  { 2500, "0.0025" }, { 5000, "0.005" },
    { 10000, "0.01" },  { 25000, "0.025" }, { 50000, "0.05" },  { 100000, "0.1" },
    { 250000, "0.25" }, { 1000000, "1" },   { 2500000, "2.5" }, { 10000000, "10" },
};

struct metrics *metrics_new(const struct http_route *routes, size_t count)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);

    if (metrics == NULL)
        return NULL;
    metrics->routes = routes;
    metrics->route_count = count;
    metrics->started = clock_now();
    metrics->requests = calloc((count + 1) * METRICS_STATUSES, sizeof *metrics->requests);
    metrics->refused = calloc(refusal_count(), sizeof *metrics->refused);
    metrics->ended = calloc(VERDICTS * refusal_count(), sizeof *metrics->ended);
    if (metrics->requests != NULL && metrics->refused != NULL && metrics->ended != NULL)
        return metrics;
    metrics_free(metrics);
    return NULL;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    free(metrics->requests);
    free(metrics->refused);
    free(metrics->ended);
    free(metrics);
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static size_t status_number(unsigned status)
{
    for (size_t i = 0; i < METRICS_STATUSES - 1; i++)
        if (METRICS_STATUS[i] == status)
            return i;
    return METRICS_STATUSES - 1;
}

void metrics_request(struct metrics *metrics, const struct http_seen *seen, bool refused)
{
    size_t route;

    if (metrics == NULL)
        return;
    route = seen->route == NULL ? metrics->route_count : (size_t)(seen->route - metrics->routes);
    add(&metrics->requests[route * METRICS_STATUSES + status_number(seen->status)], 1);
    if (refused)
        add(&metrics->refused[refusal_number(seen->cause, seen->status)], 1);
}

void metrics_message(struct metrics *metrics, const char *message, int64_t microseconds)
{
    uint64_t took = microseconds < 0 ? 0 : (uint64_t)microseconds;
    size_t bucket = 0;

    if (metrics == NULL || message == NULL)
        return;
    while (bucket < METRICS_BUCKETS - 1 && took > METRICS_BOUND[bucket].microseconds)
        bucket++;
    for (size_t i = 0; i < METRICS_MESSAGES; i++)
        if (strcmp(METRICS_MESSAGE[i], message) == 0) {
            add(&metrics->message[i].microseconds, took);
            add(&metrics->message[i].bucket[bucket], 1);
        }
}

void metrics_session_begun(struct metrics *metrics)
{
    if (metrics != NULL)
        add(&metrics->begun, 1);
}

void metrics_session_discarded(struct metrics *metrics)
{
    if (metrics != NULL)
        add(&metrics->discarded, 1);
}

void metrics_session_ended(struct metrics *metrics, enum verdict verdict, const char *cause)
{
    if (metrics == NULL || verdict == VERDICT_OPEN)
        return;
    add(&metrics->ended[(size_t)verdict * refusal_count() + refusal_number(cause, UINT16_MAX + 1U)],
        1);
}
