/* What crossed earlier, for rules that put it in the place of something later. Not for two threads.
 */
#ifndef PROXY_ATTACK_MEMORY_H
#define PROXY_ATTACK_MEMORY_H

#include "proxy/attack/rules.h"

struct memory;

struct memory *memory_new(void);

/** Keeps a message; the oldest gives way when there are too many. */
void memory_add(struct memory *memory, const struct message *message, bool answer,
                uint32_t connection, struct bytes body);

/**
 * Finds the latest message of a name.
 *
 * @param from        which sessions it may be of
 * @param connection  that this session is on
 * @return its body; empty if there is none
 */
struct bytes memory_find(const struct memory *memory, enum hop hop, struct bytes name, bool answer,
                         enum rule_source from, uint32_t connection);

/** NULL is allowed. */
void memory_free(struct memory *memory);

#endif
