/*
 * Every message decoder, the encoder behind it, and JSON below both.
 *
 * The first byte picks the message, the rest is its text. What decodes must encode, and what was
 * encoded must decode to what encodes to the same text. A lenient reader takes whatever is JSON.
 * What the short way through JSON reads, Jansson reads as the same.
 */
#include "keygen2/base/json_internal.h"
#include "tests/unit/support/keygen2/messages.h"

#include <stdlib.h>

/* The corpus knows their numbers. */
static const struct json_type *const TYPES[] = {
    &INVOCATION_REQUEST,
    &INVOCATION_RESPONSE,
    &PROVISIONING_INITIALIZATION_REQUEST,
    &PROVISIONING_INITIALIZATION_RESPONSE,
    &KEY_CREATION_REQUEST,
    &KEY_CREATION_RESPONSE,
    &PROVISIONING_FINALIZATION_REQUEST,
    &PROVISIONING_FINALIZATION_RESPONSE,
    &CREDENTIAL_DISCOVERY_REQUEST,
    &CREDENTIAL_DISCOVERY_RESPONSE,
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* True if the text is a message, whose encoding then is in *again. */
static bool recode(const struct json_type *type, struct bytes text, struct buf *again)
{
    union message message;
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    enum sks_status rc = keygen2_decode(type, text, &message, &arena, &err);

    must((rc == SKS_OK) == (err.text[0] == '\0')); /* a refusal always says why */
    if (rc == SKS_OK)
        must(keygen2_encode(type, &message, again) == SKS_OK);
    arena_free(&arena);
    return rc == SKS_OK;
}

/* What a blind proxy makes of it: of some of that no message can be made again. */
static void read_leniently(const struct json_type *type, struct bytes text)
{
    union message message;
    void *const out[] = { &message };
    struct arena arena = { 0 };
    struct sks_error err = { 0 };
    struct buf again = { 0 };
    size_t found;

    if (keygen2_decode_one_of(&type, 1, true, text, out, &found, &arena, &err) == SKS_OK)
        (void)!keygen2_encode(type, &message, &again);
    else
        must(err.text[0] != '\0');
    buf_free(&again);
    arena_free(&arena);
}

static void read_both_ways(struct bytes text)
{
    json_t *plain = json_parse_plain(text), *jansson = NULL;
    struct buf by[2] = { { 0 }, { 0 } };

    if (plain == NULL)
        return;
    jansson = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    must(jansson != NULL && json_write(plain, &by[0]) == SKS_OK &&
         json_write(jansson, &by[1]) == SKS_OK &&
         bytes_equal(buf_bytes(&by[0]), buf_bytes(&by[1])));
    json_decref(plain);
    json_decref(jansson);
    buf_free(&by[0]);
    buf_free(&by[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_type *type;
    struct buf first = { 0 }, second = { 0 };

    if (size == 0)
        return 0;
    type = TYPES[data[0] % NITEMS(TYPES)];
    read_both_ways(bytes_at(data + 1, size - 1));
    read_leniently(type, bytes_at(data + 1, size - 1));
    if (recode(type, bytes_at(data + 1, size - 1), &first)) {
        must(recode(type, buf_bytes(&first), &second));
        must(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
        must(keygen2_qualifier(buf_bytes(&first))[0] != '?');
    }
    buf_free(&first);
    buf_free(&second);
    return 0;
}
