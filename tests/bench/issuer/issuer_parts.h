/* The parts of the issuer's benchmark; each prints its figures. */
#ifndef TESTS_BENCH_ISSUER_ISSUER_PARTS_H
#define TESTS_BENCH_ISSUER_ISSUER_PARTS_H

/* crypto_part.c: our functions for the cryptography of a session */
void measure_crypto(void);

/* local_part.c: whole sessions, text in, text out, in this process and on a store in memory */
void measure_local(void);

/* http_part.c: sks-issuer over http, then the same with few and with many sessions stored */
void measure_http(void);
void measure_sizes(unsigned sessions);

/* three_part.c: sks-issuer, sks-token and the library of sks-proxy */
void measure_three(void);

#define PROFILE "p256-user-pin"
#define PROFILES_FOLDER "issuer/profiles" /* seen from the root of the project */

#endif
