/* Slots for closing proofs: what comes back, who gets one, and what is not taken for one. */
#include "keygen2/base/files.h"
#include "proxy/proof_slot.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/sks-slots-XXXXXX";

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void tear_down(void)
{
    char command[100];

    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0);
}

TestSuite(proof_slot, .init = set_up, .fini = tear_down);

static const char *path_of(unsigned number)
{
    static char path[PATH_MAX];

    cr_assert_eq(proof_slot_path(path, folder, number), SKS_OK);
    return path;
}

static int keep(const char *text)
{
    return proof_slot_keep(folder, bytes_of(text));
}

/* What a reader finds, who asks for no lock. */
static void expect_record(unsigned number, const char *text)
{
    struct buf contents = { 0 };

    cr_assert_eq(file_read_secret(path_of(number), PROOF_SLOT_SIZE, &contents, NULL), SKS_OK);
    cr_expect_eq(contents.len, PROOF_SLOT_SIZE);
    cr_expect(bytes_equal(proof_slot_record(buf_bytes(&contents)), bytes_of(text)), "slot %u is %s",
              number, text);
    buf_free(&contents);
}

static unsigned count_slots(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < PROOF_SLOTS; i++)
        count += file_exists(path_of(i));
    return count;
}

Test(proof_slot, serves_one_session_after_the_other)
{
    static const char *const TEXTS[] = { "the first one, which is longer", "x", "the third" };
    struct buf contents = { 0 };

    for (size_t i = 0; i < NITEMS(TEXTS); i++) {
        int slot = keep(TEXTS[i]);

        cr_assert_gt(slot, 0);
        expect_record(0, TEXTS[i]);
        proof_slot_clear(slot);
        expect_record(0, "");
    }
    cr_expect_eq(count_slots(), 1);
    cr_assert_eq(file_read_secret(path_of(0), PROOF_SLOT_SIZE, &contents, NULL), SKS_OK);
    for (size_t i = 0; i < contents.len; i++)
        cr_assert_eq(contents.ptr[i], 0, "a cookie is in what is kept");
    buf_free(&contents);
}

Test(proof_slot, what_was_left_is_not_overwritten)
{
    struct buf contents = { 0 };
    int slot = keep("left");

    proof_slot_leave(slot);
    slot = keep("another");
    expect_record(0, "left");
    expect_record(1, "another");
    cr_expect_eq(proof_slot_take(folder, 1, &contents), 0, "somebody has it");
    cr_expect_eq(proof_slot_take(folder, 2, &contents), 0, "there is none");
    cr_expect_eq(contents.len, 0);
    proof_slot_clear(slot);
    slot = proof_slot_take(folder, 0, &contents);
    cr_assert_gt(slot, 0);
    cr_expect(bytes_equal(proof_slot_record(buf_bytes(&contents)), bytes_of("left")));
    proof_slot_clear(slot);
    expect_record(0, "");
    buf_free(&contents);
}

Test(proof_slot, there_are_only_so_many)
{
    int slot[PROOF_SLOTS];

    for (size_t i = 0; i < PROOF_SLOTS; i++)
        cr_assert_gt(slot[i] = keep("record"), 0);
    cr_expect_eq(keep("one more"), 0);
    proof_slot_clear(slot[5]);
    cr_assert_gt(slot[5] = keep("in place of another"), 0);
    expect_record(5, "in place of another");
    for (size_t i = 0; i < PROOF_SLOTS; i++)
        proof_slot_leave(slot[i]);
}

Test(proof_slot, as_long_as_a_slot)
{
    char text[PROOF_SLOT_SIZE];
    int slot;

    memset(text, 'x', sizeof text);
    text[PROOF_SLOT_SIZE - 35] = '\0';
    cr_expect_eq(keep(text), 0);
    cr_expect_eq(count_slots(), 0);
    text[PROOF_SLOT_SIZE - 36] = '\0';
    slot = keep(text);
    expect_record(0, text);
    proof_slot_clear(slot);
}

/* Any octet that is another one; a write of which only the first sectors are on disk. */
Test(proof_slot, torn_writes)
{
    static const uint8_t ZEROS[PROOF_SLOT_SIZE];
    static const size_t END = 36 + 600;
    char text[601] = "";
    struct buf contents = { 0 };
    int slot;

    memset(text, 'r', 600);
    proof_slot_leave(keep(text));
    cr_assert_eq(file_read(path_of(0), PROOF_SLOT_SIZE, &contents, NULL), SKS_OK);
    for (size_t i = 0; i < END; i++) {
        contents.ptr[i] ^= 0x40;
        cr_assert_eq(proof_slot_record(buf_bytes(&contents)).len, 0, "octet %zu", i);
        contents.ptr[i] ^= 0x40;
    }
    cr_assert_eq(proof_slot_record(buf_bytes(&contents)).len, 600);
    cr_expect_eq(proof_slot_record(bytes_at(contents.ptr, END)).len, 0, "the size of no slot");
    slot = open(path_of(0), O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(slot, ZEROS, PROOF_SLOT_SIZE - 512, 512), PROOF_SLOT_SIZE - 512);
    (void)close(slot);
    expect_record(0, "");
    slot = keep("whole");
    expect_record(0, "whole");
    proof_slot_clear(slot);
    buf_free(&contents);
}

/* What stands where the slot would be stays as it is, and the next one is taken. */
static void expect_refused(unsigned number, const char *what)
{
    struct stat before, after;
    int slot;

    cr_assert_eq(lstat(path_of(number), &before), 0);
    slot = keep("record");
    expect_record(number + 1, "record");
    cr_expect(lstat(path_of(number), &after) == 0 && after.st_size == before.st_size, "%s", what);
    proof_slot_clear(slot);
    cr_assert_eq(unlink(path_of(number + 1)), 0);
}

static void make_slot(unsigned number, off_t size, mode_t mode, uid_t owner)
{
    int fd = open(path_of(number), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    cr_assert_eq(ftruncate(fd, size) | fchmod(fd, mode) | fchown(fd, owner, (gid_t)-1), 0);
    (void)close(fd);
}

Test(proof_slot, what_is_not_taken_for_a_slot)
{
    char other[PATH_MAX];

    (void)snprintf(other, sizeof other, "%s/other", folder);
    cr_assert_eq(file_write(other, 0600, bytes_of("precious"), NULL), SKS_OK);
    cr_assert_eq(symlink(other, path_of(0)), 0);
    expect_refused(0, "a link");
    cr_assert_eq(link(other, path_of(1)), 0);
    expect_refused(1, "a second name of a file");
    cr_assert_eq(mkdir(path_of(2), 0700), 0);
    expect_refused(2, "a folder");
    make_slot(3, PROOF_SLOT_SIZE, 0640, geteuid());
    expect_refused(3, "others may read it");
    make_slot(4, PROOF_SLOT_SIZE + 1, 0600, geteuid());
    expect_refused(4, "larger than a slot");
    if (geteuid() != 0) /* only root can give a file away */
        return;
    make_slot(5, PROOF_SLOT_SIZE, 0600, 1);
    expect_refused(5, "of somebody else");
}

/* kill -9 of who has it. */
Test(proof_slot, its_holder_dies)
{
    struct buf contents = { 0 };
    int ready[2], status, slot;
    pid_t child;
    char byte;

    cr_assert_eq(pipe(ready), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        slot = keep("of the child");
        cr_assert_eq(write(ready[1], "x", 1), 1);
        for (;;)
            (void)pause();
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    expect_record(0, "of the child");
    cr_expect_eq(proof_slot_take(folder, 0, &contents), 0);
    slot = keep("of the parent");
    expect_record(0, "of the child");
    expect_record(1, "of the parent");
    proof_slot_clear(slot);
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, &status, 0), child);
    slot = keep("of the parent");
    expect_record(0, "of the child");
    proof_slot_clear(slot);
    slot = proof_slot_take(folder, 0, &contents);
    cr_expect(bytes_equal(proof_slot_record(buf_bytes(&contents)), bytes_of("of the child")));
    proof_slot_clear(slot);
    buf_free(&contents);
}

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(proof_slot, no_room)
{
    limit_files(PROOF_SLOT_SIZE - 1);
    cr_expect_eq(keep("record"), 0);
    limit_files(PROOF_SLOT_SIZE);
    proof_slot_leave(keep("record"));
    expect_record(0, "record");
    limit_files(RLIM_INFINITY);
}

Test(proof_slot, no_folder)
{
    char file[PATH_MAX];

    cr_expect_eq(proof_slot_keep("/tmp/sks-nowhere", bytes_of("record")), 0);
    (void)snprintf(file, sizeof file, "%s/file", folder);
    cr_assert_eq(file_write(file, 0600, bytes_of("no folder"), NULL), SKS_OK);
    cr_expect_eq(proof_slot_keep(file, bytes_of("record")), 0);
    proof_slot_clear(0);
    proof_slot_leave(0);
}
