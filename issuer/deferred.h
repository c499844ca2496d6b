/* Deferred issuance: what the operator does, between two visits of the client. */
#ifndef ISSUER_DEFERRED_H
#define ISSUER_DEFERRED_H

#include "issuer/session_store.h"

/**
 * Decides on a session that is pending, durably. A running server need not be told.
 *
 * @param approve  false rejects: the session fails
 * @return SKS_ERROR_NO_SESSION if there is none of that id; SKS_ERROR_NOT_ALLOWED if it is not
 *         pending; both with the text in err
 */
CHECKED enum sks_status deferred_decide(struct session_store *store, const char *id, bool approve,
                                        struct sks_error *err);

#endif
