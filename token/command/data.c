#include "token/command/data.h"
#include "keygen2/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, MODE_PUBLIC = 0644, MODE_PRIVATE = 0600 };

static bool is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

/* ---- in ---- */

/* Where the input goes: kept, up to a limit, or into a digest. */
struct sink {
    struct buf *data;
    size_t max;
    EVP_MD_CTX *digest; /* NULL: kept */
};

static enum sks_status take_chunk(const struct sink *sink, struct bytes chunk,
                                  struct sks_error *err)
{
    if (sink->digest != NULL)
        return EVP_DigestUpdate(sink->digest, chunk.ptr, chunk.len)
                   ? SKS_OK
                   : sks_fail(err, SKS_ERROR_CRYPTO, "the digest failed");
    if (chunk.len > sink->max - sink->data->len)
        return sks_fail(err, SKS_ERROR_OPTION, "the input is over %zu bytes", sink->max);
    put_raw(sink->data, chunk);
    return sks_explain(err, sink->data->status);
}

static enum sks_status read_input(const char *path, const struct sink *sink, struct sks_error *err)
{
    bool standard = is_standard(path);
    const char *name = standard ? "standard input" : path;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct buf chunk = { 0 };
    enum sks_status rc = SKS_OK;
    ssize_t got;

    REQUIRE(fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", name, strerror(errno));
    REQUIRE(buf_reserve(&chunk, CHUNK), err, SKS_ERROR_STORAGE, "no memory for the input");
    while ((got = read(fd, chunk.ptr, CHUNK)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        REQUIRE(got > 0, err, SKS_ERROR_EXTERNAL, "%s: %s", name, strerror(errno));
        TRY(take_chunk(sink, bytes_at(chunk.ptr, (size_t)got), err));
    }
out:
    buf_free(&chunk);
    if (fd >= 0 && !standard)
        (void)close(fd);
    return rc;
}

enum sks_status data_read(const char *path, size_t max, struct buf *data, struct sks_error *err)
{
    const struct sink sink = { data, data->len + max, NULL };

    return read_input(path, &sink, err);
}

enum sks_status data_digest(const char *path, const EVP_MD *md, struct buf *digest,
                            struct sks_error *err)
{
    struct sink sink = { .digest = EVP_MD_CTX_new() };
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    enum sks_status rc;

    REQUIRE(sink.digest != NULL && md != NULL && EVP_DigestInit_ex(sink.digest, md, NULL), err,
            SKS_ERROR_CRYPTO, "the digest failed");
    TRY(read_input(path, &sink, err));
    REQUIRE(EVP_DigestFinal_ex(sink.digest, hash, &len), err, SKS_ERROR_CRYPTO,
            "the digest failed");
    put_raw(digest, bytes_at(hash, len));
    rc = sks_explain(err, digest->status);
out:
    EVP_MD_CTX_free(sink.digest);
    return rc;
}

/* ---- out ---- */

/* No control character but line feed and tab: none that a terminal would obey. */
static bool is_text(struct bytes data)
{
    for (size_t i = 0; i < data.len; i++) {
        uint8_t c = data.ptr[i];
        bool c1 = c == 0xC2 && i + 1 < data.len && data.ptr[i + 1] < 0xA0; /* U+0080 to U+009F */

        if (c1 || c == 0x7F || (c < 0x20 && c != '\n' && c != '\t'))
            return false;
    }
    return bytes_is_utf8(data);
}

enum sks_status data_check(const char *path, enum data_kind kind, struct sks_error *err)
{
    if (path != NULL || kind == DATA_TEXT || kind == DATA_CLEAR || isatty(STDOUT_FILENO) != 1)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_OPTION,
                    kind == DATA_SECRET
                        ? "the output is a secret, and would be shown: --out FILE or a pipe"
                        : "the output is binary: --out FILE or a pipe");
}

/* What is no regular file must not be replaced by one: /dev/null, a named pipe. */
static bool is_special(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 && !S_ISREG(about.st_mode);
}

static enum sks_status write_special(const char *path, struct bytes data, struct sks_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    enum sks_status rc = SKS_OK;

    if (fd < 0 || !file_write_to(fd, data))
        rc = sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

enum sks_status data_write(const char *path, enum data_kind kind, struct bytes data,
                           struct sks_error *err)
{
    bool open_to_all = kind == DATA_PUBLIC || kind == DATA_TEXT;

    if (!is_standard(path))
        return is_special(path)
                   ? write_special(path, data, err)
                   : file_write(path, open_to_all ? MODE_PUBLIC : MODE_PRIVATE, data, err);
    if (path == NULL && kind == DATA_CLEAR && isatty(STDOUT_FILENO) == 1 && !is_text(data))
        return data_check(path, DATA_PUBLIC, err);
    return file_write_to(STDOUT_FILENO, data)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "standard output: %s", strerror(errno));
}
