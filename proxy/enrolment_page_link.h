/* The "webpkiproxy://keygen2?..." link of an issuer's enrolment page. */
#ifndef PROXY_ENROLMENT_PAGE_LINK_H
#define PROXY_ENROLMENT_PAGE_LINK_H

#include "keygen2/base/arena.h"

struct page_link {
    const char *url;    /* of the issuer's profile */
    const char *cookie; /* "NAME=VALUE"; NULL: none */
};

/** True for a text that begins like such a link. */
bool page_link_is(const char *text);

/**
 * Reads one.
 *
 * @param link  out: in the arena
 * @return SKS_ERROR_OPTION for one that is malformed, or that wants another client, with the reason
 */
CHECKED enum sks_status page_link_read(const char *text, struct arena *arena,
                                       struct page_link *link, struct sks_error *err);

#endif
