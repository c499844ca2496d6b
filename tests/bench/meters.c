#include "tests/bench/meters.h"
#include "token/token.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

double meter_resident_mib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long pages = 0;

    if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1)
        abort();
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

/* ---- system calls: the program's own definitions come before the C library's ---- */

static atomic_ulong calls;

unsigned long meter_system_calls(void)
{
    return atomic_load(&calls);
}

ssize_t pwrite64(int fd, const void *buf, size_t count, off64_t offset);
ssize_t pwrite64(int fd, const void *buf, size_t count, off64_t offset)
{
    atomic_fetch_add(&calls, 1);
    return syscall(SYS_pwrite64, fd, buf, count, offset);
}

int fdatasync(int fd)
{
    atomic_fetch_add(&calls, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    atomic_fetch_add(&calls, 1);
    return (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t length)
{
    atomic_fetch_add(&calls, 1);
    return (int)syscall(SYS_ftruncate, fd, length);
}

int unlink(const char *path)
{
    atomic_fetch_add(&calls, 1);
    return (int)syscall(SYS_unlink, path);
}

/* ---- the heap: the linker sends the token's allocations here (--wrap) ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *ptr);
void *__real_CRYPTO_malloc(size_t size, const char *file, int line);
void *__real_CRYPTO_zalloc(size_t size, const char *file, int line);
void *__real_CRYPTO_clear_realloc(void *old, size_t old_size, size_t size, const char *file,
                                  int line);
void __real_CRYPTO_free(void *ptr, const char *file, int line);
void __real_CRYPTO_clear_free(void *ptr, size_t size, const char *file, int line);

#define uthash_malloc(size) __real_malloc(size)
#define uthash_free(ptr, size) __real_free(ptr)
#include <uthash.h>

struct block {
    const void *ptr;
    size_t size;
    UT_hash_handle hh;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
static size_t now, peak;
static bool metering;
static _Thread_local bool inside;

void meter_heap_reset(void)
{
    metering = true;
    now = peak = 0;
}

size_t meter_heap_peak(void)
{
    metering = false;
    return peak;
}

static void *count(void *ptr, size_t size)
{
    struct block *block;

    if (!metering || !inside || ptr == NULL || (block = __real_malloc(sizeof *block)) == NULL)
        return ptr;
    block->ptr = ptr;
    block->size = size;
    (void)pthread_mutex_lock(&guard);
    HASH_ADD_PTR(blocks, ptr, block);
    now += size;
    peak = now > peak ? now : peak;
    (void)pthread_mutex_unlock(&guard);
    return ptr;
}

static void uncount(const void *ptr)
{
    struct block *block = NULL;

    if (!metering || ptr == NULL)
        return;
    (void)pthread_mutex_lock(&guard);
    HASH_FIND_PTR(blocks, &ptr, block);
    if (block != NULL) {
        HASH_DELETE(hh, blocks, block);
        now -= block->size;
    }
    (void)pthread_mutex_unlock(&guard);
    __real_free(block);
}

void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return count(__real_malloc(size), size);
}

void *__wrap_calloc(size_t number, size_t size);
void *__wrap_calloc(size_t number, size_t size)
{
    return count(__real_calloc(number, size), number * size);
}

void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    uncount(old);
    return count(__real_realloc(old, size), size);
}

void *__wrap_CRYPTO_malloc(size_t size, const char *file, int line);
void *__wrap_CRYPTO_malloc(size_t size, const char *file, int line)
{
    return count(__real_CRYPTO_malloc(size, file, line), size);
}

void *__wrap_CRYPTO_zalloc(size_t size, const char *file, int line);
void *__wrap_CRYPTO_zalloc(size_t size, const char *file, int line)
{
    return count(__real_CRYPTO_zalloc(size, file, line), size);
}

void *__wrap_CRYPTO_clear_realloc(void *old, size_t old_size, size_t size, const char *file,
                                  int line);
void *__wrap_CRYPTO_clear_realloc(void *old, size_t old_size, size_t size, const char *file,
                                  int line)
{
    uncount(old);
    return count(__real_CRYPTO_clear_realloc(old, old_size, size, file, line), size);
}

void __wrap_free(void *ptr);
void __wrap_free(void *ptr)
{
    uncount(ptr);
    __real_free(ptr);
}

void __wrap_CRYPTO_free(void *ptr, const char *file, int line);
void __wrap_CRYPTO_free(void *ptr, const char *file, int line)
{
    uncount(ptr);
    __real_CRYPTO_free(ptr, file, line);
}

void __wrap_CRYPTO_clear_free(void *ptr, size_t size, const char *file, int line);
void __wrap_CRYPTO_clear_free(void *ptr, size_t size, const char *file, int line)
{
    uncount(ptr);
    __real_CRYPTO_clear_free(ptr, size, file, line);
}

enum sks_status __real_token_open(const char *database, const char *key_file,
                                  const struct token_options *options, struct token **token,
                                  struct sks_error *err);
enum sks_status __wrap_token_open(const char *database, const char *key_file,
                                  const struct token_options *options, struct token **token,
                                  struct sks_error *err);
enum sks_status __wrap_token_open(const char *database, const char *key_file,
                                  const struct token_options *options, struct token **token,
                                  struct sks_error *err)
{
    enum sks_status rc;

    inside = true;
    rc = __real_token_open(database, key_file, options, token, err);
    inside = false;
    return rc;
}

void __real_token_process(struct token *token, struct bytes request, struct buf *response);
void __wrap_token_process(struct token *token, struct bytes request, struct buf *response);
void __wrap_token_process(struct token *token, struct bytes request, struct buf *response)
{
    inside = true;
    __real_token_process(token, request, response);
    inside = false;
}
