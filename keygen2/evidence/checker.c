#include "keygen2/evidence/checker.h"
#include "keygen2/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 1000 };

static void add(struct checker *c, enum evidence_result result, const char *name, char *detail)
{
    struct evidence_report *report = c->report;
    struct evidence_finding *more;

    log_clean(detail); /* it repeats what the record says, maybe cut */
    if (report->findings == report->room) {
        report->room = report->room == 0 ? 64 : 2 * report->room;
        more = arena_alloc(c->arena, report->room, sizeof *more);
        if (more == NULL) {
            c->no_memory = true;
            report->room = report->findings;
            return;
        }
        if (report->findings > 0)
            memcpy(more, report->finding, report->findings * sizeof *more);
        report->finding = more;
    }
    report->finding[report->findings] =
        (struct evidence_finding){ result, name, arena_text(c->arena, bytes_of(detail)) };
    c->no_memory |= report->finding[report->findings++].detail == NULL;
    report->count[result]++;
}

void checker_tell(struct checker *c, enum evidence_result result, const char *name,
                  const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    add(c, result, name, detail);
}

void checker_break(struct checker *c, const char *name, const char *format, ...)
{
    char detail[DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    add(c, EVIDENCE_BAD, name, detail);
    c->stopped = c->broken = true;
}

/* ---- the checks that the record tells ---- */

bool checker_knows(struct bytes name)
{
    static const char *const KNOWN[] = {
        EVIDENCE_CHECK_SESSION_IDS,    EVIDENCE_CHECK_SERVER_TIME,
        EVIDENCE_CHECK_DEVICE_ID,      EVIDENCE_CHECK_CLIENT_KEY,
        EVIDENCE_CHECK_DEVICE_PATH,    EVIDENCE_CHECK_SESSION_ATTESTATION,
        EVIDENCE_CHECK_GENERATED_KEYS, EVIDENCE_CHECK_KEY_ATTESTATION,
        EVIDENCE_CHECK_KEY_ALGORITHM,  EVIDENCE_CHECK_MAC,
        EVIDENCE_CHECK_CLOSING_PROOF,  EVIDENCE_CHECK_MESSAGE,
        EVIDENCE_CHECK_ADDRESS,        EVIDENCE_CHECK_PROFILE,
    };

    for (size_t i = 0; i < NITEMS(KNOWN); i++)
        if (bytes_equal(name, bytes_of(KNOWN[i])))
            return true;
    return false;
}

static const struct evidence_check *next_check(const struct checker *c)
{
    const struct evidence_check *check = c->record->checks.item;

    return c->next < c->record->checks.count ? &check[c->next] : NULL;
}

void checker_end(struct checker *c)
{
    c->failed = next_check(c);
    c->next++;
    c->stopped = true;
}

const struct evidence_check *checker_failure(const struct checker *c, const char *name)
{
    const struct evidence_check *said = next_check(c);

    return said != NULL && !said->passed && bytes_equal(said->name, bytes_of(name)) ? said : NULL;
}

void checker_skip(struct checker *c)
{
    const struct evidence_check *said;

    while (!c->stopped && (said = next_check(c)) != NULL && !checker_knows(said->name)) {
        if (said->passed) {
            c->next++;
            continue;
        }
        checker_tell(c, EVIDENCE_NOT_CHECKED, "failure", "%.*s: %.*s", SLICE(said->name),
                     SLICE(said->detail));
        checker_end(c);
    }
}

static void compare(struct checker *c, const char *name, enum truth found,
                    const struct evidence_check *said, const char *detail)
{
    bool differs = detail != NULL && !bytes_equal(said->detail, bytes_of(detail));

    if (found == UNKNOWN)
        checker_tell(c, EVIDENCE_NOT_CHECKED, name, "%s, says the record: %.*s",
                     said->passed ? "passed" : "failed", SLICE(said->detail));
    else if (found == FAILS && said->passed)
        checker_tell(c, EVIDENCE_BAD, name, "recorded as passed, and does not hold: %.*s",
                     SLICE(said->detail));
    else if (said->passed && differs)
        checker_tell(c, EVIDENCE_BAD, name, "recorded as \"%.*s\", and is \"%s\"",
                     SLICE(said->detail), detail);
    else if (said->passed)
        checker_tell(c, EVIDENCE_GOOD, name, "%.*s", SLICE(said->detail));
    else if (found == FAILS)
        checker_tell(c, EVIDENCE_GOOD, name, "fails, as recorded: %.*s", SLICE(said->detail));
    else if (strcmp(name, EVIDENCE_CHECK_DEVICE_PATH) == 0) /* whom the issuer trusts, it knows */
        checker_tell(c, EVIDENCE_NOT_CHECKED, name, "failed, says the record: %.*s",
                     SLICE(said->detail));
    else
        checker_tell(c, EVIDENCE_BAD, name, "recorded as failed, and holds: %.*s",
                     SLICE(said->detail));
}

bool checker_compare(struct checker *c, const char *name, enum truth found, const char *detail)
{
    const struct evidence_check *said;

    checker_skip(c);
    if (c->stopped)
        return false;
    said = next_check(c);
    if (said == NULL) {
        c->stopped = true;
        return false;
    }
    if (!bytes_equal(said->name, bytes_of(name))) {
        checker_break(c, "checks", "number %zu is \"%.*s\" where \"%s\" belongs", c->next + 1,
                      SLICE(said->name), name);
        return false;
    }
    compare(c, name, found, said, detail);
    if (said->passed)
        c->next++;
    else
        checker_end(c);
    return said->passed;
}
