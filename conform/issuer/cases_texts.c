/* Bodies that are no JSON, JSON of another form, and too much of it; and right ones in other words.
 */
#include "conform/issuer/change.h"
#include "conform/issuer/families.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING = 200000, MANY_BRACES = 70000, MESSAGE_MAX = 4 * 1024 * 1024 };

#define LATER (NEEDS(HAS_TRUST) | NEEDS(HAS_KEYS) | NEEDS(HAS_END))

/* What is put where: in the place of the whole, in front, behind, or as a property at the end. */
enum where { WHOLE, FRONT, BEHIND, PROPERTY };

struct text_row {
    const char *name, *title;
    enum where where;
    const char *text;
    size_t len; /* 0: as long as the text is */
};

static const struct text_row ROWS[] = {
    { "empty", "an empty body", WHOLE, "", 0 },
    { "blank", "a body of blanks", WHOLE, "   ", 0 },
    { "no-json", "a body that is no JSON", WHOLE, "hello", 0 },
    { "xml", "XML", WHOLE, "<message/>", 0 },
    { "array", "an array", WHOLE, "[]", 0 },
    { "array-of-message", "an object in an array", WHOLE, "[{}]", 0 },
    { "string", "a string", WHOLE, "\"InvocationResponse\"", 0 },
    { "number", "a number", WHOLE, "1", 0 },
    { "literal-null", "null", WHOLE, "null", 0 },
    { "empty-object", "an empty object", WHOLE, "{}", 0 },
    { "byte-order-mark", "a byte order mark in front", FRONT, "\xEF\xBB\xBF", 0 },
    { "comment", "a comment in front", FRONT, "/* */", 0 },
    { "zero-octet-in-front", "an octet 0 in front", FRONT, "\0", 1 },
    { "trailing-text", "text behind the object", BEHIND, "x", 0 },
    { "trailing-object", "an object behind the object", BEHIND, "{}", 0 },
    { "trailing-zero", "an octet 0 behind the object", BEHIND, "\0", 1 },
    { "trailing-comma", "a comma behind the last property", PROPERTY, "", 0 },
    { "unquoted-name", "a name without quotes", PROPERTY, "extra:1", 0 },
    { "single-quotes", "single quotes", PROPERTY, "'extra':1", 0 },
    { "not-a-number", "NaN", PROPERTY, "\"extra\":NaN", 0 },
    { "infinity", "Infinity", PROPERTY, "\"extra\":Infinity", 0 },
    { "leading-zero", "a number with a leading zero", PROPERTY, "\"extra\":01", 0 },
    { "plus-sign", "a number with a plus sign", PROPERTY, "\"extra\":+1", 0 },
    { "hexadecimal", "a hexadecimal number", PROPERTY, "\"extra\":0x1", 0 },
    { "capital-literal", "True", PROPERTY, "\"extra\":True", 0 },
    { "huge-number", "a number of no type", PROPERTY, "\"extra\":1e999", 0 },
    { "control-character", "a raw control character in a text", PROPERTY, "\"extra\":\"\x01\"", 0 },
    { "line-feed-in-text", "a raw line feed in a text", PROPERTY, "\"extra\":\"\n\"", 0 },
    { "escaped-zero", "an escaped character 0", PROPERTY, "\"extra\":\"\\u0000\"", 0 },
    { "bad-escape", "an escape that there is not", PROPERTY, "\"extra\":\"\\x41\"", 0 },
    { "lone-surrogate", "half of a surrogate pair", PROPERTY, "\"extra\":\"\\ud800\"", 0 },
    { "utf-8-continuation", "a lone continuation octet", PROPERTY, "\"extra\":\"\x80\"", 0 },
    { "utf-8-overlong", "an overlong form of UTF-8", PROPERTY, "\"extra\":\"\xC0\xAF\"", 0 },
    { "utf-8-surrogate", "a surrogate in UTF-8", PROPERTY, "\"extra\":\"\xED\xA0\x80\"", 0 },
    { "utf-8-too-high", "a code point above 10FFFF", PROPERTY, "\"extra\":\"\xF4\x90\x80\x80\"",
      0 },
    { "utf-8-cut", "a character of UTF-8 cut off", PROPERTY, "\"extra\":\"\xE2\x82\"", 0 },
    { "latin-1", "Latin-1", PROPERTY, "\"extra\":\"caf\xE9\"", 0 },
};

static struct bytes text_of(const struct text_row *row)
{
    return row->len > 0 ? bytes_at(row->text, row->len) : bytes_of(row->text);
}

static void put_changed(struct buf *out, struct bytes message, const struct text_row *row)
{
    if (row->where == FRONT)
        put_raw(out, text_of(row));
    if (row->where == FRONT || row->where == BEHIND)
        put_raw(out, message);
    if (row->where == WHOLE || row->where == BEHIND)
        put_raw(out, text_of(row));
    if (row->where != PROPERTY)
        return;
    put_raw(out, bytes_at(message.ptr, message.len - 1));
    put_text(out, ",");
    put_raw(out, text_of(row));
    put_text(out, "}");
}

static enum sks_status send_refused(struct visit *v, struct buf *body)
{
    enum sks_status rc;

    TRY(sks_explain(&v->check->err, body->status));
    TRY(visit_send(v, buf_bytes(body)));
    rc = visit_refused(v);
out:
    buf_free(body);
    return rc;
}

static enum sks_status changed_text(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct buf body = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    put_changed(&body, buf_bytes(&v.response), row);
    rc = send_refused(&v, &body);
out:
    buf_free(&body);
    visit_free(&v);
    return rc;
}

/* ---- cut off ---- */

static enum sks_status cut(struct check *check, void *end, const void *row)
{
    const enum visit_at *at = row;
    struct visit v = { 0 };
    struct buf body = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, *at));
    put_raw(&body,
            bytes_at(v.response.ptr, 1 + check_draw_below(check, (uint32_t)v.response.len - 1)));
    rc = send_refused(&v, &body);
out:
    buf_free(&body);
    visit_free(&v);
    return rc;
}

/* ---- too much ---- */

static void put_nested(struct buf *out, const char *open, const char *close, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        put_text(out, open);
    for (size_t i = 0; i < depth; i++)
        put_text(out, close);
}

static enum sks_status nested(struct check *check, void *end, const void *row)
{
    bool objects = *(const bool *)row;
    struct visit v = { 0 };
    struct buf body = { 0 };
    enum sks_status rc;

    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    put_raw(&body, bytes_at(v.response.ptr, v.response.len - 1));
    put_text(&body, objects ? ",\"extra\":1" : ",\"extra\":");
    put_nested(&body, objects ? ",\"a\":{\"b\":1" : "[", objects ? "}" : "]", NESTING);
    put_text(&body, "}");
    rc = send_refused(&v, &body);
out:
    buf_free(&body);
    visit_free(&v);
    return rc;
}

static enum sks_status many_values(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct buf body = { 0 };
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    put_raw(&body, bytes_at(v.response.ptr, v.response.len - 1));
    put_text(&body, ",\"extra\":[0");
    for (size_t i = 0; i < MANY_BRACES; i++)
        put_text(&body, ",{}");
    put_text(&body, "]}");
    rc = send_refused(&v, &body);
out:
    buf_free(&body);
    visit_free(&v);
    return rc;
}

/* An issuer may close the connection rather than read on. */
static enum sks_status oversize(struct check *check, void *end, const void *row)
{
    struct visit v = { 0 };
    struct buf body = { 0 };
    unsigned status = 413;
    enum sks_status rc;

    (void)row;
    TRY(visit_ready(&v, end, check, check->item->needs, AT_INVOCATION));
    put_raw(&body, bytes_at(v.response.ptr, v.response.len - 1));
    while (body.len <= MESSAGE_MAX && body.status == SKS_OK)
        put_text(&body, "                                                                ");
    put_text(&body, "}");
    TRY(sks_explain(&check->err, body.status));
    http_client_set_cookie(v.site->http, v.cookie);
    if (http_client_exchange(v.site->http, "POST", v.profile->issuer_uri, "application/json", NULL,
                             buf_bytes(&body), &v.exchange, &check->err) == SKS_OK)
        status = v.exchange.status;
    v.exchange.status = status;
    rc = visit_untouched(&v, 413);
out:
    buf_free(&body);
    visit_free(&v);
    return rc;
}

/* ---- the same in other words ---- */

/* The properties in the reverse order. */
static void put_reversed(struct buf *out, json_t *root)
{
    const char *names[16];
    size_t count = 0;
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value) if (count < NITEMS(names)) names[count++] = name;
    put_text(out, "{");
    while (count-- > 0) {
        char *text =
            json_dumps(json_object_get(root, names[count]), JSON_COMPACT | JSON_ENCODE_ANY);

        json_put_text(out, bytes_of(names[count]));
        put_text(out, ":");
        put_text(out, text == NULL ? "" : text);
        put_text(out, count > 0 ? "," : "}");
        free(text);
    }
}

/* Blanks wherever there may be some. */
static void put_spaced(struct buf *out, json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(3));

    put_text(out, "\r\n\t ");
    put_text(out, text == NULL ? "" : text);
    put_text(out, "\n");
    free(text);
}

/* Every character of names and texts as an escape. */
static void put_escaped_texts(struct buf *out, json_t *root)
{
    char *text = json_dumps(root, JSON_COMPACT);
    bool inside = false;

    for (const char *c = text == NULL ? "" : text; *c != '\0'; c++) {
        char escape[8];

        inside = *c == '"' ? !inside : inside;
        (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)*c);
        if (inside && *c != '"')
            put_text(out, escape);
        else
            put_byte(out, (uint8_t)*c);
    }
    free(text);
}

typedef void rewrite(struct buf *out, json_t *root);
static rewrite *const REVERSED = put_reversed, *const SPACED = put_spaced,
                      *const ESCAPED = put_escaped_texts;

/* All answers of a session so; it comes to its end. */
static enum sks_status rewritten(struct check *check, void *end, const void *row)
{
    rewrite *const *put = row;
    struct visit v = { 0 };
    struct buf body = { 0 };
    json_t *root = NULL;
    enum sks_status rc;

    TRY(visit_begin(&v, end, check, check->item->needs));
    while (v.at < AT_PENDING) {
        TRY(visit_answer(&v));
        json_decref(root);
        root = NULL;
        TRY(json_parse(buf_bytes(&v.response), &root, &check->err));
        buf_reset(&body);
        (*put)(&body, root);
        TRY(sks_explain(&check->err, body.status));
        TRY(visit_send(&v, buf_bytes(&body)));
    }
    rc = expect_true(check, v.at == AT_DONE, "session", "/done", visit_told(&v));
out:
    json_decref(root);
    buf_free(&body);
    visit_free(&v);
    return rc;
}

static const bool OBJECTS = true, ARRAYS = false;
static const enum visit_at INVOCATION = AT_INVOCATION, INITIALIZATION = AT_INITIALIZATION,
                           CREATION = AT_CREATION, FINALIZATION = AT_FINALIZATION;

static const struct conform_case CASES[] = {
    CASE(LEVEL_MUST, "text.cut-invocation", "InvocationResponse cut off: refused", "http 4", 0, cut,
         &INVOCATION),
    CASE(LEVEL_MUST, "text.cut-initialization",
         "ProvisioningInitializationResponse cut off: refused", "http 4", LATER, cut,
         &INITIALIZATION),
    CASE(LEVEL_MUST, "text.cut-creation", "KeyCreationResponse cut off: refused", "http 4", LATER,
         cut, &CREATION),
    CASE(LEVEL_MUST, "text.cut-finalization", "ProvisioningFinalizationResponse cut off: refused",
         "http 4", LATER, cut, &FINALIZATION),
    CASE(LEVEL_MUST, "text.deep-arrays", "200,000 arrays one in another: refused", "http 4", 0,
         nested, &ARRAYS),
    CASE(LEVEL_MUST, "text.deep-objects", "200,000 objects one in another: refused", "http 4", 0,
         nested, &OBJECTS),
    CASE(LEVEL_MUST, "text.many-values", "70,000 objects in an array: refused", "http 4", 0,
         many_values, NULL),
    CASE(LEVEL_MUST, "text.oversize",
         "a body over 4 MiB: 413 or no answer, and no session is touched", "http 3", LATER,
         oversize, NULL),
    CASE(LEVEL_MUST, "text.reordered", "properties in another order: taken", "http 4", LATER,
         rewritten, &REVERSED),
    CASE(LEVEL_MUST, "text.spaced", "blanks and line feeds: taken", "RFC 8259, 2", LATER, rewritten,
         &SPACED),
    CASE(LEVEL_MUST, "text.escaped", "names and texts all in escapes: taken", "RFC 8259, 7", LATER,
         rewritten, &ESCAPED),
};

void issuer_cases_of_texts(struct cases *cases)
{
    for (size_t i = 0; i < NITEMS(ROWS); i++)
        cases_add(cases,
                  &(struct conform_case){ .id = cases_text(cases, "text.%s", ROWS[i].name),
                                          .title = cases_text(cases, "%s: refused", ROWS[i].title),
                                          .section = "http 4",
                                          .run = changed_text,
                                          .row = &ROWS[i] });
    cases_add_all(cases, CASES, NITEMS(CASES));
}
