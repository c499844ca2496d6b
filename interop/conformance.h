/* Runs sks-conform against an end, and keeps its reports. */
#ifndef INTEROP_CONFORMANCE_H
#define INTEROP_CONFORMANCE_H

#include "keygen2/base/bytes.h"

#include <jansson.h>

enum { CONFORMANCE_SECONDS = 600, CONFORMANCE_CASES_MAX = 8 };

struct conformance {
    const char *end;     /* "token" or "issuer" */
    const char *url;     /* of the end */
    const char *ca;      /* PEM that vouches for an https issuer; NULL: the system's */
    const char *device;  /* of an issuer: folder of the device that visits it */
    bool trusted;        /* that device, by the issuer: no refusal of it is right */
    const char *reports; /* folder for conform-END.json, .xml and .html; NULL: none are kept */
    const json_t *cases; /* array of ids and patterns, for --only; NULL or empty: all of them */
};

/**
 * Runs it to its end. Reports of an earlier run are taken away first.
 *
 * @param account  out: a new object, with `url`, `code` (exit code), `said` (its last complaint)
 * and `report` (what --json prints; null if it did not come to that)
 * @return SKS_ERROR_OPTION for cases that are no texts or too many; SKS_ERROR_EXTERNAL if it cannot
 *         be run, takes more than CONFORMANCE_SECONDS, or its report cannot be kept
 */
CHECKED enum sks_status conformance_run(const struct conformance *conformance, json_t **account,
                                        struct sks_error *err);

#endif
