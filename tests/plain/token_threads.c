/*
 * Many threads in one token: enrolments, signatures with right and wrong PINs on keys that they
 * share, aborts, enumerations. A plain program, so that ThreadSanitizer and LeakSanitizer see it.
 */
#include "tests/plain/support/enrol.h"
#include "token/api/calls.h"

#include <pthread.h>
#include <stdio.h>

enum { THREADS = 8, ROUNDS = 12 };

static struct token *token;
static uint32_t shared_key;

static void list_keys(void)
{
    const struct sks_method *method = sks_method(ENUMERATE_KEYS);
    union sks_in in = { 0 };
    union sks_out out;
    struct arena arena = { 0 };

    do {
        struct buf request = { 0 }, response = { 0 };

        sks_encode_request(&request, method, &in);
        token_process(token, buf_bytes(&request), &response);
        must(sks_decode_response(buf_bytes(&response), method, &out, &arena, NULL) == SKS_OK,
             "enumerateKeys");
        in.key_handle.key_handle = out.enumerate_keys.key_handle;
        buf_free(&request);
        buf_free(&response);
    } while (in.key_handle.key_handle != 0);
    arena_free(&arena);
}

static void *work(void *arg)
{
    unsigned number = *(unsigned *)arg;
    uint32_t own = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        enrol(token, "4711", &own);
        must(try_sign(token, own, "4711") == SKS_OK, "own key, right PIN");
        must(try_sign(token, own, "0815") == SKS_ERROR_AUTHORIZATION, "own key, wrong PIN");
        must(try_sign(token, own, "4711") == SKS_OK, "own key after a wrong PIN");
        must(try_sign(token, shared_key, "4711") == SKS_OK, "shared key");
        if ((number + round) % 3 == 0)
            enrol_and_abort(token);
        list_keys();
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    unsigned number[THREADS];

    token = new_token();
    enrol(token, "4711", &shared_key);
    for (unsigned i = 0; i < THREADS; i++) {
        number[i] = i;
        must(pthread_create(&thread[i], NULL, work, &number[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    token_close(token);
    (void)printf("OK: %d threads, %d enrolments\n", THREADS, THREADS * ROUNDS + 1);
    return 0;
}
