#include "token/port.h"
#include "keygen2/base/files.h"

#include <stdio.h>

static enum sks_status call_own_token(void *ctx, struct bytes request, struct buf *answer,
                                      enum call_fate *fate, struct sks_error *err)
{
    token_process(ctx, request, answer);
    *fate = CALL_ANSWERED;
    return sks_explain(err, answer->status);
}

enum sks_status port_open(const char *store, const char *key_file, struct port *port,
                          struct sks_error *err)
{
    return port_open_with(store, key_file, &(struct token_options){ 0 }, port, err);
}

enum sks_status port_open_with(const char *store, const char *key_file,
                               const struct token_options *options, struct port *port,
                               struct sks_error *err)
{
    const struct token_link_config config = { 0 };
    struct token_transport own = { .exchange = call_own_token };
    char url[FOLDER_PATH_MAX + 8];
    enum sks_status rc;

    *port = (struct port){ .folder.lock = -1 };
    TRY(folder_paths(&port->folder, store, key_file, err));
    REQUIRE(file_exists(port->folder.database), err, SKS_ERROR_EXTERNAL,
            "%s: no token store (run sks-token init)", store);
    rc = folder_lock(&port->folder, err);
    if (rc == SKS_ERROR_NOT_AVAILABLE) { /* somebody serves it */
        (void)snprintf(url, sizeof url, "unix:%s", port->folder.control);
        return token_link_open(url, &config, &port->link, err);
    }
    TRY(rc);
    TRY(token_open(port->folder.database, port->folder.master_key, options, &port->token, err));
    own.ctx = port->token;
    TRY(token_link_open_over(&own, &config, &port->link, err));
out:
    return rc;
}

void port_close(struct port *port)
{
    token_link_close(port->link);
    token_close(port->token);
    folder_unlock(&port->folder);
}
