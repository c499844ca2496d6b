/*
 * Who gets a new connection. A pool of libmicrohttpd would leave that to chance: the thread that
 * wakes up first takes up to ten of those that wait, and what it has it keeps, so that a few busy
 * clients may share one thread while others sleep. Here one thread accepts, and gives each
 * connection to the request thread that has the fewest.
 */
#include "keygen2/base/http_internal.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FULL_PAUSE_MS = 20 };

/* Equals take turns. NULL: all have as many as they may. */
static struct request_thread *choose(struct listener *l)
{
    struct request_thread *chosen = NULL;
    unsigned fewest = l->connections_max;

    for (unsigned i = 0; i < l->threads; i++) {
        struct request_thread *thread = &l->thread[(l->turn + i) % l->threads];
        unsigned connections = atomic_load(&thread->connections);

        if (connections < fewest) {
            fewest = connections;
            chosen = thread;
        }
    }
    l->turn++;
    return chosen;
}

void http_accept_closed(struct listener *l, const struct MHD_Daemon *daemon)
{
    for (unsigned i = 0; i < l->threads; i++)
        if (l->thread[i].daemon == daemon)
            atomic_fetch_sub(&l->thread[i].connections, 1);
}

/* False: not now. Those that wait stay where they are. */
static bool take(struct listener *l)
{
    struct request_thread *thread = choose(l);
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int fd;

    if (thread == NULL)
        return false;
    fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    atomic_fetch_add(&thread->connections, 1);
    /* If that fails it has closed the connection, and says nothing more of it. */
    if (MHD_add_connection(thread->daemon, fd, (struct sockaddr *)&address, len) != MHD_YES)
        atomic_fetch_sub(&thread->connections, 1);
    return true;
}

static void *accept_all(void *listener)
{
    struct listener *l = listener;
    struct pollfd wait[] = { { .fd = l->stop, .events = POLLIN },
                             { .fd = l->fd, .events = POLLIN } };
    bool taken = true;

    for (;;) {
        /* The first alone for a moment, when there is no room. */
        int ready = taken ? poll(wait, 2, -1) : poll(wait, 1, FULL_PAUSE_MS);

        if (ready > 0 && wait[0].revents != 0)
            return NULL;
        taken = !taken || ready <= 0 || take(l);
    }
}

bool http_accept_start(struct listener *l)
{
    l->stop = eventfd(0, EFD_CLOEXEC);
    if (l->stop < 0)
        return false;
    l->accepts = pthread_create(&l->acceptor, NULL, accept_all, l) == 0;
    return l->accepts;
}

void http_accept_stop(struct listener *l)
{
    const uint64_t one = 1;

    if (l->accepts && write(l->stop, &one, sizeof one) == (ssize_t)sizeof one)
        (void)pthread_join(l->acceptor, NULL);
    l->accepts = false;
    if (l->stop >= 0)
        (void)close(l->stop);
    l->stop = -1;
    (void)close(l->fd);
}
