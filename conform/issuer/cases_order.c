/* Messages at the wrong time: missing, repeated, of other sessions; and the end of a session. */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <string.h>

#define WHOLE NEEDS_WHOLE

static const struct {
    enum visit_at at;
    const char *name;
} STEPS[] = {
    { AT_INVOCATION, "InvocationResponse" },
    { AT_INITIALIZATION, "ProvisioningInitializationResponse" },
    { AT_CREATION, "KeyCreationResponse" },
    { AT_FINALIZATION, "ProvisioningFinalizationResponse" },
};

static const char *name_of(enum visit_at at)
{
    for (size_t i = 0; i < NITEMS(STEPS); i++)
        if (STEPS[i].at == at)
            return STEPS[i].name;
    return "";
}

static const char SERVER_ID[] = "/serverSessionId", CLIENT_ID[] = "/clientSessionId";

/* A message of another session that names this one. */
static enum sks_status rename_session(struct visit *v, struct bytes message, struct bytes *renamed)
{
    struct check *check = v->check;
    const struct change server = { CHANGE_SET, SERVER_ID,
                                   change_quote(check, v->terms.server_session_id.len > 0
                                                           ? v->terms.server_session_id
                                                           : v->invocation.server_session_id) };
    const struct change client = { CHANGE_SET, CLIENT_ID,
                                   change_quote(check, v->terms.client_session_id) };
    enum sks_status rc;

    TRY(change_message(check, message, &server, renamed));
    if (v->terms.client_session_id.len > 0 &&
        strcmp(keygen2_qualifier(message), "InvocationResponse") != 0)
        rc = change_message(check, *renamed, &client, renamed);
out:
    return rc;
}

struct pair {
    enum visit_at at, message;
};

/* A message of one step at another: of the session itself what it has sent already, of another
 * session what is yet to come. */
static enum sks_status wrong_step(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 }, other = { 0 };
    struct bytes message = { 0 };
    enum sks_status rc;

    if (what->message < what->at) {
        TRY(visit_ready(&v, end, check, check->item->needs, what->message));
        message = arena_copy(&check->arena, buf_bytes(&v.response));
        TRY(visit_send(&v, message));
        TRY(visit_until(&v, what->at));
        buf_reset(&v.response);
    } else {
        TRY(visit_begin(&v, end, check, check->item->needs));
        TRY(visit_until(&v, what->at));
        TRY(visit_ready(&other, end, check, check->item->needs, what->message));
        TRY(rename_session(&v, buf_bytes(&other.response), &message));
    }
    TRY(visit_send(&v, message));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

/* The answer of another session at the same step, as it is or renamed; that one goes on. */
static enum sks_status of_another(struct check *check, void *end, const void *row, bool renamed)
{
    const struct pair *what = row;
    struct visit v = { 0 }, other = { 0 };
    struct bytes message;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    TRY(visit_ready(&other, end, check, check->item->needs, what->at));
    message = buf_bytes(&other.response);
    if (renamed)
        TRY(rename_session(&v, message, &message));
    TRY(visit_send(&v, message));
    TRY(visit_refused(&v));
    TRY(visit_send(&other, buf_bytes(&other.response)));
    rc = other.at == AT_DONE ? SKS_OK : visit_finish(&other);
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

static enum sks_status foreign(struct check *check, void *end, const void *row)
{
    return of_another(check, end, row, false);
}

static enum sks_status transplanted(struct check *check, void *end, const void *row)
{
    return of_another(check, end, row, true);
}

/* A repeat gets the stored answer. */
static enum sks_status repeated(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 };
    struct bytes sent, first;
    enum visit_at then;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    sent = arena_copy(&check->arena, buf_bytes(&v.response));
    TRY(visit_send(&v, sent));
    then = v.at;
    first = arena_copy(&check->arena, then == AT_DONE ? bytes_of(v.exchange.location)
                                                      : buf_bytes(&v.exchange.body));
    TRY(visit_http(&v, "POST", v.profile->issuer_uri, "application/json", NULL, sent));
    TRY(expect_bytes(check, "answer to the same message once more", first,
                     then == AT_DONE ? bytes_of(v.exchange.location)
                                     : buf_bytes(&v.exchange.body)));
    if (then != AT_DONE)
        rc = visit_finish(&v);
out:
    visit_free(&v);
    return rc;
}

/* The last message with a line feed behind it is another one. */
static enum sks_status repeated_otherwise(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 };
    struct buf again = { 0 };
    enum visit_at then;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    put_raw(&again, buf_bytes(&v.response));
    put_byte(&again, '\n');
    TRY(sks_explain(&check->err, again.status));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    then = v.at;
    TRY(visit_http(&v, "POST", v.profile->issuer_uri, "application/json", NULL, buf_bytes(&again)));
    if (v.exchange.status == 200)
        rc = check_fail(check, "answer", "302 to /failed, or 4xx", "%s", visit_told(&v));
    else
        rc = expect_true(check, then == AT_DONE || strstr(v.exchange.location, "/done/") == NULL,
                         "answer", "302 to /failed, or 4xx", visit_told(&v));
out:
    buf_free(&again);
    visit_free(&v);
    return rc;
}

/* The issuer's own message comes back. */
static enum sks_status reflected(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    TRY(visit_send(&v, v.text));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

/* The right message with one bit of one octet flipped. */
static enum sks_status bit_flipped(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 };
    struct buf altered = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    put_raw(&altered, buf_bytes(&v.response));
    TRY(sks_explain(&check->err, altered.status));
    altered.ptr[check_draw_below(check, (uint32_t)altered.len)] ^=
        (uint8_t)(1U << check_draw_below(check, 7));
    TRY(visit_send(&v, buf_bytes(&altered)));
    rc = visit_refused(&v);
out:
    buf_free(&altered);
    visit_free(&v);
    return rc;
}

/* ---- giving up ---- */

static enum sks_status aborted(struct check *check, void *end, const void *row)
{
    const struct pair *what = row;
    struct visit v = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, what->at));
    TRY(visit_get(&v, "?abort=true"));
    TRY(visit_expect_given_up(&v, "?abort=true"));
    rc = visit_refused(&v);
out:
    visit_free(&v);
    return rc;
}

static enum sks_status aborted_after_end(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct bytes page;
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_finish(&v));
    page = arena_copy(&check->arena, bytes_of(v.exchange.location));
    TRY(visit_get(&v, "?abort=true"));
    TRY(expect_true(check, strstr(v.exchange.location, "/failed/") == NULL, "?abort=true",
                    "that a session that succeeded stays so", visit_told(&v)));
    TRY(visit_send(&v, buf_bytes(&v.response)));
    rc = expect_bytes(check, "the last message once more: Location", page,
                      bytes_of(v.exchange.location));
out:
    visit_free(&v);
    return rc;
}

static enum sks_status aborted_without_cookie(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    char cookie[VISIT_COOKIE_MAX];
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INITIALIZATION));
    memcpy(cookie, v.cookie, sizeof cookie);
    v.cookie[0] = '\0';
    rc = visit_get(&v, "?abort=true");
    memcpy(v.cookie, cookie, sizeof cookie);
    TRY(rc);
    rc = visit_untouched(&v, 403);
out:
    visit_free(&v);
    return rc;
}

/* ---- several at once, and the end ---- */

static enum sks_status side_by_side(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 }, other = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_begin(&v, end, check, check->item->needs));
    TRY(visit_begin(&other, end, check, check->item->needs));
    while (v.at != AT_DONE) {
        TRY(visit_step(&other));
        TRY(visit_step(&v));
    }
    rc = expect_true(check, other.at == AT_DONE, "the other session", "/done", "another end");
out:
    visit_free(&v);
    visit_free(&other);
    return rc;
}

static enum sks_status after_the_end(struct check *check, void *end, const void *row)
{
    const char *name = row;
    struct visit v = { 0 };
    struct bytes first, message;
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    first = arena_copy(&check->arena, buf_bytes(&v.response));
    TRY(visit_finish(&v));
    message = strcmp(name, "first") == 0 ? first : bytes_of("{}");
    TRY(visit_http(&v, "POST", v.profile->issuer_uri, "application/json", NULL, message));
    rc = expect_true(check,
                     v.exchange.status != 200 && strstr(v.exchange.location, "/done/") == NULL,
                     "another message behind the end", "a refusal", visit_told(&v));
out:
    visit_free(&v);
    return rc;
}

/* ---- the lists ---- */

static const struct {
    const char *group, *title;
    enum sks_status (*run)(struct check *check, void *end, const void *row);
    const char *section;
} WAYS[] = {
    { "other-session", "%s of another session: this one is refused, that one goes on", foreign,
      "KeyGen2 InvocationRequest; http 6" },
    { "transplanted", "%s of another session under this one's ids: refused", transplanted,
      "http 6" },
    { "repeated", "%s once more: the stored answer", repeated, "http 7" },
    { "repeated-otherwise", "%s once more with a line feed behind it: refused", repeated_otherwise,
      "http 7" },
    { "reflected", "the request itself in the place of %s: refused", reflected, "http 6" },
    { "flipped", "%s with one bit flipped: refused", bit_flipped, "http 6" },
    { "aborted", "given up in the place of %s: /failed, for good", aborted, "http 1" },
};

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "aborted.after-the-end", "a session that succeeded cannot be given up",
         "http 7", WHOLE, aborted_after_end, NULL),
    CASE(LEVEL_MUST, "aborted.without-cookie",
         "?abort=true without a cookie: 403, and no session is touched", "http 3", WHOLE,
         aborted_without_cookie, NULL),
    CASE(LEVEL_MUST, "order.side-by-side", "two sessions at once, message by message: both succeed",
         "http 3", WHOLE, side_by_side, NULL),
    CASE(LEVEL_MUST, "order.first-after-the-end", "the first message behind the end: refused",
         "http 7", WHOLE, after_the_end, "first"),
    CASE(LEVEL_MUST, "order.any-after-the-end", "another message behind the end: refused", "http 7",
         WHOLE, after_the_end, "any"),
};

static const struct pair *keep_pair(struct cases *cases, enum visit_at at, enum visit_at message)
{
    struct pair *pair = arena_alloc(&cases->arena, 1, sizeof *pair);

    if (pair == NULL)
        cases->status = SKS_ERROR_STORAGE;
    else
        *pair = (struct pair){ at, message };
    return pair;
}

static void add_way(struct cases *cases, size_t way, enum visit_at at)
{
    const char *name = name_of(at), *mark = strstr(WAYS[way].title, "%s");

    cases_add(cases, &(struct conform_case){
                         .id = cases_text(cases, "%s.%s", WAYS[way].group, name),
                         .title = cases_text(cases, "%.*s%s%s", (int)(mark - WAYS[way].title),
                                             WAYS[way].title, name, mark + 2),
                         .section = WAYS[way].section,
                         .needs = WHOLE,
                         .run = WAYS[way].run,
                         .row = keep_pair(cases, at, at) });
}

static void add_wrong_step(struct cases *cases, enum visit_at at, enum visit_at message)
{
    cases_add(cases, &(struct conform_case){
                         .id = cases_text(cases, "order.%s-for-%s", name_of(message), name_of(at)),
                         .title = cases_text(cases, "%s where %s is awaited: refused",
                                             name_of(message), name_of(at)),
                         .section = "http 7",
                         .needs = WHOLE,
                         .run = wrong_step,
                         .row = keep_pair(cases, at, message) });
}

void issuer_cases_of_order(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(STEPS); i++)
        for (size_t j = 0; j < NITEMS(STEPS); j++)
            if (i != j && j + 1 != i) /* the one before is a repeat */
                add_wrong_step(cases, STEPS[i].at, STEPS[j].at);
    for (size_t way = 0; way < NITEMS(WAYS); way++)
        for (size_t i = 0; i < NITEMS(STEPS); i++)
            if (WAYS[way].run != transplanted || STEPS[i].at != AT_INVOCATION)
                add_way(cases, way, STEPS[i].at);
    cases_add_all(cases, CASES, NITEMS(CASES));
}
