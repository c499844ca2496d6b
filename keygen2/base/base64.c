#include "keygen2/base/base64.h"

#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(struct buf *out, struct bytes in)
{
    uint8_t *to;
    size_t i = 0;

    if (in.len == 0 || !buf_reserve(out, (in.len + 2) / 3 * 4))
        return;
    to = out->ptr + out->len;
    for (; in.len - i >= 3; i += 3) {
        uint32_t group = (uint32_t)in.ptr[i] << 16 | (uint32_t)in.ptr[i + 1] << 8 | in.ptr[i + 2];

        *to++ = (uint8_t)ALPHABET[group >> 18];
        *to++ = (uint8_t)ALPHABET[group >> 12 & 0x3F];
        *to++ = (uint8_t)ALPHABET[group >> 6 & 0x3F];
        *to++ = (uint8_t)ALPHABET[group & 0x3F];
    }
    if (i < in.len) { /* n octets make n + 1 characters */
        uint32_t group = (uint32_t)in.ptr[i] << 16;

        if (in.len - i > 1)
            group |= (uint32_t)in.ptr[i + 1] << 8;
        for (size_t k = 0; k <= in.len - i; k++)
            *to++ = (uint8_t)ALPHABET[group >> (18 - 6 * k) & 0x3F];
    }
    out->len = (size_t)(to - out->ptr);
}

enum { NO = 64, NOT_ASCII = 0x80 }; /* no digit: bits above those of its value */

static const uint8_t DIGITS[128] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, 62, NO, NO, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, NO, 0,
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, NO, NO, NO, NO, 63, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
};

static uint32_t digit(uint8_t c)
{
    return DIGITS[c & 0x7F] | (c & NOT_ASCII);
}

/* The value of four characters; too large if one of them is no digit. */
static uint32_t group_of(const uint8_t *c)
{
    uint32_t first = digit(c[0]), second = digit(c[1]), third = digit(c[2]), fourth = digit(c[3]);

    if (((first | second | third | fourth) & (NO | NOT_ASCII)) != 0)
        return UINT32_MAX;
    return first << 18 | second << 12 | third << 6 | fourth;
}

/* What is left behind the last group of four. */
static enum sks_status decode_rest(const uint8_t *c, size_t len, struct buf *out)
{
    uint32_t group;
    uint8_t whole[4] = { 'A', 'A', 'A', 'A' };

    memcpy(whole, c, len);
    group = group_of(whole);
    if (len == 1 || group == UINT32_MAX || (group & (len == 2 ? 0xFFFFU : 0xFFU)) != 0)
        return SKS_ERROR_OPTION; /* one text for one value */
    out->ptr[out->len++] = (uint8_t)(group >> 16);
    if (len == 3)
        out->ptr[out->len++] = (uint8_t)(group >> 8);
    return SKS_OK;
}

enum sks_status base64url_decode(struct bytes text, struct buf *out)
{
    uint8_t *to;
    size_t i = 0;

    if (!buf_reserve(out, text.len / 4 * 3 + 3))
        return out->status;
    to = out->ptr + out->len;
    for (; text.len - i >= 4; i += 4) {
        uint32_t group = group_of(text.ptr + i);

        if (group == UINT32_MAX)
            return SKS_ERROR_OPTION;
        *to++ = (uint8_t)(group >> 16);
        *to++ = (uint8_t)(group >> 8);
        *to++ = (uint8_t)group;
    }
    out->len = (size_t)(to - out->ptr);
    return i == text.len ? SKS_OK : decode_rest(text.ptr + i, text.len - i, out);
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
