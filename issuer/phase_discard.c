/* Giving up at once: a session that has only begun is as if it never was. */
#include "issuer/phase_internal.h"
#include "keygen2/base/log.h"

bool phase_discard(struct issuer *issuer, const char *cookie, struct arena *arena,
                   struct session *session)
{
    struct sks_error err = { 0 };
    bool found, gone = false;

    if (phase_find(issuer, cookie, arena, session, &found, &err) != SKS_OK ||
        (found && session->verdict == VERDICT_OPEN &&
         session_store_discard(&issuer->store, session, &gone, &err) != SKS_OK))
        log_error("%s", err.text[0] == '\0' ? "no memory" : err.text);
    if (gone)
        log_info("session %s profile %s: discarded by the client, nothing is kept of it",
                 session->id, session->profile);
    return gone;
}
