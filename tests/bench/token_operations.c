#include "tests/bench/bench.h"
#include "tests/bench/prepared.h"
#include "tests/bench/token_parts.h"
#include "tests/plain/support/enrol.h"

#include <stdio.h>
#include <string.h>

enum { HMAC_DATA = 1024 };

static const char PIN[] = "471108";
static const uint8_t DATA[HMAC_DATA] = { 1, 2, 3 };

static const struct user_operation {
    const char *name, *text, *key_algorithm, *algorithm;
    enum method_id method;
    bool symmetric;
    size_t data_len;
    void (*bare)(void *ctx, unsigned number);
    const char *bare_key; /* EVP_PKEY_Q_keygen's words for the bare operation's key */
} OPERATIONS[] = {
    { "signP256", "signHashedData, P-256, PIN", SKS_ALGORITHM "ec.nist.p256",
      XMLDSIG_MORE "ecdsa-sha256", SIGN_HASHED_DATA, false, 32, run_bare_sign, "EC" },
    { "signRsa2048", "signHashedData, RSA-2048, PIN", SKS_ALGORITHM "rsa2048",
      XMLDSIG_MORE "rsa-sha256", SIGN_HASHED_DATA, false, 32, run_bare_sign, "RSA" },
    { "signEd25519", "signHashedData, Ed25519, PIN", SKS_ALGORITHM "ed25519",
      SKS_ALGORITHM "ed25519", SIGN_HASHED_DATA, false, 32, run_bare_ed25519, "ED25519" },
    { "hmacSha256", "performHmac, SHA-256 over 1 KiB, PIN", SKS_ALGORITHM "ec.nist.p256",
      XMLDSIG_MORE "hmac-sha256", PERFORM_HMAC, true, HMAC_DATA, run_bare_hmac, NULL },
};

static EVP_PKEY *bare_key(const char *words)
{
    if (words == NULL)
        return NULL;
    if (strcmp(words, "EC") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (strcmp(words, "RSA") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    return EVP_PKEY_Q_keygen(NULL, NULL, words);
}

/* The keys of all operations, in their order. */
static void enrol_operations(struct token *token, uint32_t handle[NITEMS(OPERATIONS)])
{
    for (size_t i = 0; i < NITEMS(OPERATIONS); i++) {
        struct enrolment_plan plan = { .algorithm = OPERATIONS[i].key_algorithm,
                                       .keys = 1,
                                       .pin = PIN };
        struct enrolment *e;

        if (OPERATIONS[i].symmetric)
            plan.symmetric_key = bytes_at(BARE_HMAC_KEY, BARE_HMAC_KEY_SIZE);
        e = enrolment_begin(token, &plan);
        enrolment_close(e);
        handle[i] = enrolment_key(e, 0);
        enrolment_free(e);
    }
}

static void measure_operation(const struct user_operation *o, const struct place *place,
                              uint32_t handle, const char *suffix)
{
    struct bytes data = bytes_at(DATA, o->data_len);
    struct prepared prepared = prepare(place, o->method, o->algorithm, PIN, data);
    EVP_PKEY *pkey = bare_key(o->bare_key);
    EVP_PKEY_CTX *ctx = o->bare == run_bare_sign ? bare_context(pkey) : NULL;
    struct bare_signer signer = { &ctx, 1 };
    const struct operation ours = { run_prepared, &prepared, NULL };
    struct operation bare = { o->bare, ctx != NULL ? (void *)&signer : pkey, NULL };
    char name[64];

    if (pkey == NULL)
        bare.ctx = &data;
    prepared.handle = &handle;
    prepared.handles = 1;
    (void)snprintf(name, sizeof name, "%s%s", o->name, suffix);
    bench_ratio(name, o->text, bench_compare(&ours, &bare));
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    buf_free(&prepared.request);
}

void measure_operations(void)
{
    uint32_t handle[NITEMS(OPERATIONS)];
    char folder[STORE_FOLDER_MAX];
    struct place place = { 0 };

    make_store(folder);
    place.token = open_store(folder);
    enrol_operations(place.token, handle);
    bench_section("one key, in-process");
    for (size_t i = 0; i < NITEMS(OPERATIONS); i++)
        measure_operation(&OPERATIONS[i], &place, handle[i], "");
    token_close(place.token);
    place.token = NULL;
    place.server = server_start(folder);
    bench_section("one key, through a Unix socket");
    for (size_t i = 0; i < NITEMS(OPERATIONS); i++)
        measure_operation(&OPERATIONS[i], &place, handle[i], "_wire");
    server_stop(place.server);
    remove_store(folder);
}
