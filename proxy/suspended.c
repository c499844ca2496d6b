#include "proxy/suspended.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/fetched.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 256 * 1024, COOKIES_MAX = 128 * 1024, PROOF_MAX = 16 * 1024 };
enum { DIGITS = 32, NAME_LENGTH = DIGITS + 5 };

static const char SUFFIX[] = ".json";

#define AT(member) .offset = offsetof(struct suspended, member)

static const struct json_field FIELDS[] = {
    { "issuerUri", JSON_URI, JSON_MANDATORY, AT(issuer_uri) },
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "cookies", JSON_BINARY, JSON_OPTIONAL, AT(cookies), .max = COOKIES_MAX },
    { "serverCertificate", JSON_BINARY, JSON_OPTIONAL, AT(certificate), .min = 32, .max = 32 },
    { "until", JSON_CUSTOM, JSON_MANDATORY, AT(until), .with = &KEYGEN2_SERVER_TIME },
    { "proof", JSON_BINARY, JSON_OPTIONAL, AT(proof), .max = PROOF_MAX },
};

#undef AT

static const struct json_type SUSPENDED =
    JSON_TYPE("suspended session", struct suspended, FIELDS, NULL);

enum sks_status suspended_folder(const char *given, char folder[PATH_MAX], struct sks_error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    enum sks_status rc = SKS_OK;

    if (given != NULL)
        TRY(sks_explain(err, bytes_to_text(bytes_of(given), folder, PATH_MAX)));
    else if (state != NULL && state[0] == '/')
        TRY(sks_explain(err, file_path(folder, PATH_MAX, state, "sks-proxy")));
    else if (home != NULL && home[0] == '/')
        TRY(sks_explain(err, file_path(folder, PATH_MAX, home, ".local/state/sks-proxy")));
    else
        rc = sks_fail(err, SKS_ERROR_OPTION,
                      "nowhere to keep what a session leaves: give --state FOLDER");
out:
    return rc;
}

/* The ids may hold any character, so the name is a digest of what tells sessions apart. */
static enum sks_status session_path(char path[PATH_MAX], const char *folder,
                                    struct bytes issuer_uri, struct bytes server_session_id)
{
    struct buf ids = { 0 };
    uint8_t digest[32];
    char name[NAME_LENGTH + 1] = "";
    enum sks_status rc;

    put_array(&ids, issuer_uri);
    put_array(&ids, server_session_id);
    TRY(ids.status);
    TRY(sha256(buf_bytes(&ids), digest));
    for (size_t i = 0; i < DIGITS / 2; i++)
        (void)snprintf(name + 2 * i, sizeof name - 2 * i, "%02x", digest[i]);
    (void)snprintf(name + DIGITS, sizeof name - DIGITS, "%s", SUFFIX);
    TRY(file_path(path, PATH_MAX, folder, name));
out:
    buf_free(&ids);
    return rc;
}

/* The folder that this process has made sure of: all above it are synced, which costs a sync of the
 * disk each. */
static struct {
    pthread_mutex_t guard;
    char path[PATH_MAX];
} known = { .guard = PTHREAD_MUTEX_INITIALIZER };

static enum sks_status make_folder(const char *folder, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    (void)pthread_mutex_lock(&known.guard);
    if (strcmp(known.path, folder) != 0 || !file_exists(folder))
        rc = file_make_folder(folder, 0700, err);
    (void)snprintf(known.path, sizeof known.path, "%s", rc == SKS_OK ? folder : "");
    (void)pthread_mutex_unlock(&known.guard);
    return rc;
}

enum sks_status suspended_save(const char *folder, const struct suspended *session,
                               struct sks_error *err)
{
    struct buf text = { 0 };
    char path[PATH_MAX];
    enum sks_status rc;

    json_put(&text, &SUSPENDED, session);
    TRY(sks_explain(err, text.status));
    TRY(make_folder(folder, err));
    TRY(sks_explain(err,
                    session_path(path, folder, session->issuer_uri, session->server_session_id)));
    TRY(file_write(path, 0600, buf_bytes(&text), err));
out:
    buf_free(&text);
    return rc;
}

static enum sks_status read_file(const char *path, struct arena *arena, struct suspended *session,
                                 struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    json_t *object = NULL;
    enum sks_status rc;

    TRY(file_read_secret(path, FILE_MAX_BYTES, &text, err));
    rc = json_parse(buf_bytes(&text), &object, &why);
    if (rc == SKS_OK)
        rc = json_decode(&SUSPENDED, object, session, arena, &why);
    REQUIRE(rc == SKS_OK, err, SKS_ERROR_EXTERNAL, "%s: %s", path, why.text);
out:
    json_decref(object);
    buf_free(&text);
    return rc;
}

enum sks_status suspended_load(const char *folder, struct bytes issuer_uri,
                               struct bytes server_session_id, struct arena *arena,
                               struct suspended *session, bool *found, struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    *found = false;
    TRY(sks_explain(err, session_path(path, folder, issuer_uri, server_session_id)));
    if (!file_exists(path))
        return SKS_OK;
    TRY(read_file(path, arena, session, err));
    REQUIRE(bytes_equal(session->issuer_uri, issuer_uri) &&
                bytes_equal(session->server_session_id, server_session_id),
            err, SKS_ERROR_EXTERNAL, "%s: of another session", path);
    *found = true;
out:
    return rc;
}

static int is_session(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len == NAME_LENGTH && strcmp(entry->d_name + DIGITS, SUFFIX) == 0 &&
           strspn(entry->d_name, "0123456789abcdef") == DIGITS;
}

static enum sks_status visit(const char *folder, const char *name,
                             enum sks_status (*each)(void *ctx, const struct suspended *session),
                             void *ctx, struct sks_error *err)
{
    struct suspended session = { 0 };
    struct arena arena = { 0 };
    char path[PATH_MAX];
    enum sks_status rc = file_path(path, PATH_MAX, folder, name);

    if (rc == SKS_OK)
        rc = read_file(path, &arena, &session, err);
    if (rc == SKS_OK) {
        rc = each(ctx, &session);
    } else {
        log_error("%s", err->text);
        rc = SKS_OK;
    }
    arena_free(&arena);
    return rc;
}

enum sks_status suspended_each(const char *folder,
                               enum sks_status (*each)(void *ctx, const struct suspended *session),
                               void *ctx, struct sks_error *err)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, is_session, alphasort);
    enum sks_status rc = SKS_OK;

    REQUIRE(count >= 0 || errno == ENOENT, err, SKS_ERROR_EXTERNAL, "%s: cannot be read", folder);
    for (int i = 0; i < count && rc == SKS_OK; i++)
        rc = visit(folder, entry[i]->d_name, each, ctx, err);
out:
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    return rc;
}

void suspended_remove(const char *folder, struct bytes issuer_uri, struct bytes server_session_id)
{
    char path[PATH_MAX];

    if (session_path(path, folder, issuer_uri, server_session_id) == SKS_OK)
        (void)unlink(path);
}
