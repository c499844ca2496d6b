/* The log: one line a fact on standard error, never a secret. */
#ifndef KEYGEN2_BASE_LOG_H
#define KEYGEN2_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** Lines above the level are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/** One line: UTC time, level, text. Line feeds and control characters in the text become '?'. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Makes text from outside fit for one line of a terminal, in place: control characters and bytes
 * that are not UTF-8 become '?'.
 */
void log_clean(char *text);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
