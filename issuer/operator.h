/* What the operator does with a data folder, beside a running server or without one. */
#ifndef ISSUER_OPERATOR_H
#define ISSUER_OPERATOR_H

#include "keygen2/base/program.h"

/** `sks-issuer keys`. @param device hexadecimal SHA-256 of a device certificate; NULL: all */
enum exit_code operator_keys(const char *data, const char *device, bool json);

/** `sks-issuer roll-over`. */
enum exit_code operator_roll_over(const char *data, bool json);

/** `sks-issuer roll-over --evidence-key`. */
enum exit_code operator_renew_evidence(const char *data, bool json);

/**
 * `sks-issuer approve` and `reject`.
 *
 * @param session   its id
 * @param device    as of deferred_decide(), NULL: not given
 * @param settings  values of the enrolment, "NAME=VALUE"; NULL: none
 */
enum exit_code operator_decide(const char *data, const char *session, bool approve,
                               const char *device, const struct texts *settings);

/** `sks-issuer forget`. @param session its id */
enum exit_code operator_forget(const char *data, const char *session);

#endif
