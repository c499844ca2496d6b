#include "keygen2/base/http_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 511, HOST_SIZE = 256 };

static const char UNIX_PREFIX[] = "unix:";

static bool is_unix(const char *address)
{
    return strncmp(address, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0;
}

/* Splits "HOST:PORT"; brackets around an IPv6 address are dropped. */
static bool split(const char *address, char host[HOST_SIZE], const char **port)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);

    if (len == 0 || len >= HOST_SIZE || colon[1] == '\0' ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || atol(colon + 1) > UINT16_MAX)
        return false;
    if (address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

static struct addrinfo *resolve(const char *address)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list = NULL;
    char host[HOST_SIZE];
    const char *port;

    if (!split(address, host, &port) || getaddrinfo(host, port, &hints, &list) != 0)
        return NULL;
    return list;
}

static int bind_and_listen(int fd, const struct sockaddr *at, socklen_t len)
{
    int flags = fcntl(fd, F_GETFL);

    if (bind(fd, at, len) != 0 || listen(fd, BACKLOG) != 0 || flags < 0)
        return -1;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* A socket file that nobody answers on any more stands in the way of the next start. */
static bool clear_stale(const struct sockaddr_un *at)
{
    struct stat info;
    int fd, live;

    if (lstat(at->sun_path, &info) != 0)
        return true;
    if (!S_ISSOCK(info.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    live = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (fd >= 0)
        (void)close(fd);
    return !live && unlink(at->sun_path) == 0;
}

static enum sks_status listen_unix(const char *path, int *fd, struct sks_error *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    mode_t mask;
    int bad;

    if (path[0] == '\0' || strlen(path) >= sizeof at.sun_path)
        return sks_fail(err, SKS_ERROR_OPTION, "unix:%s: path is empty or over %zu bytes", path,
                        sizeof at.sun_path - 1);
    memcpy(at.sun_path, path, strlen(path));
    if (!clear_stale(&at))
        return sks_fail(err, SKS_ERROR_EXTERNAL, "unix:%s: in use, or not a socket", path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mask = umask(0177); /* from its birth nobody else may connect */
    bad = *fd < 0 || bind_and_listen(*fd, (const struct sockaddr *)&at, sizeof at) != 0;
    (void)umask(mask);
    return bad ? sks_fail(err, SKS_ERROR_EXTERNAL, "unix:%s: %s", path, strerror(errno)) : SKS_OK;
}

static void real_port(int fd, const char *address, char *bound, size_t size)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    unsigned port = 0;
    const char *colon = strrchr(address, ':');

    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                              : ((struct sockaddr_in *)&at)->sin_port);
    (void)snprintf(bound, size, "%.*s:%u", (int)(colon - address), address, port);
}

static enum sks_status listen_tcp(const char *address, int *fd, struct sks_error *err)
{
    struct addrinfo *list = resolve(address);
    const int yes = 1;

    if (list == NULL)
        return sks_fail(err, SKS_ERROR_OPTION, "%s: not an address of the form HOST:PORT", address);
    for (const struct addrinfo *at = list; at != NULL && *fd < 0; at = at->ai_next) {
        *fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (*fd < 0)
            continue;
        (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind_and_listen(*fd, at->ai_addr, at->ai_addrlen) != 0) {
            int why = errno;

            (void)close(*fd);
            *fd = -1;
            errno = why;
        }
    }
    freeaddrinfo(list);
    return *fd < 0 ? sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", address, strerror(errno)) : SKS_OK;
}

enum sks_status socket_listen(const char *address, int *fd, char *bound, size_t size,
                              struct sks_error *err)
{
    enum sks_status rc;

    *fd = -1;
    if (is_unix(address)) {
        TRY(listen_unix(address + sizeof UNIX_PREFIX - 1, fd, err));
        (void)snprintf(bound, size, "%s", address);
    } else {
        TRY(listen_tcp(address, fd, err));
        real_port(*fd, address, bound, size);
    }
out:
    if (rc != SKS_OK && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    return rc;
}

static bool is_loopback(const struct sockaddr *at)
{
    if (at->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)at)->sin_addr.s_addr) >> 24 == 127;
    return at->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)at)->sin6_addr);
}

bool socket_address_is(const char *address)
{
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path;
    const char *path = address + sizeof UNIX_PREFIX - 1;
    struct addrinfo *list;

    if (is_unix(address))
        return path[0] != '\0' && strlen(path) < room;
    list = resolve(address);
    freeaddrinfo(list);
    return list != NULL;
}

bool socket_is_local(const char *address)
{
    struct addrinfo *list;
    bool local;

    if (is_unix(address))
        return true;
    list = resolve(address);
    local = list != NULL;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        local = local && is_loopback(at->ai_addr);
    freeaddrinfo(list);
    return local;
}

void socket_address_text(const struct sockaddr *at, char *text, size_t size)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)at;
    const char *written = NULL;

    if (at != NULL && at->sa_family == AF_INET)
        written =
            inet_ntop(AF_INET, &((const struct sockaddr_in *)at)->sin_addr, text, (socklen_t)size);
    else if (at != NULL && at->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        written = inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], text, (socklen_t)size);
    else if (at != NULL && at->sa_family == AF_INET6)
        written = inet_ntop(AF_INET6, &six->sin6_addr, text, (socklen_t)size);
    if (written == NULL)
        (void)snprintf(text, size, "unix");
}

bool host_is_loopback(const char *host)
{
    char name[HOST_SIZE];
    struct in_addr v4;
    size_t len = strcspn(host, host[0] == '[' ? "]" : ":");

    if (host[0] == '[') { /* an IPv6 literal, RFC 3986, 3.2.2 */
        host++;
        len--;
    }
    if (len >= sizeof name)
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "::1") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}
