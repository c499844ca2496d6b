/* The options of sks-issuer's commands. */
#ifndef ISSUER_OPTIONS_H
#define ISSUER_OPTIONS_H

#include "issuer/evidence.h"
#include "issuer/healthcheck.h"
#include "issuer/operator_certificates.h"
#include "issuer/operator_invitations.h"
#include "issuer/serve.h"
#include "issuer/session_list.h"

struct options {
    struct serve_options serve; /* data is for all commands */
    bool verbose, json, schema, evidence_key;
    struct evidence_options evidence;
    const char *device, *log_level;
    struct list_options sessions;
    struct revoke_options revoke;
    struct texts settings;
    struct invite_options invite;
    uint32_t older_than;
    struct health_options health;
    const char *passphrase_file;
};

/* One table a command, or a few that have the same. */
extern const struct option_row OPTIONS_INIT[], OPTIONS_SERVE[], OPTIONS_SESSIONS[], OPTIONS_SHOW[],
    OPTIONS_EVIDENCE[], OPTIONS_FORGET[], OPTIONS_DECIDE[], OPTIONS_ROLL_OVER[], OPTIONS_APPROVE[],
    OPTIONS_INVITE[], OPTIONS_INVITATIONS[], OPTIONS_REVOKE[], OPTIONS_EXPORT[], OPTIONS_KEYS[],
    OPTIONS_PURGE[], OPTIONS_BACKUP[], OPTIONS_CHECK_PROFILE[], OPTIONS_HEALTHCHECK[];

#endif
