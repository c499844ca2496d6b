/*
 * The cryptography of one session of the profile p256-user-pin and nothing else, in libcrypto's
 * cheapest way: what every share of the issuer's benchmark is a share of.
 */
#ifndef TESTS_BENCH_ISSUER_BARE_SESSION_H
#define TESTS_BENCH_ISSUER_BARE_SESSION_H

/* For one thread: contexts that are made once. */
struct bare_session;

struct bare_session *bare_session_new(void);
void bare_session_free(struct bare_session *bare);

/** Seconds of CPU that its runs have taken so far. */
const double *bare_session_spent(const struct bare_session *bare);

/* The issuer's: 1 key pair, 2 points checked to be on their curve, 1 ECDH, 1 signature checked
 * (the device's), 1 made (the certificate's), 7 HMACs. @param bare a struct bare_session */
void run_bare_issuer(void *bare, unsigned number);

/* Those and the token's: 2 key pairs, 1 point, 1 ECDH, 1 signature, 7 HMACs. */
void run_bare_both(void *bare, unsigned number);

#endif
