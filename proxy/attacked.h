/* An attack on an enrolment from within: on its messages to and from the issuer, on its calls. */
#ifndef PROXY_ATTACKED_H
#define PROXY_ATTACKED_H

#include "proxy/enrolment.h"

/**
 * Does to a message of the issuer's hop what e->attack says.
 *
 * @param note  out: what was done, "" for nothing
 * @return as attack_apply(); SKS_ERROR_EXTERNAL if the message does not go on
 */
CHECKED enum sks_status attacked_message(struct enrolment *e, struct buf *text,
                                         char note[ATTACK_NOTE_MAX]);

/** The same for a call: `alter` of struct token_link_config. @param enrolment  its alter_ctx */
CHECKED enum sks_status attacked_call(void *enrolment, const struct sks_method *method, bool answer,
                                      struct buf *body, const char **altered,
                                      struct sks_error *err);

#endif
