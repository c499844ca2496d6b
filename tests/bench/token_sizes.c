#include "tests/bench/bench.h"
#include "tests/bench/fill.h"
#include "tests/bench/meters.h"
#include "tests/bench/prepared.h"
#include "tests/bench/token_parts.h"
#include "tests/plain/support/enrol.h"
#include "token/call.h"

#include <stdio.h>

enum { SPREAD = 2000, COLD = 5000 };

static const uint8_t DIGEST[32] = { 1, 2, 3 };

enum { STORED_MAX = 100000 };
static const uint32_t SIZES[] = { 10, 1000, STORED_MAX };

static uint32_t stored_key[STORED_MAX];

/* The keys in an order that jumps about. */
static uint32_t scattered(unsigned number, uint32_t keys)
{
    return stored_key[(uint64_t)number * 2654435761U % keys];
}

static void run_creation(void *enrolment, unsigned number)
{
    (void)number;
    enrolment_add_key(enrolment);
}

static struct ratio compare_creation(struct token *token)
{
    const struct enrolment_plan plan = { .algorithm = P256, .pin = FILL_PIN };
    struct enrolment *enrolment = enrolment_begin(token, &plan);
    const struct operation ours = { run_creation, enrolment, NULL },
                           bare = { run_bare_keygen, NULL, NULL };
    struct ratio ratio = bench_compare(&ours, &bare);

    enrolment_abort(enrolment);
    enrolment_free(enrolment);
    return ratio;
}

static struct ratio compare_spread(const struct place *place, uint32_t keys)
{
    static uint32_t handle[SPREAD];
    static EVP_PKEY_CTX *ctx[SPREAD];
    struct bare_signer signer = { ctx, keys < SPREAD ? keys : SPREAD };
    struct prepared prepared = prepare(place, SIGN_HASHED_DATA, XMLDSIG_MORE "ecdsa-sha256",
                                       FILL_PIN, bytes_at(DIGEST, sizeof DIGEST));
    const struct operation ours = { run_prepared, &prepared, NULL },
                           bare = { run_bare_sign, &signer, NULL };
    struct ratio ratio;

    for (unsigned i = 0; i < signer.keys; i++) {
        handle[i] = scattered(i, keys);
        ctx[i] = bare_context(fill_private_key(handle[i]));
    }
    prepared.handle = handle;
    prepared.handles = signer.keys;
    for (unsigned i = 0; i < signer.keys; i++)
        run_prepared(&prepared, i); /* the first right PIN of each is a write */
    ratio = bench_compare(&ours, &bare);
    for (unsigned i = 0; i < signer.keys; i++)
        EVP_PKEY_CTX_free(ctx[i]);
    buf_free(&prepared.request);
    return ratio;
}

struct finding {
    struct token *token;
    struct buf request;
    uint32_t keys;
};

/* A key that is not in memory. */
static void run_cold(void *ctx, unsigned number)
{
    struct finding *f = ctx;
    uint32_t handle = scattered(number, f->keys);
    struct buf answer = { 0 };

    live_key_drop(f->token->live_keys, handle);
    for (unsigned i = 0; i < 4; i++)
        f->request.ptr[1 + i] = (uint8_t)(handle >> (24 - 8 * i));
    token_process(f->token, buf_bytes(&f->request), &answer);
    must(answer.len > 1 && answer.ptr[0] == SKS_OK, "getKeyAttributes");
    buf_free(&answer);
}

static double cold_us(struct token *token, uint32_t keys)
{
    const union sks_in in = { 0 };
    struct finding f = { .token = token, .keys = keys };
    const struct operation operation = { run_cold, &f, NULL };
    double us;

    sks_encode_request(&f.request, sks_method(GET_KEY_ATTRIBUTES), &in);
    us = bench_median_us(&operation, COLD);
    buf_free(&f.request);
    return us;
}

static void measure_opening(const char *folder, uint32_t keys, struct place *place)
{
    double before = meter_resident_mib(), begin = bench_now();
    char name[64];

    place->token = open_store(folder);
    (void)snprintf(name, sizeof name, "open_%u", keys);
    bench_figure(name, "opening the store", 1e3 * (bench_now() - begin), "ms");
    (void)snprintf(name, sizeof name, "openMemory_%u", keys);
    bench_figure(name, "memory that this takes", meter_resident_mib() - before, "MiB");
}

static void measure_size(const char *folder, uint32_t keys)
{
    const char *which = keys < SPREAD ? "signHashedData, P-256, PIN, all keys in turns"
                                      : "signHashedData, P-256, PIN, 2,000 keys in turns";
    struct place place = { 0 };
    char name[64];

    (void)snprintf(name, sizeof name, "%u keys stored", keys);
    bench_section(name);
    measure_opening(folder, keys, &place);
    (void)snprintf(name, sizeof name, "cold_%u", keys);
    bench_figure(name, "getKeyAttributes of a key not in memory", cold_us(place.token, keys), "us");
    (void)snprintf(name, sizeof name, "sign_%u", keys);
    bench_ratio(name, which, compare_spread(&place, keys));
    (void)snprintf(name, sizeof name, "createKeyEntry_%u", keys);
    bench_ratio(name, "createKeyEntry, P-256, durable", compare_creation(place.token));
    token_close(place.token);
    place = (struct place){ .server = server_start(folder) };
    (void)snprintf(name, sizeof name, "sign_%u_wire", keys);
    bench_ratio(name, "signHashedData through a Unix socket", compare_spread(&place, keys));
    server_stop(place.server);
}

void measure_sizes(void)
{
    char folder[STORE_FOLDER_MAX];
    uint32_t stored = 0;

    make_store(folder);
    for (size_t i = 0; i < NITEMS(SIZES); i++) {
        fill_store(folder, stored_key + stored, SIZES[i] - stored);
        stored = SIZES[i];
        measure_size(folder, stored);
    }
    remove_store(folder);
}
