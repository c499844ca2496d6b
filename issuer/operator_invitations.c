#include "issuer/operator_invitations.h"
#include "issuer/data_folder.h"
#include "issuer/enrolment.h"
#include "issuer/qr.h"
#include "issuer/serve.h"
#include "keygen2/base/clock.h"
#include "keygen2/base/log.h"
#include "keygen2/message/keygen2.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char LOCAL_URL[] = "http://127.0.0.1:8080";

/* ---- when it expires ---- */

static bool read_duration(const char *text, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } UNITS[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6 || strlen(text) != digits + 1)
        return false;
    for (size_t i = 0; i < NITEMS(UNITS); i++)
        if (text[digits] == UNITS[i].letter) {
            *seconds = strtoll(text, NULL, 10) * UNITS[i].seconds;
            return *seconds > 0;
        }
    return false;
}

static bool read_moment(const char *text, int64_t *seconds)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct json_reader reader = { .arena = &arena, .err = &err };
    struct keygen2_time moment = { 0 };
    json_t *value = json_string(text);
    bool good =
        value != NULL && KEYGEN2_SERVER_TIME.decode(&reader, NULL, value, &moment) == SKS_OK;

    *seconds = moment.seconds;
    json_decref(value);
    arena_free(&arena);
    return good;
}

static enum sks_status read_expiry(const char *text, int64_t *expires, struct sks_error *err)
{
    int64_t now = clock_now(), seconds = INVITATION_SECONDS_DEFAULT;
    enum sks_status rc = SKS_OK;

    if (text != NULL && !read_duration(text, &seconds)) {
        REQUIRE(read_moment(text, expires), err, SKS_ERROR_OPTION,
                "--expires: '%s' is neither like 30m, 12h or 7d nor like 2026-12-31T12:00:00Z",
                text);
        REQUIRE(*expires > now, err, SKS_ERROR_OPTION, "--expires: %s is over", text);
    } else {
        *expires = now + seconds;
    }
    REQUIRE(*expires <= UINT32_MAX, err, SKS_ERROR_OPTION, "--expires: %s is too far off", text);
out:
    return rc;
}

/* ---- invite ---- */

static enum sks_status check_place(const struct invite_options *options, struct sks_error *err)
{
    static const char NAME[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    const char *url = options->public_url;
    char host[256];
    enum sks_status rc = SKS_OK;

    REQUIRE(options->profile[0] != '\0' && options->profile[strspn(options->profile, NAME)] == '\0',
            err, SKS_ERROR_OPTION, "'%s' is no profile's name", options->profile);
    REQUIRE(url == NULL || (url_host(url, host, sizeof host) && strpbrk(url, "?# ") == NULL), err,
            SKS_ERROR_OPTION, "--public-url: '%s' is not an http or https URL", url);
out:
    return rc;
}

/* Takes it over. */
static void print_object(json_t *object)
{
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

    (void)printf("%s", text == NULL ? "{}" : text);
    free(text);
    json_decref(object);
}

static void print_invitation(const struct invite_options *options, int64_t number, const char *code,
                             const char *link, const char *until)
{
    struct buf qr = { 0 };

    if (options->json) {
        (void)program_print_json(
            json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}", "number", (json_int_t)number, "profile",
                      options->profile, "code", code, "link", link, "uses",
                      (json_int_t)(options->uses == 0 ? 1 : options->uses), "expires", until),
            JSON_COMPACT);
        return;
    }
    (void)printf("invitation %lld for %s, good for %u enrolment%s until %s\n\n"
                 "code  %s\nlink  %s\n\n",
                 (long long)number, options->profile, options->uses == 0 ? 1 : options->uses,
                 options->uses > 1 ? "s" : "", until, code, link);
    if (put_qr_lines(&qr, link, isatty(STDOUT_FILENO) == 1) == SKS_OK)
        (void)fwrite(qr.ptr, 1, qr.len, stdout);
    buf_free(&qr);
}

static char *make_link(const struct invite_options *options, const char *code, struct arena *arena)
{
    const char *base = options->public_url == NULL ? LOCAL_URL : options->public_url;
    int len = (int)strlen(base);

    while (len > 0 && base[len - 1] == '/')
        len--;
    return arena_printf(arena, "%.*s/enroll/%s?code=%s", len, base, options->profile, code);
}

static enum sks_status collect_settings(const struct invite_options *options, struct arena *arena,
                                        const char *settings[TEXTS_MAX + 1], size_t *count,
                                        struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    *count = 0;
    if (options->subject != NULL) {
        settings[0] = arena_printf(arena, "subject=%s", options->subject);
        REQUIRE(settings[0] != NULL, err, SKS_ERROR_STORAGE, "no memory");
        *count = 1;
    }
    for (size_t i = 0; i < options->settings->count; i++)
        settings[(*count)++] = options->settings->item[i];
out:
    return rc;
}

enum exit_code operator_invite(const struct invite_options *options)
{
    struct invitation wish = { .profile = options->profile,
                               .uses = options->uses == 0 ? 1 : options->uses };
    const char *settings[TEXTS_MAX + 1], *link;
    struct session_store store = { 0 };
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    char code[INVITATION_CODE_LENGTH + 1] = "", until[32];
    int64_t number = 0;
    size_t count;
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(check_place(options, &err));
    TRY(read_expiry(options->expires, &wish.expires, &err));
    TRY(collect_settings(options, &arena, settings, &count, &err));
    TRY(data_folder_open(options->data, &store, &err));
    TRY(invitation_add(&store, &wish, settings, count, &number, code, &err));
    link = make_link(options, code, &arena);
    REQUIRE(link != NULL, &err, SKS_ERROR_STORAGE, "no memory");
    keygen2_time_format(wish.expires, false, until);
    print_invitation(options, number, code, link, until);
out:
    OPENSSL_cleanse(code, sizeof code);
    arena_free(&arena);
    session_store_close(&store);
    return program_finish(rc, &err);
}

/* ---- the others ---- */

struct printer {
    bool json, first;
};

static const char *state_of(const struct invitation *item)
{
    if (item->withdrawn)
        return "withdrawn";
    if (item->used >= item->uses)
        return "used up";
    return item->expires < clock_now() ? "expired" : "open";
}

static void print_item(void *ctx, const struct invitation *item)
{
    struct printer *printer = ctx;
    char created[32], expires[32];

    keygen2_time_format(item->created, false, created);
    keygen2_time_format(item->expires, false, expires);
    if (!printer->json) {
        (void)printf("%4lld  %-9s  %u of %u used  until %s  %s  %s\n", (long long)item->number,
                     state_of(item), item->used, item->uses, expires, item->profile,
                     strcmp(item->settings, "{}") == 0 ? "" : item->settings);
        return;
    }
    (void)printf("%s", printer->first ? "" : ",\n");
    print_object(json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "number",
                           (json_int_t)item->number, "profile", item->profile, "state",
                           state_of(item), "created", created, "expires", expires, "uses",
                           (json_int_t)item->uses, "used", (json_int_t)item->used, "settings",
                           json_loads(item->settings, 0, NULL)));
    printer->first = false;
}

enum exit_code operator_invitations(const char *data, bool json)
{
    struct printer printer = { json, true };
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    TRY(data_folder_open(data, &store, &err));
    if (json)
        (void)printf("{\"invitations\":[");
    TRY(invitation_each(&store, print_item, &printer, &err));
    if (json)
        (void)printf("]}\n");
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}

enum exit_code operator_withdraw(const char *data, const char *number)
{
    struct session_store store = { 0 };
    struct sks_error err = { 0 };
    char *end = NULL;
    long long wanted = strtoll(number, &end, 10);
    enum sks_status rc;

    log_set_level(LOG_LEVEL_ERROR);
    if (*number == '\0' || *end != '\0' || wanted <= 0)
        return program_fail(EXIT_USAGE, "'%s' is no number of an invitation", number);
    TRY(data_folder_open(data, &store, &err));
    TRY(invitation_withdraw(&store, wanted, &err));
out:
    session_store_close(&store);
    return program_finish(rc, &err);
}
