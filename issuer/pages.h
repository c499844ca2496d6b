/* What a person, or a script, is told: HTML that a phone can show, or JSON. */
#ifndef ISSUER_PAGES_H
#define ISSUER_PAGES_H

#include "issuer/profile.h"
#include "issuer/session.h"
#include "keygen2/base/http_server.h"
#include "keygen2/base/markup.h"

extern const char PAGE_HTML[], PAGE_JSON[]; /* content types */

/** A page begins and ends; between them comes HTML. @param title plain text without markup */
void put_page_begin(struct buf *out, const char *title);
void put_page_end(struct buf *out);

/** Appends a paragraph, nothing for an empty text. */
void put_paragraph(struct buf *out, struct bytes text);

/** Appends a row of a <dl>, nothing for an empty value. @param name HTML */
void put_page_entry(struct buf *out, const char *name, const char *value);

/** The same with a time. @param seconds since 1970 */
void put_page_time(struct buf *out, const char *name, int64_t seconds);

/** What browsers may do with a page: no scripts, nothing from elsewhere, not kept. */
void page_set_headers(struct http_response *response);

/** Appends a page that says no. @param text begins small; a URL at its end becomes a link */
void put_refusal_page(struct buf *out, const char *text);

/** Appends the page of a finished session. */
void put_session_page(struct buf *out, const struct session *session);

/** Appends {"serverSessionId","profile","verdict","cause"}. */
void put_session_json(struct buf *out, const struct session *session);

/** Appends the page of a session that waits for the operator. */
void put_pending_page(struct buf *out, const struct session *session);

/** Appends {"serverSessionId","profile","state","expires"}; state is "pending" or "approved". */
void put_pending_json(struct buf *out, const struct session *session);

/** Appends {"profiles":[{"name","keygen2","enroll","code","description"}]}; code: one is needed to
 * begin. */
void put_index_json(struct buf *out, const struct profile_list *profiles, const char *base);

/** Appends the list of profiles. @param base URL of the issuer */
void put_index_page(struct buf *out, const struct profile_list *profiles, const char *base);

#endif
