/*
 * The least that it takes SQLite to keep a session: as many bytes as the issuer's database gets of
 * one, in as many rows as there are messages, of one table without an index and in one transaction
 * that is synced.
 */
#ifndef TESTS_BENCH_ISSUER_BARE_STORE_H
#define TESTS_BENCH_ISSUER_BARE_STORE_H

struct bare_store;

/** @param folder  where the database is made; it goes with the folder */
struct bare_store *bare_store_new(const char *folder);

/** Microseconds of CPU a session, of some hundred sessions. */
double bare_store_us(struct bare_store *store);

void bare_store_free(struct bare_store *store);

#endif
