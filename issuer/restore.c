/*
 * The folder is made beside its place and renamed there once it is whole, durable and usable, so
 * that whoever is killed leaves nothing at its place, or all.
 */
#include "issuer/backup.h"
#include "issuer/data_folder.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/message/keygen2.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct restoring {
    char place[PATH_MAX], made[PATH_MAX]; /* the folder; the one beside it, "" while not there */
    int fd;                               /* of the file that is being written, or -1 */
    char path[PATH_MAX];                  /* of it */
    char damage[200];
};

/* ---- out of the backup ---- */

static enum sks_status finish_file(struct restoring *r, struct sks_error *err)
{
    bool bad = r->fd >= 0 && (fsync(r->fd) != 0 || close(r->fd) != 0);

    r->fd = -1;
    return bad ? sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", r->path, strerror(errno)) : SKS_OK;
}

static enum sks_status begin_file(void *ctx, struct bytes name, struct sks_error *err)
{
    struct restoring *r = ctx;
    char text[NAME_MAX + 16], *slash;
    enum sks_status rc;

    TRY(finish_file(r, err));
    REQUIRE(issuer_backup_has(name) && bytes_to_text(name, text, sizeof text) == SKS_OK, err,
            SKS_ERROR_NOT_AVAILABLE, "the backup holds a file that this program does not know");
    TRY(sks_explain(err, file_path(r->path, sizeof r->path, r->made, text)));
    slash = strrchr(r->path, '/');
    *slash = '\0';
    TRY(file_make_folder(r->path, 0700, err));
    *slash = '/';
    r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    REQUIRE(r->fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", r->path, strerror(errno));
out:
    return rc;
}

static enum sks_status take_data(void *ctx, struct bytes data, struct sks_error *err)
{
    struct restoring *r = ctx;

    return file_write_to(r->fd, data)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", r->path, strerror(errno));
}

/* ---- is it an issuer? ---- */

static void note_damage(void *ctx, const char *text)
{
    struct restoring *r = ctx;

    (void)snprintf(r->damage, sizeof r->damage, "%s", text);
}

/* MAC counters of open sessions went back, and a session key must not be used twice. What had its
 * finalization sent is in doubt: the proof of that one may still come. A code that was used since
 * could be used once more. */
static const char *const ENDS[] = {
    "UPDATE session SET version = version + 1, ended = ?,"
    " verdict = CASE phase WHEN 3 THEN 3 ELSE 2 END,"
    " cause = 'the issuer was restored from a backup' WHERE verdict = 0",
    "UPDATE invitation SET withdrawn = 1, ended = ?1 WHERE ended > ?1",
};

static enum sks_status end_what_is_open(struct session_store *store, struct sks_error *err)
{
    enum sks_status rc;

    TRY(database_begin(store->db, err));
    for (size_t i = 0; i < NITEMS(ENDS) && rc == SKS_OK; i++)
        rc = database_run(store->db, err, ENDS[i], "i", clock_now());
    rc = database_end(store->db, rc, err);
out:
    return rc;
}

_Static_assert(PHASE_FINALIZATION == 3 && VERDICT_FAILED == 2 && VERDICT_IN_DOUBT == 3,
               "numbers that stand in the SQL");

/* All that `serve` would load is loaded. */
static enum sks_status try_folder(struct restoring *r, struct sks_error *err)
{
    static struct issuer issuer;
    char path[PATH_MAX];
    enum sks_status rc;

    TRY(data_folder_load(r->made, &issuer, err));
    TRY(data_folder_open(r->made, &issuer.store, err));
    TRY(database_verify(issuer.store.db, note_damage, r, err));
    REQUIRE(r->damage[0] == '\0', err, SKS_ERROR_INTERNAL, "the database in it is damaged: %s",
            r->damage);
    TRY(end_what_is_open(&issuer.store, err));
out:
    data_folder_close(&issuer);
    if (rc == SKS_OK && (rc = file_path(path, sizeof path, r->made, "issuer.db")) == SKS_OK)
        rc = database_settle(path, err);
    return rc;
}

/* ---- its place ---- */

static enum sks_status find_place(struct restoring *r, const char *data, struct sks_error *err)
{
    size_t len = strlen(data);
    DIR *list;
    bool empty = true;
    enum sks_status rc = SKS_OK;

    while (len > 1 && data[len - 1] == '/')
        len--;
    REQUIRE(len + sizeof ".restoring-XXXXXX" < sizeof r->place, err, SKS_ERROR_OPTION,
            "--data: the path is too long");
    (void)snprintf(r->place, sizeof r->place, "%.*s", (int)len, data);
    list = opendir(r->place);
    REQUIRE(list != NULL || errno == ENOENT, err, SKS_ERROR_EXTERNAL, "%s: %s", r->place,
            strerror(errno));
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;)
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    if (list != NULL)
        (void)closedir(list);
    REQUIRE(empty, err, SKS_ERROR_NOT_ALLOWED,
            "%s: is not empty; stop what serves it, and move it away first", r->place);
out:
    return rc;
}

static enum sks_status make_beside(struct restoring *r, struct sks_error *err)
{
    char made[PATH_MAX + 32];
    enum sks_status rc = SKS_OK;

    (void)snprintf(made, sizeof made, "%s.restoring-XXXXXX", r->place);
    REQUIRE(mkdtemp(made) != NULL, err, SKS_ERROR_EXTERNAL, "%s: %s", made, strerror(errno));
    (void)snprintf(r->made, sizeof r->made, "%.*s", (int)sizeof r->made - 1, made);
out:
    return rc;
}

static const char *const INSIDE[] = { "trust", "profiles" };

static enum sks_status sync_folders(const struct restoring *r, struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < NITEMS(INSIDE); i++) {
        TRY(sks_explain(err, file_path(path, sizeof path, r->made, INSIDE[i])));
        if (file_exists(path))
            TRY(file_sync(path, err));
    }
    TRY(file_sync(r->made, err));
out:
    return rc;
}

static void remove_files(const char *folder)
{
    char prefix[PATH_MAX];

    if (snprintf(prefix, sizeof prefix, "%s/", folder) < (int)sizeof prefix)
        file_sweep(prefix);
    (void)rmdir(folder);
}

static void remove_made(const struct restoring *r)
{
    char path[PATH_MAX];

    if (r->made[0] == '\0')
        return;
    for (size_t i = 0; i < NITEMS(INSIDE); i++)
        if (file_path(path, sizeof path, r->made, INSIDE[i]) == SKS_OK)
            remove_files(path);
    remove_files(r->made);
}

static enum sks_status restore(struct restoring *r, const char *data, struct backup_reader *backup,
                               struct sks_error *err)
{
    const struct backup_sink sink = { r, begin_file, take_data };
    enum sks_status rc;

    TRY(find_place(r, data, err));
    TRY(make_beside(r, err));
    TRY(backup_read(backup, &sink, err));
    TRY(finish_file(r, err));
    TRY(try_folder(r, err));
    TRY(sync_folders(r, err));
    TRY(file_rename(r->made, r->place, err));
    r->made[0] = '\0';
out:
    return rc;
}

enum exit_code issuer_restore(const char *data, const char *path, const char *passphrase_file)
{
    struct restoring r = { .fd = -1 };
    struct backup_reader *backup = NULL;
    struct backup_about about = { 0 };
    struct buf passphrase = { 0 };
    struct backup_seal how = issuer_backup_seal(&passphrase);
    struct sks_error err = { 0 };
    char created[32];
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(issuer_backup_passphrase(passphrase_file, false, &passphrase, &err));
    TRY(backup_open(&how, path, &backup, &about, &err));
    TRY(restore(&r, data, backup, &err));
    keygen2_time_format((int64_t)about.created, false, created);
    (void)printf("restored: the issuer as it was at %s; sessions and invitations that were open"
                 " then have ended\n",
                 created);
out:
    if (r.fd >= 0)
        (void)close(r.fd);
    remove_made(&r);
    backup_close(backup);
    buf_free(&passphrase);
    return program_finish(rc, &err);
}
