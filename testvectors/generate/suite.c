#include "testvectors/generate/suite.h"

#include "keygen2/base/base64.h"
#include "testvectors/layout.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 200, COMMENT_MAX = 300 };

void need(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "sks-vectors: cannot make the vectors: %s\n", what);
    exit(3);
}

json_t *with(json_t *object, const char *name, json_t *value)
{
    need(json_object_get(object, name) == NULL, name);
    need(object != NULL && value != NULL && json_object_set_new(object, name, value) == 0, name);
    return object;
}

json_t *hex(struct bytes data)
{
    struct buf text = { 0 };
    json_t *value;

    hex_encode(&text, data);
    need(text.status == SKS_OK, "memory");
    value = json_stringn(text.len == 0 ? "" : (const char *)text.ptr, text.len);
    buf_free(&text);
    return value;
}

struct bytes keep(struct suite *s, struct buf *from)
{
    struct bytes kept = arena_copy(&s->arena, buf_bytes(from));

    need(from->status == SKS_OK && kept.ptr != NULL, "memory");
    buf_free(from);
    return kept;
}

struct bytes joined(struct suite *s, size_t count, const struct bytes *part)
{
    struct buf all = { 0 };

    for (size_t i = 0; i < count; i++)
        put_raw(&all, part[i]);
    return keep(s, &all);
}

struct bytes flipped(struct suite *s, struct bytes from, size_t byte, unsigned bit)
{
    struct buf copy = { 0 };

    need(byte < from.len && bit < 8, "a bit to flip");
    put_raw(&copy, from);
    copy.ptr[byte] ^= (uint8_t)(1U << bit);
    return keep(s, &copy);
}

/* ---- what is random ---- */

static struct bytes draw_label(struct suite *s, size_t len, const char *label)
{
    struct buf out = { 0 };

    for (uint32_t n = 0; out.len < len; n++) {
        struct buf in = { 0 };
        uint8_t hash[SHA256_DIGEST_LENGTH];

        put_text(&in, s->seed);
        put_byte(&in, 0);
        put_text(&in, label);
        put_byte(&in, 0);
        put_uint(&in, n);
        need(in.status == SKS_OK && SHA256(in.ptr, in.len, hash) != NULL, "a hash");
        put_raw(&out, bytes_at(hash, len - out.len < sizeof hash ? len - out.len : sizeof hash));
        buf_free(&in);
    }
    return keep(s, &out);
}

struct bytes draw(struct suite *s, size_t len, const char *format, ...)
{
    char label[LABEL_MAX];
    va_list args;

    va_start(args, format);
    need((size_t)vsnprintf(label, sizeof label, format, args) < sizeof label, "a short label");
    va_end(args);
    return draw_label(s, len, label);
}

struct bytes draw_id(struct suite *s, size_t len, const char *label)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct bytes drawn = draw_label(s, len, label);
    struct buf id = { 0 };

    for (size_t i = 0; i < len; i++)
        put_byte(&id, (uint8_t)DIGITS[drawn.ptr[i] % (sizeof DIGITS - 1)]);
    return keep(s, &id);
}

/* ---- the file ---- */

static const struct {
    const char *name, *text;
} PROFILES[] = {
    { "text",
      "as the public texts read, where the public reference implementation does otherwise" },
    { "reference", "as the public reference implementation does, where the texts read otherwise" },
    { "rig", "as divergences.md has it, where texts and reference are silent or have gaps" },
};

void suite_begin(struct suite *s, const char *kind, const char *title)
{
    json_t *profiles = json_object();
    char schema[LABEL_MAX];

    *s = (struct suite){ .kind = kind };
    (void)snprintf(s->seed, sizeof s->seed, "sks-rig vectors 1 %s", kind);
    (void)snprintf(schema, sizeof schema, "schemas/%s.json", kind);
    for (size_t i = 0; i < NITEMS(PROFILES); i++)
        (void)with(profiles, PROFILES[i].name, json_string(PROFILES[i].text));
    s->root = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:o, s:o}", "suite",
                        "SKS rig conformance vectors", "version", 1, "kind", kind, "title", title,
                        "schema", schema, "specification",
                        "SKS API and Architecture V1.07 (API level 106), KeyGen2 20190318, and the "
                        "2010 profile of this project",
                        "profiles", profiles, "seed", s->seed, "numberOfTests", 0, "notes",
                        json_object(), "testGroups", json_array());
    need(s->root != NULL, "memory");
}

void suite_note(struct suite *s, const char *flag, const char *bug_type, const char *description,
                const char *effect, const char *section)
{
    (void)with(json_object_get(s->root, "notes"), flag,
               json_pack("{s:s, s:s, s:s, s:s}", "bugType", bug_type, "description", description,
                         "effect", effect, "section", section));
}

/* The words of a text, as an array. */
static json_t *words(const char *text)
{
    json_t *list = json_array();

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        need(json_array_append_new(list, json_stringn(text, len)) == 0, "memory");
        text += len;
        text += strspn(text, " ");
    }
    return list;
}

void suite_group(struct suite *s, const char *type, const char *requires, json_t *fixtures)
{
    s->tests = json_array();
    s->group = json_pack("{s:s, s:o, s:o, s:o}", "type", type, "requires", words(requires),
                         "fixtures", fixtures, "tests", s->tests);
    need(s->group != NULL &&
             json_array_append_new(json_object_get(s->root, "testGroups"), s->group) == 0,
         "memory");
}

static json_t *expect_json(const struct expect *e)
{
    const struct {
        const char *name;
        int value;
    } numbers[] = { { "counter", e->counter }, { "limit", e->limit }, { "step", e->step } };
    json_t *out = json_pack("{s:s}", "result", e->valid ? "valid" : "invalid");

    if (e->status >= 0) {
        (void)with(out, "status", json_integer(e->status));
        (void)with(out, "error", json_string(sks_status_name(e->status)));
    }
    if (e->end != NULL)
        (void)with(out, "detectedBy", json_string(e->end));
    if (e->check != NULL)
        (void)with(out, "check", json_string(e->check));
    if (e->session != NULL)
        (void)with(out, "session", json_string(e->session));
    for (size_t i = 0; i < NITEMS(numbers); i++)
        if (numbers[i].value >= 0)
            (void)with(out, numbers[i].name, json_integer(numbers[i].value));
    return out;
}

void suite_test(struct suite *s, const struct expect *expect, const char *flags,
                const char *section, const char *profile, json_t *input, const char *format, ...)
{
    const json_t *notes = json_object_get(s->root, "notes");
    json_t *list = words(flags), *test = json_object();
    char comment[COMMENT_MAX];
    va_list args;

    va_start(args, format);
    need((size_t)vsnprintf(comment, sizeof comment, format, args) < sizeof comment, "a comment");
    va_end(args);
    for (size_t i = 0; i < json_array_size(list); i++)
        need(json_object_get(notes, json_string_value(json_array_get(list, i))) != NULL, flags);
    (void)with(test, "tcId", json_integer((json_int_t)++s->count));
    (void)with(test, "comment", json_string(comment));
    (void)with(test, "flags", list);
    (void)with(test, "section", json_string(section));
    if (profile != NULL)
        (void)with(test, "profiles", words(profile));
    (void)with(test, "input", input);
    (void)with(test, "expect", expect_json(expect));
    s->invalid += !expect->valid;
    need(json_array_append_new(s->tests, test) == 0, "memory");
}

void suite_end(struct suite *s, struct buf *out)
{
    (void)json_object_set_new(s->root, "numberOfTests", json_integer((json_int_t)s->count));
    need(2 * s->invalid >= s->count, "half of the tests must be invalid");
    layout_write(s->root, out);
    need(out->status == SKS_OK, "a file that can be written");
    json_decref(s->root);
    arena_free(&s->arena);
}
