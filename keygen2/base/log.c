#include "keygen2/base/log.h"

#include "keygen2/base/bytes.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static atomic_int max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

void log_clean(char *text)
{
    bool utf8 = bytes_is_utf8(bytes_of(text));

    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        /* U+0080 to U+009F are controls too; in UTF-8 they are C2 80 to C2 9F. */
        bool c1 = utf8 && c[0] == 0xC2 && c[1] < 0xA0;

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

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const NAMES[] = { "error", "info", "debug" };
    char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 64], when[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    va_list args;
    int len;

    if ((int)level > atomic_load(&max_level))
        return;
    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len >= (int)sizeof text)
        drop_cut_character(text);
    log_clean(text);
    if (gmtime_r(&now, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    len = snprintf(line, sizeof line, "%s %s %s\n", when, NAMES[level], text);
    /* One write: lines of several threads do not mix. There is nobody to tell if it fails. */
    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        return;
}
