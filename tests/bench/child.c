#include "tests/bench/child.h"
#include "tests/plain/support/must.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 32, LINE_MAX_SIZE = 256 };

struct child {
    pid_t pid;
};

static void become(const char *program, const char *const argument[], int output)
{
    const char *build = getenv("SKS_BUILD");
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char path[256], *argv[ARGUMENTS_MAX + 1] = { path };

    (void)snprintf(path, sizeof path, "%s/%s", build == NULL ? "build" : build, program);
    for (size_t i = 0; argument[i] != NULL && i + 1 < ARGUMENTS_MAX; i++)
        argv[i + 1] = strdup(argument[i]);
    (void)dup2(output < 0 ? nowhere : output, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)execv(path, argv);
    _exit(127);
}

static pid_t start(const char *program, const char *const argument[], int output)
{
    pid_t pid = fork();

    must(pid >= 0, "fork");
    if (pid == 0)
        become(program, argument, output);
    return pid;
}

static void wait_for_end(pid_t pid, const char *program)
{
    int status;

    must(waitpid(pid, &status, 0) == pid && status == 0, program);
}

struct child *child_start(const char *program, const char *const argument[], char *ready,
                          size_t size)
{
    struct child *child = calloc(1, sizeof *child);
    char line[LINE_MAX_SIZE] = "";
    int output[2];
    ssize_t len;

    must(child != NULL && pipe2(output, O_CLOEXEC) == 0, "pipe");
    child->pid = start(program, argument, output[1]);
    (void)close(output[1]);
    len = read(output[0], line, sizeof line - 1);
    (void)close(output[0]);
    must(len > 6 && strncmp(line, "ready ", 6) == 0, "the program gets ready");
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(ready, size, "%s", line + 6);
    return child;
}

void child_run(const char *program, const char *const argument[])
{
    wait_for_end(start(program, argument, -1), program);
}

double child_cpu_seconds(const struct child *child)
{
    struct timespec used = { 0 };
    clockid_t clock;

    must(clock_getcpuclockid(child->pid, &clock) == 0 && clock_gettime(clock, &used) == 0,
         "the child's CPU time");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void child_stop(struct child *child)
{
    must(kill(child->pid, SIGTERM) == 0, "the child is there");
    wait_for_end(child->pid, "the program ends as it should");
    free(child);
}
