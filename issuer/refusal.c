#include "issuer/refusal.h"
#include "keygen2/base/bytes.h"

#include <string.h>

enum { NO_STATUS = 0xFFFF };

/* A row without a name of its own stands for the last one above that has one. */
static const struct row {
    const char *name;
    const char *cause; /* text up to the first ':', NULL: as the name */
    unsigned status;   /* that stands for it, if the cause is of no row */
} ROWS[] = {
    /* sessions: the names of check_fail(), and causes that stand alone */
    { "address", NULL, NO_STATUS },
    { "message", NULL, NO_STATUS },
    { "session ids", NULL, NO_STATUS },
    { "client capabilities", NULL, NO_STATUS },
    { "server time", NULL, NO_STATUS },
    { "device id", NULL, NO_STATUS },
    { "client key", NULL, NO_STATUS },
    { "device path", NULL, NO_STATUS },
    { "listed device", NULL, NO_STATUS },
    { "invitation", NULL, NO_STATUS },
    { "server key", NULL, NO_STATUS },
    { "key management key", NULL, NO_STATUS },
    { "session attestation", NULL, NO_STATUS },
    { "generated keys", NULL, NO_STATUS },
    { "key attestation", NULL, NO_STATUS },
    { "key algorithm", NULL, NO_STATUS },
    { "lookup results", NULL, NO_STATUS },
    { "credentials", NULL, NO_STATUS },
    { "target", NULL, NO_STATUS },
    { "closing proof", NULL, NO_STATUS },
    { "profile", NULL, NO_STATUS },
    { "certificate", NULL, NO_STATUS },
    { "external CA", NULL, NO_STATUS },
    { "in doubt", NULL, NO_STATUS },
    { "aborted by the client", NULL, NO_STATUS },
    { "rejected by the operator", NULL, NO_STATUS },
    { "revoked by the operator", NULL, NO_STATUS },
    { "life time over", NULL, NO_STATUS },
    { NULL, "life time over before the closing proof came", NO_STATUS },
    { "machine started anew", "the machine was started anew meanwhile", NO_STATUS },
    /* who may begin: the names of admission_refuse() */
    { "code unknown", NULL, NO_STATUS },
    { "code expired", NULL, NO_STATUS },
    { "code used up", NULL, NO_STATUS },
    { "code withdrawn", NULL, NO_STATUS },
    { "too many wrong codes", NULL, NO_STATUS },
    { "no code", NULL, NO_STATUS },
    { "link expired", NULL, NO_STATUS },
    { "link used", NULL, NO_STATUS },
    { "invitation withdrawn", NULL, NO_STATUS },
    { "too many sessions", NULL, NO_STATUS },
    { "too many sessions of one address", NULL, NO_STATUS },
    { "stopping", NULL, NO_STATUS },
    /* requests that touch no session */
    { "session over", NULL, 409 },
    { NULL, "this session is over", NO_STATUS },
    { "no session", "no cookie, or one of no session", NO_STATUS },
    { "no such session", NULL, NO_STATUS },
    { "no such profile", NULL, NO_STATUS },
    { "issuer trouble", "the issuer has a problem of its own, try again", 500 },
    { NULL, "no memory", NO_STATUS },
    { "bad request", NULL, 400 },
    { "not found", NULL, 404 },
    { "method", NULL, 405 },
    { "too large", NULL, 413 },
    { "media type", NULL, 415 },
    { "too many requests", NULL, 429 },
    { "unavailable", NULL, 503 },
    { "unanswered", NULL, 0 },
    { "other", NULL, NO_STATUS }, /* the last */
};

size_t refusal_count(void)
{
    return NITEMS(ROWS);
}

const char *refusal_name(size_t number)
{
    return ROWS[number].name;
}

static bool is_cause(const struct row *row, const char *cause, size_t len)
{
    const char *text = row->cause == NULL ? row->name : row->cause;

    return strlen(text) == len && strncmp(text, cause, len) == 0;
}

size_t refusal_number(const char *cause, unsigned status)
{
    size_t len = cause == NULL ? 0 : strcspn(cause, ":"), found = NITEMS(ROWS) - 1;

    for (size_t i = NITEMS(ROWS); len > 0 && i-- > 0;)
        if (is_cause(&ROWS[i], cause, len)) {
            while (ROWS[i].name == NULL)
                i--;
            return i;
        }
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        if (ROWS[i].status == status)
            found = i;
    return found;
}
