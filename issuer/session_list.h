/* `sks-issuer sessions`. */
#ifndef ISSUER_SESSION_LIST_H
#define ISSUER_SESSION_LIST_H

#include "issuer/session.h"
#include "keygen2/base/program.h"

#include <jansson.h>

/* As on the command line; NULL, or 0: not given. */
struct list_options {
    const char *verdict, *profile, *since, *until, *device;
    uint32_t limit;
};

/** Prints a table, or JSON, of the sessions in a data folder. */
enum exit_code list_sessions(const char *data, const struct list_options *options, bool json);

/** A session as an object; NULL without memory. */
json_t *session_json(const struct session *session);

#endif
