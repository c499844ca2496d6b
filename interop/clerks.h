/* Who answers at a desk: the operator of the issuer, the witness beside the token, and the tester
 * that calls it. */
#ifndef INTEROP_CLERKS_H
#define INTEROP_CLERKS_H

#include "keygen2/base/program.h"

#include <signal.h>
#include <sys/types.h>

struct operator_options {
    const char *desk;
    const char *data;    /* the issuer's folder */
    const char *publish; /* where its TLS certificate is copied to; NULL: nowhere */
    const char *trust;   /* folder of device CAs that it adds for the issuer; NULL: none */
    uint32_t issuer;     /* its process; 0: it is not told of anything */
};

/** Does what the driver asks of an operator, by `sks-issuer`, until *stop. */
enum exit_code operator_run(const struct operator_options *options,
                            const volatile sig_atomic_t *stop);

struct tester_options {
    const char *desk;
    const char *token;   /* URL of the token itself */
    const char *reports; /* folder for the reports of sks-conform */
};

/** Runs sks-conform against the token, when the driver asks, until *stop. */
enum exit_code tester_run(const struct tester_options *options, const volatile sig_atomic_t *stop);

/** Says what can be reached from where it runs, until *stop. @param desk  folder */
enum exit_code witness_run(const char *desk, const volatile sig_atomic_t *stop);

#endif
