/*
 * A KeyGen2 client and its token in one, for an issuer in the same process. It checks every MAC as
 * a token does, and leaves each response to the test, which may change it before it is sent.
 */
#ifndef TESTS_UNIT_SUPPORT_ISSUER_FAKE_CLIENT_H
#define TESTS_UNIT_SUPPORT_ISSUER_FAKE_CLIENT_H

#include "issuer/phase.h"
#include "tests/unit/support/issuer/issuer_fixture.h"

enum { FAKE_KEYS_MAX = 4 };

struct fake_client {
    struct issuer *issuer;
    const struct device *device;
    const char *issuer_uri;
    bool tls;
    char cookie[COOKIE_LENGTH + 1], id[SKS_ID_MAX + 1];
    struct arena arena;
    struct outcome outcome; /* of what was sent last */
    struct buf response;    /* made last */

    struct session_terms terms;
    struct session_key sk;
    struct bytes puk; /* decrypted */
    struct {
        struct bytes id, public_key, certificate;
    } key[FAKE_KEYS_MAX];
    struct generated_key generated[FAKE_KEYS_MAX];
    size_t keys;
};

/** Begins a session at http://issuer.test/kg2/PROFILE. @param device NULL for none */
void client_begin(struct fake_client *client, struct issuer *issuer, const char *profile,
                  const struct device *device);

/** Makes client->response, the answer to the request that came last. */
void client_respond(struct fake_client *client);

/** Sends client->response. */
enum outcome_kind client_send(struct fake_client *client);

/** Goes on until the request of that name has come, or to the end with NULL. */
enum outcome_kind client_run(struct fake_client *client, const char *until);

void client_free(struct fake_client *client);

#endif
