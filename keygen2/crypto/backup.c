#include "keygen2/crypto/backup.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC_SIZE = 4,
    FORMAT = 1,
    SALT_SIZE = 16,
    DATA_MAX = 65536,                         /* of a chunk, clear */
    CHUNK_MAX = 1 + DATA_MAX + SEAL_OVERHEAD, /* its kind and data, sealed */
};

enum chunk_kind { CHUNK_ABOUT, CHUNK_FILE, CHUNK_DATA, CHUNK_END };

_Static_assert(BACKUP_HEAD_SIZE == MAGIC_SIZE + 1 + SALT_SIZE, "size of the header");

static struct bytes salt_of(const uint8_t head[BACKUP_HEAD_SIZE])
{
    return bytes_at(head + MAGIC_SIZE + 1, SALT_SIZE);
}

/* What a chunk is sealed for. */
static void put_identity(struct buf *out, const uint8_t head[BACKUP_HEAD_SIZE], uint32_t number)
{
    put_raw(out, bytes_at(head, BACKUP_HEAD_SIZE));
    put_uint(out, number);
}

/* ---- writing ---- */

static enum sks_status put_out(struct backup_writer *w, struct bytes data, struct sks_error *err)
{
    w->size += data.len;
    return file_put(&w->file, data, err);
}

static enum sks_status write_chunk(struct backup_writer *w, enum chunk_kind kind, struct bytes data,
                                   struct sks_error *err)
{
    struct buf identity = { 0 }, clear = { 0 }, sealed = { 0 }, length = { 0 };
    enum sks_status rc;

    put_identity(&identity, w->head, w->next);
    put_byte(&clear, (uint8_t)kind);
    put_raw(&clear, data);
    TRY(identity.status);
    TRY(clear.status);
    TRY(seal(w->key, buf_bytes(&identity), buf_bytes(&clear), &sealed));
    put_uint(&length, (uint32_t)sealed.len);
    TRY(length.status);
    TRY(put_out(w, buf_bytes(&length), err));
    TRY(put_out(w, buf_bytes(&sealed), err));
    w->next++;
out:
    buf_free(&identity);
    buf_free(&clear);
    buf_free(&sealed);
    buf_free(&length);
    return sks_explain(err, rc);
}

static enum sks_status write_about(struct backup_writer *w, struct sks_error *err)
{
    struct buf about = { 0 };
    enum sks_status rc;

    put_ulong(&about, (uint64_t)clock_now());
    put_string(&about, SKS_RIG_VERSION);
    TRY(sks_explain(err, about.status));
    TRY(write_chunk(w, CHUNK_ABOUT, buf_bytes(&about), err));
out:
    buf_free(&about);
    return rc;
}

/* A slip of the pen must not cost a store or a key. */
static enum sks_status check_place(const char *magic, const char *path, struct sks_error *err)
{
    uint8_t first[MAGIC_SIZE];
    struct stat about;
    size_t got = 0;
    FILE *file;

    if (stat(path, &about) != 0)
        return SKS_OK;
    file = S_ISREG(about.st_mode) ? fopen(path, "rbe") : NULL;
    if (file != NULL) {
        got = fread(first, 1, sizeof first, file);
        (void)fclose(file);
    }
    return file != NULL && (about.st_size == 0 ||
                            bytes_equal(bytes_at(first, got), bytes_at(magic, MAGIC_SIZE)))
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_NOT_ALLOWED, "%s: is there, and no backup", path);
}

enum sks_status backup_begin(struct backup_writer *w, const struct backup_seal *how,
                             const char *path, struct sks_error *err)
{
    enum sks_status rc;

    *w = (struct backup_writer){ .file.fd = -1 };
    memcpy(w->head, how->magic, MAGIC_SIZE);
    w->head[MAGIC_SIZE] = FORMAT;
    TRY(check_place(how->magic, path, err));
    TRY(random_bytes(w->head + MAGIC_SIZE + 1, SALT_SIZE));
    TRY(how->make_key(how->ctx, salt_of(w->head), w->key));
    TRY(file_begin(&w->file, path, err));
    TRY(put_out(w, bytes_at(w->head, sizeof w->head), err));
    TRY(write_about(w, err));
out:
    return sks_explain(err, rc);
}

static enum sks_status write_data(struct backup_writer *w, int fd, const char *path,
                                  struct sks_error *err)
{
    struct buf data = { 0 };
    enum sks_status rc = SKS_OK;
    ssize_t got;

    REQUIRE(buf_reserve(&data, DATA_MAX), err, SKS_ERROR_STORAGE, "no memory for the backup");
    while ((got = read(fd, data.ptr, DATA_MAX)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        REQUIRE(got > 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
        TRY(write_chunk(w, CHUNK_DATA, bytes_at(data.ptr, (size_t)got), err));
    }
out:
    buf_free(&data);
    return rc;
}

enum sks_status backup_add(struct backup_writer *w, const char *name, const char *path,
                           struct sks_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buf file = { 0 };
    enum sks_status rc;

    REQUIRE(fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
    put_string(&file, name);
    TRY(sks_explain(err, file.status));
    TRY(write_chunk(w, CHUNK_FILE, buf_bytes(&file), err));
    TRY(write_data(w, fd, path, err));
out:
    if (fd >= 0)
        (void)close(fd);
    buf_free(&file);
    return rc;
}

enum sks_status backup_finish(struct backup_writer *w, struct sks_error *err)
{
    enum sks_status rc;

    TRY(write_chunk(w, CHUNK_END, (struct bytes){ 0 }, err));
    TRY(file_finish(&w->file, 0600, err));
out:
    return rc;
}

void backup_end(struct backup_writer *w)
{
    OPENSSL_cleanse(w->key, sizeof w->key);
    file_abandon(&w->file);
}

/* ---- reading ---- */

struct backup_reader {
    FILE *file;
    const char *path, *wrong_key;
    uint8_t head[BACKUP_HEAD_SIZE], key[SEAL_KEY_SIZE];
    uint32_t next;            /* number of the next chunk */
    struct buf sealed, clear; /* of the last one */
};

/* Fills what there is; less only at the end of the file. */
static enum sks_status take(struct backup_reader *r, uint8_t *to, size_t size, size_t *got,
                            struct sks_error *err)
{
    *got = fread(to, 1, size, r->file);
    return *got < size && ferror(r->file)
               ? sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", r->path, strerror(errno))
               : SKS_OK;
}

static enum sks_status take_all(struct backup_reader *r, uint8_t *to, size_t size,
                                struct sks_error *err)
{
    size_t got;
    enum sks_status rc = take(r, to, size, &got, err);

    if (rc == SKS_OK && got < size)
        rc = sks_fail(err, SKS_ERROR_CRYPTO, "%s: cut off", r->path);
    return rc;
}

static enum sks_status read_head(struct backup_reader *r, const struct backup_seal *how,
                                 struct sks_error *err)
{
    size_t got;
    enum sks_status rc;

    TRY(take(r, r->head, sizeof r->head, &got, err));
    REQUIRE(got == sizeof r->head && memcmp(r->head, how->magic, MAGIC_SIZE) == 0, err,
            SKS_ERROR_EXTERNAL, "%s: no %s", r->path, how->what);
    REQUIRE(r->head[MAGIC_SIZE] == FORMAT, err, SKS_ERROR_NOT_AVAILABLE,
            "%s: a backup of format %u, this program knows %d", r->path, r->head[MAGIC_SIZE],
            FORMAT);
    TRY(sks_explain(err, how->make_key(how->ctx, salt_of(r->head), r->key)));
out:
    return rc;
}

/* The next chunk, in r->clear. */
static enum sks_status read_chunk(struct backup_reader *r, struct sks_error *err)
{
    struct buf identity = { 0 };
    uint8_t prefix[4];
    struct bytes in = bytes_at(prefix, sizeof prefix);
    uint32_t size;
    enum sks_status rc;

    TRY(take_all(r, prefix, sizeof prefix, err));
    TRY(get_uint(&in, &size));
    REQUIRE(size > SEAL_OVERHEAD && size <= CHUNK_MAX, err, SKS_ERROR_CRYPTO, "%s: altered",
            r->path);
    buf_reset(&r->sealed);
    buf_reset(&r->clear);
    put_identity(&identity, r->head, r->next);
    TRY(identity.status);
    REQUIRE(buf_reserve(&r->sealed, size), err, SKS_ERROR_STORAGE, "no memory for the backup");
    TRY(take_all(r, r->sealed.ptr, size, err));
    r->sealed.len = size;
    rc = unseal(r->key, buf_bytes(&identity), buf_bytes(&r->sealed), &r->clear);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_CRYPTO, "%s: %s", r->path,
            r->next == 0 ? r->wrong_key : "altered");
    r->next++;
out:
    buf_free(&identity);
    return sks_explain(err, rc);
}

static enum sks_status take_about(struct bytes in, struct backup_about *about)
{
    struct bytes version;
    enum sks_status rc;

    TRY(get_ulong(&in, &about->created));
    TRY(get_string(&in, &version));
    TRY(bytes_to_text(version, about->made_by, sizeof about->made_by));
    TRY(get_end(&in));
out:
    return rc;
}

static enum sks_status hand_on(const struct backup_sink *sink, uint8_t kind, struct bytes data,
                               bool in_file, struct sks_error *err)
{
    struct bytes name;
    enum sks_status rc = SKS_ERROR_OPTION;

    if (kind == CHUNK_DATA && in_file)
        return sink == NULL ? SKS_OK : sink->data(sink->ctx, data, err);
    if (kind != CHUNK_FILE)
        goto out;
    TRY(get_string(&data, &name));
    TRY(get_end(&data));
    return sink == NULL ? SKS_OK : sink->file(sink->ctx, name, err);
out:
    return sks_fail(err, SKS_ERROR_EXTERNAL, "chunks of a backup that mean nothing");
}

static enum sks_status read_from_start(struct backup_reader *r, const struct backup_seal *how,
                                       const struct backup_sink *sink, struct backup_about *about,
                                       struct sks_error *err)
{
    struct backup_about unwanted;
    bool in_file = false;
    uint8_t kind, more;
    struct bytes data;
    size_t got;
    enum sks_status rc;

    r->next = 0;
    REQUIRE(fseek(r->file, 0, SEEK_SET) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", r->path,
            strerror(errno));
    if (how != NULL)
        TRY(read_head(r, how, err));
    else
        TRY(take_all(r, r->head, sizeof r->head, err));
    for (;;) {
        TRY(read_chunk(r, err));
        data = buf_bytes(&r->clear);
        TRY(get_byte(&data, &kind));
        if (kind == CHUNK_END)
            break;
        if (kind == CHUNK_ABOUT && r->next == 1)
            TRY(take_about(data, about == NULL ? &unwanted : about));
        else
            TRY(hand_on(sink, kind, data, in_file, err));
        in_file |= kind == CHUNK_FILE;
    }
    TRY(take(r, &more, 1, &got, err));
    REQUIRE(got == 0, err, SKS_ERROR_CRYPTO, "%s: altered: something follows its end", r->path);
out:
    return sks_explain(err, rc);
}

enum sks_status backup_open(const struct backup_seal *how, const char *path,
                            struct backup_reader **reader, struct backup_about *about,
                            struct sks_error *err)
{
    struct backup_reader *r = OPENSSL_zalloc(sizeof *r);
    enum sks_status rc;

    *reader = NULL;
    REQUIRE(r != NULL, err, SKS_ERROR_STORAGE, "no memory for the backup");
    r->path = path;
    r->wrong_key = how->wrong_key;
    r->file = fopen(path, "rbe");
    REQUIRE(r->file != NULL, err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
    TRY(read_from_start(r, how, NULL, about, err));
    *reader = r;
    r = NULL;
out:
    backup_close(r);
    return rc;
}

enum sks_status backup_read(struct backup_reader *r, const struct backup_sink *sink,
                            struct sks_error *err)
{
    return read_from_start(r, NULL, sink, NULL, err);
}

void backup_close(struct backup_reader *r)
{
    if (r == NULL)
        return;
    if (r->file != NULL)
        (void)fclose(r->file);
    buf_free(&r->sealed);
    buf_free(&r->clear);
    OPENSSL_clear_free(r, sizeof *r);
}
