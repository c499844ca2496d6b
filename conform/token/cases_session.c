/* createProvisioningSession, the life of a session, and its end. */
#include "conform/token/families.h"
#include "conform/token/session.h"

static enum sks_status one_key(struct check *check, void *end, const void *row)
{
    struct session s = { 0 };
    struct key key;
    struct policy pin;
    enum sks_status rc;

    (void)row;
    TRY(session_open(&s, end, check));
    TRY(session_make_pin(&s, NULL, &pin));
    TRY(session_make_key(&s, &pin, &key));
    TRY(session_certify(&s, &key));
    rc = session_close(&s);
out:
    session_free(&s);
    return rc;
}

static const struct conform_case CASES[] = {
    { "session.one-key", "a session with one key closes, and all that it attests holds",
      "SKS closeProvisioningSession", LEVEL_MUST, 0, false, one_key, NULL },
};

void cases_of_sessions(struct cases *cases)
{
    cases_add_all(cases, CASES, NITEMS(CASES));
}
