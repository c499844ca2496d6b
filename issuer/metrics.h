/*
 * What the issuer counts, for `GET /metrics` of the management listener: the text format 0.0.4 of
 * Prometheus. Counting is an atomic addition, by any thread; all names and values of labels come
 * from tables, so what strangers send cannot make more of them.
 */
#ifndef ISSUER_METRICS_H
#define ISSUER_METRICS_H

#include "issuer/session.h"
#include "keygen2/base/http_server.h"

struct issuer;
struct metrics;

/**
 * @param routes  of the server that is watched; must live as long as the metrics
 * @return NULL without memory
 */
struct metrics *metrics_new(const struct http_route *routes, size_t count);

/** NULL is allowed. */
void metrics_free(struct metrics *metrics);

/* NULL metrics count nothing, in all of these. */

/** A request that was answered, or not. @param refused it counts as a refusal too */
void metrics_request(struct metrics *metrics, const struct http_seen *seen, bool refused);

/** How long a message took. @param message "init", "resume" or the name of a message; NULL or
 * unknown: not counted */
void metrics_message(struct metrics *metrics, const char *message, int64_t microseconds);

void metrics_session_begun(struct metrics *metrics);

/** It had only begun, and nothing is kept of it. */
void metrics_session_discarded(struct metrics *metrics);

/** @param verdict VERDICT_OPEN is not counted @param cause of the session */
void metrics_session_ended(struct metrics *metrics, enum verdict verdict, const char *cause);

/** Appends all that was counted, and what the issuer has in memory and in its database now. */
void put_metrics(struct buf *out, struct issuer *issuer);

#endif
