#include "issuer/backup.h"
#include "issuer/data_folder.h"
#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/base/terminal.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRYPT_N = 32768, SCRYPT_R = 8, SCRYPT_P = 1, SCRYPT_MEMORY = 64 << 20, NAME_SIZE = 300 };

static const char DATABASE[] = "issuer.db", COPY[] = "issuer.db.copy-";
static const char *const FOLDERS[] = { "", "trust", "profiles" };

/* ---- the seal ---- */

static enum sks_status make_key(const void *ctx, struct bytes salt, uint8_t key[SEAL_KEY_SIZE])
{
    const struct buf *passphrase = ctx;

    return EVP_PBE_scrypt((const char *)passphrase->ptr, passphrase->len, salt.ptr, salt.len,
                          SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MEMORY, key, SEAL_KEY_SIZE) == 1
               ? SKS_OK
               : SKS_ERROR_STORAGE;
}

struct backup_seal issuer_backup_seal(const struct buf *passphrase)
{
    return (struct backup_seal){
        .magic = "SKSI",
        .what = "backup of an issuer",
        .wrong_key = "sealed with another passphrase, or altered",
        .ctx = passphrase,
        .make_key = make_key,
    };
}

enum sks_status issuer_backup_passphrase(const char *file, bool is_new, struct buf *passphrase,
                                         struct sks_error *err)
{
    enum sks_status rc;

    if (file != NULL)
        return secret_from_file(file, passphrase, err);
    REQUIRE(terminal_exists(), err, SKS_ERROR_OPTION,
            "the passphrase is needed: --passphrase-file or a terminal");
    TRY(is_new ? terminal_read_new("Passphrase of the backup: ", NULL, passphrase, err)
               : terminal_read("Passphrase of the backup: ", true, NULL, passphrase, err));
    REQUIRE(passphrase->len > 0, err, SKS_ERROR_OPTION, "the passphrase is empty");
out:
    return rc;
}

/* ---- what is in it ---- */

/* No hidden one, and none that leads elsewhere. */
static bool is_plain(struct bytes name)
{
    return name.len > 0 && name.len <= NAME_MAX && name.ptr[0] != '.' &&
           memchr(name.ptr, '/', name.len) == NULL && memchr(name.ptr, '\0', name.len) == NULL;
}

bool issuer_backup_has(struct bytes name)
{
    const uint8_t *slash = memchr(name.ptr, '/', name.len);
    struct bytes folder = bytes_at(name.ptr, slash == NULL ? 0 : (size_t)(slash - name.ptr));

    for (size_t i = 1; i < NITEMS(FOLDERS); i++)
        if (slash != NULL && bytes_equal(folder, bytes_of(FOLDERS[i])))
            return is_plain(bytes_at(slash + 1, name.len - folder.len - 1));
    return slash == NULL && is_plain(name);
}

/* Of the folder itself all but the database, which is copied first, and the locks. */
static bool is_wanted(const char *name, const char *path)
{
    struct stat about;

    return issuer_backup_has(bytes_of(name)) && !data_folder_is_lock(name) &&
           strncmp(name, DATABASE, sizeof DATABASE - 1) != 0 && stat(path, &about) == 0 &&
           S_ISREG(about.st_mode);
}

static enum sks_status add_folder(struct backup_writer *w, const char *data, const char *folder,
                                  struct sks_error *err)
{
    char from[PATH_MAX], path[PATH_MAX], name[NAME_SIZE];
    DIR *list = NULL;
    enum sks_status rc;

    TRY(sks_explain(err, file_path(from, sizeof from, data, folder)));
    list = opendir(from);
    REQUIRE(list != NULL || errno == ENOENT, err, SKS_ERROR_EXTERNAL, "%s: %s", from,
            strerror(errno));
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        (void)snprintf(name, sizeof name, "%s%s%s", folder, folder[0] == '\0' ? "" : "/",
                       entry->d_name);
        TRY(sks_explain(err, file_path(path, sizeof path, data, name)));
        if (is_wanted(name, path))
            TRY(backup_add(w, name, path, err));
    }
out:
    if (list != NULL)
        (void)closedir(list);
    return rc;
}

/* ---- the command ---- */

static enum sks_status copy_database(const char *data, const char *copy, struct sks_error *err)
{
    struct session_store store = { 0 };
    enum sks_status rc;

    TRY(data_folder_open(data, &store, err));
    TRY(database_copy_snapshot(store.db, copy, err));
out:
    session_store_close(&store);
    return rc;
}

/* The database comes first: whatever a session in it needs of keys is there by then. */
static enum sks_status write_backup(const char *data, const char *path,
                                    const struct buf *passphrase, uint64_t *size,
                                    struct sks_error *err)
{
    const struct backup_seal how = issuer_backup_seal(passphrase);
    struct backup_writer w = { .file.fd = -1 };
    char sweep[PATH_MAX], copy[PATH_MAX + 16] = "";
    enum sks_status rc;

    TRY(sks_explain(err, file_path(sweep, sizeof sweep, data, COPY)));
    file_sweep(sweep); /* the folder is locked: of one that was killed */
    (void)snprintf(copy, sizeof copy, "%s%ld", sweep, (long)getpid());
    TRY(backup_begin(&w, &how, path, err));
    TRY(copy_database(data, copy, err));
    TRY(backup_add(&w, DATABASE, copy, err));
    for (size_t i = 0; i < NITEMS(FOLDERS); i++)
        TRY(add_folder(&w, data, FOLDERS[i], err));
    TRY(backup_finish(&w, err));
    *size = w.size;
out:
    backup_end(&w);
    if (copy[0] != '\0')
        file_sweep(sweep);
    return rc;
}

enum exit_code issuer_backup(const char *data, const char *path, const char *passphrase_file)
{
    struct buf passphrase = { 0 };
    struct sks_error err = { 0 };
    uint64_t size = 0;
    int lock = -1;
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(issuer_backup_passphrase(passphrase_file, true, &passphrase, &err));
    TRY(data_folder_lock(data, &lock, &err));
    TRY(write_backup(data, path, &passphrase, &size, &err));
    (void)printf("backup written: %s, %" PRIu64 " bytes; with its passphrase it is the whole"
                 " issuer, CA key included\n",
                 path, size);
out:
    data_folder_unlock(lock);
    buf_free(&passphrase);
    return program_finish(rc, &err);
}
