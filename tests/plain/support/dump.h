/*
 * What is in a token, as text: so that two states can be compared and their difference read. What
 * is drawn at random, or depends on the clock, is left out.
 */
#ifndef TESTS_PLAIN_SUPPORT_DUMP_H
#define TESTS_PLAIN_SUPPORT_DUMP_H

#include "tests/plain/support/own_store.h"

enum { DUMP_KEYS_MAX = 32 };

struct dump {
    struct buf rows; /* all that is stored, but for wrong tries */
    struct buf view; /* all that a user can see, but for wrong tries */
    struct {
        uint32_t key;
        uint16_t pin, puk; /* wrong tries */
    } tries[DUMP_KEYS_MAX];
    size_t keys;
};

/** Any failure ends the program. @param dump out: free with dump_free() */
void dump_token(struct token *token, struct dump *dump);

/* A part of it, with the tries; the other text stays empty. */
void dump_view(struct token *token, struct dump *dump);
void dump_rows(struct token *token, struct dump *dump);

void dump_free(struct dump *dump);

#endif
