/* Listening sockets: TCP and Unix, from the text that a user gives. */
#ifndef KEYGEN2_BASE_HTTP_SOCKET_H
#define KEYGEN2_BASE_HTTP_SOCKET_H

#include "keygen2/base/bytes.h"

#include <sys/socket.h>

/**
 * Opens a listening socket.
 *
 * @param address  "HOST:PORT", "[IPV6]:PORT" or "unix:PATH" (mode 0600; a stale socket there is
 *                 replaced, a live one is an error)
 * @param fd       out: non-blocking, close-on-exec
 * @param bound    out: the same text with the real port; `size` bytes
 */
CHECKED enum sks_status socket_listen(const char *address, int *fd, char *bound, size_t size,
                                      struct sks_error *err);

/** True if socket_listen() could try it: well formed, and its host is known. */
bool socket_address_is(const char *address);

/** True if every address that the text stands for is loopback or a Unix socket. */
bool socket_is_local(const char *address);

/** A peer's address without its port; "unix" if it is none of IP. @param text out: `size` bytes */
void socket_address_text(const struct sockaddr *at, char *text, size_t size);

/** True if a Host header names the loopback: "localhost", "127.*", "[::1]", with or without port.
 */
bool host_is_loopback(const char *host);

#endif
