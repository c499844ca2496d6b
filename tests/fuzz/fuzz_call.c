/* The SKS wire: any request and any answer. What decodes must encode to the same bytes again. */
#include "token/api/calls.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_equal(const struct buf *made, struct bytes given)
{
    if (made->status == SKS_OK && !bytes_equal(buf_bytes(made), given))
        abort();
}

static void try_request(struct bytes body)
{
    const struct sks_method *method;
    struct arena arena = { 0 };
    struct buf again = { 0 };
    union sks_in in;

    if (sks_decode_request(body, &method, &in, &arena, NULL) == SKS_OK) {
        sks_encode_request(&again, method, &in);
        must_equal(&again, body);
    }
    buf_free(&again);
    arena_free(&arena);
}

static void try_answer(const struct sks_method *method, struct bytes body)
{
    struct sks_error err = { 0 };
    struct arena arena = { 0 };
    struct buf again = { 0 };
    union sks_out out;

    if (sks_decode_response(body, method, &out, &arena, &err) == SKS_OK) {
        sks_encode_response(&again, method, &out);
        must_equal(&again, body);
    }
    buf_free(&again);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sks_method *method;

    try_request(bytes_at(data, size));
    method = size == 0 ? NULL : sks_method(data[0]);
    if (method != NULL)
        try_answer(method, bytes_at(data + 1, size - 1));
    return 0;
}
