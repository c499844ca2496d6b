#include "issuer/refusal.h"
#include "keygen2/base/bytes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { NO_STATUS = 65536 };

static const char *name_of(const char *cause, unsigned status)
{
    return refusal_name(refusal_number(cause, status));
}

/* docs/http.md, "What fails a session" */
Test(refusal, each_cause_of_a_session_is_its_own_name)
{
    static const char *const NAMES[] = {
        "address",
        "message",
        "session ids",
        "client capabilities",
        "server time",
        "device id",
        "client key",
        "device path",
        "generated keys",
        "key algorithm",
        "key attestation",
        "session attestation",
        "lookup results",
        "credentials",
        "target",
        "closing proof",
        "profile",
        "certificate",
        "life time over",
        "aborted by the client",
        "session over",
        "rejected by the operator",
        "server key",
        "listed device",
        "invitation",
        "external CA",
        "in doubt",
        "revoked by the operator",
        "key management key",
    };
    char cause[100];

    for (size_t i = 0; i < NITEMS(NAMES); i++) {
        cr_assert_str_eq(name_of(NAMES[i], NO_STATUS), NAMES[i]);
        (void)snprintf(cause, sizeof cause, "%s: and more: why", NAMES[i]);
        cr_assert_str_eq(name_of(cause, 302), NAMES[i]);
    }
}

/* docs/watching.md: what enrolment refuses has no session yet, and a status that does not tell. */
Test(refusal, each_cause_of_enrolment_is_its_own_name)
{
    static const char *const NAMES[] = {
        "code unknown",
        "code expired",
        "code used up",
        "code withdrawn",
        "too many wrong codes",
        "no code",
        "link expired",
        "link used",
        "invitation withdrawn",
        "too many sessions",
        "too many sessions of one address",
        "too many requests",
    };
    char cause[100];

    for (size_t i = 0; i < NITEMS(NAMES); i++) {
        (void)snprintf(cause, sizeof cause, "%s: and more: why", NAMES[i]);
        cr_assert_str_eq(name_of(cause, 403), NAMES[i]);
        cr_assert_str_eq(name_of(cause, 429), NAMES[i]);
    }
}

Test(refusal, other_words_for_one_name)
{
    cr_assert_str_eq(name_of("life time over before the closing proof came", NO_STATUS),
                     "life time over");
    cr_assert_str_eq(name_of("this session is over", 409), "session over");
    cr_assert_str_eq(name_of("the machine was started anew meanwhile", NO_STATUS),
                     "machine started anew");
    cr_assert_str_eq(name_of("no memory", 503), "issuer trouble");
}

Test(refusal, the_status_stands_for_unknown_causes)
{
    cr_assert_str_eq(name_of(NULL, 404), "not found");
    cr_assert_str_eq(name_of("Not Found", 404), "not found");
    cr_assert_str_eq(name_of("", 413), "too large");
    cr_assert_str_eq(name_of(NULL, 0), "unanswered");
    cr_assert_str_eq(name_of(NULL, 500), "issuer trouble");
}

Test(refusal, all_else_is_other)
{
    cr_assert_str_eq(name_of("messages: x", 302), "other");
    cr_assert_str_eq(name_of("mess", NO_STATUS), "other");
    cr_assert_str_eq(name_of(NULL, 418), "other");
}

Test(refusal, names_are_different)
{
    for (size_t i = 0; i < refusal_count(); i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(refusal_name(i) == NULL || refusal_name(j) == NULL ||
                      strcmp(refusal_name(i), refusal_name(j)) != 0);
}
