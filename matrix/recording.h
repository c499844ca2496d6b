/* The messages of one session, in their order: what another session is attacked with. */
#ifndef MATRIX_RECORDING_H
#define MATRIX_RECORDING_H

#include "matrix/plan.h"
#include "proxy/attack/attack.h"

struct recording;

struct recording *recording_new(void);

/** Keeps a message; a run_watcher. @param recording a struct recording */
void recording_watch(void *recording, const struct message *message, bool answer,
                     struct bytes body);

/**
 * What an attack finds of another session: what there is up to the message that it is about.
 *
 * @param item  the case; a replay is of any message
 */
void recording_show(const struct recording *recording, const struct plan_case *item,
                    struct attack *attack);

/** The body of a message; empty: there is none. @param occurrence counted from 1 */
struct bytes recording_find(const struct recording *recording, const struct message *message,
                            bool answer, uint32_t occurrence);

/** False if there was no memory for all of it. */
bool recording_is_whole(const struct recording *recording);

/** NULL is allowed. */
void recording_free(struct recording *recording);

#endif
