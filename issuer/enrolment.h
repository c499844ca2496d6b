/*
 * What is known of the person or thing behind a session, by names: for the subject of its
 * certificates and for an external CA. A few names are the session's own, the others are stored.
 */
#ifndef ISSUER_ENROLMENT_H
#define ISSUER_ENROLMENT_H

#include "issuer/session_store.h"

struct exchange;

enum {
    ENROLMENT_NAME_MAX = 32,   /* characters: letters, digits, "-", "_" and "." */
    ENROLMENT_VALUE_MAX = 255, /* characters */
};

struct enrolment_value {
    struct bytes name, value;
};

struct enrolment_values {
    struct enrolment_value *item;
    size_t count;
};

/**
 * Takes the rest of a "{NAME}" from a text, behind the brace, and appends the value.
 *
 * @param values  NULL: there are none yet, and "XX" stands for each
 * @return SKS_ERROR_OPTION if it is no name, or one without a value, with the reason in err
 */
CHECKED enum sks_status enrolment_take(struct bytes *in, const struct enrolment_values *values,
                                       struct buf *out, struct sks_error *err);

/** Splits a "NAME=VALUE" that may be kept of a session; SKS_ERROR_OPTION for what is none. */
CHECKED enum sks_status enrolment_split(const char *setting, struct bytes *name,
                                        struct bytes *value, struct sks_error *err);

/**
 * Keeps values of a session, inside a transaction.
 *
 * @param session   number of its row
 * @param settings  each "NAME=VALUE"; a name that has a value already gets this one
 * @return SKS_ERROR_OPTION for what is none, or for a name that the session has by itself
 */
CHECKED enum sks_status enrolment_keep(struct database *db, int64_t session,
                                       const struct texts *settings, struct sks_error *err);

/**
 * All values of a session: those that were kept, and its own: "session", "profile", "started", and
 * unless in privacy mode "device" (SHA-256 of its certificate) and "device8" (eight digits of it).
 *
 * @param values  out: in the arena
 */
CHECKED enum sks_status enrolment_read(struct session_store *store, const struct session *session,
                                       struct arena *arena, struct enrolment_values *values,
                                       struct sks_error *err);

/** Where the profile wants a code, notes for the record which invitation it was. */
CHECKED enum sks_status enrolment_check_invitation(struct exchange *x);

#endif
