#include "proxy/attack/operations.h"

#include "keygen2/base/base64.h"
#include "proxy/attack/place.h"

#include <stdlib.h>
#include <string.h>

/* ---- strings: as the bytes that they stand for, if they do ---- */

struct octets {
    struct buf raw;
    bool encoded; /* in base64url */
};

static bool read_octets(const json_t *value, struct octets *octets)
{
    struct bytes text = bytes_at(json_string_value(value), json_string_length(value));

    *octets = (struct octets){ .encoded = true };
    if (!json_is_string(value))
        return false;
    if (base64url_decode(text, &octets->raw) != SKS_OK) {
        octets->encoded = false;
        buf_reset(&octets->raw);
        octets->raw.status = SKS_OK;
        put_raw(&octets->raw, text);
    }
    return octets->raw.status == SKS_OK;
}

/* Puts them there and frees them; false for text that is not UTF-8 any more. */
static bool set_octets(const struct place *place, struct octets *octets, bool good)
{
    struct bytes raw = buf_bytes(&octets->raw);

    if (good)
        good = octets->raw.status == SKS_OK &&
               place_set(place, octets->encoded ? json_binary(raw) : json_text(raw));
    buf_free(&octets->raw);
    return good;
}

static bool flip_octets(const struct rule *rule, struct buf *raw)
{
    char text[16];
    uint32_t bit;

    if (bytes_to_text(rule->bit, text, sizeof text) != SKS_OK)
        return false;
    bit = (uint32_t)strtoul(text, NULL, 10);
    if (bit / 8 >= raw->len)
        return false;
    raw->ptr[bit / 8] ^= (uint8_t)(1U << bit % 8);
    return true;
}

static bool flip(const struct operation_context *c, const struct place *place)
{
    struct octets octets;
    bool good = read_octets(place->value, &octets) && flip_octets(c->rule, &octets.raw);

    return set_octets(place, &octets, good);
}

static size_t count_of(const struct rule *rule)
{
    return rule->bytes == 0 ? 1 : rule->bytes;
}

static bool truncate_octets(const struct rule *rule, struct buf *raw)
{
    if (raw->len < count_of(rule))
        return false;
    raw->len -= count_of(rule);
    return true;
}

static bool truncate_string(const struct operation_context *c, const struct place *place)
{
    struct octets octets;
    bool good = read_octets(place->value, &octets) && truncate_octets(c->rule, &octets.raw);

    return set_octets(place, &octets, good);
}

static void extend_octets(const struct rule *rule, uint8_t with, struct buf *raw)
{
    for (size_t i = 0; i < count_of(rule); i++)
        put_byte(raw, with);
}

static bool extend(const struct operation_context *c, const struct place *place)
{
    struct octets octets;
    bool good = read_octets(place->value, &octets);

    if (good)
        extend_octets(c->rule, octets.encoded ? 0 : ' ', &octets.raw);
    return set_octets(place, &octets, good);
}

/* The boundary between two fields moves by a byte; what both hold together stays the same. */
static bool shift(const struct operation_context *c, const struct place *place)
{
    struct octets left, right, longer = { 0 };
    struct place next;
    bool good;

    (void)c;
    if (!place_next(place, &next) || !read_octets(place->value, &left))
        return false;
    good = read_octets(next.value, &right) && left.raw.len > 0;
    longer.encoded = right.encoded;
    if (good) {
        put_byte(&longer.raw, left.raw.ptr[--left.raw.len]);
        put_raw(&longer.raw, buf_bytes(&right.raw));
    }
    buf_free(&right.raw);
    good = set_octets(&next, &longer, good);
    return set_octets(place, &left, good);
}

/* ---- any value ---- */

static json_t *value_of(const struct rule *rule)
{
    return json_loadb((const char *)rule->value.ptr, rule->value.len, JSON_DECODE_ANY, NULL);
}

static bool replace(const struct operation_context *c, const struct place *place)
{
    return place_set(place, value_of(c->rule));
}

static bool make_empty(const struct operation_context *c, const struct place *place)
{
    const json_t *value = place->value;

    (void)c;
    return place_set(place, json_is_string(value)   ? json_string("")
                            : json_is_array(value)  ? json_array()
                            : json_is_object(value) ? json_object()
                                                    : NULL);
}

static bool remove_value(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return place_remove(place);
}

static bool duplicate(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return json_is_array(place->parent) && json_array_insert_new(place->parent, place->index + 1,
                                                                 json_deep_copy(place->value)) == 0;
}

static bool swap(const struct operation_context *c, const struct place *place)
{
    struct place next;
    json_t *left;
    bool good;

    (void)c;
    if (!place_next(place, &next))
        return false;
    left = json_incref(place->value);
    good = place_set(place, json_incref(next.value));
    return place_set(&next, left) && good;
}

static bool insert(const struct operation_context *c, const struct place *place)
{
    char name[101];

    return json_is_object(place->value) &&
           bytes_to_text(c->rule->name, name, sizeof name) == SKS_OK &&
           json_object_set_new(place->value, name, value_of(c->rule)) == 0;
}

static bool change_type(const struct operation_context *c, const struct place *place)
{
    json_t *value = place->value;

    (void)c;
    return place_set(place, json_is_string(value)   ? json_integer(1)
                            : json_is_number(value) ? json_string("1")
                            : json_is_boolean(value)
                                ? json_string(json_is_true(value) ? "true" : "false")
                            : json_is_object(value) ? json_pack("[O]", value)
                            : json_is_array(value)  ? json_object()
                                                    : json_true());
}

/* ---- numbers and booleans ---- */

static bool set_number(const struct place *place, json_int_t number)
{
    return json_is_integer(place->value) && place_set(place, json_integer(number));
}

static bool zero(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return set_number(place, 0);
}

static bool increment(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return set_number(place, json_integer_value(place->value) + 1);
}

static bool decrement(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return set_number(place, json_integer_value(place->value) - 1);
}

static bool fits(const struct operation_context *c)
{
    struct buf body = { 0 };
    bool good = message_write(c->message, c->answer, &body, NULL) == SKS_OK;

    buf_free(&body);
    return good;
}

static bool maximum(const struct operation_context *c, const struct place *place)
{
    static const json_int_t WIDTHS[] = { UINT32_MAX, UINT16_MAX, UINT8_MAX };

    if (!json_is_integer(place->value))
        return false;
    for (size_t i = 0; i < NITEMS(WIDTHS); i++)
        if (place_set(place, json_integer(WIDTHS[i])) && fits(c))
            return true;
    return false;
}

static bool invert(const struct operation_context *c, const struct place *place)
{
    (void)c;
    return json_is_boolean(place->value) &&
           place_set(place, json_boolean(!json_is_true(place->value)));
}

/* ---- from elsewhere ---- */

static bool splice(const struct operation_context *c, const struct place *place)
{
    struct place other;

    return c->other != NULL && place_find((json_t *)(uintptr_t)c->other, c->rule->path, &other) &&
           place_set(place, json_deep_copy(other.value));
}

static bool own_key(const struct operation_context *c, const struct place *place)
{
    return place_set(place, own_keys_replace(c->keys, place->value));
}

static bool re_encrypt(const struct operation_context *c, const struct place *place)
{
    return place_set(place, own_keys_re_encrypt(c->keys, place->value));
}

static const struct {
    bool (*apply)(const struct operation_context *c, const struct place *place);
    const char *unfit;
} OPERATIONS[] = {
    [OPERATION_FLIP] = { flip, "the value there has no such bit, or is no text without it" },
    [OPERATION_REPLACE] = { replace, "the value cannot be put there" },
    [OPERATION_TRUNCATE] = { truncate_string, "the value there is no string of that length" },
    [OPERATION_EXTEND] = { extend, "the value there is no string" },
    [OPERATION_EMPTY] = { make_empty, "the value there cannot be empty" },
    [OPERATION_DELETE] = { remove_value, "the value cannot be taken away" },
    [OPERATION_DUPLICATE] = { duplicate, "the value there is no element of an array" },
    [OPERATION_SWAP] = { swap, "nothing follows the value there" },
    [OPERATION_SHIFT] = { shift, "the value there and the next are not both strings" },
    [OPERATION_INSERT] = { insert, "the value there is no object" },
    [OPERATION_TYPE] = { change_type, "the value cannot be put there" },
    [OPERATION_ZERO] = { zero, "the value there is no number" },
    [OPERATION_INCREMENT] = { increment, "the value there is no number" },
    [OPERATION_DECREMENT] = { decrement, "the value there is no number" },
    [OPERATION_MAXIMUM] = { maximum, "the value there is no number" },
    [OPERATION_INVERT] = { invert, "the value there is no boolean" },
    [OPERATION_SPLICE] = { splice, "there is no such value of another session" },
    [OPERATION_OWN_KEY] = { own_key, "the value there is no public key" },
    [OPERATION_RE_ENCRYPT] = { re_encrypt, "the value there is not encrypted for an own key" },
};

enum sks_status operation_apply_raw(const struct rule *rule, struct buf *body,
                                    struct sks_error *err)
{
    bool good = body->len > 0;

    if (rule->operation == OPERATION_FLIP)
        good = flip_octets(rule, body);
    else if (rule->operation == OPERATION_TRUNCATE)
        good = truncate_octets(rule, body);
    else if (rule->operation == OPERATION_EXTEND)
        extend_octets(rule, 0, body);
    else
        buf_reset(body);
    if (!good)
        return sks_fail(err, SKS_ERROR_OPTION, "attack: %.*s is too short", (int)rule->message.len,
                        (const char *)rule->message.ptr);
    return sks_explain(err, body->status);
}

enum sks_status operation_apply(const struct operation_context *c, struct sks_error *err)
{
    const struct rule *rule = c->rule;
    struct place place;
    enum sks_status rc = SKS_OK;

    REQUIRE(place_find(c->message->decoded, rule->path, &place), err, SKS_ERROR_OPTION,
            "attack: %.*s has no %.*s", (int)rule->message.len, (const char *)rule->message.ptr,
            (int)rule->path.len, (const char *)rule->path.ptr);
    REQUIRE(OPERATIONS[rule->operation].apply(c, &place), err, SKS_ERROR_OPTION,
            "attack: %.*s %.*s: %s", (int)rule->message.len, (const char *)rule->message.ptr,
            (int)rule->path.len, (const char *)rule->path.ptr, OPERATIONS[rule->operation].unfit);
out:
    return rc;
}
