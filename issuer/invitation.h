/* One-time codes: who may enrol, how often, until when. The database has keyed hashes of them. */
#ifndef ISSUER_INVITATION_H
#define ISSUER_INVITATION_H

#include "issuer/session_store.h"

enum {
    INVITATION_CODE_LENGTH = 14, /* "XXXX-XXXX-XXXX": 60 random bits */
    INVITATION_USES_MAX = 1000000,
    INVITATION_SECONDS_DEFAULT = 7 * 24 * 3600,
};

struct invitation {
    int64_t number;
    const char *profile;
    int64_t created, expires; /* seconds since 1970 */
    uint32_t uses, used;
    bool withdrawn;
    const char *settings; /* JSON object: values of the enrolment */
};

enum invitation_answer {
    INVITATION_TAKEN,
    INVITATION_UNKNOWN, /* or of another profile */
    INVITATION_EXPIRED,
    INVITATION_USED_UP,
    INVITATION_WITHDRAWN,
};

/**
 * Makes one, durably.
 *
 * @param wish      profile, expires and uses; the rest is not looked at
 * @param settings  each "NAME=VALUE", for the certificates of its sessions (enrolment.h)
 * @param number    out: by which it is listed and withdrawn
 * @param code      out: with a NUL; a secret
 */
CHECKED enum sks_status invitation_add(struct session_store *store, const struct invitation *wish,
                                       const char *const *settings, size_t count, int64_t *number,
                                       char code[INVITATION_CODE_LENGTH + 1],
                                       struct sks_error *err);

/**
 * Uses a code once, durably: of all who try at the same time no more succeed than it has uses.
 *
 * @param code    as a person types it: in any case, with or without '-' and blanks
 * @param number  out: of the invitation; 0 if the answer is INVITATION_UNKNOWN
 */
CHECKED enum sks_status invitation_redeem(struct session_store *store, const char *profile,
                                          struct bytes code, int64_t now,
                                          enum invitation_answer *answer, int64_t *number,
                                          struct sks_error *err);

/**
 * Gives a session the values of its invitation, inside the transaction that adds it.
 *
 * @return SKS_ERROR_NOT_ALLOWED if the invitation was withdrawn meanwhile
 */
CHECKED enum sks_status invitation_attach(struct database *db, int64_t session, int64_t invitation,
                                          struct sks_error *err);

/** Takes one back, durably: nobody begins with it any more. SKS_ERROR_NO_KEY if there is none. */
CHECKED enum sks_status invitation_withdraw(struct session_store *store, int64_t number,
                                            struct sks_error *err);

/** Calls each() for all, oldest first. */
CHECKED enum sks_status invitation_each(struct session_store *store,
                                        void (*each)(void *ctx, const struct invitation *item),
                                        void *ctx, struct sks_error *err);

#endif
