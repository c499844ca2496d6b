/*
 * The issuer of a rig: in this process, or elsewhere. A kind of issuer is a row of functions; what
 * one cannot do stands in what it says of itself.
 */
#ifndef MATRIX_ISSUER_END_H
#define MATRIX_ISSUER_END_H

#include "keygen2/base/http_client.h"
#include "keygen2/crypto/private_key.h"

#include <jansson.h>

#define MATRIX_ORIGIN "http://issuer.matrix" /* of one in this process */

enum issuer_verdict_kind { ISSUER_OPEN, ISSUER_SUCCEEDED, ISSUER_FAILED, ISSUER_IN_DOUBT };

struct issuer_end;

struct issuer_end_kind {
    bool resets; /* restore() brings back the whole state; else only what it knows of it */

    /** Keeps the state that it is in as the one to go back to. */
    enum sks_status (*keep)(struct issuer_end *end, struct sks_error *err);

    /** Goes back to it. */
    enum sks_status (*restore)(struct issuer_end *end, struct sks_error *err);

    /** Writes the main URL of a profile. */
    void (*url)(const struct issuer_end *end, const char *profile, char *url, size_t size);

    /** The next request is of a client that has no cookie yet. */
    enum sks_status (*begin)(struct issuer_end *end, struct sks_error *err);

    /** As http_client_exchange(). */
    enum sks_status (*exchange)(struct issuer_end *end, const char *method, const char *url,
                                const char *content_type, const char *accept, struct bytes body,
                                struct http_exchange *exchange, struct sks_error *err);

    /** The operator approves of a session that waits. NULL: there is no operator. */
    enum sks_status (*approve)(struct issuer_end *end, const char *session, struct sks_error *err);

    /** Its key management key gets a next generation. NULL: it has none that could. */
    enum sks_status (*roll_over)(struct issuer_end *end, struct sks_error *err);

    /** How many sessions have a verdict. @param count out: by enum issuer_verdict_kind */
    enum sks_status (*count)(struct issuer_end *end, int64_t count[4], struct sks_error *err);

    /** True if it issued this certificate. @param der, text  its bytes, and as base64url */
    bool (*issued)(const struct issuer_end *end, struct bytes der, const char *text);

    /** Appends what cannot be judged or set back there, a text each. NULL: nothing. */
    void (*limits)(const struct issuer_end *end, json_t *texts);

    void (*free)(struct issuer_end *end);
};

/* First member of each kind's own struct. */
struct issuer_end {
    const struct issuer_end_kind *kind;
};

/**
 * Makes one in this process, with keys of its own.
 *
 * @param folder    empty, for its data
 * @param trust     device CAs, PEM file or folder
 * @param profiles  folder of profiles
 * @param maker     of its RSA keys
 * @param end       out: free with issuer_end_free()
 */
CHECKED enum sks_status issuer_end_new(const char *folder, const char *trust, const char *profiles,
                                       const struct key_maker *maker, struct issuer_end **end,
                                       struct sks_error *err);

/**
 * Another client of one in this process, which must live longer: the same state, another cookie.
 *
 * @param client  out: free with issuer_end_free()
 */
CHECKED enum sks_status issuer_end_client(struct issuer_end *end, struct issuer_end **client,
                                          struct sks_error *err);

/**
 * One elsewhere.
 *
 * @param url  main URL of a profile; or, with '/' at its end, what the names of profiles go behind
 * @param ca   PEM that vouches for it over https; NULL: the system's
 * @param timeout  seconds for one exchange
 */
CHECKED enum sks_status issuer_end_elsewhere(const char *url, const char *ca, unsigned timeout,
                                             struct issuer_end **end, struct sks_error *err);

/** NULL is allowed. */
static inline void issuer_end_free(struct issuer_end *end)
{
    if (end != NULL)
        end->kind->free(end);
}

#endif
