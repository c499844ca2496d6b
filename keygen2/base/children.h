/*
 * Commands that are run, and what they leave behind. Process 1, which a server in a container is,
 * inherits every process whose parent has ended: somebody must wait for it, or it stays a zombie.
 */
#ifndef KEYGEN2_BASE_CHILDREN_H
#define KEYGEN2_BASE_CHILDREN_H

#include <sys/types.h>

/* One that somebody waits for on its own; zeroed. It lives until child_ended(). */
struct child {
    pid_t pid;
    struct child *next;
};

/** Before a process is started: none is taken for an orphan until child_started(). */
void child_starting(void);

/** @param pid  0: it was not started */
void child_started(struct child *child, pid_t pid);

/** It was waited for, or was never started. As process 1, waits for those that have ended and are
 * nobody's. */
void child_ended(struct child *child);

#endif
