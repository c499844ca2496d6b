/*
 * An issuer in this process, without HTTP: what its routes would do with a request. It knows the
 * state that it was in at a moment, and goes back to it.
 */
#ifndef MATRIX_ISSUER_END_H
#define MATRIX_ISSUER_END_H

#include "keygen2/base/bytes.h"

#define MATRIX_ORIGIN "http://issuer.matrix"

struct issuer_end;

/**
 * Makes one, with keys of its own.
 *
 * @param folder    empty, for its data
 * @param trust     PEM file of the device CA
 * @param profiles  folder of profiles
 */
CHECKED enum sks_status issuer_end_new(const char *folder, const char *trust, const char *profiles,
                                       struct issuer_end **end, struct sks_error *err);

/** Keeps the state that it is in as the one to go back to. */
CHECKED enum sks_status issuer_end_keep(struct issuer_end *end, struct sks_error *err);

/** Goes back to it. */
CHECKED enum sks_status issuer_end_restore(struct issuer_end *end, struct sks_error *err);

/* An answer; free the body. */
struct issuer_answer {
    unsigned status;
    const char *content_type; /* NULL: no body */
    char location[200];       /* of a redirect */
    char cookie[64];          /* value that is set; "" for none */
    struct buf body;
};

/**
 * One request.
 *
 * @param target  path and query
 * @param cookie  value; NULL: none
 * @param answer  out: starts as {0}
 */
void issuer_end_request(struct issuer_end *end, const char *method, const char *target,
                        const char *cookie, struct bytes body, struct issuer_answer *answer);

/** The CA's certificate, DER; as long as the end. */
struct bytes issuer_end_ca(const struct issuer_end *end);

enum issuer_verdict_kind { ISSUER_OPEN, ISSUER_SUCCEEDED, ISSUER_FAILED, ISSUER_IN_DOUBT };

/** How many sessions have a verdict. @param count out: by enum issuer_verdict_kind */
CHECKED enum sks_status issuer_end_count(struct issuer_end *end, int64_t count[4],
                                         struct sks_error *err);

/** NULL is allowed. */
void issuer_end_free(struct issuer_end *end);

#endif
