/* Who may use, delete, export or change a key: PINs and PUKs by the key's attributes. */
#ifndef TOKEN_AUTHORIZE_H
#define TOKEN_AUTHORIZE_H

#include "token/call.h"

/** Loads what guards a key; quick for the call's own key. */
CHECKED enum sks_status load_guards(struct call *call, const struct key *key,
                                    struct guards *guards);

/** Tries the PIN of the call's key; a key without PIN wants an empty one. */
CHECKED enum sks_status verify_pin(struct call *call, struct bytes pin);

/** Tries the PUK of the call's key; SKS_ERROR_OPTION if it has none. */
CHECKED enum sks_status verify_puk(struct call *call, struct bytes puk);

/** For user operations: which of PIN and biometric the key wants. */
CHECKED enum sks_status authorize_use(struct call *call, bool biometric, struct bytes pin);

/** For delete and export. @param protection enum sks_protection */
CHECKED enum sks_status authorize_by_protection(struct call *call, uint8_t protection,
                                                struct bytes authorization);

#endif
