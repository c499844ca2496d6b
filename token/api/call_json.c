#include "token/api/call_json.h"

#include "keygen2/base/base64.h"

#include <openssl/crypto.h>

static const char STATUS[] = "status", ERROR_STRING[] = "errorString";

/* ---- to JSON ---- */

json_t *sks_field_json(const struct wire_field *field, const void *values)
{
    const void *member = (const uint8_t *)values + field->offset;

    switch (field->type) {
    case WIRE_BYTE:
        return json_integer(*(const uint8_t *)member);
    case WIRE_BOOL:
        return json_boolean(*(const bool *)member);
    case WIRE_USHORT:
        return json_integer(*(const uint16_t *)member);
    case WIRE_UINT:
        return json_integer(*(const uint32_t *)member);
    case WIRE_ARRAYS:
        return json_list(member, json_binary);
    case WIRE_STRINGS:
        return json_list(member, json_text);
    case WIRE_STRING:
    case WIRE_ID:
    case WIRE_URI:
        return json_text(*(const struct bytes *)member);
    default:
        return json_binary(*(const struct bytes *)member);
    }
}

static bool add_fields(json_t *object, const struct wire_field *field, size_t count,
                       const void *values)
{
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(object, field[i].name, sks_field_json(&field[i], values)) != 0)
            return false;
    return true;
}

json_t *sks_request_json(struct bytes body, const struct sks_method **method)
{
    struct arena arena = { 0 };
    union sks_in in;
    json_t *call = NULL;

    if (sks_decode_request(body, method, &in, &arena, NULL) == SKS_OK &&
        (call = json_object()) != NULL &&
        !add_fields(call, (*method)->in, (*method)->in_count, &in)) {
        json_decref(call);
        call = NULL;
    }
    OPENSSL_cleanse(&in, sizeof in);
    arena_free(&arena);
    return call;
}

/* How many outputs there are: behind a first one of 0, an enumeration has no more. */
static size_t count_outputs(const struct sks_method *method, uint32_t first)
{
    return method->ends_at_zero && first == 0 ? 1 : method->out_count;
}

json_t *sks_answer_json(struct bytes body, const struct sks_method *method)
{
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    union sks_out out;
    enum sks_status status = sks_decode_response(body, method, &out, &arena, &err);
    json_t *answer = NULL;

    /* The first byte tells the token's own word from an answer that does not decode. */
    if (body.len > 0 && body.ptr[0] == (uint8_t)status &&
        (answer = json_pack("{s:i}", STATUS, (int)status)) != NULL &&
        (status == SKS_OK
             ? !add_fields(answer, method->out, count_outputs(method, out.handle.handle), &out)
             : json_object_set_new(answer, ERROR_STRING, json_text(bytes_of(err.text))) != 0)) {
        json_decref(answer);
        answer = NULL;
    }
    arena_free(&arena);
    return answer;
}

/* ---- from JSON ---- */

static struct bytes text_of(const json_t *value)
{
    return bytes_at(json_string_value(value), json_string_length(value));
}

static bool read_number(const json_t *value, json_int_t max, uint32_t *number)
{
    *number = (uint32_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 &&
           json_integer_value(value) <= max;
}

/* Text, or bytes that the arena holds then. */
static bool read_string(const json_t *value, bool text, struct arena *arena, struct bytes *out)
{
    struct buf raw = { 0 };
    bool good = json_is_string(value);

    if (good && text)
        put_raw(&raw, text_of(value));
    else
        good = good && base64url_decode(text_of(value), &raw) == SKS_OK;
    *out = arena_copy(arena, buf_bytes(&raw));
    buf_free(&raw);
    return good && out->ptr != NULL;
}

static bool read_list(const json_t *value, bool text, struct arena *arena, struct bytes_list *list)
{
    list->count = json_array_size(value);
    list->item = arena_alloc(arena, list->count + 1, sizeof *list->item);
    for (size_t i = 0; list->item != NULL && i < list->count; i++)
        if (!read_string(json_array_get(value, i), text, arena, &list->item[i]))
            return false;
    return json_is_array(value) && list->count <= UINT8_MAX && list->item != NULL;
}

static bool read_field(const struct wire_field *field, const json_t *value, struct arena *arena,
                       void *values)
{
    void *member = (uint8_t *)values + field->offset;
    uint32_t number = 0;
    bool text = field->type == WIRE_STRING || field->type == WIRE_ID || field->type == WIRE_URI;

    switch (field->type) {
    case WIRE_BYTE:
        if (!read_number(value, UINT8_MAX, &number))
            return false;
        *(uint8_t *)member = (uint8_t)number;
        return true;
    case WIRE_USHORT:
        if (!read_number(value, UINT16_MAX, &number))
            return false;
        *(uint16_t *)member = (uint16_t)number;
        return true;
    case WIRE_UINT:
        return read_number(value, UINT32_MAX, member);
    case WIRE_BOOL:
        *(bool *)member = json_is_true(value);
        return json_is_boolean(value);
    case WIRE_ARRAYS:
    case WIRE_STRINGS:
        return read_list(value, field->type == WIRE_STRINGS, arena, member);
    default:
        return read_string(value, text, arena, member) &&
               (field->type == WIRE_BLOB || ((struct bytes *)member)->len <= UINT16_MAX);
    }
}

static enum sks_status read_fields(const struct sks_method *method, const struct wire_field *field,
                                   size_t count, const json_t *object, struct arena *arena,
                                   void *values, struct sks_error *err)
{
    enum sks_status rc = SKS_OK;

    for (size_t i = 0; i < count; i++)
        REQUIRE(read_field(&field[i], json_object_get(object, field[i].name), arena, values), err,
                SKS_ERROR_OPTION, "%s: \"%s\" is missing or cannot be put on the wire",
                method->name, field[i].name);
out:
    return rc;
}

enum sks_status sks_request_from_json(const struct sks_method *method, const json_t *call,
                                      struct buf *body, struct sks_error *err)
{
    struct arena arena = { 0 };
    union sks_in in = { 0 };
    enum sks_status rc;

    TRY(read_fields(method, method->in, method->in_count, call, &arena, &in, err));
    sks_encode_request(body, method, &in);
    rc = sks_explain(err, body->status);
out:
    arena_free(&arena);
    return rc;
}

static enum sks_status put_failure(uint8_t status, const json_t *answer, struct buf *body,
                                   struct sks_error *err)
{
    const json_t *text = json_object_get(answer, ERROR_STRING);
    enum sks_status rc;

    REQUIRE(json_is_string(text), err, SKS_ERROR_OPTION, "\"%s\" is missing", ERROR_STRING);
    put_byte(body, status);
    put_array(body, text_of(text));
    rc = sks_explain(err, body->status);
out:
    return rc;
}

enum sks_status sks_answer_from_json(const struct sks_method *method, const json_t *answer,
                                     struct buf *body, struct sks_error *err)
{
    struct arena arena = { 0 };
    union sks_out out = { 0 };
    uint32_t status;
    enum sks_status rc;

    REQUIRE(read_number(json_object_get(answer, STATUS), UINT8_MAX, &status), err, SKS_ERROR_OPTION,
            "\"%s\" is no number of a status", STATUS);
    if (status != SKS_OK)
        return put_failure((uint8_t)status, answer, body, err);
    TRY(read_fields(method, method->out, method->out_count > 0 ? 1 : 0, answer, &arena, &out, err));
    TRY(read_fields(method, method->out, count_outputs(method, out.handle.handle), answer, &arena,
                    &out, err));
    sks_encode_response(body, method, &out);
    rc = sks_explain(err, body->status);
out:
    arena_free(&arena);
    return rc;
}
