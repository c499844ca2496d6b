/* Plays a kind of trouble on every call of a story, at every point where it can strike. */
#ifndef TESTS_PLAIN_SUPPORT_MISCHIEF_H
#define TESTS_PLAIN_SUPPORT_MISCHIEF_H

#include "tests/plain/support/story.h"

struct mischief {
    const char *name;
    /* Lets trouble begin: the number-th time that it can strike, or from then on. */
    void (*begin)(unsigned number, bool lasting);
    bool (*end)(void); /* true if it has struck */
    bool on_disk;      /* the disk may hold what a call said that it could not write */
    bool in_crypto;    /* inside libcrypto, which says no more than that it failed */
    bool crash;        /* judge what a crash after the trouble leaves, too */
};

/** Opens the token, makes each call of the story, closes the token, each in trouble at its first,
 * second, ... point until there is none left. Returns the number of points. */
unsigned mischief_everywhere(const struct story *story, const struct mischief *mischief);

#endif
