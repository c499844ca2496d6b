/* The frame against an end that is none: which cases run, in which order, and what is said of it.
 */
#include "conform/report.h"
#include "conform/runner.h"
#include "keygen2/base/files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAN_ALL = 1, CAN_NOTHING = 2 };

static char order[256]; /* of the cases that ran */
static uint8_t drawn[8];
static int tidied, left, closed;
static const struct finding *fault;
static const char *lack;
static uint64_t missed; /* what fault_of() was told */
static enum sks_status reached = SKS_OK, still_there = SKS_OK;

static enum sks_status passes(struct check *check, void *end, const void *row)
{
    (void)end, (void)row;
    (void)strncat(order, check->item->id, sizeof order - strlen(order) - 2);
    (void)strcat(order, " ");
    check_draw(check, drawn, sizeof drawn);
    return SKS_OK;
}

static enum sks_status fails(struct check *check, void *end, const void *row)
{
    enum sks_status rc;

    TRY(passes(check, end, row));
    TRY(expect_number(check, "the <field>", 7, 7));
    TRY(expect_bytes(check, "the <field>", bytes_of("abcd"), bytes_of("abXd")));
    cr_assert_fail("the first difference ends a case");
out:
    return rc;
}

static enum sks_status skips(struct check *check, void *end, const void *row)
{
    (void)end, (void)row;
    return check_skip(check, "it is %s", "dark");
}

static void list(struct cases *cases)
{
    static const struct conform_case CASES[] = {
        DESTRUCTIVE_CASE(LEVEL_MUST, "a.last", "destroys", "1", 0, passes, NULL),
        CASE(LEVEL_MUST, "a.first", "passes", "1", 0, passes, NULL),
        CASE(LEVEL_SHOULD, "b.weak", "fails & \"that\"", "<2>", 0, fails, NULL),
        CASE(LEVEL_MAY, "b.lacks", "needs", "2", CAN_NOTHING, passes, NULL),
        CASE(LEVEL_MAY, "ab.dark", "skips", "2", CAN_ALL, skips, NULL),
        { .id = "c.slow", .title = "slow", .section = "3", .slow = true, .run = passes },
        CASE(LEVEL_MUST, "d.must", "fails", "3", 0, fails, NULL),
    };

    cases_add_all(cases, CASES, NITEMS(CASES));
}

static const char *capability(unsigned bit)
{
    static const char *const NAMES[] = { "all", "nothing" };

    return bit < NITEMS(NAMES) ? NAMES[bit] : NULL;
}

static enum sks_status open_end(const struct suite_config *config, void **end,
                                uint64_t *capabilities, json_t *about, struct sks_error *err)
{
    (void)config, (void)about;
    *end = &left;
    *capabilities = CAN_ALL;
    return reached == SKS_OK ? SKS_OK : sks_fail(err, reached, "nobody is there");
}

static const struct finding *fault_of(const void *end, uint64_t missing)
{
    (void)end;
    missed = missing;
    return fault;
}

static const char *lack_of(const void *end, uint64_t missing)
{
    (void)end, (void)missing;
    return lack;
}

static enum sks_status tidy(void *end, struct sks_error *err)
{
    (void)end;
    tidied++;
    return still_there == SKS_OK ? SKS_OK : sks_fail(err, still_there, "gone");
}

static void leave(void *end, json_t *leftovers)
{
    (void)end;
    left++;
    (void)json_array_append_new(leftovers, json_string("a <key>"));
}

static void close_end(void *end)
{
    closed += end != NULL;
}

static const struct suite FAKE = {
    .name = "fake",
    .capability = capability,
    .list = list,
    .open = open_end,
    .fault = fault_of,
    .lack = lack_of,
    .tidy = tidy,
    .leave = leave,
    .close = close_end,
};

static enum exit_code run(const struct conform_options *options, const char *url)
{
    order[0] = '\0';
    tidied = left = closed = 0;
    return conform_run(&FAKE, options, url);
}

static struct conform_options with(const char *only, const char *skip)
{
    struct conform_options options = { 0 };

    conform_defaults(&options);
    if (only != NULL)
        options.only = (struct texts){ { only }, 1 };
    if (skip != NULL)
        options.skip = (struct texts){ { skip }, 1 };
    return options;
}

Test(runner, order_and_codes)
{
    struct conform_options all = with(NULL, NULL), good = with(NULL, "d"), level = with(NULL, NULL);

    cr_assert_eq(run(&all, "x"), EXIT_REFUSED);
    cr_assert_str_eq(order, "a.first b.weak d.must ");
    cr_assert_eq(tidied, 4);
    cr_assert(left == 1 && closed == 1);
    good.allow_destructive = good.slow = true;
    cr_assert_eq(run(&good, "x"), EXIT_DONE, "only a should-case has failed");
    cr_assert_str_eq(order, "a.first b.weak c.slow a.last ");
    level.level = "must";
    cr_assert_eq(run(&level, "x"), EXIT_REFUSED);
    cr_assert_str_eq(order, "a.first d.must ");
}

Test(runner, patterns)
{
    struct conform_options group = with("a", NULL), glob = with("*.?irst", NULL),
                           none = with("a.", NULL), nobody = with("b.nobody", NULL),
                           lacks = with("b.lacks", NULL), dark = with("ab", NULL),
                           level = with(NULL, NULL);

    cr_assert_eq(run(&group, "x"), EXIT_DONE);
    cr_assert_str_eq(order, "a.first ", "not ab.dark");
    cr_assert_eq(run(&glob, "x"), EXIT_DONE);
    cr_assert_str_eq(order, "a.first ");
    cr_assert_eq(run(&none, "x"), EXIT_USAGE);
    cr_assert_eq(run(&nobody, "x"), EXIT_USAGE);
    cr_assert_eq((int)run(&lacks, "x"), EXIT_ALL_SKIPPED);
    cr_assert_eq((int)run(&dark, "x"), EXIT_ALL_SKIPPED);
    fault = &(struct finding){ .field = "init", .wanted = "200", .came = "500" };
    level.level = "perhaps";
    cr_assert_eq(run(&level, "x"), EXIT_USAGE);
    cr_assert_eq(run(&group, NULL), EXIT_USAGE);
    cr_assert_eq(closed, 0);
    group.list = true;
    cr_assert_eq(run(&group, NULL), EXIT_DONE);
    cr_assert_str_eq(order, "");
}

/* To skip is no answer where the end is to blame, or somebody has not done his part. */
Test(runner, what_was_skipped_counts)
{
    struct conform_options some = with("b", NULL), group = with("a", NULL),
                           lacks = with("b.lacks", NULL);

    cr_assert_eq(run(&some, "x"), EXIT_DONE);
    cr_assert_eq(missed, CAN_NOTHING);
    fault = &(struct finding){ .field = "init", .wanted = "200", .came = "500" };
    cr_assert_eq(run(&some, "x"), EXIT_REFUSED);
    cr_assert_eq(run(&lacks, "x"), EXIT_REFUSED);
    cr_assert_eq(run(&group, "x"), EXIT_DONE, "nothing was skipped for want of anything");
    fault = NULL;
    lack = "do that first";
    cr_assert_eq((int)run(&some, "x"), EXIT_ALL_SKIPPED);
    cr_assert_eq((int)run(&lacks, "x"), EXIT_ALL_SKIPPED);
    cr_assert_eq(run(&group, "x"), EXIT_DONE);
    lack = NULL;
}

Test(runner, out_of_reach)
{
    struct conform_options all = with(NULL, NULL);

    reached = SKS_ERROR_EXTERNAL;
    cr_assert_eq(run(&all, "x"), EXIT_IO);
    cr_assert_eq(tidied, 0);
    reached = SKS_OK;
    still_there = SKS_ERROR_EXTERNAL;
    cr_assert_eq(run(&all, "x"), EXIT_IO);
    cr_assert_str_eq(order, "a.first ", "the rest is not run");
    cr_assert_eq(closed, 1);
    still_there = SKS_OK;
}

Test(runner, draws_by_seed)
{
    struct conform_options first = with("a.first", NULL), weak = with("b.weak", NULL);
    uint8_t kept[sizeof drawn];

    cr_assert_eq(run(&first, "x"), EXIT_DONE);
    memcpy(kept, drawn, sizeof kept);
    memset(drawn, 0, sizeof drawn);
    cr_assert_eq(run(&first, "x"), EXIT_DONE);
    cr_assert_arr_eq(drawn, kept, sizeof kept);
    cr_assert_eq(run(&weak, "x"), EXIT_DONE);
    cr_assert_neq(memcmp(drawn, kept, sizeof kept), 0, "another case");
    first.seed = 2;
    cr_assert_eq(run(&first, "x"), EXIT_DONE);
    cr_assert_neq(memcmp(drawn, kept, sizeof kept), 0, "another seed");
}

static char *read_whole(const char *path)
{
    struct buf text = { 0 };
    char *copy;

    cr_assert_eq(file_read(path, 1 << 20, &text, NULL), SKS_OK);
    put_byte(&text, 0);
    copy = strdup((const char *)text.ptr);
    buf_free(&text);
    return copy;
}

Test(runner, reports_are_escaped)
{
    struct conform_options all = with(NULL, NULL);
    char junit[] = "/tmp/sks-junit-XXXXXX", html[] = "/tmp/sks-html-XXXXXX", *text;

    close(mkstemp(junit));
    close(mkstemp(html));
    all.junit = junit;
    all.html = html;
    cr_assert_eq(run(&all, "http://it's;here"), EXIT_REFUSED);
    text = read_whole(junit);
    cr_assert_not_null(strstr(text, "tests=\"7\" failures=\"2\" skipped=\"4\""), "%s", text);
    cr_assert_not_null(strstr(text, "message=\"the &lt;field&gt;: wanted 4 bytes, at 2: 6364, "
                                    "came 4 bytes, at 2: 5864\""));
    cr_assert_not_null(
        strstr(text, "sks-conform fake 'http://it'\\''s;here' --only d.must --seed 1<"), "%s",
        text);
    cr_assert_null(strstr(text, "<2>"));
    free(text);
    text = read_whole(html);
    cr_assert_not_null(strstr(text, "fails &amp; &quot;that&quot;"));
    cr_assert_not_null(strstr(text, "a &lt;key&gt;"));
    cr_assert_null(strstr(text, "<field>"));
    free(text);
    (void)remove(html);
    all.html = "/none/page.html";
    cr_assert_neq(run(&all, "x"), EXIT_DONE);
    (void)remove(junit);
}

Test(cases, ids)
{
    const char *const BAD[] = { "", "nodot", ".a", "a.", "a. b", "a.\xc3\xa4" };
    struct conform_case item = { .run = passes };
    struct sks_error err = { 0 };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        struct cases cases = { 0 };

        item.id = BAD[i];
        cases_add(&cases, &item);
        cr_assert_eq(cases_finish(&cases, &err), SKS_ERROR_INTERNAL, "%s", BAD[i]);
        cases_free(&cases);
    }
    for (size_t i = 0; i < 2; i++) {
        struct cases cases = { 0 };

        cases_add_row(&cases, "a.b", "", "", 0, passes, NULL);
        cases_add_row(&cases, i == 0 ? "a.c" : "a.b", "", "", 0, passes, NULL);
        cr_assert_eq(cases_finish(&cases, &err), i == 0 ? SKS_OK : SKS_ERROR_INTERNAL);
        cases_free(&cases);
    }
}

Test(cases, open_number)
{
    static const struct conform_case OPEN = OPEN_CASE("a.b", "is refused", "1", 0, passes, NULL);
    struct cases cases = { 0 };
    struct sks_error err = { 0 };

    cases_add(&cases, &OPEN);
    cr_assert_eq(cases_finish(&cases, &err), SKS_OK);
    cr_assert_eq(cases.count, 2);
    cr_assert_str_eq(cases.item[0].id, "a.b");
    cr_assert(cases.item[0].level == LEVEL_MUST && cases.item[0].open_number);
    cr_assert_str_eq(cases.item[1].id, "a.b-number");
    cr_assert(cases.item[1].level == LEVEL_SHOULD && !cases.item[1].open_number);
    cr_assert_eq(cases.item[1].run, passes);
    cases_free(&cases);
}

/* ---- failures that are known ---- */

#define KNOWN(cases, came)                                                                         \
    "{\"about\":\"a <fake>\",\"expected\":[{\"cases\":[" cases "],\"section\":\"<9>\"," came       \
    "\"reason\":\"says \\u001b no\"}]}"

/* Runs all, with a file of that text. */
static enum exit_code run_with_known(const char *text, const char *junit, const char *html)
{
    struct conform_options options = with(NULL, NULL);
    char path[] = "/tmp/sks-known-XXXXXX";
    enum exit_code code;

    close(mkstemp(path));
    cr_assert_eq(file_write(path, 0644, bytes_of(text), NULL), SKS_OK);
    options.expect = path;
    options.junit = junit;
    options.html = html;
    code = run(&options, "x");
    (void)remove(path);
    return code;
}

Test(runner, known_failures)
{
    cr_assert_eq(run_with_known(KNOWN("\"d.must\"", ""), NULL, NULL), EXIT_DONE);
    cr_assert_eq(run_with_known(KNOWN("\"b.weak\",\"d.must\"", "\"came\":\"4 bytes, at 2: 5\","),
                                NULL, NULL),
                 EXIT_DONE);
    cr_assert_eq(
        run_with_known(KNOWN("\"d.must\"", "\"came\":\"4 bytes, at 2: 58640\","), NULL, NULL),
        EXIT_REFUSED, "it fails in another way");
    cr_assert_eq(run_with_known(KNOWN("\"b.weak\"", ""), NULL, NULL), EXIT_REFUSED);
    cr_assert_eq(run_with_known(KNOWN("\"a.first\",\"d.must\",\"b.lacks\"", ""), NULL, NULL),
                 EXIT_DONE, "what passes is told only");
}

Test(runner, known_failures_alone)
{
    struct conform_options options = with("d.must", NULL);
    char path[] = "/tmp/sks-known-XXXXXX";

    close(mkstemp(path));
    cr_assert_eq(file_write(path, 0644, bytes_of(KNOWN("\"d.must\"", "")), NULL), SKS_OK);
    options.expect = path;
    cr_assert_eq(run(&options, "x"), EXIT_DONE, "not all skipped");
    (void)remove(path);
    cr_assert_neq(run(&options, "x"), EXIT_DONE, "the file is gone");
}

Test(runner, known_failures_in_order)
{
    const char *const BAD[] = {
        "",
        "{}",
        "{\"about\":\"a\",\"expected\":[]}",
        KNOWN("", ""),
        KNOWN("\"d.nobody\"", ""),
        KNOWN("\"d\"", ""),
        KNOWN("\"d.must\",\"d.must\"", ""),
        KNOWN("\"d.must\"", "\"else\":1,"),
        KNOWN("\"d.must\"", "\"came\":\"\","),
        "{\"about\":\"a\",\"expected\":[{\"cases\":[\"d.must\"],\"section\":\"9\"}]}",
    };

    for (size_t i = 0; i < NITEMS(BAD); i++) {
        cr_assert_eq(run_with_known(BAD[i], NULL, NULL), EXIT_USAGE, "%s", BAD[i]);
        cr_assert_str_eq(order, "", "nothing ran");
    }
}

Test(runner, known_failures_are_reported)
{
    char junit[] = "/tmp/sks-junit-XXXXXX", html[] = "/tmp/sks-html-XXXXXX", *text;

    close(mkstemp(junit));
    close(mkstemp(html));
    cr_assert_eq(run_with_known(KNOWN("\"d.must\"", ""), junit, html), EXIT_DONE);
    text = read_whole(junit);
    cr_assert_not_null(strstr(text, "tests=\"7\" failures=\"1\" skipped=\"5\""), "%s", text);
    cr_assert_not_null(strstr(text, "<skipped message=\"&lt;9&gt;: says ? no\"/>"), "%s", text);
    free(text);
    text = read_whole(html);
    cr_assert_not_null(strstr(text, ">expected</span>"));
    cr_assert_not_null(strstr(text, "<dt>known</dt><dd>&lt;9&gt;: says "));
    cr_assert_not_null(strstr(text, "a &lt;fake&gt;"));
    free(text);
    (void)remove(junit);
    (void)remove(html);
}
