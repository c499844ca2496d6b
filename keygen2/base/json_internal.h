/* What the files of json.h share. */
#ifndef KEYGEN2_BASE_JSON_INTERNAL_H
#define KEYGEN2_BASE_JSON_INTERNAL_H

#include "keygen2/base/json.h"

/** Reads the value of a property of one kind into a member of a struct. */
typedef enum sks_status json_taker(struct json_reader *r, const struct json_place *at,
                                   const struct json_field *f, const json_t *value, void *member);

json_taker json_take_const, json_take_flag, json_take_ushort, json_take_long, json_take_text,
    json_take_id, json_take_uri, json_take_binary, json_take_name;

CHECKED enum sks_status json_no_memory(struct json_reader *r);

/** As Jansson reads the text; NULL where that must be asked of Jansson itself. */
json_t *json_parse_plain(struct bytes text);

/**
 * Refuses a number of something that is out of range.
 *
 * @param max   0: any
 * @param unit  behind the number, with a space before it
 */
CHECKED enum sks_status json_check_range(struct json_reader *r, const struct json_place *at,
                                         size_t value, uint32_t min, uint32_t max,
                                         const char *unit);

#endif
