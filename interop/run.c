#include "interop/run.h"

#include "keygen2/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MAX = 8 * 1024 * 1024, BLOCK = 16 * 1024, LOOK_MS = 500 };

extern char **environ;

static const volatile sig_atomic_t *stopped;

void run_until(const volatile sig_atomic_t *stop)
{
    stopped = stop;
}

void words_add(struct words *words, ...)
{
    va_list args;
    const char *word;

    va_start(args, words);
    while ((word = va_arg(args, const char *)) != NULL) {
        if (words->count < RUN_WORDS_MAX)
            words->item[words->count] = word;
        words->count++;
    }
    va_end(args);
}

/* Both ends of its standard output and of its standard error. */
struct pipes {
    int out[2], err[2];
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_pipes(struct pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_end(&p->out[i]);
        close_end(&p->err[i]);
    }
}

static int spawn(const struct words *words, const struct pipes *p, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    int failed;

    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&files, p->out[1], 1);
    (void)posix_spawn_file_actions_adddup2(&files, p->err[1], 2);
    failed = posix_spawnp(pid, words->item[0], &files, &attributes,
                          (char *const *)(uintptr_t)words->item, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    return failed;
}

/* Takes what is there; false at the end of it. */
static bool take(int *fd, struct buf *to)
{
    uint8_t block[BLOCK];
    ssize_t len = read(*fd, block, sizeof block);

    if (len < 0 && errno == EINTR)
        return true;
    if (len <= 0)
        close_end(fd);
    else
        put_raw(to, bytes_at(block, (size_t)len));
    return len > 0;
}

static enum sks_status read_all(const char *name, struct pipes *p, int64_t until,
                                struct run_result *result, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    while (p->out[0] >= 0 || p->err[0] >= 0) {
        struct pollfd fd[2] = { { p->out[0], POLLIN, 0 }, { p->err[0], POLLIN, 0 } };
        int64_t left = until - clock_monotonic_ms();

        REQUIRE(left > 0, err, SKS_ERROR_EXTERNAL, "%s takes too long", name);
        REQUIRE(stopped == NULL || *stopped == 0, err, SKS_ERROR_EXTERNAL, "%s: told to stop",
                name);
        if (poll(fd, 2, left < LOOK_MS ? (int)left : LOOK_MS) < 0 && errno != EINTR)
            return sks_fail(err, SKS_ERROR_EXTERNAL, "poll: %s", strerror(errno));
        if (fd[0].revents != 0)
            (void)take(&p->out[0], &result->out);
        if (fd[1].revents != 0)
            (void)take(&p->err[0], &result->err);
        REQUIRE(result->out.len <= OUTPUT_MAX && result->err.len <= OUTPUT_MAX, err,
                SKS_ERROR_EXTERNAL, "%s writes too much", name);
    }
    TRY(sks_explain(err, result->out.status));
    rc = sks_explain(err, result->err.status);
out:
    return rc;
}

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum sks_status run_program(const struct words *words, unsigned seconds, struct run_result *result,
                            struct sks_error *err)
{
    struct pipes p = { { -1, -1 }, { -1, -1 } };
    pid_t pid = -1;
    int failed;
    enum sks_status rc;

    run_result_free(result);
    REQUIRE(words->count <= RUN_WORDS_MAX, err, SKS_ERROR_INTERNAL, "too many words");
    REQUIRE(pipe2(p.out, O_CLOEXEC) == 0 && pipe2(p.err, O_CLOEXEC) == 0, err, SKS_ERROR_EXTERNAL,
            "no pipe: %s", strerror(errno));
    failed = spawn(words, &p, &pid);
    REQUIRE(failed == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", words->item[0], strerror(failed));
    close_end(&p.out[1]);
    close_end(&p.err[1]);
    rc = read_all(words->item[0], &p, clock_monotonic_ms() + 1000 * (int64_t)seconds, result, err);
    if (rc != SKS_OK)
        (void)kill(pid, SIGKILL);
    result->code = wait_for(pid);
out:
    close_pipes(&p);
    return rc;
}

void run_result_free(struct run_result *result)
{
    buf_free(&result->out);
    buf_free(&result->err);
    *result = (struct run_result){ 0 };
}

void run_complaint(const struct run_result *result, char *text, size_t size)
{
    const char *said = (const char *)result->err.ptr;
    size_t end = result->err.len, begin;

    while (end > 0 && said[end - 1] == '\n')
        end--;
    for (begin = end; begin > 0 && said[begin - 1] != '\n'; begin--)
        ;
    (void)snprintf(text, size, "%.*s", (int)(end - begin), end == 0 ? "" : said + begin);
}
