/* Certificates as people read them: a line a fact, or the same as JSON. */
#ifndef TOKEN_COMMAND_CERTIFICATE_H
#define TOKEN_COMMAND_CERTIFICATE_H

#include "token/command/print.h"

/** The public key in words: "RSA 2048", "EC P-256", "Ed25519". */
const char *certificate_key_text(struct bytes der, struct arena *arena);

/** The name of the subject; "?" if the certificate does not decode. */
const char *certificate_subject_text(struct bytes der, struct arena *arena);

/**
 * The end of the validity, "?" if the certificate does not decode.
 *
 * @param expired  out: it is over
 */
const char *certificate_expiry_text(struct bytes der, struct arena *arena, bool *expired);

/** Prints one line a fact, each behind the indentation. */
void certificate_print(struct bytes der, const char *indent);

/** The same facts as an object, and the certificate itself as "der"; for json_list(). */
json_t *certificate_json(struct bytes der);

#endif
