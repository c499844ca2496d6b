/* An attack that may be another one at the next message: the rules that lie in a file then. */
#ifndef PROXY_ATTACK_WATCHED_H
#define PROXY_ATTACK_WATCHED_H

#include "proxy/attack/attack.h"

struct watched_attack;

/** Looks at nothing yet. @param file  kept; NULL gives NULL */
CHECKED enum sks_status watched_attack_open(const char *file, struct watched_attack **watched,
                                            struct sks_error *err);

/**
 * The attack of now, which lives as long as `watched`; NULL while there is no file, or its rules
 * are wrong, which is logged once. For any number of threads.
 */
struct attack *watched_attack_now(struct watched_attack *watched);

/** NULL is allowed. */
void watched_attack_close(struct watched_attack *watched);

#endif
