/* What the data folder has from its first day, and what is renewed in it later. */
#include "issuer/data_folder.h"
#include "issuer/data_folder_internal.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/files.h"
#include "keygen2/crypto/own_certificate.h"
#include "keygen2/crypto/pem.h"
#include "keygen2/crypto/private_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CA_DAYS = 20 * 365,
    OWN_DAYS = 10 * 365,
    TLS_DAYS = 825, /* more is refused by some browsers */
    SAN_MAX = 512,
};

static const char TRUST_FOLDER[] = "trust";
static const char LOST[] =
    "not there, but the database is: put it back where it was, or begin with "
    "another folder";

/* The P-256 key of a name, made if it is not there. */
static enum sks_status make_key(const char *folder, const char *name, EVP_PKEY **key,
                                struct sks_error *err)
{
    const struct algorithm *p256 = algorithm_by_jose(bytes_of("P-256"), ALGORITHM_KEY_GENERATION);
    char path[PATH_MAX];
    enum sks_status rc;

    *key = NULL;
    TRY(data_folder_path(path, folder, name, ".key", err));
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
    TRY(data_folder_path(path, folder, name, ".pem", err));
    if (!file_exists(path)) {
        TRY(make_key(folder, name, key, err));
        TRY(own_certificate_make(what, *key, issuer, issuer_key == NULL ? *key : issuer_key,
                                 certificate, err));
        return pem_write_certificate(path, *certificate, err);
    }
    TRY(pem_read_certificate(path, certificate, err));
    TRY(data_folder_path(path, folder, name, ".key", err));
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

    TRY(data_folder_path(path, folder, SEAL_FILE, "", err));
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

/* The database comes last. So what its rows are sealed with, or belong to, was there before it, and
 * another one in its place would lose them: sessions, and the keys in all devices. */
static enum sks_status look_for_lost(const char *folder, struct sks_error *err)
{
    static const struct {
        const char *name, *suffix;
    } FILES[] = { { CA_NAME, ".key" }, { CA_NAME, ".pem" }, { SEAL_FILE, "" } };
    char path[PATH_MAX];
    unsigned generations;
    enum sks_status rc;

    TRY(data_folder_path(path, folder, DATABASE_FILE, "", err));
    if (!file_exists(path))
        goto out;
    for (size_t i = 0; i < NITEMS(FILES); i++) {
        TRY(data_folder_path(path, folder, FILES[i].name, FILES[i].suffix, err));
        REQUIRE(file_exists(path), err, SKS_ERROR_EXTERNAL, "%s: %s", path, LOST);
    }
    TRY(key_management_count(folder, &generations, err));
    REQUIRE(generations > 0, err, SKS_ERROR_EXTERNAL, "%s/kmk-1.key: %s", folder, LOST);
out:
    return rc;
}

static enum sks_status make_all(const char *folder, const char *host, struct sks_error *err)
{
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    struct session_store store = { 0 };
    char path[PATH_MAX];
    enum sks_status rc;

    TRY(look_for_lost(folder, err));
    TRY(make_ca(folder, &ca_key, &ca, err));
    TRY(make_evidence(folder, ca_key, ca, err));
    TRY(key_management_make(folder, err));
    TRY(make_tls(folder, host, err));
    TRY(make_seal_key(folder, err));
    TRY(data_folder_path(path, folder, TRUST_FOLDER, "", err));
    TRY(file_make_folder(path, FOLDER_MODE, err));
    TRY(data_folder_path(path, folder, DATABASE_FILE, "", err));
    TRY(data_folder_load_seal_key(folder, &store, err));
    TRY(session_store_open(&store, path, err));
out:
    session_store_close(&store);
    EVP_PKEY_free(ca_key);
    X509_free(ca);
    return rc;
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
    TRY(data_folder_path(from, folder, EVIDENCE_NAME, ".pem", err));
    TRY(data_folder_path(to, folder, EVIDENCE_NAME, suffix, err));
    TRY(data_folder_path(key, folder, EVIDENCE_NAME, ".key", err));
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
