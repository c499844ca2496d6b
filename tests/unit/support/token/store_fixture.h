/* A token's store in a temporary folder, gone after the test. */
#ifndef TESTS_UNIT_SUPPORT_TOKEN_STORE_FIXTURE_H
#define TESTS_UNIT_SUPPORT_TOKEN_STORE_FIXTURE_H

#include "token/store.h"

struct store_fixture {
    char folder[64], key_file[96], database[96];
    struct vault *vault;
    struct store *store;
};

void store_fixture_open(struct store_fixture *f);

/** Closes and opens again, as a restart does. */
void store_fixture_reopen(struct store_fixture *f);

void store_fixture_close(struct store_fixture *f);

#endif
