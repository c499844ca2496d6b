/* The log: one line a fact on standard error, never a secret. */
#ifndef KEYGEN2_BASE_LOG_H
#define KEYGEN2_BASE_LOG_H

#include "keygen2/base/bytes.h"

#include <stdarg.h>

enum log_level { LOG_LEVEL_NONE = -1, LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Lines above the level are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/** The same, by name: "error", "info" or "debug"; another one changes nothing. */
void log_set_level_by_name(const char *name);

/** Lines are JSON objects from now on: {"time","level","text"}. Call it before there are threads.
 */
void log_set_json(bool json);

bool log_is_json(void);

/** One line: UTC time, level, text. Line feeds and control characters in the text become '?'. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Begins a line of JSON with its time, to the millisecond, and its level. The caller appends
 * members, each with a comma in front, and hands it to log_json_end().
 *
 * @return false if lines of the level are dropped: then there is nothing to end
 */
bool log_json_begin(struct buf *line, enum log_level level);

/** Appends ,"name":"text"; what of the text is not fit for a terminal becomes '?', and no more of
 * it is taken than of a line of log_line(). */
void log_json_text(struct buf *line, const char *name, const char *text);

/** Appends ,"name":number. */
void log_json_number(struct buf *line, const char *name, int64_t number);

/** Writes the line and frees it; one that has failed is dropped. */
void log_json_end(struct buf *line);

/**
 * Makes text from outside fit for one line of a terminal, in place: control characters and bytes
 * that are not UTF-8 become '?'.
 */
void log_clean(char *text);

/* libmicrohttpd's words, at debug level: an MHD_LogCallback. */
void log_http(void *unused, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
