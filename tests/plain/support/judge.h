/* Says whether what came of a call in trouble is right. */
#ifndef TESTS_PLAIN_SUPPORT_JUDGE_H
#define TESTS_PLAIN_SUPPORT_JUDGE_H

#include "tests/plain/support/story.h"

/* What trouble the call had. */
struct trouble {
    const char *kind;
    unsigned number; /* which allocation, say, for a person */
    bool lasting;    /* it lasted as long as the call */
    bool on_disk;    /* the disk may hold what the call said that it could not write */
    bool in_crypto;  /* inside libcrypto, which says no more than that it failed */
};

/**
 * Judges a call whose trouble is over; what is wrong ends the program. The answer must be a proper
 * status; the container must be what it was, or what the call makes of it, or what is left when
 * its session is aborted, on the running token and on one that is opened anew; its keys must work;
 * and the same call must then succeed, or be refused as it should.
 *
 * @param token   it is closed
 * @param answer  what token_process() gave
 */
void judge(const struct story *story, const struct step *step, const struct trouble *trouble,
           struct token *token, const struct buf *answer);

/**
 * Judges what a crash in the call left on the disk: the container as above, and no counter is
 * higher by more than one.
 */
void judge_crash(const struct story *story, const struct step *step, const struct trouble *trouble);

#endif
