/* Checks of values for tables of options (program.h): a text that fits is SKS_OK, of another one
 * the error says what it is not. What lies behind a name is looked at as it is at the start. */
#ifndef KEYGEN2_BASE_OPTION_CHECK_H
#define KEYGEN2_BASE_OPTION_CHECK_H

#include "keygen2/base/bytes.h"

/** HOST:PORT whose host is known here, or unix:PATH. */
CHECKED enum sks_status check_address(const char *text, struct sks_error *err);

/** http(s)://HOST and more, without spaces. */
CHECKED enum sks_status check_url(const char *text, struct sks_error *err);

/** A folder that is there. */
CHECKED enum sks_status check_folder(const char *text, struct sks_error *err);

/** A file that is there and can be read. */
CHECKED enum sks_status check_file(const char *text, struct sks_error *err);

/** A folder or a file. */
CHECKED enum sks_status check_exists(const char *text, struct sks_error *err);

/** A file of certificates in PEM. */
CHECKED enum sks_status check_certificates(const char *text, struct sks_error *err);

#endif
