/* sks-token serve. */
#include "keygen2/base/files.h"
#include "keygen2/base/http_socket.h"
#include "keygen2/base/log.h"
#include "keygen2/base/memory.h"
#include "token/command/commands.h"
#include "token/command/folder.h"
#include "token/command/service.h"
#include "token/deactivation.h"
#include "token/simulation.h"

#include <stdio.h>

enum { CA_FILE_MAX = 64 * 1024, PUBLIC_MODE = 0644 };

struct serving {
    unsigned simulations;
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

/* For issuers that may see nothing else of the store. */
static enum sks_status publish_ca(const struct serving *s, const char *path, struct sks_error *err)
{
    struct buf pem = { 0 };
    enum sks_status rc;

    if (path == NULL)
        return SKS_OK;
    TRY(file_read(s->folder.device_ca, CA_FILE_MAX, &pem, err));
    TRY(file_write(path, PUBLIC_MODE, buf_bytes(&pem), err));
out:
    buf_free(&pem);
    return rc;
}

static enum sks_status start(const struct token_command_options *o, struct serving *s,
                             const char **url, struct sks_error *err)
{
    const struct token_options options = { .storage_limit = o->storage_limit,
                                           .simulations = s->simulations,
                                           .allow_deactivate = o->allow_deactivate,
                                           .rsa_pool = o->rsa_pool,
                                           .update_url = o->update_url,
                                           .update_key = o->update_key };
    char control[FOLDER_PATH_MAX + 8];
    enum sks_status rc;

    REQUIRE(o->listen_any || socket_is_local(o->listen), err, SKS_ERROR_OPTION,
            "--listen: %s is not loopback; a token is a local thing (--listen-any if it must be)",
            o->listen);
    if (o->init)
        TRY(init_if_missing(o, err));
    TRY(folder_need_store(&s->folder, o->store, err));
    TRY(folder_lock(&s->folder, err));
    folder_sweep(&s->folder);
    TRY(publish_ca(s, o->publish_ca, err));
    TRY(token_open(s->folder.database, s->folder.master_key, &options, &s->token, err));
    service_configure(&s->config, s->token, &s->hosts);
    TRY(http_server_new(&s->config, &s->server, err));
    (void)snprintf(control, sizeof control, "unix:%s", s->folder.control);
    TRY(http_server_listen_control(s->server, control, err));
    TRY(http_server_listen(s->server, o->listen, NULL, NULL, url, err));
out:
    return rc;
}

enum exit_code command_serve(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct serving s = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    char simulations[SIMULATION_TEXT_MAX];
    const char *url;
    enum sks_status rc;

    (void)operands, (void)count;
    log_set_level(o->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    memory_for_server();
    http_block_signals();
    name_hosts(&s, &o->hosts);
    TRY(simulation_parse(o->simulate, &s.simulations, &err));
    simulation_text(s.simulations, simulations);
    TRY(folder_paths(&s.folder, o->store, o->key_file, &err));
    TRY(start(o, &s, &url, &err));
    if (token_is_deactivated(s.token))
        log_info("the token is deactivated: only getDeviceInfo is answered until "
                 "sks-token activate");
    REQUIRE(printf("ready %s%s\n", url, simulations) > 0 && fflush(stdout) == 0, &err,
            SKS_ERROR_EXTERNAL, "cannot write to standard output");
    (void)http_wait_for_signal();
    log_info("stopping");
out:
    http_server_free(s.server);
    token_close(s.token);
    folder_unlock(&s.folder);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
