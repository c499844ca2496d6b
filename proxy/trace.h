/* What crosses the proxy, as it crosses: lines for people, and JSON lines for programs. */
#ifndef PROXY_TRACE_H
#define PROXY_TRACE_H

#include "keygen2/base/bytes.h"

enum hop { HOP_ISSUER, HOP_TOKEN };
enum direction { DIRECTION_IN, DIRECTION_OUT }; /* seen from the proxy */

/* One message. Texts but the name may be NULL or "". */
struct trace_event {
    int64_t at; /* trace_now() when it crossed; 0: now */
    enum hop hop;
    enum direction direction;
    const char *name;     /* "KeyCreationRequest", "createKeyEntry", "GET ?init=true" */
    size_t bytes;         /* of the body */
    unsigned status;      /* coming in: HTTP status, or status of SKS */
    const char *verified; /* what was checked and held */
    const char *refused;  /* why it was not accepted */
    const char *altered;  /* what an attack did to it */
};

struct trace;

/**
 * Starts the clock.
 *
 * @param lines  lines for people on standard error
 * @param file   JSON lines go there, replacing what it held; NULL: none
 */
CHECKED enum sks_status trace_open(bool lines, const char *file, struct trace **trace,
                                   struct sks_error *err);

/** Milliseconds since trace_open(), at least 1. */
int64_t trace_now(const struct trace *trace);

/** Writes an event. */
void trace_message(struct trace *trace, const struct trace_event *event);

/** NULL is allowed. */
void trace_close(struct trace *trace);

#endif
