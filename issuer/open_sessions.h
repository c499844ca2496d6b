/*
 * Open sessions in memory, so that the next message of one need not be read and unsealed. The
 * database has all that is here; what was used longest ago goes first.
 */
#ifndef ISSUER_OPEN_SESSIONS_H
#define ISSUER_OPEN_SESSIONS_H

#include "issuer/session.h"

struct open_sessions;

/** @param max how many to keep @return NULL without memory */
struct open_sessions *open_sessions_new(size_t max);

/** Wipes all of them. NULL is allowed. */
void open_sessions_free(struct open_sessions *sessions);

/**
 * Keeps a session as it is, unless a later version of it is there. Without memory it is not kept.
 *
 * @param session  with the hash of its cookie
 * @param state    what put_session_state() makes of it
 */
void open_sessions_keep(struct open_sessions *sessions, const struct session *session,
                        struct bytes state);

/** Finds a session by the hash of its cookie. @param session out: a copy, in the arena */
bool open_sessions_find(struct open_sessions *sessions, struct bytes cookie_hash,
                        struct arena *arena, struct session *session);

/** How many are kept, by phase. @param count out: PHASE_COUNT of them */
void open_sessions_count(struct open_sessions *sessions, size_t count[PHASE_COUNT]);

/** It has ended, or somebody else has changed it. */
void open_sessions_drop(struct open_sessions *sessions, struct bytes cookie_hash);

#endif
