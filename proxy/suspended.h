/*
 * What must outlive the proxy, in a file a session: of one that waits for its issuer (deferred
 * issuance) what the token does not know, above all the issuer's cookie; of one that the token has
 * closed the closing proof as well, until the issuer has it. That is needed for the time of one
 * exchange only, so such a session has a slot (proxy/proof_slot.h), if it has no file already.
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
    struct bytes proof;        /* ProvisioningFinalizationResponse; empty: the session waits */
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
 * Keeps a session that has no file, as suspended_save(), but in a slot if one is to be had.
 *
 * @param slot  out: end with proof_slot_clear() or proof_slot_leave(); 0: it has got a file
 */
CHECKED enum sks_status suspended_save_proof(const char *folder, const struct suspended *session,
                                             int *slot, struct sks_error *err);

/**
 * Reads what is kept of a session.
 *
 * @param session  out: lives in the arena
 * @param found    out: false if there is none
 * @return SKS_ERROR_EXTERNAL if it cannot be read, or others can read it
 */
CHECKED enum sks_status suspended_load(const char *folder, struct bytes issuer_uri,
                                       struct bytes server_session_id, struct arena *arena,
                                       struct suspended *session, bool *found,
                                       struct sks_error *err);

/**
 * Reads what is kept of all sessions; what cannot be read is logged and passed over.
 *
 * @param each  called for each; what it gets lives until it returns
 * @return SKS_OK also if there is no such folder; else the first failure of each(), which ends it
 */
CHECKED enum sks_status suspended_each(const char *folder,
                                       enum sks_status (*each)(void *ctx,
                                                               const struct suspended *session),
                                       void *ctx, struct sks_error *err);

/** Removes its file, and empties the slot that has it and that nobody holds: it is over. */
void suspended_remove(const char *folder, struct bytes issuer_uri, struct bytes server_session_id);

#endif
