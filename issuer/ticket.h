/*
 * The cookie of the enrolment page. It carries what must be known when its session begins, under a
 * MAC, so that showing the page costs no row of the database. A session's row has the cookie's
 * hash, which is unique: a ticket begins one session.
 */
#ifndef ISSUER_TICKET_H
#define ISSUER_TICKET_H

#include "keygen2/crypto/seal.h"

enum {
    TICKET_LENGTH = 56, /* characters: base64url */
    TICKET_SECONDS = 3600,
};

struct ticket {
    int64_t expires;     /* seconds since 1970 */
    uint32_t invitation; /* its number; 0: no code was asked for */
};

/**
 * Makes one.
 *
 * @param key      of the store; others are derived from it
 * @param profile  it is for no other
 * @param text     out: with a NUL
 */
CHECKED enum sks_status ticket_make(const uint8_t key[SEAL_KEY_SIZE], const char *profile,
                                    const struct ticket *ticket, char text[TICKET_LENGTH + 1]);

/** False for what this issuer did not make for this profile. @param text NULL: there is none */
bool ticket_read(const uint8_t key[SEAL_KEY_SIZE], const char *profile, const char *text,
                 struct ticket *ticket);

#endif
