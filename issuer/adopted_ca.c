/* A CA whose key lies elsewhere: a secret of the container, or a file that others manage. */
#include "issuer/data_folder.h"
#include "issuer/data_folder_internal.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/pem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The two belong together, and are a CA as ca.h wants it. */
static enum sks_status read_pair(const char *key_file, const char *certificate_file, EVP_PKEY **key,
                                 X509 **certificate, struct sks_error *err)
{
    struct arena arena = { 0 };
    struct sks_error why = { 0 };
    struct ca ca = { 0 };
    enum sks_status rc;

    TRY(pem_read_key(key_file, key, err));
    TRY(pem_read_certificate(certificate_file, certificate, err));
    rc = ca_load(&ca, &arena, *key, *certificate, &why);
    REQUIRE(rc == SKS_OK, err, rc, "--ca-cert %s, --ca-key %s: %s", certificate_file, key_file,
            why.text);
out:
    ca_free(&ca);
    arena_free(&arena);
    return rc;
}

static enum sks_status take_certificate(const char *folder, const X509 *certificate,
                                        struct sks_error *err)
{
    char path[PATH_MAX];
    X509 *there = NULL;
    enum sks_status rc;

    TRY(data_folder_path(path, folder, CA_NAME, ".pem", err));
    if (!file_exists(path))
        return pem_write_certificate(path, certificate, err);
    TRY(pem_read_certificate(path, &there, err));
    REQUIRE(X509_cmp(there, certificate) == 0, err, SKS_ERROR_OPTION,
            "--ca-cert: %s is another CA, and an issuer keeps the one that it began with", path);
out:
    X509_free(there);
    return rc;
}

/* A link outlives a move of neither, so it has the whole path; and not what its links lead to,
 * which may change beneath it. */
static enum sks_status whole_path(const char *file, char path[PATH_MAX], struct sks_error *err)
{
    char here[PATH_MAX] = "";
    enum sks_status rc = SKS_OK;

    REQUIRE(file[0] == '/' || getcwd(here, sizeof here) != NULL, err, SKS_ERROR_EXTERNAL,
            "--ca-key: %s: %s", file, strerror(errno));
    REQUIRE((size_t)snprintf(path, PATH_MAX, "%s%s%s", here, here[0] == '\0' ? "" : "/", file) <
                PATH_MAX,
            err, SKS_ERROR_OPTION, "--ca-key: the path is too long");
out:
    return rc;
}

/* A key that lies in the folder itself stays there: it is the certificate's. */
static enum sks_status link_key(const char *folder, const char *key_file, struct sks_error *err)
{
    char path[PATH_MAX], made[PATH_MAX], wanted[PATH_MAX], there[PATH_MAX] = "";
    struct stat about;
    enum sks_status rc;

    TRY(data_folder_path(path, folder, CA_NAME, ".key", err));
    TRY(data_folder_path(made, folder, CA_NAME, ".key.new", err));
    TRY(whole_path(key_file, wanted, err));
    if (lstat(path, &about) == 0 && !S_ISLNK(about.st_mode))
        goto out;
    if (readlink(path, there, sizeof there - 1) > 0 && strcmp(there, wanted) == 0)
        goto out;
    (void)unlink(made);
    REQUIRE(symlink(wanted, made) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", made, strerror(errno));
    TRY(file_rename(made, path, err));
out:
    return rc;
}

enum sks_status data_folder_adopt_ca(const char *folder, const char *key_file,
                                     const char *certificate_file, struct sks_error *err)
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    int lock = -1;
    enum sks_status rc = SKS_OK;

    REQUIRE((key_file == NULL) == (certificate_file == NULL), err, SKS_ERROR_OPTION,
            "--ca-key and --ca-cert need each other");
    if (key_file == NULL)
        goto out;
    TRY(read_pair(key_file, certificate_file, &key, &certificate, err));
    TRY(file_make_folder(folder, FOLDER_MODE, err));
    TRY(data_folder_lock(folder, &lock, err));
    TRY(take_certificate(folder, certificate, err)); /* first: without it a key would be made */
    TRY(link_key(folder, key_file, err));
out:
    data_folder_unlock(lock);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return rc;
}
