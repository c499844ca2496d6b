#include "proxy/relay/diff.h"

#include "keygen2/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_MAX = 600, SHOWN_MAX = 120 };

struct diff {
    const struct transcript_line *a, *b;
    void (*told)(void *ctx, const struct difference *difference);
    void *ctx;
    size_t count;
    char place[PLACE_MAX];
};

static void tell(struct diff *d, const char *place, const char *in_a, const char *in_b)
{
    const struct difference difference = { d->a, d->b, place, in_a, in_b };

    d->count++;
    d->told(d->ctx, &difference);
}

/* ---- JSON ---- */

static void show(const json_t *value, char shown[SHOWN_MAX])
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    shown[0] = '\0';
    if (text != NULL && snprintf(shown, SHOWN_MAX, "%s", text) >= SHOWN_MAX)
        memcpy(shown + SHOWN_MAX - 4, "...", 4);
    free(text);
}

static void compare_values(struct diff *d, const json_t *a, const json_t *b);

/* Goes one step down. '/' and '~' in names have their escapes (RFC 6901, 3). */
static void compare_at(struct diff *d, const char *name, const json_t *a, const json_t *b)
{
    size_t before = strlen(d->place), len = before;

    if (len + 2 < PLACE_MAX)
        d->place[len++] = '/';
    for (; *name != '\0' && len + 3 < PLACE_MAX; name++) {
        bool escaped = *name == '/' || *name == '~';

        d->place[len++] = escaped ? '~' : *name;
        if (escaped)
            d->place[len++] = *name == '/' ? '1' : '0';
    }
    d->place[len] = '\0';
    compare_values(d, a, b);
    d->place[before] = '\0';
}

static void compare_objects(struct diff *d, const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)a, name, value)
        compare_at(d, name, value, json_object_get(b, name));
    json_object_foreach((json_t *)(uintptr_t)b, name, value) if (json_object_get(a, name) == NULL)
        compare_at(d, name, NULL, value);
}

static void compare_arrays(struct diff *d, const json_t *a, const json_t *b)
{
    size_t count =
        json_array_size(a) > json_array_size(b) ? json_array_size(a) : json_array_size(b);
    char index[24];

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        compare_at(d, index, json_array_get(a, i), json_array_get(b, i));
    }
}

static void compare_values(struct diff *d, const json_t *a, const json_t *b)
{
    char in_a[SHOWN_MAX], in_b[SHOWN_MAX];

    if (json_is_object(a) && json_is_object(b)) {
        compare_objects(d, a, b);
    } else if (json_is_array(a) && json_is_array(b)) {
        compare_arrays(d, a, b);
    } else if (a == NULL || b == NULL || !json_equal(a, b)) {
        show(a, in_a);
        show(b, in_b);
        tell(d, d->place[0] == '\0' ? "/" : d->place, in_a, in_b);
    }
}

/* ---- messages ---- */

static void compare_texts(struct diff *d, const char *place, struct bytes a, struct bytes b)
{
    char in_a[SHOWN_MAX], in_b[SHOWN_MAX];

    if (bytes_equal(a, b))
        return;
    (void)snprintf(in_a, sizeof in_a, "%.*s", (int)a.len, (const char *)a.ptr);
    (void)snprintf(in_b, sizeof in_b, "%.*s", (int)b.len, (const char *)b.ptr);
    log_clean(in_a);
    log_clean(in_b);
    tell(d, place, in_a, in_b);
}

static void compare_bytes(struct diff *d, struct bytes a, struct bytes b)
{
    size_t i = 0;
    char place[48], in_a[32], in_b[32];

    if (bytes_equal(a, b))
        return;
    while (i < a.len && i < b.len && a.ptr[i] == b.ptr[i])
        i++;
    (void)snprintf(place, sizeof place, "byte %zu", i);
    (void)snprintf(in_a, sizeof in_a, "%zu bytes", a.len);
    (void)snprintf(in_b, sizeof in_b, "%zu bytes", b.len);
    tell(d, place, in_a, in_b);
}

static json_t *read_decoded(const struct transcript_line *line)
{
    return json_loadb((const char *)line->decoded.ptr, line->decoded.len, JSON_DECODE_ANY, NULL);
}

static void compare_lines(struct diff *d)
{
    const struct transcript_line *a = d->a, *b = d->b;
    json_t *in_a = read_decoded(a), *in_b = read_decoded(b);
    char status_a[16], status_b[16];

    compare_texts(d, "name", a->name, b->name);
    compare_texts(d, "method", a->method, b->method);
    compare_texts(d, "target", a->target, b->target);
    (void)snprintf(status_a, sizeof status_a, "%u", a->status);
    (void)snprintf(status_b, sizeof status_b, "%u", b->status);
    compare_texts(d, "status", bytes_of(status_a), bytes_of(status_b));
    if (in_a != NULL && in_b != NULL)
        compare_values(d, in_a, in_b);
    else
        compare_bytes(d, a->body, b->body);
    json_decref(in_a);
    json_decref(in_b);
}

/* ---- transcripts ---- */

/* Exchanges that ran side by side stand in one order: that of their numbers. */
static int by_exchange(const void *left, const void *right)
{
    const struct transcript_line *a = *(const struct transcript_line *const *)left;
    const struct transcript_line *b = *(const struct transcript_line *const *)right;

    if (a->exchange != b->exchange)
        return a->exchange < b->exchange ? -1 : 1;
    return (int)a->direction - (int)b->direction;
}

static const struct transcript_line **sorted(const struct transcript *transcript)
{
    const struct transcript_line **line = calloc(transcript->count + 1, sizeof *line);

    for (size_t i = 0; line != NULL && i < transcript->count; i++)
        line[i] = &transcript->line[i];
    if (line != NULL)
        qsort(line, transcript->count, sizeof *line, by_exchange);
    return line;
}

static bool same_slot(const struct transcript_line *a, const struct transcript_line *b)
{
    return a->hop == b->hop && a->direction == b->direction;
}

size_t transcript_diff(const struct transcript *a, const struct transcript *b,
                       void (*told)(void *ctx, const struct difference *difference), void *ctx)
{
    const struct transcript_line **in_a = sorted(a), **in_b = sorted(b);
    struct diff d = { .told = told, .ctx = ctx };
    size_t i = 0, j = 0;

    while (in_a != NULL && in_b != NULL && (i < a->count || j < b->count)) {
        d.a = i < a->count ? in_a[i] : NULL;
        d.b = j < b->count ? in_b[j] : NULL;
        /* A request without an answer stands alone. */
        if (d.a != NULL && d.b != NULL && !same_slot(d.a, d.b)) {
            if (d.a->direction == TRANSCRIPT_ANSWER)
                d.b = NULL;
            else
                d.a = NULL;
        }
        if (d.a != NULL && d.b != NULL)
            compare_lines(&d);
        else
            tell(&d, "message", d.a == NULL ? "" : "there", d.b == NULL ? "" : "there");
        i += d.a != NULL;
        j += d.b != NULL;
    }
    if (in_a == NULL || in_b == NULL)
        d.count = SIZE_MAX;
    free(in_a);
    free(in_b);
    return d.count;
}
