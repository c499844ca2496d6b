/* Playing the client's side of a transcript to another server, or to the same one again. */
#ifndef PROXY_RELAY_REPLAY_H
#define PROXY_RELAY_REPLAY_H

#include "proxy/relay/transcript.h"

#include <signal.h>

struct replay_config {
    const char *to; /* as in struct upstream_config */
    const char *ca_file;
    bool insecure;
    unsigned timeout;   /* seconds for an exchange */
    bool own_cookies;   /* send the recorded ones, whatever the server sets now */
    const char *record; /* file of a transcript of this run; NULL: none */
    const volatile sig_atomic_t *stop;
    /* Told of each exchange: what was recorded and what came now. NULL: nobody asks. */
    void (*told)(void *ctx, const struct transcript_line *request,
                 const struct transcript_line *recorded, unsigned status);
    void *ctx;
};

struct replay_result {
    size_t sent, same, other,
        lost; /* requests; answers by HTTP status, and those that never came */
};

/**
 * Sends the requests one after the other in their order, on a connection for each connection of the
 * transcript.
 *
 * @return SKS_ERROR_USER_ABORT if *stop ended it; SKS_ERROR_OPTION if a request was cut when it was
 *         recorded
 */
CHECKED enum sks_status replay_run(const struct transcript *transcript,
                                   const struct replay_config *config, struct replay_result *result,
                                   struct sks_error *err);

#endif
