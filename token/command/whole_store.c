#include "token/command/whole_store.h"
#include "keygen2/base/files.h"
#include "token/api/control.h"
#include "token/api/token_link.h"
#include "token/master_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { COPY_SECONDS = 3600 }; /* a large store on a slow disk */

/* The name comes from whoever listens on the control socket. */
static bool is_name_of_copy(struct bytes name)
{
    const size_t prefix = sizeof TOKEN_COPY - 1;

    return name.len > prefix && memcmp(name.ptr, TOKEN_COPY, prefix) == 0 &&
           memchr(name.ptr, '/', name.len) == NULL && memchr(name.ptr, '\0', name.len) == NULL;
}

static enum sks_status ask_server(struct whole_store *w, const char *store, struct sks_error *err)
{
    const struct token_link_config config = { .path = CONTROL_COPY_PATH, .timeout = COPY_SECONDS };
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    char url[FOLDER_PATH_MAX + 8];
    union sks_out out;
    enum sks_status rc;

    (void)snprintf(url, sizeof url, "unix:%s", w->folder.control);
    TRY(token_link_open(url, &config, &link, err));
    TRY(token_call_row(link, &CONTROL_COPY, NULL, &out, &arena, err));
    REQUIRE(is_name_of_copy(out.copy.name), err, SKS_ERROR_EXTERNAL,
            "the token's server answered with the name of no copy");
    rc = file_path(w->copy, sizeof w->copy, store, arena_text(&arena, out.copy.name));
    REQUIRE(rc == SKS_OK, err, rc, "--store: the path is too long");
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

enum sks_status whole_store_open(const char *store, const char *key_file, struct whole_store *w,
                                 struct sks_error *err)
{
    enum sks_status rc;

    *w = (struct whole_store){ .folder.lock = -1 };
    TRY(folder_paths(&w->folder, store, key_file, err));
    TRY(folder_need_store(&w->folder, store, err));
    rc = folder_lock(&w->folder, err);
    if (rc == SKS_OK)
        return master_key_open(w->folder.database, w->folder.master_key, &w->vault, &w->store, err);
    if (rc != SKS_ERROR_NOT_AVAILABLE)
        return rc;
    TRY(ask_server(w, store, err)); /* somebody serves it */
    TRY(master_key_open_copy(w->copy, w->folder.master_key, &w->vault, &w->store, err));
out:
    return rc;
}

enum sks_status whole_store_settle(struct whole_store *w, const char **path, struct sks_error *err)
{
    const char *database = w->copy[0] == '\0' ? w->folder.database : w->copy;
    char log[FOLDER_PATH_MAX + 8];
    struct stat about;

    store_close(w->store);
    w->store = NULL;
    *path = database;
    (void)snprintf(log, sizeof log, "%s-wal", database);
    if (stat(log, &about) != 0 || about.st_size == 0)
        return SKS_OK;
    return sks_fail(err, SKS_ERROR_STORAGE, "%s: SQLite left it there; is the disk full?", log);
}

void whole_store_close(struct whole_store *w)
{
    store_close(w->store);
    vault_close(w->vault);
    if (w->copy[0] != '\0')
        folder_remove_database(w->copy);
    folder_unlock(&w->folder);
}
