#include "keygen2/base/command.h"
#include "keygen2/base/children.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024, LINE = 1000 /* of what it says to the operator */ };

extern char **environ;

struct running {
    struct child child;                   /* its pid is 0: none, or waited for */
    int pidfd, input, output, output_end; /* -1: none */
    int told, told_end;                   /* its standard error */
    int64_t deadline;                     /* of clock_monotonic_ms() */
    unsigned seconds;
    int state; /* of waitpid() */
    char line[LINE];
    size_t line_len;
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- starting ---- */

/* A file in memory: nobody needs to write while the command reads. */
static enum sks_status open_ends(struct running *r, struct bytes input, struct sks_error *err)
{
    int ends[2];
    enum sks_status rc = SKS_OK;

    r->pidfd = r->output = r->output_end = r->told = r->told_end = -1;
    r->input = memfd_create("input", MFD_CLOEXEC);
    REQUIRE(r->input >= 0 && file_write_to(r->input, input) && lseek(r->input, 0, SEEK_SET) == 0,
            err, SKS_ERROR_EXTERNAL, "no memory for the input of a command");
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0, err, SKS_ERROR_EXTERNAL, "no pipe to a command");
    r->output = ends[0];
    r->output_end = ends[1];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0, err, SKS_ERROR_EXTERNAL, "no pipe to a command");
    r->told = ends[0];
    r->told_end = ends[1];
out:
    return rc;
}

static int spawn(const struct running *r, pid_t *pid, const char *command,
                 posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
    char *argv[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command,
                     NULL };
    sigset_t none, defaults;
    int failed;

    (void)sigemptyset(&none);
    (void)sigfillset(&defaults);
    failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF) != 0 ||
             posix_spawnattr_setsigmask(attributes, &none) != 0 ||
             posix_spawnattr_setsigdefault(attributes, &defaults) != 0 ||
             posix_spawn_file_actions_adddup2(actions, r->input, STDIN_FILENO) != 0 ||
             posix_spawn_file_actions_adddup2(actions, r->output_end, STDOUT_FILENO) != 0 ||
             posix_spawn_file_actions_adddup2(actions, r->told_end, STDERR_FILENO) != 0 ||
             posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) != 0;
    return failed ? ENOMEM : posix_spawn(pid, "/bin/sh", actions, attributes, argv, environ);
}

static enum sks_status start(struct running *r, const char *command, struct sks_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    pid_t pid = 0;

    if (failed == 0) {
        failed = posix_spawnattr_init(&attributes);
        if (failed == 0) {
            child_starting();
            failed = spawn(r, &pid, command, &actions, &attributes);
            child_started(&r->child, failed == 0 ? pid : 0);
            (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    close_one(&r->output_end);
    close_one(&r->told_end);
    if (failed != 0)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "the command cannot be started");
    r->pidfd = pidfd_open(r->child.pid, 0);
    return r->pidfd >= 0 ? SKS_OK : sks_fail(err, SKS_ERROR_EXTERNAL, "no hold of the command");
}

/* ---- running ---- */

/* @param more out: there may be more to come */
static enum sks_status read_some(struct running *r, size_t max, struct buf *output, bool *more,
                                 struct sks_error *err)
{
    uint8_t chunk[CHUNK];
    ssize_t got = read(r->output, chunk, sizeof chunk);
    enum sks_status rc = SKS_OK;

    *more = got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got <= 0)
        return SKS_OK;
    REQUIRE(output->len + (size_t)got <= max, err, SKS_ERROR_EXTERNAL,
            "the command wrote more than %zu bytes", max);
    put_raw(output, bytes_at(chunk, (size_t)got));
    TRY(sks_explain(err, output->status));
out:
    return rc;
}

static void tell_line(struct running *r)
{
    if (r->line_len > 0)
        log_info("command: %.*s", (int)r->line_len, r->line);
    r->line_len = 0;
}

/* What it says goes into our log, in the form that this has. @return whether more may come */
static bool read_told(struct running *r)
{
    char chunk[CHUNK];
    ssize_t got = read(r->told, chunk, sizeof chunk);

    for (ssize_t i = 0; i < got; i++) {
        if (chunk[i] == '\n' || r->line_len == sizeof r->line)
            tell_line(r);
        if (chunk[i] != '\n')
            r->line[r->line_len++] = chunk[i];
    }
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until the command has ended: what it left running may keep its output open for ever. */
static enum sks_status follow(struct running *r, size_t max, struct buf *output,
                              struct sks_error *err)
{
    bool more = true, tells = true, ended = false;
    enum sks_status rc = SKS_OK;

    while (!ended) {
        int64_t left = r->deadline - clock_monotonic_ms();
        struct pollfd fds[] = { { .fd = r->pidfd, .events = POLLIN },
                                { .fd = more ? r->output : -1, .events = POLLIN },
                                { .fd = tells ? r->told : -1, .events = POLLIN } };

        REQUIRE(left > 0, err, SKS_ERROR_EXTERNAL, "the command took longer than %u s", r->seconds);
        if (poll(fds, NITEMS(fds), (int)left) < 0)
            continue;
        ended = fds[0].revents != 0 && fds[1].revents == 0 && fds[2].revents == 0;
        if (fds[2].revents != 0)
            tells = read_told(r);
        if (fds[1].revents != 0)
            TRY(read_some(r, max, output, &more, err));
    }
    REQUIRE(waitpid(r->child.pid, &r->state, 0) == r->child.pid, err, SKS_ERROR_EXTERNAL,
            "the command is lost");
    r->child.pid = 0;
out:
    return rc;
}

static enum sks_status check_end(const struct running *r, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    REQUIRE(!WIFSIGNALED(r->state), err, SKS_ERROR_EXTERNAL, "the command was ended by signal %d",
            WTERMSIG(r->state));
    REQUIRE(WEXITSTATUS(r->state) == 0, err, SKS_ERROR_EXTERNAL,
            "the command ended with exit code %d", WEXITSTATUS(r->state));
out:
    return rc;
}

enum sks_status command_run(const char *command, struct bytes input, unsigned seconds, size_t max,
                            struct buf *output, struct sks_error *err)
{
    struct running r = {
        .seconds = seconds,
        .deadline = clock_monotonic_ms() + (int64_t)seconds * 1000,
    };
    enum sks_status rc;

    TRY(open_ends(&r, input, err));
    TRY(start(&r, command, err));
    TRY(follow(&r, max, output, err));
    TRY(check_end(&r, err));
out:
    if (r.child.pid > 0) {
        (void)kill(-r.child.pid, SIGKILL);
        (void)waitpid(r.child.pid, NULL, 0);
    }
    child_ended(&r.child);
    tell_line(&r);
    close_one(&r.pidfd);
    close_one(&r.input);
    close_one(&r.output);
    close_one(&r.output_end);
    close_one(&r.told);
    close_one(&r.told_end);
    return rc;
}
