#include "interop/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 3000 };

enum sks_status reach_resolve(const char *name, char address[ADDRESS_MAX], struct sks_error *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(name, NULL, &hints, &found);
    enum sks_status rc = SKS_OK;

    REQUIRE(failed == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", name, gai_strerror(failed));
    failed = getnameinfo(found->ai_addr, found->ai_addrlen, address, ADDRESS_MAX, NULL, 0,
                         NI_NUMERICHOST);
    REQUIRE(failed == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", name, gai_strerror(failed));
out:
    if (found != NULL)
        freeaddrinfo(found);
    return rc;
}

/* 0, or the errno of the connection. */
static int try_connect(int fd, const struct addrinfo *to)
{
    struct pollfd waiting = { fd, POLLOUT, 0 };
    int failed = 0;
    socklen_t len = sizeof failed;

    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (poll(&waiting, 1, CONNECT_MS) != 1)
        return ETIMEDOUT;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 ? failed : errno;
}

bool reach_connect(const char *address, unsigned port, char why[REACH_TEXT_MAX])
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
    struct addrinfo *to = NULL;
    char number[16];
    int failed = EINVAL, fd;

    (void)snprintf(number, sizeof number, "%u", port);
    if (getaddrinfo(address, number, &hints, &to) == 0) {
        fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        failed = fd < 0 ? errno : try_connect(fd, to);
        if (fd >= 0)
            (void)close(fd);
        freeaddrinfo(to);
    }
    (void)snprintf(why, REACH_TEXT_MAX, "%s", failed == 0 ? "connected" : strerror(failed));
    return failed == 0;
}

void reach_routes(char text[REACH_TEXT_MAX])
{
    FILE *routes = fopen("/proc/net/route", "re");
    char line[256], network[INET_ADDRSTRLEN];
    unsigned to, mask;
    size_t used = 0;

    text[0] = '\0';
    if (routes == NULL)
        return;
    while (fgets(line, sizeof line, routes) != NULL) {
        struct in_addr address;

        if (sscanf(line, "%*s %x %*x %*x %*d %*d %*d %x", &to, &mask) != 2)
            continue; /* the heading */
        address.s_addr = to;
        if (used < REACH_TEXT_MAX)
            used += (size_t)(to == 0 && mask == 0
                                 ? snprintf(text + used, REACH_TEXT_MAX - used, "%sdefault",
                                            used > 0 ? ", " : "")
                                 : snprintf(text + used, REACH_TEXT_MAX - used, "%s%s/%d",
                                            used > 0 ? ", " : "",
                                            inet_ntop(AF_INET, &address, network, sizeof network),
                                            __builtin_popcount(mask)));
    }
    (void)fclose(routes);
}

/* A line of /proc/net/tcp or tcp6: the local address in hexadecimal, of which each group of four
 * bytes is in the order of this machine; state 0A is LISTEN. */
static bool read_listener(const char *line, unsigned *port)
{
    char address[40];
    unsigned state, first;

    if (sscanf(line, "%*s %39[0-9A-F]:%x %*[0-9A-F]:%*x %x", address, port, &state) != 3 ||
        state != 0x0a || sscanf(address + strlen(address) - 8, "%x", &first) != 1)
        return false;
    return strlen(address) > 8 || (ntohl(first) >> 24) != 127;
}

void reach_ports(char text[REACH_TEXT_MAX])
{
    static const char *const TABLES[] = { "/proc/net/tcp", "/proc/net/tcp6" };
    char line[512];
    size_t used = 0;
    unsigned port;

    (void)snprintf(text, REACH_TEXT_MAX, "none");
    for (size_t i = 0; i < NITEMS(TABLES); i++) {
        FILE *table = fopen(TABLES[i], "re");

        while (table != NULL && fgets(line, sizeof line, table) != NULL)
            if (read_listener(line, &port) && used < REACH_TEXT_MAX)
                used += (size_t)snprintf(text + used, REACH_TEXT_MAX - used, "%s%u",
                                         used > 0 ? " " : "", port);
        if (table != NULL)
            (void)fclose(table);
    }
}
