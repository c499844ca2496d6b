#include "keygen2/base/base64.h"

#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(struct buf *out, struct bytes in)
{
    if (!buf_reserve(out, (in.len + 2) / 3 * 4))
        return;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3; /* n octets make n + 1 characters */
        uint32_t group = (uint32_t)in.ptr[i] << 16;

        if (n > 1)
            group |= (uint32_t)in.ptr[i + 1] << 8;
        if (n > 2)
            group |= in.ptr[i + 2];
        for (size_t k = 0; k <= n; k++)
            out->ptr[out->len++] = (uint8_t)ALPHABET[group >> (18 - 6 * k) & 0x3F];
    }
}

static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

enum sks_status base64url_decode(struct bytes text, struct buf *out)
{
    uint32_t bits = 0;
    unsigned have = 0;

    if (text.len % 4 == 1)
        return SKS_ERROR_OPTION;
    if (!buf_reserve(out, text.len / 4 * 3 + 3))
        return out->status;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit(text.ptr[i]);

        if (value < 0)
            return SKS_ERROR_OPTION;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out->ptr[out->len++] = (uint8_t)(bits >> have);
            bits &= (1U << have) - 1;
        }
    }
    return bits == 0 ? SKS_OK : SKS_ERROR_OPTION; /* one text for one value */
}

void hex_encode(struct buf *out, struct bytes in)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < in.len; i++) {
        put_byte(out, (uint8_t)digits[in.ptr[i] >> 4]);
        put_byte(out, (uint8_t)digits[in.ptr[i] & 15]);
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum sks_status hex_decode(struct bytes text, struct buf *out)
{
    if (text.len % 2 != 0)
        return SKS_ERROR_OPTION;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);

        if (high < 0 || low < 0)
            return SKS_ERROR_OPTION;
        put_byte(out, (uint8_t)(high << 4 | low));
    }
    return out->status;
}
