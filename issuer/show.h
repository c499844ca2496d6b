/* `sks-issuer show`. */
#ifndef ISSUER_SHOW_H
#define ISSUER_SHOW_H

#include "keygen2/base/program.h"

/** Prints a session as a timeline of messages and checks, or as JSON. @param id serverSessionId */
enum exit_code show_session(const char *data, const char *id, bool json);

#endif
