#include "keygen2/base/json_schema.h"

#include <stdio.h>

static const char ID_PATTERN[] = "^[!-~]{1,32}$", BASE64URL_PATTERN[] = "^[A-Za-z0-9_-]*$";

/* All of these take the value over, and lose what does not fit into memory: the caller looks at
 * the whole in the end. */
static void set(json_t *object, const char *name, json_t *value)
{
    (void)json_object_set_new(object, name, value);
}

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *names_of(const struct name *table)
{
    json_t *names = json_array();

    for (; table->text != NULL; table++)
        (void)json_array_append_new(names, json_string(table->text));
    return names;
}

/* Characters of base64url without padding that so many bytes have. */
static json_int_t base64url_length(uint32_t bytes)
{
    return (json_int_t)bytes / 3 * 4 + (bytes % 3 == 0 ? 0 : bytes % 3 + 1);
}

enum { NAME_MAX_LENGTH = 100 };

/* The name of a type in "$defs", which stands in a URI fragment. */
static void name_of_type(const struct json_type *type, char name[NAME_MAX_LENGTH])
{
    (void)snprintf(name, NAME_MAX_LENGTH, "%s", type->name);
    for (char *c = name; *c != '\0'; c++)
        if (*c == ' ')
            *c = '-';
}

static json_t *reference(const struct json_type *type)
{
    char name[NAME_MAX_LENGTH];

    name_of_type(type, name);
    return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name));
}

static json_t *element_of(const struct json_field *f)
{
    json_t *schema;

    switch (f->kind) {
    case JSON_NAMES:
        return json_pack("{s:o}", "enum", names_of(f->with));
    case JSON_RECORDS:
        return reference(f->with);
    case JSON_URIS:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uri");
    default:
        schema = json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
        if (f->kind == JSON_BINARIES)
            set(schema, "pattern", json_string(BASE64URL_PATTERN));
        return schema;
    }
}

static json_t *array_of(const struct json_field *f)
{
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", element_of(f));

    if (f->min > 0)
        set(schema, "minItems", json_integer(f->min));
    if (f->max > 0)
        set(schema, "maxItems", json_integer(f->max));
    if (f->kind == JSON_NAMES)
        set(schema, "uniqueItems", json_true());
    return schema;
}

static json_t *string_of(const struct json_field *f)
{
    json_t *schema = typed("string");
    bool binary = f->kind == JSON_BINARY;

    if (f->min > 0)
        set(schema, "minLength", json_integer(binary ? base64url_length(f->min) : f->min));
    if (f->max > 0)
        set(schema, "maxLength", json_integer(binary ? base64url_length(f->max) : f->max));
    if (binary)
        set(schema, "pattern", json_string(BASE64URL_PATTERN));
    return schema;
}

static json_t *number_of(const struct json_field *f)
{
    uint32_t limit = f->kind == JSON_USHORT ? UINT16_MAX : UINT32_MAX;

    return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)f->min, "maximum",
                     (json_int_t)(f->max == 0 ? limit : f->max));
}

static json_t *value_of(const struct json_field *f)
{
    switch (f->kind) {
    case JSON_CONST:
        return json_pack("{s:s}", "const", (const char *)f->with);
    case JSON_FLAG:
        return typed("boolean");
    case JSON_USHORT:
    case JSON_LONG:
        return number_of(f);
    case JSON_TEXT:
    case JSON_BINARY:
        return string_of(f);
    case JSON_ID:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", ID_PATTERN);
    case JSON_URI:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uri");
    case JSON_NAME:
        return json_pack("{s:o}", "enum", names_of(f->with));
    case JSON_RECORD:
        return reference(f->with);
    case JSON_CUSTOM:
        return json_object(); /* what a codec takes, a table does not say */
    default:
        return array_of(f);
    }
}

static void set_default(const struct json_field *f, json_t *schema)
{
    const char *name;

    if (f->presence == JSON_MANDATORY)
        return;
    if (f->kind == JSON_FLAG)
        set(schema, "default", json_boolean(f->fallback));
    else if ((f->kind == JSON_USHORT || f->kind == JSON_LONG) && f->fallback != 0)
        set(schema, "default", json_integer(f->fallback));
    else if (f->kind == JSON_NAME && (name = name_of_value(f->with, (uint8_t)f->fallback)) != NULL)
        set(schema, "default", json_string(name));
}

static void put_type(const struct json_type *type, json_t *schema, json_t *defs);

static void put_inner_types(const struct json_type *type, json_t *defs)
{
    char name[NAME_MAX_LENGTH];

    for (size_t i = 0; i < type->count; i++) {
        const struct json_field *f = &type->field[i];
        json_t *def;

        if (f->kind != JSON_RECORD && f->kind != JSON_RECORDS)
            continue;
        name_of_type(f->with, name);
        if (json_object_get(defs, name) != NULL)
            continue;
        def = json_object();
        set(defs, name, def); /* first: a type may hold itself */
        put_type(f->with, def, defs);
    }
}

static void put_type(const struct json_type *type, json_t *schema, json_t *defs)
{
    json_t *properties = json_object(), *required = json_array();

    set(schema, "type", json_string("object"));
    for (size_t i = 0; i < type->count; i++) {
        const struct json_field *f = &type->field[i];
        json_t *value = value_of(f);

        set_default(f, value);
        set(properties, f->name, value);
        if (f->presence == JSON_MANDATORY)
            (void)json_array_append_new(required, json_string(f->name));
    }
    set(schema, "properties", properties);
    if (json_array_size(required) > 0)
        set(schema, "required", required);
    else
        json_decref(required);
    set(schema, "additionalProperties", json_false());
    put_inner_types(type, defs);
}

json_t *json_schema(const struct json_type *type, const char *title)
{
    json_t *schema = json_object(), *defs = json_object();

    set(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    set(schema, "title", json_string(title));
    if (schema == NULL || defs == NULL) {
        json_decref(schema);
        json_decref(defs);
        return NULL;
    }
    put_type(type, schema, defs);
    set(schema, "$defs", defs);
    return schema;
}
