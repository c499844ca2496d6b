/* What the operator does with certificates, beside a running server or without one. */
#ifndef ISSUER_OPERATOR_CERTIFICATES_H
#define ISSUER_OPERATOR_CERTIFICATES_H

#include "keygen2/base/program.h"

struct revoke_options {
    const char *data, *session, *reason; /* session NULL: the operand names a certificate */
    bool hold, release;
    bool json;
};

/** `sks-issuer revoke`. @param serial hexadecimal; NULL: options->session */
enum exit_code operator_revoke(const struct revoke_options *options, const char *serial);

/** `sks-issuer export`. @param session NULL: all */
enum exit_code operator_export(const char *data, const char *session, bool json);

#endif
