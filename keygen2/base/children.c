#include "keygen2/base/children.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *children;

void child_starting(void)
{
    (void)pthread_mutex_lock(&lock);
}

void child_started(struct child *child, pid_t pid)
{
    child->pid = pid;
    if (pid > 0) {
        child->next = children;
        children = child;
    }
    (void)pthread_mutex_unlock(&lock);
}

static bool is_ours(pid_t pid)
{
    for (const struct child *child = children; child != NULL; child = child->next)
        if (child->pid == pid)
            return true;
    return false;
}

/* waitid() shows one at a time. If that is ours, who waits for it comes here next. */
static void wait_for_orphans(void)
{
    siginfo_t info = { 0 };

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid > 0 &&
           !is_ours(info.si_pid)) {
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
}

void child_ended(struct child *child)
{
    (void)pthread_mutex_lock(&lock);
    for (struct child **at = &children; *at != NULL; at = &(*at)->next)
        if (*at == child) {
            *at = child->next;
            break;
        }
    if (getpid() == 1)
        wait_for_orphans();
    (void)pthread_mutex_unlock(&lock);
}
