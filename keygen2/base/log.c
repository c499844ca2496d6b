#include "keygen2/base/log.h"

#include "keygen2/base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, USUAL_LINE = 512, HEAD_MAX = 64 };

static atomic_int max_level = LOG_LEVEL_INFO;
static const char *const NAMES[] = { "error", "info", "debug" };
static bool json_lines;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_set_level_by_name(const char *name)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++)
        if (strcmp(NAMES[level], name) == 0)
            log_set_level((enum log_level)level);
}

static bool is_dropped(enum log_level level)
{
    return (int)level > atomic_load(&max_level);
}

void log_set_json(bool json)
{
    json_lines = json;
}

bool log_is_json(void)
{
    return json_lines;
}

void log_clean(char *text)
{
    bool utf8 = bytes_is_utf8(bytes_of(text));

    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool c1;

        if (*c >= 0x20 && *c < 0x7F)
            continue;
        /* U+0080 to U+009F are controls too; in UTF-8 they are C2 80 to C2 9F. */
        c1 = utf8 && c[0] == 0xC2 && c[1] < 0xA0;
        if (c1)
            *c++ = '?';
        if (c1 || *c < 0x20 || *c == 0x7F || (*c >= 0x80 && !utf8))
            *c = '?';
    }
}

/* Without the last bytes if they are the start of a character that was cut. */
static void drop_cut_character(char *text)
{
    size_t len = strlen(text);

    for (size_t cut = 0; cut < 4 && len > 0 && !bytes_is_utf8(bytes_of(text)); cut++)
        text[--len] = '\0';
}

/* One write: lines of several threads do not mix. There is nobody to tell if it fails. */
static void write_line(struct bytes line)
{
    if (line.len > 0 && write(STDERR_FILENO, line.ptr, line.len) < 0)
        return;
}

/* The time and the level; it is the same for all lines of a second. */
static size_t put_head(char head[HEAD_MAX], enum log_level level)
{
    static _Thread_local time_t second;
    static _Thread_local char when[32];
    time_t now = time(NULL);
    struct tm utc;

    if (now != second && gmtime_r(&now, &utc) != NULL &&
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ ", &utc) > 0)
        second = now;
    return (size_t)(stpcpy(stpcpy(stpcpy(head, when), NAMES[level]), " ") - head);
}

void log_line(enum log_level level, const char *format, ...)
{
    char whole[HEAD_MAX + LINE_MAX_BYTES + 1], *text;
    struct buf line = { 0 };
    va_list args;
    int len;

    if (is_dropped(level))
        return;
    text = whole + (json_lines ? 0 : put_head(whole, level));
    va_start(args, format);
    len = vsnprintf(text, LINE_MAX_BYTES, format, args);
    va_end(args);
    if (len >= LINE_MAX_BYTES)
        drop_cut_character(text);
    log_clean(text);
    if (!json_lines) {
        size_t end = strlen(text);

        text[end] = '\n';
        write_line(bytes_at(whole, (size_t)(text - whole) + end + 1));
    } else if (log_json_begin(&line, level)) {
        log_json_text(&line, "text", text);
        log_json_end(&line);
    }
}

/* ---- lines of JSON ---- */

bool log_json_begin(struct buf *line, enum log_level level)
{
    char when[32] = "", text[96];
    struct timespec now;
    struct tm utc;

    if (is_dropped(level))
        return false;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text, sizeof text, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"", when,
                   now.tv_nsec / 1000000, NAMES[level]);
    (void)buf_reserve(line, USUAL_LINE);
    put_text(line, text);
    return true;
}

static void put_member(struct buf *line, const char *name)
{
    put_byte(line, ',');
    json_put_text(line, bytes_of(name));
    put_byte(line, ':');
}

void log_json_text(struct buf *line, const char *name, const char *text)
{
    char copy[LINE_MAX_BYTES];

    (void)snprintf(copy, sizeof copy, "%s", text);
    if (strlen(text) >= sizeof copy)
        drop_cut_character(copy);
    log_clean(copy);
    put_member(line, name);
    json_put_text(line, bytes_of(copy));
}

void log_json_number(struct buf *line, const char *name, int64_t number)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put_member(line, name);
    put_text(line, text);
}

void log_json_end(struct buf *line)
{
    put_text(line, "}\n");
    if (line->status == SKS_OK)
        write_line(buf_bytes(line));
    buf_free(line);
}

void log_http(void *unused, const char *format, va_list args)
{
    char text[256];

    (void)unused;
    if (is_dropped(LOG_LEVEL_DEBUG)) /* it talks at each request over a Unix socket */
        return;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http: %s", text);
}
