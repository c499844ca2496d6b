/* sks-vectors check-evidence. */
#ifndef TESTVECTORS_CHECK_EVIDENCE_H
#define TESTVECTORS_CHECK_EVIDENCE_H

#include "keygen2/base/program.h"

/* Exit codes of commands that check a file. */
#define EXIT_VALID EXIT_DONE
#define EXIT_INVALID EXIT_REFUSED
#define EXIT_UNREADABLE EXIT_USAGE

/**
 * Checks an evidence record and prints what was found.
 *
 * @param path    of the record; "-" for standard input
 * @param issuer  PEM file: certificates of evidence keys, or of CAs that have issued such
 * @param json    as a JSON object, else a line a finding
 */
enum exit_code check_evidence(const char *path, const char *issuer, bool json);

#endif
