/* Commands of the operator's: what they get, what comes back, and how they end. */
#include "keygen2/base/clock.h"
#include "keygen2/base/command.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static struct buf out;
static struct sks_error err;

static void tear_down(void)
{
    buf_free(&out);
}

TestSuite(command, .fini = tear_down);

static enum sks_status run_with(const char *command, struct bytes input, unsigned seconds)
{
    buf_reset(&out);
    return command_run(command, input, seconds, 100000, &out, &err);
}

static void gives(const char *command, const char *text)
{
    cr_assert_eq(run_with(command, bytes_of("input"), 10), SKS_OK, "%s: %s", command, err.text);
    cr_assert(bytes_equal(buf_bytes(&out), bytes_of(text)), "%s: %.*s", command, (int)out.len,
              (const char *)out.ptr);
}

static void fails(const char *command, const char *text)
{
    cr_assert_eq(run_with(command, bytes_of("input"), 10), SKS_ERROR_EXTERNAL, "%s", command);
    cr_assert_str_eq(err.text, text);
}

Test(command, input_and_output)
{
    gives("cat", "input");
    gives("true", "");
    gives("exec cat >/dev/null", "");
    gives("printf a; sleep 0.1; printf b", "ab");
    gives("head -c 90000 /dev/zero | wc -c", "90000\n");
    cr_assert_eq(run_with("wc -c", (struct bytes){ 0 }, 10), SKS_OK);
}

Test(command, endings)
{
    fails("exit 3", "the command ended with exit code 3");
    fails("no-such-program-at-all 2>/dev/null", "the command ended with exit code 127");
    fails("kill -9 $$", "the command was ended by signal 9");
    fails("yes", "the command wrote more than 100000 bytes");
}

Test(command, time_limit)
{
    int64_t began = clock_monotonic_ms();

    cr_assert_eq(run_with("sleep 60 & sleep 60", bytes_of(""), 1), SKS_ERROR_EXTERNAL);
    cr_assert_str_eq(err.text, "the command took longer than 1 s");
    cr_assert_eq(run_with("exec >&-; sleep 60", bytes_of(""), 1), SKS_ERROR_EXTERNAL);
    gives("sleep 60 & echo a", "a\n");
    cr_assert_lt(clock_monotonic_ms() - began, 20000, "what it leaves behind is not waited for");
}

Test(command, nothing_of_ours)
{
    sigset_t set;
    char command[200];
    int fd = open("/dev/null", O_RDONLY); /* not closed on exec */

    (void)sigfillset(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(command, sizeof command, "test -e /proc/self/fd/%d && echo open || echo closed",
                   fd);
    gives(command, "closed\n");
    gives("grep -cE 'Sig(Blk|Ign):.*0000000$' /proc/self/status", "2\n");
    (void)close(fd);
}
