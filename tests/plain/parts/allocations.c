#include "tests/plain/parts/allocations.h"
#include "tests/plain/support/own_store.h"

#include <execinfo.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 8, STACKS_MAX = 65536 };

static _Thread_local struct {
    unsigned allocators, number, seen;
    bool lasting, by_stack, failed, within;
} plan;

void allocations_fail(unsigned allocators, unsigned number, bool lasting)
{
    memset(&plan, 0, sizeof plan);
    plan.number = number;
    plan.lasting = lasting;
    plan.allocators = allocators;
}

void allocations_fail_new_stack(unsigned allocators, bool lasting)
{
    allocations_fail(0, 0, lasting);
    plan.by_stack = true;
    plan.allocators = allocators;
}

bool allocations_end(void)
{
    plan.allocators = 0;
    return plan.failed;
}

static uint64_t stack_number(void)
{
    void *frame[FRAMES];
    int count = backtrace(frame, FRAMES);
    uint64_t number = 14695981039346656037U; /* FNV-1a */

    for (int i = 0; i < count; i++)
        number = (number ^ (uint64_t)(uintptr_t)frame[i]) * 1099511628211U;
    return number;
}

/* Remembers the stack of callers, if it was not known. */
static bool is_new_stack(void)
{
    static uint64_t known[2][STACKS_MAX]; /* open addressing; no stack has the number 0 */
    uint64_t number, *stacks = known[plan.lasting];
    size_t at;

    plan.within = true; /* the first stack of a process allocates */
    number = stack_number();
    plan.within = false;
    at = number % STACKS_MAX;
    while (stacks[at] != 0 && stacks[at] != number)
        at = (at + 1) % STACKS_MAX;
    if (stacks[at] == number)
        return false;
    stacks[at] = number;
    return true;
}

static bool fails(enum allocator allocator)
{
    bool fails;

    if ((plan.allocators & allocator) == 0 || plan.within)
        return false;
    if (plan.failed)
        return plan.lasting;
    fails = plan.by_stack ? is_new_stack() : ++plan.seen == plan.number;
    plan.failed = fails;
    return fails;
}

/* ---- our own objects ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails(ALLOCATOR_OWN) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails(ALLOCATOR_OWN) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails(ALLOCATOR_OWN) ? NULL : __real_realloc(old, size);
}

/* ---- libcrypto, for itself and for us ---- */

static enum allocator who(const char *file)
{
    bool ours =
        file != NULL && (strncmp(file, "token/", 6) == 0 || strncmp(file, "keygen2/", 8) == 0);

    return ours ? ALLOCATOR_OWN : ALLOCATOR_LIBRARIES;
}

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)line;
    return size == 0 || fails(who(file)) ? NULL : __real_malloc(size);
}

static void *crypto_realloc(void *old, size_t size, const char *file, int line)
{
    (void)line;
    return fails(who(file)) ? NULL : __real_realloc(old, size);
}

static void crypto_free(void *ptr, const char *file, int line)
{
    (void)file, (void)line;
    free(ptr);
}

/* ---- SQLite ---- */

static sqlite3_mem_methods sqlite;

static void *sqlite_malloc(int size)
{
    return fails(ALLOCATOR_LIBRARIES) ? NULL : sqlite.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
    return fails(ALLOCATOR_LIBRARIES) ? NULL : sqlite.xRealloc(old, size);
}

void allocations_install(void)
{
    sqlite3_mem_methods ours;

    must(CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1, "libcrypto");
    must(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite) == SQLITE_OK, "SQLite");
    ours = sqlite;
    ours.xMalloc = sqlite_malloc;
    ours.xRealloc = sqlite_realloc;
    must(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK &&
             sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK, /* each one comes here */
         "SQLite");
}
