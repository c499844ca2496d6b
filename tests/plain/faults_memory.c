/*
 * Failed allocations: every call of a whole life of keys is made again and again, and each time
 * another allocation fails, alone or with all that come after it. Those of our own code all fail
 * in their turn; those inside libcrypto and SQLite, once for each stack of callers. And what is
 * made once, at its first use, must come about at the second one.
 */
#include "keygen2/crypto/certificate.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "tests/plain/parts/allocations.h"
#include "tests/plain/support/issuing.h"
#include "tests/plain/support/mischief.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail_own(unsigned number, bool lasting)
{
    allocations_fail(ALLOCATOR_OWN, number, lasting);
}

static void fail_libraries(unsigned number, bool lasting)
{
    (void)number;
    allocations_fail_new_stack(ALLOCATOR_LIBRARIES, lasting);
}

static const struct mischief OWN = {
    "own allocation", fail_own, allocations_end, false, false, false
};
static const struct mischief LIBRARIES = {
    "new stack of callers", fail_libraries, allocations_end, false, true, false
};

/* ---- what is made once, at the first use ---- */

static bool first_uses(struct bytes spki, struct bytes certificate)
{
    EVP_PKEY *pkey = NULL;
    struct buf certified = { 0 };
    bool good = public_key_load(spki, &pkey) == SKS_OK &&
                put_certificate_key(&certified, certificate) == SKS_OK &&
                bytes_equal(buf_bytes(&certified), spki);

    EVP_PKEY_free(pkey);
    buf_free(&certified);
    return good;
}

/* In a process of its own. Returns its exit code: 0 if the allocation was never reached. */
static int run_first_uses(struct bytes spki, struct bytes certificate, unsigned number)
{
    int code = 0;
    pid_t child = fork();

    must(child >= 0, "fork");
    if (child == 0) {
        allocations_fail(ALLOCATOR_OWN | ALLOCATOR_LIBRARIES, number, false);
        (void)first_uses(spki, certificate);
        code = allocations_end();
        _exit(first_uses(spki, certificate) ? code : 2);
    }
    must(waitpid(child, &code, 0) == child && WIFEXITED(code), "first use crashed");
    must(WEXITSTATUS(code) < 2, "what failed at its first use fails for ever");
    return WEXITSTATUS(code);
}

static unsigned fail_first_uses(void)
{
    const struct own_certificate what = { .common_name = "first", .days = 1 };
    struct arena arena = { 0 };
    struct buf spki = { 0 };
    EVP_PKEY *pkey = new_p256();
    X509 *x509;
    unsigned number = 1;

    must(own_certificate_make(&what, pkey, NULL, pkey, &x509, NULL) == SKS_OK &&
             put_pkey(&spki, pkey) == SKS_OK,
         "certificate");
    while (run_first_uses(buf_bytes(&spki), certificate_der(&arena, x509), number) != 0)
        number++;
    X509_free(x509);
    EVP_PKEY_free(pkey);
    buf_free(&spki);
    arena_free(&arena);
    return number - 1;
}

int main(void)
{
    struct story story;
    unsigned first, own, libraries;

    allocations_install();
    first = fail_first_uses();
    story_record(&story);
    own = mischief_everywhere(&story, &OWN);
    libraries = mischief_everywhere(&story, &LIBRARIES);
    (void)printf("OK: %u sites of our own, %u in the libraries, %u at first uses\n", own, libraries,
                 first);
    story_free(&story);
    return 0;
}
