/* What the files of the checker share; checker.c says what it does. */
#ifndef TESTS_CRASH_CHECKER_H
#define TESTS_CRASH_CHECKER_H

#include "token/call.h"

struct checker {
    struct token *token; /* NULL: none is open */
    char database[512], key_file[512];
    struct buf out;     /* the line of JSON that answers a command */
    struct arena arena; /* lives as long as the command */
    struct sks_error err;
};

/* JSON, appended to the answer: commas stand where they belong. */
void put_hex(struct checker *c, struct bytes value);
void put_number(struct checker *c, long long value);
void put_comma(struct checker *c);
void put_name(struct checker *c, const char *name); /* "name": */

void digest_of(struct bytes data, uint8_t digest[32]);

/**
 * Makes one call.
 *
 * @param raw  out: the answer as it is, in the arena
 * @param out  out: its outputs
 * @return the token's status, with its text in c->err
 */
enum sks_status checker_call(struct checker *c, enum method_id id, const union sks_in *in,
                             struct bytes *raw, union sks_out *out);

/** Appends all that a caller can read, and the rows. describe.c */
CHECKED enum sks_status describe_token(struct checker *c);

/** Uses the key of one word HANDLE=PIN,..., and appends what came of it. use.c */
CHECKED enum sks_status use_key(struct checker *c, const char *word);

#endif
