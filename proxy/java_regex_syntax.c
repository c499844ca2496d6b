/* What of java.util.regex PCRE2 reads alike, what is rewritten, and what is refused. */
#include "proxy/java_regex.h"

#include <stdio.h>
#include <string.h>

/* The expression, and how far it is read. */
struct regex_reader {
    struct bytes text;
    size_t at;
    struct buf *out;
    struct sks_error *err;
    bool caseless; /* there was a flag i */
};

static enum sks_status refuse(const struct regex_reader *r, size_t at, const char *what)
{
    return sks_fail(r->err, SKS_ERROR_OPTION, "regular expression: character %zu: %s",
                    bytes_code_points(bytes_at(r->text.ptr, at)) + 1, what);
}

/* The byte that many places ahead, 0 behind the end. */
static uint8_t peek(const struct regex_reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.ptr[r->at + ahead] : 0;
}

static bool starts(const struct regex_reader *r, const char *text)
{
    size_t len = strlen(text);

    return r->text.len - r->at >= len && memcmp(r->text.ptr + r->at, text, len) == 0;
}

static void copy(struct regex_reader *r, size_t count)
{
    put_raw(r->out, bytes_at(r->text.ptr + r->at, count));
    r->at += count;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t hex_digits(const struct regex_reader *r, size_t ahead)
{
    size_t count = 0;

    while (peek(r, ahead + count) != 0 &&
           strchr("0123456789abcdefABCDEF", peek(r, ahead + count)) != NULL)
        count++;
    return count;
}

/* ---- escapes ---- */

/* All above U+00FF, which belongs to each \D, \S, \W and negated POSIX class. In a class it is
 * written behind them, as PCRE2 10.42 forgets it where a POSIX class follows, or where a negated
 * class has a general category as well. Long s and the Kelvin sign would stand for s and k too
 * behind a flag i, so there they are left out. */
static const char *wide_characters(const struct regex_reader *r)
{
    return r->caseless ? "\\x{100}-\\x{17e}\\x{180}-\\x{2129}\\x{212b}-\\x{10ffff}"
                       : "\\x{100}-\\x{10ffff}";
}

/* Java's \p{...}: the general categories of Unicode, and the POSIX classes, which are of ASCII. */
static enum sks_status read_property(struct regex_reader *r, bool in_class)
{
    static const char *const CATEGORIES =
        " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C "
        "Cc Cf Co Cn ";
    static const char *const POSIX[][2] = {
        { "Lower", "lower" }, { "Upper", "upper" }, { "ASCII", "ascii" }, { "Alpha", "alpha" },
        { "Digit", "digit" }, { "Alnum", "alnum" }, { "Punct", "punct" }, { "Graph", "graph" },
        { "Print", "print" }, { "Blank", "blank" }, { "Cntrl", "cntrl" }, { "XDigit", "xdigit" },
        { "Space", "space" },
    };
    bool negated = peek(r, 1) == 'P', braces = peek(r, 2) == '{';
    size_t start = braces ? 3 : 2, len = braces ? 0 : 1;
    const char *general;
    char name[12], padded[16], posix[80];

    while (braces && is_letter(peek(r, start + len)))
        len++;
    if (len == 0 || len >= sizeof name || (braces && peek(r, start + len) != '}'))
        return refuse(r, r->at, "a property that is not supported");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, (const char *)r->text.ptr + r->at + start);
    general = strncmp(name, "Is", 2) == 0 ? name + 2 : name;
    (void)snprintf(padded, sizeof padded, " %s ", general);
    if (r->caseless && strstr(" Lu Ll Lt ", padded) != NULL)
        return refuse(r, r->at, "a property of case behind a flag i");
    if (strstr(CATEGORIES, padded) != NULL) {
        (void)snprintf(posix, sizeof posix, "\\%c{%.2s}", negated ? 'P' : 'p', general);
    } else {
        size_t i = 0;

        while (i < NITEMS(POSIX) && strcmp(POSIX[i][0], name) != 0)
            i++;
        if (i == NITEMS(POSIX))
            return refuse(r, r->at, "a property that is not supported");
        (void)snprintf(posix, sizeof posix, in_class ? "[:%s%s:]%s" : "[[:%s%s:]]",
                       negated ? "^" : "", POSIX[i][1], negated ? wide_characters(r) : "");
    }
    put_text(r->out, posix);
    r->at += start + len + braces;
    return SKS_OK;
}

/* \xhh, \x{h...h} and \uhhhh become \x{h...h}. */
static enum sks_status read_hex(struct regex_reader *r)
{
    bool braces = peek(r, 1) == 'x' && peek(r, 2) == '{';
    size_t start = braces ? 3 : 2, want = peek(r, 1) == 'u' ? 4 : 2, len = hex_digits(r, start);
    char character[24];

    if (braces ? len == 0 || len > 6 || peek(r, start + len) != '}' : len < want)
        return refuse(r, r->at, "an escape that is not complete");
    len = braces ? len : want;
    (void)snprintf(character, sizeof character, "\\x{%.*s}", (int)len,
                   (const char *)r->text.ptr + r->at + start);
    put_text(r->out, character);
    r->at += start + len + braces;
    return SKS_OK;
}

/* \Q...\E, whose end may be missing; here and there the same. */
static void read_quotation(struct regex_reader *r)
{
    copy(r, 2);
    while (r->at < r->text.len && !starts(r, "\\E"))
        copy(r, 1);
    if (r->at < r->text.len)
        copy(r, 2);
}

static enum sks_status read_named_reference(struct regex_reader *r)
{
    size_t len = 3;

    while (is_letter(peek(r, len)) || is_digit(peek(r, len)))
        len++;
    if (peek(r, 2) != '<' || peek(r, len) != '>')
        return refuse(r, r->at, "a reference that is not complete");
    copy(r, len + 1);
    return SKS_OK;
}

static enum sks_status read_escape(struct regex_reader *r, bool in_class)
{
    uint8_t c = peek(r, 1);

    if (c == 0)
        return refuse(r, r->at, "an escape that is not complete");
    if (c == 'p' || c == 'P')
        return read_property(r, in_class);
    if (c == 'x' || c == 'u')
        return read_hex(r);
    if (c == 'k' && !in_class)
        return read_named_reference(r);
    /* Java reads as many digits as there are groups, PCRE2 else takes them as octal. */
    if (is_digit(c) && (c == '0' || in_class || is_digit(peek(r, 2))))
        return refuse(r, r->at, "an octal escape, or a reference of two digits");
    if (is_letter(c) && strchr(in_class ? "tnrfaedDsSwWhHvV" : "tnrfaedDsSwWhHvVbBAzZR", c) == NULL)
        return refuse(r, r->at, "an escape that is not supported");
    copy(r, 2);
    if (in_class && (c == 'D' || c == 'S' || c == 'W'))
        put_text(r->out, wide_characters(r));
    return SKS_OK;
}

/* ---- character classes ---- */

/* Java knows unions and intersections of classes, PCRE2 does not. */
static enum sks_status read_class(struct regex_reader *r)
{
    size_t start = r->at;
    enum sks_status rc = SKS_OK;

    copy(r, peek(r, 1) == '^' ? 2 : 1);
    if (peek(r, 0) == ']')
        return refuse(r, r->at, "']' first in a class: write \\]");
    while (r->at < r->text.len && peek(r, 0) != ']') {
        if (starts(r, "\\Q"))
            read_quotation(r);
        else if (peek(r, 0) == '\\')
            TRY(read_escape(r, true));
        else if (peek(r, 0) == '[')
            return refuse(r, r->at, "a class in a class: write \\[ for the character");
        else if (starts(r, "&&"))
            return refuse(r, r->at, "an intersection of classes");
        else
            copy(r, 1);
    }
    if (r->at == r->text.len)
        return refuse(r, start, "a class without end");
    copy(r, 1);
out:
    return rc;
}

/* ---- groups ---- */

/* (?ims-ims) and (?ims-ims:X). The u of Java is what PCRE2 does in any case. */
static enum sks_status read_flags(struct regex_reader *r)
{
    size_t start = r->at;
    bool off = false;

    copy(r, 2);
    while (peek(r, 0) != 0 && strchr("imsu-", peek(r, 0)) != NULL) {
        off |= peek(r, 0) == '-';
        r->caseless |= peek(r, 0) == 'i' && !off;
        if (peek(r, 0) == 'u')
            r->at++;
        else
            copy(r, 1);
    }
    if (peek(r, 0) != ')' && peek(r, 0) != ':')
        return refuse(r, start, "a group or flag that is not supported");
    copy(r, 1);
    return SKS_OK;
}

static enum sks_status read_group(struct regex_reader *r)
{
    static const char *const KINDS[] = { "(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!" };

    if (peek(r, 1) == '*')
        return refuse(r, r->at, "'(*' is no group");
    if (peek(r, 1) != '?') {
        copy(r, 1);
        return SKS_OK;
    }
    for (size_t i = 0; i < NITEMS(KINDS); i++) {
        if (starts(r, KINDS[i])) {
            copy(r, strlen(KINDS[i]));
            return SKS_OK;
        }
    }
    if (peek(r, 2) == '<' && is_letter(peek(r, 3))) {
        size_t len = 4;

        while (is_letter(peek(r, len)) || is_digit(peek(r, len)))
            len++;
        if (peek(r, len) != '>')
            return refuse(r, r->at, "a group's name that is not letters and digits");
        copy(r, len + 1);
        return SKS_OK;
    }
    return read_flags(r);
}

/* ---- quantifiers ---- */

/* {n}, {n,} or {n,m}; 0 if it is none. */
static size_t braces_length(const struct regex_reader *r)
{
    size_t len = 1;

    while (is_digit(peek(r, len)))
        len++;
    if (len == 1)
        return 0;
    if (peek(r, len) == ',')
        for (len++; is_digit(peek(r, len)); len++)
            ;
    return peek(r, len) == '}' ? len + 1 : 0;
}

static enum sks_status read_quantifier(struct regex_reader *r)
{
    size_t len = peek(r, 0) == '{' ? braces_length(r) : 1;

    if (len == 0)
        return refuse(r, r->at, "'{' without a number: write \\{ for the character");
    copy(r, len);
    if (peek(r, 0) == '?' || peek(r, 0) == '+')
        copy(r, 1);
    if (peek(r, 0) != 0 && strchr("*+?{", peek(r, 0)) != NULL)
        return refuse(r, r->at, "a quantifier behind a quantifier");
    return SKS_OK;
}

static enum sks_status read_item(struct regex_reader *r)
{
    switch (peek(r, 0)) {
    case '\\':
        if (!starts(r, "\\Q"))
            return read_escape(r, false);
        read_quotation(r);
        return SKS_OK;
    case '[':
        return read_class(r);
    case '(':
        return read_group(r);
    case '*':
    case '+':
    case '?':
    case '{':
        return read_quantifier(r);
    default:
        copy(r, 1);
        return SKS_OK;
    }
}

enum sks_status java_regex_translate(struct bytes text, struct buf *out, struct sks_error *err)
{
    struct regex_reader r = { .text = text, .out = out, .err = err };
    enum sks_status rc = SKS_OK;

    REQUIRE(text.len <= JAVA_REGEX_MAX, err, SKS_ERROR_OPTION,
            "regular expression: longer than %d bytes", JAVA_REGEX_MAX);
    REQUIRE(bytes_is_utf8(text) &&
                memchr(text.ptr == NULL ? (const uint8_t *)"" : text.ptr, 0, text.len) == NULL,
            err, SKS_ERROR_OPTION, "regular expression: not text");
    while (r.at < text.len)
        TRY(read_item(&r));
    rc = sks_explain(err, out->status);
out:
    return rc;
}
