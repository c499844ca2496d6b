#include "issuer/data_folder.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    SECRET_MODE = 0600,
    CA_DAYS = 20 * 365,
    OWN_DAYS = 10 * 365,
    TLS_DAYS = 825, /* more is refused by some browsers */
    NAME_MAX_LENGTH = 64,
    SAN_MAX = 512,
};

static const char CA_NAME[] = "ca", TLS_NAME[] = "tls", EVIDENCE_NAME[] = "evidence",
                  SEAL_FILE[] = "seal.key", DATABASE_FILE[] = "issuer.db", TRUST_FOLDER[] = "trust",
                  LOCK_FILE[] = "lock";

static enum sks_status path_of(char path[PATH_MAX], const char *folder, const char *name,
                               const char *suffix, struct sks_error *err)
{
    char file[NAME_MAX_LENGTH];

    (void)snprintf(file, sizeof file, "%s%s", name, suffix);
    if (file_path(path, PATH_MAX, folder, file) != SKS_OK)
        return sks_fail(err, SKS_ERROR_OPTION, "%s: the name is too long", folder);
    return SKS_OK;
}

/* ---- making ---- */

/* The P-256 key of a name, made if it is not there. */
static enum sks_status make_key(const char *folder, const char *name, EVP_PKEY **key,
                                struct sks_error *err)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    char path[PATH_MAX];
    enum sks_status rc;

    *key = NULL;
    TRY(path_of(path, folder, name, ".key", err));
    if (file_exists(path))
        return pem_read_key(path, key, err);
    TRY(sks_explain(err, private_key_generate(p256, (struct bytes){ 0 }, key)));
    TRY(pem_write_key(path, *key, err));
out:
    return rc;
}

/* A key and its certificate; both stay what they are if they are there. */
static enum sks_status make_pair(const char *folder, const char *name,
                                 const struct own_certificate *what, X509 *issuer,
                                 EVP_PKEY *issuer_key, EVP_PKEY **key, X509 **certificate,
                                 struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    *key = NULL;
    *certificate = NULL;
    TRY(path_of(path, folder, name, ".pem", err));
    if (!file_exists(path)) {
        TRY(make_key(folder, name, key, err));
        TRY(own_certificate_make(what, *key, issuer, issuer_key == NULL ? *key : issuer_key,
                                 certificate, err));
        return pem_write_certificate(path, *certificate, err);
    }
    TRY(pem_read_certificate(path, certificate, err));
    TRY(path_of(path, folder, name, ".key", err));
    TRY(pem_read_key(path, key, err));
out:
    return rc;
}

static enum sks_status make_ca(const char *folder, EVP_PKEY **key, X509 **certificate,
                               struct sks_error *err)
{
    char id[9], name[NAME_MAX_LENGTH];
    struct own_certificate what = {
        .common_name = name,
        .days = CA_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
                       { NID_key_usage, "critical,keyCertSign,cRLSign" },
                       { NID_subject_key_identifier, "hash" } },
    };
    enum sks_status rc;

    TRY(sks_explain(err, random_id(id, sizeof id - 1)));
    (void)snprintf(name, sizeof name, "SKS issuer CA %s", id); /* two issuers, two names */
    TRY(make_pair(folder, CA_NAME, &what, NULL, NULL, key, certificate, err));
out:
    return rc;
}

static enum sks_status make_evidence(const char *folder, EVP_PKEY *ca_key, X509 *ca,
                                     struct sks_error *err)
{
    static const struct own_certificate WHAT = {
        .common_name = "SKS issuer evidence",
        .days = OWN_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                       { NID_key_usage, "critical,digitalSignature,nonRepudiation" },
                       { NID_ext_key_usage, EVIDENCE_KEY_USAGE },
                       { NID_subject_key_identifier, "hash" },
                       { NID_authority_key_identifier, "keyid:always" } },
    };
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    enum sks_status rc =
        make_pair(folder, EVIDENCE_NAME, &WHAT, ca, ca_key, &key, &certificate, err);

    EVP_PKEY_free(key);
    X509_free(certificate);
    return rc;
}

static bool is_address(const char *host)
{
    uint8_t octets[16];

    return inet_pton(AF_INET, host, octets) == 1 || inet_pton(AF_INET6, host, octets) == 1;
}

static enum sks_status make_tls(const char *folder, const char *host, struct sks_error *err)
{
    char names[SAN_MAX] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    const struct own_certificate what = {
        .common_name = "SKS issuer",
        .days = TLS_DAYS,
        .extension = { { NID_basic_constraints, "critical,CA:FALSE" },
                       { NID_key_usage, "critical,digitalSignature" },
                       { NID_ext_key_usage, "serverAuth" },
                       { NID_subject_alt_name, names },
                       { NID_subject_key_identifier, "hash" } },
    };
    size_t len = strlen(names);
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    enum sks_status rc;

    if (host != NULL && strchr(host, ',') == NULL)
        (void)snprintf(names + len, sizeof names - len, ",%s:%s", is_address(host) ? "IP" : "DNS",
                       host);
    rc = make_pair(folder, TLS_NAME, &what, NULL, NULL, &key, &certificate, err);
    EVP_PKEY_free(key);
    X509_free(certificate);
    return rc;
}

static enum sks_status make_seal_key(const char *folder, struct sks_error *err)
{
    uint8_t key[SEAL_KEY_SIZE];
    struct buf text = { 0 };
    char path[PATH_MAX];
    enum sks_status rc;

    TRY(path_of(path, folder, SEAL_FILE, "", err));
    if (file_exists(path))
        goto out;
    TRY(sks_explain(err, random_bytes(key, sizeof key)));
    hex_encode(&text, bytes_at(key, sizeof key));
    put_text(&text, "\n");
    TRY(sks_explain(err, text.status));
    TRY(file_write(path, SECRET_MODE, buf_bytes(&text), err));
out:
    OPENSSL_cleanse(key, sizeof key);
    buf_free(&text);
    return rc;
}

static enum sks_status load_seal_key(const char *folder, struct session_store *store,
                                     struct sks_error *err)
{
    char path[PATH_MAX];
    struct buf file = { 0 }, key = { 0 };
    enum sks_status rc;

    TRY(path_of(path, folder, SEAL_FILE, "", err));
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

static enum sks_status make_all(const char *folder, const char *host, struct sks_error *err)
{
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    struct session_store store = { 0 };
    char path[PATH_MAX];
    enum sks_status rc;

    TRY(make_ca(folder, &ca_key, &ca, err));
    TRY(make_evidence(folder, ca_key, ca, err));
    TRY(key_management_make(folder, err));
    TRY(make_tls(folder, host, err));
    TRY(make_seal_key(folder, err));
    TRY(path_of(path, folder, TRUST_FOLDER, "", err));
    TRY(file_make_folder(path, FOLDER_MODE, err));
    TRY(path_of(path, folder, DATABASE_FILE, "", err));
    TRY(load_seal_key(folder, &store, err));
    TRY(session_store_open(&store, path, err));
out:
    session_store_close(&store);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return rc;
}

enum sks_status data_folder_lock(const char *folder, int *lock, struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    *lock = -1;
    TRY(path_of(path, folder, LOCK_FILE, "", err));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, SECRET_MODE);
    REQUIRE(*lock >= 0 && flock(*lock, LOCK_EX) == 0, err, SKS_ERROR_EXTERNAL,
            "%s: cannot be locked", path);
out:
    return rc;
}

void data_folder_unlock(int lock)
{
    if (lock >= 0)
        (void)close(lock);
}

enum sks_status data_folder_make(const char *folder, const char *host, struct sks_error *err)
{
    int lock = -1;
    enum sks_status rc;

    TRY(file_make_folder(folder, FOLDER_MODE, err));
    TRY(data_folder_lock(folder, &lock, err));
    TRY(make_all(folder, host, err));
out:
    data_folder_unlock(lock);
    return rc;
}

enum sks_status data_folder_roll_over(const char *folder, unsigned *generation,
                                      struct sks_error *err)
{
    int lock = -1;
    enum sks_status rc;

    TRY(data_folder_lock(folder, &lock, err));
    TRY(key_management_roll_over(folder, generation, err));
out:
    data_folder_unlock(lock);
    return rc;
}

/* The old certificate stays beside the new one, for records that are out; its key is gone. Killed
 * anywhere in between, init and serve make what is missing. */
static enum sks_status renew_evidence(const char *folder, struct sks_error *err)
{
    char from[PATH_MAX], to[PATH_MAX], key[PATH_MAX], suffix[NAME_MAX_LENGTH], id[9];
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    enum sks_status rc;

    TRY(sks_explain(err, random_id(id, sizeof id - 1)));
    (void)snprintf(suffix, sizeof suffix, "-%" PRId64 "-%s.pem", clock_now(), id);
    TRY(path_of(from, folder, EVIDENCE_NAME, ".pem", err));
    TRY(path_of(to, folder, EVIDENCE_NAME, suffix, err));
    TRY(path_of(key, folder, EVIDENCE_NAME, ".key", err));
    REQUIRE(file_exists(from), err, SKS_ERROR_EXTERNAL,
            "%s: not there; sks-issuer init --data %s makes it", from, folder);
    TRY(make_ca(folder, &ca_key, &ca, err));
    TRY(file_rename(from, to, err));
    REQUIRE(unlink(key) == 0, err, SKS_ERROR_EXTERNAL, "%s: %s", key, strerror(errno));
    TRY(make_evidence(folder, ca_key, ca, err));
out:
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return rc;
}

enum sks_status data_folder_renew_evidence(const char *folder, struct sks_error *err)
{
    int lock = -1;
    enum sks_status rc;

    TRY(data_folder_lock(folder, &lock, err));
    TRY(renew_evidence(folder, err));
out:
    data_folder_unlock(lock);
    return rc;
}

/* ---- loading ---- */

static enum sks_status load_ca(const char *folder, struct issuer *issuer, struct sks_error *err)
{
    char path[PATH_MAX];
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    enum sks_status rc;

    TRY(path_of(path, folder, CA_NAME, ".key", err));
    TRY(pem_read_key(path, &key, err));
    TRY(path_of(path, folder, CA_NAME, ".pem", err));
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

    TRY(path_of(path, folder, EVIDENCE_NAME, ".key", err));
    TRY(pem_read_key(path, &issuer->evidence_key, err));
    TRY(path_of(path, folder, EVIDENCE_NAME, ".pem", err));
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
        TRY(path_of(path, folder, FILES[i].name, FILES[i].suffix, err));
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

    TRY(path_of(path, folder, DATABASE_FILE, "", err));
    REQUIRE(file_exists(path), err, SKS_ERROR_EXTERNAL,
            "%s: not there; sks-issuer init --data %s makes it", path, folder);
    TRY(load_seal_key(folder, store, err));
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
