/* Who may use, export and delete a key, and how often they may err: in short, drawn, as JSON. */
#ifndef TOKEN_COMMAND_PROTECTION_H
#define TOKEN_COMMAND_PROTECTION_H

#include "token/command/key.h"
#include "token/command/print.h"

/** "none", "PIN+PUK", "PIN blocked", "device PIN", "PIN or biometrics". */
const char *protection_short(const struct key_protection_out *protection, struct arena *arena);

/** Draws it: the key, the PIN that guards it, the PUK that guards the PIN, and what they guard. */
void protection_draw(const struct key_view *key, struct arena *arena);

/** The same as an object. */
json_t *protection_json(const struct key_protection_out *protection);

#endif
