/* Every method's request and answer as JSON, and back. */
#include "token/api/call_json.h"

#include <criterion/criterion.h>
#include <string.h>

static json_t *value_of(const struct wire_field *field, unsigned seed)
{
    const uint8_t data[] = { (uint8_t)seed, 0, 0xFF };

    switch (field->type) {
    case WIRE_BYTE:
        return json_integer(200 + seed % 50);
    case WIRE_USHORT:
        return json_integer(UINT16_MAX - seed);
    case WIRE_UINT:
        return json_integer((json_int_t)UINT32_MAX - seed);
    case WIRE_BOOL:
        return json_boolean(seed % 2);
    case WIRE_ARRAYS:
        return json_pack("[o, s]", json_binary(bytes_at(data, sizeof data)), "");
    case WIRE_STRINGS:
        return json_pack("[s, s]", "urn:a", "");
    case WIRE_STRING:
    case WIRE_ID:
    case WIRE_URI:
        return json_string("\xC3\xA4");
    default:
        return json_binary(bytes_at(data, sizeof data));
    }
}

static json_t *object_of(const struct wire_field *field, size_t count)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(json_object_set_new(object, field[i].name, value_of(&field[i], i)), 0);
    return object;
}

static void check_request(const struct sks_method *method, const json_t *call)
{
    const struct sks_method *seen;
    struct buf body = { 0 };
    json_t *again;

    cr_assert_eq(sks_request_from_json(method, call, &body, NULL), SKS_OK, "%s", method->name);
    again = sks_request_json(buf_bytes(&body), &seen);
    cr_assert_eq(seen, method);
    cr_assert(json_equal(again, call), "%s", method->name);
    json_decref(again);
    buf_free(&body);
}

static void check_answer(const struct sks_method *method, const json_t *answer)
{
    struct buf body = { 0 };
    json_t *again;

    cr_assert_eq(sks_answer_from_json(method, answer, &body, NULL), SKS_OK, "%s", method->name);
    again = sks_answer_json(buf_bytes(&body), method);
    cr_assert(json_equal(again, answer), "%s", method->name);
    json_decref(again);
    buf_free(&body);
}

Test(call_json, every_method_there_and_back)
{
    for (size_t i = 0; i < SKS_METHODS_COUNT; i++) {
        const struct sks_method *method = &SKS_METHODS[i];
        json_t *call = object_of(method->in, method->in_count);
        json_t *answer = object_of(method->out, method->out_count);
        json_t *failure = json_pack("{s:i, s:s}", "status", 9, "errorString", "no \xC3\xA4");

        (void)json_object_set_new(answer, "status", json_integer(0));
        check_request(method, call);
        check_answer(method, answer);
        check_answer(method, failure);
        json_decref(call);
        json_decref(answer);
        json_decref(failure);
    }
}

Test(call_json, the_end_of_an_enumeration)
{
    json_t *end = json_pack("{s:i, s:i}", "status", 0, "keyHandle", 0);

    check_answer(sks_method(ENUMERATE_KEYS), end);
    json_decref(end);
}

/* Each field of each method: missing, and of a kind that is none of the wire. */
Test(call_json, what_cannot_be_put_on_the_wire)
{
    for (size_t i = 0; i < SKS_METHODS_COUNT; i++) {
        const struct sks_method *method = &SKS_METHODS[i];
        json_t *call = object_of(method->in, method->in_count);

        for (size_t j = 0; j < method->in_count; j++) {
            json_t *value = json_incref(json_object_get(call, method->in[j].name));
            struct sks_error err = { 0 };
            struct buf body = { 0 };

            (void)json_object_del(call, method->in[j].name);
            cr_assert_eq(sks_request_from_json(method, call, &body, &err), SKS_ERROR_OPTION);
            cr_assert(strstr(err.text, method->in[j].name), "%s", err.text);
            (void)json_object_set_new(call, method->in[j].name, json_real(0.5));
            cr_assert_eq(sks_request_from_json(method, call, &body, &err), SKS_ERROR_OPTION);
            cr_assert_eq(body.len, 0);
            (void)json_object_set_new(call, method->in[j].name, value);
        }
        json_decref(call);
    }
}

static void check_refused(const char *name, json_t *value)
{
    const struct sks_method *method = sks_method(CREATE_PIN_POLICY);
    json_t *call = object_of(method->in, method->in_count);
    struct buf body = { 0 };

    (void)json_object_set_new(call, name, value);
    cr_assert_eq(sks_request_from_json(method, call, &body, NULL), SKS_ERROR_OPTION, "%s", name);
    json_decref(call);
}

Test(call_json, numbers_and_arrays_have_their_bounds)
{
    static const uint8_t LONG[UINT16_MAX + 1] = { 0 };

    check_refused("minLength", json_integer(UINT16_MAX + 1));
    check_refused("minLength", json_integer(-1));
    check_refused("format", json_integer(256));
    check_refused("provisioningHandle", json_integer((json_int_t)UINT32_MAX + 1));
    check_refused("userDefined", json_integer(1));
    check_refused("mac", json_string("not base64url!"));
    check_refused("mac", json_binary(bytes_at(LONG, sizeof LONG)));
}

Test(call_json, what_is_no_call)
{
    const struct sks_method *method;
    json_t *answer = json_pack("{s:s}", "status", "x");
    struct buf body = { 0 };

    cr_assert_null(sks_request_json(bytes_of(""), &method));
    cr_assert_null(sks_request_json(bytes_of("\xFF"), &method));
    cr_assert_null(sks_request_json(bytes_at("\x03\x00", 2), &method));
    cr_assert_null(sks_answer_json(bytes_of(""), sks_method(DELETE_KEY)));
    cr_assert_null(sks_answer_json(bytes_at("\x00\x00", 2), sks_method(DELETE_KEY)));
    cr_assert_eq(sks_answer_from_json(sks_method(DELETE_KEY), answer, &body, NULL),
                 SKS_ERROR_OPTION);
    json_decref(answer);
}
