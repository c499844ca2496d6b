/*
 * The issuer's state machine: which message a session waits for, what is done with it, and what
 * comes next. All that changes is durable before the answer is handed back.
 */
#ifndef ISSUER_PHASE_H
#define ISSUER_PHASE_H

#include "issuer/issuer.h"

enum { COOKIE_LENGTH = 32 }; /* characters of 6 random bits */

enum outcome_kind {
    OUTCOME_ANSWER,     /* the next request goes out */
    OUTCOME_DONE,       /* the person is sent to /done */
    OUTCOME_FAILED,     /* the person is sent to /failed */
    OUTCOME_PENDING,    /* the person is sent to /pending: the operator must approve */
    OUTCOME_OVER,       /* a message that is no repeat, to a session that has succeeded */
    OUTCOME_NO_SESSION, /* the cookie is no session's; nothing was touched */
    OUTCOME_TROUBLE,    /* the issuer's own: nothing was changed, the client may try again */
};

struct outcome {
    enum outcome_kind kind;
    const char *message;    /* name of the message that was taken, or refused; NULL: none was */
    bool over;              /* the session had ended before */
    struct bytes answer;    /* of OUTCOME_ANSWER */
    struct session session; /* but for OUTCOME_NO_SESSION and OUTCOME_TROUBLE */
};

/* One message, and where it came in. */
struct arrival {
    const char *cookie;     /* NULL if there was none */
    const char *issuer_uri; /* the URL that it was sent to, as the issuer names it */
    bool tls;
    struct bytes server_certificate; /* DER; that its client saw. Only a session's begin needs it */
    struct bytes body;
};

/**
 * Begins a session: the answer is its InvocationRequest.
 *
 * @param arrival its cookie and its body are not looked at
 * @param cookie  out: the session's cookie, COOKIE_LENGTH characters and a NUL
 * @param arena   holds all that *outcome points to, as in the functions below
 */
void phase_begin(struct issuer *issuer, const struct profile *profile,
                 const struct arrival *arrival, struct arena *arena, char cookie[COOKIE_LENGTH + 1],
                 struct outcome *outcome);

/**
 * As phase_begin(), with a cookie that exists already.
 *
 * @param arrival     its cookie is for the new session; its body is not looked at
 * @param invitation  number; 0: none
 * @param outcome     out: also OUTCOME_OVER: the cookie has a session, or the invitation was
 *                    withdrawn
 */
void phase_begin_with(struct issuer *issuer, const struct profile *profile,
                      const struct arrival *arrival, int64_t invitation, struct arena *arena,
                      struct outcome *outcome);

/**
 * Answers whoever begins with a cookie that has a session already: as before, if nothing has
 * happened in it yet, else OUTCOME_OVER. False: it has none.
 */
bool phase_begin_again(struct issuer *issuer, const struct arrival *arrival, struct arena *arena,
                       struct outcome *outcome);

/** Takes a message. */
void phase_message(struct issuer *issuer, const struct arrival *arrival, struct arena *arena,
                   struct outcome *outcome);

/**
 * Goes on with a session whose issuance was deferred. deferred.c
 *
 * @param arrival  its body is not looked at
 * @param id       serverSessionId, which must be that of the cookie's session
 */
void phase_resume(struct issuer *issuer, const struct arrival *arrival, const char *id,
                  struct arena *arena, struct outcome *outcome);

/**
 * Discards a session that has only begun, with all that is kept of it. phase_discard.c
 *
 * @param session  out: it, if this is true
 * @return false if there is none, it has gone on, or it came of an invitation: nothing was done
 */
bool phase_discard(struct issuer *issuer, const char *cookie, struct arena *arena,
                   struct session *session);

/** Gives a session up, if it is not over. */
void phase_abort(struct issuer *issuer, const char *cookie, struct arena *arena,
                 struct outcome *outcome);

#endif
