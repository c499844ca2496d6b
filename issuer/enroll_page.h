/* /enroll/{profile}: where a person begins, with a code if the profile wants one. */
#ifndef ISSUER_ENROLL_PAGE_H
#define ISSUER_ENROLL_PAGE_H

#include "keygen2/base/http_server.h"

#define ENROLL_FORM_TYPE "application/x-www-form-urlencoded"

http_handler enroll_get, enroll_post; /* ctx: struct issuer */

#endif
