/* sks-token serve. */
#include "keygen2/base/files.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"
#include "token/commands.h"
#include "token/folder.h"
#include "token/service.h"

#include <stdio.h>

struct serving {
    struct folder folder;
    struct token *token;
    struct http_server *server;
    struct http_config config;
    struct bytes host[TEXTS_MAX];
    struct bytes_list hosts;
};

static void name_hosts(struct serving *s, const struct texts *names)
{
    for (size_t i = 0; i < names->count; i++)
        s->host[i] = bytes_of(names->item[i]);
    s->hosts = (struct bytes_list){ s->host, names->count };
}

/* A server for a store that was never initialised would be one that nobody can use. */
static enum sks_status check_store(const struct serving *s, const char *store,
                                   struct sks_error *err)
{
    return file_exists(s->folder.database)
               ? SKS_OK
               : sks_fail(err, SKS_ERROR_EXTERNAL, "%s: no token store (run sks-token init)",
                          store);
}

static enum sks_status start(const struct token_command_options *o, struct serving *s,
                             const char **url, struct sks_error *err)
{
    const struct token_options options = { .storage_limit = o->storage_limit,
                                           .rsa_pool = o->rsa_pool };
    char control[FOLDER_PATH_MAX + 8];
    const char *control_url;
    enum sks_status rc;

    REQUIRE(o->listen_any || socket_is_local(o->listen), err, SKS_ERROR_OPTION,
            "--listen %s: not loopback; a token is a local thing (--listen-any if it must be)",
            o->listen);
    TRY(check_store(s, o->store, err));
    TRY(folder_lock(&s->folder, err));
    TRY(token_open(s->folder.database, s->folder.master_key, &options, &s->token, err));
    service_configure(&s->config, s->token, &s->hosts);
    TRY(http_server_new(&s->config, &s->server, err));
    (void)snprintf(control, sizeof control, "unix:%s", s->folder.control);
    TRY(http_server_listen(s->server, control, NULL, NULL, &control_url, err));
    TRY(http_server_listen(s->server, o->listen, NULL, NULL, url, err));
out:
    return rc;
}

enum exit_code command_serve(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct serving s = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    const char *url;
    enum sks_status rc;

    (void)operands, (void)count;
    log_set_level(o->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    http_block_signals();
    name_hosts(&s, &o->hosts);
    TRY(folder_paths(&s.folder, o->store, o->key_file, &err));
    TRY(start(o, &s, &url, &err));
    (void)printf("ready %s\n", url);
    (void)fflush(stdout);
    (void)http_wait_for_signal();
    log_info("stopping");
out:
    http_server_free(s.server);
    token_close(s.token);
    folder_unlock(&s.folder);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
