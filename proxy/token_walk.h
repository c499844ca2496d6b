/*
 * What the token holds, one after the other. Each step costs one call and keeps nothing, so a
 * token may hold any number. Handles only grow, which bounds a walk whatever the token says.
 */
#ifndef PROXY_TOKEN_WALK_H
#define PROXY_TOKEN_WALK_H

#include "proxy/enrolment.h"

/**
 * Looks at sessions in their order.
 *
 * @param open   those under way, else those that are closed
 * @param visit  gets each; its slices are gone afterwards; *enough ends the walk; a failure of it
 *               is in e->err and e->fault and ends the walk too
 */
CHECKED enum sks_status walk_sessions(
    struct enrolment *e, bool open,
    enum sks_status (*visit)(void *ctx, const struct enumerate_sessions_out *session, bool *enough),
    void *ctx);

/** Looks at the keys of closed sessions, as walk_sessions(). */
CHECKED enum sks_status
walk_keys(struct enrolment *e,
          enum sks_status (*visit)(void *ctx, const struct enumerate_keys_out *key, bool *enough),
          void *ctx);

#endif
