/* What counting (metrics.c) and telling (metrics_text.c) share. Nobody else includes this. */
#ifndef ISSUER_METRICS_INTERNAL_H
#define ISSUER_METRICS_INTERNAL_H

#include "issuer/metrics.h"

#include <stdatomic.h>

enum {
    METRICS_STATUSES = 16, /* the last for all others */
    METRICS_MESSAGES = 7,
    METRICS_BUCKETS = 13, /* the last without a bound */
};

struct histogram {
    _Atomic uint64_t bucket[METRICS_BUCKETS]; /* each without those below */
    _Atomic uint64_t microseconds;            /* of all together */
};

struct metrics {
    const struct http_route *routes;
    size_t route_count;
    int64_t started;
    _Atomic uint64_t begun, discarded;
    struct histogram message[METRICS_MESSAGES];
    _Atomic uint64_t *requests; /* [route, the last for none][status] */
    _Atomic uint64_t *refused;  /* [refusal] */
    _Atomic uint64_t *ended;    /* [verdict][refusal] */
};

/* 0 stands for "no answer". */
extern const unsigned METRICS_STATUS[METRICS_STATUSES - 1];
extern const char *const METRICS_MESSAGE[METRICS_MESSAGES];
extern const struct metrics_bound {
    uint64_t microseconds;
    const char *seconds;
} METRICS_BOUND[METRICS_BUCKETS - 1];

#endif
