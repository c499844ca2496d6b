#include "tests/fuzz/support/input.h"

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
