/* Backups: what was written comes back, and nothing that was altered anywhere. */
#include "keygen2/crypto/backup.h"
#include "tests/unit/support/token/store_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, HEAD = BACKUP_HEAD_SIZE };

static struct store_fixture fixture;
static struct sks_error err;
static struct backup_seal how;
static char source[128], backup[128];

static void set_up(void)
{
    store_fixture_open(&fixture);
    how = vault_backup_seal(fixture.vault);
    (void)snprintf(source, sizeof source, "%s/source", fixture.folder);
    (void)snprintf(backup, sizeof backup, "%s/backup", fixture.folder);
}

static void tear_down(void)
{
    (void)unlink(source);
    (void)unlink(backup);
    store_fixture_close(&fixture);
}

TestSuite(backup, .init = set_up, .fini = tear_down);

static void write_file(const char *path, struct bytes data)
{
    cr_assert_eq(file_write(path, 0600, data, &err), SKS_OK, "%s", err.text);
}

static struct buf read_whole(const char *path)
{
    struct buf data = { 0 };

    cr_assert_eq(file_read(path, 1 << 24, &data, &err), SKS_OK, "%s", err.text);
    return data;
}

static struct buf pattern(size_t size)
{
    struct buf data = { 0 };

    cr_assert(buf_reserve(&data, size + 1));
    for (size_t i = 0; i < size; i++)
        data.ptr[i] = (uint8_t)(i * 7 + i / 251);
    data.len = size;
    return data;
}

static enum sks_status back_up(struct bytes first, struct bytes second)
{
    struct backup_writer w = { .file.fd = -1 };
    enum sks_status rc;

    err = (struct sks_error){ 0 };
    write_file(source, first);
    TRY(backup_begin(&w, &how, backup, &err));
    TRY(backup_add(&w, "one", source, &err));
    write_file(source, second);
    TRY(backup_add(&w, "two", source, &err));
    TRY(backup_finish(&w, &err));
out:
    backup_end(&w);
    return rc;
}

/* What a sink got: both files, each with its name in front. */
static enum sks_status take_name(void *ctx, struct bytes name, struct sks_error *e)
{
    (void)e;
    put_array(ctx, name);
    return SKS_OK;
}

static enum sks_status take_data(void *ctx, struct bytes data, struct sks_error *e)
{
    (void)e;
    put_raw(ctx, data);
    return SKS_OK;
}

static enum sks_status verify(void)
{
    struct backup_reader *reader;
    enum sks_status rc;

    err = (struct sks_error){ 0 };
    rc = backup_open(&how, backup, &reader, NULL, &err);
    cr_assert_eq(reader != NULL, rc == SKS_OK);
    backup_close(reader);
    return rc;
}

static void check_round_trip(size_t one, size_t two)
{
    struct buf first = pattern(one), second = pattern(two), wanted = { 0 }, got = { 0 };
    const struct backup_sink sink = { &got, take_name, take_data };
    struct backup_reader *reader;
    struct backup_about about;

    cr_assert_eq(back_up(buf_bytes(&first), buf_bytes(&second)), SKS_OK, "%s", err.text);
    cr_assert_eq(backup_open(&how, backup, &reader, &about, &err), SKS_OK, "%s", err.text);
    cr_assert_gt(about.created, 1700000000U);
    cr_assert_neq(about.made_by[0], '\0');
    cr_assert_eq(backup_read(reader, &sink, &err), SKS_OK, "%s", err.text);
    backup_close(reader);
    put_string(&wanted, "one");
    put_raw(&wanted, buf_bytes(&first));
    put_string(&wanted, "two");
    put_raw(&wanted, buf_bytes(&second));
    cr_expect(bytes_equal(buf_bytes(&wanted), buf_bytes(&got)), "%zu and %zu bytes", one, two);
    buf_free(&first);
    buf_free(&second);
    buf_free(&wanted);
    buf_free(&got);
}

Test(backup, files_come_back)
{
    static const size_t size[] = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7 };

    for (size_t i = 0; i < NITEMS(size); i++)
        check_round_trip(size[i], size[NITEMS(size) - 1 - i]);
}

Test(backup, the_file_is_private_and_shows_nothing)
{
    struct stat info;
    struct buf sealed;

    cr_assert_eq(back_up(bytes_of("a text to be found"), bytes_of("x")), SKS_OK, "%s", err.text);
    cr_assert_eq(stat(backup, &info), 0);
    cr_assert_eq(info.st_mode & 0777, 0600);
    sealed = read_whole(backup);
    cr_assert_null(memmem(sealed.ptr, sealed.len, "a text", 6));
    cr_assert_null(memmem(sealed.ptr, sealed.len, "one", 3));
    buf_free(&sealed);
}

Test(backup, two_of_the_same_have_nothing_in_common)
{
    struct buf first, second;

    cr_assert_eq(back_up(bytes_of("same"), bytes_of("same")), SKS_OK);
    first = read_whole(backup);
    cr_assert_eq(back_up(bytes_of("same"), bytes_of("same")), SKS_OK);
    second = read_whole(backup);
    cr_assert_eq(first.len, second.len);
    cr_assert(!bytes_equal(bytes_at(first.ptr + 5, HEAD), bytes_at(second.ptr + 5, HEAD)));
    buf_free(&first);
    buf_free(&second);
}

/* ---- refusals ---- */

static void refuse(struct bytes altered, const char *what, size_t at)
{
    write_file(backup, altered);
    cr_expect_neq(verify(), SKS_OK, "%s at %zu", what, at);
    cr_expect(strstr(err.text, backup) != NULL, "%s", err.text);
}

Test(backup, any_altered_byte_is_refused)
{
    struct buf good;

    cr_assert_eq(back_up(bytes_of("first"), bytes_of("second")), SKS_OK);
    good = read_whole(backup);
    for (size_t i = 0; i < good.len; i++) {
        good.ptr[i] ^= (uint8_t)(1 << i % 8);
        refuse(buf_bytes(&good), "altered", i);
        good.ptr[i] ^= (uint8_t)(1 << i % 8);
    }
    write_file(backup, buf_bytes(&good));
    cr_assert_eq(verify(), SKS_OK, "%s", err.text);
    buf_free(&good);
}

Test(backup, cut_off_anywhere_it_is_refused)
{
    struct buf good;

    cr_assert_eq(back_up(bytes_of("first"), bytes_of("second")), SKS_OK);
    good = read_whole(backup);
    for (size_t len = 0; len < good.len; len++)
        refuse(bytes_at(good.ptr, len), "cut off", len);
    put_byte(&good, 0);
    refuse(buf_bytes(&good), "longer", good.len);
    cr_assert(strstr(err.text, "follows its end") != NULL, "%s", err.text);
    buf_free(&good);
}

/* The places of the chunks, the end of the last one included. */
static size_t find_chunks(const struct buf *of, size_t *at)
{
    size_t count = 0, place = HEAD;

    while (place < of->len) {
        struct bytes in = bytes_at(of->ptr + place, 4);
        uint32_t size;

        cr_assert_eq(get_uint(&in, &size), SKS_OK);
        at[count++] = place;
        place += 4 + size;
    }
    at[count] = place;
    return count;
}

static void put_chunk(struct buf *out, const struct buf *of, const size_t *at, size_t chunk)
{
    put_raw(out, bytes_at(of->ptr + at[chunk], at[chunk + 1] - at[chunk]));
}

Test(backup, no_chunk_can_be_moved)
{
    struct buf data = pattern(3 * CHUNK), good, other, altered = { 0 };
    size_t at[16], count;

    cr_assert_eq(back_up(buf_bytes(&data), buf_bytes(&data)), SKS_OK);
    other = read_whole(backup);
    cr_assert_eq(back_up(buf_bytes(&data), buf_bytes(&data)), SKS_OK);
    good = read_whole(backup);
    count = find_chunks(&good, at);
    cr_assert_eq(count, 1 + 4 + 4 + 1);
    for (size_t from = 0; from < count; from++) {
        for (size_t to = 0; to < count; to++) { /* in the place of another, of all sizes */
            if (from == to)
                continue;
            buf_reset(&altered);
            put_raw(&altered, bytes_at(good.ptr, HEAD));
            for (size_t i = 0; i < count; i++)
                put_chunk(&altered, &good, at, i == to ? from : i == from ? to : i);
            refuse(buf_bytes(&altered), "swapped", from);
        }
        buf_reset(&altered); /* left out, and one of another backup in its place */
        put_raw(&altered, bytes_at(good.ptr, at[from]));
        put_raw(&altered, bytes_at(good.ptr + at[from + 1], good.len - at[from + 1]));
        refuse(buf_bytes(&altered), "left out", from);
        buf_reset(&altered);
        put_raw(&altered, bytes_at(good.ptr, at[from]));
        put_chunk(&altered, &other, at, from);
        put_raw(&altered, bytes_at(good.ptr + at[from + 1], good.len - at[from + 1]));
        refuse(buf_bytes(&altered), "of another backup", from);
        buf_reset(&altered); /* repeated */
        put_raw(&altered, bytes_at(good.ptr, at[from + 1]));
        put_raw(&altered, bytes_at(good.ptr + at[from], good.len - at[from]));
        refuse(buf_bytes(&altered), "repeated", from);
    }
    buf_free(&data);
    buf_free(&good);
    buf_free(&other);
    buf_free(&altered);
}

Test(backup, another_master_key_opens_nothing)
{
    struct vault *own = fixture.vault, *other;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/other", fixture.folder);
    cr_assert_eq(vault_create(path, &err), SKS_OK);
    cr_assert_eq(vault_open_file(path, &other, &err), SKS_OK);
    (void)unlink(path);
    cr_assert_eq(back_up(bytes_of("x"), bytes_of("y")), SKS_OK);
    fixture.vault = other;
    how = vault_backup_seal(other);
    cr_assert_eq(verify(), SKS_ERROR_CRYPTO);
    cr_assert(strstr(err.text, "another master key") != NULL, "%s", err.text);
    fixture.vault = own;
    how = vault_backup_seal(own);
    cr_assert_eq(verify(), SKS_OK);
    vault_close(other);
}

Test(backup, other_files_are_no_backup)
{
    write_file(backup, bytes_of("some text that is longer than the header of a backup"));
    cr_assert_eq(verify(), SKS_ERROR_EXTERNAL);
    cr_assert(strstr(err.text, "no backup") != NULL, "%s", err.text);
    write_file(backup, bytes_of("SKSB\2 and what else a newer program may write"));
    cr_assert_eq(verify(), SKS_ERROR_NOT_AVAILABLE);
    cr_assert(strstr(err.text, "format 2") != NULL, "%s", err.text);
    (void)unlink(backup);
    cr_assert_eq(verify(), SKS_ERROR_EXTERNAL);
    cr_assert_eq(mkdir(backup, 0700), 0);
    cr_assert_eq(verify(), SKS_ERROR_EXTERNAL);
    cr_assert_eq(back_up(bytes_of("x"), bytes_of("y")), SKS_ERROR_NOT_ALLOWED);
    cr_assert_eq(rmdir(backup), 0);
}

Test(backup, only_a_backup_is_replaced)
{
    struct buf kept;

    write_file(backup, bytes_of(""));
    cr_assert_eq(back_up(bytes_of("x"), bytes_of("y")), SKS_OK, "%s", err.text);
    cr_assert_eq(back_up(bytes_of("x"), bytes_of("y")), SKS_OK, "%s", err.text);
    write_file(backup, bytes_of("a store, a key"));
    cr_assert_eq(back_up(bytes_of("x"), bytes_of("y")), SKS_ERROR_NOT_ALLOWED);
    kept = read_whole(backup);
    cr_assert(bytes_equal(buf_bytes(&kept), bytes_of("a store, a key")));
    buf_free(&kept);
}

Test(backup, one_that_is_not_finished_leaves_nothing)
{
    struct backup_writer w;

    write_file(source, bytes_of("x"));
    cr_assert_eq(backup_begin(&w, &how, backup, &err), SKS_OK);
    cr_assert_eq(backup_add(&w, "one", source, &err), SKS_OK);
    cr_assert_neq(backup_add(&w, "two", "/nowhere/at/all", &err), SKS_OK);
    backup_end(&w);
    cr_assert(!file_exists(backup)); /* and the folder is empty in the end */
}
