#define PCRE2_CODE_UNIT_WIDTH 8
#include "proxy/java_regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <time.h>

struct java_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

/* Java's line ends are \n, \r\n, \r, U+0085, U+2028 and U+2029; PCRE2 counts \v and \f as well. */
static enum sks_status compile(struct bytes translated, struct java_regex *regex,
                               struct sks_error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SIZE where = 0;
    int code = 0;
    PCRE2_UCHAR why[120] = "";
    enum sks_status rc = SKS_OK;

    REQUIRE(context != NULL && pcre2_set_newline(context, PCRE2_NEWLINE_ANY) == 0, err,
            SKS_ERROR_STORAGE, "no memory for a regular expression");
    regex->code = pcre2_compile(
        translated.len == 0 ? (PCRE2_SPTR) "" : translated.ptr, translated.len,
        PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP,
        &code, &where, context);
    if (regex->code == NULL)
        (void)pcre2_get_error_message(code, why, sizeof why);
    REQUIRE(regex->code != NULL, err, SKS_ERROR_OPTION, "regular expression: %s", (char *)why);
out:
    pcre2_compile_context_free(context);
    return rc;
}

enum sks_status java_regex_compile(struct bytes text, struct java_regex **regex,
                                   struct sks_error *err)
{
    struct java_regex *made = calloc(1, sizeof *made);
    struct buf translated = { 0 };
    enum sks_status rc;

    *regex = NULL;
    REQUIRE(made != NULL, err, SKS_ERROR_STORAGE, "no memory for a regular expression");
    TRY(java_regex_translate(text, &translated, err));
    TRY(compile(buf_bytes(&translated), made, err));
    made->data = pcre2_match_data_create(1, NULL);
    made->limits = pcre2_match_context_create(NULL);
    REQUIRE(made->data != NULL && made->limits != NULL, err, SKS_ERROR_STORAGE,
            "no memory for a regular expression");
    (void)pcre2_set_match_limit(made->limits, JAVA_REGEX_STEPS);
    (void)pcre2_set_depth_limit(made->limits, JAVA_REGEX_DEPTH);
    (void)pcre2_set_heap_limit(made->limits, JAVA_REGEX_HEAP);
    *regex = made;
    made = NULL;
out:
    java_regex_free(made);
    buf_free(&translated);
    return rc;
}

void java_regex_free(struct java_regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_match_data_free(regex->data);
    pcre2_code_free(regex->code);
    free(regex);
}

struct java_regex_budget java_regex_begin(void)
{
    return (struct java_regex_budget){ JAVA_REGEX_SECONDS * INT64_C(1000000000) };
}

static int64_t nanoseconds_spent(void)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

enum sks_status java_regex_match(const struct java_regex *regex, struct bytes subject,
                                 struct java_regex_budget *budget, bool *matches,
                                 struct sks_error *err)
{
    int64_t before = nanoseconds_spent();
    int found;
    enum sks_status rc = SKS_OK;

    *matches = false;
    REQUIRE(budget->left > 0, err, SKS_ERROR_OPTION,
            "regular expression: all matches together take too long");
    found = pcre2_match(regex->code, subject.len == 0 ? (PCRE2_SPTR) "" : subject.ptr, subject.len,
                        0, 0, regex->data, regex->limits);
    budget->left -= nanoseconds_spent() - before;
    REQUIRE(found >= 0 || found == PCRE2_ERROR_NOMATCH, err, SKS_ERROR_OPTION,
            found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_DEPTHLIMIT ||
                    found == PCRE2_ERROR_HEAPLIMIT
                ? "regular expression: a match takes too long"
                : "regular expression: a match fails");
    *matches = found >= 0;
out:
    return rc;
}
