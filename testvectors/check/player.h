/* A transcript that is being played: its calls, altered as the test says, and both ends. */
#ifndef TESTVECTORS_CHECK_PLAYER_H
#define TESTVECTORS_CHECK_PLAYER_H

#include "keygen2/crypto/session.h"
#include "testvectors/check/replay_token.h"
#include "testvectors/check/subject.h"

enum { CALLS_MAX = 64 };

/* A call as it will be made: which exchange of the base, and its bytes. */
struct made {
    const json_t *exchange;
    struct buf request, answer; /* the answer is the expected one, then altered */
    bool request_altered, answer_altered;
    uint32_t wait; /* seconds that pass before it */
};

/* What the issuer keeps of a session. */
struct issuer {
    struct session_key sk;
    uint32_t handle; /* 0: no session yet */
    bool closed;
    const json_t *session; /* of the fixtures */
};

struct player {
    struct subject *s;
    struct replay_token *token;
    struct made call[CALLS_MAX];
    size_t count, sessions;
    struct issuer issuer;
    EVP_PKEY *device; /* public */
};

/** Takes the calls of the transcript, and does the operations of the test on them. */
void player_load(struct player *p);

/** Frees the calls. */
void player_unload(struct player *p);

#endif
