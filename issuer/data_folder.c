#include "issuer/data_folder.h"
#include "issuer/data_folder_internal.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char LOCK_FILE[] = "lock", SERVE_LOCK_FILE[] = "serve.lock";

enum sks_status data_folder_path(char path[PATH_MAX], const char *folder, const char *name,
                                 const char *suffix, struct sks_error *err)
{
    char file[NAME_MAX_LENGTH];

    (void)snprintf(file, sizeof file, "%s%s", name, suffix);
    if (file_path(path, PATH_MAX, folder, file) != SKS_OK)
        return sks_fail(err, SKS_ERROR_OPTION, "%s: the name is too long", folder);
    return SKS_OK;
}

/* ---- one at a time ---- */

/* @param how  of flock(); with LOCK_NB a lock that another process has is left to it: -1 */
static enum sks_status lock_file(const char *folder, const char *name, int how, int *lock,
                                 struct sks_error *err)
{
    char path[PATH_MAX];
    int why;
    enum sks_status rc;

    *lock = -1;
    TRY(data_folder_path(path, folder, name, "", err));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, SECRET_MODE);
    if (*lock >= 0 && flock(*lock, how) == 0)
        goto out;
    why = errno;
    if (*lock < 0)
        TRY(file_need_writable(path, err));
    REQUIRE(*lock >= 0 && why == EWOULDBLOCK, err, SKS_ERROR_EXTERNAL, "%s: cannot be locked: %s",
            path, strerror(why));
    data_folder_unlock(*lock);
    *lock = -1;
out:
    return rc;
}

enum sks_status data_folder_lock(const char *folder, int *lock, struct sks_error *err)
{
    return lock_file(folder, LOCK_FILE, LOCK_EX, lock, err);
}

enum sks_status data_folder_claim(const char *folder, int *lock, struct sks_error *err)
{
    enum sks_status rc;

    *lock = -1;
    TRY(file_make_folder(folder, FOLDER_MODE, err));
    TRY(lock_file(folder, SERVE_LOCK_FILE, LOCK_EX | LOCK_NB, lock, err));
    REQUIRE(*lock >= 0, err, SKS_ERROR_EXTERNAL,
            "%s: another sks-issuer serve has this data folder: stop that one first, or name"
            " another folder by --data",
            folder);
out:
    return rc;
}

void data_folder_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

bool data_folder_is_lock(const char *name)
{
    return strcmp(name, LOCK_FILE) == 0 || strcmp(name, SERVE_LOCK_FILE) == 0;
}

/* ---- loading ---- */

enum sks_status data_folder_load_seal_key(const char *folder, struct session_store *store,
                                          struct sks_error *err)
{
    char path[PATH_MAX];
    struct buf file = { 0 }, key = { 0 };
    enum sks_status rc;

    TRY(data_folder_path(path, folder, SEAL_FILE, "", err));
    TRY(file_read_secret(path, PEM_FILE_MAX, &file, err));
    while (file.len > 0 && file.ptr[file.len - 1] <= ' ')
        file.len--;
    REQUIRE(file.len == 2 * SEAL_KEY_SIZE && hex_decode(buf_bytes(&file), &key) == SKS_OK, err,
            SKS_ERROR_EXTERNAL, "%s: a sealing key is %d hexadecimal digits", path,
            2 * SEAL_KEY_SIZE);
    memcpy(store->seal_key, key.ptr, SEAL_KEY_SIZE);
out:
    buf_free(&file);
    buf_free(&key);
    return rc;
}

static enum sks_status load_ca(const char *folder, struct issuer *issuer, struct sks_error *err)
{
    char path[PATH_MAX];
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    enum sks_status rc;

    TRY(data_folder_path(path, folder, CA_NAME, ".key", err));
    TRY(pem_read_key(path, &key, err));
    TRY(data_folder_path(path, folder, CA_NAME, ".pem", err));
    TRY(pem_read_certificate(path, &certificate, err));
    TRY(ca_load(&issuer->ca, &issuer->arena, key, certificate, err));
out:
    EVP_PKEY_free(key);
    X509_free(certificate);
    return rc;
}

static enum sks_status load_evidence(const char *folder, struct issuer *issuer,
                                     struct sks_error *err)
{
    char path[PATH_MAX];
    X509 *certificate = NULL;
    enum sks_status rc;

    TRY(data_folder_path(path, folder, EVIDENCE_NAME, ".key", err));
    TRY(pem_read_key(path, &issuer->evidence_key, err));
    TRY(data_folder_path(path, folder, EVIDENCE_NAME, ".pem", err));
    TRY(pem_read_certificate(path, &certificate, err));
    REQUIRE(X509_check_private_key(certificate, issuer->evidence_key) == 1, err, SKS_ERROR_EXTERNAL,
            "%s: is not for the key beside it; if that is just being renewed, try again", path);
    issuer->evidence_certificate = certificate_der(&issuer->arena, certificate);
    REQUIRE(issuer->evidence_certificate.ptr != NULL, err, SKS_ERROR_STORAGE,
            "no memory for a certificate");
out:
    X509_free(certificate);
    return rc;
}

enum sks_status data_folder_load(const char *folder, struct issuer *issuer, struct sks_error *err)
{
    enum sks_status rc;

    TRY(load_ca(folder, issuer, err));
    TRY(key_management_load(&issuer->key_management, folder, err));
    TRY(load_evidence(folder, issuer, err));
    TRY(tls_load(&issuer->tls, folder, err));
    issuer->drawn_keys = drawn_keys_new();
    REQUIRE(issuer->drawn_keys != NULL, err, SKS_ERROR_STORAGE, "no memory for keys");
out:
    return rc;
}

enum sks_status data_folder_look(const char *folder, struct sks_error *err)
{
    static const struct {
        const char *name, *suffix;
    } FILES[] = {
        { CA_NAME, ".key" },       { CA_NAME, ".pem" },   { EVIDENCE_NAME, ".key" },
        { EVIDENCE_NAME, ".pem" }, { TLS_NAME, ".key" },  { TLS_NAME, ".pem" },
        { SEAL_FILE, "" },         { DATABASE_FILE, "" },
    };
    char path[PATH_MAX];
    enum sks_status rc;

    for (size_t i = 0; i < NITEMS(FILES); i++) {
        TRY(data_folder_path(path, folder, FILES[i].name, FILES[i].suffix, err));
        REQUIRE(file_exists(path), err, SKS_ERROR_EXTERNAL, "%s: not there", path);
    }
out:
    return rc;
}

enum sks_status data_folder_open(const char *folder, struct session_store *store,
                                 struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    TRY(data_folder_path(path, folder, DATABASE_FILE, "", err));
    REQUIRE(file_exists(path) || errno == ENOENT, err, SKS_ERROR_EXTERNAL, "%s: %s", path,
            strerror(errno));
    REQUIRE(file_exists(path), err, SKS_ERROR_EXTERNAL,
            "%s: not there; sks-issuer init --data %s makes it", path, folder);
    TRY(data_folder_load_seal_key(folder, store, err));
    TRY(session_store_open(store, path, err));
out:
    return rc;
}

void data_folder_close(struct issuer *issuer)
{
    session_store_close(&issuer->store);
    ca_free(&issuer->ca);
    crl_free(&issuer->crl);
    key_management_free(&issuer->key_management);
    drawn_keys_free(issuer->drawn_keys);
    EVP_PKEY_free(issuer->evidence_key);
    tls_free(&issuer->tls);
    arena_free(&issuer->arena);
}
