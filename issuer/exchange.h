/* One message on its way through the issuer: what a step gets, makes and finds. */
#ifndef ISSUER_EXCHANGE_H
#define ISSUER_EXCHANGE_H

#include "issuer/issuer.h"

/* All slices that a step puts into the session live in the arena. */
struct exchange {
    struct issuer *issuer;
    const struct profile *profile;
    struct session *session;
    struct arena *arena;
    struct sks_error *err;
    struct bytes message_hash; /* SHA-256 of the message */
    struct buf answer;         /* the next request; free with exchange_free() */
    enum phase next;           /* set by a step that may go one of several ways */
    struct check *check;
    size_t checks, room;
    bool lost_check; /* no memory for one */
    bool trouble;    /* the issuer's own: the session stays as it was, the client may try again */
};

/** Records a check that held; the detail names what was checked, never a secret. */
void check_pass(struct exchange *x, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Records a check that failed; "name: detail" becomes the session's cause. Returns status. */
enum sks_status check_fail(struct exchange *x, enum sks_status status, const char *name,
                           const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * Checks that a response names this session.
 *
 * @param client_id  NULL where the response is the one that brings it
 */
CHECKED enum sks_status check_ids(struct exchange *x, struct bytes server_id,
                                  const struct bytes *client_id);

/** Writes the next request as the answer. */
CHECKED enum sks_status answer_with(struct exchange *x, const struct json_type *type,
                                    const void *message);

/** Copies into the arena; no memory is a failure that says so. */
CHECKED enum sks_status keep_bytes(struct exchange *x, struct bytes from, struct bytes *to);

void exchange_free(struct exchange *x);

/* The steps, one file each: check a response, make the next request. Each is a row of phase.c. */
enum sks_status step_begin(struct exchange *x, const void *nothing);
enum sks_status step_invocation(struct exchange *x, const void *response);
enum sks_status step_resumed(struct exchange *x, const void *response);
enum sks_status step_initialization(struct exchange *x, const void *response);
enum sks_status step_discovery(struct exchange *x, const void *response);
enum sks_status step_key_creation(struct exchange *x, const void *response);
enum sks_status step_finalization(struct exchange *x, const void *response);

#endif
