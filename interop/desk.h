/*
 * Questions and their answers through a folder that two processes share, and nothing else: so a
 * driver may ask somebody who is on no network of its own.
 */
#ifndef INTEROP_DESK_H
#define INTEROP_DESK_H

#include "keygen2/base/bytes.h"

#include <jansson.h>
#include <limits.h>
#include <signal.h>

/* Where a question lies, and where its answer will. */
struct desk_place {
    char question[PATH_MAX], answer[PATH_MAX];
};

/** Lays a question there. @param question  a JSON object; takes the reference */
CHECKED enum sks_status desk_put(const char *folder, json_t *question, struct desk_place *place,
                                 struct sks_error *err);

/**
 * Waits for the answer to it.
 *
 * @param seconds  to wait
 * @param answer   out: a new reference
 * @return SKS_ERROR_EXTERNAL if nobody answers; with the "error" of the answer if it has one
 */
CHECKED enum sks_status desk_take(const struct desk_place *place, unsigned seconds, json_t **answer,
                                  struct sks_error *err);

/** Asks, and waits for the answer: both of the above. */
CHECKED enum sks_status desk_ask(const char *folder, json_t *question, unsigned seconds,
                                 json_t **answer, struct sks_error *err);

/** Asks only whether somebody answers there. */
CHECKED enum sks_status desk_is_there(const char *folder, unsigned seconds, struct sks_error *err);

/** Answers a question: a new reference; {"error": "text"} is a refusal. */
typedef json_t *desk_clerk(void *ctx, const json_t *question);

/** Answers until *stop is not 0. @return a failure only if the folder cannot be used */
CHECKED enum sks_status desk_serve(const char *folder, desk_clerk *clerk, void *ctx,
                                   const volatile sig_atomic_t *stop, struct sks_error *err);

#endif
