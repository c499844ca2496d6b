/* Sessions in SQLite: what was said, what was checked, what was issued. */
#ifndef ISSUER_SESSION_STORE_H
#define ISSUER_SESSION_STORE_H

#include "issuer/session.h"
#include "keygen2/base/database.h"
#include "keygen2/crypto/seal.h"

#include <stdatomic.h>

enum { CHANGES_MAX = 65536 /* of one session */ };

struct metrics;
struct texts;

struct session_store {
    struct database *db;
    struct metrics *metrics; /* is told of what becomes of sessions; NULL: nobody is */
    uint8_t seal_key[SEAL_KEY_SIZE];
    struct open_sessions *open;
    _Atomic int64_t expired_at; /* session_store_expire() is done for this second */
};

/* A check and its result, for the evidence record. */
struct check {
    const char *name, *detail;
    bool passed;
};

/* What one request changes besides the session's own columns. Empty: there was none. */
struct change {
    struct bytes message; /* as it came */
    struct bytes answer;  /* as it will go out */
    const struct check *check;
    size_t checks;
    bool state;                    /* the state changed too */
    const struct texts *enrolment; /* enrolment_keep(); NULL: no value of it changes */
};

struct stored_message {
    bool incoming;
    int64_t at; /* seconds since 1970 */
    struct bytes body;
};

/** Opens or creates the database, or upgrades it. @param store with its sealing key */
CHECKED enum sks_status session_store_open(struct session_store *store, const char *path,
                                           struct sks_error *err);

void session_store_close(struct session_store *store);

/**
 * Ends the sessions that were in their first phases when the power went: what was said last in them
 * may be lost. To be called by the server before it serves.
 *
 * @param boot  names the time since the machine was started; another one: the power went
 */
CHECKED enum sks_status session_store_begin_boot(struct session_store *store, const char *boot,
                                                 int64_t now, struct sks_error *err);

/** Adds a new session, which has the hash of its cookie, with its first request; sets
 * session->number. It outlives the process, not the power.
 * @return SKS_ERROR_NOT_ALLOWED if the cookie has a session, or the invitation was withdrawn */
CHECKED enum sks_status session_store_add(struct session_store *store, struct session *session,
                                          struct bytes answer, struct sks_error *err);

/** Finds a session by the hash of its cookie. @param found out @param session out: in the arena */
CHECKED enum sks_status session_store_find_by_cookie(struct session_store *store,
                                                     struct bytes cookie_hash, struct arena *arena,
                                                     struct session *session, bool *found,
                                                     struct sks_error *err);

/** As session_store_find_by_cookie(), by serverSessionId. */
CHECKED enum sks_status session_store_find_by_id(struct session_store *store, const char *id,
                                                 struct arena *arena, struct session *session,
                                                 bool *found, struct sks_error *err);

/** Unseals the state of a session, of which id and issuer_uri are known. @param sealed may go */
CHECKED enum sks_status session_store_open_state(const struct session_store *store,
                                                 struct bytes sealed, struct arena *arena,
                                                 struct session *session, struct sks_error *err);

/**
 * Writes what one request changed in one transaction: also what that makes of certificates. It is
 * durable, but that the first phases of a session outlive the process only
 * (session_store_begin_boot()); from the finalization on all of it is.
 *
 * @param session  as it is now; number and version as they were found
 * @param won      out: false if another request changed the session meanwhile: nothing is written
 */
CHECKED enum sks_status session_store_save(struct session_store *store, struct session *session,
                                           const struct change *change, bool *won,
                                           struct sks_error *err);

/**
 * Deletes a session that has only begun, with its exchange. session_discard.c
 *
 * @param gone  out: false if it has gone on, or came of an invitation: nothing was written
 */
CHECKED enum sks_status session_store_discard(struct session_store *store,
                                              const struct session *session, bool *gone,
                                              struct sks_error *err);

/**
 * Takes the session key, and the key that it comes of, out of the state of a session that is over,
 * durably. What the log of the database holds of it goes with database_empty_log().
 *
 * @param check  recorded with it
 * @param won    as in session_store_save()
 */
CHECKED enum sks_status session_store_forget(struct session_store *store, struct session *session,
                                             const struct check *check, bool *won,
                                             struct sks_error *err);

/** Ends the open sessions whose life time is over at `now`: failed, or in doubt. */
CHECKED enum sks_status session_store_expire(struct session_store *store, int64_t now,
                                             struct sks_error *err);

/* ---- session_select.c ---- */

struct session_filter {
    bool by_verdict;
    enum verdict verdict;
    const char *profile;  /* NULL: any */
    int64_t since, until; /* begun at `since` or later, and before `until`; 0: no limit */
    struct bytes device;  /* how the SHA-256 of its certificate begins; empty: any */
    uint32_t limit;       /* at most so many; 0: no limit */
};

/**
 * Calls each() for the sessions that a filter lets through, newest first. A few at a time are in
 * memory, and the database is free while each() has them. Their states are there only if the filter
 * asks for a device, which means to unseal each.
 */
CHECKED enum sks_status session_store_select(struct session_store *store,
                                             const struct session_filter *filter,
                                             void (*each)(void *ctx, const struct session *session),
                                             void *ctx, struct sks_error *err);

/* ---- session_tally.c ---- */

struct session_tally {
    uint64_t verdict[VERDICTS]; /* sessions with it */
    uint64_t
        waiting[PHASE_COUNT]; /* of the open ones, those in PHASE_PENDING and what follows it */
};

/** Counts the sessions: the database keeps the tally, but those that wait are gone through in an
 * index that has no others. @param tally out */
CHECKED enum sks_status session_store_tally(struct session_store *store,
                                            struct session_tally *tally, struct sks_error *err);

/** Writes something of no meaning to the database, durably: fails if that cannot be done. */
CHECKED enum sks_status session_store_probe(struct session_store *store, int64_t now,
                                            struct sks_error *err);

/** Calls each() for all open sessions with the hash of their cookies. session_history.c */
CHECKED enum sks_status session_store_each_open(struct session_store *store,
                                                void (*each)(void *ctx, struct bytes cookie_hash,
                                                             int64_t expires),
                                                void *ctx, struct sks_error *err);

/* ---- session_history.c ---- */

/** Appends checks as they are stored. */
void put_checks(struct buf *out, const struct check *check, size_t count);

/** The body that was sent last. @param answer out: in the arena */
CHECKED enum sks_status session_store_last_answer(struct session_store *store,
                                                  const struct session *session,
                                                  struct arena *arena, struct bytes *answer,
                                                  struct sks_error *err);

/** All messages of a session in their order. @param list out: in the arena */
CHECKED enum sks_status session_store_messages(struct session_store *store,
                                               const struct session *session, struct arena *arena,
                                               struct stored_message **list, size_t *count,
                                               struct sks_error *err);

/* One request and what it led to. */
struct stored_exchange {
    int64_t at;                   /* seconds since 1970 */
    const char *message, *answer; /* names of messages, "?" if unknown; NULL: there was none */
    size_t message_size, answer_size;
    struct check *check;
    size_t checks;
};

/** All exchanges of a session in their order, without the messages themselves. @param list out: in
 * the arena */
CHECKED enum sks_status session_store_exchanges(struct session_store *store,
                                                const struct session *session, struct arena *arena,
                                                struct stored_exchange **list, size_t *count,
                                                struct sks_error *err);

/** All checks of a session in their order. @param list out: in the arena */
CHECKED enum sks_status session_store_checks(struct session_store *store,
                                             const struct session *session, struct arena *arena,
                                             struct check **list, size_t *count,
                                             struct sks_error *err);

#endif
