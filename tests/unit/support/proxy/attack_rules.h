/* Rules in a text, and messages that they meet. */
#ifndef TESTS_UNIT_SUPPORT_PROXY_ATTACK_RULES_H
#define TESTS_UNIT_SUPPORT_PROXY_ATTACK_RULES_H

#include "proxy/attack/attack.h"

#define ALL(rest) "{\"rules\": [{\"hop\": \"issuer\", \"message\": \"M\", " rest "}]}"
#define RULE(path, operation) ALL("\"path\": \"" path "\", \"operation\": \"" operation)
#define WHOLE(operation) ALL("\"operation\": \"" operation)
#define NAMED(rest) "{\"@qualifier\":\"M\"" rest "}"

extern struct sks_error err;          /* of the last call */
extern struct attack_outcome outcome; /* of the last message */

/** Reads rules as from a file. */
enum sks_status load(const char *rules, struct attack **attack);

/** A message crosses. @param text  replaced by what goes on */
enum sks_status cross(struct attack *attack, uint32_t connection, const char *message,
                      struct buf *text);

#endif
