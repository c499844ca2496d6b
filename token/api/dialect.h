/*
 * The two dialects of the SKS wire: V1.07 on /sks, the draft of 2010 on /sks/2010. The URL of a
 * call picks its dialect, which says how a session is created and what number an error has; all
 * else is the same. docs/2010-profile.md.
 */
#ifndef TOKEN_API_DIALECT_H
#define TOKEN_API_DIALECT_H

#include "token/api/calls.h"

struct sks_dialect {
    const char *path;       /* behind the token's URL */
    uint8_t foreign_method; /* the one that only the other dialect knows */
    /* Numbers on the wire by status, 0 where the status keeps its own; NULL: all do. */
    const uint8_t *number;
    const uint8_t *close_number; /* of closeProvisioningSession, before those */
};

extern const struct sks_dialect SKS_DIALECT_107, SKS_DIALECT_2010;

/** SKS_ERROR_OPTION if a request is of the method that only the other dialect knows. */
CHECKED enum sks_status dialect_check_method(const struct sks_dialect *dialect,
                                             struct bytes request, struct sks_error *err);

/**
 * The number on the wire of a status.
 *
 * @param method  what was called; NULL for a call that did not decode
 * @param status  not SKS_OK
 */
uint8_t dialect_number(const struct sks_dialect *dialect, const struct sks_method *method,
                       enum sks_status status);

/**
 * The reverse. Of the statuses that share a number it is the one of the highest value, so
 * SKS_ERROR_OPTION for END_SESSION.
 *
 * @return SKS_ERROR_EXTERNAL for a number that the dialect has not
 */
enum sks_status dialect_status(const struct sks_dialect *dialect, const struct sks_method *method,
                               uint8_t number);

#endif
