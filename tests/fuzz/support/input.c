#include "tests/fuzz/support/input.h"

#include <string.h>

enum { LIST_MAX = 4 };

uint8_t input_byte(struct input *input)
{
    uint8_t v = 0;

    return get_byte(&input->left, &v) == SKS_OK ? v : 0;
}

size_t input_choice(struct input *input, size_t count)
{
    return input_byte(input) % count;
}

struct bytes input_bytes(struct input *input)
{
    size_t len = input_byte(input);
    struct bytes v = { 0 };

    if (get_raw(&input->left, len, &v) != SKS_OK)
        (void)!get_raw(&input->left, input->left.len, &v);
    return v;
}

static struct bytes input_text(struct input *input)
{
    struct bytes v = input_bytes(input);

    return bytes_is_utf8(v) ? v : (struct bytes){ 0 };
}

static uint32_t input_uint(struct input *input)
{
    uint32_t v = 0;

    for (size_t i = 0; i < sizeof v; i++)
        v = v << 8 | input_byte(input);
    return v;
}

static void input_list(struct input *input, bool text, struct bytes_list *list, struct arena *arena)
{
    list->count = input_choice(input, LIST_MAX);
    list->item = arena_alloc(arena, list->count + 1, sizeof *list->item);
    if (list->item == NULL)
        list->count = 0;
    for (size_t i = 0; i < list->count; i++)
        list->item[i] = text ? input_text(input) : input_bytes(input);
}

void input_fields(struct input *input, const struct wire_field *field, size_t count, void *values,
                  struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        void *member = (uint8_t *)values + field[i].offset;

        switch (field[i].type) {
        case WIRE_BYTE:
            *(uint8_t *)member = input_byte(input);
            break;
        case WIRE_BOOL:
            *(bool *)member = input_choice(input, 2) == 1;
            break;
        case WIRE_USHORT:
            *(uint16_t *)member = (uint16_t)input_uint(input);
            break;
        case WIRE_UINT:
            *(uint32_t *)member = input_uint(input);
            break;
        case WIRE_ARRAY:
        case WIRE_SECRET:
        case WIRE_BLOB:
            *(struct bytes *)member = input_bytes(input);
            break;
        case WIRE_ARRAYS:
        case WIRE_STRINGS:
            input_list(input, field[i].type == WIRE_STRINGS, member, arena);
            break;
        default:
            *(struct bytes *)member = input_text(input);
        }
    }
}

/* ---- altering one field ---- */

static uint32_t alter_number(struct input *input, uint32_t old, uint32_t max)
{
    switch (input_choice(input, 6)) {
    case 0:
        return (old + 1) & max;
    case 1:
        return (old - 1) & max;
    case 2:
        return 0;
    case 3:
        return max;
    case 4:
        return input_uint(input) & max;
    default:
        return input_byte(input);
    }
}

/* Sizes around the limits of SKS. */
static size_t long_size(struct input *input)
{
    static const uint16_t SIZE[] = { 33, 65, 101, 129, 161, 256, 1001, 16385, UINT16_MAX };

    return SIZE[input_choice(input, NITEMS(SIZE))];
}

static struct bytes alter_bytes(struct input *input, struct bytes old, struct arena *arena)
{
    size_t how = input_choice(input, 6), size = how == 5 ? long_size(input) : old.len + 1;
    uint8_t *copy = arena_alloc(arena, size, 1);

    if (copy == NULL || how == 0 || size > UINT16_MAX) /* more does not fit into an array */
        return (struct bytes){ 0 };
    if (old.len > 0)
        memcpy(copy, old.ptr, old.len < size ? old.len : size);
    switch (how) {
    case 1: /* one byte less */
        return bytes_at(copy, old.len > 0 ? old.len - 1 : 0);
    case 2: /* one more */
        copy[old.len] = input_byte(input);
        return bytes_at(copy, size);
    case 3: /* a bit */
        copy[input_choice(input, size)] ^= (uint8_t)(1 << input_choice(input, 8));
        return bytes_at(copy, old.len);
    case 4:
        return input_bytes(input);
    default:
        for (size_t i = old.len; i < size; i++)
            copy[i] = '1';
        return bytes_at(copy, size);
    }
}

static void alter_list(struct input *input, struct bytes_list *list, struct arena *arena)
{
    size_t how = input_choice(input, 4),
           at = list->count == 0 ? 0 : input_choice(input, list->count);
    struct bytes *item = arena_alloc(arena, list->count + 1, sizeof *item);

    if (item == NULL || how == 0)
        list->count = 0;
    for (size_t i = 0; i < list->count; i++)
        item[i] = list->item[i];
    list->item = item;
    if (how == 1) /* one twice, or an empty one */
        item[list->count++] = item[at];
    else if (how == 2 && list->count > 0)
        list->count--;
    else if (how == 3 && list->count > 0)
        item[at] = alter_bytes(input, item[at], arena);
}

static bool same_list(const struct bytes_list *a, const struct bytes_list *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++)
        same = bytes_equal(a->item[i], b->item[i]);
    return same;
}

/* True if the member is another one now. */
static bool alter_member(struct input *input, enum wire_type type, void *member,
                         struct arena *arena)
{
    struct bytes_list list;
    struct bytes old;
    uint32_t number;

    switch (type) {
    case WIRE_BOOL:
        *(bool *)member = !*(bool *)member;
        return true;
    case WIRE_BYTE:
        number = *(uint8_t *)member;
        *(uint8_t *)member = (uint8_t)alter_number(input, number, UINT8_MAX);
        return number != *(uint8_t *)member;
    case WIRE_USHORT:
        number = *(uint16_t *)member;
        *(uint16_t *)member = (uint16_t)alter_number(input, number, UINT16_MAX);
        return number != *(uint16_t *)member;
    case WIRE_UINT:
        number = *(uint32_t *)member;
        *(uint32_t *)member = alter_number(input, number, UINT32_MAX);
        return number != *(uint32_t *)member;
    case WIRE_ARRAYS:
    case WIRE_STRINGS:
        list = *(struct bytes_list *)member;
        alter_list(input, member, arena);
        return !same_list(&list, member);
    default:
        old = *(struct bytes *)member;
        *(struct bytes *)member = alter_bytes(input, old, arena);
        return !bytes_equal(old, *(struct bytes *)member);
    }
}

const struct wire_field *input_alter(struct input *input, const struct wire_field *field,
                                     size_t count, const char *skip, void *values,
                                     struct arena *arena)
{
    if (count == 0)
        return NULL;
    field += input_choice(input, count);
    if (skip != NULL && strcmp(field->name, skip) == 0)
        return NULL;
    return alter_member(input, field->type, (uint8_t *)values + field->offset, arena) ? field
                                                                                      : NULL;
}
