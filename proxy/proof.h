/*
 * Closing proofs that no issuer has confirmed yet. The token has closed and gives no second proof,
 * so the message is kept (suspended.h) and sent again until the issuer says what it makes of it.
 */
#ifndef PROXY_PROOF_H
#define PROXY_PROOF_H

#include "proxy/issuer_link.h"
#include "proxy/outcome.h"

/* What became of one kept session; slices live until the call returns. */
struct proof_result {
    struct bytes issuer_uri, server_session_id;
    enum outcome_kind kind; /* OUTCOME_PENDING: it waits for its issuer, there is no proof yet */
    char cause[600];        /* "" for a success */
};

struct proof_config {
    const char *state_folder;
    const char *issuer_uri; /* a URL of the only issuer that is meant; NULL: all */
    const char *session;    /* only this serverSessionId; NULL: all */
    bool forget;            /* send nothing: remove what is kept */
    struct issuer_link_config link;
    void (*told)(void *ctx, const struct proof_result *result);
    void *ctx;
};

/**
 * Sends what is kept. What the issuer has taken or refused is kept no longer.
 *
 * @return a failure only if the folder cannot be read, or no link can be made
 */
CHECKED enum sks_status proof_send_all(const struct proof_config *config, struct sks_error *err);

/** One line on standard error, for a result that comes beside another one. */
void proof_log(void *ctx, const struct proof_result *result);

/** `sks-proxy resume`: sends all and prints what came of it. Its told() and ctx are not used. */
enum exit_code proof_resume(struct proof_config *config, bool json);

#endif
