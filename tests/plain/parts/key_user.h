/* A user of keys that change under his hands: makes calls, and knows which answers are right. */
#ifndef TESTS_PLAIN_PARTS_KEY_USER_H
#define TESTS_PLAIN_PARTS_KEY_USER_H

#include "tests/plain/parts/estate.h"

/** Makes one call on a key, drawn at random. An answer that is not right ends the program. */
void use_key(struct token *token, struct key_book *key, unsigned *random);

/** Uses a key with a PIN, or what takes its place; a result must be what the key gives. */
enum sks_status try_use(struct token *token, struct key_book *key, const char *pin, uint64_t since);

#endif
