#include "proxy/healthcheck.h"
#include "keygen2/base/option_check.h"
#include "keygen2/message/issuer_probe.h"
#include "proxy/relay/command.h"
#include "token/api/token_probe.h"

#include <stdio.h>
#include <string.h>

#define AT(member) .offset = offsetof(struct proxy_health_options, member)

const struct option_row PROXY_HEALTH_OPTIONS[] = {
    { "listen", 0, "ADDRESS", "where the relay listens", OPTION_TEXT, AT(listen),
      .check = check_address },
    { "to", 0, "URL", "its other side, which tells a token (unix:) and an issuer (https) apart",
      OPTION_TEXT, AT(to) },
    { "hop", 0, "END", "what stands behind it (default: by --to, else it is tried)", OPTION_TEXT,
      AT(hop), .choices = "token|issuer" },
    { "tls-certificate", 0, "PEM", "the relay answers over https, if this is set", OPTION_TEXT,
      AT(tls_certificate) },
    { "relay-ca", 0, "PEM",
      "certificates that vouch for the relay's https (the system's; on the loopback: any)",
      OPTION_TEXT, AT(ca), .check = check_certificates },
    { "relay-insecure", 0, NULL, "take any certificate of the relay", OPTION_FLAG, AT(insecure) },
    { "profile", 0, "NAME", "of an issuer: begin a session of it (default: the first without code)",
      OPTION_TEXT, AT(profile) },
    { "timeout", 0, "S", "seconds that all of it may take", OPTION_NUMBER, AT(seconds), .min = 1,
      .max = HEALTH_SECONDS_MAX },
    { "json", 0, NULL, "print the result as a JSON object", OPTION_FLAG, AT(json) },
    { 0 },
};

void proxy_health_defaults(void *options)
{
    struct proxy_health_options *o = options;

    o->listen = RELAY_LISTEN_DEFAULT;
    o->seconds = HEALTH_SECONDS_DEFAULT;
}

enum hop { HOP_UNKNOWN, HOP_TO_TOKEN, HOP_TO_ISSUER };

static enum hop find_hop(const struct proxy_health_options *o)
{
    if (o->hop != NULL)
        return strcmp(o->hop, "token") == 0 ? HOP_TO_TOKEN : HOP_TO_ISSUER;
    if (o->to != NULL && strncmp(o->to, "unix:", 5) == 0)
        return HOP_TO_TOKEN;
    if (o->to != NULL && strncmp(o->to, "https:", 6) == 0)
        return HOP_TO_ISSUER;
    return o->profile != NULL ? HOP_TO_ISSUER : HOP_UNKNOWN;
}

static enum sks_status probe(const struct proxy_health_options *o, bool local,
                             struct health *health, struct sks_error *err)
{
    struct issuer_probe issuer = { .ca_file = o->ca,
                                   .insecure = o->insecure || (local && o->ca == NULL),
                                   .profile = o->profile };
    enum hop hop = find_hop(o);
    enum sks_status rc;

    if (strncmp(health->address, "unix:", 5) == 0)
        issuer.unix_socket = health->address + 5;
    if (hop == HOP_TO_TOKEN)
        return token_probe(health, err);
    rc = issuer_probe(&issuer, health, err);
    if (hop == HOP_TO_ISSUER || rc == SKS_OK || !issuer.no_page)
        return rc;
    *err = (struct sks_error){ 0 };
    return token_probe(health, err);
}

enum exit_code proxy_healthcheck(void *options, char **operands, size_t count)
{
    const struct proxy_health_options *o = options;
    struct health health;
    struct sks_error err = { 0 };
    bool local = false;
    enum sks_status rc = SKS_OK;

    if (o->ca != NULL && o->insecure)
        return program_fail(EXIT_USAGE, "--relay-ca and --relay-insecure exclude each other");
    health_begin(&health, "sks-proxy", o->seconds);
    if (count == 0)
        TRY(health_url(&health, o->tls_certificate == NULL ? "http" : "https", o->listen, &local,
                       &err));
    else
        (void)snprintf(health.address, sizeof health.address, "%s", operands[0]);
    rc = probe(o, local, &health, &err);
out:
    return health_end(&health, rc, &err, o->json);
}
