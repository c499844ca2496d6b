/* What the transcripts tell: one session of each kind, or two. */
#ifndef TESTVECTORS_GENERATE_STORY_H
#define TESTVECTORS_GENERATE_STORY_H

#include "testvectors/generate/play.h"

enum post { POST_NONE, POST_DELETE, POST_UNLOCK, POST_UPDATE, POST_CLONE };

/* What a base transcript holds. */
struct story {
    int device, curve, key; /* curves, below 0: RSA */
    bool privacy, preset, puk, pin, profile_2010;
    unsigned grouping, keys, extensions; /* bits by sub type */
    int import;                          /* 0: none, 1: symmetric, 2: private */
    size_t path;
    const char *endorsed;
    enum post post;
};

/** The base of that number, from 0. */
struct story story_of(int number);

enum { STORY_COMMENT = 120 };

/**
 * Plays it.
 *
 * @param p  out
 * @return what a token must have for it
 */
const char *play_story(struct play *p, struct suite *s, int number, char comment[STORY_COMMENT]);

#endif
