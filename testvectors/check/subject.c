#include "testvectors/check/subject.h"

#include "keygen2/base/base64.h"
#include "keygen2/crypto/private_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TOLD_MAX = 64 };

void subject_break(struct subject *s, const char *format, ...)
{
    va_list args;

    if (s->broken[0] != '\0') /* the first one is the cause */
        return;
    va_start(args, format);
    (void)vsnprintf(s->broken, sizeof s->broken, format, args);
    va_end(args);
}

bool subject_is(const struct subject *s, const char *type)
{
    return strcmp(json_string_value(s->type), type) == 0;
}

static const json_t *find_in(const json_t *from, const char *name)
{
    const char *dot = strchr(name, '.');
    char head[64];

    if (dot == NULL)
        return json_object_get(from, name);
    (void)snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
    return find_in(json_object_get(from, head), dot + 1);
}

static const json_t *find(const struct subject *s, const char *name)
{
    const json_t *value = find_in(s->input, name);

    return value == NULL ? find_in(s->fixtures, name) : value;
}

bool subject_has(const struct subject *s, const char *name)
{
    return find(s, name) != NULL;
}

const json_t *subject_value(struct subject *s, const char *name)
{
    const json_t *value = find(s, name);

    if (value == NULL)
        subject_break(s, "there is no %s", name);
    return value;
}

struct bytes subject_hex(struct subject *s, const json_t *value)
{
    struct buf out = { 0 };
    struct bytes kept = { 0 };

    if (!json_is_string(value) ||
        hex_decode(bytes_at(json_string_value(value), json_string_length(value)), &out) != SKS_OK)
        subject_break(s, "no hexadecimal digits");
    else
        kept = arena_copy(&s->arena, buf_bytes(&out));
    buf_free(&out);
    return kept;
}

struct bytes subject_bytes(struct subject *s, const char *name)
{
    const json_t *value = subject_value(s, name);
    struct bytes out = { 0 };

    if (value == NULL)
        return out;
    out = subject_hex(s, value);
    subject_tell(s, name, out);
    return out;
}

struct bytes subject_text(struct subject *s, const char *name)
{
    const json_t *value = subject_value(s, name);

    if (!json_is_string(value)) {
        subject_break(s, "%s is no text", name);
        return (struct bytes){ 0 };
    }
    return bytes_at(json_string_value(value), json_string_length(value));
}

uint32_t subject_number(struct subject *s, const char *name)
{
    const json_t *value = subject_value(s, name);

    if (!json_is_integer(value))
        subject_break(s, "%s is no number", name);
    return (uint32_t)json_integer_value(value);
}

bool subject_flag(struct subject *s, const char *name)
{
    const json_t *value = subject_value(s, name);

    if (!json_is_boolean(value))
        subject_break(s, "%s is neither true nor false", name);
    return json_is_true(value);
}

struct bytes_list subject_list(struct subject *s, const char *name)
{
    const json_t *value = subject_value(s, name);
    struct bytes_list list = { 0 };

    list.item = arena_alloc(&s->arena, json_array_size(value) + 1, sizeof *list.item);
    if (!json_is_array(value) || list.item == NULL)
        subject_break(s, "%s is no list", name);
    for (; list.item != NULL && list.count < json_array_size(value); list.count++)
        list.item[list.count] = subject_hex(s, json_array_get(value, list.count));
    return list;
}

/* ---- fields ---- */

struct bytes_list subject_field_list(struct subject *s, const char *name)
{
    const json_t *fields = subject_value(s, "fields");
    size_t count = json_array_size(fields);
    struct bytes_list list = { arena_alloc(&s->arena, count + 1, sizeof(struct bytes)), 0 };

    for (size_t i = 0; list.item != NULL && i < count; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *is = json_string_value(json_object_get(field, "name"));

        if (is != NULL && strcmp(is, name) == 0)
            list.item[list.count++] = subject_hex(s, json_object_get(field, "value"));
    }
    return list;
}

struct bytes subject_field(struct subject *s, const char *name)
{
    struct bytes_list list = subject_field_list(s, name);

    if (list.count != 1)
        subject_break(s, "%zu fields are called %s", list.count, name);
    return list.count == 0 ? (struct bytes){ 0 } : list.item[0];
}

uint32_t subject_field_number(struct subject *s, const char *name)
{
    struct bytes octets = subject_field(s, name);
    uint32_t value = 0;

    if (octets.len == 0 || octets.len > 4)
        subject_break(s, "%s is no number", name);
    for (size_t i = 0; i < octets.len; i++)
        value = value << 8 | octets.ptr[i];
    return value;
}

void subject_put_fields(struct subject *s, const json_t *fields, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *form = json_string_value(json_object_get(field, "form"));
        const struct bytes value = subject_hex(s, json_object_get(field, "value"));

        if (form == NULL)
            subject_break(s, "a field without form");
        else if (strcmp(form, "array") == 0)
            put_array(out, value);
        else if (strcmp(form, "blob") == 0)
            put_blob(out, value);
        else
            put_raw(out, value);
    }
}

/* ---- keys ---- */

/* OpenSSL wants the private number of an EC key together with its point. */
static EVP_PKEY *ec_private(struct bytes spki, struct bytes d)
{
    struct public_key parts;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    BIGNUM *number = BN_bin2bn(d.ptr, (int)d.len, NULL);
    struct buf point = { 0 };
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (public_key_parse(spki, &parts) == SKS_OK && parts.kind == KEY_KIND_EC && build != NULL &&
        ctx != NULL && number != NULL) {
        put_byte(&point, 4);
        put_raw(&point, parts.x);
        put_raw(&point, parts.y);
        if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, parts.curve->openssl,
                                            0) &&
            OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.ptr,
                                             point.len) &&
            (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
            (void)EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(number);
    buf_free(&point);
    return pkey;
}

EVP_PKEY *subject_key(struct subject *s, const char *name)
{
    const json_t *key = subject_value(s, name);
    const char *algorithm = json_string_value(json_object_get(key, "algorithm"));
    struct bytes d, spki;
    EVP_PKEY *pkey = NULL;

    if (key == NULL)
        return NULL;
    d = subject_hex(s, json_object_get(key, "privateKey"));
    spki = subject_hex(s, json_object_get(key, "publicKey"));
    if (algorithm == NULL) {
        subject_break(s, "%s has no algorithm", name);
    } else if (strncmp(algorithm, "RSA", 3) == 0) {
        if (private_key_from_pkcs8(d, &pkey) != SKS_OK)
            pkey = NULL;
    } else {
        pkey = ec_private(spki, d);
    }
    if (pkey == NULL)
        subject_break(s, "%s is no key", name);
    return pkey;
}

/* ---- steps ---- */

void subject_tell(struct subject *s, const char *name, struct bytes value)
{
    struct buf text = { 0 };

    if (!s->tells)
        return;
    hex_encode(&text, value.len > TOLD_MAX ? bytes_at(value.ptr, TOLD_MAX) : value);
    (void)printf("  %-22s %5zu bytes  %.*s%s\n", name, value.len, (int)text.len,
                 text.len == 0 ? "" : (const char *)text.ptr, value.len > TOLD_MAX ? "..." : "");
    buf_free(&text);
}

void subject_agree(struct subject *s, const char *name, struct bytes made)
{
    struct bytes given = subject_bytes(s, name);
    size_t at = 0;

    if (bytes_equal(given, made))
        return;
    while (at < given.len && at < made.len && given.ptr[at] == made.ptr[at])
        at++;
    subject_tell(s, "of the library", made);
    subject_break(s, "%s is not what the library makes: %zu and %zu bytes, from byte %zu on", name,
                  given.len, made.len, at);
}
