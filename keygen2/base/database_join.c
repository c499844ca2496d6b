/*
 * Transactions that are joined: what a transaction costs beside its rows, and SQLite's log has of
 * it, is then for many. Who wants to write stands in a row. One of them writes for all who stand
 * there, in one transaction; who comes meanwhile stands in the next row, of which one is told when
 * it is its turn. If one of a row fails, all of them are undone and each is written by itself.
 */
#include "keygen2/base/database_internal.h"

#include <sched.h>

/* What a thread wants to be written; it waits until it is done, so this is on its stack. */
struct database_task {
    database_work *work;
    void *ctx;
    struct sks_error *err;
    bool durable;
    bool done; /* under the mutex, as all that follows until it is set */
    enum sks_status rc;
    uint64_t commit; /* that it was written with */
    struct database_task *next;
};

void database_joint_init(struct database_joint *joint)
{
    *joint = (struct database_joint){ .last = &joint->row };
    (void)pthread_mutex_init(&joint->mutex, NULL);
    for (size_t i = 0; i < NITEMS(joint->told); i++)
        (void)pthread_cond_init(&joint->told[i], NULL);
}

void database_joint_close(struct database_joint *joint)
{
    for (size_t i = 0; i < NITEMS(joint->told); i++)
        (void)pthread_cond_destroy(&joint->told[i]);
    (void)pthread_mutex_destroy(&joint->mutex);
}

/* ---- what is written ---- */

static void write_alone(struct database *db, struct database_task *task)
{
    task->rc = database_begin(db, task->err);
    if (task->rc != SKS_OK)
        return;
    task->rc = task->work(db, task->ctx, task->err);
    if (task->rc == SKS_OK)
        task->rc = database_commit_written(db, task->durable, &task->commit, task->err);
    else
        database_rollback(db);
}

static bool work_all(struct database *db, struct database_task *row, bool *durable)
{
    *durable = false;
    for (struct database_task *task = row; task != NULL; task = task->next) {
        task->rc = task->work(db, task->ctx, task->err);
        if (task->rc != SKS_OK)
            return false;
        *durable = *durable || task->durable;
    }
    return true;
}

static void fail_all(struct database_task *row, enum sks_status rc, const struct sks_error *err)
{
    for (struct database_task *task = row; task != NULL; task = task->next) {
        task->rc = rc;
        if (task->err != NULL)
            *task->err = *err;
    }
}

/* Why it failed each will learn when it is written alone; but nobody can who cannot begin, and to
 * wait for another process's lock once more each, one after the other, would take minutes. */
static bool write_together(struct database *db, struct database_task *row)
{
    struct sks_error err = { 0 };
    bool durable;
    uint64_t commit;
    enum sks_status rc = database_begin(db, &err);

    if (rc != SKS_OK) {
        fail_all(row, rc, &err);
        return true;
    }
    if (!work_all(db, row, &durable)) {
        database_rollback(db);
        return false;
    }
    if (database_commit_written(db, durable, &commit, NULL) != SKS_OK)
        return false;
    for (struct database_task *task = row; task != NULL; task = task->next)
        task->commit = commit;
    return true;
}

static void write_row(struct database *db, struct database_task *row)
{
    if (row->next != NULL && write_together(db, row))
        return;
    for (struct database_task *task = row; task != NULL; task = task->next)
        write_alone(db, task);
}

/* ---- the row ---- */

static struct database_task *take_row(struct database_joint *joint)
{
    struct database_task *row = joint->row;

    joint->row = NULL;
    joint->last = &joint->row;
    joint->standing = 0;
    joint->number++;
    return row;
}

/* With the mutex, which is free while it writes. Those who stand in one row are woken at once, and
 * none of the next row but one. */
static void lead(struct database *db)
{
    struct database_joint *joint = &db->joint;
    unsigned number = joint->number % 2;
    struct database_task *row;

    joint->busy = true;
    (void)pthread_mutex_unlock(&joint->mutex);
    (void)sched_yield(); /* who is about to come and lacks the processor comes now */
    (void)pthread_mutex_lock(&joint->mutex);
    row = take_row(joint);
    (void)pthread_mutex_unlock(&joint->mutex);
    write_row(db, row);
    (void)pthread_mutex_lock(&joint->mutex);
    for (struct database_task *task = row; task != NULL; task = task->next)
        task->done = true;
    joint->busy = false;
    (void)pthread_mutex_unlock(&joint->mutex);
    (void)pthread_cond_broadcast(&joint->told[number]);
    (void)pthread_cond_signal(&joint->told[1 - number]);
}

static void write_joined(struct database *db, struct database_task *mine)
{
    struct database_joint *joint = &db->joint;
    unsigned number;

    (void)pthread_mutex_lock(&joint->mutex);
    *joint->last = mine;
    joint->last = &mine->next;
    joint->standing++;
    number = joint->number % 2;
    while (joint->busy && !mine->done)
        (void)pthread_cond_wait(&joint->told[number], &joint->mutex);
    if (mine->done)
        (void)pthread_mutex_unlock(&joint->mutex);
    else
        lead(db);
}

static enum sks_status write(struct database *db, struct database_task *mine)
{
    write_joined(db, mine);
    if (mine->rc != SKS_OK || !mine->durable)
        return mine->rc;
    return database_log_sync(&db->log, mine->commit, mine->err);
}

enum sks_status database_write(struct database *db, database_work *work, void *ctx,
                               struct sks_error *err)
{
    return write(db,
                 &(struct database_task){ .work = work, .ctx = ctx, .err = err, .durable = true });
}

enum sks_status database_write_unsynced(struct database *db, database_work *work, void *ctx,
                                        struct sks_error *err)
{
    return write(db, &(struct database_task){ .work = work, .ctx = ctx, .err = err });
}
