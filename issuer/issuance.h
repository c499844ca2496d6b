/* The certificate of one key: by our own CA, or by an external one. */
#ifndef ISSUER_ISSUANCE_H
#define ISSUER_ISSUANCE_H

#include "issuer/exchange.h"

/**
 * Issues the certificate of a credential of the session, whose public key is known.
 *
 * An external CA is waited for. What fails is a check that failed.
 */
CHECKED enum sks_status issue_certificate(struct exchange *x, struct credential *credential);

#endif
