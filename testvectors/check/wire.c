#include "keygen2/base/base64.h"
#include "testvectors/kinds.h"
#include "token/api/call_json.h"
#include "token/api/dialect.h"

#include <string.h>

/* Binary values are hexadecimal in vectors, and base64url where the library shows a call. */
static json_t *library_form(struct subject *s, const json_t *value, bool binary)
{
    json_t *list;

    if (json_is_array(value)) {
        list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            (void)json_array_append_new(list, library_form(s, json_array_get(value, i), binary));
        return list;
    }
    return binary ? json_binary(subject_hex(s, value)) : json_deep_copy(value);
}

/* The fields of the test against what the library has read. */
static void compare(struct subject *s, const json_t *read)
{
    const json_t *fields = subject_value(s, "fields");
    size_t extra = json_object_get(read, "status") != NULL &&
                   json_integer_value(json_object_get(read, "status")) == 0;

    if (json_object_size(read) != json_array_size(fields) + extra)
        subject_break(s, "%zu fields, not %zu", json_object_size(read) - extra,
                      json_array_size(fields));
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        const char *type = json_string_value(json_object_get(field, "type"));
        bool binary = type != NULL && (strncmp(type, "array", 5) == 0 || strcmp(type, "blob") == 0);
        json_t *wanted = library_form(s, json_object_get(field, "value"), binary);

        if (name == NULL || !json_equal(wanted, json_object_get(read, name)))
            subject_break(s, "field %s has another value", name == NULL ? "?" : name);
        json_decref(wanted);
    }
}

/* Encoded again, it is the same bytes. */
static void encode_again(struct subject *s, const struct sks_method *method, const json_t *read,
                         bool answer)
{
    struct buf body = { 0 };
    enum sks_status rc = answer ? sks_answer_from_json(method, read, &body, &s->err)
                                : sks_request_from_json(method, read, &body, &s->err);

    if (rc != SKS_OK)
        subject_break(s, "does not encode again: %s", s->err.text);
    else
        subject_agree(s, "body", buf_bytes(&body));
    buf_free(&body);
}

static enum sks_status check_request(struct subject *s, const struct sks_dialect *dialect,
                                     struct bytes body)
{
    const struct sks_method *method;
    union sks_in in;
    enum sks_status rc;
    json_t *read;

    TRY(dialect_check_method(dialect, body, &s->err));
    TRY(sks_decode_request(body, &method, &in, &s->arena, &s->err));
    read = sks_request_json(body, &method);
    compare(s, read);
    encode_again(s, method, read, false);
    json_decref(read);
out:
    return rc;
}

/* The status of a call that failed is well-formed too: only what does not decode is invalid. */
static enum sks_status check_answer(struct subject *s, struct bytes body)
{
    const struct sks_method *method = sks_method((uint8_t)subject_number(s, "method"));
    union sks_out out;
    enum sks_status rc;
    json_t *read;

    if (method == NULL) {
        subject_break(s, "no such method");
        return SKS_ERROR_INTERNAL;
    }
    rc = sks_decode_response(body, method, &out, &s->arena, &s->err);
    if ((read = sks_answer_json(body, method)) == NULL)
        return rc;
    compare(s, read);
    encode_again(s, method, read, true);
    json_decref(read);
    return SKS_OK;
}

enum sks_status subject_check_wire(struct subject *s)
{
    const struct bytes body = subject_bytes(s, "body"), path = subject_text(s, "path");

    if (!subject_is(s, "request"))
        return check_answer(s, body);
    return check_request(s,
                         bytes_equal(path, bytes_of(SKS_DIALECT_2010.path)) ? &SKS_DIALECT_2010
                                                                            : &SKS_DIALECT_107,
                         body);
}
