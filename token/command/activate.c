/* sks-token deactivate and activate: on a store that nobody serves, or beside its server. */
#include "keygen2/base/terminal.h"
#include "token/api/control.h"
#include "token/command/port.h"
#include "token/command/rows.h"
#include "token/deactivation.h"

#include <stdio.h>

const struct option_row OPTIONS_DEACTIVATE[] = { STORE, MASTER_KEY, YES, END };
const struct option_row OPTIONS_ACTIVATE[] = { STORE, MASTER_KEY, END };

/* The owner of a store that nobody serves needs no --allow-deactivate. */
static enum sks_status deactivate_token(struct port *port, struct sks_error *err)
{
    struct arena arena = { 0 };
    enum sks_status rc;

    if (port->token != NULL)
        return token_deactivate(port->token, err);
    rc = token_call(port->link, DEACTIVATE, NULL, NULL, &arena, err);
    arena_free(&arena);
    return rc;
}

enum exit_code command_deactivate(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct port port = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(terminal_consent(o->yes,
                         "Every open session will be aborted, and no key can be used until "
                         "sks-token activate.\nDeactivate the token?",
                         &err));
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(deactivate_token(&port, &err));
    (void)printf("deactivated\n");
out:
    port_close(&port);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}

/* Through the control socket of the server, which reads the master key by itself. */
static enum sks_status activate_server(const struct folder *folder, bool *was_deactivated,
                                       bool *refused, struct sks_error *err)
{
    const struct token_link_config config = { .path = CONTROL_ACTIVATE_PATH };
    struct token_link *link = NULL;
    struct arena arena = { 0 };
    char url[FOLDER_PATH_MAX + 8];
    union sks_out out;
    enum sks_status rc;

    (void)snprintf(url, sizeof url, "unix:%s", folder->control);
    TRY(token_link_open(url, &config, &link, err));
    rc = token_call_row(link, &CONTROL_ACTIVATE, NULL, &out, &arena, err);
    *refused = token_link_fate(link) == CALL_ANSWERED && rc == SKS_ERROR_NOT_AVAILABLE;
    TRY(rc);
    *was_deactivated = out.activate.was_deactivated;
out:
    token_link_close(link);
    arena_free(&arena);
    return rc;
}

enum exit_code command_activate(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct port port = { .folder.lock = -1 };
    struct sks_error err = { 0 };
    bool was_deactivated = false, refused = false;
    enum sks_status rc;

    (void)operands, (void)count;
    TRY(port_open(o->store, o->key_file, &port, &err));
    TRY(port.token != NULL ? token_lift_deactivation(port.token, &was_deactivated, &err)
                           : activate_server(&port.folder, &was_deactivated, &refused, &err));
    (void)printf(was_deactivated ? "activated\n" : "the token is not deactivated\n");
out:
    port_close(&port);
    if (rc == SKS_OK)
        return EXIT_DONE;
    return program_fail(refused ? EXIT_REFUSED : program_exit_code(rc), "%s", err.text);
}
