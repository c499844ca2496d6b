#include "proxy/relay/transcript.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "proxy/message.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1024 * 1024 * 1024 };

/* ---- a line ---- */

static const struct name DIRECTION_NAMES[] = {
    { "request", TRANSCRIPT_REQUEST },
    { "answer", TRANSCRIPT_ANSWER },
    { NULL, 0 },
};

static const struct json_field HEADER_FIELDS[] = {
    { "name", JSON_TEXT, JSON_MANDATORY, offsetof(struct transcript_header, name), 1, 0, NULL, 0 },
    { "value", JSON_TEXT, JSON_MANDATORY, offsetof(struct transcript_header, value), 0, 0, NULL,
      0 },
};
static const struct json_type HEADER =
    JSON_TYPE("header", struct transcript_header, HEADER_FIELDS, NULL);

#define AT(member) .offset = offsetof(struct transcript_line, member)

static const struct json_field LINE_FIELDS[] = {
    { "time", JSON_TEXT, JSON_MANDATORY, AT(time), .min = 1 },
    { "connection", JSON_LONG, JSON_MANDATORY, AT(connection), .min = 1, .max = UINT32_MAX },
    { "exchange", JSON_LONG, JSON_MANDATORY, AT(exchange), .min = 1, .max = UINT32_MAX },
    { "hop", JSON_NAME, JSON_MANDATORY, AT(hop), .with = HOP_NAMES },
    { "direction", JSON_NAME, JSON_MANDATORY, AT(direction), .with = DIRECTION_NAMES },
    { "name", JSON_TEXT, JSON_OPTIONAL, AT(name), .min = 1 },
    { "method", JSON_TEXT, JSON_OPTIONAL, AT(method), .min = 1 },
    { "target", JSON_TEXT, JSON_OPTIONAL, AT(target), .min = 1 },
    { "status", JSON_LONG, JSON_OPTIONAL, AT(status), .max = 999 },
    { "headers", JSON_RECORDS, JSON_OPTIONAL, AT(headers), .with = &HEADER },
    { "body", JSON_BINARY, JSON_OPTIONAL, AT(body), .min = 1 },
    { "cut", JSON_FLAG, JSON_OPTIONAL, AT(cut) },
    { "altered", JSON_TEXT, JSON_OPTIONAL, AT(altered), .min = 1 },
    { "decoded", JSON_CUSTOM, JSON_OPTIONAL, AT(decoded), .with = &JSON_ANY_VALUE },
};

#undef AT

static const struct json_type LINE =
    JSON_TYPE("transcript line", struct transcript_line, LINE_FIELDS, NULL);

static bool is_kept(const char *header)
{
    static const char *const KEPT[] = { "Accept", "Allow",    "Content-Type", "Cookie",
                                        "Host",   "Location", "Retry-After",  "Set-Cookie" };

    for (size_t i = 0; i < NITEMS(KEPT); i++)
        if (strcasecmp(header, KEPT[i]) == 0)
            return true;
    return false;
}

size_t transcript_headers(const struct http_field *field, size_t fields,
                          struct transcript_header *kept)
{
    size_t count = 0;

    for (size_t i = 0; i < fields; i++)
        if (is_kept(field[i].name) && bytes_is_utf8(bytes_of(field[i].value)))
            kept[count++] =
                (struct transcript_header){ bytes_of(field[i].name), bytes_of(field[i].value) };
    return count;
}

/* Behind a gap nothing is kept: what stands there is a beginning. */
void transcript_keep(struct buf *body, uint64_t *size, struct bytes piece)
{
    size_t room = TRANSCRIPT_BODY_MAX - body->len;

    if (*size == body->len)
        put_raw(body, bytes_at(piece.ptr, piece.len < room ? piece.len : room));
    *size += piece.len;
}

void transcript_time(char *text)
{
    struct timespec now;
    struct tm utc;
    size_t len;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, TRANSCRIPT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + len, TRANSCRIPT_TIME_MAX - len, ".%06ldZ", now.tv_nsec / 1000);
}

/* ---- writing ---- */

struct recorder {
    pthread_mutex_t lock;
    int fd;
    const char *file;
    int failed; /* errno of the first line that was lost */
};

enum sks_status recorder_open(const char *file, struct recorder **recorder, struct sks_error *err)
{
    struct recorder *made = calloc(1, sizeof *made);
    enum sks_status rc = SKS_OK;

    *recorder = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a transcript");
    (void)pthread_mutex_init(&made->lock, NULL);
    made->file = file;
    made->fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (made->fd < 0) {
        free(made);
        return sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", file, strerror(errno));
    }
    *recorder = made;
out:
    return rc;
}

void recorder_add(struct recorder *recorder, const struct transcript_line *line)
{
    struct buf text = { 0 };
    int failed = 0;

    json_put(&text, &LINE, line);
    put_byte(&text, '\n');
    (void)pthread_mutex_lock(&recorder->lock);
    errno = text.status == SKS_OK ? 0 : EILSEQ;
    if (errno != 0 || !file_write_to(recorder->fd, buf_bytes(&text))) {
        failed = recorder->failed == 0 ? errno : 0;
        recorder->failed = recorder->failed == 0 ? errno : recorder->failed;
    }
    (void)pthread_mutex_unlock(&recorder->lock);
    buf_free(&text);
    if (failed != 0)
        log_error("%s: a message is lost: %s", recorder->file, strerror(failed));
}

enum sks_status recorder_close(struct recorder *recorder, struct sks_error *err)
{
    int failed;

    if (recorder == NULL)
        return SKS_OK;
    failed = recorder->failed;
    if (close(recorder->fd) != 0 && failed == 0)
        failed = errno;
    (void)pthread_mutex_destroy(&recorder->lock);
    if (failed != 0)
        (void)sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", recorder->file, strerror(failed));
    free(recorder);
    return failed == 0 ? SKS_OK : SKS_ERROR_EXTERNAL;
}

/* ---- reading ---- */

static size_t count_lines(struct bytes text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count + 1;
}

static enum sks_status read_line(struct bytes text, struct transcript *transcript,
                                 struct sks_error *err)
{
    json_t *root = NULL;
    enum sks_status rc;

    TRY(json_parse(text, &root, err));
    TRY(json_decode(&LINE, root, &transcript->line[transcript->count], &transcript->arena, err));
    transcript->count++;
out:
    json_decref(root);
    return rc;
}

enum sks_status transcript_parse(struct bytes text, struct transcript *transcript,
                                 struct sks_error *err)
{
    struct sks_error why = { 0 };
    size_t number = 0;
    enum sks_status rc = SKS_OK;

    transcript->line = arena_alloc(&transcript->arena, count_lines(text), sizeof *transcript->line);
    REQUIRE(transcript->line != NULL, err, SKS_ERROR_STORAGE, "no memory for a transcript");
    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        number++;
        rc = len == 0 ? SKS_OK : read_line(bytes_at(text.ptr, len), transcript, &why);
        REQUIRE(rc == SKS_OK, err, rc, "line %zu: %s", number, why.text);
        len += end != NULL;
        text = bytes_at(text.ptr + len, text.len - len);
    }
out:
    return rc;
}

enum sks_status transcript_read(const char *file, struct transcript *transcript,
                                struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    enum sks_status rc;

    TRY(file_read(file, FILE_MAX_BYTES, &text, err));
    rc = transcript_parse(buf_bytes(&text), transcript, &why);
    REQUIRE(rc == SKS_OK, err, rc, "%s: %s", file, why.text);
out:
    buf_free(&text);
    return rc;
}

void transcript_free(struct transcript *transcript)
{
    arena_free(&transcript->arena);
    *transcript = (struct transcript){ 0 };
}
