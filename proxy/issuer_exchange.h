/* What an enrolment says to its issuer and hears from it: traced, and with the fault of a failure.
 */
#ifndef PROXY_ISSUER_EXCHANGE_H
#define PROXY_ISSUER_EXCHANGE_H

#include "proxy/enrolment.h"

/** GET ?init=true, with &resume=serverSessionId if e->resume. @param reply out: starts as {0}, free
 * with issuer_reply_free() */
CHECKED enum sks_status issuer_begin(struct enrolment *e, struct issuer_reply *reply);

/**
 * Posts a message.
 *
 * @param name     its qualifier
 * @param altered  what an attack did to it, "" for nothing
 * @param reply    in and out: replaced
 */
CHECKED enum sks_status issuer_send(struct enrolment *e, const char *name, struct bytes message,
                                    const char *altered, struct issuer_reply *reply);

/** Fails because the issuer's reply does not go on; says why, as far as the issuer told. */
CHECKED enum sks_status issuer_refused(struct enrolment *e, const struct issuer_reply *reply);

/** Reads what the issuer's page says of the session; its texts are "" if there is no such page. */
void issuer_read_verdict(struct enrolment *e, const struct issuer_reply *reply,
                         struct issuer_verdict *verdict);

/** GET ?abort=true: the issuer need not wait for the session's life to end. */
void issuer_give_up(struct enrolment *e);

#endif
