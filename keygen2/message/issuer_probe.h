/* A real round trip to a KeyGen2 issuer: a session is opened, and given up at once. */
#ifndef KEYGEN2_MESSAGE_ISSUER_PROBE_H
#define KEYGEN2_MESSAGE_ISSUER_PROBE_H

#include "keygen2/base/health.h"

struct issuer_probe {
    const char *unix_socket; /* NULL: TCP */
    const char *ca_file;     /* PEM; NULL: the system's */
    bool insecure;
    const char *profile; /* NULL: the first that lets anybody begin */
    bool no_page;        /* out: the server has no page at "/", so it may be none of an issuer */
};

/**
 * Asks the issuer at health->address, "http(s)://HOST:PORT", or with "/kg2/PROFILE" behind it.
 * Where no profile lets anybody begin, its enrolment page has to answer. An issuer of this rig
 * keeps nothing of such a session: it is asked to discard it (docs/http.md).
 *
 * @return as http_client_exchange(); SKS_ERROR_EXTERNAL if an answer is not what it has to be,
 *         SKS_ERROR_OPTION if the address is none
 */
CHECKED enum sks_status issuer_probe(struct issuer_probe *config, struct health *health,
                                     struct sks_error *err);

#endif
