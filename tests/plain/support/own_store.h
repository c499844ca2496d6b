/* A token of the test's own, in-process. */
#ifndef TESTS_PLAIN_SUPPORT_OWN_STORE_H
#define TESTS_PLAIN_SUPPORT_OWN_STORE_H

#include "tests/plain/support/must.h"
#include "token/token.h"

enum { STORE_FOLDER_MAX = 64 };

extern const char P256[]; /* URI of the key generation algorithm */

/* A store with a device key in a new temporary folder; and its end. */
void make_store(char folder[STORE_FOLDER_MAX]);
struct token *open_store(const char *folder);
void remove_store(const char *folder);

/* As the above, with a master key of its own. open_store_with(): NULL for the one of make_store()
 */
void make_store_with(const char *key_file, char folder[STORE_FOLDER_MAX]);
struct token *open_store_with(const char *key_file, const char *folder,
                              const struct token_options *options);

/** Ends the program with the findings unless store_check() has none. Nobody has the store open. */
void check_store(const char *key_file, const char *folder);

/* A token whose store is gone when it is closed. */
struct token *new_token(void);

/** As new_token(), with options, and a master key of its own. @param key_file NULL: new_token()'s
 */
struct token *new_token_with(const char *key_file, const struct token_options *options);

#endif
