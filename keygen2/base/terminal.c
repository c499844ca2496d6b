#include "keygen2/base/terminal.h"
#include "keygen2/base/files.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

bool terminal_exists(void)
{
    return isatty(STDIN_FILENO) == 1;
}

/*
 * Waits for input. SIGINT and SIGTERM are let in only while it waits: one that came between the
 * look at *stop and a plain read() would be noticed only with the next key.
 */
static bool wait_for_input(const volatile sig_atomic_t *stop)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    sigset_t signals, before;
    int ready;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, &before);
    do {
        ready = stop != NULL && *stop != 0 ? -1 : ppoll(&input, 1, NULL, &before);
    } while (ready < 0 && errno == EINTR && (stop == NULL || *stop == 0));
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ready > 0;
}

static enum sks_status read_line(const volatile sig_atomic_t *stop, struct buf *line,
                                 struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    buf_reset(line);
    for (;;) {
        char c;
        ssize_t got = wait_for_input(stop) ? read(STDIN_FILENO, &c, 1) : -1;

        REQUIRE(got == 1, err, SKS_ERROR_USER_ABORT, "%s",
                got == 0 ? "no answer on the terminal" : "interrupted");
        if (c == '\n')
            break;
        REQUIRE(line->len < TERMINAL_LINE_MAX, err, SKS_ERROR_OPTION, "the answer is too long");
        put_byte(line, (uint8_t)c);
        TRY(sks_explain(err, line->status));
    }
out:
    return rc;
}

/* ---- signals of a caller that does not watch for them itself ---- */

static const int ENDING[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    interrupted = number;
}

static void catch_signals(struct sigaction before[NITEMS(ENDING)])
{
    const struct sigaction noting = { .sa_handler = note_signal };

    interrupted = 0;
    for (size_t i = 0; i < NITEMS(ENDING); i++)
        (void)sigaction(ENDING[i], &noting, &before[i]);
}

static void release_signals(const struct sigaction before[NITEMS(ENDING)])
{
    for (size_t i = 0; i < NITEMS(ENDING); i++)
        (void)sigaction(ENDING[i], &before[i], NULL);
    if (interrupted != 0)
        (void)raise(interrupted); /* now that the terminal is as it was */
}

static void show_prompt(const char *prompt)
{
    if (prompt != NULL)
        (void)fprintf(stderr, "%s: ", prompt);
}

/* The prompt comes last: whoever answers it at once must not see the answer, nor lose it. */
static enum sks_status read_without_echo(const char *prompt, const volatile sig_atomic_t *stop,
                                         struct buf *line, struct sks_error *err)
{
    struct termios shown, without_echo;
    bool changed = tcgetattr(STDIN_FILENO, &shown) == 0;
    enum sks_status rc;

    if (changed) {
        without_echo = shown;
        without_echo.c_lflag &= ~(tcflag_t)ECHO;
        changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &without_echo) == 0;
    }
    show_prompt(prompt);
    rc = read_line(stop, line, err);
    (void)fputc('\n', stderr);
    if (changed)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    return rc;
}

enum sks_status terminal_read(const char *prompt, bool hidden, const volatile sig_atomic_t *stop,
                              struct buf *line, struct sks_error *err)
{
    struct sigaction before[NITEMS(ENDING)];
    bool watch = stop == NULL;
    enum sks_status rc;

    if (watch) {
        catch_signals(before);
        stop = &interrupted;
    }
    if (!hidden)
        show_prompt(prompt);
    rc = hidden ? read_without_echo(prompt, stop, line, err) : read_line(stop, line, err);
    if (watch)
        release_signals(before);
    return rc;
}

enum sks_status terminal_read_new(const char *prompt, const volatile sig_atomic_t *stop,
                                  struct buf *secret, struct sks_error *err)
{
    struct buf again = { 0 };
    enum sks_status rc;

    for (;;) {
        TRY(terminal_read(prompt, true, stop, secret, err));
        TRY(terminal_read("Again", true, stop, &again, err));
        if (bytes_equal_secret(buf_bytes(secret), buf_bytes(&again)))
            break;
        (void)fprintf(stderr, "The two differ.\n");
    }
out:
    buf_free(&again);
    return rc;
}

enum sks_status terminal_confirm(const char *question, const volatile sig_atomic_t *stop,
                                 struct sks_error *err)
{
    struct buf answer = { 0 };
    enum sks_status rc;

    REQUIRE(terminal_exists(), err, SKS_ERROR_USER_ABORT, "nobody can be asked for consent");
    (void)fprintf(stderr, "%s [y/N] ", question);
    TRY(terminal_read(NULL, false, stop, &answer, err));
    REQUIRE(bytes_equal(buf_bytes(&answer), bytes_of("y")) ||
                bytes_equal(buf_bytes(&answer), bytes_of("yes")),
            err, SKS_ERROR_USER_ABORT, "the user declined");
out:
    buf_free(&answer);
    return rc;
}

enum sks_status terminal_consent(bool given, const char *question, struct sks_error *err)
{
    if (given)
        return SKS_OK;
    if (!terminal_exists())
        return sks_fail(err, SKS_ERROR_OPTION, "no terminal to ask for consent on: give --yes");
    return terminal_confirm(question, NULL, err);
}

enum sks_status secret_from_file(const char *path, struct buf *secret, struct sks_error *err)
{
    const uint8_t *end;
    enum sks_status rc;

    TRY(file_read_secret(path, 2L * TERMINAL_LINE_MAX, secret, err));
    end = secret->len == 0 ? NULL : memchr(secret->ptr, '\n', secret->len);
    if (end != NULL)
        secret->len = (size_t)(end - secret->ptr);
    if (secret->len > 0 && secret->ptr[secret->len - 1] == '\r')
        secret->len--;
    REQUIRE(secret->len > 0, err, SKS_ERROR_EXTERNAL, "%s: its first line is empty", path);
out:
    return rc;
}
