/*
 * Threads that try PINs as fast as the disk lets them, right ones and wrong ones, do not hold up
 * who changes a PIN, or closes a session: all changes are done before the tries are.
 */
#include "tests/plain/support/enrol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { THREADS = 4, ROUNDS = 300, CHANGES = 5 };

static struct token *token;
static atomic_uint begun, done;

static void *try_without_end(void *arg)
{
    uint32_t key = *(uint32_t *)arg;

    for (unsigned round = 0; round < ROUNDS; round++) {
        must(try_sign(token, key, "0815") == SKS_ERROR_AUTHORIZATION, "wrong PIN");
        must(try_sign(token, key, "4711") == SKS_OK, "right PIN");
        if (round == 0)
            atomic_fetch_add(&begun, 1);
    }
    atomic_fetch_add(&done, 1);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    uint32_t tried[THREADS], key;

    token = new_token();
    for (unsigned i = 0; i < THREADS; i++) {
        enrol(token, "4711", &tried[i]);
        must(pthread_create(&thread[i], NULL, try_without_end, &tried[i]) == 0, "thread");
    }
    while (atomic_load(&begun) < THREADS)
        must(try_sign(token, tried[0], "4711") == SKS_OK, "right PIN");
    for (unsigned i = 0; i < CHANGES; i++) {
        enrol(token, "4711", &key);
        must(try_new_pin(token, CHANGE_PIN, key, "4711", "8642") == SKS_OK, "changePin");
        must(try_manage(token, DELETE_KEY, key, "") == SKS_OK, "deleteKey");
    }
    must(atomic_load(&done) == 0, "no change waits until nobody tries any more");
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    token_close(token);
    (void)printf("OK: %d changes under %d tries\n", CHANGES, 2 * THREADS * ROUNDS);
    return 0;
}
