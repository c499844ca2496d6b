/* One health check: it has so much time, and one line to say how it went. */
#ifndef KEYGEN2_BASE_HEALTH_H
#define KEYGEN2_BASE_HEALTH_H

#include "keygen2/base/program.h"

enum {
    HEALTH_SECONDS_DEFAULT = 5,
    HEALTH_SECONDS_MAX = 3600,
    HEALTH_ADDRESS_MAX = 1024,
    HEALTH_TEXT_MAX = 400,
};

struct health {
    const char *program; /* whose health it is: "sks-issuer" */
    int64_t began, deadline;
    char address[HEALTH_ADDRESS_MAX]; /* what was asked */
    char found[HEALTH_TEXT_MAX];      /* what speaks for it, if it is well */
};

/** Starts the clock. Of a peer that hangs up the writer is not to die. */
void health_begin(struct health *health, const char *program, uint32_t seconds);

/**
 * What one more exchange may take.
 *
 * @param seconds  out: at least 1
 * @return SKS_ERROR_EXTERNAL when the time is over
 */
CHECKED enum sks_status health_left(const struct health *health, unsigned *seconds,
                                    struct sks_error *err);

/**
 * The URL of a listener for who sits beside it: that of the loopback for one of all addresses.
 *
 * @param scheme  "http" or "https"
 * @param listen  as of socket_listen(); a port of 0 is SKS_ERROR_OPTION
 * @param local   out: it is the loopback or a Unix socket
 */
CHECKED enum sks_status health_url(struct health *health, const char *scheme, const char *listen,
                                   bool *local, struct sks_error *err);

/** Prints the line, or the object: EXIT_DONE if it is well, EXIT_USAGE if it was asked wrongly,
 * else EXIT_IO. */
enum exit_code health_end(struct health *health, enum sks_status rc, const struct sks_error *err,
                          bool json);

#endif
