/* A whole life of keys, as calls: what story.h records. */
#ifndef TESTS_PLAIN_SUPPORT_TALE_H
#define TESTS_PLAIN_SUPPORT_TALE_H

#include "tests/plain/support/own_store.h"

/** What comes before: an earlier session whose keys its issuer manages, one of them blocked. */
void tale_begin(struct token *token);

/** Makes the calls, by user_process and on no token in particular. */
void tale_tell(void);

#endif
