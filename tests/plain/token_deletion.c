/*
 * Threads ask for a key in every way while it is deleted: they get the answer of a key that is
 * there, or that there is none, and never one of a token that is damaged.
 */
#include "tests/plain/support/enrol.h"
#include "token/live_keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { DELETIONS = 25, WAYS = 4 };

static const char PIN[] = "4711";

static struct token *token;
static atomic_uint asked, met; /* the key to ask for; answers since it is there */
static atomic_bool over;

/* ---- moments that are too short to be met often: the linker sends these functions here ---- */

void __real_live_key_drop(struct live_keys *keys, uint32_t handle);
void __wrap_live_key_drop(struct live_keys *keys, uint32_t handle);

/* From a commit until the memory learns of it. */
void __wrap_live_key_drop(struct live_keys *keys, uint32_t handle)
{
    (void)usleep(10000);
    __real_live_key_drop(keys, handle);
}

enum sks_status __real_key_load(struct store *store, uint32_t handle, struct arena *arena,
                                struct key *key, bool *found, struct sks_error *err);
enum sks_status __wrap_key_load(struct store *store, uint32_t handle, struct arena *arena,
                                struct key *key, bool *found, struct sks_error *err);

/* From a key to what it refers to. */
enum sks_status __wrap_key_load(struct store *store, uint32_t handle, struct arena *arena,
                                struct key *key, bool *found, struct sks_error *err)
{
    enum sks_status rc = __real_key_load(store, handle, arena, key, found, err);

    (void)usleep(1000);
    return rc;
}

/* ---- what is asked ---- */

static enum sks_status ask_protection(uint32_t key)
{
    struct key_protection_out out;

    return try_protection(token, key, &out);
}

static enum sks_status ask_attributes(uint32_t key)
{
    const union sks_in in = { .key_handle = { key } };
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc = user_call(token, GET_KEY_ATTRIBUTES, &in, &out, &arena, NULL);

    arena_free(&arena);
    return rc;
}

static enum sks_status sign(uint32_t key)
{
    return try_sign(token, key, PIN);
}

static enum sks_status change_pin(uint32_t key)
{
    return try_new_pin(token, CHANGE_PIN, key, PIN, PIN);
}

static const struct way {
    const char *name;
    enum sks_status (*ask)(uint32_t key);
} WAY[WAYS] = {
    { "getKeyProtectionInfo", ask_protection },
    { "getKeyAttributes", ask_attributes },
    { "signHashedData", sign },
    { "changePin", change_pin },
};

static void *ask(void *arg)
{
    const struct way *way = arg;

    while (!atomic_load(&over)) {
        enum sks_status rc = way->ask(atomic_load(&asked));

        must(rc == SKS_OK || rc == SKS_ERROR_NO_KEY, way->name);
        atomic_fetch_add(&met, rc == SKS_OK);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[WAYS];
    uint32_t key;

    token = new_token();
    for (unsigned i = 0; i < WAYS; i++)
        must(pthread_create(&thread[i], NULL, ask, (void *)(uintptr_t)&WAY[i]) == 0, "thread");
    for (unsigned i = 0; i < DELETIONS; i++) {
        enrol(token, PIN, &key);
        atomic_store(&met, 0);
        atomic_store(&asked, key);
        while (atomic_load(&met) < WAYS)
            (void)usleep(100);
        must(try_manage(token, DELETE_KEY, key, "") == SKS_OK, "deleteKey");
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < WAYS; i++)
        (void)pthread_join(thread[i], NULL);
    token_close(token);
    (void)printf("OK: %d keys deleted under %d users each\n", DELETIONS, WAYS);
    return 0;
}
