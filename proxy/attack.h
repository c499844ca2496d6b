/*
 * Attacks as data: rules that alter a message as it crosses the proxy.
 *
 * {"rules": [{"hop": "issuer", "message": "ProvisioningFinalizationRequest",
 *             "path": "/issuedCredentials/0/certificatePath/0", "operation": "flip", "bit": 4000}]}
 *
 * flip     inverts bit `bit` of a string: of the bytes if it is base64url, else of its characters.
 *          Bit n is 1 << n % 8 of byte n / 8.
 * replace  puts `value`, any JSON, in the place of what is there
 * delete   takes the property or element away
 */
#ifndef PROXY_ATTACK_H
#define PROXY_ATTACK_H

#include "proxy/trace.h"

enum { ATTACK_NOTE_MAX = 300 };

struct attack;

/**
 * Reads a rule file.
 *
 * @param attack  out: free with attack_free()
 * @return SKS_ERROR_OPTION with line and column, or a JSON pointer, in err
 */
CHECKED enum sks_status attack_load(const char *file, struct attack **attack,
                                    struct sks_error *err);

/**
 * Applies every rule that names this hop and message, in their order.
 *
 * @param attack   NULL: nothing is altered
 * @param text     the message, replaced if a rule applies
 * @param note     out: what was done, "" if nothing
 * @return SKS_ERROR_OPTION if a rule does not fit the message
 */
CHECKED enum sks_status attack_apply(const struct attack *attack, enum hop hop, const char *message,
                                     struct buf *text, char note[ATTACK_NOTE_MAX],
                                     struct sks_error *err);

/** NULL is allowed. */
void attack_free(struct attack *attack);

#endif
