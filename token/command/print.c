#include "token/command/print.h"
#include "keygen2/base/base64.h"
#include "keygen2/base/log.h"
#include "keygen2/message/keygen2.h"
#include "token/api/call_json.h"

#include <stdio.h>
#include <stdlib.h>

const char *clean_text(struct arena *arena, struct bytes text)
{
    char *copy = arena_text(arena, text);

    if (copy == NULL)
        return "?";
    log_clean(copy);
    return copy;
}

const char *session_id_text(struct arena *arena, struct bytes id)
{
    struct buf hex = { 0 };
    const char *text = NULL;

    for (size_t i = 0; i < id.len && text == NULL; i++)
        if (id.ptr[i] < 0x21 || id.ptr[i] > 0x7E) {
            hex_encode(&hex, id);
            text = clean_text(arena, buf_bytes(&hex));
        }
    buf_free(&hex);
    return text == NULL ? clean_text(arena, id) : text;
}

const char *time_text(struct arena *arena, int64_t seconds)
{
    char text[32];

    keygen2_time_format(seconds, false, text);
    return clean_text(arena, bytes_of(text));
}

const char *value_text(const struct name *names, uint8_t value)
{
    const char *text = name_of_value(names, value);

    return text == NULL ? "?" : text;
}

/* ---- tables ---- */

static size_t width_of(const char *cell)
{
    return bytes_code_points(bytes_of(cell));
}

enum sks_status table_add(struct table *table, const char *const *cells)
{
    struct table_row *row = arena_alloc(&table->arena, 1, sizeof *row);

    if (row == NULL)
        return SKS_ERROR_STORAGE;
    for (size_t i = 0; i < TABLE_COLUMNS_MAX && table->head[i] != NULL; i++)
        row->cell[i] = cells[i] == NULL ? "?" : cells[i];
    if (table->last == NULL)
        table->first = row;
    else
        table->last->next = row;
    table->last = row;
    return SKS_OK;
}

static void print_cells(const char *const *cells, const size_t *width, size_t columns)
{
    for (size_t i = 0; i + 1 < columns; i++)
        (void)printf("%s%*s", cells[i], (int)(width[i] - width_of(cells[i]) + 2), "");
    (void)printf("%s\n", cells[columns - 1]);
}

void table_print(const struct table *table)
{
    size_t width[TABLE_COLUMNS_MAX] = { 0 }, columns = 0;

    for (; columns < TABLE_COLUMNS_MAX && table->head[columns] != NULL; columns++)
        width[columns] = width_of(table->head[columns]);
    for (const struct table_row *row = table->first; row != NULL; row = row->next)
        for (size_t i = 0; i < columns; i++)
            if (width_of(row->cell[i]) > width[i])
                width[i] = width_of(row->cell[i]);
    print_cells(table->head, width, columns);
    for (const struct table_row *row = table->first; row != NULL; row = row->next)
        print_cells(row->cell, width, columns);
}

void table_free(struct table *table)
{
    arena_free(&table->arena);
    table->first = table->last = NULL;
}

/* ---- JSON ---- */

static json_t *json_session_id(struct bytes id)
{
    struct arena arena = { 0 };
    json_t *text = json_string(session_id_text(&arena, id));

    arena_free(&arena);
    return text;
}

static json_t *json_field_value(const struct wire_field *field, const void *values)
{
    if (field->type == WIRE_RAW_ID)
        return json_session_id(*(const struct bytes *)((const uint8_t *)values + field->offset));
    return sks_field_json(field, values);
}

void json_add_outputs(json_t *object, enum method_id id, const union sks_out *out)
{
    const struct sks_method *method = sks_method((uint8_t)id);

    for (size_t i = 0; i < method->out_count; i++)
        (void)json_object_set_new(object, method->out[i].name,
                                  json_field_value(&method->out[i], out));
}

enum sks_status json_print(json_t *value, struct sks_error *err)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_INDENT(2));
    enum sks_status rc = SKS_OK;

    REQUIRE(text != NULL, err, SKS_ERROR_STORAGE, "cannot write the output as JSON");
    (void)puts(text);
out:
    free(text);
    json_decref(value);
    return rc;
}
