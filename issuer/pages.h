/* What a person, or a script, is told: HTML that a phone can show, or JSON. */
#ifndef ISSUER_PAGES_H
#define ISSUER_PAGES_H

#include "issuer/profile.h"
#include "issuer/session.h"

extern const char PAGE_HTML[], PAGE_JSON[]; /* content types */

/** Appends the page of a finished session. */
void put_session_page(struct buf *out, const struct session *session);

/** Appends {"serverSessionId","profile","verdict","cause"}. */
void put_session_json(struct buf *out, const struct session *session);

/** Appends the page of a session that waits for the operator. */
void put_pending_page(struct buf *out, const struct session *session);

/** Appends {"serverSessionId","profile","state","expires"}; state is "pending" or "approved". */
void put_pending_json(struct buf *out, const struct session *session);

/** Appends the list of profiles. @param base URL of the issuer */
void put_index_page(struct buf *out, const struct profile_list *profiles, const char *base);

#endif
