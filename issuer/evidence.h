/* The evidence record of one session, made from what the store kept. */
#ifndef ISSUER_EVIDENCE_H
#define ISSUER_EVIDENCE_H

#include "issuer/issuer.h"

/* What of the record is told. */
struct evidence_options {
    bool session_key;    /* it is spent, but opens what the session carried encrypted */
    bool reveal_secrets; /* then even if that were PUKs, or it is not spent */
};

/**
 * Appends the signed record of a session.
 *
 * @return SKS_ERROR_NO_SESSION if there is none of that id; SKS_ERROR_NOT_ALLOWED if the session
 *         key was asked for and there is none; or it opens what the session carried encrypted, or
 *         is not spent, and that was not to be revealed
 */
CHECKED enum sks_status evidence_of(struct issuer *issuer, const char *id,
                                    const struct evidence_options *options, struct buf *text,
                                    struct sks_error *err);

/** Appends the same as lines for a person, without the messages' bodies and without secrets. */
CHECKED enum sks_status evidence_summary(struct issuer *issuer, const char *id, struct buf *text,
                                         struct sks_error *err);

#endif
