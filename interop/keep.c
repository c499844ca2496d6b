#include "interop/keep.h"

#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { LOOK_MS = 50, TALLY_MODE = 0644 };

extern char **environ;

struct kept {
    const struct keep_options *options;
    char **program;
    sigset_t signals;
    uint64_t state; /* of what is drawn */
    pid_t pid;
    unsigned kills;
    bool ending;
};

/* SplitMix64 (Steele, Lea, Flood, 2014): the same moments for the same seed. */
static uint64_t draw(struct kept *k)
{
    uint64_t z = k->state += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static int64_t next_moment(struct kept *k)
{
    uint32_t width = k->options->to - k->options->from + 1;

    return clock_monotonic_ms() + k->options->from + (int64_t)(draw(k) % width);
}

static enum sks_status start(struct kept *k, struct sks_error *err)
{
    posix_spawnattr_t attributes;
    sigset_t none;
    int failed;
    enum sks_status rc = SKS_OK;

    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    failed = posix_spawnp(&k->pid, k->program[0], NULL, &attributes, k->program, environ);
    (void)posix_spawnattr_destroy(&attributes);
    REQUIRE(failed == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", k->program[0], strerror(failed));
out:
    return rc;
}

static void write_tally(const struct kept *k)
{
    struct sks_error err = { 0 };
    char text[32];

    (void)snprintf(text, sizeof text, "%u\n", k->kills);
    if (k->options->tally != NULL &&
        file_write(k->options->tally, TALLY_MODE, bytes_of(text), &err) != SKS_OK)
        log_error("%s", err.text);
}

static bool is_time(const struct kept *k, int64_t moment)
{
    return clock_monotonic_ms() >= moment && !k->ending &&
           (k->options->during == NULL || file_exists(k->options->during));
}

/* Waits for all that ended, as the first process of a container has to. True if ours has. */
static bool reap(const struct kept *k, int *status)
{
    bool ours = false;
    pid_t pid;
    int how;

    while ((pid = waitpid(-1, &how, WNOHANG)) > 0)
        if (pid == k->pid) {
            *status = how;
            ours = true;
        }
    return ours;
}

static void hand_on(struct kept *k, int signal)
{
    k->ending = k->ending || signal != SIGHUP;
    (void)kill(k->pid, signal);
}

static enum sks_status kill_and_start(struct kept *k, struct sks_error *err)
{
    int status;
    enum sks_status rc;

    (void)kill(k->pid, SIGKILL);
    while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        ;
    k->kills++;
    log_info("killed %s, the %u. time", k->program[0], k->kills);
    TRY(start(k, err));
    write_tally(k);
out:
    return rc;
}

/* Until the program ends by itself, or because it was told to. */
static enum sks_status watch(struct kept *k, int *status, struct sks_error *err)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
    int64_t moment = next_moment(k);
    enum sks_status rc;

    TRY(start(k, err));
    write_tally(k);
    while (!reap(k, status)) {
        int signal = sigtimedwait(&k->signals, NULL, &look);

        if (signal > 0 && signal != SIGCHLD) {
            hand_on(k, signal);
        } else if (is_time(k, moment)) {
            TRY(kill_and_start(k, err));
            moment = next_moment(k);
        }
    }
out:
    return rc;
}

enum exit_code keep_run(const struct keep_options *options, char **program)
{
    struct kept k = { .options = options, .program = program, .state = options->seed };
    static const int SIGNALS[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
    struct sks_error err = { 0 };
    int status = 0;

    if (options->to < options->from)
        return program_fail(EXIT_USAGE, "--to is less than --from");
    (void)sigemptyset(&k.signals);
    for (size_t i = 0; i < NITEMS(SIGNALS); i++)
        (void)sigaddset(&k.signals, SIGNALS[i]);
    (void)sigprocmask(SIG_BLOCK, &k.signals, NULL);
    if (watch(&k, &status, &err) != SKS_OK)
        return program_fail(EXIT_IO, "%s", err.text);
    return WIFEXITED(status) ? (enum exit_code)WEXITSTATUS(status) : EXIT_IO;
}
