/*
 * sks-token restore: a store as it was at a backup. All of the backup is verified before anything
 * is written; the database is made beside its place, and renamed there once it is whole and
 * durable. Until then the old one stands, so that whoever is killed leaves the old store or the new
 * one.
 */
#include "keygen2/base/clock.h"
#include "keygen2/base/database.h"
#include "keygen2/base/terminal.h"
#include "keygen2/crypto/backup.h"
#include "token/command/folder.h"
#include "token/command/print.h"
#include "token/command/rows.h"
#include "token/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct option_row OPTIONS_RESTORE[] = {
    STORE,
    { "from", 0, "FILE", "the backup", OPTION_TEXT, AT(input), .required = true },
    MASTER_KEY,
    FLAG_ROW("install-key", "put the master key to DIR/master.key as well", install_key),
    FLAG_ROW("replace", "replace the store that is there", replace),
    YES,
    END,
};

enum { DEVICE_CA_MAX = 1 << 20 };

struct restoring {
    const struct token_command_options *options;
    struct folder folder;
    char own_key[FOLDER_PATH_MAX]; /* DIR/master.key, whatever --master-key says */
    struct vault *vault;
    struct backup_reader *backup;
    struct backup_about about;
    int fd;               /* of the database that is being written, or -1 */
    struct buf device_ca; /* PEM */
    struct buf *into;     /* of a part that is kept in memory */
    bool has_database;
};

/* ---- out of the backup ---- */

static enum sks_status begin_file(void *ctx, struct bytes name, struct sks_error *err)
{
    struct restoring *r = ctx;
    enum sks_status rc = SKS_OK;

    r->into = NULL;
    if (bytes_equal(name, bytes_of(TOKEN_DEVICE_CA))) {
        r->into = &r->device_ca;
        return SKS_OK;
    }
    REQUIRE(bytes_equal(name, bytes_of(TOKEN_DATABASE)) && r->fd < 0, err, SKS_ERROR_NOT_AVAILABLE,
            "the backup holds a file that this program does not know");
    r->fd = open(r->folder.restored, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    REQUIRE(r->fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: %s", r->folder.restored, strerror(errno));
out:
    return rc;
}

static enum sks_status take_data(void *ctx, struct bytes data, struct sks_error *err)
{
    struct restoring *r = ctx;

    if (r->into == NULL)
        return file_write_to(r->fd, data) ? SKS_OK
                                          : sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s",
                                                     r->folder.restored, strerror(errno));
    if (data.len > DEVICE_CA_MAX - r->into->len)
        return sks_fail(err, SKS_ERROR_NOT_AVAILABLE, "the backup holds a file that is too large");
    put_raw(r->into, data);
    return sks_explain(err, r->into->status);
}

/* Session keys must not be used twice: the MAC counters of open sessions went back. */
static enum sks_status drop_sessions(struct restoring *r, struct sks_error *err)
{
    struct store *store = NULL;
    struct changes changes = { 0 };
    enum sks_status rc;

    TRY(store_open(r->folder.restored, r->vault, &store, err));
    REQUIRE(store_fits(store), err, SKS_ERROR_EXTERNAL,
            "%s: the store in it is sealed with another master key", r->options->input);
    TRY(changes_delete_open_sessions(&changes, store, err));
    if (!changes_empty(&changes))
        TRY(store_apply(store, &changes, err));
out:
    changes_free(&changes);
    store_close(store);
    return rc;
}

static enum sks_status make_database(struct restoring *r, struct sks_error *err)
{
    const struct backup_sink sink = { r, begin_file, take_data };
    enum sks_status rc;

    TRY(backup_read(r->backup, &sink, err));
    REQUIRE(r->fd >= 0, err, SKS_ERROR_EXTERNAL, "%s: there is no store in it", r->options->input);
    (void)close(r->fd);
    r->fd = -1;
    TRY(drop_sessions(r, err));
    TRY(database_settle(r->folder.restored, err));
out:
    return rc;
}

/* ---- to its place ---- */

/* What the old database has in its log must not be taken for the new one's. One that is damaged
 * has nothing to lose. */
static enum sks_status settle_old(const struct restoring *r, struct sks_error *err)
{
    char log[FOLDER_PATH_MAX + 8];
    struct sks_error why = { 0 };
    enum sks_status settled = SKS_ERROR_INTERNAL, rc = SKS_OK;
    struct stat about;

    (void)snprintf(log, sizeof log, "%s-wal", r->folder.database);
    if (r->has_database)
        settled = database_settle(r->folder.database, &why);
    if (stat(log, &about) != 0)
        return SKS_OK;
    REQUIRE(settled != SKS_ERROR_EXTERNAL && (settled != SKS_OK || about.st_size == 0), err,
            SKS_ERROR_EXTERNAL, "%s: %s", log,
            settled == SKS_OK ? "SQLite left it there" : why.text);
    REQUIRE(unlink(log) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", log, strerror(errno));
out:
    return rc;
}

/* By a name that is swept. */
static enum sks_status put_device_ca(const struct restoring *r, struct sks_error *err)
{
    char path[FOLDER_PATH_MAX + 8];
    enum sks_status rc;

    (void)snprintf(path, sizeof path, "%s.pem", r->folder.restored);
    TRY(file_write(path, 0644, buf_bytes(&r->device_ca), err));
    TRY(file_rename(path, r->folder.device_ca, err));
out:
    return rc;
}

static enum sks_status put_in_place(struct restoring *r, bool install, struct sks_error *err)
{
    enum sks_status rc;

    TRY(settle_old(r, err));
    TRY(file_sync(r->folder.restored, err)); /* and that the old log is gone */
    if (install)
        TRY(master_key_prepare(r->folder.master_key, r->own_key, err));
    TRY(file_rename(r->folder.restored, r->folder.database, err));
    if (install)
        TRY(master_key_finish(r->own_key, err));
    if (r->device_ca.len > 0)
        TRY(put_device_ca(r, err));
out:
    return rc;
}

/* ---- the command ---- */

static enum sks_status check_place(struct restoring *r, struct sks_error *err)
{
    char log[FOLDER_PATH_MAX + 8];
    enum sks_status rc = SKS_OK;

    (void)snprintf(log, sizeof log, "%s-wal", r->folder.database);
    r->has_database = file_exists(r->folder.database);
    REQUIRE(r->options->replace || !(r->has_database || file_exists(log)), err,
            SKS_ERROR_NOT_ALLOWED, "%s: has a store already; --replace replaces it",
            r->options->store);
out:
    return rc;
}

/* The same key, none, or another one. */
static enum sks_status compare_own_key(const struct restoring *r, bool *there, bool *same,
                                       struct sks_error *err)
{
    struct vault *own = NULL;
    enum sks_status rc = SKS_OK;

    *there = file_exists(r->own_key);
    *same = false;
    if (!*there)
        return SKS_OK;
    rc = vault_open_file(r->own_key, &own, r->options->install_key ? err : NULL);
    if (rc == SKS_OK)
        *same = vault_is_same(own, r->vault);
    else if (!r->options->install_key) /* then it is of no interest */
        rc = SKS_OK;
    vault_close(own);
    return rc;
}

static enum sks_status open_backup(struct restoring *r, struct sks_error *err)
{
    const struct token_command_options *o = r->options;
    struct sks_error why = { 0 };
    struct backup_seal seal;
    enum sks_status rc;

    TRY(folder_paths(&r->folder, o->store, o->key_file, err));
    rc = file_path(r->own_key, sizeof r->own_key, o->store, TOKEN_MASTER_KEY);
    REQUIRE(rc == SKS_OK, err, rc, "--store: the path is too long");
    rc = vault_open(r->folder.master_key, &r->vault, &why);
    REQUIRE(rc == SKS_OK, err, rc, "%s%s", why.text,
            o->key_file == NULL ? "; --master-key FILE names the master key of the backup" : "");
    seal = vault_backup_seal(r->vault);
    TRY(backup_open(&seal, o->input, &r->backup, &r->about, err));
out:
    return rc;
}

static enum sks_status ask(const struct restoring *r, struct sks_error *err)
{
    struct arena arena = { 0 };
    const char *question = arena_printf(
        &arena,
        "The token will be what it was at %s: its keys, PINs, counters of wrong tries, handles.\n"
        "What was done since is lost, sessions that were open then are dropped.\n%sRestore it?",
        time_text(&arena, (int64_t)r->about.created),
        file_exists(r->folder.database) ? "The store that is there now is replaced.\n" : "");
    enum sks_status rc =
        terminal_consent(r->options->yes, question == NULL ? "Restore the backup?" : question, err);

    arena_free(&arena);
    return rc;
}

static enum sks_status restore(struct restoring *r, bool *needs_key, struct sks_error *err)
{
    const struct token_command_options *o = r->options;
    bool there, same;
    enum sks_status rc;

    TRY(open_backup(r, err));
    TRY(check_place(r, err));
    TRY(compare_own_key(r, &there, &same, err));
    REQUIRE(!o->install_key || !there || same, err, SKS_ERROR_NOT_ALLOWED,
            "%s: is another master key; move it away first, and keep it if anything still needs it",
            r->own_key);
    TRY(ask(r, err));
    TRY(file_make_folder(o->store, 0700, err));
    TRY(folder_lock_alone(&r->folder, err));
    TRY(check_place(r, err)); /* nobody else makes one any more */
    folder_sweep(&r->folder);
    TRY(make_database(r, err));
    TRY(put_in_place(r, o->install_key && !there, err));
    *needs_key = !same && !o->install_key;
out:
    if (r->folder.lock >= 0)
        folder_sweep(&r->folder);
    return rc;
}

enum exit_code command_restore(void *options, char **operands, size_t count)
{
    struct restoring r = { .options = options, .folder.lock = -1, .fd = -1 };
    struct sks_error err = { 0 };
    bool needs_key = false;
    enum sks_status rc;

    (void)operands, (void)count;
    rc = restore(&r, &needs_key, &err);
    if (r.fd >= 0)
        (void)close(r.fd);
    backup_close(r.backup);
    vault_close(r.vault);
    buf_free(&r.device_ca);
    folder_unlock(&r.folder);
    if (rc != SKS_OK)
        return program_fail(program_exit_code(rc), "%s", err.text);
    (void)printf("restored%s\n", needs_key
                                     ? "; the master key is not in the store: every command needs "
                                       "--master-key or " MASTER_KEY_VARIABLE
                                     : "");
    return EXIT_DONE;
}
