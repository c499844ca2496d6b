/* The enrolment page as a browser has it: a page, its cookie, its link, its form. */
#ifndef CONFORM_ISSUER_BROWSER_H
#define CONFORM_ISSUER_BROWSER_H

#include "conform/issuer/visit.h"

/* What a link says, decoded, in the case's arena. */
struct enrolment_link {
    struct bytes query; /* all of it, as it stands there */
    const char *init, *url, *cncl, *cookie, *ver;
};

/** A browser without cookies at the page of a profile, as a visit that has begun no session: its
 * exchange is the last one. Free with visit_free(). */
void browser_open(struct visit *browser, struct site *site, const struct site_profile *profile,
                  struct check *check);

/** Loads the page, and keeps its cookie. @param query  "" or "?..." */
CHECKED enum sks_status browser_load(struct visit *browser, const char *query);

/** Sends its form. @param form  the body @param content_type  as of http_client_exchange() */
CHECKED enum sks_status browser_send(struct visit *browser, const char *content_type,
                                     struct bytes form);

/** Sends a code. */
CHECKED enum sks_status browser_send_code(struct visit *browser, const char *code);

/** True if the page that came has a link. */
bool browser_has_link(const struct visit *browser);

/** Expects that it has one, and reads it. */
CHECKED enum sks_status browser_link(struct visit *browser, struct enrolment_link *link);

#endif
