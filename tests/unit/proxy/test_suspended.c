/* Files of sessions that wait: what comes back, and what is not believed. */
#include "keygen2/base/files.h"
#include "proxy/proof_slot.h"
#include "proxy/suspended.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sks-suspended-XXXXXX";
static struct arena arena;

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    char command[100];

    arena_free(&arena);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(suspended, .init = set_up, .fini = tear_down);

static struct suspended made(const char *id)
{
    static const uint8_t COOKIES[] = "host\tFALSE\t/\tFALSE\t0\ta\t\xff\n";

    return (struct suspended){ .issuer_uri = bytes_of("http://a.example/kg2/x"),
                               .server_session_id = bytes_of(id),
                               .client_session_id = bytes_of("c"),
                               .cookies = bytes_at(COOKIES, sizeof COOKIES - 1),
                               .certificate = bytes_of("01234567890123456789012345678901"),
                               .until = { .seconds = 1800000000 } };
}

static bool load(const struct suspended *wanted, struct suspended *got)
{
    struct sks_error err = { 0 };
    bool found;

    cr_assert_eq(suspended_load(folder, wanted->issuer_uri, wanted->server_session_id, &arena, got,
                                &found, &err),
                 SKS_OK, "%s", err.text);
    return found;
}

static enum sks_status count_proofs(void *ctx, const struct suspended *session)
{
    *(unsigned *)ctx += session->proof.len > 0 ? 100 : 1;
    return SKS_OK;
}

Test(suspended, proofs_among_them)
{
    struct suspended one = made("a"), two = made("b"), got;
    struct sks_error err = { 0 };
    char path[PATH_MAX];
    unsigned count = 0;

    cr_assert_eq(suspended_each("/tmp/sks-nowhere", count_proofs, &count, &err), SKS_OK);
    one.proof = bytes_of("{\"a\": \"proof\"}");
    cr_assert_eq(suspended_save(folder, &one, NULL), SKS_OK);
    cr_assert_eq(suspended_save(folder, &two, NULL), SKS_OK);
    cr_assert(load(&one, &got) && bytes_equal(got.proof, one.proof));
    cr_assert(load(&two, &got) && got.proof.len == 0);
    (void)snprintf(path, sizeof path, "%s/0123456789abcdef0123456789abcdef.json", folder);
    cr_assert_eq(file_write(path, 0600, bytes_of("garbage"), NULL), SKS_OK);
    (void)snprintf(path, sizeof path, "%s/another.json", folder);
    cr_assert_eq(file_write(path, 0600, bytes_of("{}"), NULL), SKS_OK);
    cr_assert_eq(suspended_each(folder, count_proofs, &count, &err), SKS_OK, "%s", err.text);
    cr_assert_eq(count, 101, "what cannot be read is passed over, what is none is not looked at");
}

/* As a session that has no file keeps it. */
static int save_proof(struct suspended *session, const char *proof)
{
    struct sks_error err = { 0 };
    int slot = -1;

    session->proof = bytes_of(proof);
    cr_assert_eq(suspended_save_proof(folder, session, &slot, &err), SKS_OK, "%s", err.text);
    return slot;
}

Test(suspended, proofs_in_slots)
{
    struct suspended one = made("a"), two = made("b"), three = made("c"), got;
    int slot[2] = { save_proof(&one, "first"), save_proof(&two, "second") };
    unsigned count = 0;

    cr_assert(slot[0] > 0 && slot[1] > 0);
    cr_assert_eq(suspended_save(folder, &three, NULL), SKS_OK);
    cr_assert(load(&one, &got) && bytes_equal(got.proof, one.proof));
    cr_expect(bytes_equal(got.cookies, one.cookies) && got.until.seconds == one.until.seconds);
    cr_assert_eq(suspended_each(folder, count_proofs, &count, NULL), SKS_OK);
    cr_expect_eq(count, 201);
    suspended_remove(folder, one.issuer_uri, one.server_session_id);
    cr_expect(load(&one, &got), "who has the slot sees to it");
    proof_slot_leave(slot[0]);
    proof_slot_clear(slot[1]);
    cr_expect(load(&one, &got) && !load(&two, &got));
    suspended_remove(folder, two.issuer_uri, two.server_session_id);
    cr_expect(load(&one, &got), "another session's");
    suspended_remove(folder, one.issuer_uri, one.server_session_id);
    cr_expect_not(load(&one, &got));
    count = 0;
    cr_assert_eq(suspended_each(folder, count_proofs, &count, NULL), SKS_OK);
    cr_expect_eq(count, 1);
}

Test(suspended, proofs_that_no_slot_takes)
{
    static char longer[PROOF_SLOT_SIZE + 1];
    struct suspended one = made("a"), two = made("b"), got;
    struct sks_error err = { 0 };
    char path[PATH_MAX];
    unsigned count = 0;
    int slot;

    memset(longer, 'x', PROOF_SLOT_SIZE);
    cr_expect_eq(save_proof(&one, longer), 0);
    cr_assert(load(&one, &got) && bytes_equal(got.proof, one.proof));
    proof_slot_leave(save_proof(&two, "short"));
    cr_assert_eq(proof_slot_path(path, folder, 0), SKS_OK);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(suspended_each(folder, count_proofs, &count, &err), SKS_OK);
    cr_expect_eq(count, 100, "others can read it");
    cr_expect_not(load(&two, &got));
    cr_assert_eq(chmod(path, 0600), 0);
    cr_expect(load(&two, &got));
    cr_expect_neq(suspended_save_proof("/dev/null/x", &one, &slot, &err), SKS_OK);
    cr_expect_eq(slot, 0);
}

Test(suspended, comes_back_until_it_is_removed)
{
    struct suspended one = made("../../!~"), two = made("b"), got;

    cr_expect_not(load(&one, &got));
    cr_assert_eq(suspended_save(folder, &one, NULL), SKS_OK);
    cr_assert_eq(suspended_save(folder, &two, NULL), SKS_OK);
    two.client_session_id = bytes_of("d");
    cr_assert_eq(suspended_save(folder, &two, NULL), SKS_OK);
    cr_expect(load(&one, &got));
    cr_expect(bytes_equal(got.client_session_id, bytes_of("c")));
    cr_expect(bytes_equal(got.cookies, one.cookies));
    cr_expect(bytes_equal(got.certificate, one.certificate));
    cr_expect_eq(got.until.seconds, one.until.seconds);
    suspended_remove(folder, one.issuer_uri, one.server_session_id);
    cr_expect_not(load(&one, &got));
    cr_expect(load(&two, &got));
    cr_expect(bytes_equal(got.client_session_id, bytes_of("d")));
}

Test(suspended, a_folder_that_is_gone_is_made_again)
{
    struct suspended one = made("a"), got;
    char command[100];

    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(system(command), 0);
        cr_assert_eq(suspended_save(folder, &one, NULL), SKS_OK);
        cr_assert(load(&one, &got));
    }
}

/* The one file of the folder. */
static void only_file(char path[300])
{
    char command[100];
    FILE *list;

    (void)snprintf(command, sizeof command, "ls %s/*.json", folder);
    list = popen(command, "r");
    cr_assert_not_null(fgets(path, 300, list));
    path[strcspn(path, "\n")] = '\0';
    (void)pclose(list);
}

Test(suspended, what_is_not_believed)
{
    static const char *const TEXTS[] = { "", "{", "{}", "[]" };
    struct suspended one = made("a"), other = made("b"), got;
    struct buf text = { 0 };
    char path[300];
    bool found;

    cr_assert_eq(suspended_save(folder, &other, NULL), SKS_OK);
    only_file(path);
    cr_assert_eq(file_read(path, 10000, &text, NULL), SKS_OK);
    suspended_remove(folder, other.issuer_uri, other.server_session_id);
    cr_assert_eq(suspended_save(folder, &one, NULL), SKS_OK);
    only_file(path);
    cr_assert_eq(file_write(path, 0600, buf_bytes(&text), NULL), SKS_OK);
    buf_free(&text);
    cr_expect_eq(
        suspended_load(folder, one.issuer_uri, one.server_session_id, &arena, &got, &found, NULL),
        SKS_ERROR_EXTERNAL, "of another session");
    for (size_t i = 0; i < NITEMS(TEXTS); i++) {
        struct sks_error err = { 0 };

        cr_assert_eq(file_write(path, 0600, bytes_of(TEXTS[i]), &err), SKS_OK);
        cr_expect_eq(suspended_load(folder, one.issuer_uri, one.server_session_id, &arena, &got,
                                    &found, &err),
                     SKS_ERROR_EXTERNAL);
        cr_expect_not_null(strstr(err.text, path), "%s", err.text);
    }
    cr_assert_eq(suspended_save(folder, &one, NULL), SKS_OK);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_expect_neq(
        suspended_load(folder, one.issuer_uri, one.server_session_id, &arena, &got, &found, NULL),
        SKS_OK);
}

Test(suspended, where_the_folder_is)
{
    char path[PATH_MAX];

    cr_assert_eq(setenv("XDG_STATE_HOME", "/x", 1) | setenv("HOME", "/h", 1), 0);
    cr_expect(suspended_folder("given", path, NULL) == SKS_OK && strcmp(path, "given") == 0);
    cr_expect(suspended_folder(NULL, path, NULL) == SKS_OK && strcmp(path, "/x/sks-proxy") == 0);
    cr_assert_eq(setenv("XDG_STATE_HOME", "relative", 1), 0);
    cr_expect(suspended_folder(NULL, path, NULL) == SKS_OK &&
              strcmp(path, "/h/.local/state/sks-proxy") == 0);
    cr_assert_eq(unsetenv("HOME"), 0);
    cr_expect_eq(suspended_folder(NULL, path, NULL), SKS_ERROR_OPTION);
}
