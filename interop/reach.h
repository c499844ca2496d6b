/* What can be reached from here: names, addresses, routes. */
#ifndef INTEROP_REACH_H
#define INTEROP_REACH_H

#include "keygen2/base/bytes.h"

enum { REACH_TEXT_MAX = 400, ADDRESS_MAX = 64 };

/** The first IPv4 or IPv6 address of a name, as text. */
CHECKED enum sks_status reach_resolve(const char *name, char address[ADDRESS_MAX],
                                      struct sks_error *err);

/**
 * Tries to connect, for some seconds.
 *
 * @param address  numeric
 * @param why      out: what came of it, for people
 * @return whether the connection was made
 */
bool reach_connect(const char *address, unsigned port, char why[REACH_TEXT_MAX]);

/** The IPv4 networks that there is a route to, "172.20.0.0/16"; with a comma between. A default
 * route is "default". */
void reach_routes(char text[REACH_TEXT_MAX]);

/** The TCP ports that are listened on, beyond the loopback: "8443", with a blank between; "none".
 */
void reach_ports(char text[REACH_TEXT_MAX]);

#endif
