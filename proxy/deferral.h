/*
 * Deferred issuance: the session waits in the token while somebody decides at the issuer's. rig,
 * "KeyGen2 over HTTP". The proxy may end, be killed and start again at any time meanwhile.
 */
#ifndef PROXY_DEFERRAL_H
#define PROXY_DEFERRAL_H

#include "proxy/enrolment.h"

/**
 * Keeps what the token does not know of the session: before the issuer learns of its keys, and
 * before it learns that the token has closed.
 *
 * @param proof  the ProvisioningFinalizationResponse; empty: the session waits
 */
CHECKED enum sks_status deferral_save(struct enrolment *e, struct bytes proof);

/**
 * Finds the open session of e->issuer that e->resume asks for, in any of the tokens, and gives the
 * issuer's cookie back to the link. Sets e->token, e->device, the ids and the handle.
 */
CHECKED enum sks_status deferral_resume(struct enrolment *e);

/** The TLS certificate of the issuer must be the one that the session was made with. */
CHECKED enum sks_status deferral_check_certificate(struct enrolment *e);

/** The session is over, or never came to wait: nothing is kept. */
void deferral_forget(struct enrolment *e);

/** What is kept stays, and whoever comes next may take it. */
void deferral_leave(struct enrolment *e);

#endif
