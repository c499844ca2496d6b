/*
 * A stress of mixed calls on one token: threads that provision, replace, move and delete keys of a
 * few issuers, while all use, list, export and manage exactly these keys, with right and wrong PINs
 * and PUKs; few keys and counters stay in memory, and now and then the token is deactivated. Every
 * answer must be one that was right at some moment of its call, and the store must be sound in the
 * end, with exactly the keys that the answers say. --seed N repeats the drawing, not the timing.
 */
#include "tests/plain/parts/key_user.h"
#include "token/deactivation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ESTATES = 4, ROUNDS = 250, DEACTIVATIONS = 10, LIVE_KEYS = 6, COUNTERS = 3 };

static struct token *token;
static struct estate estate[ESTATES];
static atomic_bool over;
static atomic_uint sessions, refusals;

/* Nobody but the session that is lost notices a deactivation: all else is asked again. */
static void process(struct token *t, struct bytes request, struct buf *response)
{
    for (;;) {
        token_process(t, request, response);
        if (response->len == 0 || response->ptr[0] != SKS_ERROR_NOT_AVAILABLE)
            return;
        atomic_fetch_add(&refusals, 1);
        response->len = 0;
        (void)usleep(500);
    }
}

static void list_keys(void)
{
    uint32_t key = 0, last = 0;

    while ((key = next_key(token, last)) != 0) {
        must(key > last, "keys are listed in the order of their handles");
        last = key;
    }
}

static void list_sessions(bool open)
{
    union sks_in in = { .enumerate_sessions.provisioning_state = open };
    union sks_out out;

    do {
        uint32_t last = in.enumerate_sessions.provisioning_handle;
        struct arena arena = { 0 };

        must(user_call(token, ENUMERATE_PROVISIONING_SESSIONS, &in, &out, &arena, NULL) == SKS_OK,
             "enumerateProvisioningSessions");
        in.enumerate_sessions.provisioning_handle = out.enumerate_sessions.provisioning_handle;
        must(in.handle == 0 || in.handle > last, "sessions are listed in order");
        arena_free(&arena);
    } while (in.handle != 0);
}

static void ask_device(void)
{
    const union sks_in in = { 0 };
    struct arena arena = { 0 };
    union sks_out out;

    must(user_call(token, GET_DEVICE_INFO, &in, &out, &arena, NULL) == SKS_OK &&
             out.device_info.certificate_path.count == 1,
         "getDeviceInfo");
    arena_free(&arena);
}

static void *work(void *arg)
{
    unsigned *random = arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct estate *at = &estate[draw(random, ESTATES)];
        struct key_book *key = estate_pick(at, random);
        unsigned what = draw(random, 20);

        if (what < 3 || key == NULL)
            atomic_fetch_add(&sessions, estate_manage(at, token, random));
        else if (what == 3)
            list_keys();
        else if (what == 4)
            list_sessions(draw(random, 2) == 0);
        else if (what == 5)
            ask_device();
        else
            use_key(token, key, random);
    }
    return NULL;
}

static void *deactivate_now_and_then(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < DEACTIVATIONS && !atomic_load(&over); i++) {
        struct sks_error err = { 0 };
        bool was;

        (void)usleep(100000);
        atomic_fetch_add(&estate_deactivations, 1);
        must(token_deactivate(token, &err) == SKS_OK, err.text);
        must(token_activate(token, &was, &err) == SKS_OK && was, err.text);
    }
    return NULL;
}

/* ---- the end ---- */

/* One of the values that nothing has replaced, unless its counter is at its limit. */
static void must_work(struct key_book *key)
{
    struct key_protection_out shown;
    unsigned right = 0;

    must(try_protection(token, key->handle, &shown) == SKS_OK, "getKeyProtectionInfo");
    if ((shown.protection_status & PROTECTION_STATUS_PIN_BLOCKED) != 0)
        return;
    if (key->pin == NULL) {
        must(try_use(token, key, "", ledger_now()) == SKS_OK, "a key without a PIN works");
        return;
    }
    for (unsigned i = 0; i < key->pin->values && right == 0; i++) {
        const char *pin = key->pin->value[i].text;
        uint64_t since = ledger_now();
        enum sks_status rc;

        if (allowed_by_pin(key->pin, pin, since, NULL) == one_of(SKS_ERROR_AUTHORIZATION))
            continue;
        rc = try_use(token, key, pin, since);
        must(rc == SKS_OK || rc == SKS_ERROR_AUTHORIZATION, "a key works, or the PIN is not it");
        right += rc == SKS_OK;
        if (key->pin->blocks)
            (void)!try_manage(token, UNLOCK_KEY, key->handle, LEDGER_PUK);
    }
    must(right == 1 || key->pin->blocks, "a key has one of the PINs that were set last");
}

static void must_be_listed(const uint32_t *listed, size_t count, uint32_t handle, bool is)
{
    bool found = false;

    for (size_t i = 0; i < count; i++)
        found = found || listed[i] == handle;
    must(found == is, is ? "a key is missing" : "a deleted key is there");
}

static unsigned check_keys(void)
{
    uint32_t listed[ESTATES * ESTATE_KEYS_MAX + 1];
    size_t count = 0;
    unsigned known = 0;

    for (uint32_t key = 0; (key = next_key(token, key)) != 0; count++) {
        must(count < NITEMS(listed), "no more keys than were made");
        listed[count] = key;
    }
    for (size_t e = 0; e < ESTATES; e++)
        for (size_t i = 0; i < atomic_load(&estate[e].keys); i++) {
            struct key_book *key = estate[e].key[i];
            bool is = !key_book_is_gone(key);

            must_be_listed(listed, count, key->handle, is);
            known += is;
            if (is)
                must_work(key);
        }
    must(known == count, "a key is there that was never answered");
    return known;
}

/* ---- the whole ---- */

static void run(unsigned seed)
{
    pthread_t thread[THREADS], deactivator;
    unsigned random[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        random[i] = seed + 7919U * i;
        must(pthread_create(&thread[i], NULL, work, &random[i]) == 0, "thread");
    }
    must(pthread_create(&deactivator, NULL, deactivate_now_and_then, NULL) == 0, "thread");
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    atomic_store(&over, true);
    (void)pthread_join(deactivator, NULL);
}

static unsigned read_seed(int count, char **argument)
{
    if (count == 3 && strcmp(argument[1], "--seed") == 0)
        return (unsigned)strtoul(argument[2], NULL, 10);
    return (unsigned)time(NULL);
}

int main(int count, char **argument)
{
    const struct token_options options = { .live_keys = LIVE_KEYS,
                                           .counters = COUNTERS,
                                           .rsa_pool = 1 };
    unsigned seed = read_seed(count, argument), keys;
    char key_file[] = "/tmp/sks-plain-key.XXXXXX", folder[STORE_FOLDER_MAX];
    int fd = mkstemp(key_file);

    (void)fprintf(stderr, "--seed %u\n", seed);
    must(fd >= 0 && close(fd) == 0 && unlink(key_file) == 0, "temporary file");
    must(vault_create(key_file, NULL) == SKS_OK, "master key");
    make_store_with(key_file, folder);
    user_process = process;
    estates_begin();
    for (size_t i = 0; i < ESTATES; i++)
        estate_init(&estate[i]);
    token = open_store_with(key_file, folder, &options);
    run(seed);
    token_close(token);
    check_store(key_file, folder);
    token = open_store_with(key_file, folder, &options);
    keys = check_keys();
    token_close(token);
    remove_store(folder);
    must(unlink(key_file) == 0, "master key");
    for (size_t i = 0; i < ESTATES; i++)
        estate_free(&estate[i]);
    estates_end();
    (void)printf("OK: %u sessions, %u keys left, %u refusals while deactivated; seed %u\n",
                 atomic_load(&sessions), keys, atomic_load(&refusals), seed);
    return 0;
}
