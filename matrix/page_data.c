#include "matrix/page_data.h"

#include <stdio.h>
#include <string.h>

static const char *const FATES[] = { "", "altered", "dropped", "repeated", "answered" };

enum { ARROW_TOKEN = 1, ARROW_ANSWER = 2, ARROW_GOODBYE = 4 };

struct page_data {
    json_t *strings; /* each once; others have its place */
    json_t *places;  /* by the text */
    json_t *cells, *runs;
};

/* ---- cases as they come ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static enum matrix_verdict verdict_of(const json_t *item)
{
    for (size_t i = 0; i < MATRIX_VERDICTS; i++)
        if (strcmp(MATRIX_VERDICT_NAMES[i], text_of(item, "verdict")) == 0)
            return (enum matrix_verdict)i;
    return MATRIX_UNFIT;
}

static bool is_leftover(const json_t *item)
{
    return json_is_true(json_object_get(item, "leftover"));
}

/* What the grid goes by; false if it is no case. */
static bool read_case(const json_t *item, struct plan_case *read)
{
    uint8_t hop;

    *read = (struct plan_case){ .message = text_of(item, "message"),
                                .answer = strcmp(text_of(item, "direction"), "answer") == 0 };
    if (!name_to_value(HOP_NAMES, bytes_of(text_of(item, "hop")), &hop) ||
        !name_to_value(OPERATION_NAMES, bytes_of(text_of(item, "operation")), &read->operation))
        return false;
    read->hop = (enum hop)hop;
    return true;
}

enum sks_status page_grid(const json_t *cases, struct grid *grid, struct sks_error *err)
{
    struct plan_case read;
    const json_t *item;
    size_t i;
    enum sks_status rc = SKS_OK;

    json_array_foreach(cases, i, item) if (read_case(item, &read))
        REQUIRE(grid_add(grid, &read, verdict_of(item), is_leftover(item)) != NULL, err,
                SKS_ERROR_STORAGE, "no memory for the page");
    grid_sort(grid);
out:
    return rc;
}

/* ---- shortened ---- */

static json_t *place_of(struct page_data *data, const char *text)
{
    json_t *place = json_object_get(data->places, text);

    if (place != NULL)
        return json_incref(place);
    place = json_integer((json_int_t)json_array_size(data->strings));
    (void)json_array_append_new(data->strings, json_string(text));
    (void)json_object_set(data->places, text, place);
    return place;
}

static json_int_t number_of(const char *const *name, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name[i], text) == 0)
            return (json_int_t)i;
    return 0;
}

static json_t *short_arrow(struct page_data *data, const json_t *arrow)
{
    int kind = (strcmp(text_of(arrow, "hop"), "token") == 0 ? ARROW_TOKEN : 0) |
               (strcmp(text_of(arrow, "direction"), "answer") == 0 ? ARROW_ANSWER : 0) |
               (json_is_true(json_object_get(arrow, "goodbye")) ? ARROW_GOODBYE : 0);

    return json_pack("[i, o, I, I]", kind, place_of(data, text_of(arrow, "name")),
                     json_integer_value(json_object_get(arrow, "status")),
                     number_of(FATES, NITEMS(FATES), text_of(arrow, "fate")));
}

/* Keeps a case's run. @return its place; -1 if it has none */
static json_int_t keep_run(struct page_data *data, const json_t *item)
{
    const json_t *arrows = json_object_get(item, "arrows"), *arrow;
    json_t *kept;
    size_t i;

    if (arrows == NULL)
        return -1;
    kept = json_array();
    json_array_foreach(arrows, i, arrow)(void)
        json_array_append_new(kept, short_arrow(data, arrow));
    (void)json_array_append_new(
        data->runs, json_pack("{s:s, s:o}", "rules", text_of(item, "rules"), "arrows", kept));
    return (json_int_t)json_array_size(data->runs) - 1;
}

/* The place in these arrays is the script's: open_cell() and row_of() of page.html. */
static json_t *short_case(struct page_data *data, const json_t *item)
{
    return json_pack("[o, I, o, i, i, o, o, o, I]", place_of(data, text_of(item, "scenario")),
                     json_integer_value(json_object_get(item, "occurrence")),
                     place_of(data, text_of(item, "path")), (int)verdict_of(item),
                     (int)is_leftover(item), place_of(data, text_of(item, "end")),
                     place_of(data, text_of(item, "at")), place_of(data, text_of(item, "cause")),
                     keep_run(data, item));
}

void page_cell_name(size_t row, size_t operation, char name[32])
{
    (void)snprintf(name, 32, "c%zu-%zu", row, operation);
}

static void put_case(struct page_data *data, struct grid *grid, const json_t *item)
{
    struct plan_case read;
    struct grid_row *row;
    json_t *cell;
    char name[32];

    if (!read_case(item, &read) || verdict_of(item) == MATRIX_UNFIT)
        return;
    row = grid_row(grid, read.hop, read.message, read.answer);
    if (row == NULL)
        return;
    page_cell_name((size_t)(row - grid->row), read.operation, name);
    cell = json_object_get(data->cells, name);
    if (cell == NULL) {
        cell = json_array();
        (void)json_object_set_new(data->cells, name, cell);
    }
    (void)json_array_append_new(cell, short_case(data, item));
}

static json_t *names(const char *const *name, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(name[i]));
    return list;
}

json_t *page_data(const json_t *cases, struct grid *grid)
{
    struct page_data data = { json_array(), json_object(), json_object(), json_array() };
    const json_t *item;
    json_t *made;
    size_t i;

    json_array_foreach(cases, i, item) put_case(&data, grid, item);
    made = json_pack("{s:o, s:o, s:O, s:O, s:O}", "verdicts",
                     names(MATRIX_VERDICT_NAMES, MATRIX_VERDICTS), "fates",
                     names(FATES, NITEMS(FATES)), "strings", data.strings, "cells", data.cells,
                     "runs", data.runs);
    json_decref(data.strings);
    json_decref(data.places);
    json_decref(data.cells);
    json_decref(data.runs);
    return made;
}
