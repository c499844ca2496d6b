#include "keygen2/base/bytes.h"

#include <openssl/crypto.h>
#include <string.h>

struct bytes bytes_of(const char *text)
{
    return (struct bytes){ (const uint8_t *)text, text == NULL ? 0 : strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Length of the well-formed sequence at the start of p, 0 if there is none. RFC 3629, 4. */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;

    if (n == 0 || p[0] > 0xF4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return n;
}

/* Most texts are ASCII: eight bytes of it are one look. */
static bool starts_with_eight_ascii(const uint8_t *p, size_t left)
{
    uint64_t eight;

    if (left < sizeof eight)
        return false;
    memcpy(&eight, p, sizeof eight);
    return (eight & 0x8080808080808080U) == 0;
}

bool bytes_is_utf8(struct bytes a)
{
    for (size_t i = 0, n; i < a.len; i += n) {
        n = starts_with_eight_ascii(a.ptr + i, a.len - i) ? 8 : utf8_sequence(a.ptr + i, a.len - i);
        if (n == 0)
            return false;
    }
    return true;
}

size_t bytes_code_points(struct bytes a)
{
    size_t count = 0;

    for (size_t i = 0; i < a.len; i++)
        count += (a.ptr[i] & 0xC0) != 0x80;
    return count;
}

enum sks_status bytes_to_text(struct bytes a, char *text, size_t size)
{
    if (a.len >= size || (a.len > 0 && memchr(a.ptr, 0, a.len) != NULL))
        return SKS_ERROR_OPTION;
    if (a.len > 0)
        memcpy(text, a.ptr, a.len);
    text[a.len] = '\0';
    return SKS_OK;
}

bool buf_reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap < 64 ? 64 : b->cap;
    uint8_t *ptr;

    if (b->status != SKS_OK)
        return false;
    if (more <= b->cap - b->len)
        return true;
    while (cap - b->len < more) {
        if (cap > SIZE_MAX / 2)
            goto fail;
        cap *= 2;
    }
    ptr = OPENSSL_clear_realloc(b->ptr, b->cap, cap);
    if (ptr == NULL)
        goto fail;
    b->ptr = ptr;
    b->cap = cap;
    return true;
fail:
    b->status = SKS_ERROR_STORAGE;
    return false;
}

void buf_reset(struct buf *b)
{
    if (b->ptr != NULL)
        OPENSSL_cleanse(b->ptr, b->len);
    b->len = 0;
    b->status = SKS_OK;
}

void buf_free(struct buf *b)
{
    if (b == NULL)
        return;
    OPENSSL_clear_free(b->ptr, b->cap);
    *b = (struct buf){ 0 };
}

void put_raw(struct buf *b, struct bytes a)
{
    if (a.len == 0 || !buf_reserve(b, a.len))
        return;
    memcpy(b->ptr + b->len, a.ptr, a.len);
    b->len += a.len;
}

void put_text(struct buf *b, const char *text)
{
    put_raw(b, bytes_of(text));
}

/* The low `size` bytes of v, big-endian. */
static void put_number(struct buf *b, uint64_t v, size_t size)
{
    uint8_t octets[8];

    for (size_t i = 0; i < size; i++)
        octets[i] = (uint8_t)(v >> (8 * (size - 1 - i)));
    put_raw(b, bytes_at(octets, size));
}

void put_byte(struct buf *b, uint8_t v)
{
    put_number(b, v, 1);
}

void put_bool(struct buf *b, bool v)
{
    put_number(b, v, 1);
}

void put_ushort(struct buf *b, uint16_t v)
{
    put_number(b, v, 2);
}

void put_uint(struct buf *b, uint32_t v)
{
    put_number(b, v, 4);
}

void put_ulong(struct buf *b, uint64_t v)
{
    put_number(b, v, 8);
}

void put_array(struct buf *b, struct bytes a)
{
    if (a.len > UINT16_MAX) {
        if (b->status == SKS_OK)
            b->status = SKS_ERROR_OPTION;
        return;
    }
    put_ushort(b, (uint16_t)a.len);
    put_raw(b, a);
}

void put_string(struct buf *b, const char *text)
{
    put_array(b, bytes_of(text));
}

void put_blob(struct buf *b, struct bytes a)
{
    if (a.len > UINT32_MAX) {
        if (b->status == SKS_OK)
            b->status = SKS_ERROR_OPTION;
        return;
    }
    put_uint(b, (uint32_t)a.len);
    put_raw(b, a);
}

void put_list(struct buf *b, const struct bytes_list *list)
{
    if (list->count > UINT8_MAX && b->status == SKS_OK)
        b->status = SKS_ERROR_OPTION;
    put_byte(b, (uint8_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        put_array(b, list->item[i]);
}

enum sks_status get_raw(struct bytes *in, size_t len, struct bytes *v)
{
    if (len > in->len)
        return SKS_ERROR_OPTION;
    *v = (struct bytes){ in->ptr, len };
    if (len > 0) { /* an empty slice may have no pointer to move */
        in->ptr += len;
        in->len -= len;
    }
    return SKS_OK;
}

static enum sks_status get_number(struct bytes *in, size_t size, uint64_t *v)
{
    struct bytes raw;
    enum sks_status rc = get_raw(in, size, &raw);

    *v = 0;
    for (size_t i = 0; rc == SKS_OK && i < size; i++)
        *v = *v << 8 | raw.ptr[i];
    return rc;
}

enum sks_status get_byte(struct bytes *in, uint8_t *v)
{
    uint64_t n;
    enum sks_status rc = get_number(in, 1, &n);

    *v = (uint8_t)n;
    return rc;
}

enum sks_status get_bool(struct bytes *in, bool *v)
{
    uint64_t n;
    enum sks_status rc = get_number(in, 1, &n);

    *v = n == 1;
    return rc == SKS_OK && n > 1 ? SKS_ERROR_OPTION : rc;
}

enum sks_status get_ushort(struct bytes *in, uint16_t *v)
{
    uint64_t n;
    enum sks_status rc = get_number(in, 2, &n);

    *v = (uint16_t)n;
    return rc;
}

enum sks_status get_uint(struct bytes *in, uint32_t *v)
{
    uint64_t n;
    enum sks_status rc = get_number(in, 4, &n);

    *v = (uint32_t)n;
    return rc;
}

enum sks_status get_ulong(struct bytes *in, uint64_t *v)
{
    return get_number(in, 8, v);
}

enum sks_status get_array(struct bytes *in, struct bytes *v)
{
    uint16_t len;
    enum sks_status rc;

    *v = (struct bytes){ 0 };
    rc = get_ushort(in, &len);
    return rc == SKS_OK ? get_raw(in, len, v) : rc;
}

enum sks_status get_string(struct bytes *in, struct bytes *v)
{
    enum sks_status rc = get_array(in, v);

    return rc == SKS_OK && !bytes_is_utf8(*v) ? SKS_ERROR_OPTION : rc;
}

enum sks_status get_blob(struct bytes *in, struct bytes *v)
{
    uint32_t len;
    enum sks_status rc;

    *v = (struct bytes){ 0 };
    rc = get_uint(in, &len);
    return rc == SKS_OK ? get_raw(in, len, v) : rc;
}

enum sks_status get_end(const struct bytes *in)
{
    return in->len == 0 ? SKS_OK : SKS_ERROR_OPTION;
}
