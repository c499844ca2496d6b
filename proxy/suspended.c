#include "proxy/suspended.h"

#include "keygen2/base/files.h"
#include "keygen2/base/log.h"
#include "keygen2/crypto/fetched.h"
#include "proxy/proof_slot.h"

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

/* slot: NULL: a file in any case */
static enum sks_status save(const char *folder, const struct suspended *session, int *slot,
                            struct sks_error *err)
{
    struct buf text = { 0 };
    char path[PATH_MAX];
    enum sks_status rc;

    json_put(&text, &SUSPENDED, session);
    TRY(sks_explain(err, text.status));
    TRY(make_folder(folder, err));
    if (slot != NULL && (*slot = proof_slot_keep(folder, buf_bytes(&text))) != 0)
        goto out;
    TRY(sks_explain(err,
                    session_path(path, folder, session->issuer_uri, session->server_session_id)));
    TRY(file_write(path, 0600, buf_bytes(&text), err));
out:
    buf_free(&text);
    return rc;
}

enum sks_status suspended_save(const char *folder, const struct suspended *session,
                               struct sks_error *err)
{
    return save(folder, session, NULL, err);
}

enum sks_status suspended_save_proof(const char *folder, const struct suspended *session, int *slot,
                                     struct sks_error *err)
{
    *slot = 0;
    return save(folder, session, slot, err);
}

static enum sks_status decode(const char *path, struct bytes text, struct arena *arena,
                              struct suspended *session, struct sks_error *err)
{
    struct sks_error why = { 0 };
    json_t *object = NULL;
    enum sks_status rc = json_parse(text, &object, &why);

    if (rc == SKS_OK)
        rc = json_decode(&SUSPENDED, object, session, arena, &why);
    json_decref(object);
    return rc == SKS_OK ? SKS_OK : sks_fail(err, SKS_ERROR_EXTERNAL, "%s: %s", path, why.text);
}

static enum sks_status read_file(const char *path, struct arena *arena, struct suspended *session,
                                 struct sks_error *err)
{
    struct buf text = { 0 };
    enum sks_status rc;

    TRY(file_read_secret(path, FILE_MAX_BYTES, &text, err));
    rc = decode(path, buf_bytes(&text), arena, session, err);
out:
    buf_free(&text);
    return rc;
}

/* found: out: false: there is no such slot, or nothing in it */
static enum sks_status read_slot(const char *folder, unsigned number, struct arena *arena,
                                 struct suspended *session, bool *found, struct sks_error *err)
{
    struct buf contents = { 0 };
    struct bytes text;
    char path[PATH_MAX];
    enum sks_status rc;

    *found = false;
    TRY(sks_explain(err, proof_slot_path(path, folder, number)));
    if (!file_exists(path))
        return SKS_OK;
    TRY(file_read_secret(path, PROOF_SLOT_SIZE, &contents, err));
    text = proof_slot_record(buf_bytes(&contents));
    if (text.len > 0) {
        TRY(decode(path, text, arena, session, err));
        *found = true;
    }
out:
    buf_free(&contents);
    return rc;
}

static bool is_of(const struct suspended *session, struct bytes issuer_uri,
                  struct bytes server_session_id)
{
    return bytes_equal(session->issuer_uri, issuer_uri) &&
           bytes_equal(session->server_session_id, server_session_id);
}

/* A slot that cannot be read is none of this session's; suspended_each() tells of it. */
static bool find_slot(const char *folder, struct bytes issuer_uri, struct bytes server_session_id,
                      struct arena *arena, struct suspended *session)
{
    bool found = false;

    for (unsigned i = 0; i < PROOF_SLOTS && !found; i++)
        found = read_slot(folder, i, arena, session, &found, NULL) == SKS_OK && found &&
                is_of(session, issuer_uri, server_session_id);
    if (!found)
        *session = (struct suspended){ 0 };
    return found;
}

enum sks_status suspended_load(const char *folder, struct bytes issuer_uri,
                               struct bytes server_session_id, struct arena *arena,
                               struct suspended *session, bool *found, struct sks_error *err)
{
    char path[PATH_MAX];
    enum sks_status rc;

    *found = false;
    TRY(sks_explain(err, session_path(path, folder, issuer_uri, server_session_id)));
    if (!file_exists(path)) {
        *found = find_slot(folder, issuer_uri, server_session_id, arena, session);
        return SKS_OK;
    }
    TRY(read_file(path, arena, session, err));
    REQUIRE(is_of(session, issuer_uri, server_session_id), err, SKS_ERROR_EXTERNAL,
            "%s: of another session", path);
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

/* What is kept in a file, or in a slot. */
struct kept {
    const char *folder, *name; /* of the file; NULL: in the slot */
    unsigned slot;
};

static enum sks_status visit(const struct kept *kept,
                             enum sks_status (*each)(void *ctx, const struct suspended *session),
                             void *ctx, struct sks_error *err)
{
    struct suspended session = { 0 };
    struct arena arena = { 0 };
    char path[PATH_MAX];
    bool found = true;
    enum sks_status rc;

    if (kept->name == NULL)
        rc = read_slot(kept->folder, kept->slot, &arena, &session, &found, err);
    else if ((rc = file_path(path, PATH_MAX, kept->folder, kept->name)) == SKS_OK)
        rc = read_file(path, &arena, &session, err);
    if (rc != SKS_OK) {
        log_error("%s", err->text);
        rc = SKS_OK;
    } else if (found) {
        rc = each(ctx, &session);
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
        rc = visit(&(struct kept){ folder, entry[i]->d_name, 0 }, each, ctx, err);
    for (unsigned i = 0; i < PROOF_SLOTS && rc == SKS_OK; i++)
        rc = visit(&(struct kept){ folder, NULL, i }, each, ctx, err);
out:
    for (int i = 0; i < count; i++)
        free(entry[i]);
    free(entry);
    return rc;
}

/* ---- the end ---- */

static void empty_slot(const char *folder, unsigned number, struct bytes issuer_uri,
                       struct bytes server_session_id)
{
    struct suspended session = { 0 };
    struct arena arena = { 0 };
    struct buf contents = { 0 };
    int slot = proof_slot_take(folder, number, &contents);
    struct bytes text = proof_slot_record(buf_bytes(&contents));

    if (text.len > 0 && decode("", text, &arena, &session, NULL) == SKS_OK &&
        is_of(&session, issuer_uri, server_session_id))
        proof_slot_clear(slot);
    else
        proof_slot_leave(slot);
    arena_free(&arena);
    buf_free(&contents);
}

void suspended_remove(const char *folder, struct bytes issuer_uri, struct bytes server_session_id)
{
    char path[PATH_MAX];

    if (session_path(path, folder, issuer_uri, server_session_id) == SKS_OK)
        (void)unlink(path);
    for (unsigned i = 0; i < PROOF_SLOTS; i++)
        empty_slot(folder, i, issuer_uri, server_session_id);
}
