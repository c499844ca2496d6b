/*
 * A KeyGen2 client with its token, for load: it answers the requests of an issuer for the profile
 * p256-user-pin. Its keys are made ahead, and it checks nothing that it need not to go on.
 */
#ifndef TESTS_BENCH_ISSUER_CLIENT_H
#define TESTS_BENCH_ISSUER_CLIENT_H

#include "keygen2/base/arena.h"
#include "keygen2/crypto/session.h"

enum { CLIENT_REQUESTS = 4 }; /* that an issuer sends in a session */

/* What all clients share: one device, keys in turns. */
struct device;

/** Makes a device with its CA, whose certificate is written to a PEM file. */
struct device *device_new(const char *ca_file);
void device_free(struct device *device);

struct client {
    struct device *device;
    const char *issuer_uri;
    struct arena arena; /* of one session */
    struct buf response;
    struct session_terms terms;
    struct session_key sk;
};

/** Forgets the session, if there was one. @param issuer_uri kept */
void client_begin(struct client *client, struct device *device, const char *issuer_uri);

/** Makes client->response to a request; ends the program if that is none of the four. */
void client_respond(struct client *client, struct bytes request);

void client_end(struct client *client);

#endif
