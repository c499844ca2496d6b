#include "issuer/session_list.h"
#include "issuer/data_folder.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIGITS_MIN = 8, HASH_SIZE = 32, CELL = 400 };

/* ---- what is wanted ---- */

/* "90s", "30m", "12h", "7d": so long ago. */
static bool parse_age(const char *text, int64_t now, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } UNITS[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 9 || strlen(text) != digits + 1)
        return false;
    for (size_t i = 0; i < NITEMS(UNITS); i++)
        if (UNITS[i].unit == text[digits]) {
            *seconds = now - atol(text) * UNITS[i].seconds;
            return true;
        }
    return false;
}

static bool parse_time(const char *text, int64_t now, int64_t *seconds)
{
    static const char *const FORMS[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d" };

    for (size_t i = 0; i < NITEMS(FORMS); i++) {
        struct tm tm = { 0 }, same;
        const char *end = strptime(text, FORMS[i], &tm);

        if (end == NULL || *end != '\0')
            continue;
        same = tm;
        *seconds = timegm(&same); /* makes the 3rd of March of the 31st of February */
        return same.tm_mday == tm.tm_mday && *seconds > 0;
    }
    return parse_age(text, now, seconds);
}

static enum sks_status parse_times(const struct list_options *options,
                                   struct session_filter *filter, struct sks_error *err)
{
    static const char FORM[] = "is not a time: 2026-11-23, 2026-11-23T08:00:00Z, or 90s, 30m, 12h,"
                               " 7d ago";
    int64_t now = clock_now();
    enum sks_status rc = SKS_OK;

    REQUIRE(options->since == NULL || parse_time(options->since, now, &filter->since), err,
            SKS_ERROR_OPTION, "--since: '%s' %s", options->since, FORM);
    REQUIRE(options->until == NULL || parse_time(options->until, now, &filter->until), err,
            SKS_ERROR_OPTION, "--until: '%s' %s", options->until, FORM);
out:
    return rc;
}

static enum sks_status parse_verdict(const char *text, struct session_filter *filter,
                                     struct sks_error *err)
{
    char name[16];
    uint8_t value = 0;
    enum sks_status rc = SKS_OK;

    if (text == NULL)
        return SKS_OK;
    (void)snprintf(name, sizeof name, "%s", text);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '-')
            *c = ' ';
    filter->by_verdict = name_to_value(NAMES_VERDICT, bytes_of(name), &value);
    REQUIRE(filter->by_verdict, err, SKS_ERROR_OPTION,
            "--verdict: '%s' is neither open, succeeded, failed nor in-doubt", text);
    filter->verdict = (enum verdict)value;
out:
    return rc;
}

static enum sks_status parse_device(const char *text, struct buf *device,
                                    struct session_filter *filter, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    if (text == NULL)
        return SKS_OK;
    REQUIRE(strlen(text) >= DIGITS_MIN && hex_decode(bytes_of(text), device) == SKS_OK &&
                device->len <= HASH_SIZE,
            err, SKS_ERROR_OPTION,
            "--device: '%s' is not the beginning of the SHA-256 of a certificate,"
            " 8 to 64 hexadecimal digits, an even number",
            text);
    filter->device = buf_bytes(device);
out:
    return rc;
}

/* ---- what is printed ---- */

json_t *session_json(const struct session *session)
{
    char started[32], expires[32], ended[32];

    keygen2_time_format(session->started, false, started);
    keygen2_time_format(session->expires, false, expires);
    keygen2_time_format(session->ended, false, ended);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", session->id, "profile", session->profile,
        "started", started, "expires", expires, "ended", session->ended == 0 ? "" : ended, "phase",
        name_of_value(NAMES_PHASE, (uint8_t)session->phase), "verdict",
        name_of_value(NAMES_VERDICT, (uint8_t)session->verdict), "cause", session->cause);
}

static void print_json_row(void *ctx, const struct session *session)
{
    bool *first = ctx;
    json_t *row = session_json(session);
    char *text = row == NULL ? NULL : json_dumps(row, JSON_COMPACT);

    (void)printf("%s%s", *first ? "" : ",\n", text == NULL ? "{}" : text);
    *first = false;
    free(text);
    json_decref(row);
}

static void print_row(void *ctx, const struct session *session)
{
    bool *first = ctx;
    const char *verdict = name_of_value(NAMES_VERDICT, (uint8_t)session->verdict);
    char started[32], profile[CELL], last[CELL];

    if (*first)
        (void)printf("%-32s  %-20s  %-9s  %-24s  %s\n", "SESSION", "BEGUN", "VERDICT", "PROFILE",
                     "CAUSE, OR WHAT IT WAITS FOR");
    *first = false;
    keygen2_time_format(session->started, false, started);
    (void)snprintf(profile, sizeof profile, "%s", session->profile);
    (void)snprintf(last, sizeof last, "%s",
                   session->verdict == VERDICT_OPEN
                       ? name_of_value(NAMES_PHASE, (uint8_t)session->phase)
                       : session->cause);
    log_clean(profile);
    log_clean(last);
    (void)printf("%-32s  %-20s  %-9s  %-*s%s\n", session->id, started, verdict,
                 last[0] == '\0' ? 0 : 26, profile, last);
}

enum exit_code list_sessions(const char *data, const struct list_options *options, bool json)
{
    struct session_filter filter = { .profile = options->profile, .limit = options->limit };
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    struct buf device = { 0 };
    bool first = true;
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(parse_times(options, &filter, &err));
    TRY(parse_verdict(options->verdict, &filter, &err));
    TRY(parse_device(options->device, &device, &filter, &err));
    TRY(data_folder_open(data, &store, &err));
    TRY(session_store_expire(&store, clock_now(), &err));
    if (json)
        (void)printf("{\"sessions\":[");
    TRY(session_store_select(&store, &filter, json ? print_json_row : print_row, &first, &err));
    if (json)
        (void)printf("]}\n");
out:
    buf_free(&device);
    session_store_close(&store);
    return rc == SKS_OK ? EXIT_DONE : program_fail(program_exit_code(rc), "%s", err.text);
}
