/*
 * Which certificates are revoked or on hold: the entries of the CRL. Those of sessions that failed
 * or are in doubt come and go by themselves (revocation_schema.h), the operator's are made here.
 */
#ifndef ISSUER_REVOCATION_H
#define ISSUER_REVOCATION_H

#include "issuer/certificate_store.h"

/* RFC 5280, 5.3.1 "Reason Code": those that an end entity may have. The numbers are stored. */
enum revocation_reason {
    REASON_UNSPECIFIED = 0,
    REASON_KEY_COMPROMISE = 1,
    REASON_AFFILIATION_CHANGED = 3,
    REASON_SUPERSEDED = 4,
    REASON_CESSATION_OF_OPERATION = 5,
    REASON_HOLD = 6, /* the only one that may be taken back */
    REASON_PRIVILEGE_WITHDRAWN = 9,
};

extern const struct name NAMES_REVOCATION_REASON[];

/* Who asked for it. The numbers are stored. */
enum revocation_origin {
    REVOCATION_IN_DOUBT, /* the session waits for its proof */
    REVOCATION_FAILED,   /* the session has failed */
    REVOCATION_OPERATOR,
};

extern const struct name NAMES_REVOCATION_ORIGIN[];

/* What the operator wants done to certificates. */
struct revocation_wish {
    const char *session;           /* all of it; NULL: `serial` */
    struct bytes serial;           /* magnitude, as in the certificate store */
    enum revocation_reason reason; /* REASON_HOLD: on hold */
    bool release;                  /* from a hold; reason does not count */
};

/**
 * Does it, durably. A running server need not be told.
 *
 * A session in doubt whose certificates are revoked, all of them, has failed.
 *
 * @param changed   out: how many certificates are not as they were before
 * @param external  out: how many of those wanted are of an external CA, whose CRL is not ours
 * @return SKS_ERROR_NO_KEY or SKS_ERROR_NO_SESSION if there is none; SKS_ERROR_NOT_ALLOWED for
 *         what cannot be: a hold or release of what is revoked, a release of what is in doubt
 */
CHECKED enum sks_status revocation_apply(struct session_store *store,
                                         const struct revocation_wish *wish, size_t *changed,
                                         size_t *external, struct sks_error *err);

struct crl_entry {
    struct bytes serial;
    int64_t at;
    uint8_t reason;
};

/** What tells whether a CRL is still the one of now: grows with each change of its entries. */
CHECKED enum sks_status revocation_revision(struct session_store *store, int64_t *revision,
                                            struct sks_error *err);

/**
 * Draws the number of a new CRL, durably, and reads its entries.
 *
 * @param since     certificates of our own that had expired before are left out
 * @param each      called with the database locked; the serial number lives until it returns
 * @param number    out: greater than any before
 * @param revision  out: as revocation_revision()
 */
CHECKED enum sks_status revocation_entries(struct session_store *store, int64_t since,
                                           void (*each)(void *ctx, const struct crl_entry *entry),
                                           void *ctx, int64_t *number, int64_t *revision,
                                           struct sks_error *err);

/* A certificate with all that is known of it; lives during one call of each(). */
struct exported_certificate {
    struct issued_certificate issued; /* without owner and generation */
    const char *profile;
    bool revoked; /* or on hold: then the rest counts */
    int64_t at;
    uint8_t reason, origin;
};

/** Calls each() for all certificates, or those of one session. @param session NULL: all */
CHECKED enum sks_status revocation_export(struct session_store *store, const char *session,
                                          void (*each)(void *ctx,
                                                       const struct exported_certificate *c),
                                          void *ctx, struct sks_error *err);

#endif
