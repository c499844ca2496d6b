/*
 * The token of a rig: in this process, or elsewhere. A kind of token is a row of functions; what
 * one cannot do stands in what it says of itself. What a token holds is read by calls, as anybody
 * may.
 */
#ifndef MATRIX_TOKEN_END_H
#define MATRIX_TOKEN_END_H

#include "keygen2/crypto/private_key.h"
#include "token/api/token_link.h"

#include <jansson.h>

struct token_end;

struct token_end_kind {
    bool resets; /* restore() brings back the whole state; else it removes what is ours */

    /** Keeps the state that it is in as the one to go back to. */
    enum sks_status (*keep)(struct token_end *end, struct sks_error *err);

    /** Goes back to it. */
    enum sks_status (*restore)(struct token_end *end, struct sks_error *err);

    /** One call. @param answer  appended @param fate  out: what is known if this fails */
    enum sks_status (*call)(struct token_end *end, const struct sks_dialect *dialect,
                            struct bytes request, struct buf *answer, enum call_fate *fate,
                            struct sks_error *err);

    /** True if a session was made through this end. NULL: all were. */
    bool (*owns)(const struct token_end *end, uint32_t provisioning_handle);

    /** Appends what cannot be judged or set back there, a text each. NULL: nothing. */
    void (*limits)(const struct token_end *end, json_t *texts);

    void (*free)(struct token_end *end);
};

/* First member of each kind's own struct. */
struct token_end {
    const struct token_end_kind *kind;
    bool shared; /* others work with it meanwhile: what they hold there is not compared */
};

/**
 * Makes one in this process.
 *
 * @param folder  for its store; has device-ca.pem afterwards
 * @param device  folder of a device to be a copy of, as `sks-token init` makes it, made if it is
 *                not there; NULL: a device of its own
 * @param maker   of its key pairs
 * @param end     out: free with token_end_free()
 */
CHECKED enum sks_status token_end_new(const char *folder, const char *device,
                                      const struct key_maker *maker, struct token_end **end,
                                      struct sks_error *err);

/**
 * One elsewhere. Only sessions that are made through this end, and their keys, are touched.
 *
 * @param url      "http://HOST:PORT" or "unix:PATH"
 * @param timeout  seconds for one call
 * @param shared   others work with it meanwhile
 */
CHECKED enum sks_status token_end_elsewhere(const char *url, unsigned timeout, bool shared,
                                            struct token_end **end, struct sks_error *err);

/**
 * All keys with what is told of them, and all open sessions, as "keys" and "openSessions".
 *
 * @param drawn  with handles and ids too; and "others", what is there of others
 * @param view   out: a new reference
 */
CHECKED enum sks_status token_end_view(struct token_end *end, bool drawn, json_t **view,
                                       struct sks_error *err);

/** One call of V1.07. @param answer  out: as JSON, of a refusal too; a new reference */
CHECKED enum sks_status token_end_call(struct token_end *end, enum method_id id,
                                       const union sks_in *in, json_t **answer,
                                       struct sks_error *err);

/**
 * Appends the answers of an enumeration.
 *
 * @param id    ENUMERATE_KEYS or ENUMERATE_PROVISIONING_SESSIONS
 * @param open  sessions that are; else those that are closed
 * @param ours  what was made through this end; else what is of others
 */
CHECKED enum sks_status token_end_enumerate(struct token_end *end, enum method_id id, bool open,
                                            bool ours, json_t *list, struct sks_error *err);

/** Tries a wrong PIN on each key of ours. */
CHECKED enum sks_status token_end_try_wrong_pins(struct token_end *end, struct sks_error *err);

/** Ends our open sessions, as the end of their life does. */
CHECKED enum sks_status token_end_expire(struct token_end *end, struct sks_error *err);

/** Deletes our keys. @param left  handles of those that cannot be deleted are appended */
CHECKED enum sks_status token_end_delete_keys(struct token_end *end, json_t *left,
                                              struct sks_error *err);

/** NULL is allowed. */
static inline void token_end_free(struct token_end *end)
{
    if (end != NULL)
        end->kind->free(end);
}

#endif
