/* Files, the log's cleaning of text, and the clock. */
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX];
static struct buf text;
static struct sks_error err;

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/sks-files-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[PATH_MAX + 16];

    buf_free(&text);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(files, .init = make_folder, .fini = remove_folder);

static const char *inside(const char *name)
{
    static char path[PATH_MAX];

    cr_assert_eq(file_path(path, sizeof path, folder, name), SKS_OK);
    return path;
}

static unsigned mode_of(const char *path)
{
    struct stat about;

    cr_assert_eq(stat(path, &about), 0);
    return (unsigned)about.st_mode & 0777;
}

Test(files, path_is_joined_with_one_slash)
{
    char path[16];

    cr_assert_eq(file_path(path, sizeof path, "/a", "b"), SKS_OK);
    cr_assert_str_eq(path, "/a/b");
    cr_assert_eq(file_path(path, sizeof path, "/a/", "b"), SKS_OK);
    cr_assert_str_eq(path, "/a/b");
    cr_assert_eq(file_path(path, sizeof path, "", "b"), SKS_OK);
    cr_assert_str_eq(path, "b");
    cr_assert_eq(file_path(path, sizeof path, "/0123456789", "abcd"), SKS_ERROR_OPTION);
}

Test(files, what_was_written_is_read)
{
    const char *path = inside("new");

    cr_assert(!file_exists(path));
    cr_assert_eq(file_write(path, 0640, bytes_of("one"), &err), SKS_OK);
    cr_assert(file_exists(path));
    cr_assert_eq(mode_of(path), 0640);
    cr_assert_eq(file_write(path, 0600, bytes_of("two!"), &err), SKS_OK);
    cr_assert_eq(mode_of(path), 0600);
    cr_assert_eq(file_read(path, 100, &text, &err), SKS_OK);
    cr_assert(bytes_equal(buf_bytes(&text), bytes_of("two!")));
}

Test(files, nothing_is_left_beside_it)
{
    char command[PATH_MAX + 64];

    cr_assert_eq(file_write(inside("a"), 0600, bytes_of("x"), &err), SKS_OK);
    cr_assert_eq(mkdir(inside("b"), 0700), 0);
    /* A file cannot replace a folder: the temporary one must go again. */
    cr_assert_eq(file_write(inside("b"), 0600, bytes_of("x"), &err), SKS_ERROR_EXTERNAL);
    cr_assert_not_null(strstr(err.text, folder));
    (void)snprintf(command, sizeof command, "test \"$(ls %s | tr '\\n' ' ')\" = 'a b '", folder);
    cr_assert_eq(system(command), 0);
}

Test(files, reading_is_bounded)
{
    uint8_t large[10000] = { 0 };
    const char *path = inside("large");

    cr_assert_eq(file_write(path, 0600, bytes_at(large, sizeof large), &err), SKS_OK);
    cr_assert_eq(file_read(path, sizeof large, &text, &err), SKS_OK);
    cr_assert_eq(text.len, sizeof large);
    buf_reset(&text);
    cr_assert_eq(file_read(path, sizeof large - 1, &text, &err), SKS_ERROR_STORAGE);
    cr_assert_eq(file_read(inside("none"), 1, &text, &err), SKS_ERROR_EXTERNAL);
    cr_assert_not_null(strstr(err.text, "No such file"));
}

Test(files, a_secret_that_others_can_read_is_refused)
{
    static const struct {
        unsigned mode;
        enum sks_status status;
    } CASES[] = {
        { 0600, SKS_OK },
        { 0400, SKS_OK },
        { 0640, SKS_ERROR_EXTERNAL },
        { 0604, SKS_ERROR_EXTERNAL },
        { 0620, SKS_ERROR_EXTERNAL },
    };
    const char *path = inside("secret");

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        cr_assert_eq(file_write(path, CASES[i].mode, bytes_of("s"), &err), SKS_OK);
        cr_expect_eq(file_read_secret(path, 10, &text, &err), CASES[i].status, "mode %o",
                     CASES[i].mode);
    }
    cr_assert_not_null(strstr(err.text, "0600"));
}

Test(files, folders_are_made_with_their_parents)
{
    const char *path = inside("x/y/z");

    cr_assert_eq(file_make_folder(path, 0700, &err), SKS_OK);
    cr_assert_eq(mode_of(path), 0700);
    cr_assert_eq(file_make_folder(path, 0700, &err), SKS_OK);
    cr_assert_eq(file_write(inside("file"), 0600, bytes_of(""), &err), SKS_OK);
    cr_assert_eq(file_make_folder(inside("file"), 0700, &err), SKS_ERROR_EXTERNAL);
    cr_assert_eq(file_make_folder(inside("file/below"), 0700, &err), SKS_ERROR_EXTERNAL);
}

Test(log, text_from_outside_stays_on_its_line)
{
    static const struct {
        const char *from, *to;
    } CASES[] = {
        { "plain", "plain" },
        { "a\nb\tc\x7F", "a?b?c?" },
        { "\x1B[31mred", "?[31mred" },
        { "Na\xC3\xAFve \xE2\x82\xAC", "Na\xC3\xAFve \xE2\x82\xAC" },
        { "\xC2\x9B"
          "31m",
          "??31m" },
        { "bad \xFF\xC3", "bad ??" },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        char cleaned[64];

        (void)snprintf(cleaned, sizeof cleaned, "%s", CASES[i].from);
        log_clean(cleaned);
        cr_expect_str_eq(cleaned, CASES[i].to);
    }
}

Test(clock, ids_differ_and_have_their_length)
{
    char one[33], two[33];

    memset(one, 'x', sizeof one);
    cr_assert_eq(random_id(one, 32), SKS_OK);
    cr_assert_eq(random_id(two, 32), SKS_OK);
    cr_assert_eq(strlen(one), 32);
    cr_assert_eq(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                 32);
    cr_assert_str_neq(one, two);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(random_id(one, 1), SKS_OK);
        cr_assert_neq(one[0], '-', "an id may stand on a command line");
    }
}

Test(clock, monotonic_time_does_not_go_back)
{
    int64_t before = clock_monotonic_ms();

    cr_assert_leq(before, clock_monotonic_ms());
    cr_assert_gt(clock_now(), 1700000000);
}
