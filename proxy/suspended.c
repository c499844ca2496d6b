#include "proxy/suspended.h"

#include "keygen2/base/files.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 256 * 1024, COOKIES_MAX = 128 * 1024 };

#define AT(member) .offset = offsetof(struct suspended, member)

static const struct json_field FIELDS[] = {
    { "issuerUri", JSON_URI, JSON_MANDATORY, AT(issuer_uri) },
    { "serverSessionId", JSON_ID, JSON_MANDATORY, AT(server_session_id) },
    { "clientSessionId", JSON_ID, JSON_MANDATORY, AT(client_session_id) },
    { "cookies", JSON_BINARY, JSON_OPTIONAL, AT(cookies), .max = COOKIES_MAX },
    { "serverCertificate", JSON_BINARY, JSON_OPTIONAL, AT(certificate), .min = 32, .max = 32 },
    { "until", JSON_CUSTOM, JSON_MANDATORY, AT(until), .with = &KEYGEN2_SERVER_TIME },
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
                      "nowhere to keep a session that waits: give --state FOLDER");
out:
    return rc;
}

/* The ids may hold any character, so the name is a digest of what tells sessions apart. */
static enum sks_status session_path(char path[PATH_MAX], const char *folder,
                                    struct bytes issuer_uri, struct bytes server_session_id)
{
    struct buf ids = { 0 };
    uint8_t digest[32];
    char name[40] = "";
    enum sks_status rc;

    put_array(&ids, issuer_uri);
    put_array(&ids, server_session_id);
    TRY(ids.status);
    REQUIRE(EVP_Digest(ids.ptr, ids.len, digest, NULL, EVP_sha256(), NULL), NULL, SKS_ERROR_CRYPTO,
            "no digest");
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(name + 2 * i, sizeof name - 2 * i, "%02x", digest[i]);
    (void)snprintf(name + 32, sizeof name - 32, ".json");
    TRY(file_path(path, PATH_MAX, folder, name));
out:
    buf_free(&ids);
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
    TRY(file_make_folder(folder, 0700, err));
    TRY(sks_explain(err,
                    session_path(path, folder, session->issuer_uri, session->server_session_id)));
    TRY(file_write(path, 0600, buf_bytes(&text), err));
out:
    buf_free(&text);
    return rc;
}

enum sks_status suspended_load(const char *folder, struct bytes issuer_uri,
                               struct bytes server_session_id, struct arena *arena,
                               struct suspended *session, bool *found, struct sks_error *err)
{
    struct sks_error why = { 0 };
    struct buf text = { 0 };
    json_t *object = NULL;
    char path[PATH_MAX];
    enum sks_status rc;

    *found = false;
    TRY(sks_explain(err, session_path(path, folder, issuer_uri, server_session_id)));
    if (!file_exists(path))
        return SKS_OK;
    TRY(file_read_secret(path, FILE_MAX_BYTES, &text, err));
    rc = json_parse(buf_bytes(&text), &object, &why);
    if (rc == SKS_OK)
        rc = json_decode(&SUSPENDED, object, session, arena, &why);
    REQUIRE(rc == SKS_OK && bytes_equal(session->issuer_uri, issuer_uri) &&
                bytes_equal(session->server_session_id, server_session_id),
            err, SKS_ERROR_EXTERNAL, "%s: %s", path,
            rc == SKS_OK ? "of another session" : why.text);
    *found = true;
out:
    buf_free(&text);
    return rc;
}

void suspended_remove(const char *folder, struct bytes issuer_uri, struct bytes server_session_id)
{
    char path[PATH_MAX];

    if (session_path(path, folder, issuer_uri, server_session_id) == SKS_OK)
        (void)unlink(path);
}
