#include "conform/check.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct name NAMES_VERDICT_OF_CASE[] = {
    { "passed", CASE_PASSED },   { "failed", CASE_FAILED },   { "expected", CASE_EXPECTED },
    { "skipped", CASE_SKIPPED }, { "not run", CASE_NOT_RUN }, { 0 }
};

enum { SHA256_SIZE = 32, SHOWN_BYTES = 24 };

/* What ends a case: any failure would do, the verdict is told by what was recorded. */
static const enum sks_status CASE_ENDS = SKS_ERROR_NOT_ALLOWED;

void check_begin(struct check *check, const struct conform_case *item, uint64_t seed)
{
    *check = (struct check){ .item = item, .verdict = CASE_PASSED, .seed = seed };
}

void check_end(struct check *check, enum sks_status rc)
{
    if (rc != SKS_OK && check->verdict == CASE_PASSED)
        (void)check_fail(check, "the case itself", "that it runs", "%d %s: %s", (int)rc,
                         sks_status_name((int)rc), check->err.text);
}

void check_free(struct check *check)
{
    arena_free(&check->arena);
}

/* ---- what is drawn ---- */

static void draw_block(struct check *check, uint8_t block[SHA256_SIZE])
{
    struct buf data = { 0 };

    put_ulong(&data, check->seed);
    put_uint(&data, check->draws++);
    put_text(&data, check->item->id);
    if (data.status != SKS_OK ||
        EVP_Digest(data.ptr, data.len, block, NULL, EVP_sha256(), NULL) <= 0)
        memset(block, 0, SHA256_SIZE);
    buf_free(&data);
}

void check_draw(struct check *check, void *out, size_t len)
{
    uint8_t block[SHA256_SIZE], *to = out;

    for (size_t done = 0; done < len; done += SHA256_SIZE) {
        draw_block(check, block);
        memcpy(to + done, block, len - done < SHA256_SIZE ? len - done : SHA256_SIZE);
    }
}

struct bytes check_draw_bytes(struct check *check, size_t len)
{
    uint8_t *octets = arena_alloc(&check->arena, len + 1, 1);

    if (octets != NULL)
        check_draw(check, octets, len);
    return bytes_at(octets, octets == NULL ? 0 : len);
}

uint32_t check_draw_below(struct check *check, uint32_t limit)
{
    uint32_t number;

    check_draw(check, &number, sizeof number);
    return number % limit;
}

struct bytes check_draw_id(struct check *check, size_t characters)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t *id = arena_alloc(&check->arena, characters + 1, 1);

    if (id == NULL)
        return bytes_at(NULL, 0);
    check_draw(check, id, characters);
    for (size_t i = 0; i < characters; i++)
        id[i] = (uint8_t)LETTERS[id[i] % (sizeof LETTERS - 1)];
    return bytes_at(id, characters);
}

/* ---- what is found ---- */

static void record(struct check *check, enum case_verdict verdict, const char *field,
                   const char *wanted, const char *format, va_list args)
    __attribute__((format(printf, 5, 0)));

static void record(struct check *check, enum case_verdict verdict, const char *field,
                   const char *wanted, const char *format, va_list args)
{
    struct finding *finding = &check->finding;

    if (check->verdict != CASE_PASSED)
        return;
    check->verdict = verdict;
    (void)snprintf(finding->field, sizeof finding->field, "%s", field);
    (void)snprintf(finding->wanted, sizeof finding->wanted, "%s", wanted);
    (void)vsnprintf(finding->came, sizeof finding->came, format, args);
}

enum sks_status check_fail(struct check *check, const char *field, const char *wanted,
                           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(check, CASE_FAILED, field, wanted, format, args);
    va_end(args);
    return CASE_ENDS;
}

enum sks_status check_skip(struct check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    record(check, CASE_SKIPPED, "", "", format, args);
    va_end(args);
    return CASE_ENDS;
}

enum sks_status expect_true(struct check *check, bool holds, const char *field, const char *wanted,
                            const char *came)
{
    return holds ? SKS_OK : check_fail(check, field, wanted, "%s", came);
}

enum sks_status expect_number(struct check *check, const char *field, uint64_t wanted,
                              uint64_t came)
{
    char text[24];

    if (wanted == came)
        return SKS_OK;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)wanted);
    return check_fail(check, field, text, "%llu", (unsigned long long)came);
}

enum sks_status expect_text(struct check *check, const char *field, const char *wanted,
                            struct bytes came)
{
    return bytes_equal(bytes_of(wanted), came)
               ? SKS_OK
               : check_fail(check, field, wanted, "%.*s", (int)came.len, (const char *)came.ptr);
}

/* "32 bytes, at 5: 0a0b0c..." */
static void show_bytes(char text[FINDING_MAX], struct bytes bytes, size_t from)
{
    int used = snprintf(text, FINDING_MAX, "%zu bytes, at %zu: ", bytes.len, from);

    for (size_t i = from; i < bytes.len && i < from + SHOWN_BYTES; i++)
        used += snprintf(text + used, FINDING_MAX - (size_t)used, "%02x", bytes.ptr[i]);
    if (bytes.len > from + SHOWN_BYTES)
        (void)snprintf(text + used, FINDING_MAX - (size_t)used, "...");
}

enum sks_status expect_bytes(struct check *check, const char *field, struct bytes wanted,
                             struct bytes came)
{
    char want[FINDING_MAX], have[FINDING_MAX];
    size_t at = 0;

    if (bytes_equal(wanted, came))
        return SKS_OK;
    while (at < wanted.len && at < came.len && wanted.ptr[at] == came.ptr[at])
        at++;
    show_bytes(want, wanted, at);
    show_bytes(have, came, at);
    return check_fail(check, field, want, "%s", have);
}

enum sks_status expect_status(struct check *check, const char *call, enum sks_status wanted,
                              enum sks_status came)
{
    char field[sizeof check->finding.field], text[FINDING_MAX];

    if (wanted == came)
        return SKS_OK;
    (void)snprintf(field, sizeof field, "%s: status", call);
    (void)snprintf(text, sizeof text, "%d %s", (int)wanted, sks_status_name((int)wanted));
    return check_fail(check, field, text, "%d %s%s%s", (int)came, sks_status_name((int)came),
                      came == SKS_OK ? "" : ": ", came == SKS_OK ? "" : check->err.text);
}
