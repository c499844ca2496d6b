/* sks-token healthcheck. */
#include "token/api/token_probe.h"
#include "token/command/rows.h"

#include <stdio.h>

const struct option_row OPTIONS_HEALTHCHECK[] = {
    LISTEN,
    { "timeout", 0, "S", "seconds that all of it may take", OPTION_NUMBER, AT(timeout), .min = 1,
      .max = HEALTH_SECONDS_MAX },
    JSON,
    END,
};

void healthcheck_defaults(void *options)
{
    struct token_command_options *o = options;

    o->listen = LISTEN_DEFAULT;
    o->timeout = HEALTH_SECONDS_DEFAULT;
}

enum exit_code command_healthcheck(void *options, char **operands, size_t count)
{
    const struct token_command_options *o = options;
    struct health health;
    struct sks_error err = { 0 };
    bool local;
    enum sks_status rc = SKS_OK;

    health_begin(&health, "sks-token", o->timeout);
    if (count == 0)
        TRY(health_url(&health, "http", o->listen, &local, &err));
    else
        (void)snprintf(health.address, sizeof health.address, "%s", operands[0]);
    rc = token_probe(&health, &err);
out:
    return health_end(&health, rc, &err, o->json);
}
