/*
 * The least that it takes to keep a session: as many bytes as the issuer's database gets of one,
 * appended to a file in as many pieces as there are messages, and one sync. The file is as long as
 * it will ever be, so that a sync has nothing but these bytes to write.
 */
#ifndef TESTS_BENCH_ISSUER_BARE_STORE_H
#define TESTS_BENCH_ISSUER_BARE_STORE_H

struct bare_store;

/** @param folder  where the file is made; it goes with the folder */
struct bare_store *bare_store_new(const char *folder);

/** Microseconds of CPU a session, of some hundred sessions. */
double bare_store_us(struct bare_store *store);

void bare_store_free(struct bare_store *store);

#endif
