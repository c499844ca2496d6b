#include "tests/plain/support/user.h"

static const char ES256[] = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
static const uint8_t DIGEST[32] = { 1 };

void (*user_process)(struct token *token, struct bytes request,
                     struct buf *response) = token_process;

enum sks_status user_call(struct token *token, enum method_id id, const union sks_in *in,
                          union sks_out *out, struct arena *arena, struct sks_error *err)
{
    const struct sks_method *method = sks_method((uint8_t)id);
    struct buf request = { 0 }, response = { 0 };
    enum sks_status rc;

    sks_encode_request(&request, method, in);
    user_process(token, buf_bytes(&request), &response);
    rc = sks_decode_response(arena_copy(arena, buf_bytes(&response)), method, out, arena, err);
    buf_free(&request);
    buf_free(&response);
    return rc;
}

static enum sks_status try(struct token *token, enum method_id id, const union sks_in *in)
{
    struct arena arena = { 0 };
    union sks_out out;
    enum sks_status rc = user_call(token, id, in, &out, &arena, NULL);

    arena_free(&arena);
    return rc;
}

enum sks_status try_operation(struct token *token, enum method_id id, uint32_t key,
                              const char *algorithm, const char *pin, struct bytes data)
{
    const union sks_in in = { .operation = { .key_handle = key,
                                             .algorithm = bytes_of(algorithm),
                                             .authorization = bytes_of(pin),
                                             .data = data } };

    return try(token, id, &in);
}

enum sks_status try_sign(struct token *token, uint32_t key, const char *pin)
{
    return try_operation(token, SIGN_HASHED_DATA, key, ES256, pin, bytes_at(DIGEST, sizeof DIGEST));
}

enum sks_status try_manage(struct token *token, enum method_id id, uint32_t key,
                           const char *authorization)
{
    const union sks_in in = { .authorized = { key, bytes_of(authorization) } };

    return try(token, id, &in);
}

enum sks_status try_new_pin(struct token *token, enum method_id id, uint32_t key,
                            const char *authorization, const char *new_pin)
{
    const union sks_in in = { .new_pin = { key, bytes_of(authorization), bytes_of(new_pin) } };

    return try(token, id, &in);
}

enum sks_status try_set_property(struct token *token, uint32_t key, const char *type,
                                 const char *name, const char *value)
{
    const union sks_in in = { .set_property = { key, bytes_of(type), bytes_of(name),
                                                bytes_of(value) } };

    return try(token, SET_PROPERTY, &in);
}

enum sks_status try_get_extension(struct token *token, uint32_t key, const char *type)
{
    const union sks_in in = { .get_extension = { key, bytes_of(type) } };

    return try(token, GET_EXTENSION, &in);
}

enum sks_status try_protection(struct token *token, uint32_t key, struct key_protection_out *out)
{
    const union sks_in in = { .key_handle = { key } };
    struct arena arena = { 0 };
    union sks_out outputs;
    enum sks_status rc = user_call(token, GET_KEY_PROTECTION_INFO, &in, &outputs, &arena, NULL);

    *out = outputs.key_protection;
    arena_free(&arena);
    return rc;
}

uint32_t next_key(struct token *token, uint32_t after)
{
    const union sks_in in = { .key_handle = { after } };
    struct arena arena = { 0 };
    union sks_out out;

    must(user_call(token, ENUMERATE_KEYS, &in, &out, &arena, NULL) == SKS_OK, "enumerateKeys");
    arena_free(&arena);
    return out.enumerate_keys.key_handle;
}
