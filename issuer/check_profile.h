/* `sks-issuer check-profile`. */
#ifndef ISSUER_CHECK_PROFILE_H
#define ISSUER_CHECK_PROFILE_H

#include "keygen2/base/program.h"

/**
 * Checks profiles and prints what is wrong with each.
 *
 * @param json   print one JSON object
 * @return EXIT_REFUSED if one is not good, EXIT_IO if one cannot be read
 */
enum exit_code check_profiles(char **files, size_t count, bool json);

/** Prints the JSON Schema of profiles. */
enum exit_code print_profile_schema(void);

#endif
