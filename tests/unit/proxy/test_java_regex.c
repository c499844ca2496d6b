/* Regular expressions of Java's: what matches, what is refused, and that none takes long. */
#include "keygen2/base/arena.h"
#include "keygen2/base/clock.h"
#include "proxy/java_regex.h"

#include <criterion/criterion.h>
#include <string.h>

static enum sks_status match(const char *text, struct bytes subject, bool *matches,
                             struct sks_error *err)
{
    struct java_regex_budget budget = java_regex_begin();
    struct java_regex *regex;
    enum sks_status rc;

    *matches = false;
    *err = (struct sks_error){ 0 };
    TRY(java_regex_compile(bytes_of(text), &regex, err));
    rc = java_regex_match(regex, subject, &budget, matches, err);
    java_regex_free(regex);
out:
    return rc;
}

/* The answers are those of OpenJDK 17. */
Test(java_regex, matches_as_java_does)
{
    static const struct {
        const char *regex, *subject;
        bool matches;
    } CASES[] = {
        { "\\Qjohn.doe@example.com\\E", "john.doe@example.com", true },
        { "\\Qjohn.doe@example.com\\E", "johnxdoe@example.com", false },
        { "\\QCN=a\\, b,O=c", "CN=a\\, b,O=c", true },
        { "CN=Ali", "CN=Alice", false },
        { "CN=Ali.*", "CN=Alice,O=x", true },
        { ".*O=x", "CN=Alice,O=x", true },
        { "CN=(Alice|Bob),O=[^,]+", "CN=Bob,O=Ö", true },
        { "CN=(Alice|Bob),O=[^,]+", "CN=Bob,O=a,C=b", false },
        { "(?i)cn=alice", "CN=Alice", true },
        { "(?i:cn)=alice", "CN=Alice", false },
        { "(?iu)cn=å", "CN=Å", true },
        { "a|ab", "ab", true },
        { "(a|ab)(c|bcd)(d*)", "abcd", true },
        { "a++a", "aaa", false },
        { "a+?a{2}", "aaa", true },
        { "a{2,}?b{1,2}+", "aaabb", true },
        { "(?<n>x)y\\k<n>", "xyx", true },
        { "(.)\\1", "aa", true },
        { "(?=.*x)[a-z]+", "abxc", true },
        { "(?!.*x)[a-z]+", "abxc", false },
        { "[a-z]+(?<=c)", "abc", true },
        { "[a-z]+(?<!c)", "abc", false },
        { "(?>a*)ab", "aaab", false },
        { "\\x41\\u0042\\x{43}", "ABC", true },
        { "\\u00e5\\x{1F600}", "å😀", true },
        { "..", "å😀", true },
        { "\\p{Lu}\\p{L}\\pN\\P{IsL}", "ÅÖ7-", true },
        { "\\p{Lower}\\p{Alpha}[\\p{Digit}x]\\P{Upper}", "aBxb", true },
        { "\\p{Lower}", "å", false },
        { "[\\S\\p{Lower}]", "\u0390", true },
        { "[^\\S\\p{Lower}]", "\u0390", false },
        { "[\\S\\p{Lower}]", "\u017f", true },
        { "[\\D\\p{Alnum}]", "\u0663", true },
        { "[\\P{Lower}\\p{Punct}]", "\u0390", true },
        { "[^\\S\\p{L}]", "\u0663", false },
        { "[^\\W\\p{Lu}]", "\u0663", false },
        { "[^\\p{L}\\P{Lower}]", "\u0663", false },
        { "[\\W-z]+", "å-z", true },
        { "(?i)[\\W\\P{Alpha}]", "k", false },
        { "(?i)[^\\W\\P{Alpha}]", "S", true },
        { "\\p{Lu}(?i)a", "ÅA", true },
        { "(?-i)\\p{Lu}", "Å", true },
        { "\\w\\d\\s\\W", "_7 å", true },
        { "[\\w.]+@[\\Qa.b\\E]+", "x.y@a.b", true },
        { "a.b", "a\nb", false },
        { "(?s)a.b", "a\nb", true },
        { "a$", "a\n", false },
        { "#\\#", "##", true },
        { "", "", true },
        { ".*", "", true },
        { "a", "", false },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct sks_error err;
        bool matches;

        cr_expect_eq(match(CASES[i].regex, bytes_of(CASES[i].subject), &matches, &err), SKS_OK,
                     "%s: %s", CASES[i].regex, err.text);
        cr_expect_eq(matches, CASES[i].matches, "%s on %s", CASES[i].regex, CASES[i].subject);
    }
}

Test(java_regex, refuses_what_the_two_read_differently)
{
    static const struct {
        const char *regex, *problem;
    } CASES[] = {
        { "(*ACCEPT)", "character 1: '(*'" },
        { "(*UCP)a", "'(*'" },
        { "(?R)", "character 1: a group or flag" },
        { "(a)(?1)", "a group or flag" },
        { "(?&n)", "a group or flag" },
        { "(?P<n>a)", "a group or flag" },
        { "(?|a|b)", "a group or flag" },
        { "(?(1)a|b)", "a group or flag" },
        { "(?C1)a", "a group or flag" },
        { "(?#a)", "a group or flag" },
        { "(?'n'a)", "a group or flag" },
        { "(?x)a b", "a group or flag" },
        { "(?U)a", "a group or flag" },
        { "(?d)a", "a group or flag" },
        { "(?<a_b>x)", "a group's name" },
        { "å\\Ka", "character 2: an escape that is not supported" },
        { "\\Ga", "an escape that" },
        { "\\Ea", "an escape that" },
        { "\\X", "an escape that" },
        { "\\N", "an escape that" },
        { "\\C", "an escape that" },
        { "\\g1", "an escape that" },
        { "\\cA", "an escape that" },
        { "\\o{12}", "an escape that" },
        { "\\", "an escape that is not complete" },
        { "\\x4", "an escape that is not complete" },
        { "\\x{}", "an escape that is not complete" },
        { "\\u12", "an escape that is not complete" },
        { "\\012", "an octal escape" },
        { "(a)\\11", "two digits" },
        { "[\\1]", "an octal escape" },
        { "[\\b]", "an escape that" },
        { "\\p{IsAlphabetic}", "a property" },
        { "\\p{Latin}", "a property" },
        { "(?i)\\p{Lu}", "character 5: a property of case" },
        { "(?i:a)[\\P{IsLl}]", "a property of case" },
        { "\\p{^L}", "a property" },
        { "\\p", "a property" },
        { "[[:alpha:]]", "a class in a class" },
        { "[a[b]]", "a class in a class" },
        { "[a-z&&b]", "an intersection" },
        { "[]a]", "']' first" },
        { "[^]a]", "']' first" },
        { "[a", "a class without end" },
        { "a{", "'{' without a number" },
        { "a{,3}", "'{' without a number" },
        { "a**", "a quantifier behind" },
        { "a{2}{3}", "a quantifier behind" },
        { "*a", "quantifier does not follow" },
        { "(a", "missing closing parenthesis" },
        { "a)", "unmatched closing parenthesis" },
        { "(a)\\2", "reference to non-existent" },
        { "(?<=a*)b", "lookbehind assertion is not fixed length" },
        { "a{3,2}", "numbers out of order" },
        { "[z-a]", "range out of order" },
        { "\\ud800", "" },
        { "((((a{1000}){1000}){1000}){1000})", "too large" },
    };

    for (size_t i = 0; i < NITEMS(CASES); i++) {
        struct java_regex *regex;
        struct sks_error err = { 0 };

        cr_expect_eq(java_regex_compile(bytes_of(CASES[i].regex), &regex, &err), SKS_ERROR_OPTION,
                     "%s", CASES[i].regex);
        cr_expect_not_null(strstr(err.text, CASES[i].problem), "%s: %s", CASES[i].regex, err.text);
        cr_expect_null(regex);
    }
}

Test(java_regex, refuses_what_is_too_long)
{
    char longest[JAVA_REGEX_MAX + 2];

    memset(longest, 'a', sizeof longest);
    for (size_t len = JAVA_REGEX_MAX; len < sizeof longest; len++) {
        struct java_regex *regex;

        cr_expect_eq(java_regex_compile(bytes_at(longest, len), &regex, NULL),
                     len == JAVA_REGEX_MAX ? SKS_OK : SKS_ERROR_OPTION);
        java_regex_free(regex);
    }
}

Test(java_regex, no_text_no_expression)
{
    struct java_regex *regex;

    cr_expect_eq(java_regex_compile(bytes_at("a\0b", 3), &regex, NULL), SKS_ERROR_OPTION);
    cr_expect_eq(java_regex_compile(bytes_of("\xff"), &regex, NULL), SKS_ERROR_OPTION);
}

/* Each would run for years, or eat the stack or the memory, without the limits. */
Test(java_regex, none_takes_long, .timeout = 20)
{
    static const char *const CASES[] = {
        "(a+)+b",
        "(a|a)*b",
        "(a*)*b",
        "(a|aa)+b",
        "(.*)*b",
        "((a+)+)+b",
        "(?:a?){500}a{500}b",
        "(.*a){20}b",
        "(?=(a+)+b)a*",
        "(a{0,60000}){9}b",
        "(?:(a)|a)+\\1b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(?:.|a|a.)*b",
        "(?:(?:(?:a*)*)*)*b",
    };
    uint8_t subject[30000];
    int64_t start = clock_monotonic_ms();

    memset(subject, 'a', sizeof subject);
    for (size_t i = 0; i < NITEMS(CASES); i++) {
        int64_t before = clock_monotonic_ms();
        struct sks_error err;
        bool matches;
        enum sks_status rc = match(CASES[i], bytes_at(subject, sizeof subject), &matches, &err);

        cr_expect(rc == SKS_OK || strstr(err.text, "takes too long") != NULL ||
                      strstr(err.text, "too large") != NULL,
                  "%s: %s", CASES[i], err.text);
        cr_expect_not(matches, "%s", CASES[i]);
        cr_expect_lt(clock_monotonic_ms() - before, 2000, "%s", CASES[i]);
    }
    cr_expect_lt(clock_monotonic_ms() - start, 10000);
}

Test(java_regex, all_matches_together_are_bounded)
{
    struct java_regex_budget spent = { 0 }, fresh = java_regex_begin();
    struct java_regex *regex;
    struct sks_error err = { 0 };
    bool matches;

    cr_assert_eq(java_regex_compile(bytes_of("a"), &regex, &err), SKS_OK);
    cr_expect_eq(java_regex_match(regex, bytes_of("a"), &fresh, &matches, &err), SKS_OK);
    cr_expect(matches);
    cr_expect_lt(fresh.left, java_regex_begin().left);
    cr_expect_eq(java_regex_match(regex, bytes_of("a"), &spent, &matches, &err), SKS_ERROR_OPTION);
    cr_expect_not(matches);
    cr_expect_not_null(strstr(err.text, "all matches together"), "%s", err.text);
    java_regex_free(regex);
}
