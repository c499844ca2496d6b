/* Encodes and decodes any method by its row. rig: "The SKS wire". */
#include "token/api/calls.h"

#include <string.h>

static void put_field(struct buf *out, const struct wire_field *field, const void *values)
{
    const void *member = (const uint8_t *)values + field->offset;

    switch (field->type) {
    case WIRE_BYTE:
        put_byte(out, *(const uint8_t *)member);
        break;
    case WIRE_BOOL:
        put_bool(out, *(const bool *)member);
        break;
    case WIRE_USHORT:
        put_ushort(out, *(const uint16_t *)member);
        break;
    case WIRE_UINT:
        put_uint(out, *(const uint32_t *)member);
        break;
    case WIRE_BLOB:
        put_blob(out, *(const struct bytes *)member);
        break;
    case WIRE_ARRAYS:
    case WIRE_STRINGS:
        put_list(out, member);
        break;
    default:
        put_array(out, *(const struct bytes *)member);
    }
}

static enum sks_status get_strings(struct bytes *in, struct arena *arena, struct bytes_list *list)
{
    enum sks_status rc = get_list(in, arena, list);

    for (size_t i = 0; rc == SKS_OK && i < list->count; i++)
        if (!bytes_is_utf8(list->item[i]))
            rc = SKS_ERROR_OPTION;
    return rc;
}

static enum sks_status get_field(struct bytes *in, const struct wire_field *field,
                                 struct arena *arena, void *values)
{
    void *member = (uint8_t *)values + field->offset;

    switch (field->type) {
    case WIRE_BYTE:
        return get_byte(in, member);
    case WIRE_BOOL:
        return get_bool(in, member);
    case WIRE_USHORT:
        return get_ushort(in, member);
    case WIRE_UINT:
        return get_uint(in, member);
    case WIRE_BLOB:
        return get_blob(in, member);
    case WIRE_ARRAY:
    case WIRE_SECRET:
    case WIRE_RAW_ID:
        return get_array(in, member);
    case WIRE_ARRAYS:
        return get_list(in, arena, member);
    case WIRE_STRINGS:
        return get_strings(in, arena, member);
    default:
        return get_string(in, member);
    }
}

enum sks_status sks_decode_request(struct bytes body, const struct sks_method **method,
                                   union sks_in *in, struct arena *arena, struct sks_error *err)
{
    uint8_t id;
    enum sks_status rc;

    memset(in, 0, sizeof *in);
    *method = NULL;
    REQUIRE(get_byte(&body, &id) == SKS_OK, err, SKS_ERROR_OPTION, "empty request");
    *method = sks_method(id);
    REQUIRE(*method != NULL, err, SKS_ERROR_OPTION, "unknown method id %u", id);
    for (size_t i = 0; i < (*method)->in_count; i++) {
        rc = get_field(&body, &(*method)->in[i], arena, in);
        REQUIRE(rc == SKS_OK, err, rc, "%s: argument \"%s\" does not decode", (*method)->name,
                (*method)->in[i].name);
    }
    rc = get_end(&body);
    REQUIRE(rc == SKS_OK, err, rc, "%s: %zu bytes left over behind the arguments", (*method)->name,
            body.len);
out:
    return rc;
}

void sks_encode_request(struct buf *request, const struct sks_method *method,
                        const union sks_in *in)
{
    put_byte(request, method->id);
    for (size_t i = 0; i < method->in_count; i++)
        put_field(request, &method->in[i], in);
}

void sks_encode_response(struct buf *response, const struct sks_method *method,
                         const union sks_out *out)
{
    put_byte(response, SKS_OK);
    for (size_t i = 0; i < method->out_count; i++) {
        put_field(response, &method->out[i], out);
        if (i == 0 && method->ends_at_zero && out->handle.handle == 0)
            break;
    }
}

void sks_encode_failure(struct buf *response, const struct sks_error *err)
{
    put_byte(response, (uint8_t)err->status);
    put_string(response, err->text);
}

static enum sks_status decode_failure(struct bytes body, uint8_t status, struct sks_error *err)
{
    struct bytes text;

    if (get_string(&body, &text) != SKS_OK || get_end(&body) != SKS_OK ||
        text.len > SKS_ERROR_TEXT_MAX || status > SKS_ERROR_NOT_AVAILABLE)
        return sks_fail(err, SKS_ERROR_EXTERNAL, "the token's error answer does not decode");
    return sks_fail(err, (enum sks_status)status, "%.*s", (int)text.len, (const char *)text.ptr);
}

enum sks_status sks_decode_response(struct bytes body, const struct sks_method *method,
                                    union sks_out *out, struct arena *arena, struct sks_error *err)
{
    uint8_t status;
    enum sks_status rc;

    memset(out, 0, sizeof *out);
    REQUIRE(get_byte(&body, &status) == SKS_OK, err, SKS_ERROR_EXTERNAL, "empty answer");
    if (status != SKS_OK)
        return decode_failure(body, status, err);
    for (size_t i = 0; i < method->out_count; i++) {
        REQUIRE(get_field(&body, &method->out[i], arena, out) == SKS_OK, err, SKS_ERROR_EXTERNAL,
                "%s: output \"%s\" does not decode", method->name, method->out[i].name);
        if (i == 0 && method->ends_at_zero && out->handle.handle == 0)
            break;
    }
    REQUIRE(get_end(&body) == SKS_OK, err, SKS_ERROR_EXTERNAL,
            "%s: bytes left over behind the outputs", method->name);
    rc = SKS_OK;
out:
    return rc;
}
