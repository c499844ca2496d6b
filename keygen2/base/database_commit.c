/*
 * Who has the connection, and when a transaction ends. Where commits are shared, a thread that is
 * done while others wait for the connection leaves its transaction open to them and waits; the one
 * behind whom nobody waits commits for all. So there is one sync for as many as came during the
 * sync before, and none of them goes on before its own changes are durable.
 */
#include "keygen2/base/database_internal.h"

enum { TOGETHER_MAX = 64 }; /* in one transaction, so that the first need not wait for ever */

static const char BEGIN[] = "BEGIN IMMEDIATE", COMMIT[] = "COMMIT", ROLLBACK[] = "ROLLBACK",
                  SAVEPOINT[] = "SAVEPOINT own", RELEASE[] = "RELEASE own",
                  ROLLBACK_TO[] = "ROLLBACK TO own";

/* On the stack of a thread that waits for the commit. */
struct database_member {
    struct database_member *next;
    enum sks_status rc;
    bool settled;
};

bool database_prepare_transactions(struct database *db)
{
    static const char *const ALL[] = { BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK_TO };

    for (size_t i = 0; i < NITEMS(ALL); i++)
        if (database_query(db, ALL[i], "") == NULL)
            return false;
    return true;
}

void database_share_commits(struct database *db)
{
    db->shares = true;
}

void database_lock(struct database *db)
{
    atomic_fetch_add(&db->waiting, 1);
    (void)pthread_mutex_lock(&db->mutex);
    atomic_fetch_sub(&db->waiting, 1);
}

/* Tells those who wait how it ended. */
static void settle(struct database *db, enum sks_status rc)
{
    for (struct database_member *member = db->members, *next; member != NULL; member = next) {
        next = member->next; /* it may be gone as soon as it is settled */
        member->rc = rc;
        member->settled = true;
    }
    db->members = NULL;
    db->together = 0;
    (void)pthread_cond_broadcast(&db->settled);
}

static void run_quietly(struct database *db, const char *sql)
{
    (void)database_step(database_query(db, sql, ""), NULL);
}

static enum sks_status commit_for_all(struct database *db, struct sks_error *err)
{
    enum sks_status rc = database_run(db, err, COMMIT, "");

    if (rc != SKS_OK && !sqlite3_get_autocommit(db->handle))
        run_quietly(db, ROLLBACK);
    settle(db, rc);
    return rc;
}

static enum sks_status wait_for_commit(struct database *db, struct sks_error *err)
{
    struct database_member member = { .next = db->members };
    enum sks_status rc;

    db->members = &member;
    db->together++;
    while (!member.settled)
        (void)pthread_cond_wait(&db->settled, &db->mutex);
    rc = member.rc;
    REQUIRE(rc == SKS_OK, err, rc, "database: the commit failed");
out:
    return rc;
}

/* Who has the connection is done, and a transaction is open. */
static enum sks_status end_transaction(struct database *db, struct sks_error *err)
{
    bool others_come = db->shares && atomic_load(&db->waiting) > 0 && db->together < TOGETHER_MAX;

    return others_come ? wait_for_commit(db, err) : commit_for_all(db, err);
}

enum sks_status database_unlock_read(struct database *db, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (db->members != NULL) /* what was read may be theirs, and not yet durable */
        rc = end_transaction(db, err);
    (void)pthread_mutex_unlock(&db->mutex);
    return rc;
}

void database_unlock(struct database *db)
{
    enum sks_status rc = database_unlock_read(db, NULL);

    (void)rc;
}

enum sks_status database_begin(struct database *db, struct sks_error *err)
{
    enum sks_status rc;

    database_lock(db);
    db->joined = db->members != NULL;
    rc = database_run(db, err, db->joined ? SAVEPOINT : BEGIN, "");
    if (rc != SKS_OK)
        database_unlock(db);
    return rc;
}

enum sks_status database_commit(struct database *db, struct sks_error *err)
{
    enum sks_status rc = db->joined ? database_run(db, err, RELEASE, "") : SKS_OK;

    if (rc != SKS_OK) {
        database_rollback(db);
        return rc;
    }
    rc = end_transaction(db, err);
    (void)pthread_mutex_unlock(&db->mutex);
    return rc;
}

void database_rollback(struct database *db)
{
    if (sqlite3_get_autocommit(db->handle)) { /* some errors make SQLite roll back all by itself */
        settle(db, SKS_ERROR_STORAGE);
    } else if (!db->joined) {
        run_quietly(db, ROLLBACK);
    } else {
        run_quietly(db, ROLLBACK_TO);
        run_quietly(db, RELEASE);
    }
    database_unlock(db);
}
