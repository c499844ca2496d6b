/* The encoding of every method: what is right, what is too short or too long, octets that are no
 * boolean and no text. What does not decode touches nothing: the right call then succeeds. */
#include "conform/token/families.h"
#include "conform/token/scene.h"

#include <string.h>

static const char SECTION[] = "wire 2";

/* A method, and a field of it. */
struct spot {
    const struct sks_method *method;
    size_t field;
};

static const struct spot *keep_spot(struct cases *cases, const struct sks_method *method,
                                    size_t field)
{
    struct spot *spot = arena_alloc(&cases->arena, 1, sizeof *spot);

    if (spot == NULL)
        cases->status = SKS_ERROR_STORAGE;
    else
        *spot = (struct spot){ method, field };
    return spot;
}

static enum sks_status begin(struct scene *scene, void *end, struct check *check,
                             const struct spot *spot, struct call *call, struct buf *request)
{
    enum method_id method = (enum method_id)spot->method->id;
    enum sks_status rc;

    TRY(scene_set_for(scene, end, check, method));
    TRY(scene_call(scene, method, call));
    if (method_has_mac(method))
        TRY(call_mac(scene_session(scene, method), call));
    sks_encode_request(request, spot->method, &call->in);
    rc = sks_explain(&check->err, request->status);
out:
    return rc;
}

/* Where the octets of a field begin. */
static size_t offset_of(const struct spot *spot, const struct call *call)
{
    struct sks_method front = *spot->method;
    struct buf octets = { 0 };
    size_t offset;

    front.in_count = spot->field;
    sks_encode_request(&octets, &front, &call->in);
    offset = octets.len;
    buf_free(&octets);
    return offset;
}

static enum sks_status refuse_octets(struct target *target, struct check *check,
                                     const struct spot *spot, struct bytes octets)
{
    return target_octets(target, check, "/sks", spot->method->name, octets, SKS_ERROR_OPTION, NULL);
}

static enum sks_status finish(struct scene *scene, const struct spot *spot, struct call *call)
{
    return call_send(scene_session(scene, (enum method_id)spot->method->id), call, SKS_OK);
}

/* ---- cases ---- */

static enum sks_status succeeds(struct check *check, void *end, const void *row)
{
    const struct spot *spot = row;
    struct scene scene = { 0 };
    struct buf request = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, spot, &call, &request));
    rc = finish(&scene, spot, &call);
out:
    buf_free(&request);
    scene_free(&scene);
    return rc;
}

/* At the beginning of every field, one octet before the end of it, and one before the whole end. */
static enum sks_status truncated(struct check *check, void *end, const void *row)
{
    const struct spot *spot = row;
    struct scene scene = { 0 };
    struct buf request = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, spot, &call, &request));
    for (size_t i = 0; i < spot->method->in_count; i++) {
        struct spot field = { spot->method, i };
        size_t at = offset_of(&field, &call);

        TRY(refuse_octets(end, check, spot, bytes_at(request.ptr, at)));
        if (i > 0)
            TRY(refuse_octets(end, check, spot, bytes_at(request.ptr, at - 1)));
    }
    TRY(refuse_octets(end, check, spot, bytes_at(request.ptr, request.len - 1)));
    rc = finish(&scene, spot, &call);
out:
    buf_free(&request);
    scene_free(&scene);
    return rc;
}

static enum sks_status extended(struct check *check, void *end, const void *row)
{
    const struct spot *spot = row;
    struct scene scene = { 0 };
    struct buf request = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, spot, &call, &request));
    put_byte(&request, 0);
    TRY(refuse_octets(end, check, spot, buf_bytes(&request)));
    rc = finish(&scene, spot, &call);
out:
    buf_free(&request);
    scene_free(&scene);
    return rc;
}

/* A boolean is 0 or 1. */
static enum sks_status bad_bool(struct check *check, void *end, const void *row)
{
    const struct spot *spot = row;
    struct scene scene = { 0 };
    struct buf request = { 0 };
    struct call call;
    enum sks_status rc;

    TRY(begin(&scene, end, check, spot, &call, &request));
    request.ptr[offset_of(spot, &call)] = (uint8_t)(2 + check_draw_below(check, 254));
    TRY(refuse_octets(end, check, spot, buf_bytes(&request)));
    rc = finish(&scene, spot, &call);
out:
    buf_free(&request);
    scene_free(&scene);
    return rc;
}

/* What no UTF-8 has: a byte of no character, half a character, an overlong one, a surrogate. */
static const char *const BAD_UTF8[] = { "\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80" };

static enum sks_status bad_text(struct check *check, void *end, const void *row)
{
    const struct spot *spot = row;
    struct scene scene = { 0 };
    struct buf request = { 0 };
    struct call call, bad;
    enum sks_status rc;

    TRY(begin(&scene, end, check, spot, &call, &request));
    for (size_t i = 0; i < NITEMS(BAD_UTF8); i++) {
        struct change change = { .field = spot->method->in[spot->field].name, .text = BAD_UTF8[i] };

        bad = call;
        TRY(call_change(&scene.s, &bad, &change));
        buf_reset(&request);
        sks_encode_request(&request, spot->method, &bad.in);
        TRY(refuse_octets(end, check, spot, buf_bytes(&request)));
    }
    rc = finish(&scene, spot, &call);
out:
    buf_free(&request);
    scene_free(&scene);
    return rc;
}

/* ---- the lists ---- */

static void add(struct cases *cases, const struct sks_method *method, size_t field,
                const char *name, const char *title,
                enum sks_status (*run)(struct check *check, void *end, const void *row))
{
    cases_add_row(cases, cases_text(cases, "%s.%s", method->name, name), title, SECTION, 0, run,
                  keep_spot(cases, method, field));
}

static void add_field(struct cases *cases, const struct sks_method *method, size_t field)
{
    const struct wire_field *row = &method->in[field];

    switch (row->type) {
    case WIRE_BOOL:
        add(cases, method, field, cases_text(cases, "%s-is-no-bool", row->name),
            "a boolean that is neither 0 nor 1 does not decode, and touches nothing", bad_bool);
        break;
    case WIRE_STRING:
    case WIRE_ID:
    case WIRE_URI:
    case WIRE_STRINGS:
        add(cases, method, field, cases_text(cases, "%s-is-no-text", row->name),
            "a text that is not UTF-8 does not decode, and touches nothing", bad_text);
        break;
    default:
        break;
    }
}

void cases_of_wire(struct cases *cases)
{
    for (size_t i = 0; i < SKS_METHODS_COUNT; i++) {
        const struct sks_method *method = &SKS_METHODS[i];

        if (!scene_knows((enum method_id)method->id))
            continue;
        add(cases, method, 0, "succeeds", "a right call succeeds, and its answer decodes",
            succeeds);
        if (method->in_count > 0)
            add(cases, method, 0, "truncated",
                "a request cut before the end does not decode, and touches nothing", truncated);
        add(cases, method, 0, "extended",
            "a request with an octet too many does not decode, and touches nothing", extended);
        for (size_t field = 0; field < method->in_count; field++)
            add_field(cases, method, field);
    }
}
