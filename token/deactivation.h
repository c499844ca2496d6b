/*
 * SKS_Deactivate. A deactivated token has no secret in memory, no open session, and a record in its
 * store; it answers nothing but getDeviceInfo and deactivate until somebody who may reach its store
 * activates it. rig: "The 2010 profile".
 *
 * Every other call runs inside the gate, so none ever runs on wiped secrets: a deactivation first
 * turns new calls away, then waits for those under way, a key generation or a PUK's delay included.
 */
#ifndef TOKEN_DEACTIVATION_H
#define TOKEN_DEACTIVATION_H

#include "token/store.h"
#include "token/token.h"

#include <pthread.h>
#include <stdatomic.h>

struct deactivation {
    atomic_int state;       /* enum token_state of deactivation.c */
    pthread_rwlock_t gate;  /* read: a call is under way; write: the secrets go or come back */
    pthread_mutex_t change; /* of the state: one at a time */
    bool allowed;           /* by method 25 */
    char *key_file;         /* of the master key */
    bool recorded;          /* the record is in the store */
    struct changes record;  /* it once more, sealed while there was a key to seal with */
};

/** At the start: wakes the token, or wipes its keys if the store has the record. */
CHECKED enum sks_status deactivation_open(struct token *token, const char *key_file, bool allowed,
                                          struct sks_error *err);
void deactivation_close(struct token *token);

/** Makes all that is in memory of what the store keeps sealed; the vault has its key. token.c */
CHECKED enum sks_status token_wake(struct token *token, struct sks_error *err);

/** Writes what a clean stop owes the PIN counters, and wipes all that token_wake() made. token.c */
void token_sleep(struct token *token);

/** Begins a call; token_leave() ends it. SKS_ERROR_NOT_AVAILABLE from a deactivated token. */
CHECKED enum sks_status token_enter(struct token *token, struct sks_error *err);
void token_leave(struct token *token);

bool token_is_deactivated(const struct token *token);

/**
 * Removes the open sessions and records the deactivation in one durable transaction, then wipes.
 * Allowed or not: that is for who asks. A token that is deactivated stays so.
 *
 * @return SKS_ERROR_STORAGE if it cannot be recorded: then the token is as it was
 */
CHECKED enum sks_status token_deactivate(struct token *token, struct sks_error *err);

/**
 * Brings the secrets back and removes the record.
 *
 * @param was_deactivated  out: false if there was nothing to do
 * @return SKS_ERROR_NOT_AVAILABLE if the master key came by the environment: the record is removed,
 *         but only a restart can bring the key back. What the master key's file is refused for.
 */
CHECKED enum sks_status token_activate(struct token *token, bool *was_deactivated,
                                       struct sks_error *err);

/** Only removes the record, for the next start. @param was_deactivated as of token_activate() */
CHECKED enum sks_status token_lift_deactivation(struct token *token, bool *was_deactivated,
                                                struct sks_error *err);

#endif
