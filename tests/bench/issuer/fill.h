/* Fills an issuer's database with finished sessions, quickly. */
#ifndef TESTS_BENCH_ISSUER_FILL_H
#define TESTS_BENCH_ISSUER_FILL_H

/**
 * Copies the rows of a session that is there until there are about as many as asked for: in all
 * tables and indexes, with numbers, identifiers and cookies of their own. Bodies are cut short, so
 * that a million takes some gigabytes.
 *
 * @param folder  of an issuer that does not run and has had a session
 */
void fill_sessions(const char *folder, unsigned sessions);

#endif
