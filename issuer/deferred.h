/* Deferred issuance: what the operator does, between two visits of the client. */
#ifndef ISSUER_DEFERRED_H
#define ISSUER_DEFERRED_H

#include "issuer/session_store.h"

/**
 * Decides on a session that is pending, durably. A running server need not be told.
 *
 * @param approve  false rejects: the session fails
 * @param device   the first eight hexadecimal digits of the SHA-256 of the device's certificate, as
 *                 the operator has them from its owner; NULL: not given
 * @param settings values of the enrolment, "NAME=VALUE", kept if it is decided so; NULL: none
 * @return SKS_ERROR_NO_SESSION if there is none of that id; SKS_ERROR_NOT_ALLOWED if it is not
 *         pending, or if it is another device; SKS_ERROR_OPTION for a setting that is none; all
 * with the text in err
 */
CHECKED enum sks_status deferred_decide(struct session_store *store, const char *id, bool approve,
                                        const char *device, const struct texts *settings,
                                        struct sks_error *err);

#endif
