/* libsks: the token as a library. No I/O but its store; one call in, one answer out. */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "keygen2/base/bytes.h"

#define TOKEN_DATABASE "token.db"
#define TOKEN_MASTER_KEY "master.key"
#define TOKEN_DEVICE_CA "device-ca.pem"
#define TOKEN_CONTROL_SOCKET "control.sock"
#define TOKEN_DEVICE_REQUEST "device.csr"
#define TOKEN_LOCK "lock"

/* Names of what is beside the database for a moment begin with these. */
#define TOKEN_COPY_MARK ".copy-"
#define TOKEN_COPY TOKEN_DATABASE TOKEN_COPY_MARK /* made by token_copy() */
#define TOKEN_RESTORED TOKEN_DATABASE ".restored" /* on its way to its place */

struct token;
struct key_maker;
struct sks_dialect;

/* What a token only pretends to have; both are off by default. */
enum token_simulation { SIMULATE_BIOMETRICS = 1, SIMULATE_DEVICE_PIN = 2 };

/** What a caller may set. Zero is the default of each. */
struct token_options {
    uint64_t storage_limit; /* bytes of the database, 0: none */
    unsigned simulations;   /* set of enum token_simulation */
    bool allow_deactivate;  /* by method 25 */
    const char *update_url; /* updateUrl of getDeviceInfo; NULL: updateFirmware is off */
    const char *update_key; /* PEM file, the Ed25519 key that signs updates; NULL with update_url */
    size_t rsa_pool;        /* RSA-2048 keys that a thread makes ahead, up to 64; 0: no thread */
    const struct key_maker *key_maker; /* makes all other key pairs; NULL: OpenSSL does */
    size_t live_keys;                  /* keys to keep ready in memory; 0: a few thousand */
    size_t counters;                   /* of PINs and PUKs, to keep in memory; 0: a few thousand */
};

/**
 * Opens a token.
 *
 * @param database  path of the database, or ":memory:"
 * @param key_file  path of the master key; the environment variable SKS_TOKEN_MASTER_KEY wins
 * @return SKS_ERROR_NOT_AVAILABLE if the store has no device key yet
 */
CHECKED enum sks_status token_open(const char *database, const char *key_file,
                                   const struct token_options *options, struct token **token,
                                   struct sks_error *err);

/** Writes what a clean stop owes the PIN counters, and frees. NULL is allowed. */
void token_close(struct token *token);

/**
 * Carries out one SKS call of V1.07. Any number of threads may be in it.
 *
 * @param request   method id and arguments
 * @param response  the answer is appended: status and outputs, or status and ErrorString. If its
 *                  status says that there is no memory for any, nothing was done
 */
void token_process(struct token *token, struct bytes request, struct buf *response);

/** As token_process(), in either dialect: token/api/dialect.h. */
void token_process_as(struct token *token, const struct sks_dialect *dialect, struct bytes request,
                      struct buf *response);

enum { TOKEN_COPY_NAME_MAX = 64 };

/**
 * Copies the whole store, as it is at the moment when this returns, beside its database. Calls go
 * on meanwhile. Whoever asked removes the copy.
 *
 * @param name  out: of the copy, in the folder of the database
 */
CHECKED enum sks_status token_copy(struct token *token, char name[TOKEN_COPY_NAME_MAX],
                                   struct sks_error *err);

/**
 * True if a request may take long, so that it belongs on a worker thread: it generates an RSA key,
 * waits for a PUK's delay, for another call of its session, or for the commit of another.
 *
 * @param subject  out: requests with the same one, but 0, would wait for each other, so that they
 *                 had better be given to token_process() one after the other
 */
bool token_request_is_slow(struct token *token, struct bytes request, uint64_t *subject);

#endif
