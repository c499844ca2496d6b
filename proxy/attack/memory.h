/* What crossed earlier, for rules that put it in the place of something later. Not for two threads.
 */
#ifndef PROXY_ATTACK_MEMORY_H
#define PROXY_ATTACK_MEMORY_H

#include "proxy/message.h"

struct memory;

struct memory *memory_new(void);

/** Keeps a message; the oldest gives way when there are too many. */
void memory_add(struct memory *memory, const struct message *message, bool answer,
                uint32_t connection, struct bytes body);

/**
 * Finds the latest message of a name.
 *
 * @param not_of  a connection that it must not be of; 0: any will do
 * @return its body; empty if there is none
 */
struct bytes memory_find(const struct memory *memory, enum hop hop, struct bytes name, bool answer,
                         uint32_t not_of);

/** NULL is allowed. */
void memory_free(struct memory *memory);

#endif
