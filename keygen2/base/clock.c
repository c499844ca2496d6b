#include "keygen2/base/clock.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Thread_local int64_t ahead; /* seconds */

void clock_set_ahead(int64_t seconds)
{
    ahead = seconds;
}

int64_t clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec + ahead;
}

int64_t clock_monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (now.tv_sec + ahead) * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

void clock_wait(unsigned seconds, bool (*stopped)(const void *ctx), const void *ctx)
{
    const struct timespec tenth = { .tv_nsec = 100 * 1000 * 1000 };

    for (unsigned i = 0; i < 10 * seconds && !stopped(ctx); i++)
        (void)nanosleep(&tenth, NULL);
}

void clock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

void clock_boot_name(char name[BOOT_NAME_MAX])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

    name[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(name, BOOT_NAME_MAX, file) == NULL)
        name[0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    (void)fclose(file);
}

enum sks_status random_bytes(void *out, size_t len)
{
    return len <= INT32_MAX && RAND_priv_bytes(out, (int)len) == 1 ? SKS_OK : SKS_ERROR_CRYPTO;
}

enum sks_status random_id(char *out, size_t characters)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    enum sks_status rc;

    do {
        rc = random_bytes(out, characters);
        for (size_t i = 0; rc == SKS_OK && i < characters; i++)
            out[i] = DIGITS[(unsigned char)out[i] & 63];
        out[rc == SKS_OK ? characters : 0] = '\0';
    } while (out[0] == '-'); /* on a command line it would be taken for an option */
    return rc;
}
