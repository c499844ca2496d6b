#include "token/command/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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
    TRY(folder_need_store(&port->folder, store, err));
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

/* Calls that leave something behind, beside the counter of a PIN. */
static bool changes_token(enum method_id method)
{
    return method == ABORT_PROVISIONING_SESSION || (method >= DELETE_KEY && method <= SET_PIN);
}

enum sks_status port_call(struct port *port, enum method_id method, const union sks_in *in,
                          union sks_out *out, struct arena *arena, struct sks_error *err)
{
    struct sks_error own = { 0 };
    enum sks_status rc = token_call(port->link, method, in, out, arena, &own);
    enum call_fate fate = token_link_fate(port->link);

    if (rc == SKS_OK)
        return SKS_OK;
    port->exit = program_exit_code(rc);
    if (fate == CALL_ANSWERED && (rc == SKS_ERROR_OPTION || rc == SKS_ERROR_NOT_AVAILABLE))
        port->exit = EXIT_REFUSED; /* not trouble of the command line, or on the way */
    if (fate == CALL_ANSWERED)
        return sks_fail(err, rc, "refused by the token: %s: %s", sks_status_name((int)rc),
                        own.text);
    if (fate == CALL_NOT_MADE || !changes_token(method))
        return sks_fail(err, rc, "%s", own.text);
    port->exit = EXIT_IN_DOUBT;
    return sks_fail(err, rc, "%s; nobody knows whether %s took effect", own.text,
                    sks_method((uint8_t)method)->name);
}

bool port_parse_handle(const char *text, uint32_t *handle)
{
    unsigned long long value;
    char *end;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > UINT32_MAX)
        return false;
    *handle = (uint32_t)value;
    return true;
}

enum exit_code port_finish(struct port *port, enum sks_status rc, const struct sks_error *err)
{
    port_close(port);
    if (rc == SKS_OK)
        return EXIT_DONE;
    return program_fail(port->exit == EXIT_DONE ? program_exit_code(rc) : port->exit, "%s",
                        err->text);
}

void port_close(struct port *port)
{
    token_link_close(port->link);
    token_close(port->token);
    folder_unlock(&port->folder);
}
