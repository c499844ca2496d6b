/* The parts of the token's benchmark; each prints its figures. */
#ifndef TESTS_BENCH_TOKEN_PARTS_H
#define TESTS_BENCH_TOKEN_PARTS_H

#include <openssl/evp.h>

/* token_operations.c: user operations on a key of each kind, in-process and over a Unix socket */
void measure_operations(void);

/* token_sizes.c: with 10, 1,000 and 100,000 keys stored */
void measure_sizes(void);

/* token_commit.c: the close, and the memory of a session */
void measure_commit(void);
void measure_heap(void);

/* bare.c: the bare operations */
struct bare_signer {
    EVP_PKEY_CTX **ctx; /* of several keys, in turns */
    unsigned keys;
};
EVP_PKEY_CTX *bare_context(EVP_PKEY *pkey);
void run_bare_sign(void *bare_signer, unsigned number);
void run_bare_ed25519(void *pkey, unsigned number);
void run_bare_hmac(void *data, unsigned number); /* struct bytes; the key is BARE_HMAC_KEY */
void run_bare_keygen(void *unused, unsigned number);

enum { BARE_HMAC_KEY_SIZE = 32 };
extern const unsigned char BARE_HMAC_KEY[BARE_HMAC_KEY_SIZE];

#endif
