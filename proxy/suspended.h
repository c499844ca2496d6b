/*
 * Sessions that wait for their issuer (deferred issuance). Their keys and ids are in the token;
 * what the token does not know, above all the issuer's cookie, waits in a file a session.
 */
#ifndef PROXY_SUSPENDED_H
#define PROXY_SUSPENDED_H

#include "keygen2/base/arena.h"
#include "keygen2/message/keygen2.h"

#include <limits.h>

struct suspended {
    struct bytes issuer_uri, server_session_id, client_session_id;
    struct bytes cookies;      /* of issuer_link_cookies() */
    struct bytes certificate;  /* SHA-256 of the serverCertificate; empty over http */
    struct keygen2_time until; /* the token's session ends then, about */
};

/**
 * The folder of the files.
 *
 * @param given  --state; NULL: sks-proxy in $XDG_STATE_HOME, else in ~/.local/state
 * @return SKS_ERROR_OPTION if there is neither
 */
CHECKED enum sks_status suspended_folder(const char *given, char folder[PATH_MAX],
                                         struct sks_error *err);

/** Writes the file of a session, durably, mode 0600, the folder 0700. */
CHECKED enum sks_status suspended_save(const char *folder, const struct suspended *session,
                                       struct sks_error *err);

/**
 * Reads the file of a session.
 *
 * @param session  out: lives in the arena
 * @param found    out: false if there is none
 * @return SKS_ERROR_EXTERNAL if it cannot be read, or others can read it
 */
CHECKED enum sks_status suspended_load(const char *folder, struct bytes issuer_uri,
                                       struct bytes server_session_id, struct arena *arena,
                                       struct suspended *session, bool *found,
                                       struct sks_error *err);

/** Removes it: the session is over. */
void suspended_remove(const char *folder, struct bytes issuer_uri, struct bytes server_session_id);

#endif
