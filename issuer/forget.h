/* The end of a session key: nobody opens what it protected any more, nor recomputes its MACs. */
#ifndef ISSUER_FORGET_H
#define ISSUER_FORGET_H

#include "issuer/session_store.h"

/**
 * Forgets the session key of a session that has succeeded or failed, durably: neither the database
 * nor its log holds it any more.
 *
 * @param status  out: what was there before; unless it was SESSION_KEY_SEALED, nothing changes
 * @return SKS_ERROR_NO_SESSION if there is none of that id; SKS_ERROR_NOT_ALLOWED if it is open or
 *         in doubt; SKS_ERROR_EXTERNAL if the log is in use: then repeat it
 */
CHECKED enum sks_status session_forget(struct session_store *store, const char *id,
                                       enum session_key_status *status, struct sks_error *err);

#endif
