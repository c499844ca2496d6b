/*
 * The SKS wire: any request and any answer, and for the method that the first byte picks a request
 * and an answer whose fields hold what the input says. What decodes must encode to the same bytes
 * again.
 */
#include "tests/fuzz/support/input.h"
#include "tests/plain/support/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True if the body is a request of the method, or of any if that is NULL. */
static bool recode_request(const struct sks_method *wanted, struct bytes body)
{
    const struct sks_method *method;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct buf again = { 0 };
    union sks_in in;
    bool good = sks_decode_request(body, &method, &in, &arena, &err) == SKS_OK;

    must(good == (err.text[0] == '\0'), "a refusal says why");
    if (good) {
        must(wanted == NULL || method == wanted, "the method that was asked for");
        sks_encode_request(&again, method, &in);
        must(again.status == SKS_OK && bytes_equal(buf_bytes(&again), body), "the request again");
    }
    buf_free(&again);
    arena_free(&arena);
    return good;
}

static bool recode_answer(const struct sks_method *method, struct bytes body)
{
    struct sks_error err = { 0 };
    struct arena arena = { 0 };
    struct buf again = { 0 };
    union sks_out out;
    bool good = sks_decode_response(body, method, &out, &arena, &err) == SKS_OK;

    if (good) {
        sks_encode_response(&again, method, &out);
        must(again.status == SKS_OK && bytes_equal(buf_bytes(&again), body), "the answer again");
    } else {
        must(err.status != SKS_OK, "a refusal has a status");
    }
    buf_free(&again);
    arena_free(&arena);
    return good;
}

/* New rows of the table are tried without a change here; each has a seed in the corpus. */
static void try_method(const struct sks_method *method, struct input input)
{
    struct arena arena = { 0 };
    struct buf body = { 0 };
    union sks_in in = { 0 };
    union sks_out out = { 0 };

    input_fields(&input, method->in, method->in_count, &in, &arena);
    sks_encode_request(&body, method, &in);
    must(recode_request(method, buf_bytes(&body)), "what was encoded decodes");
    buf_reset(&body);
    input_fields(&input, method->out, method->out_count, &out, &arena);
    sks_encode_response(&body, method, &out);
    must(recode_answer(method, buf_bytes(&body)), "what was encoded decodes");
    buf_free(&body);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sks_method *method = size == 0 ? NULL : sks_method(data[0]);

    (void)recode_request(NULL, bytes_at(data, size));
    if (method != NULL)
        (void)recode_answer(method, bytes_at(data + 1, size - 1));
    if (size > 0 && method == NULL)
        method = &SKS_METHODS[data[0] % SKS_METHODS_COUNT];
    if (method != NULL)
        try_method(method, (struct input){ bytes_at(data + 1, size - 1) });
    return 0;
}
