#include "issuer/healthcheck.h"
#include "issuer/serve.h"
#include "keygen2/message/issuer_probe.h"

#include <stdio.h>
#include <string.h>

/* The http listener if there is one: it needs no trust. */
static enum sks_status own_address(const struct health_options *o, struct health *health,
                                   bool *local, struct sks_error *err)
{
    if (o->http == NULL && o->https != NULL)
        return health_url(health, "https", o->https, local, err);
    return health_url(health, "http", o->http == NULL ? HTTP_DEFAULT : o->http, local, err);
}

enum exit_code healthcheck(const struct health_options *o, const char *url)
{
    struct issuer_probe probe = { .ca_file = o->ca,
                                  .insecure = o->insecure,
                                  .profile = o->profile };
    struct health health;
    struct sks_error err = { 0 };
    bool local = false;
    enum sks_status rc = SKS_OK;

    if (o->ca != NULL && o->insecure)
        return program_fail(EXIT_USAGE, "--ca and --insecure exclude each other");
    health_begin(&health, "sks-issuer", o->seconds);
    if (url == NULL)
        TRY(own_address(o, &health, &local, &err));
    else
        (void)snprintf(health.address, sizeof health.address, "%s", url);
    if (strncmp(health.address, "unix:", 5) == 0)
        probe.unix_socket = health.address + 5;
    if (local && o->ca == NULL) /* its certificate need not name the loopback, where nobody sits
                                   between */
        probe.insecure = true;
    rc = issuer_probe(&probe, &health, &err);
out:
    return health_end(&health, rc, &err, o->json);
}
