/*
 * Profiles of an issuer, which their author may get wrong: each is taken or refused with a reason,
 * whose JSON pointer then has a line.
 */
#include "issuer/profile.h"
#include "keygen2/base/json_locate.h"
#include "tests/plain/support/must.h"

#include <openssl/err.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An error text is "POINTER: REASON", or for the syntax "line N, column N: REASON". */
static void try_locate(struct bytes text, const char *error)
{
    const char *end = strstr(error, ": ");
    struct bytes pointer = { (const uint8_t *)error, end == NULL ? 0 : (size_t)(end - error) };

    if (pointer.len > 0 && error[0] != '/')
        return;
    must(json_locate(text, pointer) > 0, "what a refusal points at has a line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_at(data, size);
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct profile profile;
    enum sks_status rc = profile_decode("fuzz", NULL, text, &arena, &profile, &err);

    must((rc == SKS_OK) == (err.text[0] == '\0'), "a refusal says why");
    if (rc != SKS_OK)
        try_locate(text, err.text);
    arena_free(&arena);
    ERR_clear_error();
    return 0;
}
