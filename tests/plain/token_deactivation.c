/*
 * Signatures, enrolments and enumerations on many threads while the token is deactivated and
 * activated again and again: whatever is answered is right, or that the token is not available.
 */
#include "tests/plain/support/enrol.h"
#include "token/deactivation.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 30, PAUSE_MICROSECONDS = 3000 };

static struct token *token;
static uint32_t key[THREADS];
static atomic_bool over;
static atomic_uint signatures, refusals;

static void *sign(void *arg)
{
    while (!atomic_load(&over)) {
        enum sks_status rc = try_sign(token, *(uint32_t *)arg, "4711");

        must(rc == SKS_OK || rc == SKS_ERROR_NOT_AVAILABLE, "a signature, or 13");
        atomic_fetch_add(rc == SKS_OK ? &signatures : &refusals, 1);
        if (rc != SKS_OK)
            (void)usleep(PAUSE_MICROSECONDS / 10);
    }
    return NULL;
}

static void *look(void *arg)
{
    static const uint8_t open_session[] = { 12, 0, 0, 0, 1, 0, 0, 0 }; /* key 1; no list, no MAC */

    uint64_t subject;

    (void)arg;
    while (!atomic_load(&over))
        (void)token_request_is_slow(token, bytes_at(open_session, sizeof open_session), &subject);
    return NULL;
}

static void deactivate_and_activate(void)
{
    struct sks_error err = { 0 };
    bool was;

    (void)usleep(PAUSE_MICROSECONDS);
    must(token_deactivate(token, &err) == SKS_OK, err.text);
    must(try_sign(token, key[0], "4711") == SKS_ERROR_NOT_AVAILABLE, "it is deactivated");
    must(token_activate(token, &was, &err) == SKS_OK && was, err.text);
    must(token_activate(token, &was, &err) == SKS_OK && !was, "it is active");
}

int main(void)
{
    char key_file[] = "/tmp/sks-plain-key.XXXXXX";
    pthread_t thread[THREADS], looker;
    uint32_t another;
    int fd = mkstemp(key_file);

    must(fd >= 0 && close(fd) == 0 && unlink(key_file) == 0, "temporary file");
    must(vault_create(key_file, NULL) == SKS_OK, "master key");
    token = new_token_with(key_file, &(struct token_options){ 0 });
    for (unsigned i = 0; i < THREADS; i++)
        enrol(token, "4711", &key[i]);
    must(pthread_create(&looker, NULL, look, NULL) == 0, "thread");
    for (unsigned i = 0; i < THREADS; i++)
        must(pthread_create(&thread[i], NULL, sign, &key[i]) == 0, "thread");
    for (unsigned round = 0; round < ROUNDS; round++) {
        deactivate_and_activate();
        enrol(token, "4711", &another);
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    (void)pthread_join(looker, NULL);
    token_close(token);
    must(unlink(key_file) == 0, "master key");
    must(signatures > 0 && refusals > 0, "both happened");
    (void)printf("OK: %u signatures and %u refusals in %d deactivations\n", signatures, refusals,
                 ROUNDS);
    return 0;
}
