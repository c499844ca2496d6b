/* The operator's commands on invitations. */
#ifndef ISSUER_OPERATOR_INVITATIONS_H
#define ISSUER_OPERATOR_INVITATIONS_H

#include "issuer/invitation.h"
#include "keygen2/base/program.h"

struct invite_options {
    const char *data, *profile;
    const char *public_url; /* NULL: http://127.0.0.1:8080 */
    uint32_t uses;          /* 0: 1 */
    const char *expires;    /* NULL: in seven days */
    const char *subject;    /* NULL: none */
    const struct texts *settings;
    bool json;
};

/** `sks-issuer invite`. */
enum exit_code operator_invite(const struct invite_options *options);

/** `sks-issuer invitations`. */
enum exit_code operator_invitations(const char *data, bool json);

/** `sks-issuer withdraw`. @param number as it was listed */
enum exit_code operator_withdraw(const char *data, const char *number);

#endif
